package soap

import (
	"slices"
	"strings"
)

// documentType reads the DOCTYPE at p. It is stepped over: of its entities
// only the names are kept, to tell those that are declared from those that
// are not.
func (s *Scanner) documentType(p int) bool {
	e := s.doctypeEnd(p + 9)
	if e < 0 {
		return s.cut(p, "a document type")
	}
	switch {
	case s.doctype, s.roots > 0:
		s.quirks.note(Malformed, p, e, "a document type where none may be")
	case s.text[p:p+9] != "<!DOCTYPE":
		s.quirks.note(Malformed, p, e, "DOCTYPE in another case")
	}
	s.doctype = true
	s.quirks.note(Doctype, p, e, "document type "+quote(s.text[p:e]))
	s.start, s.end, s.pos = p, e, e
	s.inner, s.inEnd = p+2, e-1
	s.kind = Directive
	return s.all
}

// doctypeEnd is the position behind the document type that goes on at i, -1
// when it doesn't end.
func (s *Scanner) doctypeEnd(i int) int {
	inside := false // the internal subset
	for i < len(s.text) {
		switch c := s.text[i]; c {
		case '"', '\'':
			n := strings.IndexByte(s.text[i+1:], c)
			if n < 0 {
				return -1
			}
			i += n + 1
		case '[':
			inside = true
		case ']':
			inside = false
		case '%':
			s.anyEntity = s.anyEntity || inside
		case '<':
			n := s.declarationInside(i)
			if n < 0 {
				return -1
			}
			i += n
			continue
		case '>':
			if !inside {
				return i + 1
			}
		case 'S', 'P':
			if !inside && (strings.HasPrefix(s.text[i:], "SYSTEM") || strings.HasPrefix(s.text[i:], "PUBLIC")) {
				s.anyEntity = true
			}
		}
		i++
	}
	return -1
}

// declarationInside is the length of what is to be stepped over of the markup
// at i in the internal subset.
func (s *Scanner) declarationInside(i int) int {
	rest := s.text[i:]
	closed := ""
	switch {
	case strings.HasPrefix(rest, "<!--"):
		closed = "-->"
	case strings.HasPrefix(rest, "<?"):
		closed = "?>"
	case strings.HasPrefix(rest, "<!ENTITY"):
		s.declareEntity(rest[len("<!ENTITY"):])
		return len("<!ENTITY") + s.literals(i+len("<!ENTITY"))
	default:
		return 1 + s.literals(i+1)
	}
	n := strings.Index(rest, closed)
	if n < 0 {
		return -1
	}
	return n + len(closed)
}

// literals is the distance from i to behind the '>' that ends a declaration.
func (s *Scanner) literals(i int) int {
	for j := i; j < len(s.text); j++ {
		switch c := s.text[j]; c {
		case '"', '\'':
			n := strings.IndexByte(s.text[j+1:], c)
			if n < 0 {
				return len(s.text) - i
			}
			j += n + 1
		case '>':
			return j + 1 - i
		}
	}
	return len(s.text) - i
}

// declareEntity keeps the name of a general entity.
func (s *Scanner) declareEntity(rest string) {
	f := strings.Fields(rest[:min(len(rest), 256)])
	if len(f) > 0 && f[0] != "%" && len(s.entities) < 1000 {
		s.entities = append(s.entities, f[0])
	}
}

func (s *Scanner) entityKnown(name string) bool {
	return s.anyEntity || slices.Contains(s.entities, name)
}
