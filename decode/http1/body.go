package http1

import (
	"bytes"
	"strings"
)

// body takes body bytes.
func (s *stream) body(p []byte) {
	if s.msg.file && s.msg.size == 0 && s.state == stLength && s.msg.left > fileMin && p[0] != '<' {
		s.keep = min(s.keep, s.msg.headLen+fileKeep)
	}
	if s.msg.hashing {
		s.hash.Write(p)
	}
	before := s.buf.Len()
	s.msg.size += int64(len(p))
	s.write(p)
	s.msg.kept += int64(s.buf.Len() - before)
	if s.msg.file && s.msg.kept > fileMin && s.buf.String()[s.bodyAt()] != '<' {
		s.shorten()
	}
}

// bodyAt is where in buf the body's first byte lies.
func (s *stream) bodyAt() int {
	if len(s.chunks) > 0 {
		return s.chunks[0].raw
	}
	return s.msg.headLen
}

// shorten keeps only the beginning of a file that turned out to be large.
func (s *stream) shorten() {
	at := s.msg.headLen + fileKeep
	if len(s.chunks) > 0 {
		i := len(s.chunks) - 1
		for s.chunks[i].body > fileKeep {
			i--
		}
		s.chunks = s.chunks[:i+1]
		at = s.chunks[i].raw + fileKeep - s.chunks[i].body
	}
	s.msg.omitted += int64(s.buf.Len() - at)
	s.msg.kept = fileKeep
	s.keep = at
	kept := strings.Clone(s.buf.String()[:at])
	s.buf.Reset()
	s.buf.WriteString(kept)
	for len(s.pieces) > 1 && s.pieces[len(s.pieces)-1].Off >= at {
		s.pieces = s.pieces[:len(s.pieces)-1]
	}
	if s.msg.gapAt > at {
		s.msg.gapAt = at
	}
}

// lengthBytes takes a body of declared length.
func (s *stream) lengthBytes(data []byte) int {
	n := len(data)
	if int64(n) > s.msg.left {
		n = int(s.msg.left)
	}
	s.body(data[:n])
	s.msg.left -= int64(n)
	if s.msg.left == 0 {
		s.wholeByLength()
	}
	return n
}

// wholeByLength is called when all declared bytes have come. A text that is not
// at its end then is held: the length may have been counted in characters.
func (s *stream) wholeByLength() {
	if s.msg.lost == 0 && s.msg.omitted == 0 && (s.head.has(ConflictingLength) || s.textUnfinished()) {
		s.hold()
		return
	}
	s.complete()
}

// textUnfinished says whether the body is markup that does not end with the end
// of its root element.
func (s *stream) textUnfinished() bool {
	begin := s.buf.String()[s.msg.headLen:]
	for begin != "" && isBlankByte(begin[0]) {
		begin = begin[1:]
	}
	if begin == "" || begin[0] != '<' || s.head.coding != "" {
		return false
	}
	end := begin
	for isBlankByte(end[len(end)-1]) {
		end = end[:len(end)-1]
	}
	if strings.HasSuffix(end, "/>") || strings.HasSuffix(end, "-->") || strings.HasSuffix(end, "?>") {
		return false
	}
	if end[len(end)-1] != '>' {
		return true
	}
	root := rootName(begin)
	if root == "" || strings.EqualFold(root, "html") {
		return false
	}
	open := strings.LastIndex(end, "</")
	return open < 0 || strings.TrimRight(end[open+2:len(end)-1], blankBytes) != root
}

const blankBytes = " \t\r\n\x00"

// isBlankByte says whether c is one of blankBytes.
func isBlankByte(c byte) bool { return c <= ' ' && (isBlank(c) || c == '\r' || c == '\n' || c == 0) }

