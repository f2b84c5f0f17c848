package httptext

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"informant/capture"
)

// formMagic is the first line of the text form, and formWords what it says to
// people below.
const (
	formMagic = "informant records 1"
	formWords = formMagic + `
Records of connections as txtar. bytes= counts what stands between the lines of
two dashes; line ends are part of it: keep them (in git: .gitattributes -text).
To change a message, write bytes=auto in its line.
`
)

const (
	// maxRun is how many bytes of one direction stand in one part.
	maxRun = 1 << 20
	// maxHeld is how much waits for the end of a part before it, so that parts
	// stand in the order of their beginnings.
	maxHeld = 16 << 20
)

// Writer writes records in the text form (see the package's comment). It is a
// capture.Sink. What it writes is made of the records alone: the same records
// give the same text. It is not safe for use by several goroutines.
type Writer struct {
	w     io.Writer
	conns map[*capture.Conn]*formConn
	queue []*run
	held  int
	out   []byte
	begun bool
	err   error
}

// formConn is a connection that is open.
type formConn struct {
	run   *run // its last part, while more may come to it
	ended [2]bool
}

// run is a part, on its way: a text that is ready, or the bytes that one side
// of a connection sent without a break, which may still grow.
type run struct {
	text   []byte
	conn   *capture.Conn
	from   capture.Direction
	kind   capture.Kind
	pieces []formPiece
	data   []byte
	open   bool
}

// formPiece is one record of a run.
type formPiece struct {
	seq, packet uint64
	time        time.Time
	size        int
}

// NewWriter writes to w, which it does not close.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, conns: map[*capture.Conn]*formConn{}}
}

// Put adds a record. Records are kept as they are, Seq included. One without a
// connection, and a Rewrite, which the form has no words for, are refused; that spoils
// nothing. After an error of writing every call says it.
func (s *Writer) Put(r capture.Record) error {
	if s.err != nil {
		return s.err
	}
	if r.Conn == nil || r.Kind > capture.Close || r.Kind == capture.Rewrite {
		return fmt.Errorf("httptext: a record of kind %d has no text form", r.Kind)
	}
	c := s.conn(r.Conn)
	if r.Kind == capture.Data || r.Kind == capture.Cipher {
		s.bytes(c, &r)
	} else {
		c.stop()
		s.ready(appendPart(nil, &r))
	}
	if r.Kind == capture.Close {
		c.ended[r.From] = true
		if r.Both || c.ended[r.From.Opposite()] {
			delete(s.conns, r.Conn)
		}
	}
	return s.drain(maxHeld)
}

// conn finds a connection, and describes it where it is new.
func (s *Writer) conn(of *capture.Conn) *formConn {
	c := s.conns[of]
	if c == nil {
		c = &formConn{}
		s.conns[of] = c
		s.ready(appendConn(nil, of))
	}
	return c
}

// stop says that nothing more comes to the connection's last part.
func (c *formConn) stop() {
	if c.run != nil {
		c.run.open = false
		c.run = nil
	}
}

func (s *Writer) ready(text []byte) {
	s.queue = append(s.queue, &run{text: text})
	s.held += len(text)
}

// bytes adds what a side sent to the part before it, or begins a new one.
func (s *Writer) bytes(c *formConn, r *capture.Record) {
	if x := c.run; x == nil || x.from != r.From || x.kind != r.Kind || len(x.data)+len(r.Data) > maxRun {
		c.stop()
		c.run = &run{conn: r.Conn, from: r.From, kind: r.Kind, open: true}
		s.queue = append(s.queue, c.run)
	}
	x := c.run
	x.data = append(x.data, r.Data...)
	x.pieces = append(x.pieces, formPiece{r.Seq, r.Packet, r.Time, len(r.Data)})
	s.held += len(r.Data) + 64
}

