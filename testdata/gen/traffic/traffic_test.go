package traffic

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

func TestSameSeedSameBytes(t *testing.T) {
	for _, shape := range []Shape{Small, Large, Mixed} {
		var a, b, c bytes.Buffer
		o := Options{Seed: 7, Bytes: 300_000, Shape: shape}
		stats, err := Write(&a, o)
		if err != nil {
			t.Fatal(err)
		}
		if stats.Bytes != int64(a.Len()) || stats.Sessions == 0 {
			t.Errorf("shape %d: stats %+v of %d bytes", shape, stats, a.Len())
		}
		if _, err := Write(&b, o); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("shape %d: two runs with one seed differ", shape)
		}
		o.Seed++
		if _, err := Write(&c, o); err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(a.Bytes(), c.Bytes()) {
			t.Errorf("shape %d: the seed changes nothing", shape)
		}
	}
}

func TestChecksumsAndSizes(t *testing.T) {
	for _, format := range []Format{Pcap, PcapNG} {
		var b bytes.Buffer
		stats, err := Write(&b, Options{Seed: 3, Bytes: 400_000, Format: format})
		if err != nil {
			t.Fatal(err)
		}
		packets := uint64(0)
		for data := range frames(b.Bytes(), format) {
			packets++
			checkFrame(t, data)
		}
		if packets != stats.Packets {
			t.Errorf("format %d: %d packets read, %d written", format, packets, stats.Packets)
		}
	}
}

// frames yields the packets of a capture file that Write wrote.
func frames(b []byte, format Format) iter.Seq[[]byte] {
	le := binary.LittleEndian
	return func(yield func([]byte) bool) {
		if format == Pcap {
			for b = b[24:]; len(b) > 0; {
				n := le.Uint32(b[8:])
				if !yield(b[16 : 16+n]) {
					return
				}
				b = b[16+n:]
			}
			return
		}
		for b = b[28+32:]; len(b) > 0; b = b[le.Uint32(b[4:]):] {
			if !yield(b[28 : 28+le.Uint32(b[20:])]) {
				return
			}
		}
	}
}

// checkFrame parses a frame with gopacket and writes it again, lengths and
// checksums made anew.
func checkFrame(t *testing.T, data []byte) {
	t.Helper()
	p := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.Default)
	tcp, ok := p.TransportLayer().(*layers.TCP)
	if !ok {
		t.Fatalf("no TCP: %v", p)
	}
	if len(tcp.Payload) > 1460 {
		t.Errorf("payload of %d bytes", len(tcp.Payload))
	}
	if err := tcp.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
		t.Fatal(err)
	}
	out := gopacket.NewSerializeBuffer()
	err := gopacket.SerializePacket(out, gopacket.SerializeOptions{ComputeChecksums: true, FixLengths: true}, p)
	if err != nil {
		t.Fatal(err)
	}
	if got := out.Bytes()[:len(data)]; !bytes.Equal(got, data) {
		t.Fatalf("made anew:\n%x\nwritten:\n%x", got, data)
	}
}

type full struct{ left int }

func (f *full) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errors.New("disk full")
	}
	return len(b), nil
}

func TestWriteError(t *testing.T) {
	if _, err := Write(&full{left: 1 << 20}, Options{Bytes: 20_000_000}); err == nil {
		t.Error("no error from a full disk")
	}
}

// TestMixed holds that a capture of many small sessions and few large ones is about as large as
// was asked for, that both kinds have their share of it, and that few are open at a time.
func TestMixed(t *testing.T) {
	const size = 60e6
	for seed := range uint64(3) {
		g := newGenerator(io.Discard, Options{Seed: seed, Bytes: size, Shape: Mixed})
		most := 0
		stats, err := g.write(func() { most = max(most, g.large) })
		if err != nil {
			t.Fatal(err)
		}
		if stats.Bytes < size*9/10 || stats.Bytes > size*13/10 {
			t.Errorf("seed %d: %d bytes, want about %d", seed, stats.Bytes, int(size))
		}
		if share := float64(g.largeBytes) / float64(stats.Bytes); share < 0.25 || share > 0.6 {
			t.Errorf("seed %d: the large sessions have %.0f %% of the bytes", seed, 100*share)
		}
		if most != mostLarge {
			t.Errorf("seed %d: %d large sessions at a time, want %d at some time", seed, most, mostLarge)
		}
	}
}
