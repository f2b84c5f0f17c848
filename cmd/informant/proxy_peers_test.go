package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"informant/capture"
	"informant/capture/pcap"
	"informant/capture/recording"
)

// TestProxyForward: curl and mitmproxy as clients of forward mode, in the clear,
// through tunnels, and with TLS inside of them.
func TestProxyForward(t *testing.T) {
	dir, ca := newCA(t)
	plain := httptest.NewServer(http.HandlerFunc(acs))
	defer plain.Close()
	secure, secureCA := secureACS(t)
	file := filepath.Join(t.TempDir(), "rec.cwmp")
	p := startProxy(t, "127.0.0.1:0", "--forward", "--ca", dir, "--upstream-ca", secureCA, "-w", file)
	for _, x := range []struct {
		name, url string
		args      []string
	}{
		{"absolute targets", plain.URL, []string{"-x", "http://" + p.addr}},
		{"CONNECT", plain.URL, []string{"-x", "http://" + p.addr, "--proxytunnel"}},
		{"CONNECT with credentials", plain.URL, []string{"-x", "http://" + p.addr, "--proxytunnel", "--proxy-user", "cpe:hidden"}},
		{"TLS in CONNECT", secure, []string{"-x", "http://" + p.addr, "--cacert", ca}},
	} {
		t.Run(x.name, func(t *testing.T) {
			if got, err := curl(t, x.url+"/acs", append(x.args, "--noproxy", "")...); err != nil || got != "200 204" {
				t.Errorf("curl: %s, %v\n%s", got, err, p.err.String())
			}
		})
	}
	t.Run("mitmproxy", func(t *testing.T) {
		addr := mitmproxy(t, "upstream:http://"+p.addr)
		if got, err := curl(t, plain.URL+"/acs", "-x", "http://"+addr, "--noproxy", ""); err != nil || got != "200 204" {
			t.Errorf("curl: %s, %v\n%s", got, err, p.err.String())
		}
	})
	if code := p.stop(); code != exitOK {
		t.Errorf("exit code %d: %s", code, p.err.String())
	}
	if n := strings.Count(p.out.String(), "complete: the ACS had no more requests"); n != 5 {
		t.Errorf("%d sessions told: %s", n, p.out.String())
	}
	remarks := 0
	for _, r := range recordsOf(t, file) {
		if r.Kind == capture.Remark && strings.HasPrefix(r.Text, "asked for by CONNECT ") {
			remarks++
		}
	}
	if remarks < 3 {
		t.Errorf("%d requests to the proxy are recorded", remarks)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("Y3BlOmhpZGRlbg")) { // its base64
		t.Error("credentials for the proxy are recorded")
	}
}

// TestProxyForwardUsage: forward mode is not open to everybody by mistake.
func TestProxyForwardUsage(t *testing.T) {
	for _, x := range []struct{ args, want string }{
		{"--forward --listen :0", "say with --allow"},
		{"--forward --listen 0.0.0.0:0", "say with --allow"},
		{"--forward --listen https://127.0.0.1:0", "inside of CONNECT"},
		{"--forward --allow http://acs", "--allow \"http://acs\""},
		{"--forward --upstream http://acs", "give one of them"},
		{"--upstream http://acs --allow acs", "--allow belongs to --forward"},
		{"--upstream http://acs --send-proxy v3", "it takes one of v1, v2"},
		{"--upstream http://acs --listen https://127.0.0.1:0 --passthrough-on-failure 3", "https:// upstream"},
		{"--upstream http://acs --passthrough-on-failure -1", "how many"},
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), append([]string{"proxy"}, strings.Fields(x.args)...), nil, &out, &errs)
		if code != exitUsage || !strings.Contains(errs.String(), x.want) {
			t.Errorf("%s: %d %s", x.args, code, errs.String())
		}
	}
}

// mitmproxy starts mitmdump in a mode, and returns where it listens.
func mitmproxy(t *testing.T, mode string) (addr string) {
	t.Helper()
	need(t, "mitmdump")
	addr = freePort(t)
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command("mitmdump", "--mode", mode, "--listen-host", "127.0.0.1", "--listen-port", port, "--set", "confdir="+t.TempDir(), "--quiet")
	started(t, cmd, addr)
	return addr
}

// started starts a server that ends with the test, and waits until it listens.
func started(t *testing.T, cmd *exec.Cmd, addr string) {
	t.Helper()
	var out screen
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Signal(syscall.SIGTERM); cmd.Wait() })
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not listen: %s", cmd.Path, out.String())
		}
	}
}

