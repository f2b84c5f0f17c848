package recording

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"sort"
	"strconv"

	"informant/capture"
)

// The trees of the index (FORMAT.md, section 7).
const (
	treeGroup   = "group"
	treeFrame   = "frame"
	treeSession = "session"
	treeDevice  = "device"
	treeID      = "id"
)

// pageRef is a page's place in the file, and what proves it.
type pageRef struct {
	offset int64
	size   int64    // of the block
	lines  int64    // of all leaves below
	sum    [32]byte // SHA-256 of the block
}

func sumOf(b []byte) [32]byte { return sha256.Sum256(b) }

var errSum = errors.New("the SHA-256 differs")

func (r pageRef) damaged(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &pageError{r, err}
}

// pageError says that a page can't be read.
type pageError struct {
	ref pageRef
	err error
}

func (e *pageError) Error() string {
	return fmt.Sprintf("page of the index, %d bytes at offset %d: %v", e.ref.size, e.ref.offset, e.err)
}

func (e *pageError) Unwrap() []error {
	var read *readError
	if errors.As(e.err, &read) {
		return []error{e.err}
	}
	return []error{capture.ErrDamaged, e.err}
}

// readError is what reading the file said, which says nothing of what is in it.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// append appends the fields of a page's place.
func (r pageRef) append(line []byte, between byte) []byte {
	line = strconv.AppendInt(line, r.offset, 10)
	line = strconv.AppendInt(append(line, between), r.size, 10)
	line = strconv.AppendInt(append(line, between), r.lines, 10)
	return base64.StdEncoding.AppendEncode(append(line, between), r.sum[:])
}

// ref reads the fields of a page's place.
func (f *fields) ref() (r pageRef) {
	r.offset, r.size, r.lines = f.number(), f.number(), f.number()
	r.sum = f.sum()
	if r.offset < 0 || r.size < blockFix || r.size > maxBlock || r.lines < 0 {
		f.fail()
	}
	return r
}

// sum is the next field, 32 bytes in base64.
func (f *fields) sum() (sum [32]byte) {
	b, err := base64.StdEncoding.AppendDecode(nil, f.raw())
	if err != nil || len(b) != len(sum) {
		f.fail()
		return sum
	}
	return [32]byte(b)
}

// writeTree writes the pages of a tree whose lines come in order, and returns
// its root; one of size 0 where there are no lines. write appends a block to the
// file and says at which offset.
func writeTree(name string, lines iter.Seq2[[]byte, error], e *pageEncoder, write func([]byte) (int64, error)) (pageRef, error) {
	w := treeWriter{name: name, encoder: e, write: write}
	for line, err := range lines {
		if err != nil {
			return pageRef{}, err
		}
		if err := w.add(0, line, 1); err != nil {
			return pageRef{}, err
		}
	}
	return w.finish()
}

// treeWriter writes a page when it is full; its place goes into a page of the
// level above at once. Hence all that is below a page stands before it, and
// nothing else in between.
type treeWriter struct {
	name    string
	encoder *pageEncoder
	write   func([]byte) (int64, error)
	levels  []treeLevel
}

// treeLevel is the page of a level that is being filled.
type treeLevel struct {
	text  []byte
	first []byte // key
	count int
	lines int64 // of leaves below
	pages int   // written before
}

// add adds a line to a level; below is how many lines of leaves it stands for.
func (w *treeWriter) add(level int, line []byte, below int64) error {
	if level == len(w.levels) {
		w.levels = append(w.levels, treeLevel{})
	}
	l := &w.levels[level]
	if l.count == 0 {
		l.text = appendPageHead(l.text[:0], level == 0, w.name)
		l.first = append(l.first[:0], firstField(line)...)
	}
	l.text = append(append(l.text, line...), '\n')
	l.count++
	l.lines += below
	if l.count < 2 || len(l.text) < pageText {
		return nil
	}
	return w.flush(level)
}

// flush writes a level's page and adds it to the level above.
func (w *treeWriter) flush(level int) error {
	ref, err := w.page(level)
	if err != nil {
		return err
	}
	l := &w.levels[level]
	line := append(append([]byte(nil), l.first...), '\t')
	return w.add(level+1, ref.append(line, '\t'), ref.lines)
}

// page writes a level's page.
func (w *treeWriter) page(level int) (ref pageRef, err error) {
	l := &w.levels[level]
	block := w.encoder.encode(l.text)
	ref = pageRef{size: int64(len(block)), lines: l.lines, sum: sumOf(block)}
	ref.offset, err = w.write(block)
	l.count, l.lines = 0, 0
	l.pages++
	return ref, err
}

