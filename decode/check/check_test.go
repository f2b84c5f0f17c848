package check

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"informant/capture"
	"informant/capture/capturetest"
	"informant/decode/cwmp"
	"informant/decode/http1"
)

// pipeline runs a scenario through the stages before this one and the Checker.
func pipeline(t testing.TB, text string, c *Checker) []Finding {
	t.Helper()
	return run(t, capturetest.Scenario(t, text), c, nil)
}

// run runs a source through the stages; each, when there is one, changes records.
func run(t testing.TB, src capture.Source, c *Checker, each func(*capture.Record)) []Finding {
	t.Helper()
	var a http1.Assembler
	var tr cwmp.Tracker
	var all []Finding
	check := func(events []cwmp.Event) {
		for _, e := range events {
			all = append(all, c.Feed(e)...)
		}
	}
	track := func(events []http1.Event) {
		for _, e := range events {
			check(tr.Feed(e, cwmp.Read(&e)))
		}
	}
	for r := range capturetest.Each(t, src) {
		if each != nil {
			each(&r)
		}
		track(a.Feed(r))
	}
	track(a.Finish())
	check(tr.Finish())
	return all
}

// line is a finding as examples write it.
func line(f Finding) string { return fmt.Sprintf("%s %s %d", f.Check.ID, f.Party, f.At.N) }

func lines(all []Finding) []string {
	out := []string{}
	for _, f := range all {
		out = append(out, line(f))
	}
	slices.Sort(out)
	return out
}

// TestExamples holds every check to its examples: what fires gives the findings
// that are written down and no others, and the near miss doesn't fire it.
func TestExamples(t *testing.T) {
	for _, k := range All {
		t.Run(k.ID, func(t *testing.T) {
			text, err := examples.ReadFile("examples/" + k.ID + ".txt")
			if err != nil {
				t.Fatal("it has no examples")
			}
			e := parseExample(string(text))
			fires, near := Judge(k.ID), Judge(k.ID)
			compare(t, "fires", e.fires, e.wantFires, &fires)
			compare(t, "near miss", e.near, e.wantNear, &near)
			id := func(s string) bool { return strings.HasPrefix(s, k.ID+" ") }
			if !slices.ContainsFunc(e.wantFires, id) {
				t.Error("what fires doesn't want the check itself")
			}
			if slices.ContainsFunc(e.wantNear, id) {
				t.Error("the near miss wants the check itself")
			}
		})
	}
}

func compare(t *testing.T, what, text string, want []string, c *Checker) {
	t.Helper()
	if text == "" {
		t.Errorf("%s: missing", what)
		return
	}
	found := pipeline(t, text, c)
	got := lines(found)
	want = slices.Clone(want)
	slices.Sort(want)
	if slices.Equal(got, want) {
		return
	}
	t.Errorf("%s: got %q, want %q", what, got, want)
	for _, f := range found {
		t.Logf("  %s %s %d at %s, byte %d, packet %d: %s", f.Check.ID, f.Severity, f.At.N, f.At.Path, f.At.Offset, f.At.Packet, f.Text)
	}
}

// TestNoStrayExamples says which files belong to no check.
func TestNoStrayExamples(t *testing.T) {
	files, err := filepath.Glob("examples/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if id := strings.TrimSuffix(filepath.Base(f), ".txt"); true {
			if _, ok := ByID(id); !ok {
				t.Errorf("%s is of no check", f)
			}
		}
	}
}

// TestCatalogue holds All to the catalogue's ids.
func TestCatalogue(t *testing.T) {
	text, err := os.ReadFile("testdata/catalogue.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, id := range strings.Fields(string(text)) {
		known[id] = true
	}
	seen := map[string]bool{}
	for _, k := range All {
		switch {
		case !known[k.ID]:
			t.Errorf("%s is not in the catalogue", k.ID)
		case seen[k.ID]:
			t.Errorf("%s is there twice", k.ID)
		case k.Title == "" || k.Doc == "" || k.Ref == "" || k.Run == nil:
			t.Errorf("%s lacks title, doc, ref or run", k.ID)
		case strings.HasSuffix(k.Title, ".") || !strings.HasSuffix(k.Doc, ".") && !strings.HasSuffix(k.Doc, ")"):
			t.Errorf("%s: a title has no full stop, a doc has", k.ID)
		}
		seen[k.ID] = true
		if k.Subject != OfMessage && (k.each || k.body) {
			t.Errorf("%s: each and body are for checks of messages", k.ID)
		}
	}
	for id := range known {
		if !seen[id] {
			t.Errorf("%s of the catalogue is missing", id)
		}
	}
}

// TestSeverities compares with the catalogue itself, where it is at hand.
func TestSeverities(t *testing.T) {
	dir := os.Getenv("INFORMANT_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	text, err := os.ReadFile(filepath.Join(dir, "checks.tsv"))
	if err != nil {
		t.Skip("checks.tsv of the shared folder is missing")
	}
	rows := map[string][]string{}
	for _, l := range strings.Split(string(text), "\n")[1:] {
		if f := strings.Split(l, "\t"); len(f) > 5 {
			rows[f[0]] = f
		}
	}
	for _, k := range All {
		row := rows[k.ID]
		if row == nil {
			t.Errorf("%s is not in checks.tsv", k.ID)
			continue
		}
		if k.Severity.String() != row[1] {
			t.Errorf("%s is %s, the catalogue has %s", k.ID, k.Severity, row[1])
		}
		if mark := row[2] != ""; k.Field != mark && k.ID != "FLT-008" {
			t.Errorf("%s: Field is %v, the catalogue has %q", k.ID, k.Field, row[2])
		}
	}
}
