package soap

import (
	"strings"
)

// Limits of what is read of one body.
const (
	MaxDepth      = 128     // nesting; deeper elements are skipped (TooDeep)
	MaxElements   = 4 << 20 // elements; after them nothing is read (TooManyElements)
	maxAttributes = 256     // of one element
)

// Kind is what a token is.
type Kind uint8

// The kinds. Comments, processing instructions and document types come only
// from a Scanner that was asked for All.
const (
	EOF Kind = iota
	Start
	End
	CharData
	Comment
	ProcInst
	Directive
)

// Scanner pulls tokens from a text. It never fails: whatever is not XML is
// noted as a quirk and stepped over, and every Start has its End. Tokens are
// positions in the text; nothing is allocated for them. The zero value is
// made ready by reset.
type Scanner struct {
	text   string
	pos    int
	start  int // of the current token, with its markup
	end    int
	inner  int // of a CharData token: its content, which for CDATA is inside the markup
	inEnd  int
	tag    int // of a Start token: the slot of its tag in the cache, -1 for one
	unwind int // how many End tokens are to be handed out before reading on
	kind   Kind
	cdata  bool // the CharData token is a CDATA section
	// all hands out blank character data, comments and so on as well.
	all bool

	hasAmp, hasCR, hasCDEnd bool // what the text holds anywhere

	depth    int    // how many elements are open: those of stack, then deep
	env      uint32 // names the set of namespace bindings in force
	envs     uint32 // the last name given
	bound    int    // how many namespace bindings are in force: those of bindings, then boundMore
	elements int
	roots    int // how many root elements began

	doctype    bool     // one was seen
	entities   []string // what it declares
	anyEntity  bool     // it may declare others elsewhere
	undeclared []string // prefixes that were noted

	encodingNS string
	quirks     quirks
	// The places of the namespaces of the Start token's element, and of those
	// without a prefix that may follow.
	space, unprefixed int

	one    tag       // the last tag that is not in the cache
	cache  *tagCache // nil while it isn't worth while
	last   int       // the slot of the last tag that was in it
	serial uint32    // the number of the text

	pattern *pattern // by which the last element was read that Again read
	alike   Alike    // that element
	vain    int      // how often Learn was called in vain since

	// Fixed room, so that a Scanner needs no other for an ordinary text, and
	// where it goes on.
	bindings  [8]binding
	boundMore []binding
	stack     [16]open
	deep      []open
}

// open is an element whose end was not read yet.
type open struct {
	start    int32
	name     int32 // how long its name is, which follows on the '<'
	bindings int32 // how many were in force outside of it
	env      uint32
	parent   bool // it has child elements
}

// opened is the open element at that depth, counted from 0.
func (s *Scanner) opened(i int) *open {
	if i < len(s.stack) {
		return &s.stack[i]
	}
	return &s.deep[i-len(s.stack)]
}

// openName is the name of the open element at that depth, as written.
func (s *Scanner) openName(i int) string {
	o := s.opened(i)
	return s.text[o.start+1 : o.start+1+o.name]
}

// reset makes s ready to read text from pos on.
func (s *Scanner) reset(text string, pos int) {
	s.text, s.pos, s.serial = text, pos, max(s.serial, 1)
	s.space, s.unprefixed = noSpace, noSpace
	s.hasAmp = strings.IndexByte(text, '&') >= 0
	s.hasCR = strings.IndexByte(text, '\r') >= 0
	s.hasCDEnd = strings.Contains(text, "]]>")
	s.vain = 0
	if s.cache == nil && len(text) >= cacheFrom {
		s.cache = &tagCache{}
	}
}

