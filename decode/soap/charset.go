package soap

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// canonical is the common name of a charset, lower case. Names that are not
// known are returned as they are, lower case.
func canonical(name string) string {
	switch name {
	case "":
		return ""
	case "UTF-8", "utf-8":
		return "utf-8"
	}
	name = strings.ToLower(strings.TrimSpace(name))
	switch name {
	case "utf8", "unicode-1-1-utf-8":
		return "utf-8"
	case "iso8859-1", "iso_8859-1", "iso-8859-1", "latin1", "latin-1", "l1", "iso8859_1", "8859-1":
		return "iso-8859-1"
	case "iso8859-15", "iso_8859-15", "latin9", "latin-9":
		return "iso-8859-15"
	case "ascii", "iso646-us", "ansi_x3.4-1968":
		return "us-ascii"
	case "cp1252", "windows1252", "ansi":
		return "windows-1252"
	case "utf16", "ucs-2":
		return "utf-16"
	}
	return name
}

// knownCharset tells whether there is such a charset, by its canonical name;
// it need not be one that is read here.
func knownCharset(name string) bool {
	switch name {
	case "utf-8", "us-ascii", "iso-8859-1", "utf-16", "utf-16le", "utf-16be", "utf-32", "gb2312", "gbk", "gb18030", "big5", "shift_jis",
		"koi8-r", "koi8-u", "euc-jp", "euc-kr", "iso-2022-jp", "iso-2022-kr", "tis-620", "macintosh":
		return true
	}
	for _, family := range [...]string{"iso-8859-", "windows-125", "ibm", "cp"} {
		if n, ok := strings.CutPrefix(name, family); ok && n != "" && strings.Trim(n, "0123456789") == "" {
			return true
		}
	}
	return false
}

// CharsetOf is the charset parameter of a Content-Type, "" when it has none.
func CharsetOf(contentType string) string {
	_, rest, more := strings.Cut(contentType, ";")
	for more {
		var p string
		p, rest, more = strings.Cut(rest, ";")
		k, v, ok := strings.Cut(p, "=")
		if ok && strings.EqualFold(strings.TrimSpace(k), "charset") {
			return strings.Trim(strings.TrimSpace(v), `"'`)
		}
	}
	return ""
}

// singleByte is the table of a charset of one byte per character for its
// bytes from 0x80 on; nil when it isn't one.
func singleByte(charset string) func(c byte) rune {
	switch charset {
	case "iso-8859-1":
		return func(c byte) rune { return rune(c) }
	case "iso-8859-15":
		return latin9
	case "windows-1252":
		return windows1252
	}
	return nil
}

func latin9(c byte) rune {
	switch c {
	case 0xA4:
		return '€'
	case 0xA6:
		return 'Š'
	case 0xA8:
		return 'š'
	case 0xB4:
		return 'Ž'
	case 0xB8:
		return 'ž'
	case 0xBC:
		return 'Œ'
	case 0xBD:
		return 'œ'
	case 0xBE:
		return 'Ÿ'
	}
	return rune(c)
}

// windows1252 has letters and marks where ISO-8859-1 has control characters.
func windows1252(c byte) rune {
	const table = "€\uFFFD‚ƒ„…†‡ˆ‰Š‹Œ\uFFFDŽ\uFFFD\uFFFD‘’“”•–—˜™š›œ\uFFFDžŸ"
	if c >= 0xA0 {
		return rune(c)
	}
	n := c - 0x80
	for _, r := range table {
		if n == 0 {
			return r
		}
		n--
	}
	return utf8.RuneError
}

// utf16Of tells whether a body is UTF-16 by its first bytes, and which way
// round.
func utf16Of(body string) (big, is, mark bool) {
	if len(body) < 4 {
		return false, false, false
	}
	switch {
	case body[0] == 0xFE && body[1] == 0xFF:
		return true, true, true
	case body[0] == 0xFF && body[1] == 0xFE:
		return false, true, true
	case body[0] == 0 && body[1] == '<' && body[2] == 0:
		return true, true, false
	case body[0] == '<' && body[1] == 0 && body[3] == 0:
		return false, true, false
	}
	return false, false, false
}

// fromUTF16 reads UTF-16 from body[from:] into the document's text.
func (d *preparation) fromUTF16(body string, from int, big bool) {
	unit := func(i int) rune {
		if big {
			return rune(body[i])<<8 | rune(body[i+1])
		}
		return rune(body[i+1])<<8 | rune(body[i])
	}
	i := from
	for ; i+1 < len(body); i += 2 {
		r, width := unit(i), 2
		if utf16.IsSurrogate(r) && i+3 < len(body) {
			if both := utf16.DecodeRune(r, unit(i+2)); both != utf8.RuneError {
				r, width = both, 4
			}
		}
		at := d.out.Len()
		if utf16.IsSurrogate(r) {
			d.quirks.note(BadCharset, at, at+3, "half a surrogate pair")
			r = utf8.RuneError
		}
		d.rune(r, i, width)
		i += width - 2
	}
	if i < len(body) {
		d.quirks.note(BadCharset, d.out.Len(), d.out.Len(), "half a character at the end")
	}
}
