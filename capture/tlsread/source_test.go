package tlsread

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"reflect"
	"sync"
	"testing"
	"time"

	"informant/capture"
	"informant/capture/capturetest"
)

// tap keeps what is written to a connection, in order with what its peer writes.
type tap struct {
	net.Conn
	from capture.Direction
	log  *wire
}

type wire struct {
	mu      sync.Mutex
	records []capture.Record
}

func (t *tap) Write(b []byte) (int, error) {
	t.log.put(capture.Record{Kind: capture.Data, From: t.from, Data: append([]byte(nil), b...)})
	return t.Conn.Write(b)
}

func (t *tap) Close() error {
	t.log.put(capture.Record{Kind: capture.Close, From: t.from, End: capture.FIN})
	return t.Conn.Close()
}

func (w *wire) put(r capture.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records = append(w.records, r)
}

func newCert(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// handshakeOf makes a connection over TCP, and is what was on the wire.
func handshakeOf(t *testing.T, client, server *tls.Config) []capture.Record {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var log wire
	done := make(chan struct{})
	go func() {
		defer close(done)
		raw, err := l.Accept()
		if err != nil {
			return
		}
		s := tls.Server(&tap{raw, capture.FromServer, &log}, server)
		if s.Handshake() == nil {
			_, _ = s.Read(make([]byte, 100))
			_, _ = s.Write([]byte("world"))
		}
		_ = s.Close()
	}()
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := tls.Client(&tap{raw, capture.FromClient, &log}, client)
	if c.Handshake() == nil {
		_, _ = c.Write([]byte("hello"))
		_, _ = c.Read(make([]byte, 100))
	}
	_ = c.Close()
	<-done
	conn := &capture.Conn{ID: 1}
	list := []capture.Record{{Kind: capture.Open, Conn: conn}}
	for _, r := range log.records {
		r.Conn = conn
		list = append(list, r)
	}
	return list
}

// read is the facts that a Source tells, and how many of them.
func read(t *testing.T, list []capture.Record) (facts *capture.TLS, n int) {
	t.Helper()
	all := capturetest.Of(list)
	src := NewSource(all)
	others, over := 0, map[*capture.Conn]bool{}
	for {
		r, err := src.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if over[r.Conn] && r.Kind == capture.Handshake {
			t.Error("the connection is over, and a handshake comes")
		}
		over[r.Conn] = over[r.Conn] || r.Kind == capture.Close && r.Both
		if r.Kind == capture.Handshake {
			facts = r.TLS
			n++
		} else {
			others++
		}
	}
	if others != len(list) {
		t.Errorf("%d of %d records came out", others, len(list))
	}
	return facts, n
}

// cut is the same bytes in other pieces.
func cut(list []capture.Record, rnd *mrand.Rand) (out []capture.Record) {
	for _, r := range list {
		for r.Kind == capture.Data && len(r.Data) > 1 {
			n := 1 + rnd.IntN(min(len(r.Data)-1, 1+rnd.IntN(400)))
			part := r
			part.Data = r.Data[:n]
			out = append(out, part)
			r.Data = r.Data[n:]
		}
		out = append(out, r)
	}
	return out
}

func TestHandshakes(t *testing.T) {
	server, client := newCert(t, "acs.example"), newCert(t, "00D09E-S1")
	for _, x := range []struct {
		name      string
		low, high uint16
		ask       bool // for the client's certificate
		trust     bool
		want      capture.TLS
		chains    [2]int
	}{
		{"TLS 1.0", tls.VersionTLS10, tls.VersionTLS10, false, true, capture.TLS{Version: tls.VersionTLS10, Offered: []uint16{tls.VersionTLS10}}, [2]int{1, 0}},
		{"TLS 1.1", tls.VersionTLS10, tls.VersionTLS11, false, true, capture.TLS{Version: tls.VersionTLS11, Offered: []uint16{tls.VersionTLS11, tls.VersionTLS10}}, [2]int{1, 0}},
		{"TLS 1.2", tls.VersionTLS12, tls.VersionTLS12, false, true, capture.TLS{Version: tls.VersionTLS12, Offered: []uint16{tls.VersionTLS12}}, [2]int{1, 0}},
		{"TLS 1.2 with a client's certificate", tls.VersionTLS12, tls.VersionTLS12, true, true, capture.TLS{Version: tls.VersionTLS12, Offered: []uint16{tls.VersionTLS12}}, [2]int{1, 1}},
		{"TLS 1.3", tls.VersionTLS12, tls.VersionTLS13, true, true, capture.TLS{Version: tls.VersionTLS13, Offered: []uint16{tls.VersionTLS13, tls.VersionTLS12}}, [2]int{0, 0}},
		{"an unknown authority", tls.VersionTLS12, tls.VersionTLS12, false, false, capture.TLS{Version: tls.VersionTLS12, Offered: []uint16{tls.VersionTLS12},
			Failed: "the client broke it off: bad certificate", By: capture.Client, Alert: "bad certificate"}, [2]int{1, 0}},
		{"a client's certificate that is refused", tls.VersionTLS12, tls.VersionTLS12, true, true, capture.TLS{Version: tls.VersionTLS12, Offered: []uint16{tls.VersionTLS12},
			Failed: "the server broke it off: unknown certificate authority", By: capture.Server, Alert: "unknown certificate authority"}, [2]int{1, 1}},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := &tls.Config{ServerName: "acs.example", MinVersion: x.low, MaxVersion: x.high, InsecureSkipVerify: x.trust, Certificates: []tls.Certificate{client}}
			s := &tls.Config{Certificates: []tls.Certificate{server}, MinVersion: tls.VersionTLS10}
			if x.ask {
				s.ClientAuth = tls.RequireAnyClientCert
			}
			if x.want.By == capture.Server {
				s.ClientAuth, s.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
			}
			list := handshakeOf(t, c, s)
			got, n := read(t, list)
			if n != 1 {
				t.Fatalf("%d handshakes", n)
			}
			if got.Name != "acs.example" || got.Version != x.want.Version || !reflect.DeepEqual(got.Offered, x.want.Offered) || got.Failed != x.want.Failed || got.By != x.want.By || got.Alert != x.want.Alert {
				t.Errorf("%+v", got)
			}
			if got.Suite == 0 || len(got.Suites) == 0 {
				t.Errorf("suite %x of %x", got.Suite, got.Suites)
			}
			if len(got.Chain) != x.chains[0] || len(got.ClientChain) != x.chains[1] {
				t.Errorf("%d and %d certificates", len(got.Chain), len(got.ClientChain))
			}
			if len(got.Chain) == 1 && string(got.Chain[0]) != string(server.Certificate[0]) {
				t.Error("another certificate")
			}
			rnd := mrand.New(mrand.NewPCG(1, 2))
			for range 50 {
				if again, n := read(t, cut(list, rnd)); n != 1 || !reflect.DeepEqual(again, got) {
					t.Fatalf("cut: %d, %+v", n, again)
				}
			}
		})
	}
}

