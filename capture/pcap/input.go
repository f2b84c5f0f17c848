package pcap

import (
	"errors"
	"fmt"
	"io"

	"informant/capture"
)

const (
	windowMin = 16 << 10  // a window's first size: a thousand rotated files open at once stay small
	windowMax = 256 << 10 // its size in bulk reading
	maxPacket = 16 << 20  // no packet and no block is longer
)

// packet is one packet of a capture file. data points into the window of its
// input and is valid until the input's next packet.
type packet struct {
	data   []byte
	orig   int   // its length on the wire, at least len(data)
	ts     int64 // nanoseconds since 1970, or noTime
	number uint64
	link   uint32
	in     *input
	facts  []byte // what Writer said of its connection, like data; nil mostly
}

// noTime is the time of a packet that has none (a Simple Packet Block).
const noTime = -1 << 63

// packets is a file format: it reads the next packet, or returns io.EOF at a
// proper end.
type packets interface {
	next(p *packet) error
}

// window is a buffered reader that shows its buffer.
type window struct {
	r          io.Reader
	buf        []byte
	start, end int
	off        int64 // of buf[start] in the (uncompressed) file
	size       int   // the buffer's next size
	err        error // the reader's, io.EOF included
}

// peek returns at least n bytes, or fewer and the reader's error.
func (w *window) peek(n int) ([]byte, error) {
	if w.end-w.start >= n {
		return w.buf[w.start:w.end], nil
	}
	return w.fill(n)
}

func (w *window) fill(n int) ([]byte, error) {
	if w.start > 0 {
		w.end = copy(w.buf, w.buf[w.start:w.end])
		w.start = 0
	}
	for w.end < n {
		if w.err != nil {
			return w.buf[:w.end], w.err
		}
		w.grow(n)
		w.readOnce()
	}
	return w.buf[:w.end], nil
}

// grow makes room, twice as much each time: a length that lies costs no more
// memory than the bytes that are really there.
func (w *window) grow(n int) {
	if w.end < len(w.buf) && len(w.buf) >= max(n, w.size) {
		return
	}
	w.size = max(windowMin, w.size)
	for w.size <= w.end {
		w.size *= 2
	}
	if len(w.buf) < w.size {
		w.buf = append(make([]byte, 0, w.size), w.buf[:w.end]...)[:w.size]
	}
	if w.size < windowMax {
		w.size *= 2
	}
}

func (w *window) readOnce() {
	const patience = 100 // reads of nothing in a row
	for range patience {
		n, err := w.r.Read(w.buf[w.end:])
		w.end += n
		if err != nil {
			w.err = err
			return
		}
		if n > 0 {
			return
		}
	}
	w.err = io.ErrNoProgress
}

// skip passes over n bytes that a peek has shown.
func (w *window) skip(n int) {
	w.start += n
	w.off += int64(n)
}

// input is one capture file being read.
type input struct {
	name   string
	kind   string // compression
	win    window
	file   packets
	count  uint64 // packets so far
	lastTS int64
	head   packet
	ready  bool // head holds a packet that nobody took
}

// openInput tells the format. Damage in the header is found by the first next.
func openInput(in Input, keep func(Secrets)) (*input, error) {
	r, kind, err := Decompress(in.R)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Name, err)
	}
	i := &input{name: in.Name, kind: kind, win: window{r: r}}
	b, err := i.win.peek(512)
	switch {
	case len(b) == 0 && err == io.EOF:
		return nil, emptyError(in.Name, kind)
	case len(b) == 0:
		return nil, fmt.Errorf("%s: %w", in.Name, err)
	}
	if m, ok := pcapMagic(b); ok {
		i.file = &pcapFile{w: &i.win, pcapVariant: m}
	} else if isPcapng(b) {
		i.file = &pcapngFile{w: &i.win, keep: keep}
	} else if err != nil && err != io.EOF { // it breaks off before it says what it is
		return nil, fmt.Errorf("%s: %w", in.Name, err)
	} else {
		return nil, formatError(in.Name, kind, b)
	}
	return i, nil
}

func emptyError(name, kind string) error {
	if kind != "" {
		return fmt.Errorf("%s: %w: %s of nothing", name, capture.ErrEmpty, kind)
	}
	return fmt.Errorf("%s: %w", name, capture.ErrEmpty)
}

// advance reads the next packet into head.
func (i *input) advance() error {
	err := i.file.next(&i.head)
	if err != nil {
		i.ready = false
		i.win.buf = nil
		return i.explain(err)
	}
	i.count++
	i.head.number, i.head.in = i.count, i
	if i.head.ts != noTime {
		i.lastTS = i.head.ts
	}
	i.ready = true
	return nil
}

// damage says what is wrong with a file at a byte.
type damage struct {
	off  int64
	what string
	err  error // the reader's, where that is what ended it
}

func (d *damage) Error() string { return d.what }

// cut is the damage of a file that ends too early, or whose reader fails.
func (w *window) cut(what string, err error) error {
	return &damage{off: w.off + int64(w.end-w.start), what: what, err: err}
}

func (w *window) broken(format string, args ...any) error {
	return &damage{off: w.off, what: fmt.Sprintf(format, args...)}
}

// explain gives an error its file, place and packet.
func (i *input) explain(err error) error {
	var d *damage
	if !errors.As(err, &d) {
		return err
	}
	where := fmt.Sprintf("byte %d", d.off)
	if i.kind != "" {
		where += " of the unpacked file"
	}
	after := "before its first packet"
	if i.count > 0 {
		after = fmt.Sprintf("after packet %d", i.count)
	}
	switch {
	case d.err == nil || d.err == io.EOF:
		return fmt.Errorf("%s: %w at %s, %s: %s", i.name, capture.ErrDamaged, where, after, d.what)
	default: // the unpacker's damage, or an error of the disk
		return fmt.Errorf("%s: %w (at %s, %s)", i.name, d.err, where, after)
	}
}
