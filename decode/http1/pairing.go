package http1

import (
	"slices"
	"strings"

	"informant/capture"
)

// pairing joins a connection's requests and responses, first in, first out.
type pairing struct {
	queue     []*pair
	interim   []*Message // 1xx responses to nothing known
	exchanges int
	// synced: nothing was lost since a point where both sides were idle, so that
	// the next response answers the first request that waits.
	synced bool
}

// pair is an exchange that is not told whole yet.
type pair struct {
	x      Exchange
	method string // upper case
	asked  bool   // its request has begun
	told   bool   // RequestSeen was emitted
	begun  bool   // its response has begun
	answer *Message
	over   bool // no response will come
	alone  bool // not in the queue
	early  bool // its request came before the response to the one before it was whole
}

func (c *conn) newPair() *pair {
	c.exchanges++
	p := c.a.Pool.pair()
	p.x.N = c.exchanges
	return p
}

// methodOf returns the request's method of p in upper case, "" when unknown.
func (c *conn) methodOf(p *pair) string {
	if p == nil {
		return ""
	}
	return p.method
}

// idle says whether s is between messages.
func (s *stream) idle() bool { return s.state == stSeek || s.state == stRaw || s.ended }

// requestBegun is called when a request's start line was seen, with its method;
// "" when it has none.
func (c *conn) requestBegun(s *stream, method string) {
	answers := s.other()
	switch answers.state {
	case stHold:
		answers.release()
	case stMarkup:
		answers.endMarkup()
	case stUntil:
		// The client has taken the response for whole.
		answers.head.note(NoLength, answers.msg.headLen, "")
		answers.give(answers.buf.Len())
	}
	p := c.unasked()
	if p == nil {
		p = c.newPair()
		c.enqueue(p, answers)
	}
	p.asked = true
	s.msg.pair = p
	if method != "" {
		p.method = knownUpper(method)
	}
}

// knownUpper returns m in upper case, without garbage for the usual methods.
func knownUpper(m string) string {
	for _, k := range methods {
		if isName(k, m) {
			return k
		}
	}
	return strings.Clone(strings.ToUpper(m))
}

// enqueue puts a new request's pair behind those that wait, if what answers it
// will be known.
func (c *conn) enqueue(p *pair, answers *stream) {
	if c.c.Origin == capture.Synthesised && answers.idle() {
		c.abandon() // whoever wrote the dump put the response, if any, behind its request
	}
	if !c.synced && len(c.queue) == 0 && answers.idle() {
		c.synced = true
	}
	if len(c.queue) >= c.a.Limits.pending() {
		c.abandon()
		c.synced = false
	}
	if !c.synced {
		p.alone, p.over = true, true
		return
	}
	p.early = len(c.queue) > 0
	c.queue = append(c.queue, p)
}

// unasked returns the first pair whose response was seen before its request.
func (c *conn) unasked() *pair {
	for _, p := range c.queue {
		if !p.asked {
			return p
		}
	}
	return nil
}

// requestDone is called with a request that is complete, or as complete as it
// gets.
func (c *conn) requestDone(p *pair, m *Message) {
	p.x.Request = m
	p.told = true
	c.emit(Event{Kind: RequestSeen, From: m.From, Exchange: &p.x, EarlyNext: p.early})
	switch {
	case p.answer != nil:
		c.answer(p)
	case p.begun:
	case p.over || c.sides[m.From.Opposite()].ended:
		c.unanswered(p)
	}
}

// responseBegun is called when a response's head was read.
func (c *conn) responseBegun(s *stream) {
	if s.msg.status < 200 && s.msg.status != 101 && !s.msg.headless {
		return
	}
	for _, p := range c.queue {
		if !p.begun && p.asked {
			c.bind(s, p)
			return
		}
	}
	p := c.newPair()
	c.bind(s, p)
	if c.synced && c.c.Origin == capture.Wire && c.earlyRoom() {
		c.queue = append(c.queue, p)
	} else {
		p.alone = true
	}
}

