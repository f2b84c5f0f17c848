package pcap

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// TestLayersAgree compares the decoding of link layers and headers with
// gopacket's, for those link layers that it knows.
func TestLayersAgree(t *testing.T) {
	kinds := map[uint32]gopacket.Decoder{
		1: layers.LinkTypeEthernet, 0: layers.LinkTypeNull, 108: layers.LinkTypeLoop, 113: layers.LinkTypeLinuxSLL, 101: layers.LinkTypeRaw, 9: layers.LayerTypePPP,
	}
	unknown := map[string]bool{ // what gopacket cannot
		"qinq-9100": true, "cooked-v1-vlan": true, "snap": false, "mpls-pseudowire": true, "ppp-framed": true, "null-be": true, "loop": true,
	}
	compared := 0
	for _, l := range links {
		dec := kinds[l.link]
		if dec == nil || unknown[l.name] {
			continue
		}
		for _, ip := range append(conversation(cpe4, acs4, "question", "answer"), conversation(cpe6, acs6, "question", "answer")...) {
			b := l.wrap(ip)
			got, want := oursOf(t, l.link, b), gopackets(b, dec)
			if got != want {
				t.Errorf("%s: %s, gopacket has %s", l.name, got, want)
			}
			compared++
		}
	}
	if compared < 100 {
		t.Errorf("only %d packets compared", compared)
	}
}

func oursOf(t *testing.T, link uint32, b []byte) string {
	t.Helper()
	var p ipPacket
	var s segment
	ip, _ := datagram(link, b)
	if ip == nil || !parseIP(&p, ip, 0) || !parseTCP(&s, &p) {
		return "nothing"
	}
	return describeSegment(s.src, s.dst, s.sport, s.dport, s.seq, s.ack, s.payload)
}

func gopackets(b []byte, dec gopacket.Decoder) string {
	p := gopacket.NewPacket(b, dec, gopacket.NoCopy)
	n, tcp := p.NetworkLayer(), p.Layer(layers.LayerTypeTCP)
	if n == nil || tcp == nil {
		return "nothing"
	}
	h := tcp.(*layers.TCP)
	flow := n.NetworkFlow()
	return describeSegment(flow.Src().Raw(), flow.Dst().Raw(), uint16(h.SrcPort), uint16(h.DstPort), h.Seq, h.Ack, h.Payload)
}

func describeSegment(src, dst []byte, sport, dport uint16, seq, ack uint32, payload []byte) string {
	a, _ := netip.AddrFromSlice(src)
	b, _ := netip.AddrFromSlice(dst)
	return fmt.Sprintf("%v:%d %v:%d %d %d %q", a, sport, b, dport, seq, ack, payload)
}

// TestSerializedByGopacket reads what gopacket writes, with TCP options and
// VLAN tags.
func TestSerializedByGopacket(t *testing.T) {
	var packets [][]byte
	for i, text := range []string{"", "first ", "second"} {
		e := &layers.Ethernet{SrcMAC: []byte{2, 0, 0, 0, 0, 1}, DstMAC: []byte{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeDot1Q}
		v := &layers.Dot1Q{VLANIdentifier: 7, Type: layers.EthernetTypeIPv4}
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: cpe4.Addr().AsSlice(), DstIP: acs4.Addr().AsSlice(),
			Options: []layers.IPv4Option{{OptionType: 1}, {OptionType: 1}, {OptionType: 1}, {OptionType: 0}}}
		tcp := &layers.TCP{SrcPort: 41022, DstPort: 7547, Seq: uint32(100 + i*6 - 5), SYN: i == 0, ACK: i > 0, Ack: 1, Window: 100,
			Options: []layers.TCPOption{{OptionType: layers.TCPOptionKindTimestamps, OptionLength: 10, OptionData: make([]byte, 8)}}}
		if i == 0 {
			tcp.Seq = 100
		}
		if err := tcp.SetNetworkLayerForChecksum(ip); err != nil {
			t.Fatal(err)
		}
		buf := gopacket.NewSerializeBuffer()
		err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, e, v, ip, tcp, gopacket.Payload(text))
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, bytes.Clone(buf.Bytes()))
	}
	got := read(t, Options{}, writePcap(binary.LittleEndian, true, 1, spaced(packets...)))
	if want := "[open] C:first  C:second C/end of input//"; got.talk() != want {
		t.Errorf("got  %s\nwant %s", got.talk(), want)
	}
}
