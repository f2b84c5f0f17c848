package cwmp

import (
	"cmp"
	"hash"
	"maps"
	"slices"
	"strings"
	"time"

	"informant/capture"
	"informant/decode/http1"
	"informant/decode/soap"
)

// Limits bounds what a Tracker holds. Zero values stand for the defaults.
type Limits struct {
	// Idle ends a session that was silent for so long as unfinished, unless
	// its SessionTimeout is longer: 5 minutes.
	Idle time.Duration
	// Rejoin is how long a session whose connection is gone waits to be
	// continued on another one, unless its SessionTimeout is longer: 30 s
	// (TR-069 3.7.2.4).
	Rejoin time.Duration
	// SessionBytes of raw messages, and of what each costs beside its bytes,
	// are kept of one session: 32 MB. What comes beyond is trimmed.
	SessionBytes int64
	// TotalBytes of them are kept of all open sessions: 256 MB. Where what is
	// left of trimmed messages outgrows this by a quarter, the largest sessions
	// are ended.
	TotalBytes int64
	// Sessions are open at once: 100,000; beyond, the oldest is ended.
	Sessions int
	// Messages of one session are kept: 20,000; beyond, they open a fragment.
	Messages int
}

func (l Limits) orDefaults() Limits {
	def := func(v, d int64) int64 {
		if v == 0 {
			return d
		}
		return v
	}
	return Limits{
		Idle:         time.Duration(def(int64(l.Idle), int64(5*time.Minute))),
		Rejoin:       time.Duration(def(int64(l.Rejoin), int64(30*time.Second))),
		SessionBytes: def(l.SessionBytes, 32<<20),
		TotalBytes:   def(l.TotalBytes, 256<<20),
		Sessions:     int(def(int64(l.Sessions), 100_000)),
		Messages:     int(def(int64(l.Messages), 20_000)),
	}
}

// Tracker makes CWMP sessions of HTTP exchanges. The zero value is ready. It
// joins messages to sessions by connection, then by the session's cookie, then
// by client address and ACS, as the reference's section 8.0 says; what cannot
// be joined is a fragment.
type Tracker struct {
	Limits Limits
	Pool   *Pool // of memory to use again; may be nil

	limits Limits
	conns  map[*capture.Conn]*connTrack
	open   sessionList
	event  http1.Event // the one that is being fed
	spare  *binding    // for use again

	byCookie map[cookie]bearers  // those in which it was set
	byDevice map[caller]*tracked // the latest session of each
	byClient chains[tracked]     // what may be continued on another connection, by client

	// silent are connections that are open and of which nothing was heard yet.
	silent chains[connTrack]
	idle   []*connTrack // of connections that are over

	devices   deviceBook
	requests  requestBook
	transfers transferBook

	ordinals struct{ sessions, fragments int }
	first    time.Time // of the first event with a time
	now      time.Time
	byUDP    deviceBook // by UDPConnectionRequestAddress
	swept    time.Time
	held     int64 // bytes, by all open sessions
	trim     []trimming
	out      []Event
	hash     hash.Hash // of sessionID
	scratch  []byte
}

// connTrack is what is known of a connection.
type connTrack struct {
	conn      *capture.Conn
	opened    time.Time
	midstream bool
	current   *tracked         // the session, or fragment, that its next POST joins
	waiting   *binding         // exchanges without an answer yet, the oldest first
	newest    *binding         // the last of them
	own       binding          // for one of them; its ct is nil while none has it
	prelude   []*binding       // POSTs before anything that tells whose they are
	begun     int              // sessions and fragments begun on it
	devices   [2]string        // keys of the devices whose Informs it carried, two at most
	carried   int              // how many those are
	lost      int64            // bytes missing since the last message
	acs       bool             // its server answered CWMP
	tls       []*capture.TLS   // its handshakes
	silence   place[connTrack] // in Tracker.silent
}

// binding ties an exchange to the session that it belongs to.
type binding struct {
	ct       *connTrack
	exchange *http1.Exchange
	next     *binding   // in connTrack.waiting, or Tracker.spare
	to       *tracked   // nil while it is not known, or the exchange is no CWMP
	requests []*Message // of its HTTP request
	attempt  *attempt   // the Connection Request that it is part of
	command  *command   // the one whose file it fetches or brings
	n        int        // ordinal of the exchange in its session
	answered bool       // its response was seen
	gone     bool       // it will have none
	foreign  bool       // it was taken for no CWMP before its answer was seen
}

