package http1

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"strings"
	"time"

	"informant/capture"
)

// state is where in a message a direction is.
type state uint8

const (
	stSeek     state = iota // between messages: a start line is looked for
	stHead                  // the start line was seen
	stLength                // a body of known length
	stMarkup                // a body that ends with its root element
	stUntil                 // a body that ends with the connection
	stSize                  // a chunk header
	stChunk                 // a chunk's data
	stChunkEnd              // the line end after it
	stTrailer               // trailer fields
	stHold                  // the body is whole by its framing; more of it may follow
	stRaw                   // no HTTP any more (101)
)

// stream is one direction of a connection. Each decision of it depends on the
// bytes up to one place in the stream, never on where a record ends.
type stream struct {
	c     *conn
	dir   capture.Direction
	state state
	ended bool
	no    bool // sniffed to the limit, and it is nothing we know

	buf    buffer    // what is being gathered: a message, or what no start line was found in
	start  int64     // where in the stream buf[0] lies
	pos    int64     // where the next byte lies
	pieces []piece   // of buf
	first  time.Time // of buf
	last   time.Time // of the last byte
	keep   int       // what of a message is kept at most
	line   int       // where in buf the current line begins
	blank  int       // so many bytes of buf are known to be blank

	msg     message
	head    head
	chunks  []chunk
	token   []byte // a chunk header or trailer line that came in parts
	hash    hash.Hash
	rootEnd []byte // "</root" of stMarkup and stHold; empty: not known
	tries   int    // how often it was looked for
}

// piece is a Piece, and when its bytes came.
type piece struct {
	Piece
	at time.Time
}

// message is what is known of the message being gathered.
type message struct {
	request  bool
	headless bool
	open     bool // stMarkup: no length was declared
	closed   bool // stMarkup: the root element has ended
	markup   bool // stMarkup: its first byte that is not blank was '<'
	status   int
	headLen  int
	framing  Framing
	left     int64 // of the body or chunk
	size     int64 // of the body, seen
	kept     int64 // of size, what is in buf
	omitted  int64
	lost     int64
	gapAt    int // in buf, -1 none
	file     bool
	bad      bool // not complete
	whole    int  // stHold: length of buf when the body was whole by its framing
	trailer  int  // where in buf the trailer begins, 0 none
	pair     *pair
	hashing  bool
}

func (s *stream) init(c *conn, d capture.Direction) {
	s.c, s.dir = c, d
	s.keep = noLimit
	s.msg.gapAt = -1
}

// empty makes s as new, but for the memory that it holds.
func (s *stream) empty() {
	s.state, s.ended, s.no = stSeek, false, false
	s.buf.Reset()
	s.start, s.pos = 0, 0
	s.pieces = s.pieces[:0]
	s.first, s.last = time.Time{}, time.Time{}
	s.keep, s.line, s.blank = noLimit, 0, 0
	s.msg = message{gapAt: -1}
	s.head.reset()
	s.chunks, s.token = s.chunks[:0], s.token[:0]
	s.rootEnd, s.tries = s.rootEnd[:0], 0
}

// large says whether s has more memory than most have.
func (s *stream) large() bool {
	return cap(s.head.fields) > 64 || cap(s.pieces) > 64 || cap(s.chunks) > 64 || cap(s.token) > 1024
}

const noLimit = int(^uint(0) >> 1)

// request says whether this direction's messages are requests.
func (s *stream) request() bool { return s.dir == s.c.asker }

// other is the opposite direction.
func (s *stream) other() *stream { return &s.c.sides[s.dir.Opposite()] }

// feed takes the direction's next bytes.
func (s *stream) feed(data []byte) {
	for len(data) > 0 {
		if s.c.sure && s.c.proto != HTTP {
			return // decided within this record
		}
		data = data[s.step(data):]
	}
}

// step takes what the present state can use of data, at least one byte.
func (s *stream) step(data []byte) int {
	switch s.state {
	case stSeek:
		return s.seek(data)
	case stHead:
		return s.headBytes(data)
	case stLength:
		return s.lengthBytes(data)
	case stMarkup:
		return s.markupBytes(data)
	case stUntil:
		s.body(data)
		return len(data)
	case stSize:
		return s.sizeBytes(data)
	case stChunk:
		return s.chunkBytes(data)
	case stChunkEnd:
		return s.chunkEndBytes(data)
	case stTrailer:
		return s.trailerBytes(data)
	case stHold:
		return s.holdBytes(data)
	}
	return s.rawBytes(data)
}

