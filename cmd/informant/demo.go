package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"informant/capture/pcap"
	"informant/decode"
	"informant/decode/check"
	"informant/decode/cwmp"
	"informant/decode/transcript"
	"informant/proxy"
	"informant/replay"
)

// demoCapture is demo/demo.scenario as packets, made by the tests.
//
//go:embed demo/demo.pcap
var demoCapture []byte

type demoOptions struct {
	color string
	dir   string
}

func newDemoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Everything once, on this machine: a CPE calls an ACS through the proxy",
		Long: `Demo starts a small ACS and a CPE on loopback and the proxy between them, and lets
the CPE call: a device that reports a firmware download, and then makes a mistake
that is common in the field. The session is told while it goes on, and recorded;
the recording is sealed, and verified, and played again with both its sides. It needs no file and no other machine, and
leaves nothing running.
` + exitHelp,
		Example: "  informant demo",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&o.color, "color", "auto", "`when`: auto, always or never")
	cmd.Flags().StringVar(&o.dir, "dir", "", "`folder` for the recording (default: a new one for temporary files)")
	return cmd
}

func runDemo(ctx context.Context, o demoOptions, stdout, stderr io.Writer) error {
	paint, err := colored(o.color, stdout)
	if err != nil {
		return err
	}
	played, err := demoSession()
	if err != nil {
		return err
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "informant-demo-"); err != nil {
			return err
		}
	}
	d := &demonstration{session: played, color: o.color, file: filepath.Join(o.dir, "demo.cwmp"), stdout: stdout, stderr: stderr}
	d.first = &demoText{Live: transcript.Live{Text: transcript.Text{Width: width(stdout), Color: paint}}}
	if err := d.relay(ctx); err != nil {
		return err
	}
	return d.keep(ctx)
}

// demoSession is the session that is played.
func demoSession() (*cwmp.Session, error) {
	src, err := pcap.NewSource([]pcap.Input{{Name: "demo.pcap", R: bytes.NewReader(demoCapture)}}, pcap.Options{})
	if err != nil {
		return nil, err
	}
	var d decode.Decoder
	var items []decode.Item
	for {
		r, err := src.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		items = append(items, d.Feed(r)...)
	}
	for _, it := range append(items, d.Finish()...) {
		if it.Kind == decode.SessionItem {
			return it.Session, nil
		}
	}
	return nil, errors.New("the demo's capture has no session")
}

// demonstration is a session that is played through a proxy.
type demonstration struct {
	session        *cwmp.Session
	file           string
	color          string
	first          *demoText
	stdout, stderr io.Writer
}

// relay lets a CPE call an ACS through the proxy, which tells and records it.
func (d *demonstration) relay(ctx context.Context) error {
	playing, stop := context.WithCancel(ctx)
	defer stop()
	acs, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() {
		served <- (&replay.ACS{Sessions: []*cwmp.Session{d.session}, Allow: []replay.Change{replay.Downloads, replay.Sets}}).Serve(playing, acs)
	}()

	s := &proxying{o: proxyOptions{out: literal(d.file), onFailure: "stop", drain: 5 * time.Second}, p: &proxy.Proxy{Log: slog.New(slog.DiscardHandler)},
		secured: &secured{o: &tlsOptions{}}, stderr: d.stderr}
	if err := s.listen([]routing{{listen: "127.0.0.1:0", to: proxy.Route{Upstream: acs.Addr().String()}}}); err != nil {
		return err
	}
	defer s.closeListeners()
	if err := s.record(); err != nil {
		return err
	}
	s.tell(&pipeline{opts: decode.Options{Live: true}, sink: plain{d.first}}, d.stdout)
	relayed := make(chan error, 1)
	go func() { relayed <- s.run(playing) }()
	_, err = (&replay.CPE{URL: d.url(s.listeners[0].Addr().String()), Timeout: 5 * time.Second}).Play(playing, d.session)
	if err == nil {
		s.p.Settle(5 * time.Second)
	}
	stop()
	return errors.Join(err, <-relayed, <-served)
}

// url is the demo's ACS at another address.
func (d *demonstration) url(addr string) *url.URL {
	return &url.URL{Scheme: "http", Host: addr, Path: d.session.Inform.HTTP.Target}
}

// keep seals the recording, verifies it, and says what to try next.
func (d *demonstration) keep(ctx context.Context) error {
	fmt.Fprintln(d.stdout)
	for _, step := range []func() error{
		func() error {
			return runSeal(ctx, sealOptions{files: []string{d.file}, quiet: true}, strings.NewReader(""), d.stdout, d.stderr)
		},
		func() error { return runVerify(ctx, verifyOptions{files: []string{d.file}}, d.stdout, d.stderr) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := d.again(ctx); err != nil {
		return err
	}
	about := d.first.about
	if about == "" {
		about = "EVT-001"
	}
	_, err := fmt.Fprintf(d.stdout, `
Try next:
  informant rules %s      what that finding means, with an example
  informant decode -v %s
  informant replay acs --listen :7547 %[2]s
  informant proxy --upstream http://YOUR-ACS:7547 -w sessions.cwmp
`, about, transcript.Safe(d.file))
	return err
}

// again plays what was recorded: the recorded CPE calls the recorded ACS.
func (d *demonstration) again(ctx context.Context) error {
	o := func() (*rehearsal, error) {
		o := &replayOptions{files: []string{d.file}, output: "text", color: d.color, checks: "strict", quiet: true}
		r, err := o.rehearse(ctx, strings.NewReader(""), d.stdout, d.stderr)
		if err == nil {
			err = r.ready()
		}
		return r, err
	}
	theirs, err := o()
	if err != nil {
		return err
	}
	ours, err := o()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	playing, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	acs := &replay.ACS{Sessions: theirs.playable(), Allow: []replay.Change{replay.Downloads, replay.Sets}, Tap: theirs.witness.Tap, Done: theirs.done}
	go func() { served <- acs.Serve(playing, l) }()
	cpe := &replay.CPE{URL: d.url(l.Addr().String()), Timeout: 5 * time.Second, Tap: ours.witness.Tap}
	for _, s := range ours.sessions {
		ours.done(cpe.Play(playing, s.Session))
	}
	stop()
	if err := <-served; err != nil {
		return err
	}
	for _, side := range []struct {
		name string
		r    *rehearsal
	}{{"replayed, what the recorded CPE saw:", ours}, {"replayed, what the recorded ACS saw:", theirs}} {
		fmt.Fprintf(d.stdout, "%s\n  ", side.name)
		if err := side.r.end(ctx); err != nil {
			return err
		}
	}
	return nil
}

// demoText is a transcript that remembers the check of its first error.
type demoText struct {
	transcript.Live
	about string
}

// Append appends an item's transcript.
func (d *demoText) Append(dst []byte, it decode.Item) []byte {
	for i := range it.Findings {
		if d.about == "" && it.Findings[i].Severity == check.Error {
			d.about = it.Findings[i].Check.ID
		}
	}
	return d.Live.Append(dst, it)
}
