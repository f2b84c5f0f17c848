package replay

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"informant/capture"
	"informant/decode/cwmp"
)

// Life is a CPE that goes on living after its recorded sessions: it answers
// connection requests, does what it was told (reboots, fetches files and reports
// that), calls periodically where its parameters say so, and comes again after a
// session that failed (TR-069 3.2.1.1). What it answers in those sessions is what its
// model knows. Its fields are set before Run and not changed afterwards.
type Life struct {
	CPE *CPE
	// Like is the session whose envelopes and header fields those of this life are
	// like.
	Like *cwmp.Session
	// Listener takes connection requests at Path, once Listen is called. With a name
	// in ConnectionRequestUsername it asks for that login, by Digest.
	Listener net.Listener
	Path     string
	// Boot is how long a reboot takes, and Transfer how long a file takes to be
	// worked on before the session that reports it: 2 s where they are 0.
	Boot, Transfer time.Duration
	// Done is told of each session, Told of what else happens, in words. They may be
	// nil.
	Done func(Report, error)
	Told func(string)

	once     sync.Once
	first    *Model        // as it was learnt, for a FactoryReset
	things   chan func()   // what happens, to be done in order
	events   []event       // to be delivered
	calls    []call        // likewise
	commands []func()      // of the session that is played
	periodic *time.Timer   // the next periodic Inform
	interval time.Duration // of that
	retries  int
	again    *time.Timer     // the next try
	beside   context.Context // of what goes on beside the sessions
	others   sync.WaitGroup  // that

	mu   sync.Mutex // of what connection requests see
	idle bool       // it lives, and no session is being played
	door Login      // that they need
}

// begin has the CPE note what it is told to do.
func (l *Life) begin() {
	l.once.Do(func() {
		if l.CPE.Model == nil {
			l.CPE.Model = Learn(l.Like)
		}
		l.first = l.CPE.Model.Clone()
		told := l.CPE.Asked
		l.CPE.Asked = func(ask *cwmp.Message, fault string) {
			if told != nil {
				told(ask, fault)
			}
			l.asked(ask, fault)
		}
	})
}

// asked notes what is to be done after the session.
func (l *Life) asked(ask *cwmp.Message, fault string) {
	if fault != "" {
		return
	}
	switch a := ask.Args.(type) {
	case *cwmp.Reboot:
		l.commands = append(l.commands, func() { l.reboot(event{"M Reboot", a.CommandKey.Value}) })
	case *cwmp.FactoryReset:
		l.commands = append(l.commands, l.reset)
	case *cwmp.ScheduleInform:
		l.commands = append(l.commands, func() {
			l.later(seconds(&a.DelaySeconds), func() { l.due(event{"3 SCHEDULED", ""}, event{"M ScheduleInform", a.CommandKey.Value}) })
		})
	case *cwmp.Download:
		l.commands = append(l.commands, func() { l.transfer(download(a)) })
	case *cwmp.Upload:
		l.commands = append(l.commands, func() { l.transfer(l.upload(a)) })
	}
}

func seconds(v *cwmp.Leaf) time.Duration {
	n, _ := v.Int()
	return time.Duration(min(max(n, 0), 1<<31)) * time.Second
}

// Run lives until ctx ends. What it begins is over when it returns.
func (l *Life) Run(ctx context.Context) error {
	if _, err := newScript(l.Like); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer l.others.Wait()
	defer stop()
	l.things = make(chan func())
	l.begin()
	defer l.stopTimers()
	l.beside = ctx
	l.state(true)
	defer l.state(false)
	for _, f := range l.commands { // of the sessions before
		f()
	}
	l.schedule()
	for {
		select {
		case <-ctx.Done():
			return nil
		case do := <-l.things:
			do()
		case <-channel(l.periodic):
			l.periodic = nil
			l.due(event{"2 PERIODIC", ""})
		case <-channel(l.again):
			l.again = nil
			l.retries++
		}
		if len(l.events) > 0 && l.again == nil && ctx.Err() == nil {
			l.call(ctx)
		}
	}
}

func channel(t *time.Timer) <-chan time.Time {
	if t == nil {
		return nil
	}
	return t.C
}

