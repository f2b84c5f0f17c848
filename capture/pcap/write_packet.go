package pcap

import (
	"encoding/binary"
	"net/netip"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
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

// builder makes IP packets.
type builder struct {
	buf gopacket.SerializeBuffer
	id  uint16 // of IPv4 datagrams
	ip4 layers.IPv4
	ip6 layers.IPv6
	tcp layers.TCP
	udp layers.UDP
}

func (b *builder) init() { b.buf = gopacket.NewSerializeBufferExpectedSize(128, maxSegment) }

// wide is the window scale of both sides: a gigabyte, so that no window ever
// looks full.
const wide = 14

// bytes makes a packet, with checksums. They are valid until the next call.
func (b *builder) bytes(p *madePacket) ([]byte, error) {
	proto := layers.IPProtocolTCP
	if p.udp {
		proto = layers.IPProtocolUDP
	}
	ip, network := b.ip(p, proto)
	var transport gopacket.SerializableLayer
	if p.udp {
		b.udp = layers.UDP{SrcPort: layers.UDPPort(p.from.Port()), DstPort: layers.UDPPort(p.to.Port())}
		if err := b.udp.SetNetworkLayerForChecksum(network); err != nil {
			return nil, err
		}
		transport = &b.udp
	} else {
		b.tcp = layers.TCP{
			SrcPort: layers.TCPPort(p.from.Port()), DstPort: layers.TCPPort(p.to.Port()), Seq: p.seq, Window: p.window,
			SYN: p.flags&flagSYN != 0, FIN: p.flags&flagFIN != 0, RST: p.flags&flagRST != 0, PSH: p.flags&flagPSH != 0, ACK: p.flags&flagACK != 0,
		}
		if b.tcp.ACK {
			b.tcp.Ack = p.ack
		}
		if b.tcp.SYN {
			b.tcp.Options = synOptions
		}
		if err := b.tcp.SetNetworkLayerForChecksum(network); err != nil {
			return nil, err
		}
		transport = &b.tcp
	}
	err := gopacket.SerializeLayers(b.buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		ip, transport, gopacket.Payload(p.payload))
	return b.buf.Bytes(), err
}

// synOptions are those of a SYN: largest segment, window scale.
var synOptions = []layers.TCPOption{
	{OptionType: layers.TCPOptionKindMSS, OptionLength: 4, OptionData: []byte{maxSegment >> 8, maxSegment & 0xff}},
	{OptionType: layers.TCPOptionKindNop},
	{OptionType: layers.TCPOptionKindWindowScale, OptionLength: 3, OptionData: []byte{wide}},
}

// ip is the header of the addresses' family.
func (b *builder) ip(p *madePacket, proto layers.IPProtocol) (gopacket.SerializableLayer, gopacket.NetworkLayer) {
	if p.from.Addr().Is4() {
		b.id++
		b.ip4 = layers.IPv4{Version: 4, IHL: 5, TTL: 64, Id: b.id, Flags: layers.IPv4DontFragment, Protocol: proto,
			SrcIP: p.from.Addr().AsSlice(), DstIP: p.to.Addr().AsSlice()}
		return &b.ip4, &b.ip4
	}
	b.ip6 = layers.IPv6{Version: 6, HopLimit: 64, NextHeader: proto, SrcIP: p.from.Addr().AsSlice(), DstIP: p.to.Addr().AsSlice()}
	return &b.ip6, &b.ip6
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

// appendInterface appends an Interface Description Block: raw IP, times in
// nanoseconds.
func appendInterface(dst []byte, name, described string) []byte {
	begin := len(dst)
	dst = appendBlock(dst, blockInterface)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(layers.LinkTypeRaw))
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
