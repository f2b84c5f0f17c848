package transcript

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unsafeRune says whether r must not reach a terminal: controls of C0 and C1,
// the format characters (those that turn or hide text among them), line and
// paragraph separators, and private or unassigned tags.
func unsafeRune(r rune) bool {
	switch {
	case r < 0x20 || r >= 0x7f && r < 0xa0:
		return true
	case r < 0xad:
		return false
	case r == 0x2028 || r == 0x2029:
		return true
	}
	return unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r) || r >= 0xe0000 && r <= 0xe0fff || r == 0x034f ||
		r >= 0xfe00 && r <= 0xfe0f || r == 0x115f || r == 0x1160 || r == 0x3164 || r == 0xffa0
}

// plain says whether s can be shown as it is.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c >= 0x7f {
			return plainSlow(s[i:])
		}
	}
	return true
}

func plainSlow(s string) bool {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || unsafeRune(r) {
			return false
		}
		i += n
	}
	return true
}

// Safe makes s fit for a terminal: control characters, bytes that are no UTF-8
// and invisible characters are written as escapes.
func Safe(s string) string { return safe(s) }

// safe makes s fit for a terminal: what must not reach it is written as an
// escape that a person can read (\n, \x1b, \u202e).
func safe(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b.WriteString(`\x`)
			b.WriteString(hex2(s[i]))
		case !unsafeRune(r):
			b.WriteString(s[i : i+n])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x80:
			b.WriteString(`\x`)
			b.WriteString(hex2(byte(r)))
		case r < 0x10000:
			b.WriteString(`\u`)
			b.WriteString(hex2(byte(r >> 8)))
			b.WriteString(hex2(byte(r)))
		default:
			b.WriteString(`\U`)
			h := strconv.FormatUint(uint64(r), 16)
			b.WriteString("00000000"[len(h):] + h)
		}
		i += n
	}
	return b.String()
}

func hex2(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}

// group writes n with a comma between each three digits: 14,990.
func group(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// count writes n things: "1 session", "0 fragments".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return group(int64(n)) + " " + many
}

// columns is how many columns s takes, with one for each character and two for
// those of East Asia that are wide.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 ||
			r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 || r >= 0xffe0 && r <= 0xffe6 ||
			r >= 0x1f300 && r <= 0x1faff || r >= 0x20000 && r <= 0x3fffd) {
			n++
		}
		if unicode.Is(unicode.Mn, r) {
			n--
		}
	}
	return n
}
