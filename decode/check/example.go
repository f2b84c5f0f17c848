package check

import (
	"embed"
	"strings"
)

// examples holds ID.txt for every check: a scenario (capture/scenario) that
// fires it and a near miss that doesn't, each with the findings that it gives:
//
//	-- fires --
//	informant scenario 1
//	…
//	-- want --
//	EVT-010 cpe 1
//	-- near miss --
//	informant scenario 1
//	…
//	-- want --
//
// What a profile has to give, for checks that need it, stands before them, below
// "-- policy --": a line "new-devices", or "secret USER PASSWORD".
//
//go:embed examples/*.txt
var examples embed.FS

// Example returns two scenarios for a check: one that fires it, and a near miss
// that doesn't.
func Example(id string) (fires, near string, ok bool) {
	text, err := examples.ReadFile("examples/" + id + ".txt")
	if err != nil {
		return "", "", false
	}
	e := parseExample(string(text))
	return e.fires, e.near, e.fires != "" && e.near != ""
}

// example is the content of a file of examples.
type example struct {
	fires, near         string
	wantFires, wantNear []string // "EVT-010 cpe 1": id, party, message
	policy              []string
}

// parseExample takes a file of examples apart.
func parseExample(text string) (e example) {
	var scenario *string
	want := &e.wantFires
	inWant := false
	for line := range strings.Lines(text) {
		switch strings.TrimSpace(line) {
		case "-- policy --":
			want, inWant = &e.policy, true
			continue
		case "-- fires --":
			scenario, want, inWant = &e.fires, &e.wantFires, false
			continue
		case "-- near miss --":
			scenario, want, inWant = &e.near, &e.wantNear, false
			continue
		case "-- want --":
			inWant = true
			continue
		}
		switch {
		case inWant && strings.TrimSpace(line) != "":
			*want = append(*want, strings.TrimSpace(line))
		case !inWant && scenario != nil:
			*scenario += line
		}
	}
	return e
}
