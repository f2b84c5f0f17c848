package proxy

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"informant/capture"
)

// secure makes the handshakes that the route asks for: with the client, then with
// the ACS. It is false, and all is told and closed, when one fails.
func (r *relay) secure() bool {
	if r.route.Forward != nil && (r.absolute != "" || r.route.Terminate == nil || !r.encrypted()) || r.route.Terminate != nil && r.passes() {
		return true
	}
	fine := (r.route.Terminate == nil || r.terminate()) && (r.route.Originate == nil || r.originate())
	r.judged(fine)
	return fine
}

// terminate makes the client's handshake.
func (r *relay) terminate() bool {
	facts := &capture.TLS{Leg: capture.ClientLeg}
	cfg := r.route.Terminate.Clone()
	inner := cfg.GetConfigForClient
	cfg.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		facts.Name, facts.Offered, facts.Suites = h.ServerName, append([]uint16(nil), h.SupportedVersions...), append([]uint16(nil), h.CipherSuites...)
		var to *tls.Config
		if inner != nil {
			var err error
			if to, err = inner(h); err != nil {
				return nil, err
			}
		}
		if h.ServerName == "" && r.route.Forward != nil { // it said the name before
			to = called(cmp.Or(to, cfg), r.host)
		}
		return to, nil
	}
	ear := &alertConn{Conn: r.sides[capture.FromClient].conn}
	return r.handshake(tls.Server(ear, cfg), facts, capture.FromClient, ear)
}

// called is a configuration for clients that say no name.
func called(c *tls.Config, name string) *tls.Config {
	get := c.GetCertificate
	if get == nil {
		return c
	}
	c = c.Clone()
	c.GetConfigForClient = nil
	c.GetCertificate = func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		named := *h
		named.ServerName = name
		return get(&named)
	}
	return c
}

// originate makes the handshake with the ACS.
func (r *relay) originate() bool {
	facts := &capture.TLS{Leg: capture.UpstreamLeg}
	var client *x509.Certificate
	if c, ok := r.sides[capture.FromClient].conn.(*tls.Conn); ok {
		if peers := c.ConnectionState().PeerCertificates; len(peers) > 0 {
			client = peers[0]
		}
	}
	name := r.host
	if c, ok := r.sides[capture.FromClient].conn.(*tls.Conn); ok && r.route.Forward != nil {
		name = cmp.Or(c.ConnectionState().ServerName, name)
	}
	cfg, err := r.route.Originate(name, client)
	if err != nil {
		facts.By, facts.Failed = capture.Proxy, err.Error()
		r.failed(facts, capture.FromServer)
		return false
	}
	facts.Name = cfg.ServerName
	r.upstreamTLS = cfg
	ear := &alertConn{Conn: r.sides[capture.FromServer].conn}
	return r.handshake(tls.Client(ear, cfg), facts, capture.FromServer, ear)
}

// handshake makes a handshake with a peer, and tells of it.
func (r *relay) handshake(c *tls.Conn, facts *capture.TLS, with capture.Direction, ear *alertConn) bool {
	ctx, cancel := context.WithTimeout(context.Background(), r.p.headTimeout())
	defer cancel()
	err := c.HandshakeContext(ctx)
	state := c.ConnectionState()
	facts.Version, facts.Suite, facts.ALPN, facts.Resumed = state.Version, state.CipherSuite, state.NegotiatedProtocol, state.DidResume
	for _, x := range state.PeerCertificates {
		facts.Chain = append(facts.Chain, x.Raw)
	}
	if err != nil {
		explain(facts, err, ear.alert())
	} else if with == capture.FromServer {
		facts.Verified = verified(r.upstreamTLS, state)
	}
	if err == nil {
		r.record(capture.Record{Time: time.Now(), From: with, Kind: capture.Handshake, TLS: facts})
		r.replace(with, c)
		return true
	}
	r.plain(err, with)
	r.failed(facts, with)
	return false
}

// failed tells of a handshake that failed, and ends the relay.
func (r *relay) failed(facts *capture.TLS, with capture.Direction) {
	r.record(capture.Record{Time: time.Now(), From: with, Kind: capture.Handshake, TLS: facts})
	r.p.Stats.Handshakes[with].Add(1)
	r.p.log().Error("a TLS handshake failed", "leg", facts.Leg.String(), "client", r.conn.Client.String(), "name", facts.Name, "error", facts.Failed)
	r.close(with, capture.RST)
	r.reset()
}

// plain records what a client sent that was no TLS.
func (r *relay) plain(err error, from capture.Direction) {
	var h tls.RecordHeaderError
	if errors.As(err, &h) {
		r.record(capture.Record{Time: time.Now(), From: from, Kind: capture.Data, Data: h.RecordHeader[:]})
	}
}

// replace puts a connection that stands on another one in its place.
func (r *relay) replace(side capture.Direction, c net.Conn) {
	r.p.mu.Lock() // drop may be looking
	defer r.p.mu.Unlock()
	r.sides[side].conn = c
}

