package soap

import (
	"math"
	"strings"
	"unicode/utf8"
)

// preparation makes a Document's Text of a body: it settles the charset and
// replaces what XML has no characters for. The body is rewritten only when
// something of it must be.
type preparation struct {
	doc    *Document
	quirks quirks
	out    strings.Builder // the text as far as it was rewritten
	begin  int             // where reading begins in Text, behind the declaration
	// declEncoding is the encoding of the XML declaration, "" without.
	declEncoding string
}

// prepare fills d.Text, d.Charset, d.Declaration and how Text maps to the body. It returns
// where reading begins, and what it found.
func prepare(d *Document, body, contentType string) (begin int, found quirks) {
	p := preparation{doc: d}
	nul := len(body)
	if big, is, mark := utf16Of(body); is {
		p.wide(body, big, mark)
	} else {
		body = body[:trimNUL(body)]
		p.narrow(body, contentType)
	}
	if nul -= len(body); nul > 0 {
		p.quirks.note(TrailingContent, len(d.Text), len(d.Text), itoa(nul)+" NUL bytes after the end")
	}
	return p.begin, p.quirks
}

// trimNUL is the length of body without NUL bytes at its end.
func trimNUL(body string) int {
	n := len(body)
	for n > 0 && body[n-1] == 0 {
		n--
	}
	return n
}

// wide reads UTF-16.
func (p *preparation) wide(body string, big, mark bool) {
	d := p.doc
	from := 0
	if mark {
		from = 2
		p.quirks.note(ByteOrderMark, 0, 0, "byte order mark of UTF-16")
	} else {
		p.quirks.note(BadCharset, 0, 0, "UTF-16 without a byte order mark")
	}
	d.Charset = "utf-16"
	p.quirks.note(CharsetOther, 0, 0, "charset utf-16")
	p.fromUTF16(body, from, big)
	d.Text = p.out.String()
	p.declaration("utf-16")
}

// narrow reads every charset whose ASCII characters are single bytes.
func (p *preparation) narrow(body, contentType string) {
	d := p.doc
	if len(body) > math.MaxInt32 {
		body = body[:math.MaxInt32]
		p.quirks.note(Truncated, len(body), len(body), "only the first 2 GB are read")
	}
	if strings.HasPrefix(body, "\xEF\xBB\xBF") {
		body = body[3:]
		d.mapped().base = 3
		p.quirks.note(ByteOrderMark, 0, 0, "byte order mark of UTF-8")
	}
	d.Text = body
	first := odd(body, 0)
	p.declaration("")
	header := canonical(CharsetOf(contentType))
	d.Charset = p.effective(header)
	if first < len(body) {
		p.rewrite(body, first, header == "" && p.declEncoding == "")
	}
}

// effective is the charset that header and declaration tell.
func (p *preparation) effective(header string) string {
	declared := canonical(p.declEncoding)
	if header != "" && declared != "" && header != declared {
		p.quirks.note(CharsetMismatch, 0, p.begin, "Content-Type says "+quote(header)+", the XML declaration "+quote(declared))
	}
	charset := "utf-8"
	switch {
	case header != "":
		charset = header
	case declared != "":
		charset = declared
	}
	if declared == "utf-16" {
		p.quirks.note(BadCharset, 0, p.begin, "declared as UTF-16, which it is not")
	}
	if charset != "utf-8" {
		p.quirks.note(CharsetOther, 0, 0, "charset "+quote(charset))
	}
	return charset
}

// odd is the first position from i on whose byte is neither printable ASCII
// nor white space; len(s) when there is none.
func odd(s string, i int) int {
	for ; i+32 <= len(s); i += 32 {
		w := s[i : i+32]
		if (oddBits(word(w[:8]))|oddBits(word(w[8:16]))|oddBits(word(w[16:24]))|oddBits(word(w[24:])))&highs != 0 {
			if n := oddOf(w); n < len(w) {
				return i + n
			}
		}
	}
	return i + oddOf(s[i:])
}

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// word is the 8 bytes that s begins with.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// oddBits has the top bit of a byte set where one of x may be odd. In each byte,
// where none has the top bit itself: the top bit of x+1 says that it is 0x7F,
// that of x+0x60 that it is a space or above, and that of (x^newline)+0x7F that
// it is no newline.
func oddBits(x uint64) uint64 {
	const newlines = '\n' * ones
	return x | (x + ones) | ^(x+0x60*ones)&((x^newlines)+0x7F*ones)
}

// oddOf is odd, byte by byte.
func oddOf(s string) int {
	for i := 0; i < len(s); i++ {
		if oddByte(s[i]) {
			return i
		}
	}
	return len(s)
}

func oddByte(c byte) bool { return c >= 0x7F || c < 0x20 && class[c]&isSpace == 0 }

