package pcap

import (
	"fmt"
	"strconv"
	"time"

	"informant/capture"
)

// settle delivers what has become ready, gives up what has waited too long,
// and keeps the list of those who wait.
func (a *assembler) settle(f *flow) {
	if f.phase == undecided && a.decided(f) {
		a.decide(f)
	}
	if f.phase == following {
		a.drain(f)
		for f.phase == following && a.giveUp(f) {
			a.drain(f)
		}
	}
	if wait := f.phase <= following && (f.phase == undecided || a.waits(f)); wait != f.inWait {
		if wait {
			a.startWait(f)
		} else {
			a.stopWait(f)
		}
	}
}

func (a *assembler) waits(f *flow) bool {
	return f.half[0].hole || f.half[1].hole || f.tied
}

// decided tells whether an undecided flow has waited enough for its SYNs.
func (a *assembler) decided(f *flow) bool {
	x, y := &f.half[0], &f.half[1]
	if refused := x.isnSeen && y.rstSet || y.isnSeen && x.rstSet; refused && x.bytes+y.bytes == 0 {
		return true
	}
	return int(f.packets) >= min(undecidedMax, a.o.ReorderPackets) || a.clock-f.first.clock() >= int64(a.o.Reorder) ||
		f.half[0].bytes+f.half[1].bytes > a.o.FlowBytes
}

func (s stamp) clock() int64 {
	if s.ts == noTime {
		return 0
	}
	return s.ts
}

// decide begins a connection: with its SYNs, or with what there is.
func (a *assembler) decide(f *flow) {
	f.phase = following
	midstream := !f.half[0].isnSeen && !f.half[1].isnSeen
	for e := range f.half {
		f.half[e].begin()
	}
	switch {
	case midstream && f.facts != nil:
		f.client = f.facts.client
	case midstream:
		f.client = f.guessClient()
	}
	a.ids++
	client, server := f.address(f.client), f.address(1-f.client)
	opened, extra := timeOf(f.first.ts), ""
	if opened.IsZero() {
		extra = strconv.FormatUint(f.first.number, 10)
	}
	f.conn = &capture.Conn{
		ID: a.ids, Network: capture.TCP, Client: client, Server: server, Point: f.point,
		Identity: capture.NewIdentity(capture.TCP, client, server, opened, extra),
	}
	if f.facts != nil {
		f.facts.apply(f.conn)
	}
	a.stats.Conns++
	if midstream {
		a.stats.Midstream++
	}
	a.push(f, f.client, capture.Open, f.first).Midstream = midstream
	if f.differ > 0 {
		f.remarks++
		a.push(f, f.client, capture.Remark, f.first).Text = differText(f.differ)
	}
}

func differText(n int) string {
	return fmt.Sprintf("%d bytes were sent twice with different content; those captured first are kept", n)
}

// begin settles where the bytes of an end start.
func (h *half) begin() {
	switch {
	case h.known:
	case len(h.pend) > 0:
		h.known, h.next = true, h.pend[0].seq
		if p := h.pend[0]; len(p.data)+p.cut == 1 && h.ackedSeen && h.low == p.seq+1 {
			h.next++ // a keep-alive's byte
		}
	case h.ackedSeen:
		h.known, h.next = true, h.low
	case h.finSet:
		h.known, h.next = true, h.fin
	case h.rstSet:
		h.known, h.next = true, h.rst
	}
}

// drain delivers all that is ready, of both ends, until nothing is.
func (a *assembler) drain(f *flow) {
	for progress := true; progress && f.phase == following; {
		progress = false
		for e := range f.half {
			if a.drainHalf(f, end(e)) {
				progress = true
			}
			if f.phase != following {
				return
			}
		}
	}
}

func (a *assembler) drainHalf(f *flow, e end) (progress bool) {
	h, o := &f.half[e], &f.half[1-e]
	for len(h.pend) > 0 && !h.closed {
		p := h.pend[0]
		if ahead(p.seq, h.next) > 0 || !allowed(o, p.ack, p.hasAck) {
			break
		}
		a.deliverFirst(f, e)
		progress = true
	}
	if h.finSet && !h.closed && ahead(h.fin, h.next) <= 0 && allowed(o, h.finAck, true) {
		a.closeHalf(f, e)
		progress = true
	}
	if f.phase == following && h.rstSet && (h.closed || ahead(h.rst, h.next) <= 0) && allowed(o, h.rstAck, h.rstHas) && !f.gapped(1-e) {
		a.reset(f, e)
	}
	return progress
}

// gapped tells whether bytes of an end are missing that were sent before the
// other end's reset: the capture may have them later than the reset.
func (f *flow) gapped(e end) bool {
	_, _, ok := f.holeOf(e)
	return ok
}

