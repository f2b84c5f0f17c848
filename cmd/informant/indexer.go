package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"informant/capture"
	"informant/capture/recording"
	"informant/decode"
	"informant/decode/cwmp"
	"informant/decode/http1"
	"informant/decode/transcript"
)

// indexer is the recording.Indexer that is made of the Decoder: it says which
// records the sessions are made of. What it holds grows with the connections
// that are open, not with what was read.
type indexer struct {
	decoder decode.Decoder
	flows   map[*capture.Conn]*flow
	ended   []*flow             // that are closed, and may be spoken of
	look    int                 // how many of those there are when it is looked which
	seq     uint64              // of the last record
	asked   map[[16]byte]asking // by session
	found   []recording.Found
}

// asking is how a session was asked for: the connections, and with which record
// each was done with that.
type asking struct {
	conns map[*capture.Conn]uint64
	seq   uint64 // when that was known
}

// flow is what is known of a connection.
type flow struct {
	conn    *capture.Conn
	claimed uint64 // the last Seq that is some session's
	closed  uint64 // Seq of its last record, 0 while it is open
	sides   [2]side
}

// side is one direction: which records brought which bytes.
type side struct {
	pos    int64  // in the stream, of what comes next
	base   int64  // what came before it has its session
	closed bool   // it ended
	marks  []mark // those that may be asked for
}

// mark says that the stream's bytes up to end were there with record seq.
type mark struct {
	end int64
	seq uint64
}

const (
	// marksKept is how many marks of a direction are kept exactly. Beyond, every
	// second is let go: a session then claims a record or two more than is its own.
	marksKept  = 4096
	settleLook = 64
	askedKept  = 10_000  // sessions that were asked for and are open
	askedFor   = 100_000 // records for which it is remembered that one was
)

func newIndexer() *indexer {
	return &indexer{decoder: decode.Decoder{Pool: new(decode.Pool)}, flows: map[*capture.Conn]*flow{}, asked: map[[16]byte]asking{}, look: settleLook}
}

// Feed takes a record and says what it completed.
func (x *indexer) Feed(r capture.Record) []recording.Found {
	x.found = nil
	x.seq = r.Seq
	f := x.flow(r.Conn)
	f.take(&r)
	x.items(x.decoder.Feed(r))
	if f.closed != 0 && f.closed == r.Seq {
		x.ended = append(x.ended, f)
	}
	if len(x.ended) >= x.look {
		x.settle()
	}
	return x.found
}

// Finish says what is left.
func (x *indexer) Finish() []recording.Found {
	x.found = nil
	x.items(x.decoder.Finish())
	return x.found
}

func (x *indexer) flow(c *capture.Conn) *flow {
	f := x.flows[c]
	if f == nil {
		f = &flow{conn: c}
		x.flows[c] = f
	}
	return f
}

// take follows the stream as http1 does: lost bytes count where their number is
// known.
func (f *flow) take(r *capture.Record) {
	s := &f.sides[r.From]
	switch r.Kind {
	case capture.Data:
		s.pos += int64(len(r.Data))
	case capture.Gap:
		s.pos += max(r.Lost, 0)
	case capture.Close:
		s.closed = true
		if r.Both || f.sides[r.From.Opposite()].closed {
			f.closed = r.Seq
		}
		return
	default:
		return
	}
	s.marks = append(s.marks, mark{s.pos, r.Seq})
	if len(s.marks) > marksKept {
		for i := range s.marks[:len(s.marks)/2] {
			s.marks[i] = s.marks[2*i+1]
		}
		s.marks = s.marks[:len(s.marks)/2]
	}
}

// brought is the Seq of the record with which the bytes up to end were there; 0
// where they have their session, or are not there.
func (s *side) brought(end int64) uint64 {
	if end <= s.base {
		return 0
	}
	i, _ := slices.BinarySearchFunc(s.marks, end, func(m mark, end int64) int {
		if m.end < end {
			return -1
		}
		return 1
	})
	if i == len(s.marks) {
		return 0
	}
	return s.marks[i].seq
}

// claim gives what nobody has of a connection, up to a record, to a session.
func (f *flow) claim(last uint64) (s recording.Span, ok bool) {
	if last <= f.claimed {
		return s, false
	}
	s = recording.Span{Conn: f.conn.ID, First: f.claimed + 1, Last: last}
	f.claimed = last
	for i := range f.sides {
		m := f.sides[i].marks
		n := 0
		for n < len(m) && m[n].seq <= last {
			n++
		}
		if n > 0 {
			f.sides[i].base = m[n-1].end
		}
		f.sides[i].marks = slices.Delete(m, 0, n)
	}
	return s, true
}

