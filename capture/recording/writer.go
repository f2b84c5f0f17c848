package recording

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"
	"informant/capture"
)

// The defaults of WriterOptions.
const (
	FrameBytes = 64 << 10
	FrameAge   = 100 * time.Millisecond
)

// WriterOptions are the options of a Writer. The zero value, with a Header of
// NewHeader, is fine.
type WriterOptions struct {
	Header     Header
	Dictionary *Dict             // nil: the newest general one, if there is one; the zero Dict: none
	FrameBytes int               // a frame is written when its content has as many; 0: 64 KB
	FrameAge   time.Duration     // or when its first record is so old; 0: 100 ms
	Level      zstd.EncoderLevel // 0: zstd.SpeedFastest, with a dictionary hardly larger than the next and half as fast again
}

func (o WriterOptions) withDefaults() WriterOptions {
	if o.Dictionary == nil {
		o.Dictionary = General()
	}
	if o.FrameBytes <= 0 {
		o.FrameBytes = FrameBytes
	}
	o.FrameBytes = min(o.FrameBytes, maxGroup)
	if o.FrameAge <= 0 {
		o.FrameAge = FrameAge
	}
	if o.Level == 0 {
		o.Level = zstd.SpeedFastest
	}
	return o
}

// maxGroup is how long a group's text may be when another record is added.
const maxGroup = 1 << 20

// Writer writes one unsealed recording to anything that takes bytes. It is a
// capture.Sink. It writes HEAD at once, and frames when they are due, each with
// one Write. It has no timer: its caller calls Tick. It is not safe for use by
// several goroutines.
//
// After an error of writing every further call says the same; records of the
// frame that could not be written are lost, and Stats tells how many.
type Writer struct {
	w       io.Writer
	o       WriterOptions
	encoder encoder
	group   group
	out     []byte // the frame that is written
	began   time.Time
	open    map[*capture.Conn]*opening
	strays  []*capture.Conn
	stats   Stats
	err     error
	closed  bool
}

// opening is what is kept of a connection while it is open.
type opening struct {
	at    time.Time // what its identity was made from; zero: of something else
	ended [2]bool
}

// Stats is what was written.
type Stats struct {
	Records uint64 // put so far
	Groups  uint64 // written: one in each frame
	Traffic int64  // bytes of Data and Cipher, put so far
	Written int64  // bytes written
	Pending int    // records that wait for their frame, or were lost with it
	Open    int    // connections
	Last    uint64 // Seq of the last record put
}

// NewWriter writes the beginning of a recording.
func NewWriter(w io.Writer, o WriterOptions) (*Writer, error) { return newWriter(w, o, nil) }

// newWriter begins a recording, with the connections that were open at the end of
// the one before it.
func newWriter(w io.Writer, o WriterOptions, before *Writer) (*Writer, error) {
	o = o.withDefaults()
	e, err := newEncoder(o.Level, o.Dictionary)
	if err != nil {
		return nil, err
	}
	s := &Writer{w: w, o: o, encoder: e, open: map[*capture.Conn]*opening{}}
	s.o.Header.Dictionary = o.Dictionary.Dictionary
	s.out = s.o.Header.append(s.out)
	if o.Dictionary.ID != 0 && !o.Dictionary.General {
		block, err := o.Dictionary.block()
		if err != nil {
			return nil, err
		}
		s.out = append(s.out, bytes.Repeat(block, maxDicts)...)
	}
	if f := o.Header.Follows; f != nil {
		s.stats.Last = f.Seq
	}
	if err := s.write(); err != nil {
		return nil, err
	}
	if before != nil {
		s.carryOn(before)
	}
	return s, s.err
}

