package pcap

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"informant/capture"
)

// c and s make a segment of either side of the test connection, whose
// numbers begin at 1000 and 5000.
func c(flags uint8, seq, ack int, payload string) []byte {
	return tcpPacket(cpe4, acs4, flags, uint32(1000+seq), uint32(5000+ack), payload)
}

func s(flags uint8, seq, ack int, payload string) []byte {
	return tcpPacket(acs4, cpe4, flags, uint32(5000+seq), uint32(1000+ack), payload)
}

const (
	syn    = flagSYN
	synAck = flagSYN | flagACK
	ack    = flagACK
	fin    = flagFIN | flagACK
	rst    = flagRST
	rstAck = flagRST | flagACK
)

// begun is a handshake before other packets.
func begun(more ...[]byte) [][]byte {
	return append([][]byte{c(syn, 0, -5000, ""), s(synAck, 0, 1, ""), c(ack, 1, 1, "")}, more...)
}

func TestStreams(t *testing.T) {
	big := strings.Repeat("x", 1000)
	tests := []struct {
		name    string
		o       Options
		packets [][]byte
		want    string
	}{
		{"in order", Options{}, begun(c(ack, 1, 1, "GET"), s(ack, 1, 4, "OK"), c(fin, 4, 3, ""), s(fin, 3, 5, ""), c(ack, 5, 4, "")),
			"[open] C:GET S:OK C/closed S/closed//"},
		{"out of order", Options{}, begun(c(ack, 4, 1, "def"), c(ack, 1, 1, "abc"), c(ack, 7, 1, "g")),
			"[open] C:abc C:def C:g C/end of input//"},
		{"handshake out of order", Options{}, [][]byte{c(ack, 1, 1, "abc"), s(synAck, 0, 1, ""), c(syn, 0, -5000, ""), s(ack, 1, 4, "de")},
			"[open] C:abc S:de C/end of input//"},
		{"SYN after data", Options{}, [][]byte{c(ack, 4, 1, "def"), c(ack, 1, 1, "abc"), c(syn, 0, -5000, ""), s(ack, 1, 7, "x")},
			"[open] C:abc C:def S:x C/end of input//"},
		{"overlap, first wins", Options{}, begun(c(ack, 4, 1, "DEF"), c(ack, 1, 1, "abcdefgh")),
			"[open] C! C:abc C:DEF C:gh C/end of input//"},
		{"overlap, alike", Options{}, begun(c(ack, 4, 1, "def"), c(ack, 1, 1, "abcdefgh")),
			"[open] C:abc C:def C:gh C/end of input//"},
		{"retransmitted with more", Options{}, begun(c(ack, 1, 1, "abc"), c(ack, 1, 1, "abcdef")),
			"[open] C:abc C:def C/end of input//"},
		{"retransmitted with other content", Options{}, begun(c(ack, 1, 1, "abc"), c(ack, 1, 1, "abX")),
			"[open] C:abc C! C/end of input//"},
		{"every packet twice", Options{}, twice(begun(c(ack, 1, 1, "GET"), s(ack, 1, 4, "OK"), c(fin, 4, 3, ""), s(fin, 3, 5, ""), c(ack, 5, 4, ""))),
			"[open] C:GET S:OK C/closed S/closed//"},
		{"answer captured before its question", Options{}, begun(s(ack, 1, 4, "OK"), c(ack, 1, 1, "GET"), c(ack, 4, 3, "PUT")),
			"[open] C:GET S:OK C:PUT C/end of input//"},
		{"FIN before its data", Options{}, begun(c(fin, 4, 1, ""), c(ack, 1, 1, "abc"), s(fin, 1, 5, "")),
			"[open] C:abc C/closed S/closed//"},
		{"half closed, answer follows", Options{}, begun(c(fin, 1, 1, "abc"), s(ack, 1, 5, "one"), s(ack, 4, 5, "two"), s(fin, 7, 5, "")),
			"[open] C:abc C/closed S:one S:two S/closed//"},
		{"reset", Options{}, begun(c(ack, 1, 1, "abc"), s(rst, 1, 0, "")),
			"[open] C:abc S/reset//"},
		{"reset before data that it acknowledges", Options{}, begun(s(rstAck, 1, 4, ""), c(ack, 1, 1, "abc")),
			"[open] C:abc S/reset//"},
		{"reset overtakes data behind a hole", Options{}, begun(c(ack, 1, 1, "abc"), c(ack, 7, 1, "ghi"), s(rst, 1, 0, ""), c(ack, 4, 1, "def")),
			"[open] C:abc C:def C:ghi S/reset//"},
		{"reset after data that is lost", Options{}, begun(c(ack, 1, 1, "abc"), c(ack, 7, 1, "ghi"), s(rst, 1, 0, "")),
			"[open] C:abc C<3> C:ghi S/reset//"},
		{"reset overtakes data that was acknowledged", Options{}, begun(c(ack, 1, 1, "abc"), s(ack, 1, 10, ""), s(rst, 1, 0, ""), c(ack, 4, 1, "defghi")),
			"[open] C:abc C:defghi S/reset//"},
		{"reset far away is ignored", Options{}, begun(c(ack, 1, 1, "abc"), s(rst, 1<<29, 0, ""), s(ack, 1, 4, "x")),
			"[open] C:abc S:x C/end of input//"},
		{"refused", Options{}, [][]byte{c(syn, 0, -5000, ""), s(rstAck, -5000, 1, "")},
			"[open] S/reset//"},
		{"lost and acknowledged", Options{ReorderPackets: 3}, begun(c(ack, 1, 1, "abc"), c(ack, 7, 1, "ghi"), s(ack, 1, 10, ""), s(ack, 1, 10, ""), s(ack, 1, 10, ""), s(ack, 1, 10, ""), s(ack, 1, 10, "OK")),
			"[open] C:abc C<3> C:ghi S:OK C/end of input//"},
		{"lost question", Options{ReorderPackets: 3}, begun(s(ack, 1, 11, "OK"), s(ack, 3, 11, "OK"), s(ack, 5, 11, "OK"), s(ack, 7, 11, "OK")),
			"[open] C<10> S:OK S:OK S:OK S:OK C/end of input//"},
		{"lost at the end of input", Options{}, begun(c(ack, 1, 1, "abc"), c(ack, 7, 1, "ghi")),
			"[open] C:abc C<3> C:ghi C/end of input//"},
		{"lost before FIN", Options{}, begun(c(ack, 1, 1, "abc"), c(fin, 7, 1, ""), s(fin, 1, 8, "")),
			"[open] C:abc C<3> C/closed S/closed//"},
		{"acknowledged at the very end and never seen", Options{}, begun(c(ack, 1, 1, "abc"), s(ack, 1, 10, "")),
			"[open] C:abc C<6> C/end of input//"},
		{"lost FIN is no gap", Options{}, begun(c(ack, 1, 1, "abc"), s(ack, 1, 5, "OK"), s(fin, 3, 5, "")),
			"[open] C:abc S:OK S/closed C/closed//"},
		{"lost byte that looked like a FIN", Options{ReorderPackets: 1}, begun(c(ack, 1, 1, "abc"), s(ack, 1, 5, "OK"), s(ack, 3, 5, "OK"), c(ack, 5, 5, "efg")),
			"[open] C:abc S:OK S:OK C<1> C:efg C/end of input//"},
		{"keep-alive probes", Options{}, begun(c(ack, 1, 1, "abc"), c(ack, 3, 1, "\x00"), c(ack, 3, 1, ""), s(ack, 1, 4, "OK"), s(ack, 2, 4, ""), s(ack, 2, 4, "\x00")),
			"[open] C:abc S:OK C/end of input//"},
		{"zero-window probe", Options{}, begun(c(ack, 1, 1, "a"), s(ack, 1, 2, ""), c(ack, 2, 1, "b"), s(ack, 1, 2, ""), c(ack, 2, 1, "bcd"), s(ack, 1, 5, "")),
			"[open] C:a C:b C:cd C/end of input//"},
		{"SYN with data", Options{}, [][]byte{c(syn, 0, -5000, "abc"), s(synAck, 0, 4, ""), c(ack, 4, 1, "def")},
			"[open] C:abc C:def C/end of input//"},
		{"SYN-ACK first", Options{}, [][]byte{s(synAck, 0, 1, ""), c(ack, 1, 1, "abc"), s(ack, 1, 4, "de")},
			"[open] C:abc S:de C/end of input//"},
		{"midstream, known by the request", Options{}, [][]byte{s(ack, 1, 1, "tail"), c(ack, 1, 5, "GET / HTTP/1.1"), s(ack, 5, 15, "HTTP/1.1 200")},
			"[mid] S:tail C:GET / HTTP/1.1 S:HTTP/1.1 200 C/end of input//"},
		{"midstream, by ports", Options{}, [][]byte{s(ack, 1, 1, "tail"), c(ack, 1, 5, "x")},
			"[mid] S:tail C:x C/end of input//"},
		{"midstream, hole before the first answer", Options{}, [][]byte{c(ack, 1, 1, "GET /"), s(ack, 3, 6, "cd")},
			"[mid] C:GET / S:cd C/end of input//"},
		{"port reuse", Options{}, append(begun(c(ack, 1, 1, "abc")), c(syn, 70000, -5000, ""), s(synAck, 90000, 70001, ""), c(ack, 70001, 90001, "new")),
			"[open] C:abc C/evicted//[open] C:new C/end of input//"},
		{"port reuse while both ends wait behind a hole", Options{}, append(append(begun(c(ack, 4, 1, "def"), c(fin, 7, 1, ""), s(fin, 1, 8, ""), c(syn, 70000, -5000, ""), s(synAck, 90000, 70001, ""), c(ack, 70001, 90001, "new")),
			conversation(cpe6, acs6, "q", "a")...), c(ack, 70004, 90001, "er")),
			"[open] C<3> C:def C/closed S/closed//[open] C:new[open] C:q S:a C/closed S/closed// C:er C/end of input//"},
		{"port reuse after the end", Options{}, append(begun(c(fin, 1, 1, "abc"), s(fin, 1, 5, "")), c(syn, 70000, -5000, ""), c(ack, 5, 2, ""), s(synAck, 90000, 70001, ""), c(ack, 70001, 90001, "new")),
			"[open] C:abc C/closed S/closed//[open] C:new C/end of input//"},
		{"late packets open nothing", Options{}, begun(c(fin, 1, 1, "abc"), s(fin, 1, 5, ""), c(ack, 5, 2, ""), c(fin, 1, 1, "abc"), s(rst, 2, 0, "")),
			"[open] C:abc C/closed S/closed//"},
		{"flow limit", Options{FlowBytes: 2000}, begun(c(ack, 2, 1, big), c(ack, 1002, 1, big)),
			"[open] C<1> C:" + big + " C:" + big + " C/end of input//"},
		{"total limit", Options{TotalBytes: 2000}, begun(c(ack, 2, 1, big), c(ack, 1002, 1, big)),
			"[open] C<1> C:" + big + " C:" + big + " C/end of input//"},
		{"stray segment", Options{}, begun(c(ack, 1, 1, "abc"), c(ack, 1<<30, 1, "zzz"), c(ack, 4, 1, "def")),
			"[open] C:abc C:def C/end of input//"},
		{"a long loss in one direction", Options{}, begun(c(ack, 1, 1, "abc"), c(ack, 1<<30, 1, "1"), c(ack, 1<<30+1, 1, "2"), c(ack, 1<<30+2, 1, "3"), c(ack, 1<<30+3, 1, "4")),
			fmt.Sprintf("[open] C:abc C<%d> C:3 C:4 C/end of input//", 1<<30+2-4)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := raw(t, tt.o, tt.packets...).talk(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func twice(packets [][]byte) (out [][]byte) {
	for _, p := range packets {
		out = append(out, p, p)
	}
	return out
}

func TestTimesAndNumbers(t *testing.T) {
	got := raw(t, Options{}, begun(c(ack, 4, 1, "def"), c(ack, 1, 1, "abc"), c(fin, 7, 1, ""), s(fin, 1, 8, ""))...)
	want := []struct {
		kind   capture.Kind
		packet uint64
	}{{capture.Open, 1}, {capture.Data, 5}, {capture.Data, 4}, {capture.Close, 6}, {capture.Close, 7}}
	if len(got.records) != len(want) {
		t.Fatal(got.talk())
	}
	for i, w := range want {
		r := got.records[i]
		if r.Kind != w.kind || r.Packet != w.packet || !r.Time.Equal(at(int(w.packet)-1)) {
			t.Errorf("record %d: %+v, want kind %d of packet %d", i, r, w.kind, w.packet)
		}
	}
	conn := got.records[0].Conn
	if conn.Client != cpe4 || conn.Server != acs4 || conn.Point != "a.pcap" || conn.ID != 1 ||
		conn.Identity != capture.NewIdentity(capture.TCP, cpe4, acs4, at(0), "") {
		t.Errorf("conn %+v", conn)
	}
}

// timed reads raw IP packets with times in seconds.
func timed(t *testing.T, o Options, seconds []float64, packets ...[]byte) seen {
	t.Helper()
	p := spaced(packets...)
	for i := range p {
		p[i].ts = int64(seconds[i] * 1e9)
	}
	return read(t, o, writePcap(binary.LittleEndian, true, 101, p))
}

func TestPacketTime(t *testing.T) {
	other := func(sec uint32) []byte { // another connection lets time pass
		return tcpPacket(acs6, cpe6, flagACK, sec, 1, "")
	}
	tests := []struct {
		name    string
		seconds []float64
		packets [][]byte
		want    string
	}{
		{"idle", []float64{0, 0, 0, 1, 302}, append(begun(c(ack, 1, 1, "abc")), c(ack, 4, 1, "def")),
			"[open] C:abc C/evicted//[mid] C:def C/end of input//"},
		{"not idle", []float64{0, 0, 0, 1, 299}, append(begun(c(ack, 1, 1, "abc")), c(ack, 4, 1, "def")),
			"[open] C:abc C:def C/end of input//"},
		{"acknowledged and lost", []float64{0, 0, 0, 1, 1, 1, 2.2}, append(begun(c(ack, 4, 1, "def"), s(ack, 1, 7, ""), s(ack, 1, 7, "")), s(ack, 1, 7, "")),
			"[open] C<3> C:def C/end of input//"},
		{"lost in a connection that is over", []float64{0, 0, 0, 1, 1, 1, 1, 1.12, 1.3}, append(begun(c(ack, 4, 1, "def"), s(fin, 1, 7, ""), c(fin, 7, 2, ""), s(ack, 2, 8, ""), other(1)), c(ack, 1, 1, "abc")),
			"[open] C<3> C:def S/closed C/closed//[mid] C/end of input//"},
		{"late in a connection that is over", []float64{0, 0, 0, 1, 1, 1, 1, 1.05}, begun(c(ack, 4, 1, "def"), s(fin, 1, 7, ""), c(fin, 7, 2, ""), s(ack, 2, 8, ""), c(ack, 1, 1, "abc")),
			"[open] C:abc C:def S/closed C/closed//"},
		{"lost for long", []float64{0, 0, 0, 1, 32}, append(begun(c(ack, 4, 1, "def")), c(ack, 1, 1, "abc")),
			"[open] C<3> C:def C/end of input//"},
		{"sent again in time", []float64{0, 0, 0, 1, 20}, append(begun(c(ack, 4, 1, "def")), c(ack, 1, 1, "abc")),
			"[open] C:abc C:def C/end of input//"},
		{"remembered after the end", []float64{0, 0, 0, 1, 1, 9}, begun(c(fin, 1, 1, "abc"), s(fin, 1, 5, ""), c(ack, 2, 1, "bc")),
			"[open] C:abc C/closed S/closed//"},
		{"forgotten after the end", []float64{0, 0, 0, 1, 1, 12}, begun(c(fin, 1, 1, "abc"), s(fin, 1, 5, ""), c(ack, 2, 1, "bc")),
			"[open] C:abc C/closed S/closed//[mid] C:bc C/end of input//"},
		{"a clock set back", []float64{9000, 9000, 9000, 1, 1, 302}, begun(c(ack, 1, 1, "abc"), s(ack, 1, 4, "x"), s(ack, 2, 4, "y")),
			"[open] C:abc S:x C/evicted//[mid] S:y C/end of input//"},
		{"others let time pass", []float64{0, 0, 0, 1, 302, 302}, begun(c(ack, 4, 1, "def"), other(1), other(1)),
			"[open] C<3> C:def C/evicted//[mid] C/end of input//"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := timed(t, Options{}, tt.seconds, tt.packets...).talk(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestFlowsAreBounded(t *testing.T) {
	var packets [][]byte
	for i := range 100 {

		from := netip.AddrPortFrom(cpe4.Addr(), uint16(1000+i))
		packets = append(packets, tcpPacket(from, acs4, flagSYN, 1, 0, ""))
	}
	got := raw(t, Options{MaxFlows: 10}, packets...)
	if got.stats.Conns != 100 || got.stats.Evicted != 90 {
		t.Errorf("%+v", got.stats)
	}
	for i, r := range got.records {
		if r.Kind == capture.Close && r.End == capture.Evicted && r.Conn.ID > uint64(i) {
			t.Errorf("record %d: connection %d went before older ones", i, r.Conn.ID)
		}
	}
}

func TestSnapLength(t *testing.T) {
	packets := spaced(begun(c(ack, 1, 1, "abcdefgh"), c(ack, 9, 1, "ijkl"), s(ack, 1, 13, "OKOK"), c(ack, 13, 5, "mnop"))...)
	cut := func(i, n int) {
		packets[i].orig = len(packets[i].data)
		packets[i].data = packets[i].data[:len(packets[i].data)-n]
	}
	cut(3, 3)
	cut(5, 4) // nothing of the payload is left
	cut(6, 4+10)
	got := read(t, Options{}, writePcap(binary.LittleEndian, true, 101, packets))
	if want := "[open] C:abcde C<3> C:ijkl S<4> C/end of input//"; got.talk() != want || got.stats.Broken != 1 {
		t.Errorf("got  %s\nwant %s\n%+v", got.talk(), want, got.stats)
	}
}

func TestRotatedCapture(t *testing.T) {
	packets := spaced(conversation(cpe4, acs4, "question", "answer")...)
	whole := read(t, Options{}, writePcap(binary.LittleEndian, true, 101, packets))
	first := writePcap(binary.LittleEndian, true, 101, packets[:4])
	second := writePcap(binary.BigEndian, false, 101, packets[4:])
	empty := writePcap(binary.BigEndian, false, 101, nil)
	for _, got := range []seen{
		read(t, Options{}, first, second),
		read(t, Options{}, second, empty, first),
	} {
		if got.talk() != whole.talk() || got.stats.Conns != 1 {
			t.Errorf("got  %s\nwant %s", got.talk(), whole.talk())
		}
		if r := got.records[2]; string(r.Data) != "answer" || r.Packet != 1 {
			t.Errorf("the answer is packet 1 of its file: %+v", r)
		}
	}
	// Interleaved, packet by packet.
	var odd, even []pkt
	for i, p := range packets {
		if i%2 == 0 {
			even = append(even, p)
		} else {
			odd = append(odd, p)
		}
	}
	got := read(t, Options{}, writePcap(binary.LittleEndian, true, 101, odd), writePcapng(binary.BigEndian, 101, even))
	if got.talk() != whole.talk() {
		t.Errorf("got  %s\nwant %s", got.talk(), whole.talk())
	}
}

func TestDefaults(t *testing.T) {
	o := Options{Idle: time.Second}.withDefaults()
	if o.Idle != time.Second || o.MaxFlows == 0 || o.Reorder == 0 || o.FragmentBytes == 0 {
		t.Errorf("%+v", o)
	}
}
