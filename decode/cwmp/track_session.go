package cwmp

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"time"

	"informant/capture"
)

// tracked is a session that is open, and what is needed to go on with it. What
// every message asks for stands first, beside what it asks for of the Session.
type tracked struct {
	Session

	retry       bool // the ACS's last answer asks for the same message again
	cutExchange bool // an exchange of it was cut off
	reset       bool
	displaced   bool // another session's messages came on its connection
	evicted     bool // the source stopped following its connection
	capturedOut bool // a connection of it was open when the input ended
	unreadable  bool // its last message could not be read
	leaving     bool // its connection is being closed
	second      bool // its Inform came before an earlier session of the device was over
	headless    bool // a fragment at the beginning of a connection, where an Inform belongs
	probing     bool // messages of a prelude are being admitted
	ended       bool

	exchanges     int
	openExchanges int
	kept          int64
	last          time.Time    // of its last message
	call, ask     *Transaction // the CPE's request and the ACS's that wait for an answer
	more          []*Transaction
	undo          undo // how it stood before the CPE's last message
	retried       []*Message
	cookies       []jarred

	// Room for what most sessions have no more of.
	room struct {
		cookies      [1]jarred
		messages     [16]*Message
		transactions [4]*Transaction
		transaction  [4]Transaction
		conns        [1]*capture.Conn
		closes       [2]CloseSeen
	}

	older, newer *tracked       // in sessionList
	peer         place[tracked] // in Tracker.byClient
	liveConns    int
	key          string // of its device
	client       netip.Addr
	timeout      time.Duration
}

// transaction begins one.
func (s *tracked) transaction(caller Role, request *Message) *Transaction {
	var tx *Transaction
	if n := len(s.Transactions); n < len(s.room.transaction) && s.room.transaction[n].Request == nil {
		tx = &s.room.transaction[n]
	} else {
		tx = new(Transaction)
	}
	tx.Caller, tx.Request = caller, request
	s.Transactions = append(s.Transactions, tx)
	return tx
}

// undo is the state before a message that will come again.
type undo struct {
	state State
	ask   *Transaction
	more  []*Transaction
}

// sessionList is the open sessions in the order in which they began.
type sessionList struct {
	oldest, newest *tracked
	n              int
}

func (l *sessionList) push(s *tracked) {
	s.older = l.newest
	if l.newest != nil {
		l.newest.newer = s
	} else {
		l.oldest = s
	}
	l.newest = s
	l.n++
}

func (l *sessionList) remove(s *tracked) {
	if s.older != nil {
		s.older.newer = s.newer
	} else {
		l.oldest = s.newer
	}
	if s.newer != nil {
		s.newer.older = s.older
	} else {
		l.newest = s.older
	}
	s.older, s.newer = nil, nil
	l.n--
}

// begin opens a session, or a fragment, on a connection.
func (t *Tracker) begin(ct *connTrack, at time.Time, fragment bool) *tracked {
	ct.begun++
	s := t.Pool.session()
	s.Session = Session{
		ID:               t.sessionID(ct.conn.Identity, ct.begun),
		Fragment:         fragment,
		Start:            at,
		End:              at,
		EffectiveVersion: -1,
		SawStart:         !fragment && (!ct.midstream || ct.begun > 1) && ct.lost == 0,
		Lost:             ct.lost,
		Undated:          at.IsZero(),
		TLS:              ct.tls,
		whole:            s,
	}
	s.last, s.client = at, ct.conn.Client.Addr()
	s.Messages, s.Transactions, s.Conns = s.room.messages[:0], s.room.transactions[:0], s.room.conns[:0]
	s.cookies = s.room.cookies[:0]
	s.Closes = s.room.closes[:0]
	ct.lost = 0
	if fragment {
		t.ordinals.fragments++
		s.Ordinal = t.ordinals.fragments
	} else {
		t.ordinals.sessions++
		s.Ordinal = t.ordinals.sessions
	}
	t.open.push(s)
	t.attach(s, ct)
	if !fragment {
		t.byClient.add(s.client, s)
	}
	if t.open.n > t.limits.Sessions {
		t.end(t.open.oldest, TooLarge)
	}
	return s
}

func (t *Tracker) fragment(ct *connTrack, at time.Time) *tracked {
	if ct.current != nil {
		return ct.current
	}
	return t.begin(ct, at, true)
}

// aloneFragment begins a fragment that nothing further on ct joins.
func (t *Tracker) aloneFragment(ct *connTrack, at time.Time) *tracked {
	current := ct.current
	s := t.begin(ct, at, true)
	if current != nil && !current.ended {
		t.attach(current, ct)
	} else {
		ct.current = nil
		s.liveConns--
	}
	return s
}

