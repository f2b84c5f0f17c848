package check

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"informant/capture"
	"informant/decode/cwmp"
	"informant/decode/history"
	"informant/decode/http1"
)

// Checker runs checks over what the Tracker tells. The zero value runs all of
// them, strictly.
type Checker struct {
	Profile Profile
	// Only names the checks that run, by id or family ("EVT-010", "SOAP"); nil
	// is all of them.
	Only []string
	// Own are severities of one's own, by id; they count more than the profile.
	Own map[string]Severity
	// Secrets are passwords by user names: of Connection Requests. Nothing of them is told.
	Secrets map[string]string
	// NewDevices: the ACS is new to the devices, so that the first session of each has to
	// be its first contact.
	NewDevices bool
	// AllowedJIDs are the ConnReqAllowedJabberIDs of the devices (TR-069 Annex K).
	AllowedJIDs []string
	// Coverage: Undecided tells what could not be decided.
	Coverage bool
	// History is what is known of devices over their sessions; nil: nothing yet. It is
	// changed.
	History *history.Store

	ready        bool
	messages     []*Check             // OfMessage
	byShape      map[shape][]runnable // of a shape, whatever the facts
	byKind       map[kind][]runnable
	sessions     []*Check // OfSession
	byEnd        map[endKind][]*Check
	exchanges    []*Check // OfConnection
	calls        []*Check // OfConnectionRequest
	called       callBook
	gapAt        time.Time // when bytes were missing last, on whatever connection
	fleet        fleet
	transfers    []*Check                        // OfTransfer
	secure       []*Check                        // OfConnection, of TLS
	met          map[string]bool                 // devices, where the ACS is new to them
	datagrams    []*Check                        // OfConnectionRequest, over UDP
	udp          recent[netip.AddrPort, udpSeen] // by the address of a CPE
	stanzaChecks []*Check                        // OfConnectionRequest, over XMPP
	stanzas      recent[stanzaKey, bool]         // those that are not answered yet
	peers        recent[string, bool]            // what was told of connections between two peers
	files        recent[fileKey, fileSeen]       // by device and CommandKey: what the file server answered last
	openBy       []*follow                       // by a hash of the device: the sessions that are open, those that began last first
	near         [4096]nearby                    // sessions by their connections, those asked for last
	open         map[*cwmp.Session]*follow
	onConn       map[uint64]*follow   // by connection id: the session that it carries
	devices      []carried            // by connection: the device whose Inform it carried last
	closedByAC   recent[caller, left] // by device: sessions that the ACS closed in the middle
	latest       time.Time            // of all messages
	lastEnded    [16]byte             // the session that ended last, if nothing of it was lost
	undecided    []Undecided
	done         []history.Done // by the session that ended last
	out          []Finding
	pass         Pass
	units        []*cwmp.Message // of the session at whose end checks run
	last         *follow         // the one that was asked for last
	kinds        []kindList      // by a hash: the checks for the latest kinds of messages
	held         []Finding       // room for those of a session that is over
	sorted       []*Finding      // of held, in their order
	spare        []*follow       // of sessions that are over
	besides      struct {        // what is in no session
		follow  follow
		session cwmp.Session
	}
}

