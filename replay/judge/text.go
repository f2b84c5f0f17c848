package judge

import (
	"fmt"
	"strings"

	"informant/decode/diff"
	"informant/decode/transcript"
)

// Text tells verdicts to people.
type Text struct {
	Color       bool
	ShowSecrets bool // values of passwords and keys are masked otherwise
}

// paint colours text.
func (t Text) paint(code, text string) string {
	if !t.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

var judgementColors = map[Judgement]string{Same: "32", Different: "31;1", None: "33"}

// Append appends one verdict: what differs, the first of it on top.
func (t Text) Append(dst []byte, v *Verdict) []byte {
	var b strings.Builder
	t.text(&b, v)
	return append(dst, b.String()...)
}

func (t Text) text(b *strings.Builder, v *Verdict) {
	s := v.Recorded.Session
	fmt.Fprintf(b, "session %s  %s  %s: %s", transcript.SessionName(s), transcript.Safe(s.Device.Key()), transcript.Safe(strings.Join(s.Codes(), ", ")),
		t.paint(judgementColors[v.Judgement], v.Judgement.String()))
	fmt.Fprintf(b, "%s\n", t.counts(v))
	if v.Reason != "" {
		fmt.Fprintf(b, "  %s\n", transcript.Safe(v.Reason))
	}
	for i := range v.Result.Steps {
		if st := &v.Result.Steps[i]; st.Status != diff.Same {
			t.step(b, st)
		}
	}
	for _, line := range t.notes(v) {
		fmt.Fprintf(b, "  %s\n", line)
	}
}

// counts are how many steps came out how.
func (t Text) counts(v *Verdict) string {
	if v.Played.Session == nil {
		return ""
	}
	n := len(v.Result.Steps)
	text := ", " + steps(n)
	var parts []string
	for _, s := range []diff.Status{diff.Different, diff.Missing, diff.Extra} {
		if k := v.Result.Count(s); k > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", k, s))
		}
	}
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	return text
}

var stepMarks = map[diff.Status]string{diff.Different: "~", diff.Missing: "-", diff.Extra: "+"}
var stepColors = map[diff.Status]string{diff.Different: "33", diff.Missing: "31", diff.Extra: "32"}

// step tells a step that is not the same.
func (t Text) step(b *strings.Builder, st *diff.Step) {
	fmt.Fprintf(b, "  %s\n", t.paint(stepColors[st.Status], fmt.Sprintf("%s %s", stepMarks[st.Status], stepLine(st))))
	if st.Status == diff.Different {
		for _, c := range st.Changes {
			fmt.Fprintf(b, "      %s\n", t.change(&c))
		}
	}
}

// stepLine is "step 4, ACS to CPE: GetParameterValues is missing".
func stepLine(st *diff.Step) string {
	m := st.Message()
	number := ""
	if st.Recorded != nil {
		number = fmt.Sprintf("message %d, ", st.Recorded.N)
	}
	line := number + strings.ToUpper(m.From.String()) + " " + transcript.Safe(diff.Name(m))
	switch {
	case st.Status == diff.Different && diff.Name(st.Recorded) != diff.Name(st.Played):
		line += " became " + transcript.Safe(diff.Name(st.Played))
	case st.Status == diff.Different:
		line += " differs"
	case st.Status == diff.Missing:
		line += " is missing"
	case st.Status == diff.Extra:
		line += " was not recorded"
	}
	return line
}

// change tells a value that differs.
func (t Text) change(c *diff.Change) string {
	path := transcript.Safe(c.Path)
	recorded, now := t.value(c.Path, c.Recorded), t.value(c.Path, c.Played)
	switch c.Status {
	case diff.Missing:
		return fmt.Sprintf("%s: recorded %s, now missing", path, recorded)
	case diff.Extra:
		return fmt.Sprintf("%s: %s now, not recorded", path, now)
	}
	return fmt.Sprintf("%s: recorded %s, now %s", path, recorded, now)
}

// value is a value as it is shown.
func (t Text) value(path, v string) string {
	if !t.ShowSecrets {
		v, _ = transcript.MaskValue(path, v)
	}
	const most = 200
	if len(v) > most {
		v = v[:most] + "…"
	}
	return `"` + transcript.Safe(v) + `"`
}

// notes are what else there is to say of a session.
func (t Text) notes(v *Verdict) (lines []string) {
	for i := range v.Result.Fresh {
		f := &v.Result.Fresh[i]
		lines = append(lines, t.paint("31", fmt.Sprintf("! new finding %s (%s, %s): %s", f.Check.ID, f.Severity, f.Party, transcript.Safe(transcript.FindingText(v.Played.Session, f)))))
	}
	if len(v.Result.Gone) > 0 {
		lines = append(lines, "findings of before that are gone: "+strings.Join(v.Result.Gone, ", "))
	}
	for _, d := range v.Report.Deviations {
		lines = append(lines, transcript.Safe(d))
	}
	for _, name := range v.Report.Unanswered {
		lines = append(lines, transcript.Safe(name)+" was asked, and nothing recorded says what is answered to it: a fault was sent")
	}
	if len(v.Report.LeftOut) > 0 {
		var names []string
		for _, left := range v.Report.LeftOut {
			names = append(names, left.Request.RPC)
		}
		lines = append(lines, "not played, as it changes a CPE (--allow): "+transcript.Safe(strings.Join(names, ", ")))
	}
	return lines
}

func steps(n int) string {
	if n == 1 {
		return "1 step"
	}
	return fmt.Sprintf("%d steps", n)
}