// release makes s as new, but for the tags that it knows. It holds nothing of
// the text any more.
func (s *Scanner) release() {
	if s.one.qname > 0 {
		attr := s.one.attr[:cap(s.one.attr)]
		clear(attr)
		s.one = tag{attr: attr[:0]}
	}
	s.text, s.encodingNS = "", ""
	s.space, s.unprefixed = noSpace, noSpace
	s.pos, s.start, s.end, s.inner, s.inEnd, s.tag, s.last, s.unwind = 0, 0, 0, 0, 0, -1, 0, 0
	s.kind, s.cdata, s.all = 0, false, false
	s.depth, s.env, s.bound, s.elements, s.roots = 0, 0, 0, 0, 0
	s.doctype, s.anyEntity, s.entities, s.undeclared = false, false, nil, nil
	s.quirks = quirks{}
	s.pattern, s.alike = nil, Alike{}
	s.boundMore, s.deep = nil, s.deep[:0]
	s.serial++
	if s.serial == 0 || s.envs >= 1<<31 { // these numbers must not come again
		s.serial, s.envs = 1, 0
		if s.cache != nil {
			*s.cache = tagCache{}
		}
	}
}

// Depth is how many elements are open. A Start has its element open already,
// an End no more.
func (s *Scanner) Depth() int { return s.depth }

// Kind is that of the current token.
func (s *Scanner) Kind() Kind { return s.kind }

// At is the span of the current token, markup included. An End that the text
// doesn't have is empty, where it should be.
func (s *Scanner) At() Span { return Span{s.start, s.end} }

// Text is the character data of the current token, its references resolved.
func (s *Scanner) Text() string {
	if s.cdata {
		return newlines(s.text[s.inner:s.inEnd])
	}
	return s.clean(s.inner, s.inEnd)
}

// newlines makes the line ends of a CDATA section those of XML.
func newlines(v string) string {
	if strings.IndexByte(v, '\r') < 0 {
		return v
	}
	return strings.ReplaceAll(strings.ReplaceAll(v, "\r\n", "\n"), "\r", "\n")
}

// Next reads on to the next Start, End, CharData that is not blank, or EOF.
func (s *Scanner) Next() Kind {
	for {
		if s.unwind > 0 {
			s.unwind--
			s.start = s.end
			s.pop()
			s.kind = End
			return End
		}
		p := s.pos
		if p >= len(s.text) {
			if s.finish() {
				return EOF
			}
			continue
		}
		if s.text[p] != '<' {
			if !s.all && class[s.text[p]]&isSpace != 0 {
				if p = skipSpace(s.text, p); p < len(s.text) && s.text[p] == '<' {
					s.pos = p
					continue
				}
				p = s.pos
			}
			if s.charData(p) {
				return CharData
			}
			continue
		}
		if s.markup(p) {
			return s.kind
		}
	}
}

// markup reads what begins with '<' at p. It returns false when that yields
// no token.
func (s *Scanner) markup(p int) bool {
	if p+1 >= len(s.text) {
		return s.cut(p, "a tag")
	}
	switch c := s.text[p+1]; {
	case c == '/':
		return s.endTag(p)
	case c == '!':
		return s.declaration(p)
	case c == '?':
		return s.procInst(p)
	case class[c]&isNameStart != 0:
		return s.startTag(p)
	}
	s.quirks.note(Malformed, p, p+1, "'<' begins no tag")
	return s.charData(p)
}

// cut notes that the text ends inside the markup at p, and ends reading.
func (s *Scanner) cut(p int, what string) bool {
	s.quirks.note(Truncated, p, len(s.text), "the body ends inside "+what)
	s.pos = len(s.text)
	s.start, s.end = s.pos, s.pos
	return false
}

// finish is called at the end of the text. It returns false when elements are
// open, which must be ended first.
func (s *Scanner) finish() bool {
	s.start, s.end = len(s.text), len(s.text)
	if n := s.depth; n > 0 {
		if s.quirks.count[Truncated] == 0 && s.quirks.count[TooManyElements] == 0 {
			s.quirks.note(Truncated, int(s.opened(n-1).start), len(s.text), "the body ends inside <"+short(s.openName(n-1))+">")
		}
		s.unwind = n
		return false
	}
	s.kind = EOF
	return true
}

// charData reads character data from p to the next '<' after p.
func (s *Scanner) charData(p int) bool {
	e := len(s.text)
	if i := strings.IndexByte(s.text[p+1:], '<'); i >= 0 {
		e = p + 1 + i
	}
	s.start, s.end, s.pos = p, e, e
	s.inner, s.inEnd, s.cdata = p, e, false
	s.kind = CharData
	white := blank(s.text[p:e])
	if s.depth == 0 {
		if !white {
			s.outside(p, e)
		}
		return s.all
	}
	if white {
		return s.all
	}
	s.checkText(p, e)
	return true
}