// follow is what is known of an open session.
type follow struct {
	session    *cwmp.Session
	found      []Finding // held until the session is over
	sent       []Finding // emitted already; only what suppression needs
	counts     []tally
	shut       map[*Check]Gates // closed gates that kept a check from running on some message
	seen       facts            // of all its messages
	told       []telling
	relayed    bool // an intermediary is suspected
	conns      []uint64
	units      []*cwmp.Message            // one for each HTTP message; made at the end, valid until the next session's
	headless   bool                       // some message had no HTTP head
	beheaded   bool                       // some message broke off in it
	cover      bool                       // what could not be decided is asked for
	muddled    bool                       // a dump whose directions cannot be right
	lossy      bool                       // bytes are missing on its connections
	interrupts bool                       // its Inform came in the middle of a session that was seen whole so far
	events     []history.Event            // of its Inform, once somebody asked
	past       *history.Device            // what is known of the device; nil: nothing without a gap
	another    string                     // the device whose Inform its connection carried before
	before     left                       // how the device's session before this one was left
	http       *http1.Message             // of the message before
	key        string                     // of its device, once somebody asked
	first      bool                       // nothing was heard of the device before, and the ACS is new to it
	calls      []callSeen                 // connection requests to the device before
	open       *cwmp.Session              // of a connection request: the device's session that is open
	sameUser   int                        // of a connection request: so many devices were called as the same user
	sharedHost bool                       // of a connection request: several devices are called at the same host
	crowd      int                        // so many devices informed in the second of its Inform
	twin       twin                       // who has the same ConnectionRequestURL
	nextOpen   *follow                    // in openBy
	listed     bool                       // it is there
	older      *follow                    // the device's session before, while it is open
	disordered bool                       // its device's sessions end in another order than they began
	crossed    *cwmp.Message              // what the CPE said after it had begun another session
	newer      [16]byte                   // that one
	files      *recent[fileKey, fileSeen] // what file servers answered
	conn       uint64                     // that one's connection, if it carries this session; 0: it has none
	track
}

// tally is how many findings of a check a session has so far.
type tally struct {
	check *Check
	n     int
}

// telling is what a check tells once per session.
type telling struct {
	check *Check
	key   string
}

func (f *follow) count(c *Check) int {
	for i := range f.counts {
		if x := &f.counts[i]; x.check == c {
			x.n++
			return x.n
		}
	}
	f.counts = append(f.counts, tally{c, 1})
	return 1
}

// start makes the lists of what runs.
func (c *Checker) start() {
	if c.ready {
		return
	}
	c.ready = true
	c.open = map[*cwmp.Session]*follow{}
	c.byShape = map[shape][]runnable{}
	c.byKind = map[kind][]runnable{}
	c.byEnd = map[endKind][]*Check{}
	c.onConn = map[uint64]*follow{}
	c.devices = make([]carried, maxDevices)
	if c.History == nil {
		c.History = new(history.Store)
	}
	c.kinds = make([]kindList, 256)
	for _, k := range All {
		if c.Profile == None || !c.wants(k) {
			continue
		}
		if k.sessions {
			c.sessions = append(c.sessions, k)
		}
		switch k.Subject {
		case OfMessage:
			c.messages = append(c.messages, k)
		case OfSession:
			c.sessions = append(c.sessions, k)
		case OfConnection:
			if k.secure {
				c.secure = append(c.secure, k)
				break
			}
			c.exchanges = append(c.exchanges, k)
		case OfConnectionRequest:
			if k.stanza {
				c.stanzaChecks = append(c.stanzaChecks, k)
				break
			}
			if k.datagram {
				c.datagrams = append(c.datagrams, k)
				break
			}
			c.calls = append(c.calls, k)
		case OfTransfer:
			c.transfers = append(c.transfers, k)
		}
	}
}

func (c *Checker) wants(k *Check) bool {
	if c.Only == nil {
		return true
	}
	for _, o := range c.Only {
		if strings.EqualFold(o, k.ID) || strings.EqualFold(o, Family(k.ID)) {
			return true
		}
	}
	return false
}

// Feed takes what the Tracker told and returns what is certain by it: findings
// that nothing to come can take back at MessageSeen, all others at
// SessionEnded, in message order. The slice is valid until the next call. Where no
// checks run at all, what is known of devices is kept all the same: Done and Pending
// tell of it.
func (c *Checker) Feed(e cwmp.Event) []Finding {
	c.start()
	c.out = c.out[:0]
	if e.Message != nil && e.Message.End.After(c.latest) {
		c.latest = e.Message.End
		c.heard()
	}
	switch e.Kind {
	case cwmp.MessageSeen:
		c.message(c.followOf(e.Session, e.Message), e.Message)
	case cwmp.SessionEnded:
		c.end(c.follow(e.Session))
	case cwmp.Gap:
		c.gapAt = e.Time
		if f := c.onConn[e.HTTP.Conn.ID]; f != nil {
			f.lossy = true
		} else {
			c.doubt(e.HTTP.Conn)
		}
	case cwmp.Remainder:
		if e.Session == nil && e.HTTP.Conn != nil {
			c.doubt(e.HTTP.Conn)
		}
	default:
		if c.Profile != None {
			c.beside(e)
		}
	}
	return c.out
}

