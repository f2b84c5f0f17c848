package soap

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// reference reads the reference at s[0] == '&'. n is its length. kind is 0
// for a good one; otherwise r is not defined and s[:n] stays as it is written,
// but for ForbiddenChar, where r is U+FFFD.
func reference(s string) (r rune, n int, kind QuirkKind) {
	if len(s) > 1 && s[1] == '#' {
		return number(s)
	}
	i := 1
	for i < len(s) && i < 256 && class[s[i]]&isName != 0 {
		i++
	}
	if i == 1 || i >= len(s) || s[i] != ';' || class[s[1]]&isNameStart == 0 {
		return 0, 1, BareAmpersand
	}
	switch s[1:i] {
	case "amp":
		return '&', i + 1, 0
	case "lt":
		return '<', i + 1, 0
	case "gt":
		return '>', i + 1, 0
	case "quot":
		return '"', i + 1, 0
	case "apos":
		return '\'', i + 1, 0
	}
	return 0, i + 1, UnknownEntity
}

// number reads a numeric reference.
func number(s string) (r rune, n int, kind QuirkKind) {
	i, base := 2, 10
	if len(s) > 2 && s[2] == 'x' {
		i, base = 3, 16
	}
	first, value := i, 0
	for ; i < len(s); i++ {
		d := digit(s[i])
		if d >= base {
			break
		}
		if value <= utf8.MaxRune {
			value = value*base + d
		}
	}
	if i == first || i >= len(s) || s[i] != ';' {
		return 0, 1, BareAmpersand
	}
	if forbidden(rune(min(value, utf8.MaxRune+1))) {
		return utf8.RuneError, i + 1, ForbiddenChar
	}
	return rune(value), i + 1, 0
}

func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return 99
}

// Unescape resolves the references of character data, and makes its line ends
// those of XML (2.11). References that are none stay as they are written.
// Without any, it is s itself.
func Unescape(s string) string { return unescape(s, false) }

// unescape is Unescape, or, for an attribute's value, its normalisation
// (XML 3.3.3).
func unescape(s string, attr bool) string {
	i := special(s, attr)
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i >= 0 {
		b.WriteString(s[:i])
		n := 1
		switch s[i] {
		case '&':
			n = writeReference(&b, s[i:])
		case '\r':
			if i+1 < len(s) && s[i+1] == '\n' {
				n = 2
			}
			b.WriteByte(newline(attr))
		default:
			b.WriteByte(' ')
		}
		s = s[i+n:]
		i = special(s, attr)
	}
	b.WriteString(s)
	return b.String()
}

// special is the first position of a byte that unescape has to do with, -1
// when there is none.
func special(s string, attr bool) int {
	i := 0
	for i+8 <= len(s) && plainText(word(s[i:i+8])) {
		i += 8
	}
	for ; i < len(s); i++ {
		switch s[i] {
		case '&', '\r':
			return i
		case '\n', '\t':
			if attr {
				return i
			}
		}
	}
	return -1
}

// plainText tells that none of the 8 characters is an ampersand, a '<' or a
// control character. It may be wrong the other way round.
func plainText(x uint64) bool {
	amp, lt := x^'&'*ones, x^'<'*ones
	return ((x-0x20*ones)&^x|(amp-ones)&^amp|(lt-ones)&^lt)&highs == 0
}

func newline(attr bool) byte {
	if attr {
		return ' '
	}
	return '\n'
}

func writeReference(b *strings.Builder, s string) int {
	r, n, kind := reference(s)
	switch kind {
	case 0, ForbiddenChar:
		b.WriteRune(r)
	default:
		b.WriteString(s[:n])
	}
	return n
}

// checkReferences notes what is wrong with the references in Text[start:end].
func (s *Scanner) checkReferences(start, end int) {
	for {
		i := strings.IndexByte(s.text[start:end], '&')
		if i < 0 {
			return
		}
		start += i
		_, n, kind := reference(s.text[start:end])
		if kind != 0 {
			s.badReference(kind, start, n)
		}
		start += n
	}
}

func (s *Scanner) badReference(kind QuirkKind, at, n int) {
	switch kind {
	case BareAmpersand:
		s.quirks.note(kind, at, at+1, "'&' begins no reference")
	case UnknownEntity:
		name := s.text[at+1 : at+n-1]
		if s.entityKnown(name) {
			s.quirks.note(Doctype, at, at+n, "entity "+quote(name)+" is not expanded")
		} else {
			s.quirks.note(kind, at, at+n, "entity "+quote(name)+" is not known")
		}
	case ForbiddenChar:
		s.quirks.note(kind, at, at+n, "character "+s.text[at:at+min(n, 20)]+" is not allowed in XML")
	}
}

// checkText judges character data: its references, and that ]]> is not in it.
func (s *Scanner) checkText(start, end int) {
	if s.hasAmp {
		s.checkReferences(start, end)
	}
	if s.hasCDEnd {
		if i := strings.Index(s.text[start:end], "]]>"); i >= 0 {
			s.quirks.note(Malformed, start+i, start+i+3, "]]> in character data")
		}
	}
}

// clean resolves Text[start:end] as character data.
func (s *Scanner) clean(start, end int) string {
	v := s.text[start:end]
	if s.hasAmp && strings.IndexByte(v, '&') >= 0 || s.hasCR && strings.IndexByte(v, '\r') >= 0 {
		return unescape(v, false)
	}
	return v
}

func itoa(n int) string { return strconv.Itoa(n) }