// write adds p to buf, as far as it is kept.
func (s *stream) write(p []byte) {
	s.pos += int64(len(p))
	s.last = s.c.a.rec.Time
	if room := max(s.keep-s.buf.Len(), 0); len(p) > room {
		s.msg.omitted += int64(len(p) - room)
		p = p[:room]
	}
	if len(p) == 0 {
		return
	}
	if s.buf.Len() == 0 {
		s.first = s.last
	}
	rec := &s.c.a.rec
	if n := len(s.pieces); n == 0 || s.pieces[n-1].Packet != rec.Packet || s.pieces[n-1].at != rec.Time && !s.pieces[n-1].at.Equal(rec.Time) {
		s.pieces = append(s.pieces, piece{Piece{Off: s.buf.Len(), Packet: rec.Packet}, rec.Time})
	}
	if s.buf.Cap()-s.buf.Len() < len(p) {
		s.grow(s.buf.Len() + len(p))
	}
	s.buf.Write(p)
}

// grow makes room for a buf of n bytes or more: twice of what there is, or,
// where a length was declared, up to it, but not over 64 times of what has
// really come.
func (s *stream) grow(n int) {
	if s.state == stLength {
		n = max(n, 64*s.buf.Len())
		n = min(n, s.buf.Len()+int(min(s.msg.left, int64(s.keep))))
		n = max(n, s.buf.Len()+1)
	} else {
		n = max(n, 2*s.buf.Cap())
	}
	s.reserve(min(n, s.keep))
}

// reserve makes buf's capacity n bytes, if it is less.
func (s *stream) reserve(n int) {
	if n <= s.buf.Cap() {
		return
	}
	old := s.buf.b
	s.buf.b = append(s.c.a.Pool.room(n), old...)
	if len(s.head.folds) == 0 { // else the head has strings in it
		s.c.a.Pool.lend(old)
	}
}

// cut takes the first n bytes out of buf.
func (s *stream) cut(n int) {
	rest := s.buf.String()[n:]
	s.buf.Reset()
	s.buf.WriteString(rest)
	s.start += int64(n)
	s.line = max(s.line-n, 0)
	s.blank = 0
	if rest == "" {
		s.pieces = s.pieces[:0]
		s.start = s.pos
		return
	}
	i := len(s.pieces) - 1
	for i > 0 && s.pieces[i].Off > n {
		i--
	}
	kept := copy(s.pieces, s.pieces[i:])
	s.pieces = s.pieces[:kept]
	for j := range s.pieces {
		s.pieces[j].Off = max(s.pieces[j].Off-n, 0)
	}
	s.first = s.pieces[0].at
}

// forget drops what was gathered.
func (s *stream) forget() {
	s.buf.Reset()
	s.pieces = nil
	s.line = 0
	s.blank = 0
	s.start = s.pos
}

// seek gathers lines until one is a start line.
func (s *stream) seek(data []byte) int {
	limit := remainderMax
	if !s.c.sure {
		limit = sniffMax
	}
	if s.buf.Len() == 0 {
		s.start = s.pos
		s.blank = 0
		if n := s.wholeHead(data); n > 0 {
			return n
		}
		s.reserve(min(len(data), 4<<10))
	}
	if s.c.c.Origin == capture.Synthesised && data[0] == '<' && s.allBlank() {
		s.beginHeadless()
		return s.markupBytes(data)
	}
	n := bytes.IndexByte(data, '\n') + 1
	found := n > 0
	if !found {
		n = len(data)
	}
	if s.c.c.Origin == capture.Synthesised {
		if m := bytes.IndexByte(data[:n], '<'); m > 0 && len(bytes.TrimLeft(data[:m], " \t\r\n")) == 0 {
			n, found = m, false
		}
	}
	if room := limit - s.buf.Len(); n > room {
		n, found = room, false
	}
	s.write(data[:n])
	if !s.c.sure && s.sniffTLS() {
		return n
	}
	if found {
		s.seekLine()
	} else if s.buf.Len() >= limit {
		s.seekFull()
	}
	return n
}

