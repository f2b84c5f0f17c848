package check

import (
	"strings"

	"informant/decode/cwmp"
	"informant/decode/http1"
	"informant/decode/soap"
)

// httpMessages is the checks of single HTTP messages.
var httpMessages = []*Check{
	{
		ID: "HTTP-001", Title: "The CPE uses only POST toward the ACS", Ref: "TR-069a6 3.4.1", Severity: Error, Gates: PlainHTTP, Subject: OfConnection, Run: onlyPOST,
		Doc: "CWMP travels in POSTs. Only requests to the very path of the session count here: a file may well be fetched from the same server.",
	},
	{
		ID: "HTTP-002", Title: "HTTP/1.1 in requests and answers", Ref: "TR-069a6 3.4", Severity: Error, Gates: PlainHTTP, odd: oldHTTP, Run: httpVersion,
		Doc: "With HTTP/1.0 the connection closes after each answer unless both sides agree otherwise, and chunked bodies are unknown. It is told once per side.",
	},
	{
		ID: "HTTP-003", Title: "A POST with a body is text/xml", Ref: "TR-069a6 3.4.1", Severity: Error, Gates: PlainHTTP, need: aPOST, only: bodied, odd: oddType, Run: postType,
		Doc: "An ACS behind a framework that dispatches by Content-Type never sees a body of another type.",
	},
	{
		ID: "HTTP-004", Title: "A 200 of the ACS with a body is text/xml", Ref: "TR-069a6 3.4.1", Severity: Error, Field: true, Gates: PlainHTTP, need: aReply, only: bodied, odd: oddType, Run: answerType,
		Doc: "Frameworks send text/html or application/soap+xml by default; most CPEs don't mind, some do.",
	},
	{
		ID: "HTTP-005", Title: "The body is UTF-8", Ref: "TR-069a6 3.4.1", Severity: Warning, Gates: PlainHTTP, odd: oddCharset | otherSet, Run: utf8Only,
		Doc: "Another character set is understood only by peers that convert. Old devices send ISO-8859-1.",
	},
	{
		ID: "HTTP-006", Title: "An empty POST has no SOAPAction", Ref: "TR-069a6 3.4.1", Severity: Error, Field: true, Gates: PlainHTTP, need: aPOST, with: emptyKind | hasAction, Run: emptyAction,
		Doc: "SOAPAction announces an envelope, and there is none. Harmless with nearly every ACS.",
	},
	{
		ID: "HTTP-007", Title: "An empty POST has no Content-Type", Ref: "TR-069a6 3.4.1", Severity: Error, Field: true, Gates: PlainHTTP, need: aPOST, with: emptyKind | hasType, Run: emptyType,
		Doc: "A type without a body makes some servers wait for the body, or parse an empty one and fail.",
	},
	{
		ID: "HTTP-008", Title: "A POST with a response or Fault has an empty SOAPAction", Ref: "TR-069a6 3.4.1", Severity: Error, Field: true, Gates: PlainHTTP, need: aPOST, only: anAnswer, odd: noAction | namedActions, Run: answerAction,
		Doc: "The field must be there and have no value at all: no quotes, no method name.",
	},
	{
		ID: "HTTP-009", Title: "A POST with a request has a SOAPAction", Ref: "SOAP 1.1 6.1.1", Severity: Warning, Field: true, Gates: PlainHTTP, need: aPOST, only: aRequest, odd: noAction, Run: requestAction,
		Doc: "SOAP 1.1 requires the field of every request; its value is free in CWMP.",
	},
	{
		ID: "HTTP-010", Title: "The SOAPAction of a request is empty", Ref: "TR-069a6 3.4.1", Severity: Info, Gates: PlainHTTP, need: aPOST, only: aRequest, odd: namedActions, Run: namedAction,
		Doc: "Any value is allowed. The first one is noted, since a few servers dispatch by it.",
	},
	{
		ID: "HTTP-011", Title: "The ACS's empty answer is a 204", Ref: "TR-069a6 3.4.1", Severity: Error, Field: true, Gates: PlainHTTP, need: aReply, odd: emptyKind, Run: empty204,
		Doc: "A 200 without a body means the same to most CPEs, but some take it for a failure and try again.",
	},
	{
		ID: "HTTP-012", Title: "The ACS sends envelopes with a 200", Ref: "TR-069a6 3.4.1", Severity: Error, Gates: PlainHTTP, need: aReply, only: anEnvelope, odd: not200, Run: status200,
		Doc: "CPEs look for an envelope in a 200 only. A Fault in a 4xx or 5xx is FLT-012.",
	},
	{
		ID: "HTTP-013", Title: "A 204 has no body", Ref: "RFC 9110 15.3.5", Severity: Error, Gates: PlainHTTP, need: aReply, odd: not200, Run: body204,
		Doc: "Receivers don't read a body after a 204, and take it for the beginning of the next answer. A Content-Length of 0 is only a note.",
	},
	{
		ID: "HTTP-031", Title: "The ACS redirects with 302 or 307", Ref: "TR-069a6 3.4.6", Severity: Warning, Gates: PlainHTTP, need: aReply, odd: redirected, Run: redirectStatus,
		Doc: "A CPE must follow these two; any other may end the session.",
	},
	{
		ID: "HTTP-035", Title: "Location is an absolute http or https URL", Ref: "RFC 2616 14.30", Severity: Error, Gates: PlainHTTP, need: aReply, odd: redirected, Run: location,
		Doc: "Without it a CPE cannot follow the redirect. A relative one is understood by some.",
	},
	{
		ID: "HTTP-036", Title: "The framing is sane", Ref: "RFC 9112 6.3", Severity: Error, odd: oddFraming, Run: framing,
		Doc: "Exactly one of Content-Length and chunked says how long the body is, and it is right. Where two say different things, two readers see two messages: it is how requests are smuggled. A length counted in characters instead of bytes is the usual mistake.",
	},
	{
		ID: "HTTP-037", Title: "Requests carry Host", Ref: "RFC 9112 3.2", Severity: Error, Gates: PlainHTTP, need: aPOST, odd: noHost, Run: host,
		Doc: "HTTP/1.1 requires it, and servers with several names answer 400 without it.",
	},
	{
		ID: "HTTP-039", Title: "No Expect: 100-continue", Ref: "RFC 9110 10.1.1", Severity: Info, Gates: PlainHTTP, need: aPOST, odd: expects, Run: expect,
		Doc: "Legal, and the habit of libcurl. Each message waits for the interim answer, up to a second if the ACS doesn't send it. It is told once.",
	},
	{
		ID: "HTTP-040", Title: "No 4xx or 5xx to a CWMP POST", Ref: "TR-069a6 3.4.1", Severity: Info, Gates: PlainHTTP, need: aReply, odd: failed, Run: httpError,
		Doc: "The session failed with it. The status, and the text that came along, are the ACS's own account of why.",
	},
	{
		ID: "HTTP-041", Title: "An empty body has no white space in it", Ref: "TR-069a6 3.4.1", Severity: Warning, Gates: WholeBody, odd: padded, Run: blankBody,
		Doc: "Informant takes it for empty; a peer that goes by the length tries to parse it.",
	},
	{
		ID: "HTTP-042", Title: "An answer has no SOAPAction", Ref: "SOAP 1.1 6.1.1", Severity: Info, Gates: PlainHTTP, need: aReply, odd: hasAction, Run: actionInAnswer,
		Doc: "The field belongs to requests. It is told once.",
	},
	{
		ID: "HTTP-044", Title: "A 503 names no Retry-After", Ref: "TR-069a6 3.2.1.1", Severity: Info, Gates: PlainHTTP, need: aReply, odd: failed, Run: retryAfter,
		Doc: "A CPE goes by the session retry times of CWMP and not by this field.",
	},
}

