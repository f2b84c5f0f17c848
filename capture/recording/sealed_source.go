package recording

import (
	"bytes"
	"fmt"
	"io"
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
	src := &sealedSource{sealed: s, all: groups == nil}
	src.groups = slices.Compact(slices.Sorted(slices.Values(groups)))
	// The Reader tells what is missing; it is given groups in place of an input.
	src.Reader = &Reader{fatal: io.EOF, begun: true, header: s.header}
	src.scan.decoder = newDecoder()
	src.merge = merge{begin: src.begin, failed: src.failed, over: func(*cursor) {}}
	return src
}

type sealedSource struct {
	*Reader
	sealed *Sealed
	all    bool
	last   uint64 // of all
	groups []uint64
}

// number is the next group's; 0 when there is none.
func (s *sealedSource) number() uint64 {
	if s.all {
		if s.last == s.sealed.statement.Groups {
			return 0
		}
		s.last++
		return s.last
	}
	if len(s.groups) == 0 {
		return 0
	}
	n := s.groups[0]
	s.groups = s.groups[1:]
	return n
}

func (s *sealedSource) begin() *cursor {
	for {
		n := s.number()
		if n == 0 {
			return nil
		}
		g, err := s.sealed.Group(n)
		var c *cursor
		if err == nil {
			c, err = s.open(g)
		}
		if err == nil {
			return c
		}
		s.missed(g.frame, n, err)
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

func (s *sealedSource) missed(frame extent, number uint64, err error) {
	s.note(Damage{Offset: frame.offset, Size: frame.size, Groups: []uint64{number}, Err: err})
}

func (s *sealedSource) failed(c *cursor, err error) {
	s.missed(extent{c.from.offset, int64(c.from.size)}, c.Number, err)
	c.at = len(c.text)
}
