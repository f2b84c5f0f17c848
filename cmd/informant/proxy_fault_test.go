package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"informant/capture"
	"informant/capture/recording"
	"informant/decode"
	"informant/proxy"
)

// limitFiles keeps files of this process below so many bytes, as a full disk
// would, until the test ends.
func limitFiles(t *testing.T, bytes uint64) {
	t.Helper()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Fatal(err)
		}
	})
}

// TestProxyDiskFull: when the recording can't be written, connections that are open
// go on; with the policy stop no new ones are taken, with relay they are. Either
// way it is said, the exit code tells it, and the recording is whole to its end.
func TestProxyDiskFull(t *testing.T) {
	if testing.Short() {
		t.Skip("files of the whole process are limited: not beside other tests of -race")
	}
	for _, policy := range []string{"stop", "relay"} {
		t.Run(policy, func(t *testing.T) {
			up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				w.Write(body)
			}))
			defer up.Close()
			file := filepath.Join(t.TempDir(), "rec.cwmp")
			p := startProxy(t, "127.0.0.1:0", "--upstream", up.URL, "-w", file, "--on-record-failure", policy, "--drain", "5s")
			client := &http.Client{Transport: &http.Transport{}}
			post := func(c *http.Client) error {
				body := make([]byte, 100_000)
				for i := range body { // that don't compress
					body[i] = byte(i*i>>3) ^ byte(i*7919>>5) ^ byte(time.Now().UnixNano())
				}
				resp, err := c.Post("http://"+p.addr, "application/octet-stream", bytes.NewReader(body))
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				got, err := io.ReadAll(resp.Body)
				if err == nil && !bytes.Equal(got, body) {
					t.Error("other bytes came back")
				}
				return err
			}
			if err := post(client); err != nil {
				t.Fatal(err)
			}
			limitFiles(t, 150_000)
			failed := false
			for range 100 {
				if err := post(client); err != nil {
					t.Fatalf("an open connection was disturbed: %v", err)
				}
				if failed = strings.Contains(p.err.String(), "the recording failed"); failed {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
			if !failed {
				t.Fatalf("the recording did not fail: %s", p.err.String())
			}
			if err := post(client); err != nil {
				t.Errorf("an open connection was disturbed: %v", err)
			}
			time.Sleep(100 * time.Millisecond)
			fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			if err := post(fresh); (err == nil) != (policy == "relay") {
				t.Errorf("a new connection: %v", err)
			}
			client.CloseIdleConnections()
			if code := p.stop(); code != exitUsage {
				t.Errorf("exit code %d", code)
			}
			if !strings.Contains(p.err.String(), "file too large") {
				t.Errorf("said: %s", p.err.String())
			}
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			r, err := recording.NewReader(f, recording.ReaderOptions{})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for {
				if _, err = r.Next(); err != nil {
					break
				}
				n++
			}
			if err != io.EOF || n == 0 {
				t.Errorf("the recording: %d records, then %v", n, err)
			}
		})
	}
}

// TestProxyObservers: a decoder that panics at every record, and one that sleeps,
// cost the traffic nothing.
func TestProxyObservers(t *testing.T) {
	for name, observe := range map[string]func(){
		"panics": func() { panic("planted") },
		"sleeps": func() { time.Sleep(50 * time.Millisecond) },
	} {
		t.Run(name, func(t *testing.T) {
			up := httptest.NewServer(http.HandlerFunc(acs))
			defer up.Close()
			tap := &proxy.Tap{Limit: 20_000}
			p := &proxy.Proxy{Taps: []*proxy.Tap{tap}}
			done := make(chan *outcome)
			pipe := &pipeline{sink: faulty{observe}, in: &inputs{sources: []capture.Source{tap}, live: true}, meter: &meter{}, out: io.Discard, opts: decode.Options{Live: true}}
			go func() {
				o, _ := pipe.run(context.Background())
				done <- o
			}()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			go p.Serve(ctx, l, proxy.Route{Upstream: strings.TrimPrefix(up.URL, "http://")})
			client := &http.Client{Transport: &http.Transport{}}
			for range 200 { // far more than the Tap and what is on its way hold
				resp, err := client.Post("http://"+l.Addr().String(), "text/xml", strings.NewReader(inform))
				if err != nil {
					t.Fatal(err)
				}
				if body, err := io.ReadAll(resp.Body); err != nil || !bytes.Contains(body, []byte("InformResponse")) {
					t.Fatalf("%v: %s", err, body)
				}
				resp.Body.Close()
			}
			client.CloseIdleConnections()
			cancel()
			p.Drain(context.Background())
			tap.Close()
			o := <-done
			if name == "panics" && o.unshown == 0 {
				t.Error("nothing was told of the panics")
			}
			if name == "sleeps" && tap.Lost().Bytes == 0 {
				t.Error("nothing was dropped: the observer kept up")
			}
		})
	}
}

// faulty is a sink that does harm.
type faulty struct{ do func() }

func (f faulty) Append(dst []byte, it decode.Item) []byte {
	f.do()
	return dst
}
func (faulty) Finish(io.Writer, decode.Totals) error { return nil }
