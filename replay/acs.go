package replay

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"informant/capture"
	"informant/decode/cwmp"
	"informant/decode/http1"
)

// Change is what a method may do to a CPE.
type Change string

// The changes. A played ACS makes only those that it is allowed to.
const (
	Reboots   Change = "reboot"   // Reboot
	Resets    Change = "reset"    // FactoryReset
	Downloads Change = "download" // Download, ScheduleDownload, ChangeDUState, Upload
	Sets      Change = "set"      // SetParameterValues, SetParameterAttributes, AddObject, DeleteObject, SetVouchers
)

// Changes are all of them.
var Changes = []string{string(Reboots), string(Resets), string(Downloads), string(Sets)}

// Changing says what a method does to a CPE, "" for nothing.
func Changing(rpc string) Change {
	switch rpc {
	case "Reboot":
		return Reboots
	case "FactoryReset":
		return Resets
	case "Download", "ScheduleDownload", "ChangeDUState", "Upload":
		return Downloads
	case "SetParameterValues", "SetParameterAttributes", "AddObject", "DeleteObject", "SetVouchers", "ScheduleInform", "CancelTransfer":
		return Sets
	}
	return ""
}

// Deviating is what a played ACS does when a CPE answers otherwise than recorded.
type Deviating uint8

// The ways. What builds on an object that could not be added is never asked.
const (
	Resync Deviating = iota // goes on with what still makes sense: what is not about what failed
	Skip                    // goes on with whatever was asked next
	End                     // ends the session
)

// Deviatings are their names.
var Deviatings = []string{"resync", "skip", "end"}

// ACS plays the ACS of recorded sessions to any number of CPEs at once. Its fields
// are set before Serve and not changed afterwards.
//
// Which session a CPE gets is decided by its Inform: of the recorded ones, where there
// are several, that are not ruled out by another root of the data model, the one with the most event codes
// in common and the fewest others, then one of the same product class, then one
// that was not played yet, then the first.
type ACS struct {
	Sessions  []*cwmp.Session
	Allow     []Change
	Deviating Deviating
	Guard     *Guard      // nil: CPEs need no login
	TLS       *tls.Config // nil: in clear
	// Files are the bodies of files by the URL from which the recorded CPE had to
	// fetch them; of what is not here the URL stays as it was.
	Files   map[string][]byte
	Timeout time.Duration // for each message of a CPE: 30 s where it is 0
	Rate    *rate.Limiter // of what is sent to all CPEs together; nil: no limit
	Random  *Random       // of the names of sessions; nil: the system's
	Tap     Tap
	// Refused is told of each Inform for which there is no session, and may be nil.
	Refused func(*cwmp.Inform)
	// Done is told of each session that was played, and what kept it from its end.
	// It may be nil, and may be called by several goroutines at once.
	Done func(Report, error)

	mu       sync.Mutex
	scripts  []*script
	played   map[*script]int
	sessions map[string]*acsSession // by the value of their cookie
	targets  map[string]string      // of files, by URL
	served   map[string][]byte      // files by target
}

// acsSession is a session with a CPE. mu covers what changes: a CPE may send on two
// connections at once.
type acsSession struct {
	*script
	mu     sync.Mutex
	base   string // of URLs that are served here
	turns  int    // messages of the CPE
	token  string // of its cookie
	from   netip.Addr
	asks   []*cwmp.Transaction // what is to be asked yet
	asked  *cwmp.Transaction   // what was asked last, and is not answered yet
	used   map[*cwmp.Transaction]bool
	moved  [][2]string // paths of objects: as recorded, and as the CPE numbered them
	report Report
	over   bool
}

// Serve accepts connections until ctx ends, and returns when all have ended. The
// error says which session can't be played.
func (a *ACS) Serve(ctx context.Context, l net.Listener) error {
	for _, s := range a.Sessions {
		x, err := newScript(s)
		if err != nil {
			return err
		}
		a.scripts = append(a.scripts, x)
	}
	if len(a.scripts) == 0 {
		return errors.New("replay: there is no session to play")
	}
	a.place()
	a.played, a.sessions = map[*script]int{}, map[string]*acsSession{}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	defer a.rest()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		all.Add(1)
		go func() {
			defer all.Done()
			defer c.Close()
			defer context.AfterFunc(ctx, func() { c.Close() })()
			a.converse(ctx, c)
		}()
	}
}

