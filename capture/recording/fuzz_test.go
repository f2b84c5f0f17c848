package recording

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"informant/capture"
)

// pieces yields its bytes in pieces of odd sizes.
type pieces struct {
	b   []byte
	rnd *rand.Rand
}

func (p *pieces) Read(to []byte) (int, error) {
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	most := 1 << p.rnd.IntN(12)
	n := copy(to[:min(len(to), 1+p.rnd.IntN(most))], p.b)
	if p.b = p.b[n:]; len(p.b) == 0 && p.rnd.IntN(2) == 0 {
		return n, io.EOF
	}
	return n, nil
}

// readFor reads records, but not for ever.
func readFor(t testing.TB, r io.Reader, most int) (records []capture.Record, said string) {
	t.Helper()
	d, err := NewReader(r, ReaderOptions{})
	if err != nil {
		return nil, err.Error()
	}
	defer d.Close()
	last := uint64(0)
	for len(records) < most {
		r, err := d.Next()
		if err != nil {
			if err != io.EOF && !errors.Is(err, capture.ErrDamaged) && !errors.Is(err, ErrVersion) && !errors.Is(err, ErrDictionary) {
				t.Errorf("an error of no kind: %v", err)
			}
			return records, err.Error()
		}
		if r.Seq <= last || r.Conn == nil {
			t.Fatalf("record %+v follows on %d", r, last)
		}
		last = r.Seq
		records = append(records, keep(r))
	}
	return records, ""
}

func sample() []byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	records := traffic(rnd, 30)
	h := Header{ID: [16]byte{1}, Tool: "x"}
	unsealed := record(new(testing.T), WriterOptions{Header: h, FrameBytes: 500}, records)
	sealed, _, _ := grouped(new(testing.T), rnd, records)
	return slices.Concat(unsealed, sealed)
}

// FuzzReader holds that no input makes the reader panic or go on without end, and
// that how the bytes come in changes nothing.
func FuzzReader(f *testing.F) {
	all := sample()
	f.Add(all, uint64(1))
	f.Add(all[:len(all)/3], uint64(2))
	f.Add(all[100:], uint64(3))
	f.Add(slices.Concat(all[:200], make([]byte, 500), all[300:]), uint64(4))
	f.Add(slices.Concat(all, appendBlock(nil, "cwmpNEW_", nil), all), uint64(5))
	f.Add(slices.Concat(all, appendBlock(nil, "cwmpnew_", []byte("x")), all), uint64(6))
	f.Add(appendBlock(nil, tagHead, []byte("recording: 2\n")), uint64(7))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		want, said := readFor(t, bytes.NewReader(b), 10000)
		got, again := readFor(t, &pieces{b, rand.New(rand.NewPCG(seed, 0))}, 10000)
		if said != again {
			t.Errorf("in pieces: %q, else %q", again, said)
		}
		same(t, got, want)
	})
}

// FuzzGroup does the same for a group's text, which a damaged frame never gets
// to, and holds that a group's end is found where its records end.
func FuzzGroup(f *testing.F) {
	f.Add(groupOf(1, stretch, traffic(rand.New(rand.NewPCG(1, 2)), 30)))
	f.Add([]byte("G 1 t 1 0 0\nC 1 1 tcp - - made 00000000000000000000000000000000 \"\"\no 1 - - 0 b\nq 1 - - 1 some fields 3\nabc\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := openGroup(text, 0, &conns{})
		if err != nil {
			return
		}
		from := c.at
		for {
			ok, err := c.next()
			if err != nil {
				return
			}
			if !ok {
				break
			}
		}
		if end, err := groupEnd(text, from); err != nil || end != c.at {
			t.Errorf("the group ends at %d, %v; its records at %d", end, err, c.at)
		}
	})
}

// TestHostile holds that a search in bytes made to look like frames ends soon.
func TestHostile(t *testing.T) {
	head := (&Header{}).append(nil)
	for name, part := range map[string][]byte{
		"magic":      {0x28, 0xB5, 0x2F, 0xFD},
		"header":     {0x28, 0xB5, 0x2F, 0xFD, 0xA4, 0, 0, 0x40, 0},
		"raw blocks": append([]byte{0x28, 0xB5, 0x2F, 0xFD, 0xA4, 0, 0, 0x40, 0}, bytes.Repeat([]byte{0, 0, 0}, 20)...),
		// A frame of 4 MB of repeated bytes in 128 KB blocks: much to decompress, and the
		// checksum is wrong.
		"repeated":  append(append([]byte{0x28, 0xB5, 0x2F, 0xFD, 0xA4, 0, 0, 0x40, 0}, bytes.Repeat([]byte{2, 0, 0x10, 'x'}, 31)...), 3, 0, 0x10, 'x', 1, 2, 3, 4),
		"blocks":    {0x5C, 0x2A, 0x4D, 0x18, 0, 0, 1, 0, 'c', 'w', 'm', 'p', 'H', 'E', 'A', 'D'},
		"long":      {0x5C, 0x2A, 0x4D, 0x18, 0, 0, 0x10, 0, 'c', 'w', 'm', 'p', 'P', 'A', 'G', 'E'},
		"skippable": {0x50, 0x2A, 0x4D, 0x18, 1, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := append(bytes.Clone(head), bytes.Repeat(part, 1<<20/len(part))...)
			begun := time.Now()
			readFor(t, bytes.NewReader(b), 1)
			if d := time.Since(begun); d > 20*time.Second {
				t.Errorf("%d bytes took %v", len(b), d)
			}
		})
	}
}
