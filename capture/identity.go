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
	b := make([]byte, 0, 64) // enough without extra
	b = append(b, byte(n))
	for _, a := range [...]netip.AddrPort{client, server} {
		ip := a.Addr().As16()
		b = append(b, ip[:]...)
		b = binary.BigEndian.AppendUint16(b, a.Port())
	}
	ns := int64(0)
	if !opened.IsZero() {
		ns = opened.UnixNano()
	}
	b = binary.BigEndian.AppendUint64(b, uint64(ns))
	b = append(b, extra...)
	sum := sha256.Sum256(b)
	return [16]byte(sum[:16])
}
