package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"

	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"informant/capture"
	"informant/capture/recording"
	"informant/proxy/authority"
)

// screen is what a program writes, readable while it does.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// await waits until the screen shows something.
func (s *screen) await(t *testing.T, what string) string {
	t.Helper()
	re := regexp.MustCompile(what)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if m := re.FindStringSubmatch(s.String()); m != nil {
			return m[len(m)-1]
		}
	}
	t.Fatalf("%q did not come: %s", what, s.String())
	return ""
}

// relaying is the verb at work.
type relaying struct {
	addr     string
	out, err screen
	stop     func() int
}

// startProxy runs "informant proxy" with a listener of its own.
func startProxy(t *testing.T, listen string, args ...string) *relaying {
	t.Helper()
	r := &relaying{}
	ctx, cancel := context.WithCancel(context.Background())
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, append([]string{"proxy", "--listen", listen}, args...), strings.NewReader(""), &r.out, &r.err)
	}()
	r.stop = sync.OnceValue(func() int { cancel(); return <-code })
	t.Cleanup(func() { r.stop() })
	r.addr = r.err.await(t, `msg=listening address=(\S+)`)
	return r
}

// acs is a real HTTP server that answers an Inform, then an empty POST.
func acs(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if !bytes.Contains(body, []byte("Inform")) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", `text/xml; charset="utf-8"`)
	io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?><soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:cwmp="urn:dslforum-org:cwmp-1-0"><soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">1</cwmp:ID></soap-env:Header><soap-env:Body><cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse></soap-env:Body></soap-env:Envelope>`)
}

const inform = `<?xml version="1.0" encoding="UTF-8"?><soap-env:Envelope xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="urn:dslforum-org:cwmp-1-0"><soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">1</cwmp:ID></soap-env:Header><soap-env:Body><cwmp:Inform><DeviceId><Manufacturer>Example</Manufacturer><OUI>00D09E</OUI><ProductClass>HG</ProductClass><SerialNumber>4711</SerialNumber></DeviceId><Event soap-enc:arrayType="cwmp:EventStruct[1]"><EventStruct><EventCode>2 PERIODIC</EventCode><CommandKey></CommandKey></EventStruct></Event><MaxEnvelopes>1</MaxEnvelopes><CurrentTime>2026-11-22T08:00:00Z</CurrentTime><RetryCount>0</RetryCount><ParameterList soap-enc:arrayType="cwmp:ParameterValueStruct[0]"></ParameterList></cwmp:Inform></soap-env:Body></soap-env:Envelope>`

// curl runs curl, which must be there, as a CPE: an Inform and an empty POST on
// one connection.
func curl(t *testing.T, url string, args ...string) (status string, err error) {
	t.Helper()
	need(t, "curl")
	file := filepath.Join(t.TempDir(), "inform.xml")
	if err := os.WriteFile(file, []byte(inform), 0o600); err != nil {
		t.Fatal(err)
	}
	common := append([]string{"-sS", "--noproxy", "*", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code} ", "-H", "SOAPAction:"}, args...)
	all := slices.Concat(common, []string{"-H", "Content-Type: text/xml", "--data-binary", "@" + file, url, "--next"},
		common, []string{"-X", "POST", "-H", "Content-Length: 0", url})
	out, err := exec.Command("curl", all...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// need fails where a program is missing, and in CI only; elsewhere it says so.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing", program)
	}
	t.Skipf("%s is missing: make deps installs it", program)
}

// TestProxySession: curl plays a CPE through the proxy to a real server; the session
// is told and recorded.
func TestProxySession(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(acs))
	defer up.Close()
	file := filepath.Join(t.TempDir(), "rec.cwmp")
	p := startProxy(t, "127.0.0.1:0", "--upstream", up.URL, "-w", file)
	if got, err := curl(t, "http://"+p.addr+"/acs"); err != nil || got != "200 204" {
		t.Fatalf("curl: %s, %v", got, err)
	}
	p.out.await(t, `ended     complete: the ACS had no more requests`)
	if code := p.stop(); code != exitOK {
		t.Errorf("exit code %d: %s", code, p.err.String())
	}
	if got := p.out.String(); !strings.Contains(got, "session 1   00D09E-HG-4711") || !strings.Contains(got, "http://"+p.addr+"/acs") {
		t.Errorf("told: %s", got)
	}
	st, err := os.Stat(file)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the recording: %v, %v", st, err)
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"decode", "--checks", "none", file}, nil, &out, &errs); code != exitOK {
		t.Errorf("decode of the recording: %d %s", code, errs.String())
	}
	if !strings.Contains(out.String(), "session 1   00D09E-HG-4711") {
		t.Errorf("the recording tells: %s", out.String())
	}
}

