package pcap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"testing/iotest"

	"informant/capture"
)

// FuzzFile reads anything as a file: whatever it holds, the records keep their
// promises, and how the file is cut into reads changes nothing.
func FuzzFile(f *testing.F) {
	le, be := binary.LittleEndian, binary.BigEndian
	f.Add(writePcap(le, false, 101, sample()))
	f.Add(writePcap(be, true, 101, sample()))
	f.Add(writePcapng(le, 101, sample()))
	f.Add(allBlocks(be))
	for _, c := range written {
		s := scene{now: writeStart}
		if c.scene(&s); len(s.records) < 20 {
			f.Add(export(f, s.records, WriterOptions{}))
		}
	}
	f.Add(gzipped(writePcap(le, false, 101, sample())))
	f.Add(zstded(writePcapng(le, 101, sample())))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := readAll(Options{}, Input{"x", bytes.NewReader(b)})
		again, err2 := readAll(Options{}, Input{"x", iotest.HalfReader(bytes.NewReader(b))})
		if (err == nil) != (err2 == nil) || got.talk() != again.talk() || len(got.errs) != len(again.errs) {
			t.Fatalf("%v %s\n%v %s", err, got.talk(), err2, again.talk())
		}
		if err != nil {
			if !errors.Is(err, capture.ErrFormat) && !errors.Is(err, capture.ErrEmpty) && !errors.Is(err, capture.ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		for _, err := range got.errs {
			if !errors.Is(err, capture.ErrDamaged) {
				t.Fatal(err)
			}
		}
		got.valid(t)
	})
}

// FuzzPackets reads anything as packets: each length byte is followed by a
// packet of a link type.
func FuzzPackets(f *testing.F) {
	for _, l := range links {
		var seed []byte
		for _, ip := range append(conversation(cpe4, acs4, "q", "a"), conversation(cpe6, acs6, "q", "a")...) {
			p := l.wrap(ip)
			seed = append(append(seed, byte(len(p))), p...)
		}
		f.Add(uint16(l.link), seed)
	}
	f.Fuzz(func(t *testing.T, link uint16, b []byte) {
		var packets []pkt
		for i := 0; len(b) > 0; i++ {
			n := min(int(b[0]), len(b)-1)
			// Some are said to have been longer on the wire.
			packets = append(packets, pkt{ts: int64(i) * 3e8, data: b[1 : 1+n], orig: n + i%3*10})
			b = b[1+n:]
		}
		read(t, Options{FlowBytes: 2000, MaxFlows: 4, MaxFragments: 3}, writePcap(binary.LittleEndian, true, uint32(link), packets))
	})
}