func (c *conn) bind(s *stream, p *pair) {
	p.begun = true
	s.msg.pair = p
	p.x.Interim = append(p.x.Interim, c.interim...)
	c.interim = nil
	if asks := s.other(); asks.msg.pair == p {
		asks.release()
		asks.endMarkup()
	}
}

// earlyRoom says whether one more response may wait for its request. If not,
// those that wait are told without.
func (c *conn) earlyRoom() bool {
	n, size := 0, 0
	for _, p := range c.queue {
		if !p.asked {
			n++
			if p.answer != nil {
				size += len(p.answer.Raw) + len(p.answer.Body)
			}
		}
	}
	if n < earlyMax && size < earlyBytes && !c.sides[c.asker].ended {
		return true
	}
	c.orphan()
	c.synced = false
	return false
}

// responseDone is called with a response that is complete, or as complete as it
// gets.
func (c *conn) responseDone(p *pair, m *Message) {
	if p == nil { // interim
		for _, q := range c.queue {
			if q.asked && !q.begun {
				q.x.Interim = append(q.x.Interim, m)
				return
			}
		}
		c.interim = append(c.interim, m)
		if len(c.interim) > earlyMax {
			c.orphanInterim()
		}
		return
	}
	p.answer = m
	if p.told || !p.asked && p.alone {
		c.answer(p)
	}
	if m.Status == 101 {
		c.upgraded()
	}
}

// upgraded ends HTTP on the connection: what follows is another protocol.
func (c *conn) upgraded() {
	for d := range c.sides {
		if s := &c.sides[d]; s.state == stSeek {
			s.state = stRaw
		} else if s.state == stHold {
			s.release()
			s.state = stRaw
		}
	}
}

// answer tells the response of p.
func (c *conn) answer(p *pair) {
	p.x.Response = p.answer
	if c.a.Pool != nil {
		p.answer.pair = p // nobody here knows it any more: it is lent again with its response
	}
	c.emit(Event{Kind: ResponseSeen, From: p.answer.From, Exchange: &p.x})
	c.remove(p)
}

// unanswered tells that the request of p has no response.
func (c *conn) unanswered(p *pair) {
	p.over = true
	c.emit(Event{Kind: Unanswered, From: p.x.Request.From, Exchange: &p.x})
	c.remove(p)
}

func (c *conn) remove(p *pair) {
	if i := slices.Index(c.queue, p); i >= 0 {
		c.queue = slices.Delete(c.queue, i, i+1)
	}
}

// abandon gives up the requests that wait: what answers them was lost.
func (c *conn) abandon() {
	c.orphan()
	for _, p := range append([]*pair(nil), c.queue...) {
		switch {
		case p.begun:
		case p.told:
			c.unanswered(p)
		default:
			p.over = true
			p.alone = true
			c.remove(p)
		}
	}
}

// orphan tells the responses whose requests will not come.
func (c *conn) orphan() {
	for _, p := range append([]*pair(nil), c.queue...) {
		if p.asked {
			continue
		}
		p.alone = true
		c.remove(p)
		if p.answer != nil {
			c.answer(p)
		}
	}
}

// orphanInterim tells the 1xx responses that belong to nothing.
func (c *conn) orphanInterim() {
	ms := c.interim
	c.interim = nil
	for _, m := range ms {
		p := c.newPair()
		p.answer = m
		c.answer(p)
	}
}

// gapIn is called after bytes of direction d were lost outside of a body.
func (c *conn) gapIn(d capture.Direction) {
	c.synced = false
	if d == c.asker {
		c.orphan()
	} else {
		c.abandon()
	}
}

// endOf is called when nothing more will come from d.
func (c *conn) endOf(d capture.Direction) {
	if d == c.asker {
		c.orphan()
	} else {
		c.sides[c.asker].release()
		for _, p := range append([]*pair(nil), c.queue...) {
			if p.asked && !p.begun && p.told {
				c.unanswered(p)
			}
		}
	}
}

func (c *conn) finishPairing() {
	c.orphan()
	c.orphanInterim()
	for _, p := range append([]*pair(nil), c.queue...) {
		if p.told && p.answer == nil {
			c.unanswered(p)
		}
	}
}
