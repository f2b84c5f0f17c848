package pcap

import (
	"encoding/binary"
	"net/netip"
)

// madePacket is what a packet is made of.
type madePacket struct {
	from, to netip.AddrPort
	udp      bool
	seq, ack uint32
	flags    uint8
	window   uint16
	payload  []byte
}

// builder makes IP packets. gopacket's layers could too, but registering them
// all takes 9 MB and 30 ms of every run of the program.
type builder struct {
	buf []byte
	id  uint16 // of IPv4 datagrams
}

// wide is the window scale of both sides: a gigabyte, so that no window ever
// looks full.
const wide = 14

// synOptions are those of a SYN: largest segment, window scale.
var synOptions = []byte{2, 4, maxSegment >> 8, maxSegment & 0xff, 1, 3, 3, wide}

// bytes makes a packet, with checksums. They are valid until the next call.
func (b *builder) bytes(p *madePacket) []byte {
	proto, head := byte(protoTCP), 20
	if p.udp {
		proto, head = protoUDP, 8
	} else if p.flags&flagSYN != 0 {
		head += len(synOptions)
	}
	size := head + len(p.payload)
	b.buf = b.ip(b.buf[:0], p, proto, size)
	at := len(b.buf)
	if p.udp {
		b.buf = appendUDP(b.buf, p, size)
	} else {
		b.buf = appendTCP(b.buf, p, head)
	}
	b.buf = append(b.buf, p.payload...)
	from, to := p.from.Addr().AsSlice(), p.to.Addr().AsSlice()
	sum := checksum(sumOf(sumOf(sumOf(uint32(proto)+uint32(size), from), to), b.buf[at:]))
	if p.udp {
		if sum == 0 { // which would say that there is none
			sum = 0xffff
		}
		binary.BigEndian.PutUint16(b.buf[at+6:], sum)
	} else {
		binary.BigEndian.PutUint16(b.buf[at+16:], sum)
	}
	return b.buf
}

// ip appends the header of the addresses' family, for size bytes of proto.
func (b *builder) ip(dst []byte, p *madePacket, proto byte, size int) []byte {
	be := binary.BigEndian
	from, to := p.from.Addr().AsSlice(), p.to.Addr().AsSlice()
	const hops = 64
	if !p.from.Addr().Is4() {
		dst = be.AppendUint32(dst, 6<<28)
		dst = be.AppendUint16(dst, uint16(size))
		dst = append(dst, proto, hops)
		return append(append(dst, from...), to...)
	}
	b.id++
	at := len(dst)
	dst = append(dst, 4<<4|5, 0)
	dst = be.AppendUint16(dst, uint16(20+size))
	dst = be.AppendUint16(dst, b.id)
	dst = be.AppendUint16(dst, 1<<14) // don't fragment
	dst = append(dst, hops, proto, 0, 0)
	dst = append(append(dst, from...), to...)
	be.PutUint16(dst[at+10:], checksum(sumOf(0, dst[at:])))
	return dst
}

// appendTCP appends a TCP header of head bytes, without its checksum.
func appendTCP(dst []byte, p *madePacket, head int) []byte {
	be := binary.BigEndian
	dst = be.AppendUint16(dst, p.from.Port())
	dst = be.AppendUint16(dst, p.to.Port())
	dst = be.AppendUint32(dst, p.seq)
	ack := p.ack
	if p.flags&flagACK == 0 {
		ack = 0
	}
	dst = be.AppendUint32(dst, ack)
	dst = append(dst, byte(head/4)<<4, p.flags)
	dst = be.AppendUint16(dst, p.window)
	dst = append(dst, 0, 0, 0, 0) // checksum, urgent pointer
	if p.flags&flagSYN != 0 {
		dst = append(dst, synOptions...)
	}
	return dst
}

// appendUDP appends a UDP header, without its checksum.
func appendUDP(dst []byte, p *madePacket, size int) []byte {
	be := binary.BigEndian
	dst = be.AppendUint16(dst, p.from.Port())
	dst = be.AppendUint16(dst, p.to.Port())
	dst = be.AppendUint16(dst, uint16(size))
	return append(dst, 0, 0)
}

// sumOf adds b to a sum for checksum (RFC 1071).
func sumOf(sum uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

// checksum is the Internet checksum of what was summed up.
func checksum(sum uint32) uint16 {
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// appendSection appends a Section Header Block. gopacket's own writer of pcapng
// has no comments for packets.
func appendSection(dst []byte, application, comment string) []byte {
	le := binary.LittleEndian
	begin := len(dst)
	dst = appendBlock(dst, blockSection)
	dst = le.AppendUint32(dst, sectionMagic)
	dst = le.AppendUint32(dst, 1)       // version 1.0
	dst = le.AppendUint64(dst, 1<<64-1) // how long the section is: unknown
	dst = appendOptions(dst, optName, application, optComment, comment)
	return endBlock(dst, begin)
}

// linkRaw is the link type of packets that begin with their IP header.
const linkRaw = 101

// appendInterface appends an Interface Description Block: raw IP, times in
// nanoseconds.
func appendInterface(dst []byte, name, described string) []byte {
	begin := len(dst)
	dst = appendBlock(dst, blockInterface)
	dst = binary.LittleEndian.AppendUint32(dst, linkRaw)
	dst = binary.LittleEndian.AppendUint32(dst, 0) // packets of any length
	dst = appendOptions(dst, optInterfaceName, name, optDescribed, described, optResolution, "\x09")
	return endBlock(dst, begin)
}

// appendEnhanced appends an Enhanced Packet Block, with two comments, if not
// empty.
func appendEnhanced(dst []byte, iface uint32, ns uint64, data []byte, first, second string) []byte {
	le := binary.LittleEndian
	begin := len(dst)
	dst = appendBlock(dst, blockEnhanced)
	dst = le.AppendUint32(dst, iface)
	dst = le.AppendUint32(dst, uint32(ns>>32))
	dst = le.AppendUint32(dst, uint32(ns))
	dst = le.AppendUint32(dst, uint32(len(data)))
	dst = le.AppendUint32(dst, uint32(len(data)))
	dst = appendPadded(dst, data)
	dst = appendOptions(dst, optComment, first, optComment, second)
	return endBlock(dst, begin)
}

// appendBlock begins a block, of which endBlock knows the length.
func appendBlock(dst []byte, kind uint32) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, kind)
	return binary.LittleEndian.AppendUint32(dst, 0)
}

func endBlock(dst []byte, begin int) []byte {
	size := uint32(len(dst) - begin + 4)
	binary.LittleEndian.PutUint32(dst[begin+4:], size)
	return binary.LittleEndian.AppendUint32(dst, size)
}

// appendOptions appends options, each a code (int) and a value (string), but for
// the empty ones, and their end.
func appendOptions(dst []byte, list ...any) []byte {
	begin := len(dst)
	for ; len(list) > 0; list = list[2:] {
		if value := list[1].(string); value != "" {
			dst = binary.LittleEndian.AppendUint16(dst, uint16(list[0].(int)))
			dst = binary.LittleEndian.AppendUint16(dst, uint16(len(value)))
			dst = appendPadded(dst, value)
		}
	}
	if len(dst) == begin {
		return dst
	}
	return binary.LittleEndian.AppendUint32(dst, 0)
}

// appendPadded appends b and fills up to 4 bytes.
func appendPadded[T []byte | string](dst []byte, b T) []byte {
	dst = append(dst, b...)
	return append(dst, "\x00\x00\x00"[:-len(b)&3]...)
}
