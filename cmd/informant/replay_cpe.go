package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"informant/decode/cwmp"
	"informant/decode/diff"
	"informant/decode/transcript"
	"informant/replay"
)

type replayCPEOptions struct {
	replayOptions
	acs          string
	identity     replay.Identity
	user         string
	passwordFile string
	policy       string
	speed        string
	maxGap       time.Duration
	sameHost     bool
	lifecycle    bool
	bell         string // where connection requests are taken
	bellURL      string
	boot         time.Duration
}

// passwordVariable is where passwords come from that are in no file.
const passwordVariable = "INFORMANT_PASSWORD"

func newReplayCPECommand() *cobra.Command {
	var o replayCPEOptions
	cmd := &cobra.Command{
		Use:   "cpe --acs URL FILE...",
		Short: "Play the recorded CPE against an ACS",
		Long: `Replay cpe plays the sessions of recordings, captures or texts as their CPE: it calls
the ACS with the recorded Inform, with the time of now, and answers what the ACS
asks: the same request gets its recorded answer; to another one it answers what the
recording tells about the device (--policy adaptive), or a fault. --policy model
answers from what the recording tells even where there is a recorded answer.

With --lifecycle it goes on living afterwards as a CPE does: it takes connection
requests (with the login that the ACS has set), reboots, fetches the files of Downloads
and reports them after the recorded time, calls periodically where that is switched on,
and comes again after a session that failed.

The recorded ACS itself is not called, unless --same-host is given. Passwords come
from the environment (` + passwordVariable + `) or from a file, never from the command
line.

The verdict compares what was said, by meaning: the order of parameters, IDs, times,
cookies and what changes by itself (uptime, counters …) don't count. --rules names
more, or less, of that:

  "**.Stats.*": ignore
  "Device.DeviceInfo.SoftwareVersion": {match: "^2[.]"}
  "**.Temperature": {range: [0, 80]}
  "**.LogURL": host          (the same URL, on whatever host)
  "**.UpTime": exact
` + replayExitHelp,
		Example: `  informant replay cpe --acs http://127.0.0.1:7547/ office.cwmp
  informant replay cpe --acs https://acs.example/ --acs-ca ca.pem --session 3 --serial TEST01 office.cwmp
  INFORMANT_PASSWORD=secret informant replay cpe --acs http://acs:7547/ --user cpe -o junit office.txtar`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error { return runReplayCPE(cmd, o, args) },
	}
	f := cmd.Flags()
	f.StringVar(&o.acs, "acs", "", "the `URL` of the ACS to call")
	f.StringVar(&o.identity.Serial, "serial", "", "say this serial `number` wherever the recorded one was said")
	f.StringVar(&o.identity.OUI, "oui", "", "likewise, six `digits`")
	f.StringVar(&o.identity.ProductClass, "product-class", "", "likewise, the product `class`")
	f.StringVar(&o.user, "user", "", "log in with this `name`, by Basic or Digest as the ACS asks (default with a password: the recorded one)")
	f.StringVar(&o.passwordFile, "password-file", "", "its password is the first line of this `file` (default: "+passwordVariable+" in the environment)")
	f.StringVar(&o.policy, "policy", "adaptive", "what is answered: strict (as diff.Side, or a fault), adaptive or model")
	f.StringVar(&o.speed, "speed", "max", "how much faster than recorded the CPE is: 1x, 10x, max")
	f.DurationVar(&o.maxGap, "max-gap", 0, "with --speed: wait so long at most (0: no limit)")
	f.BoolVar(&o.lifecycle, "lifecycle", false, "go on living afterwards, until interrupted or --timeout")
	f.StringVar(&o.bell, "cr-listen", ":0", "`address` to take connection requests on")
	f.StringVar(&o.bellURL, "cr-url", "", "the ConnectionRequestURL to tell the ACS (default: that of --cr-listen as the ACS sees this machine; 'recorded' leaves it)")
	f.DurationVar(&o.boot, "boot", 2*time.Second, "with --lifecycle: how long a reboot takes")
	f.BoolVar(&o.sameHost, "same-host", false, "allow to call the ACS that was recorded")
	o.replayOptions.add(cmd)
	o.tls.addCalling(f, "acs")
	return cmd
}

