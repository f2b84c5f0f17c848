package proxy_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/pires/go-proxyproto"

	"informant/capture"
	"informant/proxy"
	"informant/proxy/authority"
)

// conn is a connection of which one direction can be ended.
type conn interface {
	net.Conn
	CloseWrite() error
}

// mode is a way in which a client comes to a server through a proxy.
type mode struct {
	name  string
	route func(upstream string) proxy.Route
	// client begins what a client has to say before its request, and server what a
	// server has to hear; nil: nothing.
	client func(t *testing.T, c *net.TCPConn, upstream string) conn
	server func(t *testing.T, c *net.TCPConn) conn
	// ask changes a request for the mode, or says that it can't be said in it.
	ask func(request, upstream string) (string, bool)
	// told checks what the tap told beside the bytes.
	told func(t *testing.T, c *told)
}

// The certificates of the tests: of the proxy, and of the server.
var certificates = sync.OnceValues(func() (ca [2]*authority.Authority, err error) {
	for i, name := range []string{"the proxy's", "the server's"} {
		if ca[i], err = authority.New(name); err != nil {
			return ca, err
		}
	}
	return ca, nil
})

func trusts(a *authority.Authority, name string) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate)
	return &tls.Config{RootCAs: pool, ServerName: name}
}

// modes are all that there are.
func modes(t *testing.T) []mode {
	ca, err := certificates()
	if err != nil {
		t.Fatal(err)
	}
	terminate := &tls.Config{GetCertificate: ca[0].GetCertificate}
	originate := func(string, *x509.Certificate) (*tls.Config, error) { return trusts(ca[1], "acs.example"), nil }
	asClient := func(t *testing.T, c *net.TCPConn, _ string) conn { return tls.Client(c, trusts(ca[0], "acs.example")) }
	asServer := func(t *testing.T, c *net.TCPConn) conn {
		return tls.Server(c, &tls.Config{GetCertificate: ca[1].GetCertificate})
	}
	connect := func(t *testing.T, c *net.TCPConn, upstream string) conn {
		fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: Basic c2VjcmV0\r\n\r\n", upstream, upstream)
		const want = "HTTP/1.1 200 Connection established\r\n\r\n"
		if got, err := hear(c, len(want)); err != nil || string(got) != want {
			t.Fatalf("CONNECT: %q, %v", got, err)
		}
		return c
	}
	connected := func(t *testing.T, c *told) {
		if len(c.notes) != 1 || !strings.HasPrefix(c.notes[0], "asked for by CONNECT ") || strings.Contains(c.notes[0], "c2VjcmV0") {
			t.Errorf("told: %q", c.notes)
		}
	}
	return []mode{
		{name: "reverse", route: func(up string) proxy.Route { return proxy.Route{Upstream: up} }},
		{name: "reverse, TLS", route: func(up string) proxy.Route {
			return proxy.Route{Upstream: up, Terminate: terminate, Originate: originate}
		}, client: asClient, server: asServer},
		{name: "CONNECT", route: func(string) proxy.Route { return proxy.Route{Forward: &proxy.Forward{}} }, client: connect, told: connected},
		{name: "CONNECT, TLS", route: func(string) proxy.Route {
			return proxy.Route{Forward: &proxy.Forward{}, Terminate: terminate, Originate: originate}
		}, client: func(t *testing.T, c *net.TCPConn, up string) conn {
			return asClient(t, connect(t, c, up).(*net.TCPConn), up)
		},
			server: asServer, told: connected},
		{name: "absolute targets", route: func(string) proxy.Route { return proxy.Route{Forward: &proxy.Forward{}} }, ask: func(request, up string) (string, bool) {
			const plain = "POST /acs HTTP/"
			return strings.ReplaceAll(request, plain, "POST http://"+up+"/acs HTTP/"), strings.HasPrefix(strings.TrimLeft(request, "\r\n"), plain)
		}},
		{name: "PROXY header v1 in, v2 out", route: func(up string) proxy.Route {
			return proxy.Route{Upstream: up, AcceptProxy: true, SendProxy: 2}
		}, client: func(t *testing.T, c *net.TCPConn, _ string) conn {
			say(c, "PROXY TCP4 192.0.2.7 198.51.100.1 4711 7547\r\n", 1)
			return c
		}, server: introducedAs("192.0.2.7:4711"), told: comesFrom("192.0.2.7:4711")},
		{name: "PROXY header v2 in, v1 out, TLS", route: func(up string) proxy.Route {
			return proxy.Route{Upstream: up, AcceptProxy: true, SendProxy: 1, Terminate: terminate, Originate: originate}
		}, client: func(t *testing.T, c *net.TCPConn, up string) conn {
			h := proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: net.ParseIP("2001:db8::7"), Port: 4711}, &net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 7547})
			h.WriteTo(c)
			return asClient(t, c, up)
		}, server: func(t *testing.T, c *net.TCPConn) conn {
			introducedAs("[2001:db8::7]:4711")(t, c)
			return asServer(t, c)
		}, told: comesFrom("[2001:db8::7]:4711")},
	}
}

