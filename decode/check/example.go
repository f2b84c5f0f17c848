package check

import (
	"embed"
	"maps"
	"slices"
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
// "-- policy --": a line "new-devices", "secret USER PASSWORD" or "allowed-jid JID".
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

// Policy is what a profile has to give for a check's example, in lines of such a file
// (YAML); "" for most.
func Policy(id string) string {
	c := Judge(id)
	var b strings.Builder
	if c.NewDevices {
		b.WriteString("new-devices: true\n")
	}
	if len(c.AllowedJIDs) > 0 {
		b.WriteString("allowed-jids: [" + strings.Join(c.AllowedJIDs, ", ") + "]\n")
	}
	if len(c.Secrets) > 0 {
		b.WriteString("secrets:\n")
	}
	for _, user := range slices.Sorted(maps.Keys(c.Secrets)) {
		b.WriteString("  " + user + ": " + c.Secrets[user] + "\n")
	}
	return b.String()
}

// Judge is a Checker that has what a check's example needs.
func Judge(id string) Checker {
	c := Checker{}
	text, err := examples.ReadFile("examples/" + id + ".txt")
	if err != nil {
		return c
	}
	for _, line := range parseExample(string(text)).policy {
		switch f := strings.Fields(line); f[0] {
		case "new-devices":
			c.NewDevices = true
		case "allowed-jid":
			c.AllowedJIDs = append(c.AllowedJIDs, f[1])
		case "secret":
			if c.Secrets == nil {
				c.Secrets = map[string]string{}
			}
			c.Secrets[f[1]] = f[2]
		}
	}
	return c
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
