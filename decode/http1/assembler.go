package http1

import (
	"compress/gzip"
	"slices"
	"strings"
	"time"

	"informant/capture"
)

// Assembler turns the records of any number of connections into HTTP messages.
// The zero value is ready.
type Assembler struct {
	Limits Limits
	Pool   *Pool // of memory to use again; may be nil

	conns  map[*capture.Conn]*conn
	last   *conn   // that of the record before; nil where it is over
	spares []*conn // used again
	opened int     // connections seen, for their order
	events []Event
	rec    stamp        // of the record being fed
	gzip   *gzip.Reader // used again
}

// stamp is what an event takes over from the record that completed it.
type stamp struct {
	Seq    uint64
	Time   time.Time
	Packet uint64
}

// conn is one connection.
type conn struct {
	a         *Assembler
	c         *capture.Conn
	ordinal   int
	since     time.Time
	midstream bool
	proto     Protocol
	sure      bool // proto is known
	roles     bool // a start line was seen: it is known which side asks
	asker     capture.Direction
	sides     [2]stream
	seen      [2]int64
	lost      int64 // -1 unknown
	tls       []*capture.TLS
	xmpp      *xmpp // nil of what is no XMPP
	remarks   []string
	pairing
}

// Feed takes the next record and returns what it completed. The slice is valid
// until the next call; messages and exchanges are the receiver's to keep. An
// Exchange is one pointer from RequestSeen to ResponseSeen, and what comes later
// is added to it then: a receiver in another goroutine may read its Response and
// Interim only after it was handed the ResponseSeen.
func (a *Assembler) Feed(r capture.Record) []Event {
	a.events = a.events[:0]
	if r.Conn == nil {
		return nil
	}
	a.rec.Seq, a.rec.Packet = r.Seq, r.Packet
	if a.rec.Time != r.Time {
		a.rec.Time = r.Time
	}
	if r.Conn.Network == capture.UDP {
		if r.Kind == capture.Data {
			a.events = append(a.events, Event{Kind: DatagramSeen, Conn: r.Conn, Seq: r.Seq, Time: r.Time, From: r.From, Packet: r.Packet, Bytes: string(r.Data)})
		}
		return a.events
	}
	c := a.last // records of a connection come in rows
	if c == nil || c.c != r.Conn {
		if c = a.conns[r.Conn]; c == nil {
			c = a.open(r)
		}
		a.last = c
	}
	if r.From > capture.FromServer {
		return a.events
	}
	switch r.Kind {
	case capture.Data:
		c.data(r.From, r.Data)
	case capture.Cipher:
		c.seen[r.From] += int64(len(r.Data))
		if !c.sure {
			c.decide(TLS)
		}
	case capture.Gap:
		c.gap(r.From, r.Lost)
	case capture.Handshake:
		if len(c.tls) < handshakesMost {
			c.tls = append(c.tls, r.TLS)
		}
		c.emit(Event{Kind: HandshakeSeen, From: r.From, TLS: r.TLS})
	case capture.Remark:
		if len(c.remarks) < remarksMost {
			c.remarks = append(c.remarks, strings.Clone(r.Text))
		}
	case capture.Close:
		c.close(r)
	}
	return a.events
}

// Advance tells that time has come to t: what was held back because more of it
// might follow is given out when it has waited for ten seconds.
func (a *Assembler) Advance(t time.Time) []Event {
	a.events = a.events[:0]
	for _, c := range a.inOrder() {
		c.advance(t)
	}
	return a.events
}

// AdvanceConn is Advance for one connection.
func (a *Assembler) AdvanceConn(c *capture.Conn, t time.Time) []Event {
	a.events = a.events[:0]
	if x := a.conns[c]; x != nil {
		x.advance(t)
	}
	return a.events
}

func (c *conn) advance(t time.Time) {
	c.a.rec.Time, c.a.rec.Packet = t, 0
	for d := range c.sides {
		s := &c.sides[d]
		if s.state == stHold && t.Sub(s.last) >= 10*time.Second {
			s.release()
		}
	}
}

// Finish ends all connections that are still open, in the order in which they
// were first seen.
func (a *Assembler) Finish() []Event {
	a.events = a.events[:0]
	for _, c := range a.inOrder() {
		c.finish()
	}
	return a.events
}

// FinishConn ends one connection as Finish ends all.
func (a *Assembler) FinishConn(c *capture.Conn) []Event {
	a.events = a.events[:0]
	if x := a.conns[c]; x != nil {
		x.finish()
	}
	return a.events
}

func (c *conn) finish() {
	c.a.rec.Time, c.a.rec.Packet = c.lastTime(), 0
	c.close(capture.Record{End: capture.EndOfInput, Both: true})
}

// Open returns the connections that are open, in the order in which they were
// first seen.
func (a *Assembler) Open() []*capture.Conn {
	var open []*capture.Conn
	for _, c := range a.inOrder() {
		open = append(open, c.c)
	}
	return open
}

// Salvage is for after a call that panicked on c: it returns what that call had
// completed, and a copy of c's bytes that are in no message yet, the client's
// first. Drop is to follow.
func (a *Assembler) Salvage(c *capture.Conn) (done []Event, held []byte) {
	if x := a.conns[c]; x != nil {
		for d := range x.sides {
			held = append(held, x.sides[d].buf.String()...)
		}
	}
	return a.events, held
}

// Drop forgets a connection, whatever state it is in.
func (a *Assembler) Drop(c *capture.Conn) {
	delete(a.conns, c)
	a.last = nil
}

