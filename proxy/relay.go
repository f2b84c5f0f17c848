package proxy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"informant/capture"
)

// relay is one client connection and its upstream connection.
type relay struct {
	p        *Proxy
	route    Route
	point    string
	accepted time.Time
	conn     *capture.Conn
	sides    [2]side // by who sends

	// put holds the order of records: those of both directions go to the Taps one
	// after the other.
	put   sync.Mutex
	lanes []lane // by Tap
	over  [2]bool
	cut   bool // by Drain

	upstreamTLS *tls.Config
	called      net.Addr // the address that the client called
	host        string   // of the ACS
	absolute    string   // the "host:port" of an absolute target because of which it was connected
	answered    atomic.Bool
	caller      caller // for Route.Passthrough
	edit        Editor
}

// side is one of the two connections, and the direction of what it sends.
type side struct {
	conn net.Conn
	kill sync.Once
}

// bufferBytes is what is read at a time.
const bufferBytes = 32 << 10

var buffers = sync.Pool{New: func() any { return new([bufferBytes]byte) }}

// run relays until both directions have ended.
func (r *relay) run() {
	defer r.p.end(r)
	if !r.connect() || !r.secure() {
		return
	}
	if r.route.Edit != nil {
		r.edit = r.route.Edit(r.conn)
	}
	var back sync.WaitGroup
	back.Add(1)
	go func() {
		defer back.Done()
		r.pump(capture.FromServer)
	}()
	r.pump(capture.FromClient)
	back.Wait()
	for i := range r.sides {
		r.sides[i].conn.Close()
	}
	r.p.Stats.Ended.Add(1)
}

// connect opens the upstream connection. It is false, and all is told and closed,
// where there is none.
func (r *relay) connect() bool {
	r.called = r.calledAt()
	if r.route.AcceptProxy {
		if err := r.introduced(); err != nil {
			r.refused(err)
			return false
		}
	}
	target, allow := r.route.Upstream, func(string, string, syscall.RawConn) error { return nil }
	var a asked
	if r.route.Forward != nil {
		var err error
		if a, err = r.ask(); err != nil {
			r.refused(err)
			return false
		}
		if target, allow = a.target, r.permit(a); allow == nil {
			r.refused(fmt.Errorf("%s: %w", target, errForbidden))
			return false
		}
	}
	r.host, _, _ = net.SplitHostPort(target)
	upstream, err := r.p.dial(target, allow)
	if err != nil {
		r.refused(err)
		return false
	}
	if !r.connected(upstream) {
		return false
	}
	r.opened(addrPort(upstream.RemoteAddr()))
	if r.route.SendProxy != 0 {
		err = r.introduce(upstream)
	}
	if a.connect && err == nil {
		err = r.tunnel(a)
	} else if a.target != "" {
		r.absolute = a.target
	}
	if err != nil {
		r.p.log().Error("a connection ended before anything was relayed", "client", r.conn.Client.String(), "error", err)
		r.broken(capture.FromServer)
	}
	return err == nil
}

// connected takes the upstream connection; false says that Drain has given the
// client's up meanwhile.
func (r *relay) connected(upstream net.Conn) bool {
	r.p.mu.Lock() // drop looks at both sides
	defer r.p.mu.Unlock()
	r.put.Lock()
	defer r.put.Unlock()
	if r.cut {
		upstream.Close()
		return false
	}
	r.sides[capture.FromServer].conn = upstream
	return true
}

// opened tells that the connection is there. Its time is when the client was
// accepted.
func (r *relay) opened(server netip.AddrPort) {
	r.conn.Server = server
	r.conn.Identity = capture.NewIdentity(capture.TCP, r.conn.Client, server, r.accepted, r.point)
	r.record(capture.Record{Time: r.accepted, Kind: capture.Open})
}

// refused tells a client that can't be connected: by a reset, at once, and in
// forward mode by an answer.
func (r *relay) refused(err error) {
	r.p.Stats.Refused.Add(1)
	r.p.log().Error("the upstream connection failed", "client", r.conn.Client.String(), "error", err)
	r.opened(addrPort(r.calledAt()))
	client := r.sides[capture.FromClient].conn
	if e, ok := client.(*earlyConn); ok && len(e.early) > 0 {
		r.record(capture.Record{Time: e.at, From: capture.FromClient, Kind: capture.Data, Data: e.early})
	}
	if b := unread(client, requestLimit); len(b) > 0 { // it was sent to nobody
		r.record(capture.Record{Time: time.Now(), From: capture.FromClient, Kind: capture.Data, Data: b})
	}
	r.record(capture.Record{Time: time.Now(), From: capture.FromServer, Kind: capture.Remark, Text: err.Error()})
	if r.route.Forward != nil {
		r.decline(err)
	}
	r.close(capture.FromServer, capture.RST)
	r.reset()
}

