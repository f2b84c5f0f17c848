package replay_test

import (
	"context"
	"crypto/md5"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"informant/decode/cwmp"
	"informant/replay"
)

// tool is a program that the tests need; without it they say so, and fail where none
// may be missing.
func tool(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin") {
		if path := filepath.Join(dir, name); executable(path) {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing: make deps installs it", name)
	}
	t.Skipf("%s is missing: make deps installs it", name)
	return ""
}

func executable(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0
}

// guarded is an ACS that wants a login.
func guarded(t *testing.T, g *replay.Guard) (addr string, inform string) {
	t.Helper()
	s := scenarioSides(t, "many", readFile(t, "testdata/many.scenario"))[0].Session
	return serve(t, &replay.ACS{Sessions: []*cwmp.Session{s}, Allow: everything, Guard: g}), s.Inform.HTTP.Body
}

// TestLogins plays a CPE against an ACS of ours for each kind of login; that both
// are right is for curl and Apache to say.
func TestLogins(t *testing.T) {
	s := scenarioSides(t, "many", readFile(t, "testdata/many.scenario"))[0].Session
	for _, algorithm := range []string{"Basic", "MD5", "MD5-sess", "SHA-256", "SHA-256-sess"} {
		for _, qop := range []string{"", "auth-int", "none"} {
			if (algorithm == "Basic" || strings.HasSuffix(algorithm, "-sess")) && qop == "none" {
				continue // RFC 2069 knows no session
			}
			t.Run(algorithm+" "+qop, func(t *testing.T) {
				g := replay.NewGuard(replay.Login{User: "cpe", Password: "open sésame:"}, algorithm)
				g.QOP = qop
				addr, _ := guarded(t, g)
				if _, err := (&replay.CPE{URL: at(addr), Login: g.Login}).Play(t.Context(), s); err != nil {
					t.Error(err)
				}
				for _, wrong := range []replay.Login{{User: "cpe", Password: "wrong"}, {User: "other", Password: g.Password}, {}} {
					if _, err := (&replay.CPE{URL: at(addr), Login: wrong}).Play(t.Context(), s); err == nil || !strings.Contains(err.Error(), "login") {
						t.Errorf("%+v: %v", wrong, err)
					}
				}
			})
		}
	}
}

// TestStrongest: of several challenges the strongest is answered.
func TestStrongest(t *testing.T) {
	s := scenarioSides(t, "many", readFile(t, "testdata/many.scenario"))[0].Session
	g := replay.NewGuard(replay.Login{User: "cpe", Password: "secret"}, "Basic", "MD5", "SHA-256")
	addr, _ := guarded(t, g)
	x := &tape{}
	if _, err := (&replay.CPE{URL: at(addr), Login: g.Login, Tap: x.tap}).Play(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, m := range x.sides()[0].Session.Messages {
		if m.HTTP == nil || m.From != cwmp.CPE {
			continue
		}
		text, _ := m.HTTP.Field("Authorization")
		found = found || strings.Contains(text, "SHA-256")
		if strings.HasPrefix(text, "Basic") || strings.Contains(text, "MD5") {
			t.Errorf("sent %s", text)
		}
	}
	if !found {
		t.Error("SHA-256 was not chosen")
	}
}

// TestStale: a nonce that grew old is asked for anew, and the session goes on.
func TestStale(t *testing.T) {
	s := scenarioSides(t, "many", readFile(t, "testdata/many.scenario"))[0].Session
	g := replay.NewGuard(replay.Login{User: "cpe", Password: "secret"}, "MD5")
	g.Fresh = 100 * time.Millisecond
	addr, _ := guarded(t, g)
	x := &tape{}
	c := &replay.CPE{URL: at(addr), Login: g.Login, Tap: x.tap, Asked: func(*cwmp.Message, string) { time.Sleep(40 * time.Millisecond) }}
	if _, err := c.Play(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	stale := 0
	for _, m := range x.sides()[0].Session.Messages {
		if v, _ := headerOf(m, "WWW-Authenticate"); strings.Contains(strings.ToLower(v), "stale=true") {
			stale++
		}
	}
	if stale == 0 {
		t.Error("no nonce was stale")
	}
}

func headerOf(m *cwmp.Message, name string) (string, bool) {
	if m.HTTP == nil {
		return "", false
	}
	return m.HTTP.Field(name)
}

// TestCurl has curl log in at an ACS of ours.
func TestCurl(t *testing.T) {
	curl := tool(t, "curl")
	post := func(addr, inform, how, login string) string {
		file := filepath.Join(t.TempDir(), "inform.xml")
		if err := os.WriteFile(file, []byte(inform), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(curl, "-s", "-m", "10", how, "-u", login, "-H", "Content-Type: text/xml", "--data-binary", "@"+file, "-w", "%{http_code}", "http://"+addr+"/acs?x=1").CombinedOutput()
		if err != nil {
			t.Errorf("curl: %v", err)
		}
		return string(out)
	}
	for _, algorithm := range []string{"Basic", "MD5", "MD5-sess", "SHA-256", "SHA-256-sess"} {
		for _, qop := range []string{"", "none"} { // curl takes auth-int for a request without a body only
			if algorithm != "MD5" && qop == "none" {
				continue
			}
			t.Run(algorithm+" "+qop, func(t *testing.T) {
				g := replay.NewGuard(replay.Login{User: "cpe", Password: "open sesame"}, algorithm)
				g.QOP = qop
				addr, inform := guarded(t, g)
				how := "--digest"
				if algorithm == "Basic" {
					how = "--basic"
				}
				if out := post(addr, inform, how, "cpe:open sesame"); !strings.HasSuffix(out, "200") || !strings.Contains(out, "InformResponse") {
					t.Errorf("%s", out)
				}
				if out := post(addr, inform, how, "cpe:wrong"); !strings.HasSuffix(out, "401") {
					t.Errorf("a wrong password: %s", out)
				}
			})
		}
	}
}

// TestCurlBody has curl log in with auth-int, which covers the body: curl takes it for
// empty, so without one.
func TestCurlBody(t *testing.T) {
	curl := tool(t, "curl")
	for _, algorithm := range []string{"MD5", "SHA-256"} {
		g := replay.NewGuard(replay.Login{User: "cpe", Password: "open sesame"}, algorithm)
		g.QOP = "auth-int"
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if yes, _ := g.Admits(r.Header.Get("Authorization"), r.Method, r.RequestURI, ""); !yes {
				w.Header()["WWW-Authenticate"] = g.Challenges(false)
				w.WriteHeader(http.StatusUnauthorized)
			}
		}))
		for login, want := range map[string]string{"cpe:open sesame": "200", "cpe:wrong": "401"} {
			out, err := exec.Command(curl, "-s", "-m", "10", "--digest", "-u", login, "-o", "/dev/null", "-w", "%{http_code}", srv.URL+"/x").CombinedOutput()
			if err != nil || string(out) != want {
				t.Errorf("%s, %s: %s %v", algorithm, login, out, err)
			}
		}
		srv.Close()
	}
}

