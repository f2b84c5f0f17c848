package dict

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// messages are samples that have most in common.
func messages(seed uint64, n int) (samples [][]byte) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	for range n {
		b := []byte("POST /acs HTTP/1.1\r\nHost: acs.example\r\nContent-Type: text/xml\r\n\r\n")
		for range 4 + rnd.IntN(40) {
			b = fmt.Appendf(b, "<ParameterValueStruct><Name>Device.Table%d.Entry.%d.Name%d</Name><Value>%x</Value></ParameterValueStruct>\n",
				rnd.IntN(400), rnd.IntN(9), rnd.IntN(3000), rnd.Uint32())
		}
		samples = append(samples, b)
	}
	return samples
}

// TestTrain holds that a dictionary saves on messages that it was not made of, is
// made alike again, and leaves the samples alone.
func TestTrain(t *testing.T) {
	samples := messages(1, 1000)
	var before []byte
	for _, s := range samples {
		before = append(before, s...)
	}
	d, err := Train(samples)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, bytes.Join(samples, nil)) {
		t.Error("the samples were changed")
	}
	if again, err := Train(samples); err != nil || !bytes.Equal(d, again) {
		t.Errorf("made again it is another: %v", err)
	}
	info, err := zstd.InspectDictionary(d)
	if err != nil {
		t.Fatal(err)
	}
	if info.ID() < 1<<15 || info.ID() >= 1<<31 || info.ContentSize() < minimum || info.ContentSize() > len(before)/share {
		t.Errorf("number %d, %d bytes", info.ID(), info.ContentSize())
	}
	without, with := 0, 0
	for _, s := range messages(2, 100) {
		without += len(compress(t, nil, s))
		frame := compress(t, d, s)
		with += len(frame)
		if got := decompress(t, d, frame); !bytes.Equal(got, s) {
			t.Fatal("what was compressed is not what comes back")
		}
	}
	if with*5 > without*4 {
		t.Errorf("%d bytes with it, %d without", with, without)
	}
	numbered, err := TrainNumbered(40000, samples)
	if err != nil {
		t.Fatal(err)
	}
	if info, err = zstd.InspectDictionary(numbered); err != nil || info.ID() != 40000 || info.ContentSize() != Size {
		t.Error(info.ID(), info.ContentSize(), err)
	}
}

// TestTrainOdd holds that nothing that can be recorded makes it fail.
func TestTrainOdd(t *testing.T) {
	noise := make([]byte, 1<<20)
	rnd := rand.New(rand.NewPCG(3, 3))
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	zeros := make([]byte, 300<<10)
	for name, samples := range map[string][][]byte{
		"nothing":         nil,
		"empty":           {{}, nil},
		"a little":        {[]byte("GET / HTTP/1.1\r\n\r\n")},
		"zeros":           {zeros},
		"zeros often":     {zeros, zeros, zeros, zeros, zeros},
		"noise":           {noise},
		"noise, cut":      {noise[:60000], noise[60000:120000], noise[120000:180000]},
		"noise twice":     {noise[:60000], noise[:60000], noise[:60000], noise[:60000]},
		"few long":        {bytes.Repeat([]byte("<a>1</a>"), 50000), bytes.Repeat([]byte("<b>2</b>"), 50000)},
		"empty among":     append(messages(1, 400), nil, []byte{}, []byte("x")),
		"empty first":     append([][]byte{nil, {1}}, messages(1, 400)...),
		"shorter than it": messages(1, 10),
	} {
		d, err := Train(samples)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d == nil {
			continue
		}
		for _, s := range samples[:min(len(samples), 10)] {
			if got := decompress(t, d, compress(t, d, s)); !bytes.Equal(got, s) {
				t.Errorf("%s: what was compressed is not what comes back", name)
			}
		}
	}
}

func FuzzTrain(f *testing.F) {
	f.Add([]byte("POST /acs HTTP/1.1\r\n"), 300, 40)
	f.Add([]byte{0}, 9000, 3)
	f.Fuzz(func(t *testing.T, seed []byte, length, n int) {
		if len(seed) == 0 || length < 0 || length > 70000 || n < 0 || n*length > 1<<19 {
			return
		}
		var samples [][]byte
		for i := range n {
			samples = append(samples, bytes.Repeat(append(seed, byte(i)), length/(len(seed)+1)))
		}
		d, err := Train(samples)
		if err != nil {
			t.Fatal(err)
		}
		if d != nil {
			if got := decompress(t, d, compress(t, d, seed)); !bytes.Equal(got, seed) {
				t.Fatal("what was compressed is not what comes back")
			}
		}
	})
}

func BenchmarkTrain(b *testing.B) {
	samples := messages(1, 4000)
	b.SetBytes(int64(len(bytes.Join(samples, nil))))
	for b.Loop() {
		if _, err := Train(samples); err != nil {
			b.Fatal(err)
		}
	}
}

func compress(t *testing.T, d, b []byte) []byte {
	t.Helper()
	o := []zstd.EOption{zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1)}
	if d != nil {
		o = append(o, zstd.WithEncoderDict(d))
	}
	z, err := zstd.NewWriter(nil, o...)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	return z.EncodeAll(b, nil)
}

func decompress(t *testing.T, d, frame []byte) []byte {
	t.Helper()
	z, err := zstd.NewReader(nil, zstd.WithDecoderDicts(d))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	b, err := z.DecodeAll(frame, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
