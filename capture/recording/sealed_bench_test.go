package recording

import (
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// sealFleet seals made-up traffic to a file.
func sealFleet(b *testing.B, size int64) (*os.File, int64) {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "sealed.cwmp"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	src := newFleet(1, size)
	if _, err := Seal(f, src, SealOptions{Header: NewHeader(nil), Indexer: src, Dictionary: &Dict{}}); err != nil {
		b.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	return f, info.Size()
}

// What making the traffic costs, which is in the next one too.
func BenchmarkFleet(b *testing.B) {
	const size = 64 << 20
	b.SetBytes(size)
	for b.Loop() {
		src := newFleet(1, size)
		for _, err := src.Next(); err == nil; _, err = src.Next() {
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	const size = 64 << 20
	b.SetBytes(size)
	for b.Loop() {
		src := newFleet(1, size)
		if _, err := Seal(io.Discard, src, SealOptions{Indexer: src, Dictionary: &Dict{}}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	const traffic = 64 << 20
	f, size := sealFleet(b, traffic)
	b.SetBytes(traffic)
	for b.Loop() {
		if r, err := Verify(f, size, VerifyOptions{}); err != nil || !r.OK() {
			b.Fatal(err, problems(r))
		}
	}
}

func BenchmarkSealedSource(b *testing.B) {
	const traffic = 64 << 20
	f, size := sealFleet(b, traffic)
	b.SetBytes(traffic)
	for b.Loop() {
		s, err := OpenSealed(f, size)
		if err != nil {
			b.Fatal(err)
		}
		src := s.Source(nil)
		for err == nil {
			_, err = src.Next()
		}
		s.Close()
	}
}

// One session of a recording of 1 GB: opened, found by its id and read, beside
// `zstd -dc` of the whole (where zstd is installed).
func BenchmarkOneSession(b *testing.B) {
	traffic := int64(1 << 30)
	if testing.Short() {
		traffic = 64 << 20
	}
	f, size := sealFleet(b, traffic)
	s, err := OpenSealed(f, size)
	if err != nil {
		b.Fatal(err)
	}
	var ids []string
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		n := int(s.Statement().Sessions)
		for e, err := range s.Sessions(Query{Ordinal: 2 + rnd.IntN(n-1), NoGroups: true}) {
			if err != nil {
				b.Fatal(err)
			}
			ids = append(ids, hexID(e.ID))
		}
	}
	start := time.Now()
	if out, err := exec.Command("sh", "-c", "zstd -dc "+f.Name()+" >/dev/null").CombinedOutput(); err != nil {
		b.Logf("zstd: %v %s", err, out)
	}
	whole := time.Since(start)
	records := 0
	n := 0
	for b.Loop() {
		got := readSession(b, f, size, ids[n%len(ids)])
		if got < 8 {
			b.Fatalf("session %s has %d records", ids[n%len(ids)], got)
		}
		records += got
		n++
	}
	each := b.Elapsed() / time.Duration(n)
	b.ReportMetric(float64(records)/float64(n), "records/op")
	b.ReportMetric(float64(whole)/float64(each), "times-faster-than-zstd")
	b.ReportMetric(float64(size)/(1<<20), "MB-sealed")
}

func readSession(b *testing.B, f *os.File, size int64, id string) (records int) {
	s, err := OpenSealed(f, size)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for e, err := range s.Sessions(Query{ID: id}) {
		if err != nil {
			b.Fatal(err)
		}
		src := s.Source(e.Groups)
		for _, err = src.Next(); err == nil; _, err = src.Next() {
			records++
		}
		if err != io.EOF {
			b.Fatal(err)
		}
	}
	return records
}

func hexID(id [16]byte) string { return string(appendHex(nil, id)) }