// TestApache plays a CPE against an ACS behind Apache, which asks for Digest.
func TestApache(t *testing.T) {
	apache := tool(t, "apache2")
	s := scenarioSides(t, "many", readFile(t, "testdata/many.scenario"))[0].Session
	for name, x := range map[string]struct {
		lifetime string
		think    time.Duration
	}{"a nonce for all": {"300", 0}, "nonces that grow old": {"1", 600 * time.Millisecond}} {
		t.Run(name, func(t *testing.T) {
			dir, err := os.MkdirTemp("", "apache") // where its user can read
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
			port := freePort(t)
			hash := md5.Sum([]byte("cpe:the acs:open sesame"))
			write := func(name, text string) {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			write("users", fmt.Sprintf("cpe:the acs:%x\n", hash))
			conf := "ServerRoot " + dir + "\nServerName localhost\nPidFile " + dir + "/pid\nErrorLog " + dir + "/error.log\nListen 127.0.0.1:" + port + "\nMutex file:" + dir + "\nDefaultRuntimeDir " + dir + "\nUser nobody\nGroup nogroup\n"
			for _, m := range []string{"mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_digest", "proxy", "proxy_http"} {
				conf += "LoadModule " + m + "_module /usr/lib/apache2/modules/mod_" + m + ".so\n"
			}
			conf += "<Location />\nAuthType Digest\nAuthName \"the acs\"\nAuthDigestProvider file\nAuthDigestQop auth\nAuthDigestNonceLifetime " + x.lifetime + "\nAuthUserFile " + dir + "/users\nRequire valid-user\n</Location>\n" +
				"ProxyPass / http://" + serve(t, &replay.ACS{Sessions: []*cwmp.Session{s}, Allow: everything}) + "/\n"
			write("conf", conf)
			ctx, stop := context.WithCancel(t.Context())
			cmd := exec.CommandContext(ctx, apache, "-X", "-f", filepath.Join(dir, "conf"))
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				stop()
				cmd.Wait()
			}()
			addr := "127.0.0.1:" + port
			ready(t, addr, filepath.Join(dir, "error.log"))

			tape := &tape{}
			c := &replay.CPE{URL: at(addr), Login: replay.Login{User: "cpe", Password: "open sesame"}, Tap: tape.tap, Asked: func(*cwmp.Message, string) { time.Sleep(x.think) }}
			if _, err := c.Play(t.Context(), s); err != nil {
				log, _ := os.ReadFile(filepath.Join(dir, "error.log"))
				t.Fatalf("%v\n%s", err, log)
			}
			stale := 0
			for _, m := range tape.sides()[0].Session.Messages {
				if v, _ := headerOf(m, "WWW-Authenticate"); strings.Contains(v, "stale=true") {
					stale++
				}
			}
			if (stale > 0) != (x.think > 0) {
				t.Errorf("%d nonces were stale", stale)
			}
			if _, err := (&replay.CPE{URL: at(addr), Login: replay.Login{User: "cpe", Password: "wrong"}}).Play(t.Context(), s); err == nil || !strings.Contains(err.Error(), "refuses the login") {
				t.Errorf("a wrong password: %v", err)
			}
		})
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// ready waits until a server answers.
func ready(t *testing.T, addr, log string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if r, err := http.Get("http://" + addr + "/"); err == nil {
			r.Body.Close()
			return
		}
		if time.Now().After(end) {
			b, _ := os.ReadFile(log)
			t.Fatalf("it doesn't start: %s", b)
		}
	}
}
