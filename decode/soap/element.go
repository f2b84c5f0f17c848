package soap

import "strings"

// These are about the element whose Start is the current token. What they
// return of it must be taken before the next token is read.

// current is the tag of the element.
func (s *Scanner) current() *tag {
	if s.tag < 0 {
		return &s.one
	}
	return &s.cache.tags[s.tag]
}

// Name is the element's name.
func (s *Scanner) Name() Name {
	n := &s.current().name
	return Name{Prefix: n.Prefix, Local: n.Local, Space: s.spaceAt(s.space)}
}

// Local is the element's local name.
func (s *Scanner) Local() string { return s.current().name.Local }

// Qualified tells whether the element is in a namespace.
func (s *Scanner) Qualified() bool { return s.space != noSpace && s.spaceAt(s.space) != "" }

// XSIType is the value of the element's xsi:type attribute; ok is false when
// there is none.
func (s *Scanner) XSIType() (value string, ok bool) {
	t := s.current()
	return t.xsiType, t.typed
}

// ArrayType is the value of the element's arrayType attribute, and where it
// stands; ok is false when there is none.
func (s *Scanner) ArrayType() (value string, at Span, ok bool) {
	t := s.current()
	if t.arrayType < 0 {
		return "", Span{}, false
	}
	a := &t.attr[t.arrayType]
	return a.Value, Span{s.start + a.At.Start, s.start + a.At.End}, true
}

// Element is the element with its attributes; the end of its span is that of
// its start tag still.
func (s *Scanner) Element() Element {
	return Element{Name: s.Name(), Attr: s.attrs(), At: Span{s.start, s.end}}
}

// attrs is the element's attributes, for a document to keep. Those of a tag
// that comes at the same place in text after text, as Envelope's do, are made
// once.
func (s *Scanner) attrs() []Attr {
	t := s.current()
	if len(t.attr) == 0 {
		return nil
	}
	if t.out != nil {
		for i, at := range t.out.at {
			if a := t.out.attrs[i]; a != nil && int(at) == s.start {
				return a
			}
		}
	}
	a := make([]Attr, len(t.attr))
	for i := range t.attr {
		a[i] = t.attr[i]
		a[i].At.Start += s.start
		a[i].At.End += s.start
	}
	if s.tag >= 0 { // a tag that is known
		if t.out == nil {
			t.out = new(handed)
		}
		t.out.attrs[t.out.next], t.out.at[t.out.next] = a, int32(s.start)
		t.out.next = (t.out.next + 1) % uint8(len(t.out.attrs))
	}
	return a
}

// Leaf reads the element to its end as one with simple content: its character
// data, references resolved, and where that stands, which for a self-closed
// element is its own start. children are child elements, which simple content
// has none of. The End is consumed.
func (s *Scanner) Leaf() (value string, at Span, children []*Node) {
	if s.unwind == 0 {
		p := s.pos
		if i := strings.IndexByte(s.text[p:], '<'); i >= 0 {
			e := p + i
			name := s.openName(s.depth - 1)
			if f := e + 2 + len(name); f < len(s.text) && s.text[f] == '>' && s.text[e+1] == '/' && s.text[e+2:f] == name {
				s.start, s.end, s.pos = e, f+1, f+1
				s.kind = End
				s.pop()
				if e == p {
					return "", Span{p, p}, nil
				}
				if s.hasAmp || s.hasCDEnd {
					s.checkText(p, e)
				}
				if s.hasCR {
					s.rawReturn(s.findReturn(-1, p, e))
				}
				return s.clean(p, e), Span{p, e}, nil
			}
		}
	}
	return s.oddLeaf()
}