// Reading is the CWMP messages in an event's HTTP message, and the document that
// they are in, or that none was found in.
type Reading struct {
	messages []*Message
	document *soap.Document
}

// Read reads the envelope of the HTTP message that an event completed. It
// depends on nothing else, so that it can be done ahead of Feed, and elsewhere.
func Read(e *http1.Event) Reading {
	return new(Reader).Read(e)
}

// Feed takes what http1 completed, and what Read made of it, and returns what
// that completed here. The slice is valid until the next call.
func (t *Tracker) Feed(event http1.Event, r Reading) []Event {
	t.start()
	t.event = event
	e := &t.event
	t.pass(e.Time)
	if e.Kind == http1.DatagramSeen {
		t.datagram(e)
		return t.out
	}
	ct := t.conn(e)
	switch e.Kind {
	case http1.Opened:
		ct.opened, ct.midstream = e.Time, e.Midstream
		t.opens(ct)
	case http1.RequestSeen:
		t.request(ct, e, r)
	case http1.ResponseSeen:
		t.response(ct, e, r)
	case http1.Unanswered:
		t.unanswered(ct, e)
	case http1.GapSeen:
		t.gap(ct, e)
	case http1.RemainderSeen:
		t.remainder(ct, e)
	case http1.StanzaSeen:
		t.emit(Event{Kind: StanzaSeen, Time: e.Time, HTTP: kept(e)})
	case http1.HandshakeSeen:
		if len(ct.tls) < 16 {
			ct.tls = append(ct.tls, e.TLS)
		}
		t.emit(Event{Kind: Handshake, Time: e.Time, HTTP: kept(e)})
	case http1.Closed:
		t.close(ct, e)
	}
	return t.out
}

// Now is the time to which the traffic has come.
func (t *Tracker) Now() time.Time { return t.now }

// Advance says that time has come to now, without anything having been seen.
func (t *Tracker) Advance(now time.Time) []Event {
	t.start()
	t.pass(now)
	return t.out
}

// Finish ends everything that is open: there is no more.
func (t *Tracker) Finish() []Event {
	t.start()
	for _, ct := range slices.SortedFunc(maps.Values(t.conns), func(a, b *connTrack) int { return cmp.Compare(a.conn.ID, b.conn.ID) }) {
		for _, b := range ct.prelude {
			b.gone = b.gone || !b.answered
		}
		t.settlePrelude(ct, ct.showsCWMP())
	}
	for s := t.open.oldest; s != nil; s = t.open.oldest {
		t.end(s, CaptureEnded)
	}
	t.requests.finish(t)
	return t.out
}

// start begins a call: nothing is out yet, and what outgrew its limit in the
// last one has been seen by everybody.
func (t *Tracker) start() {
	t.out = t.out[:0]
	if t.conns == nil {
		t.limits = t.Limits.orDefaults()
		t.conns = map[*capture.Conn]*connTrack{}
		t.byUDP.most = knownUDP
		t.byCookie = map[cookie]bearers{}
		t.byDevice = map[caller]*tracked{}
		t.byClient = newChains(func(s *tracked) *place[tracked] { return &s.peer })
		t.silent = newChains(func(ct *connTrack) *place[connTrack] { return &ct.silence })
	}
	for len(t.trim) > 0 {
		x := t.trim[len(t.trim)-1]
		t.trim = t.trim[:len(t.trim)-1]
		x.do()
	}
	t.relieve()
}

// kept is a copy of an event that goes out.
func kept(e *http1.Event) *http1.Event {
	c := *e
	return &c
}

func (t *Tracker) emit(e Event) { t.out = append(t.out, e) }

// pass lets time come to now, and ends what is overdue.
func (t *Tracker) pass(now time.Time) {
	if now.IsZero() {
		return
	}
	if t.first.IsZero() {
		t.first = now
	}
	if now.After(t.now) {
		t.now = now
	}
	if t.now.Sub(t.swept) < time.Second {
		return
	}
	t.swept = t.now
	for s := t.open.oldest; s != nil; {
		next := s.newer
		if c, over := t.overdue(s); over {
			t.end(s, c)
		}
		s = next
	}
	t.requests.sweep(t)
}

