package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"informant/decode/cwmp"
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
	f.StringVar(&o.policy, "policy", "adaptive", "what is answered: strict (as recorded, or a fault), adaptive or model")
	f.StringVar(&o.speed, "speed", "max", "how much faster than recorded the CPE is: 1x, 10x, max")
	f.DurationVar(&o.maxGap, "max-gap", 0, "with --speed: wait so long at most (0: no limit)")
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
	r, err := o.parse(cmd, args, cmd.OutOrStdout())
	if err != nil {
		return err
	}
	if err := r.ready(); err != nil {
		return err
	}
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
	if err := r.begin(); err != nil {
		return err
	}
	ctx, cancel := r.context(cmd.Context())
	defer cancel()
	devices := map[string]*replay.CPE{}
	for _, s := range r.sessions {
		if ctx.Err() != nil {
			break
		}
		device := s.Device.Key()
		c := devices[device]
		if c == nil {
			c = &replay.CPE{URL: to, TLS: tls, Login: login, Identity: o.identity, Policy: replay.Policy(slices.Index(replay.Policies, o.policy)),
				Model: r.models[device], Timeout: o.answer, Speed: speed, MaxGap: o.maxGap, Tap: r.tap, Rate: r.rate, Random: r.random, Allowed: allowed}
			if login.User == "" && login.Password != "" {
				c.Login.User = c.Identity.In(s.Device, replay.LoginOf(s.Session).User)
			}
			devices[device] = c
		}
		r.done(c.Play(ctx, s.Session))
	}
	return r.end(ctx)
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
		if s.Device.Key() != r.sessions[0].Device.Key() {
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
		if recorded, err := url.Parse(s.URL); err == nil {
			hosts[strings.ToLower(recorded.Hostname())] = true
		}
		for _, c := range s.Conns {
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
		fmt.Fprintf(r.stdout, "session %s  %s  %s: call %s\n", transcript.SessionName(s.Session), transcript.Safe(s.Device.Key()), transcript.Safe(eventCodes(s.Session)), transcript.Safe(to.Redacted()))
		for _, t := range s.Transactions {
			who, what := "call", t.Request.RPC
			if t.Caller == cwmp.ACS {
				who = "answer when asked"
			}
			fmt.Fprintf(r.stdout, "  %-17s %s\n", who, transcript.Safe(what))
		}
	}
	return nil
}