// items takes what the Decoder completed.
func (x *indexer) items(items []decode.Item) {
	for i := range items {
		switch it := &items[i]; it.Kind {
		case decode.ConnectionRequestItem:
			x.request(it.ConnectionRequest)
		case decode.SessionItem:
			x.session(it)
		}
		x.decoder.Pool.Put(items[i])
	}
}

// request keeps which connections asked for a session, which has them when it is
// over.
func (x *indexer) request(r *cwmp.ConnectionRequest) {
	if !r.Followed || len(x.asked) > askedKept {
		return
	}
	a := asking{map[*capture.Conn]uint64{}, x.seq}
	if old, ok := x.asked[r.Session]; ok {
		a.conns = old.conns
	}
	for _, e := range r.Exchanges {
		for _, m := range []*http1.Message{e.Request, e.Response} {
			if m != nil && x.flows[m.Conn] != nil {
				a.conns[m.Conn] = max(a.conns[m.Conn], x.flows[m.Conn].until(m))
			}
		}
	}
	x.asked[r.Session] = a
}

// until is the Seq of the record that brought the last byte of a message; 0 where
// that has its session.
func (f *flow) until(m *http1.Message) uint64 {
	return f.sides[m.From].brought(m.Offset + int64(len(m.Raw)) + m.Omitted + max(m.Lost, 0))
}

func (x *indexer) session(it *decode.Item) {
	s := it.Session
	found := recording.Found{Entry: entryOf(it)}
	last := map[*flow]uint64{}
	for _, m := range s.Messages {
		f := x.flows[m.HTTP.Conn]
		if f == nil {
			continue
		}
		seq := f.until(m.HTTP)
		if m.Trimmed {
			seq = x.seq // where it ends is not known any more
		}
		last[f] = max(last[f], seq)
	}
	for c, seq := range x.asked[s.ID].conns {
		if f := x.flows[c]; f != nil {
			last[f] = max(last[f], seq)
		}
	}
	delete(x.asked, s.ID)
	for f, seq := range last {
		if f.closed != 0 && !f.later(seq) {
			seq = f.closed
		}
		if span, ok := f.claim(seq); ok {
			found.Spans = append(found.Spans, span)
		}
	}
	slices.SortFunc(found.Spans, func(a, b recording.Span) int { return cmp.Compare(a.Conn, b.Conn) })
	x.found = append(x.found, found)
}

// later says whether bytes came after a record.
func (f *flow) later(seq uint64) bool {
	for i := range f.sides {
		if m := f.sides[i].marks; len(m) > 0 && m[len(m)-1].seq > seq {
			return true
		}
	}
	return false
}

// settle says which of the connections that are closed no session will speak of.
func (x *indexer) settle() {
	busy := map[*capture.Conn]bool{}
	x.decoder.Busy(func(c *capture.Conn) { busy[c] = true })
	for id, a := range x.asked {
		if x.seq-a.seq > askedFor {
			delete(x.asked, id)
			continue
		}
		for c := range a.conns {
			busy[c] = true
		}
	}
	var done []uint64
	x.ended = slices.DeleteFunc(x.ended, func(f *flow) bool {
		if busy[f.conn] {
			return false
		}
		done = append(done, f.conn.ID)
		delete(x.flows, f.conn)
		return true
	})
	x.look = max(settleLook, 2*len(x.ended))
	if len(done) > 0 {
		x.found = append(x.found, recording.Found{Settled: done})
	}
}

// entryOf is what the index says of a session. It keeps nothing of the item.
func entryOf(it *decode.Item) recording.Entry {
	s := it.Session
	e := recording.Entry{
		ID: s.ID, Kind: "session", Device: strings.Clone(s.Device.Key()), Start: s.Start, End: s.End,
		Outcome: s.Outcome.String(), Findings: len(it.Findings), Name: transcript.SessionName(s),
	}
	if s.Fragment {
		e.Kind = "fragment"
	}
	if s.Inform != nil {
		if in, ok := s.Inform.Args.(*cwmp.Inform); ok {
			for i := range in.Event.Items {
				e.Events = append(e.Events, strings.Clone(in.Event.Items[i].EventCode.Value))
			}
		}
	}
	for _, m := range s.Messages {
		if m.RPC != "" && m.Kind == cwmp.Request && !slices.Contains(e.RPCs, m.RPC) {
			e.RPCs = append(e.RPCs, strings.Clone(m.RPC))
		}
		if code, err := strconv.Atoi(m.FaultCode()); err == nil && !slices.Contains(e.Faults, code) {
			e.Faults = append(e.Faults, code)
		}
	}
	worst := -1
	for i := range it.Findings {
		if w := int(it.Findings[i].Severity); w > worst {
			worst, e.Worst = w, it.Findings[i].Severity.String()
		}
	}
	return e
}