// rootName returns the name of the first element of s, "" when its start tag
// has not come.
func rootName(s string) string {
	for {
		i := strings.IndexByte(s, '<')
		if i < 0 || i+1 >= len(s) {
			return ""
		}
		s = s[i+1:]
		switch {
		case strings.HasPrefix(s, "!--"):
			end := strings.Index(s, "-->")
			if end < 0 {
				return ""
			}
			s = s[end+3:]
			continue
		case s[0] == '/':
			return ""
		case s[0] == '?' || s[0] == '!':
			end := strings.IndexByte(s, '>')
			if end < 0 {
				return ""
			}
			s = s[end+1:]
			continue
		}
		n := strings.IndexAny(s, " \t\r\n/>\x00")
		if n <= 0 || n > rootNameMax {
			return ""
		}
		return s[:n]
	}
}

// markupBytes takes a body, or a whole message without a head, that ends with
// its root element: on synthesised connections, where lengths prove nothing.
func (s *stream) markupBytes(data []byte) int {
	if !s.msg.markup || s.msg.closed {
		if n := s.aroundMarkup(data); n >= 0 {
			return n
		}
	}
	n := indexLine(data)
	found := n > 0
	if !found {
		n = len(data)
	}
	s.body(data[:n])
	s.msg.left -= int64(n)
	if !found {
		return n
	}
	text := s.buf.String()
	if text[len(text)-1] == '\n' {
		s.markupLine()
		return n
	}
	if s.rootClosed(s.msg.headLen) {
		if s.msg.left <= 0 {
			s.complete()
		}
		s.msg.closed = true
	}
	return n
}

// aroundMarkup takes the blanks before the markup, and those after it that the
// length declares. It returns how many bytes it took, -1 when the markup begins.
func (s *stream) aroundMarkup(data []byte) int {
	n := 0
	for n < len(data) && (int64(n) < s.msg.left || s.msg.open && !s.msg.closed) && (isBlank(data[n]) || data[n] == '\r' || data[n] == '\n') {
		n++
	}
	if n > 0 {
		s.body(data[:n])
		s.msg.left -= int64(n)
	}
	switch {
	case s.msg.left <= 0 && !s.msg.headless && !s.msg.open, s.msg.closed && n < len(data):
		s.complete()
	case n > 0:
	case data[0] == '<':
		s.msg.markup = true
		return -1
	case s.msg.open:
		s.state = stUntil
	default:
		s.state = stLength // no markup: the length is all there is
	}
	return n
}

// indexLine returns the index behind the first '>' or line end in data, 0 when
// there is none. It looks no further than that: data may be a long message, of
// which each tag is asked for.
func indexLine(data []byte) int { return bytes.IndexAny(data, ">\n") + 1 }

// markupCut says whether a message that ends with its root element ended before
// it, and before its declared length.
func (s *stream) markupCut() bool {
	return !s.msg.closed && (s.msg.headless || s.msg.left > 0)
}

// endMarkup gives out a body or envelope that never closed its root, because the
// other side goes on.
func (s *stream) endMarkup() {
	if s.state == stMarkup {
		s.msg.bad = s.markupCut()
		s.give(s.buf.Len())
	}
}

// markupLine ends a text that never closes its root at the next start line.
func (s *stream) markupLine() {
	if s.msg.omitted > 0 {
		return
	}
	text := s.buf.String()
	from := max(s.line, s.msg.headLen)
	at, ok := findStart(text[from:], s.msg.request)
	if ok {
		s.msg.bad = s.msg.headless || s.msg.left > int64(len(text)-from-at)
		s.giveAndBegin(from + at)
		return
	}
	s.line = len(text)
}

