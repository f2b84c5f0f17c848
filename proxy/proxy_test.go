package proxy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"informant/capture"
	"informant/proxy"
)

// running is a proxy at work on a socket, with what its tap has told.
type running struct {
	*proxy.Proxy
	addr string
	tap  *proxy.Tap
	seen *transcript
	stop func()
}

// transcript is what records tell of each connection.
type transcript struct {
	mu    sync.Mutex
	conns map[*capture.Conn]*told
	order []*told
}

// told is what records tell of one.
type told struct {
	conn   *capture.Conn
	bytes  [2][]byte
	lost   [2]int64
	closes []capture.Record
	opens  int
	notes  []string
}

func (x *transcript) read(t *proxy.Tap) {
	for {
		r, err := t.Next()
		if err != nil {
			return
		}
		x.mu.Lock()
		c := x.conns[r.Conn]
		if c == nil {
			c = &told{conn: r.Conn}
			x.conns[r.Conn] = c
			x.order = append(x.order, c)
		}
		switch r.Kind {
		case capture.Open:
			c.opens++
		case capture.Data:
			c.bytes[r.From] = append(c.bytes[r.From], r.Data...)
		case capture.Gap:
			c.lost[r.From] += r.Lost
		case capture.Remark:
			c.notes = append(c.notes, r.Text)
		case capture.Close:
			c.closes = append(c.closes, r)
		}
		x.mu.Unlock()
	}
}

// start starts a proxy to an upstream address.
func start(t *testing.T, upstream string) *running {
	t.Helper()
	return startRoute(t, proxy.Route{Upstream: upstream})
}

func startRoute(t *testing.T, to proxy.Route) *running {
	t.Helper()
	return startWith(t, &proxy.Proxy{}, to)
}

// startWith starts a proxy. stop ends it and waits for
// everything to be told; it is called by itself at the end of the test.
func startWith(t *testing.T, of *proxy.Proxy, to proxy.Route) *running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &running{Proxy: of, addr: l.Addr().String(), tap: &proxy.Tap{}, seen: &transcript{conns: map[*capture.Conn]*told{}}}
	r.Taps = []*proxy.Tap{r.tap}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Add(2)
	go func() {
		defer all.Done()
		if err := r.Serve(ctx, l, to); err != nil {
			t.Error(err)
		}
	}()
	go func() {
		defer all.Done()
		r.seen.read(r.tap)
	}()
	r.stop = sync.OnceFunc(func() {
		cancel()
		limit, done := context.WithTimeout(context.Background(), 10*time.Second)
		defer done()
		r.Drain(limit)
		r.tap.Close()
		all.Wait()
	})
	t.Cleanup(r.stop)
	return r
}

// server serves each connection with a function, in order of arrival.
func server(t *testing.T, serve func(n int, c *net.TCPConn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Add(1)
	go func() {
		defer all.Done()
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Add(1)
			go func() {
				defer all.Done()
				defer c.Close()
				serve(n, c.(*net.TCPConn))
			}()
		}
	}()
	return l.Addr().String()
}

