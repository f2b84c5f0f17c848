package pcap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"informant/capture"
)

// The tests make their packets with the few functions here.

var (
	cpe4 = netip.MustParseAddrPort("192.0.2.7:41022")
	acs4 = netip.MustParseAddrPort("198.51.100.1:7547")
	cpe6 = netip.MustParseAddrPort("[2001:db8::7]:41022")
	acs6 = netip.MustParseAddrPort("[2001:db8::1]:7547")
)

const testEpoch = int64(1_763_800_000_000_000_000)

// pkt is one packet of a test capture.
type pkt struct {
	ts   int64 // nanoseconds after testEpoch
	data []byte
	orig int // 0: len(data)
}

// tcpHeader makes a TCP segment.
func tcpHeader(from, to netip.AddrPort, flags uint8, seq, ack uint32, payload []byte) []byte {
	b := make([]byte, 20, 20+len(payload))
	binary.BigEndian.PutUint16(b, from.Port())
	binary.BigEndian.PutUint16(b[2:], to.Port())
	binary.BigEndian.PutUint32(b[4:], seq)
	binary.BigEndian.PutUint32(b[8:], ack)
	b[12], b[13] = 5<<4, flags
	binary.BigEndian.PutUint16(b[14:], 65535)
	return append(b, payload...)
}

// ipHeader puts an IP header of the address family before a payload.
func ipHeader(from, to netip.Addr, proto uint8, payload []byte) []byte {
	if from.Is4() {
		return ip4(from, to, proto, 7, 0x4000, payload)
	}
	b := make([]byte, 40, 40+len(payload))
	b[0], b[6], b[7] = 0x60, proto, 64
	binary.BigEndian.PutUint16(b[4:], uint16(len(payload)))
	copy(b[8:], from.AsSlice())
	copy(b[24:], to.AsSlice())
	return append(b, payload...)
}

func ip4(from, to netip.Addr, proto uint8, id, frag uint16, payload []byte) []byte {
	b := make([]byte, 20, 20+len(payload))
	b[0], b[8], b[9] = 0x45, 64, proto
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(payload)))
	binary.BigEndian.PutUint16(b[4:], id)
	binary.BigEndian.PutUint16(b[6:], frag)
	copy(b[12:], from.AsSlice())
	copy(b[16:], to.AsSlice())
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(b[10:], ^uint16(sum))
	return append(b, payload...)
}

func tcpPacket(from, to netip.AddrPort, flags uint8, seq, ack uint32, payload string) []byte {
	return ipHeader(from.Addr(), to.Addr(), protoTCP, tcpHeader(from, to, flags, seq, ack, []byte(payload)))
}

func eth(kind uint16, b []byte) []byte {
	h := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, byte(kind >> 8), byte(kind)}
	return append(h, b...)
}

// etherOf is the EtherType of an IP packet.
func etherOf(ip []byte) uint16 {
	if ip[0]>>4 == 6 {
		return etherIPv6
	}
	return etherIPv4
}

// conversation is a whole connection: handshake, a request, an answer, both
// FINs. It is returned as IP packets.
func conversation(c, s netip.AddrPort, request, answer string) [][]byte {
	const ci, si = 1000, 5000
	q, a := uint32(len(request)), uint32(len(answer))
	return [][]byte{
		tcpPacket(c, s, flagSYN, ci, 0, ""),
		tcpPacket(s, c, flagSYN|flagACK, si, ci+1, ""),
		tcpPacket(c, s, flagACK, ci+1, si+1, ""),
		tcpPacket(c, s, flagACK|8, ci+1, si+1, request),
		tcpPacket(s, c, flagACK|8, si+1, ci+1+q, answer),
		tcpPacket(c, s, flagACK|flagFIN, ci+1+q, si+1+a, ""),
		tcpPacket(s, c, flagACK|flagFIN, si+1+a, ci+2+q, ""),
		tcpPacket(c, s, flagACK, ci+2+q, si+2+a, ""),
	}
}