// attach makes ct a connection of s, and s what its next POST joins.
func (t *Tracker) attach(s *tracked, ct *connTrack) {
	if old := ct.current; old == s {
		return
	} else if old != nil {
		old.liveConns--
		old.displaced = true
	}
	ct.current = s
	s.liveConns++
	s.leaving, s.displaced = false, false
	for _, c := range s.Conns {
		if c == ct.conn {
			return
		}
	}
	s.Conns = append(s.Conns, ct.conn)
	s.Synthetic = s.Synthetic || ct.conn.Origin == capture.Synthesised
}

// sessionID names a session by its first connection and its ordinal on it.
func (t *Tracker) sessionID(conn [16]byte, ordinal int) (id [16]byte) {
	if t.hash == nil {
		t.hash = sha256.New()
	}
	t.hash.Reset()
	b := append(t.scratch[:0], conn[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(ordinal))
	t.hash.Write(b)
	t.scratch = t.hash.Sum(b[:0])
	copy(id[:], t.scratch)
	return id
}

// disconnected says that every connection of the session is gone.
func (s *tracked) disconnected() bool { return s.liveConns <= 0 }

// lostBy is why a session that nobody continued has ended.
func (s *tracked) lostBy() Cause {
	switch {
	case s.evicted:
		return Idle
	case s.displaced:
		return Displaced
	case s.retry && len(s.retried) > 0 && s.lastStatus() == 401:
		return Unauthorized
	case s.retry && s.lastStatus() >= 300 && s.lastStatus() < 400:
		return RedirectLost
	case s.reset:
		return ConnReset
	case s.unreadable:
		return BadEnvelope
	}
	return ConnClosed
}

func (s *tracked) lastStatus() int {
	for i := len(s.Messages) - 1; i >= 0; i-- {
		if m := s.Messages[i]; m.From == ACS {
			return m.Status
		}
	}
	return 0
}

func (s *tracked) addLost(n int64) { s.Lost = addLost(s.Lost, n) }

// admitRequest takes the messages of an HTTP request into their session.
func (t *Tracker) admitRequest(s *tracked, b *binding) {
	b.to = s
	s.exchanges++
	s.openExchanges++
	b.n = s.exchanges
	if s.URL == "" {
		s.URL = requestURL(b.exchange.Request, b.ct.secure())
	}
	s.undo = undo{s.State, s.ask, slices.Clone(s.more)}
	again := s.retry
	for _, m := range b.requests {
		m.Exchange = b.n
		if again && s.repeats(m) {
			m.Resend = true
		}
		t.step(s, m)
		t.add(s, m)
	}
	s.retry = false
	s.retried = b.requests
}

// admitResponse takes the messages of an HTTP response into their session.
func (t *Tracker) admitResponse(s *tracked, b *binding, msgs []*Message) {
	if n := len(s.Messages); b.n == 0 && n > 0 && isHeadless(b.exchange.Response) && s.Messages[n-1].From == CPE {
		b.n = s.exchanges // bare envelopes pair by their order
		s.openExchanges--
		s.Keep() // the request's own binding still leads to it
	} else if b.n == 0 {
		s.exchanges++
		b.n = s.exchanges
	} else {
		s.openExchanges--
	}
	t.takeFields(s, b.exchange.Response)
	if len(msgs) > 0 {
		msgs[0].Interim = b.exchange.Interim
	}
	for _, m := range msgs {
		m.Exchange = b.n
		t.step(s, m)
		t.add(s, m)
	}
}

// add appends a message whose place in the session is known, and tells it.
func (t *Tracker) add(s *tracked, m *Message) {
	if len(s.Messages) == 0 && m.Time.Before(s.Start) && !m.Time.IsZero() {
		s.Start = m.Time
	}
	if m.Kind == Request && m.RPC == "Inform" && s.Inform == nil {
		t.identify(s, m)
	}
	m.N = len(s.Messages) + 1
	s.Messages = append(s.Messages, m)
	if m.End.After(s.End) {
		s.End = m.End
	}
	if m.End.After(s.last) {
		s.last = m.End
	}
	s.note(m)
	s.unreadable = m.Kind == Unreadable
	if s.State == Done || s.State == Broken {
		t.byClient.remove(s.client, s)
	}
	if m.N == 1 {
		t.emit(Event{Kind: SessionOpened, Time: m.Time, Session: &s.Session})
	}
	t.emit(Event{Kind: MessageSeen, Time: m.Time, Session: &s.Session, Message: m})
	t.learn(s, m)
	t.weigh(s, m)
}

// note takes what one message tells about the session as a whole.
func (s *tracked) note(m *Message) {
	if m.HTTP != nil && m.HTTP.Lost != 0 {
		s.addLost(m.HTTP.Lost)
	}
	if m.Time.IsZero() {
		s.Undated = true
	}
	if s.Namespace == "" && Version(m.Method.Space) >= 0 {
		s.Namespace = m.Method.Space
	}
	if b := m.Header.SessionTimeout; b != nil && m.RPC == "Inform" {
		l := Leaf{Value: b.Value, Present: true}
		if n, ok := l.Uint(); ok && n < 1<<20 {
			s.timeout = time.Duration(n) * time.Second
		}
	}
	s.EffectiveVersion = effectiveVersion(&s.Session, m)
}

// effectiveVersion is the negotiated CWMP version after m (reference 1.4).
func effectiveVersion(s *Session, m *Message) int {
	v := Version(m.Method.Space)
	if v > 4 {
		v = -1
	}
	switch {
	case m.RPC == "Inform" && m.Kind == Request && v >= 0:
		if v == 2 && m.Header.SupportedCWMPVersions != nil {
			return 4
		}
		if v == 2 && m.Header.SessionTimeout != nil {
			return 3
		}
		return v
	case m.RPC == "InformResponse":
		if b := m.Header.UseCWMPVersion; b != nil {
			if n, ok := strings.CutPrefix(strings.TrimSpace(b.Value), "1."); ok && len(n) == 1 && n[0] >= '0' && n[0] <= '9' {
				return int(n[0] - '0')
			}
		}
		if v >= 0 && v < 2 && v < s.EffectiveVersion {
			return v
		}
		// An ACS that names no version knows none above 1.3.
		if s.EffectiveVersion == 4 && m.Header.UseCWMPVersion == nil {
			return 3
		}
	case s.EffectiveVersion < 0 && v >= 0:
		return v
	}
	return s.EffectiveVersion
}

// identify takes a session's Inform.
func (t *Tracker) identify(s *tracked, m *Message) {
	s.Inform = m
	in, ok := m.Args.(*Inform)
	if !ok {
		return
	}
	s.Device = t.deviceID(&in.DeviceID)
	if t.scratch = s.Device.appendKey(t.scratch[:0]); string(t.scratch) != s.key {
		s.key = string(t.scratch)
	}
	if s.key != "" {
		t.byDevice[s.caller()] = s
	}
	s.Root = rootOf(in)
}

// deviceID is a DeviceId that holds on to nothing of the message.
func (t *Tracker) deviceID(d *DeviceIDStruct) DeviceID {
	leaves := [...]*Leaf{&d.Manufacturer, &d.OUI, &d.ProductClass, &d.SerialNumber}
	var parts [len(leaves)]string
	b := t.scratch[:0]
	for i, l := range leaves {
		parts[i] = strings.TrimSpace(l.Value)
		b = append(b, parts[i]...)
	}
	t.scratch = b
	all := string(b)
	for i := range parts {
		n := len(parts[i])
		parts[i], all = all[:n], all[n:]
	}
	return DeviceID{parts[0], parts[1], parts[2], parts[3]}
}

// rootOf is the data model's root in an Inform's parameters.
func rootOf(in *Inform) string {
	for i := range in.ParameterList.Items {
		name := strings.TrimSpace(in.ParameterList.Items[i].Name.Value)
		for _, root := range []string{"InternetGatewayDevice.", "Device."} {
			if strings.HasPrefix(name, root) {
				return root
			}
		}
	}
	return ""
}

// end closes a session and hands it on.
func (t *Tracker) end(s *tracked, c Cause) {
	if s.ended {
		return
	}
	s.ended = true
	t.trim = slices.DeleteFunc(t.trim, func(x trimming) bool { return x.s == &s.Session }) // it goes out whole
	t.open.remove(s)
	t.held -= s.kept
	if k := s.caller(); t.byDevice[k] == s {
		delete(t.byDevice, k)
	}
	for _, c := range s.cookies {
		t.dropCookie(s, c.cookie)
	}
	t.byClient.remove(s.client, s)
	s.Unheard = t.unheard(s)
	for _, c := range s.Conns {
		if ct := t.conns[c]; ct != nil && ct.current == s {
			ct.current = nil
		}
	}
	if len(s.Messages) == 0 {
		return
	}
	conclude(s, c)
	s.Pending = s.openExchanges
	t.emit(Event{Kind: SessionEnded, Time: s.End, Session: &s.Session})
}

func addrText(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
