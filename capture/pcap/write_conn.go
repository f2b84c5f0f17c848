package pcap

import (
	chain "container/list"
	"encoding/binary"
	"net/netip"
	"strings"
	"time"

	"informant/capture"
)

// writtenConn is a connection as it is written.
type writtenConn struct {
	conn   *capture.Conn
	ends   [2]netip.AddrPort // by direction: who sends
	next   [2]uint32         // sequence numbers
	ended  [2]bool
	first  bool // its first packet is to be written
	facts  string
	notes  []string // for its next packet
	acks   uint8    // acknowledgements without bytes so far
	last   time.Time
	silent int            // acknowledgements since its last record
	place  *chain.Element // in Writer.quiet; nil while no time is known
}

// stamped is when a packet was captured, zero where unknown, and what is to be
// said at it.
type stamped struct {
	at   time.Time
	note string
}

// open begins a connection with its first record.
func (s *Writer) open(r *capture.Record) *writtenConn {
	c := &writtenConn{conn: r.Conn, first: true}
	c.ends[capture.FromClient], c.ends[capture.FromServer] = madeUp(r.Conn)
	c.next[0], c.next[1] = binary.BigEndian.Uint32(r.Conn.Identity[:]), binary.BigEndian.Uint32(r.Conn.Identity[4:])
	c.facts = factsOf(r)
	s.conns[r.Conn] = c
	return c
}

// madeUp is the addresses of a connection, with those that are not known made
// up: of the networks kept for benchmarks and documentation, others for each
// connection.
func madeUp(conn *capture.Conn) (client, server netip.AddrPort) {
	client, server = plain(conn.Client), plain(conn.Server)
	v6 := client.IsValid() && client.Addr().Is6() || server.IsValid() && server.Addr().Is6()
	if !client.IsValid() {
		client = netip.AddrPortFrom(benchAddress(v6, 18, conn.ID), 49152+uint16(conn.ID>>16)%16384)
	}
	if !server.IsValid() {
		server = netip.AddrPortFrom(benchAddress(v6, 19, 1), 7547)
	}
	if client.Addr().Is4() != server.Addr().Is4() {
		client = netip.AddrPortFrom(netip.AddrFrom16(client.Addr().As16()), client.Port())
		server = netip.AddrPortFrom(netip.AddrFrom16(server.Addr().As16()), server.Port())
	}
	return client, server
}

// plain is an address without zone, IPv4 where it is that.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().WithZone("").Unmap(), a.Port())
}

// benchAddress is 198.18.0.0/16 or 198.19.0.0/16 (RFC 2544), or 2001:2::/48
// (RFC 5180).
func benchAddress(v6 bool, net byte, id uint64) netip.Addr {
	if v6 {
		b := [16]byte{0: 0x20, 1: 1, 3: 2, 7: net}
		binary.BigEndian.PutUint64(b[8:], id)
		return netip.AddrFrom16(b)
	}
	return netip.AddrFrom4([4]byte{198, net, byte(id >> 8), byte(id)})
}

// record writes the packets of a record.
func (s *Writer) record(c *writtenConn, r *capture.Record) {
	if c.first && r.Kind != capture.Open {
		// Of a connection that is over, or that never began.
		c.acknowledge(s, capture.FromClient, stamped{at: r.Time})
	}
	st := stamped{at: r.Time}
	if s.o.Describe != nil {
		st.note = s.o.Describe(r)
	}
	switch r.Kind {
	case capture.Open:
		c.begin(s, r, st)
	case capture.Data, capture.Cipher:
		c.send(s, r.From, r.Data, st)
	case capture.Gap:
		c.gap(s, r, st)
	case capture.Remark:
		c.note(r.Text)
		c.note(st.note)
	case capture.Handshake:
		c.note("TLS handshake\n" + string(r.TLS.Append(nil)))
		c.note(st.note)
	case capture.Close:
		c.note(st.note)
		c.close(s, r)
	default:
		s.unknown++
		c.note(st.note)
	}
}

func (c *writtenConn) note(text string) {
	const most = 100
	if text != "" && len(c.notes) < most {
		c.notes = append(c.notes, text)
	}
}

// begin writes the handshake, or an acknowledgement where it was not seen.
func (c *writtenConn) begin(s *Writer, r *capture.Record, st stamped) {
	if c.conn.Network == capture.UDP || !c.first {
		c.note(st.note)
		return
	}
	if r.Midstream {
		c.acknowledge(s, capture.FromClient, st)
		return
	}
	const client, server = capture.FromClient, capture.FromServer
	c.packet(s, client, flagSYN, nil, st)
	c.next[client]++
	c.packet(s, server, flagSYN|flagACK, nil, stamped{at: st.at})
	c.next[server]++
	c.packet(s, client, flagACK, nil, stamped{at: st.at})
}

