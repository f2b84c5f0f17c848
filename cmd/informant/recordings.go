package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"informant/capture"
	"informant/capture/recording"
)

// recordingSource reads a recording, or several that follow each other. Its
// reader is made when the first record is asked for.
type recordingSource struct {
	parts  []part
	last   [][16]byte // what the last part may be called by one that follows it
	read   capture.Source
	reader *recording.Reader // read, unless the index tells what is read
	sealed *recording.Sealed
}

// part is one file.
type part struct {
	name string
	r    io.Reader
	file *os.File // nil where it is no regular file
	size int64
	at   int64 // where it begins in the whole

	header recording.Header
}

// addRecording makes a source of a recording, or adds it to the one that it
// follows.
func (in *inputs) addRecording(f *input, r io.Reader) error {
	head, err := peekHeader(r)
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	p := part{name: f.name, r: r, file: f.file, size: f.size, header: head}
	ids := calledBy(head)
	if n := len(in.sources); n > 0 && head.Follows != nil {
		if s, ok := in.sources[n-1].(*recordingSource); ok && slices.Contains(s.last, head.Follows.ID) {
			s.parts, s.last = append(s.parts, p), ids
			return nil
		}
	}
	in.sources = append(in.sources, &recordingSource{parts: []part{p}, last: ids})
	return nil
}

// peekHeader is a recording's header, the zero one where it is damaged. The error
// wraps recording.ErrVersion.
func peekHeader(r io.Reader) (head recording.Header, err error) {
	b, ok := r.(*bufio.Reader)
	if !ok {
		return head, nil
	}
	n := 8
	if first, _ := b.Peek(n); len(first) == n { // a pipe may hold no more than that for now
		n += int(first[4]) | int(first[5])<<8 | int(first[6])<<16
	}
	first, _ := b.Peek(min(n, b.Size()))
	d, err := recording.NewReader(bytes.NewReader(first), recording.ReaderOptions{})
	if errors.Is(err, recording.ErrVersion) {
		return head, err
	}
	if err != nil {
		return head, nil
	}
	defer d.Close()
	if head = d.Header(); head.ID == [16]byte{} {
		_, _ = d.Next() // the header is told with the first record
		head = d.Header()
	}
	return head, nil
}

// calledBy are the ids by which a recording that follows may name one.
func calledBy(h recording.Header) (ids [][16]byte) {
	ids = append(ids, h.ID)
	for _, from := range h.From {
		var id []byte
		if n, _ := fmt.Sscanf(from, "sealed %x", &id); n == 1 && len(id) == 16 {
			ids = append(ids, [16]byte(id))
		}
	}
	return ids
}

// chain is the parts of a source as one input.
type chain struct {
	parts []part
	at    int
	off   int64
}

func (c *chain) Read(p []byte) (int, error) {
	for c.at < len(c.parts) {
		n, err := c.parts[c.at].r.Read(p)
		c.off += int64(n)
		if n > 0 || err == nil {
			return n, nil
		}
		if err != io.EOF {
			return 0, named(c.parts[c.at].name, err)
		}
		if c.at++; c.at < len(c.parts) {
			c.parts[c.at].at = c.off
		}
	}
	return 0, io.EOF
}

// Next yields the next record of the recording. What it says at the end names the
// files.
func (s *recordingSource) Next() (capture.Record, error) {
	if s.read == nil {
		r, err := recording.NewReader(&chain{parts: s.parts}, recording.ReaderOptions{})
		if err != nil {
			return capture.Record{}, named(s.parts[0].name, err)
		}
		s.read, s.reader = r, r
	}
	r, err := s.read.Next()
	if err != nil && err != io.EOF {
		err = s.told(err)
	}
	return r, err
}

// unfit says why recordings that have been read should not be replaced by what
// was read: a newer version, another dictionary or a medium that works could give
// more. Damage is no such reason.
func (in *inputs) unfit() error {
	for _, err := range in.damage {
		if !errors.Is(err, capture.ErrDamaged) {
			return err
		}
	}
	return newerRecords(in.sources)
}

// newerRecords says which of the recordings, which have been read, hold records
// that cannot be written anew. They were read as remarks.
func newerRecords(sources []capture.Source) error {
	var wrong []error
	for _, src := range sources {
		switch s := src.(type) {
		case *byTime:
			wrong = append(wrong, newerRecords(s.sources))
		case *recordingSource:
			if s.reader != nil && s.reader.Unknown() > 0 {
				wrong = append(wrong, fmt.Errorf("%s: %s of a kind that only a newer informant can write: what is made of it does not hold what they say",
					s.parts[0].name, plural(s.reader.Unknown(), "record is", "records are")))
			}
		}
	}
	return errors.Join(wrong...)
}

// told names the file of each thing that is wrong.
func (s *recordingSource) told(err error) error {
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	all := make([]error, len(list))
	for i, e := range list {
		var d recording.Damage
		if all[i] = fmt.Errorf("%s: %w", s.parts[0].name, e); len(s.parts) > 1 && errors.As(e, &d) {
			p := s.parts[0]
			for _, next := range s.parts[1:] {
				if next.at > 0 && next.at <= d.Offset {
					p = next
				}
			}
			text := fmt.Sprintf("%s: %d bytes at offset %d: %v", p.name, d.Size, d.Offset-p.at, d.Err)
			all[i] = damaged{text, d}
		} else if len(s.parts) > 1 {
			all[i] = e
		}
	}
	return errors.Join(all...)
}

// damaged is damage in words of its own.
type damaged struct {
	text string
	error
}

func (d damaged) Error() string { return d.text }
func (d damaged) Unwrap() error { return d.error }

// Close frees what is held. The files are closed by those who opened them.
func (s *recordingSource) Close() error {
	var err error
	if s.read != nil {
		err = s.read.Close()
	}
	if s.sealed != nil {
		err = errors.Join(err, s.sealed.Close())
	}
	return err
}

// hexID is an id as it is written.
func hexID(id [16]byte) string { return hex.EncodeToString(id[:]) }
