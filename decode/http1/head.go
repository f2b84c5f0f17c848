package http1

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
)

// head is what was read of a message's head, as spans of its Raw: the strings
// are made when the message is, so that they share memory with the final Raw.
// It is used again for the next message.
type head struct {
	line   startLine // spans in Raw
	fields []fieldSpan
	folds  []string // the joined values of folded fields
	quirks []Quirk
	noted  uint64 // bit set of the quirks noted

	length   int64  // Content-Length, -1 none that could be read
	coding   string // Content-Encoding, lower case; "" none
	lengths  int32  // Content-Length values seen
	lengthAt int32  // where the first of them stands
	chunked  bool
	plain    bool // it has no odd bytes
	found    bool // line is known
	trailer  bool // what is read is a trailer, which says nothing of the body
}

// fieldSpan is a field as spans of the text it was read from. Its line begins
// where its name does.
type fieldSpan struct {
	name, value Span
	end         int32 // of the line
	fold        int32 // a folded field: 1 more than the index of its value in folds
}

func (h *head) reset() {
	clear(h.folds) // they hold the bytes they were read from
	*h = head{fields: h.fields[:0], folds: h.folds[:0], quirks: h.quirks[:0], length: -1}
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

// parse reads the head raw, whose start line begins at start, and keeps so many
// fields of it.
func (h *head) parse(raw string, start int, request bool, maxFields int) {
	if start > 0 {
		h.note(LeadingEmptyLine, 0, "")
	}
	end := h.lineEnd(raw, start)
	h.startLine(raw, start, textEnd(raw, start, end), request)
	h.readFields(raw, end, maxFields)
	h.oddBytes(raw[start:], start)
	if h.chunked && h.lengths > 0 {
		h.note(LengthAndChunked, int(h.lengthAt), "")
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
	l := h.line
	if !h.found {
		l, _ = parseStart(text, request)
	}
	if from > 0 {
		l.method, l.target = l.method.moved(from), l.target.moved(from)
		l.version, l.reason = l.version.moved(from), l.reason.moved(from)
	}
	h.line = l
	version := l.version.of(raw)
	if version != "HTTP/1.1" && version != "HTTP/1.0" {
		h.note(OddVersion, int(l.version.Start), version)
	}
	if !request {
		if l.reason.Start >= l.reason.End {
			h.note(MissingReason, from, text)
		}
		return
	}
	method, target := l.method.of(raw), l.target.of(raw)
	if method != "POST" && strings.ToUpper(method) != method {
		h.note(OddMethod, int(l.method.Start), method)
	}
	if target == "" || strings.IndexByte(target, ' ') >= 0 || strings.IndexByte(target, '\t') >= 0 {
		h.note(OddTarget, int(l.target.Start), target)
	}
}

// readFields reads the field lines of raw from i on, up to the empty line.
func (h *head) readFields(raw string, i, maxFields int) {
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
			h.fold(&f, raw, strings.Trim(raw[i:to], " \t"))
			f.end = int32(to)
		} else {
			if open {
				h.take(raw, &f, maxFields)
			}
			f = h.field(raw, i, to)
			open = true
		}
		i = end
	}
	if open {
		h.take(raw, &f, maxFields)
	}
}

// take takes a field that was read whole.
func (h *head) take(raw string, f *fieldSpan, maxFields int) {
	if len(h.fields) < maxFields {
		h.fields = append(h.fields, *f)
	} else if !h.trailer {
		h.note(HeadTooLarge, int(f.name.Start), "more fields than are kept")
	}
	if !h.trailer {
		h.framing(raw, f)
	}
}

// fold adds another line to a field's value.
func (h *head) fold(f *fieldSpan, raw, more string) {
	if f.fold == 0 {
		h.folds = append(h.folds, f.value.of(raw))
		f.fold = int32(len(h.folds))
	}
	v := &h.folds[f.fold-1]
	if *v != "" && more != "" {
		*v += " "
	}
	*v += more
}

