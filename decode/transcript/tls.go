package transcript

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"informant/capture"
)

// TLS is the facts of a handshake in a line, fit for a terminal.
func TLS(t *capture.TLS) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, safe(fmt.Sprintf(format, args...))) }
	switch t.Leg {
	case capture.ClientLeg:
		add("between the client and the proxy")
	case capture.UpstreamLeg:
		add("between the proxy and the server")
	}
	if t.Version != 0 {
		add("%s", capture.VersionName(t.Version))
	}
	if t.Suite != 0 {
		add("%s", capture.SuiteName(t.Suite))
	}
	if t.Name != "" {
		add("name %s", t.Name)
	}
	if t.Resumed {
		add("resumed")
	}
	if c := peer(t); c != nil {
		add("certificate of %s, valid %s to %s", subject(c), c.NotBefore.UTC().Format(time.DateOnly), c.NotAfter.UTC().Format(time.DateOnly))
	}
	if t.Verified != "" && t.Verified != "yes" {
		add("which would not be accepted: %s", t.Verified)
	}
	if t.Failed != "" {
		add("failed: %s", t.Failed)
	}
	return strings.Join(parts, ", ")
}

// peer is the peer's own certificate, nil where there is none that can be read.
func peer(t *capture.TLS) *x509.Certificate {
	if len(t.Chain) == 0 {
		return nil
	}
	c, err := x509.ParseCertificate(t.Chain[0])
	if err != nil {
		return nil
	}
	return c
}

func subject(c *x509.Certificate) string {
	if s := c.Subject.String(); s != "" {
		return s
	}
	return strings.Join(c.DNSNames, ", ")
}

// handshakes writes a connection's handshakes by leg; null where none were seen.
func (e *encoder) handshakes(list []*capture.TLS) {
	if len(list) == 0 {
		e.null("tls")
		return
	}
	e.object("tls")
	seen := map[capture.Leg]bool{}
	for _, t := range list {
		if !seen[t.Leg] {
			seen[t.Leg] = true
			e.handshake(t)
		}
	}
	e.end('}')
}

func (e *encoder) handshake(t *capture.TLS) {
	e.object(t.Leg.String())
	if t.Version != 0 {
		e.text("version", capture.VersionName(t.Version))
	}
	if t.Suite != 0 {
		e.text("suite", capture.SuiteName(t.Suite))
	}
	e.known("alpn", t.ALPN)
	e.known("name", t.Name)
	e.yes("resumed", t.Resumed)
	e.known("failed", t.Failed)
	e.known("by", t.By.String())
	e.known("alert", t.Alert)
	e.known("verified", t.Verified)
	if len(t.Offered) > 0 {
		e.array("offered")
		for _, v := range t.Offered {
			e.item(capture.VersionName(v))
		}
		e.end(']')
	}
	e.certificates("certificates", t.Chain)
	e.certificates("clientCertificates", t.ClientChain)
	e.end('}')
}

func (e *encoder) certificates(name string, chain [][]byte) {
	if len(chain) == 0 {
		return
	}
	e.array(name)
	for _, der := range chain {
		e.certificate(der)
	}
	e.end(']')
}

func (e *encoder) certificate(der []byte) {
	sum := sha256.Sum256(der)
	e.object("")
	if c, err := x509.ParseCertificate(der); err == nil {
		e.text("subject", c.Subject.String())
		e.text("issuer", c.Issuer.String())
		e.time("notBefore", c.NotBefore.UTC())
		e.time("notAfter", c.NotAfter.UTC())
	}
	e.text("sha256", hex.EncodeToString(sum[:]))
	e.end('}')
}

// handshakes writes a line for each handshake.
func (w *teller) handshakes(list []*capture.TLS) {
	for _, t := range list {
		var parts []piece
		for _, p := range strings.Split(TLS(t), ", ") {
			parts = append(parts, piece{normal, p})
		}
		w.wrapped(line{{dim, "  TLS       "}}, hang, ", ", parts)
	}
}