// overdue says whether a session has waited long enough for what may follow.
func (t *Tracker) overdue(s *tracked) (Cause, bool) {
	idle := t.now.Sub(s.last)
	switch {
	case s.State == Done:
		return NothingMore, idle > 10*time.Second
	case s.State == Broken:
		return s.Ended, idle > 10*time.Second
	case s.disconnected():
		return s.lostBy(), idle > max(t.limits.Rejoin, s.timeout)
	}
	return Idle, idle > max(t.limits.Idle, s.timeout)
}

func (t *Tracker) conn(e *http1.Event) *connTrack {
	ct := t.conns[e.Conn]
	if ct == nil {
		if n := len(t.idle); n > 0 {
			ct, t.idle = t.idle[n-1], t.idle[:n-1]
		} else {
			ct = new(connTrack)
		}
		ct.conn, ct.opened, ct.midstream = e.Conn, e.Time, e.Kind != http1.Opened
		t.conns[e.Conn] = ct
	}
	return ct
}

// secure says whether the CPE spoke TLS on the connection.
func (ct *connTrack) secure() bool {
	for _, t := range ct.tls {
		if t.Leg != capture.UpstreamLeg && t.Failed == "" {
			return true
		}
	}
	return false
}

func (ct *connTrack) session() *Session {
	if ct.current == nil {
		return nil
	}
	return &ct.current.Session
}

// await notes an exchange that is to be answered.
func (t *Tracker) await(ct *connTrack, x *http1.Exchange) *binding {
	b := &ct.own
	switch {
	case b.ct == nil:
	case t.spare != nil:
		b = t.spare
		t.spare = b.next
	default:
		b = new(binding)
	}
	*b = binding{ct: ct, exchange: x}
	if ct.waiting == nil {
		ct.waiting = b
	} else {
		ct.newest.next = b
	}
	ct.newest = b
	return b
}

// answered is the binding of an exchange that is over, nil when its request was
// not seen.
func (ct *connTrack) answered(x *http1.Exchange) *binding {
	var before *binding
	for b := ct.waiting; b != nil; before, b = b, b.next {
		if b.exchange != x {
			continue
		}
		if before == nil {
			ct.waiting = b.next
		} else {
			before.next = b.next
		}
		if ct.newest == b {
			ct.newest = before
		}
		b.next = nil
		return b
	}
	return nil
}

// release takes back a binding that nobody knows any more.
func (t *Tracker) release(b *binding) {
	if b == &b.ct.own {
		*b = binding{}
		return
	}
	*b = binding{next: t.spare}
	t.spare = b
}

// request takes a complete HTTP request.
func (t *Tracker) request(ct *connTrack, e *http1.Event, r Reading) {
	m, msgs := e.Exchange.Request, r.messages
	t.heard(ct)
	b := t.await(ct, e.Exchange)
	if len(msgs) == 0 && !isHeadless(m) {
		if t.transfers.begin(b) {
			return
		}
		if !strings.EqualFold(m.Method, "POST") {
			t.requests.begin(b, t)
			return
		}
	}
	for _, x := range msgs {
		x.From = CPE
	}
	if len(msgs) == 0 {
		msgs = t.Pool.bare(m, r.document)
	}
	for _, x := range msgs {
		x.Early = e.EarlyNext
	}
	b.requests = msgs
	s := t.join(ct, b)
	if s == nil {
		ct.prelude = append(ct.prelude, b)
		if len(ct.prelude) > 64 {
			t.settlePrelude(ct, ct.showsCWMP())
		}
		return
	}
	if len(s.Messages) >= t.limits.Messages {
		t.end(s, TooLarge)
		s = t.fragment(ct, msgs[0].Time)
	}
	t.admitRequest(s, b)
}

func (b *binding) inPrelude() bool {
	for _, x := range b.ct.prelude {
		if x == b {
			return true
		}
	}
	return false
}

// bare makes the Message of a POST in which no method was found. d is what it
// holds, nil where that is no envelope.
func (p *Pool) bare(m *http1.Message, d *soap.Document) []*Message {
	x := p.alone(m, d)
	x[0].From, x[0].Kind = CPE, Unreadable
	if x[0].Document == nil && blank(m.Body) && m.Omitted == 0 && m.Complete {
		x[0].Kind = Empty
	}
	return x
}

// alone makes the one Message of an HTTP message without methods.
func (p *Pool) alone(m *http1.Message, d *soap.Document) []*Message {
	x := p.message()
	x.HTTP, x.Time, x.End, x.Document = m, m.First, m.Last, d
	return x.list[:]
}