// outside notes text that stands outside of the root element.
func (s *Scanner) outside(p, e int) {
	kind, where := Malformed, "before"
	if s.roots > 0 {
		kind, where = TrailingContent, "after"
	}
	text := ""
	if p = skipSpace(s.text, p); !s.quirks.full(kind) {
		text = "text " + where + " the root element: " + quote(s.text[p:e])
	}
	s.quirks.note(kind, p, e, text)
}

// endTag reads the end tag at p.
func (s *Scanner) endTag(p int) bool {
	if n := s.depth; n > 0 {
		name := s.openName(n - 1)
		if e := p + 2 + len(name); e < len(s.text) && s.text[e] == '>' && s.text[p+2:e] == name {
			s.start, s.end, s.pos = p, e+1, e+1
			s.pop()
			s.kind = End
			return true
		}
	}
	return s.oddEndTag(p)
}

// oddEndTag reads an end tag that has white space, or another name than that
// of the innermost element.
func (s *Scanner) oddEndTag(p int) bool {
	i := skipSpace(s.text, p+2)
	if i > p+2 {
		s.quirks.note(Malformed, p, i, "white space before the name of an end tag")
	}
	from := i
	for i < len(s.text) && class[s.text[i]]&endsName == 0 {
		i++
	}
	name := s.text[from:i]
	i = skipSpace(s.text, i)
	if i >= len(s.text) {
		return s.cut(p, "an end tag")
	}
	if s.text[i] != '>' {
		s.quirks.note(Malformed, p, i, "end tag </"+short(name)+" is not closed")
		i = s.tagEnd(i)
	} else {
		i++
	}
	s.start, s.end, s.pos = p, i, i
	n := s.depth
	if n > 0 && s.openName(n-1) == name {
		s.pop()
		s.kind = End
		return true
	}
	return s.mismatch(p, name)
}

// tagEnd steps over what is left of a broken tag: to behind the next '>', but
// not over a '<'.
func (s *Scanner) tagEnd(i int) int {
	for ; i < len(s.text); i++ {
		switch s.text[i] {
		case '>':
			return i + 1
		case '<':
			return i
		}
	}
	return i
}

// mismatch decides what an end tag that is not the innermost element's ends:
// that of an outer element ends all inside it as well; another one is taken
// for a misspelt one when the innermost element has no child elements, and
// else stepped over.
func (s *Scanner) mismatch(p int, name string) bool {
	n := s.depth
	if n == 0 {
		kind := TrailingContent
		if s.roots == 0 {
			kind = Malformed
		}
		s.quirks.note(kind, p, s.end, "end tag </"+short(name)+"> ends nothing")
		return false
	}
	if !s.quirks.full(Malformed) {
		s.quirks.note(Malformed, p, s.end, "end tag </"+short(name)+"> where <"+short(s.openName(n-1))+"> is open")
	} else {
		s.quirks.note(Malformed, p, s.end, "")
	}
	if s.misspelt(name) {
		s.unwind = 1
		return false
	}
	for i := n - 2; i >= 0; i-- {
		if s.openName(i) == name {
			s.unwind = n - i
			return false
		}
	}
	if !s.opened(n - 1).parent {
		s.unwind = 1
	}
	return false
}

// misspelt tells whether name is that of the innermost element but for its
// prefix or case.
func (s *Scanner) misspelt(name string) bool {
	return strings.EqualFold(local(name), local(s.openName(s.depth-1)))
}

// local is a name without its prefix.
func local(name string) string { return name[strings.LastIndexByte(name, ':')+1:] }

// pop ends the innermost element.
func (s *Scanner) pop() {
	s.depth--
	o := s.opened(s.depth)
	if int(o.bindings) != s.bound {
		s.unbind(o)
	}
}

