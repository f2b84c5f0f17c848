package check

import (
	"fmt"
	"strings"

	"informant/decode/cwmp"
	"informant/decode/http1"
	"informant/decode/soap"
)

// Pass is one run of one check on one subject.
type Pass struct {
	Check    *Check
	Session  *cwmp.Session   // whose; as far as it has come, for checks of messages
	Message  *cwmp.Message   // OfMessage
	Exchange *http1.Exchange // OfConnection: an exchange that is no CWMP, on a connection of the session

	f       *follow
	profile Profile
	out     []Finding

	answered bool // answers is known
	answers  *cwmp.Transaction
	compared bool     // paths is known
	paths    []string // what was asked for
	request  *cwmp.Message
	jar      []cookie // room for those of a session
	got      []string // room for the values of one that came back
	asked    []int    // room for exchanges
}

// place is a position that a check reports.
type place struct {
	m    *cwmp.Message
	path string
	raw  int // in HTTP.Raw; -1 where no single byte stands for it

	text bool      // at, in the document's text, says it all
	at   soap.Span // it is looked up only when something is reported
}

// maxPerCheck is how many findings of one check a session may have; the last one
// says that there were more.
const maxPerCheck = 100

// report tells a breach.
func (p *Pass) report(party Party, at place, format string, args ...any) {
	p.reportAs(p.Check.Severity, party, at, format, args...)
}

// reportAs tells a breach that weighs otherwise than its check.
func (p *Pass) reportAs(s Severity, party Party, at place, format string, args ...any) {
	p.reportWith(s, party, at, nil, format, args...)
}

// reportWith tells a breach that other messages prove.
func (p *Pass) reportWith(s Severity, party Party, at place, related []*cwmp.Message, format string, args ...any) {
	n := p.f.count(p.Check)
	if n > maxPerCheck {
		return
	}
	text := fmt.Sprintf(format, args...)
	if n == maxPerCheck {
		text += " (and possibly more like it: this was the last of its kind that is told of this session)"
	}
	f := Finding{Check: p.Check, Severity: s.under(p.profile, p.Check), Party: party, Subject: p.Check.Subject, At: p.ref(at), Text: text}
	for _, m := range related {
		f.Related = append(f.Related, p.ref(message(m)))
	}
	p.out = append(p.out, f)
}

// ref makes a Ref of a place.
func (p *Pass) ref(at place) Ref {
	at = at.look()
	r := Ref{Session: p.Session.ID, Path: at.path, Offset: -1}
	if at.m == nil {
		return r
	}
	r.N, r.Exchange = at.m.N, at.m.Exchange
	if at.m.HTTP == nil || at.raw < 0 {
		return r
	}
	r.Offset = int64(max(0, at.raw-start(at.m.HTTP.Raw)))
	r.Packet = at.m.HTTP.PacketAt(at.raw)
	return r
}

// start is where the start line begins, after empty lines.
func start(raw string) int {
	return len(raw) - len(strings.TrimLeft(raw, "\r\n"))
}

// message is the place of a message as a whole.
func message(m *cwmp.Message) place { return place{m: m} }

// inText is the place of a span of the document's text.
func inText(m *cwmp.Message, at soap.Span) place { return place{m: m, raw: -1, text: true, at: at} }

// look finds the path and the byte of a place in a document's text.
func (at place) look() place {
	m := at.m
	if !at.text || m == nil || m.Document == nil {
		return at
	}
	at.path = soap.PathAt(m.Document, at.at.Start)
	if off, ok := m.Document.Origin(at.at.Start); ok && m.HTTP != nil {
		if raw, ok := m.HTTP.RawOffset(off); ok {
			at.raw = raw
		}
	}
	return at
}

// atLeaf is the place of an argument.
func atLeaf(m *cwmp.Message, l *cwmp.Leaf) place { return inText(m, l.At()) }

// atMethod is the place of the method element.
func atMethod(m *cwmp.Message) place {
	if m.Document == nil {
		return message(m)
	}
	return inText(m, m.At)
}

// atBlock is the place of a header block.
func atBlock(m *cwmp.Message, b *soap.Block) place {
	if b == nil {
		return atMethod(m)
	}
	return inText(m, b.At)
}

// atField is the place of an HTTP field, or of the head when it has none of
// that name.
func atField(m *cwmp.Message, name string) place {
	at := place{m: m, path: "header " + name}
	for i := range m.HTTP.Fields {
		if strings.EqualFold(m.HTTP.Fields[i].Name, name) {
			at.raw = m.HTTP.Fields[i].Line.Start
			break
		}
	}
	return at
}

// by is the party that a role is.
func by(r cwmp.Role) Party {
	switch r {
	case cwmp.CPE:
		return CPE
	case cwmp.ACS:
		return ACS
	}
	return Unknown
}

// sender is who sent the pass's message.
func (p *Pass) sender() Party { return by(p.Message.From) }

// firstTime says whether this check is asked for key for the first time in the
// session: notes on habits are told once.
func (p *Pass) firstTime(key string) bool {
	if len(p.f.told) > 1000 {
		return false
	}
	k := telling{p.Check, key}
	for i := range p.f.told {
		if p.f.told[i] == k {
			return false
		}
	}
	p.f.told = append(p.f.told, k)
	return true
}

// transaction is the one that the pass's message answers, nil when there is
// none. The last ones are looked at first: it was just answered.
func (p *Pass) transaction() *cwmp.Transaction {
	if !p.answered {
		p.answered, p.answers = true, p.findTransaction()
	}
	return p.answers
}

func (p *Pass) findTransaction() *cwmp.Transaction {
	if p.Session.Fragment {
		return nil
	}
	for i := len(p.Session.Transactions) - 1; i >= 0; i-- {
		if t := p.Session.Transactions[i]; t.Response == p.Message {
			return t
		}
	}
	return nil
}

// isRequest says whether m calls a method.
func isRequest(m *cwmp.Message) bool { return m.Kind == cwmp.Request }

// answers says whether m is an answer: a response or a Fault.
func answers(m *cwmp.Message) bool { return m.Kind == cwmp.Response || m.Kind == cwmp.Fault }

// isEnvelope says whether a method or Fault was read of m.
func isEnvelope(m *cwmp.Message) bool { return isRequest(m) || answers(m) }

// isInform says whether m is an Inform.
func isInform(m *cwmp.Message) bool { return isRequest(m) && m.RPC == "Inform" }

// quote shows text of a device: in quotes, without control characters, and no
// more than 80 characters of it.
func quote(s string) string {
	n := 0
	for i := range s {
		if n == 80 {
			return fmt.Sprintf("%q…", s[:i])
		}
		n++
	}
	return fmt.Sprintf("%q", s)
}

// short shows text of a device without quotes where it is a plain name.
func short(s string) string {
	if s == "" || len(s) > 256 {
		return quote(s)
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == '"' {
			return quote(s)
		}
	}
	return s
}

// plural is "1 thing" or "3 things".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
