package pcap

import "encoding/binary"

// IP protocol numbers.
const (
	protoHopByHop  = 0
	protoTCP       = 6
	protoUDP       = 17
	protoRouting   = 43
	protoFragment  = 44
	protoAH        = 51
	protoNone      = 59
	protoDest      = 60
	protoMobility  = 135
	protoHIP       = 139
	protoShim6     = 140
	ipv6HeaderSize = 40
)

// ipPacket is one IP datagram, or a fragment of one.
type ipPacket struct {
	v6       bool
	src, dst []byte // 4 or 16 bytes, in the packet
	proto    uint8
	payload  []byte // as captured
	length   int    // of the payload on the wire, at least len(payload)

	fragment bool
	more     bool   // more fragments follow
	offset   int    // of this fragment's payload
	id       uint32 // of the datagram
}

// parseIP reads the headers of b, of which cut bytes more were on the wire.
// Bytes beyond the datagram (Ethernet's padding) are left out.
func parseIP(p *ipPacket, b []byte, cut int) bool {
	if len(b) > 0 && b[0]>>4 == 6 {
		return parseIPv6(p, b, cut)
	}
	return parseIPv4(p, b, cut)
}

func parseIPv4(p *ipPacket, b []byte, cut int) bool {
	if len(b) < 20 || b[0]>>4 != 4 {
		return false
	}
	head := int(b[0]&15) * 4
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 { // a segment that the network card was to cut up (TSO)
		total = len(b) + cut
	}
	if head < 20 || total < head || len(b) < head {
		return false
	}
	p.v6 = false
	p.src, p.dst = b[12:16], b[16:20]
	p.proto = b[9]
	p.payload = b[head:min(len(b), total)]
	p.length = total - head
	frag := binary.BigEndian.Uint16(b[6:])
	p.fragment = frag&0x3fff != 0
	if p.fragment {
		p.more = frag&0x2000 != 0
		p.offset = int(frag&0x1fff) * 8
		p.id = uint32(binary.BigEndian.Uint16(b[4:]))
	}
	return true
}

func parseIPv6(p *ipPacket, b []byte, cut int) bool {
	if len(b) < ipv6HeaderSize {
		return false
	}
	length := int(binary.BigEndian.Uint16(b[4:]))
	p.v6, p.fragment = true, false
	p.src, p.dst = b[8:24], b[24:40]
	next := b[6]
	if length == 0 { // a jumbogram, or TSO
		length = len(b) + cut - ipv6HeaderSize
	}
	b = b[ipv6HeaderSize:]
	p.payload, p.length = b[:min(len(b), length)], length
	return p.extensions(next)
}

// extensions passes over the extension headers (RFC 8200 section 4) up to the
// payload or the fragment header. It serves reassembled datagrams as well.
func (p *ipPacket) extensions(next uint8) bool {
	for {
		b := p.payload
		var size int
		switch next {
		case protoHopByHop, protoRouting, protoDest, protoMobility, protoHIP, protoShim6:
			if len(b) < 8 {
				return false
			}
			size = 8 + int(b[1])*8
		case protoAH:
			if len(b) < 8 {
				return false
			}
			size = 8 + int(b[1])*4
		case protoFragment:
			if len(b) < 8 {
				return false
			}
			p.readFragmentHeader(b)
			next, size = b[0], 8
			if p.fragment {
				p.proto = next
				p.payload, p.length = b[8:], p.length-8
				return true
			}
		default:
			p.proto = next
			return next != protoNone
		}
		if len(b) < size {
			return false
		}
		next, p.payload, p.length = b[0], b[size:], p.length-size
	}
}

// readFragmentHeader leaves fragment false for an atomic fragment (RFC 6946).
func (p *ipPacket) readFragmentHeader(b []byte) {
	word := binary.BigEndian.Uint16(b[2:])
	p.offset = int(word &^ 7)
	p.more = word&1 != 0
	p.id = binary.BigEndian.Uint32(b[4:])
	p.fragment = p.more || p.offset > 0
}

// segment is one TCP segment.
type segment struct {
	src, dst []byte
	v6       bool
	sport    uint16
	dport    uint16
	seq, ack uint32
	flags    uint8
	payload  []byte
	cut      int // bytes of the payload that were on the wire and not captured
	at       stamp
	facts    []byte // see packet
}

// TCP flags.
const (
	flagFIN = 1
	flagSYN = 2
	flagRST = 4
	flagPSH = 8
	flagACK = 16
)

// parseTCP reads the TCP header of a datagram.
func parseTCP(s *segment, p *ipPacket) bool {
	b := p.payload
	if len(b) < 20 {
		return false
	}
	head := int(b[12]>>4) * 4
	if head < 20 || head > p.length {
		return false
	}
	s.src, s.dst, s.v6 = p.src, p.dst, p.v6
	s.sport, s.dport = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	s.seq, s.ack = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
	s.flags = b[13]
	s.payload = b[min(head, len(b)):]
	s.cut = p.length - head - len(s.payload)
	return true
}
