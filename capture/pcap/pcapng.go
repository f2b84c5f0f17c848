package pcap

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"math/bits"
)

// Block types of draft-ietf-opsawg-pcapng.
const (
	blockInterface = 1
	blockPacket    = 2 // obsolete
	blockSimple    = 3
	blockEnhanced  = 6
	blockSecrets   = 10
	blockJournal   = 9 // of systemd
	blockSysdig    = 0x204
	blockCustom    = 0xbad
	blockCustomOwn = 0x40000bad // not to be copied
	blockSection   = 0x0a0d0d0a
)

const (
	sectionMagic     = 0x1a2b3c4d
	optComment       = 1
	optName          = 4 // of the application, in a section header
	optDescribed     = 3 // of an interface
	optInterfaceName = 2
	optResolution    = 9
	optOffset        = 14
	maxInterfaces    = 65536
	maxSecrets       = 16 << 20
)

// Secrets is what a Decryption Secrets Block of a pcapng holds, such as a TLS
// key log (Type 0x544c534b).
type Secrets struct {
	Type uint32
	Data []byte
}

// iface is one Interface Description Block.
type iface struct {
	link   uint32
	snap   uint32
	clock  clock
	offset int64 // seconds added to every time
	// timeless: Writer had no times for its packets.
	timeless bool
}

// noLink is the link type of what is no packet and counted as one.
const noLink = 1<<32 - 1

// pcapngFile reads pcapng. Blocks that carry no packet are passed over.
type pcapngFile struct {
	w         *window
	big       bool
	ifaces    []iface // of the section
	keep      func(Secrets)
	secrets   int    // bytes kept
	lastIface uint32 // of the last packet
	ours      bool   // the section was written by Writer
}