// spaced gives packets times a millisecond apart.
func spaced(packets ...[]byte) []pkt {
	var out []pkt
	for i, p := range packets {
		out = append(out, pkt{ts: int64(i) * 1e6, data: p})
	}
	return out
}

// writePcap makes a classic file.
func writePcap(order binary.AppendByteOrder, nano bool, link uint32, packets []pkt) []byte {
	magic, unit := uint32(0xa1b2c3d4), int64(1000)
	if nano {
		magic, unit = 0xa1b23c4d, 1
	}
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint16(b, 4)
	b = order.AppendUint32(b, 0)
	b = order.AppendUint32(b, 0)
	b = order.AppendUint32(b, 262144)
	b = order.AppendUint32(b, link)
	for _, p := range packets {
		ts := testEpoch + p.ts
		b = order.AppendUint32(b, uint32(ts/1e9))
		b = order.AppendUint32(b, uint32(ts%1e9/unit))
		b = order.AppendUint32(b, uint32(len(p.data)))
		b = order.AppendUint32(b, uint32(max(p.orig, len(p.data))))
		b = append(b, p.data...)
	}
	return b
}

// ngWriter makes pcapng blocks.
type ngWriter struct {
	order binary.AppendByteOrder
	b     []byte
}

func (w *ngWriter) block(kind uint32, body []byte) {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	n := uint32(len(body) + 12)
	w.b = w.order.AppendUint32(w.b, kind)
	w.b = w.order.AppendUint32(w.b, n)
	w.b = append(w.b, body...)
	w.b = w.order.AppendUint32(w.b, n)
}

func (w *ngWriter) section() {
	body := w.order.AppendUint32(nil, sectionMagic)
	body = w.order.AppendUint16(body, 1)
	body = w.order.AppendUint16(body, 0)
	w.block(blockSection, append(body, 255, 255, 255, 255, 255, 255, 255, 255))
}

// iface writes an interface; resolution < 0 leaves the option out.
func (w *ngWriter) iface(link uint16, snap uint32, resolution int, offset int64) {
	body := w.order.AppendUint16(nil, link)
	body = w.order.AppendUint16(body, 0)
	body = w.order.AppendUint32(body, snap)
	if resolution >= 0 {
		body = w.order.AppendUint16(body, optResolution)
		body = w.order.AppendUint16(body, 1)
		body = append(body, byte(resolution), 0, 0, 0)
	}
	if offset != 0 {
		body = w.order.AppendUint16(body, optOffset)
		body = w.order.AppendUint16(body, 8)
		body = w.order.AppendUint64(body, uint64(offset))
	}
	w.block(blockInterface, w.order.AppendUint32(body, 0))
}

func (w *ngWriter) enhanced(id uint32, ticks uint64, data []byte, orig int) {
	body := w.order.AppendUint32(nil, id)
	body = w.order.AppendUint32(body, uint32(ticks>>32))
	body = w.order.AppendUint32(body, uint32(ticks))
	body = w.order.AppendUint32(body, uint32(len(data)))
	body = w.order.AppendUint32(body, uint32(max(orig, len(data))))
	w.block(blockEnhanced, append(body, data...))
}

func (w *ngWriter) simple(data []byte, orig int) {
	body := w.order.AppendUint32(nil, uint32(max(orig, len(data))))
	w.block(blockSimple, append(body, data...))
}

func (w *ngWriter) obsolete(id uint16, ticks uint64, data []byte) {
	body := w.order.AppendUint16(nil, id)
	body = w.order.AppendUint16(body, 0)
	body = w.order.AppendUint32(body, uint32(ticks>>32))
	body = w.order.AppendUint32(body, uint32(ticks))
	body = w.order.AppendUint32(body, uint32(len(data)))
	body = w.order.AppendUint32(body, uint32(len(data)))
	w.block(blockPacket, append(body, data...))
}

// writePcapng makes a file of one Ethernet (or other) interface, µs.
func writePcapng(order binary.AppendByteOrder, link uint16, packets []pkt) []byte {
	w := ngWriter{order: order}
	w.section()
	w.iface(link, 0, -1, 0)
	for _, p := range packets {
		w.enhanced(0, uint64(testEpoch+p.ts)/1000, p.data, p.orig)
	}
	return w.b
}

