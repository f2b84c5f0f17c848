package proof

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// frame is a packet of a capture file.
type frame struct {
	ns   uint64 // since 1970
	link uint16
	data []byte
}

// frames reads the packets of a little-endian pcap (µs) or pcapng, as the
// captures of the tests are. It is a reader of its own, so that captures are
// not changed through the code that is being tested.
func frames(t testing.TB, b []byte) (fs []frame) {
	t.Helper()
	le := binary.LittleEndian
	if le.Uint32(b) == 0xa1b2c3d4 {
		link := le.Uint16(b[20:])
		for b = b[24:]; len(b) >= 16; {
			n := 16 + le.Uint32(b[8:])
			fs = append(fs, frame{uint64(le.Uint32(b))*1e9 + uint64(le.Uint32(b[4:]))*1e3, link, b[16:n]})
			b = b[n:]
		}
		return fs
	}
	type iface struct {
		link uint16
		tick uint64 // nanoseconds
	}
	var ifaces []iface
	for len(b) >= 12 {
		n := le.Uint32(b[4:])
		body := b[8 : n-4]
		switch le.Uint32(b) {
		case 1:
			ifaces = append(ifaces, iface{le.Uint16(body), tick(t, body[8:])})
		case 6:
			i := ifaces[le.Uint32(body)]
			ts := uint64(le.Uint32(body[4:]))<<32 | uint64(le.Uint32(body[8:]))
			fs = append(fs, frame{ts * i.tick, i.link, body[20 : 20+le.Uint32(body[12:])]})
		}
		b = b[n:]
	}
	return fs
}

// tick is an interface's time resolution by its options.
func tick(t testing.TB, opts []byte) uint64 {
	le := binary.LittleEndian
	for len(opts) >= 4 && le.Uint16(opts) != 0 {
		n := int(le.Uint16(opts[2:]))
		if le.Uint16(opts) == 9 {
			switch opts[4] {
			case 9:
				return 1
			case 6:
				return 1000
			}
			t.Fatalf("a time resolution of %d", opts[4])
		}
		opts = opts[4+(n+3)/4*4:]
	}
	return 1000
}

// file writes packets of one link type as a pcap with nanoseconds.
func file(fs []frame) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b23c4d)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0)
	link := uint32(1)
	if len(fs) > 0 {
		link = uint32(fs[0].link)
	}
	b = le.AppendUint32(b, link)
	for _, f := range fs {
		b = le.AppendUint32(b, uint32(f.ns/1e9))
		b = le.AppendUint32(b, uint32(f.ns%1e9))
		b = le.AppendUint32(b, uint32(len(f.data)))
		b = le.AppendUint32(b, uint32(len(f.data)))
		b = append(b, f.data...)
	}
	return b
}

// segment is where the TCP header and the payload of a frame lie; payload is
// empty where it is no TCP.
type segment struct {
	src, dst uint16
	flags    byte
	payload  []byte
	from     string // addresses and ports of the sender, then the receiver
}

func (f frame) segment() (s segment) {
	be := binary.BigEndian
	b := f.data
	proto := uint16(0)
	switch f.link {
	case 1:
		proto, b = be.Uint16(b[12:]), b[14:]
	case 113: // Linux cooked
		proto, b = be.Uint16(b[14:]), b[16:]
	default:
		return s
	}
	var addr []byte
	switch {
	case proto == 0x0800 && b[9] == 6:
		n := int(b[0]&15) * 4
		addr, b = b[12:20], b[n:be.Uint16(b[2:])]
	case proto == 0x86dd && b[6] == 6:
		addr, b = b[8:40], b[40:40+int(be.Uint16(b[4:]))]
	default:
		return s
	}
	s.src, s.dst, s.flags = be.Uint16(b), be.Uint16(b[2:]), b[13]
	s.payload = b[int(b[12]>>4)*4:]
	s.from = string(addr) + string(b[:4])
	return s
}

// aroundResets says which packets stand within so many of a reset of their
// connection.
func aroundResets(fs []frame, within int) []bool {
	of := make([]string, len(fs))
	fixed := make([]bool, len(fs))
	for i := range fs {
		s := fs[i].segment()
		a, b := fmt.Sprint(s.src, s.dst), fmt.Sprint(s.dst, s.src)
		of[i] = min(a, b)
	}
	for i := range fs {
		if fs[i].segment().flags&4 == 0 {
			continue
		}
		for j := max(0, i-within); j < min(len(fs), i+within+1); j++ {
			fixed[j] = fixed[j] || of[j] == of[i]
		}
	}
	return fixed
}

// shuffle moves packets within a window of that many, and repeats some; times
// stay in order, as they are where a network does it. The packets of a connection
// stay in their order around a reset: what was sent after it, and what it did not
// wait for, is another story.
func shuffle(fs []frame, r *rand.Rand, window int) []frame {
	type placed struct {
		at int
		frame
	}
	var ps []placed
	fixed := aroundResets(fs, 2*window)
	for i, f := range fs {
		at, again := i*4+4*r.IntN(window), r.IntN(20) == 0
		if fixed[i] {
			at, again = i*4, false
		}
		ps = append(ps, placed{at, f})
		if again {
			ps = append(ps, placed{i*4 + 4*r.IntN(window) + 1, f})
		}
	}
	slices.SortStableFunc(ps, func(a, b placed) int { return a.at - b.at })
	out := make([]frame, len(ps))
	for i, p := range ps {
		out[i] = p.frame
	}
	times := make([]uint64, len(out))
	for i := range out {
		times[i] = out[i].ns
	}
	slices.Sort(times)
	for i := range out {
		out[i].ns = times[i]
	}
	return out
}

// captureSet is the captures that the invariance tests run over: one that is
// made here, and the shared clear-text ones that are there.
func captureSet(t *testing.T) map[string][]byte {
	t.Helper()
	set := map[string][]byte{"odd": oddCapture(slices.Concat(oddHTTP, brokenOff)...)}
	set["generated"], _ = generated(t, generatorSmall)
	for _, parts := range clearText {
		name := parts[len(parts)-1]
		t.Run("find "+name, func(t *testing.T) {
			set[name] = readFile(t, shared(t, parts...))
		})
	}
	return set
}

func TestFrames(t *testing.T) { // the reader and the writer here lose nothing
	data, stats := generated(t, generatorSmall)
	fs := frames(t, data)
	if uint64(len(fs)) != stats.Packets {
		t.Fatalf("%d frames, want %d", len(fs), stats.Packets)
	}
	if a, b := tell(records(t, "x", data)), tell(records(t, "x", file(fs))); !bytes.Equal(a, b) {
		t.Error("another account of the same packets")
	}
}
