package main

import (
	"bytes"
	"encoding/binary"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"informant/capture"
	"informant/capture/pcap"
	"informant/capture/scenario"
	"informant/decode/check"
	"informant/decode/transcript"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestDemoCapture holds demo/demo.pcap to the scenario beside it: the same
// bytes, and the same transcript as the scenario's records themselves.
func TestDemoCapture(t *testing.T) {
	text, err := os.ReadFile("demo/demo.scenario")
	if err != nil {
		t.Fatal(err)
	}
	records, err := scenario.Parse("demo.scenario", string(text))
	if err != nil {
		t.Fatal(err)
	}
	want := asPcap(records)
	if *update {
		if err := os.WriteFile("demo/demo.pcap", want, 0o644); err != nil {
			t.Fatal(err)
		}
		demoCapture = want
	}
	if !bytes.Equal(want, demoCapture) {
		t.Fatal("demo/demo.pcap is not what demo/demo.scenario makes; go test ./cmd/informant -run TestDemoCapture -update")
	}
	src, err := pcap.NewSource([]pcap.Input{{Name: "demo.pcap", R: bytes.NewReader(demoCapture)}}, pcap.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var fromPackets []capture.Record
	for {
		r, err := src.Next()
		if err != nil {
			break
		}
		r.Data = bytes.Clone(r.Data)
		fromPackets = append(fromPackets, r)
	}
	if a, b := body(t, records), body(t, fromPackets); a != b {
		t.Errorf("from the scenario:\n%s\nfrom its packets:\n%s", a, b)
	}
}

// body is the transcript without packet numbers, which differ.
func body(t *testing.T, records []capture.Record) string {
	t.Helper()
	var b []byte
	form := &transcript.Text{}
	for _, it := range decodeAll(records, check.Checker{}) {
		for i := range it.Findings {
			it.Findings[i].At.Packet = 0
		}
		b = form.Append(b, it)
	}
	if !strings.Contains(string(b), "error") {
		t.Errorf("the demo has no finding:\n%s", b)
	}
	return string(b)
}

// wire makes packets of records.
type wire struct {
	b   bytes.Buffer
	seq map[*capture.Conn]*[2]uint32
}

// asPcap writes records as a capture of Ethernet frames.
func asPcap(records []capture.Record) []byte {
	w := wire{seq: map[*capture.Conn]*[2]uint32{}}
	binary.Write(&w.b, binary.LittleEndian, []uint32{0xa1b2c3d4, 4<<16 | 2, 0, 0, 65535, 1})
	for _, r := range records {
		switch r.Kind {
		case capture.Open:
			w.seq[r.Conn] = &[2]uint32{1000, 9000}
			w.packet(r.Conn, capture.FromClient, r.Time, tcpSYN, nil)
			w.packet(r.Conn, capture.FromServer, r.Time.Add(time.Millisecond), tcpSYN|tcpACK, nil)
		case capture.Data:
			for d := r.Data; len(d) > 0; {
				n := min(len(d), 1460)
				w.packet(r.Conn, r.From, r.Time, tcpPSH|tcpACK, d[:n])
				d = d[n:]
			}
		case capture.Close:
			w.packet(r.Conn, r.From, r.Time, tcpFIN|tcpACK, nil)
			if r.Both {
				w.packet(r.Conn, r.From.Opposite(), r.Time, tcpFIN|tcpACK, nil)
			}
		}
	}
	return w.b.Bytes()
}

const (
	tcpFIN = 1
	tcpSYN = 2
	tcpPSH = 8
	tcpACK = 16
)

func (w *wire) packet(c *capture.Conn, from capture.Direction, at time.Time, flags byte, data []byte) {
	src, dst := c.Client, c.Server
	if from == capture.FromServer {
		src, dst = dst, src
	}
	seq := w.seq[c]
	p := make([]byte, 14+20+20, 14+40+len(data))
	copy(p, []byte{2, 0, 0, 0, 0, 2 - byte(from), 2, 0, 0, 0, 0, 1 + byte(from), 8, 0})
	ip, tcp := p[14:34], p[34:]
	ip[0], ip[8], ip[9] = 0x45, 64, 6
	binary.BigEndian.PutUint16(ip[2:], uint16(40+len(data)))
	a, b := src.Addr().As4(), dst.Addr().As4()
	copy(ip[12:], a[:])
	copy(ip[16:], b[:])
	binary.BigEndian.PutUint16(ip[10:], checksum(ip, 0))
	binary.BigEndian.PutUint16(tcp, src.Port())
	binary.BigEndian.PutUint16(tcp[2:], dst.Port())
	binary.BigEndian.PutUint32(tcp[4:], seq[from])
	if flags&tcpACK != 0 {
		binary.BigEndian.PutUint32(tcp[8:], seq[from.Opposite()])
	}
	tcp[12], tcp[13] = 5<<4, flags
	binary.BigEndian.PutUint16(tcp[14:], 65535)
	p = append(p, data...)
	tcp = p[34:]
	binary.BigEndian.PutUint16(tcp[16:], checksum(tcp, pseudo(ip, len(tcp))))
	seq[from] += uint32(len(data))
	if flags&(tcpSYN|tcpFIN) != 0 {
		seq[from]++
	}
	binary.Write(&w.b, binary.LittleEndian, []uint32{uint32(at.Unix()), uint32(at.Nanosecond() / 1000), uint32(len(p)), uint32(len(p))})
	w.b.Write(p)
}

func pseudo(ip []byte, n int) uint32 {
	sum := uint32(6 + n)
	for i := 12; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	return sum
}

func checksum(b []byte, sum uint32) uint16 {
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	if len(b)%2 == 1 {
		sum += uint32(b[len(b)-1]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// asPcapng puts the packets of a little-endian pcap of microseconds into a
// pcapng.
func asPcapng(p []byte) []byte {
	var b bytes.Buffer
	block := func(kind uint32, body []byte) {
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
		n := uint32(len(body) + 12)
		binary.Write(&b, binary.LittleEndian, []uint32{kind, n})
		b.Write(body)
		binary.Write(&b, binary.LittleEndian, n)
	}
	block(0x0a0d0d0a, []byte{0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255})
	block(1, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	for p = p[24:]; len(p) >= 16; {
		sec, usec := binary.LittleEndian.Uint32(p), binary.LittleEndian.Uint32(p[4:])
		n := binary.LittleEndian.Uint32(p[8:])
		at := uint64(sec)*1e6 + uint64(usec)
		body := binary.LittleEndian.AppendUint32(nil, 0)
		body = binary.LittleEndian.AppendUint32(body, uint32(at>>32))
		body = binary.LittleEndian.AppendUint32(body, uint32(at))
		body = binary.LittleEndian.AppendUint32(body, n)
		body = binary.LittleEndian.AppendUint32(body, n)
		block(6, append(body, p[16:16+n]...))
		p = p[16+n:]
	}
	return b.Bytes()
}