// response takes a complete HTTP response.
func (t *Tracker) response(ct *connTrack, e *http1.Event, r Reading) {
	m, msgs := e.Exchange.Response, r.messages
	t.heard(ct)
	b := ct.answered(e.Exchange)
	if b == nil { // its request was not seen
		b = &binding{ct: ct, exchange: e.Exchange}
	}
	told := b.to != nil // its request is part of a session
	if told && b.to.ended {
		b.to, b.n = nil, 0
	}
	if t.transfers.complete(b, t) || t.requests.complete(b, t) {
		t.release(b)
		return
	}
	switch {
	case b.to != nil:
	case told:
		b.to = t.aloneFragment(ct, e.Time)
	case b.inPrelude() && len(msgs) == 0:
		if x := b.requests[0]; x.Kind == Empty || looksCWMP(x) {
			b.answered = true // stays there, with its answer
			return
		}
		t.dropPrelude(ct, b)
		t.other(b.exchange, e.Time)
		return
	case b.inPrelude():
		t.settlePrelude(ct, true) // which finds b.to
	case len(msgs) == 0 && !isHeadless(m) && (b.exchange.Request != nil || !Sniff(m.Body) && (ct.current == nil || !ct.current.Fragment)):
		t.other(b.exchange, e.Time)
		return
	default:
		// CWMP, readable or not, in answer to what was none, or to what was
		// not seen.
		b.to = t.fragment(ct, e.Time)
		if q := b.exchange.Request; q != nil {
			b.requests = t.Pool.bare(q, documentOf(q))
			t.admitRequest(b.to, b)
		}
	}
	if len(msgs) == 0 {
		msgs = t.Pool.answerWithout(m, r.document)
	}
	for _, x := range msgs {
		x.From, x.Status = ACS, m.Status
	}
	ct.acs = true
	t.admitResponse(b.to, b, msgs)
	t.release(b)
}

func (t *Tracker) other(x *http1.Exchange, at time.Time) {
	t.emit(Event{Kind: OtherHTTP, Time: at, Other: &Other{Exchange: x}})
}

// answerWithout makes the Message of an HTTP response in which no method was
// found.
func (p *Pool) answerWithout(m *http1.Message, d *soap.Document) []*Message {
	list := p.alone(m, d)
	x := list[0]
	x.From, x.Status, x.Kind = ACS, m.Status, HTTP
	success := m.Status >= 200 && m.Status < 300
	switch {
	case success && blank(m.Body) && m.Omitted == 0 && !brokenOff(m):
		x.Kind = Empty
	case success, x.Document != nil, isHeadless(m):
		x.Kind = Unreadable
	}
	return list
}

// brokenOff says whether a body may have followed that was not seen.
func brokenOff(m *http1.Message) bool {
	return !m.Complete && m.Status != 204 && (m.Lost != 0 || m.Framing != http1.UntilClose)
}

// unanswered takes word that an exchange will have no response.
func (t *Tracker) unanswered(ct *connTrack, e *http1.Event) {
	b := ct.answered(e.Exchange)
	if b == nil {
		return
	}
	switch {
	case b.to != nil && b.to.ended:
		for _, m := range b.exchange.Interim {
			t.emit(Event{Kind: Remainder, Time: e.Time, HTTP: &http1.Event{Kind: http1.RemainderSeen, Conn: m.Conn, Time: m.First, From: m.From, Bytes: m.Raw, Packet: m.PacketAt(0), Offset: m.Offset}})
		}
	case b.to != nil:
		t.cutOff(b.to, b)
		b.to.cutExchange = true
	case b.foreign:
		t.other(b.exchange, e.Time)
	case len(b.requests) > 0:
		b.gone = true // in the prelude: it may still turn out to belong to a session
	case t.transfers.complete(b, t) || t.requests.complete(b, t):
	default:
		t.other(b.exchange, e.Time)
	}
}

// cutOff says that an exchange of a session will have no response.
func (t *Tracker) cutOff(s *tracked, b *binding) {
	s.openExchanges--
	for _, m := range b.exchange.Interim {
		a := Aside{From: ACS, Time: m.First, Packet: m.PacketAt(0), Size: int64(len(m.Raw))}
		if t.keep(s, int64(weightHTTP(m))) {
			a.Interim, a.Bytes = m, m.Raw
		}
		s.aside(a)
	}
}