// certificates are an authority's files, and a server's certificate of another
// authority.
func newCA(t *testing.T) (dir, ca string) {
	t.Helper()
	a, err := authority.New("the proxy's")
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "ca")
	if err := a.Save(dir); err != nil {
		t.Fatal(err)
	}
	return dir, filepath.Join(dir, authority.CertificateFile)
}

// secureACS is a server with TLS and the file with the certificate to trust.
func secureACS(t *testing.T) (url, ca string) {
	t.Helper()
	up := httptest.NewUnstartedServer(http.HandlerFunc(acs))
	up.Config.ErrorLog = log.New(io.Discard, "", 0)
	up.StartTLS()
	t.Cleanup(up.Close)
	ca = filepath.Join(t.TempDir(), "acs.pem")
	b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: up.Certificate().Raw})
	if err := os.WriteFile(ca, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return up.URL, ca
}

// TestProxyTLS: TLS of all versions and kinds of key on both sides, with openssl
// and curl as CPEs.
func TestProxyTLS(t *testing.T) {
	need(t, "openssl")
	dir, ca := newCA(t)
	upstream, upstreamCA := secureACS(t)
	p := startProxy(t, "https://127.0.0.1:0", "--upstream", upstream, "--upstream-ca", upstreamCA, "--ca", dir, "--tls", "legacy", "-o", "json")
	url := "https://" + p.addr + "/acs"
	_, port, _ := strings.Cut(p.addr, ":")
	for _, x := range []struct {
		name string
		args []string
	}{
		{"curl, an address", []string{"--cacert", ca}},
		{"curl, 1.2", []string{"--cacert", ca, "--tls-max", "1.2"}},
		{"curl, a name", []string{"--cacert", ca, "--connect-to", "acs.example:443:127.0.0.1:" + port}},
		{"curl, HTTP/1.0", []string{"--cacert", ca, "--http1.0"}},
		{"curl, offers HTTP/2", []string{"--cacert", ca, "--http2"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			to := url
			if strings.Contains(x.name, "a name") {
				to = "https://acs.example/acs"
			}
			if got, err := curl(t, to, x.args...); err != nil || got != "200 204" {
				t.Errorf("%s, %v\n%s", got, err, p.err.String())
			}
		})
	}
	for _, x := range []struct {
		name string
		args []string
		want string
	}{
		{"1.0", []string{"-tls1", "-cipher", "ALL:@SECLEVEL=0"}, "TLSv1"},
		{"1.1", []string{"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"}, "TLSv1.1"},
		{"1.2", []string{"-tls1_2"}, "TLSv1.2"},
		{"1.3", []string{"-tls1_3"}, "TLSv1.3"},
		{"1.2, RSA", []string{"-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"}, "ECDHE-RSA-AES128-GCM-SHA256"},
		{"1.2, ECDSA", []string{"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"}, "ECDHE-ECDSA-AES128-GCM-SHA256"},
		{"1.2, RSA key exchange", []string{"-tls1_2", "-cipher", "AES128-SHA"}, "AES128-SHA"},
		{"no name", []string{"-tls1_2", "-noservername"}, "TLSv1.2"},
	} {
		t.Run("openssl, "+x.name, func(t *testing.T) {
			cmd := exec.Command("openssl", append([]string{"s_client", "-connect", p.addr, "-CAfile", ca, "-verify_return_error", "-ign_eof"}, x.args...)...)
			cmd.Stdin = strings.NewReader("POST /acs HTTP/1.1\r\nHost: acs\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "HTTP/1.1 204 No Content") || !strings.Contains(string(out), x.want) {
				t.Errorf("%v: %s\n%s", err, out, p.err.String())
			}
		})
	}
	p.stop()
	for _, want := range []string{`"tls":{"client":{"version":"TLS 1.3"`, `"upstream":{"version":"TLS 1.3"`, `"verified":"yes"`, `"url":"https://acs.example/acs"`} {
		if !strings.Contains(p.out.String(), want) {
			t.Errorf("%s is not told: %.2000s", want, p.out.String())
		}
	}
}