func runReplayCPE(cmd *cobra.Command, o replayCPEOptions, args []string) error {
	to, err := parseACS(o.acs)
	if err != nil {
		return err
	}
	speed, err := parseSpeed(o.speed)
	if err != nil {
		return err
	}
	if err := oneOf("policy", o.policy, replay.Policies...); err != nil {
		return err
	}
	login, err := o.login()
	if err != nil {
		return err
	}
	r, err := o.parse(cmd, args)
	if err != nil {
		return err
	}
	if err := r.ready(); err != nil {
		return err
	}
	r.identity = o.identity
	if err := r.oneDevice(o.identity); err != nil {
		return err
	}
	if o.dryRun {
		return r.planCPE(&o, to)
	}
	allowed := func(u *url.URL) error { return nil }
	if !o.sameHost {
		allowed = r.notRecorded
	}
	if err := allowed(to); err != nil {
		return err
	}
	o.tls.clientCert = "none"
	secured, err := newSecured(&o.tls, false)
	if err != nil {
		return err
	}
	tls, err := secured.forACS(to.Hostname(), nil)
	if err != nil {
		return err
	}
	tls.ServerName = o.tls.upstreamName // else that of the host, also behind a redirect
	if err := r.begin(); err != nil {
		return err
	}
	ctx, cancel := r.context(cmd.Context())
	defer cancel()
	house := &devices{rehearsal: r, o: &o, all: map[string]*replay.Life{}}
	defer house.close()
	for _, s := range r.sessions {
		if ctx.Err() != nil {
			break
		}
		l, err := house.of(ctx, s, func() *replay.CPE {
			c := &replay.CPE{URL: to, TLS: tls, Login: login, Identity: o.identity, Policy: replay.Policy(slices.Index(replay.Policies, o.policy)),
				Model: r.models[s.Session.Device.Key()], Timeout: o.answer, Speed: speed, MaxGap: o.maxGap, Tap: r.witness.Tap, Rate: r.rate, Random: r.random, Allowed: allowed}
			if login.User == "" && login.Password != "" {
				c.Login.User = c.Identity.In(s.Session.Device, replay.LoginOf(s.Session).User)
			}
			return c
		})
		if err != nil {
			return err
		}
		l.Like = s.Session
		r.done(l.CPE.Play(ctx, s.Session))
	}
	if o.lifecycle && ctx.Err() == nil {
		house.live(ctx, speed)
		if errors.Is(context.Cause(ctx), context.DeadlineExceeded) || cmd.Context().Err() != nil {
			return r.end(context.WithoutCancel(ctx)) // it had to be ended somehow
		}
	}
	return r.end(cmd.Context())
}

// devices are the CPEs that are played, by the recorded devices.
type devices struct {
	*rehearsal
	o     *replayCPEOptions
	all   map[string]*replay.Life
	stops []func()
}

// of is the CPE that plays a session's device.
func (d *devices) of(ctx context.Context, s diff.Side, cpe func() *replay.CPE) (*replay.Life, error) {
	key := s.Session.Device.Key()
	if l := d.all[key]; l != nil {
		return l, nil
	}
	l := &replay.Life{CPE: cpe(), Like: s.Session, Path: "/" + d.random.Nonce(), Boot: d.o.boot}
	if d.o.bellURL != "recorded" {
		var err error
		if l.Listener, err = net.Listen("tcp", d.o.bell); err != nil {
			return nil, fmt.Errorf("--cr-listen %s: %w", d.o.bell, bare(err))
		}
		l.CPE.ConnectionRequestURL = d.o.bellURL
		if u, err := url.Parse(d.o.bellURL); d.o.bellURL != "" && err == nil {
			l.Path = u.Path
		} else {
			_, port, _ := net.SplitHostPort(l.Listener.Addr().String())
			l.CPE.ConnectionRequestURL = "http://" + net.JoinHostPort(seenFrom(l.CPE.URL, l.Listener), port) + l.Path
		}
		d.stops = append(d.stops, l.Listen(ctx))
	}
	d.all[key] = l
	return l, nil
}

func (d *devices) close() {
	for _, stop := range d.stops {
		stop()
	}
}

// live has them all live until ctx ends.
func (d *devices) live(ctx context.Context, speed float64) {
	var all sync.WaitGroup
	for key, l := range d.all {
		var own []*cwmp.Session
		for _, s := range d.sessions {
			if s.Session.Device.Key() == key {
				own = append(own, s.Session)
			}
		}
		if l.Transfer = replay.TransferDelay(own); speed > 0 {
			l.Transfer = time.Duration(float64(l.Transfer) / speed)
		}
		if d.o.maxGap > 0 {
			l.Transfer = min(l.Transfer, d.o.maxGap)
		}
		name := d.o.identity.In(l.Like.Device, key)
		l.Told = func(text string) { d.say("%s: %s", name, text) }
		l.Done = func(x replay.Report, err error) {
			how := "a session was played"
			if err != nil {
				how = strings.TrimPrefix(err.Error(), "replay: ")
			}
			d.say("%s: %s", name, how)
		}
		all.Add(1)
		go func() {
			defer all.Done()
			if err := l.Run(ctx); err != nil {
				d.say("%s: %v", key, err)
			}
		}()
	}
	d.say("%s; an interrupt ends it", plural(len(d.all), "CPE lives on", "CPEs live on"))
	all.Wait()
}

