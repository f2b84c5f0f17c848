package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/spf13/pflag"

	"informant/decode/transcript"
)

// tlsOptions are those of TLS, of the side that is called and of the side that calls.
type tlsOptions struct {
	ca         string
	certs      []string
	keys       []string
	clientCert string
	versions   string
	keylog     string

	acs              string // what the ACS is called in flags
	upstreamCA       string
	upstreamInsecure bool
	upstreamName     string
	upstreamCert     string
	upstreamKey      string
	upstreamCerts    string
}

func (o *tlsOptions) add(f *pflag.FlagSet) {
	o.addListening(f)
	o.addBoth(f)
	o.addCalling(f, "upstream")
	f.StringVar(&o.upstreamCerts, "upstream-cert-map", "", "`folder` with a certificate and key for each CPE in NAME.pem, NAME being the common name in the CPE's own certificate")
}

// addListening adds the flags of what CPEs call.
func (o *tlsOptions) addListening(f *pflag.FlagSet) {
	f.StringVar(&o.ca, "ca", "", "the `folder` of the authority that signs for https:// listeners (informant ca)")
	f.StringArrayVar(&o.certs, "cert", nil, "in place of the authority: a certificate `file`, with its chain (PEM); several may be given")
	f.StringArrayVar(&o.keys, "key", nil, "its key `file`, as many as of --cert")
	f.StringVar(&o.clientCert, "client-cert", "ask", "CPEs' own certificates: none, ask (note them) or require")
}

// addBoth adds those of both sides.
func (o *tlsOptions) addBoth(f *pflag.FlagSet) {
	f.StringVar(&o.versions, "tls", "modern", "modern (1.2 and 1.3) or legacy (all versions and suites that there are, for old CPEs and ACSs)")
	f.StringVar(&o.keylog, "keylog", "", "append the keys of all connections to this `file` (SSLKEYLOGFILE), for Wireshark")
}

// addCalling adds those of calling an ACS, by the name that it has in the flags.
func (o *tlsOptions) addCalling(f *pflag.FlagSet, acs string) {
	o.acs = acs
	f.StringVar(&o.upstreamCA, acs+"-ca", "", "`file` with the authorities that may have signed the ACS's certificate (PEM; default: the system's)")
	f.BoolVar(&o.upstreamInsecure, acs+"-insecure", false, "take whatever certificate the ACS has")
	f.StringVar(&o.upstreamName, acs+"-name", "", "the `name` to ask the ACS for (SNI) and to find in its certificate")
	f.StringVar(&o.upstreamCert, acs+"-cert", "", "certificate `file` to present to the ACS (PEM)")
	f.StringVar(&o.upstreamKey, acs+"-key", "", "its key `file`")
}

// secured are the TLS settings of a proxy, as its files say now.
type secured struct {
	o      *tlsOptions
	config atomic.Pointer[tls.Config] // for CPEs
	roots  atomic.Pointer[x509.CertPool]
	own    atomic.Pointer[tls.Certificate] // to present to the ACS
	keylog *os.File
}

// newSecured reads the files. terminate: there are listeners that end TLS.
func newSecured(o *tlsOptions, terminate bool) (*secured, error) {
	for _, err := range []error{oneOf("client-cert", o.clientCert, "none", "ask", "require"), oneOf("tls", o.versions, "modern", "legacy")} {
		if err != nil {
			return nil, err
		}
	}
	if len(o.certs) != len(o.keys) {
		return nil, usageError{fmt.Errorf("%d --cert and %d --key: give as many of both", len(o.certs), len(o.keys))}
	}
	if (o.upstreamCert == "") != (o.upstreamKey == "") {
		return nil, usageError{fmt.Errorf("--%s-cert and --%[1]s-key go together", o.acs)}
	}
	s := &secured{o: o}
	if o.keylog != "" {
		f, err := os.OpenFile(o.keylog, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return nil, fmt.Errorf("--keylog %s: %w", transcript.Safe(o.keylog), bare(err))
		}
		s.keylog = f
	}
	return s, s.load(terminate)
}

