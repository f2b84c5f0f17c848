package recording

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"informant/capture"
)

// TestSpill holds that groups that wait in a file are read as from memory, and
// that few bytes stay in memory however many groups have begun.
func TestSpill(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	want := interleaved(rnd, 300, 40)
	file := sessions(t, want)
	for _, limit := range []int{0, 20000, maxHeld} {
		d, err := NewReader(bytes.NewReader(file), ReaderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		d.maxHeld = limit
		spilled, most := false, 0
		var got []capture.Record
		for {
			r, err := d.Next()
			if err != nil {
				break
			}
			got = append(got, keep(r))
			spilled = spilled || d.spill.users > 0
			most = max(most, d.held)
		}
		same(t, got, want)
		if spilled != (limit < maxHeld) {
			t.Errorf("limit %d: spilled %v", limit, spilled)
		}
		if limit < maxHeld && most > limit+2*maxGroup {
			t.Errorf("limit %d: %d bytes held", limit, most)
		}
		if d.held != 0 || d.spill.users != 0 || d.spill.size != 0 {
			t.Errorf("limit %d: at the end %d, %+v", limit, d.held, d.spill)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// interleaved makes n connections whose records take turns.
func interleaved(rnd *rand.Rand, n, each int) (records []capture.Record) {
	conns := make([]*capture.Conn, n)
	for i := range conns {
		conns[i] = &capture.Conn{ID: uint64(i + 1), Identity: [16]byte{byte(i), byte(i >> 8), 1}}
	}
	for i := range each {
		for _, j := range rnd.Perm(n) {
			r := capture.Record{Seq: uint64(len(records) + 1), Conn: conns[j], Kind: capture.Data, Data: make([]byte, rnd.IntN(1000))}
			if rnd.IntN(500) == 0 {
				r.Data = make([]byte, 100000)
			}
			for k := range r.Data {
				r.Data[k] = byte(rnd.Uint32())
			}
			if i == 0 {
				r.Kind, r.Data = capture.Open, nil
			}
			records = append(records, r)
		}
	}
	return records
}

// sessions lays each connection's records out as one group.
func sessions(t *testing.T, records []capture.Record) []byte {
	t.Helper()
	e, err := newEncoder(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	byConn := map[*capture.Conn][]capture.Record{}
	var order []*capture.Conn
	for _, r := range records {
		if byConn[r.Conn] == nil {
			order = append(order, r.Conn)
		}
		byConn[r.Conn] = append(byConn[r.Conn], r)
	}
	h := NewHeader(nil)
	file := h.append(nil)
	for i, c := range order {
		file = e.appendFrame(file, groupOf(uint64(i+1), session, byConn[c]))
	}
	return appendTail(file, len(order))
}