// say writes text, in segments of step bytes.
func say(c net.Conn, text string, step int) error {
	if step == 0 {
		step = len(text)
	}
	for len(text) > 0 {
		n := min(step, len(text))
		if _, err := io.WriteString(c, text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}

// hear reads n bytes, or to the end where n < 0.
func hear(c net.Conn, n int) ([]byte, error) {
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if n < 0 {
		return io.ReadAll(c)
	}
	b := make([]byte, n)
	k, err := io.ReadFull(c, b)
	return b[:k], err
}

// TestNothingCrosses: of many clients at once that speak, close and reset as they
// like, each upstream connection belongs to one, and no byte of one arrives on
// another's.
func TestNothingCrosses(t *testing.T) {
	clients := 200
	if os.Getenv("INFORMANT_SOAK") != "" {
		clients = 2000
	}
	const size = 64
	line := func(who string, id, n int) []byte {
		b := []byte(fmt.Sprintf("%s of client %d line %d", who, id, n))
		return append(bytes.Repeat([]byte{'.'}, size-len(b)-1), append(b, '\n')...)
	}
	up := server(t, func(_ int, c *net.TCPConn) {
		buf := make([]byte, size)
		mine := -1
		for n := 0; ; n++ {
			if _, err := io.ReadFull(c, buf); err != nil {
				return
			}
			var id, k int
			if _, err := fmt.Sscanf(string(bytes.TrimLeft(buf, ".")), "request of client %d line %d", &id, &k); err != nil || k != n {
				t.Errorf("an upstream connection got %q as its line %d", buf, n)
				return
			}
			if mine < 0 {
				mine = id
			} else if mine != id {
				t.Errorf("an upstream connection of client %d got a line of client %d", mine, id)
				return
			}
			if n%7 == 6 && id%5 == 0 {
				c.SetLinger(0) // a reset
				return
			}
			if _, err := c.Write(line("answer", id, n)); err != nil {
				return
			}
		}
	})
	p := start(t, up)
	var all sync.WaitGroup
	gate := make(chan struct{}, 100) // at once
	for id := range clients {
		all.Add(1)
		go func() {
			defer all.Done()
			gate <- struct{}{}
			defer func() { <-gate }()
			c, err := net.Dial("tcp", p.addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			rnd := rand.New(rand.NewPCG(1, uint64(id)))
			buf := make([]byte, size)
			for n := range 5 + rnd.IntN(20) {
				b := line("request", id, n)
				cut := rnd.IntN(size)
				c.Write(b[:cut])
				if _, err := c.Write(b[cut:]); err != nil {
					return
				}
				c.SetReadDeadline(time.Now().Add(30 * time.Second))
				if _, err := io.ReadFull(c, buf); err != nil {
					if id%5 != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("client %d: %v", id, err)
					}
					return
				}
				if !bytes.Equal(buf, line("answer", id, n)) {
					t.Errorf("client %d got %q", id, buf)
					return
				}
			}
			if rnd.IntN(2) == 0 {
				c.(*net.TCPConn).SetLinger(0)
			}
		}()
	}
	all.Wait()
	p.stop()
	if n := len(p.seen.order); n != clients {
		t.Errorf("%d connections told for %d clients", n, clients)
	}
	for _, c := range p.seen.order {
		if c.lost != [2]int64{} || len(c.bytes[0])%size != 0 && len(c.closes) == 0 {
			t.Errorf("told of %v: %d bytes, %v lost, ends %v", c.conn.Client, len(c.bytes[0]), c.lost, c.closes)
		}
	}
}

// TestRefused: an ACS that refuses shows as a reset at once, and is told.
func TestRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	p := start(t, nobody)
	c, err := net.Dial("tcp", p.addr)
	if err == nil {
		defer c.Close()
		_, err = hear(c, -1)
	}
	if !errors.Is(err, syscall.ECONNRESET) { // it may come before Dial is through
		t.Errorf("the client saw %v", err)
	}
	p.stop()
	if len(p.seen.order) != 1 || len(p.seen.order[0].notes) != 1 || p.Stats.Refused.Load() != 1 {
		t.Errorf("told: %+v", p.seen.order)
	}
}

// TestReset: a reset by either side reaches the other as one.
func TestReset(t *testing.T) {
	for _, who := range []capture.Direction{capture.FromClient, capture.FromServer} {
		t.Run(who.String(), func(t *testing.T) {
			saw := make(chan error, 1)
			up := server(t, func(_ int, c *net.TCPConn) {
				hear(c, 3)
				if who == capture.FromServer {
					c.SetLinger(0)
					return
				}
				_, err := hear(c, -1)
				saw <- err
			})
			p := start(t, up)
			c, err := net.Dial("tcp", p.addr)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(c, "abc")
			if who == capture.FromClient {
				time.Sleep(50 * time.Millisecond) // so that the bytes are there before the reset
				c.(*net.TCPConn).SetLinger(0)
				c.Close()
			} else {
				_, err := hear(c, -1)
				saw <- err
				c.Close()
			}
			if err := <-saw; !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the other side saw %v", err)
			}
			p.stop()
			last := p.seen.order[0].closes
			if len(last) != 1 || last[0].End != capture.RST || !last[0].Both || last[0].From != who {
				t.Errorf("told: %+v", last)
			}
		})
	}
}

// TestObserverBehind: an observer that doesn't read delays nothing. What it missed
// is a gap of the right size, and counted.
func TestObserverBehind(t *testing.T) {
	up := server(t, func(_ int, c *net.TCPConn) { io.Copy(c, c) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tap := &proxy.Tap{Limit: 100_000}
	p := &proxy.Proxy{Taps: []*proxy.Tap{tap}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Serve(ctx, l, proxy.Route{Upstream: up}) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	const round, rounds = 10_000, 200
	text := string(bytes.Repeat([]byte("x"), round))
	for range rounds {
		if err := say(c, text, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := hear(c, round); err != nil {
			t.Fatal(err)
		}
	}
	c.Close()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := p.Drain(context.Background()); n != 0 {
		t.Errorf("%d connections were cut", n)
	}
	tap.Close()
	seen := &transcript{conns: map[*capture.Conn]*told{}}
	seen.read(tap)
	x := seen.order[0]
	for d := range x.bytes {
		if n := int64(len(x.bytes[d])) + x.lost[d]; n != round*rounds || x.lost[d] == 0 {
			t.Errorf("direction %d: %d bytes told and %d lost of %d", d, len(x.bytes[d]), x.lost[d], round*rounds)
		}
	}
	if l := tap.Lost(); l.Bytes != x.lost[0]+x.lost[1] || l.Records == 0 {
		t.Errorf("counted %+v, gaps %v", l, x.lost)
	}
}

// TestDrain: what is still open when the time is up is reset, and told as cut by
// us.
func TestDrain(t *testing.T) {
	up := server(t, func(_ int, c *net.TCPConn) { io.Copy(io.Discard, c) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tap := &proxy.Tap{}
	p := &proxy.Proxy{Taps: []*proxy.Tap{tap}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Serve(ctx, l, proxy.Route{Upstream: up}) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "abc")
	for p.Stats.Bytes[0].Load() < 3 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	<-done
	limit, stop := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer stop()
	if n := p.Drain(limit); n != 1 {
		t.Errorf("%d connections were cut", n)
	}
	if _, err := hear(c, -1); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client saw %v", err)
	}
	tap.Close()
	seen := &transcript{conns: map[*capture.Conn]*told{}}
	seen.read(tap)
	if x := seen.order[0].closes; len(x) != 1 || x[0].End != capture.Evicted || !x[0].Both {
		t.Errorf("told: %+v", x)
	}
}
