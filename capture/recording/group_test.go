package recording

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"informant/capture"
)

func TestGroupRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	now := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
	opened := now
	var all []*capture.Conn
	for i := range 5 {
		c := &capture.Conn{ID: uint64(i*100 + 1), Client: netip.MustParseAddrPort("10.0.0.1:5000"), Server: netip.MustParseAddrPort("[2001:db8::1]:7547"), Point: "eth0 \"x\"\n"}
		c.Identity = capture.NewIdentity(c.Network, c.Client, c.Server, now, "")
		if i == 3 {
			c.Origin, c.Client, c.Identity = capture.Synthesised, netip.AddrPort{}, [16]byte{1, 2, 255}
		}
		all = append(all, c)
	}
	var in []capture.Record
	for i := range 1000 {
		r := capture.Record{Seq: uint64(i*3 + 7), Conn: all[rnd.IntN(5)], From: capture.Direction(rnd.IntN(2)), Packet: uint64(rnd.IntN(3)) * uint64(i)}
		if rnd.IntN(10) > 0 {
			now = now.Add(time.Duration(rnd.IntN(2e9) - 3e8))
			r.Time = now
		}
		switch rnd.IntN(6) {
		case 0:
			r.Kind, r.Midstream, r.From = capture.Open, rnd.IntN(2) == 0, 0
		case 1:
			r.Kind, r.Lost = capture.Gap, int64(rnd.IntN(100)-1)
		case 2:
			r.Kind, r.Text = capture.Remark, "a remark\nof two lines"
		case 3:
			r.Kind, r.End, r.Both = capture.Close, capture.End(rnd.IntN(5)), rnd.IntN(2) == 0
		default:
			r.Kind = capture.Data + capture.Kind(rnd.IntN(2))
			r.Data = bytes.Repeat([]byte("G 1 \nC"), rnd.IntN(300))
		}
		in = append(in, r)
	}
	var g group
	g.begin(3, session+goesOn, &in[0])
	for i := range in {
		from := opened
		if in[i].Conn.Origin == capture.Synthesised {
			from = time.Time{}
		}
		g.add(&in[i], from)
	}
	c, err := openGroup(g.text, 0, &conns{})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		r, ok, _, err := c.next()
		if err != nil {
			t.Fatal(i, err)
		}
		if !ok {
			if i != len(in) {
				t.Fatal("read", i)
			}
			break
		}
		want := in[i]
		if !r.Time.Equal(want.Time) || r.Conn.ID != want.Conn.ID {
			t.Fatal(i, r, want)
		}
		if *r.Conn != *want.Conn {
			t.Fatalf("%d: %+v, want %+v", i, r.Conn, want.Conn)
		}
		r.Time, r.Conn = want.Time, want.Conn
		if len(r.Data) == 0 && len(want.Data) == 0 {
			r.Data, want.Data = nil, nil
		}
		if !reflect.DeepEqual(r, want) {
			t.Fatalf("%d: %+v, want %+v", i, r, want)
		}
	}
}
