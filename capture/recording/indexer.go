package recording

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"informant/capture"
)

// Indexer tells which records belong together. Sealing feeds it all records in
// order; what it says goes into the index, and is never the truth: an index can
// be made anew from the records.
type Indexer interface {
	// Feed takes a record, which may be kept, and says what was found.
	Feed(capture.Record) []Found
	// Finish says what else was found: there are no more records.
	Finish() []Found
}

// Found is a session that an Indexer found, connections that are done with, or
// both. Without Spans and with a zero Entry.ID there is no session in it.
type Found struct {
	Entry Entry // without Groups and Ordinal
	// Spans are the session's records. A record that no session claims belongs to
	// its connection; of several that claim it the first has it. It is well to
	// claim a connection's records without gaps, its opening and its end too: what
	// is left over waits till the connection is settled, and is a group of its own.
	Spans []Span
	// Settled are connections (Conn.ID) that no Found will speak of again, neither
	// of records that were fed nor of later ones. An Indexer settles every
	// connection as soon as it can: till then its unclaimed records wait in memory,
	// and all that came after them; what waits too long is written as the
	// connection's.
	Settled []uint64
}

// Span is a part of a connection's records.
type Span struct {
	Conn        uint64 // Conn.ID
	First, Last uint64 // Seq, inclusive
}

// Entry is what the index says of a session.
type Entry struct {
	ID       [16]byte
	Kind     string
	Device   string
	Start    time.Time
	End      time.Time
	RPCs     []string
	Events   []string
	Faults   []int
	Outcome  string
	Worst    string // severity of the worst finding
	Findings int    // how many
	// Name is what the Indexer calls the session among all, which may differ from
	// Ordinal; "" where it has no name.
	Name string

	// Ordinal is the session's place by Start in this recording, counted from 1.
	Ordinal int
	// Groups are the groups that have to be read to decode the session as in the
	// whole recording, in order: its own, and those with earlier records of its
	// connections.
	Groups []uint64

	own    []uint64 // groups with its records
	before []hop    // where the connections' earlier groups begin
	rest   uint64   // not 0: they are too many to name, it is all groups up to this one
}

// hop names a group that holds earlier records of a connection. That group's own
// hops lead on.
type hop struct{ conn, group uint64 }

// The limits of what an index says of a session, in bytes or items.
const (
	maxWord   = 256
	maxDevice = 1 << 10
	maxItems  = 200
	maxGroups = 2000
	maxHops   = 500
	maxField  = 12 << 10
)

// key is the entry's key in the session tree.
func (e *Entry) key() string {
	start := int64(0)
	if !e.Start.IsZero() {
		start = max(0, e.Start.UnixNano())
	}
	return fmt.Sprintf("%020d %x", start, e.ID)
}

const (
	startDigits = 20
	keySize     = startDigits + 1 + 32
)

// append appends the entry's line, clipped to what an index may say.
func (e *Entry) append(line []byte) []byte {
	line = append(line, e.key()...)
	line = appendField(line, clipWord(e.Device, maxDevice))
	line = appendField(line, formatTime(e.End))
	line = appendField(line, clipWord(e.Kind, maxWord))
	line = appendList(line, clipList(e.RPCs))
	line = appendList(line, clipList(e.Events))
	var faults []string
	for _, f := range e.Faults {
		faults = append(faults, strconv.Itoa(f))
	}
	line = appendList(line, clipList(faults))
	line = appendField(line, clipWord(e.Outcome, maxWord))
	line = appendField(line, clipWord(e.Worst, maxWord))
	line = appendField(line, strconv.Itoa(e.Findings))
	line = appendUints(line, e.own[:min(len(e.own), maxGroups)])
	line = appendHops(line, e.before, e.rest)
	if e.Name != "" {
		line = appendField(line, clipWord(e.Name, maxWord))
	}
	return line
}

func clipWord(s string, n int) string { return s[:min(len(s), n)] }

func clipList(list []string) (clipped []string) {
	room := maxField
	for _, s := range list {
		s = clipWord(s, maxWord)
		if room -= 2*len(s) + 1; room < 0 || len(clipped) == maxItems {
			break
		}
		clipped = append(clipped, s)
	}
	return clipped
}

// appendHops appends a TAB and hops. rest, where it is not 0, stands in their
// place.
func appendHops(line []byte, hops []hop, rest uint64) []byte {
	line = append(line, '\t')
	if rest > 0 {
		return strconv.AppendUint(append(line, '*'), rest, 10)
	}
	for i, h := range hops {
		if i > 0 {
			line = append(line, ',')
		}
		line = strconv.AppendUint(line, h.conn, 10)
		line = strconv.AppendUint(append(line, ':'), h.group, 10)
	}
	return line
}

func (f *fields) hops() (hops []hop, rest uint64) {
	for _, s := range f.list() {
		if last, ok := strings.CutPrefix(s, "*"); ok {
			n, err := strconv.ParseUint(last, 10, 64)
			if err != nil {
				f.fail()
			}
			return nil, n
		}
		conn, group, ok := strings.Cut(s, ":")
		c, errConn := strconv.ParseUint(conn, 10, 64)
		g, errGroup := strconv.ParseUint(group, 10, 64)
		if !ok || cmp.Or(errConn, errGroup) != nil {
			f.fail()
		}
		hops = append(hops, hop{c, g})
	}
	return hops, 0
}

var errKeyField = errors.New("the key of a session is malformed")

// parseEntry reads a line of the session tree.
func parseEntry(line []byte) (e Entry, err error) {
	f := fields{rest: line}
	if e.Start, e.ID, err = parseKey(f.raw()); err != nil {
		return e, err
	}
	e.Device = f.string()
	e.End = f.time()
	e.Kind = f.string()
	e.RPCs, e.Events = f.list(), f.list()
	for _, s := range f.list() {
		n, err := strconv.Atoi(s)
		if err != nil {
			f.fail()
		}
		e.Faults = append(e.Faults, n)
	}
	e.Outcome, e.Worst = f.string(), f.string()
	e.Findings = int(f.number())
	e.own = f.uints()
	e.before, e.rest = f.hops()
	if !f.done {
		e.Name = f.string()
	}
	return e, f.err
}

func parseKey(key []byte) (start time.Time, id [16]byte, err error) {
	if len(key) != keySize || key[startDigits] != ' ' {
		return start, id, errKeyField
	}
	ns, err := strconv.ParseInt(string(key[:startDigits]), 10, 64)
	if err != nil || ns < 0 {
		return start, id, errKeyField
	}
	if ns > 0 {
		start = time.Unix(0, ns).UTC()
	}
	if _, err := hex.Decode(id[:], key[startDigits+1:]); err != nil {
		return start, id, errKeyField
	}
	return start, id, nil
}

func (f *fields) time() time.Time {
	t, err := parseTime(string(f.raw()))
	if err != nil {
		f.fail()
	}
	return t
}

// byConnection is the Indexer of a recording that is sealed without one: it
// knows no sessions, and settles a connection when both its directions ended.
type byConnection struct{ ended map[uint64]capture.Direction }

func (b byConnection) Feed(r capture.Record) []Found {
	if r.Kind != capture.Close {
		return nil
	}
	other, half := b.ended[r.Conn.ID]
	if !r.Both && (!half || other == r.From) {
		b.ended[r.Conn.ID] = r.From
		return nil
	}
	delete(b.ended, r.Conn.ID)
	return []Found{{Settled: []uint64{r.Conn.ID}}}
}

func (byConnection) Finish() []Found { return nil }