// post says whether m is a POST of the CPE; envelope whether it has a body.
func post(m *cwmp.Message) (ok, body bool) {
	return m.From == cwmp.CPE && m.HTTP.Head > 0, strings.TrimSpace(m.HTTP.Body) != "" || m.HTTP.Omitted > 0
}

// mediaType is type/subtype in lower case.
func mediaType(contentType string) string {
	t, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// otherMethods are those of HTTP that are no POST. What is none of them may be damaged.
var otherMethods = []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "M-POST"}

func onlyPOST(p *Pass) {
	if m := p.Message; m != nil { // one that is CWMP all the same
		p.report(CPE, place{m: m, path: "start line"}, "The CPE sends %s by %s", name(m), short(m.HTTP.Method))
		return
	}
	r := p.Exchange.Request
	if strings.EqualFold(r.Method, "POST") || len(p.Session.Messages) == 0 {
		return
	}
	first := p.Session.Messages[0].HTTP
	if first == nil || first.Target == "" || pathOf(first.Target) != pathOf(r.Target) || r.Conn != first.Conn {
		return
	}
	at := place{path: "start line", raw: -1}
	p.report(CPE, at, "The CPE sends %s %s on the connection of the session", short(r.Method), short(r.Target))
}

func httpVersion(p *Pass) {
	m := p.Message
	if v := m.HTTP.Version; v != "HTTP/1.1" && p.firstTime(m.From.String()) {
		p.report(p.sender(), place{m: m, path: "start line"}, "The start line says %s, not HTTP/1.1", quote(v))
	}
}

