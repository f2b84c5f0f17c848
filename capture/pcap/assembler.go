package pcap

import (
	"hash/maphash"
	"time"

	"informant/capture"
)

// assembler turns segments into records. It holds every connection that is
// being followed.
//
// A segment is delivered when it is its end's next one, and when what its
// sender had received by then (its acknowledgement number) was delivered
// before: so an answer never comes before its question, even where the capture
// has them the other way round. Until then it waits, within the limits of
// Options; beyond them, what it waits for is a Gap.
type assembler struct {
	o       Options
	stats   *Stats
	flows   table
	open    list
	closed  closedFlows
	waiting waitList

	clock     int64
	started   bool
	nextSweep int64

	out      []capture.Record
	taken    int // of out
	seq, ids uint64

	buffered int // bytes in segments that wait
	pool     []*piecePending
	spent    []*piecePending // delivered: their bytes are in out
	idle     *flow           // flows for reuse, chained by next
	slab     []flow          // flows that were never used: made many at once, since there may be a hundred thousand to keep track of
	cold     []*cold         // for reuse
	seed     maphash.Seed
}

// waitList chains the flows in which something waits.
type waitList struct{ head, tail *flow }

const (
	sweepEvery = int64(100 * time.Millisecond)
	touchEvery = int64(time.Second)
	// clockBack is how far time may go back before it is believed: captures
	// are a little out of order, but one may also follow another.
	clockBack    = int64(10 * time.Minute)
	lateSYN      = 1 << 20 // how far a connection may be along when its SYN turns up
	undecidedMax = 64      // packets that wait for a SYN at most
	maxRemarks   = 16      // per connection
	poolMax      = 4096
	pieceMax     = 64 << 10
	coldMax      = 512
	slabFlows    = 32
)

func newAssembler(o Options, stats *Stats) *assembler {
	return &assembler{o: o, stats: stats, flows: newTable(), seed: maphash.MakeSeed()}
}

// tick lets time come to ts.
func (a *assembler) tick(ts int64) {
	switch {
	case ts > a.clock, !a.started:
		a.clock, a.started = ts, true
	case a.clock-ts > clockBack:
		a.clock, a.nextSweep = ts, ts
	}
	if a.clock >= a.nextSweep {
		a.nextSweep = a.clock + sweepEvery
		a.sweep()
	}
}

// segment takes the next segment.
func (a *assembler) segment(s *segment, point string) {
	k, from := keyOf(s)
	f := a.flows.find(&k)
	if f != nil && supersedes(f, from, s) {
		a.end(f, capture.Evicted)
		f = nil
	}
	if f == nil {
		if c := a.closed.find(&k); c != nil {
			if !c.superseded(from, s) {
				a.late(c.next[from], s)
				return
			}
			c.gone = true
		}
		f = a.newFlow(s, &k, from, point)
	}
	if s.facts != nil && a.told(f, from, s) {
		return
	}
	if f.phase == gone {
		a.late(f.half[from].next, s)
		return
	}
	f.packets++
	f.last = a.clock
	if a.clock-f.listed > touchEvery {
		a.open.remove(f)
		f.listed = a.clock
		a.open.push(f)
	}
	if s.flags&flagSYN != 0 {
		a.syn(f, from, s)
		s.seq++
	}
	if s.flags&flagACK != 0 {
		a.acknowledge(f, from, s)
	}
	if f.phase == undecided && f.half[0].isnSeen && f.half[1].isnSeen {
		a.decide(f)
	}
	if len(s.payload)+s.cut > 0 {
		a.data(f, from, s)
	}
	if s.flags&(flagFIN|flagRST) != 0 {
		a.last(f, from, s)
	}
	if f.inWait || f.busy() {
		a.settle(f)
	}
	if a.buffered > a.o.TotalBytes {
		a.relieve()
	}
}

// busy tells whether something waits.
func (f *flow) busy() bool {
	x, y := &f.half[0], &f.half[1]
	return f.phase == undecided || x.held || y.held || x.finSet && !x.closed || y.finSet && !y.closed ||
		x.rstSet || y.rstSet // of an end that closed before, too: it ends both
}

// supersedes tells whether a segment begins another connection between the
// same ports.
func supersedes(f *flow, from end, s *segment) bool {
	if s.flags&(flagSYN|flagACK) != flagSYN {
		return false
	}
	h := &f.half[from]
	if h.isnSeen {
		return s.seq != f.isn[from]
	}
	base := h.next
	switch {
	case f.phase == undecided && len(h.pend) > 0:
		base = h.pend[0].seq
	case f.phase == undecided && h.ackedSeen:
		base = h.low
	case !h.known:
		return false
	}
	along := ahead(base, s.seq+1)
	return along < 0 || along > lateSYN
}

