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

// lookup resolves a prefix; "" is the default namespace, which is always
// known.
func (s *Scanner) lookup(prefix string) (space string, ok bool) {
	for i := s.bound - 1; i >= 0; i-- {
		b := &s.bindings[min(i, len(s.bindings)-1)]
		if i >= len(s.bindings) {
			b = &s.boundMore[i-len(s.bindings)]
		}
		if b.prefix == prefix {
			return b.space, true
		}
	}
	switch prefix {
	case "":
		return "", true
	case "xml":
		return xmlNS, true
	}
	return "", false
}

// bind puts a namespace declaration in force.
func (s *Scanner) bind(prefix, space string) {
	if s.bound < len(s.bindings) {
		s.bindings[s.bound] = binding{prefix, space}
	} else {
		s.boundMore = append(s.boundMore[:s.bound-len(s.bindings)], binding{prefix, space})
	}
	s.bound++
}

// resolve puts the namespace declarations of t in force, and resolves its
// names. p is the position of its '<'.
func (s *Scanner) resolve(p int, t *tag) {
	s.declare(p, t)
	t.name.Space = s.space(t.qname, t.name.Prefix, p+1)
	attr := s.attributes(t)
	for i := range attr {
		a := &attr[i]
		if a.Name.Prefix != "" && a.Name.Space == "" {
			a.Name.Space = s.space("", a.Name.Prefix, p+a.At.Start)
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
	attr := s.attributes(t)
	for i := range attr {
		a := &attr[i]
		switch {
		case a.Name.Prefix == "xmlns":
			a.Name.Space = xmlnsNS
			s.checkBinding(a, p)
			s.bind(a.Name.Local, a.Value)
		case a.Name.Prefix == "" && a.Name.Local == "xmlns":
			a.Name.Space = xmlnsNS
			s.checkBinding(a, p)
			s.bind("", a.Value)
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

// space is the namespace of a prefix, "" when it isn't declared, which is
// noted. A name of two colons is resolved by its first part.
func (s *Scanner) space(qname, prefix string, at int) string {
	space, ok := s.lookup(prefix)
	if ok {
		return space
	}
	if i := strings.IndexByte(qname, ':'); i >= 0 && strings.IndexByte(qname[i+1:], ':') >= 0 {
		prefix = qname[:i]
		if space, ok = s.lookup(prefix); ok {
			return space
		}
	}
	s.undeclaredPrefix(prefix, at, "prefix "+quote(prefix)+" is not declared")
	return ""
}

func (s *Scanner) undeclaredPrefix(prefix string, at int, text string) {
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
	if prefix, _, ok := strings.Cut(a.Value, ":"); ok && prefix != "" {
		if _, ok := s.lookup(prefix); !ok {
			s.undeclaredPrefix("="+prefix, p+a.At.Start, "prefix "+quote(prefix)+" in the value of "+quote(a.Name.Local)+" is not declared")
		}
	}
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
