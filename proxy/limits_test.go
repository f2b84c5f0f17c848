package proxy_test

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"informant/capture"
	"informant/proxy"
)

func TestMain(m *testing.M) {
	if role := os.Getenv("INFORMANT_TEST_PEER"); role != "" {
		os.Exit(peer(role))
	}
	goleak.VerifyTestMain(m)
}

// descriptors is how many this process has open.
func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(list)
}

// leavesNothing checks at a test's end that as many descriptors are open as at its
// beginning. Tests that run beside others can't.
func leavesNothing(t *testing.T) {
	before := descriptors(t)
	t.Cleanup(func() {
		after := descriptors(t)
		for end := time.Now().Add(5 * time.Second); after > before && time.Now().Before(end); after = descriptors(t) {
			time.Sleep(10 * time.Millisecond)
		}
		if after > before {
			t.Errorf("%d descriptors were open, now %d", before, after)
		}
	})
}

// dial connects to a proxy.
func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// ended waits until a proxy has no connection left.
func (r *running) ended(t *testing.T) {
	t.Helper()
	if r.Settle(10 * time.Second); r.Open() > 0 {
		t.Errorf("%d connections are still open", r.Open())
	}
}

// TestNeverReads: a client that doesn't read what it is sent holds its server up, as
// it would without a proxy, and costs a bounded amount of memory. It ends with it.
func TestNeverReads(t *testing.T) {
	leavesNothing(t)
	sent := make(chan int, 1)
	up := server(t, func(_ int, c *net.TCPConn) {
		buf, n := make([]byte, 64<<10), 0
		for {
			c.SetWriteDeadline(time.Now().Add(time.Second))
			k, err := c.Write(buf)
			n += k
			if err != nil {
				break
			}
		}
		sent <- n
		if _, err := hear(c, -1); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the server saw %v", err)
		}
	})
	p := start(t, up)
	c := dial(t, p.addr)
	if n := <-sent; n > 64<<20 {
		t.Errorf("%d bytes were taken of which nobody read one", n)
	}
	c.SetLinger(0)
	c.Close()
	p.ended(t)
	p.stop()
}

// TestNeverAnswers: a server that says nothing is waited for as long as the client
// likes, and hears of the client's end at once.
func TestNeverAnswers(t *testing.T) {
	leavesNothing(t)
	saw := make(chan error, 1)
	up := server(t, func(_ int, c *net.TCPConn) {
		hear(c, len(plainRequest))
		_, err := hear(c, -1)
		saw <- err
	})
	p := start(t, up)
	c := dial(t, p.addr)
	say(c, plainRequest, 0)
	c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the client saw %v", err)
	}
	c.Close()
	if err := <-saw; err != nil {
		t.Errorf("the server saw %v", err)
	}
	p.ended(t)
	p.stop()
}

// TestSlowloris: clients that say a byte now and then are relayed for as long as
// they like in reverse mode, since it is their server's business. Where the proxy
// has to know something before it can connect them, they have so long and no more.
func TestSlowloris(t *testing.T) {
	leavesNothing(t)
	// Not from socket to socket: the pipes of splice(2) stay open for others.
	up := server(t, func(_ int, c *net.TCPConn) { io.Copy(c, struct{ io.Reader }{c}) })
	tls := modes(t)[1].route(up)
	for _, x := range []struct {
		name string
		to   proxy.Route
		say  string
		cut  bool
	}{
		{"reverse", proxy.Route{Upstream: up}, plainRequest, false},
		{"forward", proxy.Route{Forward: &proxy.Forward{}}, "CONNECT " + up + " HTTP/1.1\r\nX: " + plainRequest, true},
		{"PROXY header", proxy.Route{Upstream: up, AcceptProxy: true}, "PROXY TCP4 192.0.2.7 198.51.100.1 4711 7547\r\n", true},
		{"TLS", tls, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and so on and so on", true},
	} {
		t.Run(x.name, func(t *testing.T) {
			p := startWith(t, &proxy.Proxy{HeadTimeout: 300 * time.Millisecond}, x.to)
			list := make([]net.Conn, 20)
			for i := range list {
				list[i] = dial(t, p.addr)
			}
			for i := 0; i < 40; i++ {
				for _, c := range list {
					c.Write([]byte{x.say[i%len(x.say)]})
				}
				time.Sleep(25 * time.Millisecond)
			}
			if x.cut {
				p.Settle(3 * time.Second) // forward mode answers first
			}
			if n := p.Open(); x.cut && n > 0 || !x.cut && n != len(list) {
				t.Errorf("%d of %d are still open", n, len(list))
			}
			for _, c := range list {
				c.Close()
			}
			p.ended(t)
			p.stop()
			if n := len(p.seen.order); n != len(list) {
				t.Errorf("%d connections told", n)
			}
		})
	}
}

// TestSlowToAccept: of an ACS whose queue of connections is full a client sees
// nothing, and after a while a reset. What it had said is told.
func TestSlowToAccept(t *testing.T) {
	leavesNothing(t)
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	up := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}).String()
	for { // fill its queue
		c, err := net.DialTimeout("tcp", up, 200*time.Millisecond)
		if err != nil {
			break
		}
		defer c.Close()
	}
	p := startWith(t, &proxy.Proxy{DialTimeout: 500 * time.Millisecond}, proxy.Route{Upstream: up})
	c := dial(t, p.addr)
	say(c, plainRequest, 0)
	began := time.Now()
	if _, err := hear(c, -1); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client saw %v", err)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("after %s", d)
	}
	p.ended(t)
	p.stop()
	seen := p.seen.order[0]
	if len(seen.notes) != 1 || len(seen.closes) != 1 || seen.closes[0].End != capture.RST {
		t.Errorf("told: %+v", seen)
	}
	if string(seen.bytes[0]) != plainRequest {
		t.Errorf("told: %q", seen.bytes[0])
	}
}

// TestGoneBeforeConnected: a client that left while its ACS was called.
func TestGoneBeforeConnected(t *testing.T) {
	leavesNothing(t)
	saw := make(chan error, 1)
	up := server(t, func(_ int, c *net.TCPConn) { _, err := hear(c, -1); saw <- err })
	p := start(t, up)
	c := dial(t, p.addr)
	c.Close()
	if err := <-saw; err != nil {
		t.Errorf("the server saw %v", err)
	}
	p.ended(t)
	p.stop()
}