// TestProxyHandshakes: handshakes that fail are told with who broke them off and
// why, on both sides, and recorded.
func TestProxyHandshakes(t *testing.T) {
	need(t, "openssl")
	dir, ca := newCA(t)
	upstream, upstreamCA := secureACS(t)
	plain := httptest.NewServer(http.HandlerFunc(acs))
	defer plain.Close()
	for _, x := range []struct {
		name     string
		upstream []string
		call     func(t *testing.T, addr string)
		told     string
	}{
		{"the CPE does not know the authority", []string{upstream, "--upstream-ca", upstreamCA}, func(t *testing.T, addr string) {
			if got, err := curl(t, "https://"+addr+"/acs", "--cacert", upstreamCA); err == nil {
				t.Errorf("curl: %s", got)
			}
		}, `the client sent the alert "unknown certificate authority".* it does not trust the proxy's certificate; install the authority in it`},
		{"an old CPE", []string{upstream, "--upstream-ca", upstreamCA}, func(t *testing.T, addr string) {
			exec.Command("openssl", "s_client", "-connect", addr, "-tls1", "-cipher", "ALL:@SECLEVEL=0").Run()
		}, `client offered only unsupported versions: \[301\]; the client offers TLS 1.0 and \d+ suites \(--tls legacy`},
		{"HTTP in clear", []string{upstream, "--upstream-ca", upstreamCA}, func(t *testing.T, addr string) {
			curl(t, "http://"+addr+"/acs")
		}, `what the client sent is no TLS: it is HTTP in clear text`},
		{"an ACS of an unknown authority", []string{upstream}, func(t *testing.T, addr string) {
			curl(t, "https://"+addr+"/acs", "--cacert", ca)
		}, `the server's certificate is not accepted: no authority that is trusted here has signed it; give its authority with --upstream-ca`},
		{"an ACS of another name", []string{upstream, "--upstream-ca", upstreamCA, "--upstream-name", "acs.test"}, func(t *testing.T, addr string) {
			curl(t, "https://"+addr+"/acs", "--cacert", ca)
		}, `the server's certificate is not accepted: certificate is valid for example.com, \*.example.com, not acs.test`},
		{"an ACS without TLS", []string{strings.Replace(plain.URL, "http:", "https:", 1)}, func(t *testing.T, addr string) {
			curl(t, "https://"+addr+"/acs", "--cacert", ca)
		}, `what the server sent is no TLS: it is HTTP in clear text`},
		{"a CPE without a certificate where one is required", []string{upstream, "--upstream-ca", upstreamCA, "--client-cert", "require"}, func(t *testing.T, addr string) {
			if got, err := curl(t, "https://"+addr+"/acs", "--cacert", ca); err == nil {
				t.Errorf("curl: %s", got)
			}
		}, `client didn't provide a certificate`},
	} {
		t.Run(x.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "rec.cwmp")
			p := startProxy(t, "https://127.0.0.1:0", append([]string{"--ca", dir, "-w", file, "--upstream"}, x.upstream...)...)
			x.call(t, p.addr)
			p.err.await(t, "a TLS handshake failed")
			p.stop()
			if flat := strings.Join(strings.Fields(p.out.String()), " "); !regexp.MustCompile(x.told).MatchString(flat) {
				t.Errorf("told: %s\n%s", p.out.String(), p.err.String())
			}
			failed := 0
			for _, r := range recordsOf(t, file) {
				if r.Kind == capture.Handshake && r.TLS.Failed != "" {
					failed++
				}
			}
			if failed == 0 {
				t.Error("not recorded")
			}
		})
	}
}

