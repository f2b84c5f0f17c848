package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"informant/decode"
	"informant/decode/check"
	"informant/decode/transcript"
)

// junit writes a JUnit report: one testcase per session, failed when it has a
// finding at or above the threshold. The report begins with its counts, so the
// testcases are kept until all is read.
type junit struct {
	spool
	fail            int
	tests, failures int
}

// Append appends the testcase of an item.
func (j *junit) Append(dst []byte, it decode.Item) []byte {
	s := it.Session
	if it.Kind != decode.SessionItem && it.Finding == nil {
		return dst
	}
	name, class, seconds := subjectName(it), "connections", "0"
	if s != nil {
		class = s.Device.Key()
		if class == "" {
			class = "unknown device"
		}
		if !s.Start.IsZero() && !s.End.IsZero() {
			seconds = fmt.Sprintf("%.3f", max(0, s.End.Sub(s.Start).Seconds())) // packets' clocks may go back
		}
	}
	j.tests++
	var b strings.Builder
	fmt.Fprintf(&b, "    <testcase classname=\"%s\" name=\"%s\" time=\"%s\"", attr(class), attr(name), seconds)
	j.body(&b, it)
	return append(dst, b.String()...)
}

// subjectName is what an item is called.
func subjectName(it decode.Item) string {
	if s := it.Session; s != nil {
		name := "session " + transcript.SessionName(s)
		if s.Fragment {
			name = "fragment " + transcript.SessionName(s)
		}
		if codes := eventCodes(s); codes != "" {
			name += " (" + codes + ")"
		}
		return name
	}
	return subjects[it.Finding.Subject]
}

// body writes the failures of a testcase, and the lesser findings as output.
func (j *junit) body(b *strings.Builder, it decode.Item) {
	var failed, other []*check.Finding
	for _, f := range findingsOf(it) {
		if int(f.Severity) >= j.fail {
			failed = append(failed, f)
		} else {
			other = append(other, f)
		}
	}
	if len(failed)+len(other) == 0 {
		b.WriteString("/>\n")
		return
	}
	b.WriteString(">\n")
	lines := func(fs []*check.Finding) string {
		var t strings.Builder
		for _, f := range fs {
			t.WriteString((&lint{}).line(it, f) + "\n")
		}
		return t.String()
	}
	if len(failed) > 0 {
		j.failures++
		fmt.Fprintf(b, "      <failure type=\"%s\" message=\"%s\">%s</failure>\n", attr(failed[0].Check.ID),
			attr(failed[0].Check.ID+" "+said(it, failed[0])), attr(lines(failed)))
	}
	if len(other) > 0 {
		fmt.Fprintf(b, "      <system-out>%s</system-out>\n", attr(lines(other)))
	}
	b.WriteString("    </testcase>\n")
}

// attr makes text fit for an attribute or for character data.
func attr(s string) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(s, "\n"), "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		_ = xml.EscapeText(&b, []byte(transcript.Safe(line)))
	}
	return b.String()
}

// Finish writes the whole report.
func (j *junit) Finish(w io.Writer, _ decode.Totals) error {
	counts := fmt.Sprintf("tests=\"%d\" failures=\"%d\" errors=\"0\"", j.tests, j.failures)
	if _, err := fmt.Fprintf(w, "%s<testsuites name=\"informant\" %s>\n  <testsuite name=\"TR-069\" %s skipped=\"0\">\n", xml.Header, counts, counts); err != nil {
		return err
	}
	if err := j.copy(w, j.size); err != nil {
		return err
	}
	_, err := io.WriteString(w, "  </testsuite>\n</testsuites>\n")
	return err
}