// load reads certificates and keys, at the start and again when it is asked for.
// Where one can't be read, what was read before stays.
func (s *secured) load(terminate bool) error {
	if terminate {
		c, err := s.terminating()
		if err != nil {
			return err
		}
		s.config.Store(c)
	}
	if s.o.upstreamCA != "" {
		b, err := os.ReadFile(s.o.upstreamCA)
		if err != nil {
			return fmt.Errorf("--%s-ca %s: %w", s.o.acs, transcript.Safe(s.o.upstreamCA), bare(err))
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(b) {
			return fmt.Errorf("--%s-ca %s: no certificate in it", s.o.acs, transcript.Safe(s.o.upstreamCA))
		}
		s.roots.Store(pool)
	}
	if s.o.upstreamCert != "" {
		c, err := tls.LoadX509KeyPair(s.o.upstreamCert, s.o.upstreamKey)
		if err != nil {
			return fmt.Errorf("--%s-cert %s: %w", s.o.acs, transcript.Safe(s.o.upstreamCert), bare(err))
		}
		s.own.Store(&c)
	}
	return nil
}

// terminating is the configuration for CPEs.
func (s *secured) terminating() (*tls.Config, error) {
	c := s.base()
	c.ClientAuth = map[string]tls.ClientAuthType{"none": tls.NoClientCert, "ask": tls.RequestClientCert, "require": tls.RequireAnyClientCert}[s.o.clientCert]
	for i := range s.o.certs {
		pair, err := tls.LoadX509KeyPair(s.o.certs[i], s.o.keys[i])
		if err != nil {
			return nil, fmt.Errorf("--cert %s: %w", transcript.Safe(s.o.certs[i]), bare(err))
		}
		c.Certificates = append(c.Certificates, pair)
	}
	if len(c.Certificates) == 0 {
		a, _, err := loadAuthority(s.o.ca)
		if err != nil {
			return nil, err
		}
		c.GetCertificate = a.GetCertificate
	}
	return c, nil
}

// base is what both sides have in common.
func (s *secured) base() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1", "http/1.0"}}
	if s.keylog != nil {
		c.KeyLogWriter = s.keylog
	}
	if s.o.versions == "legacy" {
		c.MinVersion = tls.VersionTLS10
		for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
			c.CipherSuites = append(c.CipherSuites, suite.ID)
		}
	}
	return c
}

// forCPEs is the configuration of a listener that ends TLS.
func (s *secured) forCPEs() *tls.Config {
	return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.config.Load(), nil }}
}

// forACS is the configuration for the ACS of that name, on behalf of a CPE that
// presented that certificate, or none.
func (s *secured) forACS(host string, cpe *x509.Certificate) (*tls.Config, error) {
	c := s.base()
	c.ServerName = host
	if s.o.upstreamName != "" {
		c.ServerName = s.o.upstreamName
	}
	c.InsecureSkipVerify = s.o.upstreamInsecure
	c.RootCAs = s.roots.Load()
	own := s.own.Load()
	if s.o.upstreamCerts != "" && cpe != nil {
		mapped, err := s.mapped(cpe.Subject.CommonName)
		if err != nil {
			return nil, err
		}
		if mapped != nil {
			own = mapped
		}
	}
	if own != nil {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own, nil }
	}
	return c, nil
}

// mapped is the certificate for a CPE of that name, nil where there is none.
func (s *secured) mapped(name string) (*tls.Certificate, error) {
	if name == "" || strings.ContainsAny(name, "/\\\x00") || strings.HasPrefix(name, ".") {
		return nil, nil
	}
	file := filepath.Join(s.o.upstreamCerts, name+".pem")
	c, err := tls.LoadX509KeyPair(file, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("--upstream-cert-map %s: %w", transcript.Safe(file), bare(err))
	}
	return &c, nil
}
