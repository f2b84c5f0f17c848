package recording

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"informant/capture"
)

// memory is a file in memory that a tree is written to.
type memory struct{ bytes.Buffer }

func (m *memory) append(b []byte) (int64, error) {
	at := int64(m.Len())
	m.Write(b)
	return at, nil
}

// growTree writes a tree of lines through a sorter that spills often.
func growTree(t testing.TB, name string, lines []string) (*memory, pageRef) {
	t.Helper()
	s := newSorter(t.TempDir(), 64<<10)
	defer s.close()
	for _, l := range lines {
		if err := s.add([]byte(l)); err != nil {
			t.Fatal(err)
		}
	}
	e, err := newPageEncoder()
	if err != nil {
		t.Fatal(err)
	}
	var m memory
	root, err := writeTree(name, s.sorted(), e, m.append)
	if err != nil {
		t.Fatal(err)
	}
	return &m, root
}

func openTree(m *memory, name string, root pageRef) *tree {
	return &tree{name: name, root: root, pages: newPageReader(bytes.NewReader(m.Bytes()))}
}

func randomLines(rnd *rand.Rand, n int) []string {
	var lines []string
	for range n {
		key := fmt.Sprintf("%x", rnd.Uint32N(uint32(n/2+2)))
		lines = append(lines, key+"\t"+strings.Repeat("x", rnd.IntN(200)))
	}
	return lines
}

func collect(t *testing.T, seq func(func([]byte, error) bool)) (got []string) {
	t.Helper()
	for line, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(line))
	}
	return got
}

func TestTree(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, 2, 3, 600, 601, 20_000, 200_000} {
		if os.Getenv("INFORMANT_SOAK") == "" && n > 20_000 {
			continue
		}
		lines := randomLines(rnd, n)
		m, root := growTree(t, treeGroup, lines)
		slices.SortFunc(lines, func(a, b string) int { return compareLines([]byte(a), []byte(b)) })
		tr := openTree(m, treeGroup, root)
		if got := collect(t, tr.all()); !slices.Equal(got, lines) {
			t.Fatalf("%d lines: others came back: %d", n, len(got))
		}
		if root.lines != int64(n) {
			t.Errorf("the root of %d lines says %d", n, root.lines)
		}
		for range 20 {
			key := []byte(fmt.Sprintf("%x", rnd.Uint32N(uint32(n+2))))
			at := slices.IndexFunc(lines, func(l string) bool { return bytes.Compare(firstField([]byte(l)), key) >= 0 })
			checkFrom(t, tr.seek(key), lines, at)
			i := rnd.IntN(n + 1)
			checkFrom(t, func(yield func([]byte, error) bool) {
				for l, err := range tr.from(nil, int64(i)) {
					if err == nil && string(l.line) != lines[l.rank] {
						t.Errorf("a line says that it is the %d.", l.rank)
					}
					if !yield(l.line, err) {
						return
					}
				}
			}, lines, i)
		}
	}
}

// checkFrom compares the first few lines of a walk with lines from an index on.
func checkFrom(t *testing.T, seq func(func([]byte, error) bool), lines []string, at int) {
	t.Helper()
	if at < 0 {
		at = len(lines)
	}
	want := lines[at:min(at+50, len(lines))]
	var got []string
	for line, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, string(line)); len(got) == 50 {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("from %d on: %d lines, want %d", at, len(got), len(want))
	}
}

// A page that was altered is told; all lines that are not below it still come.
func TestTreeDamaged(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	lines := randomLines(rnd, 20_000)
	m, root := growTree(t, treeGroup, lines)
	for range 20 {
		b := bytes.Clone(m.Bytes())
		at := rnd.IntN(len(b))
		b[at] ^= 1 << rnd.IntN(8)
		tr := &tree{name: treeGroup, root: root, pages: newPageReader(bytes.NewReader(b))}
		n, bad := 0, 0
		for _, err := range tr.all() {
			var p *pageError
			switch {
			case err == nil:
				n++
			case errors.As(err, &p) && errors.Is(err, capture.ErrDamaged):
				bad++
				if int64(at) < p.ref.offset || int64(at) >= p.ref.offset+p.ref.size {
					t.Errorf("byte %d was altered, told was %v", at, err)
				}
				n += int(p.ref.lines)
			default:
				t.Error(err)
			}
		}
		if bad != 1 || n != len(lines) {
			t.Errorf("byte %d was altered: %d pages told, %d lines read or missing of %d", at, bad, n, len(lines))
		}
	}
}

