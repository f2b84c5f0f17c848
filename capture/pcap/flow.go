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

// key is a connection's addresses and ports, the lesser end first.
type key struct {
	a, b   address
	pa, pb uint16
	v6     uint32 // 1 for IPv6
}

// is compares what differs first; == would call a function.
func (k *key) is(o *key) bool {
	return k.a.lo == o.a.lo && k.b.lo == o.b.lo && k.pa == o.pa && k.pb == o.pb && k.a.hi == o.a.hi && k.b.hi == o.b.hi && k.v6 == o.v6
}

// address holds an IPv4 address in its last 4 bytes.
type address struct{ hi, lo uint64 }

func (a address) less(b address) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

// end numbers the two ends of a flow: 0 is the lesser of the key.
type end = uint8

// phase is how far a flow has come.
type phase uint8

const (
	undecided phase = iota // where its bytes begin isn't known: waiting whether the SYNs still come
	following
	gone // out of all lists: closed, or followed no longer
)

// flow is one TCP connection being reassembled. With many connections at once
// each packet finds its flow cold in the cache, so what every packet needs
// stands first: in its first 136 bytes.
type flow struct {
	key     key
	phase   phase
	client  end
	inWait  bool
	tied    bool   // each end's bytes wait for the other's, since
	packets uint32 // of either side
	last    int64  // clock at its last packet
	listed  int64  // clock when it was put at the end of its list
	half    [2]half
	conn    *capture.Conn

	prev, next         *flow // in the list of all
	waitPrev, waitNext *flow

	point      string
	first      stamp
	tiedSince  int64
	tiedPacket uint32
	isn        [2]uint32 // where each end's SYN was, if seen
	remarks    uint8
	differ     int    // bytes that came twice with different content before conn was there
	facts      *facts // what Writer said of it, nil mostly
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

// keyOf also tells which end sent.
func keyOf(s *segment) (k key, from end) {
	var src, dst address
	if s.v6 {
		src = address{binary.BigEndian.Uint64(s.src), binary.BigEndian.Uint64(s.src[8:])}
		dst = address{binary.BigEndian.Uint64(s.dst), binary.BigEndian.Uint64(s.dst[8:])}
		k.v6 = 1
	} else {
		src.lo, dst.lo = uint64(binary.BigEndian.Uint32(s.src)), uint64(binary.BigEndian.Uint32(s.dst))
	}
	if src.less(dst) || src == dst && s.sport <= s.dport {
		k.a, k.b, k.pa, k.pb = src, dst, s.sport, s.dport
		return k, 0
	}
	k.a, k.b, k.pa, k.pb = dst, src, s.dport, s.sport
	return k, 1
}

// address of one end.
func (f *flow) address(e end) netip.AddrPort {
	ip, port := f.key.a, f.key.pa
	if e == 1 {
		ip, port = f.key.b, f.key.pb
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], ip.hi)
	binary.BigEndian.PutUint64(b[8:], ip.lo)
	if f.key.v6 == 0 {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[12:])), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(b), port)
}

// direction of what an end sends.
func (f *flow) direction(e end) capture.Direction {
	if e == f.client {
		return capture.FromClient
	}
	return capture.FromServer
}
