package pcap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"informant/capture"
)

const whole = "[open] C:question S:answer C/closed S/closed//"

func sample() []pkt { return spaced(conversation(cpe4, acs4, "question", "answer")...) }

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func zstded(b []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(b, nil)
}

func TestFormats(t *testing.T) {
	le, be := binary.LittleEndian, binary.BigEndian
	patched := func() []byte { // Kuznetzov's
		b := writePcap(le, false, 101, nil)
		le.PutUint32(b, 0xa1b2cd34)
		for _, p := range sample() {
			one := writePcap(le, false, 101, []pkt{p})[24:]
			b = append(b, one[:16]...)
			b = append(b, make([]byte, 8)...)
			b = append(b, one[16:]...)
		}
		return b
	}
	pzstd := append([]byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4}, zstded(writePcap(le, false, 101, sample()))...)
	for name, b := range map[string][]byte{
		"pcap, little endian":     writePcap(le, false, 101, sample()),
		"pcap, big endian":        writePcap(be, false, 101, sample()),
		"pcap, ns":                writePcap(le, true, 101, sample()),
		"pcap, ns, big endian":    writePcap(be, true, 101, sample()),
		"pcap, patched libpcap":   patched(),
		"pcapng":                  writePcapng(le, 101, sample()),
		"pcapng, big endian":      writePcapng(be, 101, sample()),
		"gzip":                    gzipped(writePcap(le, false, 101, sample())),
		"gzip of two members":     append(gzipped(writePcap(le, false, 101, sample()[:3])), gzipped(writePcap(le, false, 101, sample()[3:])[24:])...),
		"zstd":                    zstded(writePcapng(be, 101, sample())),
		"zstd, parallel":          pzstd,
		"pcapng, sections":        append(writePcapng(le, 101, sample()[:3]), writePcapng(be, 101, sample()[3:])...),
		"pcapng of all its forms": allBlocks(le),
		"the same, big endian":    allBlocks(be),
	} {
		t.Run(name, func(t *testing.T) {
			got := read(t, Options{}, b)
			packets := uint64(8)
			if strings.Contains(name, "forms") || strings.Contains(name, "same") {
				packets++ // a custom block
			}
			if got.talk() != whole || got.stats.Packets != packets {
				t.Errorf("got %s, %d packets", got.talk(), got.stats.Packets)
			}
			for i, r := range got.records {
				if want := at(int(r.Packet) - 1); !strings.Contains(name, "forms") && !strings.Contains(name, "same") && !r.Time.Equal(want) {
					t.Errorf("record %d at %v, want %v", i, r.Time, want)
				}
			}
			slow, err := readAll(Options{}, Input{"x", iotest.OneByteReader(bytes.NewReader(b))})
			if err != nil || slow.talk() != whole {
				t.Errorf("byte by byte: %s, %v", slow.talk(), err)
			}
		})
	}
}

// allBlocks is a pcapng with every kind of block, odd clocks included.
func allBlocks(order binary.AppendByteOrder) []byte {
	p := sample()
	w := ngWriter{order: order}
	us := func(i int) uint64 { return uint64(testEpoch+p[i].ts) / 1000 }
	w.section()
	w.block(4, make([]byte, 4))        // names
	w.iface(101, 0, -1, 0)             // 0: µs
	w.iface(101, 0, 9, 0)              // 1: ns
	w.iface(101, 0, 0x80|20, 0)        // 2: 2^-20 s
	w.iface(101, 0, 3, testEpoch/1e9)  // 3: ms, with an offset
	w.enhanced(0, us(0), p[0].data, 0) //
	w.block(blockCustom, []byte("unknown"))
	w.block(0x1234, []byte("unknown"))                                      //
	w.enhanced(1, uint64(testEpoch+p[1].ts), p[1].data, 0)                  //
	w.obsolete(0, us(2), p[2].data)                                         //
	w.enhanced(2, uint64(testEpoch/1e9)<<20+3*(1<<20)/1000+1, p[3].data, 0) //
	w.block(blockSecrets, append(order.AppendUint32(order.AppendUint32(nil, 0x544c534b), 4), "KEYS"...))
	w.simple(p[4].data, 0)
	w.enhanced(3, 5, p[5].data, 0)
	w.section()
	w.iface(228, 0, 6, 0)
	w.enhanced(0, us(6), p[6].data, 0)
	w.block(5, make([]byte, 16)) // statistics
	w.enhanced(0, us(7), p[7].data, 0)
	return w.b
}

