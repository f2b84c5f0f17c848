package check

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strings"

	"informant/capture"
	"informant/decode/cwmp"
	"informant/decode/history"
	"informant/decode/http1"
)

// secured is the checks of TLS: of handshakes that a proxy made, and of what is in clear
// of captured ones. What the proxy itself chose accuses nobody.
var secured = []*Check{
	{
		ID: "TLS-001", Title: "TLS is 1.2 or later", Ref: "TR-069a6 3.3, RFC 8996", Severity: Warning, Subject: OfConnection, secure: true, Run: oldTLS,
		Doc: "The older versions are broken. Accused is the CPE where it offered nothing better, and else the ACS. SSL 3.0 is an error of whoever chose it.",
	},
	{
		ID: "TLS-002", Title: "No suites without encryption, with RC4 or export keys, or without a certificate", Ref: "TR-069a6 3.3, RFC 7465", Severity: Warning, Subject: OfConnection, secure: true, Run: weakSuite,
		Doc: "Early amendments listed some of them as allowed, so this is no error.",
	},
	{
		ID: "TLS-003", Title: "The ACS's certificate is valid, and for its name", Ref: "TR-069a6 3.3", Severity: Warning, Subject: OfConnection, secure: true, Run: badCertificate,
		Doc: "Its dates are compared with the time of the capture, its names with the one that the CPE asked for. A CPE that goes on with a certificate for another name doesn't look at it.",
	},
	{
		ID: "TLS-004", Title: "The client's certificate names the device", Ref: "TR-069a6 3.3", Severity: Info, Subject: OfSession, course: overTLS, Run: otherCertificate,
		Doc: "Its CommonName is OUI-SerialNumber, or has the SerialNumber in it. One certificate for all devices proves nothing.",
	},
	{
		ID: "TLS-005", Title: "A device doesn't go back from https to http", Ref: "TR-069a6 3.3", Severity: Error, Gates: WholeSession | History, Subject: OfSession, course: wasSecure, Run: downgraded,
		Doc: "Its session before was over TLS with the same host, and neither the ACS nor a redirect sent it elsewhere.",
	},
	{
		ID: "TLS-006", Title: "The traffic can be read", Ref: "no standard", Severity: Info, Subject: OfConnection, secure: true, Run: opaque,
		Doc: "The connection is encrypted, and no keys are at hand: of what is in it nothing can be judged. The proxy can terminate TLS. Told once of two peers.",
	},
	{
		ID: "TLS-007", Title: "The client tells the server's name in its handshake", Ref: "RFC 6066 3", Severity: Info, Subject: OfConnection, secure: true, Run: noServerName,
		Doc: "A server that has several names needs it (SNI) to choose its certificate. Told for a connection to a server's name, or where no name at all is told.",
	},
	{
		ID: "CR-028", Title: "Connection requests go over plain HTTP", Ref: "TR-069a6 3.2.2", Severity: Warning, Subject: OfConnection, secure: true, Run: callSecured,
		Doc: "TLS was seen on a connection to where a device's ConnectionRequestURL points. A CPE needn't speak it there, and an ACS can't rely on it.",
	},
}

// judgeTLS runs the checks of TLS.
func (c *Checker) judgeTLS(e cwmp.Event) {
	h := e.HTTP
	if h == nil || h.TLS == nil && (h.Summary == nil || h.Summary.Protocol != http1.TLS) {
		return
	}
	c.begin(c.aside([16]byte{}), nil, nil)
	c.pass.secure, c.pass.at, c.pass.port = h, e.Time, c.fleet.port(h.Conn)
	for _, k := range c.secure {
		c.pass.Check = k
		k.Run(&c.pass)
	}
	c.pass.secure = nil
	for i := range c.pass.out {
		x := &c.pass.out[i]
		x.At.Packet = h.Packet
		if h.Conn != nil && h.Conn.Client.IsValid() && h.Conn.Server.IsValid() {
			x.Text += ": " + h.Conn.Client.Addr().Unmap().String() + " to " + h.Conn.Server.String()
		}
		if c.firstOf(x) {
			c.out = append(c.out, *x)
		}
	}
}

