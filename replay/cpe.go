package replay

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/time/rate"

	"informant/capture"
	"informant/decode/cwmp"
	"informant/decode/http1"
)

// Policy is what a played CPE answers to an ACS's requests.
type Policy uint8

// The policies.
const (
	// Adaptive: the recorded answer to the same request, else what the model knows.
	Adaptive Policy = iota
	// Strict: the recorded answer to the same request, else the fault 9000.
	Strict
	// FromModel: what the model knows, and the recorded answer only to what it
	// doesn't (TransferComplete's like, vendor methods).
	FromModel
)

// Policies are their names.
var Policies = []string{"adaptive", "strict", "model"}

func (p Policy) String() string { return Policies[p] }

// Identity is who a played CPE says it is in place of the recorded one, wherever it
// says so; "" leaves what was recorded.
type Identity struct{ OUI, ProductClass, Serial string }

// CPE plays recorded sessions as their CPE. Its fields are set before the first Play
// and not changed afterwards. It is one device: it plays one session at a time, and
// keeps cookies and its data model from one to the next.
type CPE struct {
	URL      *url.URL // of the ACS
	TLS      *tls.Config
	Login    Login
	Identity Identity
	// ConnectionRequestURL is told to the ACS in place of the recorded one.
	ConnectionRequestURL string
	// Allowed says where it may go: to URL, and where the ACS sends it. nil: anywhere.
	Allowed func(*url.URL) error
	Policy  Policy
	Model   *Model        // nil: learnt from the session that is played
	Timeout time.Duration // for each answer of the ACS: 30 s where it is 0
	// Speed is how much faster than recorded the CPE thinks; 0: at once. MaxGap is
	// how long it thinks at most; 0: no limit.
	Speed  float64
	MaxGap time.Duration
	// Most is how many requests of the ACS are answered in a session: 10,000 where it
	// is 0. An ACS that asks more is taken for one that never ends.
	Most   int
	Rate   *rate.Limiter // of what is sent; nil: no limit
	Random *Random       // of what is made up; nil: the system's
	Tap    Tap
	// Asked is told of each request of the ACS and what is answered to it; it may be
	// nil.
	Asked func(ask *cwmp.Message, fault string)

	jar   http.CookieJar
	login loggedIn
}

// Report is what came of a session that was played.
type Report struct {
	Recorded       *cwmp.Session
	Conn           *capture.Conn       // the first that it went over
	Sent, Received int                 // HTTP messages
	Unanswered     []string            // the methods that the other side called and nobody knows an answer to
	LeftOut        []*cwmp.Transaction // of the recording, that were not played, as they change a CPE
	Deviations     []string            // where the other side did otherwise than recorded
}

// ErrLost is in an error of the connection: what the other side would have said is
// not known.
var ErrLost = errors.New("replay: the connection was lost")

// Play calls the ACS and plays a session. The error says what keeps it from its
// end: the recording, the connection (ErrLost), or an ACS that doesn't answer as one
// does.
func (c *CPE) Play(ctx context.Context, s *cwmp.Session) (Report, error) {
	return c.play(ctx, s, nil)
}

// turn is what is said in a session that was not recorded.
type turn struct {
	events  []event
	calls   []call // behind the Inform
	retries int    // RetryCount
}

// call is a method that is called of the ACS.
type call struct {
	rpc  string
	args cwmp.Struct
}

// play is Play, with what is said in place of what was recorded where that is no
// nil.
func (c *CPE) play(ctx context.Context, s *cwmp.Session, own *turn) (report Report, err error) {
	report.Recorded = s
	x, err := newScript(s)
	if err != nil {
		return report, err
	}
	if c.jar == nil {
		if c.jar, err = cookiejar.New(nil); err != nil {
			return report, err
		}
		c.login.Login, c.login.random = c.Login, c.Random
	}
	if c.Model == nil {
		c.Model = Learn(s)
	}
	if known := c.Model.Parameters[c.Model.Root+"ManagementServer.ConnectionRequestURL"]; known != nil && c.ConnectionRequestURL != "" {
		known.Value = c.ConnectionRequestURL
	}
	p := &playedCPE{CPE: c, script: x, ctx: ctx, to: c.URL, report: &report, own: own, used: map[*cwmp.Transaction]bool{}}
	defer p.hangUp()
	defer context.AfterFunc(ctx, p.cut)()
	err = p.play()
	if p.asRecorded(err) {
		err = nil
	}
	if err != nil && ctx.Err() != nil {
		err = errors.Join(ErrLost, context.Cause(ctx), err)
	}
	return report, err
}

