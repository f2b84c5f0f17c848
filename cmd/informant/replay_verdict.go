package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"informant/capture"
	"informant/decode"
	"informant/decode/cwmp"
	"informant/decode/diff"
	"informant/decode/transcript"
	"informant/replay"
)

// judgement is what a session came to.
type judgement uint8

const (
	asRecorded judgement = iota
	different            // in a step, in a finding, or in how it ended
	noVerdict            // was possible
)

func (j judgement) String() string { return [...]string{"same", "different", "no verdict"}[j] }

// judged is a session that was played, held against the recorded one.
type judged struct {
	performed
	recorded recorded
	now      *cwmp.Session // nil: nothing of it was seen
	status   judgement
	reason   string // where it did not come to its end
	result   diff.Result
}

// judge holds what was played against what was recorded: each session that was
// played, and then those that were not.
func (r *rehearsal) judge() (list []judged) {
	used := map[*cwmp.Session]bool{}
	for _, p := range r.played {
		v := judged{performed: p, recorded: r.recordingOf(p.Recorded)}
		used[p.Recorded] = true
		r.compare(&v, used)
		list = append(list, v)
	}
	for _, s := range r.sessions {
		if !used[s.Session] {
			list = append(list, judged{recorded: s, status: noVerdict, reason: "it was not played"})
		}
	}
	return list
}

func (r *rehearsal) recordingOf(s *cwmp.Session) recorded {
	for _, x := range r.sessions {
		if x.Session == s {
			return x
		}
	}
	return recorded{Session: s}
}

// compare judges one session.
func (r *rehearsal) compare(v *judged, used map[*cwmp.Session]bool) {
	if v.err != nil {
		v.reason = strings.TrimPrefix(v.err.Error(), "replay: ")
		v.status = different
		if errors.Is(v.err, replay.ErrLost) {
			v.status = noVerdict
		}
	}
	var findings diff.Side
	for _, it := range r.items {
		if it.Kind == decode.SessionItem && !used[it.Session] && v.Conn != nil && slices.ContainsFunc(it.Session.Conns, func(c *capture.Conn) bool { return c.ID == v.Conn.ID }) {
			v.now, findings = it.Session, diff.Side{Session: it.Session, Findings: it.Findings}
			used[it.Session] = true
			break
		}
	}
	if v.now == nil {
		if v.err == nil {
			v.status, v.reason = noVerdict, "nothing of it was seen"
		}
		return
	}
	left := map[*cwmp.Message]bool{}
	for _, t := range v.LeftOut {
		left[t.Request], left[t.Response] = true, true
	}
	v.result = diff.Compare(diff.Side{Session: v.recorded.Session, Findings: v.recorded.findings}, findings,
		diff.Options{Rules: r.rules, Only: func(m *cwmp.Message) bool { return !left[m] },
			Renamed: func(value string) string { return r.identity.In(v.recorded.Device, value) }})
	if r.only != nil {
		r.only.take(&v.result, v.recorded.Session, v.now)
	}
	if v.status == asRecorded && !v.result.Same() {
		v.status = different
	}
}

// report tells the verdicts.
func (r *rehearsal) report(list []judged) error {
	switch r.o.output {
	case "json":
		return r.json(list)
	case "junit":
		return r.junit(list)
	case "tap":
		return r.tapLines(list)
	}
	var b strings.Builder
	for i := range list {
		verdictText{r.color, r.o.showSecrets}.text(&b, &list[i])
	}
	_, err := io.WriteString(r.stdout, b.String())
	return err
}

// verdictText tells verdicts as text.
type verdictText struct{ color, showSecrets bool }

