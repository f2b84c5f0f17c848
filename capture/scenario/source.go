package scenario

import (
	"bytes"
	"fmt"
	"io"

	"informant/capture"
)

// magic is how the first line of a scenario begins.
const magic = "informant scenario "

// maxSize is how long a scenario may be, in bytes.
const maxSize = 16 << 20

// Sniff tells by the first bytes of a file whether it is a scenario.
func Sniff(prefix []byte) bool {
	return bytes.HasPrefix(prefix, []byte(magic))
}

// Error says what is wrong in which line of a scenario. It wraps
// capture.ErrFormat.
type Error struct {
	Name string // of the file
	Line int    // counted from 1
	Text string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.Name, e.Line, e.Text) }

// Unwrap is capture.ErrFormat.
func (e *Error) Unwrap() error { return capture.ErrFormat }

// Source yields the records of a scenario.
type Source struct {
	records []capture.Record
}

// NewSource reads a whole scenario. name stands in errors and in
// capture.Conn.Point. An error that wraps capture.ErrFormat is an *Error with
// the line.
func NewSource(name string, r io.Reader) (*Source, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("scenario: %s: %w", name, err)
	}
	if len(text) == 0 {
		return nil, fmt.Errorf("scenario: %s: %w", name, capture.ErrEmpty)
	}
	if len(text) > maxSize {
		return nil, &Error{name, 1, "larger than 16 MB"}
	}
	records, err := Parse(name, string(text))
	if err != nil {
		return nil, err
	}
	return &Source{records: records}, nil
}

// Next returns the next record. Its Data is not changed later.
func (s *Source) Next() (capture.Record, error) {
	if len(s.records) == 0 {
		return capture.Record{}, io.EOF
	}
	r := s.records[0]
	s.records = s.records[1:]
	return r, nil
}

// Close does nothing: everything was read by NewSource.
func (s *Source) Close() error { return nil }

// Parse makes the records of a scenario. An error is an *Error.
func Parse(name, text string) ([]capture.Record, error) {
	statements, err := parse(text)
	if err == nil {
		p := newPlayer(name)
		if err = p.play(statements); err == nil {
			return p.records, nil
		}
	}
	if e, ok := err.(*Error); ok {
		e.Name = name
	}
	return nil, err
}
