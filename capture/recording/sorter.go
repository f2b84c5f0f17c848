package recording

import (
	"bufio"
	"bytes"
	"container/heap"
	"errors"
	"io"
	"iter"
	"os"
	"slices"
)

// sortMemory is how much a sorter holds before it goes on in a file.
const sortMemory = 4 << 20

// sorter sorts the lines of an index by their first field: in memory, and what
// is more than its limit in sorted runs of a temporary file.
type sorter struct {
	dir   string // of the file; "" is the system's
	limit int
	text  []byte
	ends  []int // of each line in text
	file  *os.File
	out   *bufio.Writer
	runs  []int64 // where each run in the file ends
	lines int64
}

func newSorter(dir string, limit int) *sorter {
	if limit <= 0 {
		limit = sortMemory
	}
	return &sorter{dir: dir, limit: limit}
}

// add adds a line, without its end. It is copied.
func (s *sorter) add(line []byte) error {
	s.text = append(s.text, line...)
	s.ends = append(s.ends, len(s.text))
	s.lines++
	if len(s.text)+8*len(s.ends) < s.limit {
		return nil
	}
	return s.spill()
}

// line is the i-th line in memory.
func (s *sorter) line(i int) []byte {
	from := 0
	if i > 0 {
		from = s.ends[i-1]
	}
	return s.text[from:s.ends[i]]
}

// order is the lines in memory in order.
func (s *sorter) order() []int {
	order := make([]int, len(s.ends))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return compareLines(s.line(a), s.line(b)) })
	return order
}

// compareLines orders lines by their first field, and where that is the same by
// the rest.
func compareLines(a, b []byte) int {
	if c := bytes.Compare(firstField(a), firstField(b)); c != 0 {
		return c
	}
	return bytes.Compare(a, b)
}

func firstField(line []byte) []byte {
	field, _, _ := bytes.Cut(line, []byte("\t"))
	return field
}

// spill moves what is in memory to the file.
func (s *sorter) spill() error {
	at := int64(0)
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, ".cwmp-index-*")
		if err != nil {
			return err
		}
		_ = os.Remove(f.Name()) // where the system lets an open file go; close does it elsewhere
		s.file, s.out = f, bufio.NewWriterSize(f, 64<<10)
	} else {
		at = s.runs[len(s.runs)-1]
	}
	for _, i := range s.order() {
		line := s.line(i)
		_, _ = s.out.Write(line)
		_ = s.out.WriteByte('\n')
		at += int64(len(line)) + 1
	}
	s.text, s.ends, s.runs = s.text[:0], s.ends[:0], append(s.runs, at)
	return s.out.Flush()
}

// close drops the file.
func (s *sorter) close() error {
	if s.file == nil {
		return nil
	}
	name, err := s.file.Name(), s.file.Close()
	s.file = nil
	if gone := os.Remove(name); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// sorted yields all lines in order; a line is valid until the next one. Nothing
// may be added any more once the first is asked for.
func (s *sorter) sorted() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if s.file != nil {
			s.merged(yield)
			return
		}
		for _, i := range s.order() {
			if !yield(s.line(i), nil) {
				return
			}
		}
	}
}

func (s *sorter) merged(yield func([]byte, error) bool) {
	if len(s.ends) > 0 {
		if err := s.spill(); err != nil {
			yield(nil, err)
			return
		}
	}
	var h runHeap
	from := int64(0)
	for _, end := range s.runs {
		r := &run{r: bufio.NewReaderSize(io.NewSectionReader(s.file, from, end-from), 32<<10)}
		from = end
		if err := r.next(); err != nil {
			yield(nil, err)
			return
		}
		h = append(h, r)
	}
	heap.Init(&h)
	for len(h) > 0 {
		r := h[0]
		if !yield(r.line, nil) {
			return
		}
		switch err := r.next(); {
		case err == io.EOF:
			heap.Pop(&h)
		case err != nil:
			yield(nil, err)
			return
		default:
			heap.Fix(&h, 0)
		}
	}
}

// run is a sorted part of a sorter's file.
type run struct {
	r    *bufio.Reader
	line []byte
}

func (r *run) next() error {
	r.line = r.line[:0]
	for {
		part, err := r.r.ReadSlice('\n')
		r.line = append(r.line, part...)
		if err == bufio.ErrBufferFull {
			continue
		}
		if err == nil {
			r.line = r.line[:len(r.line)-1]
		}
		return err
	}
}

type runHeap []*run

func (h runHeap) Len() int           { return len(h) }
func (h runHeap) Less(i, j int) bool { return compareLines(h[i].line, h[j].line) < 0 }
func (h runHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *runHeap) Push(x any)        { *h = append(*h, x.(*run)) }
func (h *runHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
