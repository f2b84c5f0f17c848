package cwmp

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"informant/decode/http1"
)

// join finds the session that a POST belongs to (reference 8.0): by its
// connection, by a cookie that was set in the session, by client and ACS. An
// Inform that is no resend begins one. It returns nil while nothing tells.
func (t *Tracker) join(ct *connTrack, b *binding) *tracked {
	for _, m := range b.requests {
		if m.Kind == Request && m.RPC == "Inform" {
			return t.joinInform(ct, b, m)
		}
	}
	byCookie := t.cookieSession(ct, b.exchange.Request)
	if s := ct.current; s != nil && (byCookie == nil || byCookie == s || t.namedBy(s, b.exchange.Request)) && !t.anothers(ct, b.exchange.Request) {
		return s
	}
	if byCookie != nil {
		t.attach(byCookie, ct)
		return byCookie
	}
	if s := t.clientSession(ct); s != nil {
		t.attach(s, ct)
		return s
	}
	m := b.requests[0]
	if m.Kind == Empty || m.Kind == Unreadable {
		return nil
	}
	t.settlePrelude(ct, true)
	if ct.current != nil {
		return ct.current
	}
	s := t.begin(ct, m.Time, true)
	// A connection seen from its beginning, by a client that brings no cookie,
	// while no session of before the capture can be going on any more.
	_, cookie := b.exchange.Request.Field("Cookie")
	s.headless = !ct.midstream && !cookie && !m.Time.IsZero() && ct.begun == 1 && ct.opened.Sub(t.first) > t.limits.Rejoin
	return s
}

// joinInform finds the session of an Inform: the one that asked for it again,
// or a new one.
func (t *Tracker) joinInform(ct *connTrack, b *binding, m *Message) *tracked {
	id := informDevice(m)
	key := id.Key()
	device := caller{key, ct.conn.Client.Addr()}
	if s := ct.current; s != nil && s.retry && s.sameInform(m) {
		return s
	}
	if s := t.byDevice[device]; s != nil && s.retry && s.sameInform(m) {
		t.attach(s, ct)
		return s
	}
	many := ct.carries(key)
	second := false
	var before [16]byte
	if old := ct.current; old != nil {
		second = !old.Fragment && old.key == key && old.State != Done && old.State != Broken && old.State != Start
		before = old.ID
		old.ManyOnConn = old.ManyOnConn || many
		if old.key == key || old.Fragment || old.State == Done || old.State == Broken {
			t.end(old, old.causeOrNewInform())
		}
		// Else it is another device's, through the same relay: it may go on, and is
		// then known by its cookie.
	}
	if old := t.byDevice[device]; old != nil && key != "" && (old.disconnected() || old.State == Done || old.State == Broken) {
		t.end(old, old.lostBy())
	}
	at := m.Time
	if len(ct.prelude) > 0 {
		at = ct.prelude[0].requests[0].Time
	}
	s := t.begin(ct, at, false)
	s.ManyOnConn = many
	s.second = second
	if second {
		s.Interrupts = before
	}
	s.key = key
	t.admitPrelude(s, ct)
	return s
}

// caller tells devices apart that have the same DeviceId, as some do that were
// never given one, by the address they come from.
type caller struct {
	key  string
	from netip.Addr
}

func (s *tracked) caller() caller { return caller{s.key, s.client} }

// carries notes that ct carried an Inform of a device, and says whether it
// carried another one's too.
func (ct *connTrack) carries(key string) bool {
	if len(key) > longURL {
		key = strings.Clone(key[:longURL])
	}
	if known := ct.devices[:ct.carried]; len(known) < len(ct.devices) && !slices.Contains(known, key) {
		ct.devices[ct.carried] = key
		ct.carried++
	}
	return ct.carried > 1
}

func (s *tracked) causeOrNewInform() Cause {
	switch s.State {
	case Done:
		return NothingMore
	case Broken:
		return s.Ended
	}
	return NewInform
}

func informDevice(m *Message) (id DeviceID) {
	if in, ok := m.Args.(*Inform); ok {
		d := &in.DeviceID
		id = DeviceID{d.Manufacturer.Value, d.OUI.Value, d.ProductClass.Value, d.SerialNumber.Value}
	}
	return id
}

// sameInform says whether m is a resend of the session's Inform: equal bodies,
// or equal DeviceId, Event and CurrentTime. A changed CurrentTime alone does not
// make another session of it (INF-032 allows that).
func (s *tracked) sameInform(m *Message) bool {
	if s.Inform == nil || s.Inform.Args == nil {
		return s.key != "" && informDevice(m).Key() == s.key
	}
	a, b := s.Inform.Args.(*Inform), m.Args.(*Inform)
	if s.Inform.HTTP != nil && s.Inform.HTTP.Body == m.HTTP.Body {
		return true
	}
	if informDevice(s.Inform).Key() != informDevice(m).Key() || len(a.Event.Items) != len(b.Event.Items) {
		return false
	}
	for i := range a.Event.Items {
		x, y := &a.Event.Items[i], &b.Event.Items[i]
		if x.EventCode.Value != y.EventCode.Value || x.CommandKey.Value != y.CommandKey.Value {
			return false
		}
	}
	return true
}

