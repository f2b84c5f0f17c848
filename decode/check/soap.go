package check

import (
	"strings"

	"informant/decode/cwmp"
	"informant/decode/soap"
)

// soapXML is the checks of the envelope as XML and SOAP.
var soapXML = []*Check{
	{
		ID: "SOAP-001", Title: "The body is well-formed XML 1.0", Ref: "TR-069a6 3.4.1", Severity: Error, Gates: WholeBody, body: true, odd: ill | padded, Run: wellFormed,
		Doc: "Many parsers refuse a whole message for one stray character, and the session ends there. Look at the offset: what stands before it was read, what follows was read as well as could be.",
	},
	{
		ID: "SOAP-002", Title: "The root element is Envelope of SOAP 1.1", Ref: "TR-069a6 3.5", Severity: Error, Gates: WholeBody, body: true, need: quirky, odd: otherQuirk, Run: root,
		Doc: "CWMP is SOAP 1.1. An envelope in the namespace of SOAP 1.2, or in none, is refused by peers that look at namespaces.",
	},
	{
		ID: "SOAP-003", Title: "An Envelope has one Body, and at most one Header before it", Ref: "TR-069a6 3.5", Severity: Error, Gates: WholeBody, body: true, need: quirky, odd: otherQuirk, Run: structure,
		Doc: "A receiver takes the first Body and the first Header it meets; what stands in others may be lost without notice.",
	},
	{
		ID: "SOAP-004", Title: "A Body holds exactly one method or Fault", Ref: "TR-069a6 3.5, 3.7", Severity: Error, Gates: WholeBody, body: true, odd: crowd, Run: oneMethod,
		Doc: "One envelope is one message, and one HTTP message is one envelope since MaxEnvelopes is 1. Peers read the first method and drop the others, or refuse all of them.",
	},
	{
		ID: "SOAP-005", Title: "The method is in a CWMP namespace, and a Fault in that of SOAP", Ref: "TR-069a6 3.5", Severity: Error, Gates: WholeBody, each: true, body: true, need: anEnvelope, odd: oddSpace, Run: methodSpace,
		Doc: "The namespace tells the receiver which protocol, and which version of it, is spoken. Look at the declaration that the method's prefix resolves to.",
	},
	{
		ID: "SOAP-006", Title: "Arguments are in no namespace", Ref: "cwmp-1-0.xsd elementFormDefault", Severity: Warning, each: true, body: true, need: noted, Run: qualified,
		Doc: "The schemas leave argument elements unqualified. The usual cause is a default namespace declared at the method; strict receivers then find no arguments at all.",
	},
	{
		ID: "SOAP-007", Title: "The encoding namespace is that of SOAP 1.1", Ref: "TR-069a6 3.5", Severity: Warning, body: true, need: anEnvelope, odd: oddEncoding, Run: encodingSpace,
		Doc: "The namespace of arrayType ends in a slash. Receivers that compare it exactly see an array without a type.",
	},
	{
		ID: "SOAP-008", Title: "Every prefix is declared", Ref: "Namespaces in XML 1.0", Severity: Error, Gates: WholeBody, body: true, need: quirky, odd: otherQuirk, Run: declared,
		Doc: "A prefix must be declared where it is used, also in the values of xsi:type and arrayType. Namespace-aware parsers refuse the message.",
	},
	{
		ID: "SOAP-009", Title: "No character that XML 1.0 forbids", Ref: "XML 1.0 2.2", Severity: Error, Gates: WholeBody, body: true, need: quirky, odd: otherQuirk, Run: forbidden,
		Doc: "Control characters may stand in XML neither raw nor as references. They come from values copied out of memory or read from a network; look at the parameter at that place.",
	},
	{
		ID: "SOAP-010", Title: "The bytes are valid in the body's character set", Ref: "TR-069a6 3.4.1", Severity: Error, Gates: WholeBody, body: true, need: quirky, odd: otherSet, Run: charset,
		Doc: "The character set is that of Content-Type, else of the XML declaration, else UTF-8. Names typed in by users, such as an SSID, are the usual place.",
	},
	{
		ID: "SOAP-011", Title: "Content-Type and the XML declaration name the same character set", Ref: "RFC 7303 3.2", Severity: Warning, Gates: PlainHTTP, body: true, need: quirky, odd: otherSet, Run: charsetTwice,
		Doc: "Where the two differ, one peer decodes by the header and the next by the declaration, and text with non-ASCII characters comes out damaged.",
	},
	{
		ID: "SOAP-012", Title: "Characters outside of ASCII are written as references", Ref: "TR-106a7 3", Severity: Info, body: true, need: quirky, odd: rawChars, Run: rawText,
		Doc: "TR-106 asks for references for everything but tab, line feed and the printable ASCII characters. Raw text is legal XML and understood by most; it is told once per sender.",
	},
	{
		ID: "SOAP-036", Title: "The body starts with an XML declaration", Ref: "XML 1.0 2.8", Severity: Info, body: true, need: quirky, odd: undeclared, Run: noDeclaration,
		Doc: "A declaration is optional in UTF-8, but some parsers need it. It is told once per sender.",
	},
	{
		ID: "SOAP-037", Title: "A request envelope is no longer than 32768 bytes", Ref: "TR-069a6 3.4.1", Severity: Info, Gates: WholeBody, body: true, need: aRequest, odd: bulky, Run: large,
		Doc: "A peer need not accept request envelopes beyond 32 KB, and may answer 9004 or 8004. Responses have no limit.",
	},
	{
		ID: "SOAP-038", Title: "No refusal for size up to 32768 bytes", Ref: "TR-069a6 3.4.1", Severity: Warning, Gates: Counterpart, each: true, body: true, need: aFault, Run: refusedSize,
		Doc: "Each side must accept request envelopes of up to 32 KB. Only a Fault whose text speaks of size or length is judged.",
	},
	{
		ID: "SOAP-039", Title: "No DOCTYPE, entity or processing instruction", Ref: "SOAP 1.1 3", Severity: Warning, body: true, need: quirky, odd: otherQuirk, Run: doctype,
		Doc: "SOAP forbids a document type and processing instructions; an entity definition may be an attack on the receiver's parser. Informant never expands them.",
	},
	{
		ID: "SOAP-040", Title: "Nothing follows the root element", Ref: "XML 1.0 2.1", Severity: Warning, Gates: WholeBody, body: true, need: quirky, odd: otherQuirk, Run: trailing,
		Doc: "NUL padding, a second envelope or rests of a buffer after the end tag are dropped by tolerant parsers and refused by strict ones.",
	},
}