func postType(p *Pass) {
	if ok, body := post(p.Message); ok && body {
		p.wrongType()
	}
}

func answerType(p *Pass) {
	if m := p.Message; m.From == cwmp.ACS && m.Status == 200 && strings.TrimSpace(m.HTTP.Body) != "" {
		p.wrongType()
	}
}

// wrongType reports a Content-Type other than text/xml.
func (p *Pass) wrongType() {
	v, ok := p.Message.HTTP.Field("Content-Type")
	switch {
	case !ok:
		p.report(p.sender(), atField(p.Message, "Content-Type"), "There is no Content-Type")
	case mediaType(v) != "text/xml":
		p.report(p.sender(), atField(p.Message, "Content-Type"), "Content-Type is %s, not text/xml", quote(v))
	}
}

func utf8Only(p *Pass) {
	m := p.Message
	v, _ := m.HTTP.Field("Content-Type")
	_, set, ok := strings.Cut(strings.ToLower(v), "charset=")
	set, _, _ = strings.Cut(set, ";")
	if set = strings.Trim(strings.TrimSpace(set), `"'`); ok && set != "utf-8" && set != "utf8" && m.Document != nil {
		p.report(p.sender(), atField(m, "Content-Type"), "The character set of the body is %s", quote(set))
		return
	}
	if q, _ := p.firstQuirk(soap.CharsetOther); q != nil {
		p.report(p.sender(), inText(m, q.At), "The character set of the body is %s", quote(m.Document.Charset))
	}
}

func emptyAction(p *Pass) { p.unwanted("SOAPAction") }
func emptyType(p *Pass)   { p.unwanted("Content-Type") }

// unwanted reports a field that an empty POST must not have.
func (p *Pass) unwanted(name string) {
	m := p.Message
	if ok, body := post(m); !ok || body || m.Kind != cwmp.Empty {
		return
	}
	if v, ok := m.HTTP.Field(name); ok {
		p.report(CPE, atField(m, name), "The empty POST has %s: %s", name, quote(v))
	}
}

func answerAction(p *Pass) {
	m := p.Message
	if ok, _ := post(m); !ok || !answers(m) {
		return
	}
	v, ok := m.HTTP.Field("SOAPAction")
	switch {
	case !ok && !p.firstTime("missing"):
	case !ok:
		p.report(CPE, atField(m, "SOAPAction"), "The POST with %s has no SOAPAction", short(m.RPC))
	case v == `""` && !p.firstTime("quotes"): // as some stacks always do
	case v == `""`:
		p.reportAs(Warning, CPE, atField(m, "SOAPAction"), `SOAPAction of %s is two quotes ("") and not empty`, short(m.RPC))
	case v != "":
		p.report(CPE, atField(m, "SOAPAction"), "SOAPAction of %s is %s and not empty", short(m.RPC), quote(v))
	}
}

func requestAction(p *Pass) {
	m := p.Message
	if ok, _ := post(m); !ok || !isRequest(m) {
		return
	}
	if _, ok := m.HTTP.Field("SOAPAction"); !ok {
		p.report(CPE, atField(m, "SOAPAction"), "The POST with %s has no SOAPAction", short(m.RPC))
	}
}

func namedAction(p *Pass) {
	m := p.Message
	if ok, _ := post(m); !ok || !isRequest(m) {
		return
	}
	if v, _ := m.HTTP.Field("SOAPAction"); strings.Trim(v, `"`) != "" && p.firstTime("") {
		p.report(CPE, atField(m, "SOAPAction"), "SOAPAction of %s is %s", short(m.RPC), quote(v))
	}
}

func empty204(p *Pass) {
	m := p.Message
	if m.From == cwmp.ACS && m.Kind == cwmp.Empty && m.Status != 204 && m.Breach == cwmp.NoBreach && m.HTTP.Size == 0 {
		p.report(ACS, place{m: m, path: "start line"}, "The empty answer has status %d, not 204", m.Status)
	}
}

func status200(p *Pass) {
	m := p.Message
	if m.From == cwmp.ACS && isEnvelope(m) && m.Status != 200 && !(m.Kind == cwmp.Fault && m.Status >= 400) {
		p.report(ACS, place{m: m, path: "start line"}, "%s travels in a status %d, not 200", short(m.RPC), m.Status)
	}
}

