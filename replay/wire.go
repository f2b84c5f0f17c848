package replay

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"informant/capture"
	"informant/decode/cwmp"
	"informant/decode/http1"
)

// Tap is told what passes on a connection, as records. It may be nil.
type Tap func(capture.Record)

// account tells what passes on a connection. It is safe for concurrent use.
type account struct {
	conn  *capture.Conn
	me    capture.Direction
	tap   Tap
	mu    sync.Mutex
	seq   uint64
	ended [2]bool
}

// accounts counts them all, for the ids of connections.
var accounts atomic.Uint64

func newAccount(c net.Conn, me capture.Direction, tap Tap) *account {
	client, server := addrPort(c.LocalAddr()), addrPort(c.RemoteAddr())
	if me == capture.FromServer {
		client, server = server, client
	}
	id := accounts.Add(1)
	return &account{me: me, tap: tap, conn: &capture.Conn{ID: id, Network: capture.TCP, Client: client, Server: server,
		Identity: capture.NewIdentity(capture.TCP, client, server, time.Now(), fmt.Sprint("replay ", id)), Point: "replay"}}
}

// tell tells a fact about the connection, and returns it in full.
func (a *account) tell(r capture.Record) capture.Record {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seq++
	r.Seq, r.Time, r.Conn = a.seq, time.Now(), a.conn
	if a.tap != nil {
		a.tap(r)
	}
	return r
}

// over notes that a direction has ended, and says whether it had before, and whether
// the other one has.
func (a *account) over(d capture.Direction) (before, both bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before = a.ended[d]
	a.ended[d] = true
	return before, a.ended[d.Opposite()]
}

// wire is one end of a connection: it reads whole messages of the other end.
type wire struct {
	*account
	c        net.Conn
	http     http1.Assembler
	received []*http1.Message
	timeout  time.Duration
	uses     int // messages that were received
}

func newWire(c net.Conn, me capture.Direction, timeout time.Duration, tap Tap) *wire {
	w := &wire{c: c, timeout: timeout, account: newAccount(c, me, tap)}
	w.feed(capture.Record{Kind: capture.Open})
	return w
}

// heard is a connection of which all that passes is told.
type heard struct {
	net.Conn
	*account
}

// hear tells of a connection to which others speak HTTP. With TLS, c is what is in
// clear.
func hear(c net.Conn, me capture.Direction, tap Tap) net.Conn {
	h := &heard{c, newAccount(c, me, tap)}
	h.tell(capture.Record{Kind: capture.Open})
	return h
}

func (h *heard) Read(b []byte) (int, error) {
	n, err := h.Conn.Read(b)
	if n > 0 {
		h.tell(capture.Record{Kind: capture.Data, From: h.me.Opposite(), Data: b[:n]})
	}
	if errors.Is(err, io.EOF) {
		h.end(h.me.Opposite())
	}
	return n, err
}

func (h *heard) Write(b []byte) (int, error) {
	n, err := h.Conn.Write(b)
	if n > 0 {
		h.tell(capture.Record{Kind: capture.Data, From: h.me, Data: b[:n]})
	}
	return n, err
}

func (h *heard) Close() error {
	h.end(h.me)
	h.end(h.me.Opposite())
	return h.Conn.Close()
}

func (h *heard) end(d capture.Direction) {
	if before, both := h.over(d); !before {
		h.tell(capture.Record{Kind: capture.Close, From: d, End: capture.FIN, Both: both})
	}
}

func addrPort(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(t.AddrPort().Addr().Unmap(), t.AddrPort().Port())
}

// feed takes a fact about the connection.
func (w *wire) feed(r capture.Record) {
	for _, e := range w.http.Feed(w.tell(r)) {
		switch {
		case e.Kind == http1.RequestSeen && w.me == capture.FromServer:
			w.received = append(w.received, e.Exchange.Request)
		case e.Kind == http1.ResponseSeen && w.me == capture.FromClient:
			w.received = append(w.received, e.Exchange.Response)
		}
	}
}

// send writes a message.
func (w *wire) send(b []byte) error {
	w.feed(capture.Record{Kind: capture.Data, From: w.me, Data: b})
	if err := w.c.SetWriteDeadline(time.Now().Add(w.timeout)); err != nil {
		return err
	}
	_, err := w.c.Write(b)
	return err
}

// errNoMore: the other end has closed the connection.
var errNoMore = errors.New("the other side closed it without an answer")

// largest is how many bytes of a message are waited for.
const largest = 64 << 20

// receive waits for the other end's next message.
func (w *wire) receive() (*http1.Message, error) {
	buf := make([]byte, 32<<10)
	size := 0
	if len(w.received) == 0 { // for all of it: nobody is to hold on to us a byte at a time
		if err := w.c.SetReadDeadline(time.Now().Add(w.timeout)); err != nil {
			return nil, err
		}
	}
	for len(w.received) == 0 {
		if size > largest {
			return nil, fmt.Errorf("a message of more than %d MB", largest>>20)
		}
		if w.ended[w.me.Opposite()] {
			return nil, errNoMore
		}
		n, err := w.c.Read(buf)
		size += n
		if n > 0 {
			w.feed(capture.Record{Kind: capture.Data, From: w.me.Opposite(), Data: buf[:n]})
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			w.end(w.me.Opposite(), capture.FIN)
		default:
			return nil, err
		}
	}
	m := w.received[0]
	w.received = w.received[1:]
	w.uses++
	if !m.Complete {
		return nil, fmt.Errorf("a message broke off after %d bytes", len(m.Raw))
	}
	return m, nil
}

// end tells that a direction has ended.
func (w *wire) end(d capture.Direction, how capture.End) {
	if before, both := w.over(d); !before {
		w.feed(capture.Record{Kind: capture.Close, From: d, End: how, Both: both})
	}
}

// close ends the connection, and waits a moment for the other side's end.
func (w *wire) close() {
	w.end(w.me, capture.FIN)
	if c, ok := w.c.(interface{ CloseWrite() error }); ok && c.CloseWrite() == nil && !w.ended[w.me.Opposite()] {
		_ = w.c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = w.c.Read(make([]byte, 1))
	}
	w.end(w.me.Opposite(), capture.FIN)
	w.c.Close()
}

// secured tells of a TLS handshake.
func (w *wire) secured(c *tls.Conn) {
	s := c.ConnectionState()
	facts := &capture.TLS{Leg: capture.UpstreamLeg, Version: s.Version, Suite: s.CipherSuite, ALPN: s.NegotiatedProtocol, Name: s.ServerName}
	if w.me == capture.FromServer {
		facts.Leg = capture.ClientLeg
	}
	for _, x := range s.PeerCertificates {
		facts.Chain = append(facts.Chain, x.Raw)
	}
	w.feed(capture.Record{Kind: capture.Handshake, From: w.me.Opposite(), TLS: facts})
}

// read decodes what a message holds: nil where it holds no method.
func read(m *http1.Message) *cwmp.Message {
	contentType, _ := m.Field("Content-Type")
	_, messages := cwmp.Parse(m.Body, contentType)
	if len(messages) == 0 {
		return nil
	}
	return messages[0]
}