// rootClosed says whether buf, which ends in '>', ends with the end of the root
// element of the text that begins at from.
func (s *stream) rootClosed(from int) bool {
	if s.msg.omitted > 0 {
		return false
	}
	text := s.buf.String()
	if len(s.rootEnd) == 0 {
		if s.tries++; s.tries > 1000 {
			return false
		}
		root := rootName(text[from:min(len(text), from+rootWithin)])
		if root == "" {
			return false
		}
		if open := strings.LastIndexByte(text, '<'); strings.HasSuffix(text, "/>") && strings.HasPrefix(text[open+1:], root) {
			return true
		}
		s.rootEnd = append(append(s.rootEnd[:0], "</"...), root...)
	}
	if i := len(text) - 2; i >= 0 && text[i] > ' ' && text[i]|0x20 != s.rootEnd[len(s.rootEnd)-1]|0x20 {
		return false
	}
	text = text[max(from, len(text)-2*rootNameMax):]
	open := strings.LastIndexByte(text, '<')
	return open >= 0 && strings.EqualFold(strings.TrimRight(text[open:len(text)-1], blankBytes), string(s.rootEnd))
}

// hold keeps the message back until it is known whether what follows belongs to
// it.
func (s *stream) hold() {
	if s.answered() {
		s.complete()
		return
	}
	s.msg.whole = s.buf.Len()
	s.line = s.buf.Len()
	s.keep = s.buf.Len() + tailMax
	s.rootEnd, s.tries = s.rootEnd[:0], 0
	s.state = stHold
}

// answered says whether the other side has begun to react to this message: then
// it knows that the message is whole.
func (s *stream) answered() bool {
	return s.msg.request && s.msg.pair != nil && s.msg.pair.begun
}

// holdBytes takes what follows a message that is whole by its framing.
func (s *stream) holdBytes(data []byte) int {
	n := indexLine(data)
	found := n > 0
	if !found {
		n = len(data)
	}
	if room := s.keep - s.buf.Len(); n > room {
		n, found = room, false
	}
	s.write(data[:n])
	if s.buf.Len() >= s.keep {
		s.release()
		return n
	}
	if !found {
		return n
	}
	text := s.buf.String()
	if text[len(text)-1] == '>' {
		if s.rootClosed(s.msg.headLen) {
			s.takeTail(len(text))
			s.complete()
		}
		return n
	}
	if at, ok := findStart(text[s.line:], s.msg.request); ok {
		s.giveTailAndBegin(s.line + at)
		return n
	}
	s.line = len(text)
	return n
}

// giveTailAndBegin gives out the held message, with what stands before the start
// line found at at.
func (s *stream) giveTailAndBegin(at int) {
	if allBlank(s.buf.String()[s.msg.whole:at]) {
		at = s.msg.whole
	} else {
		s.takeTail(at)
	}
	s.giveAndBegin(at)
}

// giveAndBegin gives out the message that ends at at in buf; what follows there
// ends with a start line.
func (s *stream) giveAndBegin(at int) {
	s.give(at)
	s.line = strings.LastIndexByte(strings.TrimRight(s.buf.String(), "\r\n"), '\n') + 1
	s.seekLine()
}

// takeTail makes buf up to to part of the held message's body.
func (s *stream) takeTail(to int) {
	n := to - s.msg.whole
	if n <= 0 {
		return
	}
	kind := TailAfterBody
	switch {
	case s.msg.status == 204:
		kind = BodyWhereNone
		s.msg.framing = ByLength
	case s.msg.framing == NoBody:
		kind = NoLength
		s.msg.framing = UntilClose
	}
	s.head.note(kind, s.msg.whole, "")
	if s.msg.hashing {
		s.hash.Write([]byte(s.buf.String()[s.msg.whole:to]))
	}
	s.msg.size += int64(n)
	s.msg.kept += int64(n)
}

// release gives out a held message: nothing more of it will come.
func (s *stream) release() {
	if s.state != stHold {
		return
	}
	text := s.buf.String()
	if allBlank(text[s.msg.whole:]) {
		s.give(s.msg.whole)
		return
	}
	to := len(text)
	if !s.ended && mayStart(text[s.line:], s.msg.request) {
		to = s.line // the next message, perhaps
		if allBlank(text[s.msg.whole:to]) {
			to = s.msg.whole
		}
	}
	s.takeTail(to)
	s.give(to)
}

// complete gives out the message, which is whole.
func (s *stream) complete() { s.give(s.buf.Len()) }