// refusal is an answer by which an ACS ends a session.
type refusal struct {
	status int    // of HTTP
	fault  string // or the code of the fault
	error
}

// asRecorded says whether the session was ended as the recorded one was.
func (p *playedCPE) asRecorded(err error) bool {
	r := (*refusal)(nil)
	if !p.refused || !errors.As(err, &r) {
		return false
	}
	for _, m := range p.session.Messages {
		if m.From == cwmp.ACS && (m.Kind == cwmp.HTTP && m.Status == r.status || m.Kind == cwmp.Fault && m.FaultCode() == r.fault) {
			return true
		}
	}
	return false
}

func orDefault(d time.Duration) time.Duration { return cmp.Or(d, 30*time.Second) }

type playedCPE struct {
	*CPE
	*script
	ctx    context.Context
	to     *url.URL             // where requests go now
	w      *wire                // nil while there is no connection
	open   atomic.Pointer[wire] // the same, for cut
	on     *capture.Conn
	heard  time.Time // when the message was recorded that came last
	report *Report
	own    *turn
	used   map[*cwmp.Transaction]bool
	hold   bool // HoldRequests (TR-069 3.4.5)
}

func (p *playedCPE) play() error {
	calls := p.calls
	if err := p.call(calls[0]); err != nil {
		return err
	}
	calls = calls[1:]
	if p.own != nil {
		calls = nil
		for i, own := range p.own.calls {
			text := render(p.session.Namespace, fmt.Sprint("own", i+1), own.rpc, own.args)
			answer, err := p.exchange(p.calls[0].Request, text)
			if err != nil {
				return err
			}
			if answer == nil || answer.RPC != own.rpc+"Response" {
				p.report.Deviations = append(p.report.Deviations, fmt.Sprintf("the ACS answers %s with %s", own.rpc, nameOf(answer)))
			}
		}
	}
	var ask *cwmp.Message
	given := false // the ACS has had its turn since the last call
	for n, most := 0, cmp.Or(p.Most, 10_000); ; n++ {
		var err error
		switch {
		case n >= most:
			return fmt.Errorf("replay: the ACS asks without end: %d requests were answered", n)
		case ask != nil && ask.Kind == cwmp.Request:
			ask, err = p.answer(ask)
			given = true
		case ask != nil:
			return fmt.Errorf("replay: the ACS sends %s where a request or nothing belongs", nameOf(ask))
		case len(calls) > 0 && !p.hold:
			err = p.call(calls[0])
			calls, given = calls[1:], false
		case given:
			return nil
		default:
			ask, err = p.nothing()
			given = true
		}
		if given && ask == nil {
			p.hold = false // an empty answer ends that, too
		}
		if err != nil {
			return err
		}
	}
}

// call calls a method of the ACS.
func (p *playedCPE) call(t *cwmp.Transaction) error {
	const tries = 3
	for n := 1; ; n++ {
		answer, err := p.exchange(t.Request, p.said(t.Request, dated(t.Request, time.Now())))
		switch {
		case err != nil:
			return err
		case answer != nil && answer.RPC == t.Request.RPC+"Response":
			return nil
		case answer != nil && answer.Kind == cwmp.Fault && answer.FaultCode() == "8005" && n < tries: // the ACS wants it again (TR-069 A.5.2)
			continue
		case answer != nil && answer.Kind == cwmp.Fault && t.Request.RPC != "Inform":
			p.report.Deviations = append(p.report.Deviations, fmt.Sprintf("the ACS answers %s with %s", t.Request.RPC, nameOf(answer)))
			return nil
		}
		err = fmt.Errorf("replay: the ACS answers %s with %s", t.Request.RPC, nameOf(answer))
		if answer != nil && answer.Kind == cwmp.Fault {
			err = &refusal{fault: answer.FaultCode(), error: err}
		}
		return err
	}
}