// beside takes what is in no session.
func (c *Checker) beside(e cwmp.Event) {
	switch e.Kind {
	case cwmp.Requested:
		c.judgeCall(e.ConnectionRequest)
	case cwmp.Transferred:
		c.judgeTransfer(e.Transfer)
	case cwmp.Handshake:
		c.judgeTLS(e)
	case cwmp.ConnectionOver:
		c.judgeTLS(e)
		c.unansweredStanzas(e.HTTP)
		c.refusedCall(e)
	case cwmp.StanzaSeen:
		c.judgeStanza(e.HTTP)
	case cwmp.DatagramSeen:
		c.judgeDatagram(e.Datagram)
	case cwmp.OtherHTTP:
		c.other(e.Other.Exchange)
	}
}

// Undecided lists what could not be decided on the session whose SessionEnded
// was fed last, if Coverage asks for it.
func (c *Checker) Undecided() []Undecided { return c.undecided }

// follow is what is known of a session.
func (c *Checker) follow(s *cwmp.Session) *follow {
	if c.last != nil && c.last.session == s {
		return c.last
	}
	f := c.open[s]
	if f == nil {
		if n := len(c.spare); n > 0 {
			f, c.spare = c.spare[n-1], c.spare[:n-1]
		} else {
			f = new(follow)
		}
		f.session, f.cover = s, c.Coverage
		c.open[s] = f
	}
	c.last = f
	return f
}

// followOf is follow for a session's message: mostly its connection tells.
func (c *Checker) followOf(s *cwmp.Session, m *cwmp.Message) *follow {
	if c.last != nil && c.last.session == s || m.HTTP == nil || m.HTTP.Conn == nil {
		return c.follow(s)
	}
	id := m.HTTP.Conn.ID
	near := &c.near[id%uint64(len(c.near))]
	if near.conn == id && near.f != nil && near.f.session == s {
		c.last = near.f
		return near.f
	}
	f := c.onConn[id]
	if f == nil || f.session != s {
		f = c.follow(s)
	}
	c.last, near.conn, near.f = f, id, f
	return f
}

// nearby is a session by the connection that carries it.
type nearby struct {
	conn uint64
	f    *follow
}

// deviceKey is the key of the session's device, "" while it isn't known.
func (f *follow) deviceKey() string {
	if f.key == "" {
		f.key = f.session.Device.Key()
	}
	return f.key
}

// aside is a follow, as new, of what is in no session, with the id of the session that it
// leads to. It is valid until the next call.
func (c *Checker) aside(id [16]byte) *follow {
	b := &c.besides
	b.session = cwmp.Session{ID: id}
	b.follow = follow{session: &b.session}
	return &b.follow
}

// forget lets a session go. Its follow serves another one.
func (c *Checker) forget(f *follow) {
	delete(c.open, f.session)
	c.unlist(f)
	for _, id := range f.conns {
		if near := &c.near[id%uint64(len(c.near))]; near.f == f {
			near.f = nil
		}
	}
	c.last = nil
	clear(c.units)
	const few = 64
	if len(c.spare) >= few || cap(f.found) > few || cap(f.sent) > few || cap(f.told) > few || cap(f.jar) > few {
		return
	}
	clear(f.found[:cap(f.found)])
	clear(f.sent[:cap(f.sent)])
	clear(f.told)
	clear(f.jar)
	*f = follow{found: f.found[:0], sent: f.sent[:0], told: f.told[:0], counts: f.counts[:0], conns: f.conns[:0], track: track{jar: f.jar[:0]}}
	c.spare = append(c.spare, f)
}

// begin makes the pass ready for checks of one subject. What they find gathers
// in its out.
func (c *Checker) begin(f *follow, m *cwmp.Message, x *http1.Exchange) {
	p := &c.pass
	p.Session, p.Message, p.Exchange, p.f, p.profile, p.severities, p.out = f.session, m, x, f, c.Profile, c.Own, p.out[:0]
	p.answered, p.answers, p.compared = false, nil, false
	p.unlist()
}