// verified says what there is to say against a server's certificate where the
// proxy was told not to look.
func verified(cfg *tls.Config, s tls.ConnectionState) string {
	if !cfg.InsecureSkipVerify {
		return "yes"
	}
	if len(s.PeerCertificates) == 0 {
		return "no certificate"
	}
	o := x509.VerifyOptions{Roots: cfg.RootCAs, DNSName: cfg.ServerName, Intermediates: x509.NewCertPool()}
	for _, c := range s.PeerCertificates[1:] {
		o.Intermediates.AddCert(c)
	}
	if _, err := s.PeerCertificates[0].Verify(o); err != nil {
		return err.Error()
	}
	return "yes"
}

// explain says who broke a handshake off, and why.
func explain(f *capture.TLS, err error, alert string) {
	peer := capture.Client
	if f.Leg == capture.UpstreamLeg {
		peer = capture.Server
	}
	f.By = capture.Proxy
	var op *net.OpError
	var header tls.RecordHeaderError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &op) && op.Op == "remote error": // crypto/tls: an alert was received
		f.By, f.Alert = peer, strings.TrimPrefix(op.Err.Error(), "tls: ")
		f.Failed = fmt.Sprintf("the %s sent the alert %q%s", peer, f.Alert, means(f.Alert, f.Leg))
	case errors.As(err, &op) && op.Op == "local error" && alert != "":
		f.By, f.Alert = peer, alert
		f.Failed = fmt.Sprintf("the %s sent the alert %q, in clear where it had to be encrypted%s", peer, f.Alert, means(f.Alert, f.Leg))
	case errors.As(err, &op) && op.Op == "local error":
		f.Alert = strings.TrimPrefix(op.Err.Error(), "tls: ")
		f.Failed = fmt.Sprintf("the proxy sent the alert %q", f.Alert)
	case errors.As(err, &header):
		f.Failed = fmt.Sprintf("what the %s sent is no TLS%s", peer, looks(header.RecordHeader[:]))
	case errors.As(err, &cert):
		for _, c := range cert.UnverifiedCertificates {
			f.Chain = append(f.Chain, c.Raw)
		}
		f.Failed = "the server's certificate is not accepted: " + certificate(cert)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrUnexpectedEOF):
		f.By = peer
		f.Failed = fmt.Sprintf("the %s closed the connection in the handshake, without an alert", peer)
		if f.Leg == capture.ClientLeg && f.Name+fmt.Sprint(f.Offered) != "[]" {
			f.Failed += ": many clients do so that don't trust the certificate"
		}
	case errors.Is(err, context.DeadlineExceeded):
		f.By = peer
		f.Failed = fmt.Sprintf("the %s did not finish the handshake in time", peer)
	default:
		f.Failed = strings.TrimPrefix(err.Error(), "tls: ") + offered(f)
	}
}

// certificate says what is wrong with a server's certificate.
func certificate(e *tls.CertificateVerificationError) string {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	text := strings.TrimPrefix(e.Err.Error(), "x509: ")
	leaf := ""
	if len(e.UnverifiedCertificates) > 0 {
		c := e.UnverifiedCertificates[0]
		leaf = fmt.Sprintf(" (subject %q, issuer %q, valid %s to %s)", c.Subject, c.Issuer, c.NotBefore.Format("2006-01-02"), c.NotAfter.Format("2006-01-02"))
	}
	switch {
	case errors.As(e.Err, &unknown):
		return "no authority that is trusted here has signed it; give its authority with --upstream-ca" + leaf
	case errors.As(e.Err, &host):
		return text + leaf
	case errors.As(e.Err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("it is not valid now, by this machine's clock %s%s", time.Now().UTC().Format(time.RFC3339), leaf)
	}
	return text + leaf
}

// means is what an alert usually says.
func means(alert string, leg capture.Leg) string {
	if leg != capture.ClientLeg {
		switch alert {
		case "bad certificate", "certificate required", "handshake failure":
			return ": it may want a client certificate (--upstream-cert); a proxy that terminates TLS can't present the CPE's"
		}
		return ""
	}
	switch alert {
	case "unknown certificate authority", "bad certificate", "unknown certificate", "unsupported certificate", "certificate unknown":
		return ": it does not trust the proxy's certificate; install the authority in it (informant ca export)"
	case "expired certificate", "certificate expired":
		return ": its clock, or the certificate's validity, is off"
	case "protocol version not supported", "protocol version":
		return ": it speaks another version; --tls legacy turns the old ones on"
	}
	return ""
}

// looks says what bytes look like that are no TLS.
func looks(b []byte) string {
	for _, m := range []string{"POST ", "GET /", "PUT /", "HEAD ", "HTTP/"} {
		if strings.HasPrefix(string(b), m) {
			return ": it is HTTP in clear text"
		}
	}
	return fmt.Sprintf(": it begins %q", b)
}

// offered is what a client had to offer.
func offered(f *capture.TLS) string {
	if f.Leg != capture.ClientLeg || len(f.Offered) == 0 {
		return ""
	}
	var versions []string
	for _, v := range f.Offered {
		if v&0x0f0f != 0x0a0a { // GREASE (RFC 8701)
			versions = append(versions, capture.VersionName(v))
		}
	}
	return fmt.Sprintf("; the client offers %s and %d suites (--tls legacy turns old ones on)", strings.Join(versions, ", "), len(f.Suites))
}
