package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

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

	call       *cwmp.ConnectionRequest // OfConnectionRequest
	secure     *http1.Event            // OfConnection: of a handshake, or the end of a connection
	at         time.Time               // its
	port       string                  // the device that is called where the connection goes to, "" for none
	secrets    map[string]string       // of connection requests, by user
	datagram   *cwmp.Datagram          // OfConnectionRequest, over UDP
	udp        udpSeen                 // what is known of its address
	stanza     *iq                     // OfConnectionRequest, over XMPP
	allowed    []string                // who may send one
	transfer   *cwmp.Transfer          // OfTransfer
	before     time.Time               // when the device was called before
	f          *follow
	profile    Profile
	severities map[string]Severity // of one's own
	out        []Finding

	answered  bool // answers is known
	answers   *cwmp.Transaction
	compared  bool     // paths is known
	paths     []string // what was asked for
	request   *cwmp.Message
	jar       []cookie       // room for those of a session
	got       []string       // room for the values of one that came back
	asked     []int          // room for exchanges
	counted   map[string]int // room for names, and how often they are there
	lists     []listOf       // of the message's arguments, if listed
	listed    bool
	login     []byte // the Authorization that was looked at last
	userName  string // in it
	isDefault bool   // that one is a factory's
	names     names
	places    soap.Paths
	types     seenTypes // room for the types of a session's answers
	endings   *endings  // of names, once there were any
	known     nameLists // what lists of names tell
	again     repeats   // of names in a list
	alike     alikeItems
	// Of the message's parameters, what the facts have found (see factsOf).
	told      *nameList // what its names tell; nil where it has no list of parameters
	hashed    bool      // question is known
	question  uint64    // see asks
	marks     marks
	marked    []marked     // those with marks, guarded ones aside
	vendors   []*cwmp.Leaf // names that may have a vendor's node of a wrong form
	oddValues []int        // values that may not fit their types
	odd       facts        // of the message
	learnt    learnt       // room for what a session tells
}

// listOf is a list among a message's arguments.
type listOf struct {
	member *cwmp.Member
	array  cwmp.Array
}

// unlist lets go what was listed of a message.
func (p *Pass) unlist() {
	p.listed, p.marks, p.alike, p.told, p.hashed = false, 0, alikeItems{}, nil, false
	p.lists, p.vendors = emptiedList(p.lists), emptiedList(p.vendors)
	p.oddValues, p.marked = emptiedList(p.oddValues), emptiedList(p.marked)
}

// emptiedList is a list without items, which keeps nothing, and its memory unless it is a lot.
func emptiedList[T any](list []T) []T {
	const many = 1024
	if cap(list) > many {
		return nil
	}
	clear(list)
	return list[:0]
}

// place is a position that a check reports.
type place struct {
	m    *cwmp.Message
	path string
	raw  int // in HTTP.Raw; -1 where no single byte stands for it

	field string    // the header field that it is
	text  bool      // at, in the document's text, says it all
	at    soap.Span // it is looked up only when something is reported
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
	text := p.text(format, args)
	if n == maxPerCheck {
		text += " (and possibly more like it: this was the last of its kind that is told of this session)"
	}
	s = s.under(p.profile, p.Check)
	if own, ok := p.severities[p.Check.ID]; ok {
		s = own
	}
	p.out = append(p.out, Finding{Check: p.Check, Severity: s, Party: party, Subject: p.Check.Subject, Text: text})
	f := &p.out[len(p.out)-1]
	p.ref(&f.At, &at)
	if len(related) > 0 {
		f.Related = make([]Ref, len(related))
		for i, m := range related {
			p.ref(&f.Related[i], &place{m: m})
		}
	}
}

// text is a format with its arguments in it.
func (p *Pass) text(format string, args []any) string {
	if len(args) == 0 && strings.IndexByte(format, '%') < 0 {
		return format
	}
	var plain bool
	if p.names.buf, plain = appendPlain(p.names.buf[:0], format, args); !plain {
		p.names.buf = fmt.Appendf(p.names.buf[:0], format, args...)
	}
	return p.names.keep()
}