// quirks calls f for each quirk of a kind in the pass's document.
func (p *Pass) quirks(f func(*soap.Quirk), kinds ...soap.QuirkKind) {
	d := p.Message.Document
	if d == nil {
		return
	}
	for i := range d.Quirks {
		for _, k := range kinds {
			if d.Quirks[i].Kind == k {
				f(&d.Quirks[i])
			}
		}
	}
}

// firstQuirk is the first of those kinds, and how many there are.
func (p *Pass) firstQuirk(kinds ...soap.QuirkKind) (q *soap.Quirk, n int) {
	p.quirks(func(x *soap.Quirk) {
		if n++; q == nil {
			q = x
		}
	}, kinds...)
	return q, n
}

// andMore says how many more there are.
func andMore(n int) string {
	if n <= 1 {
		return ""
	}
	return ", and " + plural(n-1, "more place") + " like it"
}

func wellFormed(p *Pass) {
	m := p.Message
	if m.Document == nil {
		notXML(p)
		return
	}
	q, n := p.firstQuirk(soap.Malformed, soap.Truncated, soap.NotXML, soap.UnknownEntity, soap.BareAmpersand, soap.UnquotedAttr, soap.DuplicateAttr,
		soap.LeadingSpace, soap.TwoColons)
	if q != nil {
		p.report(p.sender(), inText(m, q.At), "The body is not well-formed: %s%s", describeQuirk(q), andMore(n))
		return
	}
	if q, _ = p.firstQuirk(soap.TooDeep, soap.TooManyElements); q != nil {
		p.reportAs(Warning, p.sender(), inText(m, q.At), "The body is beyond what Informant reads: %s", describeQuirk(q))
	}
}