// drain writes the parts that are complete, and more when over limit bytes wait.
func (s *Writer) drain(limit int) error {
	for len(s.queue) > 0 && s.err == nil {
		x := s.queue[0]
		if x.open && s.held <= limit {
			break
		}
		if x.open {
			s.conns[x.conn].stop()
		}
		s.queue[0], s.queue = nil, s.queue[1:]
		s.held -= len(x.text) + len(x.data) + 64*len(x.pieces)
		s.write(x)
	}
	return s.err
}

func (s *Writer) write(x *run) {
	s.out = s.out[:0]
	if !s.begun {
		s.begun = true
		s.out = append(s.out, formWords...)
	}
	s.out = append(s.out, x.text...)
	if x.pieces != nil {
		s.out = x.append(s.out)
	}
	_, s.err = s.w.Write(s.out)
}

// Close writes what waits. A text without records says that much.
func (s *Writer) Close() error {
	for _, c := range s.conns {
		c.stop()
	}
	s.drain(0)
	if !s.begun && s.err == nil {
		s.write(&run{})
	}
	if s.err != nil {
		return s.err
	}
	s.err = errFormClosed
	return nil
}

var errFormClosed = errors.New("httptext: the writer is closed")

// The words for ends.
var endWords = [...]string{0: "-", capture.FIN: "fin", capture.RST: "rst", capture.Evicted: "evicted", capture.EndOfInput: "end"}

// appendConn describes a connection.
func appendConn(dst []byte, c *capture.Conn) []byte {
	dst = append(dst, "-- connection "...)
	dst = strconv.AppendUint(dst, c.ID, 10)
	dst = append(dst, " --\n"...)
	dst = append(dst, c.Network.String()...)
	for _, a := range [...]netip.AddrPort{c.Client, c.Server} {
		dst = append(dst, ' ')
		if a == (netip.AddrPort{}) {
			dst = append(dst, '-')
		} else {
			dst = a.AppendTo(dst)
		}
	}
	if c.Origin == capture.Synthesised {
		dst = append(dst, "\nmade "...)
	} else {
		dst = append(dst, "\nwire "...)
	}
	dst = hex.AppendEncode(dst, c.Identity[:])
	dst = append(dst, ' ')
	dst = strconv.AppendQuote(dst, c.Point)
	return append(dst, '\n')
}

// appendPart appends a record that has no bytes.
func appendPart(dst []byte, r *capture.Record) []byte {
	dst = append(dst, "-- "...)
	dst = strconv.AppendUint(dst, r.Seq, 10)
	switch r.Kind {
	case capture.Open:
		dst = append(dst, " open"...)
	case capture.Gap:
		dst = append(dst, " gap "...)
	case capture.Remark:
		dst = append(dst, " remark "...)
	case capture.Handshake:
		dst = append(dst, " handshake "...)
	case capture.Close:
		dst = append(dst, " close "...)
	}
	if r.Kind != capture.Open {
		dst = append(dst, r.From.String()...)
	}
	dst = appendFacts(dst, r.Conn, r.Time, r.Packet)
	switch r.Kind {
	case capture.Open:
		if r.Midstream {
			dst = append(dst, " midstream"...)
		}
	case capture.Gap:
		dst = append(dst, " lost="...)
		if r.Lost < 0 {
			dst = append(dst, '-')
		} else {
			dst = strconv.AppendInt(dst, r.Lost, 10)
		}
	case capture.Remark:
		return appendContent(dst, []byte(r.Text))
	case capture.Handshake:
		return appendContent(dst, r.TLS.Append(nil))
	case capture.Close:
		dst = append(dst, " end="...)
		dst = append(dst, endWords[min(int(r.End), len(endWords)-1)]...)
		if r.Both {
			dst = append(dst, " both"...)
		}
	}
	return append(dst, " --\n"...)
}

// appendFacts appends what all records have.
func appendFacts(dst []byte, c *capture.Conn, t time.Time, packet uint64) []byte {
	dst = append(dst, " connection="...)
	dst = strconv.AppendUint(dst, c.ID, 10)
	if !t.IsZero() {
		dst = append(dst, " time="...)
		dst = t.UTC().AppendFormat(dst, time.RFC3339Nano)
	}
	if packet != 0 {
		dst = append(dst, " packet="...)
		dst = strconv.AppendUint(dst, packet, 10)
	}
	return dst
}

