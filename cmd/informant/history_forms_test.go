package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"informant/capture"
	"informant/capture/scenario"
)

// overSessions are the checks that historyTold breaks by what historyAsked has asked.
var overSessions = []string{"EVT-019", "INF-024", "XFER-006"}

// TestHistoryForms: the sessions of five devices, each of which is asked something in one
// file and answers wrongly in another, give the same findings whether they come as one
// capture, as ten, as recordings, sealed, or over ten runs with a history; and the same
// checks find the same live, through the proxy.
func TestHistoryForms(t *testing.T) {
	dir := t.TempDir()
	verb := func(args ...string) {
		t.Helper()
		var out, errs strings.Builder
		if code := run(t.Context(), args, nil, &out, &errs); code != exitOK {
			t.Fatalf("%q: %d %s", args, code, errs.String())
		}
	}
	var captures, recordings, texts []string
	for half, part := range []string{historyAsked, historyTold} {
		for d := range 5 {
			i := half*5 + d
			text := fmt.Sprintf("informant scenario 1\nwait %ds\ndevice d%d serial=S%d address=192.0.2.%d\n%s", 1+4000*i, d, d, 10+d, part)
			name := filepath.Join(dir, fmt.Sprintf("part%02d", i))
			if err := os.WriteFile(name+".scenario", []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			verb("export", "--as", "pcapng", "-w", name+".pcapng", name+".scenario")
			verb("import", "-w", name+".cwmp", name+".scenario")
			captures, recordings, texts = append(captures, name+".pcapng"), append(recordings, name+".cwmp"), append(texts, text)
		}
	}
	one := filepath.Join(dir, "one.cwmp")
	verb(append([]string{"import", "-w", one}, captures...)...)
	onePackets := filepath.Join(dir, "one.pcapng")
	verb("export", "--as", "pcapng", "-w", onePackets, one)
	sealed := filepath.Join(dir, "sealed.cwmp")
	verb("seal", one, "-w", sealed)

	want := foundBy(t, onePackets)
	for _, id := range overSessions {
		if n := countOf(want, id); n != 5 {
			t.Errorf("%s is found %d times in one capture, of five devices: %q", id, n, want)
		}
	}
	var runs []string
	for _, file := range captures {
		runs = append(runs, foundBy(t, "--history", filepath.Join(dir, "past"), file)...)
	}
	slices.Sort(runs)
	for name, got := range map[string][]string{
		"ten captures": foundBy(t, captures...), "one recording": foundBy(t, one), "ten recordings": foundBy(t, recordings...), "a sealed recording": foundBy(t, sealed), "ten runs with a history": runs,
	} {
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q\nin one capture %q", name, got, want)
		}
	}

	p := throughProxy(t, texts)
	for _, id := range overSessions {
		if n := strings.Count(p, id+"  "); n != 5 {
			t.Errorf("%s is found %d times live: %s", id, n, p)
		}
	}
}

func countOf(found []string, id string) (n int) {
	for _, f := range found {
		if strings.HasPrefix(f, id+" ") {
			n++
		}
	}
	return n
}

// throughProxy plays scenarios, one behind the other, between real sockets with the
// proxy between them, and is what the proxy tells.
func throughProxy(t *testing.T, texts []string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- c
		}
	}()
	p := startProxy(t, "127.0.0.1:0", "--upstream", "http://"+l.Addr().String())
	for i, text := range texts {
		records, err := scenario.Parse("part", text)
		if err != nil {
			t.Fatal(err)
		}
		// Each device has an address of its own, as its sessions before and after.
		from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(10+i%5))}
		var client, server net.Conn
		for _, r := range records {
			switch r.Kind {
			case capture.Data:
				if client == nil {
					d := net.Dialer{LocalAddr: from, Timeout: 10 * time.Second}
					if client, err = d.DialContext(t.Context(), "tcp", p.addr); err != nil {
						t.Fatal(err)
					}
					server = <-accepted
				}
				to, at := client, server
				if r.From == capture.FromServer {
					to, at = server, client
				}
				if _, err := to.Write(r.Data); err != nil {
					t.Fatal(err)
				}
				if err := at.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(at, make([]byte, len(r.Data))); err != nil {
					t.Fatal(err)
				}
			case capture.Close:
				if client != nil {
					client.Close()
					server.Close()
					client, server = nil, nil
					// The proxy has seen the end before the device comes again.
					p.out.await(t, fmt.Sprintf(`(?s)(complete: the ACS had no more requests.*){%d}`, strings.Count(strings.Join(texts[:i], ""), "close cpe")+1))
				}
			}
		}
	}
	if code := p.stop(); code != exitOK {
		t.Errorf("exit code %d: %s", code, p.err.String())
	}
	return p.out.String()
}