// seenFrom is the address at which an ACS can reach a listener of this machine.
func seenFrom(acs *url.URL, l net.Listener) string {
	if a, ok := l.Addr().(*net.TCPAddr); ok && !a.IP.IsUnspecified() {
		return a.IP.String()
	}
	c, err := net.Dial("udp", net.JoinHostPort(acs.Hostname(), "9")) // sends nothing
	if err != nil {
		return "127.0.0.1"
	}
	defer c.Close()
	host, _, _ := net.SplitHostPort(c.LocalAddr().String())
	return host
}

// parseACS reads the URL of an ACS.
func parseACS(text string) (*url.URL, error) {
	if text == "" {
		return nil, usageError{errors.New("--acs URL is missing: the ACS to call")}
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, usageError{fmt.Errorf("--acs %q: it takes a URL such as http://127.0.0.1:7547/", text)}
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u, nil
}

// parseSpeed reads "1x", "10x", "0.5x" or "max", which is 0.
func parseSpeed(text string) (float64, error) {
	if text == "max" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(text, "x"), 64)
	if err != nil || !(n > 0) || n > 1e9 {
		return 0, usageError{fmt.Errorf("--speed %q: it takes 1x, 10x … or max", text)}
	}
	return n, nil
}

// login is the one that flags and the environment say.
func (o *replayCPEOptions) login() (replay.Login, error) {
	return readLogin(o.user, o.passwordFile)
}

func readLogin(user, file string) (l replay.Login, err error) {
	l.User, l.Password = user, os.Getenv(passwordVariable)
	if file != "" {
		if l.Password, err = password(file, nil, nil, false); err != nil {
			return l, fmt.Errorf("--password-file %s: %w", transcript.Safe(file), bare(err))
		}
	}
	return l, nil
}

// oneDevice complains where several devices would say that they are the same.
func (r *rehearsal) oneDevice(own replay.Identity) error {
	if own == (replay.Identity{}) {
		return nil
	}
	for _, s := range r.sessions {
		if s.Session.Device.Key() != r.sessions[0].Session.Device.Key() {
			return usageError{errors.New("there are sessions of several devices, and --serial, --oui and --product-class make one of them: choose with --device")}
		}
	}
	return nil
}

// notRecorded refuses to call the ACS that was recorded.
func (r *rehearsal) notRecorded(u *url.URL) error {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	addresses, _ := net.LookupHost(u.Hostname()) // where it fails, so will the call
	for _, s := range r.sessions {
		hosts := map[string]bool{}
		if recorded, err := url.Parse(s.Session.URL); err == nil {
			hosts[strings.ToLower(recorded.Hostname())] = true
		}
		for _, c := range s.Session.Conns {
			addr := c.Server.Addr()
			if addr.IsLoopback() && strconv.Itoa(int(c.Server.Port())) != port { // a bench: the port tells
				delete(hosts, addr.String())
				delete(hosts, "localhost")
				continue
			}
			if addr.IsValid() {
				hosts[addr.String()] = true
			}
		}
		for _, name := range append(addresses, strings.ToLower(u.Hostname())) {
			if a, err := netip.ParseAddr(name); err == nil {
				name = a.Unmap().String()
			}
			if hosts[name] {
				return usageError{fmt.Errorf("%s is the ACS that was recorded: --same-host lets the replay call it", transcript.Safe(u.Host))}
			}
		}
	}
	return nil
}

// planCPE tells what would be done.
func (r *rehearsal) planCPE(o *replayCPEOptions, to *url.URL) error {
	for _, s := range r.sessions {
		fmt.Fprintf(r.stdout, "session %s  %s  %s: call %s\n", transcript.SessionName(s.Session), transcript.Safe(s.Session.Device.Key()), transcript.Safe(eventCodes(s.Session)), transcript.Safe(to.Redacted()))
		for _, t := range s.Session.Transactions {
			who, what := "call", t.Request.RPC
			if t.Caller == cwmp.ACS {
				who = "answer when asked"
			}
			fmt.Fprintf(r.stdout, "  %-17s %s\n", who, transcript.Safe(what))
		}
	}
	return nil
}