func (a *assembler) newFlow(s *segment, k *key, from end, point string) *flow {
	for a.open.n+a.closed.n() >= a.o.MaxFlows {
		if a.closed.n() > 0 {
			a.closed.forget()
		} else {
			a.end(a.open.head, capture.Evicted)
		}
	}
	f := a.idle
	if f != nil {
		a.idle = f.next
	} else {
		if len(a.slab) == 0 {
			a.slab = make([]flow, slabFlows)
		}
		f, a.slab = &a.slab[0], a.slab[1:]
	}
	*f = flow{key: *k, point: point, first: s.at, client: from, last: a.clock, listed: a.clock}
	f.half[0].cold, f.half[1].cold = a.newCold()
	if s.facts != nil {
		if told, ok := parseFacts(s.facts); ok {
			told.client = from
			f.facts = &told
		}
	}
	a.flows.add(f)
	a.open.push(f)
	return f
}

// newCold takes what closed flows have left, or makes some.
func (a *assembler) newCold() (x, y *cold) {
	n := len(a.cold)
	if n == 0 {
		pair := new([2]cold)
		return &pair[0], &pair[1]
	}
	x, y = a.cold[n-2], a.cold[n-1]
	a.cold = a.cold[:n-2]
	*x, *y = cold{}, cold{}
	return x, y
}

// syn learns where an end's bytes begin.
func (a *assembler) syn(f *flow, from end, s *segment) {
	h := &f.half[from]
	if h.isnSeen {
		return
	}
	h.isnSeen, f.isn[from] = true, s.seq
	if f.phase == undecided {
		f.client = from
		if s.flags&flagACK != 0 {
			f.client = 1 - from
		} else {
			f.first = s.at
		}
	}
	if !h.known || !h.delivered && !h.closed {
		h.known, h.next = true, s.seq+1
	}
}

// acknowledge notes what the sender has received of the other end's bytes.
func (a *assembler) acknowledge(f *flow, from end, s *segment) {
	o := &f.half[1-from]
	if f.phase != undecided && !o.known {
		o.known, o.next = true, s.ack
	}
	switch {
	case !o.ackedSeen:
		o.ackedSeen, o.acked, o.low = true, s.ack, s.ack
	case ahead(s.ack, o.acked) > 0:
		if !o.known || ahead(s.ack, o.next) <= maxAhead {
			o.acked = s.ack
		}
	case ahead(s.ack, o.low) < 0:
		o.low = s.ack
	}
}

// data takes the payload: delivers it, lets it wait, or finds it old.
func (a *assembler) data(f *flow, from end, s *segment) {
	h, o := &f.half[from], &f.half[1-from]
	hasAck := s.flags&flagACK != 0
	if f.phase == undecided {
		a.hold(f, h, s, hasAck)
		return
	}
	if !h.known {
		h.known, h.next = true, s.seq
	}
	length := len(s.payload) + s.cut
	rel := ahead(s.seq, h.next)
	if rel > maxAhead || rel < -maxAhead {
		a.stray(f, from, s, rel)
		return
	}
	h.strayCount = 0
	if h.closed {
		a.late(h.next, s)
		return
	}
	if rel+length <= 0 {
		a.again(f, from, s)
		return
	}
	if rel < 0 {
		a.stats.Retransmitted += int64(-rel)
		s.trim(-rel)
		rel = 0
	}
	if rel == 0 && !h.held && allowed(o, s.ack, hasAck) {
		a.deliver(f, from, s.payload, s.cut, s.at)
		return
	}
	a.hold(f, h, s, hasAck)
}

// trim drops the first n bytes.
func (s *segment) trim(n int) {
	k := min(n, len(s.payload))
	s.payload = s.payload[k:]
	s.cut -= n - k
	s.seq += uint32(n)
}

// allowed tells whether everything that the sender had received was delivered.
func allowed(o *half, ack uint32, hasAck bool) bool {
	if !hasAck || !o.known || o.closed {
		return true
	}
	d := ahead(ack, o.next)
	return d <= 0 || d > maxAhead
}

// hold lets a segment wait.
func (a *assembler) hold(f *flow, h *half, s *segment, hasAck bool) {
	p := piecePending{seq: s.seq, data: s.payload, cut: s.cut, ack: s.ack, hasAck: hasAck, at: s.at}
	before := h.bytes
	again, differ := h.insert(&p, a.take)
	a.buffered += h.bytes - before
	a.stats.Retransmitted += int64(again)
	a.conflict(f, 1-f.other(h), differ, s.at)
}

