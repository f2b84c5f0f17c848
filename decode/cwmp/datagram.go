package cwmp

import (
	"encoding/binary"
	"net/url"
	"strings"
	"time"

	"informant/capture"
)

// Datagram is a UDP datagram of TR-069 Annex G: a connection request, what answers one,
// or STUN. One of Request and Binding is there, or neither.
type Datagram struct {
	Conn    *capture.Conn // Client sent it
	Time    time.Time
	Packet  uint64
	Text    string // its bytes
	Request *UDPRequest
	Binding *Binding
	Device  DeviceID // whose address it goes to, of a request, or comes from; zero unknown
}

// UDPRequest is a UDP connection request (TR-069 Annex G): an HTTP GET without a body,
// by which the ACS calls a CPE behind a NAT.
type UDPRequest struct {
	Method, Target, Version string
	Fields                  map[string][]string // ts, id, un, cn, sig of the query, as often as they are there
	Whole                   bool                // the empty line behind its head is there
	Body                    int                 // bytes behind that
}

// Value is a field of the query; "" where it isn't there.
func (r *UDPRequest) Value(name string) string {
	if v := r.Fields[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Binding is a STUN message (RFC 3489 11).
type Binding struct {
	Type       uint16 // 0x0001 request, 0x0101 response, 0x0111 error
	ID         string // of the transaction, 16 bytes
	Attributes []BindingAttribute
}

// BindingAttribute is an attribute of a STUN message.
type BindingAttribute struct {
	Type  uint16
	Value string
}

// The attributes of TR-069 Annex G.
const (
	ConnectionRequestBinding = 0xc001
	BindingChange            = 0xc002
)

// parseDatagram reads a datagram as far as it can be.
func parseDatagram(d *Datagram) {
	if b, ok := parseBinding(d.Text); ok {
		d.Binding = b
		return
	}
	line, rest, _ := strings.Cut(d.Text, "\n")
	words := strings.Fields(strings.TrimRight(line, "\r"))
	if len(words) != 3 || !strings.HasPrefix(words[2], "HTTP/") {
		return
	}
	r := &UDPRequest{Method: words[0], Target: words[1], Version: words[2], Fields: map[string][]string{}}
	_, query, _ := strings.Cut(words[1], "?")
	for _, pair := range strings.Split(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if v, err := url.QueryUnescape(value); err == nil {
			value = v
		}
		r.Fields[name] = append(r.Fields[name], value)
	}
	for rest != "" {
		line, rest, _ = strings.Cut(rest, "\n")
		if strings.TrimRight(line, "\r") == "" {
			r.Whole = true
			break
		}
	}
	r.Body = len(rest)
	d.Request = r
}

func parseBinding(text string) (*Binding, bool) {
	const head = 20
	b := []byte(text)
	if len(b) < head || b[0]&0xfe != 0 || int(binary.BigEndian.Uint16(b[2:])) != len(b)-head {
		return nil, false
	}
	s := &Binding{Type: binary.BigEndian.Uint16(b), ID: text[4:head]}
	for b = b[head:]; len(b) >= 4; {
		n := int(binary.BigEndian.Uint16(b[2:]))
		if n > len(b)-4 {
			break
		}
		s.Attributes = append(s.Attributes, BindingAttribute{binary.BigEndian.Uint16(b), string(b[4 : 4+n])})
		b = b[min(4+(n+3)&^3, len(b)):]
	}
	return s, true
}