// notXML judges a body of which nothing could be read.
func notXML(p *Pass) {
	m := p.Message
	if m.Kind != cwmp.Unreadable || strings.TrimSpace(m.HTTP.Body) == "" {
		return
	}
	at := place{m: m, raw: -1}
	if raw, ok := m.HTTP.RawOffset(0); ok {
		at.raw = raw
	}
	p.report(p.sender(), at, "The body is no SOAP envelope: it begins with %s", quote(m.HTTP.Body[:min(40, len(m.HTTP.Body))]))
}

// describeQuirk is what a quirk says, or its kind in words.
func describeQuirk(q *soap.Quirk) string {
	text := strings.TrimSpace(q.Text)
	if len(text) > 200 {
		text = quote(text)
	}
	switch q.Kind {
	case soap.UnknownEntity:
		return "unknown entity " + text
	case soap.BareAmpersand:
		return "an ampersand that begins no reference"
	case soap.UnquotedAttr:
		return "an attribute value without quotes: " + text
	case soap.DuplicateAttr:
		return "the same attribute twice: " + text
	case soap.LeadingSpace:
		return "something stands before the XML declaration"
	case soap.TwoColons:
		return "a name with two colons: " + text
	}
	if text == "" {
		text = "it could not be read"
	}
	return text
}

func root(p *Pass) {
	q, _ := p.firstQuirk(soap.WrongRoot)
	if q == nil {
		return
	}
	p.report(p.sender(), inText(p.Message, q.At), "The root element is %s in namespace %s", short(p.Message.Document.Envelope.Name.Local), quote(p.Message.Document.Envelope.Name.Space))
}

func structure(p *Pass) {
	p.quirks(func(q *soap.Quirk) {
		p.report(p.sender(), inText(p.Message, q.At), "The envelope is not built as SOAP has it: %s", describeQuirk(q))
	}, soap.BodyStructure)
}

func oneMethod(p *Pass) {
	d := p.Message.Document
	if d == nil || !d.HasEnvelope || d.Bodies == 0 || d.Envelopes > 1 {
		return
	}
	if _, n := p.firstQuirk(soap.Malformed, soap.Truncated, soap.TooDeep, soap.TooManyElements); n > 0 {
		return
	}
	switch n := len(d.Methods); {
	case n == 0:
		p.report(p.sender(), inText(p.Message, d.Envelope.At), "The Body is empty: it holds no method")
	case n > 1 && p.Message.From == cwmp.ACS && (d.Methods[0].Name.Local == "InformResponse" || d.Methods[1].Name.Local == "InformResponse"):
		// SEQ-004
	case n > 1:
		p.report(p.sender(), inText(p.Message, d.Methods[1].At), "The Body holds %d methods: %s and %s", n, short(d.Methods[0].Name.Local), short(d.Methods[1].Name.Local))
	}
}

// cwmpLike says whether a namespace is meant as a CWMP one.
func cwmpLike(space string) bool {
	return strings.HasPrefix(strings.ToLower(space), "urn:dslforum-org:cwmp")
}

func methodSpace(p *Pass) {
	m := p.Message
	if !isEnvelope(m) || p.prefixUndeclared(m.Method.Prefix) {
		return
	}
	space := m.Method.Space
	if m.Kind == cwmp.Fault {
		if space != soap.EnvelopeNS && space != m.Document.Envelope.Name.Space {
			p.report(p.sender(), atMethod(m), "Fault is in namespace %s, not in that of the envelope", quote(space))
		}
		return
	}
	if cwmp.Version(space) < 0 && !cwmpLike(space) && !strings.HasPrefix(m.RPC, "X_") {
		p.report(p.sender(), atMethod(m), "%s is in namespace %s, which is not a CWMP one", short(m.RPC), quote(space))
	}
}

// prefixUndeclared says whether a prefix was found to be undeclared.
func (p *Pass) prefixUndeclared(prefix string) bool {
	found := false
	p.quirks(func(q *soap.Quirk) { found = found || prefix != "" && strings.Contains(q.Text, prefix) }, soap.Undeclared)
	return found
}

func qualified(p *Pass) {
	for i := range p.Message.Notes {
		if n := &p.Message.Notes[i]; n.Kind == cwmp.Qualified {
			p.report(p.sender(), inText(p.Message, n.At), "The arguments of %s are in a namespace", short(p.Message.RPC))
			return
		}
	}
}

