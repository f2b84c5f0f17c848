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
	if b, ok := appendString(e.b, s); ok {
		e.b = b
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
	if b, ok := appendString(e.b, s); ok {
		e.b = b
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
	e.b = append(e.b, '"')
	e.b = t.UTC().AppendFormat(e.b, time.RFC3339Nano)
	e.b = append(e.b, '"')
}

func (e *encoder) hex(k string, v []byte) {
	e.key(k)
	e.b = append(e.b, '"')
	e.b = hex.AppendEncode(e.b, v)
	e.b = append(e.b, '"')
}

// escaped are the bytes below 0x80 that a JSON string cannot hold, or a
// terminal must not see.
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

// appendString appends s as a JSON string. It is false, and dst as it was, when
// s is no valid UTF-8.
func appendString(dst []byte, s string) ([]byte, bool) {
	start := len(dst)
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		if !escaped[s[i]] {
			i++
			continue
		}
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			if r, n = utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError && n == 1 {
				return dst[:start], false
			}
			if !unsafeRune(r) {
				i += n
				continue
			}
		}
		dst = append(dst, s[from:i]...)
		dst = appendEscape(dst, r)
		i += n
		from = i
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"'), true
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
