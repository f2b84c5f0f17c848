package soap

import (
	"slices"
	"strings"
)

const (
	xmlNS   = "http://www.w3.org/XML/1998/namespace"
	xmlnsNS = "http://www.w3.org/2000/xmlns/"
)

// binding is a namespace declaration in force.
type binding struct{ prefix, space string }

// The places of the namespaces that need no declaration, see binding.
const (
	noSpace  = -1 // none: that of names without a prefix
	xmlSpace = -2 // that of the prefix xml
)

// place resolves a prefix to the binding that it has; "" is the default
// namespace, which is always known.
func (s *Scanner) place(prefix string) (i int, ok bool) {
	for i := s.bound - 1; i >= 0; i-- {
		if s.binding(i).prefix == prefix {
			return i, true
		}
	}
	switch prefix {
	case "":
		return noSpace, true
	case "xml":
		return xmlSpace, true
	}
	return noSpace, false
}

// binding is the one at that place.
func (s *Scanner) binding(i int) *binding {
	if i < len(s.bindings) {
		return &s.bindings[i]
	}
	return &s.boundMore[i-len(s.bindings)]
}

// spaceAt is the namespace at that place.
func (s *Scanner) spaceAt(i int) string {
	switch i {
	case noSpace:
		return ""
	case xmlSpace:
		return xmlNS
	}
	return s.binding(i).space
}

// lookup resolves a prefix.
func (s *Scanner) lookup(prefix string) (space string, ok bool) {
	i, ok := s.place(prefix)
	return s.spaceAt(i), ok
}

// bind puts a namespace declaration in force. Its strings are no part of the
// text.
func (s *Scanner) bind(prefix, space string) {
	if prefix == "" {
		s.unprefixed = s.bound
	}
	if s.bound >= len(s.bindings) {
		s.boundMore = append(s.boundMore[:s.bound-len(s.bindings)], binding{prefix, space})
	} else if b := &s.bindings[s.bound]; b.prefix != prefix || b.space != space { // mostly it is that of the text before
		*b = binding{prefix, space}
	}
	s.bound++
}

// unbind ends those that were declared in the element o.
func (s *Scanner) unbind(o *open) {
	s.env, s.bound = o.env, int(o.bindings)
	s.unprefixed, _ = s.place("")
}

// resolve puts the namespace declarations of t in force, and resolves its
// names. p is the position of its '<'.
func (s *Scanner) resolve(p int, t *tag) {
	s.declare(p, t)
	s.space = s.resolved(s.text[p+1:p+1+int(t.qname)], t.name.Prefix, p+1)
	attr := t.attr
	for i := range attr {
		a := &attr[i]
		if a.Name.Prefix != "" && a.Name.Space == "" {
			a.Name.Space = s.spaceAt(s.resolved("", a.Name.Prefix, p+a.At.Start))
		}
		s.known(p, t, a, int32(i))
	}
	if len(attr) > 1 {
		s.duplicates(p, attr)
	}
}

// declare looks for xmlns attributes.
func (s *Scanner) declare(p int, t *tag) {
	before := s.bound
	for i := range t.attr {
		a := &t.attr[i]
		switch {
		case a.Name.Prefix == "xmlns":
			a.Name.Space = xmlnsNS
			s.checkBinding(a, p)
			s.bind(strings.Clone(a.Name.Local), ownSpace(a.Value))
		case a.Name.Prefix == "" && a.Name.Local == "xmlns":
			a.Name.Space = xmlnsNS
			s.checkBinding(a, p)
			s.bind("", ownSpace(a.Value))
		}
	}
	if s.bound != before {
		s.envs++
		s.env = s.envs
	}
}

