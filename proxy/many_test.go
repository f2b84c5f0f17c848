package proxy_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// line is what peers send each other: 64 bytes, of which the beginning says whose
// they are.
func line(id, n int) string { return fmt.Sprintf("%-63s\n", fmt.Sprintf("client %d line %d", id, n)) }

// crowd is what a process of clients is told on its standard input, and tells when
// it is through.
type crowd struct {
	Addr         string
	Idle, Active int
	Rounds       int // of an active one

	Failed string // the first failure
	Lines  int64  // that came back
}

// peer is a process of its own that a test starts of itself.
func peer(role string) int {
	if role == "server" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println(l.Addr())
		go func() { io.Copy(io.Discard, os.Stdin); os.Exit(0) }()
		for {
			c, err := l.Accept()
			if err != nil {
				return 1
			}
			// Not from socket to socket: splice(2) takes two descriptors more.
			go func() { io.Copy(c, struct{ io.Reader }{c}); c.Close() }()
		}
	}
	var x crowd
	in := json.NewDecoder(os.Stdin)
	if err := in.Decode(&x); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	x.run(func() { // all are connected
		fmt.Println("connected")
		var more string
		in.Decode(&more)
	})
	json.NewEncoder(os.Stdout).Encode(x)
	return 0
}

// run connects the clients, each of which says a line and hears it, calls between,
// has the active ones talk, and has the idle ones talk once more.
func (x *crowd) run(between func()) {
	var mu sync.Mutex
	fail := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if x.Failed == "" {
			x.Failed = err.Error()
		}
	}
	var lines atomic.Int64
	say := func(c net.Conn, id, n int) bool {
		want := line(id, n)
		c.SetDeadline(time.Now().Add(time.Minute))
		got := make([]byte, len(want))
		_, err := io.WriteString(c, want)
		if err == nil {
			_, err = io.ReadFull(c, got)
		}
		if err == nil && string(got) != want {
			err = fmt.Errorf("%q came back for %q", got, want)
		}
		if err != nil {
			fail(err)
			return false
		}
		lines.Add(1)
		return true
	}
	conns := make([]net.Conn, x.Idle+x.Active)
	gate := make(chan struct{}, 64)
	var all sync.WaitGroup
	for id := range conns {
		all.Add(1)
		gate <- struct{}{}
		go func() {
			defer all.Done()
			defer func() { <-gate }()
			c, err := net.Dial("tcp", x.Addr)
			if err != nil {
				fail(err)
				return
			}
			conns[id] = c
			say(c, id, 0)
		}()
	}
	all.Wait()
	between()
	for id, c := range conns {
		if c == nil {
			continue
		}
		rounds := x.Rounds
		if id < x.Idle {
			rounds = 1
		}
		all.Add(1)
		go func() {
			defer all.Done()
			defer c.Close()
			for n := range rounds {
				if !say(c, id, n+1) {
					return
				}
			}
		}()
	}
	all.Wait()
	x.Lines = lines.Load()
}

// startPeer starts this test's program as another process.
func startPeer(t *testing.T, role string) (in io.WriteCloser, out *bufio.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "INFORMANT_TEST_PEER="+role)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the %s: %v", role, err)
		}
	})
	return in, bufio.NewReader(stdout)
}

// TestMany: many clients that are connected, most of them idle. Nothing of them is
// lost or crossed, an idle one costs little memory, and nothing is left of them.
func TestMany(t *testing.T) {
	idle, active := 500, 100
	if os.Getenv("INFORMANT_SOAK") != "" {
		idle, active = 8000, 1000
	}
	leavesNothing(t)
	_, from := startPeer(t, "server")
	up, err := from.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	x := crowd{Idle: idle, Active: active, Rounds: 200}
	p := start(t, strings.TrimSpace(up))
	before := memory()
	goroutines := runtime.NumGoroutine()
	to, out := startPeer(t, "clients")
	x.Addr = p.addr
	if err := json.NewEncoder(to).Encode(x); err != nil {
		t.Fatal(err)
	}
	if s, err := out.ReadString('\n'); err != nil || s != "connected\n" {
		t.Fatal(s, err)
	}
	if n := p.Open(); n != idle+active {
		t.Errorf("%d connections are open", n)
	}
	each := int64(memory()-before) / int64(idle+active)
	t.Logf("%d connections, each of which takes %d bytes here while it is idle", p.Open(), each)
	if each > 48<<10 {
		t.Errorf("a connection that is idle takes %d bytes", each)
	}
	json.NewEncoder(to).Encode("go on")
	if err := json.NewDecoder(out).Decode(&x); err != nil {
		t.Fatal(err)
	}
	if want := int64(idle*2 + active*(x.Rounds+1)); x.Failed != "" || x.Lines != want {
		t.Errorf("%d lines came back of %d; %s", x.Lines, want, x.Failed)
	}
	p.ended(t)
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > goroutines && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines, then %d", goroutines, n)
	}
	p.stop()
	p.whole(t, idle+active)
}

// whole wants a number of connections told, all of each.
func (r *running) whole(t *testing.T, conns int) {
	t.Helper()
	if n := len(r.seen.order); n != conns {
		t.Errorf("%d connections told of %d", n, conns)
	}
	for _, c := range r.seen.order {
		if string(c.bytes[0]) != string(c.bytes[1]) || c.lost != [2]int64{} || len(c.closes) != 2 {
			t.Errorf("told of %v: %d and %d bytes, %v lost, ends %v", c.conn.Client, len(c.bytes[0]), len(c.bytes[1]), c.lost, c.closes)
		}
	}
}

// memory is what the heap and the stacks take.
func memory() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