// message runs the checks of messages.
func (c *Checker) message(f *follow, m *cwmp.Message) {
	first := m.N < 2 || f.http != m.HTTP
	f.http = m.HTTP
	if c.Profile == None {
		f.observe(m, c)
		return
	}
	c.begin(f, m, nil)
	s := shapeOf(m, first)
	odd, relayed := c.pass.factsOf(s)
	c.pass.odd = odd
	if c.Coverage { // all checks look at all of it
		c.pass.odd = everything
		c.pass.unlist()
		c.pass.doubt()
	}
	s |= markedShape(c.pass.marks)
	if c.pass.marks&identifies != 0 {
		f.course |= namesItself
	}
	if c.pass.marks&outside != 0 {
		f.course |= saysOutside
	}
	f.seen |= odd
	f.relayed = f.relayed || relayed
	f.observe(m, c)
	f.track.follow(m, odd, first)
	now := openNow(m)
	list := c.of(s, odd)
	for i := range list {
		k := &list[i]
		if shut := k.gates & (WholeBody | PlainHTTP | Counterpart) &^ now; shut != 0 {
			f.close(k.check, shut)
			continue
		}
		c.pass.Check = k.check
		k.run(&c.pass)
	}
	if m.From == cwmp.CPE && first && m.HTTP != nil && m.HTTP.Method != "POST" && slices.Contains(otherMethods, m.HTTP.Method) && now&PlainHTTP != 0 {
		for _, k := range c.exchanges {
			c.pass.Check = k
			k.Run(&c.pass)
		}
	}
	found := suppress(c.pass.out)
	for i := range found {
		if x := &found[i]; x.Check.early {
			c.out = append(c.out, *x)
			f.sent = append(f.sent, Finding{Check: x.Check, Severity: x.Severity, At: Ref{N: x.At.N, Exchange: x.At.Exchange}})
		} else {
			f.found = append(f.found, *x)
		}
	}
}

// close notes that a gate kept a check from being decided.
func (f *follow) close(k *Check, g Gates) {
	if !f.cover {
		return
	}
	if f.shut == nil {
		f.shut = map[*Check]Gates{}
	}
	f.shut[k] |= g
}

// observe takes from a message what the gates need.
func (f *follow) observe(m *cwmp.Message, c *Checker) {
	if m.HTTP == nil {
		return
	}
	f.headless = f.headless || m.HTTP.Head == 0
	f.beheaded = f.beheaded || headCut(m.HTTP)
	f.muddled = f.muddled || turned(m)
	if m.HTTP.Conn == nil {
		return
	}
	if id := m.HTTP.Conn.ID; f.conn != id {
		c.carries(id, f)
	}
	if f.newer != [16]byte{} && f.crossed == nil && m.From == cwmp.CPE {
		f.crossed = m
	}
	if m.N == 1 && isInform(m) {
		c.opened(f, m)
		f.interrupts = f.session.Interrupts == c.lastEnded && c.lastEnded != [16]byte{}
		f.before = c.leftBy(f, m)
		f.another = c.deviceOn(f, m)
	}
}

// carries notes that a connection goes on with a session.
func (c *Checker) carries(id uint64, f *follow) {
	f.conn = id
	old := c.onConn[id]
	if old == f {
		return
	}
	if old != nil && old.conn == id {
		old.conn = 0
	}
	c.onConn[id] = f
	f.conns = append(f.conns, id)
}

// carried is the device whose Inform a connection carried last.
type carried struct {
	conn   uint64
	device string
}

// deviceOn is the device whose whole Inform came last on the connection of a whole
// Inform, "" where it is the same, or none that is still known.
func (c *Checker) deviceOn(f *follow, m *cwmp.Message) string {
	if _, ok := m.Args.(*cwmp.Inform); !ok || openNow(m)&WholeBody == 0 {
		return ""
	}
	key, id := f.deviceKey(), m.HTTP.Conn.ID
	at := &c.devices[id%uint64(len(c.devices))]
	before := *at
	*at = carried{id, key}
	if before.conn != id || before.device == key {
		return ""
	}
	return before.device
}

