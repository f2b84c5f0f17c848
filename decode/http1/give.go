package http1

import (
	"strings"

	"informant/capture"
)

// give makes the Message of buf[:n] and hands it on. What follows in buf stays
// there as what was seen after the message.
func (s *stream) give(n int) {
	m := s.make(n)
	p := s.msg.pair
	request := s.msg.request
	s.state = stSeek
	s.keep = noLimit
	s.msg = message{gapAt: -1}
	if n < s.buf.Len() {
		s.cut(n)
	} else {
		s.buf.Reset()
		s.pieces = s.pieces[:0]
		s.start = s.pos
	}
	s.line, s.blank = 0, 0
	if i := strings.LastIndexByte(s.buf.String(), '\n'); i >= 0 {
		s.line = i + 1
	}
	if request {
		s.c.requestDone(p, m)
	} else {
		s.c.responseDone(p, m)
	}
}

// make makes the Message.
func (s *stream) make(n int) *Message {
	all := s.buf
	spare := all.Cap() - n
	wasted := spare > n/4+256
	if s.c.a.Pool != nil && all.Cap() >= roomLarge {
		wasted = spare > n // it is lent again as it is
	}
	if wasted {
		all.b = append(s.c.a.Pool.room(n), all.b[:n]...)
	}
	raw := all.String()[:n]
	h, g := &s.head, &s.msg
	fields, pieces := h.fields, s.piecesOf(n)
	if g.headless {
		fields = nil
	}
	m := s.c.a.newMessage(len(fields), len(pieces))
	if all.Len() == n {
		m.room = all.b
	}
	m.Conn, m.From, m.Raw, m.Head, m.Framing, m.Declared = s.c.c, s.dir, raw, g.headLen, g.framing, h.length
	m.Complete, m.Lost, m.Omitted, m.Size = !g.bad && g.lost == 0, g.lost, g.omitted, g.size
	m.Offset, m.First, m.Last = s.start, s.first, s.last
	if !g.headless {
		l := &h.line
		m.Method, m.Target, m.Version, m.Reason = l.method.of(raw), l.target.of(raw), l.version.of(raw), l.reason.of(raw)
		m.Status = int(l.status)
		m.Fields = h.materialise(m.Fields, raw)
	}
	for i := range pieces {
		m.Pieces = append(m.Pieces, pieces[i].Piece)
	}
	s.trailers(m)
	if g.omitted > 0 {
		h.note(BodyTooLarge, len(raw), "")
	}
	s.setBody(m)
	if g.hashing && g.lost == 0 && g.size > 0 {
		s.hash.Sum(m.SHA256[:0])
	}
	if len(h.quirks) > 0 {
		m.Quirks = append([]Quirk(nil), h.quirks...)
	}
	return m
}

// A message with as many fields and pieces as most have is one block of memory
// with them.
type (
	smallMessage struct {
		Message
		pieces [1]Piece
		fields [4]Field
	}
	usualMessage struct {
		Message
		pieces [2]Piece
		fields [8]Field
	}
	wideMessage struct {
		Message
		pieces [4]Piece
		fields [16]Field
	}
)

// newMessage makes a Message with room for so many fields and pieces.
func (a *Assembler) newMessage(fields, pieces int) *Message {
	var class uint8
	switch {
	case fields <= len(smallMessage{}.fields) && pieces <= len(smallMessage{}.pieces):
		class = 1
	case fields <= len(usualMessage{}.fields):
		class = 2
	case fields <= len(wideMessage{}.fields):
		class = 3
	default:
		return &Message{Fields: make([]Field, 0, fields), Pieces: make([]Piece, 0, pieces)}
	}
	m := a.Pool.block(class)
	if m == nil {
		m = newBlock(class)
	}
	if pieces > cap(m.Pieces) {
		m.Pieces = make([]Piece, 0, pieces)
	}
	return m
}

// newBlock makes a Message with what is in one block with it.
func newBlock(class uint8) (m *Message) {
	switch class {
	case 1:
		b := new(smallMessage)
		m, b.Fields, b.Pieces = &b.Message, b.fields[:0], b.pieces[:0]
	case 2:
		b := new(usualMessage)
		m, b.Fields, b.Pieces = &b.Message, b.fields[:0], b.pieces[:0]
	default:
		b := new(wideMessage)
		m, b.Fields, b.Pieces = &b.Message, b.fields[:0], b.pieces[:0]
	}
	m.class = class
	return m
}

// piecesOf returns the pieces of buf[:n], which belong to s.
func (s *stream) piecesOf(n int) []piece {
	i := len(s.pieces)
	for i > 1 && s.pieces[i-1].Off >= n {
		i--
	}
	return s.pieces[:i]
}

func (s *stream) trailers(m *Message) {
	if s.msg.trailer == 0 || s.msg.trailer >= len(m.Raw) || s.msg.omitted > 0 {
		return
	}
	h := &s.head
	h.fields, h.trailer = h.fields[:0], true
	h.readFields(m.Raw, s.msg.trailer, s.c.a.Limits.fields())
	if len(h.fields) > 0 {
		m.Trailers = h.materialise(make([]Field, 0, len(h.fields)), m.Raw)
	}
}