// oddLeaf is Leaf for content of more than one run of characters, and for an
// element that has none.
func (s *Scanner) oddLeaf() (value string, at Span, children []*Node) {
	if s.unwind > 0 {
		from := s.start
		s.Next()
		return "", Span{from, from}, nil
	}
	from, depth := s.pos, s.depth
	all := s.all
	s.all = true
	var b strings.Builder
	runs, cr := 0, -1
	for {
		switch s.Next() {
		case CharData:
			cr = s.findReturn(cr, s.inner, s.inEnd)
			if runs++; runs == 1 {
				value = s.Text()
				break
			}
			if runs == 2 {
				b.WriteString(value)
			}
			b.WriteString(s.Text())
		case Start:
			children = append(children, s.Tree())
		case End:
			if s.depth < depth {
				s.all = all
				if runs > 1 {
					value = b.String()
				}
				if children == nil {
					s.rawReturn(cr)
				}
				return value, Span{from, s.start}, children
			}
		case EOF:
			s.all = all
			return value, Span{from, len(s.text)}, children
		}
	}
}

// findReturn is the position of the first carriage return of a leaf's text so
// far: cr, or, while that is -1, in Text[start:end].
func (s *Scanner) findReturn(cr, start, end int) int {
	if cr < 0 && s.hasCR {
		if i := strings.IndexByte(s.text[start:end], '\r'); i >= 0 {
			return start + i
		}
	}
	return cr
}

// rawReturn notes the carriage return at that position, -1 for none, in the
// text of a leaf: written raw it does not survive reading (XML 1.0 2.11).
func (s *Scanner) rawReturn(at int) {
	if at >= 0 && s.quirks.count[RawNonASCII] == 0 {
		s.quirks.note(RawNonASCII, at, at+1, "a carriage return in a value, not written as a reference")
	}
}

// Skip reads the element to its end. The End is consumed.
func (s *Scanner) Skip() {
	depth := s.depth
	for s.depth >= depth && s.Next() != EOF {
	}
}

// Tree reads the element to its end and keeps all of it. The End is consumed.
func (s *Scanner) Tree() *Node {
	saved := s.all
	s.all = true
	root := s.node()
	open := []growing{{node: root, cr: -1}}
	for len(open) > 0 {
		top := &open[len(open)-1]
		switch s.Next() {
		case Start:
			n := s.node()
			top.node.Children = append(top.node.Children, n)
			open = append(open, growing{node: n, cr: -1})
		case CharData:
			top.add(s.Text())
			top.cr = s.findReturn(top.cr, s.inner, s.inEnd)
		case End, EOF:
			top.finish(s.end)
			if top.node.Children == nil {
				s.rawReturn(top.cr)
			}
			open = open[:len(open)-1]
		}
	}
	s.all = saved
	return root
}

func (s *Scanner) node() *Node {
	return &Node{Name: s.Name(), Attr: s.attrs(), At: Span{s.start, s.end}}
}

// growing is a Node that is being read.
type growing struct {
	node *Node
	more []byte // its text, when it is of more than one piece
	runs int
	cr   int // where the first carriage return of its text is, -1 without
}

func (g *growing) add(text string) {
	g.runs++
	switch g.runs {
	case 1:
		g.node.Text = text
		return
	case 2:
		g.more = append(g.more, g.node.Text...)
	}
	g.more = append(g.more, text...)
}

func (g *growing) finish(end int) {
	if g.runs > 1 {
		g.node.Text = string(g.more)
	}
	if len(g.node.Children) > 0 && blank(g.node.Text) {
		g.node.Text = ""
	}
	g.node.At.End = end
}

// Left is how many bytes of the text were not read yet.
func (s *Scanner) Left() int { return len(s.text) - s.pos }

// PeekStart is the local name of the child element that begins right behind
// the current Start, but for white space; "" when something else does.
func (s *Scanner) PeekStart() string {
	if s.unwind > 0 {
		return ""
	}
	i := s.pos
	if i < len(s.text) && s.text[i] != '<' {
		i = skipSpace(s.text, i)
	}
	if i+1 >= len(s.text) || s.text[i] != '<' || class[s.text[i+1]]&isNameStart == 0 {
		return ""
	}
	e := i + 1
	for e < len(s.text) && class[s.text[e]]&endsName == 0 {
		e++
	}
	return local(s.text[i+1 : e])
}

// HasChildren tells whether markup other than its end tag comes first in the
// element whose Start is the current token.
func (s *Scanner) HasChildren() bool {
	i := strings.IndexByte(s.text[s.pos:], '<')
	return s.unwind == 0 && i >= 0 && !strings.HasPrefix(s.text[s.pos+i:], "</")
}