// nothing gives the ACS its turn.
func (p *playedCPE) nothing() (*cwmp.Message, error) {
	like := p.empty
	if like == nil {
		like = p.calls[0].Request
	}
	return p.exchange(like, "")
}

// answer answers a request of the ACS, and returns what it asks next.
func (p *playedCPE) answer(ask *cwmp.Message) (*cwmp.Message, error) {
	like, text, fault := p.reply(ask)
	if p.Asked != nil {
		p.Asked(ask, fault)
	}
	return p.exchange(like, text)
}

// reply is the answer to a request, the message that it is sent like, and the fault
// code where it is one.
func (p *playedCPE) reply(ask *cwmp.Message) (like *cwmp.Message, text, code string) {
	recorded := find(p.asks, p.used, key, ask)
	if p.Policy != FromModel && p.own == nil && recorded != nil && !(p.Policy == Adaptive && p.Model.touched(ask)) {
		p.follow(ask, recorded)
		return recorded.Response, p.said(recorded.Response, identified(recorded.Response, ask.ID)), recorded.Response.FaultCode()
	}
	like = p.calls[0].Request
	if p.Policy != Strict {
		args, failed, known := p.Model.answer(ask)
		switch {
		case known && failed != nil:
			return like, fault(p.session.Namespace, ask.ID, "Client", failed), failed.code
		case known:
			return like, p.renamed(render(p.session.Namespace, ask.ID, ask.RPC+"Response", args)), ""
		}
		args = accepted(ask)
		if recorded == nil && args != nil { // a command: what was answered to another one like it
			recorded = find(p.asks, p.used, method, ask)
		}
		if recorded != nil {
			return recorded.Response, p.said(recorded.Response, identified(recorded.Response, ask.ID)), recorded.Response.FaultCode()
		}
		if args != nil {
			return like, render(p.session.Namespace, ask.ID, ask.RPC+"Response", args), ""
		}
	}
	p.report.Unanswered = append(p.report.Unanswered, ask.RPC)
	f := fails("9000")
	return like, fault(p.session.Namespace, ask.ID, "Client", f), f.code
}

// follow has the model follow a command that is answered as it was recorded.
func (p *playedCPE) follow(ask *cwmp.Message, recorded *cwmp.Transaction) {
	if recorded.Response.Fault != nil {
		return
	}
	if q, ok := ask.Args.(*cwmp.AddObject); ok {
		if a, ok := recorded.Response.Args.(*cwmp.AddObjectResponse); ok {
			p.Model.add(q.ObjectName.Value, a.InstanceNumber.Value)
		}
		return
	}
	switch ask.Args.(type) {
	case *cwmp.SetParameterValues, *cwmp.SetParameterAttributes, *cwmp.DeleteObject:
		was := maps.Clone(p.Model.changed)
		p.Model.answer(ask)
		p.Model.changed = was // it is what was recorded, and what came of it too
	}
}

// accepted is the answer of a CPE that accepts a command and will do it later; nil
// for methods that are none.
func accepted(ask *cwmp.Message) cwmp.Struct {
	switch ask.Args.(type) {
	case *cwmp.Reboot:
		return &cwmp.RebootResponse{}
	case *cwmp.FactoryReset:
		return &cwmp.FactoryResetResponse{}
	case *cwmp.ScheduleInform:
		return &cwmp.ScheduleInformResponse{}
	case *cwmp.Download:
		return &cwmp.DownloadResponse{Status: leaf("1"), StartTime: leaf(cwmp.UnknownTime), CompleteTime: leaf(cwmp.UnknownTime)}
	case *cwmp.Upload:
		return &cwmp.UploadResponse{Status: leaf("1"), StartTime: leaf(cwmp.UnknownTime), CompleteTime: leaf(cwmp.UnknownTime)}
	}
	return nil
}