// firstOf says whether a finding about connections is told for the first time between
// two peers, which mostly make all of them alike.
func (c *Checker) firstOf(x *Finding) bool {
	key := x.Check.ID + " " + x.Party.String() + " " + x.Text
	if told, _ := c.peers.get(key); told {
		return false
	}
	c.peers.put(key, true)
	return true
}

// handshake calls f with a handshake that went well.
func (p *Pass) handshake(f func(t *capture.TLS)) {
	if t := p.secure.TLS; t != nil && t.Failed == "" {
		f(t)
	}
}

// nowhere is the place of what is about no message.
var nowhere = place{raw: -1}

func oldTLS(p *Pass) {
	p.handshake(func(t *capture.TLS) {
		best := t.Version
		if len(t.Offered) > 0 {
			best = slices.Max(t.Offered)
		}
		severity := Warning
		if t.Version != 0 && t.Version < tls.VersionTLS10 {
			severity = Error
		}
		switch old := func(v uint16) bool { return v != 0 && v < tls.VersionTLS12 }; {
		case len(t.Offered) > 0 && old(best) && t.Leg != capture.UpstreamLeg:
			p.reportAs(severity, CPE, nowhere, "The client offers nothing better than %s", capture.VersionName(best))
		case old(t.Version) && t.Leg == capture.Direct && len(t.Offered) == 0:
			p.reportAs(severity, Unknown, nowhere, "The two speak %s", capture.VersionName(t.Version))
		case old(t.Version) && t.Leg != capture.ClientLeg:
			p.reportAs(severity, ACS, nowhere, "The server chooses %s", capture.VersionName(t.Version))
		}
	})
}

// Weak suites of TLS (the registry of RFC 8446 11), those of GREASE and of signals left out.
var (
	withoutSecrecy = []uint16{0x0000, 0x0001, 0x0002, 0x002c, 0x002d, 0x002e, 0x003b, 0x00b0, 0x00b1, 0x00b4, 0x00b5, 0x00b8, 0x00b9, 0xc001, 0xc006, 0xc00b, 0xc010, 0xc015, 0xc039, 0xc03a, 0xc03b}
	withExport     = []uint16{0x0003, 0x0006, 0x0008, 0x000b, 0x000e, 0x0011, 0x0014, 0x0017, 0x0019, 0x0026, 0x0027, 0x0028, 0x0029, 0x002a, 0x002b}
	withRC4        = []uint16{0x0004, 0x0005, 0x0018, 0x0020, 0x0024, 0x008a, 0x008e, 0x0092, 0xc002, 0xc007, 0xc00c, 0xc011, 0xc016, 0xc033}
	anonymous      = []uint16{0x001a, 0x001b, 0x0034, 0x003a, 0x0046, 0x006c, 0x006d, 0x0089, 0x009b, 0x00a6, 0x00a7, 0x00bf, 0x00c5, 0xc017, 0xc018, 0xc019}
)

// weakness says what is wrong with a suite, "" where nothing is.
func weakness(suite uint16) string {
	switch {
	case slices.Contains(withoutSecrecy, suite):
		return "encrypts nothing"
	case slices.Contains(withExport, suite):
		return "has an export key"
	case slices.Contains(withRC4, suite):
		return "uses RC4"
	case slices.Contains(anonymous, suite):
		return "has no certificates"
	}
	return ""
}

func weakSuite(p *Pass) {
	p.handshake(func(t *capture.TLS) {
		what := weakness(t.Suite)
		if what == "" || t.Version == 0 || t.Leg == capture.ClientLeg {
			return
		}
		for _, s := range t.Suites {
			if s != 0x00ff && s != 0x5600 && s&0x0f0f != 0x0a0a && weakness(s) == "" {
				p.report(ACS, nowhere, "The server chooses %s, which %s, though the client offers better ones", capture.SuiteName(t.Suite), what)
				return
			}
		}
		party := Unknown
		if len(t.Suites) > 0 {
			party = CPE
		}
		p.report(party, nowhere, "The suite is %s, which %s", capture.SuiteName(t.Suite), what)
	})
}