// maxSegment is how many bytes a packet carries: more records have rarely, and
// with all headers it is less than 64 KB.
const maxSegment = 65_000

// send writes bytes.
func (c *writtenConn) send(s *Writer, from capture.Direction, data []byte, st stamped) {
	for {
		part := data[:min(len(data), maxSegment)]
		data = data[len(part):]
		if len(part) > 0 {
			c.packet(s, from, flagACK|flagPSH, part, st)
			c.next[from] += uint32(len(part))
			st.note = ""
		}
		if len(data) == 0 {
			c.note(st.note)
			return
		}
	}
}

// gap leaves room for bytes that are missing, which the other side acknowledges.
func (c *writtenConn) gap(s *Writer, r *capture.Record, st stamped) {
	room := min(r.Lost, longestGap)
	if r.Lost < 0 {
		room = unknownGap
	}
	if c.facts == "" && c.conn.Network == capture.TCP {
		c.facts = lacksOf(r)
	}
	c.next[r.From] += uint32(room)
	c.acknowledge(s, r.From.Opposite(), st)
}

// acknowledge writes a packet without bytes.
func (c *writtenConn) acknowledge(s *Writer, from capture.Direction, st stamped) {
	if c.conn.Network == capture.UDP {
		c.note(st.note)
		return
	}
	c.acks++
	c.packet(s, from, flagACK, nil, st)
}

// close writes the end of one direction or both. Who stopped watching writes
// nothing.
func (c *writtenConn) close(s *Writer, r *capture.Record) {
	st := stamped{at: r.Time}
	from := r.From
	if r.End == capture.FIN || r.End == capture.RST {
		c.finish(s, from, r.End, st)
		if r.Both && r.End == capture.FIN && !c.ended[from.Opposite()] {
			c.finish(s, from.Opposite(), r.End, st)
			from = from.Opposite()
		}
	} else if told := endsOf(r); told != "" || len(c.notes) > 0 {
		if c.conn.Network == capture.TCP {
			c.facts = told
		}
		c.acknowledge(s, from, st)
	}
	c.ended[r.From] = true
	c.ended[r.From.Opposite()] = c.ended[r.From.Opposite()] || r.Both
	if !c.ended[0] || !c.ended[1] {
		return
	}
	if r.End == capture.FIN {
		c.acknowledge(s, from.Opposite(), st)
	}
	delete(s.conns, c.conn)
	if c.place != nil {
		s.quiet.Remove(c.place)
		c.place = nil
	}
}

// finish writes the FIN or RST of one side.
func (c *writtenConn) finish(s *Writer, from capture.Direction, end capture.End, st stamped) {
	switch {
	case c.conn.Network == capture.UDP:
	case end == capture.RST:
		c.packet(s, from, flagRST|flagACK, nil, st)
	default:
		c.packet(s, from, flagFIN|flagACK, nil, st)
		c.next[from]++
	}
	c.ended[from] = true
}

// packet writes one packet, with the comments that wait for it.
func (c *writtenConn) packet(s *Writer, from capture.Direction, flags uint8, payload []byte, st stamped) {
	p := madePacket{
		from: c.ends[from], to: c.ends[from.Opposite()], udp: c.conn.Network == capture.UDP,
		seq: c.next[from], ack: c.next[from.Opposite()], flags: flags, window: 0xffff, payload: payload,
	}
	if len(payload) == 0 && flags == flagACK {
		p.window -= uint16(c.acks) // else they would be taken for repeated ones
	}
	data := s.build.bytes(&p)
	if st.note != "" {
		c.note(st.note)
	}
	comment := short(strings.Join(c.notes, "\n"))
	c.notes = c.notes[:0]
	ts, timeless := s.stamp(st.at)
	id := s.iface(writtenFrom{c.conn.Point, timeless})
	s.out = appendEnhanced(s.out, id, ts, data, c.facts, comment)
	c.facts, c.first = "", false
	s.touch(c)
}

// stamp is a packet's time in nanoseconds. Where it is not known, or nothing
// that a pcapng can tell, it is the latest of those before.
func (s *Writer) stamp(at time.Time) (ns uint64, timeless bool) {
	if timeless = at.IsZero() || at.Year() < 1970 || at.Year() > 2261; timeless {
		at = s.clock
	}
	if at.IsZero() || at.Year() < 1970 || at.Year() > 2261 {
		return 0, timeless
	}
	return uint64(at.UnixNano()), timeless
}