// converse answers what comes on a connection.
func (a *ACS) converse(ctx context.Context, c net.Conn) {
	w := newWire(c, capture.FromServer, orDefault(a.Timeout), a.Tap)
	if a.TLS != nil {
		s := tls.Server(c, a.TLS)
		if err := s.HandshakeContext(ctx); err != nil {
			w.end(capture.FromClient, capture.RST)
			return
		}
		w.secured(s)
		w.c = s
	}
	defer w.close()
	var s *acsSession // the one that goes on here
	for {
		m, err := w.receive()
		if err != nil {
			if s != nil && !s.isOver() {
				if ctx.Err() != nil {
					err = context.Cause(ctx)
				}
				a.drop(s, err)
			}
			return
		}
		out, now := a.answer(w, s, m)
		s = now
		if a.Rate != nil && a.Rate.Wait(ctx) != nil {
			return
		}
		if err := w.send(out); err != nil {
			return
		}
		if s != nil && s.sent() {
			a.finish(s, nil)
		}
		if c, _ := m.Field("Connection"); strings.Contains(strings.ToLower(c), "close") || m.Version == "HTTP/1.0" && !strings.Contains(strings.ToLower(c), "keep-alive") {
			return
		}
	}
}

// drop is told that a session's connection ended in its middle: it may go on over
// another one that brings its cookie.
func (a *ACS) drop(s *acsSession, err error) {
	err = fmt.Errorf("%w: %w", ErrLost, err)
	if s.cookie() == "" || !errors.Is(err, errNoMore) {
		a.finish(s, err)
		return
	}
	s.mu.Lock()
	turns := s.turns
	s.mu.Unlock()
	time.AfterFunc(orDefault(a.Timeout), func() {
		s.mu.Lock()
		goesOn := s.turns != turns
		s.mu.Unlock()
		if !goesOn {
			a.finish(s, err)
		}
	})
}

// rest tells of the sessions that did not end.
func (a *ACS) rest() {
	a.mu.Lock()
	all := slices.Collect(maps.Values(a.sessions))
	a.mu.Unlock()
	for _, s := range all {
		a.finish(s, fmt.Errorf("%w: the session did not come to its end", ErrLost))
	}
}

// sent counts what was sent, and says whether the session is over.
func (s *acsSession) sent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Sent++
	return s.over && s.asked == nil
}

// finish tells of a session that is over.
func (a *ACS) finish(s *acsSession, err error) {
	a.mu.Lock()
	_, open := a.sessions[s.token]
	delete(a.sessions, s.token)
	a.mu.Unlock()
	if open && a.Done != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, t := range s.asks {
			s.report.Deviations = append(s.report.Deviations, t.Request.RPC+" was not asked")
		}
		a.Done(s.report, err)
	}
}

