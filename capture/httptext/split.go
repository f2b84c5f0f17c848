package httptext

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"informant/capture"
)

// item is a message, or a remark about what is none.
type item struct {
	from   capture.Direction
	data   []byte
	cut    bool // the message ends before its length does
	remark string
}

// splitter walks through a text.
type splitter struct {
	text  []byte
	at    int
	items []item
	loose []string // lines that are no message, since the last one
	from  capture.Direction
	// unclosed are the root elements whose end was looked for up to the end of
	// the text in vain: nobody looks again, so that the work stays linear.
	unclosed map[string]bool
}

// rootEnd is rootEnd with that memory.
func (s *splitter) rootEnd(text []byte) (int, bool) {
	name, _ := rootName(text[:min(len(text), rootWithin)])
	if name == "" || s.unclosed[name] {
		return 0, false
	}
	n, ok := rootEnd(text)
	if !ok {
		if s.unclosed == nil {
			s.unclosed = map[string]bool{}
		}
		s.unclosed[name] = true
	}
	return n, ok
}

// rootWithin is where in a document its root element must begin.
const rootWithin = 8 << 10

// split finds the messages of text.
func split(text []byte) []item {
	s := &splitter{text: text}
	for s.at < len(text) {
		s.step()
	}
	s.flush()
	return s.items
}

// step takes one line between messages, or the message that begins in it.
func (s *splitter) step() {
	end := lineEnd(s.text, s.at)
	line := s.text[s.at:end]
	if isBlank(line) {
		s.at = end
		return
	}
	if i, from, ok := findStart(line); ok {
		s.before(line[:i])
		s.at += i
		s.message(from)
		return
	}
	if i := findRoot(line); i >= 0 {
		s.before(line[:i])
		s.at += i
		s.envelope()
		return
	}
	s.before(line)
	s.at = end
}

// before keeps what stands before a message, to be told.
func (s *splitter) before(text []byte) {
	if t := strings.TrimSpace(string(text)); t != "" {
		s.loose = append(s.loose, t)
	}
}

// maxRemark bounds the text of a remark.
const maxRemark = 2000

