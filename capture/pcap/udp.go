package pcap

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"

	"informant/capture"
)

// udp reads a datagram. Of those, CWMP has connection requests (TR-069 Annex G) and the
// STUN by which a CPE keeps its address open for them: each of these is a connection of
// its own, of three records, since datagrams belong to nothing. All others are counted.
func (s *Source) udp(p *packet) {
	s.stats.UDP++
	const head = 8
	b := s.ip.payload
	if len(b) < head {
		return
	}
	if n := int(binary.BigEndian.Uint16(b[4:])); n >= head && n < len(b) {
		b = b[:n]
	}
	if s.ip.length > len(s.ip.payload) || !wantedDatagram(b[head:]) { // of one that was cut nothing can be said
		return
	}
	from, okFrom := netip.AddrFromSlice(s.ip.src)
	to, okTo := netip.AddrFromSlice(s.ip.dst)
	if !okFrom || !okTo {
		return
	}
	client, server := netip.AddrPortFrom(from, binary.BigEndian.Uint16(b)), netip.AddrPortFrom(to, binary.BigEndian.Uint16(b[2:]))
	at := timeOf(p.ts)
	extra := strconv.FormatUint(p.number, 10) // copies may come at one time
	a := s.asm
	a.ids++
	conn := &capture.Conn{ID: a.ids, Network: capture.UDP, Client: client, Server: server, Point: p.in.name, Identity: capture.NewIdentity(capture.UDP, client, server, at, extra)}
	if p.facts != nil {
		if told, ok := parseFacts(p.facts); ok {
			told.apply(conn)
		}
	}
	for _, r := range []capture.Record{
		{Kind: capture.Open},
		{Kind: capture.Data, Data: b[head:]},
		{Kind: capture.Close, End: capture.FIN, Both: true},
	} {
		a.seq++
		r.Seq, r.Time, r.Packet, r.Conn = a.seq, at, p.number, conn
		a.out = append(a.out, r)
	}
}

// wantedDatagram says whether a datagram looks like a connection request, an answer to
// one, or a STUN binding (RFC 3489 11.1: a type, the length of what follows its header).
func wantedDatagram(b []byte) bool {
	const stunHead = 20
	if len(b) >= stunHead && b[0]&0xfe == 0 && (b[1] == 0x01 || b[1] == 0x11) {
		if n := int(binary.BigEndian.Uint16(b[2:])); n == len(b)-stunHead && n%4 == 0 {
			return true
		}
	}
	if bytes.HasPrefix(b, []byte("HTTP/1.")) {
		return true
	}
	line, _, _ := bytes.Cut(b[:min(len(b), 2048)], []byte("\n"))
	return bytes.Contains(line, []byte(" HTTP/")) && (bytes.Contains(line, []byte("sig=")) || bytes.Contains(line, []byte("ts=")) && bytes.Contains(line, []byte("cn=")))
}
