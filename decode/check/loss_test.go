package check

import (
	"io"
	"slices"
	"strings"
	"testing"

	"informant/capture"
	"informant/capture/scenario"
)

// records is a source of records that are ready.
type records []capture.Record

func (r *records) Next() (capture.Record, error) {
	if len(*r) == 0 {
		return capture.Record{}, io.EOF
	}
	x := (*r)[0]
	*r = (*r)[1:]
	return x, nil
}

func (r *records) Close() error { return nil }

// TestLossAccusesNobody holds that a capture with a message missing, or that
// begins late or ends early, gives no finding that the whole doesn't give.
func TestLossAccusesNobody(t *testing.T) {
	for _, k := range All {
		fires, near, _ := Example(k.ID)
		for _, text := range []string{fires, near} {
			all, err := scenario.Parse("test", text)
			if err != nil {
				t.Fatal(err)
			}
			whole := ids(pipeline(t, text, &Checker{}))
			judge := func(what string, at int, less []capture.Record) {
				src := records(less)
				for _, f := range run(t, &src, &Checker{}, nil) {
					if !slices.Contains(whole, f.Check.ID) && !suppressed(f.Check.ID, whole) {
						t.Errorf("%s, %s at record %d: %s %d: %s", k.ID, what, at, f.Check.ID, f.At.N, f.Text)
					}
				}
			}
			for i, r := range all {
				if r.Kind == capture.Data {
					judge("lost", i, lose(all, i))
					judge("begins late", i, late(all, i))
				}
				judge("ends early", i, early(all, i))
			}
			if strings.Count(text, "\n") > 60 {
				break
			}
		}
	}
}

// suppressed says whether one of those findings may have been the cause of id.
func suppressed(id string, whole []string) bool {
	return slices.ContainsFunc(whole, func(w string) bool {
		return w == "SEQ-003" || w == "SEQ-002" && id == "HTTP-016" || w == "SEQ-016" && id == "SEQ-015" || w == "HTTP-014" || w == "SEC-001" && id == "SEC-002" ||
			w == "SEQ-027" && id == "SEQ-028" || w == "SEQ-012" && id == "SEQ-027"
	})
}

// lose puts a gap in the place of a record.
func lose(all []capture.Record, i int) []capture.Record {
	less := slices.Clone(all)
	less[i].Kind, less[i].Lost, less[i].Data = capture.Gap, int64(len(all[i].Data)), nil
	return less
}

// late leaves out everything before a record: its connections begin in the
// middle.
func late(all []capture.Record, i int) []capture.Record {
	var less []capture.Record
	for _, r := range all[:i] {
		if r.Kind == capture.Open {
			r.Midstream, r.Time = true, all[i].Time
			less = append(less, r)
		}
	}
	return append(less, all[i:]...)
}

// early leaves out everything from a record on.
func early(all []capture.Record, i int) []capture.Record {
	less := slices.Clone(all[:i])
	open := map[*capture.Conn]bool{}
	for _, r := range less {
		open[r.Conn] = r.Kind != capture.Close || !r.Both
	}
	for _, r := range all[:i] {
		if open[r.Conn] {
			open[r.Conn] = false
			less = append(less, capture.Record{Seq: uint64(len(all)), Time: all[i].Time, Conn: r.Conn, Kind: capture.Close, End: capture.EndOfInput, Both: true})
		}
	}
	return less
}
