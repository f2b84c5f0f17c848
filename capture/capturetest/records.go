// Package capturetest is what tests of several packages need of captures.
package capturetest

import (
	"bytes"
	"io"

	"informant/capture"
)

// Records is a capture.Source of records that are ready. The Data of a record is
// overwritten when the next one is asked for, as a Source may do, so that whoever keeps it
// shows.
type Records struct {
	List []capture.Record
	Err  error // at the end; nil is io.EOF

	last []byte
}

// Of is a source of a list.
func Of(list []capture.Record) *Records { return &Records{List: list} }

// Next is the next record of the list.
func (s *Records) Next() (capture.Record, error) {
	for i := range s.last {
		s.last[i] = 0xDB
	}
	s.last = nil
	if len(s.List) == 0 {
		if s.Err != nil {
			return capture.Record{}, s.Err
		}
		return capture.Record{}, io.EOF
	}
	r := s.List[0]
	s.List = s.List[1:]
	r.Data = bytes.Clone(r.Data)
	s.last = r.Data
	return r, nil
}

// Close does nothing.
func (s *Records) Close() error { return nil }
