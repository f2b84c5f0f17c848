package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"informant/capture"
	"informant/capture/capturetest"
	"informant/capture/recording"
	"informant/capture/scenario"
	"informant/decode/check"
)

// indexed runs an indexer over records and wants its claims to be such as the
// sealer can use: in order, none twice, none after its connection was settled.
func indexed(t *testing.T, records []capture.Record) []recording.Found {
	t.Helper()
	var all []recording.Found
	claimed, settled := map[uint64]uint64{}, map[uint64]bool{}
	take := func(list []recording.Found) {
		for _, f := range list {
			for _, s := range f.Spans {
				if s.First > s.Last || s.First <= claimed[s.Conn] {
					t.Errorf("span %+v, claimed up to %d", s, claimed[s.Conn])
				}
				if settled[s.Conn] {
					t.Errorf("connection %d was settled before %+v", s.Conn, s)
				}
				claimed[s.Conn] = s.Last
			}
			for _, c := range f.Settled {
				if settled[c] {
					t.Errorf("connection %d was settled twice", c)
				}
				settled[c] = true
			}
			all = append(all, f)
		}
	}
	x := newIndexer()
	for i, r := range records {
		r.Seq = uint64(i + 1)
		take(x.Feed(r))
	}
	take(x.Finish())
	return all
}

func sessionsIn(list []recording.Found) (found []recording.Found) {
	for _, f := range list {
		if f.Entry.ID != [16]byte{} {
			found = append(found, f)
		}
	}
	return found
}

func parsed(t *testing.T, text string) []capture.Record {
	t.Helper()
	records, err := scenario.Parse("test", text)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

const indexedSession = `informant scenario 1
cpe Inform events="2 PERIODIC"
acs InformResponse
cpe empty
acs GetParameterValues ParameterNames=[Device.DeviceInfo.UpTime]
cpe Fault 9005
acs 204
`

// TestIndexer: a session's entry says what was in it, and its span is all of its
// connection.
func TestIndexer(t *testing.T) {
	records := parsed(t, indexedSession)
	found := sessionsIn(indexed(t, records))
	if len(found) != 1 {
		t.Fatalf("%d sessions", len(found))
	}
	e := found[0].Entry
	if e.Kind != "session" || e.Name != "1" || e.Device == "" || e.Outcome != "complete" || e.Start.IsZero() || !e.End.After(e.Start) {
		t.Errorf("%+v", e)
	}
	if strings.Join(e.Events, "|") != "2 PERIODIC" || strings.Join(e.RPCs, "|") != "Inform|GetParameterValues" || len(e.Faults) != 1 || e.Faults[0] != 9005 {
		t.Errorf("%v %v %v", e.Events, e.RPCs, e.Faults)
	}
	want := recording.Span{Conn: records[0].Conn.ID, First: 1, Last: uint64(len(records))}
	if len(found[0].Spans) != 1 || found[0].Spans[0] != want {
		t.Errorf("%+v, want %+v", found[0].Spans, want)
	}
}

// TestIndexerKeepAlive: of sessions on one connection each has its own records.
func TestIndexerKeepAlive(t *testing.T) {
	text := indexedSession + strings.TrimPrefix(indexedSession, "informant scenario 1\n")
	found := sessionsIn(indexed(t, parsed(t, text)))
	if len(found) != 2 || len(found[0].Spans) != 1 || len(found[1].Spans) != 1 {
		t.Fatalf("%+v", found)
	}
	if a, b := found[0].Spans[0], found[1].Spans[0]; a.First != 1 || b.First != a.Last+1 {
		t.Errorf("%+v %+v", a, b)
	}
}

// TestIndexerSettles: of connections that have ended little is kept, and they are
// settled as the reading goes on.
func TestIndexerSettles(t *testing.T) {
	one := parsed(t, indexedSession)
	var records []capture.Record
	for i := range 1000 {
		c := *one[0].Conn
		c.ID = uint64(i + 1)
		for _, r := range one {
			r.Conn = &c
			records = append(records, r)
		}
	}
	x := newIndexer()
	settled, most := 0, 0
	for i, r := range records {
		r.Seq = uint64(i + 1)
		for _, f := range x.Feed(r) {
			settled += len(f.Settled)
		}
		most = max(most, len(x.flows))
	}
	if settled < 900 || most > 2*settleLook {
		t.Errorf("%d settled, %d kept", settled, most)
	}
}

// TestIndexerMarks: however many records a connection has, few marks are kept,
// and what is claimed reaches at least as far as it has to.
func TestIndexerMarks(t *testing.T) {
	f := &flow{conn: &capture.Conn{ID: 1}}
	const n = 100_000
	for i := range uint64(n) {
		f.take(&capture.Record{Seq: i + 1, Kind: capture.Data, Data: []byte("x")})
	}
	if len(f.sides[0].marks) > marksKept {
		t.Errorf("%d marks", len(f.sides[0].marks))
	}
	for _, end := range []int64{1, 2, 1000, n/2 + 1, n - 1, n} {
		if seq := f.sides[0].brought(end); seq < uint64(end) {
			t.Errorf("byte %d came with record %d", end, seq)
		}
	}
	if _, ok := f.claim(n); !ok || len(f.sides[0].marks) != 0 || f.sides[0].brought(n) != 0 {
		t.Error("what was claimed is still there")
	}
}

// TestByIndex reads every session of a sealed recording by its index, and wants
// what decoding everything tells of it.
func TestByIndex(t *testing.T) {
	for name, capture := range byIndexInputs(t) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			plain, sealed := filepath.Join(dir, "plain.cwmp"), filepath.Join(dir, "sealed.cwmp")
			output(t, "import", "-q", capture, "-w", plain)
			output(t, "seal", "-q", plain, "-w", sealed)
			n := 0
			for l := range strings.Lines(output(t, "decode", "-q", "-o", "json", plain)) {
				var s struct{ Type, Session, ID string }
				if err := json.Unmarshal([]byte(l), &s); err != nil {
					t.Fatal(err)
				}
				if s.Type != "session" && s.Type != "fragment" {
					continue
				}
				n++
				for _, asked := range []string{s.ID, s.Session} {
					want := withoutTransfers(output(t, "decode", "-q", "-o", "json", "--session", asked, plain))
					got := withoutTransfers(output(t, "decode", "-q", "-o", "json", "--session", asked, sealed))
					if got != want || !strings.Contains(got, s.ID) {
						t.Errorf("session %s differs:\n%.3000s\nwant\n%.3000s", asked, got, want)
					}
				}
			}
			if n == 0 {
				t.Error("no session")
			}
		})
	}
}

