package check

import (
	"os"
	"slices"
	"strings"
	"testing"

	"informant/capture"
	"informant/capture/capturetest"
	"informant/capture/scenario"
)

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
				src := capturetest.Of(less)
				for _, f := range run(t, src, &Checker{}, nil) {
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
				judge("ends early", i, early(all, i, ""))
			}
			if strings.Count(text, "\n") > 60 {
				break
			}
		}
	}
}

// TestCutAccusesNobody holds that a message that breaks off anywhere, and goes on
// or not behind what is missing, gives no finding that the whole doesn't give.
// It tries a few bytes of each message, with INFORMANT_SOAK=1 every seventh.
func TestCutAccusesNobody(t *testing.T) {
	step := 307
	if os.Getenv("INFORMANT_SOAK") != "" {
		step = 7
	}
	seen := map[string]bool{}
	offset := 0
	for _, k := range All {
		fires, near, _ := Example(k.ID)
		for _, text := range []string{fires, near} {
			all, err := scenario.Parse("test", text)
			if err != nil {
				t.Fatal(err)
			}
			if len(all) > 60 {
				break
			}
			whole := ids(pipeline(t, text, &Checker{}))
			judge := func(what string, i, at int, less []capture.Record) {
				src := capturetest.Of(less)
				for _, f := range run(t, src, &Checker{}, nil) {
					if slices.Contains(whole, f.Check.ID) || suppressed(f.Check.ID, whole) || seen[what+f.Check.ID] {
						continue
					}
					seen[what+f.Check.ID] = true
					t.Errorf("%s, record %d %s byte %d: %s %d: %s\n…%s|%s…", k.ID, i, what, at, f.Check.ID, f.At.N, f.Text,
						all[i].Data[max(0, at-60):at], all[i].Data[at:min(len(all[i].Data), at+20)])
				}
			}
			for i, r := range all {
				if r.Kind != capture.Data {
					continue
				}
				offset = (offset + 17) % step
				for at := 1 + offset; at < len(r.Data); at += step {
					judge("ends at", i, at, early(all, i, r.Data[:at]))
					judge("has a gap from", i, at, lack(all, i, at, len(r.Data)))
					judge("has a short gap from", i, at, lack(all, i, at, min(len(r.Data), at+40)))
				}
			}
		}
	}
}

// TestHeldBackAccusesNobody holds that of a session over several connections,
// one of which a source holds back since it waits for a segment that is lost,
// and of the device's next one, nothing is said that the whole doesn't give.
func TestHeldBackAccusesNobody(t *testing.T) {
	text := firstLine + `
cpe Inform
acs InformResponse
close acs
cpe empty
acs GetParameterValues ParameterNames=[InternetGatewayDevice.A,InternetGatewayDevice.B]
close acs
cpe GetParameterValuesResponse
  param InternetGatewayDevice.A 1
  param InternetGatewayDevice.B 1
acs GetParameterNames ParameterPath=InternetGatewayDevice.
close acs
cpe GetParameterNamesResponse
  item ParameterList Name=InternetGatewayDevice.A Writable=0
acs 204
close acs
cpe Inform
acs InformResponse
cpe empty
acs 204
`
	all, err := scenario.Parse("test", text)
	if err != nil {
		t.Fatal(err)
	}
	whole := ids(pipeline(t, text, &Checker{}))
	for i, r := range all {
		if r.Kind != capture.Data {
			continue
		}
		less := slices.Clone(all[:i])
		held := []capture.Record{{Time: r.Time, Conn: r.Conn, From: r.From, Kind: capture.Gap, Lost: int64(len(r.Data))}}
		for _, later := range all[i+1:] {
			if later.Conn == r.Conn {
				held = append(held, later)
			} else {
				less = append(less, later)
			}
		}
		src := capturetest.Of(append(less, held...))
		for _, f := range run(t, src, &Checker{}, nil) {
			if !slices.Contains(whole, f.Check.ID) {
				t.Errorf("record %d: %s %d: %s", i, f.Check.ID, f.At.N, f.Text)
			}
		}
	}
}

// lack puts a gap in the place of some bytes of a record.
func lack(all []capture.Record, i, from, to int) []capture.Record {
	head, gap, tail := all[i], all[i], all[i]
	head.Data, tail.Data = head.Data[:from], tail.Data[to:]
	gap.Kind, gap.Lost, gap.Data = capture.Gap, int64(to-from), nil
	less := append(slices.Clone(all[:i]), head, gap)
	if len(tail.Data) > 0 {
		less = append(less, tail)
	}
	return append(less, all[i+1:]...)
}

// suppressed says whether one of those findings may have been the cause of id.
func suppressed(id string, whole []string) bool {
	return slices.ContainsFunc(whole, func(w string) bool {
		return w == "SEQ-003" || w == "SEQ-002" && id == "HTTP-016" || w == "SEQ-016" && id == "SEQ-015" || w == "HTTP-014" || w == "SEC-001" && id == "SEC-002" ||
			w == "SEQ-027" && id == "SEQ-028" || w == "SEQ-012" && id == "SEQ-027" || w == "FLT-012" && id == "HTTP-040"
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

// early leaves out everything from a record on but what data it has until then.
func early[T string | []byte](all []capture.Record, i int, data T) []capture.Record {
	less := slices.Clone(all[:i])
	if len(data) > 0 {
		r := all[i]
		r.Data = []byte(data)
		less = append(less, r)
	}
	open := map[*capture.Conn]bool{}
	for _, r := range less {
		open[r.Conn] = r.Kind != capture.Close || !r.Both
	}
	for _, r := range slices.Clone(less) {
		if open[r.Conn] {
			open[r.Conn] = false
			less = append(less, capture.Record{Seq: uint64(len(all)), Time: all[i].Time, Conn: r.Conn, Kind: capture.Close, End: capture.EndOfInput, Both: true})
		}
	}
	return less
}
