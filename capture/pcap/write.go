package pcap

import (
	chain "container/list"
	"errors"
	"io"
	"time"

	"informant/capture"
)

// WriterOptions are what a Writer can be told. The zero value is fine.
type WriterOptions struct {
	// Application is the program that writes, with its version, and Comment what
	// is to be known of the file: where its records come from. Both stand in the
	// section header.
	Application, Comment string
	// Describe says what is to stand as a comment at the first packet made of a
	// record, "" for nothing.
	Describe func(r *capture.Record) string
}

// Writer writes records as a pcapng of packets that could have carried them. It
// is a capture.Sink. The packets stand in the order of the records, each with its
// record's time, so that a time may be less than the one before it, and the
// streams have no retransmissions.
//
// TCP's handshake, sequence and acknowledgement numbers and all checksums are
// made up. A connection of which the beginning was not seen begins with an
// acknowledgement, and so does the room that missing bytes leave. What packets
// cannot tell stands in their comments: what was remarked, that bytes are missing
// and how many; and in words that Source knows (see facts.go) that an address, a
// time or a whole connection is made up. So that no reader takes a silent
// connection for a dead one, it gets an acknowledgement each four minutes.
//
// It is not safe for use by several goroutines. It does not close what it writes
// to.
type Writer struct {
	w       io.Writer
	o       WriterOptions
	ifaces  map[writtenFrom]uint32
	out     []byte
	conns   map[*capture.Conn]*writtenConn
	quiet   chain.List // of *writtenConn, the longest silent first
	clock   time.Time  // the latest time written
	build   builder
	unknown int
	err     error
}

// writtenFrom is what makes an interface.
type writtenFrom struct {
	point    string
	timeless bool
}

const (
	writeSize   = 256 << 10 // bytes that are written at once
	maxPoints   = 1000      // interfaces; what more points there are is told as the first
	stillAlive  = 4 * time.Minute
	maxSilent   = 1000     // so often: a clock may have been set
	maxComment  = 60 << 10 // bytes of a packet's comment
	unknownGap  = 64 << 10 // how long a gap of unknown length is made
	longestGap  = 32 << 20 // sequence numbers do not tell more
	application = "informant"
	// timelessWords describe the interface of packets without a time.
	timelessWords = "informant: the times of these packets are not known"
)

var errWriterClosed = errors.New("pcap: the writer is closed")

// NewWriter writes to w.
func NewWriter(w io.Writer, o WriterOptions) *Writer {
	if o.Application == "" {
		o.Application = application
	}
	return &Writer{w: w, o: o, ifaces: map[writtenFrom]uint32{}, conns: map[*capture.Conn]*writtenConn{}}
}

// Put adds a record. One without a connection is refused; that spoils nothing.
// After an error of writing every call says it.
func (s *Writer) Put(r capture.Record) error {
	if s.err != nil {
		return s.err
	}
	if r.Conn == nil {
		return errors.New("pcap: a record without a connection")
	}
	if r.Time.After(s.clock) {
		s.keepAlive(r.Time)
		s.clock = r.Time
	}
	c := s.conns[r.Conn]
	if c == nil {
		c = s.open(&r)
	}
	s.record(c, &r)
	if len(s.out) >= writeSize {
		s.flush()
	}
	return s.err
}

// keepAlive writes an acknowledgement for each connection that will have been
// silent for too long when time has come to now.
func (s *Writer) keepAlive(now time.Time) {
	for e := s.quiet.Front(); e != nil; e = s.quiet.Front() {
		c := e.Value.(*writtenConn)
		if now.Sub(c.last) < stillAlive {
			return
		}
		n, at := c.silent+1, c.last.Add(stillAlive)
		if n > maxSilent {
			s.quiet.Remove(e)
			c.place = nil
			continue
		}
		c.acknowledge(s, capture.FromClient, stamped{at: at})
		c.silent, c.last = n, at
		s.quiet.MoveToBack(e) // a few of those behind it may be due before: never a minute
	}
}

// touch notes that a packet of a connection was written.
func (s *Writer) touch(c *writtenConn) {
	c.last, c.silent = s.clock, 0
	switch {
	case c.last.IsZero():
	case c.place == nil:
		c.place = s.quiet.PushBack(c)
	default:
		s.quiet.MoveToBack(c.place)
	}
}

// iface is the number of an interface, described before its first packet.
func (s *Writer) iface(from writtenFrom) uint32 {
	if id, ok := s.ifaces[from]; ok {
		return id
	}
	if len(s.ifaces) >= maxPoints {
		return 0
	}
	if len(s.ifaces) == 0 {
		s.out = appendSection(s.out, short(s.o.Application), short(s.o.Comment))
	}
	described := ""
	if from.timeless {
		described = timelessWords
	}
	id := uint32(len(s.ifaces))
	s.out = appendInterface(s.out, short(from.point), described)
	s.ifaces[from] = id
	return id
}

// short cuts what an option has no room for.
func short(s string) string {
	if len(s) <= maxComment {
		return s
	}
	cut := maxComment
	for cut > 0 && s[cut]&0xc0 == 0x80 {
		cut--
	}
	return s[:cut] + "…"
}

// flush writes what waits.
func (s *Writer) flush() {
	if s.err == nil && len(s.out) > 0 {
		_, s.err = s.w.Write(s.out)
	}
	s.out = s.out[:0]
}

// Unwritten is how many records there were that are nothing packets could tell:
// facts of TLS handshakes, edits of a proxy.
func (s *Writer) Unwritten() int { return s.unknown }

// Close writes what waits. A file without records has a header and an interface.
func (s *Writer) Close() error {
	if s.err != nil {
		if s.err == errWriterClosed {
			return nil
		}
		return s.err
	}
	if len(s.ifaces) == 0 {
		s.iface(writtenFrom{})
	}
	s.flush()
	if s.err != nil {
		return s.err
	}
	s.err = errWriterClosed
	return nil
}