// seen is what a source yielded, with the data copied.
type seen struct {
	records []capture.Record
	errs    []error
	stats   Stats
}

func readAll(o Options, inputs ...Input) (seen, error) {
	var out seen
	s, err := NewSource(inputs, o)
	if err != nil {
		return out, err
	}
	defer s.Close()
	for {
		r, err := s.Next()
		if err == io.EOF {
			out.stats = s.Stats()
			return out, nil
		}
		if err != nil {
			out.errs = append(out.errs, err)
			if len(out.errs) > 10 {
				return out, errors.New("errors without end")
			}
			continue
		}
		r.Data = bytes.Clone(r.Data)
		out.records = append(out.records, r)
	}
}

// read reads a capture that is in order.
func read(t testing.TB, o Options, files ...[]byte) seen {
	t.Helper()
	var in []Input
	for i, f := range files {
		in = append(in, Input{Name: string(rune('a'+i)) + ".pcap", R: bytes.NewReader(f)})
	}
	out, err := readAll(o, in...)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range out.errs {
		t.Fatal(err)
	}
	out.valid(t)
	return out
}

// raw reads IP packets of link type 101, a millisecond apart.
func raw(t testing.TB, o Options, packets ...[]byte) seen {
	t.Helper()
	return read(t, o, writePcap(binary.LittleEndian, true, 101, spaced(packets...)))
}

// valid holds what every stream of records promises.
func (s seen) valid(t testing.TB) {
	t.Helper()
	half := map[*capture.Conn]*[2]bool{}
	over := map[*capture.Conn]bool{}
	for i, r := range s.records {
		if r.Seq != uint64(i+1) {
			t.Fatalf("record %d has Seq %d", i, r.Seq)
		}
		h, known := half[r.Conn]
		switch {
		case over[r.Conn]:
			t.Fatalf("record %d (%+v) after its connection's end", i, r)
		case r.Kind == capture.Open:
			if known {
				t.Fatalf("record %d opens again", i)
			}
			half[r.Conn] = new([2]bool)
			continue
		case !known:
			t.Fatalf("record %d (%+v) before Open", i, r)
		case (r.Kind == capture.Data || r.Kind == capture.Gap) && h[r.From]:
			t.Fatalf("record %d (%+v) after its direction's end", i, r)
		case r.Kind == capture.Data && len(r.Data) == 0:
			t.Fatalf("record %d has no data", i)
		case r.Kind == capture.Gap && r.Lost == 0:
			t.Fatalf("record %d has no gap", i)
		}
		if r.Kind == capture.Close {
			h[r.From] = true
			over[r.Conn] = r.Both
		}
	}
	for c := range half {
		if !over[c] {
			t.Fatalf("connection %d is not closed", c.ID)
		}
	}
}

// talk writes the records of the only connection, or of all, as a short text:
// C and S say who; < > is a gap.
func (s seen) talk() string {
	var b bytes.Buffer
	for _, r := range s.records {
		who := "C"
		if r.From == capture.FromServer {
			who = "S"
		}
		switch r.Kind {
		case capture.Open:
			if r.Midstream {
				b.WriteString("[mid]")
			} else {
				b.WriteString("[open]")
			}
		case capture.Data:
			b.WriteString(" " + who + ":" + string(r.Data))
		case capture.Gap:
			b.WriteString(" " + who + "<" + itoa(r.Lost) + ">")
		case capture.Remark:
			b.WriteString(" " + who + "!")
		case capture.Close:
			b.WriteString(" " + who + "/" + r.End.String())
			if r.Both {
				b.WriteString("//")
			}
		}
	}
	return b.String()
}

func itoa(n int64) string {
	if n < 0 {
		return "?"
	}
	return strconv.FormatInt(n, 10)
}

func at(ms int) time.Time {
	return time.Unix(0, testEpoch).Add(time.Duration(ms) * time.Millisecond).UTC()
}
