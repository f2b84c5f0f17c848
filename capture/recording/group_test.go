package recording

import (
	"bytes"
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"informant/capture"
)

// traffic makes n records of all kinds on a few connections, at random; times go
// back and forth, and some are unknown. Every connection begins with an Open.
func traffic(rnd *rand.Rand, n int) []capture.Record {
	now := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
	all := make([]*capture.Conn, 5)
	var records []capture.Record
	add := func(r capture.Record) {
		r.Seq = uint64(len(records) + 1)
		records = append(records, r)
	}
	for i := range all {
		c := &capture.Conn{ID: uint64(i*100 + 1), Client: netip.MustParseAddrPort("10.0.0.1:5000"), Server: netip.MustParseAddrPort("[2001:db8::1]:7547"), Point: "eth0 \"x\"\n"}
		c.Identity = capture.NewIdentity(c.Network, c.Client, c.Server, now, "")
		if i == 3 {
			c.Origin, c.Client, c.Identity = capture.Synthesised, netip.AddrPort{}, [16]byte{1, 2, 255}
		}
		if i == 4 {
			c.Network = capture.UDP
		}
		all[i] = c
		add(capture.Record{Conn: c, Kind: capture.Open, Time: now, Packet: 1, Midstream: i == 2})
	}
	for len(records) < n {
		r := capture.Record{Conn: all[rnd.IntN(len(all))], From: capture.Direction(rnd.IntN(2)), Packet: uint64(rnd.IntN(3)) * uint64(len(records))}
		if rnd.IntN(10) > 0 {
			now = now.Add(time.Duration(rnd.IntN(2e9) - 3e8))
			r.Time = now
		}
		switch rnd.IntN(6) {
		case 0:
			r.Kind, r.Lost = capture.Gap, int64(rnd.IntN(100)-1)
		case 1:
			r.Kind, r.Text = capture.Remark, "a remark\nof two lines \xff"
		case 2:
			// One direction only: then the connection goes on.
			r.Kind, r.End, r.From = capture.Close, capture.End(rnd.IntN(5)), capture.FromClient
		default:
			r.Kind = capture.Data + capture.Kind(rnd.IntN(2))
			r.Data = bytes.Repeat([]byte("G 1 \nC"), rnd.IntN(300))
		}
		add(r)
	}
	for _, c := range all[:3] {
		add(capture.Record{Conn: c, Kind: capture.Close, Both: true, From: capture.FromServer, End: capture.RST, Time: now})
	}
	return records
}

// keep copies a record that a source yielded.
func keep(r capture.Record) capture.Record {
	r.Data = bytes.Clone(r.Data)
	return r
}

// same compares records, with what they say of their connections.
func same(t *testing.T, got, want []capture.Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d records, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		g, w := got[i], want[i]
		if *g.Conn != *w.Conn {
			t.Fatalf("record %d: connection %+v, want %+v", i, g.Conn, w.Conn)
		}
		g.Conn = w.Conn
		if len(g.Data) == 0 && len(w.Data) == 0 {
			g.Data, w.Data = nil, nil
		}
		if !reflect.DeepEqual(g, w) {
			t.Fatalf("record %d:\n%+v, want\n%+v", i, g, w)
		}
	}
}

// groupOf is the text of a group of records.
func groupOf(number uint64, kind string, records []capture.Record) []byte {
	var g group
	g.begin(number, kind, &records[0])
	opened := map[*capture.Conn]time.Time{}
	for i := range records {
		r := &records[i]
		if r.Kind == capture.Open {
			opened[r.Conn] = identityTime(r)
		}
		g.add(r, opened[r.Conn])
	}
	return g.text
}

func readGroup(t *testing.T, text []byte) (records []capture.Record) {
	t.Helper()
	c, err := openGroup(text, 0, &conns{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		ok, err := c.next()
		if err != nil {
			t.Fatalf("after %d records: %v", len(records), err)
		}
		if !ok {
			return records
		}
		records = append(records, keep(c.record))
	}
}

func TestGroup(t *testing.T) {
	want := traffic(rand.New(rand.NewPCG(1, 2)), 1000)
	text := groupOf(3, session+goesOn, want)
	same(t, readGroup(t, text), want)
	if end, err := groupEnd(text, bytes.IndexByte(text, '\n')+1); end != len(text) || err != nil {
		t.Errorf("the group ends at %d, %v; want %d", end, err, len(text))
	}
	c, _ := openGroup(text, 0, &conns{})
	if c.Number != 3 || c.Kind != session || !c.GoesOn {
		t.Errorf("heading %+v", c.heading)
	}
}

func TestMicros(t *testing.T) {
	for _, ns := range []int64{0, 1, -1, 10, 999, 1000, 1001, -1230, 1e9, math.MaxInt64, math.MinInt64, math.MinInt64 + 1} {
		b := appendMicros(nil, ns)
		if got, err := parseMicros(b); got != ns || err != nil {
			t.Errorf("%d is %s is %d, %v", ns, b, got, err)
		}
	}
	for _, s := range []string{"", "-", "1.", "1.2345", ".1", "1.x", "9223372036854775.808", "--1", "99999999999999999999"} {
		if ns, err := parseMicros([]byte(s)); err == nil {
			t.Errorf("%q is %d", s, ns)
		}
	}
}

func TestHeaderLines(t *testing.T) {
	h := NewHeader([]string{"informant", "import", "a b.pcap", "-w", "it's\n\x80\\\"ü\u2028.cwmp"})
	h.Sources = []string{"file \"x\" 12 sha256:00", " two  spaces "}
	h.From = []string{"sealed 00"}
	h.Dictionary = Dictionary{ID: 77, Sum: [32]byte{1}, Name: "general-1"}
	h.Follows = &Follows{ID: [16]byte{9}, Seq: math.MaxUint64}
	_, body, _, err := parseBlock(h.append(nil))
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseHeader(body)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(h, got); d != "" {
		t.Error(d)
	}
}

// TestHeaderLong holds that what does not fit is left out, and said.
func TestHeaderLong(t *testing.T) {
	h := Header{Command: string(bytes.Repeat([]byte("x"), 1e6))}
	for range 10000 {
		h.Sources = append(h.Sources, "file a-long-name-of-a-file.pcap 1000")
		h.From = append(h.From, "merged 00000000000000000000000000000000")
	}
	b := h.append(nil)
	if len(b) > maxHead {
		t.Errorf("%d bytes", len(b))
	}
	_, body, _, _ := parseBlock(b)
	got, err := parseHeader(body)
	if err != nil || len(got.Sources) < 100 || len(got.From) < 100 {
		t.Errorf("%d, %d, %v", len(got.Sources), len(got.From), err)
	}
}
