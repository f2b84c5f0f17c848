package http1

import (
	"bytes"
	"strings"

	"informant/capture"
)

// xmpp finds the stanzas of an XMPP stream (RFC 6120) that is in clear: those of kind iq,
// by which an ACS may call a CPE (TR-069 Annex K).
type xmpp struct {
	sure bool      // it is one
	rest [2][]byte // by capture.Direction: what is not a whole stanza yet
}

const mostStanza = 16 << 10 // bytes; what is longer is none of Annex K

// mostOpening is how far into a side its stream has to begin.
const mostOpening = 1024

// opens takes the first bytes of a side. It is sure once a stream has begun; not while it
// may yet, and gone once it can't.
func (x *xmpp) opens(d capture.Direction, data []byte) (sure, gone bool) {
	x.rest[d] = append(x.rest[d], data[:min(len(data), mostOpening)]...)
	for _, b := range x.rest {
		if len(b) > 0 && b[0] != '<' {
			return false, true
		}
		if bytes.Contains(b, []byte("<stream:stream")) {
			return true, false
		}
	}
	return false, len(x.rest[d]) >= mostOpening
}

// feed takes bytes of a side, and calls f with each iq.
func (x *xmpp) feed(d capture.Direction, data []byte, f func(d capture.Direction, iq string)) {
	b := append(x.rest[d], data...)
	for {
		i := bytes.Index(b, []byte("<iq"))
		if i < 0 {
			b = b[max(0, len(b)-2):]
			break
		}
		b = b[i:]
		n := stanza(b)
		if n == 0 {
			break
		}
		f(d, string(b[:n]))
		b = b[n:]
	}
	if len(b) > mostStanza {
		b = nil
	}
	x.rest[d] = append(x.rest[d][:0], b...)
}

// stanza is how long the iq is that b begins with; 0 where it isn't whole.
func stanza(b []byte) int {
	head := bytes.IndexByte(b, '>')
	if head < 0 {
		return 0
	}
	if b[head-1] == '/' {
		return head + 1
	}
	const end = "</iq>"
	if i := strings.Index(string(b), end); i >= 0 {
		return i + len(end)
	}
	return 0
}

// xmppData takes bytes of a connection that is an XMPP stream, or may be one.
func (c *conn) xmppData(d capture.Direction, data []byte) {
	tell := func(d capture.Direction, iq string) { c.emit(Event{Kind: StanzaSeen, From: d, Bytes: iq}) }
	if c.xmpp.sure {
		c.xmpp.feed(d, data, tell)
		return
	}
	sure, gone := c.xmpp.opens(d, data)
	switch {
	case gone || c.sure:
		c.xmpp = nil
	case sure:
		c.decide(Foreign)
		c.xmpp.sure = true
		for d := range c.xmpp.rest {
			c.xmpp.feed(capture.Direction(d), nil, tell)
		}
		if len(data) > mostOpening {
			c.xmpp.feed(d, data[mostOpening:], tell)
		}
	}
}
