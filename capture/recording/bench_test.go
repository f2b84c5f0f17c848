package recording

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"informant/capture"
	"informant/capture/pcap"
	generator "informant/testdata/gen/traffic"
)

// segments is varied traffic of the generator, as a capture's segments of up to
// 1460 bytes.
func segments(b *testing.B) (records []capture.Record, size int64) {
	b.Helper()
	var file bytes.Buffer
	if _, err := generator.Write(&file, generator.Options{Seed: 1, Bytes: 64 << 20, Shape: generator.Mixed}); err != nil {
		b.Fatal(err)
	}
	src, err := pcap.NewSource([]pcap.Input{{Name: "x.pcap", R: &file}}, pcap.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for {
		r, err := src.Next()
		if err == io.EOF {
			return records, size
		}
		if err != nil {
			b.Fatal(err)
		}
		records = append(records, keep(r))
		size += int64(len(r.Data))
	}
}

// levels are the levels of a writer.
var levels = map[string]zstd.EncoderLevel{"fastest": zstd.SpeedFastest, "default": zstd.SpeedDefault, "better": zstd.SpeedBetterCompression}

// BenchmarkWriter writes traffic with an unsealed writer; MB/s are those of the
// traffic.
func BenchmarkWriter(b *testing.B) {
	records, size := segments(b)
	for name, level := range levels {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			busy := cpuTime()
			for b.Loop() {
				w, err := NewWriter(io.Discard, WriterOptions{Level: level})
				if err != nil {
					b.Fatal(err)
				}
				for i := range records {
					if err := w.Put(records[i]); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(size)/float64(w.Stats().Written), "ratio")
				b.ReportMetric(float64(size)/float64(len(records)), "B/record")
			}
			perCore(b, size, cpuTime()-busy)
		})
	}
}

// BenchmarkReader reads an unsealed recording.
func BenchmarkReader(b *testing.B) {
	records, size := segments(b)
	file := record(b, WriterOptions{}, records)
	b.SetBytes(size)
	b.ReportAllocs()
	busy := cpuTime()
	for b.Loop() {
		d, err := NewReader(bytes.NewReader(file), ReaderOptions{})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for {
			if _, err := d.Next(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if d.Close(); n != len(records) {
			b.Fatal(n)
		}
	}
	perCore(b, size, cpuTime()-busy)
}

// perCore reports traffic for each second that a processor was busy, which tells
// more than the clock where others work on the same machine.
func perCore(b *testing.B, size int64, busy time.Duration) {
	b.Helper()
	if busy > 0 {
		b.ReportMetric(float64(size)*float64(b.N)/1e6/busy.Seconds(), "MB/core-s")
	}
}
