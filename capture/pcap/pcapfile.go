package pcap

import (
	"encoding/binary"
	"io"
)

const (
	pcapHeader = 24
	snapMin    = 256 << 10 // packets this long are read whatever the header's snap length says
)

// pcapVariant is what the magic number tells.
type pcapVariant struct {
	big    bool
	unit   int64 // nanoseconds of a tick
	record int   // length of a packet's header
}

// pcapMagic knows the classic formats: draft-ietf-opsawg-pcap, its form with
// nanoseconds, and that of Kuznetzov's patched libpcap (packet headers of 24
// bytes), each in both byte orders.
func pcapMagic(b []byte) (v pcapVariant, ok bool) {
	if len(b) < 4 {
		return v, false
	}
	le, be := binary.LittleEndian.Uint32(b), binary.BigEndian.Uint32(b)
	for _, m := range [...]struct {
		magic  uint32
		unit   int64
		record int
	}{{0xa1b2c3d4, 1000, 16}, {0xa1b23c4d, 1, 16}, {0xa1b2cd34, 1000, 24}} {
		if le == m.magic || be == m.magic {
			return pcapVariant{big: be == m.magic, unit: m.unit, record: m.record}, true
		}
	}
	return v, false
}

// pcapFile reads the classic format.
type pcapFile struct {
	w *window
	pcapVariant
	begun bool
	link  uint32
	limit uint32 // of a packet's length
}

func (f *pcapFile) u32(b []byte) uint32 {
	if f.big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

func (f *pcapFile) header() error {
	b, err := f.w.peek(pcapHeader)
	if len(b) < pcapHeader {
		return f.w.cut("the file header is cut off", err)
	}
	snap := f.u32(b[16:])
	f.limit = min(max(snap, snapMin), maxPacket)
	f.link = f.u32(b[20:]) & 0xffff // above it: the length of a frame check sequence
	f.w.skip(pcapHeader)
	f.begun = true
	return nil
}

func (f *pcapFile) next(p *packet) error {
	if !f.begun {
		if err := f.header(); err != nil {
			return err
		}
	}
	b, err := f.w.peek(f.record)
	if len(b) < f.record {
		if len(b) == 0 && err == io.EOF {
			return io.EOF
		}
		return f.w.cut("a packet's header is cut off", err)
	}
	sec, frac, n, orig := f.u32(b), f.u32(b[4:]), f.u32(b[8:]), f.u32(b[12:])
	if n > f.limit {
		return f.w.broken("a packet of %d bytes, which no capture holds", n)
	}
	if sec|frac|n|orig == 0 {
		return f.w.broken("zeros where a packet should begin")
	}
	size := f.record + int(n)
	if b, err = f.w.peek(size); len(b) < size {
		return f.w.cut("a packet is cut off", err)
	}
	p.data = b[f.record:size:size]
	p.orig = int(max(n, orig))
	p.ts = int64(sec)*1e9 + int64(frac)*f.unit
	p.link = f.link
	f.w.skip(size)
	return nil
}