func TestSecretsAndTimes(t *testing.T) {
	s, err := NewSource([]Input{{"x", bytes.NewReader(allBlocks(binary.LittleEndian))}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var times []string
	for {
		r, err := s.Next()
		if err == io.EOF {
			break
		}
		if r.Time.IsZero() {
			times = append(times, "-")
		} else {
			times = append(times, fmt.Sprint(r.Time.Sub(at(0)).Milliseconds()))
		}
	}
	if got := strings.Join(times, " "); got != "0 3 - 5 6" {
		t.Errorf("times %s", got)
	}
	if k := s.Secrets(); len(k) != 1 || k[0].Type != 0x544c534b || string(k[0].Data) != "KEYS" {
		t.Errorf("secrets %v", k)
	}
}

func TestClock(t *testing.T) {
	for _, tt := range []struct {
		resolution byte
		ticks      uint64
		want       int64
	}{
		{6, 1, 1000}, {9, 1, 1}, {0, 1, 1e9}, {12, 1999, 1}, {27, math.MaxUint64, 18}, {28, math.MaxUint64, 1}, {29, math.MaxUint64, 0},
		{127, 5, 0}, {0x80, 1, 1e9}, {0x80 | 1, 3, 1.5e9}, {0x80 | 30, 1 << 30, 1e9}, {0x80 | 63, 1 << 63, 1e9},
		{0x80 | 64, math.MaxUint64, 999999999}, {0x80 | 127, math.MaxUint64, 0}, {0xc0, 1 << 63, 5e8},
		{0, math.MaxUint64, math.MaxInt64}, {6, math.MaxUint64, math.MaxInt64},
	} {
		if got := newClock(tt.resolution).nanoseconds(tt.ticks); got != tt.want {
			t.Errorf("resolution %#x, %d ticks: %d, want %d", tt.resolution, tt.ticks, got, tt.want)
		}
	}
	for _, tt := range [][3]int64{{5, 1, 1e9 + 5}, {5, -1, 5 - 1e9}, {math.MaxInt64 - 1, 1, math.MaxInt64}, {7, math.MaxInt64, 7}, {7, math.MinInt64, 7}} {
		if got := addSeconds(tt[0], tt[1]); got != tt[2] {
			t.Errorf("%d + %d s = %d, want %d", tt[0], tt[1], got, tt[2])
		}
	}
}

func TestNoCapture(t *testing.T) {
	long := bytes.Repeat([]byte("text "), 1000)
	for _, tt := range []struct {
		name string
		b    []byte
		is   error
		says string
	}{
		{"empty", nil, capture.ErrEmpty, "x: empty input"},
		{"gzip of nothing", gzipped(nil), capture.ErrEmpty, "gzip of nothing"},
		{"zeros", make([]byte, 4096), capture.ErrFormat, "looks like zeros"},
		{"text", long, capture.ErrFormat, "looks like text; pcap and pcapng can be read"},
		{"gzip of text", gzipped(long), capture.ErrFormat, "gzip of text"},
		{"zstd of text", zstded(long), capture.ErrFormat, "zstd of text"},
		{"UTF-8", []byte("Gerät"), capture.ErrFormat, "text"},
		{"XML", []byte("\xef\xbb\xbf <?xml version"), capture.ErrFormat, "XML"},
		{"JSON", []byte(`{"a":1}`), capture.ErrFormat, "JSON"},
		{"HTTP", []byte("POST / HTTP/1.1\r\n"), capture.ErrFormat, "a text of HTTP messages"},
		{"program", []byte("\x7fELF\x02\x01"), capture.ErrFormat, "an ELF binary"},
		{"three bytes", []byte{0xd4, 0xc3, 0xb2}, capture.ErrFormat, "binary data that begins with d4 c3 b2"},
		{"snoop", []byte("snoop\x00\x00\x00\x00\x00\x00\x02"), capture.ErrFormat, "editcap"},
		{"xz", []byte("\xfd7zXZ\x00abc"), capture.ErrFormat, "unpack"},
		{"cut gzip", gzipped(long)[:9], capture.ErrDamaged, "the gzip stream is broken near its byte 9: breaks off"},
		{"cut zstd", zstded(long)[:9], capture.ErrDamaged, "the zstd stream is broken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewSource([]Input{{"x", bytes.NewReader(tt.b)}}, Options{})
			if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := NewSource(nil, Options{}); err == nil {
		t.Error("no input is no error")
	}
	boom := errors.New("boom")
	if _, err := NewSource([]Input{{"x", iotest.ErrReader(boom)}}, Options{}); !errors.Is(err, boom) || errors.Is(err, capture.ErrDamaged) {
		t.Error(err)
	}
}

func TestZerosAreRefusedQuickly(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := NewSource([]Input{{"x", io.LimitReader(zeros{}, 1<<30)}}, Options{})
	if !errors.Is(err, capture.ErrFormat) {
		t.Error(err)
	}
	head := writePcap(binary.LittleEndian, false, 1, nil)
	got, err := readAll(Options{}, Input{"x", io.MultiReader(bytes.NewReader(head), io.LimitReader(zeros{}, 1<<30))})
	if err != nil || len(got.errs) != 1 || !errors.Is(got.errs[0], capture.ErrDamaged) {
		t.Error(err, got.errs)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
		t.Errorf("%d bytes allocated", used)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestCutAnywhere cuts files at every byte: what is before the cut is told.
func TestCutAnywhere(t *testing.T) {
	le := binary.LittleEndian
	for name, f := range map[string][]byte{
		"pcap":      writePcap(le, false, 101, sample()),
		"pcapng":    writePcapng(le, 101, sample()),
		"all":       allBlocks(binary.BigEndian),
		"pcap.gz":   gzipped(writePcap(le, false, 101, sample())),
		"pcapng.gz": gzipped(writePcapng(le, 101, sample())),
		"pcap.zst":  zstded(writePcap(le, false, 101, sample())),
	} {
		t.Run(name, func(t *testing.T) {
			last, clean := uint64(0), 0
			for n := 4; n < len(f); n++ {
				got, err := readAll(Options{}, Input{"x", bytes.NewReader(f[:n])})
				if err != nil {
					if !errors.Is(err, capture.ErrDamaged) && !errors.Is(err, capture.ErrEmpty) {
						t.Fatalf("at %d: %v", n, err)
					}
					continue
				}
				got.valid(t)
				if len(got.errs) == 0 {
					clean++
					if strings.Contains(name, ".") {
						t.Fatalf("at %d: no error", n)
					}
				} else if !errors.Is(got.errs[0], capture.ErrDamaged) || len(got.errs) > 1 {
					t.Fatalf("at %d: %v", n, got.errs)
				}
				if got.stats.Packets < last {
					t.Fatalf("at %d: %d packets, and %d when cut before", n, got.stats.Packets, last)
				}
				last = got.stats.Packets
			}
			if !strings.Contains(name, ".") && (last != 7 && (name != "all" || last != 8) || clean > 20) {
				t.Errorf("%d packets at the last cut, %d cuts without error", last, clean)
			}
		})
	}
}

func TestDamage(t *testing.T) {
	le := binary.LittleEndian
	good := writePcap(le, false, 101, sample())
	huge := bytes.Clone(good)
	third := 24 + 3*(16+40) - 0
	le.PutUint32(huge[third+8:], 0xfffffff0)
	ng := writePcapng(le, 101, sample())
	first := 28 + 24
	ngHuge, ngTwo, ngIface := bytes.Clone(ng), bytes.Clone(ng), bytes.Clone(ng)
	le.PutUint32(ngHuge[first+4:], 0x7ffffff0)
	le.PutUint32(ngTwo[first+68:], 64)
	le.PutUint32(ngIface[first+8:], 9)
	for _, tt := range []struct {
		name string
		b    []byte
		says string
	}{
		{"huge packet", huge, "x: damaged input at byte 192, after packet 3: a packet of 4294967280 bytes"},
		{"huge block", ngHuge, "at byte 52, before its first packet: a block of 2147483632 bytes (type 0x6)"},
		{"two lengths", ngTwo, "a block (type 0x6) that says 72 bytes at its start and 64 at its end"},
		{"unknown interface", ngIface, "a packet of interface 9, of which there are 1"},
		{"cut packet", good[:len(good)-3], "after packet 7: a packet is cut off"},
		{"cut header", good[:20], "before its first packet: the file header is cut off"},
		{"cut gzip", gzipped(good)[:len(gzipped(good))-9], "x: damaged input: the gzip stream is broken near its byte"},
		{"version 2", append(append([]byte{}, ng[:12]...), append([]byte{2, 0}, ng[14:]...)...), "pcapng version 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readAll(Options{}, Input{"x", bytes.NewReader(tt.b)})
			if err != nil || len(got.errs) != 1 || !errors.Is(got.errs[0], capture.ErrDamaged) || !strings.Contains(got.errs[0].Error(), tt.says) {
				t.Errorf("%v %v", err, got.errs)
			}
			got.valid(t)
		})
	}
}

func TestDamagedFileLeavesTheOthers(t *testing.T) {
	f := writePcap(binary.LittleEndian, false, 101, sample())
	got, err := readAll(Options{}, Input{"a", bytes.NewReader(f[:30])}, Input{"b", bytes.NewReader(f)}, Input{"c", bytes.NewReader(f[:len(f)-1])})
	if err != nil || got.talk() != whole || len(got.errs) != 1 {
		t.Fatal(got.talk(), err, got.errs)
	}
	if e := got.errs[0].Error(); !strings.Contains(e, "a: damaged") || !strings.Contains(e, "c: damaged") {
		t.Error(e)
	}
}

func TestReadError(t *testing.T) {
	f := writePcap(binary.LittleEndian, false, 101, sample())
	boom := errors.New("boom")
	for name, r := range map[string]io.Reader{
		"plain": io.MultiReader(bytes.NewReader(f[:300]), iotest.ErrReader(boom)),
		"gzip":  io.MultiReader(bytes.NewReader(gzipped(f)[:100]), iotest.ErrReader(boom)),
	} {
		got, err := readAll(Options{}, Input{"x", r})
		if err == nil && len(got.errs) == 1 {
			err = got.errs[0]
		}
		if !errors.Is(err, boom) || errors.Is(err, capture.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSniff(t *testing.T) {
	for _, f := range [][]byte{writePcap(binary.LittleEndian, false, 1, nil), writePcap(binary.BigEndian, true, 1, nil), writePcapng(binary.BigEndian, 1, nil)} {
		if !Sniff(f[:8]) {
			t.Errorf("% x is a capture", f[:8])
		}
	}
	for _, f := range []string{"", "abc", "POST / HTTP/1.1"} {
		if Sniff([]byte(f)) {
			t.Errorf("%q is no capture", f)
		}
	}
	r, kind, err := Decompress(bytes.NewReader(gzipped([]byte("hello"))))
	if b, _ := io.ReadAll(r); string(b) != "hello" || kind != "gzip" || err != nil {
		t.Error(string(b), kind, err)
	}
	r, kind, err = Decompress(strings.NewReader("hi"))
	if b, _ := io.ReadAll(r); string(b) != "hi" || kind != "" || err != nil {
		t.Error(string(b), kind, err)
	}
}
