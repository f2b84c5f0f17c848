package recording

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"informant/capture"
)

// boundaries is where frames and blocks begin, and the end of the file.
func boundaries(t testing.TB, file []byte) (at []int64) {
	t.Helper()
	s := scanner{w: window{r: bytes.NewReader(file)}, decoder: newDecoder(), damaged: func(d Damage) { t.Error(d) }, missing: func(uint32) error { return ErrDictionary }}
	for {
		e, err := s.next()
		if err == io.EOF {
			return append(at, int64(len(file)))
		}
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, e.offset)
	}
}

// recordsBefore is how many records are in the frames before a place.
func recordsBefore(t testing.TB, file []byte, at int64) int {
	t.Helper()
	got, _, err := read(t, bytes.NewReader(file[:at]))
	if err != nil {
		t.Fatal(err)
	}
	return len(got)
}

// TestCut simulates a loss of power: the file ends at any byte of its last two
// frames, or its last 4 KB are zeros.
func TestCut(t *testing.T) {
	want := traffic(rand.New(rand.NewPCG(1, 2)), 100)
	file := record(t, WriterOptions{Header: NewHeader(nil), FrameBytes: 2500}, want)
	at := boundaries(t, file)
	if len(at) < 6 {
		t.Fatal(at)
	}
	frames := at[len(at)-3:]
	whole := []int{recordsBefore(t, file, frames[0]), recordsBefore(t, file, frames[1])}
	for n := frames[0]; n < frames[2]; n++ {
		frame := 0
		if n >= frames[1] {
			frame = 1
		}
		got, d, err := read(t, bytes.NewReader(file[:n]))
		same(t, got, want[:whole[frame]])
		if n == frames[frame] {
			if err != nil {
				t.Errorf("cut at the frame's beginning: %v", err)
			}
			continue
		}
		if !errors.Is(err, ErrTorn) || !errors.Is(err, capture.ErrDamaged) || len(d.Damage()) != 1 {
			t.Fatalf("cut at %d: %v", n, err)
		}
		if g := d.Damage()[0]; g.Offset != frames[frame] || g.Size != n-frames[frame] || g.Frame != len(at)-2+frame {
			t.Fatalf("cut at %d: %+v", n, g)
		}
	}
}

func TestZeroed(t *testing.T) {
	want := traffic(rand.New(rand.NewPCG(1, 2)), 3000)
	file := record(t, WriterOptions{Header: NewHeader(nil), FrameBytes: 40000}, want)
	at := boundaries(t, file)
	n := int64(len(file) - 4096)
	clear(file[n:])
	last := at[0]
	for _, p := range at {
		if p <= n {
			last = p
		}
	}
	got, d, err := read(t, bytes.NewReader(file))
	same(t, got, want[:recordsBefore(t, file, last)])
	if !errors.Is(err, capture.ErrDamaged) || len(d.Damage()) != 1 || d.Damage()[0].Offset != last || d.Damage()[0].Size != int64(len(file))-last {
		t.Error(err, last)
	}
	// Zeros from the beginning of a frame on are called so.
	file = append(file[:last], make([]byte, 8192)...)
	_, d, err = read(t, bytes.NewReader(file))
	if !errors.Is(err, errZero) || len(d.Damage()) != 1 {
		t.Error(err)
	}
}

// TestCutAnywhere holds that a file cut at any byte yields its whole frames.
func TestCutAnywhere(t *testing.T) {
	want := traffic(rand.New(rand.NewPCG(1, 2)), 40)
	file := record(t, WriterOptions{Header: NewHeader(nil), FrameBytes: 1000}, want)
	at := boundaries(t, file)
	for n := range file {
		got, _, err := read(t, bytes.NewReader(file[:n]))
		switch {
		case n == 0:
			if !errors.Is(err, capture.ErrEmpty) {
				t.Errorf("an empty file: %v", err)
			}
		case n < 4:
			if !errors.Is(err, capture.ErrFormat) {
				t.Errorf("%d bytes: %v", n, err)
			}
		case slices.Contains(at, int64(n)):
			if err != nil {
				t.Errorf("cut at %d: %v", n, err)
			}
		case !errors.Is(err, ErrTorn):
			t.Errorf("cut at %d: %v", n, err)
		}
		if len(got) > 0 {
			same(t, got, want[:len(got)])
		}
	}
}

// TestFlip flips one bit in every byte: everything but the frame it is in is
// read, and the groups that are missing are named.
func TestFlip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	want := traffic(rnd, 30)
	file := record(t, WriterOptions{Header: NewHeader(nil), FrameBytes: 2000}, want)
	at := boundaries(t, file)
	groups := make([][]capture.Record, len(at)-1) // by frame; HEAD has none
	for i := range groups {
		groups[i] = want[recordsBefore(t, file, max(at[i], at[1])):recordsBefore(t, file, at[i+1])]
	}
	harmless := 0
	for n := range file {
		bit := byte(1) << rnd.IntN(8)
		file[n] ^= bit
		frame := 0
		for int64(n) >= at[frame+1] {
			frame++
		}
		if got, d, err := read(t, bytes.NewReader(file)); err == nil {
			// Bits of a frame that its content does not depend on; only the hash of a
			// sealed recording covers them.
			same(t, got, want)
			if harmless++; frame == 0 || harmless > len(file)/100 {
				t.Errorf("byte %d bit %d of frame %d is not missed", n, bit, frame)
			}
		} else {
			flipped(t, fmt.Sprintf("byte %d bit %d", n, bit), got, d, err, groups, frame)
		}
		file[n] ^= bit
	}
}

func flipped(t *testing.T, what string, got []capture.Record, d *Reader, err error, groups [][]capture.Record, frame int) {
	t.Helper()
	if !errors.Is(err, capture.ErrDamaged) {
		t.Fatalf("%s of frame %d: %v", what, frame, err)
	}
	// Records that tell of what is missing are not in the file.
	i := 0
	for f, g := range groups {
		if f == frame && f > 0 {
			continue
		}
		for _, w := range g {
			for i < len(got) && got[i].Time.IsZero() && got[i].Packet == 0 && (got[i].Kind == capture.Open || got[i].Lost == -1) && !alike(got[i], w) {
				i++
			}
			if i == len(got) || !alike(got[i], w) {
				t.Fatalf("%s of frame %d: record %d of frame %d is missing", what, frame, w.Seq, f)
			}
			i++
		}
	}
	if len(got) > i {
		t.Fatalf("%s: %d records too many", what, len(got)-i)
	}
	if frame == 0 {
		return
	}
	e := d.Damage()[0]
	if e.Frame != frame+1 {
		t.Errorf("%s of frame %d: told as frame %d", what, frame+1, e.Frame)
	}
	if last := frame == len(groups)-1; !last && !slices.Equal(e.Groups, []uint64{uint64(frame)}) || last && e.Groups != nil {
		t.Errorf("%s of frame %d: groups %v", what, frame, e.Groups)
	}
}

// alike compares records but for their numbers.
func alike(a, b capture.Record) bool {
	return a.Kind == b.Kind && a.Time.Equal(b.Time) && a.Conn.ID == b.Conn.ID && a.From == b.From && a.Lost == b.Lost && bytes.Equal(a.Data, b.Data) && a.Packet == b.Packet
}
