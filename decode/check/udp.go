package check

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"informant/decode/cwmp"
	"informant/decode/history"
)

// datagrams is the checks of connection requests over UDP, and of the STUN that keeps a
// CPE's address open for them (TR-069 Annex G).
var datagrams = []*Check{
	{
		ID: "CR-019", Title: "A UDP connection request is a GET of HTTP/1.1 with ts, id, un, cn and sig", Ref: "TR-069a6 Annex G", Severity: Error, Subject: OfConnectionRequest, datagram: true, Run: udpForm,
		Doc: "Each of them once, and without a body. A CPE drops what is otherwise.",
	},
	{
		ID: "CR-020", Title: "The signature of a UDP connection request is right", Ref: "TR-069a6 Annex G", Severity: Error, Subject: OfConnectionRequest, datagram: true, Run: udpSignature,
		Doc: "sig is the HMAC-SHA1 of ts, id, un and cn behind each other, in 40 hexadecimal digits, with ConnectionRequestPassword as its key. It is computed where a profile of one's own gives that user's password, and else looked at for its form.",
	},
	{
		ID: "CR-021", Title: "Copies of a UDP connection request are alike, and another one has another id and no older ts", Ref: "TR-069a6 Annex G", Severity: Error, Gates: GoodClock, Subject: OfConnectionRequest, datagram: true, Run: udpCopies,
		Doc: "By them a CPE knows that it was called already. Within a minute.",
	},
	{
		ID: "CR-022", Title: "A CPE doesn't answer a UDP connection request, and acts on it once", Ref: "TR-069a6 Annex G", Severity: Error, Subject: OfConnectionRequest, datagram: true, sessions: true, course: wasCalled, Run: udpAnswered,
		Doc: "There is no answer in Annex G. Two sessions with 6 CONNECTION REQUEST because of one id are told of the second one.",
	},
	{
		ID: "CR-023", Title: "STUN from the address for connection requests has CONNECTION-REQUEST-BINDING first", Ref: "TR-069a6 Annex G", Severity: Warning, Subject: OfConnectionRequest, datagram: true, Run: udpBinding,
		Doc: "Attribute 0xC001 with the text \"dslforum.org/TR-111 \", so that the server knows for what the address is.",
	},
}

// udpSeen is what is known of an address for UDP connection requests.
type udpSeen struct {
	at          time.Time
	ts, id, all string // of the last one; all: ts, id, un, cn, sig and the target
	caller      netip.AddrPort
	bound       bool // it has sent STUN with CONNECTION-REQUEST-BINDING
}

// judgeDatagram runs the checks of datagrams.
func (c *Checker) judgeDatagram(d *cwmp.Datagram) {
	if d.Time.After(c.latest) {
		c.latest = d.Time
		c.heard()
	}
	c.begin(c.aside([16]byte{}), nil, nil)
	c.pass.datagram, c.pass.secrets = d, c.Secrets
	at := d.Conn.Server
	if d.Request == nil {
		at = d.Conn.Client
	}
	seen, _ := c.udp.get(at)
	c.pass.udp = seen
	for _, k := range c.datagrams {
		c.pass.Check = k
		k.Run(&c.pass)
	}
	for i := range c.pass.out {
		c.pass.out[i].At.Packet = d.Packet
	}
	c.pass.datagram = nil
	c.out = append(c.out, c.pass.out...)
	switch {
	case d.Request != nil:
		id := d.Request.Value("id")
		if key := d.Device.Key(); key != "" && (id != seen.id || d.Time.Sub(seen.at) > callMinute) {
			c.remindOf(key, callSeen{at: d.Time, answered: d.Time, status: 200, udp: true})
		}
		seen.at, seen.ts, seen.id, seen.all, seen.caller = d.Time, d.Request.Value("ts"), id, udpWhole(d.Request), d.Conn.Client
		c.udp.put(at, seen)
	case d.Binding != nil && d.Binding.Type == 1:
		if !seen.bound && attribute(d.Binding, cwmp.ConnectionRequestBinding) >= 0 {
			seen.bound = true
			c.udp.put(at, seen)
		}
	}
}

func udpWhole(r *cwmp.UDPRequest) string {
	var b strings.Builder
	for _, name := range udpFields {
		b.WriteString(r.Value(name) + "\x00")
	}
	return b.String() + r.Target
}

var udpFields = []string{"ts", "id", "un", "cn", "sig"}