// answer is what a request gets, and the session that it belongs to.
func (a *ACS) answer(w *wire, s *acsSession, m *http1.Message) ([]byte, *acsSession) {
	if b := a.file(m); b != nil {
		return b, s
	}
	if a.Guard != nil {
		auth, _ := m.Field("Authorization")
		if yes, stale := a.Guard.Admits(auth, m.Method, m.Target, m.Body); !yes {
			b := "HTTP/1.1 401 Unauthorized\r\n"
			for _, c := range a.Guard.Challenges(stale) {
				b += "WWW-Authenticate: " + c + "\r\n"
			}
			return []byte(b + "Content-Length: 0\r\n\r\n"), s
		}
	}
	said := read(m)
	if said != nil && said.RPC == "Inform" && said.Kind == cwmp.Request {
		if s != nil && !s.isOver() {
			a.finish(s, errors.New("replay: the CPE began another session"))
		}
		s = a.begin(w, said, m)
	} else if other := a.resumed(w, m, s); other != nil {
		s = other
	}
	if s == nil {
		if said != nil && said.RPC == "Inform" && a.Refused != nil {
			in, _ := said.Args.(*cwmp.Inform)
			a.Refused(in)
		}
		return []byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Received++
	s.turns++
	return s.reply(a, said, m), s
}

func (s *acsSession) isOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

// begin chooses a session for an Inform.
func (a *ACS) begin(w *wire, said *cwmp.Message, m *http1.Message) *acsSession {
	in, _ := said.Args.(*cwmp.Inform)
	a.mu.Lock()
	defer a.mu.Unlock()
	best := a.scripts[0]
	if in != nil {
		best = slices.MaxFunc(a.scripts, func(x, y *script) int { return cmp.Compare(a.fits(x, in), a.fits(y, in)) })
	}
	if in != nil && len(a.scripts) > 1 && otherRoot(best, in) {
		return nil
	}
	a.played[best]++
	s := &acsSession{script: best, token: a.Random.Nonce(), used: map[*cwmp.Transaction]bool{}, from: w.conn.Client.Addr(), report: Report{Recorded: best.session, Conn: w.conn}}
	host, _ := m.Field("Host")
	s.base = map[bool]string{false: "http://", true: "https://"}[a.TLS != nil] + cmp.Or(strings.TrimSpace(host), w.conn.Server.String())
	for _, t := range best.asks {
		if c := Changing(t.Request.RPC); c != "" && !slices.Contains(a.Allow, c) {
			s.report.LeftOut = append(s.report.LeftOut, t)
			continue
		}
		s.asks = append(s.asks, t)
	}
	a.sessions[s.token] = s
	return s
}

// fits is how well a recorded session fits an Inform: the more the better.
func (a *ACS) fits(x *script, in *cwmp.Inform) int {
	recorded, _ := x.session.Inform.Args.(*cwmp.Inform)
	if recorded == nil {
		return -1 << 20
	}
	n := 0
	has, wants := recorded.Codes(), in.Codes()
	for _, c := range wants {
		if slices.Contains(has, c) {
			n += 100
		} else {
			n -= 100
		}
	}
	for _, c := range has {
		if !slices.Contains(wants, c) {
			n -= 50
		}
	}
	if otherRoot(x, in) {
		n -= 10_000
	}
	if recorded.DeviceID.ProductClass.Value == in.DeviceID.ProductClass.Value {
		n += 10
	}
	return n*1000 - min(a.played[x], 999)
}

// otherRoot says whether an Inform is of a data model with another root.
func otherRoot(x *script, in *cwmp.Inform) bool {
	return len(in.ParameterList.Items) > 0 && x.session.Root != "" && !strings.HasPrefix(in.ParameterList.Items[0].Name.Value, x.session.Root)
}

// resumed is the session that a request without an Inform belongs to.
func (a *ACS) resumed(w *wire, m *http1.Message, here *acsSession) *acsSession {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range (&http.Request{Header: http.Header{"Cookie": m.Values("Cookie")}}).Cookies() {
		if s := a.sessions[c.Value]; s != nil {
			return s
		}
	}
	if here != nil {
		return here
	}
	var only *acsSession // the one of that address, where it has but one
	for _, s := range a.sessions {
		if s.from == w.conn.Client.Addr() {
			if only != nil {
				return nil
			}
			only = s
		}
	}
	return only
}

// cookie is the name of the cookie by which the recorded ACS knew its session, ""
// where it set none.
func (s *acsSession) cookie() string {
	for _, m := range s.session.Messages {
		if m.From == cwmp.ACS && m.HTTP != nil {
			if list := cookiesOf(m.HTTP); len(list) > 0 {
				return list[0].Name
			}
		}
	}
	return ""
}

// own are the fields of a response that are not as they were recorded.
func (s *acsSession) own(like *cwmp.Message) fields {
	f := fields{}
	if v, ok := like.HTTP.Field("Set-Cookie"); ok { // a session of its own has cookies of its own
		f["Set-Cookie"] = s.ownCookie(v)
	}
	if _, ok := like.HTTP.Field("Date"); ok {
		f["Date"] = time.Now().UTC().Format(http.TimeFormat)
	}
	f["Connection"] = ""
	if v, ok := like.HTTP.Field("Connection"); ok && !strings.EqualFold(v, "close") {
		f["Connection"] = v
	}
	return f
}

// ownCookie is a recorded cookie with this session's value, and without what ties it
// to the recorded host, or to TLS where there is none.
func (s *acsSession) ownCookie(v string) string {
	name, rest, ok := strings.Cut(v, "=")
	if !ok {
		return v
	}
	own := name + "=" + s.token
	_, attributes, _ := strings.Cut(rest, ";")
	for _, a := range strings.Split(attributes, ";") {
		what, _, _ := strings.Cut(strings.TrimSpace(a), "=")
		if what == "" || strings.EqualFold(what, "Domain") || strings.EqualFold(what, "Secure") && strings.HasPrefix(s.base, "http:") {
			continue
		}
		own += ";" + a
	}
	return own
}

// reply is what a CPE's message gets.
func (s *acsSession) reply(a *ACS, said *cwmp.Message, m *http1.Message) []byte {
	if said != nil && said.Kind == cwmp.Request {
		return s.respond(said)
	}
	if s.asked != nil {
		s.took(a, said, m)
	}
	for len(s.asks) > 0 {
		t := s.asks[0]
		s.asks = s.asks[1:]
		if path := s.lost(t.Request); path != "" {
			s.report.Deviations = append(s.report.Deviations, fmt.Sprintf("%s was not asked: it is about %s, which could not be added", t.Request.RPC, path))
			continue
		}
		s.asked = t
		return response(t.Request, s.own(t.Request), s.ask(a, t.Request))
	}
	s.over, s.asked = true, nil
	if s.none == nil {
		return []byte("HTTP/1.1 204 No Content\r\n\r\n")
	}
	return response(s.none, s.own(s.none), s.none.HTTP.Body)
}

// respond is the recorded answer to a request of the CPE.
func (s *acsSession) respond(said *cwmp.Message) []byte {
	t := find(s.calls, s.used, method, said)
	if t != nil && t.Response == nil {
		m := s.status(t.Request)
		s.over = true
		return response(m, s.own(m), m.HTTP.Body)
	}
	if t != nil {
		s.over = s.refused && t.Response.Kind == cwmp.Fault && said.RPC == "Inform"
		return response(t.Response, s.own(t.Response), body(t.Response, identified(t.Response, said.ID)))
	}
	s.report.Unanswered = append(s.report.Unanswered, said.RPC)
	f := fails("8000")
	like := s.spoken()
	return response(like, s.own(like), fault(s.session.Namespace, said.ID, "Server", f))
}

// spoken is a message of the ACS.
func (s *acsSession) spoken() *cwmp.Message {
	for _, m := range s.session.Messages {
		if m.From == cwmp.ACS && m.HTTP != nil && m.Status/100 == 2 {
			return m
		}
	}
	return s.none
}

// ask is a recorded request of the ACS, about the objects that this CPE has.
func (s *acsSession) ask(a *ACS, m *cwmp.Message) string {
	var edits []edit
	if d, ok := m.Args.(*cwmp.Download); ok {
		if target, here := a.targets[d.URL.Value]; here {
			edits = append(edits, edit{d.URL.At(), escape(s.base + target)})
		}
	}
	text := body(m, edits)
	for _, x := range s.moved {
		if x[1] != "" {
			text = strings.ReplaceAll(text, x[0], x[1])
		}
	}
	return text
}

// lost is the path of an object that a request is about and that could not be added.
func (s *acsSession) lost(m *cwmp.Message) string {
	for _, x := range s.moved {
		if x[1] == "" && m.Document != nil && strings.Contains(m.Document.Text, x[0]) {
			return x[0]
		}
	}
	return ""
}

// took takes the answer to what was asked last.
func (s *acsSession) took(a *ACS, said *cwmp.Message, m *http1.Message) {
	t := s.asked
	s.asked = nil
	add, adds := t.Request.Args.(*cwmp.AddObject)
	recorded := ""
	if r, ok := t.Response.Args.(*cwmp.AddObjectResponse); ok && adds {
		recorded = add.ObjectName.Value + r.InstanceNumber.Value + "."
		for _, x := range s.moved {
			if x[1] != "" {
				recorded = strings.ReplaceAll(recorded, x[0], x[1])
			}
		}
	}
	if said != nil && said.RPC == t.Response.RPC && said.Kind == t.Response.Kind && said.FaultCode() == t.Response.FaultCode() {
		if r, ok := said.Args.(*cwmp.AddObjectResponse); ok && recorded != "" {
			path := recorded[:strings.LastIndexByte(recorded[:len(recorded)-1], '.')+1]
			if now := path + strings.TrimSpace(r.InstanceNumber.Value) + "."; now != recorded {
				s.moved = append(s.moved, [2]string{recorded, now})
			}
		}
		return
	}
	what := nameOf(said)
	if said == nil && strings.TrimSpace(m.Body) != "" {
		what = fmt.Sprintf("%d bytes that are no envelope", len(m.Body))
	}
	s.report.Deviations = append(s.report.Deviations, fmt.Sprintf("the CPE answers %s with %s, recorded is %s", t.Request.RPC, what, nameOf(t.Response)))
	if recorded != "" {
		s.moved = append(s.moved, [2]string{recorded, ""})
	}
	switch a.Deviating {
	case End:
		s.asks = nil
	case Resync:
		s.asks = slices.DeleteFunc(s.asks, func(later *cwmp.Transaction) bool { // the same again would fail again
			same := key(later.Request) == key(t.Request)
			if same {
				s.report.Deviations = append(s.report.Deviations, later.Request.RPC+" was not asked again")
			}
			return same
		})
	}
}

// place says under which target each file is served: that of its URL, with a number
// before it where two are the same.
func (a *ACS) place() {
	a.targets, a.served = map[string]string{}, map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(a.Files)) {
		u, err := url.Parse(name)
		if err != nil {
			continue
		}
		target := u.RequestURI()
		for n := 2; a.served[target] != nil; n++ {
			target = fmt.Sprintf("/%d%s", n, u.RequestURI())
		}
		a.targets[name], a.served[target] = target, append([]byte{}, a.Files[name]...)
	}
}

// file serves a file that a Download named, and takes one of an Upload.
func (a *ACS) file(m *http1.Message) []byte {
	switch m.Method {
	case http.MethodGet, http.MethodHead:
		b, there := a.served[m.Target]
		if !there {
			return []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
		}
		head := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n", len(b))
		if m.Method == http.MethodHead {
			return head
		}
		return append(head, b...)
	case http.MethodPut:
		return []byte("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
	}
	return nil
}
