package scenario

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/netip"
	"strconv"
	"time"

	"informant/capture"
)

// handshake emits the facts of a TLS handshake.
func (p *player) handshake(s *statement) error {
	t := &capture.TLS{Version: tls.VersionTLS12, Suite: tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	link := &p.cur.main
	from, until := begin.AddDate(-1, 0, 0), begin.AddDate(1, 0, 0)
	var server, client string
	for _, w := range s.words {
		var err error
		switch w.name {
		case "on":
			if w.value != "knock" {
				return s.errorf("tls can be on=knock, and else is on the connection to the ACS")
			}
			link = &p.cur.knock
		case "leg":
			switch w.value {
			case "client":
				t.Leg = capture.ClientLeg
			case "upstream":
				t.Leg = capture.UpstreamLeg
			default:
				return s.errorf("a leg is client or upstream")
			}
		case "version":
			t.Version, err = tlsVersion(w.value)
		case "offered":
			for _, v := range w.list {
				n, e := tlsVersion(v)
				if err = e; err != nil {
					break
				}
				t.Offered = append(t.Offered, n)
			}
		case "suite":
			var n uint64
			n, err = strconv.ParseUint(w.value, 16, 16)
			t.Suite = uint16(n)
		case "name":
			t.Name = w.value
		case "cert":
			server = w.value
		case "client":
			client = w.value
		case "from":
			from, err = time.Parse(time.DateOnly, w.value)
		case "until":
			until, err = time.Parse(time.DateOnly, w.value)
		case "failed":
			t.Failed, t.By = w.value, capture.Client
		default:
			return s.errorf("tls has no %q", w.text)
		}
		if err != nil {
			return s.errorf("%s: %q", w.name, w.value)
		}
	}
	if server != "" {
		t.Chain = [][]byte{certificate(server, from, until)}
	}
	if client != "" {
		chain := [][]byte{certificate(client, from, until)}
		if t.Leg == capture.ClientLeg {
			t.Chain = chain
		} else {
			t.ClientChain = chain
		}
	}
	switch {
	case *link != nil:
	case link == &p.cur.knock:
		p.cur.knock = p.openKnock(p.cur)
	default:
		p.toACS(p.cur)
	}
	p.emit(capture.Record{Conn: (*link).conn, From: capture.FromServer, Kind: capture.Handshake, TLS: t})
	return nil
}

// openKnock is a connection from the ACS to a device.
func (p *player) openKnock(d *device) *link {
	return p.open(netip.AddrPortFrom(acsAddress, 50000+uint16(p.conns)), netip.AddrPortFrom(d.address.Addr(), 7547), false)
}

// tlsVersion is a version of TLS by its number: "1.2", or "3.0" of SSL.
func tlsVersion(text string) (uint16, error) {
	for v := uint16(tls.VersionTLS10); v <= tls.VersionTLS13; v++ {
		if capture.VersionName(v) == "TLS "+text {
			return v, nil
		}
	}
	if text == "3.0" {
		return tls.VersionTLS10 - 1, nil
	}
	return 0, strconv.ErrSyntax
}

// certificate is one that its own key signed, the same each time.
func certificate(name string, from, until time.Time) []byte {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: from, NotAfter: until}
	der, err := x509.CreateCertificate(nil, c, c, key.Public(), key)
	if err != nil { // of a name that a certificate can't have
		return []byte(name)
	}
	return der
}
