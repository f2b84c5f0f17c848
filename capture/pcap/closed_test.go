package pcap

import (
	"math/rand/v2"
	"testing"
)

// TestClosedFlows compares what is remembered of closed connections with a list that is
// searched from its end, also where the numbers begin anew.
func TestClosedFlows(t *testing.T) {
	for _, begin := range []uint32{1, 500, ^uint32(0) - 700} {
		var c closedFlows
		c.grow()
		c.first, c.end = begin, begin
		for i := range c.heads {
			c.heads[i] = begin - 1
		}
		rnd := rand.New(rand.NewPCG(uint64(begin), 1))
		var model []closedFlow
		some := func() key { return key{a: address{lo: rnd.Uint64N(900)}, pa: 7547} }
		for step := range 20_000 {
			switch n := rnd.IntN(10); {
			case n < 4:
				f := flow{key: some(), isn: [2]uint32{uint32(step), 1}}
				f.half[0].next, f.half[1].known = uint32(step)+9, true
				c.add(&f, int64(step))
				model = append(model, closedFlow{key: f.key, closed: int64(step)})
			case n < 7 && len(model) > 0 && (step/4000%2 == 1 || len(model) > 1500):
				if o := c.oldest(); o == nil || o.closed != model[0].closed {
					t.Fatalf("step %d: the oldest is %v", step, o)
				}
				c.forget()
				model = model[1:]
			default:
				k := some()
				var want *closedFlow
				for i := len(model) - 1; i >= 0 && want == nil; i-- {
					if model[i].key == k {
						want = &model[i]
					}
				}
				got := c.find(&k)
				if want != nil && want.gone {
					want = nil
				}
				if (got == nil) != (want == nil) {
					t.Fatalf("step %d: found %v, want %v", step, got, want)
				}
				if got == nil {
					continue
				}
				if got.closed != want.closed || got.next[0] != uint32(got.closed)+9 || got.isn[0] != uint32(got.closed) || !got.known[1] || got.known[0] {
					t.Fatalf("step %d: found %v, want %v", step, got, want)
				}
				if n == 9 {
					got.gone, want.gone = true, true
				}
			}
			if c.n() != len(model) {
				t.Fatalf("step %d: %d, want %d", step, c.n(), len(model))
			}
		}
	}
}
