package replay

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"informant/capture"
	"informant/decode/cwmp"
	"informant/decode/http1"
)

// Tap is told what passes on a connection, as records. It may be nil.
type Tap func(capture.Record)

// wire is one end of a connection: it reads whole messages of the other end.
type wire struct {
	c        net.Conn
	me       capture.Direction
	http     http1.Assembler
	conn     *capture.Conn
	tap      Tap
	seq      uint64
	received []*http1.Message
	ended    [2]bool
	timeout  time.Duration
	uses     int // messages that were received
}

// wires counts them all, for the ids of connections.
var wires atomic.Uint64

func newWire(c net.Conn, me capture.Direction, timeout time.Duration, tap Tap) *wire {
	client, server := addrPort(c.LocalAddr()), addrPort(c.RemoteAddr())
	if me == capture.FromServer {
		client, server = server, client
	}
	now := time.Now()
	id := wires.Add(1)
	w := &wire{c: c, me: me, timeout: timeout, tap: tap, conn: &capture.Conn{ID: id, Network: capture.TCP, Client: client, Server: server,
		Identity: capture.NewIdentity(capture.TCP, client, server, now, fmt.Sprint("replay ", id)), Point: "replay"}}
	w.feed(capture.Record{Kind: capture.Open})
	return w
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
	w.seq++
	r.Seq, r.Time, r.Conn = w.seq, time.Now(), w.conn
	if w.tap != nil {
		w.tap(r)
	}
	for _, e := range w.http.Feed(r) {
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
	for len(w.received) == 0 {
		if size > largest {
			return nil, fmt.Errorf("a message of more than %d MB", largest>>20)
		}
		if w.ended[w.me.Opposite()] {
			return nil, errNoMore
		}
		if err := w.c.SetReadDeadline(time.Now().Add(w.timeout)); err != nil {
			return nil, err
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
	if !w.ended[d] {
		w.ended[d] = true
		w.feed(capture.Record{Kind: capture.Close, From: d, End: how, Both: w.ended[d.Opposite()]})
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