// introducedAs wants a PROXY header, which it reads without a byte of what follows.
func introducedAs(client string) func(*testing.T, *net.TCPConn) conn {
	return func(t *testing.T, c *net.TCPConn) conn {
		var b []byte // all of the header and no more
		for len(b) < 12 || b[0] == 'P' && !bytes.HasSuffix(b, []byte("\r\n")) || b[0] == '\r' && (len(b) < 16 || len(b) < 16+int(b[15])) {
			x, err := hear(c, 1)
			if err != nil {
				t.Error(err)
				return c
			}
			b = append(b, x...)
		}
		h, err := proxyproto.Read(bufio.NewReader(bytes.NewReader(b)))
		if err != nil || h.SourceAddr.String() != client {
			t.Errorf("the server was introduced to %+v, %v", h, err)
		}
		return c
	}
}

func comesFrom(client string) func(*testing.T, *told) {
	return func(t *testing.T, c *told) {
		if c.conn.Client != netip.MustParseAddrPort(client) {
			t.Errorf("told of %v", c.conn.Client)
		}
	}
}

// TestInvariance: whatever one side says arrives at the other as it was said, and
// the tap tells the same, in every mode.
func TestInvariance(t *testing.T) {
	list := odd()
	if len(list) < 40 {
		t.Fatalf("%d messages", len(list))
	}
	for _, m := range modes(t) {
		t.Run(m.name, func(t *testing.T) {
			for _, x := range list {
				t.Run(x.name, func(t *testing.T) {
					t.Parallel()
					m.passes(t, x)
				})
			}
		})
	}
}

// passes has an exchange go through a proxy in that mode.
func (m *mode) passes(t *testing.T, x exchange) {
	heard := make(chan []byte, 1)
	var request string
	said := make(chan struct{}) // request is known
	up := server(t, func(_ int, tcp *net.TCPConn) {
		var c conn = tcp
		<-said
		if m.server != nil {
			c = m.server(t, tcp)
		}
		n := len(request)
		if x.halfClose {
			n = -1
		}
		b, err := hear(c, n)
		if err != nil {
			t.Error("the server:", err)
		}
		heard <- b
		if err := say(c, x.response, x.step); err != nil {
			t.Error("the server:", err)
		}
		if x.untilClose {
			c.Close()
		} else {
			hear(c, -1)
		}
	})
	request = x.request
	if m.ask != nil {
		var can bool
		if request, can = m.ask(request, up); !can {
			close(said)
			t.Skip("its target can't be made absolute")
		}
	}
	close(said)
	p := startRoute(t, m.route(up))
	tcp, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	c := conn(tcp.(*net.TCPConn))
	if m.client != nil {
		c = m.client(t, tcp.(*net.TCPConn), up)
	}
	if err := say(c, request, x.step); err != nil {
		t.Fatal(err)
	}
	if x.halfClose {
		c.CloseWrite()
	}
	n := len(x.response)
	if x.untilClose {
		n = -1
	}
	got, err := hear(c, n)
	if err != nil {
		t.Error("the client:", err)
	}
	if b := <-heard; string(b) != request {
		t.Errorf("the server got %d bytes for %d: %q", len(b), len(request), quoted(b))
	}
	if string(got) != x.response {
		t.Errorf("the client got %d bytes for %d: %q", len(got), len(x.response), quoted(got))
	}
	c.Close()
	p.stop()
	if len(p.seen.order) != 1 {
		t.Fatalf("%d connections told", len(p.seen.order))
	}
	seen := p.seen.order[0]
	if string(seen.bytes[0]) != request || string(seen.bytes[1]) != x.response {
		t.Errorf("told: %d bytes of %d, %d of %d", len(seen.bytes[0]), len(request), len(seen.bytes[1]), len(x.response))
	}
	if seen.opens != 1 || len(seen.closes) != 2 || !seen.closes[1].Both {
		t.Errorf("told: %d openings, ends %+v", seen.opens, seen.closes)
	}
	if m.told != nil {
		m.told(t, seen)
	}
}

