package soap

import "strings"

// MaxWays is how many ways of writing an element a Pattern knows.
const MaxWays = 8

// Pattern is how an element with one or two leaves is written of which many
// follow one another, such as the items of a list: all of its text but that of
// the leaves. Elements that are written the same way mean the same, so Again
// reads them by comparing. The zero value knows nothing. It holds parts of the
// text that it was learned from until Forget.
type Pattern struct {
	// What Again read of the latest element: where it stands, its leaves, and
	// which way it is written, as Learn numbered it.
	At            Span
	First, Second Piece
	Way           int

	head  string // from the end of what stands before the element to the content of its first leaf
	at    int    // where in head the element begins
	ways  [MaxWays]way
	known int // how many of them there are
	// It holds at this depth and under these bindings only.
	depth int
	env   uint32
	vain  int // how often it was learned since it was of use
}

// way is how an element goes on behind the content of its first leaf.
type way struct {
	middle   string // to the content of the second leaf, or to the element's end
	tail     string // from the end of that content to the element's end
	open     bool   // there is such content; otherwise the second leaf is self-closed, or there is none
	second   int    // where in middle that self-closed leaf begins
	elements int    // how many elements it is of
	endTag   int    // how long the element's end tag is
}

// Piece is the content of a leaf, which is its text as it stands. Of a
// self-closed leaf, Start is the position of its tag.
type Piece struct {
	Text  string
	Start int
}

// tries is how often a pattern is learned without being of use.
const tries = 32

// Mark is where reading stands in front of an element.
type Mark struct {
	pos, elements, depth int
	noted                int
	env                  uint32
}

// Mark is where reading stands.
func (s *Scanner) Mark() Mark {
	return Mark{pos: s.pos, elements: s.elements, depth: s.depth, noted: s.quirks.noted, env: s.env}
}

// Forget lets go of the text that p was learned from.
func (p *Pattern) Forget() {
	clear(p.ways[:p.known])
	p.head, p.known, p.vain = "", 0, 0
	p.First, p.Second = Piece{}, Piece{}
}

// Learn adds to p how the element is written that was read since the mark and
// ends with the current token. first and second are the contents of its leaves;
// second is nil when there is one leaf only. It returns the number of the way,
// -1 when nothing was learned: when the element is not plain, or when what
// follows does not begin as it does.
//
// The caller has to make sure that it would make the same of another element
// whose text differs in the contents of the leaves only.
func (s *Scanner) Learn(p *Pattern, m Mark, first Span, second *Span) int {
	if p.vain >= tries || s.hasCDEnd || s.kind != End || s.unwind > 0 || s.depth != m.depth || s.env != m.env || s.quirks.noted != m.noted {
		return -1
	}
	head := s.text[m.pos:first.Start]
	if !strings.HasPrefix(s.text[s.pos:], head) {
		return -1
	}
	w := way{middle: s.text[first.End:s.end], elements: s.elements - m.elements, endTag: s.end - s.start}
	at := skipSpace(head, 0)
	if at == len(head) || head[at] != '<' || !strings.HasPrefix(w.middle, "</") {
		return -1
	}
	if second != nil {
		w.open = strings.HasPrefix(s.text[second.End:], "</")
		w.second = second.Start - first.End
		if w.open {
			w.middle, w.tail = w.middle[:w.second], s.text[second.End:s.end]
		}
	}
	return p.add(head, at, w, m)
}

// add adds a way, or finds the number that it has.
func (p *Pattern) add(head string, at int, w way, m Mark) int {
	p.vain++
	if p.head != head || p.depth != m.depth || p.env != m.env {
		clear(p.ways[:p.known])
		p.head, p.at, p.known, p.depth, p.env = head, at, 0, m.depth, m.env
	}
	for i := range p.known {
		if p.ways[i] == w {
			return i
		}
	}
	i := p.vain % MaxWays
	if p.known < MaxWays {
		i = p.known
		p.known++
	}
	p.ways[i] = w
	return i
}

// Again reads the element that follows when it is written in a way that p
// knows, with nothing in its leaves but plain text. It fills in p's public
// fields then, and the End of the element is the current token. Otherwise it
// returns false, and reading stands where it stood.
func (s *Scanner) Again(p *Pattern) bool {
	if p.known == 0 || s.unwind > 0 || s.depth != p.depth || s.env != p.env || !strings.HasPrefix(s.text[s.pos:], p.head) {
		return false
	}
	from := s.pos + len(p.head)
	first, ok := s.plainContent(from)
	if !ok {
		return false
	}
	e := from + len(first)
	i := p.goesOn(s.text[e:])
	if i < 0 {
		return false
	}
	w := &p.ways[i]
	end := e + len(w.middle)
	second := Piece{Start: e + w.second}
	if w.open {
		if second.Text, ok = s.plainContent(end); !ok {
			return false
		}
		end += len(second.Text)
		if !strings.HasPrefix(s.text[end:], w.tail) {
			return false
		}
		end += len(w.tail)
	}
	if s.elements+w.elements > MaxElements {
		return false
	}
	p.At, p.First, p.Second, p.Way = Span{s.pos + p.at, end}, Piece{first, from}, second, i
	p.vain = 0
	s.elements += w.elements
	s.start, s.end, s.pos, s.kind = end-w.endTag, end, end, End
	return true
}

// goesOn is the number of the way that rest begins with, -1 for none.
func (p *Pattern) goesOn(rest string) int {
	if strings.HasPrefix(rest, p.ways[p.Way].middle) && p.Way < p.known {
		return p.Way
	}
	for i := range p.known {
		if strings.HasPrefix(rest, p.ways[i].middle) {
			return i
		}
	}
	return -1
}

// plainContent is the text from i to the next '<', when there is nothing in it
// that is to be replaced or noted.
func (s *Scanner) plainContent(i int) (text string, ok bool) {
	n := strings.IndexByte(s.text[i:], '<')
	if n < 0 {
		return "", false
	}
	text = s.text[i : i+n]
	if s.hasAmp && strings.IndexByte(text, '&') >= 0 || s.hasCR && strings.IndexByte(text, '\r') >= 0 {
		return "", false
	}
	return text, true
}
