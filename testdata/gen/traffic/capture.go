package traffic

import (
	"bufio"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"time"
)

// Format is the form of the capture file.
type Format uint8

// The formats.
const (
	Pcap   Format = iota // microseconds, little endian
	PcapNG               // one Ethernet interface, nanoseconds
)

// Capture is a capture file that is being written, packet by packet.
type Capture struct {
	// Step is how far the clock moves from one packet to the next, at most;
	// 40 µs when it is zero.
	Step time.Duration
	// MSS is the largest payload of a segment; 1460 when it is zero.
	MSS int
	// Reorder and Duplicate are the share of segments that arrive after the
	// one that follows them, and of those that arrive twice.
	Reorder, Duplicate float64

	w       *bufio.Writer
	format  Format
	rnd     *rand.Rand
	now     time.Time
	packets uint64
	bytes   int64
	err     error
	frame   []byte
	pause   func() // lets other connections go on; nil when there are none
}

// NewCapture begins a capture at that time. What is random in it (sequence
// numbers, times, disorder) is made from seed.
func NewCapture(w io.Writer, f Format, start time.Time, seed uint64) *Capture {
	c := &Capture{
		w:      bufio.NewWriterSize(w, 1<<20),
		format: f,
		rnd:    rand.New(rand.NewPCG(seed, 0x69_0_69)),
		now:    start,
		frame:  make([]byte, 0, 2048),
	}
	if f == PcapNG {
		c.pcapngHead()
	} else {
		c.pcapHead()
	}
	return c
}

// Now is the time of the next packet, about.
func (c *Capture) Now() time.Time { return c.now }

// Wait lets time pass.
func (c *Capture) Wait(d time.Duration) { c.now = c.now.Add(d) }

// Packets is how many packets were written.
func (c *Capture) Packets() uint64 { return c.packets }

// Bytes is how large the file is so far.
func (c *Capture) Bytes() int64 { return c.bytes }

// Flush writes what is buffered and returns the first error there was.
func (c *Capture) Flush() error {
	if err := c.w.Flush(); c.err == nil {
		c.err = err
	}
	return c.err
}

func (c *Capture) write(b []byte) {
	if c.err == nil {
		_, c.err = c.w.Write(b)
		c.bytes += int64(len(b))
	}
}

func (c *Capture) pcapHead() {
	var h [24]byte
	le := binary.LittleEndian
	le.PutUint32(h[0:], 0xa1b2c3d4)
	le.PutUint16(h[4:], 2)
	le.PutUint16(h[6:], 4)
	le.PutUint32(h[16:], 262144)
	le.PutUint32(h[20:], 1) // Ethernet
	c.write(h[:])
}

func (c *Capture) pcapngHead() {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0x0a0d0d0a)
	b = le.AppendUint32(b, 28)
	b = le.AppendUint32(b, 0x1a2b3c4d)
	b = le.AppendUint16(b, 1)
	b = le.AppendUint16(b, 0)
	b = le.AppendUint64(b, ^uint64(0)) // section length unknown
	b = le.AppendUint32(b, 28)

	b = le.AppendUint32(b, 1) // interface description
	b = le.AppendUint32(b, 32)
	b = le.AppendUint16(b, 1) // Ethernet
	b = le.AppendUint16(b, 0)
	b = le.AppendUint32(b, 262144)
	b = le.AppendUint16(b, 9) // if_tsresol
	b = le.AppendUint16(b, 1)
	b = le.AppendUint32(b, 9)
	b = le.AppendUint32(b, 0) // end of options
	b = le.AppendUint32(b, 32)
	c.write(b)
}

// Frame writes one Ethernet frame as the next packet.
func (c *Capture) Frame(frame []byte) {
	step := c.Step
	if step == 0 {
		step = 40 * time.Microsecond
	}
	c.now = c.now.Add(step/8 + time.Duration(c.rnd.Int64N(int64(step))))
	c.packets++
	le := binary.LittleEndian
	n := uint32(len(frame))
	if c.format == Pcap {
		var h [16]byte
		us := c.now.UnixMicro()
		le.PutUint32(h[0:], uint32(us/1e6))
		le.PutUint32(h[4:], uint32(us%1e6))
		le.PutUint32(h[8:], n)
		le.PutUint32(h[12:], n)
		c.write(h[:])
		c.write(frame)
		return
	}
	var h [28]byte
	pad := -n & 3
	ns := uint64(c.now.UnixNano())
	le.PutUint32(h[0:], 6) // enhanced packet
	le.PutUint32(h[4:], 32+n+pad)
	le.PutUint32(h[12:], uint32(ns>>32))
	le.PutUint32(h[16:], uint32(ns))
	le.PutUint32(h[20:], n)
	le.PutUint32(h[24:], n)
	c.write(h[:])
	c.write(frame)
	var tail [8]byte
	le.PutUint32(tail[pad:], 32+n+pad)
	c.write(tail[:pad+4])
}
