package soap

import "strings"

// Likeness is of what elements are compared with one another: those with the
// same likeness that are written the same way mean the same.
type Likeness struct {
	Of   int    // the caller's number for what it makes of them
	List string // the name of the element that they stand in
}

// Alike is an element that Again read.
type Alike struct {
	At            Span
	First, Second Piece // the leaves in it; Second is empty when it has but one
}

// Piece is a leaf.
type Piece struct {
	Text    string // its content; Learn does not need it
	XSIType string // the value of its xsi:type
	At      Span   // of its content, which for a self-closed leaf is where its tag begins
	Typed   bool   // xsi:type is there
}

const (
	// patternSets and patternWays say how many patterns a tagCache has room for.
	patternSets = 16
	patternWays = 4
	// mostWays is how many ways to go on a pattern has.
	mostWays = 16
	// longestItem is how long the text of an element may be that is learned, not
	// counting that of its leaves.
	longestItem = 1024
	// triesInVain is how often something is learned in a text without being of
	// use.
	triesInVain = 32
)

// patterns is how elements with one or two leaves are written of which many
// follow one another, such as the items of a list: all of their text but that of
// the leaves. Elements that are written the same way are read by comparing.
type patterns struct {
	sets   [patternSets][patternWays]pattern
	missed [patternSets]patternKey // what last was not learned because it might not come again
}

// pattern is how such elements begin, and the ways in which they go on. It holds
// no part of a text.
type pattern struct {
	key  patternKey
	list string // Likeness.List
	head string // from the end of what stands before the element to the content of its first leaf
	at   int    // where in head the element begins
	ways []way
	last int    // the way of the latest element
	used uint32 // the number of the text that had it last
}

// patternKey is where a pattern holds: which elements these are, and how deep
// and under which bindings they stand.
type patternKey struct {
	of, depth int32
	env       uint32
}

// way is how an element goes on behind the content of its first leaf.
type way struct {
	middle   string // to the content of the second leaf, or to the element's end
	tail     string // from the end of that content to the element's end
	open     bool   // there is such content; otherwise the second leaf is self-closed, or there is none
	encoded  bool   // it holds only where an arrayType was seen before
	first    leafType
	second   leafType
	inMiddle int    // where in middle the second leaf begins that is self-closed
	elements int    // how many elements it is of
	endTag   int    // how long the element's end tag is
	only     uint32 // the number of the only text that it holds for, 0 when it does for all
}

// leafType is the xsi:type of a leaf.
type leafType struct {
	name  string
	typed bool
}

// Mark is where reading stands in front of an element.
type Mark struct {
	pos, elements, depth, noted int
	env                         uint32
}

// Mark is where reading stands.
func (s *Scanner) Mark() Mark {
	return Mark{pos: s.pos, elements: s.elements, depth: s.depth, noted: s.quirks.noted, env: s.env}
}

// patternKey is that of elements which begin where reading stands.
func (s *Scanner) patternKey(k *Likeness) patternKey {
	return patternKey{of: int32(k.Of), depth: int32(s.depth), env: s.env}
}

func (k *patternKey) set() int { return int(k.env*5+uint32(k.of)*3+uint32(k.depth)) % patternSets }

// Learn looks at how the element is written that was read since the mark and
// ends with the current token, so that Again knows others. first and second are
// the leaves in it; second is nil when there is but one.
//
// The caller has to make sure that it would make the same of another element
// with that likeness whose text differs in the contents of the leaves only.
func (s *Scanner) Learn(k *Likeness, m *Mark, first, second *Piece) {
	if s.cache == nil || s.vain >= triesInVain || s.hasCDEnd || s.kind != End || s.unwind > 0 || s.depth != m.depth || s.env != m.env || s.quirks.noted != m.noted {
		return
	}
	head := s.text[m.pos:first.At.Start]
	at := skipSpace(head, 0)
	w := way{middle: s.text[first.At.End:s.end], elements: s.elements - m.elements, endTag: s.end - s.start, encoded: s.encodingNS != ""}
	if at+1 >= len(head) || head[at] != '<' || class[head[at+1]]&isNameStart == 0 || !strings.HasPrefix(w.middle, "</") {
		return
	}
	w.first = leafType{first.XSIType, first.Typed}
	if second != nil {
		w.second = leafType{second.XSIType, second.Typed}
		w.inMiddle = second.At.Start - first.At.End
		if w.open = strings.HasPrefix(s.text[second.At.End:], "</"); w.open {
			w.middle, w.tail = w.middle[:w.inMiddle], s.text[second.At.End:s.end]
		}
	}
	if len(s.undeclared) > 0 { // which is to be noted again in the next text
		w.only = s.serial
	}
	s.vain++
	s.addWay(k, head, at, w)
}

