package httptext

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"informant/capture"
)

// maxSize is the largest text that is read: pasted dumps and logs, not traffic.
const maxSize = 256 << 20

// Source yields the messages of a text as records.
type Source struct {
	records []capture.Record
	next    int
	seq     uint64
	damage  error // of the text form: to be told after the last record
}

// NewSource reads the whole of r, whose name is told in errors and as the
// connections' Point. The error wraps capture.ErrEmpty when there is nothing but
// white space, capture.ErrFormat when there is neither an HTTP message nor an
// envelope. What of the text form cannot be read is told after the last record.
func NewSource(name string, r io.Reader) (*Source, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(text) > maxSize {
		return nil, fmt.Errorf("%s: text of more than %d MB: split it: %w", name, maxSize>>20, capture.ErrFormat)
	}
	text = bytes.TrimPrefix(text, bom)
	if isBlank(text) {
		return nil, fmt.Errorf("%s: %w", name, capture.ErrEmpty)
	}
	if isForm(text) {
		records, err := readForm(name, text)
		if errors.Is(err, capture.ErrFormat) {
			return nil, err
		}
		return &Source{records: records, damage: err}, nil
	}
	items, isJSON := splitJSON(text)
	if !isJSON {
		items = split(text)
	}
	if !isJSON && !holdsMessage(items) {
		return nil, fmt.Errorf("%s: neither an HTTP start line (\"POST /acs HTTP/1.1\", \"HTTP/1.1 200 OK\") nor an XML envelope was found: %w", name, capture.ErrFormat)
	}
	s := &Source{}
	s.build(name, text, items)
	return s, nil
}

var bom = []byte("\xef\xbb\xbf")

func isBlank(b []byte) bool { return len(bytes.TrimLeft(b, " \t\r\n\x00")) == 0 }

func holdsMessage(items []item) bool {
	for _, it := range items {
		if it.remark == "" {
			return true
		}
	}
	return false
}

// build makes the records. All messages are on one connection, but for one that
// follows a message that breaks off: only the end of the connection ends that.
func (s *Source) build(name string, text []byte, items []item) {
	hash := sha256.Sum256(text)
	var c *capture.Conn
	ending := false // the connection ends with what is remarked about its last message
	for _, it := range items {
		if ending && it.remark == "" {
			s.close(c)
			c, ending = nil, false
		}
		if c == nil {
			c = s.open(name, hash[:], startsMidway(items))
		}
		if it.remark != "" {
			s.add(capture.Record{Conn: c, From: it.from, Kind: capture.Remark, Text: it.remark})
			continue
		}
		s.add(capture.Record{Conn: c, From: it.from, Kind: capture.Data, Data: it.data})
		ending = it.cut
	}
	if c != nil {
		s.close(c)
	}
}

// startsMidway says whether the first message is an answer: then what it answers
// is not in the text.
func startsMidway(items []item) bool {
	for _, it := range items {
		if it.remark == "" {
			return it.from == capture.FromServer
		}
	}
	return false
}

func (s *Source) open(name string, hash []byte, midway bool) *capture.Conn {
	c := &capture.Conn{ID: 1, Point: name, Origin: capture.Synthesised}
	for i := range s.records {
		if s.records[i].Kind == capture.Open {
			c.ID++
		}
	}
	c.Identity = capture.NewIdentity(capture.TCP, netip.AddrPort{}, netip.AddrPort{}, time.Time{}, fmt.Sprintf("text %x %d", hash, c.ID))
	s.add(capture.Record{Conn: c, Kind: capture.Open, Midstream: midway})
	return c
}

func (s *Source) close(c *capture.Conn) {
	s.add(capture.Record{Conn: c, Kind: capture.Close, End: capture.EndOfInput, Both: true})
}

func (s *Source) add(r capture.Record) {
	s.seq++
	r.Seq = s.seq
	s.records = append(s.records, r)
}

// Next yields the next record, and io.EOF after the last; before that, once,
// what of a text form is damaged.
func (s *Source) Next() (capture.Record, error) {
	if s.next >= len(s.records) {
		if err := s.damage; err != nil {
			s.damage = nil
			return capture.Record{}, err
		}
		return capture.Record{}, io.EOF
	}
	s.next++
	return s.records[s.next-1], nil
}

// Close ends the source.
func (s *Source) Close() error {
	s.records, s.damage = nil, nil
	return nil
}