// deliverFirst delivers the first that waits, or what of it is new.
func (a *assembler) deliverFirst(f *flow, e end) {
	h := &f.half[e]
	before := h.bytes
	p := h.pop()
	a.buffered -= before - h.bytes
	a.spent = append(a.spent, p)
	old := -ahead(p.seq, h.next)
	data, cut := p.data, p.cut
	if old > 0 {
		k := min(old, len(data))
		data, cut = data[k:], cut-(old-k)
		a.stats.Retransmitted += int64(k)
	}
	if len(data) > 0 || cut > 0 {
		a.deliver(f, e, data, max(cut, 0), p.at)
	}
}

// closeHalf ends one direction in order.
func (a *assembler) closeHalf(f *flow, e end) {
	h, o := &f.half[e], &f.half[1-e]
	h.closed = true
	h.next = h.fin + 1
	a.drop(h)
	r := a.push(f, e, capture.Close, h.finAt)
	r.End, r.Both = capture.FIN, o.closed
	if o.closed {
		a.retire(f)
		return
	}
	if o.ghost && len(o.pend) == 0 { // its FIN was acknowledged, and not captured
		o.closed = true
		r := a.push(f, 1-e, capture.Close, h.finAt)
		r.End, r.Both = capture.FIN, true
		a.retire(f)
	}
}

// reset ends both directions.
func (a *assembler) reset(f *flow, e end) {
	at := f.half[e].rstAt
	a.flushHalf(f, e)
	a.flushHalf(f, 1-e)
	a.tails(f, at)
	r := a.push(f, e, capture.Close, at)
	r.End, r.Both = capture.RST, true
	a.retire(f)
}

// flushHalf delivers all of an end that waits, with gaps.
func (a *assembler) flushHalf(f *flow, e end) {
	h := &f.half[e]
	for len(h.pend) > 0 && !h.closed {
		if n := ahead(h.pend[0].seq, h.next); n > 0 {
			a.gap(f, e, int64(n), h.pend[0].at)
			h.next = h.pend[0].seq
		}
		a.deliverFirst(f, e)
	}
}

// tails tells of bytes at the very end that were acknowledged and not seen.
// One number may have been the FIN.
func (a *assembler) tails(f *flow, at stamp) {
	for e := range f.half {
		h := &f.half[e]
		if h.closed || !h.known || !h.ackedSeen {
			continue
		}
		if n := ahead(h.acked, h.next); n > 1 && n <= maxAhead {
			a.gap(f, end(e), int64(n), at)
			h.next = h.acked
		}
	}
}

// end closes a connection that is followed no longer.
func (a *assembler) end(f *flow, why capture.End) {
	if f.phase == undecided {
		a.decide(f)
	}
	if f.phase == following {
		a.finish(f)
	}
	if f.phase == following {
		at := stamp{ts: a.clock}
		if a.clock == 0 { // there was no packet with a time
			at.ts = noTime
		}
		a.tails(f, at)
		e := f.client
		if f.half[e].closed {
			e = 1 - e
		}
		r := a.push(f, e, capture.Close, at)
		r.End, r.Both = why, true
		if why == capture.Evicted {
			a.stats.Evicted++
		}
	}
	if f.phase == gone { // closed by what waited; another connection may be in its place now
		a.closed.last().gone = true
		return
	}
	a.forget(f)
}

// finish delivers all that waits, in the order in which it was captured where
// nothing better is known.
func (a *assembler) finish(f *flow) {
	for {
		a.drain(f)
		if f.phase != following {
			return
		}
		if e, ok := f.firstHole(); ok {
			a.declare(f, e, false)
		} else if !a.untie(f) {
			return
		}
	}
}

// firstHole is the end whose hole keeps the earliest segment waiting.
func (f *flow) firstHole() (e end, ok bool) {
	var best uint64
	for k := range f.half {
		_, at, hole := f.holeOf(end(k))
		if hole && (!ok || at.number < best) {
			e, ok, best = end(k), true, at.number
		}
	}
	return e, ok
}

// holeOf tells what an end's next missing bytes reach up to, and what waits
// for them.
func (f *flow) holeOf(e end) (to uint32, at stamp, ok bool) {
	h, o := &f.half[e], &f.half[1-e]
	if h.closed || !h.known {
		return 0, at, false
	}
	if len(h.pend) > 0 {
		p := h.pend[0]
		return p.seq, p.at, ahead(p.seq, h.next) > 0
	}
	if h.finSet && ahead(h.fin, h.next) > 0 {
		return h.fin, h.finAt, true
	}
	if h.rstSet && ahead(h.rst, h.next) > 0 {
		return h.rst, h.rstAt, true
	}
	if o.rstSet && h.ackedSeen {
		if d := ahead(h.acked, h.next); d > 1 && d <= maxAhead { // 1 is a FIN, as in tails
			return h.acked, o.rstAt, true
		}
	}
	to, at, ok = o.needs()
	if d := ahead(to, h.next); !ok || d <= 0 || d > maxAhead {
		return 0, at, false
	}
	return to, at, true
}

