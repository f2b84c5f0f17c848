package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"informant/capture/pcap"
	"informant/decode"
	"informant/decode/check"
)

// TestLiveTellsTheSame: what is told of a session while it goes on and at its end
// is what is told of it afterwards: each message, in order, and each finding.
func TestLiveTellsTheSame(t *testing.T) {
	for _, path := range poolInputs(t) {
		t.Run(path[strings.LastIndexByte(path, '/')+1:], func(t *testing.T) {
			type soFar struct {
				messages int
				findings []check.Finding
			}
			sofar := map[[16]byte]*soFar{}
			sessions := 0
			eachLive(t, path, func(it decode.Item) {
				if it.Session == nil {
					return
				}
				s := sofar[it.Session.ID]
				if s == nil {
					s = &soFar{}
					sofar[it.Session.ID] = s
				}
				switch it.Kind {
				case decode.MessageItem:
					if s.messages++; it.Message.N != s.messages {
						t.Errorf("message %d of session %d is told as its %d.", it.Message.N, it.Session.Ordinal, s.messages)
					}
					s.findings = append(s.findings, it.Findings...)
				case decode.SessionItem:
					sessions++
					if s.messages != len(it.Session.Messages) {
						t.Errorf("session %d: %d messages told of %d", it.Session.Ordinal, s.messages, len(it.Session.Messages))
					}
					got, want := findingTexts(append(s.findings, it.Late...)), findingTexts(it.Findings)
					if !slices.Equal(got, want) {
						t.Errorf("session %d: findings told:\n%s\nfindings of the session:\n%s", it.Session.Ordinal, strings.Join(got, "\n"), strings.Join(want, "\n"))
					}
				}
			})
			if sessions == 0 && !strings.Contains(path, "tls") {
				t.Error("no session")
			}
		})
	}
}

func findingTexts(list []check.Finding) (texts []string) {
	for _, f := range list {
		texts = append(texts, fmt.Sprintf("%s %v %v %d %s %s", f.Check.ID, f.Severity, f.Party, f.At.N, f.At.Path, f.Text))
	}
	slices.SortFunc(texts, cmp.Compare)
	return texts
}

// eachLive gives every item of a capture, each while its session is as it was then.
func eachLive(t *testing.T, path string, do func(decode.Item)) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	src, err := pcap.NewSource([]pcap.Input{{Name: path, R: f}}, pcap.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := decode.Decoder{Options: decode.Options{Live: true}}
	for {
		r, err := src.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, it := range d.Feed(r) {
			do(it)
		}
	}
	for _, it := range d.Finish() {
		do(it)
	}
}

// TestDecodeLive: messages are told while the pipe that they come through is open.
func TestDecodeLive(t *testing.T) {
	paths := poolInputs(t)
	data, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out, errs screen
	code := make(chan int, 1)
	go func() { code <- run(context.Background(), []string{"decode", "--live", "-"}, r, &out, &errs) }()
	if _, err := w.Write(data[:200_000]); err != nil {
		t.Fatal(err)
	}
	out.await(t, `→ Inform  #`)
	out.await(t, `←\s+InformResponse`)
	if strings.Contains(out.String(), "findings:") {
		t.Error("the summary came before the end")
	}
	w.Close()
	if c := <-code; c != exitIncomplete { // cut inside a packet
		t.Errorf("exit code %d: %s", c, errs.String())
	}
	out.await(t, `ended     `)
	out.await(t, `\d+ sessions?, \d+ fragments? · findings:`)
}