// TestResumed: a second connection with the first one's session.
func TestResumed(t *testing.T) {
	c := &tls.Config{ServerName: "acs.example", MaxVersion: tls.VersionTLS12, InsecureSkipVerify: true, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	s := &tls.Config{Certificates: []tls.Certificate{newCert(t, "acs.example")}}
	if got, _ := read(t, handshakeOf(t, c, s)); got.Resumed {
		t.Errorf("the first: %+v", got)
	}
	if got, _ := read(t, handshakeOf(t, c, s)); !got.Resumed || len(got.Chain) != 0 {
		t.Errorf("the second: %+v", got)
	}
}

// TestOther: what is no TLS, or not whole, tells of no handshake that was broken off.
func TestOther(t *testing.T) {
	conn := &capture.Conn{ID: 1}
	open := capture.Record{Kind: capture.Open, Conn: conn}
	data := func(s string) capture.Record {
		return capture.Record{Kind: capture.Data, Conn: conn, Data: []byte(s)}
	}
	end := capture.Record{Kind: capture.Close, Conn: conn, End: capture.FIN, Both: true}
	for name, list := range map[string][]capture.Record{
		"HTTP":            {open, data("POST / HTTP/1.1\r\n\r\n"), end},
		"nothing":         {open, end},
		"a byte":          {open, data("\x16"), end},
		"the server":      {open, {Kind: capture.Data, Conn: conn, From: capture.FromServer, Data: []byte("\x16\x03\x01")}, end},
		"the middle":      {{Kind: capture.Open, Conn: conn, Midstream: true}, data("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"), end},
		"another version": {open, data("\x16\x09\x01\x00\x05\x01"), end},
	} {
		if facts, n := read(t, list); n != 0 {
			t.Errorf("%s: %+v", name, facts)
		}
	}
	hello := handshakeOf(t, &tls.Config{InsecureSkipVerify: true}, &tls.Config{Certificates: []tls.Certificate{newCert(t, "a")}})[1]
	if facts, n := read(t, []capture.Record{open, hello, {Kind: capture.Gap, Conn: conn, From: capture.FromServer}, end}); n != 1 || facts.Failed != "" || len(facts.Suites) == 0 {
		t.Errorf("a gap: %d, %+v", n, facts)
	}
	if facts, n := read(t, []capture.Record{open, hello, {Kind: capture.Close, Conn: conn, From: capture.FromServer, End: capture.RST, Both: true}}); n != 1 || facts.By != capture.Server {
		t.Errorf("a reset: %d, %+v", n, facts)
	}
}

// TestHeld: handshakes that never get whole take no more memory than is allowed, and
// those behind them are read.
func TestHeld(t *testing.T) {
	part := append([]byte{handshake, 3, 3, 0xff, 0xff, clientHello}, make([]byte, 60_000)...)
	var list []capture.Record
	const many = 1000
	for i := range uint64(many) {
		conn := &capture.Conn{ID: i + 1}
		list = append(list, capture.Record{Kind: capture.Open, Conn: conn}, capture.Record{Kind: capture.Data, Conn: conn, Data: part})
	}
	more := capturetest.Of(list)
	src := NewSource(more)
	for {
		if _, err := src.Next(); err == io.EOF {
			break
		}
		if src.held > mostHeld+len(part) {
			t.Fatalf("%d bytes are held", src.held)
		}
	}
	sum := 0
	for _, c := range src.fresh {
		sum += c.held()
	}
	if sum != src.held || len(src.fresh) == many {
		t.Errorf("%d connections hold %d bytes, it says %d", len(src.fresh), sum, src.held)
	}
	for _, r := range handshakeOf(t, &tls.Config{InsecureSkipVerify: true}, &tls.Config{Certificates: []tls.Certificate{newCert(t, "a")}}) {
		c := *r.Conn
		c.ID = many + 1
		r.Conn = &c
		more.List = append(more.List, r)
	}
	n := 0
	for {
		r, err := src.Next()
		if err == io.EOF {
			break
		}
		if r.Kind == capture.Handshake && r.Conn.ID == many+1 {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d handshakes behind them", n)
	}
}

func FuzzSource(f *testing.F) {
	f.Add([]byte("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"), []byte("\x15\x03\x01\x00\x02\x02\x28"), uint64(1))
	f.Fuzz(func(t *testing.T, client, server []byte, seed uint64) {
		conn := &capture.Conn{ID: 1}
		list := []capture.Record{{Kind: capture.Open, Conn: conn}, {Kind: capture.Data, Conn: conn, Data: client}, {Kind: capture.Data, Conn: conn, From: capture.FromServer, Data: server}}
		if len(client) == 0 || len(server) == 0 {
			return
		}
		whole, n := read(t, list)
		again, m := read(t, cut(list, mrand.New(mrand.NewPCG(seed, 1))))
		if n != m || !reflect.DeepEqual(whole, again) {
			t.Errorf("%+v, in pieces %+v", whole, again)
		}
	})
}