func udpForm(p *Pass) {
	r := p.datagram.Request
	if r == nil || !r.Whole {
		return
	}
	switch {
	case r.Method != "GET":
		p.report(ACS, nowhere, "The UDP connection request is a %s", short(r.Method))
	case r.Version != "HTTP/1.1":
		p.report(ACS, nowhere, "The UDP connection request is %s", short(r.Version))
	case r.Body > 0:
		p.report(ACS, nowhere, "The UDP connection request has a body of %s", plural(r.Body, "byte"))
	}
	for _, name := range udpFields {
		switch n := len(r.Fields[name]); {
		case n == 0:
			p.report(ACS, nowhere, "The UDP connection request has no %s", name)
		case n > 1:
			p.report(ACS, nowhere, "The UDP connection request has %s %d times", name, n)
		}
	}
}

func udpSignature(p *Pass) {
	r := p.datagram.Request
	if r == nil || !r.Whole || len(r.Fields["sig"]) != 1 {
		return
	}
	sig := r.Value("sig")
	if b, err := hex.DecodeString(sig); err != nil || len(b) != sha1.Size {
		p.report(ACS, nowhere, "sig has %s, and not 40 hexadecimal digits", plural(len(sig), "character"))
		return
	}
	password, known := p.secrets[r.Value("un")]
	if !known {
		return
	}
	h := hmac.New(sha1.New, []byte(password))
	h.Write([]byte(r.Value("ts") + r.Value("id") + r.Value("un") + r.Value("cn")))
	if !strings.EqualFold(hex.EncodeToString(h.Sum(nil)), sig) {
		p.report(ACS, nowhere, "sig is not that of the user %s with the known password", short(r.Value("un")))
	}
}

func udpCopies(p *Pass) {
	r, last := p.datagram.Request, p.udp
	if r == nil || !r.Whole || last.all == "" || p.datagram.Time.Sub(last.at) > callMinute || p.datagram.Time.Before(last.at) {
		return
	}
	switch {
	case r.Value("id") == last.id:
		if udpWhole(r) != last.all {
			p.report(ACS, nowhere, "The UDP connection request has the id of the one before, and is another")
		}
	default:
		before, err := strconv.ParseInt(last.ts, 10, 64)
		now, err2 := strconv.ParseInt(r.Value("ts"), 10, 64)
		if err == nil && err2 == nil && now < before {
			p.report(ACS, nowhere, "ts is %d, and was %d in the UDP connection request before", now, before)
		}
	}
}

func udpAnswered(p *Pass) {
	if p.datagram == nil { // of a session
		p.called(func(list []callSeen, in *cwmp.Inform, _ []history.Event) {
			d := p.f.past
			if d == nil || !d.Last.Good || !history.Has(d.Last.Events, "6 CONNECTION REQUEST") {
				return
			}
			calls := 0
			for i := range list {
				x := &list[i]
				if x.at.After(d.Last.Start) || !x.udp && d.Last.Start.Sub(x.at) <= callMinute {
					return
				}
				if d.Last.Start.Sub(x.at) <= callMinute {
					calls++
				}
			}
			if calls == 1 {
				p.reportPast(Error, CPE, p.atCode(in, "6 CONNECTION REQUEST", ""), []Ref{ofPast(&d.Last)}, "Another session with 6 CONNECTION REQUEST, and the one UDP connection request came before the session before")
			}
		})
		return
	}
	d, last := p.datagram, p.udp
	if d.Request == nil && d.Binding == nil && last.all != "" && d.Conn.Server == last.caller && d.Time.Sub(last.at) <= callMinute {
		p.report(CPE, nowhere, "The CPE answers the UDP connection request with %s", quote(d.Text[:min(len(d.Text), 40)]))
	}
}

const tr111 = "dslforum.org/TR-111 "

// attribute is where a STUN message has an attribute, -1 where it has none.
func attribute(b *cwmp.Binding, typ uint16) int {
	for i := range b.Attributes {
		if b.Attributes[i].Type == typ {
			return i
		}
	}
	return -1
}

func udpBinding(p *Pass) {
	b := p.datagram.Binding
	if b == nil || b.Type != 1 {
		return
	}
	switch i := attribute(b, cwmp.ConnectionRequestBinding); {
	case i < 0 && (p.udp.bound || p.udp.all != ""):
		p.report(CPE, nowhere, "The STUN request from the address for connection requests has no CONNECTION-REQUEST-BINDING")
	case i > 0:
		p.report(CPE, nowhere, "CONNECTION-REQUEST-BINDING is attribute %d of the STUN request, and not the first", i+1)
	case i == 0 && b.Attributes[0].Value != tr111:
		p.report(CPE, nowhere, "CONNECTION-REQUEST-BINDING is %s, and not %s", quote(b.Attributes[0].Value), quote(tr111))
	}
}