// setBody fills in Body, its content coding undone.
func (s *stream) setBody(m *Message) {
	g := &s.msg
	if g.framing == Chunked {
		m.Body, m.joined = s.dechunked(m.Raw)
		if len(s.chunks) > 0 {
			m.chunks = new(chunkMap)
			m.chunks.list = append(m.chunks.one[:0], s.chunks...)
		}
	} else {
		end := len(m.Raw)
		if g.gapAt >= 0 {
			end = min(end, g.gapAt)
		}
		m.Body = m.Raw[min(m.Head, end):end]
	}
	if s.head.coding == "" || m.Body == "" {
		return
	}
	m.Coding = s.head.coding
	if g.lost != 0 || g.omitted > 0 {
		s.head.note(BadCoding, m.Head, "the body was not kept whole")
		return
	}
	body, err := s.c.a.decode(m.Body, m.Coding)
	if err != nil {
		s.head.note(BadCoding, m.Head, err.Error())
		return
	}
	m.Body = body
}

// beginHeadless starts a message that is a bare envelope.
func (s *stream) beginHeadless() {
	if !s.c.sure {
		s.c.decide(HTTP)
	}
	s.msg = message{request: s.request(), headless: true, gapAt: -1}
	s.head.reset()
	s.chunks = s.chunks[:0]
	s.rootEnd, s.tries = s.rootEnd[:0], 0
	s.msg.headLen = s.buf.Len()
	s.msg.markup = true
	s.msg.framing = UntilClose
	s.line = s.buf.Len()
	s.state = stMarkup
	s.keep = s.c.a.Limits.body()
	if s.msg.request {
		s.c.requestBegun(s, "")
	} else {
		s.c.responseBegun(s)
	}
}

// rawBytes takes bytes of a connection that speaks no HTTP any more.
func (s *stream) rawBytes(data []byte) int {
	n := min(len(data), remainderMax-s.buf.Len())
	s.write(data[:n])
	if s.buf.Len() >= remainderMax {
		s.remainder(s.buf.Len())
	}
	return n
}

// gap is called when bytes of the direction are missing; -1: unknown how many.
func (s *stream) gap(lost int64) {
	inside := s.gapInside(lost)
	if !inside {
		s.stop(0)
	}
	s.c.emit(Event{Kind: GapSeen, From: s.dir, Lost: lost, Offset: s.pos})
	s.pos += max(lost, 0)
	if s.buf.Len() == 0 {
		s.start = s.pos
	}
	if !inside {
		if s.c.sure {
			s.c.gapIn(s.dir)
		} else {
			s.c.synced = false
		}
		return
	}
	if s.state == stLength && s.msg.left == 0 {
		s.complete()
	}
}

// gapInside takes note of lost bytes that lie inside the body. It is false when
// they don't, or when it isn't known.
func (s *stream) gapInside(lost int64) bool {
	known := s.state == stLength && lost >= 0 && lost <= s.msg.left
	if !known && s.state != stUntil {
		if s.state == stLength {
			s.loseTo(s.msg.left, lost)
		} else if s.state != stSeek && s.state != stHold && s.state != stRaw {
			s.loseTo(-1, lost)
		}
		return false
	}
	if s.state == stLength {
		s.msg.left -= lost
	}
	s.loseTo(lost, lost)
	if s.msg.gapAt < 0 {
		s.msg.gapAt = s.buf.Len()
	}
	return true
}

// loseTo counts lost bytes of the message: n when the size of the gap is known,
// -1 otherwise.
func (s *stream) loseTo(n, gap int64) {
	if n < 0 || gap < 0 || s.msg.lost < 0 {
		s.msg.lost = -1
	} else {
		s.msg.lost += n
	}
}

// end is called when the direction ends.
func (s *stream) end(why capture.End) {
	s.ended = true
	s.stop(why)
	s.c.endOf(s.dir)
}

// stop ends what is being gathered: the direction ended (why), or bytes were
// lost (0).
func (s *stream) stop(why capture.End) {
	s.short(why)
	switch s.state {
	case stSeek, stRaw:
	case stHead:
		if why == 0 {
			s.brokenHead(0)
		} else {
			s.brokenHead(ShortBody)
		}
	case stHold:
		s.release()
	default:
		s.give(s.buf.Len())
	}
	if !s.c.sure || s.c.proto == HTTP {
		s.leftOver()
	}
}

// short notes that a message ends before it is whole.
func (s *stream) short(why capture.End) {
	switch s.state {
	case stMarkup:
		s.msg.bad = s.markupCut()
	case stLength:
		s.msg.bad = true
		if why != 0 {
			s.head.note(ShortBody, s.buf.Len(), "")
		}
	case stUntil:
		s.msg.bad = why != capture.FIN
	case stSize, stChunk, stChunkEnd, stTrailer:
		s.msg.bad = true
		if why != 0 {
			s.head.note(UnfinishedChunks, s.buf.Len(), "")
		}
	}
}

// leftOver tells what stands in buf and became no message.
func (s *stream) leftOver() {
	if s.buf.Len() == 0 {
		return
	}
	if !s.c.sure {
		text := s.buf.String()[s.line:]
		if !mayStart(text, s.request()) || strings.IndexByte(text, ' ') < 0 {
			return // it may turn out to be HTTP by what the other side says
		}
		s.c.decide(HTTP)
	}
	s.remainder(s.buf.Len())
}