// open begins the record's connection, and tells of it.
func (a *Assembler) open(r capture.Record) *conn {
	if a.conns == nil {
		a.conns = map[*capture.Conn]*conn{}
	}
	a.opened++
	c := a.newConn()
	c.c, c.ordinal, c.since = r.Conn, a.opened, r.Time
	c.midstream = r.Kind != capture.Open || r.Midstream
	c.synced = !c.midstream
	c.roles = !c.midstream
	a.conns[r.Conn] = c
	c.emit(Event{Kind: Opened, From: r.From, Midstream: c.midstream})
	return c
}

// maxSpares is how many connections that are over lend their memory to new ones.
const maxSpares = 64

// newConn returns a conn as new.
func (a *Assembler) newConn() *conn {
	n := len(a.spares)
	if n == 0 {
		c := &conn{a: a}
		for d := range c.sides {
			c.sides[d].init(c, capture.Direction(d))
		}
		return c
	}
	c := a.spares[n-1]
	a.spares = a.spares[:n-1]
	c.proto, c.sure, c.asker = 0, false, 0
	c.seen, c.lost, c.tls, c.remarks = [2]int64{}, 0, nil, nil
	c.pairing = pairing{queue: c.queue[:0]}
	for d := range c.sides {
		c.sides[d].empty()
	}
	return c
}

// retire forgets a connection that is over. Its memory, which no message holds,
// is used again unless it is large.
func (a *Assembler) retire(c *conn) {
	delete(a.conns, c.c)
	a.last = nil
	if len(a.spares) < maxSpares && cap(c.queue) <= 64 && !c.sides[0].large() && !c.sides[1].large() {
		clear(c.queue[:cap(c.queue)])
		a.spares = append(a.spares, c)
	}
}

// inOrder returns the connections in the order in which they were first seen.
func (a *Assembler) inOrder() []*conn {
	cs := make([]*conn, 0, len(a.conns))
	for _, c := range a.conns {
		cs = append(cs, c)
	}
	slices.SortFunc(cs, func(x, y *conn) int { return x.ordinal - y.ordinal })
	return cs
}

// emit fills in what all events have.
func (c *conn) emit(e Event) {
	e.Conn, e.Seq, e.Time, e.Packet = c.c, c.a.rec.Seq, c.a.rec.Time, c.a.rec.Packet
	c.a.events = append(c.a.events, e)
}

func (c *conn) data(d capture.Direction, data []byte) {
	if len(data) == 0 {
		return
	}
	if data[0] == '<' && c.seen == [2]int64{} && c.c.Origin == capture.Wire && !c.midstream {
		c.xmpp = &xmpp{}
	}
	c.seen[d] += int64(len(data))
	if c.xmpp != nil {
		c.xmppData(d, data)
	}
	if c.sure && c.proto != HTTP {
		return
	}
	c.sides[d].feed(data)
}

// decide settles what the connection speaks.
func (c *conn) decide(p Protocol) {
	c.proto, c.sure = p, true
	if p == HTTP {
		return
	}
	for d := range c.sides {
		c.sides[d].forget()
	}
}

// role tells which side asks, by the first start line seen. The source knows it
// of connections whose opening it saw, and guesses of others.
func (c *conn) role(d capture.Direction, request bool) {
	c.roles = true
	c.asker = d
	if !request {
		c.asker = d.Opposite()
	}
}

func (c *conn) gap(d capture.Direction, lost int64) {
	if lost < 0 || c.lost < 0 {
		c.lost = -1
	} else {
		c.lost += lost
	}
	if c.sure && c.proto != HTTP {
		c.emit(Event{Kind: GapSeen, From: d, Lost: lost, Offset: c.sides[d].pos})
		return
	}
	c.sides[d].gap(lost)
}

func (c *conn) close(r capture.Record) {
	for _, d := range [2]capture.Direction{c.asker, c.asker.Opposite()} {
		if (r.Both || d == r.From) && !c.sides[d].ended {
			c.sides[d].end(r.End)
		}
	}
	both := c.sides[0].ended && c.sides[1].ended
	e := Event{Kind: Closed, From: r.From, End: r.End, Both: both}
	if both {
		for d := range c.sides {
			if c.sure && c.proto == HTTP {
				c.sides[d].leftOver()
			}
		}
		c.finishPairing()
		e.Summary = c.summary()
		c.a.retire(c)
	}
	c.emit(e)
}

func (c *conn) summary() *Summary {
	p := c.proto
	if !c.sure && c.seen[0]+c.seen[1] > 0 {
		p = Foreign
	}
	s := c.a.Pool.summary()
	*s = Summary{Protocol: p, Opened: c.since, Midstream: c.midstream, Bytes: c.seen, Exchanges: c.exchanges, Lost: c.lost, TLS: c.tls, Remarks: c.remarks}
	return s
}

// lastTime is the time of the last byte seen.
func (c *conn) lastTime() time.Time {
	t := c.sides[0].last
	if u := c.sides[1].last; u.After(t) {
		t = u
	}
	if t.IsZero() {
		t = c.since
	}
	return t
}

// looksTLS says whether b, the first six bytes of a direction, begin a TLS
// record or an SSLv2 hello. A connection seen from its middle may begin with any
// kind of record.
func looksTLS(b string, midstream bool) bool {
	if b[1] == 3 && b[2] <= 4 && b[3] <= 0x48 {
		return b[0] == 0x16 || b[0] == 0x15 || midstream && b[0] >= 0x14 && b[0] <= 0x18
	}
	return !midstream && b[0]&0x80 != 0 && b[2] == 1 && (b[3] == 3 && b[4] <= 4 || b[3] == 0 && b[4] == 2)
}
