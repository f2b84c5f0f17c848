package pcap

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"informant/capture"
)

// model is a connection made at random: what either end sends, and the packets
// that carried it, in order.
type model struct {
	bytes   [2][]byte
	packets [][]byte // IP, in the order in which they were sent
	lengths []int    // of their payload
	from    []end
	seq     []int // offsets in the stream
}

// newModel makes a connection of several turns: a random number of segments
// from one side, then the other, each acknowledging all before. Sequence
// numbers wrap in a quarter of them.
func newModel(r *rand.Rand, end int) *model {
	m := &model{}
	isn := [2]uint32{r.Uint32(), r.Uint32()}
	if r.IntN(4) == 0 {
		isn[r.IntN(2)] = -uint32(r.IntN(3000))
	}
	send := func(who int, flags uint8, extra int, payload []byte) {
		from, to := cpe4, acs4
		if who == 1 {
			from, to = acs4, cpe4
		}
		seq := isn[who] + uint32(len(m.bytes[who])+extra)
		ackNo := isn[1-who] + 1 + uint32(len(m.bytes[1-who]))
		if flags&flagACK == 0 {
			ackNo = 0
		}
		m.packets = append(m.packets, tcpPacket(from, to, flags, seq, ackNo, string(payload)))
		m.lengths = append(m.lengths, len(payload))
		m.from = append(m.from, uint8(who))
		m.seq = append(m.seq, len(m.bytes[who]))
		m.bytes[who] = append(m.bytes[who], payload...)
	}
	send(0, flagSYN, 0, nil)
	send(1, flagSYN|flagACK, 0, nil)
	send(0, flagACK, 1, nil)
	for turn := range 2 + r.IntN(6) {
		for range 1 + r.IntN(5) {
			payload := make([]byte, 1+r.IntN(700))
			for i := range payload {
				payload[i] = byte(r.Uint32())
			}
			send(turn%2, flagACK, 1, payload)
		}
	}
	switch end {
	case 1: // FIN from both
		send(0, flagACK|flagFIN, 1, nil)
		isn[0]++ // what comes acknowledges it
		send(1, flagACK|flagFIN, 1, nil)
	case 2:
		send(1, flagACK|flagRST, 1, nil)
	}
	return m
}

// shuffled moves packets at most window places, sends some twice and some in
// other pieces.
func (m *model) shuffled(r *rand.Rand, window int) [][]byte {
	type placed struct {
		at float64
		b  []byte
	}
	var all []placed
	for i, p := range m.packets {
		all = append(all, placed{float64(i) + r.Float64()*float64(window), p})
		if r.IntN(8) == 0 {
			all = append(all, placed{float64(i) + r.Float64()*float64(window), p})
		}
		if m.lengths[i] > 1 && r.IntN(8) == 0 {
			all = append(all, placed{float64(i) + r.Float64()*float64(window), m.piece(r, i)})
		}
	}
	// Insertion sort: stable and short.
	for i := range all {
		for k := i; k > 0 && all[k].at < all[k-1].at; k-- {
			all[k], all[k-1] = all[k-1], all[k]
		}
	}
	var out [][]byte
	for _, p := range all {
		out = append(out, p.b)
	}
	return out
}