// recordsOf reads a recording's records that have no bytes.
func recordsOf(t *testing.T, file string) (list []capture.Record) {
	t.Helper()
	f, err := os.Open(file)
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
			return list
		}
		x.Data = nil
		list = append(list, x)
	}
}

// TestProxyClientCertificates: a CPE's own certificate is noted, and chooses the
// one that is presented to the ACS.
func TestProxyClientCertificates(t *testing.T) {
	dir, ca := newCA(t)
	folder := t.TempDir()
	own := filepath.Join(folder, "00D09E-4711.pem")
	need(t, "openssl")
	out, err := exec.Command("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=00D09E-4711", "-keyout", own+".key", "-out", own+".crt").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var both []byte
	for _, ext := range []string{".crt", ".key"} {
		b, err := os.ReadFile(own + ext)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, b...)
	}
	if err := os.WriteFile(own, both, 0o600); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var presented []*x509.Certificate
	up := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		presented = append(presented, r.TLS.PeerCertificates...)
		mu.Unlock()
		acs(w, r)
	}))
	up.TLS = serverAsks()
	up.StartTLS()
	defer up.Close()
	p := startProxy(t, "https://127.0.0.1:0", "--upstream", up.URL, "--upstream-insecure", "--ca", dir, "--upstream-cert-map", folder, "-o", "json")
	if got, err := curl(t, "https://"+p.addr+"/acs", "--cacert", ca, "--cert", own+".crt", "--key", own+".key"); err != nil || got != "200 204" {
		t.Fatalf("curl: %s, %v", got, err)
	}
	p.stop()
	mu.Lock()
	defer mu.Unlock()
	if len(presented) == 0 || presented[0].Subject.CommonName != "00D09E-4711" {
		t.Errorf("the ACS saw %d certificates", len(presented))
	}
	for _, want := range []string{`"certificates":[{"subject":"CN=00D09E-4711"`, `"verified":"x509: `} {
		if !strings.Contains(p.out.String(), want) {
			t.Errorf("%s is not told: %.3000s", want, p.out.String())
		}
	}
	if !strings.Contains(p.err.String(), "not verified (--upstream-insecure)") {
		t.Errorf("not said: %s", p.err.String())
	}
}

// TestProxyUsage: what can't be meant is said.
func TestProxyUsage(t *testing.T) {
	dir, _ := newCA(t)
	for _, x := range []struct{ args, want string }{
		{"", "--upstream URL is missing"},
		{"--upstream acs:7547", "it takes http[s]://HOST[:PORT]"},
		{"--upstream ftp://acs", "it takes http[s]://HOST[:PORT]"},
		{"--upstream http://acs/path", "the path is the CPE's to say"},
		{"--upstream http://a --upstream http://b", "give as many of both"},
		{"--upstream http://a --listen 127.0.0.1:99999", "--listen 127.0.0.1:99999"},
		{"--upstream http://a --on-record-failure perhaps", "it takes one of stop, relay"},
		{"--upstream http://a --tls ancient", "it takes one of modern, legacy"},
		{"--upstream https://a --upstream-ca /nowhere/ca.pem", "--upstream-ca /nowhere/ca.pem: no such file"},
		{"--upstream http://a --listen https://127.0.0.1:0 --ca /nowhere", "'informant ca init' makes one"},
		{"--upstream http://a --cert x.pem", "give as many of both"},
		{"--upstream http://a --upstream-cert x.pem", "go together"},
		{"--upstream http://a --listen 127.0.0.1:0 -w " + filepath.Join(dir, authority.CertificateFile), "nothing is overwritten"},
		{"--upstream http://a more", "unexpected argument"},
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), append([]string{"proxy"}, strings.Fields(x.args)...), nil, &out, &errs)
		if code != exitUsage || !strings.Contains(errs.String(), x.want) {
			t.Errorf("%s: %d %s", x.args, code, errs.String())
		}
	}
}

