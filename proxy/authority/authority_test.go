package authority_test

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"informant/proxy/authority"
)

func newAuthority(t *testing.T) *authority.Authority {
	t.Helper()
	a, err := authority.New("test authority")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestIssued: a real client that trusts the authority takes what it issues, for
// a name and for an address, with whatever key it knows.
func TestIssued(t *testing.T) {
	a := newAuthority(t)
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: a.GetCertificate, MinVersion: tls.VersionTLS12,
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_128_CBC_SHA}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { c.(*tls.Conn).Handshake(); c.Close() }()
		}
	}()
	for _, x := range []struct {
		name string
		cfg  *tls.Config
		rsa  bool
	}{
		{"name, ECDSA", &tls.Config{ServerName: "acs.example"}, false},
		{"upper case", &tls.Config{ServerName: "ACS.Example"}, false},
		{"address", &tls.Config{ServerName: "127.0.0.1"}, false},
		{"long name", &tls.Config{ServerName: strings.Repeat("a.", 100) + "example"}, false},
		{"RSA", &tls.Config{ServerName: "acs.example", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}}, true},
		{"RSA key exchange", &tls.Config{ServerName: "acs.example", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}}, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			x.cfg.RootCAs = roots
			c, err := tls.Dial("tcp", l.Addr().String(), x.cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			key := c.ConnectionState().PeerCertificates[0].PublicKey
			if _, ok := key.(*rsa.PublicKey); ok != x.rsa {
				t.Errorf("key %T", key)
			}
			if _, ok := key.(*ecdsa.PublicKey); ok == x.rsa {
				t.Errorf("key %T", key)
			}
		})
	}
}

// TestHostileNames: a name that is none is not put into a certificate.
func TestHostileNames(t *testing.T) {
	a := newAuthority(t)
	for _, name := range []string{"", "a\x00b", "a b", "*.example", strings.Repeat("x", 300), "ä.example"} {
		c, err := a.GetCertificate(&tls.ClientHelloInfo{ServerName: name})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Leaf.DNSNames; len(got) != 1 || got[0] != "localhost" {
			t.Errorf("%q: %q", name, got)
		}
	}
}

// TestMany: more names than are kept, asked for at once.
func TestMany(t *testing.T) {
	a := newAuthority(t)
	var all sync.WaitGroup
	for i := range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			for n := range 300 {
				host := net.IPv4(10, byte(i), byte(n>>8), byte(n)).String()
				if _, err := a.GetCertificate(&tls.ClientHelloInfo{ServerName: "h" + strings.ReplaceAll(host, ".", "-")}); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	all.Wait()
}

func TestFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	if _, err := authority.Load(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	a := newAuthority(t)
	if err := a.Save(dir); err != nil {
		t.Fatal(err)
	}
	if err := a.Save(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("again: %v", err)
	}
	b, err := authority.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !b.Certificate.Equal(a.Certificate) {
		t.Error("another certificate")
	}
	key := filepath.Join(dir, authority.KeyFile)
	st, err := os.Stat(key)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if err := os.Chmod(key, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := authority.Load(dir); err == nil || !strings.Contains(err.Error(), "read by others") {
		t.Errorf("readable key: %v", err)
	}
	os.Chmod(key, 0o600)
	other := newAuthority(t)
	if err := os.WriteFile(filepath.Join(dir, authority.CertificateFile), other.PEM(), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := authority.Load(dir); err == nil || !strings.Contains(err.Error(), "not that of") {
		t.Errorf("key of another: %v", err)
	}
	if c := string(a.C()); !strings.Contains(c, "informant_ca_der[] = {\n\t0x30, 0x82,") {
		t.Errorf("C: %s", c[:200])
	}
}
