package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"informant/capture/recording"
	"informant/proxy/authority"
)

// TestProxyHostile: what devices send doesn't reach the terminal as anything but
// text: not in the transcript, not in what is said of failures.
func TestProxyHostile(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(acs))
	defer up.Close()
	const evil = "\x1b]0;owned\x07\x1b[2J\x9b2J\u202e\x00"
	for _, x := range []struct {
		name string
		args []string
		say  string
	}{
		{"reverse", []string{"--upstream", up.URL}, "POST /" + evil + " HTTP/1.1\r\nHost: " + evil + "\r\nUser-Agent: " + evil + "\r\nX-" + evil + ": 1\r\nCookie: " + evil + "\r\nContent-Length: " +
			fmt.Sprint(len(inform)+len(evil)-len("HG")) + "\r\nConnection: close\r\n\r\n" + strings.Replace(inform, "<ProductClass>HG", "<ProductClass>"+evil, 1)},
		{"forward, CONNECT", []string{"--forward"}, "CONNECT " + evil + ":80 HTTP/1.1\r\nX: " + evil + "\r\n\r\n"},
		{"forward, a target", []string{"--forward"}, "GET http://" + evil + "/ HTTP/1.1\r\n\r\n"},
		{"forward, an allowed name", []string{"--forward", "--allow", "acs.example"}, "CONNECT a" + strings.ReplaceAll(evil, "\x00", "") + ":80 HTTP/1.1\r\n\r\n"},
		{"forward, remarks", []string{"--forward"}, "CONNECT " + strings.TrimPrefix(up.URL, "http://") + " HTTP/1.1\r\nX: " + evil + "\r\n\r\n\x16\x03\x01"},
		{"PROXY header", []string{"--upstream", up.URL, "--proxy-protocol"}, "PROXY " + evil + "\r\n"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Setenv("XDG_CONFIG_HOME", t.TempDir())
			p := startProxy(t, "127.0.0.1:0", append(x.args, "-vv", "--color", "never")...)
			c, err := net.Dial("tcp", p.addr)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(c, x.say)
			c.(*net.TCPConn).CloseWrite()
			c.SetReadDeadline(time.Now().Add(10 * time.Second))
			io.ReadAll(c)
			c.Close()
			p.stop()
			if p.out.String()+p.err.String() == "" {
				t.Error("nothing was said")
			}
			for what, text := range map[string]string{"out": p.out.String(), "err": p.err.String()} {
				for _, r := range text {
					if unicode.IsControl(r) && r != '\n' || unicode.Is(unicode.Bidi_Control, r) {
						t.Errorf("std%s has %U: %q", what, r, text)
						break
					}
				}
			}
		})
	}
}

// TestProxyKeys: keys are in no recording, and their files are nobody else's to
// read.
func TestProxyKeys(t *testing.T) {
	dir, ca := newCA(t)
	upstream, upstreamCA := secureACS(t)
	out := t.TempDir()
	rec, keylog := filepath.Join(out, "rec.cwmp"), filepath.Join(out, "keys.log")
	p := startProxy(t, "https://127.0.0.1:0", "--upstream", upstream, "--upstream-ca", upstreamCA, "--ca", dir, "-w", rec, "--keylog", keylog)
	if got, err := curl(t, "https://"+p.addr+"/acs", "--cacert", ca); err != nil || got != "200 204" {
		t.Fatalf("curl: %s, %v", got, err)
	}
	p.stop()
	key, err := os.ReadFile(filepath.Join(dir, authority.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := os.ReadFile(keylog)
	if err != nil || !bytes.Contains(keys, []byte("CLIENT_TRAFFIC_SECRET_0 ")) {
		t.Fatalf("%v: %s", err, keys)
	}
	var all []byte
	f, err := os.Open(rec)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := recording.NewReader(f, recording.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		x, err := r.Next()
		if err != nil {
			break
		}
		all = fmt.Appendf(all, "%s %+v %s\n", x.Data, x.TLS, x.Text)
	}
	if !bytes.Contains(all, []byte("InformResponse")) {
		t.Fatal("the session is not recorded")
	}
	for _, text := range append(strings.Fields(string(key)), strings.Fields(string(keys))...) {
		if len(text) > 40 && bytes.Contains(all, []byte(text)) {
			t.Errorf("%.50s is recorded", text)
		}
	}
	for _, name := range []string{keylog, rec, filepath.Join(dir, authority.KeyFile)} {
		if st, err := os.Stat(name); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, st, err)
		}
	}
}

// proxyProcess starts the program as users do, with a connection open that has had
// its answer.
func proxyProcess(t *testing.T, args ...string) (cmd *exec.Cmd, said *screen, open net.Conn) {
	t.Helper()
	up := httptest.NewServer(http.HandlerFunc(acs))
	t.Cleanup(up.Close)
	said = &screen{}
	cmd = exec.Command(built(t), append([]string{"proxy", "--listen", "127.0.0.1:0", "--upstream", up.URL}, args...)...)
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	addr := said.await(t, `msg=listening address=(\S+)`)
	open, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { open.Close() })
	fmt.Fprintf(open, "POST /acs HTTP/1.1\r\nHost: acs\r\nContent-Length: %d\r\n\r\n%s", len(inform), inform)
	open.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := open.Read(make([]byte, 4096)); err != nil {
		t.Fatal(err)
	}
	return cmd, said, open
}

// TestProxySecondSignal: the first interrupt waits for open connections, the second
// doesn't.
func TestProxySecondSignal(t *testing.T) {
	cmd, said, open := proxyProcess(t)
	cmd.Process.Signal(syscall.SIGTERM)
	said.await(t, "waiting for open connections")
	open.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := open.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the open connection saw %v", err)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Errorf("it goes on: %s", said.String())
	}
}

// TestProxyKilled: a recording whose writer was killed has what was said before.
func TestProxyKilled(t *testing.T) {
	rec := filepath.Join(t.TempDir(), "rec.cwmp")
	cmd, _, _ := proxyProcess(t, "-w", rec, "--quiet")
	has := func() bool {
		var out, errs bytes.Buffer
		run(t.Context(), []string{"decode", rec}, nil, &out, &errs)
		return regexp.MustCompile(`1 Inform|InformResponse`).MatchString(out.String())
	}
	for end := time.Now().Add(10 * time.Second); !has(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the session does not come to the file")
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	if !has() {
		t.Error("the session is lost")
	}
}
