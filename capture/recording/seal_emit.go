package recording

import (
	"slices"
	"time"
)

// emit writes a group.
func (s *sealer) emit(p *piece) error {
	s.number++
	g := Group{Number: s.number, FirstSeq: p.records[0].r.Seq, LastSeq: p.records[len(p.records)-1].r.Seq, Records: uint64(len(p.records))}
	g.Kind = p.kind[:1]
	g.GoesOn = len(p.kind) > 1
	s.text.text = s.out.buffer()
	s.text.begin(s.number, p.kind, &p.records[0].r)
	for _, h := range p.records {
		s.text.add(&h.r, h.flow.opened)
		g.Bytes += int64(len(h.r.Data))
		g.span(h.r.Time)
		h.flow.wrote(s.number, h.r.Seq, &g.before)
		s.held -= h.size()
		h.r.Data, h.r.Text, h.done = nil, "", true
	}
	if len(g.before) > maxHops {
		g.rest = s.number - 1
	}
	if p.entry != nil {
		p.entry.own = append(p.entry.own, s.number)
	}
	return s.out.put(s.text.text, g)
}

// span widens the group's times to one more.
func (g *Group) span(t time.Time) {
	if t.IsZero() {
		return
	}
	if g.First.IsZero() || t.Before(g.First) {
		g.First = t
	}
	if t.After(g.Last) {
		g.Last = t
	}
}

// wrote notes that a record went into a group; the first one of the connection
// there adds where its earlier ones are.
func (f *flow) wrote(number, seq uint64, before *[]hop) {
	if n := len(f.groups); n > 0 && f.groups[n-1].group == number {
		f.groups[n-1].last = seq
		return
	} else if n > 0 {
		*before = append(*before, hop{f.conn.ID, f.groups[n-1].group})
	}
	if len(f.groups) == keptParts {
		f.gone = f.groups[keptParts/2-1].group
		f.groups = slices.Delete(f.groups, 0, keptParts/2)
	}
	f.groups = append(f.groups, stay{number, seq, seq})
}

// entry writes a session's line. All groups with records of its connections up
// to its last record are written, and no others.
func (s *sealer) entry(e *pending) error {
	s.sessions++
	slices.Sort(e.own)
	for _, f := range e.flows {
		if g := f.foreign(e.own); g > 0 {
			e.before = append(e.before, hop{f.conn.ID, g})
		}
	}
	if len(e.before) > maxHops || len(e.own) > maxGroups {
		e.rest = s.number
	}
	return s.entries.add(e.Entry.append(nil))
}

// foreign is the last group of the connection that is not among a session's own;
// 0 without one.
func (f *flow) foreign(own []uint64) uint64 {
	for _, p := range slices.Backward(f.groups) {
		if _, is := slices.BinarySearch(own, p.group); !is {
			return p.group
		}
	}
	return f.gone
}

// statement is what the sealed recording says of itself, as far as is known
// before its index is written.
func (s *sealer) statement() Statement {
	return Statement{
		ID: s.o.Header.ID, Groups: s.number, Records: s.records, Sessions: s.sessions,
		Bytes: s.bytes, First: s.first.UTC(), Last: s.last.UTC(),
	}
}