// freePort is an address at which nobody listens now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestProxyIntroduces: curl says as a balancer does who its client is, and nginx
// behind the proxy hears it.
func TestProxyIntroduces(t *testing.T) {
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin")
	need(t, "nginx")
	up, dir := freePort(t), t.TempDir()
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;
events {}
http { access_log off; client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
server { listen %[2]s proxy_protocol; location / { return 200 "$proxy_protocol_addr:$proxy_protocol_port\n"; } } }
`, dir, up)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	started(t, exec.Command("nginx", "-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", conf), up)
	for _, version := range []string{"v1", "v2"} {
		t.Run(version, func(t *testing.T) {
			p := startProxy(t, "127.0.0.1:0", "--upstream", "http://"+up, "--proxy-protocol", "--send-proxy", version, "-o", "json", "-vv")
			out, err := exec.Command("curl", "-sS", "--noproxy", "*", "--haproxy-protocol", "-w", "%{local_ip}:%{local_port}\n", "http://"+p.addr+"/").CombinedOutput()
			if seen, sent, _ := strings.Cut(strings.TrimSpace(string(out)), "\n"); err != nil || seen != sent {
				t.Errorf("curl: %v, %s\n%s", err, out, p.err.String())
			}
			out, err = exec.Command("curl", "-sS", "--noproxy", "*", "--max-time", "5", "http://"+p.addr+"/").CombinedOutput()
			if err == nil {
				t.Errorf("without a header: %s", out)
			}
			p.stop()
		})
	}
}

// TestProxyPassthrough: a CPE that doesn't trust the proxy comes through, and that
// is said.
func TestProxyPassthrough(t *testing.T) {
	dir, _ := newCA(t)
	upstream, upstreamCA := secureACS(t)
	p := startProxy(t, "https://127.0.0.1:0", "--upstream", upstream, "--upstream-ca", upstreamCA, "--ca", dir, "--passthrough-on-failure", "2")
	for i := range 4 {
		got, err := curl(t, "https://"+p.addr+"/acs", "--cacert", upstreamCA, "--parallel-max", "1")
		if (err == nil) != (i >= 1) { // each call of curl is two handshakes when they fail
			t.Errorf("call %d: %s, %v\n%s", i+1, got, err, p.err.String())
		}
	}
	p.stop()
	if !strings.Contains(p.err.String(), "from now on it is relayed encrypted") {
		t.Errorf("said: %s", p.err.String())
	}
	if flat := strings.Join(strings.Fields(p.out.String()), " "); !strings.Contains(flat, "encrypted, and no keys are at hand; relayed encrypted, as its handshakes failed before; until ") {
		t.Errorf("told: %s", p.out.String())
	}
}

// script is what the two sides of a recorded connection said, in its order.
type script struct {
	conn  *capture.Conn
	turns []turn
}

type turn struct {
	from capture.Direction
	data []byte
}

func (s *script) said(d capture.Direction) (b []byte) {
	for _, x := range s.turns {
		if x.from == d {
			b = append(b, x.data...)
		}
	}
	return b
}

// scripts reads what was said on each connection.
func scripts(t *testing.T, from capture.Source) (list []*script) {
	t.Helper()
	by := map[*capture.Conn]*script{}
	for {
		r, err := from.Next()
		if err != nil {
			if err != io.EOF {
				t.Fatal(err)
			}
			return list
		}
		if r.Kind != capture.Data {
			continue
		}
		s := by[r.Conn]
		if s == nil {
			s = &script{conn: r.Conn}
			by[r.Conn] = s
			list = append(list, s)
		}
		if n := len(s.turns); n > 0 && s.turns[n-1].from == r.From {
			s.turns[n-1].data = append(s.turns[n-1].data, r.Data...)
		} else {
			s.turns = append(s.turns, turn{r.From, slices.Clone(r.Data)})
		}
	}
}

// play is one side of a script: it says its turns, after having heard the other's.
func (s *script) play(c net.Conn, as capture.Direction) error {
	c.SetDeadline(time.Now().Add(30 * time.Second))
	for _, x := range s.turns {
		if x.from == as {
			if _, err := c.Write(x.data); err != nil {
				return err
			}
			continue
		}
		got := make([]byte, len(x.data))
		if _, err := io.ReadFull(c, got); err != nil {
			return err
		}
		if !bytes.Equal(got, x.data) {
			return fmt.Errorf("heard %.100q in place of %.100q", got, x.data)
		}
	}
	return nil
}

// TestProxyPlaysCaptures: what real ACSs and CPEs said to each other goes through
// the proxy as it was, and its recording tells the same sessions as the capture.
func TestProxyPlaysCaptures(t *testing.T) {
	files := map[string][]byte{"the demo's": asPcapng(packets(t, 5))}
	dir := filepath.Join("..", "..", "..", "shared", "captures")
	if d := os.Getenv("INFORMANT_SHARED"); d != "" {
		dir = filepath.Join(d, "captures")
	}
	list, _ := filepath.Glob(filepath.Join(dir, "*.pcapng*"))
	for _, name := range list {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		plain, _, err := pcap.Decompress(bytes.NewReader(b))
		if err == nil {
			b, err = io.ReadAll(plain)
		}
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = b
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		t.Run(name, func(t *testing.T) {
			src, err := pcap.NewSource([]pcap.Input{{Name: name, R: bytes.NewReader(files[name])}}, pcap.Options{})
			if err != nil {
				t.Fatal(err)
			}
			playThrough(t, scripts(t, src))
		})
	}
}

func playThrough(t *testing.T, list []*script) {
	if len(list) == 0 {
		t.Fatal("nothing to play")
	}
	if len(list) > 200 {
		list = list[:200]
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file := filepath.Join(t.TempDir(), "rec.cwmp")
	p := startProxy(t, "127.0.0.1:0", "--upstream", "http://"+l.Addr().String(), "-w", file, "--quiet")
	for i, s := range list { // one after the other, so that each finds its server
		var both sync.WaitGroup
		both.Add(1)
		go func() {
			defer both.Done()
			c, err := l.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			if err := s.play(c, capture.FromServer); err != nil {
				t.Errorf("connection %d, the server: %v", i, err)
			}
			io.Copy(io.Discard, c)
		}()
		c, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.play(c, capture.FromClient); err != nil {
			t.Errorf("connection %d, the client: %v", i, err)
		}
		c.Close()
		both.Wait()
	}
	if code := p.stop(); code != exitOK {
		t.Errorf("exit code %d: %s", code, p.err.String())
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
	got := scripts(t, r)
	if len(got) != len(list) {
		t.Fatalf("%d connections are recorded of %d", len(got), len(list))
	}
	for i, s := range list {
		for _, d := range []capture.Direction{capture.FromClient, capture.FromServer} {
			if !bytes.Equal(got[i].said(d), s.said(d)) {
				t.Errorf("connection %d: other bytes are recorded", i)
			}
		}
	}
}
