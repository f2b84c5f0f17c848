package http1

import (
	"bytes"
	"math"
	"strings"
)

// head is what was read of a message's head, as spans of its Raw: the strings
// are made when the message is, so that they share memory with the final Raw.
// It is used again for the next message.
type head struct {
	line   startLine // spans in Raw
	fields []fieldSpan
	quirks []Quirk
	noted  uint64 // bit set of the quirks noted

	length    int64 // Content-Length, -1 none that could be read
	lengths   int   // Content-Length values seen
	lengthAt  int   // where the first of them stands
	chunked   bool
	coding    string // Content-Encoding, lower case; "" none
	limited   bool   // more fields than are kept
	maxFields int
}

// fieldSpan is a field as spans of Raw.
type fieldSpan struct {
	name, value, line Span
	folded            string // the joined value of a folded field
}

func (h *head) reset(maxFields int) {
	*h = head{fields: h.fields[:0], quirks: h.quirks[:0], length: -1, maxFields: maxFields}
}

// note notes a quirk, the first of its kind only.
func (h *head) note(k QuirkKind, at int, text string) {
	if h.noted&(1<<k) != 0 {
		return
	}
	h.noted |= 1 << k
	if len(text) > 80 {
		text = text[:80]
	}
	h.quirks = append(h.quirks, Quirk{Kind: k, At: at, Text: strings.Clone(text)})
}

func (h *head) has(k QuirkKind) bool { return h.noted&(1<<k) != 0 }

// parse reads the head raw, whose start line begins at start.
func (h *head) parse(raw string, start int, request bool) {
	if start > 0 {
		h.note(LeadingEmptyLine, 0, "")
	}
	end := h.lineEnd(raw, start)
	h.startLine(raw, start, textEnd(raw, start, end), request)
	h.readFields(raw, end, func(f fieldSpan) {
		if len(h.fields) >= h.maxFields {
			h.limited = true
			h.note(HeadTooLarge, f.line.Start, "more fields than are kept")
		} else {
			h.fields = append(h.fields, f)
		}
		h.framing(raw, f)
	})
	h.oddBytes(raw[start:], start)
	if h.lengths > 0 && h.chunked {
		h.note(LengthAndChunked, h.lengthAt, "")
	}
}

// lineEnd returns where the line that begins at i ends, its end included, and
// notes a bare LF.
func (h *head) lineEnd(raw string, i int) int {
	n := strings.IndexByte(raw[i:], '\n')
	if n < 0 {
		return len(raw)
	}
	if n == 0 || raw[i+n-1] != '\r' {
		h.note(BareLF, i+n, "")
	}
	return i + n + 1
}

// textEnd returns the end of the line raw[from:to] without its line end.
func textEnd(raw string, from, to int) int {
	if to > from && raw[to-1] == '\n' {
		to--
	}
	if to > from && raw[to-1] == '\r' {
		to--
	}
	return to
}

func (h *head) startLine(raw string, from, to int, request bool) {
	text := raw[from:to]
	l, _ := parseStart(text, request)
	for _, s := range []*Span{&l.method, &l.target, &l.version, &l.reason} {
		s.Start += from
		s.End += from
	}
	h.line = l
	version := raw[l.version.Start:l.version.End]
	if version != "HTTP/1.1" && version != "HTTP/1.0" {
		h.note(OddVersion, l.version.Start, version)
	}
	if !request {
		if l.reason.Start >= l.reason.End {
			h.note(MissingReason, from, text)
		}
		return
	}
	method, target := raw[l.method.Start:l.method.End], raw[l.target.Start:l.target.End]
	if strings.ToUpper(method) != method {
		h.note(OddMethod, l.method.Start, method)
	}
	if target == "" || strings.IndexByte(target, ' ') >= 0 || strings.IndexByte(target, '\t') >= 0 {
		h.note(OddTarget, l.target.Start, target)
	}
}

// readFields reads the field lines of raw from i on, up to the empty line.
func (h *head) readFields(raw string, i int, yield func(fieldSpan)) {
	var f fieldSpan
	open := false // f was read and may be continued
	for i < len(raw) {
		end := h.lineEnd(raw, i)
		to := textEnd(raw, i, end)
		if to == i {
			break
		}
		if open && isBlank(raw[i]) {
			h.note(FoldedField, i, raw[i:to])
			if f.folded == "" {
				f.folded = raw[f.value.Start:f.value.End]
			}
			more := strings.Trim(raw[i:to], " \t")
			if f.folded != "" && more != "" {
				f.folded += " "
			}
			f.folded += more
			f.line.End = to
		} else {
			if open {
				yield(f)
			}
			f = h.field(raw, i, to)
			open = true
		}
		i = end
	}
	if open {
		yield(f)
	}
}

