package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"informant/decode/cwmp"
	"informant/decode/transcript"
	"informant/replay"
)

type replayACSOptions struct {
	replayOptions
	listen       string
	user         string
	passwordFile string
	policy       string
	allow        []string
	serve        []string
	wake         string
	wakeUser     string
	count        int
}

// lastKnown is --wake without a URL.
const lastKnown = "last known"

func newReplayACSCommand() *cobra.Command {
	var o replayACSOptions
	cmd := &cobra.Command{
		Use:   "acs FILE...",
		Short: "Play the recorded ACS to CPEs",
		Long: `Replay acs waits for CPEs and plays the ACS of recorded sessions to them: it answers
their Inform, and asks what was asked, in its order. Instance numbers of objects that
are added are those that this CPE gives.

Which session a CPE gets is decided by its Inform:

  1. not one whose data model has another root (Device. or InternetGatewayDevice.)
  2. the one with most event codes in common, and fewest others
  3. one of the same product class
  4. one that was not played yet, then the first

--session forces one. When the CPE answers otherwise than recorded, --policy says
what becomes of the rest:

  resync  asked is what still makes sense: nothing about an object that could not be
          added, and not the same again that failed
  skip    asked is what was asked next, but for what is about such an object
  end     nothing more is asked

What changes a CPE is sent only with --allow: reboot (Reboot), reset (FactoryReset),
download (Download, Upload, ScheduleDownload, ChangeDUState), set (SetParameterValues,
SetParameterAttributes, AddObject, DeleteObject, ScheduleInform …); without, it is
left out, and told. The files that a Download names come from --file, or from the
recording where they were fetched in clear.

CPEs have to log in where the recording's had: with --user, and the password in the
environment (` + passwordVariable + `) or in a file; without, with the recorded login of
Basic, or with any at all of Digest.

It ends when as many sessions were played as were chosen, or --count of them.
` + replayExitHelp,
		Example: `  informant replay acs --listen :7547 office.cwmp
  informant replay acs --listen :7547 --allow set,download --file fw.bin office.cwmp
  informant replay acs --listen :7547 --wake --timeout 1m -o tap office.cwmp`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error { return runReplayACS(cmd, o, args) },
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", ":7547", "`address` to listen on, such as :7547 or https://:7548")
	f.StringVar(&o.user, "user", "", "let CPEs in that log in with this `name`")
	f.StringVar(&o.passwordFile, "password-file", "", "the password is the first line of this `file` (default: "+passwordVariable+" in the environment)")
	f.StringVar(&o.policy, "policy", "resync", "when the CPE does otherwise than recorded: resync, skip or end")
	f.StringSliceVar(&o.allow, "allow", nil, "send what changes a CPE: `kinds` of reboot, reset, download, set")
	f.StringArrayVar(&o.serve, "file", nil, "serve this `file` to Downloads of that name, or URL=FILE; several may be given")
	f.StringVar(&o.wake, "wake", "", "begin with a connection request to this `URL` (without one: the last that the recording knows)")
	f.Lookup("wake").NoOptDefVal = lastKnown
	f.StringVar(&o.wakeUser, "wake-user", "", "log in there with this `name`, and the password in "+wakeVariable+" (default: what the recording knows)")
	f.IntVar(&o.count, "count", -1, "end after so many `sessions` (0: go on until interrupted)")
	o.replayOptions.add(cmd)
	o.tls.addListening(f)
	return cmd
}

// wakeVariable is where the password for connection requests comes from.
const wakeVariable = "INFORMANT_WAKE_PASSWORD"

func runReplayACS(cmd *cobra.Command, o replayACSOptions, args []string) error {
	if err := oneOf("policy", o.policy, replay.Deviatings...); err != nil {
		return err
	}
	var allow []replay.Change
	for _, a := range o.allow {
		if err := oneOf("allow", a, replay.Changes...); err != nil {
			return err
		}
		allow = append(allow, replay.Change(a))
	}
	login, err := readLogin(o.user, o.passwordFile)
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
	if err := r.serveFiles(o.serve); err != nil {
		return err
	}
	if o.dryRun {
		return r.planACS(allow)
	}
	listen, secure := strings.CutPrefix(o.listen, "https://")
	a := &replay.ACS{Sessions: r.playable(), Allow: allow, Deviating: replay.Deviating(slices.Index(replay.Deviatings, o.policy)),
		Files: r.files, Timeout: o.answer, Rate: r.rate, Random: r.random, Tap: r.witness.Tap, Guard: r.guard(login)}
	if secure {
		s, err := newSecured(&o.tls, true)
		if err != nil {
			return err
		}
		a.TLS = s.forCPEs()
	}
	l, err := net.Listen("tcp", strings.TrimPrefix(listen, "http://"))
	if err != nil {
		return fmt.Errorf("--listen %s: %w", o.listen, bare(err))
	}
	defer l.Close()
	if err := r.begin(); err != nil {
		return err
	}
	ctx, cancel := r.context(cmd.Context())
	defer cancel()
	serving, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	a.Refused = func(in *cwmp.Inform) {
		who := "a CPE"
		if in != nil {
			who = in.DeviceID.SerialNumber.Value
		}
		r.say("%s called, and no recorded session fits its data model; --session forces one", who)
	}
	a.Done = r.until(o.count, func() { stop(errPlayed) })
	r.say("listening on %s", l.Addr())
	var waking sync.WaitGroup
	if o.wake != "" {
		waking.Go(func() {
			if err := r.wake(serving, &o); err != nil && context.Cause(serving) != errPlayed {
				r.say("%v", err)
			}
		})
	}
	err = a.Serve(serving, l)
	stop(nil)
	waking.Wait() // it tells how it went
	if err != nil {
		return err
	}
	return r.end(cmd.Context())
}

var errPlayed = errors.New("all was played")

// until ends the serving after some sessions.
func (r *rehearsal) until(count int, stop func()) func(replay.Report, error) {
	if count < 0 {
		count = len(r.sessions)
	}
	return func(x replay.Report, err error) {
		r.done(x, err)
		r.mu.Lock()
		over := count > 0 && len(r.played) >= count
		r.mu.Unlock()
		if over {
			stop()
		}
	}
}

func (r *rehearsal) playable() (list []*cwmp.Session) {
	for _, s := range r.sessions {
		list = append(list, s.Session)
	}
	return list
}

// guard asks CPEs to log in where the recording did, or where a login is given.
func (r *rehearsal) guard(l replay.Login) *replay.Guard {
	if l.User == "" {
		l = replay.Login{}
	}
	for _, s := range r.sessions {
		if g := replay.GuardOf(s.Session, l); g != nil {
			if g.Open {
				r.say("CPEs may log in with any password: the recording tells none, and --user is not given")
			}
			return g
		}
	}
	if l.User == "" {
		return nil
	}
	return replay.NewGuard(l, "SHA-256", "MD5")
}

// serveFiles reads the files that are to be served: by URL, or to each Download of a
// URL that ends with the file's name.
func (r *rehearsal) serveFiles(list []string) error {
	for _, text := range list {
		of, name, whole := strings.Cut(text, "=")
		if !whole || !strings.Contains(of, "://") {
			of, name = "", text
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("--file %s: %w", transcript.Safe(name), bare(err))
		}
		if of != "" {
			r.files[of] = b
			continue
		}
		found := false
		for _, s := range r.sessions {
			for _, t := range s.Session.Transactions {
				d, ok := t.Request.Args.(*cwmp.Download)
				if !ok {
					continue
				}
				if u, err := url.Parse(strings.TrimSpace(d.URL.Value)); err == nil && path.Base(u.Path) == path.Base(name) {
					r.files[d.URL.Value], found = b, true
				}
			}
		}
		if !found {
			return usageError{fmt.Errorf("--file %s: no Download in the recording names a file of that name: %w", transcript.Safe(name), fs.ErrNotExist)}
		}
	}
	return nil
}

// wake sends a connection request.
func (r *rehearsal) wake(ctx context.Context, o *replayACSOptions) error {
	to, login := r.models[r.sessions[0].Session.Device.Key()].ConnectionRequest()
	if o.wake != lastKnown {
		to = o.wake
	}
	if o.wakeUser != "" {
		login = replay.Login{User: o.wakeUser, Password: os.Getenv(wakeVariable)}
	}
	if to == "" {
		return errors.New("--wake: the recording tells no ConnectionRequestURL; give one")
	}
	if err := replay.Wake(ctx, to, login, o.answer, r.random); err != nil {
		return err
	}
	r.say("%s was asked to call", to)
	return nil
}

// planACS tells what would be done.
func (r *rehearsal) planACS(allow []replay.Change) error {
	for _, s := range r.sessions {
		fmt.Fprintf(r.stdout, "session %s  %s  %s\n", transcript.SessionName(s.Session), transcript.Safe(s.Session.Device.Key()), transcript.Safe(eventCodes(s.Session)))
		for _, t := range s.Session.Transactions {
			how := "ask"
			switch c := replay.Changing(t.Request.RPC); {
			case t.Caller == cwmp.CPE:
				how = "answer"
			case c != "" && !slices.Contains(allow, c):
				how = fmt.Sprintf("leave out (--allow %s)", c)
			}
			fmt.Fprintf(r.stdout, "  %-26s %s\n", how, transcript.Safe(t.Request.RPC))
		}
	}
	return nil
}
