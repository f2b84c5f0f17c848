// Package authority is a certificate authority for a TLS proxy: it makes itself a
// key and a certificate that is installed in CPEs once, and issues certificates
// for the names that they ask for, on the fly.
//
// Its own key is RSA, since there are CPEs that know nothing else; of each name it
// issues a certificate with an ECDSA key for those that know it, and one with an
// RSA key for the rest. All are valid from 1970 to 2049: a CPE may call before it
// knows what time it is.
package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// The files of an authority in its folder.
const (
	CertificateFile = "ca.pem"
	KeyFile         = "ca.key"
)

// The validity of what an authority issues, itself included.
var (
	notBefore = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	notAfter  = time.Date(2049, 12, 31, 23, 59, 59, 0, time.UTC)
)

// Authority issues certificates. It is safe for concurrent use.
type Authority struct {
	// Certificate is the authority's own.
	Certificate *x509.Certificate

	key    crypto.Signer
	leaves func() ([2]crypto.Signer, error) // ECDSA and RSA, made once: a name's certificates share them

	mu     sync.Mutex
	issued map[string]*pair
}

// pair is a name's two certificates.
type pair struct{ ecdsa, rsa *tls.Certificate }

// issuedMost is how many names' certificates are kept.
const issuedMost = 1024

// New makes an authority with a new key. The name stands in its certificate.
func New(name string) (*Authority, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name, Organization: []string{"Informant"}},
		NotBefore: notBefore, NotAfter: notAfter,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
		SubjectKeyId: keyID(&key.PublicKey), SignatureAlgorithm: x509.SHA256WithRSA,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	return from(der, key)
}

func from(der []byte, key crypto.Signer) (*Authority, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if pub, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !pub.Equal(key.Public()) {
		return nil, errors.New("the key is not that of the certificate")
	}
	if !c.IsCA {
		return nil, errors.New("the certificate is not one of an authority")
	}
	return &Authority{Certificate: c, key: key, leaves: sync.OnceValues(newLeaves), issued: map[string]*pair{}}, nil
}

func newLeaves() (keys [2]crypto.Signer, err error) {
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keys, err
	}
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	return [2]crypto.Signer{e, r}, err
}

// Load reads an authority from its folder. The error wraps fs.ErrNotExist when
// there is none. A key that others may read is refused.
func Load(dir string) (*Authority, error) {
	keyName := filepath.Join(dir, KeyFile)
	st, err := os.Stat(keyName)
	if err != nil {
		return nil, err
	}
	if st.Mode().Perm()&0o077 != 0 && ownersOnly {
		return nil, fmt.Errorf("%s can be read by others than its owner (mode %04o): 'chmod 600' it, or make another one", keyName, st.Mode().Perm())
	}
	cert, err := readPEM(filepath.Join(dir, CertificateFile), "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	der, err := readPEM(keyName, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyName, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s: a key that can't sign", keyName)
	}
	a, err := from(cert, signer)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return a, nil
}

func readPEM(name, kind string) ([]byte, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			return nil, fmt.Errorf("%s: no %s in it", name, kind)
		}
		if block.Type == kind {
			return block.Bytes, nil
		}
	}
}

// Save writes an authority to a folder, which it makes (mode 0700). The key is
// readable for its owner alone. Nothing is overwritten: the error wraps
// fs.ErrExist when there is an authority.
func (a *Authority) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return err
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	certName := filepath.Join(dir, CertificateFile)
	if _, err := os.Lstat(certName); err == nil {
		return fmt.Errorf("%s: %w", certName, fs.ErrExist)
	}
	if err := writeNew(filepath.Join(dir, KeyFile), key, 0o600); err != nil {
		return err
	}
	return writeNew(certName, a.PEM(), 0o644)
}

func writeNew(name string, b []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// PEM is the authority's certificate as PEM.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate.Raw})
}

// C is the authority's certificate as a C array, for firmware.
func (a *Authority) C() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "/* %s, X.509 DER */\n", strings.ReplaceAll(a.Certificate.Subject.String(), "*/", "*"))
	fmt.Fprintf(&b, "const unsigned int informant_ca_der_len = %d;\n", len(a.Certificate.Raw))
	b.WriteString("const unsigned char informant_ca_der[] = {")
	for i, c := range a.Certificate.Raw {
		if i%12 == 0 {
			b.WriteString("\n\t")
		} else {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "0x%02x,", c)
	}
	b.WriteString("\n};\n")
	return []byte(b.String())
}

// GetCertificate is the certificate for a ClientHello: for the name it asks for, or where that is none,
// for the address it came to. It is what tls.Config.GetCertificate wants.
func (a *Authority) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := hello.ServerName
	if !isName(name) {
		name = "localhost"
		if hello.Conn != nil {
			if ap, err := netip.ParseAddrPort(hello.Conn.LocalAddr().String()); err == nil {
				name = ap.Addr().Unmap().WithZone("").String()
			}
		}
	}
	p, err := a.issue(name)
	if err != nil {
		return nil, err
	}
	if hello.SupportsCertificate(p.ecdsa) == nil {
		return p.ecdsa, nil
	}
	return p.rsa, nil
}

// isName says whether s can stand in a certificate as a DNS name.
func isName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return true
}

// issue returns a name's certificates, made when they are first asked for.
func (a *Authority) issue(name string) (*pair, error) {
	name = strings.ToLower(name)
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := a.issued[name]; p != nil {
		return p, nil
	}
	keys, err := a.leaves()
	if err != nil {
		return nil, err
	}
	p := &pair{}
	if p.ecdsa, err = a.leaf(name, keys[0]); err != nil {
		return nil, err
	}
	if p.rsa, err = a.leaf(name, keys[1]); err != nil {
		return nil, err
	}
	if len(a.issued) >= issuedMost {
		for k := range a.issued { // any one
			delete(a.issued, k)
			break
		}
	}
	a.issued[name] = p
	return p, nil
}

func (a *Authority) leaf(name string, key crypto.Signer) (*tls.Certificate, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	usage := x509.KeyUsageDigitalSignature
	if _, ok := key.(*rsa.PrivateKey); ok {
		usage |= x509.KeyUsageKeyEncipherment // the suites of old CPEs
	}
	common := name
	if len(common) > 64 { // all that X.520 permits
		common = ""
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: common, Organization: []string{"Informant"}},
		NotBefore: notBefore, NotAfter: notAfter, KeyUsage: usage, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, AuthorityKeyId: a.Certificate.SubjectKeyId,
	}
	if ip := net.ParseIP(name); ip != nil {
		t.IPAddresses = []net.IP{ip}
	} else {
		t.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.Certificate, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.Certificate.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

func newSerial() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
}

// keyID names a key (RFC 5280 section 4.2.1.2).
func keyID(key *rsa.PublicKey) []byte {
	sum := sha1.Sum(x509.MarshalPKCS1PublicKey(key))
	return sum[:]
}
