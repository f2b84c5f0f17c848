package tlsread

import (
	"crypto/tls"
	"strings"

	"golang.org/x/crypto/cryptobyte"

	"informant/capture"
)

// The record types and handshake messages that are read (RFC 8446 5.1, B.3).
const (
	changeCipherSpec = 20
	alert            = 21
	handshake        = 22
	applicationData  = 23

	clientHello = 1
	serverHello = 2
	certificate = 11

	extServerName = 0
	extALPN       = 16
	extVersions   = 43
)

const (
	mostBytes  = 256 << 10 // of a side's handshake
	mostCerts  = 10
	headerSize = 5
)

// conn is a handshake that goes on.
type conn struct {
	sides [2]side // by capture.Direction
	sure  bool    // it is TLS
	done  bool    // there is nothing more to read, and facts says what was; nil: it is no TLS
	facts *capture.TLS

	hello     bool // the client's was read
	session   string
	certified bool // the server sent a certificate
}

// side is what a side sent.
type side struct {
	raw      []byte // records that are not whole
	messages []byte // handshake messages that are not whole
	cipher   bool   // it has sent ChangeCipherSpec: what follows can't be read
}

// held is how many bytes are kept that are not whole.
func (c *conn) held() (n int) {
	for i := range c.sides {
		n += len(c.sides[i].raw) + len(c.sides[i].messages)
	}
	return n
}

// data takes bytes of a side.
func (c *conn) data(from capture.Direction, b []byte) {
	if c.done || from > capture.FromServer {
		return
	}
	s := &c.sides[from]
	s.raw = append(s.raw, b...)
	if !c.sure && !c.begins(from) {
		return
	}
	for !c.done && len(s.raw) >= headerSize {
		size := int(s.raw[3])<<8 | int(s.raw[4])
		if len(s.raw) < headerSize+size {
			break
		}
		c.record(from, s.raw[0], s.raw[headerSize:headerSize+size])
		s.raw = s.raw[headerSize+size:]
	}
	if len(s.raw)+len(s.messages) > mostBytes {
		c.done = true
	}
}

// begins says whether the connection begins as TLS does, as far as it has come.
func (c *conn) begins(from capture.Direction) bool {
	b := c.sides[from].raw
	const wanted = 6
	if from != capture.FromClient {
		c.done = true // the client speaks first
		return false
	}
	if b[0] != handshake || len(b) > 1 && b[1] != 3 || len(b) >= wanted && b[5] != clientHello {
		c.done = true
		return false
	}
	if len(b) < wanted {
		return false
	}
	c.sure, c.facts = true, &capture.TLS{}
	return true
}

// record takes a whole record.
func (c *conn) record(from capture.Direction, typ byte, body []byte) {
	s := &c.sides[from]
	switch typ {
	case handshake:
		if s.cipher {
			return
		}
		s.messages = append(s.messages, body...)
		c.messages(from)
	case alert:
		if !s.cipher && len(body) == 2 {
			c.alerted(from, body[0], body[1])
		}
	case changeCipherSpec:
		s.cipher = true
		if c.sides[from^1].cipher && c.facts.Version != 0 { // of one side alone, the other may still refuse its certificate
			c.agreed()
		}
	case applicationData:
		if c.facts.Version != 0 {
			c.agreed()
		} else {
			c.done = true
		}
	default:
		c.done = true
	}
}

// agreed ends a handshake that went well.
func (c *conn) agreed() {
	c.done = true
	c.facts.Resumed = c.facts.Resumed && !c.certified
}

// messages takes the whole handshake messages of a side.
func (c *conn) messages(from capture.Direction) {
	s := &c.sides[from]
	for len(s.messages) >= 4 {
		size := int(s.messages[1])<<16 | int(s.messages[2])<<8 | int(s.messages[3])
		if size > mostBytes {
			c.done = true
			return
		}
		if len(s.messages) < 4+size {
			return
		}
		typ, body := s.messages[0], cryptobyte.String(s.messages[4:4+size])
		s.messages = s.messages[4+size:]
		switch {
		case typ == clientHello && from == capture.FromClient:
			c.clientHello(body)
		case typ == serverHello && from == capture.FromServer:
			c.serverHello(body)
		case typ == certificate:
			c.certificates(from, body)
		}
	}
}