// declaration reads what begins with "<!".
func (s *Scanner) declaration(p int) bool {
	rest := s.text[p:]
	switch {
	case strings.HasPrefix(rest, "<!--"):
		return s.comment(p)
	case strings.HasPrefix(rest, "<![CDATA["):
		return s.cdataSection(p)
	case len(rest) >= 9 && strings.EqualFold(rest[:9], "<!DOCTYPE"):
		return s.documentType(p)
	case len(rest) < 9 && (strings.HasPrefix("<!DOCTYPE", rest) || strings.HasPrefix("<![CDATA[", rest)):
		return s.cut(p, "markup")
	}
	s.quirks.note(Malformed, p, p+2, "'<!' begins no markup")
	return s.charData(p)
}

func (s *Scanner) comment(p int) bool {
	i := p + 4
	for {
		n := strings.Index(s.text[i:], "--")
		if n < 0 {
			return s.cut(p, "a comment")
		}
		i += n + 2
		if i < len(s.text) && s.text[i] == '>' {
			break
		}
		s.quirks.note(Malformed, i-2, i, "-- in a comment")
		i--
	}
	s.start, s.end, s.pos = p, i+1, i+1
	s.inner, s.inEnd = p+4, max(p+4, i-2)
	s.kind = Comment
	return s.all
}

func (s *Scanner) cdataSection(p int) bool {
	n := strings.Index(s.text[p:], "]]>")
	e := p + n
	if n < 0 {
		s.quirks.note(Truncated, p, len(s.text), "the body ends inside a CDATA section")
		e = len(s.text)
		s.pos = e
	} else {
		s.pos = e + 3
	}
	s.start, s.end = p, s.pos
	s.inner, s.inEnd, s.cdata = p+9, e, true
	s.kind = CharData
	if s.depth == 0 {
		s.outside(p, s.end)
		return s.all
	}
	return true
}

// procInst reads the processing instruction at p.
func (s *Scanner) procInst(p int) bool {
	n := strings.Index(s.text[p:], "?>")
	if n < 0 {
		return s.cut(p, "a processing instruction")
	}
	e := p + n + 2
	s.start, s.end, s.pos = p, e, e
	s.inner, s.inEnd = p+2, e-2
	s.kind = ProcInst
	i := p + 2
	for i < e-2 && class[s.text[i]]&isSpace == 0 {
		i++
	}
	target := s.text[p+2 : i]
	switch {
	case target == "xml":
		s.quirks.note(Malformed, p, e, "an XML declaration that is not at the start")
	case strings.EqualFold(target, "xml"), !validName(target):
		s.quirks.note(Malformed, p, e, "processing instruction with the name "+quote(target))
	case strings.IndexByte(target, ':') >= 0:
		s.quirks.note(Malformed, p, e, "colon in the name of a processing instruction")
	default:
		s.quirks.note(Doctype, p, e, "processing instruction "+quote(target))
	}
	return s.all
}

// tooDeep steps over the content of the element whose start tag was just
// read, which is nested too deeply.
func (s *Scanner) tooDeep() {
	s.quirks.note(TooDeep, s.start, s.end, "more than "+itoa(MaxDepth)+" elements deep: what is inside is not read")
	for depth := 1; depth > 0; {
		i := strings.IndexByte(s.text[s.pos:], '<')
		if i < 0 || s.pos+i+1 >= len(s.text) {
			s.pos = len(s.text)
			return
		}
		p := s.pos + i
		s.pos = s.deepMarkup(p, &depth)
	}
}

// deepMarkup steps over the markup at p, counting elements only.
func (s *Scanner) deepMarkup(p int, depth *int) int {
	rest := s.text[p:]
	closed := ">"
	switch {
	case rest[1] == '/':
		*depth--
	case strings.HasPrefix(rest, "<!--"):
		closed = "-->"
	case strings.HasPrefix(rest, "<![CDATA["):
		closed = "]]>"
	case rest[1] == '?', rest[1] == '!':
	default:
		e := s.tagEnd(p + 1)
		if s.text[e-1] != '>' || s.text[e-2] != '/' {
			*depth++
		}
		return e
	}
	i := strings.Index(rest, closed)
	if i < 0 {
		return len(s.text)
	}
	return p + i + len(closed)
}
