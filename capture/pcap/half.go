package pcap

import "sort"

// Sequence numbers wrap: only their differences mean something.

// ahead is how far a lies after b, negative when before.
func ahead(a, b uint32) int { return int(int32(a - b)) }

// maxAhead is how far beyond the next byte a segment, or an acknowledgement,
// is believed. TCP's largest window is 1 GB; real ones are a few MB.
const maxAhead = 64 << 20

// half is what one end sends. A segment in order touches no more than this
// and, to write its sum, recent.
type half struct {
	next  uint32 // the next byte to be delivered
	acked uint32 // by the other end, the furthest
	low   uint32 // by the other end, the least (while next isn't known)

	known     bool // next means something
	isnSeen   bool
	delivered bool // some bytes were
	ackedSeen bool
	ghost     bool // one number was acknowledged and not seen: its FIN, it seems
	closed    bool // its end was delivered
	finSet    bool // its FIN was seen, at fin
	rstSet    bool // its RST was seen, at rst
	held      bool // segments wait: pend isn't empty

	strayCount uint8 // of the run of segments that fit nothing, see stray
	recentAt   uint8 // how often recent was written to, modulo 256

	*cold // nil when the flow is gone
}

// cold is what of a half only unusual segments look at.
type cold struct {
	// recent are the sums of the segments delivered last, so that a
	// retransmission with other bytes is noticed.
	recent [recentSize]deliveredSum

	// pend are segments that wait, in order and without overlap.
	pend  []*piecePending
	bytes int // what they cost

	fin    uint32
	finAck uint32 // what had been received by then
	finAt  stamp
	rst    uint32
	rstAck uint32
	rstHas bool // rstAck means something
	rstAt  stamp

	// The hole before what waits.
	hole        bool
	holeAcked   bool
	holeAt      uint32
	holeSince   int64
	ackedSince  int64
	ackedPacket uint32

	strayNext uint32 // where a run of segments that fit nothing goes on
}

// piecePending is a segment, or a part of one, that waits.
type piecePending struct {
	seq    uint32
	data   []byte
	cut    int    // bytes after data that the capture left out
	ack    uint32 // what its sender had received
	hasAck bool
	at     stamp
}

func (p *piecePending) end() uint32 { return p.seq + uint32(len(p.data)+p.cut) }

// pendCost is what a waiting segment costs beyond its bytes.
const pendCost = 128

// insert puts what of p is not there yet among the segments that wait. It
// returns how many bytes were there already, and how many of them differed.
// take makes a copy of part of p that may be kept.
func (h *half) insert(p *piecePending, take func(p *piecePending, from, to int) *piecePending) (again, differing int) {
	length := len(p.data) + p.cut
	at := sort.Search(len(h.pend), func(i int) bool { return ahead(h.pend[i].end(), p.seq) > 0 })
	from := 0
	for from < length {
		to := length
		if at < len(h.pend) {
			to = min(length, max(from, ahead(h.pend[at].seq, p.seq)))
		}
		if to > from {
			h.put(at, take(p, from, to))
			at++
		}
		if at == len(h.pend) || to == length {
			break
		}
		x := h.pend[at]
		from = ahead(x.end(), p.seq)
		a, d := compare(p, x)
		again, differing = again+a, differing+d
		at = h.backdate(at, p, take) + 1
	}
	return again, differing
}

// backdate gives the bytes of segment at that p has too the lesser of their
// acknowledgement numbers: the other is of a retransmission, which may have
// been sent much later. It returns the place of the last part of the segment.
func (h *half) backdate(at int, p *piecePending, take func(p *piecePending, from, to int) *piecePending) int {
	x := h.pend[at]
	if !p.hasAck || !x.hasAck || ahead(p.ack, x.ack) >= 0 {
		return at
	}
	length := len(x.data) + x.cut
	lo, hi := max(0, ahead(p.seq, x.seq)), min(length, ahead(p.end(), x.seq))
	last := at
	if hi < length {
		h.put(at+1, take(x, hi, length))
		h.shorten(x, hi)
		last++
	}
	if lo > 0 {
		h.put(at+1, take(x, lo, hi))
		h.shorten(x, lo)
		last++
		x = h.pend[at+1]
	}
	x.ack = p.ack
	return last
}

// shorten keeps the first n bytes.
func (h *half) shorten(x *piecePending, n int) {
	k := min(n, len(x.data))
	h.bytes -= len(x.data) - k
	x.data, x.cut = x.data[:k], n-k
}

func (h *half) put(at int, p *piecePending) {
	h.pend = append(h.pend, nil)
	copy(h.pend[at+1:], h.pend[at:])
	h.pend[at] = p
	h.held = true
	h.bytes += len(p.data) + pendCost
}

// compare looks at the bytes that two segments both have.
func compare(p, x *piecePending) (same, differing int) {
	off := ahead(x.seq, p.seq)
	from, to := max(0, off), min(len(p.data), off+len(x.data))
	for i := from; i < to; i++ {
		if p.data[i] != x.data[i-off] {
			differing++
		}
	}
	return max(0, to-from), differing
}

// pop takes the first that waits.
func (h *half) pop() *piecePending {
	p := h.pend[0]
	h.pend[0] = nil
	h.pend = h.pend[1:]
	h.held = len(h.pend) > 0
	h.bytes -= len(p.data) + pendCost
	return p
}

const recentSize = 8 // a power of two

type deliveredSum struct{ seq, length, sum uint32 }

// remember keeps the sum of what is delivered.
func (h *half) remember(seq uint32, data []byte, sum uint32) {
	h.recent[h.recentAt%recentSize] = deliveredSum{seq, uint32(len(data)), sum}
	h.recentAt++
}

// differs tells whether the same bytes were delivered with another content.
func (c *cold) differs(seq uint32, length int, sum func() uint32) bool {
	for i := range c.recent {
		if d := &c.recent[i]; d.seq == seq && d.length == uint32(length) {
			return d.sum != sum()
		}
	}
	return false
}
