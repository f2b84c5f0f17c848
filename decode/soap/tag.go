package soap

import (
	"strings"
)

// tagSlots is how many different start tags a Scanner remembers. The tags of
// a message are few and come again and again, so that most are known by
// comparing their text.
const tagSlots = 32

// tag is a start tag that was read.
type tag struct {
	raw        string // what stands between '<' and '>', when it may be known again; else ""
	qname      string
	name       Name
	first, n   int16  // its attributes in the arena, declarations of namespaces included; spans counted from the '<'
	more       []Attr // its attributes where the arena had no room
	xsiType    string // the value of xsi:type
	env        uint32 // the bindings under which names were resolved
	arrayType  int32  // the index in attr, -1 when there is none
	typed      bool   // xsi:type is there
	selfClosed bool
}

// startTag reads the start tag at p.
func (s *Scanner) startTag(p int) bool {
	w := s.text[p+1:]
	if len(w) > 256 {
		w = w[:256]
	}
	if n := strings.IndexByte(w, '>'); n > 0 {
		raw := w[:n]
		slot := (n + int(raw[0])*2 + int(raw[n/2])*9 + int(raw[n*3/4])*25) & (tagSlots - 1)
		t := &s.tags[slot]
		s.tag = slot
		if t.raw == raw && t.env == s.env {
			s.start, s.end, s.pos = p, p+n+2, p+n+2
			return s.push(t, s.env, s.bound)
		}
		return s.newTag(p, t, raw)
	}
	s.tag = 0
	return s.newTag(p, &s.tags[0], "")
}

// newTag reads the start tag at p into t. raw is what stands before the next
// '>'.
func (s *Scanner) newTag(p int, t *tag, raw string) bool {
	t.raw = ""
	if s.plainTag(p, t, raw) {
		e := p + len(raw) + 2
		s.start, s.end, s.pos = p, e, e
		return s.push(t, s.env, s.bound)
	}
	before := len(s.quirks.list)
	env, bindings := s.env, s.bound
	counted := s.quirks.count
	e, ok := s.readTag(p, t)
	if !ok {
		return s.cut(p, "a tag")
	}
	s.resolve(p, t)
	if raw != "" && e == p+len(raw)+2 && env == s.env && before == len(s.quirks.list) && counted == s.quirks.count {
		t.raw = raw
	}
	if t.raw != "" {
		s.arenaUsed += int(t.n)
	}
	t.env = s.env
	s.start, s.end, s.pos = p, e, e
	return s.push(t, env, bindings)
}

// plainTag reads a start tag that is nothing but a good name.
func (s *Scanner) plainTag(p int, t *tag, raw string) bool {
	colon := -1
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if class[c]&isName == 0 || c >= 0x80 || c == ':' && colon >= 0 {
			return false
		}
		if c == ':' {
			colon = i
		}
	}
	if raw == "" || colon == 0 || colon == len(raw)-1 || class[raw[colon+1]]&isNameStart == 0 {
		return false
	}
	prefix := raw[:max(colon, 0)]
	space, ok := s.lookup(prefix)
	if !ok {
		return false
	}
	t.clear(0)
	t.raw, t.qname, t.env = raw, raw, s.env
	t.name.Prefix, t.name.Local, t.name.Space = prefix, raw[colon+1:], space
	return true
}

// clear makes t one without attributes, which are to be at first.
func (t *tag) clear(first int) {
	t.first, t.n, t.more = int16(first), 0, t.more[:0]
	t.xsiType, t.typed, t.arrayType, t.selfClosed = "", false, -1, false
}

// attributes are those of t.
func (s *Scanner) attributes(t *tag) []Attr {
	if len(t.more) > 0 {
		return t.more
	}
	return s.arena[t.first : t.first+t.n]
}

// add gives t, the tag that is being read, another attribute.
func (s *Scanner) add(t *tag) *Attr {
	if i := int(t.first + t.n); len(t.more) == 0 && i < len(s.arena) {
		t.n++
		return &s.arena[i]
	}
	if len(t.more) == 0 {
		t.more = append(t.more, s.arena[t.first:t.first+t.n]...)
		t.n = 0
	}
	t.more = append(t.more, Attr{})
	return &t.more[len(t.more)-1]
}