// allBlank says whether buf holds nothing but white space.
func (s *stream) allBlank() bool {
	text := s.buf.String()
	for s.blank < len(text) && (text[s.blank] == '\n' || text[s.blank] == '\r' || isBlank(text[s.blank])) {
		s.blank++
	}
	return s.blank == len(text)
}

// wholeHead takes a head that begins data and is there whole, as most are: in
// one go, and with room for the body it declares. It returns the head's length,
// or 0 when it took nothing, and the head is to be found line by line.
func (s *stream) wholeHead(data []byte) int {
	if s.c.c.Origin != capture.Wire || !isToken(data[0]) {
		return 0
	}
	n, body, plain := measure(data)
	if n == 0 || n > min(s.c.a.Limits.head(), sniffMax) {
		return 0
	}
	if body < 0 {
		body = chunkedHint(data[n:])
	}
	s.reserve(n + min(body, s.c.a.Limits.body()))
	s.write(data[:n])
	raw := s.buf.String()
	line := raw[:strings.IndexByte(raw, '\n')]
	line = strings.TrimSuffix(line, "\r")
	request := s.request()
	l, ok := parseStart(line, request)
	if !ok || request && (!l.method1 || behind(line, l) > 0) || line[len(line)-1] == '\r' {
		s.buf.Reset()
		s.pieces = s.pieces[:0]
		s.pos = s.start
		return 0
	}
	s.begin(0, request, l.method.of(line))
	s.head.line, s.head.found, s.head.plain = l, true, plain
	s.headDone()
	return n
}

// sniffTLS looks at the first bytes of a connection.
func (s *stream) sniffTLS() bool {
	if s.start != 0 || s.buf.Len() < 6 || s.line != 0 || s.no {
		return false
	}
	if !looksTLS(s.buf.String()[:6], s.c.midstream) {
		return false
	}
	s.c.decide(TLS)
	return true
}

// seekLine looks at the line that has just been completed.
func (s *stream) seekLine() {
	line := s.buf.String()[s.line:]
	request := s.request()
	at, ok := findStart(line, request)
	if !ok && !s.c.roles {
		request = !request
		at, ok = findStart(line, request)
	}
	if !ok {
		s.line = s.buf.Len()
		return
	}
	method := ""
	if request {
		if l, ok := parseRequestLine(strings.TrimRight(line[at:], "\r\n")); ok {
			method = l.method.of(line[at:])
		}
	}
	s.begin(s.line+at, request, method)
}

// seekFull is called when as much was gathered without a start line as may be.
func (s *stream) seekFull() {
	text := s.buf.String()
	if !s.c.sure {
		if mayStart(text[s.line:], s.request()) && strings.IndexByte(text[s.line:], ' ') > 0 {
			s.c.decide(HTTP)
			return
		}
		s.no = true
		if s.other().no {
			s.c.decide(Foreign)
		}
		s.cut(len(text))
		return
	}
	n := s.line
	if n == 0 || len(text)-n > keepTail {
		n = len(text) - keepTail
	}
	s.remainder(n)
}

// remainder tells the first n bytes of buf as a remainder.
func (s *stream) remainder(n int) {
	if n == 0 {
		return
	}
	text := strings.Clone(s.buf.String()[:n])
	s.c.emit(Event{Kind: RemainderSeen, From: s.dir, Bytes: text, Offset: s.start})
	s.cut(n)
}

// begin starts the message whose start line begins at at in buf. Nothing follows
// there but, perhaps, the rest of its head.
func (s *stream) begin(at int, request bool, method string) {
	if !s.c.sure {
		s.c.decide(HTTP)
	}
	if !s.c.roles {
		s.c.role(s.dir, request)
	}
	if !allBlank(s.buf.String()[:at]) {
		s.remainder(at)
		at = 0
	}
	s.msg = message{request: request, gapAt: -1}
	s.head.reset()
	s.chunks = s.chunks[:0]
	s.token = s.token[:0]
	s.msg.whole = at // until the head is whole: where the start line begins
	s.line = s.buf.Len()
	s.state = stHead
	if request {
		s.c.requestBegun(s, method)
	}
}

