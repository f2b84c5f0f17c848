package proxy

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"informant/capture"
)

// earlyConn is a connection of which the first bytes have been read already, to
// find out what to do with it. They come first.
type earlyConn struct {
	net.Conn
	early []byte
	at    time.Time     // when the first of them came
	limit time.Duration // for how long more waits
}

// NetConn is the connection underneath, as of a tls.Conn.
func (c *earlyConn) NetConn() net.Conn { return c.Conn }

func (c *earlyConn) Read(p []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(p, c.early)
		c.early = c.early[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// early is the client's connection as one whose first bytes can be looked at.
func (r *relay) early() *earlyConn {
	s := &r.sides[capture.FromClient]
	if e, ok := s.conn.(*earlyConn); ok {
		return e
	}
	e := &earlyConn{Conn: s.conn, limit: r.p.headTimeout()}
	r.replace(capture.FromClient, e)
	return e
}

// more reads on until enough says that it has what it needs, limit bytes have
// come, or the time is over.
func (c *earlyConn) more(limit int, enough func(b []byte) bool) error {
	_ = c.Conn.SetReadDeadline(time.Now().Add(c.limit))
	defer c.Conn.SetReadDeadline(time.Time{})
	buf := make([]byte, 4096)
	for !enough(c.early) {
		if len(c.early) >= limit {
			return errors.New("it is too long")
		}
		n, err := c.Conn.Read(buf[:min(len(buf), limit-len(c.early))])
		c.took(buf[:n])
		if err != nil && !enough(c.early) {
			return err
		}
	}
	return nil
}

// took adds bytes that were read.
func (c *earlyConn) took(b []byte) {
	if len(c.early) == 0 {
		c.at = time.Now()
	}
	c.early = append(c.early, b...)
}

// hello looks at a client's ClientHello, and leaves it to be read. It is nil when
// that can't be read.
func (c *earlyConn) hello() *tls.ClientHelloInfo {
	_ = c.Conn.SetReadDeadline(time.Now().Add(c.limit))
	defer c.Conn.SetReadDeadline(time.Time{})
	var seen bytes.Buffer
	var hello *tls.ClientHelloInfo
	// A handshake of which nothing is sent ends when the ClientHello is there.
	listener := &mute{Conn: c.Conn, r: io.TeeReader(c, &seen)}
	_ = tls.Server(listener, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		hello = h
		return nil, errHello
	}}).Handshake()
	rest := c.early
	c.early = nil
	c.took(seen.Bytes())
	c.early = append(c.early, rest...)
	return hello
}

var errHello = errors.New("that was all that was wanted")

// mute is a connection on which nothing is sent.
type mute struct {
	net.Conn
	r io.Reader
}

func (m *mute) Read(p []byte) (int, error)  { return m.r.Read(p) }
func (m *mute) Write(p []byte) (int, error) { return len(p), nil }
func (m *mute) Close() error                { return nil }