// flush tells the lines that are no message.
func (s *splitter) flush() {
	if len(s.loose) == 0 {
		return
	}
	n := len(s.loose)
	text := strings.Join(s.loose, "\n")
	if len(text) > maxRemark {
		text = text[:maxRemark] + " …"
	}
	s.remark("%d %s no HTTP message and no envelope: %s", n, plural(n, "line is", "lines are"), strings.ToValidUTF8(text, "\uFFFD"))
	s.loose = nil
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func (s *splitter) remark(format string, args ...any) {
	s.items = append(s.items, item{from: s.from, remark: fmt.Sprintf(format, args...)})
}

func (s *splitter) put(from capture.Direction, data []byte, cut bool) {
	s.from = from
	s.items = append(s.items, item{from: from, data: data, cut: cut})
	s.at += len(data)
}

// message takes the HTTP message whose start line begins at s.at.
func (s *splitter) message(from capture.Direction) {
	s.flush()
	text := s.text[s.at:]
	h := readHead(text)
	if h.cut {
		s.put(from, text[:h.end], true)
		s.remark("the head of the message before has no empty line at its end")
		return
	}
	n, note, cut := s.bodyLength(text[h.end:], h, from)
	s.put(from, text[:h.end+n], cut)
	if note != "" {
		s.remark("%s", note)
	}
}

// envelope takes the bare envelope that begins at s.at.
func (s *splitter) envelope() {
	s.flush()
	text := s.text[s.at:]
	n, whole := s.rootEnd(text)
	if !whole {
		n = nextMessage(text, true)
	}
	data := text[:n]
	s.put(sender(data), data, false)
	if !whole {
		s.remark("the root element of the text before is not closed")
	}
}

// head is what of a head says how the body ends.
type head struct {
	end     int
	cut     bool
	status  int
	length  int64 // -1 none
	chunked bool
}

// readHead reads the head at the beginning of text. A start line in it ends it:
// then the empty line is missing.
func readHead(text []byte) head {
	h := head{length: -1}
	first := lineEnd(text, 0)
	h.status = statusOf(text[:first])
	for at := first; at < len(text); {
		end := lineEnd(text, at)
		line := bytes.TrimRight(text[at:end], "\r\n")
		if len(line) == 0 {
			h.end = end
			return h
		}
		if i, _, ok := findStart(line); ok && i == 0 {
			h.end, h.cut = at, true
			return h
		}
		h.field(string(line))
		at = end
	}
	h.end, h.cut = len(text), true
	return h
}

func (h *head) field(line string) {
	name, value, _ := strings.Cut(line, ":")
	value = strings.Trim(value, " \t")
	switch {
	case strings.EqualFold(strings.TrimSpace(name), "Content-Length"):
		first, _, _ := strings.Cut(value, ",")
		if n, err := strconv.ParseInt(strings.Trim(first, " +\""), 10, 64); err == nil && n >= 0 {
			h.length = n
		}
	case strings.EqualFold(strings.TrimSpace(name), "Transfer-Encoding"):
		h.chunked = strings.Contains(strings.ToLower(value), "chunked")
	}
}

// bodyLength says how many bytes of text are the body of a message with that
// head, what is to be remarked about it, and whether it ends too early.
func (s *splitter) bodyLength(text []byte, h head, from capture.Direction) (n int, note string, cut bool) {
	if from == capture.FromServer && (h.status < 200 || h.status == 204 || h.status == 304) {
		return 0, "", false
	}
	if h.chunked {
		if n, ok := chunksLength(text); ok {
			return n, "", false
		}
		if !startsMarkup(text) {
			return nextMessage(text, false), "the chunks of the message before do not fit what the text holds", true
		}
	}
	if startsMarkup(text) && (h.length != 0 || h.chunked) {
		return s.markupLength(text, h)
	}
	if h.length < 0 || h.chunked {
		if from == capture.FromClient && isBlank(text[:lineEnd(text, 0)]) {
			return 0, "", false
		}
		return nextMessage(text, false), "", false
	}
	if h.length <= int64(len(text)) {
		n = int(h.length)
		if at := nextMessage(text[:n], false); at < n {
			return at, misfit(h.length, at), true
		}
		return n, "", false
	}
	n = nextMessage(text, false)
	return n, misfit(h.length, n), true
}

// markupLength is the length of a body of markup: to the end of its root
// element, and the blanks after it that the length covers.
func (s *splitter) markupLength(text []byte, h head) (int, string, bool) {
	n, whole := s.rootEnd(text)
	if !whole {
		n = len(text)
	}
	if next := nextMessage(text[:n], false); next < n || !whole {
		n, whole = next, false
	}
	for !h.chunked && whole && int64(n) < h.length && n < len(text) && strings.IndexByte(" \t\r\n", text[n]) >= 0 {
		n++
	}
	cut := !whole && h.length > int64(n)
	if h.length >= 0 && int64(n) != h.length && !h.chunked {
		return n, misfit(h.length, n), cut
	}
	if h.chunked {
		return n, "the message before says that it is chunked, but the text holds its chunks joined", cut
	}
	return n, "", cut
}

func misfit(length int64, n int) string {
	return fmt.Sprintf("Content-Length of the message before is %d, and %d bytes stand in the text: its own end was taken", length, n)
}

func startsMarkup(text []byte) bool {
	t := bytes.TrimLeft(text, " \t\r\n")
	return len(t) > 0 && t[0] == '<'
}

// chunksLength is the length of a chunked body that is well formed to its end.
func chunksLength(text []byte) (int, bool) {
	for at := 0; at < len(text); {
		end := lineEnd(text, at)
		digits, _, _ := strings.Cut(strings.TrimRight(string(text[at:end]), "\r\n"), ";")
		size, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 31)
		if err != nil {
			return 0, false
		}
		at = end
		if size == 0 {
			return trailerEnd(text, at), true
		}
		at += int(size)
		if at >= len(text) {
			return 0, false
		}
		end = lineEnd(text, at)
		if len(bytes.TrimRight(text[at:end], "\r\n")) != 0 {
			return 0, false
		}
		at = end
	}
	return 0, false
}

// trailerEnd is where the trailer that begins at at ends.
func trailerEnd(text []byte, at int) int {
	for at < len(text) {
		end := lineEnd(text, at)
		line := bytes.TrimRight(text[at:end], "\r\n")
		if len(line) == 0 {
			return end
		}
		if _, _, ok := findStart(line); ok {
			return at
		}
		at = end
	}
	return at
}

// nextMessage is where in text the next start line begins, or, when asked for,
// the next document; the blanks before it are not counted in.
func nextMessage(text []byte, documents bool) int {
	for at := 0; at < len(text); at = lineEnd(text, at) {
		line := text[at:lineEnd(text, at)]
		if i, _, ok := findStart(line); ok {
			return len(bytes.TrimRight(text[:at+i], " \t\r\n"))
		}
		if documents && at > 0 && bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("<?xml")) {
			return len(bytes.TrimRight(text[:at], " \t\r\n"))
		}
	}
	return len(text)
}

// lineEnd returns where the line that begins at at ends, its end included.
func lineEnd(text []byte, at int) int {
	if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(text)
}