// rewrite deals with a body that has odd bytes, the first at i. guess is set
// when nothing tells the charset.
func (p *preparation) rewrite(body string, i int, guess bool) {
	d := p.doc
	high, control := kinds(body, i)
	table := singleByte(d.Charset)
	if high {
		if table == nil {
			table = p.checkUTF8(body, i, guess)
		}
	}
	if control || high && table != nil {
		p.out.Grow(len(body) + len(body)/8)
		p.copy(body, i, table)
		d.Text = p.out.String()
	}
	if at := firstAbove(d.Text); at >= 0 {
		p.quirks.note(RawNonASCII, at, at+1, "a character outside of printable ASCII, not written as a reference")
	}
}

// kinds tells whether there are bytes from 0x80 on, and characters that XML
// forbids.
func kinds(s string, i int) (high, control bool) {
	for ; i < len(s); i = odd(s, i+1) {
		switch c := s[i]; {
		case c < 0x20:
			control = true
		case c >= 0x80:
			high = true
			control = control || nonCharacter(s[i:])
		}
		if high && control {
			return
		}
	}
	return
}

// nonCharacter tells whether s begins with U+FFFE or U+FFFF in UTF-8.
func nonCharacter(s string) bool {
	return len(s) > 2 && s[0] == 0xEF && s[1] == 0xBF && s[2] >= 0xBE
}

func firstAbove(s string) int {
	for i := 0; i < len(s); i++ {
		if i = odd(s, i); i < len(s) && s[i] >= 0x7F {
			return i
		}
	}
	return -1
}

// checkUTF8 notes bytes that are no UTF-8. When nothing told the charset, a
// body with such bytes is read as ISO-8859-1; otherwise they stay as they are.
func (p *preparation) checkUTF8(body string, i int, guess bool) func(byte) rune {
	d := p.doc
	switch d.Charset {
	case "utf-8":
	case "us-ascii":
		p.quirks.note(BadCharset, i, i+1, "not in the charset us-ascii")
	default:
		p.quirks.note(BadCharset, i, i+1, "charset "+quote(d.Charset)+" is not known; read as UTF-8")
	}
	if utf8.ValidString(body) {
		return nil
	}
	for n := 0; i < len(body) && n < maxQuirks; {
		r, size := utf8.DecodeRuneInString(body[i:])
		if r == utf8.RuneError && size == 1 {
			p.quirks.note(BadCharset, i, i+1, "byte "+hex(body[i])+" is no UTF-8")
			n++
		}
		i = odd(body, i+size)
	}
	if guess {
		d.Charset = "iso-8859-1"
		return singleByte(d.Charset)
	}
	return nil
}

func hex(c byte) string {
	return string([]byte{'0', 'x', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15]})
}

// copy rewrites body, whose first odd byte is at i.
func (p *preparation) copy(body string, i int, table func(byte) rune) {
	base := p.doc.mapped().base
	done := 0
	for ; i < len(body); i = odd(body, i) {
		c := body[i]
		replace, width := rune(-1), 1
		switch {
		case c < 0x20:
			replace = utf8.RuneError
		case c < 0x80:
		case table != nil:
			replace = table(c)
		case nonCharacter(body[i:]):
			replace, width = utf8.RuneError, 3
		default:
			_, width = utf8.DecodeRuneInString(body[i:])
		}
		if replace < 0 {
			i += width
			continue
		}
		p.plain(body, done, i, base)
		p.replace(replace, c, base+i, width)
		i += width
		done = i
	}
	p.plain(body, done, len(body), base)
}

// plain copies body[from:to].
func (p *preparation) plain(body string, from, to, base int) {
	if from < to {
		p.doc.mapped().add(p.out.Len(), base+from, 1, 1)
		p.out.WriteString(body[from:to])
	}
}

// replace writes r for the byte c.
func (p *preparation) replace(r rune, c byte, from, width int) {
	at := p.out.Len()
	p.doc.mapped().add(at, from, utf8.RuneLen(r), width)
	p.out.WriteRune(r)
	switch {
	case c < 0x20:
		p.quirks.note(ForbiddenChar, at, p.out.Len(), "character "+hex(c)+" is not allowed in XML")
	case width == 3:
		p.quirks.note(ForbiddenChar, at, p.out.Len(), "a non-character of Unicode is not allowed in XML")
	case r == utf8.RuneError:
		p.quirks.note(BadCharset, at, p.out.Len(), "byte "+hex(c)+" is not in the charset "+p.doc.Charset)
	}
}

// rune writes a character of UTF-16.
func (p *preparation) rune(r rune, from, width int) {
	at := p.out.Len()
	if forbidden(r) {
		p.quirks.note(ForbiddenChar, at, at+3, "a character that is not allowed in XML")
		r = utf8.RuneError
	}
	p.doc.mapped().add(at, from, utf8.RuneLen(r), width)
	p.out.WriteRune(r)
}
