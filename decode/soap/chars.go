package soap

import "unicode/utf8"

// What a byte can be, for the scanner's loops.
const (
	isSpace     = 1 << iota // XML white space
	isNameStart             // begins a name; every byte from 0x80 on counts until its rune was looked at
	isName                  // goes on in a name
	endsName                // cannot be in a name of any kind: what a tolerant reader stops at
)

var class = func() (t [256]uint8) {
	for c := 0; c < 256; c++ {
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			t[c] = isSpace | endsName
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c == ':', c >= 0x80:
			t[c] = isNameStart | isName
		case c >= '0' && c <= '9', c == '-', c == '.':
			t[c] = isName
		case c == '<', c == '>', c == '/', c == '=', c == '"', c == '\'', c == '&':
			t[c] = endsName
		}
	}
	return t
}()

// blank tells whether s is white space only.
func blank(s string) bool {
	for i := 0; i < len(s); i++ {
		if class[s[i]]&isSpace == 0 {
			return false
		}
	}
	return true
}

// skipSpace is the first position from i on that holds no white space.
func skipSpace(s string, i int) int {
	for i < len(s) && class[s[i]]&isSpace != 0 {
		i++
	}
	return i
}

// validName tells whether s is a Name of XML 1.0.
func validName(s string) bool {
	if s == "" || class[s[0]]&isNameStart == 0 {
		return false
	}
	ascii := true
	for i := 0; i < len(s); i++ {
		if class[s[i]]&isName == 0 {
			return false
		}
		ascii = ascii && s[i] < 0x80
	}
	return ascii || validWideName(s)
}

// validWideName looks at the characters of a name that are not ASCII.
func validWideName(s string) bool {
	for i, r := range s {
		if r < 0x80 {
			continue
		}
		if r == utf8.RuneError {
			return false
		}
		if !nameStartRune(r) && (i == 0 || !nameRune(r)) {
			return false
		}
	}
	return true
}

// nameStartRune is NameStartChar of XML 1.0, fifth edition, beyond ASCII.
func nameStartRune(r rune) bool {
	switch {
	case r >= 0xC0 && r <= 0x2FF:
		return r != 0xD7 && r != 0xF7
	case r >= 0x370 && r <= 0x1FFF:
		return r != 0x37E
	case r >= 0x200C && r <= 0x200D, r >= 0x2070 && r <= 0x218F, r >= 0x2C00 && r <= 0x2FEF,
		r >= 0x3001 && r <= 0xD7FF, r >= 0xF900 && r <= 0xFDCF, r >= 0xFDF0 && r <= 0xFFFD, r >= 0x10000 && r <= 0xEFFFF:
		return true
	}
	return false
}

// nameRune is NameChar beyond NameStartChar and ASCII.
func nameRune(r rune) bool {
	return r == 0xB7 || r >= 0x300 && r <= 0x36F || r >= 0x203F && r <= 0x2040
}

// forbidden tells whether XML 1.0 has no such character.
func forbidden(r rune) bool {
	switch {
	case r < 0x20:
		return r != '\t' && r != '\n' && r != '\r'
	case r >= 0xD800 && r <= 0xDFFF, r == 0xFFFE, r == 0xFFFF, r > 0x10FFFF:
		return true
	}
	return false
}
