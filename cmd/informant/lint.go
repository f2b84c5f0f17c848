package main

import (
	"fmt"
	"strconv"
	"strings"

	"informant/capture"
	"informant/decode"
	"informant/decode/check"
	"informant/decode/cwmp"
	"informant/decode/transcript"
)

// lint writes findings one a line, as linters do.
type lint struct {
	color bool
	quiet bool
}

// Append appends the lines of an item's findings.
func (l *lint) Append(dst []byte, it decode.Item) []byte {
	for _, f := range findingsOf(it) {
		dst = append(dst, l.line(it, f)...)
		dst = append(dst, '\n')
	}
	return dst
}

func (l *lint) line(it decode.Item, f *check.Finding) string {
	severity, id := f.Severity.String(), f.Check.ID
	if l.color {
		severity = [...]string{"\x1b[36m", "\x1b[33m", "\x1b[31m"}[f.Severity] + severity + "\x1b[0m"
		id = "\x1b[1m" + id + "\x1b[0m"
	}
	text := fmt.Sprintf("%s: %s %s %s [%s]", transcript.Safe(where(it, f)), severity, id, transcript.Safe(said(it, f)), strings.ToUpper(f.Party.String()))
	if f.At.Path != "" {
		text += " at " + transcript.Safe(f.At.Path)
	}
	return text
}

// said is a finding's text without the session's secrets.
func said(it decode.Item, f *check.Finding) string {
	if it.Session == nil {
		return f.Text
	}
	return transcript.FindingText(it.Session, f)
}

// where names the place of a finding: "file/session 3 message 7 packet 12".
func where(it decode.Item, f *check.Finding) string {
	var b strings.Builder
	b.WriteString(pointOf(it))
	if s := it.Session; s != nil {
		name := "session " + transcript.SessionName(s)
		if s.Fragment {
			name = "fragment " + transcript.SessionName(s)
		}
		b.WriteString("/" + name)
	} else {
		b.WriteString("/" + subjects[f.Subject])
	}
	if f.At.N > 0 {
		b.WriteString(" message " + strconv.Itoa(f.At.N))
	}
	if f.At.Packet > 0 {
		b.WriteString(" packet " + strconv.FormatUint(f.At.Packet, 10))
	}
	return b.String()
}

var subjects = [...]string{"message", "session", "connection request", "transfer", "connection", "device"}

// pointOf is where an item was seen: the file.
func pointOf(it decode.Item) string {
	c := connOf(it)
	if c == nil || c.Point == "" {
		return "-"
	}
	return c.Point
}

func connOf(it decode.Item) *capture.Conn {
	switch {
	case it.Session != nil && len(it.Session.Conns) > 0:
		return it.Session.Conns[0]
	case it.ConnectionRequest != nil:
		return it.ConnectionRequest.Conn
	case it.Connection != nil:
		return it.Connection.Conn
	case it.Transfer != nil && it.Transfer.Exchange != nil && it.Transfer.Exchange.Request != nil:
		return it.Transfer.Exchange.Request.Conn
	}
	return nil
}

// findingsOf are the findings of an item.
func findingsOf(it decode.Item) []*check.Finding {
	if it.Finding != nil {
		return []*check.Finding{it.Finding}
	}
	fs := make([]*check.Finding, len(it.Findings))
	for i := range it.Findings {
		fs[i] = &it.Findings[i]
	}
	return fs
}

// AppendSummary appends the counts.
func (l *lint) AppendSummary(dst []byte, t decode.Totals) []byte {
	if l.quiet {
		return dst
	}
	n := t.Findings
	return fmt.Appendf(dst, "%s, %s: %s, %s, %s\n", plural(t.Sessions, "session", "sessions"), plural(t.Fragments, "fragment", "fragments"),
		plural(n[check.Error], "error", "errors"), plural(n[check.Warning], "warning", "warnings"), plural(n[check.Info], "note", "notes"))
}

// eventCodes are the reasons for which a session was opened.
func eventCodes(s *cwmp.Session) string { return strings.Join(s.Codes(), ", ") }