// push opens the element of t; env and bindings are those outside of it.
func (s *Scanner) push(t *tag, env uint32, bindings int) bool {
	n := s.depth
	if n == 0 {
		s.root()
	} else {
		s.opened(n - 1).parent = true
	}
	s.elements++
	if s.elements > MaxElements {
		s.quirks.note(TooManyElements, s.start, s.end, "more than "+itoa(MaxElements)+" elements: what follows is not read")
		s.pos = len(s.text)
		s.env, s.bound = env, bindings
		return false
	}
	s.kind = Start
	if n >= len(s.stack) {
		s.deep = append(s.deep[:n-len(s.stack)], open{})
	}
	o := s.opened(n)
	o.start, o.name, o.bindings, o.env, o.parent = int32(s.start), int32(len(t.qname)), int32(bindings), env, false
	s.depth++
	switch {
	case t.selfClosed:
		s.unwind = 1
	case n >= MaxDepth:
		s.tooDeep()
		s.unwind = 1
	}
	return true
}

// root counts a root element; only the first may be there.
func (s *Scanner) root() {
	s.roots++
	if s.roots == 2 {
		s.quirks.note(TrailingContent, s.start, s.end, "another element after the root element")
	}
}

// readTag reads name and attributes of the start tag at p. ok is false when
// the text ends inside it.
func (s *Scanner) readTag(p int, t *tag) (end int, ok bool) {
	t.clear(s.arenaUsed)
	i := 0
	i, t.name = s.readName(p + 1)
	t.qname = s.text[p+1 : i]
	for {
		from := i
		i = skipSpace(s.text, i)
		if i >= len(s.text) {
			return i, false
		}
		switch s.text[i] {
		case '>':
			return i + 1, true
		case '<':
			s.quirks.note(Malformed, p, i, "tag <"+short(t.qname)+" is not closed")
			return i, true
		case '/':
			if i+1 < len(s.text) && s.text[i+1] == '>' {
				t.selfClosed = true
				return i + 2, true
			}
			s.quirks.note(Malformed, i, i+1, "'/' in a tag")
			i++
			continue
		}
		if from == i {
			s.quirks.note(Malformed, i, i, "no white space before an attribute")
		}
		if i = s.readAttr(p, i, t); i < 0 {
			return 0, false
		}
	}
}

// readAttr reads the attribute at i. It returns the position behind it, -1
// when the text ends inside it.
func (s *Scanner) readAttr(p, i int, t *tag) int {
	from := i
	if class[s.text[i]]&endsName != 0 {
		s.quirks.note(Malformed, i, i+1, "unexpected "+quote(s.text[i:i+1])+" in a tag")
		return i + 1
	}
	i, name := s.readName(i)
	nameEnd := i
	i = skipSpace(s.text, i)
	if i >= len(s.text) {
		return -1
	}
	if n := plainValue(s.text[i:]); n > 0 && len(t.more) < maxAttributes {
		a := s.add(t)
		a.Name, a.Value, a.At = name, s.text[i+2:i+n-1], Span{i + 2 - p, i + n - 1 - p}
		return i + n
	}
	var value Span
	if s.text[i] != '=' {
		s.quirks.note(Malformed, from, nameEnd, "attribute "+quote(s.text[from:nameEnd])+" has no value")
		i, value = nameEnd, Span{nameEnd, nameEnd}
	} else if i, value = s.attrValue(skipSpace(s.text, i+1)); i < 0 {
		return -1
	}
	if len(t.more) >= maxAttributes {
		if !s.quirks.full(TooManyElements) {
			s.quirks.note(TooManyElements, from, i, "more than "+itoa(maxAttributes)+" attributes")
		}
		return i
	}
	a := s.add(t)
	a.Name = name
	a.Value = unescape(s.text[value.Start:value.End], true)
	a.At = Span{value.Start - p, value.End - p}
	return i
}

