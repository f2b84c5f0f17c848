package traffic

import (
	"encoding/binary"
	"net/netip"

	"informant/capture"
)

// Conn is a TCP connection in a Capture.
type Conn struct {
	c    *Capture
	addr [2]netip.AddrPort // by direction
	seq  [2]uint32
	ipID [2]uint16
	acks int // segments since the last acknowledgement
}

// The flags of TCP.
const (
	flagFIN = 1 << iota
	flagSYN
	flagRST
	flagPSH
	flagACK
)

// Open makes a connection, handshake included.
func (c *Capture) Open(client, server netip.AddrPort) *Conn {
	k := c.Join(client, server)
	k.segment(capture.FromClient, flagSYN, nil)
	k.seq[capture.FromClient]++
	k.segment(capture.FromServer, flagSYN|flagACK, nil)
	k.seq[capture.FromServer]++
	k.segment(capture.FromClient, flagACK, nil)
	return k
}

// Join makes a connection whose beginning is not in the capture.
func (c *Capture) Join(client, server netip.AddrPort) *Conn {
	k := &Conn{c: c, addr: [2]netip.AddrPort{client, server}}
	for d := range k.seq {
		k.seq[d] = c.rnd.Uint32()
		k.ipID[d] = uint16(c.rnd.Uint32())
	}
	return k
}

// Send sends bytes, cut into segments, and acknowledges them.
func (k *Conn) Send(from capture.Direction, data []byte) {
	mss := k.c.MSS
	if mss == 0 {
		mss = 1460
	}
	burst := 1 + k.c.rnd.IntN(4)
	for len(data) > 0 {
		n := min(mss, len(data))
		part, rest := data[:n], data[n:]
		if len(rest) > 0 && k.c.rnd.Float64() < k.c.Reorder {
			m := min(mss, len(rest))
			start := k.seq[from]
			k.seq[from] = start + uint32(n)
			k.segment(from, k.push(rest[m:]), rest[:m])
			k.seq[from] = start
			k.segment(from, flagACK, part)
			k.seq[from] = start + uint32(n+m)
			data = rest[m:]
			k.ack(from, true)
		} else {
			k.segment(from, k.push(rest), part)
			if k.c.rnd.Float64() < k.c.Duplicate {
				k.segment(from, k.push(rest), part)
			}
			k.seq[from] += uint32(n)
			data = rest
			k.ack(from, len(rest) == 0)
		}
		if burst--; burst <= 0 && k.c.pause != nil && len(data) > 0 {
			k.c.pause()
			burst = 1 + k.c.rnd.IntN(4)
		}
	}
	if k.c.pause != nil {
		k.c.pause()
	}
}

// Lose counts bytes as sent that the capture doesn't hold.
func (k *Conn) Lose(from capture.Direction, n int) { k.seq[from] += uint32(n) }

// push is the flags of a segment with rest to follow.
func (k *Conn) push(rest []byte) byte {
	if len(rest) == 0 {
		return flagACK | flagPSH
	}
	return flagACK
}

// ack acknowledges every second segment, and the last.
func (k *Conn) ack(from capture.Direction, last bool) {
	if k.acks++; last || k.acks >= 2 {
		k.segment(from.Opposite(), flagACK, nil)
		k.acks = 0
	}
}

// Close closes in order, that side first.
func (k *Conn) Close(first capture.Direction) {
	for _, d := range []capture.Direction{first, first.Opposite()} {
		k.segment(d, flagFIN|flagACK, nil)
		k.seq[d]++
	}
	k.segment(first, flagACK, nil)
}

// CloseHalf closes one direction.
func (k *Conn) CloseHalf(from capture.Direction) {
	k.segment(from, flagFIN|flagACK, nil)
	k.seq[from]++
	k.segment(from.Opposite(), flagACK, nil)
}

// Reset resets the connection.
func (k *Conn) Reset(from capture.Direction) { k.segment(from, flagRST|flagACK, nil) }

// segment writes one packet.
func (k *Conn) segment(from capture.Direction, flags byte, payload []byte) {
	src, dst := k.addr[from], k.addr[from.Opposite()]
	b := k.c.frame[:0]
	b = append(b, 2, 0, 0, 0, 0, byte(dst.Port()), 2, 0, 0, 0, 0, byte(src.Port()))
	be := binary.BigEndian
	n := 20 + len(payload)
	var sum uint32
	if src.Addr().Is4() {
		b = append(b, 8, 0)
		ip := len(b)
		b = append(b, 0x45, 0)
		b = be.AppendUint16(b, uint16(20+n))
		b = be.AppendUint16(b, k.ipID[from])
		k.ipID[from]++
		b = append(b, 0x40, 0, 64, 6, 0, 0)
		s, d := src.Addr().As4(), dst.Addr().As4()
		b = append(append(b, s[:]...), d[:]...)
		be.PutUint16(b[ip+10:], ^fold(addBytes(0, b[ip:])))
		sum = addBytes(0, b[ip+12:])
	} else {
		b = append(b, 0x86, 0xdd)
		ip := len(b)
		b = append(b, 0x60, 0, 0, 0)
		b = be.AppendUint16(b, uint16(n))
		b = append(b, 6, 64)
		s, d := src.Addr().As16(), dst.Addr().As16()
		b = append(append(b, s[:]...), d[:]...)
		sum = addBytes(0, b[ip+8:])
	}
	tcp := len(b)
	b = be.AppendUint16(b, src.Port())
	b = be.AppendUint16(b, dst.Port())
	b = be.AppendUint32(b, k.seq[from])
	ack := k.seq[from.Opposite()]
	if flags&flagACK == 0 {
		ack = 0
	}
	b = be.AppendUint32(b, ack)
	b = append(b, 5<<4, flags, 0xff, 0xff, 0, 0, 0, 0)
	b = append(b, payload...)
	be.PutUint16(b[tcp+16:], ^fold(addBytes(sum+6+uint32(n), b[tcp:])))
	k.c.frame = b
	k.c.Frame(b)
}

// addBytes adds 16-bit words to a one's complement sum.
func addBytes(sum uint32, b []byte) uint32 {
	s := uint64(sum)
	for len(b) >= 8 {
		v := binary.BigEndian.Uint64(b)
		s += v>>32 + v&0xffffffff
		b = b[8:]
	}
	for len(b) >= 2 {
		s += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		s += uint64(b[0]) << 8
	}
	for s>>32 != 0 {
		s = s>>32 + s&0xffffffff
	}
	return uint32(s>>16) + uint32(s&0xffff)
}

// fold ends a one's complement sum.
func fold(s uint32) uint16 {
	for s>>16 != 0 {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
