package recording

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"time"

	"informant/capture"
)

// fleet is a source that makes up the traffic of many devices, each with a
// session on a connection of its own, and one session that lasts throughout. It
// holds no more than the connections that are open. It is its own Indexer.
type fleet struct {
	rnd   *rand.Rand
	left  int64 // bytes of traffic to come
	seq   uint64
	now   time.Time
	conns []*fleetConn
	ids   uint64
	width int // connections at a time
	buf   []byte
	each  func(seq uint64)
	long  bool             // with a session that lasts throughout
	ended map[uint64]Found // by the Seq of the record that ends it
}

type fleetConn struct {
	conn   *capture.Conn
	entry  Entry
	first  uint64
	device uint32
	steps  int
	step   int
}

func newFleet(seed uint64, size int64) *fleet {
	return &fleet{
		rnd: rand.New(rand.NewPCG(seed, 5)), left: size, width: 50, now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		ended: map[uint64]Found{}, long: true,
	}
}

func (f *fleet) Close() error { return nil }

func (f *fleet) Next() (capture.Record, error) {
	if f.left <= 0 && len(f.conns) == 0 {
		return capture.Record{}, io.EOF
	}
	f.seq++
	if f.each != nil {
		f.each(f.seq)
	}
	f.now = f.now.Add(time.Duration(f.rnd.IntN(200_000)))
	if len(f.conns) < f.width && f.left > 0 {
		return f.open(), nil
	}
	i := f.rnd.IntN(len(f.conns))
	c := f.conns[i]
	if c.step >= c.steps || f.left <= 0 {
		last := len(f.conns) - 1
		f.conns[i] = f.conns[last]
		f.conns = f.conns[:last]
		return f.end(c), nil
	}
	c.step++
	return f.message(c), nil
}

func (f *fleet) open() capture.Record {
	f.ids++
	client := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(f.ids >> 16), byte(f.ids >> 8), byte(f.ids)}), uint16(20000+f.ids%30000))
	conn := &capture.Conn{ID: f.ids, Client: client, Server: netip.MustParseAddrPort("192.0.2.1:7547"), Point: "eth0"}
	conn.Identity = capture.NewIdentity(conn.Network, conn.Client, conn.Server, f.now, "")
	c := &fleetConn{conn: conn, first: f.seq, device: f.rnd.Uint32N(20_000), steps: 6 + f.rnd.IntN(20)}
	if f.long && f.ids == 1 {
		c.steps = 1 << 40
	}
	c.entry = Entry{Kind: "cwmp", Device: fmt.Sprintf("00259E-Box-%08d", c.device), Start: f.now, RPCs: []string{"Inform", "GetParameterValues"}, Events: []string{"2 PERIODIC"}, Outcome: "complete"}
	binary.BigEndian.PutUint64(c.entry.ID[:], f.rnd.Uint64())
	binary.BigEndian.PutUint64(c.entry.ID[8:], f.ids)
	f.conns = append(f.conns, c)
	return capture.Record{Seq: f.seq, Conn: conn, Kind: capture.Open, Time: f.now, Packet: f.seq}
}

func (f *fleet) end(c *fleetConn) capture.Record {
	c.entry.End = f.now
	f.ended[f.seq] = Found{Entry: c.entry, Spans: []Span{{c.conn.ID, c.first, f.seq}}, Settled: []uint64{c.conn.ID}}
	return capture.Record{Seq: f.seq, Conn: c.conn, Kind: capture.Close, Both: true, End: capture.FIN, Time: f.now, Packet: f.seq}
}

func (f *fleet) message(c *fleetConn) capture.Record {
	r := capture.Record{Seq: f.seq, Conn: c.conn, Kind: capture.Data, Time: f.now, Packet: f.seq}
	b := f.buf[:0]
	if c.step%2 == 0 {
		r.From = capture.FromServer
		b = fmt.Appendf(b, "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nServer: acs/3.1\r\nSet-Cookie: JSESSIONID=%016x\r\n\r\n", f.rnd.Uint64())
	} else {
		b = append(b, "POST /acs HTTP/1.1\r\nHost: acs.example:7547\r\nUser-Agent: cpe/1.0\r\nSOAPAction: \"\"\r\nContent-Type: text/xml\r\n\r\n"...)
	}
	b = fmt.Appendf(b, `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:cwmp="urn:dslforum-org:cwmp-1-2"><soap:Header><cwmp:ID soap:mustUnderstand="1">%d</cwmp:ID></soap:Header><soap:Body><cwmp:GetParameterValuesResponse><ParameterList>`, f.rnd.Uint32())
	for range 1 + f.rnd.IntN(12) {
		b = fmt.Appendf(b, "<ParameterValueStruct><Name>InternetGatewayDevice.LANDevice.%d.Hosts.Host.%d.MACAddress</Name><Value xsi:type=\"xsd:string\">%02X:%02X:%06X</Value></ParameterValueStruct>\n",
			f.rnd.IntN(4), f.rnd.IntN(64), c.device&255, f.rnd.IntN(256), f.rnd.Uint32N(1<<24))
	}
	b = append(b, "</ParameterList></cwmp:GetParameterValuesResponse></soap:Body></soap:Envelope>"...)
	f.buf, r.Data = b, b
	f.left -= int64(len(b))
	return r
}

func (f *fleet) Feed(r capture.Record) []Found {
	found, ok := f.ended[r.Seq]
	if !ok {
		return nil
	}
	delete(f.ended, r.Seq)
	return []Found{found}
}

func (f *fleet) Finish() []Found { return nil }
