package pcap

import (
	"encoding/binary"
	"net/netip"

	"informant/capture"
)

// stamp is where and when a segment was captured.
type stamp struct {
	ts     int64
	number uint64
}

// key4 and key6 are a connection's addresses and ports, the lesser end first.
type key4 struct {
	a, b   uint32
	pa, pb uint16
}

type key6 struct {
	a, b   [16]byte
	pa, pb uint16
}

// end numbers the two ends of a flow: 0 is the lesser of the key.
type end = uint8

// phase is how far a flow has come.
type phase uint8

const (
	undecided phase = iota // where its bytes begin isn't known: waiting whether the SYNs still come
	following
	done // closed, remembered for a while
	gone // out of all lists
)

// flow is one TCP connection being reassembled.
type flow struct {
	k4     key4
	k6     key6
	v6     bool
	phase  phase
	client end
	inWait bool
	tied   bool       // each end's bytes wait for the other's, since
	half   *[2]half   // by the sender's end; nil when done
	rest   [2]remnant // what is kept of each half then
	conn   *capture.Conn
	point  string

	first   stamp
	last    int64  // clock at its last packet
	listed  int64  // clock when it was put at the end of its list
	packets uint32 // of either side

	tiedSince  int64
	tiedPacket uint32
	remarks    uint8
	differ     int // bytes that came twice with different content before conn was there

	prev, next         *flow // in the list of all, or of those done
	waitPrev, waitNext *flow
}

// remnant is what is remembered of an end of a flow that is done.
type remnant struct {
	next, isn      uint32
	known, isnSeen bool
}

// list is a chain of flows, oldest first.
type list struct {
	head, tail *flow
	n          int
}

func (l *list) push(f *flow) {
	f.prev, f.next = l.tail, nil
	if l.tail != nil {
		l.tail.next = f
	} else {
		l.head = f
	}
	l.tail = f
	l.n++
}

func (l *list) remove(f *flow) {
	if f.prev != nil {
		f.prev.next = f.next
	} else {
		l.head = f.next
	}
	if f.next != nil {
		f.next.prev = f.prev
	} else {
		l.tail = f.prev
	}
	f.prev, f.next = nil, nil
	l.n--
}

// table finds flows by their ends.
type table struct {
	v4   map[key4]*flow
	v6   map[key6]*flow
	last *flow // the one found last: packets come in runs
}

func newTable() table {
	return table{v4: map[key4]*flow{}, v6: map[key6]*flow{}}
}

// keyOf4 also tells which end sent.
func keyOf4(s *segment) (k key4, from end) {
	a, b := binary.BigEndian.Uint32(s.src), binary.BigEndian.Uint32(s.dst)
	if a < b || a == b && s.sport <= s.dport {
		return key4{a, b, s.sport, s.dport}, 0
	}
	return key4{b, a, s.dport, s.sport}, 1
}

func keyOf6(s *segment) (k key6, from end) {
	switch c := string(s.src) < string(s.dst); {
	case c, string(s.src) == string(s.dst) && s.sport <= s.dport:
		k.pa, k.pb = s.sport, s.dport
		copy(k.a[:], s.src)
		copy(k.b[:], s.dst)
		return k, 0
	}
	k.pa, k.pb = s.dport, s.sport
	copy(k.a[:], s.dst)
	copy(k.b[:], s.src)
	return k, 1
}

// find returns the flow of a segment, nil when there is none, with its key in
// a flow to be made of it.
func (t *table) find(s *segment, made *flow) (f *flow, from end) {
	if s.v6 {
		made.v6 = true
		made.k6, from = keyOf6(s)
		if l := t.last; l != nil && l.v6 && l.k6 == made.k6 {
			return l, from
		}
		f = t.v6[made.k6]
	} else {
		made.v6 = false
		made.k4, from = keyOf4(s)
		if l := t.last; l != nil && !l.v6 && l.k4 == made.k4 {
			return l, from
		}
		f = t.v4[made.k4]
	}
	if f != nil {
		t.last = f
	}
	return f, from
}

func (t *table) add(f *flow) {
	if f.v6 {
		t.v6[f.k6] = f
	} else {
		t.v4[f.k4] = f
	}
	t.last = f
}

func (t *table) remove(f *flow) {
	if t.last == f {
		t.last = nil
	}
	if f.v6 {
		delete(t.v6, f.k6)
	} else {
		delete(t.v4, f.k4)
	}
}

// address of one end.
func (f *flow) address(e end) netip.AddrPort {
	if f.v6 {
		if e == 0 {
			return netip.AddrPortFrom(netip.AddrFrom16(f.k6.a), f.k6.pa)
		}
		return netip.AddrPortFrom(netip.AddrFrom16(f.k6.b), f.k6.pb)
	}
	ip, port := f.k4.a, f.k4.pa
	if e == 1 {
		ip, port = f.k4.b, f.k4.pb
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], ip)
	return netip.AddrPortFrom(netip.AddrFrom4(b), port)
}

// direction of what an end sends.
func (f *flow) direction(e end) capture.Direction {
	if e == f.client {
		return capture.FromClient
	}
	return capture.FromServer
}