// leaf is the first certificate of a chain, nil where there is none that can be read.
func leaf(chain [][]byte) *x509.Certificate {
	if len(chain) == 0 {
		return nil
	}
	c, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return nil
	}
	return c
}

func badCertificate(p *Pass) {
	t := p.secure.TLS
	if t == nil || t.Leg == capture.ClientLeg {
		return
	}
	c := leaf(t.Chain)
	if c == nil {
		return
	}
	if at := p.at; !at.IsZero() {
		switch {
		case at.Before(c.NotBefore):
			p.report(ACS, nowhere, "The server's certificate is valid from %s on", c.NotBefore.UTC().Format("2006-01-02"))
		case at.After(c.NotAfter):
			p.report(ACS, nowhere, "The server's certificate was valid until %s", c.NotAfter.UTC().Format("2006-01-02"))
		}
	}
	if t.Name == "" || namedFor(c, t.Name) {
		return
	}
	p.report(ACS, nowhere, "The server's certificate is not for %s", short(t.Name))
	if t.Failed == "" && t.Leg == capture.Direct {
		p.reportAs(Error, CPE, nowhere, "The CPE goes on with a certificate that is not for %s", short(t.Name))
	}
}

// namedFor says whether a certificate is for a host: by its names, or its CommonName where
// it has none, as devices have it.
func namedFor(c *x509.Certificate, host string) bool {
	if c.VerifyHostname(host) == nil {
		return true
	}
	return len(c.DNSNames) == 0 && len(c.IPAddresses) == 0 && strings.EqualFold(c.Subject.CommonName, host)
}

func otherCertificate(p *Pass) {
	for _, t := range p.Session.TLS {
		chain := t.ClientChain
		if t.Leg == capture.ClientLeg {
			chain = t.Chain
		}
		c, d := leaf(chain), p.Session.Device
		if c == nil || d.SerialNumber == "" {
			continue
		}
		if name := c.Subject.CommonName; !strings.Contains(strings.ToLower(name), strings.ToLower(strings.TrimSpace(d.SerialNumber))) && p.Session.Inform != nil {
			p.report(CPE, atMethod(p.Session.Inform), "The client's certificate is for %s, which doesn't name the device", short(name))
		}
		return
	}
}

func downgraded(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, _ []history.Event) {
		was, secure := strings.CutPrefix(d.Last.URL, "https://")
		now, plain := strings.CutPrefix(p.Session.URL, "http://")
		if !secure || !plain || !strings.EqualFold(hostOf(was), hostOf(now)) || d.Last.Redirect != "" {
			return
		}
		if s, ok := d.Value(".ManagementServer.URL"); ok && (s.By == cwmp.ACS || strings.HasPrefix(s.Value, "http://")) {
			return
		}
		p.reportPast(Error, CPE, message(p.Session.Inform), []Ref{ofPast(&d.Last)}, "The session is over clear HTTP, and the one before with the same host was over TLS")
	})
}

// hostOf is the name in a URL without its scheme.
func hostOf(rest string) string {
	rest, _, _ = strings.Cut(rest, "/")
	host, _, _ := strings.Cut(rest, ":")
	return host
}

func opaque(p *Pass) {
	if s := p.secure.Summary; s != nil {
		p.report(Unknown, nowhere, "The connection is encrypted, and its sessions can't be judged")
	}
}

func noServerName(p *Pass) {
	p.handshake(func(t *capture.TLS) {
		if t.Leg != capture.UpstreamLeg && t.Name == "" && (len(t.Offered) > 0 || t.Version != 0) {
			p.report(CPE, nowhere, "The client doesn't tell the server's name")
		}
	})
}

func callSecured(p *Pass) {
	p.handshake(func(t *capture.TLS) {
		if t.Leg == capture.Direct && p.port != "" {
			p.report(CPE, nowhere, "The connection request to %s goes over TLS", short(p.port))
		}
	})
}
