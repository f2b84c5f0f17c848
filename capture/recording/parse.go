package recording

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"informant/capture"
)

const (
	maxLine   = 64 << 10
	maxRecord = 1 << 20 // bytes of one record
	maxConns  = 65_535  // local ones of a group
)

// heading is a group's first line.
type heading struct {
	Number uint64
	Kind   string // stretch, session, connection
	GoesOn bool
	base   base
}

// cursor reads a group's text. Connections are shared with other groups over
// conns.
type cursor struct {
	heading
	text  []byte
	at    int // of what is next
	base  base
	start int64
	local []*known
	conns *conns
	from  *content

	lineAt  int      // of the current record
	count   int      // of records
	spilled *spilled // where the text is; nil: in text

	record  capture.Record // what next read; its Data shares the text's memory
	who     *known         // and its connection
	skipped byte           // the letter of a record that is unknown and became a remark; else 0
}

var errNoGroup = errors.New("no group begins here")

// openGroup reads the heading at text[at:].
func openGroup(text []byte, at int, conns *conns) (*cursor, error) {
	c := &cursor{text: text, at: at, conns: conns}
	line, err := c.line()
	if err != nil {
		return nil, err
	}
	w := words{rest: line}
	if w.next() != "G" {
		return nil, errNoGroup
	}
	c.Number = w.uint()
	kind := w.next()
	c.Kind, c.GoesOn = strings.CutSuffix(kind, goesOn)
	c.heading.base = base{seq: w.uint(), time: w.int(), packet: w.uint()}
	c.base, c.start = c.heading.base, c.heading.base.time
	if w.err != nil { // words behind are of a later version
		return nil, fmt.Errorf("the group's first line: %w", w.err)
	}
	return c, nil
}

// next reads a record. ok is false where the group ends.
func (c *cursor) next() (ok bool, err error) {
	c.count++
	if c.spilled != nil {
		return c.nextSpilled()
	}
	return c.nextHeld()
}

func (c *cursor) nextHeld() (ok bool, err error) {
	for {
		if c.at >= len(c.text) || c.text[c.at] == 'G' {
			return false, nil
		}
		if c.text[c.at] != 'C' {
			break
		}
		if err := c.conn(); err != nil {
			return false, err
		}
	}
	c.lineAt = c.at
	line, err := c.line()
	if err != nil {
		return false, err
	}
	if err := c.read(line); err != nil {
		return false, fmt.Errorf("record %q: %w", clip(line), err)
	}
	return true, nil
}

func clip(line []byte) []byte { return line[:min(len(line), 80)] }

var (
	errLine    = errors.New("a line has no end")
	errRecord  = errors.New("a record has no end")
	errWords   = errors.New("too few words, or too many")
	errNumber  = errors.New("no number where one belongs")
	errUnknown = errors.New("unknown word")
	errLocal   = errors.New("a connection that was not described")
)

func (c *cursor) line() ([]byte, error) {
	n := bytes.IndexByte(c.text[c.at:min(len(c.text), c.at+maxLine)], '\n')
	if n < 0 {
		return nil, errLine
	}
	line := c.text[c.at : c.at+n]
	c.at += n + 1
	return line, nil
}

// conn reads a conn-line.
func (c *cursor) conn() error {
	line, err := c.line()
	if err != nil {
		return err
	}
	if err := c.describe(line); err != nil {
		return fmt.Errorf("connection %q: %w", clip(line), err)
	}
	return nil
}