// TestForwardRefuses: what can't be connected is answered, with a reason, and told.
func TestForwardRefuses(t *testing.T) {
	nobody := closedPort(t)
	up := server(t, func(_ int, c *net.TCPConn) { hear(c, -1) })
	var rules []proxy.Target
	for _, text := range []string{"127.0.0.1", "*.invalid", "acs.example:7547", "2001:db8::/32"} {
		rule, err := proxy.ParseTarget(text)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, rule)
	}
	for _, x := range []struct{ name, say, want string }{
		{"not on the list", "CONNECT 192.0.2.1:80 HTTP/1.1\r\n\r\n", "403 Forbidden"},
		{"an absolute target not on the list", "GET http://192.0.2.1/ HTTP/1.1\r\n\r\n", "403 Forbidden"},
		{"the proxy itself", "CONNECT {proxy} HTTP/1.1\r\n\r\n", "403 Forbidden"},
		{"itself, as another address", "CONNECT [::ffff:127.0.0.1]:{port} HTTP/1.1\r\n\r\n", "403 Forbidden"},
		{"nobody there", "CONNECT " + nobody + " HTTP/1.1\r\n\r\n", "502 Bad Gateway"},
		{"no such name", "CONNECT none.invalid:80 HTTP/1.1\r\n\r\n", "502 Bad Gateway"},
		{"a target that a CPE has for its ACS", "POST /acs HTTP/1.1\r\nHost: acs\r\n\r\n", "400 Bad Request"},
		{"CONNECT without a port", "CONNECT acs.example HTTP/1.1\r\n\r\n", "400 Bad Request"},
		{"port 0", "CONNECT 127.0.0.1:0 HTTP/1.1\r\n\r\n", "400 Bad Request"},
		{"no HTTP", "\x16\x03\x01 hello\n", "400 Bad Request"},
		{"a line without an end", strings.Repeat("x", 70_000), "400 Bad Request"},
		{"https in the target", "GET https://acs.example/ HTTP/1.1\r\n\r\n", "400 Bad Request"},
	} {
		t.Run(x.name, func(t *testing.T) {
			p := startRoute(t, proxy.Route{Forward: &proxy.Forward{Allow: rules}})
			c, err := net.Dial("tcp", p.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, port, _ := net.SplitHostPort(p.addr)
			said := strings.NewReplacer("{proxy}", p.addr, "{port}", port).Replace(x.say)
			say(c, said, 0)
			got, _ := hear(c, -1)
			c.Close()
			if !strings.HasPrefix(string(got), "HTTP/1.1 "+x.want) || !strings.Contains(string(got), "\r\n\r\ninforman") {
				t.Errorf("answered %q", got)
			}
			p.stop()
			if len(p.seen.order) != 1 {
				t.Fatalf("%d connections told", len(p.seen.order))
			}
			seen := p.seen.order[0]
			if len(seen.notes) != 1 || seen.opens != 1 || string(seen.bytes[0]) != said {
				t.Errorf("told: %d bytes, %q", len(seen.bytes[0]), seen.notes)
			}
		})
	}
	p := startRoute(t, proxy.Route{Forward: &proxy.Forward{Allow: rules}})
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	say(c, "CONNECT "+up+" HTTP/1.0\n\n", 1)
	if got, err := hear(c, 12); err != nil || string(got) != "HTTP/1.1 200" {
		t.Errorf("answered %q, %v", got, err)
	}
}

// TestForwardOtherTarget: a request to another target on the same connection goes
// nowhere: the connection ends, and the client asks again on another one.
func TestForwardOtherTarget(t *testing.T) {
	serve := func(name string) string {
		return server(t, func(_ int, c *net.TCPConn) {
			in := bufio.NewReader(c)
			for {
				r, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				if r.Host != c.LocalAddr().String() {
					t.Errorf("%s got a request for %s", name, r.Host)
				}
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(name), name)
			}
		})
	}
	a, b := serve("a"), serve("b")
	p := startRoute(t, proxy.Route{Forward: &proxy.Forward{}})
	// A client that uses a connection of the proxy for whatever target.
	tr := &http.Transport{Proxy: http.ProxyURL(mustURL(t, "http://"+p.addr))}
	client := &http.Client{Transport: tr}
	for i := range 6 {
		addr, want := a, "a"
		if i%3 == 2 {
			addr, want = b, "b"
		}
		resp, err := client.Get("http://" + addr + "/")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(got) != want {
			t.Errorf("%d: %q, %v", i, got, err)
		}
	}
	tr.CloseIdleConnections()
	p.stop()
	strays := 0
	for _, c := range p.seen.order {
		for _, n := range c.notes {
			if strings.Contains(n, "another target") {
				strays++
			}
		}
	}
	if strays != 3 {
		t.Errorf("%d requests were turned away", strays)
	}
}

