package recording

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// The limits of pages (FORMAT.md, sections 7 and 10).
const (
	pageText  = 64 << 10 // a page is closed when its text is longer
	maxPage   = 1 << 20
	maxBlock  = maxPage + 64<<10 // what a block of a page can take
	maxHeight = 16               // of a tree; the least page has two lines
)

// page is a page of the index.
type page struct {
	leaf  bool
	tree  string
	lines [][]byte
	refs  []pageRef // of a node's lines
}

// appendPageHead starts the text of a page.
func appendPageHead(text []byte, leaf bool, tree string) []byte {
	kind := "node\t"
	if leaf {
		kind = "leaf\t"
	}
	return append(append(append(text, kind...), tree...), '\n')
}

var (
	errPage      = errors.New("the page is malformed")
	errPageOrder = errors.New("the page's lines are not in order")
)

// parsePage reads a PAGE block.
func parsePage(block []byte, d *decoder) (p page, err error) {
	tag, body, ok, err := parseBlock(block)
	if err != nil {
		return p, err
	}
	if !ok || tag != tagPage {
		return p, errPage
	}
	text, err := d.content(nil, body)
	if err != nil {
		return p, fmt.Errorf("%w: %w", errPage, err)
	}
	return parsePageText(text)
}

func parsePageText(text []byte) (p page, err error) {
	if len(text) > maxPage || len(text) == 0 || text[len(text)-1] != '\n' {
		return p, errPage
	}
	lines := bytes.Split(text[:len(text)-1], []byte("\n"))
	kind, tree, ok := strings.Cut(string(lines[0]), "\t")
	if !ok || kind != "leaf" && kind != "node" || len(lines) < 2 {
		return p, errPage
	}
	p = page{leaf: kind == "leaf", tree: tree, lines: lines[1:]}
	for i := 1; i < len(p.lines); i++ {
		if bytes.Compare(firstField(p.lines[i-1]), firstField(p.lines[i])) > 0 {
			return p, errPageOrder
		}
	}
	if p.leaf {
		return p, nil
	}
	p.refs = make([]pageRef, len(p.lines))
	for i, line := range p.lines {
		f := fields{rest: line}
		f.raw()
		if p.refs[i] = f.ref(); f.err != nil {
			return p, f.err
		}
	}
	return p, nil
}

// pageReader reads pages, and keeps the last ones.
type pageReader struct {
	r     io.ReaderAt
	d     *decoder
	pages map[pageRef]page
	order []pageRef // the oldest first
	shift int64     // how much further on pages may stand than they are said to
}

const keptPages = 32

func newPageReader(r io.ReaderAt) *pageReader {
	return &pageReader{r: r, d: newDecoder(), pages: map[pageRef]page{}}
}

// page reads a page and proves it by its SHA-256.
func (r *pageReader) page(ref pageRef) (page, error) {
	if p, ok := r.pages[ref]; ok {
		return p, nil
	}
	block, err := r.block(ref, ref.offset+r.shift)
	if err != nil && r.shift != 0 {
		block, err = r.block(ref, ref.offset)
	}
	if err != nil {
		return page{}, ref.damaged(err)
	}
	p, err := parsePage(block, r.d)
	if err != nil {
		return p, ref.damaged(err)
	}
	if len(r.order) >= keptPages {
		delete(r.pages, r.order[0])
		r.order = r.order[1:]
	}
	r.pages[ref], r.order = p, append(r.order, ref)
	return p, nil
}

func (r *pageReader) block(ref pageRef, at int64) ([]byte, error) {
	block := make([]byte, ref.size)
	if n, err := r.r.ReadAt(block, at); n < len(block) {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, &readError{err}
		}
		return nil, io.ErrUnexpectedEOF
	}
	if sumOf(block) != ref.sum {
		return nil, errSum
	}
	return block, nil
}

// pageEncoder makes PAGE blocks.
type pageEncoder struct {
	e     encoder
	frame []byte
	block []byte
}

func newPageEncoder() (*pageEncoder, error) {
	e, err := newEncoder(zstd.SpeedBestCompression, nil)
	return &pageEncoder{e: e}, err
}

// encode makes the block of a page's text; it is valid until the next one.
func (e *pageEncoder) encode(text []byte) []byte {
	e.frame = e.e.appendFrame(e.frame[:0], text)
	e.block = appendBlock(e.block[:0], tagPage, e.frame)
	return e.block
}

// The fields of lines.

// appendField appends a TAB and a field.
func appendField(line []byte, s string) []byte { return appendEscaped(append(line, '\t'), s, "\t\n\\") }

// appendEscaped writes s with a backslash for each of the bytes in special.
func appendEscaped(line []byte, s, special string) []byte {
	for i := range len(s) {
		c := s[i]
		switch {
		case strings.IndexByte(special, c) < 0:
			line = append(line, c)
		case c == '\t':
			line = append(line, `\t`...)
		case c == '\n':
			line = append(line, `\n`...)
		default:
			line = append(line, '\\', c)
		}
	}
	return line
}

// appendList appends a TAB and a field of several items, with commas between
// them. Empty items are left out.
func appendList(line []byte, items []string) []byte {
	line = append(line, '\t')
	n := 0
	for _, s := range items {
		if s == "" {
			continue
		}
		if n++; n > 1 {
			line = append(line, ',')
		}
		line = appendEscaped(line, s, "\t\n\\,")
	}
	return line
}

func appendUints(line []byte, numbers []uint64) []byte {
	line = append(line, '\t')
	for i, n := range numbers {
		if i > 0 {
			line = append(line, ',')
		}
		line = strconv.AppendUint(line, n, 10)
	}
	return line
}

// fields takes a line apart. The first error stays.
type fields struct {
	rest []byte
	done bool
	err  error
}

var errField = errors.New("a line of the index is malformed")

func (f *fields) fail() {
	if f.err == nil {
		f.err = errField
	}
}

// raw is the next field as it is written.
func (f *fields) raw() []byte {
	if f.done {
		f.fail()
		return nil
	}
	i := bytes.IndexByte(f.rest, '\t')
	if i < 0 {
		field := f.rest
		f.done, f.rest = true, nil
		return field
	}
	field := f.rest[:i]
	f.rest = f.rest[i+1:]
	return field
}

func (f *fields) string() string { return f.unescape(f.raw()) }

func (f *fields) unescape(b []byte) string {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b)
	}
	s := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == '\\' {
			if i++; i == len(b) {
				f.fail()
				break
			}
			switch c = b[i]; c {
			case 't':
				c = '\t'
			case 'n':
				c = '\n'
			}
		}
		s = append(s, c)
	}
	return string(s)
}

// list is the next field, of several items.
func (f *fields) list() (items []string) {
	b := f.raw()
	for len(b) > 0 {
		i := 0
		for i < len(b) && b[i] != ',' {
			if b[i] == '\\' {
				i++
			}
			i++
		}
		i = min(i, len(b))
		items = append(items, f.unescape(b[:i]))
		b = b[min(i+1, len(b)):]
	}
	return items
}

// number is the next field. "-" is -1, where there may be one.
func (f *fields) number() int64 {
	w := words{rest: f.raw()}
	n := w.int()
	if w.end() != nil {
		f.fail()
	}
	return n
}

func (f *fields) uint() uint64 {
	w := words{rest: f.raw()}
	n := w.uint()
	if w.end() != nil {
		f.fail()
	}
	return n
}

func (f *fields) uints() (list []uint64) {
	for _, s := range f.list() {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			f.fail()
		}
		list = append(list, n)
	}
	return list
}
