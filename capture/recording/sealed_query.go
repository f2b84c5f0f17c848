package recording

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"informant/capture"
)

// Query selects sessions. What is zero does not select; of several things that
// are set all must hold.
type Query struct {
	ID      string    // in hex, or how it begins
	Device  string    // exactly
	Since   time.Time // sessions that start then or later
	Until   time.Time // sessions that start before
	Ordinal int       // the session's place by start, counted from 1
	// NoGroups leaves Entry.Groups out, for lists: it costs more where connections
	// carry many sessions.
	NoGroups bool
}

// Sessions yields the sessions that a query selects, by their start, or by their
// id where the query has one. It reads pages of the index alone. A page that can't
// be read yields an error, and the sessions behind it follow.
func (s *Sealed) Sessions(q Query) iter.Seq2[Entry, error] {
	q.ID = strings.ToLower(q.ID)
	return func(yield func(Entry, error) bool) {
		for l, err := range s.lines(q) {
			var e Entry
			if err == nil {
				if e, err = parseEntry(l.line); err != nil {
					err = fmt.Errorf("%w: a session in the index: %w", capture.ErrDamaged, err)
				}
				e.Ordinal = int(l.rank) + 1
			}
			if err == nil && !q.matches(&e) {
				continue
			}
			if err == nil && !q.NoGroups {
				e.Groups, err = s.needed(&e)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func (q *Query) matches(e *Entry) bool {
	return strings.HasPrefix(hex.EncodeToString(e.ID[:]), q.ID) &&
		(q.Device == "" || q.Device == e.Device) &&
		(q.Since.IsZero() || !e.Start.Before(q.Since)) &&
		(q.Until.IsZero() || e.Start.Before(q.Until)) &&
		(q.Ordinal == 0 || q.Ordinal == e.Ordinal)
}

// lines yields the lines of the session tree that a query can select, and few
// others.
func (s *Sealed) lines(q Query) iter.Seq2[ranked, error] {
	sessions := s.tree(treeSession)
	switch {
	case q.ID != "":
		return s.byKeys(treeID, q.ID)
	case q.Device != "":
		return s.byKeys(treeDevice, string(appendEscaped(nil, clipWord(q.Device, maxDevice), "\t\n\\"))+" ")
	case q.Ordinal > 0:
		return until(sessions.from(nil, int64(q.Ordinal-1)), func(l ranked) bool { return l.rank < int64(q.Ordinal) })
	case q.Ordinal < 0:
		return func(func(ranked, error) bool) {}
	}
	var from []byte
	if !q.Since.IsZero() {
		from = fmt.Appendf(nil, "%020d", max(0, q.Since.UnixNano()))
	}
	return until(sessions.from(from, 0), func(l ranked) bool {
		if q.Until.IsZero() {
			return true
		}
		start, _, err := parseKey(firstField(l.line))
		return err != nil || start.Before(q.Until)
	})
}

// until yields lines while ok.
func until(lines iter.Seq2[ranked, error], ok func(ranked) bool) iter.Seq2[ranked, error] {
	return func(yield func(ranked, error) bool) {
		for l, err := range lines {
			if err == nil && !ok(l) || !yield(l, err) {
				return
			}
		}
	}
}

// byKeys yields the lines of the session tree that the lines of another tree
// name whose keys begin so.
func (s *Sealed) byKeys(name, prefix string) iter.Seq2[ranked, error] {
	return func(yield func(ranked, error) bool) {
		var last []byte
		for line, err := range s.tree(name).seek([]byte(prefix)) {
			if err != nil {
				if !yield(ranked{}, err) {
					return
				}
				continue
			}
			if !bytes.HasPrefix(line, []byte(prefix)) {
				return
			}
			_, key, _ := bytes.Cut(line, []byte("\t"))
			if bytes.Equal(key, last) {
				continue // the same session twice: both were found by the first
			}
			last = key
			for l, err := range s.tree(treeSession).from(key, 0) {
				if err == nil && !bytes.Equal(firstField(l.line), key) {
					break
				}
				if !yield(l, err) {
					return
				}
			}
		}
	}
}

// needed is the groups that a session needs: its own, and, from group to group,
// those with earlier records of its connections.
func (s *Sealed) needed(e *Entry) ([]uint64, error) {
	set := map[uint64]bool{}
	for _, n := range e.own {
		set[n] = true
	}
	all := e.rest // all groups up to this one
	todo := slices.Clone(e.before)
	for len(todo) > 0 {
		h := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		set[h.group] = true
		g, err := s.Group(h.group)
		if err != nil {
			return nil, err
		}
		all = max(all, g.rest)
		for _, b := range g.before {
			if b.conn == h.conn && b.group < h.group {
				todo = append(todo, b)
			}
		}
	}
	if all > 0 {
		for g, err := range s.Groups() {
			if err != nil {
				return nil, err
			}
			if g.Number > all {
				break
			}
			set[g.Number] = true
		}
	}
	return slices.Sorted(maps.Keys(set)), nil
}