// appendPlain is fmt.Appendf where nothing but strings and numbers is put in, as they are,
// as in most findings; it is false where there is more to do.
func appendPlain(dst []byte, format string, args []any) (_ []byte, ok bool) {
	for {
		i := strings.IndexByte(format, '%')
		if i < 0 {
			return append(dst, format...), len(args) == 0
		}
		if i+1 == len(format) || len(args) == 0 {
			return dst, false
		}
		dst = append(dst, format[:i]...)
		switch x := args[0].(type) {
		case string:
			if format[i+1] != 's' {
				return dst, false
			}
			dst = append(dst, x...)
		case int:
			if format[i+1] != 'd' {
				return dst, false
			}
			dst = strconv.AppendInt(dst, int64(x), 10)
		default:
			return dst, false
		}
		format, args = format[i+2:], args[1:]
	}
}

// ref makes r the Ref of a place.
func (p *Pass) ref(r *Ref, at *place) {
	p.look(at)
	r.Session, r.Path, r.Offset = p.Session.ID, at.path, -1
	if at.m == nil {
		return
	}
	r.N, r.Exchange = at.m.N, at.m.Exchange
	if at.m.HTTP == nil || at.raw < 0 {
		return
	}
	r.Offset = int64(max(0, at.raw-start(at.m.HTTP.Raw)))
	r.Packet = at.m.HTTP.PacketAt(at.raw)
}

// start is where the start line begins, after empty lines.
func start(raw string) int {
	if raw != "" && raw[0] > '\r' {
		return 0
	}
	return len(raw) - len(strings.TrimLeft(raw, "\r\n"))
}

// message is the place of a message as a whole.
func message(m *cwmp.Message) place { return place{m: m} }

// inText is the place of a span of the document's text.
func inText(m *cwmp.Message, at soap.Span) place { return place{m: m, raw: -1, text: true, at: at} }

// look finds the path of a place, and the byte of one in a document's text.
func (p *Pass) look(at *place) {
	m := at.m
	if at.field != "" {
		at.path = p.names.join("header ", at.field)
	}
	if !at.text || m == nil || m.Document == nil {
		return
	}
	at.path = p.pathAt(m, at.at.Start)
	if off, ok := m.Document.Origin(at.at.Start); ok && m.HTTP != nil {
		if raw, ok := m.HTTP.RawOffset(off); ok {
			at.raw = raw
		}
	}
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
	at := place{m: m, field: name}
	for i := range m.HTTP.Fields {
		if m.HTTP.Fields[i].Is(name) {
			at.raw = int(m.HTTP.Fields[i].Line.Start)
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

// upper is a role in capitals.
func upper(r cwmp.Role) string {
	switch r {
	case cwmp.CPE:
		return "CPE"
	case cwmp.ACS:
		return "ACS"
	}
	return "UNKNOWN"
}

// sender is who sent the pass's message.
func (p *Pass) sender() Party { return by(p.Message.From) }

// firstTime says whether this check is asked for key for the first time in the
// session: notes on habits are told once.
func (p *Pass) firstTime(key string) bool {
	if p.toldOf(key) {
		return false
	}
	p.f.told = append(p.f.told, telling{p.Check, key})
	return true
}

// toldOf says whether firstTime was asked for key before, or too often.
func (p *Pass) toldOf(key string) bool {
	return len(p.f.told) > 1000 || slices.Contains(p.f.told, telling{p.Check, key})
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
	if len(s) <= 80 && plainText(s) {
		return `"` + s + `"`
	}
	n := 0
	for i := range s {
		if n == 80 {
			return strconv.Quote(s[:i]) + "…"
		}
		n++
	}
	return strconv.Quote(s)
}

// plainText says whether a text is visible ASCII and spaces that stand as they are in
// quotes.
func plainText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
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
	return strconv.Itoa(n) + " " + one + "s"
}
