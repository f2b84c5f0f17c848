package recording

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"informant/capture"
)

// Source yields the records of groups, in order of Seq, each once, whatever the
// order of their numbers; of all groups where the list is nil. What can't be read
// is told behind everything else, as by a Reader: a Gap stands for it. Records of
// groups that are not in the list are not there, and nothing stands for them.
//
// Sources share the Sealed: use them from one goroutine.
func (s *Sealed) Source(groups []uint64) capture.Source {
	src := &sealedSource{sealed: s}
	src.group, src.stop = iter.Pull2(s.inOrder(groups))
	// The Reader tells what is missing; it is given groups in place of an input.
	src.Reader = &Reader{fatal: io.EOF, begun: true, header: s.header}
	src.scan.decoder = newDecoder()
	src.merge = merge{begin: src.begin, failed: src.failed, over: func(*cursor) {}}
	return src
}

// inOrder yields what the index says of groups, of all where the list is nil.
func (s *Sealed) inOrder(groups []uint64) iter.Seq2[Group, error] {
	if groups == nil {
		return s.allInOrder
	}
	return func(yield func(Group, error) bool) {
		for _, n := range slices.Compact(slices.Sorted(slices.Values(groups))) {
			g, err := s.Group(n)
			g.Number = n
			if !yield(g, err) {
				return
			}
		}
	}
}

var errNotInIndex = errors.New("the index does not know where they are")

// allInOrder yields all groups, and errors for numbers that are not there.
func (s *Sealed) allInOrder(yield func(Group, error) bool) {
	last := uint64(0)
	for g, err := range s.Groups() {
		if err == nil {
			if g.Number > last+1 && !yield(Group{Number: last + 1, LastSeq: g.Number}, errNotInIndex) {
				return
			}
			last = max(last, g.Number)
		}
		if !yield(g, err) {
			return
		}
	}
	if n := s.statement.Groups; n > last {
		yield(Group{Number: last + 1, LastSeq: n + 1}, errNotInIndex)
	}
}

type sealedSource struct {
	*Reader
	sealed *Sealed
	group  func() (Group, error, bool)
	stop   func()
}

// Close frees what the source holds.
func (s *sealedSource) Close() error {
	s.stop()
	return s.Reader.Close()
}

func (s *sealedSource) begin() *cursor {
	for {
		g, err, ok := s.group()
		if !ok {
			return nil
		}
		var c *cursor
		if err == nil {
			c, err = s.open(g)
		}
		if err == nil {
			return c
		}
		s.missed(g, err)
	}
}

// open begins a group.
func (s *sealedSource) open(g Group) (*cursor, error) {
	text, err := s.sealed.text(&g)
	if err != nil {
		return nil, err
	}
	c, err := openGroup(bytes.Clone(text), 0, &s.conns)
	if err != nil {
		return nil, err
	}
	if c.Number != g.Number {
		return nil, fmt.Errorf("it says that it is group %d", c.Number)
	}
	c.from = &content{element: element{offset: g.frame.offset, size: int(g.frame.size)}}
	return c, nil
}

// missed notes that a group, or a page that says where groups are, can't be read.
func (s *sealedSource) missed(g Group, err error) {
	d := Damage{Offset: g.frame.offset, Size: g.frame.size, Err: err}
	var page *pageError
	switch {
	case errors.As(err, &page):
		d.Offset, d.Size = page.ref.offset, page.ref.size
	case errors.Is(err, errNotInIndex):
		d.Groups = between(g.Number-1, g.LastSeq)
	default:
		d.Groups = []uint64{g.Number}
	}
	s.note(d)
}

func (s *sealedSource) failed(c *cursor, err error) {
	s.missed(Group{Number: c.Number, frame: extent{c.from.offset, int64(c.from.size)}}, err)
	c.at = len(c.text)
}
