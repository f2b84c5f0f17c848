package soap

import (
	"sort"
	"strings"
	"sync"
)

// PathAt is the path of the innermost element of d that has the position at in
// it: "/Envelope/Body/Inform/Event/EventStruct[2]/EventCode", by local names,
// with an ordinal where siblings share a name. It is "" outside of the root.
//
// Who asks for several of one document is quicker with Paths.
func PathAt(d *Document, at int) string {
	var p Paths
	return string(p.Append(nil, d, at))
}

// anyPath is PathAt of any document.
//
// Most documents are asked for no path or for a few: each of those is one
// reading of the text. From then on all elements are kept, 16 bytes of each.
func anyPath(d *Document, at int) string {
	p := d.paths.Load()
	if p == nil {
		d.paths.CompareAndSwap(nil, &pathIndex{})
		p = d.paths.Load()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	const few = 4
	if p.asked++; p.asked <= few {
		return pathAt(d.Text, at)
	}
	if p.elements == nil {
		p.read(d.Text)
	}
	return p.at(d.Text, at)
}

// pathStep is an element on the way to a position.
type pathStep struct {
	name     string
	n        int32    // its ordinal among its siblings of that name, 0 when they are not counted
	repeated bool     // there are such siblings
	sought   bool     // follows is known
	follows  bool     // another element of the name may follow somewhere
	children siblings // its own so far
}

// pathAt is PathAt by one reading of text.
func pathAt(text string, at int) string {
	var s Scanner
	s.reset(text, 0)
	steps := []pathStep{{}} // from what is around the root inwards
	for {
		switch s.Next() {
		case Start:
			if s.start > at {
				return laterSiblings(&s, steps)
			}
			name := s.Local()
			_, n := steps[len(steps)-1].children.count(name, 0)
			if len(steps) < cap(steps) {
				steps = steps[:len(steps)+1]
			} else {
				steps = append(steps, pathStep{})
			}
			top := &steps[len(steps)-1]
			*top = pathStep{name: name, n: n, repeated: n > 1, children: top.children[:0]}
		case End:
			if s.end > at {
				return laterSiblings(&s, steps)
			}
			steps = steps[:len(steps)-1]
		case EOF:
			return ""
		}
	}
}

// laterSiblings is the path of steps, once the rest of the text was read to see
// which of them have siblings there, as far as any may. The current token is the first
// behind the position.
func laterSiblings(s *Scanner, steps []pathStep) string {
	path := steps[1:]
	open := len(path) // how many of path are
	from := s.start
	const deep = 24 // a search for each name of more would cost more than the reading
	may := func() bool {
		if len(path) > deep {
			return true
		}
		for i := range path[:min(open+1, len(path))] {
			if x := &path[i]; x.n > 0 && !x.repeated && x.mayFollow(s.text[from:]) {
				return true
			}
		}
		return false
	}
	if !may() {
		return writePath(path)
	}
	for kind := s.kind; kind != EOF; kind = s.Next() {
		switch kind {
		case Start:
			if i := s.depth - 1; i <= open && i < len(path) && path[i].n > 0 && path[i].name == s.Local() {
				path[i].repeated = true
			}
		case End:
			if s.depth < open {
				if open = s.depth; !may() {
					return writePath(path)
				}
			}
		}
	}
	return writePath(path)
}

// mayFollow says whether a text has what may begin another element of a step's name.
func (p *pathStep) mayFollow(rest string) bool {
	if p.sought {
		return p.follows
	}
	p.sought = true
	if p.name == "" { // of a broken tag
		p.follows = true
		return true
	}
	for at := 0; ; {
		i := strings.Index(rest[at:], p.name)
		if i < 0 {
			return false
		}
		if at += i; at > 0 {
			switch rest[at-1] {
			case '<':
				p.follows = true
			case ':': // behind a prefix
				tag := strings.LastIndexByte(rest[max(0, at-256):at], '<')
				p.follows = tag < 0 || rest[max(0, at-256)+tag+1] != '/'
			}
			if p.follows {
				return true
			}
		}
		at += len(p.name)
	}
}

// writePath writes steps as a path.
func writePath(path []pathStep) string {
	var b strings.Builder
	for i := range path {
		writeStep(&b, path[i].name, path[i].n, path[i].repeated)
	}
	return b.String()
}

func writeStep(b *strings.Builder, name string, n int32, repeated bool) {
	b.WriteByte('/')
	b.WriteString(name)
	if repeated {
		b.WriteByte('[')
		b.WriteString(itoa(int(n)))
		b.WriteByte(']')
	}
}

// maxSiblings is how many different names of siblings are counted.
const maxSiblings = 64

// siblings counts the children of one element by their names. There are few
// names; beyond the limit they are not counted.
type siblings []sibling

type sibling struct {
	name     string
	n, first int32
}

// count counts child i, and returns which one the first of its name was and how
// many there are now, 0 when they are not counted.
func (s *siblings) count(name string, i int32) (first, n int32) {
	for j := range *s {
		if b := &(*s)[j]; b.name == name {
			b.n++
			return b.first, b.n
		}
	}
	if len(*s) == maxSiblings {
		return i, 0
	}
	*s = append(*s, sibling{name, 1, i})
	return i, 1
}

// pathIndex finds the elements at positions of one document, and positions in
// its body.
type pathIndex struct {
	origin   offsets // how Text maps to the body
	mu       sync.Mutex
	asked    int           // how many paths were asked for
	elements []pathElement // in the order of their starts, when they were read
}

// pathElement is an element, as small as can be: a text may have millions.
type pathElement struct {
	start, end int32
	parent     int32 // index in elements, -1 for a root
	n          int32 // its ordinal among the siblings of its name, negative when there are such
}

// read reads the elements of text.
func (p *pathIndex) read(text string) {
	p.elements = make([]pathElement, 0, strings.Count(text, "<")/2+1)
	var s Scanner
	s.reset(text, 0)
	var open []int32
	children := []siblings{nil}
	for {
		switch s.Next() {
		case Start:
			parent := int32(-1)
			if len(open) > 0 {
				parent = open[len(open)-1]
			}
			i := int32(len(p.elements))
			first, n := children[len(open)].count(s.Local(), i)
			if n > 1 {
				p.elements[first].n = -1
				n = -n
			}
			p.elements = append(p.elements, pathElement{start: int32(s.start), end: int32(len(text)), parent: parent, n: n})
			open = append(open, i)
			if len(children) == len(open) {
				children = append(children, nil)
			}
			children[len(open)] = children[len(open)][:0]
		case End:
			p.elements[open[len(open)-1]].end = int32(s.end)
			open = open[:len(open)-1]
		case EOF:
			return
		}
	}
}

// at is PathAt, once the elements were read.
func (p *pathIndex) at(text string, at int) string {
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
		writeStep(&b, local(nameAt(text, int(e.start)+1)), max(e.n, -e.n), e.n < 0)
	}
	return b.String()
}

// nameAt is the name that begins at i.
func nameAt(text string, i int) string {
	from := i
	for i < len(text) && class[text[i]]&endsName == 0 {
		i++
	}
	return text[from:i]
}