// said is a recorded envelope as this CPE says it.
func (p *playedCPE) said(m *cwmp.Message, edits []edit) string {
	if in, ok := m.Args.(*cwmp.Inform); ok {
		edits = append(edits, p.changed(in)...)
		if p.own != nil && in.Event.Info().Present {
			edits = append(edits, edit{in.Event.Info().At, renderEvents(p.session.Namespace, p.own.events)})
		}
		if p.own != nil && in.RetryCount.Start < in.RetryCount.End {
			edits = append(edits, edit{in.RetryCount.At(), strconv.Itoa(p.own.retries)})
		}
	}
	return p.renamed(body(m, edits))
}

// changed puts what the ACS has set, and where this CPE can be called, into an
// Inform.
func (p *playedCPE) changed(in *cwmp.Inform) (edits []edit) {
	for i := range in.ParameterList.Items {
		x := &in.ParameterList.Items[i]
		name, value := x.Name.Value, x.Value.Value
		if now := p.Model.Parameters[name]; now != nil && p.Model.changed[name] {
			value = now.Value
		}
		if p.ConnectionRequestURL != "" && strings.HasSuffix(name, ".ManagementServer.ConnectionRequestURL") {
			value = p.ConnectionRequestURL
		}
		if value != x.Value.Value && x.Value.Start < x.Value.End {
			edits = append(edits, edit{x.Value.At(), escape(value)})
		}
	}
	return edits
}

// In puts the identity in the place of a recorded one, where that stands in a text.
func (i Identity) In(d cwmp.DeviceID, text string) string {
	for _, x := range [][2]string{{d.SerialNumber, i.Serial}, {d.OUI, i.OUI}, {d.ProductClass, i.ProductClass}} {
		if x[1] != "" {
			text = swap(text, strings.TrimSpace(x[0]), x[1])
		}
	}
	return text
}

// renamed puts this CPE's identity in the place of the recorded one.
func (p *playedCPE) renamed(text string) string { return p.Identity.In(p.session.Device, text) }

