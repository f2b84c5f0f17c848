// Package replaytest plays recorded sessions in Go tests: the ACS of a fixture for a
// CPE under test, the CPE of a recording against an ACS under test.
//
// A fixture is what informant reads: a recording (.cwmp), a capture (pcap or pcapng),
// records as text (.txtar, 'informant export') or a scenario that a person wrote. A
// fixture holds no passwords that are of use: give logins by the options, from the
// environment where they are secret.
package replaytest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"informant/capture"
	"informant/capture/httptext"
	"informant/capture/pcap"
	"informant/capture/recording"
	"informant/capture/scenario"
	"informant/decode"
	"informant/decode/diff"
	"informant/decode/transcript"
	"informant/replay"
	"informant/replay/judge"
)

// Options say how to play. The zero value plays all sessions that can be played, with
// nothing that changes a CPE.
type Options struct {
	Session  int             // the number of the only session to play, as 'informant decode' tells it; 0: all
	Login    replay.Login    // of the CPE, or that a CPE needs
	Identity replay.Identity // of the CPE that is played
	Policy   replay.Policy   // of the CPE that is played
	Allow    []replay.Change // what the ACS that is played may do to the CPE
	Rules    []diff.Rule     // in what the sessions may differ, beside diff.Defaults
	Timeout  time.Duration   // for each message of the other side: 5 s where it is 0
}

// Sessions reads a fixture: each session with what the checks find in it. The sessions
// that can't be played are not among them; a fixture without any ends the test.
func Sessions(t testing.TB, file string) (list []diff.Side) {
	t.Helper()
	records, err := open(file)
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer records.Close()
	var d decode.Decoder
	var why []string
	take := func(items []decode.Item) {
		for _, it := range items {
			if it.Kind != decode.SessionItem {
				continue
			}
			if err := replay.Playable(it.Session); err != nil {
				why = append(why, fmt.Sprintf("session %s: %v", transcript.SessionName(it.Session), err))
				continue
			}
			list = append(list, diff.Side{Session: it.Session, Findings: it.Findings})
		}
	}
	for {
		r, err := records.Next()
		if errors.Is(err, io.EOF) && !errors.Is(err, capture.ErrDamaged) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		take(d.Feed(r))
	}
	take(d.Finish())
	if len(list) == 0 {
		t.Fatalf("%s: there is no session that can be played\n%s", file, strings.Join(why, "\n"))
	}
	return list
}

func (o *Options) chosen(t testing.TB, file string) []diff.Side {
	t.Helper()
	list := Sessions(t, file)
	if o.Session == 0 {
		return list
	}
	for _, s := range list {
		if s.Session.Ordinal == o.Session && !s.Session.Fragment {
			return []diff.Side{s}
		}
	}
	t.Fatalf("%s: there is no session %d that can be played", file, o.Session)
	return nil
}

// opened is a source of records and the file behind it.
type opened struct {
	capture.Source
	f *os.File
}

func (o *opened) Close() error { return errors.Join(o.Source.Close(), o.f.Close()) }

// open opens a fixture, by its first bytes.
func open(file string) (capture.Source, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(f, 64<<10)
	first, _ := r.Peek(4096)
	var src capture.Source
	switch {
	case recording.Sniff(first):
		src, err = recording.NewReader(r, recording.ReaderOptions{})
	case pcap.Sniff(first):
		src, err = pcap.NewSource([]pcap.Input{{Name: file, R: r}}, pcap.Options{})
	case scenario.Sniff(first):
		src, err = scenario.NewSource(file, r)
	default:
		src, err = httptext.NewSource(file, r)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", file, err), f.Close())
	}
	return &opened{src, f}, nil
}

// ServeACS plays the ACS of a fixture until the test ends, and returns its URL. A
// session that comes out otherwise than recorded fails the test, with what differs;
// so does a recorded session for which no CPE called.
func ServeACS(t testing.TB, file string, options ...Options) (acs string) {
	t.Helper()
	o := first(options)
	list := o.chosen(t, file)
	w := &judge.Witness{}
	var mu sync.Mutex
	var played []judge.Performance
	a := &replay.ACS{Allow: o.Allow, Timeout: o.timeout(), Tap: w.Tap, Done: func(r replay.Report, err error) {
		mu.Lock()
		defer mu.Unlock()
		played = append(played, judge.Performance{Report: r, Err: err})
	}}
	for _, s := range list {
		a.Sessions = append(a.Sessions, s.Session)
		if a.Guard == nil {
			a.Guard = replay.GuardOf(s.Session, o.Login)
		}
	}
	if a.Guard == nil && o.Login.User != "" {
		a.Guard = replay.NewGuard(o.Login, "SHA-256", "MD5")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		o.judge(t, w, list, played)
	})
	return "http://" + l.Addr().String() + "/"
}

// RunCPE plays the CPE of a fixture's sessions against an ACS. A session that comes
// out otherwise than recorded fails the test, with what differs.
func RunCPE(t testing.TB, file, acs string, options ...Options) {
	t.Helper()
	o := first(options)
	to, err := url.Parse(acs)
	if err != nil || to.Host == "" {
		t.Fatalf("%q is no URL of an ACS", acs)
	}
	list := o.chosen(t, file)
	w := &judge.Witness{}
	models := map[string]*replay.Model{}
	for _, s := range list {
		key := s.Session.Device.Key()
		if models[key] == nil {
			models[key] = replay.Learn()
		}
		models[key].Learn(s.Session)
	}
	cpes := map[string]*replay.CPE{}
	var played []judge.Performance
	for _, s := range list {
		key := s.Session.Device.Key()
		if cpes[key] == nil {
			cpes[key] = &replay.CPE{URL: to, Login: o.Login, Identity: o.Identity, Policy: o.Policy, Model: models[key], Timeout: o.timeout(), Tap: w.Tap}
		}
		r, err := cpes[key].Play(t.Context(), s.Session)
		played = append(played, judge.Performance{Report: r, Err: err})
	}
	o.judge(t, w, list, played)
}

func first(options []Options) Options {
	if len(options) == 0 {
		return Options{}
	}
	return options[0]
}

func (o *Options) timeout() time.Duration {
	if o.Timeout == 0 {
		return 5 * time.Second
	}
	return o.Timeout
}

// judge fails the test where a verdict is not that all is the same.
func (o *Options) judge(t testing.TB, w *judge.Witness, list []diff.Side, played []judge.Performance) {
	t.Helper()
	for _, v := range w.Judge(list, played, judge.Options{Rules: o.Rules, Identity: o.Identity}) {
		if v.Judgement != judge.Same {
			t.Errorf("%s", strings.TrimSuffix(string(judge.Text{}.Append(nil, &v)), "\n"))
		}
	}
}