// piece is a segment that overlaps packet i: it begins and ends elsewhere in
// what its sender had sent by then.
func (m *model) piece(r *rand.Rand, i int) []byte {
	head := m.packets[i][:40]
	to := m.seq[i] + 1 + r.IntN(m.lengths[i])
	from := max(0, to-1-r.IntN(900))
	b := bytes.Clone(head)
	seq := binary.BigEndian.Uint32(b[24:]) - uint32(m.seq[i]) + uint32(from)
	binary.BigEndian.PutUint32(b[24:], seq)
	b = append(b, m.bytes[m.from[i]][from:to]...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	return b
}

// collect puts the records' bytes together, gaps as zeros; and tells where the
// gaps are.
func collect(t *testing.T, records []capture.Record) (data [2][]byte, gaps [2][][2]int, ends []capture.Record) {
	t.Helper()
	for _, r := range records {
		d := r.From
		switch r.Kind {
		case capture.Data:
			data[d] = append(data[d], r.Data...)
		case capture.Gap:
			gaps[d] = append(gaps[d], [2]int{len(data[d]), int(r.Lost)})
			data[d] = append(data[d], make([]byte, r.Lost)...)
		case capture.Close:
			ends = append(ends, r)
		case capture.Remark:
			t.Fatalf("a remark where all is alike: %+v", r)
		}
	}
	return data, gaps, ends
}

func TestRandomStreams(t *testing.T) {
	n := 3000
	if testing.Short() {
		n = 500
	}
	for seed := range n {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		m := newModel(r, seed%3)
		packets := m.shuffled(r, 1+r.IntN(12))
		got := raw(t, Options{}, packets...)
		data, gaps, ends := collect(t, got.records)
		for d := range data {
			if !bytes.Equal(data[d], m.bytes[d]) || gaps[d] != nil {
				t.Fatalf("seed %d: direction %d: %d bytes of %d, gaps %v", seed, d, len(data[d]), len(m.bytes[d]), gaps[d])
			}
		}
		if got.stats.Conns != 1 || got.records[0].Midstream {
			t.Fatalf("seed %d: %d connections, midstream %v", seed, got.stats.Conns, got.records[0].Midstream)
		}
		last := ends[len(ends)-1]
		want := []capture.End{capture.EndOfInput, capture.FIN, capture.RST}[seed%3]
		if !last.Both || last.End != want {
			t.Fatalf("seed %d: ends %v, want %v", seed, last.End, want)
		}
		turns(t, seed, m, got.records)
	}
}

// turns holds that the two directions are told in the order in which they were
// said: no byte before those that its sender had received.
func turns(t *testing.T, seed int, m *model, records []capture.Record) {
	t.Helper()
	var order []string // of the turns
	say := func(to *[]string, who end, n int) {
		if n == 0 {
			return
		}
		if k := len(*to); k > 0 && (*to)[k-1][0] == '0'+who {
			return
		}
		*to = append(*to, fmt.Sprint(who))
	}
	for i, n := range m.lengths {
		say(&order, m.from[i], n)
	}
	var told []string
	for _, r := range records {
		say(&told, uint8(r.From), len(r.Data))
	}
	if fmt.Sprint(order) != fmt.Sprint(told) {
		t.Fatalf("seed %d: turns %v, told as %v", seed, order, told)
	}
}

// TestRandomLoss drops one segment: its bytes, and no others, are a gap.
func TestRandomLoss(t *testing.T) {
	n := 1500
	if testing.Short() {
		n = 300
	}
	for seed := range n {
		r := rand.New(rand.NewPCG(uint64(seed), 2))
		m := newModel(r, 1)
		lost := 3 + r.IntN(len(m.packets)-5)
		var packets [][]byte
		packets = append(packets, m.packets[:lost]...)
		packets = append(packets, m.packets[lost+1:]...)
		o := Options{}
		if seed%2 == 0 {
			o.ReorderPackets = 2
		}
		got := raw(t, o, packets...)
		data, gaps, _ := collect(t, got.records)
		who := m.from[lost]
		at := [2]int{m.seq[lost], m.lengths[lost]}
		want := m.bytes
		want[who] = bytes.Clone(want[who])
		clear(want[who][at[0] : at[0]+at[1]])
		if m.lengths[lost] == 1 && len(gaps[who]) == 0 {
			continue // one number may have been a FIN
		}
		if len(gaps[1-who]) != 0 || len(gaps[who]) != 1 || gaps[who][0] != at {
			t.Fatalf("seed %d: gaps %v, want %v of %d", seed, gaps, at, who)
		}
		for d := range data {
			if !bytes.Equal(data[d], want[d]) {
				t.Fatalf("seed %d: direction %d is not what was sent", seed, d)
			}
		}
		turns(t, seed, m, gapsAsData(got.records))
	}
}

func gapsAsData(records []capture.Record) (out []capture.Record) {
	for _, r := range records {
		if r.Kind == capture.Gap {
			r.Data = make([]byte, r.Lost)
		}
		out = append(out, r)
	}
	return out
}
