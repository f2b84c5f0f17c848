package transcript_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"informant/capture"
	"informant/capture/scenario"
	"informant/decode"
	"informant/decode/transcript"
)

var update = flag.Bool("update", false, "write the golden files anew")

// items decodes the records of a scenario.
func items(t testing.TB, name, text string) ([]decode.Item, decode.Totals) {
	t.Helper()
	records, err := scenario.Parse(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return decoded(records)
}

func decoded(records []capture.Record) ([]decode.Item, decode.Totals) {
	d := decode.Decoder{Options: decode.Options{All: true}}
	var all []decode.Item
	for _, r := range records {
		all = append(all, d.Feed(r)...)
	}
	all = append(all, d.Finish()...)
	return all, d.Totals()
}

// sink is what both forms are.
type sink interface {
	Put(decode.Item) error
	Close(decode.Totals) error
}

func told(t testing.TB, s sink, all []decode.Item, sum decode.Totals) {
	t.Helper()
	for _, it := range all {
		if err := s.Put(it); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(sum); err != nil {
		t.Fatal(err)
	}
}

// TestGolden tells each scenario of testdata in all forms, and holds what is
// told to the golden files beside it.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.scenario")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all, sum := items(t, filepath.Base(file), string(text))
		base := strings.TrimSuffix(file, ".scenario")
		for suffix, form := range map[string]func(*bytes.Buffer) sink{
			".txt":      func(b *bytes.Buffer) sink { return &transcript.Text{W: b, All: true} },
			".v.txt":    func(b *bytes.Buffer) sink { return &transcript.Text{W: b, All: true, Verbose: 1, Width: 80} },
			".vv.txt":   func(b *bytes.Buffer) sink { return &transcript.Text{W: b, All: true, Verbose: 2} },
			".open.txt": func(b *bytes.Buffer) sink { return &transcript.Text{W: b, ShowSecrets: true, Color: true} },
			".json":     func(b *bytes.Buffer) sink { return &transcript.JSON{W: b, All: true} },
		} {
			t.Run(filepath.Base(base)+suffix, func(t *testing.T) {
				var out bytes.Buffer
				told(t, form(&out), all, sum)
				compare(t, base+suffix, out.Bytes())
			})
		}
	}
}

func compare(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-update writes it anew):\n%s", file, diff)
	}
}
