package capture

import (
	"crypto/tls"
	"fmt"
	"strings"
)

// Leg is which of the connections of a proxy a TLS handshake was made on. Where
// there is no proxy there is one leg: Direct.
type Leg uint8

// The legs.
const (
	Direct      Leg = iota
	ClientLeg       // between the client and the proxy
	UpstreamLeg     // between the proxy and the server
)

func (l Leg) String() string { return [...]string{"direct", "client", "upstream"}[l] }

// Breaker is who broke a handshake off.
type Breaker uint8

// Who may.
const (
	Nobody Breaker = iota
	Client
	Server
	Proxy
)

func (b Breaker) String() string { return [...]string{"", "client", "server", "proxy"}[b] }

// TLS is the facts of a handshake. What a proxy chose on its own legs accuses
// nobody.
type TLS struct {
	Leg Leg
	// Failed is why there was no connection, in a sentence; "" when there was one.
	Failed string
	By     Breaker // who broke it off
	Alert  string  // the alert's name, where one was sent or received

	Version uint16 // what was agreed on (tls.VersionTLS12 …), 0 where nothing was
	Suite   uint16
	ALPN    string
	Resumed bool
	Name    string   // the server name asked for (SNI), "" for none
	Offered []uint16 // the versions that the client offered, the highest first, where they are known
	Suites  []uint16 // and its suites
	Chain   [][]byte // certificates in DER, the peer's own first: of the server's on Direct and UpstreamLeg, the client's on ClientLeg
	// ClientChain are the client's certificates, likewise, where they were seen with the server's.
	ClientChain [][]byte
	Verified    string // UpstreamLeg: "yes", or why not, where the proxy was told to go on all the same
}

// SuiteName is a suite's name, such as "TLS_RSA_WITH_AES_128_CBC_SHA".
func SuiteName(id uint16) string { return tls.CipherSuiteName(id) }

// VersionName is a version's name, such as "TLS 1.2".
func VersionName(v uint16) string {
	if v == 0x0300 {
		return "SSL 3.0"
	}
	if name := tls.VersionName(v); !strings.HasPrefix(name, "0x") {
		return name
	}
	return fmt.Sprintf("version 0x%04x", v)
}