// needs is the acknowledgement number of what could be delivered next.
func (h *half) needs() (ack uint32, at stamp, ok bool) {
	if h.closed && !h.rstSet {
		return 0, at, false
	}
	if len(h.pend) > 0 {
		p := h.pend[0]
		return p.ack, p.at, p.hasAck && ahead(p.seq, h.next) <= 0
	}
	if h.finSet && !h.closed {
		return h.finAck, h.finAt, ahead(h.fin, h.next) <= 0
	}
	if h.rstSet && h.rstHas {
		return h.rstAck, h.rstAt, true
	}
	return 0, at, false
}

// untie delivers the earliest of what waits when nothing is missing: then
// either end's bytes wait for the other's, since retransmissions carry newer
// acknowledgements than the bytes' first sending did.
func (a *assembler) untie(f *flow) bool {
	var e end
	var best uint64
	found := false
	for k := range f.half {
		if _, at, ok := f.half[k].needs(); ok && (!found || at.number < best) {
			e, found, best = end(k), true, at.number
		}
	}
	f.tied = false
	if !found {
		return false
	}
	switch h := &f.half[e]; {
	case len(h.pend) > 0:
		a.deliverFirst(f, e)
	case h.finSet && !h.closed:
		a.closeHalf(f, e)
	default:
		a.reset(f, e)
	}
	return true
}

// tiedTooLong gives the first sending, which may be late, a chance.
func (a *assembler) tiedTooLong(f *flow, full bool) bool {
	if !f.half[0].waiting() && !f.half[1].waiting() {
		f.tied = false
		return false
	}
	if !f.tied {
		f.tied, f.tiedSince, f.tiedPacket = true, a.clock, f.packets
	}
	return full || a.clock-f.tiedSince >= int64(a.o.Reorder) || f.packets-f.tiedPacket >= uint32(a.o.ReorderPackets)
}

// waiting tells whether something could be delivered but for the other end.
func (h *half) waiting() bool {
	_, _, ok := h.needs()
	return ok
}

// giveUp declares the bytes lost that were waited for too long; false when
// there are none.
func (a *assembler) giveUp(f *flow) bool {
	full := f.half[0].bytes+f.half[1].bytes > a.o.FlowBytes
	if _, missing := f.firstHole(); !missing {
		f.half[0].hole, f.half[1].hole = false, false
		return a.tiedTooLong(f, full) && a.untie(f)
	}
	f.tied = false
	for k := range f.half {
		e := end(k)
		h := &f.half[e]
		to, _, hole := f.holeOf(e)
		if !hole {
			h.hole = false
			continue
		}
		acked := h.ackedSeen && ahead(h.acked, h.next) > 0 || len(h.pend) == 0 && !h.finSet && !h.rstSet ||
			f.half[1-e].rstSet // nothing is sent again after a reset
		a.watch(f, h, acked)
		switch {
		case acked && a.ackedTooLong(f, h):
			a.declare(f, e, h.ackedSeen && ahead(h.acked, h.next) > 0 && ahead(h.acked, to) < 0)
			return true
		case full, a.clock-h.holeSince >= int64(a.o.LossWait):
			a.declare(f, e, false)
			return true
		}
	}
	return false
}

// watch keeps the times of a hole.
func (a *assembler) watch(f *flow, h *half, acked bool) {
	if !h.hole || h.holeAt != h.next || h.holeSince > a.clock {
		h.hole, h.holeAt, h.holeSince, h.holeAcked = true, h.next, a.clock, false
	}
	if acked && !h.holeAcked {
		h.holeAcked, h.ackedSince, h.ackedPacket = true, a.clock, f.packets
	}
}

func (a *assembler) ackedTooLong(f *flow, h *half) bool {
	wait := a.o.Reorder
	if f.over() {
		wait /= 10
	}
	return a.clock-h.ackedSince >= int64(wait) || f.packets-h.ackedPacket >= uint32(a.o.ReorderPackets)
}

// over tells whether each end has acknowledged the other's FIN: both have
// received everything.
func (f *flow) over() bool {
	for k := range f.half {
		if h := &f.half[k]; !h.finSet || !h.ackedSeen || ahead(h.acked, h.fin) <= 0 {
			return false
		}
	}
	return true
}