// carryOn begins with the connections that are open in the file before.
func (s *Writer) carryOn(before *Writer) {
	conns := make([]*capture.Conn, 0, len(before.open))
	for c := range before.open {
		conns = append(conns, c)
	}
	slices.SortFunc(conns, func(a, b *capture.Conn) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	for _, c := range conns {
		was := before.open[c]
		s.open[c] = &opening{at: was.at}
		s.put(&capture.Record{Conn: c, Kind: capture.Open, Midstream: true})
		for from, ended := range was.ended {
			if ended {
				s.put(&capture.Record{Conn: c, Kind: capture.Close, From: capture.Direction(from)})
			}
		}
	}
}

// Put adds a record. Records are numbered here, in the order in which they are
// put: r.Seq is not looked at. Data, Cipher and Remark records of more than 1 MB
// become several. A time before 1678 or after 2262 is as good as none. Records of
// a kind that version 1 has no form for (Rewrite), and Handshakes without facts or
// with more than 1 MB of them, are refused; that spoils nothing.
func (s *Writer) Put(r capture.Record) error {
	switch {
	case s.err != nil:
		return s.err
	case s.closed:
		return errClosed
	case !recordable(&r):
		return fmt.Errorf("recording: a record of kind %d cannot be recorded", r.Kind)
	}
	if !r.Time.IsZero() && (r.Time.Year() < 1678 || r.Time.Year() > 2261) {
		r.Time = time.Time{}
	}
	data, text := r.Data, r.Text
	for {
		r.Data, r.Text = data[:min(len(data), maxRecord)], text[:min(len(text), maxRecord)]
		data, text = data[len(r.Data):], text[len(r.Text):]
		s.put(&r)
		if s.err != nil || len(data) == 0 && len(text) == 0 {
			return s.err
		}
	}
}

// recordable says whether version 1 has a form for a record.
func recordable(r *capture.Record) bool {
	if r.Conn == nil || r.Kind > capture.Close || r.Kind == capture.Rewrite {
		return false
	}
	return r.Kind != capture.Handshake || r.TLS != nil && len(r.TLS.Append(nil)) <= maxRecord
}

var errClosed = fmt.Errorf("recording: the writer is closed")

// put adds a record that is not too long.
func (s *Writer) put(r *capture.Record) {
	s.stats.Last++
	r.Seq = s.stats.Last
	s.stats.Records++
	s.stats.Traffic += int64(len(r.Data))
	s.stats.Pending++
	if s.group.records == 0 {
		s.began = time.Now()
		s.group.begin(s.stats.Groups+1, stretch, r)
	}
	s.group.add(r, s.note(r))
	if len(s.group.text) >= s.o.FrameBytes || len(s.group.local) == maxConns {
		s.flush()
	}
}

// note notes what a record says of its connection, and returns what the
// connection's identity was made from.
func (s *Writer) note(r *capture.Record) time.Time {
	c := s.open[r.Conn]
	if c == nil {
		c = &opening{at: identityTime(r)}
		s.open[r.Conn] = c
		if r.Kind != capture.Open {
			// Said of a connection that is over, or one that never began: nothing for a
			// following file.
			s.strays = append(s.strays, r.Conn)
		}
	}
	if r.Kind == capture.Close {
		c.ended[r.From] = true
		if r.Both {
			c.ended[r.From.Opposite()] = true
		}
		if c.ended[0] && c.ended[1] {
			delete(s.open, r.Conn)
		}
	}
	return c.at
}

// identityTime is the record's time, if the connection's identity was made from
// it; else zero.
func identityTime(r *capture.Record) time.Time {
	c := r.Conn
	if r.Time.IsZero() || c.Identity != capture.NewIdentity(c.Network, c.Client, c.Server, r.Time, "") {
		return time.Time{}
	}
	return r.Time
}

// Tick says what time it is: a frame is written when its first record is old
// enough. Due says when that will be.
func (s *Writer) Tick(now time.Time) error {
	if s.group.records > 0 && now.Sub(s.began) >= s.o.FrameAge {
		s.flush()
	}
	return s.err
}

// Due says when Tick will write a frame; ok is false while no record waits.
func (s *Writer) Due() (at time.Time, ok bool) {
	return s.began.Add(s.o.FrameAge), s.group.records > 0 && s.err == nil
}

// Flush writes the records that wait for their frame.
func (s *Writer) Flush() error {
	s.flush()
	return s.err
}

func (s *Writer) flush() {
	if s.group.records == 0 || s.err != nil {
		return
	}
	s.out = s.encoder.appendFrame(s.out[:0], s.group.text)
	if s.write() != nil {
		return
	}
	s.group.records = 0
	s.stats.Groups++
	s.stats.Pending = 0
	for _, c := range s.strays {
		delete(s.open, c)
	}
	s.strays = s.strays[:0]
}

func (s *Writer) write() error {
	n, err := s.w.Write(s.out)
	if err == nil && n < len(s.out) {
		err = io.ErrShortWrite
	}
	if err != nil {
		s.err = err
		return err
	}
	s.stats.Written += int64(n)
	return nil
}

// Close writes the records that wait. It does not close what it writes to.
func (s *Writer) Close() error {
	if s.closed {
		return nil
	}
	s.flush()
	s.closed = true
	return s.err
}

// Stats tells what was written.
func (s *Writer) Stats() Stats {
	st := s.stats
	st.Open = len(s.open)
	return st
}