func body204(p *Pass) {
	m := p.Message
	if m.From != cwmp.ACS || m.Status != 204 {
		return
	}
	length, ok := m.HTTP.Field("Content-Length")
	switch length = strings.TrimSpace(length); {
	case m.HTTP.HasQuirk(http1.BodyWhereNone):
		p.report(ACS, message(m), "The 204 is followed by a body")
	case ok && strings.Trim(length, "0") == "" && length != "":
		p.reportAs(Info, ACS, atField(m, "Content-Length"), "The 204 has a Content-Length of 0")
	case ok:
		p.report(ACS, atField(m, "Content-Length"), "The 204 has a Content-Length of %s", quote(length))
	}
}

func redirectStatus(p *Pass) {
	switch m := p.Message; m.Status {
	case 300, 301, 303, 308:
		p.report(ACS, place{m: m, path: "start line"}, "The ACS redirects with status %d", m.Status)
	}
}

func location(p *Pass) {
	m := p.Message
	switch m.Status {
	case 301, 302, 303, 307, 308:
	default:
		return
	}
	v, ok := m.HTTP.Field("Location")
	scheme, _, absolute := strings.Cut(v, "://")
	switch {
	case !ok || v == "":
		p.reportAs(Warning, ACS, atField(m, "Location"), "The status %d has no Location", m.Status)
	case !absolute:
		p.reportAs(Warning, ACS, atField(m, "Location"), "Location %s is not an absolute URL", quote(v))
	case !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https"):
		p.report(ACS, atField(m, "Location"), "Location %s is neither http nor https", quote(v))
	}
}

// framingQuirks says in words what is wrong with how a body's end is told.
var framingQuirks = map[http1.QuirkKind]string{
	http1.InvalidLength:     "Content-Length is no number",
	http1.RepeatedLength:    "Content-Length is there more than once",
	http1.ConflictingLength: "two Content-Lengths differ",
	http1.LengthAndChunked:  "there are both Content-Length and Transfer-Encoding",
	http1.NoLength:          "nothing tells how long the body is",
	http1.TailAfterBody:     "Content-Length is too small: the body goes on after it",
	http1.BadChunk:          "a chunk doesn't begin with its size",
}

func framing(p *Pass) {
	m := p.Message
	if m.HTTP.Lost != 0 || m.HTTP.Head == 0 || headCut(m.HTTP) {
		return
	}
	for i := range m.HTTP.Quirks {
		q := &m.HTTP.Quirks[i]
		what, ok := framingQuirks[q.Kind]
		if !ok {
			continue
		}
		text := ""
		if q.Text != "" {
			text = " (" + quote(q.Text) + ")"
		}
		p.report(p.sender(), place{m: m, raw: q.At}, "The framing is wrong: %s%s", what, text)
		return
	}
}

func host(p *Pass) {
	m := p.Message
	if ok, _ := post(m); !ok {
		return
	}
	if _, ok := m.HTTP.Field("Host"); !ok {
		p.report(CPE, atField(m, "Host"), "The request has no Host")
	}
}

func expect(p *Pass) {
	m := p.Message
	v, ok := m.HTTP.Field("Expect")
	if ok && m.From == cwmp.CPE && p.firstTime("") {
		p.report(CPE, atField(m, "Expect"), "The request has Expect: %s", quote(v))
	}
}

func httpError(p *Pass) {
	m := p.Message
	if m.From != cwmp.ACS || m.Status < 400 || m.Status == 401 || m.Status == 407 {
		return
	}
	text := strings.TrimSpace(m.HTTP.Body)
	if text != "" {
		text = ": " + quote(text)
	}
	p.report(ACS, place{m: m, path: "start line"}, "The ACS answers with status %d %s%s", m.Status, m.HTTP.Reason, text)
}

func blankBody(p *Pass) {
	m := p.Message
	if n := len(m.HTTP.Body); n > 0 && strings.TrimSpace(m.HTTP.Body) == "" && (m.Kind == cwmp.Empty || m.Kind == cwmp.Unreadable) {
		at := place{m: m, raw: -1}
		if raw, ok := m.HTTP.RawOffset(0); ok {
			at.raw = raw
		}
		p.report(p.sender(), at, "The empty message has a body of %s of white space", plural(n, "byte"))
	}
}

func actionInAnswer(p *Pass) {
	m := p.Message
	if _, ok := m.HTTP.Field("SOAPAction"); ok && m.From == cwmp.ACS && p.firstTime("") {
		p.report(ACS, atField(m, "SOAPAction"), "An answer of the ACS has a SOAPAction")
	}
}

func retryAfter(p *Pass) {
	m := p.Message
	if v, ok := m.HTTP.Field("Retry-After"); ok && m.Status == 503 {
		p.report(ACS, atField(m, "Retry-After"), "The 503 asks to come again after %s", quote(v))
	}
}