// declare gives up the hole of an end: all of it, or what was acknowledged.
func (a *assembler) declare(f *flow, e end, onlyAcked bool) {
	h := &f.half[e]
	to, at, ok := f.holeOf(e)
	if !ok {
		return
	}
	if onlyAcked {
		to = h.acked
	}
	n := ahead(to, h.next)
	h.hole = false
	h.next = to
	if n == 1 && len(h.pend) == 0 && !h.finSet && !h.rstSet && !h.ghost {
		h.ghost = true
		return
	}
	a.gap(f, e, int64(n), at)
}

// relieve makes room: those who have waited longest wait no more.
func (a *assembler) relieve() {
	for a.buffered > a.o.TotalBytes && a.waiting.head != nil {
		f := a.waiting.head
		if f.phase == undecided {
			a.decide(f)
		}
		a.finish(f)
		a.settle(f)
		if f.inWait {
			a.stopWait(f)
		}
	}
}

// sweep looks after those who wait, and those who have fallen silent.
func (a *assembler) sweep() {
	for f := a.waiting.head; f != nil; {
		next := f.waitNext
		a.settle(f)
		f = next
	}
	for f := a.open.head; f != nil; f = a.open.head {
		age := a.clock - f.last
		if age >= int64(a.o.Idle) {
			a.end(f, capture.Evicted)
			continue
		}
		if age >= 0 && f.last <= f.listed {
			break
		}
		f.last = min(f.last, a.clock)
		f.listed = a.clock
		a.open.remove(f)
		a.open.push(f)
	}
	for c := a.closed.oldest(); c != nil; c = a.closed.oldest() {
		if age := a.clock - c.closed; age >= 0 && age < int64(a.o.Linger) {
			break
		}
		a.closed.forget()
	}
}

// retire ends a flow that is closed, and remembers it for a while.
func (a *assembler) retire(f *flow) {
	a.closed.add(f, a.clock)
	a.forget(f)
}

// forget takes a flow out of everything.
func (a *assembler) forget(f *flow) {
	a.leave(f)
	f.phase = gone
	f.conn = nil
	a.strip(f)
	a.flows.remove(f)
	f.next, a.idle = a.idle, f
}

// strip keeps what is cold of a flow for another one.
func (a *assembler) strip(f *flow) {
	x, y := &f.half[0], &f.half[1]
	if x.cold != nil && len(a.cold) < coldMax {
		a.cold = append(a.cold, x.cold, y.cold)
	}
	x.cold, y.cold = nil, nil
}

// leave takes a flow out of its list, with what waits in it.
func (a *assembler) leave(f *flow) {
	if f.inWait {
		a.stopWait(f)
	}
	if f.half[0].cold != nil {
		a.drop(&f.half[0])
		a.drop(&f.half[1])
	}
	if f.phase != gone {
		a.open.remove(f)
	}
}

// drop lets go of what waits.
func (a *assembler) drop(h *half) {
	for _, p := range h.pend {
		a.stats.Stray++
		a.stats.StrayBytes += int64(len(p.data))
		a.spent = append(a.spent, p)
	}
	a.buffered -= h.bytes
	h.pend, h.bytes, h.held = nil, 0, false
}

func (a *assembler) startWait(f *flow) {
	f.inWait = true
	f.waitPrev, f.waitNext = a.waiting.tail, nil
	if f.waitPrev != nil {
		f.waitPrev.waitNext = f
	} else {
		a.waiting.head = f
	}
	a.waiting.tail = f
}

func (a *assembler) stopWait(f *flow) {
	f.inWait = false
	if f.waitPrev != nil {
		f.waitPrev.waitNext = f.waitNext
	} else {
		a.waiting.head = f.waitNext
	}
	if f.waitNext != nil {
		f.waitNext.waitPrev = f.waitPrev
	} else {
		a.waiting.tail = f.waitPrev
	}
	f.waitPrev, f.waitNext = nil, nil
}

// push adds a record, to be completed by the caller before the next push.
func (a *assembler) push(f *flow, from end, kind capture.Kind, at stamp) *capture.Record {
	a.seq++
	a.out = append(a.out, capture.Record{})
	r := &a.out[len(a.out)-1]
	r.Seq, r.Time, r.Packet = a.seq, timeOf(at.ts), at.number
	r.Conn, r.From, r.Kind = f.conn, f.direction(from), kind
	return r
}

func (a *assembler) gap(f *flow, from end, n int64, at stamp) {
	a.stats.Gaps++
	if n > 0 {
		a.stats.Lost += n
	}
	a.push(f, from, capture.Gap, at).Lost = n
}

func timeOf(ts int64) time.Time {
	if ts == noTime {
		return time.Time{}
	}
	return time.Unix(ts/1e9, ts%1e9).UTC()
}