// pump passes on what one side sends, until it ends.
func (r *relay) pump(from capture.Direction) {
	conn := r.sides[from].conn
	if e, ok := conn.(*earlyConn); ok {
		if len(e.early) > 0 && !r.pass(from, e.at, e.early) {
			return
		}
		e.early, conn = nil, e.Conn
	}
	read := newReader(conn)
	for {
		n, at, buf, err := read.next()
		if n > 0 {
			ok := r.pass(from, at, buf[:n])
			read.done(buf)
			if !ok {
				return
			}
		}
		if err != nil {
			if (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) && !r.wasReset(from) { // the latter: TLS without its last word
				r.finished(from)
			} else {
				r.broken(from)
			}
			return
		}
	}
}

// pass records bytes and passes them on. It is false when the connection is over.
func (r *relay) pass(from capture.Direction, at time.Time, b []byte) bool {
	if r.absolute != "" {
		if from == capture.FromServer {
			r.answered.Store(true)
		} else if r.answered.Swap(false) && r.strays(b) {
			r.leave(b)
			return false
		}
	}
	r.p.Stats.Bytes[from].Add(int64(len(b)))
	r.record(capture.Record{Time: at, From: from, Kind: capture.Data, Data: b})
	if r.edit != nil {
		b = r.edit.Edit(from, b)
	}
	_, err := r.sides[from.Opposite()].conn.Write(b)
	r.p.Stats.observe(time.Since(at))
	if err != nil { // nobody takes it any more: the other side reset its connection
		r.broken(from.Opposite())
	}
	return err == nil
}

// wasReset says whether the end that was read on a side is a reset: a write to it,
// at the same time, may have been told of that, and then a read is not.
func (r *relay) wasReset(side capture.Direction) bool {
	r.put.Lock()
	defer r.put.Unlock()
	if r.over[side] { // which only a reset was before this end
		return true
	}
	// Where the proxy has ended its own direction, too, TCP is done either way.
	return !r.over[side.Opposite()] && isClosed(r.sides[side].conn)
}

// finished passes on that a side has sent all it had.
func (r *relay) finished(from capture.Direction) {
	r.close(from, capture.FIN)
	if err := closeWrite(r.sides[from.Opposite()].conn); err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, syscall.ENOTCONN) {
		r.broken(from.Opposite())
	}
}

// broken passes on that a side has reset its connection, or that it is lost.
func (r *relay) broken(side capture.Direction) {
	r.close(side, capture.RST)
	r.reset()
}

// close records the end of a direction, once. A reset ends both, and so does the
// end of the second one.
func (r *relay) close(from capture.Direction, end capture.End) {
	r.put.Lock()
	defer r.put.Unlock()
	both := end == capture.RST || r.over[from.Opposite()]
	if end == capture.RST && r.cut {
		end = capture.Evicted
	}
	if r.over[from] && (!both || r.over[from.Opposite()]) {
		return
	}
	r.over[from] = true
	r.over[from.Opposite()] = both
	r.tell(capture.Record{Time: time.Now(), From: from, Kind: capture.Close, End: end, Both: both})
}

// drop ends a relay that Drain doesn't wait for any longer. Proxy.mu is held.
func (r *relay) drop() {
	r.put.Lock()
	r.cut = true
	r.put.Unlock()
	r.reset()
}

// reset ends both connections so that their peers see a reset.
func (r *relay) reset() {
	for i := range r.sides {
		s := &r.sides[i]
		if s.conn == nil {
			continue
		}
		s.kill.Do(func() {
			if t := tcpOf(s.conn); t != nil {
				_ = t.SetLinger(0)
				t.Close()
			}
			s.conn.Close()
		})
	}
}

// record hands a record to the Taps.
func (r *relay) record(rec capture.Record) {
	r.put.Lock()
	defer r.put.Unlock()
	r.tell(rec)
}

// tell hands a record to the Taps; put is held.
func (r *relay) tell(rec capture.Record) {
	if r.lanes == nil && len(r.p.Taps) > 0 {
		r.lanes = make([]lane, len(r.p.Taps))
	}
	rec.Conn = r.conn
	for i, t := range r.p.Taps {
		t.put(&r.lanes[i], rec)
	}
}

// closer is a connection of which one direction can be ended.
type closer interface{ CloseWrite() error }

func closeWrite(c net.Conn) error {
	w, ends := c.(closer)
	on, stands := c.(netConn)
	if !ends && !stands {
		return c.Close()
	}
	var err error
	if ends {
		err = w.CloseWrite()
	}
	if stands { // TLS has said its last word; so does TCP
		err = errors.Join(err, closeWrite(on.NetConn()))
	}
	return err
}

// netConn is a connection that stands on another one, as a *tls.Conn does.
type netConn interface{ NetConn() net.Conn }

// tcpOf is the TCP connection that c is, or stands on.
func tcpOf(c net.Conn) *net.TCPConn {
	for {
		switch x := c.(type) {
		case *net.TCPConn:
			return x
		case netConn:
			c = x.NetConn()
		default:
			return nil
		}
	}
}

// addrPort is an address as records have it: an IPv4 address is one, whatever
// the socket's family.
func addrPort(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := t.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