func (l *Life) stopTimers() {
	for _, t := range []*time.Timer{l.periodic, l.again} {
		if t != nil {
			t.Stop()
		}
	}
}

// do has something done by Run.
func (l *Life) do(ctx context.Context, f func()) {
	select {
	case l.things <- f:
	case <-ctx.Done():
	}
}

// say tells.
func (l *Life) say(format string, args ...any) {
	if l.Told != nil {
		l.Told(fmt.Sprintf(format, args...))
	}
}

// due has events delivered: each once.
func (l *Life) due(list ...event) {
	for _, e := range list {
		there := false
		for _, x := range l.events {
			there = there || x == e
		}
		if !there {
			l.events = append(l.events, e)
		}
	}
}

// later does something after a while.
func (l *Life) later(d time.Duration, f func()) {
	l.others.Add(1)
	ctx := l.beside
	go func() {
		defer l.others.Done()
		if wait(ctx, d) == nil {
			l.do(ctx, f)
		}
	}()
}

// call plays a session that delivers what is due.
func (l *Life) call(ctx context.Context) {
	l.beside = ctx
	own := &turn{events: l.events, calls: l.calls, retries: l.retries}
	l.commands = nil
	l.state(false)
	l.credentials()
	report, err := l.CPE.play(ctx, l.Like, own)
	l.state(true)
	if l.Done != nil {
		l.Done(report, err)
	}
	if err != nil {
		// What the ACS had asked for before is done all the same: it was answered.
		low, high := retryWait(l.retries + 1)
		d := l.CPE.Random.between(low, high)
		l.say("session failed: %v; again in %s (RetryCount %d)", err, d.Round(time.Second), l.retries+1)
		l.again = time.NewTimer(d)
	} else {
		l.events, l.calls, l.retries = nil, nil, 0
	}
	for _, f := range l.commands {
		f()
	}
	l.schedule()
}

// retryWait is how long a CPE waits before a session's retry of that number: from m
// times k to the n-1 to m times k to the n (TR-069 3.2.1.1), with m of 5 s and k of 2.
func retryWait(n int) (low, high time.Duration) {
	n = min(n, 10)
	low = 5 * time.Second << (n - 1)
	return low, 2 * low
}

// state notes whether it may be called.
func (l *Life) state(idle bool) {
	_, door := l.CPE.Model.ConnectionRequest()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle, l.door = idle, door
}

// schedule sets the time of the next periodic Inform (TR-069 3.7.1.5,
// PeriodicInformEnable and PeriodicInformInterval).
func (l *Life) schedule() {
	m := l.CPE.Model
	on := m.value("ManagementServer.PeriodicInformEnable")
	n, err := strconv.Atoi(m.value("ManagementServer.PeriodicInformInterval"))
	interval := time.Duration(n) * time.Second
	if on != "1" && !strings.EqualFold(on, "true") || err != nil || n < 1 {
		interval = 0
	}
	if interval == l.interval && (l.periodic != nil || interval == 0) {
		return
	}
	if l.periodic != nil {
		l.periodic.Stop()
		l.periodic = nil
	}
	if l.interval = interval; interval > 0 {
		l.periodic = time.NewTimer(interval)
	}
}

// credentials are those that the ACS has set.
func (l *Life) credentials() {
	m, c := l.CPE.Model, l.CPE
	const at = "ManagementServer."
	if m.changed[m.Root+at+"Username"] {
		c.Login.User, c.login.User = m.value(at+"Username"), m.value(at+"Username")
	}
	if m.changed[m.Root+at+"Password"] {
		c.Login.Password, c.login.Password = m.value(at+"Password"), m.value(at+"Password")
	}
	if name := m.Root + at + "URL"; m.changed[name] {
		delete(m.changed, name)
		u, err := url.Parse(m.value(at + "URL"))
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			l.say("the ACS has set its URL to %q: it stays as it was", m.value(at+"URL"))
			return
		}
		l.say("the ACS's URL is %s from now on", u.Redacted())
		c.URL = u
		l.events = append([]event{{"0 BOOTSTRAP", ""}}, l.events...)
	}
}

