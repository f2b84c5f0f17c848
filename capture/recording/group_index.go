package recording

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Group is what the index of a sealed recording says of a group.
type Group struct {
	Number   uint64
	Kind     string // "s": records of a session, "c": what else was seen on connections
	GoesOn   bool   // with what an earlier group began
	FirstSeq uint64 // of its records
	LastSeq  uint64
	First    time.Time // the earliest time of its records, zero where none has one
	Last     time.Time // the latest
	Records  uint64
	Bytes    int64 // of traffic

	frame  extent // of its frame in the file
	text   extent // of its text in the frame's content
	leaf   [32]byte
	before []hop
	rest   uint64
}

// extent is a part of something.
type extent struct{ offset, size int64 }

func (e extent) end() int64 { return e.offset + e.size }

// groupKey is a group's number as a key.
func groupKey(number uint64) string { return fmt.Sprintf("%012d", number) }

// append appends the group's line.
func (g *Group) append(line []byte) []byte {
	line = append(line, groupKey(g.Number)...)
	for _, n := range []int64{g.frame.offset, g.frame.size, g.text.offset, g.text.size} {
		line = strconv.AppendInt(append(line, '\t'), n, 10)
	}
	kind := g.Kind
	if g.GoesOn {
		kind += goesOn
	}
	line = appendField(line, kind)
	line = strconv.AppendUint(append(line, '\t'), g.FirstSeq, 10)
	line = strconv.AppendUint(append(line, '\t'), g.LastSeq, 10)
	line = appendField(line, formatTime(g.First))
	line = appendField(line, formatTime(g.Last))
	line = strconv.AppendUint(append(line, '\t'), g.Records, 10)
	line = strconv.AppendInt(append(line, '\t'), g.Bytes, 10)
	line = base64.StdEncoding.AppendEncode(append(line, '\t'), g.leaf[:])
	return appendHops(line, g.before, g.rest)
}

// parseGroup reads a line of the group tree.
func parseGroup(line []byte) (g Group, err error) {
	f := fields{rest: line}
	g.Number = f.uint()
	g.frame, g.text = f.extent(maxFrame), f.extent(maxContent)
	g.Kind, g.GoesOn = strings.CutSuffix(f.string(), goesOn)
	g.FirstSeq, g.LastSeq = f.uint(), f.uint()
	g.First, g.Last = f.time(), f.time()
	g.Records, g.Bytes = f.uint(), f.number()
	g.leaf = f.sum()
	g.before, g.rest = f.hops()
	return g, f.err
}

// extent is the next two fields. A part larger than limit is none.
func (f *fields) extent(limit int64) (e extent) {
	e.offset, e.size = f.number(), f.number()
	if e.offset < 0 || e.offset > math.MaxInt64-limit || e.size < 0 || e.size > limit {
		f.fail()
	}
	return e
}

// frameLine is a line of the frame tree.
type frameLine struct {
	first uint64 // number of its first group
	extent
	sum [32]byte // SHA-256 of the frame
}

func (l *frameLine) append(line []byte) []byte {
	line = append(line, groupKey(l.first)...)
	line = strconv.AppendInt(append(line, '\t'), l.offset, 10)
	line = strconv.AppendInt(append(line, '\t'), l.size, 10)
	return base64.StdEncoding.AppendEncode(append(line, '\t'), l.sum[:])
}

func parseFrameLine(line []byte) (l frameLine, err error) {
	f := fields{rest: line}
	l.first = f.uint()
	l.extent = f.extent(maxFrame)
	l.sum = f.sum()
	return l, f.err
}
