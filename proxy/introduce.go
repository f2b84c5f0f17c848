package proxy

import (
	"bufio"
	"fmt"
	"net"
	"time"

	"github.com/pires/go-proxyproto"

	"informant/capture"
)

// introduced reads the header with which a balancer says who the client is
// (https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt). It is no part of
// what the client says, and is not recorded.
func (r *relay) introduced() error {
	e := r.early()
	_ = e.Conn.SetReadDeadline(time.Now().Add(headTimeout))
	defer e.Conn.SetReadDeadline(time.Time{})
	in := bufio.NewReader(e.Conn)
	h, err := proxyproto.Read(in)
	rest, _ := in.Peek(in.Buffered())
	if len(rest) > 0 {
		e.took(rest)
	}
	if err != nil {
		return fmt.Errorf("the connection from %s has no header of the PROXY protocol: %w", r.conn.Client, err)
	}
	if h.Command.IsLocal() || h.TransportProtocol.IsUnspec() { // the balancer itself, or it doesn't say
		return nil
	}
	if client := addrPort(h.SourceAddr); client.IsValid() {
		r.conn.Client = client
	}
	if a, ok := h.DestinationAddr.(*net.TCPAddr); ok {
		r.called = a
	}
	return nil
}

// introduce tells the ACS's side who the client is.
func (r *relay) introduce(upstream net.Conn) error {
	h := proxyproto.HeaderProxyFromAddrs(r.route.SendProxy, net.TCPAddrFromAddrPort(r.conn.Client), r.called)
	if _, err := h.WriteTo(upstream); err != nil {
		return fmt.Errorf("the PROXY header could not be sent to %s: %w", upstream.RemoteAddr(), err)
	}
	return nil
}

// calledAt is the address that the client called, as far as the socket knows.
func (r *relay) calledAt() net.Addr { return r.sides[capture.FromClient].conn.LocalAddr() }
