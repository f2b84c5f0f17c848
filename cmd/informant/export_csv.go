package main

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"informant/capture/recording"
	"informant/decode"
	"informant/decode/transcript"
)

// csvColumns are the columns of the index as CSV. Lists are joined by " | ".
var csvColumns = []string{"session", "kind", "id", "device", "start", "end", "events", "rpcs", "faults", "outcome", "worst", "findings"}

// csvRows tells sessions as rows of the index.
type csvRows struct{}

// Append appends the row of a session; other items have none.
func (csvRows) Append(dst []byte, it decode.Item) []byte {
	if it.Kind != decode.SessionItem {
		return dst
	}
	e := entryOf(&it)
	return appendCSV(dst, csvRow(&e))
}

// Finish has nothing to add.
func (csvRows) Finish(io.Writer, decode.Totals) error { return nil }

func csvRow(e *recording.Entry) []string {
	faults := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		faults[i] = strconv.Itoa(f)
	}
	return []string{e.Name, e.Kind, hexID(e.ID), e.Device, csvTime(e.Start), csvTime(e.End), csvList(e.Events), csvList(e.RPCs), csvList(faults), e.Outcome, e.Worst, strconv.Itoa(e.Findings)}
}

// csvList joins what is not empty: the index keeps no empty names either.
func csvList(list []string) string {
	list = slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
	return strings.Join(list, " | ")
}

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// appendCSV appends a row (RFC 4180). What a device says can't do harm: control
// characters are written as escapes, and what a spreadsheet would take for a
// formula begins with an apostrophe.
func appendCSV(dst []byte, row []string) []byte {
	for i, cell := range row {
		cell = transcript.Safe(cell)
		if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
			cell = "'" + cell
		}
		row[i] = cell
	}
	b := bytes.NewBuffer(dst)
	w := csv.NewWriter(b)
	_ = w.Write(row) // a buffer takes everything
	w.Flush()
	return b.Bytes()
}

// table writes the index: of a sealed recording its own, of all else one that is
// made of what decode tells.
func (x *exporting) table(w io.Writer) error {
	if _, err := w.Write(appendCSV(nil, append([]string(nil), csvColumns...))); err != nil {
		return err
	}
	if done, err := x.indexed(w); done {
		return err
	}
	return x.tell(w, csvRows{})
}

// indexed writes the index of a sealed recording, if that is what there is, and
// all of it is wanted as it was sealed.
func (x *exporting) indexed(w io.Writer) (done bool, err error) {
	if len(x.o.files) != 1 || !x.choice.all() || x.o.checks != "strict" {
		return false, nil
	}
	f, err := openInput(x.o.files[0], x.stdin)
	if err != nil || f.file == nil {
		if err == nil && f.r != x.stdin {
			err = f.close()
		}
		return err != nil, err
	}
	defer f.close()
	sealed, err := recording.OpenSealed(f.file, f.size)
	if err != nil {
		return false, nil // it will be read as what it is
	}
	defer sealed.Close()
	if sealed.Statement().Sessions == 0 {
		return false, nil
	}
	at := tied{w: w}
	for e, err := range sealed.Sessions(recording.Query{NoGroups: true}) {
		if err != nil {
			return true, named(f.name, err)
		}
		if x.ctx.Err() != nil {
			return true, verdict(exitInterrupted)
		}
		if err := at.put(e); err != nil {
			return true, err
		}
	}
	return true, at.flush()
}

// tied writes rows in the order of their sessions' starts, and of those with the
// same one (all that have none) in that of their ordinals: the index has them by
// their ids.
type tied struct {
	w    io.Writer
	same []recording.Entry
}

func (t *tied) put(e recording.Entry) error {
	if len(t.same) > 0 && !t.same[0].Start.Equal(e.Start) {
		if err := t.flush(); err != nil {
			return err
		}
	}
	t.same = append(t.same, e)
	return nil
}

func (t *tied) flush() error {
	slices.SortStableFunc(t.same, func(a, b recording.Entry) int {
		return cmp.Or(cmp.Compare(ordinalOf(a.Name), ordinalOf(b.Name)), cmp.Compare(a.Kind, b.Kind))
	})
	var rows []byte
	for i := range t.same {
		rows = appendCSV(rows, csvRow(&t.same[i]))
	}
	t.same = t.same[:0]
	_, err := t.w.Write(rows)
	return err
}

// ordinalOf is the number in a session's name.
func ordinalOf(name string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(name, "f"))
	return n
}