// withoutTransfers leaves out what the index does not lead to: transfers, and what
// became of commands; and the summary, which is of what was read.
func withoutTransfers(text string) string {
	var kept strings.Builder
	for l := range strings.Lines(text) {
		if !strings.Contains(l, `"type":"transfer"`) && !strings.Contains(l, `"type":"summary"`) && !strings.Contains(l, `"type":"operation"`) {
			kept.WriteString(withoutHistory(l))
		}
	}
	return kept.String()
}

// withoutHistory leaves out of a session what is found by the sessions before it,
// which by the index are not read.
func withoutHistory(line string) string {
	var s map[string]any
	if json.Unmarshal([]byte(line), &s) != nil || s["findings"] == nil {
		return line
	}
	delete(s, "concludes")
	if s["outcome"] == "complete" {
		delete(s, "verdict") // may be of such a finding
	}
	s["findings"] = slices.DeleteFunc(s["findings"].([]any), func(f any) bool {
		k, ok := check.ByID(f.(map[string]any)["check"].(string))
		return ok && k.Gates&check.History != 0
	})
	b, _ := json.Marshal(s)
	return string(b) + "\n"
}

func byIndexInputs(t *testing.T) map[string]string {
	dir := t.TempDir()
	all := map[string]string{"made": filepath.Join(dir, "made.pcap"), "kept": filepath.Join(dir, "kept.scenario")}
	if err := os.WriteFile(all["made"], packets(t, 30), 0o600); err != nil {
		t.Fatal(err)
	}
	text := indexedSession + strings.Repeat(strings.TrimPrefix(indexedSession, "informant scenario 1\n"), 5)
	if err := os.WriteFile(all["kept"], []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if root := os.Getenv("INFORMANT_SHARED"); root != "" || testing.Short() {
		return all
	}
	if real := filepath.Join("..", "..", "..", "shared", "captures", "auth-basic-http.pcapng.gz"); exists(real) {
		all["real"] = real
	}
	return all
}

func exists(name string) bool { _, err := os.Stat(name); return err == nil }

// output is what a command prints; it must succeed, or find what was damaged.
func output(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr); code != exitOK && code != exitIncomplete {
		t.Fatalf("%v: exit code %d: %s", args, code, stderr.String())
	}
	return stdout.String()
}

// TestSame finds any difference between two sources.
func TestSame(t *testing.T) {
	one := parsed(t, indexedSession)
	for i := range one {
		one[i].Seq = uint64(i + 1)
	}
	if err := same(capturetest.Of(one), capturetest.Of(one)); err != nil {
		t.Error(err)
	}
	if err := same(capturetest.Of(one), capturetest.Of(one[1:])); err == nil {
		t.Error("a record is missing")
	}
	if err := same(capturetest.Of(one), capturetest.Of(one[:len(one)-1])); err == nil {
		t.Error("the last record is missing")
	}
	for i := range one {
		for what, change := range map[string]func(*capture.Record){
			"number":     func(r *capture.Record) { r.Seq++ },
			"time":       func(r *capture.Record) { r.Time = r.Time.Add(1) },
			"kind":       func(r *capture.Record) { r.From = r.From.Opposite() },
			"packet":     func(r *capture.Record) { r.Packet++ },
			"bytes":      func(r *capture.Record) { r.Data = append(bytes.Clone(r.Data), 'x') },
			"facts":      func(r *capture.Record) { r.Lost++ },
			"connection": func(r *capture.Record) { c := *r.Conn; c.ID++; r.Conn = &c },
		} {
			other := slices.Clone(one)
			change(&other[i])
			if err := same(capturetest.Of(one), capturetest.Of(other)); err == nil || !strings.Contains(err.Error(), what) {
				t.Errorf("record %d, %s: %v", i+1, what, err)
			}
		}
	}
}
