package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"informant/decode/transcript"
	"informant/replay/judge"
)

// report tells the verdicts.
func (r *rehearsal) report(list []judge.Verdict) error {
	switch r.o.output {
	case "junit":
		return r.junit(list)
	case "tap":
		return r.tapLines(list)
	}
	var text []byte
	for i := range list {
		if r.o.output == "json" {
			text = judge.JSON{ShowSecrets: r.o.showSecrets}.Append(text, &list[i])
			continue
		}
		text = judge.Text{Color: r.color, ShowSecrets: r.o.showSecrets}.Append(text, &list[i])
	}
	_, err := r.stdout.Write(text)
	return err
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
