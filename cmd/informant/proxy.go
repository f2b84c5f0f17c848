package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"informant/capture"
	"informant/capture/recording"
	"informant/decode"
	"informant/decode/transcript"
	"informant/proxy"
)

type proxyOptions struct {
	listen      []string
	upstream    []string
	out         string
	rotateBytes int64
	rotateAge   time.Duration
	sync        bool
	onFailure   string
	drain       time.Duration
	output      string
	verbose     int
	checks      string
	showSecrets bool
	color       string
	quiet       bool
	admin       string
	log         string
	forward     bool
	allow       []string
	acceptProxy bool
	sendProxy   string
	passthrough int
	tls         tlsOptions
}

func newProxyCommand() *cobra.Command {
	var o proxyOptions
	cmd := &cobra.Command{
		Use:   "proxy {--upstream URL | --forward}",
		Short: "Relay CPEs to their ACS, and tell their sessions as they happen",
		Long: `Proxy accepts the connections of CPEs and relays each over a connection of its
own to the ACS, byte by byte, and tells the CWMP sessions as decode does. -w also
records them. What decodes and records stands aside: it can't delay, change or
fail the traffic.

An https:// listener ends the CPEs' TLS, with a certificate for the name they ask
for, signed by the authority of 'informant ca' (which they must trust), or with
those of --cert. An https:// upstream is called with TLS, and its certificate
verified. A handshake that fails is recorded, and told with what it failed of. A
proxy that ends TLS can't present a CPE's own certificate to the ACS: give others
with --upstream-cert or --upstream-cert-map.

With --passthrough-on-failure N, a CPE of which N handshakes in a row failed for a
name is relayed encrypted for 10 minutes when it asks for that name: it works, and
nothing of what it says is seen, which is told.

SIGHUP reads certificates and keys again.

Several pairs of --listen and --upstream belong together in their order; with one
--upstream all listeners go there.

--forward is the other mode: the client, set up to use a proxy, says where it wants
to go, by CONNECT or in the request line. TLS inside of CONNECT is ended where there
is an authority ('informant ca init') or --cert, and relayed encrypted otherwise.
--forward listens on 127.0.0.1:8080, and on addresses that others can reach only
with the targets listed by --allow.

Behind a balancer, --proxy-protocol takes who the client is from its PROXY header
(version 1 or 2); --send-proxy tells the ACS's side.

The first interrupt ends the listening: connections that are open may end in
their own time, for --drain at most. The second one ends the program at once.

When the recording can't be written (the disk is full), no new connections are
taken, those that are open end in their own time, and the exit code is 2. With
--on-record-failure relay the relaying goes on without the recording.
` + exitHelp,
		Example: `  informant proxy --upstream http://acs.example:7547
  informant proxy --listen :7547 --upstream http://192.0.2.1:7547 -w bench-%Y%m%d.cwmp
  informant proxy --listen https://:7548 --upstream https://acs.example --upstream-ca acs-ca.pem
  informant proxy --listen :7547 --upstream http://acs-a:7547 --listen :7548 --upstream http://acs-b:7547
  informant proxy --forward --allow '*.acs.example'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runProxy(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.listen, "listen", nil, "`address` to listen on, such as :7547 or https://:7548 (default :7547; 127.0.0.1:8080 with --forward)")
	f.StringArrayVar(&o.upstream, "upstream", nil, "the ACS: http[s]://HOST[:PORT]")
	f.BoolVar(&o.forward, "forward", false, "go where clients ask to be connected to")
	f.StringArrayVar(&o.allow, "allow", nil, "with --forward: a `target` that may be asked for, NAME, *.NAME, ADDRESS or PREFIX, with :PORT or for all ports; several may be given")
	f.BoolVar(&o.acceptProxy, "proxy-protocol", false, "connections begin with a balancer's PROXY header; one without it is refused")
	f.StringVar(&o.sendProxy, "send-proxy", "", "begin upstream connections with a PROXY header of this `version`: v1 or v2")
	f.IntVar(&o.passthrough, "passthrough-on-failure", 0, "relay a CPE encrypted for a while after `N` handshakes that failed (0: never)")
	f.StringVarP(&o.out, "write", "w", "", "record to a file of this `name`; strftime's letters stand for the time (%Y%m%d-%H%M%S)")
	f.Int64Var(&o.rotateBytes, "rotate-size", 0, "begin another file after so many `MB`")
	f.DurationVar(&o.rotateAge, "rotate-age", 0, "begin another file after so long, such as 1h")
	f.BoolVar(&o.sync, "sync", false, "wait for the disk after every frame")
	f.StringVar(&o.onFailure, "on-record-failure", "stop", "what to do when the recording can't be written: stop or relay")
	f.DurationVar(&o.drain, "drain", 30*time.Second, "how long open connections may go on after the first interrupt")
	f.StringVarP(&o.output, "output", "o", "text", "`form`: text or json (one object per line)")
	f.CountVarP(&o.verbose, "verbose", "v", "all arguments; -vv also the raw HTTP")
	f.StringVar(&o.checks, "checks", "strict", "`profile` of the checks: strict, field or none")
	f.BoolVar(&o.showSecrets, "show-secrets", false, "do not mask passwords, keys and credentials")
	f.StringVar(&o.color, "color", "auto", "`when`: auto, always or never")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "tell no sessions: relay, and record")
	f.StringVar(&o.admin, "admin", "", "`address` for /metrics (Prometheus) and /healthz, such as 127.0.0.1:9547")
	f.StringVar(&o.log, "log", "text", "`form` of what is said on standard error: text or json")
	o.tls.add(f)
	return cmd
}

func runProxy(ctx context.Context, o proxyOptions, stdout, stderr io.Writer) error {
	routes, err := o.routes()
	if err != nil {
		return err
	}
	terminate := terminates(routes)
	for _, err := range []error{oneOf("output", o.output, "text", "json"), oneOf("on-record-failure", o.onFailure, "stop", "relay"), oneOf("log", o.log, "text", "json")} {
		if err != nil {
			return err
		}
	}
	tell, err := o.teller(stdout)
	if err != nil {
		return err
	}
	secured, err := newSecured(&o.tls, terminate)
	if err != nil {
		return err
	}
	o.equip(routes, secured)
	if isTerminal(stderr) && !o.quiet {
		line := &statusLine{tty: stderr, width: width(stderr)}
		stderr = line.above(stderr)
		if isTerminal(stdout) {
			stdout = line.above(stdout)
		}
		defer func() { line.set("") }()
		return relayWith(ctx, o, routes, secured, tell, line, stdout, stderr)
	}
	return relayWith(ctx, o, routes, secured, tell, nil, stdout, stderr)
}

// relayWith relays, with what observes it: tell tells the sessions, line shows the
// status; both may be nil.
func relayWith(ctx context.Context, o proxyOptions, routes []routing, secured *secured, tell *pipeline, line *statusLine, stdout, stderr io.Writer) error {
	s := &proxying{o: o, secured: secured, terminate: terminates(routes), p: &proxy.Proxy{Log: logTo(stderr, o.log)}, stderr: stderr}
	if err := s.listen(routes); err != nil {
		return err
	}
	defer s.closeListeners()
	if err := s.record(); err != nil {
		return err
	}
	if tell == nil && o.admin != "" { // somebody has to count
		tell = &pipeline{opts: decode.Options{Live: true}, sink: plain{silent{}}, pool: new(decode.Pool)}
	}
	if tell != nil {
		tell.watch = s.watching.see
		s.tell(tell, stdout)
	}
	if o.admin != "" {
		s.watching.metrics = newInstruments(s.p, s.taps())
		var err error
		if s.admin, err = startAdmin(o.admin, s.watching.metrics); err != nil {
			return errors.Join(err, s.abandon())
		}
		defer s.admin.stop()
		s.p.Log.Info("admin", "address", s.admin.addr.String())
	}
	if line != nil {
		defer s.watching.show(line, s.p)()
	}
	return s.run(ctx)
}

// silent is a sink that tells nothing.
type silent struct{}

func (silent) Append(dst []byte, _ decode.Item) []byte          { return dst }
func (silent) AppendSummary(dst []byte, _ decode.Totals) []byte { return dst }

// logTo is a logger in one of two forms.
func logTo(w io.Writer, form string) *slog.Logger {
	if form == "json" {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

// teller is what tells the sessions; nil for nobody.
func (o *proxyOptions) teller(stdout io.Writer) (*pipeline, error) {
	opts, choice, err := checkOptions(o.checks, nil)
	if err != nil {
		return nil, err
	}
	color, err := colored(o.color, stdout)
	if err != nil || o.quiet {
		return nil, err
	}
	opts.Live = true
	var out sink = plain{&transcript.Live{Text: transcript.Text{Width: width(stdout), Verbose: o.verbose, Color: color, ShowSecrets: o.showSecrets}}}
	if o.output == "json" {
		out = plain{&transcript.JSON{ShowSecrets: o.showSecrets}}
	}
	return &pipeline{opts: opts, choice: choice, sink: out, pool: new(decode.Pool)}, nil
}

// proxying is a proxy at work, with its observers.
type proxying struct {
	o         proxyOptions
	p         *proxy.Proxy
	secured   *secured
	terminate bool
	stderr    io.Writer
	listeners []net.Listener
	routes    []routing
	files     *recording.Files
	recorder  *proxy.Tap
	teller    *proxy.Tap
	observers sync.WaitGroup
	watching  watching
	admin     *admin // nil where nobody asks for it
	outcome   *outcome
	told      error // of writing what is told

	// failed has a value when the recording can't be written.
	failed    chan error
	recordErr error
}

func (s *proxying) listen(routes []routing) error {
	for _, r := range routes {
		l, err := net.Listen("tcp", r.listen)
		if err != nil {
			s.closeListeners()
			return fmt.Errorf("--listen %s: %w", r.listen, bare(err))
		}
		s.listeners, s.routes = append(s.listeners, l), append(s.routes, r)
	}
	return nil
}

func (s *proxying) closeListeners() {
	for _, l := range s.listeners {
		l.Close()
	}
}

// record begins the recording, where one is asked for.
func (s *proxying) record() error {
	s.failed = make(chan error, 1)
	if s.o.out == "" {
		return nil
	}
	files, err := recording.Create(recording.FilesOptions{Name: s.o.out, Sync: s.o.sync, MaxBytes: s.o.rotateBytes * 1e6, MaxAge: s.o.rotateAge,
		Writer: recording.WriterOptions{Header: recording.NewHeader(os.Args)}})
	if err != nil {
		return taken(s.o.out, err)
	}
	s.files, s.recorder = files, &proxy.Tap{}
	s.p.Taps = append(s.p.Taps, s.recorder)
	s.observers.Add(1)
	go func() {
		defer s.observers.Done()
		err := copyTap(files, s.recorder)
		if e := files.Close(); err == nil {
			err = e
		}
		if err != nil {
			s.failed <- err
			drain(s.recorder)
		}
	}()
	return nil
}

// copyTap records what comes out of a tap, until it ends or can't be written.
func copyTap(to capture.Sink, from *proxy.Tap) error {
	for {
		r, err := from.Next()
		if err != nil {
			return nil
		}
		if err := to.Put(r); err != nil {
			return err
		}
	}
}

// drain takes what nobody wants.
func drain(t *proxy.Tap) {
	for {
		if _, err := t.Next(); err != nil {
			return
		}
	}
}

// tell begins to tell the sessions.
func (s *proxying) tell(p *pipeline, stdout io.Writer) {
	s.teller = &proxy.Tap{Tick: time.Second}
	s.p.Taps = append(s.p.Taps, s.teller)
	p.meter = &meter{}
	p.in, p.out = &inputs{sources: []capture.Source{s.teller}, live: true}, stdout
	s.observers.Add(1)
	go func() {
		defer s.observers.Done()
		// It ends with the tap: an interrupt ends the listening, not the telling.
		s.outcome, s.told = p.run(context.Background())
		if s.told != nil {
			drain(s.teller)
		}
	}()
}

// run relays until it is interrupted, or can't record.
func (s *proxying) run(ctx context.Context) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	var all sync.WaitGroup
	for i, l := range s.listeners {
		s.p.Log.Info("listening", "address", l.Addr().String(), "upstream", s.routes[i].goal())
		all.Add(1)
		go func() {
			defer all.Done()
			if err := s.p.Serve(serving, l, s.routes[i].to); err != nil {
				s.p.Log.Error("listening failed", "address", l.Addr().String(), "error", err)
			}
		}()
	}
	if s.o.forward && !s.terminate {
		s.p.Log.Warn("TLS in tunnels is relayed encrypted: there is no authority ('informant ca init' makes one)")
	}
	if s.o.tls.upstreamInsecure {
		s.p.Log.Warn("the ACS's certificate is not verified (--upstream-insecure)")
	}
	defer onHangup(func() {
		if err := s.secured.load(s.terminate); err != nil {
			s.p.Log.Error("certificates could not be read again; those from before stay", "error", err)
			return
		}
		s.p.Log.Info("certificates were read again")
	})()
	s.wait(ctx)
	stop()
	all.Wait()
	s.finish()
	return s.report()
}

// wait waits for a reason to stop listening.
func (s *proxying) wait(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case s.recordErr = <-s.failed:
	}
	if s.admin != nil {
		s.admin.failed.Store(true)
	}
	s.p.Log.Error("the recording failed", "error", s.recordErr, "policy", s.o.onFailure)
	if s.o.onFailure == "relay" {
		<-ctx.Done()
	}
}

// taps are what is between the proxy and its observers, by their names.
func (s *proxying) taps() map[string]*proxy.Tap {
	taps := map[string]*proxy.Tap{}
	if s.recorder != nil {
		taps["recording"] = s.recorder
	}
	if s.teller != nil {
		taps["transcript"] = s.teller
	}
	return taps
}

// abandon ends observers of a proxy that never began.
func (s *proxying) abandon() error {
	for _, t := range s.p.Taps {
		t.Close()
	}
	s.observers.Wait()
	return nil
}

// finish waits for open connections and for the observers.
func (s *proxying) finish() {
	if n := s.p.Open(); n > 0 {
		s.p.Log.Info("waiting for open connections", "connections", n, "at most", s.o.drain)
	}
	limit, cancel := context.WithTimeout(context.Background(), s.o.drain)
	defer cancel()
	if n := s.p.Drain(limit); n > 0 {
		s.p.Log.Warn("connections were reset", "connections", n)
	}
	for _, t := range s.p.Taps {
		t.Close()
	}
	s.observers.Wait()
}

// report says what was lost, and returns the exit code.
func (s *proxying) report() error {
	code := exitOK
	for name, t := range s.taps() {
		if l := t.Lost(); l.Records > 0 {
			fmt.Fprintf(s.stderr, "informant: the %s misses %s with %s bytes: it could not keep up; gaps mark where\n", name,
				plural(int(l.Records), "record", "records"), thousands(l.Bytes))
			code = exitIncomplete
		}
	}
	select {
	case s.recordErr = <-s.failed:
	default:
	}
	if s.recordErr != nil {
		fmt.Fprintf(s.stderr, "informant: %s\n", strings.TrimSpace(s.recordErr.Error()))
		code = exitUsage
	}
	if s.told != nil {
		return s.told
	}
	if code != exitOK {
		return verdict(code)
	}
	return nil
}
