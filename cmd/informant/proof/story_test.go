package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"informant/capture"
	"informant/capture/httptext"
	"informant/capture/pcap"
	"informant/capture/recording"
	"informant/capture/scenario"
	"informant/decode/check"
	"informant/testdata/gen/traffic"
)

// Same story: what is told of traffic is the same, ids of sessions included,
// whichever form it has been through, but for the fields that
// testdata/story-fields.tsv lists.

// form takes records through a form: written, and read again.
type form struct {
	name    string
	through func(t testing.TB, rs []capture.Record) []capture.Record
}

var forms = []form{
	{"recording", func(t testing.TB, rs []capture.Record) []capture.Record { return readRecording(t, recorded(t, rs)) }},
	{"sealed", func(t testing.TB, rs []capture.Record) []capture.Record {
		src, err := recording.NewReader(bytes.NewReader(recorded(t, rs)), recording.ReaderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := recording.Seal(&b, src, recording.SealOptions{}); err != nil {
			t.Fatal(err)
		}
		return readRecording(t, b.Bytes())
	}},
	{"txtar", func(t testing.TB, rs []capture.Record) []capture.Record {
		var b bytes.Buffer
		put(t, httptext.NewWriter(&b), rs)
		src, err := httptext.NewSource("story.txtar", bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		again := drain(t, src)
		var second bytes.Buffer
		put(t, httptext.NewWriter(&second), again)
		if !bytes.Equal(b.Bytes(), second.Bytes()) {
			t.Error("the text form is another one when it is written again")
		}
		return again
	}},
	{"pcapng", func(t testing.TB, rs []capture.Record) []capture.Record {
		var b bytes.Buffer
		put(t, pcap.NewWriter(&b, pcap.WriterOptions{}), rs)
		return drain(t, open(t, "story.pcapng", b.Bytes()))
	}},
}

func recorded(t testing.TB, rs []capture.Record) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := recording.NewWriter(&b, recording.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, w, rs)
	return b.Bytes()
}

func readRecording(t testing.TB, b []byte) []capture.Record {
	t.Helper()
	src, err := recording.NewReader(bytes.NewReader(b), recording.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return drain(t, src)
}

func put(t testing.TB, to capture.Sink, rs []capture.Record) {
	t.Helper()
	for _, r := range rs {
		if err := to.Put(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
}

// drain is all records of a source, with bytes of their own.
func drain(t testing.TB, src capture.Source) (rs []capture.Record) {
	t.Helper()
	defer src.Close()
	for {
		r, err := src.Next()
		if errors.Is(err, io.EOF) {
			return rs
		}
		if err != nil {
			t.Fatal(err)
		}
		r.Data = bytes.Clone(r.Data)
		rs = append(rs, r)
	}
}

// fields are those that a form need not keep.
type fields struct {
	of     map[string]map[string]bool // form → field
	listed int
	// anyOrder: items may come in another order. What is open when the input ends
	// is told in any; decode sorts it.
	anyOrder bool
}

const maxFields = 5

func storyFields(t *testing.T) *fields {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "story-fields.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	f := &fields{of: map[string]map[string]bool{}}
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n")[1:] {
		cols := strings.Split(line, "\t")
		if len(cols) != 3 || cols[2] == "" {
			t.Fatalf("story-fields.tsv: %q is no line of forms, field and reason", line)
		}
		f.listed++
		for _, name := range strings.Fields(cols[0]) {
			if f.of[name] == nil {
				f.of[name] = map[string]bool{}
			}
			f.of[name][cols[1]] = true
		}
	}
	if f.listed > maxFields {
		t.Errorf("%d fields are listed, more than %d", f.listed, maxFields)
	}
	return f
}

// lines are the lines of an account without the fields that a form need not keep.
func (f *fields) lines(t testing.TB, form string, account []byte) (lines []string) {
	t.Helper()
	for line := range bytes.Lines(account) {
		var v map[string]any
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		if v["type"] == "summary" {
			if _, ok := f.of[form]["summary packets"]; ok {
				delete(v, "packets")
			}
		}
		f.strip(form, v)
		b, _ := json.Marshal(v)
		lines = append(lines, string(b))
	}
	return lines
}

func (f *fields) strip(form string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k := range f.of[form] {
			delete(v, k)
		}
		for _, k := range slices.Collect(maps.Keys(v)) {
			f.strip(form, v[k])
		}
	case []any:
		for _, x := range v {
			f.strip(form, x)
		}
	}
}

// same compares what is told of traffic with what is told of it in a form.
func (f *fields) same(t testing.TB, form string, want, got []byte) {
	t.Helper()
	a, b := f.lines(t, form, want), f.lines(t, form, got)
	if f.anyOrder {
		slices.Sort(a)
		slices.Sort(b)
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Fatalf("%s tells another story: %s", form, firstDifference([]byte(b[i]), []byte(a[i])))
		}
	}
	if len(a) != len(b) {
		t.Fatalf("%s tells %d items, it were %d", form, len(b), len(a))
	}
}

// throughAll takes records through all forms.
func (f *fields) throughAll(t testing.TB, rs []capture.Record) {
	t.Helper()
	want := tell(rs)
	for _, form := range forms {
		if form.name == "pcapng" && slices.ContainsFunc(rs, func(r capture.Record) bool { return r.Kind == capture.Handshake }) {
			continue // packets have no place for what a proxy tells of its TLS, but in comments
		}
		f.same(t, form.name, want, tell(form.through(t, rs)))
	}
}

// TestSameStoryScenarios takes every scenario through all forms: two for each
// check, and those of the transcript's tests.
func TestSameStoryScenarios(t *testing.T) {
	f := storyFields(t)
	n := 0
	one := func(name, text string) {
		rs, err := scenario.Parse(name, text)
		if err != nil {
			t.Fatal(err)
		}
		n++
		t.Run(name, func(t *testing.T) { f.throughAll(t, rs) })
	}
	for i, c := range check.All {
		if testing.Short() && i%10 > 0 {
			continue
		}
		if fires, near, ok := check.Example(c.ID); ok {
			one(c.ID+" fires", fires)
			one(c.ID+" near", near)
		}
	}
	for _, file := range scenarioFiles(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		one(filepath.Base(file), string(text))
	}
	t.Logf("%d scenarios", n)
}

func scenarioFiles(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, glob := range []string{"../../../decode/transcript/testdata/*.scenario", "../demo/*.scenario"} {
		files, err := filepath.Glob(filepath.FromSlash(glob))
		if err != nil || len(files) == 0 {
			t.Fatalf("no %s (%v)", glob, err)
		}
		all = append(all, files...)
	}
	return all
}

// storyTraffic is traffic of the generator, of all its kinds, with and without
// loss.
var storyTraffic = []struct {
	name string
	o    traffic.Options
}{
	{"small.pcap", traffic.Options{Seed: 11, Bytes: 600_000, Shape: traffic.Small}},
	{"large.pcap", traffic.Options{Seed: 13, Bytes: 1_000_000, Shape: traffic.Large, Open: 1}},
	{"mixed.pcap", traffic.Options{Seed: 14, Bytes: 800_000, Shape: traffic.Mixed}},
	{"disorder.pcap", traffic.Options{Seed: 15, Bytes: 400_000, Shape: traffic.Small, Reorder: 0.05, Duplicate: 0.05}},
}

func TestSameStoryGenerated(t *testing.T) {
	f := storyFields(t)
	for _, c := range storyTraffic {
		t.Run(c.name, func(t *testing.T) {
			data, _ := generated(t, c.o)
			f.throughAll(t, records(t, c.name, data))
		})
	}
}

// TestSameStoryShared does it with captures of real devices and servers.
func TestSameStoryShared(t *testing.T) {
	f := storyFields(t)
	for _, parts := range clearText {
		name := parts[len(parts)-1]
		t.Run(name, func(t *testing.T) { f.throughAll(t, records(t, name, readFile(t, shared(t, parts...)))) })
	}
}

// TestSameStoryCorpus does it with dumps and bare envelopes: what of their
// connections was made up stays made up.
func TestSameStoryCorpus(t *testing.T) {
	f := storyFields(t)
	dir, files := corpus(t)
	n := 0
	for i, file := range files {
		if noMessages(file) != "" || strings.Contains(file.path, ".pcap") || testing.Short() && i%10 > 0 {
			continue
		}
		t.Run(file.path, func(t *testing.T) {
			text := readFile(t, unwrapped(t, dir, file))
			src, err := httptext.NewSource(file.path, bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			n++
			f.throughAll(t, drain(t, src))
		})
	}
	t.Logf("%d files", n)
}

// TestSameStoryLossy does it with captures that saw not everything: packets are
// missing here and there, the beginning, the end, or one side.
func TestSameStoryLossy(t *testing.T) {
	f := storyFields(t)
	f.anyOrder = true
	for name, data := range captureSet(t) {
		t.Run(name, func(t *testing.T) {
			fs := frames(t, data)
			r := rand.New(rand.NewPCG(5, 5))
			for n := range counts(t, name, 60*len(data), 100) {
				part := fs
				switch n % 4 {
				case 0:
					part = part[r.IntN(len(fs)):]
				case 1:
					part = part[:r.IntN(len(fs))]
				case 2:
					part = slices.DeleteFunc(slices.Clone(fs), func(f frame) bool {
						s := f.segment()
						return (s.src < s.dst) != (n%8 == 2)
					})
				}
				if n%4 != 2 {
					part = slices.DeleteFunc(slices.Clone(part), func(frame) bool { return r.IntN(50) == 0 })
				}
				t.Run(strconv.Itoa(n), func(t *testing.T) { f.throughAll(t, records(t, name, file(part))) })
			}
		})
	}
}
