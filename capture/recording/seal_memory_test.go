package recording

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// peak notes the largest live heap that it saw.
type peak struct{ base, most uint64 }

func (p *peak) look() {
	runtime.GC()
	if p.base == 0 {
		runtime.GC() // what pools still hold from before is gone after the second
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if p.base == 0 {
		p.base = m.HeapAlloc
	}
	p.most = max(p.most, m.HeapAlloc-min(m.HeapAlloc, p.base))
}

// Sealing, verifying and reading a stream take as much memory when it is four
// times as long.
func TestSealMemory(t *testing.T) {
	size, memory := int64(48<<20), int64(2<<20)
	if os.Getenv("INFORMANT_SOAK") != "" {
		size = 1 << 30
	}
	var most [2][3]uint64
	for i, n := range []int64{size / 4, size} {
		most[i] = measureSeal(t, n, memory)
		t.Logf("%d MB of traffic, %d MB of memory: live heap sealing %.1f MB, verifying %.1f MB, reading %.1f MB", n>>20, memory>>20,
			mb(most[i][0]), mb(most[i][1]), mb(most[i][2]))
	}
	for k := range most[0] {
		if most[1][k] > most[0][k]*5/4+8<<20 {
			t.Errorf("memory grows with the stream: %.1f MB, then %.1f MB", mb(most[0][k]), mb(most[1][k]))
		}
	}
}

func mb(n uint64) float64 { return float64(n) / (1 << 20) }

func measureSeal(t *testing.T, size, memory int64) (most [3]uint64) {
	f, err := os.Create(filepath.Join(t.TempDir(), "sealed.cwmp"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var p peak
	p.look()
	src := newFleet(1, size)
	src.each = func(seq uint64) {
		if seq%2_000 == 0 {
			p.look()
		}
	}
	s, err := Seal(f, src, SealOptions{Indexer: src, Memory: memory, Temp: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	p.look()
	most[0] = p.most
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	p = peak{}
	p.look()
	r, err := Verify(f, info.Size(), VerifyOptions{Progress: func(int64, int64) { p.look() }})
	if err != nil || !r.OK() || r.Groups != s.Groups {
		t.Fatal(err, problems(r))
	}
	most[1] = p.most
	p = peak{}
	p.look()
	d, err := NewReader(io.NewSectionReader(f, 0, info.Size()), ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n := uint64(0)
	for ; ; n++ {
		if n%2_000 == 0 {
			p.look()
		}
		if _, err := d.Next(); err != nil {
			break
		}
	}
	if n != s.Records {
		t.Errorf("%d records read, %d sealed", n, s.Records)
	}
	most[2] = p.most
	return most
}
