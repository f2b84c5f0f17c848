package capture

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"time"
)

// NewIdentity makes a connection's 128-bit identity of its tuple and opening
// time, where it is first captured; every copy (recorded, sealed, merged,
// redacted) carries it along. Synthesised connections, which have neither, pass
// what tells them apart as extra.
func NewIdentity(n Network, client, server netip.AddrPort, opened time.Time, extra string) [16]byte {
	h := sha256.New()
	var b [8]byte
	h.Write([]byte{byte(n)})
	for _, a := range []netip.AddrPort{client, server} {
		ip := a.Addr().As16()
		h.Write(ip[:])
		binary.BigEndian.PutUint16(b[:2], a.Port())
		h.Write(b[:2])
	}
	ns := int64(0)
	if !opened.IsZero() {
		ns = opened.UnixNano()
	}
	binary.BigEndian.PutUint64(b[:], uint64(ns))
	h.Write(b[:])
	h.Write([]byte(extra))
	var id [16]byte
	copy(id[:], h.Sum(nil))
	return id
}
