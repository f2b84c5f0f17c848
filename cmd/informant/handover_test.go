package main

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestHandover holds that all that is put comes out in order, that no more than the limit
// is on its way but for one thing, however large, and that a context that ends ends a wait.
func TestHandover(t *testing.T) {
	const limit = 1000
	h := newHandover[[]int](4, limit)
	sizes := []int64{1, 999, 1, 5000, 0, 400, 400, 400, 2000, 3000}
	go func() {
		defer h.close()
		for i := range 2000 {
			list := append(h.reuse(), i)
			if !h.put(t.Context(), list, sizes[i%len(sizes)]) {
				t.Error("put gave up")
				return
			}
		}
	}()
	next := 0
	for x := range h.queue {
		if held := h.held.Load(); held > limit && held != x.bytes {
			t.Fatalf("%d bytes are on their way, %d of them at hand", held, x.bytes)
		}
		if len(x.what) != 1 || x.what[0] != next {
			t.Fatalf("%v instead of %d", x.what, next)
		}
		next++
		h.release(x, x.what[:0])
	}
	if next != 2000 || h.held.Load() != 0 {
		t.Errorf("%d came out, %d bytes are held", next, h.held.Load())
	}

	h = newHandover[[]int](1, limit)
	ctx, cancel := context.WithCancel(t.Context())
	if !h.put(ctx, nil, 600) {
		t.Error("the first does not go through")
	}
	time.AfterFunc(time.Millisecond, cancel)
	if h.put(ctx, nil, 600) { // too much
		t.Error("the second went through")
	}
	if h.put(ctx, nil, 0) { // the queue is full
		t.Error("the third went through")
	}
}

// TestOrderBounded holds that an order writes what one would that takes everything in and
// then lets the earliest go while there is too much.
func TestOrderBounded(t *testing.T) {
	type item struct {
		start, seq int
		text       string
	}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 5))
		const limit = 4000
		var got, want strings.Builder
		o := &order{w: &got, limit: limit}
		var held []item
		size := 0
		pop := func() {
			at := 0
			for i := range held {
				if x, y := held[i], held[at]; x.start < y.start || x.start == y.start && x.seq < y.seq {
					at = i
				}
			}
			want.WriteString(held[at].text)
			size -= len(held[at].text)
			held = slices.Delete(held, at, at+1)
		}
		for seq := range 200 {
			start, n := r.IntN(50), r.IntN(900)
			if r.IntN(20) == 0 {
				n = r.IntN(3 * limit)
			}
			text := strings.Repeat(string(rune('a'+seq%26)), n)
			if err := o.put(time.Unix(int64(start), 0), []byte(text)); err != nil {
				t.Fatal(err)
			}
			held, size = append(held, item{start, seq, text}), size+n
			for size > limit {
				pop()
			}
		}
		for len(held) > 0 {
			pop()
		}
		if err := o.flush(); err != nil || got.String() != want.String() {
			t.Fatalf("seed %d: %v, other output", seed, err)
		}
	}
}

// TestRoom holds that the heap may grow by something, and not beyond the most where what
// is held leaves room below it.
func TestRoom(t *testing.T) {
	for held := int64(0); held < 2<<30; held += held/3 + 1<<20 {
		for looked := int64(0); looked <= held; looked += held/7 + 1 {
			for _, beside := range []int64{0, 8 << 20, 30 << 20} {
				switch r := room(held, beside, looked); {
				case r < least, held+beside+narrow <= most && held+beside+r > most, r > max(roomy, (held+beside-most)/beyond), held > 8*most && r < held/8:
					t.Errorf("%d held, %d beside, %d looked through: room for %d", held, beside, looked, r)
				}
			}
		}
	}
	runtime.GC()
	if held, beside, looked := newGauge().read(); held <= 0 || beside <= 0 || beside > 1<<30 || looked <= 0 {
		t.Errorf("held %d, beside %d, looked through %d", held, beside, looked)
	}
}