// think waits as the recorded CPE did before it said something.
func (p *playedCPE) think(m *cwmp.Message) error {
	gap := m.Time.Sub(p.heard)
	if p.Speed <= 0 || p.heard.IsZero() || gap <= 0 {
		return nil
	}
	gap = time.Duration(float64(gap) / p.Speed)
	if p.MaxGap > 0 {
		gap = min(gap, p.MaxGap)
	}
	return wait(p.ctx, gap)
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// exchange sends a message with a body and returns what the ACS answers, nil for
// an empty answer. It does what a CPE does when it is asked to log in, to go
// elsewhere, or to come again.
func (p *playedCPE) exchange(like *cwmp.Message, text string) (*cwmp.Message, error) {
	if err := p.think(like); err != nil {
		return nil, err
	}
	logins, moves, retries := 0, 0, 0
	for {
		m, err := p.once(like, text)
		if err != nil {
			return nil, err
		}
		switch {
		case m.Status == http.StatusUnauthorized:
			if logins++; logins > 3 {
				return nil, fmt.Errorf("replay: the ACS refuses the login of %s", p.Login.User)
			}
			if err := p.login.asked(m.Values("WWW-Authenticate")); err != nil {
				return nil, fmt.Errorf("the ACS answers with status 401: %w", err)
			}
		case m.Status/100 == 3 && m.Status != http.StatusNotModified:
			if moves++; moves > 5 { // TR-069 3.7.1.7
				return nil, errors.New("replay: the ACS redirects without end")
			}
			if err := p.move(m); err != nil {
				return nil, err
			}
		case m.Status == http.StatusServiceUnavailable && retries < 3:
			retries++
			after, _ := m.Field("Retry-After")
			n, err := strconv.Atoi(after)
			if err != nil || n < 0 {
				n = 1
			}
			if err := wait(p.ctx, min(time.Duration(n)*time.Second, orDefault(p.Timeout))); err != nil {
				return nil, err
			}
		case m.Status/100 != 2 && (m.Status != http.StatusInternalServerError || strings.TrimSpace(m.Body) == ""): // a 500 may bring a Fault
			return nil, &refusal{status: m.Status, error: fmt.Errorf("replay: the ACS answers with status %d %s", m.Status, m.Reason)}
		default:
			p.heard = p.after(like)
			answer := read(m)
			if answer != nil && answer.Header.HoldRequests != nil {
				v := strings.TrimSpace(answer.Header.HoldRequests.Value)
				p.hold = v == "1" || v == "true"
			}
			if answer == nil && strings.TrimSpace(m.Body) != "" {
				return nil, fmt.Errorf("replay: the ACS answers with %d bytes that are no envelope", len(m.Body))
			}
			return answer, nil
		}
	}
}

// after is when the recorded answer to a message of the CPE had come.
func (p *playedCPE) after(m *cwmp.Message) time.Time {
	for _, x := range p.session.Messages {
		if x.Exchange == m.Exchange && x.From == cwmp.ACS {
			return x.End
		}
	}
	return time.Time{}
}

// once sends a message and receives what comes for it.
func (p *playedCPE) once(like *cwmp.Message, text string) (*http1.Message, error) {
	if p.w != nil && like.HTTP.Conn != p.on && p.on != nil { // it had another connection in the recording
		p.hangUp()
	}
	for {
		fresh := p.w == nil
		if fresh {
			if err := p.dial(); err != nil {
				return nil, err
			}
		}
		p.on = like.HTTP.Conn
		b, err := p.request(like, text)
		if err != nil {
			return nil, err
		}
		if p.Rate != nil {
			if err := p.Rate.Wait(p.ctx); err != nil {
				return nil, err
			}
		}
		var m *http1.Message
		if err = p.w.send(b); err == nil {
			m, err = p.w.receive()
		}
		if !fresh && (errors.Is(err, errNoMore) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)) && p.ctx.Err() == nil {
			p.hangUp() // it was closed while nothing was said; clients try once more
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrLost, err)
		}
		p.report.Sent++
		p.report.Received++
		p.jar.SetCookies(p.to, cookiesOf(m))
		if ends(m) {
			p.hangUp()
		}
		return m, nil
	}
}

// request is a message for the ACS, with the cookies and the login of now.
func (p *playedCPE) request(like *cwmp.Message, text string) ([]byte, error) {
	target := p.to.RequestURI()
	own := fields{}
	var cookies []string
	for _, c := range p.jar.Cookies(p.to) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	own["Cookie"] = strings.Join(cookies, "; ")
	recorded, _ := like.HTTP.Field("Authorization")
	basic := len(recorded) > 6 && strings.EqualFold(recorded[:6], "Basic ")
	if basic && p.login.User != "" && p.login.challenge == nil {
		p.login.basic = true // it had not waited to be asked
	}
	switch {
	case p.login.User != "":
		answer, err := p.login.answer(like.HTTP.Method, target, text)
		if err != nil {
			return nil, err
		}
		own["Authorization"] = answer
	case basic:
		own["Authorization"] = p.basic(recorded)
	case recorded != "": // as it was, but for who it is
		own["Authorization"] = p.counted(p.renamed(recorded))
	}
	if text == "" && like.Kind != cwmp.Empty {
		own["Content-Type"] = ""
	}
	return request(like, target, p.to.Host, own, text), nil
}

// nonceCount is the nc of an answer to a Digest challenge.
var nonceCount = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\bnc="?[0-9a-fA-F]{8}`) })