// serverAsks is a server's TLS that asks for a certificate of the client.
func serverAsks() *tls.Config { return &tls.Config{ClientAuth: tls.RequestClientCert} }

// get reads a page.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// TestProxyAdmin: the numbers are those of what happened, and a device can't make
// labels up.
func TestProxyAdmin(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(acs))
	defer up.Close()
	p := startProxy(t, "127.0.0.1:0", "--upstream", up.URL, "--admin", "127.0.0.1:0", "--log", "text", "--quiet")
	admin := p.err.await(t, `msg=admin address=(\S+)`)
	if got, err := curl(t, "http://"+p.addr+"/acs"); err != nil || got != "200 204" {
		t.Fatalf("curl: %s, %v", got, err)
	}
	vendor := strings.NewReplacer("cwmp:Inform", "cwmp:X_MADE_UP", "Inform", "Made").Replace(inform)
	resp, err := http.Post("http://"+p.addr+"/acs", "text/xml", strings.NewReader(vendor))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	want := []string{
		`informant_sessions_total{cause="nothing more",kind="session",outcome="complete"} 1`,
		`informant_messages_total{from="cpe",kind="request",rpc="Inform"} 1`,
		`informant_messages_total{from="acs",kind="response",rpc="InformResponse"} 1`,
		`informant_messages_total{from="cpe",kind="request",rpc="other"} 1`,
		`informant_findings_total{check="INF-012",`,
		`informant_connections_accepted_total 2`,
		`informant_added_seconds_count `,
		`informant_queue_bytes{observer="transcript"} `,
		`informant_dropped_bytes_total{observer="transcript"} 0`,
		`informant_tls_failures_total{leg="client"} 0`,
	}
	text := ""
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		_, text = get(t, "http://"+admin+"/metrics")
		if !slices.ContainsFunc(want, func(w string) bool { return !strings.Contains(text, w) }) {
			break
		}
	}
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%s is not among\n%s", w, text)
		}
	}
	if strings.Contains(text, "MADE_UP") {
		t.Error("a device's word is a label")
	}
	if code, body := get(t, "http://"+admin+"/healthz"); code != 200 || body != "{\"status\":\"ok\"}\n" {
		t.Errorf("healthz: %d %s", code, body)
	}
	http.DefaultClient.CloseIdleConnections()
	if code := p.stop(); code != exitOK {
		t.Errorf("exit code %d: %s", code, p.err.String())
	}
	if got := p.out.String(); got != "" {
		t.Errorf("told, with --quiet: %s", got)
	}
}

// TestStatusLine: what is written stands above the status, which is drawn again
// below it.
func TestStatusLine(t *testing.T) {
	var tty bytes.Buffer
	l := &statusLine{tty: &tty, width: 20}
	out := l.above(&tty)
	io.WriteString(out, "one\n")
	l.set("status")
	io.WriteString(out, "two\n")
	l.set("a status that is longer than the terminal is wide")
	l.set("")
	io.WriteString(out, "three\n")
	want := "one\nstatus\r\x1b[Ktwo\nstatus\r\x1b[Ka status that is lo\r\x1b[Kthree\n"
	if tty.String() != want {
		t.Errorf("%q\nwant %q", tty.String(), want)
	}
}
