package transcript

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"time"
	"unicode/utf8"
)

// encoder appends JSON. It knows no types: its callers write each object key
// by key, so that a number of megabytes costs no reflection and no garbage.
type encoder struct {
	b []byte
	// secrets: they are written as they are.
	secrets bool
	echo    echoes // of the session, where they are masked
	// second is the one of the time told last, of which date is the text.
	second  int64
	date    [32]byte
	dateLen int
}

// sep writes the comma that an element needs if it is not the first.
func (e *encoder) sep() {
	if n := len(e.b); n > 0 {
		switch e.b[n-1] {
		case '{', '[', ':', '\n':
			return
		}
		e.b = append(e.b, ',')
	}
}

func (e *encoder) key(k string) {
	e.sep()
	e.b = append(e.b, '"')
	e.b = append(e.b, k...)
	e.b = append(e.b, '"', ':')
}

func (e *encoder) open(k string, c byte) {
	if k != "" {
		e.key(k)
	} else {
		e.sep()
	}
	e.b = append(e.b, c)
}

func (e *encoder) object(k string) { e.open(k, '{') }
func (e *encoder) array(k string)  { e.open(k, '[') }
func (e *encoder) end(c byte)      { e.b = append(e.b, c) }

// text writes a field that holds s, or, where s is no valid UTF-8, one of that
// name with "Base64" behind it.
func (e *encoder) text(k, s string) {
	start := len(e.b)
	e.key(k)
	if e.quoted(s) {
		return
	}
	e.b = e.b[:start]
	e.key(k + "Base64")
	e.base64(s)
}

// known writes the field only where there is something to say.
func (e *encoder) known(k, s string) {
	if s != "" {
		e.text(k, s)
	}
}

func (e *encoder) base64(s string) {
	e.b = append(e.b, '"')
	e.b = base64.StdEncoding.AppendEncode(e.b, []byte(s))
	e.b = append(e.b, '"')
}

// item writes s as an element of an array, as an object with valueBase64 where
// it is no valid UTF-8.
func (e *encoder) item(s string) {
	e.sep()
	if e.quoted(s) {
		return
	}
	e.b = append(e.b, `{"valueBase64":`...)
	e.base64(s)
	e.b = append(e.b, '}')
}

func (e *encoder) number(k string, n int64) {
	e.key(k)
	e.b = strconv.AppendInt(e.b, n, 10)
}

func (e *encoder) yes(k string, v bool) {
	if v {
		e.key(k)
		e.b = append(e.b, "true"...)
	}
}

func (e *encoder) null(k string) {
	e.key(k)
	e.b = append(e.b, "null"...)
}

// time writes a time in RFC 3339, UTC, with as many digits as it needs; an
// unknown one is absent.
func (e *encoder) time(k string, t time.Time) {
	if t.IsZero() {
		return
	}
	e.key(k)
	if s := t.Unix(); s != e.second || e.dateLen == 0 {
		e.second, e.dateLen = s, len(t.UTC().AppendFormat(e.date[:0], "2006-01-02T15:04:05"))
	}
	e.b = append(e.b, '"')
	e.b = append(e.b, e.date[:e.dateLen]...)
	e.fraction(t.Nanosecond())
	e.b = append(e.b, 'Z', '"')
}

// fraction writes the nanoseconds of a second without the zeros at their end.
func (e *encoder) fraction(ns int) {
	if ns == 0 {
		return
	}
	e.b = append(e.b, ".000000000"...)
	for i := len(e.b) - 1; ns > 0; i-- {
		e.b[i] = byte('0' + ns%10)
		ns /= 10
	}
	for e.b[len(e.b)-1] == '0' {
		e.b = e.b[:len(e.b)-1]
	}
}

func (e *encoder) hex(k string, v []byte) {
	e.key(k)
	e.b = append(e.b, '"')
	e.b = hex.AppendEncode(e.b, v)
	e.b = append(e.b, '"')
}

// escaped are the bytes that end a clean run: what a JSON string cannot hold,
// or a terminal must not see, and all that is not ASCII.
var escaped = func() (t [256]bool) {
	for c := range 0x20 {
		t[c] = true
	}
	t['"'], t['\\'], t[0x7f] = true, true, true
	for c := 0x80; c < 0x100; c++ {
		t[c] = true
	}
	return t
}()

// cleanRun is how many bytes s begins with of which none is escaped.
func cleanRun(s string) int {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if !clean8(eight(s[i : i+8])) {
			break
		}
	}
	for i < len(s) && !escaped[s[i]] {
		i++
	}
	return i
}

// eight is the first 8 bytes of s; the compiler makes one load of it.
func eight(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// clean8 tells whether none of 8 bytes is escaped. Each term has the highest bit
// of a byte set where that byte is one: from 0x80 on, 0x7f, below 0x20, a quote,
// a backslash. A borrow can set it in the byte above such a one only.
func clean8(x uint64) bool {
	const ones = 0x0101010101010101
	return (x|(x+ones)|(x-0x20*ones)|((x^'"'*ones)-ones)|((x^'\\'*ones)-ones))&(0x80*ones) == 0
}

// quoted appends s as a JSON string. It is false, and nothing was appended, when
// s is no valid UTF-8.
func (e *encoder) quoted(s string) bool {
	n := cleanRun(s)
	e.b = append(e.b, '"')
	e.b = append(e.b, s[:n]...)
	if n < len(s) && !e.unclean(s[n:]) {
		e.b = e.b[:len(e.b)-n-1]
		return false
	}
	e.b = append(e.b, '"')
	return true
}

// unclean appends s, which begins with a byte that is escaped, as part of a
// JSON string, if it is valid UTF-8.
func (e *encoder) unclean(s string) bool {
	start := len(e.b)
	from := 0
	for i := 0; i < len(s); {
		if !escaped[s[i]] {
			i += cleanRun(s[i:])
			continue
		}
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			if r, n = utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError && n == 1 {
				e.b = e.b[:start]
				return false
			}
			if !unsafeRune(r) {
				i += n
				continue
			}
		}
		e.b = append(e.b, s[from:i]...)
		e.b = appendEscape(e.b, r)
		i += n
		from = i
	}
	e.b = append(e.b, s[from:]...)
	return true
}

// appendEscape appends r as JSON escapes it.
func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	if r >= 0x10000 {
		r -= 0x10000
		return appendHex4(appendHex4(dst, 0xd800+r>>10), 0xdc00+r&0x3ff)
	}
	return appendHex4(dst, r)
}

func appendHex4(dst []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