// other is the end that h is not of.
func (f *flow) other(h *half) end {
	if h == &f.half[0] {
		return 1
	}
	return 0
}

// take copies a part of a segment.
func (a *assembler) take(p *piecePending, from, to int) *piecePending {
	var c *piecePending
	if n := len(a.pool); n > 0 {
		c = a.pool[n-1]
		a.pool = a.pool[:n-1]
	} else {
		c = new(piecePending)
	}
	n := len(p.data)
	part := p.data[min(from, n):min(to, n)]
	*c = piecePending{seq: p.seq + uint32(from), data: append(c.data[:0], part...), cut: to - from - len(part), ack: p.ack, hasAck: p.hasAck, at: p.at}
	return c
}

// recycle takes back what was delivered, once nobody looks at it any more.
func (a *assembler) recycle() {
	for i, p := range a.spent {
		if len(a.pool) < poolMax && cap(p.data) <= pieceMax {
			a.pool = append(a.pool, p)
		}
		a.spent[i] = nil
	}
	a.spent = a.spent[:0]
}

// deliver gives out the next bytes of an end.
func (a *assembler) deliver(f *flow, from end, data []byte, cut int, at stamp) {
	h := &f.half[from]
	if h.ghost { // it was no FIN
		h.ghost = false
		a.gap(f, from, 1, at)
	}
	h.delivered = true
	if len(data) > 0 {
		h.remember(h.next, data, a.sum(data))
		a.push(f, from, capture.Data, at).Data = data
	}
	if cut > 0 {
		a.gap(f, from, int64(cut), at)
	}
	h.next += uint32(len(data) + cut)
}

func (a *assembler) sum(b []byte) uint32 { return uint32(maphash.Bytes(a.seed, b)) }

// again counts bytes that were delivered before, and compares them where what
// was delivered is remembered.
func (a *assembler) again(f *flow, from end, s *segment) {
	n := len(s.payload)
	a.stats.Retransmitted += int64(n)
	if n > 0 && s.cut == 0 && f.half[from].differs(s.seq, n, func() uint32 { return a.sum(s.payload) }) {
		a.conflict(f, from, n, s.at)
	}
}

// stray takes a segment whose numbers fit nothing. Three in a row that fit
// each other are where the connection went on while the capture did not see
// it.
func (a *assembler) stray(f *flow, from end, s *segment, rel int) {
	h := &f.half[from]
	length := len(s.payload) + s.cut
	if h.strayCount > 0 && s.seq == h.strayNext {
		h.strayCount++
	} else {
		h.strayCount = 1
	}
	h.strayNext = s.seq + uint32(length)
	if h.strayCount < 3 || h.closed {
		a.stats.Stray++
		a.stats.StrayBytes += int64(len(s.payload))
		return
	}
	h.strayCount = 0
	a.flushHalf(f, from)
	lost := int64(-1)
	if n := ahead(s.seq, h.next); n > 0 {
		lost = int64(n)
	}
	a.gap(f, from, lost, s.at)
	h.next, h.acked, h.finSet = s.seq, s.seq, false
	a.deliver(f, from, s.payload, s.cut, s.at)
}

// late counts what comes after the end, of which next is the number.
func (a *assembler) late(next uint32, s *segment) {
	n := len(s.payload)
	if n == 0 {
		return
	}
	if ahead(s.seq+uint32(n), next) <= 0 {
		a.stats.Retransmitted += int64(n)
		return
	}
	a.stats.Stray++
	a.stats.StrayBytes += int64(n)
}

// last notes an end's FIN or RST.
func (a *assembler) last(f *flow, from end, s *segment) {
	h := &f.half[from]
	at := s.seq + uint32(len(s.payload)+s.cut)
	if f.phase != undecided {
		if !h.known {
			h.known, h.next = true, at
		}
		if rel := ahead(at, h.next); rel > maxAhead || rel < -maxAhead {
			a.stats.Stray++
			return
		}
	}
	if s.flags&flagFIN != 0 && !h.finSet {
		h.finSet, h.fin, h.finAck, h.finAt = true, at, s.ack, s.at
	}
	if s.flags&flagRST != 0 && !h.rstSet {
		h.rstSet, h.rst, h.rstAck, h.rstAt = true, at, s.ack, s.at
		h.rstHas = s.flags&flagACK != 0
	}
}

// conflict tells of bytes that came again and differ.
func (a *assembler) conflict(f *flow, from end, n int, at stamp) {
	if n == 0 {
		return
	}
	a.stats.Conflicting += int64(n)
	if f.conn == nil {
		f.differ += n
		return
	}
	if f.remarks < maxRemarks {
		f.remarks++
		a.push(f, from, capture.Remark, at).Text = differText(n)
	}
}
