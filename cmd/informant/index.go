package main

import (
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"informant/capture"
	"informant/capture/recording"
)

// byIndex has sealed recordings read by their index, where sessions are asked
// for: only what they need is read then. Where any input has no index, or one
// that can't be read, everything is.
func (in *inputs) byIndex(c *selection) {
	if c.all() || len(in.sources) == 0 || c.isOrdinal() && len(in.sources) > 1 {
		return
	}
	plans := make([]plan, len(in.sources))
	for i, src := range in.sources {
		s, ok := src.(*recordingSource)
		if ok {
			ok = plans[i].make(s, &c.pick)
		}
		if !ok {
			for _, p := range plans[:i] {
				p.sealed.Close()
			}
			return
		}
	}
	c.names = map[[16]byte]string{}
	for i := range plans {
		plans[i].follow(in.sources[i].(*recordingSource), c.names, len(plans) == 1)
	}
}

// plan is what of a sealed recording is to be read.
type plan struct {
	sealed *recording.Sealed
	found  []recording.Entry
	groups []uint64
}

// make asks the index. It says whether that knows enough.
func (p *plan) make(s *recordingSource, asked *pick) bool {
	only := s.parts[0]
	if len(s.parts) > 1 || only.file == nil {
		return false
	}
	sealed, err := recording.OpenSealed(only.file, only.size)
	if err != nil {
		return false
	}
	p.sealed = sealed
	if sealed.Statement().Sessions == 0 || !p.ask(asked) {
		sealed.Close()
		return false
	}
	return true
}

// ask finds the sessions asked for and the groups that they need.
func (p *plan) ask(asked *pick) bool {
	q := recording.Query{Device: asked.device, Since: asked.since, Until: asked.until, NoGroups: true}
	if !asked.isOrdinal() {
		if q.ID = asked.session; asked.session != "" && len(asked.session) < 8 {
			return false
		}
	}
	if e, ok := p.named(asked.session); ok && asked.isOrdinal() && asked.device == "" && asked.since.IsZero() && asked.until.IsZero() {
		p.found = append(p.found, *e)
		return p.gather()
	}
	names := 0
	for e, err := range p.sealed.Sessions(q) {
		if err != nil {
			return false
		}
		if e.Name != "" {
			names++
		}
		if !asked.isOrdinal() || e.Name == asked.session {
			p.found = append(p.found, e)
		}
	}
	if len(p.found) > 0 && names == 0 {
		return false // an index of somebody else's
	}
	return p.gather()
}

// named is the session of a name, "3", where it stands about there in the index, which is
// by start: names count how sessions came to be known, which is nearly the same, and
// fragments have names of their own.
func (p *plan) named(name string) (*recording.Entry, bool) {
	n, err := strconv.Atoi(name)
	if err != nil || n < 1 {
		return nil, false
	}
	const before, behind = 256, 2048
	q := recording.Query{NoGroups: true}
	if n > before {
		for e, err := range p.sealed.Sessions(recording.Query{Ordinal: n - before, NoGroups: true}) {
			if err != nil {
				return nil, false
			}
			q.Since = e.Start
			break
		}
		if q.Since.IsZero() {
			return nil, false
		}
	}
	looked := 0
	for e, err := range p.sealed.Sessions(q) {
		if looked++; err != nil || looked > before+behind {
			break
		}
		if e.Name == name {
			return &e, true
		}
	}
	return nil, false
}

// gather lists the groups of what was found.
func (p *plan) gather() bool {
	n := needs{sealed: p.sealed, asked: map[[16]byte]bool{}, groups: map[uint64]bool{}, devices: map[string][][16]byte{}}
	for i := range p.found {
		if !n.add(&p.found[i]) {
			return false
		}
	}
	p.groups = slices.Sorted(maps.Keys(n.groups))
	return true
}

// needs gathers the groups that have to be read.
type needs struct {
	sealed  *recording.Sealed
	asked   map[[16]byte]bool // the sessions of which the index was asked
	groups  map[uint64]bool
	devices map[string][][16]byte // the sessions of a device, in their order
}

// add adds the groups of a session, and of its device's sessions before and after
// it: how those were left, and that another one came, tells of this one too. It
// says whether the index could be read.
func (n *needs) add(e *recording.Entry) bool {
	if e.Device == "" {
		return n.session(e.ID)
	}
	all, ok := n.devices[e.Device]
	if !ok {
		for d, err := range n.sealed.Sessions(recording.Query{Device: e.Device, NoGroups: true}) {
			if err != nil {
				return false
			}
			all = append(all, d.ID)
		}
		n.devices[e.Device] = all
	}
	i := slices.Index(all, e.ID)
	if i < 0 {
		return n.session(e.ID)
	}
	for _, id := range all[max(i-1, 0):min(i+2, len(all))] {
		if !n.session(id) {
			return false
		}
	}
	return true
}

// session adds the groups of a session.
func (n *needs) session(id [16]byte) bool {
	if n.asked[id] {
		return true
	}
	n.asked[id] = true
	for e, err := range n.sealed.Sessions(recording.Query{ID: hexID(id)}) {
		if err != nil {
			return false
		}
		for _, g := range e.Groups {
			n.groups[g] = true
		}
	}
	return true
}

// follow makes a source read what was planned.
func (p *plan) follow(s *recordingSource, names map[[16]byte]string, alone bool) {
	for _, e := range p.found {
		if names[e.ID] = ""; alone {
			names[e.ID] = e.Name
		}
	}
	groups := p.groups
	if groups == nil {
		groups = []uint64{} // none, not all
	}
	s.sealed = p.sealed
	s.read = &untilEnd{Source: p.sealed.Source(groups), end: p.sealed.Statement().Last}
}

// untilEnd is a source behind which it is told that time went on to the end of
// the recording: sessions that were over by then are.
type untilEnd struct {
	capture.Source
	end  time.Time
	seq  uint64
	last time.Time
}

func (u *untilEnd) Next() (capture.Record, error) {
	r, err := u.Source.Next()
	if err == nil {
		u.seq = r.Seq
		if r.Time.After(u.last) {
			u.last = r.Time
		}
	}
	if errors.Is(err, io.EOF) && u.end.After(u.last) {
		r = capture.Record{Seq: u.seq + 1, Time: u.end, Conn: &capture.Conn{ID: 1 << 62}, Kind: capture.Open}
		u.end = time.Time{}
		return r, nil
	}
	return r, err
}