// TestIntroduced: a connection without a PROXY header where one has to be is
// refused, one of the balancer's own goes through.
func TestIntroduced(t *testing.T) {
	up := server(t, func(_ int, c *net.TCPConn) { io.Copy(c, c) })
	for _, x := range []struct {
		name, say string
		back      string
	}{
		{"none", plainRequest, ""},
		{"v1, unknown", "PROXY UNKNOWN\r\nabc", "abc"},
		{"v2, local", "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00abc", "abc"},
		{"v1, hostile", "PROXY TCP4 999.0.0.1 x y z\r\nabc", ""},
		{"v1, endless", "PROXY TCP4 " + strings.Repeat("1", 1000), ""},
		{"v2, cut", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x01", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			p := startRoute(t, proxy.Route{Upstream: up, AcceptProxy: true})
			c, err := net.Dial("tcp", p.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			say(c, x.say, 0)
			c.(*net.TCPConn).CloseWrite()
			got, err := hear(c, -1)
			if string(got) != x.back || (err != nil) != (x.back == "") {
				t.Errorf("%q, %v", got, err)
			}
			p.stop()
			if n := len(p.seen.order[0].notes); n != map[bool]int{true: 1}[x.back == ""] {
				t.Errorf("told: %+v", p.seen.order[0])
			}
		})
	}
}

// TestPassthrough: a client that doesn't trust the proxy is relayed encrypted after
// some failures, and others are not.
func TestPassthrough(t *testing.T) {
	ca, err := certificates()
	if err != nil {
		t.Fatal(err)
	}
	m := modes(t)[1] // TLS on both sides
	up := server(t, func(_ int, c *net.TCPConn) { s := m.server(t, c); io.Copy(s, s); s.Close() })
	to := m.route(up)
	to.Passthrough = &proxy.Passthrough{After: 2}
	p := startRoute(t, to)
	call := func(a *authority.Authority, name string) error {
		tcp, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer tcp.Close()
		c := tls.Client(tcp, trusts(a, name))
		if _, err := io.WriteString(c, "abc"); err != nil {
			return err
		}
		c.CloseWrite()
		got, err := hear(c, -1)
		if err == nil && string(got) != "abc" {
			t.Errorf("%q came back", got)
		}
		return err
	}
	for i, x := range []struct {
		of     *authority.Authority
		name   string
		passes bool
	}{
		{ca[1], "acs.example", false}, // it trusts the server's only
		{ca[1], "other.example", false},
		{ca[0], "acs.example", true}, // one that is fine, and ends the row
		{ca[1], "acs.example", false},
		{ca[1], "acs.example", false},
		{ca[1], "acs.example", true}, // now blind
		{ca[1], "acs.example", true},
		{ca[0], "other.example", true}, // another name is not
	} {
		if err := call(x.of, x.name); (err == nil) != x.passes {
			t.Errorf("call %d: %v", i+1, err)
		}
		p.ended(t)
	}
	p.stop()
	if n := p.Stats.Blind.Load(); n != 2 {
		t.Errorf("%d connections were relayed encrypted", n)
	}
	for i, c := range p.seen.order {
		blind := i == 5 || i == 6
		if blind != (len(c.notes) == 1 && strings.HasPrefix(c.notes[0], "relayed encrypted")) || blind && (len(c.bytes[0]) < 100 || c.bytes[0][0] != 22) {
			t.Errorf("told of call %d: %d bytes, %q", i+1, len(c.bytes[0]), c.notes)
		}
	}
}

// shouting is an Editor.
type shouting struct{}

func (shouting) Edit(from capture.Direction, p []byte) []byte {
	if from == capture.FromServer {
		return append([]byte(strings.ToUpper(string(p))), '!')
	}
	return p
}

// TestEditor: what an Editor returns is passed on, what its author said is told.
func TestEditor(t *testing.T) {
	up := server(t, func(_ int, c *net.TCPConn) { hear(c, 3); io.WriteString(c, "answer") })
	p := startRoute(t, proxy.Route{Upstream: up, Edit: func(*capture.Conn) proxy.Editor { return shouting{} }})
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "abc")
	if got, err := hear(c, -1); err != nil || string(got) != "ANSWER!" {
		t.Errorf("%q, %v", got, err)
	}
	c.Close()
	p.stop()
	if seen := p.seen.order[0]; string(seen.bytes[1]) != "answer" {
		t.Errorf("told: %q", seen.bytes[1])
	}
}

// closedPort is an address at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestTargets: which names and addresses a rule is about.
func TestTargets(t *testing.T) {
	for _, bad := range []string{"", "*", "http://acs", "acs:port", "acs:0", "a b", "10.0.0.0/33", "*.*.example", "user@acs"} {
		if x, err := proxy.ParseTarget(bad); err == nil {
			t.Errorf("%q: %+v", bad, x)
		}
	}
	for _, good := range []string{"acs", "ACS.example.", "acs.example:7547", "*.example", "*.example:80", "192.0.2.1", "192.0.2.0/24:7547", "2001:db8::1", "[2001:db8::1]:80", "2001:db8::/32", "[::1]"} {
		if _, err := proxy.ParseTarget(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}