// headBytes gathers header lines until the empty one.
func (s *stream) headBytes(data []byte) int {
	n := bytes.IndexByte(data, '\n') + 1
	found := n > 0
	if !found {
		n = len(data)
	}
	if room := s.c.a.Limits.head() - s.buf.Len(); n > room {
		n, found = max(room, 0), false
	}
	s.write(data[:n])
	if found {
		line := s.buf.String()[s.line:]
		s.line = s.buf.Len()
		if line == "\r\n" || line == "\n" {
			s.headDone()
		}
		return n
	}
	if s.buf.Len() >= s.c.a.Limits.head() {
		s.brokenHead(HeadTooLarge)
	}
	return n
}

// brokenHead gives out a message whose head did not come whole.
func (s *stream) brokenHead(why QuirkKind) {
	s.readHead()
	if why != 0 {
		s.head.note(why, s.buf.Len(), "in the head")
	}
	s.msg.bad = true
	if !s.msg.request {
		s.c.responseBegun(s)
	}
	s.give(s.buf.Len())
}

// readHead reads what has come of the head.
func (s *stream) readHead() {
	s.msg.headLen = s.buf.Len()
	s.head.parse(s.buf.String(), s.msg.whole, s.msg.request, s.c.a.Limits.fields())
	s.msg.status = int(s.head.line.status)
}

// headDone decides how the body ends.
func (s *stream) headDone() {
	s.readHead()
	if !s.msg.request {
		s.c.responseBegun(s)
	}
	s.keep = s.buf.Len() + s.c.a.Limits.body()
	s.msg.file = s.isFile()
	if s.msg.hashing = s.hashed(); s.msg.hashing {
		if s.hash == nil {
			s.hash = sha256.New()
		}
		s.hash.Reset()
	}
	h := &s.head
	switch {
	case s.bodyless():
		s.msg.framing = NoBody
		if s.msg.status == 204 && (h.length > 0 || h.chunked) {
			s.hold()
			return
		}
		s.complete()
	case h.chunked:
		s.msg.framing = Chunked
		s.startSize()
	case h.length > 0:
		s.msg.framing = ByLength
		s.msg.left = h.length
		s.state = stLength
		if s.c.c.Origin == capture.Synthesised {
			s.state = stMarkup
			s.rootEnd, s.tries = s.rootEnd[:0], 0
		}
		s.reserve(int(min(int64(s.buf.Len())+min(h.length, reserveMax), int64(s.keep))))
	case h.length == 0:
		s.msg.framing = ByLength
		s.complete()
	case s.msg.request:
		s.msg.framing = NoBody
		if mayHaveBody(h.line.method.of(s.buf.String())) || h.lengths > 0 {
			s.hold()
			return
		}
		s.complete()
	default:
		s.msg.framing = UntilClose
		s.state = stUntil
		if s.c.c.Origin == capture.Synthesised {
			s.state = stMarkup
			s.msg.open = true
			s.rootEnd, s.tries = s.rootEnd[:0], 0
		}
	}
}

// bodyless says whether the message has no body by rule (RFC 9112 section 6.3).
func (s *stream) bodyless() bool {
	if s.msg.request {
		return false
	}
	st := s.msg.status
	if st < 200 || st == 204 || st == 304 {
		return true
	}
	m := s.c.methodOf(s.msg.pair)
	return m == "HEAD" || m == "CONNECT" && st < 300
}

// mayHaveBody says whether a request of that method that declares no length is
// held until it is known whether a body follows all the same.
func mayHaveBody(method string) bool {
	switch strings.ToUpper(method) {
	case "GET", "HEAD", "OPTIONS", "DELETE", "CONNECT", "TRACE":
		return false
	}
	return true
}

// isFile says whether the body may be a file transfer, of which only the
// beginning is kept.
func (s *stream) isFile() bool {
	if s.msg.request {
		return s.hashed()
	}
	return s.msg.pair == nil || s.msg.pair.x.Request == nil && !s.msg.pair.asked || s.hashed()
}

// hashed says whether the message is a GET's response or a PUT's request.
func (s *stream) hashed() bool {
	if s.msg.request {
		return strings.EqualFold(s.head.line.method.of(s.buf.String()), "PUT")
	}
	return s.c.methodOf(s.msg.pair) == "GET"
}
