package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"informant/decode/cwmp"
	"informant/decode/diff"
	"informant/decode/transcript"
	"informant/replay/judge"
)

// report tells the verdicts.
func (r *rehearsal) report(list []judge.Verdict) error {
	switch r.o.output {
	case "json":
		return r.json(list)
	case "junit":
		return r.junit(list)
	case "tap":
		return r.tapLines(list)
	}
	var text []byte
	for i := range list {
		text = judge.Text{Color: r.color, ShowSecrets: r.o.showSecrets}.Append(text, &list[i])
	}
	_, err := r.stdout.Write(text)
	return err
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

func (r *rehearsal) json(list []judge.Verdict) error {
	e := json.NewEncoder(r.stdout)
	e.SetEscapeHTML(false)
	for i := range list {
		if err := e.Encode(r.jsonOf(&list[i])); err != nil {
			return err
		}
	}
	return nil
}

func (r *rehearsal) jsonOf(v *judge.Verdict) jsonVerdict {
	s := v.Recorded.Session
	j := jsonVerdict{Schema: 1, Type: "verdict", Session: transcript.SessionName(s), ID: hexID(s.ID), Device: s.Device.Key(),
		Verdict: map[judge.Judgement]string{judge.Same: "same", judge.Different: "different", judge.None: "none"}[v.Judgement], Reason: v.Reason,
		Steps: map[string]int{}, Differs: []jsonStep{}, Findings: []jsonFinding{}, Gone: append([]string{}, v.Result.Gone...),
		Deviations: append([]string{}, v.Report.Deviations...), Unanswered: append([]string{}, v.Report.Unanswered...), LeftOut: []string{}}
	if v.Played.Session != nil {
		j.Played = hexID(v.Played.Session.ID)
	}
	for _, status := range []diff.Status{diff.Same, diff.Different, diff.Missing, diff.Extra} {
		j.Steps[status.String()] = v.Result.Count(status)
	}
	for i := range v.Result.Steps {
		st := &v.Result.Steps[i]
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
	for i := range v.Result.Fresh {
		f := &v.Result.Fresh[i]
		j.Findings = append(j.Findings, jsonFinding{f.Check.ID, f.Severity.String(), f.Party.String(), f.At.N, transcript.FindingText(v.Played.Session, f)})
	}
	for _, t := range v.Report.LeftOut {
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
func (r *rehearsal) summary(v *judge.Verdict) (line string, more []string) {
	text := judge.Text{ShowSecrets: r.o.showSecrets}.Append(nil, v)
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	line = v.Judgement.String()
	if len(lines) > 1 {
		line = strings.TrimLeft(lines[1], " ~-+!")
	}
	return line, lines
}

// junit writes a JUnit report: a testcase for each session.
func (r *rehearsal) junit(list []judge.Verdict) error {
	var cases strings.Builder
	failures, failed := 0, 0
	for i := range list {
		v := &list[i]
		s := v.Recorded.Session
		fmt.Fprintf(&cases, "    <testcase classname=\"%s\" name=\"%s\"", attr(s.Device.Key()), attr("session "+transcript.SessionName(s)+" ("+eventCodes(s)+")"))
		if v.Played.Session != nil {
			fmt.Fprintf(&cases, " time=\"%.3f\"", max(0, v.Played.Session.End.Sub(v.Played.Session.Start).Seconds()))
		}
		line, more := r.summary(v)
		element := ""
		switch v.Judgement {
		case judge.Different:
			element = "failure"
			failures++
		case judge.None:
			element = "error"
			failed++
		}
		if element == "" {
			cases.WriteString("/>\n")
			continue
		}
		fmt.Fprintf(&cases, ">\n      <%s type=\"%s\" message=\"%s\">%s</%s>\n    </testcase>\n", element, v.Judgement, attr(line), attr(strings.Join(more, "\n")), element)
	}
	counts := fmt.Sprintf("tests=\"%d\" failures=\"%d\" errors=\"%d\"", len(list), failures, failed)
	_, err := fmt.Fprintf(r.stdout, "%s<testsuites name=\"informant\" %s>\n  <testsuite name=\"replay\" %s skipped=\"0\">\n%s  </testsuite>\n</testsuites>\n", xml.Header, counts, counts, cases.String())
	return err
}

// tapLines writes the Test Anything Protocol, version 13.
func (r *rehearsal) tapLines(list []judge.Verdict) error {
	var b strings.Builder
	fmt.Fprintf(&b, "TAP version 13\n1..%d\n", len(list))
	for i := range list {
		v := &list[i]
		ok := "ok"
		if v.Judgement != judge.Same {
			ok = "not ok"
		}
		s := v.Recorded.Session
		name := strings.ReplaceAll("session "+transcript.SessionName(s)+" of "+s.Device.Key()+", "+eventCodes(s), "#", "\\#")
		fmt.Fprintf(&b, "%s %d - %s\n", ok, i+1, transcript.Safe(name))
		if v.Judgement == judge.Same {
			continue
		}
		line, more := r.summary(v)
		fmt.Fprintf(&b, "  ---\n  verdict: %s\n  message: %q\n  lines: |\n", v.Judgement, line)
		for _, l := range more {
			fmt.Fprintf(&b, "    %s\n", l)
		}
		b.WriteString("  ...\n")
	}
	_, err := io.WriteString(r.stdout, b.String())
	return err
}