// addWay keeps how an element is written, unless it is known.
func (s *Scanner) addWay(k *Likeness, head string, at int, w way) {
	c, key := &s.cache.patterns, s.patternKey(k)
	set := key.set()
	p := &c.sets[set][0]
	for i := range c.sets[set] {
		q := &c.sets[set][i]
		if q.key == key && q.head == head && q.list == k.List {
			q.addWay(w)
			return
		}
		if q.used < p.used {
			p = q
		}
	}
	switch {
	case len(head)+len(w.middle)+len(w.tail)+len(k.List) > longestItem:
	case c.missed[set] != key && !strings.HasPrefix(s.text[s.pos:], head):
		c.missed[set] = key
	default:
		own := strings.Clone(k.List + head)
		*p = pattern{key: key, list: own[:len(k.List)], head: own[len(k.List):], at: at, used: s.serial, ways: p.ways[:0]}
		clear(p.ways[:cap(p.ways)])
		p.addWay(w)
	}
}

// addWay is Scanner.addWay for an element that begins as p does.
func (p *pattern) addWay(w way) {
	for i := range p.ways {
		if old := &p.ways[i]; old.middle == w.middle && old.tail == w.tail && old.open == w.open {
			old.only, old.encoded = w.only, w.encoded
			return
		}
	}
	if len(p.head)+len(w.middle)+len(w.tail) > longestItem {
		return
	}
	own := strings.Clone(w.middle + w.tail)
	w.middle, w.tail = own[:len(w.middle)], own[len(w.middle):]
	w.first.name, w.second.name = strings.Clone(w.first.name), strings.Clone(w.second.name)
	if len(p.ways) < mostWays {
		p.ways = append(p.ways, w)
		return
	}
	p.last = (p.last + 1) % mostWays
	p.ways[p.last] = w
}

// Again reads the element that follows when it is written in a way that Learn
// saw, with nothing in its leaves but plain text. The End of the element is the
// current token then. Otherwise it returns nil, and reading stands where it
// stood. What it returns is valid until the next call.
func (s *Scanner) Again(k *Likeness) *Alike {
	if s.cache == nil || s.unwind > 0 || s.hasCDEnd || s.depth == 0 {
		return nil
	}
	p := s.begunBy(k)
	if p == nil {
		return nil
	}
	from := s.pos + len(p.head)
	first, ok := s.plainContent(from)
	if !ok {
		return nil
	}
	e := from + len(first)
	w := s.goesOn(p, e)
	if w == nil || s.elements+w.elements > MaxElements {
		return nil
	}
	end := e + len(w.middle)
	second, at := "", e+w.inMiddle // of one that is open, that is end
	if w.open {
		if second, ok = s.plainContent(end); !ok || !strings.HasPrefix(s.text[end+len(second):], w.tail) {
			return nil
		}
		end += len(second) + len(w.tail)
	}
	a := &s.alike
	a.At = Span{s.pos + p.at, end}
	a.First = Piece{first, w.first.name, Span{from, e}, w.first.typed}
	a.Second = Piece{second, w.second.name, Span{at, at + len(second)}, w.second.typed}
	s.vain = 0
	s.elements += w.elements
	s.opened(s.depth - 1).parent = true
	s.start, s.end, s.pos, s.kind = end-w.endTag, end, end, End
	return a
}

// begunBy is the pattern by which the text goes on, nil when there is none.
func (s *Scanner) begunBy(k *Likeness) *pattern {
	key, rest := s.patternKey(k), s.text[s.pos:]
	if p := s.pattern; p != nil && p.key == key && strings.HasPrefix(rest, p.head) && p.list == k.List {
		return p
	}
	set := &s.cache.patterns.sets[key.set()]
	for i := range set {
		if p := &set[i]; p.key == key && p.head != "" && strings.HasPrefix(rest, p.head) && p.list == k.List {
			p.used = s.serial
			s.pattern = p
			return p
		}
	}
	return nil
}

// goesOn is the way of p in which the text goes on from e, nil when there is
// none.
func (s *Scanner) goesOn(p *pattern, e int) *way {
	rest := s.text[e:]
	if p.last < len(p.ways) {
		if w := &p.ways[p.last]; strings.HasPrefix(rest, w.middle) && s.holdsHere(w) {
			return w
		}
	}
	for i := range p.ways {
		if w := &p.ways[i]; strings.HasPrefix(rest, w.middle) && s.holdsHere(w) {
			p.last = i
			return w
		}
	}
	return nil
}

// holdsHere tells whether a way that was seen elsewhere means the same here.
func (s *Scanner) holdsHere(w *way) bool {
	return (w.only == 0 || w.only == s.serial) && (!w.encoded || s.encodingNS != "")
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