// field reads one field line.
func (h *head) field(raw string, from, to int) fieldSpan {
	text := raw[from:to]
	f := fieldSpan{line: Span{from, to}}
	colon := strings.IndexByte(text, ':')
	if colon < 0 {
		h.note(NoColon, from, text)
		f.name = Span{from, from + trimBlank(text)}
		f.value = Span{to, to}
		return f
	}
	n := trimBlank(text[:colon])
	if n < colon {
		h.note(SpaceBeforeColon, from+n, text)
	}
	f.name = Span{from, from + n}
	h.fieldName(text[:n], from)
	v := skipBlank(text, colon+1)
	if v == colon+1 && v < len(text) {
		h.note(NoSpaceAfterColon, from+colon, text)
	}
	f.value = Span{from + v, from + max(v, trimBlank(text))}
	return f
}

func (h *head) fieldName(name string, at int) {
	if name == "" {
		h.note(EmptyFieldName, at, "")
		return
	}
	for i := 0; i < len(name); i++ {
		if !isToken(name[i]) {
			h.note(InvalidFieldName, at+i, name)
			return
		}
	}
}

// framing takes from a field what says how the body ends and is coded.
func (h *head) framing(raw string, f fieldSpan) {
	name := raw[f.name.Start:f.name.End]
	switch len(name) {
	case len("Content-Length"):
		if strings.EqualFold(name, "Content-Length") {
			h.contentLength(h.text(raw, f), f.line.Start)
		}
	case len("Transfer-Encoding"):
		if strings.EqualFold(name, "Transfer-Encoding") {
			h.transferEncoding(h.text(raw, f))
		}
	}
	if len(name) == len("Content-Encoding") && strings.EqualFold(name, "Content-Encoding") {
		if v := h.text(raw, f); v != "" && !strings.EqualFold(v, "identity") {
			if h.coding != "" {
				h.coding += ", "
			}
			h.coding += lowerCoding(v)
		}
	}
}

// lowerCoding returns v in lower case, without garbage for the usual ones.
func lowerCoding(v string) string {
	switch v {
	case "gzip":
		return "gzip"
	case "deflate":
		return "deflate"
	}
	return strings.Clone(strings.ToLower(v))
}

func (h *head) text(raw string, f fieldSpan) string {
	if f.folded != "" {
		return f.folded
	}
	return raw[f.value.Start:f.value.End]
}

func (h *head) transferEncoding(v string) {
	for _, c := range strings.Split(v, ",") {
		c, _, _ = strings.Cut(c, ";")
		if strings.EqualFold(strings.Trim(c, " \t\""), "chunked") {
			h.chunked = true
		}
	}
}

// contentLength reads the values of a Content-Length. Of several that differ the
// smallest holds: what it leaves over is taken in when it is no start line.
func (h *head) contentLength(v string, at int) {
	if h.lengths == 0 {
		h.lengthAt = at
	}
	for more := true; more; {
		var one string
		one, v, more = strings.Cut(v, ",")
		one = strings.Trim(one, " \t")
		n, plain := parseLength(one)
		if !plain {
			h.note(InvalidLength, at, one)
		}
		h.lengths++
		switch {
		case h.lengths == 1:
			h.length = n
		case n == h.length:
			h.note(RepeatedLength, at, one)
		default:
			h.note(ConflictingLength, at, one)
			if h.length < 0 || n >= 0 && n < h.length {
				h.length = n
			}
		}
	}
}

// parseLength reads a Content-Length. What is no plain number but means one
// ("+7", `"7"`) is read, and not plain; -1 stands for what means none.
func parseLength(s string) (n int64, plain bool) {
	plain = true
	if t := strings.Trim(s, "\"'+ \t"); t != s {
		s, plain = t, false
	}
	if s == "" {
		return -1, false
	}
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return -1, false
		}
		if n > (math.MaxInt64-9)/10 {
			return -1, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, plain
}

// oddBytes notes control characters and bytes beyond ASCII.
func (h *head) oddBytes(s string, base int) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c < 0x7f || c == '\r' || c == '\n' || c == '\t' {
			continue
		}
		if c < 0x80 {
			h.note(NULInHead, base+i, s[i:i+1])
		} else {
			h.note(NonASCIIInHead, base+i, s[i:i+1])
		}
	}
}

// materialise makes the fields of their spans.
func materialise(raw string, spans []fieldSpan) []Field {
	if len(spans) == 0 {
		return nil
	}
	fields := make([]Field, len(spans))
	for i := range spans {
		f := &spans[i]
		fields[i] = Field{Name: raw[f.name.Start:f.name.End], Value: f.folded, Line: f.line}
		if f.folded == "" {
			fields[i].Value = raw[f.value.Start:f.value.End]
		}
	}
	return fields
}

// lengthHint finds the Content-Length in a head, to reserve room; it need not be
// right.
func lengthHint(head []byte) int {
	const name = "content-length:"
	for i := 0; i+len(name) < len(head); {
		if head[i]|0x20 == 'c' && strings.EqualFold(string(head[i:i+len(name)]), name) {
			n := 0
			for j := i + len(name); j < len(head) && n <= reserveMax; j++ {
				if isDigit(head[j]) {
					n = n*10 + int(head[j]-'0')
				} else if !isBlank(head[j]) {
					break
				}
			}
			return min(n, reserveMax)
		}
		j := bytes.IndexByte(head[i:], '\n')
		if j < 0 {
			break
		}
		i += j + 1
	}
	return 0
}