func encodingSpace(p *Pass) {
	d := p.Message.Document
	if d != nil && d.EncodingNS != "" && d.EncodingNS != soap.EncodingNS {
		p.report(p.sender(), atMethod(p.Message), "arrayType is in namespace %s, not in %s", quote(d.EncodingNS), soap.EncodingNS)
	}
}

func declared(p *Pass) {
	p.quirks(func(q *soap.Quirk) {
		p.report(p.sender(), inText(p.Message, q.At), "A prefix is not declared: %s", describeQuirk(q))
	}, soap.Undeclared)
}

func forbidden(p *Pass) {
	end := len(p.Message.HTTP.Body) + 1<<20
	if q, _ := p.firstQuirk(soap.TrailingContent); q != nil {
		end = q.At.Start // padding is SOAP-040
	}
	var q *soap.Quirk
	n := 0
	p.quirks(func(x *soap.Quirk) {
		if x.At.Start >= end {
			return
		}
		if n++; q == nil {
			q = x
		}
	}, soap.ForbiddenChar)
	if q != nil {
		p.report(p.sender(), inText(p.Message, q.At), "A character that XML forbids: %s%s", describeQuirk(q), andMore(n))
	}
}

func charset(p *Pass) {
	if q, n := p.firstQuirk(soap.BadCharset); q != nil {
		p.report(p.sender(), inText(p.Message, q.At), "Bytes that are not valid in the body's character set: %s%s", describeQuirk(q), andMore(n))
	}
}

func charsetTwice(p *Pass) {
	if q, _ := p.firstQuirk(soap.CharsetMismatch); q != nil {
		p.report(p.sender(), inText(p.Message, q.At), "Content-Type and XML declaration differ in the character set: %s", describeQuirk(q))
	}
}

func rawText(p *Pass) {
	q, _ := p.firstQuirk(soap.RawNonASCII)
	if q == nil {
		return
	}
	replaced := false // what was put in the place of a forbidden character is not the sender's
	p.quirks(func(x *soap.Quirk) { replaced = replaced || x.At.Start == q.At.Start }, soap.ForbiddenChar)
	if !replaced && p.firstTime(p.Message.From.String()) {
		p.report(p.sender(), inText(p.Message, q.At), "A character outside of ASCII is written raw and not as a reference")
	}
}

func noDeclaration(p *Pass) {
	if q, _ := p.firstQuirk(soap.NoDeclaration); q != nil && p.firstTime(p.Message.From.String()) {
		p.report(p.sender(), inText(p.Message, q.At), "There is no XML declaration")
	}
}

// maxRequest is what each side must accept of a request envelope, in bytes.
const maxRequest = 32768

func large(p *Pass) {
	if m := p.Message; isRequest(m) && len(m.HTTP.Body) > maxRequest {
		p.report(p.sender(), atMethod(m), "The request envelope of %s has %d bytes: the receiver need not accept more than %d", short(m.RPC), len(m.HTTP.Body), maxRequest)
	}
}

func refusedSize(p *Pass) {
	m := p.Message
	code := m.FaultCode()
	if code != "9004" && code != "8004" {
		return
	}
	text := strings.ToLower(m.Fault.String.Value)
	t := p.transaction()
	if t == nil || t.Request.HTTP == nil || t.Request.Trimmed || len(t.Request.HTTP.Body) > maxRequest {
		return
	}
	for _, word := range []string{"size", "length", "too large", "too long", "too big"} {
		if strings.Contains(text, word) {
			p.report(p.sender(), atLeaf(m, &m.Fault.String), "Fault %s refuses a %s envelope of %d bytes for its size", code, short(t.Request.RPC), len(t.Request.HTTP.Body))
			return
		}
	}
}

func doctype(p *Pass) {
	if q, n := p.firstQuirk(soap.Doctype); q != nil {
		p.report(p.sender(), inText(p.Message, q.At), "The body has what SOAP forbids: %s%s", describeQuirk(q), andMore(n))
	}
}

func trailing(p *Pass) {
	if q, _ := p.firstQuirk(soap.TrailingContent); q != nil {
		p.report(p.sender(), inText(p.Message, q.At), "Something follows the root element: %s", describeQuirk(q))
	}
}