// maxDevices bounds for how many devices or connections things are kept.
const maxDevices = 4096

// openNow is the gates that a message itself opens or closes.
func openNow(m *cwmp.Message) Gates {
	h := m.HTTP
	if h == nil || m.Trimmed {
		return 0
	}
	var g Gates
	if h.Complete && h.Lost == 0 && h.Omitted == 0 && !h.HasQuirk(http1.BadCoding) {
		g |= WholeBody
	}
	if h.Complete && h.Lost == 0 && h.Head > 0 {
		g |= Counterpart
	}
	if h.Head > 0 && !headCut(h) {
		g |= PlainHTTP
	}
	return g
}

// headCut says whether a message breaks off in its head: its last field is not
// whole, and others may have followed.
func headCut(h *http1.Message) bool {
	if h.Complete || h.Head == 0 || h.Head < len(h.Raw) {
		return false
	}
	return !strings.HasSuffix(h.Raw, "\n\r\n") && !strings.HasSuffix(h.Raw, "\n\n")
}

// openAtEnd is the gates of a session that is over.
func (f *follow) openAtEnd() Gates {
	s := f.session
	g := WholeBody
	heard := s.Lost == 0 && !s.Unheard && !f.lossy && !f.beheaded
	if s.SawStart && s.SawEnd && heard && !s.Synthetic && !s.Fragment {
		g |= WholeSession
	}
	if heard && !s.Fragment && !f.headless && !f.muddled {
		g |= Counterpart
	}
	if !f.relayed && !s.ManyOnConn && !f.muddled && !f.beheaded {
		g |= PlainHTTP
	}
	if s.ManyOnConn && !f.ownCookies() {
		g &^= WholeSession | Counterpart
	}
	if !s.Synthetic {
		g |= Transport
		if !s.Undated {
			g |= GoodClock
		}
	}
	return g
}

// ownCookies says whether cookies tell whose each message of the session is:
// every POST after the answer that set the first one returns one of them, and
// before it there are only Informs.
func (f *follow) ownCookies() bool {
	var jar []cookie
	var got []string
	for _, m := range f.units {
		if m.From == cwmp.ACS {
			if jar = cookies(jar, m); len(jar) > 64 {
				return false
			}
			continue
		}
		own := len(jar) == 0 && isInform(m)
		for i := range jar {
			got = returned(got[:0], m.HTTP, jar[i].name)
			for _, value := range got {
				if !slices.ContainsFunc(jar, func(c cookie) bool { return c.name == jar[i].name && c.value == value }) {
					return false // another session's, of the same name
				}
				own = true
			}
		}
		if !own {
			return false
		}
	}
	return len(jar) > 0
}

// end takes a session that is over.
func (c *Checker) end(f *follow) {
	c.units = units(c.units[:0], f.session)
	f.units = c.units
	open := f.openAtEnd()
	f.settle()
	c.undecided = nil
	if c.Profile != None {
		c.judgeSession(f, open)
	}
	c.remember(f, open)
	c.leave(f, open&WholeSession != 0)
	if c.lastEnded = f.session.ID; open&WholeSession == 0 {
		c.lastEnded = [16]byte{}
	}
	for _, id := range f.conns {
		if c.onConn[id] == f {
			delete(c.onConn, id)
		}
	}
	c.forget(f)
}

// judgeSession runs the checks of sessions, and decides what was held.
func (c *Checker) judgeSession(f *follow, open Gates) {
	if f.past = c.pastOf(f, open); f.past != nil {
		open |= History
	}
	c.among(f)
	if c.NewDevices || len(c.Secrets) > 0 || len(c.AllowedJIDs) > 0 {
		open |= SecretOrPolicy
	}
	held := append(c.held[:0], f.sent...) // without texts: they were told before
	for i := range f.found {
		x := &f.found[i]
		if shut := x.Check.Gates &^ open; shut != 0 {
			f.close(x.Check, shut)
			continue
		}
		held = append(held, *x)
	}
	c.begin(f, nil, nil)
	f.course |= c.pass.ending()
	for _, k := range c.ofSession(f, open) {
		c.pass.Check = k
		k.Run(&c.pass)
	}
	held = append(held, c.pass.out...)
	c.tell(suppress(held))
	clear(held)
	c.held = held[:0]
	c.cover(f, open)
}

