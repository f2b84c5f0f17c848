package cwmp

import (
	"cmp"
	"slices"
	"strings"

	"informant/decode/http1"
	"informant/decode/soap"
)

// What is held beside the bytes of messages, in bytes. They are measured, and
// rather too large than too small.
const (
	messageCost  = 1 << 10 // of an HTTP message and its Message, even when it was trimmed
	documentCost = 1 << 10 // of an envelope, its tags and the least arguments
	methodCost   = 1 << 10 // of each further Message of one HTTP message
	fieldCost    = 48      // of an HTTP field
	pieceCost    = 24      // of a packet's part of a message
	nodeCost     = 128 + 8 // of an element without a schema
	noteCost     = 64      // of a Note
)

// weigh holds the limits on what is kept. What outgrows them is let go at the
// next call, when everybody has seen it.
func (t *Tracker) weigh(s *tracked, m *Message) {
	if m.HTTP == nil {
		return
	}
	if m.N > 1 && s.Messages[m.N-2].HTTP == m.HTTP {
		t.hold(s, methodCost)
		return
	}
	s.RawBytes += int64(len(m.HTTP.Raw))
	if !t.keep(s, weight(m)) {
		t.trim = append(t.trim, trimming{&s.Session, m})
		t.hold(s, messageCost)
	}
}

// keep counts n bytes as held by a session; false says that its limit, or that
// of all together, has no room for them.
func (t *Tracker) keep(s *tracked, n int64) bool {
	if s.kept+n > t.limits.SessionBytes || t.held+n > t.limits.TotalBytes {
		return false
	}
	t.hold(s, n)
	return true
}

// hold counts n bytes as held by a session.
func (t *Tracker) hold(s *tracked, n int64) {
	s.kept += n
	t.held += n
}

// relieve ends the largest sessions when what is left of trimmed messages, of
// which only their number tells, has outgrown the limit of all together by a
// quarter.
func (t *Tracker) relieve() {
	limit := t.limits.TotalBytes
	if t.held <= limit+limit/4 {
		return
	}
	var open []*tracked
	for s := t.open.oldest; s != nil; s = s.newer {
		open = append(open, s)
	}
	slices.SortStableFunc(open, func(a, b *tracked) int { return cmp.Compare(b.kept, a.kept) })
	for _, s := range open {
		if t.held <= limit {
			return
		}
		t.end(s, TooLarge)
	}
}

// weight is about what is held of a message.
func weight(m *Message) int64 {
	n := weightHTTP(m.HTTP)
	for _, x := range m.Interim {
		n += weightHTTP(x)
	}
	if m.Document != nil {
		n += documentCost
		if len(m.Document.Text) != len(m.HTTP.Body) {
			n += len(m.Document.Text)
		}
	}
	for i := range m.Extra {
		n += weightNode(m.Extra[i].Node)
	}
	return int64(n + noteCost*len(m.Notes))
}

func weightHTTP(m *http1.Message) int {
	n := len(m.Raw) + messageCost + fieldCost*(len(m.Fields)+len(m.Trailers)) + pieceCost*len(m.Pieces)
	if m.Coding != "" || m.Framing == http1.Chunked {
		n += len(m.Body)
	}
	return n
}

func weightNode(x *soap.Node) int {
	if x == nil {
		return 0
	}
	n := nodeCost
	for _, c := range x.Children {
		n += weightNode(c)
	}
	return n
}

// trimming is a message whose raw bytes are to be let go.
type trimming struct {
	s *Session
	m *Message
}

func (x trimming) do() {
	whole := x.m.HTTP
	stub := whole.Stub()
	// The messages of one HTTP message stand side by side.
	for i := x.m.N - 1; i < len(x.s.Messages) && x.s.Messages[i].HTTP == whole; i++ {
		m := x.s.Messages[i]
		m.HTTP, m.Document, m.Args, m.Extra, m.Notes, m.Fault, m.Header = stub, nil, nil, nil, nil, nil, Header{}
		m.ID, m.RPC, m.Method.Prefix = strings.Clone(m.ID), strings.Clone(m.RPC), ""
		m.Method.Local, m.Method.Space = m.RPC, strings.Clone(m.Method.Space)
		m.Trimmed, m.Interim = true, nil
		x.s.TrimmedN++
	}
}
