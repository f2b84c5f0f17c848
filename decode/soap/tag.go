package soap

import (
	"strings"
)

// tag is a start tag that was read.
type tag struct {
	raw        string // what stands between '<' and '>'
	name       Name   // without Space, which depends on where it stands
	attr       []Attr // its attributes, declarations of namespaces included; spans counted from the '<'
	binds      []binding
	out        *handed // its attributes as they were handed out lately; nil while they weren't
	xsiType    string  // the value of xsi:type
	qname      int32   // how long its name as written is
	env        uint32  // the bindings under which the names of its attributes were resolved
	inner      uint32  // the bindings inside of it, when it declares any
	only       uint32  // the number of the only text that it holds for, 0 when it does for all
	used       uint32  // the number of the text that had it last
	arrayType  int32   // the index in attr, -1 when there is none
	plain      bool    // nothing but a good name
	typed      bool    // xsi:type is there
	selfClosed bool
}

// handed is the attributes of a tag as they were handed out, for elements at some places.
type handed struct {
	attrs [4][]Attr
	at    [4]int32
	next  uint8 // which of them goes next
}

// startTag reads the start tag at p.
func (s *Scanner) startTag(p int) bool {
	c := s.cache
	if c != nil {
		slot := int(c.next[s.last])
		if raw := c.tags[slot].raw; raw != "" && strings.HasPrefix(s.text[p+1:], raw) && p+1+len(raw) < len(s.text) && s.text[p+1+len(raw)] == '>' && s.holds(&c.tags[slot]) {
			return s.knownTag(p, slot)
		}
	}
	w := s.text[p+1:]
	if len(w) > longestTag {
		w = w[:longestTag]
	}
	n := strings.IndexByte(w, '>')
	if n <= 0 {
		return s.newTag(p, "", 0)
	}
	raw := w[:n]
	if c == nil {
		return s.newTag(p, raw, 0)
	}
	hash := hashOf(raw)
	slot := c.find(raw, hash)
	if slot < 0 || !s.holds(&c.tags[slot]) {
		return s.newTag(p, raw, hash)
	}
	c.next[s.last] = uint16(slot)
	return s.knownTag(p, slot)
}

// knownTag reads the start tag at p, which is that in the slot.
func (s *Scanner) knownTag(p, slot int) bool {
	t := &s.cache.tags[slot]
	s.tag, s.last = slot, slot
	if t.used != s.serial {
		t.used = s.serial
	}
	s.start, s.pos = p, p+len(t.raw)+2
	s.end = s.pos
	env, bound := s.env, s.bound
	if t.binds != nil {
		for i := range t.binds {
			s.bind(t.binds[i].prefix, t.binds[i].space)
		}
		s.env = t.inner
		s.space, _ = s.place(t.name.Prefix)
	}
	if t.arrayType >= 0 && s.encodingNS == "" {
		s.encodingNS = t.attr[t.arrayType].Name.Space
	}
	return s.push(t, env, bound)
}

// holds tells whether t, of which the text is there again, means the same here.
// It resolves the element's name, which may have another namespace now.
func (s *Scanner) holds(t *tag) bool {
	switch {
	case t.binds != nil:
		return t.env == s.env && (t.only == 0 || t.only == s.serial) // its name is resolved when they are in force
	case t.name.Prefix == "":
		s.space = s.unprefixed
	default:
		var ok bool
		if s.space, ok = s.place(t.name.Prefix); !ok && t.only != s.serial {
			return false
		}
	}
	return t.plain || t.env == s.env && (t.only == 0 || t.only == s.serial) || s.holdsAgain(t)
}

// holdsAgain tells whether the attributes of t, which was read where other
// namespaces were bound, mean the same here.
func (s *Scanner) holdsAgain(t *tag) bool {
	if t.only != 0 {
		return false
	}
	for i := range t.attr {
		a := &t.attr[i]
		if a.Name.Prefix != "" && !s.bindsAs(a.Name.Prefix, a.Name.Space) || a.qualifiesValue() && !s.declared(valuePrefix(a.Value)) {
			return false
		}
	}
	t.env = s.env
	return true
}

// bindsAs tells whether a prefix stands for that namespace.
func (s *Scanner) bindsAs(prefix, space string) bool {
	now, ok := s.lookup(prefix)
	return ok && now == space
}

// newTag reads the start tag at p that is not known. raw is what stands before
// the next '>', when that is near.
func (s *Scanner) newTag(p int, raw string, hash uint32) bool {
	t := &s.one
	s.tag = -1
	if s.plainTag(t, raw) {
		s.remember(t, raw, hash)
		e := p + len(raw) + 2
		s.start, s.end, s.pos = p, e, e
		return s.push(t, s.env, s.bound)
	}
	before := s.quirks.noted
	env, bindings := s.env, s.bound
	e, ok := s.readTag(p, t)
	if !ok {
		return s.cut(p, "a tag")
	}
	s.resolve(p, t)
	if raw != "" && e == p+len(raw)+2 && before == s.quirks.noted {
		t.env, t.inner = env, s.env
		s.remember(t, raw, hash)
	}
	s.start, s.end, s.pos = p, e, e
	return s.push(t, env, bindings)
}

// plainTag reads a start tag that is nothing but a good name.
func (s *Scanner) plainTag(t *tag, raw string) bool {
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
	t.clear()
	t.plain = true
	t.qname = int32(len(raw))
	t.name.Prefix, t.name.Local = raw[:max(colon, 0)], raw[colon+1:]
	return s.holds(t)
}

// clear makes t one without attributes.
func (t *tag) clear() {
	*t = tag{attr: t.attr[:0], arrayType: -1}
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
	o.start, o.name, o.bindings, o.env, o.parent = int32(s.start), t.qname, int32(bindings), env, false
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
	t.clear()
	i := 0
	i, t.name = s.readName(p + 1)
	t.qname = int32(i - p - 1)
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
			s.quirks.note(Malformed, p, i, "tag <"+short(s.text[p+1:p+1+int(t.qname)])+" is not closed")
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
	if n := plainValue(s.text[i:]); n > 0 && len(t.attr) < maxAttributes {
		t.attr = append(t.attr, Attr{Name: name, Value: s.text[i+2 : i+n-1], At: Span{i + 2 - p, i + n - 1 - p}})
		return i + n
	}
	var value Span
	if s.text[i] != '=' {
		s.quirks.note(Malformed, from, nameEnd, "attribute "+quote(s.text[from:nameEnd])+" has no value")
		i, value = nameEnd, Span{nameEnd, nameEnd}
	} else if i, value = s.attrValue(skipSpace(s.text, i+1)); i < 0 {
		return -1
	}
	if len(t.attr) >= maxAttributes {
		if !s.quirks.full(TooManyElements) {
			s.quirks.note(TooManyElements, from, i, "more than "+itoa(maxAttributes)+" attributes")
		}
		return i
	}
	t.attr = append(t.attr, Attr{Name: name, Value: unescape(s.text[value.Start:value.End], true), At: Span{value.Start - p, value.End - p}})
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