// pastOf is what is known of a session's device before it, nil where there is a gap.
func (c *Checker) pastOf(f *follow, open Gates) *history.Device {
	if open&WholeSession == 0 || f.session.Inform == nil || openNow(f.session.Inform)&WholeBody == 0 || f.disordered {
		return nil
	}
	d := c.History.Device(f.deviceKey())
	if d == nil || d.Sessions == 0 || f.session.Start.Before(d.Last.End) {
		return nil
	}
	return d
}

// remember takes a session into the history of its device. One that was not seen
// whole makes the device begin anew: what happened in it isn't known.
func (c *Checker) remember(f *follow, open Gates) {
	c.done = nil
	s := f.session
	key := f.deviceKey()
	if key == "" || s.Fragment || s.Inform == nil {
		for _, conn := range s.Conns {
			c.doubt(conn)
		}
		return
	}
	d := c.History.Device(key)
	if open&WholeSession == 0 || s.Undated || f.disordered || d != nil && s.Start.Before(d.Last.End) {
		c.History.Forget(key)
		return
	}
	for _, m := range s.Messages {
		if m.HTTP != nil && openNow(m)&WholeBody == 0 {
			c.History.Forget(key)
			return
		}
	}
	c.done = c.History.Add(s)
}

// Done is what became of commands of earlier sessions, as the session tells that
// ended last. It is the caller's.
func (c *Checker) Done() []history.Done { return c.done }

// Pending calls f for each command that was asked for and of which nothing was heard
// since (see history.Store).
func (c *Checker) Pending(f func(device string, h *history.Command, until time.Time)) {
	const wait = 10 * time.Minute // for a reboot, or a short transfer
	if c.History != nil && !c.latest.IsZero() {
		c.History.Pending(c.latest, wait, func(device string, h *history.Command) { f(device, h, c.latest) })
	}
}

// doubt lets what is known of the devices behind a connection go: something on it was
// not understood.
func (c *Checker) doubt(conn *capture.Conn) {
	if conn != nil && conn.Client.IsValid() && c.History.Len() > 0 {
		c.History.ForgetAt(conn.Client.Addr().Unmap())
	}
}

// tell puts findings out that were not told before, in the order of their
// messages and of the catalogue.
func (c *Checker) tell(all []Finding) {
	list := c.sorted[:0]
	for i := range all {
		if all[i].Text != "" {
			list = append(list, &all[i])
		}
	}
	slices.SortStableFunc(list, func(a, b *Finding) int {
		if a.At.N != b.At.N {
			return a.At.N - b.At.N
		}
		return a.Check.order - b.Check.order
	})
	for _, x := range list {
		c.out = append(c.out, *x)
	}
	c.sorted = list[:0]
}

// cover makes the list of what could not be decided.
func (c *Checker) cover(f *follow, open Gates) {
	if !c.Coverage {
		return
	}
	for _, list := range [][]*Check{c.messages, c.sessions, c.exchanges} {
		for _, k := range list {
			shut := k.Gates&^open | f.shut[k]
			if shut == 0 && (k.Subject != OfSession || !f.session.Fragment) {
				continue
			}
			if shut == 0 {
				shut = WholeSession
			}
			c.undecided = append(c.undecided, Undecided{Check: k, Gates: shut})
		}
	}
	slices.SortFunc(c.undecided, func(a, b Undecided) int { return a.Check.order - b.Check.order })
}

// other runs the checks of exchanges that are no CWMP on a session's connection.
func (c *Checker) other(x *http1.Exchange) {
	if x.Request == nil || x.Request.Conn == nil || headCut(x.Request) {
		return
	}
	f := c.onConn[x.Request.Conn.ID]
	if f == nil {
		return
	}
	c.begin(f, nil, x)
	for _, k := range c.exchanges {
		c.pass.Check = k
		k.Run(&c.pass)
	}
	f.found = append(f.found, c.pass.out...)
}