// append appends a run: its bytes, and where it is of several records, theirs.
func (x *run) append(dst []byte) []byte {
	first := &x.pieces[0]
	dst = append(dst, "-- "...)
	dst = strconv.AppendUint(dst, first.seq, 10)
	dst = append(dst, ' ')
	dst = append(dst, x.from.String()...)
	dst = appendFacts(dst, x.conn, first.time, first.packet)
	if x.kind == capture.Cipher {
		dst = append(dst, " cipher"...)
	}
	head := textLength(x.data)
	dst = appendContent(dst, x.data[:head])
	if head < len(x.data) {
		dst = append(dst, "-- more"...)
		dst = appendContent(dst, x.data[head:])
	}
	if len(x.pieces) > 1 {
		dst = append(dst, "-- pieces --\n"...)
		for i := range x.pieces {
			dst = x.pieces[i].append(dst)
		}
	}
	return dst
}

// append appends the line of a record: its number, time, packet and bytes.
func (p *formPiece) append(dst []byte) []byte {
	dst = strconv.AppendUint(dst, p.seq, 10)
	if dst = append(dst, ' '); p.time.IsZero() {
		dst = append(dst, '-')
	} else {
		dst = p.time.UTC().AppendFormat(dst, time.RFC3339Nano)
	}
	if dst = append(dst, ' '); p.packet == 0 {
		dst = append(dst, '-')
	} else {
		dst = strconv.AppendUint(dst, p.packet, 10)
	}
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(p.size), 10)
	return append(dst, '\n')
}

// textLength is how much of data goes into a part of its own: all of it, or a
// head that is text, if what comes behind is none.
func textLength(data []byte) int {
	if isText(data) {
		return len(data)
	}
	for _, empty := range []string{"\r\n\r\n", "\n\n"} {
		if i := bytes.Index(data, []byte(empty)); i > 0 && isText(data[:i+len(empty)]) {
			return i + len(empty)
		}
	}
	return len(data)
}

// isText says whether data can stand in a text and be what it was: no control
// characters but those of lines, and no line that looks like one of txtar's.
func isText(data []byte) bool {
	if !utf8.Valid(data) || bytes.HasPrefix(data, bom) {
		return false
	}
	for _, c := range data {
		if c < ' ' && c != '\t' && c != '\r' && c != '\n' || c == 0x7f {
			return false
		}
	}
	return nextMarker(data, 0) == len(data)
}

// appendContent ends the line of a part and appends its bytes.
func appendContent(dst, data []byte) []byte {
	dst = append(dst, " bytes="...)
	dst = strconv.AppendInt(dst, int64(len(data)), 10)
	if isText(data) {
		dst = append(dst, " --\n"...)
		dst = append(dst, data...)
		if n := len(data); n > 0 && data[n-1] != '\n' {
			dst = append(dst, '\n')
		}
		return dst
	}
	dst = append(dst, " base64 --\n"...)
	const line = 57 // bytes: 76 characters
	for len(data) > 0 {
		n := min(line, len(data))
		dst = base64.StdEncoding.AppendEncode(dst, data[:n])
		dst = append(dst, '\n')
		data = data[n:]
	}
	return dst
}

// nextMarker is where the next line that begins a part begins, from at on, which
// is where a line begins.
func nextMarker(text []byte, at int) int {
	for at < len(text) && !isMarker(text[at:]) {
		at = lineEnd(text, at)
	}
	return at
}

// maxMarker is how long the line that begins a part may be.
const maxMarker = 64 << 10

// isMarker says whether the line that text begins with is one of txtar's.
func isMarker(text []byte) bool {
	if !bytes.HasPrefix(text, []byte("-- ")) {
		return false
	}
	line := text[:min(len(text), maxMarker)]
	line = line[:lineEnd(line, 0)]
	if len(line) == maxMarker {
		return false
	}
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	return len(line) > 6 && bytes.HasSuffix(line, []byte(" --"))
}