// finish writes the pages that are not full.
func (w *treeWriter) finish() (pageRef, error) {
	for level := 0; level < len(w.levels); level++ {
		l := &w.levels[level]
		switch {
		case l.count == 0:
			continue
		case l.pages == 0 && level == len(w.levels)-1:
			if level > 0 && l.count == 1 { // its one page is the root
				return l.only()
			}
			return w.page(level)
		}
		if err := w.flush(level); err != nil {
			return pageRef{}, err
		}
	}
	return pageRef{}, nil
}

// only is the place that a page of one line names.
func (l *treeLevel) only() (pageRef, error) {
	_, line, _ := bytes.Cut(bytes.TrimSuffix(l.text, []byte("\n")), []byte("\n"))
	f := fields{rest: line}
	f.raw()
	return f.ref(), f.err
}

// tree reads a tree.
type tree struct {
	name  string
	root  pageRef
	pages *pageReader
	// visit, where set, is called for every page that is read.
	visit func(pageRef)
}

// ranked is a line of a tree and its place in it, counted from 0.
type ranked struct {
	rank int64
	line []byte
}

// all yields every line.
func (t *tree) all() iter.Seq2[[]byte, error] { return t.seek(nil) }

// seek yields the lines from a key on. A page that can't be read yields an error,
// and the lines behind it follow.
func (t *tree) seek(key []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for l, err := range t.from(key, 0) {
			if !yield(l.line, err) {
				return
			}
		}
	}
}

// from yields the lines that are not before a key (nil: any) nor before the
// n-th, with their places.
func (t *tree) from(key []byte, n int64) iter.Seq2[ranked, error] {
	return func(yield func(ranked, error) bool) {
		if t.root.size > 0 {
			w := treeWalk{tree: t, key: key, skip: n, yield: yield}
			w.page(t.root, 0, nil)
		}
	}
}

// treeWalk is one walk over a tree.
type treeWalk struct {
	*tree
	key   []byte
	skip  int64
	yield func(ranked, error) bool
	rank  int64 // of what comes next
	floor int64 // no page that is still to come stands before this offset
}

var (
	errTreePage = errors.New("it is not the page that belongs here")
	errHeight   = errors.New("the tree is too high")
)

// page walks what is below a page, and returns whether to go on. first is the
// key that the page above gives it, nil for the root.
func (w *treeWalk) page(ref pageRef, depth int, first []byte) bool {
	if w.visit != nil {
		w.visit(ref)
	}
	end := w.rank + ref.lines
	p, err := w.pages.page(ref)
	switch {
	case err != nil:
	case depth > maxHeight:
		err = ref.damaged(errHeight)
	case p.tree != w.name || first != nil && !bytes.Equal(first, firstField(p.lines[0])):
		err = ref.damaged(errTreePage)
	}
	on := false
	switch {
	case err != nil:
		on = w.yield(ranked{}, err)
	case p.leaf:
		on = w.leaf(ref, p)
	default:
		on = w.node(ref, p, depth)
	}
	w.rank = end
	return on
}

func (w *treeWalk) leaf(ref pageRef, p page) bool {
	if int64(len(p.lines)) != ref.lines && !w.yield(ranked{}, ref.damaged(errTreePage)) {
		return false
	}
	from := 0
	if w.key != nil {
		from = sort.Search(len(p.lines), func(i int) bool { return bytes.Compare(firstField(p.lines[i]), w.key) >= 0 })
	}
	from = max(from, int(min(w.skip-w.rank, int64(len(p.lines)))))
	for i := from; i < len(p.lines); i++ {
		if !w.yield(ranked{w.rank + int64(i), p.lines[i]}, nil) {
			return false
		}
	}
	return true
}

func (w *treeWalk) node(ref pageRef, p page, depth int) bool {
	sum := int64(0)
	for i, line := range p.lines {
		child := p.refs[i]
		// What is below a page stands before it, each part behind the one before.
		if child.offset < w.floor || child.offset+child.size > ref.offset {
			return w.yield(ranked{}, ref.damaged(errTreePage))
		}
		sum += child.lines
		before := w.rank+child.lines <= w.skip ||
			w.key != nil && i+1 < len(p.lines) && bytes.Compare(firstField(p.lines[i+1]), w.key) < 0
		if before {
			w.rank += child.lines
		} else if !w.page(child, depth+1, firstField(line)) {
			return false
		}
		w.floor = child.offset + child.size
	}
	if sum != ref.lines {
		return w.yield(ranked{}, ref.damaged(errTreePage))
	}
	return true
}
