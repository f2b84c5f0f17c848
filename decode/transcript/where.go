package transcript

import (
	"strings"
	"time"

	"informant/decode/check"
	"informant/decode/cwmp"
	"informant/decode/http1"
	"informant/decode/soap"
)

// wireOffset says at which byte of its HTTP message, as it was on the wire, a
// position of the document's text lies. It is false where no single byte
// stands for it.
func wireOffset(m *cwmp.Message, at int) (int, bool) {
	if m.Document == nil || m.HTTP == nil {
		return 0, false
	}
	body, ok := m.Document.Origin(at)
	if !ok {
		return 0, false
	}
	return m.HTTP.RawOffset(body)
}

// unreadable says why no method could be read of m, and where: the first quirk
// that explains it.
func unreadable(m *cwmp.Message) (reason string, at int, ok bool) {
	if m.Document == nil {
		at, ok = bodyOffset(m)
		return "no SOAP envelope", at, ok
	}
	best := -1
	for i, q := range m.Document.Quirks {
		switch q.Kind {
		case soap.NotXML, soap.TooDeep, soap.TooManyElements, soap.Truncated, soap.Malformed, soap.WrongRoot, soap.BodyStructure:
			if best < 0 || rank(q.Kind) < rank(m.Document.Quirks[best].Kind) {
				best = i
			}
		}
	}
	if best < 0 {
		at, ok = bodyOffset(m)
		return "no method in the envelope", at, ok
	}
	q := m.Document.Quirks[best]
	reason = q.Text
	if reason == "" {
		reason = "not readable"
	}
	at, ok = wireOffset(m, q.At.Start)
	return reason, at, ok
}

// bodyOffset is where the body of m begins on the wire.
func bodyOffset(m *cwmp.Message) (at int, ok bool) {
	if m.HTTP == nil {
		return 0, false
	}
	return m.HTTP.RawOffset(0)
}

// rank orders the quirks by how much they explain.
func rank(k soap.QuirkKind) int {
	switch k {
	case soap.NotXML:
		return 0
	case soap.TooDeep, soap.TooManyElements:
		return 1
	case soap.Truncated:
		return 2
	case soap.Malformed:
		return 3
	}
	return 4
}

// size is the length of an HTTP message on the wire, as far as it was seen.
func size(m *http1.Message) int64 { return int64(len(m.Raw)) + m.Omitted }

// shownBody is the body as it is shown, and whether it is the document's text:
// a body in a charset that is no superset of ASCII can only be shown so.
func shownBody(m *cwmp.Message) (body string, inText bool) {
	if d := m.Document; d != nil && (strings.HasPrefix(d.Charset, "utf-16") || strings.HasPrefix(d.Charset, "utf-32") || strings.HasPrefix(d.Charset, "ucs-")) {
		return d.Text, true
	}
	return m.HTTP.Body, false
}

// shortPath is a finding's path without what all paths have in common.
func shortPath(p string) string {
	for _, prefix := range [...]string{"/Envelope/Body/", "/Envelope/"} {
		if s, ok := strings.CutPrefix(p, prefix); ok && s != "" {
			return s
		}
	}
	return p
}

// wireSeen is the time of an HTTP message's first byte, zero where unknown.
func wireSeen(x *http1.Exchange) time.Time {
	switch {
	case x == nil:
	case x.Request != nil:
		return x.Request.First
	case x.Response != nil:
		return x.Response.First
	}
	return time.Time{}
}

// hits are the findings at message n; the ones without a message have n 0.
func hits(fs []check.Finding, n int) []*check.Finding {
	var hs []*check.Finding
	for i := range fs {
		if fs[i].At.N == n {
			hs = append(hs, &fs[i])
		}
	}
	return hs
}