// counted is a recorded answer to a Digest challenge, counted on where a session is the
// CPE's own: it answers like one recorded message more than once.
func (p *playedCPE) counted(recorded string) string {
	if p.own == nil {
		return recorded
	}
	p.login.count++
	return nonceCount().ReplaceAllStringFunc(recorded, func(nc string) string { return fmt.Sprintf("%s%08x", nc[:len(nc)-8], p.login.count) })
}

// basic is a recorded answer to a Basic challenge, of a user who may be called after
// the CPE.
func (p *playedCPE) basic(recorded string) string {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(recorded[len("Basic "):]))
	user, password, ok := strings.Cut(string(b), ":")
	if err != nil || !ok {
		return recorded
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(p.renamed(user)+":"+password))
}

// move goes where the ACS sends the CPE.
func (p *playedCPE) move(m *http1.Message) error {
	location, _ := m.Field("Location")
	to, err := p.to.Parse(location)
	if err != nil || location == "" || to.Host == "" || to.Scheme != "http" && to.Scheme != "https" {
		return fmt.Errorf("replay: the ACS redirects to %q", location)
	}
	if to.Host != p.to.Host || to.Scheme != p.to.Scheme {
		p.hangUp()
		p.login.challenge, p.login.basic = nil, false
	}
	p.to = to
	return nil
}

// cookiesOf are the cookies that a response sets.
func cookiesOf(m *http1.Message) []*http.Cookie {
	return (&http.Response{Header: http.Header{"Set-Cookie": m.Values("Set-Cookie")}}).Cookies()
}

// ends says whether a connection ends behind a response.
func ends(m *http1.Message) bool {
	c, _ := m.Field("Connection")
	c = strings.ToLower(c)
	return m.Framing == http1.UntilClose || strings.Contains(c, "close") || m.Version == "HTTP/1.0" && !strings.Contains(c, "keep-alive")
}

// dial connects to where requests go now.
func (p *playedCPE) dial() error {
	if p.Allowed != nil {
		if err := p.Allowed(p.to); err != nil {
			return err
		}
	}
	port := p.to.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[p.to.Scheme]
	}
	d := &net.Dialer{Timeout: orDefault(p.Timeout)}
	c, err := d.DialContext(p.ctx, "tcp", net.JoinHostPort(p.to.Hostname(), port))
	if err != nil {
		return fmt.Errorf("%w: the ACS can't be reached: %w", ErrLost, err)
	}
	w := newWire(c, capture.FromClient, orDefault(p.Timeout), p.Tap)
	if p.to.Scheme == "https" {
		s, err := p.shakeHands(p.ctx, c, p.to.Hostname())
		if err != nil {
			w.end(capture.FromServer, capture.RST)
			c.Close()
			return fmt.Errorf("%w: the TLS handshake with %s failed: %w", ErrLost, p.to.Host, err)
		}
		w.secured(s)
		w.c = s
	}
	p.w = w
	p.open.Store(w)
	if p.ctx.Err() != nil {
		p.cut()
	}
	if p.report.Conn == nil {
		p.report.Conn = w.conn
	}
	return nil
}

// shakeHands begins TLS.
func (c *CPE) shakeHands(ctx context.Context, conn net.Conn, host string) (*tls.Conn, error) {
	cfg := c.TLS.Clone()
	if cfg == nil {
		cfg = &tls.Config{}
	}
	cfg.ServerName = cmp.Or(cfg.ServerName, host)
	cfg.NextProtos = []string{"http/1.1"}
	s := tls.Client(conn, cfg)
	return s, s.HandshakeContext(ctx)
}

func (p *playedCPE) hangUp() {
	if p.w != nil {
		p.w.close()
		p.w = nil
		p.open.Store(nil)
	}
}

// cut ends what is waited for.
func (p *playedCPE) cut() {
	if w := p.open.Load(); w != nil {
		w.c.Close()
	}
}

// nameOf is what a message is called.
func nameOf(m *cwmp.Message) string {
	switch {
	case m == nil:
		return "nothing"
	case m.Kind == cwmp.Fault:
		return "a Fault (" + m.FaultCode() + ")"
	}
	return m.RPC
}
