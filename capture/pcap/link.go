package pcap

import "encoding/binary"

// EtherTypes.
const (
	etherIPv4     = 0x0800
	etherIPv6     = 0x86dd
	etherVLAN     = 0x8100
	etherQinQ     = 0x88a8
	etherQinQOld  = 0x9100
	etherQinQOld2 = 0x9200
	etherMPLS     = 0x8847
	etherMPLSMany = 0x8848
	etherPPPoE    = 0x8864
)

// PPP protocols.
const (
	pppIPv4     = 0x0021
	pppIPv6     = 0x0057
	pppMPLS     = 0x0281
	pppMPLSMany = 0x0283
)

// maxLayers bounds the tags, labels and headers around one datagram.
const maxLayers = 32

// datagram strips the link layer from a packet (LINKTYPE_ values as in the
// file) and returns what begins with an IP header, nil where there is none.
// known is false when the link type itself is not understood.
func datagram(link uint32, b []byte) (ip []byte, known bool) {
	switch link {
	case 1: // Ethernet
		return ethernet(b, 0), true
	case 0, 108: // BSD loopback, in the byte order of its writer or the network's
		return loopback(b), true
	case 113: // Linux cooked v1
		return cooked(b, 14, 16), true
	case 276: // Linux cooked v2
		return cooked(b, 0, 20), true
	case 12, 14, 101, 228, 229: // raw IP
		return rawIP(b), true
	case 9, 50, 166: // PPP, PPP in HDLC-like framing, pppd's
		return ppp(b, 0), true
	case 204: // PPP with a direction byte
		return ppp(after(b, 1), 0), true
	case 51: // PPPoE without Ethernet
		return pppoe(b, 0), true
	case 104: // Cisco HDLC
		return ciscoHDLC(b), true
	}
	return nil, false
}

func after(b []byte, n int) []byte {
	if len(b) < n {
		return nil
	}
	return b[n:]
}

func rawIP(b []byte) []byte {
	if len(b) > 0 && (b[0]>>4 == 4 || b[0]>>4 == 6) {
		return b
	}
	return nil
}

func ethernet(b []byte, depth int) []byte {
	if len(b) < 14 {
		return nil
	}
	return ether(binary.BigEndian.Uint16(b[12:]), b[14:], depth)
}

// ether follows EtherTypes to the IP header.
func ether(kind uint16, b []byte, depth int) []byte {
	for ; depth < maxLayers; depth++ {
		switch kind {
		case etherIPv4, etherIPv6:
			return rawIP(b)
		case etherVLAN, etherQinQ, etherQinQOld, etherQinQOld2:
			if len(b) < 4 {
				return nil
			}
			kind, b = binary.BigEndian.Uint16(b[2:]), b[4:]
		case etherPPPoE:
			return pppoe(b, depth+1)
		case etherMPLS, etherMPLSMany:
			return mpls(b, depth+1)
		default:
			if kind > 1500 || len(b) < 8 {
				return nil
			}
			// An IEEE 802.3 length: LLC with SNAP carries an EtherType again.
			if b[0] != 0xaa || b[1] != 0xaa || b[2] != 3 || b[3]|b[4]|b[5] != 0 {
				return nil
			}
			kind, b = binary.BigEndian.Uint16(b[6:]), b[8:]
		}
	}
	return nil
}

// mpls strips the label stack. What it carries isn't said: IP is known by its
// version, a pseudowire of Ethernet by its control word (RFC 4385, 4448).
func mpls(b []byte, depth int) []byte {
	for ; depth < maxLayers && len(b) > 4; depth++ {
		bottom := b[2]&1 != 0
		b = b[4:]
		if !bottom {
			continue
		}
		if ip := rawIP(b); ip != nil {
			return ip
		}
		if b[0]>>4 == 0 && len(b) > 4 {
			return ethernet(b[4:], depth+1)
		}
		return nil
	}
	return nil
}

func pppoe(b []byte, depth int) []byte {
	if len(b) < 6 || b[0] != 0x11 || b[1] != 0 {
		return nil
	}
	return ppp(b[6:], depth)
}

// ppp reads RFC 1661 with or without the address and control bytes of RFC
// 1662, and with the protocol field compressed or not.
func ppp(b []byte, depth int) []byte {
	if len(b) >= 2 && (b[0] == 0x0f || b[0] == 0x8f) && b[1] == 0 {
		return ciscoHDLC(b)
	}
	if len(b) >= 2 && b[0] == 0xff && b[1] == 0x03 {
		b = b[2:]
	}
	if len(b) < 2 {
		return nil
	}
	kind := binary.BigEndian.Uint16(b)
	if b[0]&1 != 0 {
		kind, b = uint16(b[0]), b[1:]
	} else {
		b = b[2:]
	}
	switch kind {
	case pppIPv4, pppIPv6:
		return rawIP(b)
	case pppMPLS, pppMPLSMany:
		return mpls(b, depth+1)
	}
	return nil
}

func ciscoHDLC(b []byte) []byte {
	if len(b) < 4 {
		return nil
	}
	return ether(binary.BigEndian.Uint16(b[2:]), b[4:], 0)
}

// loopback reads the address family of BSD's null and loop: 2 is IPv4
// everywhere, IPv6 is 24, 28 or 30, as the system has it.
func loopback(b []byte) []byte {
	if len(b) < 4 {
		return nil
	}
	family := binary.LittleEndian.Uint32(b)
	if family > 0xffff {
		family = binary.BigEndian.Uint32(b)
	}
	switch family {
	case 2, 10, 24, 28, 30:
		return rawIP(b[4:])
	}
	return nil
}

// cooked reads Linux' headers, whose protocol stands at a place.
func cooked(b []byte, at, size int) []byte {
	if len(b) < size {
		return nil
	}
	return ether(binary.BigEndian.Uint16(b[at:]), b[size:], 0)
}
