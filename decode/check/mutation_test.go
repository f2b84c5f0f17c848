package check

import (
	"slices"
	"strings"
	"testing"

	"informant/testdata/mutate"
)

// TestMutations breaks clean sessions, one thing at a time: what is wrong is found, with
// its party and message, and nothing else but its consequences.
func TestMutations(t *testing.T) {
	for name, text := range mutate.Bases() {
		if found := pipeline(t, text, &Checker{}); len(found) > 0 {
			t.Errorf("%s is not clean: %q", name, lines(found))
		}
	}
	kinds, err := mutate.Kinds()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, k := range kinds {
		if seen[k.Name] {
			t.Errorf("%s is there twice", k.Name)
		}
		seen[k.Name] = true
		found := pipeline(t, k.Text, &Checker{})
		got := lines(found)
		if !slices.Contains(got, k.Want) {
			t.Errorf("%s: %s is not found: %q", k.Name, k.Want, got)
			continue
		}
		for _, f := range found {
			if id, _, _ := strings.Cut(k.Want, " "); f.Check.ID != id && !slices.Contains(k.And, f.Check.ID) {
				t.Errorf("%s: %s besides: %s", k.Name, line(f), f.Text)
			}
		}
	}
	t.Logf("%d kinds of mutation", len(kinds))
	if len(kinds) < 300 {
		t.Errorf("only %d kinds of mutation", len(kinds))
	}
}