func (c *cursor) describe(line []byte) error {
	w := words{rest: line}
	w.next()
	if n := w.uint(); n != uint64(len(c.local)+1) || n > maxConns {
		return errLocal
	}
	conn := capture.Conn{ID: w.uint() + c.conns.base}
	switch w.next() {
	case "tcp":
	case "udp":
		conn.Network = capture.UDP
	default:
		return errUnknown
	}
	conn.Client, conn.Server = w.addr(), w.addr()
	switch w.next() {
	case "wire":
	case "made":
		conn.Origin = capture.Synthesised
	default:
		return errUnknown
	}
	identity := w.next()
	if w.err != nil {
		return w.err
	}
	if from, ok := strings.CutPrefix(identity, "="); ok {
		ns, err := parseMicros([]byte(from))
		if err != nil {
			return err
		}
		conn.Identity = capture.NewIdentity(conn.Network, conn.Client, conn.Server, time.Unix(0, c.start+ns), "")
	} else if n, err := hex.Decode(conn.Identity[:], []byte(identity[:min(len(identity), 32)])); err != nil || n != 16 || len(identity) != 32 {
		return errUnknown
	}
	quoted, err := strconv.QuotedPrefix(string(w.rest))
	if err != nil {
		return errUnknown
	}
	conn.Point, _ = strconv.Unquote(quoted)
	c.local = append(c.local, c.conns.share(&conn))
	return nil
}

// read reads the record that begins with a line.
func (c *cursor) read(line []byte) error {
	c.record, c.who, c.skipped = capture.Record{}, nil, 0
	r := &c.record
	if len(line) < 2 || line[1] != ' ' {
		return errUnknown
	}
	w := words{rest: line[2:]}
	local := w.uint()
	if w.err == nil && (local == 0 || local > uint64(len(c.local))) {
		return errLocal
	}
	if w.err == nil {
		c.who = c.local[local-1]
		r.Conn = c.who.conn
	}
	c.deltas(&w, r)
	size := -1
	switch l := line[0]; l {
	case letterClient, letterServer, letterCipherClient, letterCipherServer:
		r.Kind = capture.Data
		if l == letterCipherClient || l == letterCipherServer {
			r.Kind = capture.Cipher
		}
		r.From = from(l == letterServer || l == letterCipherServer)
		size = w.size()
	case letterOpen:
		r.Kind = capture.Open
		r.Midstream = w.one("b", "m") == 1
	case letterGapClient, letterGapServer:
		r.Kind, r.From = capture.Gap, from(l == letterGapServer)
		r.Lost = w.lost()
	case letterRemark:
		r.Kind, r.From = capture.Remark, from(w.one(">", "<") == 1)
		size = w.size()
	case letterHandshake:
		r.Kind, r.From = capture.Handshake, from(w.one(">", "<") == 1)
		size = w.size()
	case letterClose:
		r.Kind = capture.Close
		side := w.one(">", "<", "b", "B")
		r.From, r.Both = from(side == 1 || side == 3), side >= 2
		r.End = capture.End(w.one(ends[:]...))
	default:
		if l < 'a' || l > 'z' {
			return errUnknown
		}
		c.skipped, r.Kind = l, capture.Remark
		w.rest = w.rest[bytes.LastIndexByte(w.rest, ' ')+1:]
		size = w.size()
	}
	if err := w.end(); err != nil {
		return err
	}
	if size < 0 {
		return nil
	}
	return c.bytes(r, size)
}

// bytes reads what stands behind a record's line.
func (c *cursor) bytes(r *capture.Record, size int) error {
	if size >= len(c.text)-c.at || c.text[c.at+size] != '\n' {
		return errRecord
	}
	data := c.text[c.at : c.at+size : c.at+size]
	c.at += size + 1
	switch {
	case c.skipped != 0:
		r.Text = fmt.Sprintf("the recording holds a record of a kind that this version does not know: %q, %d bytes", c.skipped, size)
	case r.Kind == capture.Remark:
		r.Text = string(data)
	case r.Kind == capture.Handshake:
		t, err := capture.ParseTLS(string(data))
		r.TLS = t
		return err
	default:
		r.Data = data
	}
	return nil
}

// groupEnd finds where the group ends of which the text goes on at a place, by
// its records' sizes alone.
func groupEnd(text []byte, at int) (int, error) {
	for at < len(text) && text[at] != 'G' {
		n := bytes.IndexByte(text[at:min(len(text), at+maxLine)], '\n')
		if n < 2 {
			return at, errLine
		}
		line := text[at : at+n]
		at += n + 1
		switch line[0] {
		case 'C', letterOpen, letterGapClient, letterGapServer, letterClose:
			continue
		}
		w := words{rest: line[bytes.LastIndexByte(line, ' ')+1:]}
		size := w.size()
		if w.err != nil || size >= len(text)-at || text[at+size] != '\n' {
			return at, errRecord
		}
		at += size + 1
	}
	return at, nil
}