func (f *pcapngFile) u32(b []byte) uint32 {
	if f.big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

func (f *pcapngFile) u16(b []byte) uint16 {
	if f.big {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

func (f *pcapngFile) next(p *packet) error {
	for {
		kind, body, err := f.block()
		if err != nil {
			return err
		}
		found, err := f.use(kind, body, p)
		if err != nil {
			return err
		}
		f.w.skip(len(body) + 12)
		if found {
			return nil
		}
	}
}

// block shows the next block's body, whole, and leaves it in the window.
func (f *pcapngFile) block() (kind uint32, body []byte, err error) {
	b, err := f.w.peek(12)
	if len(b) < 12 {
		if len(b) == 0 && err == io.EOF {
			return 0, nil, io.EOF
		}
		return 0, nil, f.w.cut("a block's header is cut off", err)
	}
	if binary.BigEndian.Uint32(b) == blockSection {
		if err := f.section(b); err != nil {
			return 0, nil, err
		}
	}
	kind = f.u32(b)
	length := f.u32(b[4:])
	if length < 12 || length%4 != 0 || length > maxPacket+1024 {
		return 0, nil, f.w.broken("a block of %d bytes (type %#x), which cannot be", length, kind)
	}
	size := int(length)
	if b, err = f.w.peek(size); len(b) < size {
		return 0, nil, f.w.cut("a block is cut off", err)
	}
	if again := f.u32(b[size-4:]); again != length {
		return 0, nil, f.w.broken("a block (type %#x) that says %d bytes at its start and %d at its end", kind, length, again)
	}
	return kind, b[8 : size-4 : size-4], nil
}

// section learns the byte order of what follows.
func (f *pcapngFile) section(b []byte) error {
	switch uint32(sectionMagic) {
	case binary.LittleEndian.Uint32(b[8:]):
		f.big = false
	case binary.BigEndian.Uint32(b[8:]):
		f.big = true
	default:
		return f.w.broken("a section header without its byte-order mark")
	}
	return nil
}

// use takes from a block what it tells; found says that p is a packet.
func (f *pcapngFile) use(kind uint32, body []byte, p *packet) (found bool, err error) {
	switch kind {
	case blockEnhanced:
		return true, f.enhanced(body, p)
	case blockPacket:
		return true, f.packet(body, p)
	case blockSimple:
		return true, f.simple(body, p)
	case blockSection:
		return false, f.newSection(body)
	case blockInterface:
		return false, f.newInterface(body)
	case blockSecrets:
		f.newSecrets(body)
	case blockJournal, blockSysdig, blockCustom, blockCustomOwn:
		// No packet, but Wireshark numbers it as one.
		*p = packet{ts: noTime, link: noLink}
		return true, nil
	}
	return false, nil
}

func (f *pcapngFile) newSection(body []byte) error {
	if len(body) < 16 {
		return f.w.broken("a section header of %d bytes", len(body)+12)
	}
	if major := f.u16(body[4:]); major != 1 {
		return f.w.broken("pcapng version %d; version 1 can be read", major)
	}
	f.ifaces = f.ifaces[:0]
	name, _ := f.option(body[16:], optName)
	f.ours = bytes.HasPrefix(name, []byte(application))
	return nil
}

func (f *pcapngFile) newInterface(body []byte) error {
	if len(body) < 8 {
		return f.w.broken("an interface description of %d bytes", len(body)+12)
	}
	if len(f.ifaces) == maxInterfaces {
		return f.w.broken("more than %d interfaces", maxInterfaces)
	}
	i := iface{link: uint32(f.u16(body)), snap: f.u32(body[4:]), clock: newClock(6)}
	for o := body[8:]; len(o) >= 4; {
		code, n := f.u16(o), int(f.u16(o[2:]))
		padded := 4 + (n+3)&^3
		if code == 0 || padded > len(o) {
			break
		}
		switch {
		case code == optResolution && n == 1:
			i.clock = newClock(o[4])
		case code == optOffset && n == 8:
			i.offset = f.s64(o[4:])
		case code == optDescribed && f.ours:
			i.timeless = string(o[4:4+n]) == timelessWords
		}
		o = o[padded:]
	}
	f.ifaces = append(f.ifaces, i)
	return nil
}

// option finds an option.
func (f *pcapngFile) option(o []byte, code uint16) (value []byte, ok bool) {
	for len(o) >= 4 {
		n := int(f.u16(o[2:]))
		padded := 4 + (n+3)&^3
		switch c := f.u16(o); {
		case c == 0 || padded > len(o):
			return nil, false
		case c == code:
			return o[4 : 4+n], true
		}
		o = o[padded:]
	}
	return nil, false
}

func (f *pcapngFile) s64(b []byte) int64 {
	if f.big {
		return int64(binary.BigEndian.Uint64(b))
	}
	return int64(binary.LittleEndian.Uint64(b))
}

func (f *pcapngFile) newSecrets(body []byte) {
	if len(body) < 8 || f.keep == nil {
		return
	}
	n := int(min(f.u32(body[4:]), uint32(len(body)-8)))
	if f.secrets += n; f.secrets > maxSecrets {
		return
	}
	f.keep(Secrets{Type: f.u32(body), Data: append([]byte(nil), body[8:8+n]...)})
}

func (f *pcapngFile) enhanced(b []byte, p *packet) error {
	if len(b) < 20 {
		return f.w.broken("a packet block of %d bytes", len(b)+12)
	}
	err := f.fill(p, f.u32(b), uint64(f.u32(b[4:]))<<32|uint64(f.u32(b[8:])), f.u32(b[12:]), f.u32(b[16:]), b[20:])
	if f.ours && err == nil {
		f.told(p, b[20:])
	}
	return err
}

// told takes what Writer said of a packet and its connection. rest is what stands
// in its block from the packet on.
func (f *pcapngFile) told(p *packet, rest []byte) {
	if f.ifaces[f.lastIface].timeless {
		p.ts = noTime
	}
	if n := (len(p.data) + 3) &^ 3; n+4 <= len(rest) {
		if text, ok := f.option(rest[n:], optComment); ok && bytes.HasPrefix(text, []byte(factsWords)) {
			p.facts = text
		}
	}
}

func (f *pcapngFile) packet(b []byte, p *packet) error {
	if len(b) < 20 {
		return f.w.broken("a packet block of %d bytes", len(b)+12)
	}
	return f.fill(p, uint32(f.u16(b)), uint64(f.u32(b[4:]))<<32|uint64(f.u32(b[8:])), f.u32(b[12:]), f.u32(b[16:]), b[20:])
}

func (f *pcapngFile) fill(p *packet, id uint32, ticks uint64, n, orig uint32, data []byte) error {
	if id >= uint32(len(f.ifaces)) {
		return f.w.broken("a packet of interface %d, of which there are %d", id, len(f.ifaces))
	}
	if uint64(n) > uint64(len(data)) {
		return f.w.broken("a packet of %d bytes in a block with room for %d", n, len(data))
	}
	f.lastIface = id
	i := &f.ifaces[id]
	p.data, p.facts = data[:n:n], nil
	p.orig = int(max(n, orig))
	p.ts = addSeconds(i.clock.nanoseconds(ticks), i.offset)
	p.link = i.link
	return nil
}

func (f *pcapngFile) simple(b []byte, p *packet) error {
	if len(b) < 4 {
		return f.w.broken("a packet block of %d bytes", len(b)+12)
	}
	if len(f.ifaces) == 0 {
		return f.w.broken("a packet before any interface")
	}
	i := &f.ifaces[0]
	orig := f.u32(b)
	n := min(orig, uint32(len(b)-4))
	if i.snap != 0 {
		n = min(n, i.snap)
	}
	p.data, p.facts = b[4:4+n:4+n], nil
	p.orig = int(orig)
	p.ts = noTime
	p.link = i.link
	return nil
}

// clock turns an interface's ticks into nanoseconds (if_tsresol).
type clock struct {
	mul, div uint64 // for powers of ten, one of them is 1
	shift    uint8  // for powers of two, when binary
	binary   bool
}

func newClock(resolution byte) clock {
	if resolution&0x80 != 0 {
		return clock{binary: true, shift: resolution & 0x7f}
	}
	c := clock{mul: 1, div: 1}
	for n := int(resolution); n < 9; n++ {
		c.mul *= 10
	}
	for n := 9; n < int(resolution); n++ {
		if c.div > math.MaxUint64/10 {
			return clock{mul: 0, div: 1} // finer than any 64-bit time can tell
		}
		c.div *= 10
	}
	return c
}

// nanoseconds is the time of a tick, at most the last that an int64 holds.
func (c clock) nanoseconds(ticks uint64) int64 {
	var hi, lo uint64
	if c.binary {
		hi, lo = bits.Mul64(ticks, 1e9)
		switch {
		case c.shift >= 64:
			hi, lo = 0, hi>>(c.shift-64)
		case c.shift > 0:
			hi, lo = hi>>c.shift, lo>>c.shift|hi<<(64-c.shift)
		}
	} else {
		if c.div != 1 {
			ticks /= c.div
		}
		hi, lo = bits.Mul64(ticks, c.mul)
	}
	if hi != 0 || lo > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(lo)
}

func addSeconds(ns, sec int64) int64 {
	if sec == 0 {
		return ns
	}
	const most = math.MaxInt64 / 1_000_000_000
	if sec > most || sec < -most {
		return ns
	}
	sum := ns + sec*1e9
	if sec > 0 && sum < ns {
		return math.MaxInt64
	}
	return sum
}
