package http1

import (
	"bytes"
	"strings"

	"informant/capture"
)

func (s *stream) startSize() {
	s.state = stSize
	s.token = s.token[:0]
	s.line = s.buf.Len()
}

// takeLine gathers a line of framing into token. It returns how many bytes it
// took and whether the line is whole.
func (s *stream) takeLine(data []byte, limit int) (n int, whole bool) {
	n = bytes.IndexByte(data, '\n') + 1
	whole = n > 0
	if !whole {
		n = len(data)
	}
	if room := limit - len(s.token); n > room {
		n, whole = room, false
	}
	s.token = append(s.token, data[:n]...)
	s.write(data[:n])
	return n, whole
}

// sizeBytes takes a chunk header (RFC 9112 section 7.1).
func (s *stream) sizeBytes(data []byte) int {
	if data[0] == '<' && s.c.c.Origin == capture.Synthesised && len(s.token)+len(s.chunks) == 0 {
		// Whoever made the dump joined the chunks and left the field.
		s.msg.framing = UntilClose
		s.msg.markup = true
		s.state = stMarkup
		s.rootEnd, s.tries = s.rootEnd[:0], 0
		return s.markupBytes(data)
	}
	n, whole := s.takeLine(data, chunkLineMax)
	if !whole {
		if len(s.token) >= chunkLineMax {
			s.badChunk()
		}
		return n
	}
	size, ext, ok := parseChunk(s.token)
	if !ok {
		s.badChunk()
		return n
	}
	s.chunkQuirks(ext)
	s.token = s.token[:0]
	if size == 0 {
		s.state = stTrailer
		s.line = s.buf.Len()
		s.msg.trailer = s.buf.Len()
		return n
	}
	if len(s.chunks) >= chunksMax {
		s.keep = s.buf.Len()
	}
	if len(s.chunks) == 0 {
		s.reserve(min(s.buf.Len()+int(min(size, reserveMax))+len(lastChunk), s.keep))
	}
	if s.buf.Len() < s.keep {
		s.chunks = append(s.chunks, chunk{body: int(s.msg.kept), raw: s.buf.Len()})
	}
	s.msg.left = size
	s.state = stChunk
	return n
}

// lastChunk is what most often follows a body's only chunk.
const lastChunk = "\r\n0\r\n\r\n"

// chunkedHint is about how long a chunked body will be that begins so: one
// chunk, most often.
func chunkedHint(data []byte) int {
	n := bytes.IndexByte(data, '\n')
	if n < 0 {
		return 0
	}
	size, _, ok := parseChunk(data[:n+1])
	if !ok {
		return 0
	}
	return n + 1 + int(min(size, reserveMax)) + len(lastChunk)
}

func (s *stream) chunkQuirks(ext bool) {
	if ext {
		s.head.note(ChunkExtension, s.line, strings.TrimRight(string(s.token), "\r\n"))
	}
	if n := len(s.token); n < 2 || s.token[n-2] != '\r' {
		s.head.note(BareLF, s.buf.Len()-1, "")
	}
}

// parseChunk reads a chunk header, its line end included.
func parseChunk(line []byte) (size int64, ext, ok bool) {
	line = bytes.Trim(line, " \t\r\n")
	digits := 0
	for digits < len(line) {
		d := hexDigit(line[digits])
		if d < 0 {
			break
		}
		if size > 1<<58 {
			return 0, false, false
		}
		size = size<<4 | int64(d)
		digits++
	}
	rest := bytes.TrimLeft(line[digits:], " \t")
	if digits == 0 || len(rest) > 0 && rest[0] != ';' {
		return 0, false, false
	}
	return size, len(rest) > 0, true
}

func hexDigit(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

func (s *stream) chunkBytes(data []byte) int {
	n := len(data)
	if int64(n) > s.msg.left {
		n = int(s.msg.left)
	}
	s.body(data[:n])
	s.msg.left -= int64(n)
	if s.msg.left == 0 {
		s.state = stChunkEnd
		s.token = s.token[:0]
		s.line = s.buf.Len()
	}
	return n
}

// chunkEndBytes takes the line end after a chunk, byte by byte.
func (s *stream) chunkEndBytes(data []byte) int {
	s.token = append(s.token, data[0])
	s.write(data[:1])
	switch {
	case data[0] == '\n':
		if len(s.token) == 1 {
			s.head.note(BareLF, s.line, "")
		}
		s.startSize()
	case data[0] == '\r' && len(s.token) == 1:
	default:
		s.badChunk()
	}
	return 1
}

// badChunk ends a message whose chunks went wrong: what was right is kept, what
// was wrong is looked at again as what follows the message.
func (s *stream) badChunk() {
	s.head.note(BadChunk, min(s.line, s.buf.Len()), strings.TrimRight(string(s.token), "\r\n"))
	s.msg.bad = true
	if s.msg.omitted > 0 {
		s.give(s.buf.Len())
		return
	}
	s.give(s.line)
	s.again()
}

// again looks at what is left in buf as at new bytes: at most one line, perhaps
// without its end.
func (s *stream) again() {
	s.line = 0
	if strings.HasSuffix(s.buf.String(), "\n") {
		s.seekLine()
	}
}

// trailerBytes takes trailer lines up to the empty one.
func (s *stream) trailerBytes(data []byte) int {
	n, whole := s.takeLine(data, s.c.a.Limits.head())
	if !whole {
		if len(s.token) >= s.c.a.Limits.head() {
			s.head.note(HeadTooLarge, s.msg.trailer, "trailer")
			s.msg.bad = true
			s.give(s.buf.Len())
		}
		return n
	}
	line := strings.TrimRight(string(s.token), "\r\n")
	s.token = s.token[:0]
	if line == "" {
		s.complete()
		return n
	}
	if s.msg.omitted > 0 {
		return n
	}
	if _, ok := parseStart(line, s.msg.request); ok {
		s.head.note(UnfinishedChunks, s.line, "the empty line after the last chunk is missing")
		s.give(s.line)
		s.again()
		return n
	}
	s.line = s.buf.Len()
	if s.line-s.msg.trailer > s.c.a.Limits.head() {
		s.head.note(HeadTooLarge, s.msg.trailer, "trailer")
		s.msg.bad = true
		s.give(s.buf.Len())
	}
	return n
}

// dechunked joins the kept chunks of raw, of several ones in memory of their own.
func (s *stream) dechunked(raw string) (body string, own []byte) {
	if len(s.chunks) == 0 {
		return "", nil
	}
	at := func(i int) string { // the kept bytes of chunk i
		end := int(s.msg.kept)
		if i+1 < len(s.chunks) {
			end = s.chunks[i+1].body
		}
		c := s.chunks[i]
		return raw[c.raw : c.raw+end-c.body]
	}
	if len(s.chunks) == 1 {
		return at(0), nil
	}
	all := buffer{s.c.a.Pool.room(int(s.msg.kept))}
	for i := range s.chunks {
		all.WriteString(at(i))
	}
	return all.String(), all.b
}
