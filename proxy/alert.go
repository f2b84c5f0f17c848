package proxy

import (
	"crypto/tls"
	"net"
)

// alertConn remembers the last bytes of a handshake that came. With TLS 1.3 some
// clients (OpenSSL's) send the alert with which they refuse a certificate in
// clear, where it ought to be encrypted: to crypto/tls that is a damaged record,
// and the reason would be lost.
type alertConn struct {
	net.Conn
	last [7]byte
	n    int
}

// NetConn is the connection underneath, as of a tls.Conn.
func (c *alertConn) NetConn() net.Conn { return c.Conn }

func (c *alertConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	for _, b := range p[max(0, n-len(c.last)):max(n, 0)] {
		copy(c.last[:], c.last[1:])
		c.last[len(c.last)-1] = b
		c.n++
	}
	return n, err
}

// alert is the alert that the last bytes are, in clear; "" where they are none
// (RFC 8446 section 6).
func (c *alertConn) alert() string {
	l := c.last
	if c.n < len(l) || l[0] != 21 || l[1] != 3 || l[3] != 0 || l[4] != 2 || l[5] != 1 && l[5] != 2 {
		return ""
	}
	return alertName(l[6])
}

// alertName is an alert's name as crypto/tls has it.
func alertName(code byte) string {
	text := tls.AlertError(code).Error()
	const prefix = "tls: "
	if len(text) > len(prefix) && text[:len(prefix)] == prefix {
		text = text[len(prefix):]
	}
	return text
}
