package proxy

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"net"

	"github.com/pires/go-proxyproto"

	"informant/capture"
)

// introduced reads the header with which a balancer says who the client is
// (https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt). It is no part of
// what the client says, and is not recorded.
func (r *relay) introduced() error {
	e := r.early()
	err := e.more(signedHeader+math.MaxUint16, introductionEnded)
	var h *proxyproto.Header
	if err == nil {
		in := bytes.NewReader(e.early)
		buffered := bufio.NewReaderSize(in, len(e.early))
		h, err = proxyproto.Read(buffered)
		if err == nil {
			e.early = e.early[len(e.early)-in.Len()-buffered.Buffered():]
		}
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

// signedHeader is the length of version 2's fixed part: signature, command, family
// and the length of the rest.
const signedHeader = 16

// introductionEnded says whether b holds a whole header, or begins with none: it
// may come in any number of segments.
func introductionEnded(b []byte) bool {
	const longest = 107 // of version 1
	switch {
	case len(b) == 0:
		return false
	case b[0] == proxyproto.SIGV1[0]:
		return len(b) >= longest || bytes.IndexByte(b, '\n') >= 0
	case b[0] == proxyproto.SIGV2[0]:
		return len(b) >= signedHeader && len(b)-signedHeader >= int(binary.BigEndian.Uint16(b[signedHeader-2:]))
	}
	return true
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
