package story_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"informant/capture/capturetest"
	"informant/decode"
)

// TestVerdicts decodes the failures in testdata, each as the field had it, and wants
// the party, the check, and, where it is given, the beginning of what is said.
func TestVerdicts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 20 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			session, want, ok := strings.Cut(string(text), "-- verdict --\n")
			if !ok {
				t.Fatal("no verdict")
			}
			party, said, _ := strings.Cut(strings.TrimSpace(want), ":")
			got, words := verdict(t, session)
			if got != party || !strings.HasPrefix(words, strings.TrimSpace(said)) {
				t.Errorf("%s: %q\nwant %s", got, words, want)
			}
		})
	}
}

// verdict is the last one in a scenario: its party and check, and its words; "none"
// where there is no verdict.
func verdict(t *testing.T, text string) (who, words string) {
	var d decode.Decoder
	who = "none"
	take := func(items []decode.Item) {
		for _, it := range items {
			if it.Kind != decode.SessionItem && it.Kind != decode.ConnectionRequestItem {
				continue
			}
			if v := it.Verdict; v != nil {
				who, words = v.Party.String()+" -", strings.ToUpper(v.Then[:min(1, len(v.Then))])+v.Then[min(1, len(v.Then)):]
				if v.Because != nil {
					who, words = v.Party.String()+" "+v.Because.Check.ID, v.Because.Text
					if v.Then != "" {
						words += "; then " + v.Then
					}
				}
			}
		}
	}
	for r := range capturetest.Each(t, capturetest.Scenario(t, text)) {
		take(d.Feed(r))
	}
	take(d.Finish())
	return who, words
}