// field reads one field line.
func (h *head) field(raw string, from, to int) fieldSpan {
	text := raw[from:to]
	f := fieldSpan{end: int32(to)}
	colon := strings.IndexByte(text, ':')
	if colon < 0 {
		h.note(NoColon, from, text)
		f.name = spanOf(from, from+trimBlank(text))
		f.value = spanOf(to, to)
		return f
	}
	n := trimBlank(text[:colon])
	if n < colon {
		h.note(SpaceBeforeColon, from+n, text)
	}
	f.name = spanOf(from, from+n)
	h.fieldName(text[:n], from)
	v := skipBlank(text, colon+1)
	if v == colon+1 && v < len(text) {
		h.note(NoSpaceAfterColon, from+colon, text)
	}
	f.value = spanOf(from+v, from+max(v, trimBlank(text)))
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
func (h *head) framing(raw string, f *fieldSpan) {
	name := f.name.of(raw)
	switch {
	case isName(name, lengthName):
		h.contentLength(h.text(raw, f), int(f.name.Start))
	case isName(name, chunkedName):
		h.transferEncoding(h.text(raw, f))
	case isName(name, "Content-Encoding"):
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

// text returns the value of a field.
func (h *head) text(raw string, f *fieldSpan) string {
	if f.fold > 0 {
		return h.folds[f.fold-1]
	}
	return f.value.of(raw)
}

func (h *head) transferEncoding(v string) {
	if strings.EqualFold(v, "chunked") {
		h.chunked = true
		return
	}
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
		h.lengthAt = int32(at)
	}
	if n, plain := parseLength(v); plain && h.lengths == 0 {
		h.lengths, h.length = 1, n
		return
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
	if h.plain {
		return
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c-' ' < 0x7f-' ' || c == '\r' || c == '\n' || c == '\t' {
			continue
		}
		if c < 0x80 {
			h.note(NULInHead, base+i, s[i:i+1])
		} else {
			h.note(NonASCIIInHead, base+i, s[i:i+1])
		}
	}
}

// materialise makes the fields, which were read from raw, and adds them to
// fields.
func (h *head) materialise(fields []Field, raw string) []Field {
	for i := range h.fields {
		f := &h.fields[i]
		fields = append(fields, Field{Name: f.name.of(raw), Value: h.text(raw, f), Line: Span{f.name.Start, f.end}})
	}
	return fields
}

// measure finds the end of the head that begins data, 0 when it has not come,
// and about how long a body it declares, to reserve room; -1 for one in chunks.
// The head is plain if oddBytes will find nothing in it.
func measure(data []byte) (head, body int, plain bool) {
	plain = true
	for i := 0; ; {
		n := bytes.IndexByte(data[i:], '\n')
		if n < 0 {
			return 0, body, false
		}
		line := data[i : i+n]
		i += n + 1
		plain = plain && isPlain(bytes.TrimSuffix(line, crEnd))
		switch {
		case n == 0, n == 1 && line[0] == '\r':
			return i, body, plain
		case n > len(lengthName) && line[0]|0x20 == 'c' && line[len(lengthName)] == ':' && isName(string(line[:len(lengthName)]), lengthName):
			body = lengthHint(line[len(lengthName)+1:])
		case n > len(chunkedName) && line[0]|0x20 == 't' && line[len(chunkedName)] == ':' && isName(string(line[:len(chunkedName)]), chunkedName):
			body = -1
		}
	}
}

var crEnd = []byte{'\r'}

// isPlain says whether all of line are printable ASCII characters, eight at a
// time: a byte below ' ' sets its high bit when ' ' is taken from it, and one of
// 0x7f or more when 1 is added to it, or has it set.
func isPlain(line []byte) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; len(line) >= 8; line = line[8:] {
		v := binary.LittleEndian.Uint64(line)
		if (v|(v-' '*ones)|(v+ones))&highs != 0 {
			return false
		}
	}
	for _, c := range line {
		if c-' ' >= 0x7f-' ' {
			return false
		}
	}
	return true
}

const lengthName, chunkedName = "Content-Length", "Transfer-Encoding"

// lengthHint reads a Content-Length, not larger than reserveMax; it need not be
// right.
func lengthHint(value []byte) (n int) {
	for _, c := range value {
		if isDigit(c) {
			n = min(n*10+int(c-'0'), reserveMax)
		} else if !isBlank(c) {
			break
		}
	}
	return n
}