// reboot boots, and calls.
func (l *Life) reboot(cause ...event) {
	l.say("it boots")
	l.later(cmp.Or(l.Boot, 2*time.Second), func() { l.due(append([]event{{"1 BOOT", ""}}, cause...)...) })
}

// reset is a FactoryReset: the model is as it was learnt, and nothing is due of what
// was before (TR-069 A.4.1.6).
func (l *Life) reset() {
	l.say("it is reset to its factory settings")
	l.CPE.Model = l.first.Clone()
	l.events, l.calls, l.retries = nil, nil, 0
	l.later(cmp.Or(l.Boot, 2*time.Second), func() { l.due(event{"0 BOOTSTRAP", ""}, event{"1 BOOT", ""}) })
}

// file is a transfer that a CPE was told to do.
type file struct {
	name, key, method, to string
	login                 Login
	delay                 time.Duration
	body                  []byte
	boots                 bool // a firmware: the CPE boots with it
}

func download(a *cwmp.Download) *file {
	return &file{name: "Download", key: a.CommandKey.Value, method: http.MethodGet, to: strings.TrimSpace(a.URL.Value),
		login: Login{a.Username.Value, a.Password.Value}, delay: seconds(&a.DelaySeconds), boots: strings.HasPrefix(a.FileType.Value, "1 ")}
}

func (l *Life) upload(a *cwmp.Upload) *file {
	var b bytes.Buffer
	for _, name := range l.CPE.Model.Names() {
		if p := l.CPE.Model.Parameters[name]; p != nil && !cwmp.IsSecret(name) {
			fmt.Fprintf(&b, "%s=%s\n", name, p.Value)
		}
	}
	return &file{name: "Upload", key: a.CommandKey.Value, method: http.MethodPut, to: strings.TrimSpace(a.URL.Value),
		login: Login{a.Username.Value, a.Password.Value}, delay: seconds(&a.DelaySeconds), body: b.Bytes()}
}

// transfer does it beside the sessions, and reports it.
func (l *Life) transfer(f *file) {
	l.others.Add(1)
	ctx := l.beside
	go func() {
		defer l.others.Done()
		if wait(ctx, f.delay) != nil {
			return
		}
		start := time.Now()
		code, err := l.move(ctx, f)
		if err != nil {
			l.say("%s of %s failed: %v", f.name, f.to, err)
		}
		end := time.Now()
		if wait(ctx, cmp.Or(l.Transfer, 2*time.Second)) != nil {
			return
		}
		l.do(ctx, func() {
			done := &cwmp.TransferComplete{CommandKey: leaf(f.key), StartTime: leaf(timeText(start)), CompleteTime: leaf(timeText(end))}
			done.FaultStruct.FaultCode, done.FaultStruct.FaultString = leaf("0"), leaf("")
			if code != "" {
				done.FaultStruct.FaultCode, done.FaultStruct.FaultString = leaf(code), leaf(fails(code).text)
				done.StartTime, done.CompleteTime = leaf(cwmp.UnknownTime), leaf(cwmp.UnknownTime)
			}
			l.calls = append(l.calls, call{"TransferComplete", done})
			if code == "" && f.boots {
				l.due(event{"1 BOOT", ""})
			}
			l.due(event{"7 TRANSFER COMPLETE", ""}, event{"M " + f.name, f.key})
		})
	}()
}

