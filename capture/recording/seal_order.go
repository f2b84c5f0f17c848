package recording

import (
	"bytes"
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"time"

	"informant/capture"
)

// sealer puts records into groups, and groups in order of their first Seq.
//
// Records wait in a queue, in order of Seq, until it is known whose they are: a
// session's, when the indexer found it, or their connection's, when it is
// settled. The group of the first record in the queue is the next to be written;
// while nobody knows that one, all groups behind it wait too. When too much
// waits, the first record's connection is cut: what it has is written.
type sealer struct {
	o       SealOptions
	out     *framer
	flows   map[uint64]*flow // by Conn.ID
	queue   queue
	waiting entryHeap // sessions whose groups are not all written
	entries *sorter   // lines of the session tree
	text    group

	seq      uint64 // of the last record
	raised   uint64 // by how much Seq is higher than the source's
	read     int64  // bytes of records so far
	held     int64  // bytes that wait
	told     int64  // read, when progress was told last
	number   uint64 // of the last group
	records  uint64
	bytes    int64
	first    time.Time
	last     time.Time
	sessions uint64
}

// flow is a connection while it is sealed.
type flow struct {
	conn   *capture.Conn
	opened time.Time // what its identity was made from, zero if it was not
	held   []*held   // records that are nobody's yet
	own    bool      // a group of its own was written
	groups []stay    // the groups with records of it that were written, the last ones
	gone   uint64    // the last group that is in groups no more
	mark   *piece    // the last piece that was looked at
}

// stay is what of a connection is in a group.
type stay struct{ group, first, last uint64 }

// keptParts is how many groups of a connection are remembered.
const keptParts = 4096

// held is a record that waits.
type held struct {
	r    capture.Record
	flow *flow
	at   int64  // read, when it came
	of   *piece // nil: nobody knows whose it is
	done bool   // it was written
}

// overhead is about what a waiting record takes beside its bytes.
const overhead = 256

func (h *held) size() int64 { return int64(len(h.r.Data) + len(h.r.Text)) }

// piece is the records of a group that is to be written.
type piece struct {
	kind    string
	records []*held
	entry   *pending
}

// pending is a session, some groups of which are not written yet.
type pending struct {
	Entry
	flows []*flow
	last  uint64 // Seq of its last record
}

// queue is the records that wait, in order of Seq.
type queue struct {
	list []*held
	head int
}

func (q *queue) push(h *held) { q.list = append(q.list, h) }

func (q *queue) front() *held {
	if q.head == len(q.list) {
		return nil
	}
	return q.list[q.head]
}

func (q *queue) pop() {
	q.list[q.head] = nil
	if q.head++; q.head > 1024 && q.head > len(q.list)/2 {
		n := copy(q.list, q.list[q.head:])
		clear(q.list[n:])
		q.list, q.head = q.list[:n], 0
	}
}

// take takes a record of the source, cut where it is too long for one.
func (s *sealer) take(r capture.Record) error {
	if !recordable(&r) {
		return fmt.Errorf("record %d, of kind %d, can't be recorded", r.Seq, r.Kind)
	}
	if !r.Time.IsZero() && (r.Time.Year() < 1678 || r.Time.Year() > 2261) {
		r.Time = time.Time{} // as Writer does
	}
	r.Seq += s.raised
	for len(r.Data) > maxRecord || len(r.Text) > maxRecord {
		head := r
		head.Data, r.Data = cutAt(r.Data, maxRecord)
		head.Text, r.Text = cutAt(r.Text, maxRecord)
		if err := s.put(head); err != nil {
			return err
		}
		r.Seq++
		s.raised++
	}
	return s.put(r)
}

func cutAt[T string | []byte](s T, n int) (head, tail T) {
	n = min(n, len(s))
	return s[:n], s[n:]
}

func (s *sealer) put(r capture.Record) error {
	if r.Seq <= s.seq {
		r.Seq = s.seq + 1
	}
	r.Data = bytes.Clone(r.Data)
	h := &held{r: r, flow: s.flow(&r), at: s.read}
	h.flow.held = append(h.flow.held, h)
	s.queue.push(h)
	s.count(h)
	s.found(s.o.Indexer.Feed(h.r))
	return s.write()
}

func (s *sealer) count(h *held) {
	r := &h.r
	s.seq = r.Seq
	s.records++
	s.bytes += int64(len(r.Data))
	s.read += h.size() + overhead
	s.held += h.size() + overhead
	if !r.Time.IsZero() {
		if s.first.IsZero() || r.Time.Before(s.first) {
			s.first = r.Time
		}
		if r.Time.After(s.last) {
			s.last = r.Time
		}
	}
	if s.o.Progress != nil && s.read-s.told > 1<<20 {
		s.told = s.read
		s.o.Progress(s.records, s.bytes)
	}
}