// clientSession is the one session of a client that waits to be continued on
// another connection, if there is just one open at all.
func (t *Tracker) clientSession(ct *connTrack) *tracked {
	if !ct.conn.Client.IsValid() {
		return nil
	}
	var found *tracked
	for s := t.byClient.first[ct.conn.Client.Addr()]; s != nil; s = s.peer.after {
		if s.State == Informed && !s.retry || found != nil {
			return nil // the one waits for its InformResponse: nothing else can follow; or there are two
		}
		found = s
	}
	if found == nil || !found.leaving && !found.disconnected() || t.now.Sub(found.last) > max(t.limits.Rejoin, found.timeout) {
		return nil
	}
	redirected := found.retry && found.lastStatus() >= 300 && found.lastStatus() < 400
	if !redirected && found.Conns[len(found.Conns)-1].Server != ct.conn.Server {
		return nil
	}
	return found
}

// admitPrelude takes the POSTs that came before a session's Inform on its
// connection into it: probes for the 401 (reference 9.2 no. 68). They don't move
// its state.
func (t *Tracker) admitPrelude(s *tracked, ct *connTrack) {
	list := ct.prelude
	ct.prelude = nil
	for _, b := range list {
		s.probing = true
		t.admitRequest(s, b)
		if b.answered {
			t.admitResponse(s, b, t.Pool.answerWithout(b.exchange.Response, documentOf(b.exchange.Response)))
		} else if b.gone {
			t.cutOff(s, b)
		}
	}
	s.probing = false
}

// settlePrelude gives up waiting for an Inform: what came is a fragment, or no
// CWMP at all. cwmp says that the connection shows some: then a POST is part of
// it, unless its answer speaks against that.
func (t *Tracker) settlePrelude(ct *connTrack, cwmp bool) {
	list := ct.prelude
	ct.prelude = nil
	for _, b := range list {
		if !b.meantAsCWMP(cwmp) {
			t.takeForOther(b)
			continue
		}
		s := t.fragment(ct, b.requests[0].Time)
		t.admitRequest(s, b)
		if b.answered {
			t.admitResponse(s, b, t.Pool.answerWithout(b.exchange.Response, documentOf(b.exchange.Response)))
		} else if b.gone {
			t.cutOff(s, b)
			s.cutExchange = true
		}
	}
}

// meantAsCWMP says whether a POST of a prelude is to be told as CWMP. One that
// shows nothing of it is, without an answer, only where its connection does.
func (b *binding) meantAsCWMP(cwmp bool) bool {
	x := b.requests[0]
	if looksCWMP(x) {
		return true
	}
	if r := b.exchange.Response; b.answered && r != nil && r.Status/100 == 2 && !blank(r.Body) {
		return false
	}
	return cwmp || x.Kind == Empty
}

// takeForOther tells a POST as other HTTP, now or when its exchange is over.
func (t *Tracker) takeForOther(b *binding) {
	switch r := b.exchange.Response; {
	case b.answered && r != nil:
		t.other(b.exchange, r.Last)
	case b.gone:
		t.other(b.exchange, b.exchange.Request.Last)
	default:
		b.foreign = true
	}
}

// showsCWMP says whether there is CWMP on the connection, apart from POSTs that
// show nothing of it.
func (ct *connTrack) showsCWMP() bool {
	if ct.begun > 0 || ct.acs || ct.current != nil {
		return true
	}
	for _, b := range ct.prelude {
		if looksCWMP(b.requests[0]) {
			return true
		}
	}
	return false
}

// dropPrelude takes one POST out of a prelude.
func (t *Tracker) dropPrelude(ct *connTrack, b *binding) {
	for i, x := range ct.prelude {
		if x == b {
			ct.prelude = append(ct.prelude[:i], ct.prelude[i+1:]...)
			return
		}
	}
}

// looksCWMP says whether a POST without a method was meant as CWMP: it is a
// document by itself, has markup of SOAP, or fields that go with it.
func looksCWMP(m *Message) bool {
	if m.Document != nil || isHeadless(m.HTTP) {
		return true
	}
	if _, ok := m.HTTP.Field("SOAPAction"); ok {
		return true
	}
	ct, _ := m.HTTP.Field("Content-Type")
	ct = strings.ToLower(ct)
	return strings.Contains(ct, "/xml") || strings.Contains(ct, "soap")
}

// requestURL is the URL that a request asks for, on a connection with TLS or
// without.
func requestURL(m *http1.Message, secure bool) string {
	if i := strings.Index(m.Target, "://"); i > 0 && i < 10 {
		return strings.Clone(m.Target)
	}
	host, ok := m.Field("Host")
	if !ok || host == "" {
		host = addrText(m.Conn.Server)
	}
	if host == "" {
		return strings.Clone(m.Target)
	}
	if secure {
		return "https://" + host + m.Target
	}
	return "http://" + host + m.Target
}

// blank says whether a body is nothing but white space.
func blank(s string) bool { return len(s) < 64 && strings.TrimSpace(s) == "" }

// isHeadless says whether m is a bare envelope: no HTTP head was seen of it.
func isHeadless(m *http1.Message) bool {
	return m.Head == 0 && m.Method == "" && m.Status == 0
}

func within(a, b time.Time, d time.Duration) bool {
	return a.IsZero() || b.IsZero() || b.Sub(a) <= d && a.Sub(b) <= d
}