// checkBinding notes what Namespaces in XML 1.0 has against a declaration.
func (s *Scanner) checkBinding(a *Attr, p int) {
	prefix := a.Name.Local
	if a.Name.Prefix == "" {
		prefix = ""
	}
	wrong := ""
	switch {
	case prefix == "xml" && a.Value != xmlNS, prefix != "xml" && a.Value == xmlNS, prefix == "xmlns", a.Value == xmlnsNS:
		wrong = "a reserved prefix or namespace is declared anew"
	case prefix != "" && a.Value == "":
		wrong = "prefix " + quote(prefix) + " is bound to nothing"
	default:
		return
	}
	s.quirks.note(Malformed, p+a.At.Start, p+a.At.End, wrong)
}

// ownSpace is a namespace that holds no text in memory.
func ownSpace(space string) string {
	switch space {
	case EnvelopeNS:
		return EnvelopeNS
	case EncodingNS:
		return EncodingNS
	case SchemaNS:
		return SchemaNS
	case InstanceNS:
		return InstanceNS
	}
	return strings.Clone(space)
}

// resolved is the place of a prefix's namespace, none when it isn't declared,
// which is noted. A name of two colons is resolved by its first part.
func (s *Scanner) resolved(qname, prefix string, at int) int {
	i, ok := s.place(prefix)
	if ok {
		return i
	}
	if c := strings.IndexByte(qname, ':'); c >= 0 && strings.IndexByte(qname[c+1:], ':') >= 0 {
		prefix = qname[:c]
		if i, ok = s.place(prefix); ok {
			return i
		}
	}
	s.undeclaredPrefix(prefix, at, "prefix "+quote(prefix)+" is not declared")
	return noSpace
}

func (s *Scanner) undeclaredPrefix(prefix string, at int, text string) {
	s.one.only = s.serial
	if len(s.undeclared) > 100 || slices.Contains(s.undeclared, prefix) {
		return
	}
	s.undeclared = append(s.undeclared, prefix)
	s.quirks.note(Undeclared, at, min(at+len(prefix), len(s.text)), text)
}

// known picks out the attributes that SOAP encoding gives a meaning: xsi:type
// and arrayType, whatever namespaces they are in.
func (s *Scanner) known(p int, t *tag, a *Attr, i int32) {
	switch {
	case a.Name.Local == "type" && a.Name.Prefix != "" && !t.typed:
		t.xsiType, t.typed = a.Value, true
	case a.Name.Local == "arrayType" && t.arrayType < 0:
		t.arrayType = i
		if s.encodingNS == "" {
			s.encodingNS = a.Name.Space
		}
	default:
		return
	}
	if prefix := valuePrefix(a.Value); !s.declared(prefix) {
		s.undeclaredPrefix("="+prefix, p+a.At.Start, "prefix "+quote(prefix)+" in the value of "+quote(a.Name.Local)+" is not declared")
	}
}

// qualifiesValue tells whether the value of a may have a prefix.
func (a *Attr) qualifiesValue() bool {
	return a.Name.Local == "type" && a.Name.Prefix != "" || a.Name.Local == "arrayType"
}

// valuePrefix is the prefix of a value that is a qualified name, "" without.
func valuePrefix(value string) string { return value[:max(0, strings.IndexByte(value, ':'))] }

// declared tells whether names with a prefix resolve here.
func (s *Scanner) declared(prefix string) bool {
	_, ok := s.place(prefix)
	return ok
}

// duplicates notes attributes that are there twice, by their names as written
// or resolved. The first one counts.
func (s *Scanner) duplicates(p int, attr []Attr) {
	for i := 1; i < len(attr); i++ {
		a := &attr[i]
		for j := range i {
			b := &attr[j]
			if a.Name.Local == b.Name.Local && (a.Name.Prefix == b.Name.Prefix || a.Name.Space == b.Name.Space && a.Name.Space != "" && a.Name.Space != xmlnsNS) {
				s.quirks.note(DuplicateAttr, p+a.At.Start, p+a.At.End, "attribute "+quote(a.Name.Local)+" twice")
				break
			}
		}
	}
}