func (t *Tracker) gap(ct *connTrack, e *http1.Event) {
	if s := ct.current; s != nil && s.State != Done {
		s.addLost(e.Lost)
		s.aside(Aside{From: roleOf(e.From), Time: e.Time, Packet: e.Packet, Lost: e.Lost})
	} else {
		ct.lost = addLost(ct.lost, e.Lost)
	}
	t.emit(Event{Kind: Gap, Time: e.Time, HTTP: kept(e), Session: ct.session()})
}

func (t *Tracker) remainder(ct *connTrack, e *http1.Event) {
	if s := ct.current; s != nil {
		a := Aside{From: roleOf(e.From), Time: e.Time, Packet: e.Packet, Size: int64(len(e.Bytes))}
		if n := min(len(e.Bytes), 64<<10); t.keep(s, int64(n)) {
			a.Bytes = strings.Clone(e.Bytes[:n])
		}
		s.aside(a)
	}
	t.emit(Event{Kind: Remainder, Time: e.Time, HTTP: kept(e), Session: ct.session()})
}

// aside notes something that is no message. What goes on and on is counted in
// the last one.
func (s *tracked) aside(a Aside) {
	a.After = len(s.Messages)
	if n := len(s.Asides); n >= 1000 {
		last := &s.Asides[n-1]
		last.Size += a.Size
		last.Lost = addLost(last.Lost, a.Lost)
		return
	}
	s.Asides = append(s.Asides, a)
}

func roleOf(d capture.Direction) Role {
	if d == capture.FromServer {
		return ACS
	}
	return CPE
}

// close takes the end of one direction of a connection, or of both.
func (t *Tracker) close(ct *connTrack, e *http1.Event) {
	if s := ct.current; s != nil {
		if s.State != Done && (e.End == capture.FIN || e.End == capture.RST) {
			s.Closes = append(s.Closes, CloseSeen{Conn: e.Conn, From: e.From, End: e.End, Time: e.Time, After: len(s.Messages), State: s.State})
		}
		s.reset = s.reset || e.End == capture.RST && s.State != Done && s.State != Broken
		s.evicted = s.evicted || e.End == capture.Evicted
	}
	if ct.current != nil {
		ct.current.leaving = true
	}
	if !e.Both {
		return
	}
	t.heard(ct)
	t.settlePrelude(ct, ct.showsCWMP())
	if s := ct.current; s != nil {
		s.liveConns--
		s.capturedOut = s.capturedOut || e.End == capture.EndOfInput
		switch {
		case s.State == Done:
			t.end(s, NothingMore)
		case s.State == Broken:
			t.end(s, s.Ended)
		case s.Fragment && s.liveConns <= 0 && e.End != capture.EndOfInput:
			t.end(s, ConnClosed)
		}
	}
	delete(t.conns, e.Conn)
	t.emit(Event{Kind: ConnectionOver, Time: e.Time, HTTP: e})
	t.discard(ct)
}

// discard keeps what was known of a connection that is over for one to come. Where an
// exchange may still know it, it doesn't.
func (t *Tracker) discard(ct *connTrack) {
	const few = 256
	if ct.waiting == nil && ct.own.ct == nil && len(ct.prelude) == 0 && !ct.silence.listed && len(t.idle) < few {
		*ct = connTrack{}
		t.idle = append(t.idle, ct)
	}
}

// Drop forgets a connection whose decoding failed. Its session ends with what
// it has.
func (t *Tracker) Drop(c *capture.Conn) []Event {
	t.start()
	ct := t.conns[c]
	if ct == nil {
		return nil
	}
	delete(t.conns, c)
	t.heard(ct)
	ct.prelude, ct.waiting, ct.newest = nil, nil, nil
	if s := ct.current; s != nil {
		s.capturedOut = true
		t.end(s, CaptureEnded)
	}
	return t.out
}

// addLost adds counts of lost bytes, where -1 is "unknown".
func addLost(a, b int64) int64 {
	if a < 0 || b < 0 {
		return -1
	}
	return a + b
}

// Busy yields the connections that sessions which are open, and Connection
// Requests that wait for their session, speak of; some twice.
func (t *Tracker) Busy(yield func(*capture.Conn)) {
	for s := t.open.oldest; s != nil; s = s.newer {
		for _, c := range s.Conns {
			yield(c)
		}
	}
	for _, a := range t.requests.list {
		yield(a.Conn)
	}
}

// Pending is what a call that panicked had completed. The slice is valid until
// the next call.
func (t *Tracker) Pending() []Event { return t.out }