func timeText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// move moves a file, and returns the fault code where it failed (TR-069 A.5.1).
func (l *Life) move(ctx context.Context, f *file) (code string, err error) {
	u, err := url.Parse(f.to)
	if err == nil && u.Scheme != "http" && u.Scheme != "https" {
		return "9013", fmt.Errorf("no way to fetch a %s URL", u.Scheme)
	}
	if err == nil && l.CPE.Allowed != nil {
		err = l.CPE.Allowed(u)
	}
	if err != nil {
		return "9015", err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: l.CPE.hearing(nil), DialTLSContext: l.CPE.hearing(l.CPE)}, Timeout: 10 * time.Minute}
	who := loggedIn{Login: f.login, random: l.CPE.Random}
	for n := 0; ; n++ {
		r, err := http.NewRequestWithContext(ctx, f.method, f.to, bytes.NewReader(f.body))
		if err != nil {
			return "9015", err
		}
		if answer, err := who.answer(f.method, u.RequestURI(), string(f.body)); err == nil && answer != "" {
			r.Header.Set("Authorization", answer)
		}
		w, err := client.Do(r)
		if err != nil {
			return "9015", err
		}
		hash := sha256.New()
		size, err := io.Copy(hash, w.Body)
		w.Body.Close()
		switch {
		case w.StatusCode == http.StatusUnauthorized && n == 0 && who.asked(w.Header.Values("WWW-Authenticate")) == nil:
			continue
		case w.StatusCode == http.StatusUnauthorized || w.StatusCode == http.StatusForbidden:
			return "9012", errors.New(w.Status)
		case w.StatusCode/100 != 2:
			return "9016", errors.New(w.Status)
		case err != nil:
			return "9017", err
		}
		l.say("%s of %s: %d bytes, SHA-256 %s", f.name, u.Redacted(), max(size, int64(len(f.body))), hex.EncodeToString(hash.Sum(nil)))
		return "", nil
	}
}

// hearing dials for a client, and tells what passes; with TLS where secure is there.
func (c *CPE) hearing(secure *CPE) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{Timeout: orDefault(c.Timeout)}).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if secure != nil {
			host, _, _ := net.SplitHostPort(addr)
			s, err := c.shakeHands(ctx, conn, host)
			if err != nil {
				conn.Close()
				return nil, err
			}
			conn = s
		}
		return hear(conn, capture.FromClient, c.Tap), nil
	}
}

// Listen answers connection requests (TR-069 3.2.2) until what it returns is called.
// What the CPE is told to do in sessions from now on is done by Run. Before Run and during a session the answer is that it can't call now.
func (l *Life) Listen(ctx context.Context) (stop func()) {
	l.begin()
	l.state(false)
	guard := NewGuard(Login{}, "MD5")
	s := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(l.rung(ctx, guard, w.Header(), r))
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(&hearingListener{l.Listener, l.CPE.Tap}) // it ends when it is closed
	}()
	return func() {
		s.Close()
		<-done
	}
}

// rung is the status that a connection request gets.
func (l *Life) rung(ctx context.Context, guard *Guard, head http.Header, r *http.Request) int {
	if r.Method != http.MethodGet {
		return http.StatusMethodNotAllowed
	}
	if r.URL.Path != l.Path {
		return http.StatusNotFound
	}
	l.mu.Lock()
	login := l.door
	l.mu.Unlock()
	if login.User != "" {
		own := *guard
		own.Login = login
		if yes, stale := own.Admits(r.Header.Get("Authorization"), r.Method, r.RequestURI, ""); !yes {
			for _, c := range own.Challenges(stale) {
				head.Add("WWW-Authenticate", c)
			}
			return http.StatusUnauthorized
		}
	}
	l.mu.Lock()
	idle := l.idle
	l.mu.Unlock()
	if !idle { // it is in a session, and doesn't call for this (TR-069 3.2.2)
		return http.StatusServiceUnavailable
	}
	l.say("it was called")
	l.others.Add(1)
	go func() {
		defer l.others.Done()
		l.do(ctx, func() { l.due(event{"6 CONNECTION REQUEST", ""}) })
	}()
	return http.StatusOK
}

// hearingListener tells what passes on the connections that it accepts.
type hearingListener struct {
	net.Listener
	tap Tap
}

func (l *hearingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return hear(c, capture.FromServer, l.tap), nil
}

// TransferDelay is how long the recorded device took from a Download's answer to the
// session that told of its end; 0 where it never told.
func TransferDelay(sessions []*cwmp.Session) time.Duration {
	began := map[string]time.Time{}
	for _, s := range sessions {
		for _, t := range s.Transactions {
			switch a := t.Request.Args.(type) {
			case *cwmp.Download:
				if t.Response != nil {
					began[a.CommandKey.Value] = t.Response.Time
				}
			case *cwmp.TransferComplete:
				if at, ok := began[a.CommandKey.Value]; ok && s.Start.After(at) {
					return s.Start.Sub(at)
				}
			}
		}
	}
	return 0
}