// plainValue is the length of ="…" at the start of s, when nothing in it is to
// be replaced or noted; else 0.
func plainValue(s string) int {
	if len(s) < 3 || s[0] != '=' || s[1] != '"' {
		return 0
	}
	n := strings.IndexByte(s[2:], '"')
	if n < 0 {
		return 0
	}
	v := s[2 : 2+n]
	i := 0
	for ; i+8 <= n; i += 8 {
		if !plainText(word(v[i : i+8])) {
			return 0
		}
	}
	for ; i < n; i++ {
		if c := v[i]; c < 0x20 || c == '&' || c == '<' {
			return 0
		}
	}
	return n + 3
}

// readName reads the name at i, and judges it.
func (s *Scanner) readName(i int) (end int, name Name) {
	from, colon, colons := i, i-1, 0
	all, seen := byte(0xFF), byte(0)
	for ; i < len(s.text); i++ {
		c := s.text[i]
		k := class[c]
		if k&endsName != 0 {
			break
		}
		if c == ':' {
			colon = i
			colons++
		}
		all &= k
		seen |= c
	}
	good := colons == 0 && i > from || colons == 1 && colon > from && colon+1 < i
	if good && all&isName != 0 && seen < 0x80 && class[s.text[from]]&class[s.text[colon+1]]&isNameStart != 0 {
		return i, Name{Prefix: s.text[from:max(from, colon)], Local: s.text[colon+1 : i]}
	}
	s.checkName(from, i)
	return i, split(s.text[from:i])
}

// attrValue reads the value at i, and returns the position behind it.
func (s *Scanner) attrValue(i int) (int, Span) {
	if i >= len(s.text) {
		return -1, Span{}
	}
	c := s.text[i]
	if c != '"' && c != '\'' {
		e := i
		for e < len(s.text) && class[s.text[e]]&isSpace == 0 && s.text[e] != '>' && s.text[e] != '<' {
			e++
		}
		if e > i && s.text[e-1] == '/' && e < len(s.text) && s.text[e] == '>' {
			e--
		}
		s.quirks.note(UnquotedAttr, i, e, "attribute value without quotes")
		return e, Span{i, e}
	}
	i++
	n := strings.IndexByte(s.text[i:], c)
	lt := strings.IndexByte(s.text[i:i+max(n, 0)], '<')
	if n < 0 {
		lt = strings.IndexByte(s.text[i:], '<')
	}
	if lt >= 0 {
		s.quirks.note(Malformed, i+lt, i+lt+1, "'<' in an attribute value")
		if n < 0 || strings.IndexByte(s.text[i:i+lt], '>') >= 0 {
			// The closing quote was forgotten.
			e := i + lt
			if gt := strings.IndexByte(s.text[i:e], '>'); gt >= 0 {
				e = i + gt
			}
			return e, Span{i, e}
		}
	}
	if n < 0 {
		return -1, Span{}
	}
	if s.hasAmp {
		s.checkReferences(i, i+n)
	}
	return i + n + 1, Span{i, i + n}
}

// checkName judges the name Text[from:to].
func (s *Scanner) checkName(from, to int) {
	name := s.text[from:to]
	if !validName(name) {
		s.quirks.note(Malformed, from, to, quote(name)+" is no name")
		return
	}
	first := strings.IndexByte(name, ':')
	if first < 0 {
		return
	}
	switch {
	case strings.IndexByte(name[first+1:], ':') >= 0:
		s.quirks.note(TwoColons, from, to, "name "+quote(name)+" with more than one colon")
	case first == 0, first == len(name)-1:
		s.quirks.note(Malformed, from, to, quote(name)+" is no name with a prefix")
	case class[name[first+1]]&isNameStart == 0:
		s.quirks.note(Malformed, from, to, quote(name)+" is no name with a prefix")
	}
}

// split takes a name apart. Of a name with several colons it takes the last
// two parts.
func split(name string) Name {
	i := strings.LastIndexByte(name, ':')
	if i < 0 {
		return Name{Local: name}
	}
	return Name{Prefix: name[strings.LastIndexByte(name[:i], ':')+1 : i], Local: name[i+1:]}
}
