package proxy

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"informant/capture"
)

// Proxy relays connections. Its fields are set before the first Serve and not
// changed afterwards. It may serve several listeners at once.
type Proxy struct {
	// Taps are what gets a copy of everything.
	Taps []*Tap
	// Log is told of what went wrong and of what an operator does; nil: nobody.
	Log *slog.Logger
	// DialTimeout is how long an ACS may take to accept: 10 s where it is 0.
	DialTimeout time.Duration
	// HeadTimeout is how long a client may take for what has to be known before it
	// can be relayed (the PROXY header, the target in forward mode, its ClientHello),
	// and either side for its handshake: 30 s where it is 0. Nothing else ever times
	// out: how long a session may be silent is the business of its ends.
	HeadTimeout time.Duration
	// Stats counts. It may be read at any time.
	Stats Stats

	conns atomic.Uint64 // the last Conn.ID

	mu   sync.Mutex
	open map[*relay]struct{}
	over chan struct{} // closed when the last of open ends, once somebody waits for it
}

// Route is where the connections of a listener go, and how. What finds out where
// (a fixed Upstream, Forward) stands here, so that another way, such as the
// address that a redirected client had called, is another field.
type Route struct {
	// Upstream is the ACS, "host:port", in reverse mode.
	Upstream string
	// Forward is forward mode; nil: reverse mode.
	Forward *Forward
	// AcceptProxy says that clients come through a balancer, which says who they
	// are in a header of the PROXY protocol, version 1 or 2.
	AcceptProxy bool
	// SendProxy is the version of the header that tells the ACS's side who the
	// client is, 1 or 2; 0: none.
	SendProxy byte
	// Terminate ends the client's TLS at the proxy; nil: what the client sends is
	// relayed as it is. In forward mode it ends the TLS inside of tunnels.
	Terminate *tls.Config
	// Originate gives the configuration that secures the upstream connection: to
	// the host of that name, for a client that presented that certificate, or
	// none; nil: it is plain.
	Originate func(name string, client *x509.Certificate) (*tls.Config, error)
	// Passthrough gives up on ending the TLS of some clients; nil: never.
	Passthrough *Passthrough
	// Edit gives what changes the bytes of a connection; nil, as what it returns may
	// be: nothing does.
	Edit func(*capture.Conn) Editor
}

// Editor changes what the two sides of a connection say before it is passed on.
// Taps get what its author said.
type Editor interface {
	// Edit returns what is passed on in the place of p, which it may change and
	// return. It is called in the order of the bytes, for the two directions at the
	// same time, and what it returns is used until its next call.
	Edit(from capture.Direction, p []byte) []byte
}

// Serve accepts connections from l and relays each until it ends. It returns when
// l is closed, which it does itself when ctx ends: connections that are open then
// go on (Drain). Several Serves may run at once.
func (p *Proxy) Serve(ctx context.Context, l net.Listener, to Route) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer l.Close()
	var pause time.Duration
	for {
		c, err := l.Accept()
		if err == nil {
			pause = 0
			r := p.begin(c, l, to)
			go r.run()
			continue
		}
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return nil
		}
		// Out of descriptors, or a client that was gone at once: others may do better.
		p.log().Error("a connection could not be accepted", "listener", l.Addr().String(), "error", err)
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

// Drain waits until all connections have ended, or ctx does: then those that are
// left are reset. It says how many those were. Serve has to have returned.
func (p *Proxy) Drain(ctx context.Context) (cut int) {
	p.mu.Lock()
	p.over = make(chan struct{})
	over := p.over
	if len(p.open) == 0 {
		close(over)
	}
	p.mu.Unlock()
	select {
	case <-over:
		return 0
	case <-ctx.Done():
	}
	p.mu.Lock()
	cut = len(p.open)
	for r := range p.open {
		r.drop()
	}
	p.mu.Unlock()
	<-over
	return cut
}

// Settle waits until the connections that are open have ended, for so long at
// most, while others may still come.
func (p *Proxy) Settle(limit time.Duration) {
	const often = 5 * time.Millisecond
	for end := time.Now().Add(limit); p.Open() > 0 && time.Now().Before(end); {
		time.Sleep(often)
	}
}

// Open is how many connections are open.
func (p *Proxy) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}

func (p *Proxy) headTimeout() time.Duration { return cmp.Or(p.HeadTimeout, 30*time.Second) }

func (p *Proxy) log() *slog.Logger {
	if p.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return p.Log
}

// begin makes the relay of a connection that was accepted.
func (p *Proxy) begin(client net.Conn, l net.Listener, to Route) *relay {
	r := &relay{p: p, route: to, accepted: time.Now(), point: "proxy " + l.Addr().String()}
	r.sides[capture.FromClient].conn = client
	r.conn = &capture.Conn{ID: p.conns.Add(1), Network: capture.TCP, Client: addrPort(client.RemoteAddr()), Point: r.point}
	p.Stats.Accepted.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		p.open = map[*relay]struct{}{}
	}
	p.open[r] = struct{}{}
	return r
}

// end forgets a relay that is over.
func (p *Proxy) end(r *relay) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, r)
	if p.over != nil && len(p.open) == 0 {
		select {
		case <-p.over:
		default:
			close(p.over)
		}
	}
}

// dial opens an upstream connection. allow, which may be nil, looks at the address
// first.
func (p *Proxy) dial(target string, allow func(network, address string, c syscall.RawConn) error) (net.Conn, error) {
	c, err := (&net.Dialer{Timeout: cmp.Or(p.DialTimeout, 10*time.Second), Control: allow}).Dial("tcp", target)
	if errors.Is(err, errForbidden) {
		return nil, fmt.Errorf("%s: %w", target, errForbidden)
	}
	if err != nil {
		return nil, fmt.Errorf("the ACS %s could not be reached: %w", target, err)
	}
	return c, nil
}