// Pages that name each other in circles, or again and again, end.
func TestTreeCircle(t *testing.T) {
	e, err := newPageEncoder()
	if err != nil {
		t.Fatal(err)
	}
	var m memory
	text := appendPageHead(nil, true, treeGroup)
	block := e.encode(append(text, "a\tx\nb\ty\n"...))
	leaf := pageRef{size: int64(len(block)), lines: 2, sum: sumOf(block)}
	leaf.offset, _ = m.append(block)
	text = appendPageHead(text[:0], false, treeGroup)
	for range 100 {
		text = append(leaf.append(append(text, "a\t"...), '\t'), '\n')
	}
	block = e.encode(text)
	root := pageRef{size: int64(len(block)), lines: 200, sum: sumOf(block)}
	root.offset, _ = m.append(block)
	n := 0
	var told error
	for _, err := range openTree(&m, treeGroup, root).all() {
		if err != nil {
			told = err
			continue
		}
		n++
	}
	if n != 2 || told == nil {
		t.Errorf("%d lines, %v", n, told)
	}
}

func TestFields(t *testing.T) {
	in := []string{"plain", "", "a\tb\nc\\d", `\`, ",", "a,b"}
	var line []byte
	line = append(line, "key"...)
	for _, s := range in {
		line = appendField(line, s)
	}
	line = appendList(line, in)
	line = appendUints(line, []uint64{1, 99})
	line = appendUints(line, nil)
	f := fields{rest: line}
	f.raw()
	for _, s := range in {
		if got := f.string(); got != s {
			t.Errorf("%q came back as %q", s, got)
		}
	}
	want := slices.DeleteFunc(slices.Clone(in), func(s string) bool { return s == "" })
	if got := f.list(); !slices.Equal(got, want) {
		t.Errorf("%q came back as %q", want, got)
	}
	if got := f.uints(); !slices.Equal(got, []uint64{1, 99}) {
		t.Error(got)
	}
	if got := f.uints(); got != nil {
		t.Error(got)
	}
	if f.err != nil || !f.done {
		t.Error(f.err)
	}
	if f.raw(); f.err == nil {
		t.Error("a field too many was not told")
	}
}

// FuzzPage reads any text as a page, and any bytes as one page of a tree.
func FuzzPage(f *testing.F) {
	f.Add([]byte("leaf\tgroup\na\tb\nc\n"))
	f.Add([]byte("node\tgroup\na\t0\t100\t2\tAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"))
	f.Add([]byte("leaf\tsession\n00000000000000000001 00000000000000000000000000000000\tdev\t2\tcwmp\tInform\t0 BOOTSTRAP\\,x\t9001\tcomplete\terror\t1\t1,2\t\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parsePageText(text)
		if err == nil && len(p.lines) == 0 {
			t.Error("an empty page was accepted")
		}
		e, err := newPageEncoder()
		if err != nil {
			t.Fatal(err)
		}
		block := e.encode(text)
		ref := pageRef{size: int64(len(block)), lines: int64(len(p.lines)), sum: sumOf(block)}
		tr := &tree{name: p.tree, root: ref, pages: newPageReader(bytes.NewReader(block))}
		n := 0
		for line, err := range tr.all() {
			if n++; err == nil && bytes.IndexByte(line, '\n') >= 0 {
				t.Error("a line with an end in it")
			}
			f := fields{rest: line}
			for !f.done && f.err == nil {
				f.list()
			}
		}
		if n > len(p.lines)+2 {
			t.Errorf("%d lines of %d", n, len(p.lines))
		}
		if _, err := parsePage(text, newDecoder()); err == nil && len(text) < blockFix {
			t.Error("a block too short was accepted")
		}
	})
}

var _ io.Writer = (*memory)(nil)