// flow is the connection of a record.
func (s *sealer) flow(r *capture.Record) *flow {
	f := s.flows[r.Conn.ID]
	if f == nil {
		f = &flow{conn: r.Conn, opened: identityTime(r)}
		s.flows[r.Conn.ID] = f
	}
	return f
}

// found takes what the indexer says.
func (s *sealer) found(list []Found) {
	for i := range list {
		if f := &list[i]; len(f.Spans) > 0 || f.Entry.ID != [16]byte{} {
			s.claim(f)
		}
	}
	for i := range list {
		for _, id := range list[i].Settled {
			if f := s.flows[id]; f != nil {
				s.settle(f)
				delete(s.flows, id)
			}
		}
	}
}

// claim makes groups of a session's records.
func (s *sealer) claim(found *Found) {
	e := &pending{Entry: found.Entry}
	e.own, e.before, e.rest = nil, nil, 0
	var records []*held
	for _, span := range found.Spans {
		f := s.flows[span.Conn]
		if f == nil {
			continue
		}
		if !slices.Contains(e.flows, f) {
			e.flows = append(e.flows, f)
		}
		e.last = max(e.last, min(span.Last, s.seq))
		records = append(records, f.claim(span)...)
		for _, p := range f.groups { // cut before the session was known
			if p.first <= span.Last && p.last >= span.First && !slices.Contains(e.own, p.group) {
				e.own = append(e.own, p.group)
			}
		}
	}
	slices.Sort(e.own)
	slices.SortFunc(records, func(a, b *held) int { return cmp.Compare(a.r.Seq, b.r.Seq) })
	s.pieces(records, session, len(e.own) > 0, e)
	heap.Push(&s.waiting, e)
}

// claim takes the records of a span that nobody had.
func (f *flow) claim(span Span) (taken []*held) {
	from, _ := slices.BinarySearchFunc(f.held, span.First, func(h *held, seq uint64) int { return cmp.Compare(h.r.Seq, seq) })
	to := from
	for to < len(f.held) && f.held[to].r.Seq <= span.Last {
		to++
	}
	taken = slices.Clone(f.held[from:to])
	f.held = slices.Delete(f.held, from, to)
	return taken
}

// settle makes groups of what nobody claimed of a connection so far.
func (s *sealer) settle(f *flow) {
	s.pieces(f.held, connection, f.own, nil)
	f.own = f.own || len(f.held) > 0
	f.held = nil
}

// pieces makes groups of records, none larger than a group may be.
func (s *sealer) pieces(records []*held, kind string, goes bool, e *pending) {
	for len(records) > 0 {
		p := &piece{kind: kind, entry: e}
		if goes {
			p.kind += goesOn
		}
		n := 0
		for size := int64(0); n < len(records) && size < groupText; n++ {
			h := records[n]
			if h.flow.mark != p {
				h.flow.mark = p
				size += overhead + 4*int64(len(h.flow.conn.Point))
			}
			size += h.size() + 48
			h.of = p
		}
		p.records, records, goes = records[:n:n], records[n:], true
	}
}

// write writes the groups that are due, and cuts connections when too much
// waits.
func (s *sealer) write() error {
	for {
		if err := s.due(); err != nil {
			return err
		}
		h := s.queue.front()
		if h == nil || s.held <= s.o.Memory && s.read-h.at <= sealWindow*s.o.Memory {
			return nil
		}
		s.settle(h.flow)
	}
}

// due writes groups while it is known which is next.
func (s *sealer) due() error {
	for {
		h := s.queue.front()
		if err := s.complete(h); err != nil {
			return err
		}
		switch {
		case h == nil || !h.done && h.of == nil:
			return nil
		case h.done:
			s.held -= overhead
			s.queue.pop()
		default:
			if err := s.emit(h.of); err != nil {
				return err
			}
		}
	}
}

// complete writes the entries of sessions that ended before a record; nil is the
// end of all.
func (s *sealer) complete(next *held) error {
	for len(s.waiting) > 0 && (next == nil || s.waiting[0].last < next.r.Seq) {
		e := heap.Pop(&s.waiting).(*pending)
		if err := s.entry(e); err != nil {
			return err
		}
	}
	return nil
}

// finish puts what is left into groups: there are no more records.
func (s *sealer) finish() error {
	s.found(s.o.Indexer.Finish())
	for _, f := range s.flows {
		s.settle(f)
	}
	clear(s.flows)
	return s.write()
}

// entryHeap is sessions by the Seq of their last record.
type entryHeap []*pending

func (h entryHeap) Len() int           { return len(h) }
func (h entryHeap) Less(i, j int) bool { return h[i].last < h[j].last }
func (h entryHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *entryHeap) Push(x any)        { *h = append(*h, x.(*pending)) }
func (h *entryHeap) Pop() any {
	last := (*h)[len(*h)-1]
	(*h)[len(*h)-1] = nil
	*h = (*h)[:len(*h)-1]
	return last
}