func from(server bool) capture.Direction {
	if server {
		return capture.FromServer
	}
	return capture.FromClient
}

func (c *cursor) deltas(w *words, r *capture.Record) {
	if dt := w.bytes(); len(dt) == 1 && dt[0] == '-' {
	} else if ns, err := parseMicros(dt); err != nil {
		w.fail(err)
	} else {
		c.base.time += ns
		r.Time = time.Unix(0, c.base.time).UTC()
	}
	if dp := w.bytes(); len(dp) == 1 && dp[0] == '-' {
	} else {
		c.base.packet += uint64(w.parseInt(dp))
		r.Packet = c.base.packet
	}
	c.base.seq += w.uint()
	r.Seq = c.base.seq
}

// words takes a line apart. The first error stays.
type words struct {
	rest []byte
	err  error
}

func (w *words) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *words) bytes() []byte {
	if len(w.rest) == 0 {
		w.fail(errWords)
		return nil
	}
	word := w.rest
	if i := bytes.IndexByte(w.rest, ' '); i >= 0 {
		word, w.rest = w.rest[:i], w.rest[i+1:]
	} else {
		w.rest = nil
	}
	return word
}

func (w *words) next() string { return string(w.bytes()) }

func (w *words) uint() uint64 {
	b := w.bytes()
	n := uint64(0)
	if len(b) == 0 || len(b) > 20 {
		w.fail(errNumber)
		return 0
	}
	for _, c := range b {
		d := uint64(c - '0')
		if d > 9 || n > (math.MaxUint64-d)/10 {
			w.fail(errNumber)
			return 0
		}
		n = n*10 + d
	}
	return n
}

func (w *words) int() int64 { return w.parseInt(w.bytes()) }

func (w *words) parseInt(b []byte) int64 {
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		w.fail(errNumber)
	}
	return n
}

func (w *words) size() int {
	n := w.uint()
	if n > maxRecord {
		w.fail(errNumber)
		return 0
	}
	return int(n)
}

func (w *words) lost() int64 {
	if len(w.rest) == 1 && w.rest[0] == '-' {
		w.rest = nil
		return -1
	}
	n := w.uint()
	if n > math.MaxInt64 {
		w.fail(errNumber)
	}
	return int64(n)
}

// one is which of the words comes.
func (w *words) one(of ...string) int {
	b := w.bytes()
	for i, s := range of {
		if string(b) == s {
			return i
		}
	}
	w.fail(errUnknown)
	return 0
}

func (w *words) addr() netip.AddrPort {
	b := w.bytes()
	if len(b) == 1 && b[0] == '-' {
		return netip.AddrPort{}
	}
	a, err := netip.ParseAddrPort(string(b))
	if err != nil {
		w.fail(err)
	}
	return a
}

func (w *words) end() error {
	if w.err == nil && len(w.rest) > 0 {
		w.err = errWords
	}
	return w.err
}

// parseMicros is the counterpart of appendMicros.
func parseMicros(b []byte) (int64, error) {
	neg := len(b) > 0 && b[0] == '-'
	if neg {
		b = b[1:]
	}
	whole, fraction, point := bytes.Cut(b, []byte("."))
	w := words{rest: whole}
	u := w.uint()
	if w.err != nil || u > 1<<63/1000 || point && (len(fraction) == 0 || len(fraction) > 3) {
		return 0, errNumber
	}
	u *= 1000
	unit := uint64(100)
	for _, c := range fraction {
		if c < '0' || c > '9' {
			return 0, errNumber
		}
		u += uint64(c-'0') * unit
		unit /= 10
	}
	if u > 1<<63 || u == 1<<63 && !neg {
		return 0, errNumber
	}
	if neg {
		return -int64(u), nil
	}
	return int64(u), nil
}