// paint colours text.
func (t verdictText) paint(code, text string) string {
	if !t.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

var judgementColors = map[judgement]string{asRecorded: "32", different: "31;1", noVerdict: "33"}

// text tells one verdict: what differs, the first of it on top.
func (t verdictText) text(b *strings.Builder, v *judged) {
	s := v.recorded.Session
	fmt.Fprintf(b, "session %s  %s  %s: %s", transcript.SessionName(s), transcript.Safe(s.Device.Key()), transcript.Safe(eventCodes(s)),
		t.paint(judgementColors[v.status], v.status.String()))
	fmt.Fprintf(b, "%s\n", t.counts(v))
	if v.reason != "" {
		fmt.Fprintf(b, "  %s\n", transcript.Safe(v.reason))
	}
	for i := range v.result.Steps {
		if st := &v.result.Steps[i]; st.Status != diff.Same {
			t.step(b, st)
		}
	}
	for _, line := range t.notes(v) {
		fmt.Fprintf(b, "  %s\n", line)
	}
}

// counts are how many steps came out how.
func (t verdictText) counts(v *judged) string {
	if v.now == nil {
		return ""
	}
	n := len(v.result.Steps)
	text := ", " + plural(n, "step", "steps")
	var parts []string
	for _, s := range []diff.Status{diff.Different, diff.Missing, diff.Extra} {
		if k := v.result.Count(s); k > 0 {
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
func (t verdictText) step(b *strings.Builder, st *diff.Step) {
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
func (t verdictText) change(c *diff.Change) string {
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
func (t verdictText) value(path, v string) string {
	if cwmp.IsSecret(path) && !t.showSecrets && v != "" {
		return "***"
	}
	const most = 200
	if len(v) > most {
		v = v[:most] + "…"
	}
	return `"` + transcript.Safe(v) + `"`
}

// notes are what else there is to say of a session.
func (t verdictText) notes(v *judged) (lines []string) {
	for i := range v.result.Fresh {
		f := &v.result.Fresh[i]
		lines = append(lines, t.paint("31", fmt.Sprintf("! new finding %s (%s, %s): %s", f.Check.ID, f.Severity, f.Party, transcript.Safe(transcript.FindingText(v.now, f)))))
	}
	if len(v.result.Gone) > 0 {
		lines = append(lines, "findings of before that are gone: "+strings.Join(v.result.Gone, ", "))
	}
	for _, d := range v.Deviations {
		lines = append(lines, transcript.Safe(d))
	}
	for _, name := range v.Unanswered {
		lines = append(lines, transcript.Safe(name)+" was asked, and nothing recorded says what is answered to it: a fault was sent")
	}
	if len(v.LeftOut) > 0 {
		var names []string
		for _, left := range v.LeftOut {
			names = append(names, left.Request.RPC)
		}
		lines = append(lines, "not played, as it changes a CPE (--allow): "+transcript.Safe(strings.Join(names, ", ")))
	}
	return lines
}

// The JSON contract: fields are only ever added.
type jsonVerdict struct {
	Schema     int            `json:"schema"`
	Type       string         `json:"type"`
	Session    string         `json:"session"`
	ID         string         `json:"id"`
	Device     string         `json:"device"`
	Played     string         `json:"played,omitempty"`
	Verdict    string         `json:"verdict"`
	Reason     string         `json:"reason,omitempty"`
	Steps      map[string]int `json:"steps"`
	Differs    []jsonStep     `json:"differs"`
	Findings   []jsonFinding  `json:"findings"`
	Gone       []string       `json:"gone"`
	Deviations []string       `json:"deviations"`
	Unanswered []string       `json:"unanswered"`
	LeftOut    []string       `json:"leftOut"`
}

type jsonStep struct {
	N       int          `json:"n"` // of the recorded message; 0 for none
	Played  int          `json:"played"`
	Status  string       `json:"status"`
	From    string       `json:"from"`
	Message string       `json:"message"`
	Now     string       `json:"now,omitempty"`
	Changes []jsonChange `json:"changes"`
}

type jsonChange struct {
	Path     string `json:"path"`
	Status   string `json:"status"`
	Recorded string `json:"recorded"`
	Played   string `json:"played"`
}

type jsonFinding struct {
	Check    string `json:"check"`
	Severity string `json:"severity"`
	Party    string `json:"party"`
	N        int    `json:"n"`
	Text     string `json:"text"`
}

func (r *rehearsal) json(list []judged) error {
	e := json.NewEncoder(r.stdout)
	e.SetEscapeHTML(false)
	for i := range list {
		if err := e.Encode(r.jsonOf(&list[i])); err != nil {
			return err
		}
	}
	return nil
}

func (r *rehearsal) jsonOf(v *judged) jsonVerdict {
	s := v.recorded.Session
	j := jsonVerdict{Schema: 1, Type: "verdict", Session: transcript.SessionName(s), ID: hexID(s.ID), Device: s.Device.Key(),
		Verdict: map[judgement]string{asRecorded: "same", different: "different", noVerdict: "none"}[v.status], Reason: v.reason,
		Steps: map[string]int{}, Differs: []jsonStep{}, Findings: []jsonFinding{}, Gone: append([]string{}, v.result.Gone...),
		Deviations: append([]string{}, v.Deviations...), Unanswered: append([]string{}, v.Unanswered...), LeftOut: []string{}}
	if v.now != nil {
		j.Played = hexID(v.now.ID)
	}
	for _, status := range []diff.Status{diff.Same, diff.Different, diff.Missing, diff.Extra} {
		j.Steps[status.String()] = v.result.Count(status)
	}
	for i := range v.result.Steps {
		st := &v.result.Steps[i]
		if st.Status == diff.Same {
			continue
		}
		x := jsonStep{Status: st.Status.String(), From: st.Message().From.String(), Message: diff.Name(st.Message()), Changes: []jsonChange{}}
		if st.Recorded != nil {
			x.N = st.Recorded.N
		}
		if st.Played != nil {
			x.Played = st.Played.N
			if now := diff.Name(st.Played); now != x.Message {
				x.Now = now
			}
		}
		for _, c := range st.Changes {
			if cwmp.IsSecret(c.Path) && !r.o.showSecrets {
				c.Recorded, c.Played = masked(c.Recorded), masked(c.Played)
			}
			x.Changes = append(x.Changes, jsonChange{c.Path, c.Status.String(), c.Recorded, c.Played})
		}
		j.Differs = append(j.Differs, x)
	}
	for i := range v.result.Fresh {
		f := &v.result.Fresh[i]
		j.Findings = append(j.Findings, jsonFinding{f.Check.ID, f.Severity.String(), f.Party.String(), f.At.N, transcript.FindingText(v.now, f)})
	}
	for _, t := range v.LeftOut {
		j.LeftOut = append(j.LeftOut, t.Request.RPC)
	}
	return j
}

func masked(v string) string {
	if v == "" {
		return ""
	}
	return "***"
}

// summary is a verdict in a line, and what stands behind it.
func (r *rehearsal) summary(v *judged) (line string, more []string) {
	var b strings.Builder
	verdictText{showSecrets: r.o.showSecrets}.text(&b, v)
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	line = v.status.String()
	if len(lines) > 1 {
		line = strings.TrimLeft(lines[1], " ~-+!")
	}
	return line, lines
}

// junit writes a JUnit report: a testcase for each session.
func (r *rehearsal) junit(list []judged) error {
	var cases strings.Builder
	failures, failed := 0, 0
	for i := range list {
		v := &list[i]
		s := v.recorded.Session
		fmt.Fprintf(&cases, "    <testcase classname=\"%s\" name=\"%s\"", attr(s.Device.Key()), attr("session "+transcript.SessionName(s)+" ("+eventCodes(s)+")"))
		if v.now != nil {
			fmt.Fprintf(&cases, " time=\"%.3f\"", max(0, v.now.End.Sub(v.now.Start).Seconds()))
		}
		line, more := r.summary(v)
		element := ""
		switch v.status {
		case different:
			element = "failure"
			failures++
		case noVerdict:
			element = "error"
			failed++
		}
		if element == "" {
			cases.WriteString("/>\n")
			continue
		}
		fmt.Fprintf(&cases, ">\n      <%s type=\"%s\" message=\"%s\">%s</%s>\n    </testcase>\n", element, v.status, attr(line), attr(strings.Join(more, "\n")), element)
	}
	counts := fmt.Sprintf("tests=\"%d\" failures=\"%d\" errors=\"%d\"", len(list), failures, failed)
	_, err := fmt.Fprintf(r.stdout, "%s<testsuites name=\"informant\" %s>\n  <testsuite name=\"replay\" %s skipped=\"0\">\n%s  </testsuite>\n</testsuites>\n", xml.Header, counts, counts, cases.String())
	return err
}

// tapLines writes the Test Anything Protocol, version 13.
func (r *rehearsal) tapLines(list []judged) error {
	var b strings.Builder
	fmt.Fprintf(&b, "TAP version 13\n1..%d\n", len(list))
	for i := range list {
		v := &list[i]
		ok := "ok"
		if v.status != asRecorded {
			ok = "not ok"
		}
		s := v.recorded.Session
		name := strings.ReplaceAll("session "+transcript.SessionName(s)+" of "+s.Device.Key()+", "+eventCodes(s), "#", "\\#")
		fmt.Fprintf(&b, "%s %d - %s\n", ok, i+1, transcript.Safe(name))
		if v.status == asRecorded {
			continue
		}
		line, more := r.summary(v)
		fmt.Fprintf(&b, "  ---\n  verdict: %s\n  message: %q\n  lines: |\n", v.status, line)
		for _, l := range more {
			fmt.Fprintf(&b, "    %s\n", l)
		}
		b.WriteString("  ...\n")
	}
	_, err := io.WriteString(r.stdout, b.String())
	return err
}