// clientHello is RFC 8446 4.1.2. What is not whole is left out.
func (c *conn) clientHello(b cryptobyte.String) {
	var version uint16
	var session, suites, compressions, extensions cryptobyte.String
	if c.hello || !b.ReadUint16(&version) || !b.Skip(32) || !b.ReadUint8LengthPrefixed(&session) || !b.ReadUint16LengthPrefixed(&suites) {
		return
	}
	c.hello, c.session = true, string(session)
	c.facts.Offered = []uint16{version}
	c.facts.Suites = numbers(suites)
	if !b.ReadUint8LengthPrefixed(&compressions) || !b.ReadUint16LengthPrefixed(&extensions) {
		return
	}
	each(extensions, func(typ uint16, body cryptobyte.String) {
		switch typ {
		case extServerName:
			c.facts.Name = serverName(body)
		case extVersions:
			var list cryptobyte.String
			if body.ReadUint8LengthPrefixed(&list) {
				c.facts.Offered = real(numbers(list))
			}
		}
	})
}

// serverHello is RFC 8446 4.1.3.
func (c *conn) serverHello(b cryptobyte.String) {
	var version, suite uint16
	var compression uint8
	var session, extensions cryptobyte.String
	if !b.ReadUint16(&version) || !b.Skip(32) || !b.ReadUint8LengthPrefixed(&session) || !b.ReadUint16(&suite) || !b.ReadUint8(&compression) {
		return
	}
	c.facts.Version, c.facts.Suite = version, suite
	c.facts.Resumed = len(session) > 0 && string(session) == c.session
	if !b.ReadUint16LengthPrefixed(&extensions) {
		return
	}
	each(extensions, func(typ uint16, body cryptobyte.String) {
		switch typ {
		case extVersions:
			if body.ReadUint16(&version) {
				c.facts.Version = version
			}
		case extALPN:
			var list, name cryptobyte.String
			if body.ReadUint16LengthPrefixed(&list) && list.ReadUint8LengthPrefixed(&name) {
				c.facts.ALPN = string(name)
			}
		}
	})
	if c.facts.Version >= tls.VersionTLS13 { // the session's echo says nothing there, and all that follows is encrypted
		c.facts.Resumed = false
	}
}

// certificates is RFC 5246 7.4.2.
func (c *conn) certificates(from capture.Direction, b cryptobyte.String) {
	var list cryptobyte.String
	if !b.ReadUint24LengthPrefixed(&list) {
		return
	}
	var chain [][]byte
	for len(list) > 0 && len(chain) < mostCerts {
		var der cryptobyte.String
		if !list.ReadUint24LengthPrefixed(&der) {
			break
		}
		chain = append(chain, append([]byte(nil), der...))
	}
	if from == capture.FromServer {
		c.facts.Chain, c.certified = chain, true
	} else {
		c.facts.ClientChain = chain
	}
}

// alerted takes an alert in clear. A warning changes nothing, but for close_notify.
func (c *conn) alerted(from capture.Direction, level, description byte) {
	const fatal, closeNotify = 2, 0
	if level != fatal && description != closeNotify {
		return
	}
	c.facts.Alert = alertName(description)
	c.broken(from, "the "+from.String()+" broke it off: "+c.facts.Alert)
}

func (c *conn) broken(from capture.Direction, why string) {
	c.done = true
	c.facts.Failed, c.facts.By = why, capture.Client
	if from == capture.FromServer {
		c.facts.By = capture.Server
	}
}

// lost takes word of bytes that were not seen. What was read so far stands, and nobody
// is said to have broken it off.
func (c *conn) lost() { c.done = true }

// over takes the end of a side.
func (c *conn) over(from capture.Direction, why capture.End) {
	if c.hello && !c.done && (why == capture.FIN || why == capture.RST) {
		c.broken(from, "the "+from.String()+" closed the connection during the handshake")
	}
	c.done = true
}

// numbers are the 16-bit numbers in a list.
func numbers(b cryptobyte.String) (list []uint16) {
	var n uint16
	for b.ReadUint16(&n) {
		list = append(list, n)
	}
	return list
}

// real is a list of versions without those that only keep servers from being intolerant
// (RFC 8701).
func real(list []uint16) (some []uint16) {
	for _, n := range list {
		if n&0x0f0f != 0x0a0a {
			some = append(some, n)
		}
	}
	return some
}

func each(extensions cryptobyte.String, f func(typ uint16, body cryptobyte.String)) {
	var typ uint16
	var body cryptobyte.String
	for extensions.ReadUint16(&typ) && extensions.ReadUint16LengthPrefixed(&body) {
		f(typ, body)
	}
}

// serverName is RFC 6066 3.
func serverName(b cryptobyte.String) string {
	var list, name cryptobyte.String
	var typ uint8
	if b.ReadUint16LengthPrefixed(&list) && list.ReadUint8(&typ) && typ == 0 && list.ReadUint16LengthPrefixed(&name) {
		return string(name)
	}
	return ""
}

// alertName is an alert's name, as crypto/tls has it: "unknown certificate authority".
func alertName(n byte) string { return strings.TrimPrefix(tls.AlertError(n).Error(), "tls: ") }
