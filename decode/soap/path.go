package soap

import (
	"sort"
	"strings"
)

// Paths finds the elements at positions of one document. It reads the text
// once, when it is made.
type Paths struct {
	elements []pathElement // in the order of their starts
}

// pathElement is an element, as small as can be: a text may have millions.
type pathElement struct {
	start, end int32
	parent     int32 // index in elements, -1 for a root
	n          int32 // its ordinal among the siblings of its name
	repeated   bool  // there are such siblings
	name       string
}

// NewPaths reads the elements of d.
func NewPaths(d *Document) *Paths {
	p := &Paths{}
	var s Scanner
	s.reset(d.Text, 0)
	var open []int32
	siblings := []siblings{{}}
	for {
		switch s.Next() {
		case Start:
			parent := int32(-1)
			if len(open) > 0 {
				parent = open[len(open)-1]
			}
			i := int32(len(p.elements))
			e := pathElement{start: int32(s.start), end: int32(len(s.text)), parent: parent, name: s.Local()}
			first := int32(0)
			e.n, first = siblings[len(open)].count(e.name, i)
			p.elements = append(p.elements, e)
			if e.n > 1 {
				p.elements[i].repeated, p.elements[first].repeated = true, true
			}
			open = append(open, i)
			if len(siblings) == len(open) {
				siblings = append(siblings, nil)
			}
			siblings[len(open)] = siblings[len(open)][:0]
		case End:
			p.elements[open[len(open)-1]].end = int32(s.end)
			open = open[:len(open)-1]
		case EOF:
			return p
		}
	}
}

// siblings counts the children of one element by their names. There are few
// names; beyond the limit they are not counted apart.
type siblings []sibling

type sibling struct {
	name     string
	n, first int32
}

func (s *siblings) count(name string, i int32) (n, first int32) {
	const most = 64
	for j := range *s {
		if b := &(*s)[j]; b.name == name {
			b.n++
			return b.n, b.first
		}
	}
	if len(*s) < most {
		*s = append(*s, sibling{name, 1, i})
	}
	return 1, i
}

// At is the path of the innermost element that has the position in it:
// "/Envelope/Body/Inform/Event/EventStruct[2]/EventCode", by local names, with
// an ordinal where siblings share a name. It is "" outside of the root.
func (p *Paths) At(at int) string {
	i := sort.Search(len(p.elements), func(i int) bool { return int(p.elements[i].start) > at }) - 1
	for i >= 0 && int(p.elements[i].end) <= at {
		i = int(p.elements[i].parent)
	}
	var parts []int
	for ; i >= 0; i = int(p.elements[i].parent) {
		parts = append(parts, i)
	}
	var b strings.Builder
	for k := len(parts) - 1; k >= 0; k-- {
		e := &p.elements[parts[k]]
		b.WriteByte('/')
		b.WriteString(e.name)
		if e.repeated {
			b.WriteByte('[')
			b.WriteString(itoa(int(e.n)))
			b.WriteByte(']')
		}
	}
	return b.String()
}

// PathAt is the path of the innermost element of d that has the position at in
// it, as Paths.At gives it. The elements are read at the first call and kept
// with the document.
func PathAt(d *Document, at int) string {
	d.once.Do(func() { d.paths = NewPaths(d) })
	return d.paths.At(at)
}
