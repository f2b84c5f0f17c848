package check

import (
	"strconv"
	"strings"

	"informant/decode/cwmp"
	"informant/decode/soap"
)

// soapHeaders is the checks of the SOAP header blocks.
var soapHeaders = []*Check{
	{
		ID: "SOAP-021", Title: "cwmp:ID has mustUnderstand=\"1\" of the envelope namespace", Ref: "TR-069a6 3.5", Severity: Error, Gates: WholeBody, each: true, body: true, odd: oddMust, Run: idMust,
		Doc: "The schema fixes the attribute at 1. A receiver that goes by it may ignore the ID, and answer without it.",
	},
	{
		ID: "SOAP-022", Title: "An answer echoes the ID of its request", Ref: "TR-069a6 3.5", Severity: Error, Gates: Counterpart, each: true, body: true, need: anAnswer, odd: oddID, Run: idEcho,
		Doc: "If a request has an ID, its response or Fault must carry the same string, blanks included. Peers that pair by ID drop the answer otherwise.",
	},
	{
		ID: "SOAP-023", Title: "An answer has no ID when its request had none", Ref: "TR-069a6 3.5", Severity: Warning, Gates: Counterpart, each: true, body: true, need: anAnswer, odd: oddID, Run: idInvented,
		Doc: "The responder has nothing to echo. (The wording of the standard could not be confirmed.)",
	},
	{
		ID: "SOAP-024", Title: "A request has an ID", Ref: "TR-069a6 3.5", Severity: Info, each: true, body: true, need: aRequest, odd: noID, Run: idNone,
		Doc: "The header is optional, but some peers need it. It is told once per sender.",
	},
	{
		ID: "SOAP-025", Title: "The IDs of a sender's requests differ within a session", Ref: "TR-069a6 3.5", Severity: Warning, Gates: WholeSession, Subject: OfSession, course: sameID, Run: idTwice,
		Doc: "An ID that is always the same (null, 1) tells nothing, and pairs an answer with the wrong request where one was lost.",
	},
	{
		ID: "SOAP-026", Title: "Only the ACS sends HoldRequests", Ref: "TR-069a6 3.5", Severity: Error, Gates: WholeBody, each: true, body: true, need: headed, Run: holdByCPE,
		Doc: "HoldRequests is how an ACS keeps a CPE from calling methods; a CPE has nothing to hold.",
	},
	{
		ID: "SOAP-027", Title: "HoldRequests is a boolean with mustUnderstand=\"1\"", Ref: "TR-069a6 3.5", Severity: Error, Gates: WholeBody, each: true, body: true, need: headed, Run: holdForm,
		Doc: "A CPE that cannot read the value goes on calling, or stops for good.",
	},
	{
		ID: "SOAP-028", Title: "SessionTimeout stands only in an Inform", Ref: "TR-069a6 3.5", Severity: Error, Gates: WholeBody, each: true, body: true, need: headed, Run: timeoutPlace,
		Doc: "The CPE asks for a longer session once, at its beginning.",
	},
	{
		ID: "SOAP-029", Title: "SessionTimeout is a positive number of seconds, and not mustUnderstand", Ref: "TR-069a6 3.5", Severity: Warning, Gates: WholeBody, each: true, body: true, need: headed, Run: timeoutForm,
		Doc: "The schema fixes mustUnderstand at 0, so that an older ACS may ignore it. Less than the default of 30 s makes sessions fail that would not have.",
	},
	{
		ID: "SOAP-030", Title: "SessionTimeout comes from a CPE of CWMP 1.3 or later", Ref: "TR-069a6 3.7.4", Severity: Info, Gates: WholeBody, each: true, body: true, need: headed, Run: timeoutOld,
		Doc: "Version 1.3 brought the header; with the namespaces of 1.0 and 1.1 an ACS needn't know it.",
	},
	{
		ID: "SOAP-031", Title: "SupportedCWMPVersions stands only in an Inform, as a list of versions", Ref: "TR-069a6 3.5", Severity: Error, Gates: WholeBody, each: true, body: true, need: headed, Run: supportedForm,
		Doc: "The value is a list such as 1.0,1.1,1.2 without blanks; an ACS chooses one of it by comparing texts.",
	},
	{
		ID: "SOAP-032", Title: "UseCWMPVersion stands only in an InformResponse, with mustUnderstand=\"1\"", Ref: "TR-069a6 3.5", Severity: Error, Gates: WholeBody, each: true, body: true, need: headed, Run: useForm,
		Doc: "The ACS fixes the version of the session once, and the CPE must not overlook it.",
	},
	{
		ID: "SOAP-033", Title: "No NoMoreRequests", Ref: "TR-069a6 3.5 (removed by Amendment 1)", Severity: Info, each: true, body: true, need: headed, Run: noMoreSeen,
		Doc: "The header of TR-069 of 2004 has no meaning since Amendment 1: a CPE says that it has no more requests by an empty POST.",
	},
	{
		ID: "SOAP-034", Title: "No unknown header that must be understood", Ref: "SOAP 1.1 4.2.3", Severity: Warning, Gates: WholeBody, each: true, body: true, need: headed, Run: unknownMust,
		Doc: "A receiver that doesn't know a header with mustUnderstand=\"1\" has to answer a MustUnderstand Fault.",
	},
	{
		ID: "SOAP-035", Title: "mustUnderstand is in the envelope namespace", Ref: "SOAP 1.1 4.2.3", Severity: Warning, Field: true, Gates: WholeBody, each: true, body: true, odd: oddMust, Run: mustSpace,
		Doc: "An unqualified attribute, or one whose prefix is bound to the encoding namespace, is not SOAP's mustUnderstand.",
	},
	{
		ID: "SOAP-042", Title: "No empty Header, and no header twice", Ref: "TR-069a6 3.5", Severity: Warning, Gates: WholeBody, body: true, odd: otherQuirk | moreBlocks, Run: headerTwice,
		Doc: "Which of two IDs counts is not said anywhere. An empty Header is legal, and told as a note.",
	},
}

// blocks is the known header blocks of a message with their names.
func blocks(m *cwmp.Message) []*soap.Block {
	h := &m.Header
	all := make([]*soap.Block, 0, 8)
	for _, b := range []*soap.Block{h.ID, h.HoldRequests, h.NoMoreRequests, h.SessionTimeout, h.SupportedCWMPVersions, h.UseCWMPVersion} {
		if b != nil {
			all = append(all, b)
		}
	}
	return append(all, h.Other...)
}

// mustText says how a block carries mustUnderstand.
func mustText(b *soap.Block) string {
	switch {
	case b.MustUnderstand == "":
		return "has no mustUnderstand"
	case b.MustUnderstandNS != soap.EnvelopeNS:
		return "has a mustUnderstand that is not of the envelope namespace"
	}
	return "has mustUnderstand=" + quote(b.MustUnderstand)
}

// must says whether a block has mustUnderstand="1".
func must(b *soap.Block) bool {
	return b.MustUnderstand == "1" && b.MustUnderstandNS == soap.EnvelopeNS
}

func idMust(p *Pass) {
	if b := p.Message.Header.ID; b != nil && !must(b) {
		p.report(p.sender(), atBlock(p.Message, b), "The ID %s instead of \"1\"", mustText(b))
	}
}

func idEcho(p *Pass) {
	m := p.Message
	t := p.transaction()
	if t == nil || !answers(m) || !t.Request.HasID {
		return
	}
	switch {
	case !m.HasID:
		p.reportWith(Error, p.sender(), atMethod(m), []*cwmp.Message{t.Request}, "%s has no ID, but its request had %s", short(m.RPC), quote(t.Request.ID))
	case m.ID != t.Request.ID:
		p.reportWith(Error, p.sender(), atBlock(m, m.Header.ID), []*cwmp.Message{t.Request}, "%s has the ID %s, but its request had %s", short(m.RPC), quote(m.ID), quote(t.Request.ID))
	}
}

func idInvented(p *Pass) {
	m := p.Message
	if t := p.transaction(); t != nil && answers(m) && m.HasID && !t.Request.HasID {
		p.reportWith(Warning, p.sender(), atBlock(m, m.Header.ID), []*cwmp.Message{t.Request}, "%s has the ID %s, but its request had none", short(m.RPC), quote(m.ID))
	}
}

func idNone(p *Pass) {
	if m := p.Message; isRequest(m) && !m.HasID && p.firstTime(m.From.String()) {
		p.report(p.sender(), atMethod(m), "%s has no ID", short(m.RPC))
	}
}

// mayRepeat says whether two requests of a session may have the same ID.
func mayRepeat(all []*cwmp.Transaction) bool {
	if len(all) > 32 {
		return true
	}
	for i, t := range all {
		for _, u := range all[:i] {
			if t.Request.ID == u.Request.ID && t.Caller == u.Caller && t.Request.HasID {
				return true
			}
		}
	}
	return false
}

func idTwice(p *Pass) {
	if !mayRepeat(p.Session.Transactions) {
		return
	}
	for _, side := range []cwmp.Role{cwmp.CPE, cwmp.ACS} {
		seen := map[string]*cwmp.Message{}
		var first, again *cwmp.Message
		n := 1
		for _, t := range p.Session.Transactions {
			m := t.Request
			if t.Caller != side || !m.HasID || m.Resend {
				continue
			}
			old := seen[m.ID]
			if old == nil {
				seen[m.ID] = m
				continue
			}
			if old.HTTP == m.HTTP {
				continue // two methods of one envelope (SOAP-004)
			}
			if again == nil {
				first, again = old, m
			}
			if m.ID == again.ID {
				n++
			}
		}
		if again != nil {
			p.reportWith(Warning, by(side), atBlock(again, again.Header.ID), []*cwmp.Message{first}, "The ID %s stands on %d requests of the session", quote(again.ID), n)
		}
	}
}

func holdByCPE(p *Pass) {
	if m := p.Message; m.From == cwmp.CPE && m.Header.HoldRequests != nil && !turned(m) {
		p.report(p.sender(), atBlock(m, m.Header.HoldRequests), "The CPE sends HoldRequests with %s", short(m.RPC))
	}
}

// boolean says whether text is one of the four spellings of an xsd:boolean.
func boolean(text string) bool {
	return text == "0" || text == "1" || text == "true" || text == "false"
}

func holdForm(p *Pass) {
	b := p.Message.Header.HoldRequests
	if b == nil || p.Message.From == cwmp.CPE {
		return
	}
	if v := strings.TrimSpace(b.Value); !boolean(v) {
		p.report(p.sender(), atBlock(p.Message, b), "HoldRequests has the value %s, which is no boolean", quote(b.Value))
	} else if !must(b) {
		p.report(p.sender(), atBlock(p.Message, b), "HoldRequests %s instead of \"1\"", mustText(b))
	}
}

func timeoutPlace(p *Pass) {
	if m := p.Message; m.Header.SessionTimeout != nil && !isInform(m) {
		p.report(p.sender(), atBlock(m, m.Header.SessionTimeout), "SessionTimeout stands in %s", short(m.RPC))
	}
}

func timeoutForm(p *Pass) {
	b := p.Message.Header.SessionTimeout
	if b == nil || !isInform(p.Message) {
		return
	}
	n, err := strconv.ParseUint(strings.TrimSpace(b.Value), 10, 32)
	switch at := atBlock(p.Message, b); {
	case err != nil || n == 0:
		p.report(p.sender(), at, "SessionTimeout is %s, not a positive number of seconds", quote(b.Value))
	case b.MustUnderstand != "" && b.MustUnderstand != "0":
		p.report(p.sender(), at, "SessionTimeout %s instead of \"0\" or none", mustText(b))
	case n < 30:
		p.reportAs(Info, p.sender(), at, "SessionTimeout is %d s, less than the 30 s of a session without it", n)
	}
}

func timeoutOld(p *Pass) {
	m := p.Message
	if v := cwmp.Version(m.Method.Space); m.Header.SessionTimeout != nil && isInform(m) && (v == 0 || v == 1) {
		p.report(p.sender(), atBlock(m, m.Header.SessionTimeout), "SessionTimeout comes with the namespace of CWMP 1.%d", v)
	}
}

// versionList says what is wrong with a list of versions, "" for nothing.
func versionList(text string) string {
	seen := map[string]bool{}
	for _, v := range strings.Split(text, ",") {
		minor, ok := strings.CutPrefix(v, "1.")
		if _, err := strconv.ParseUint(minor, 10, 16); !ok || err != nil {
			return "holds " + quote(v)
		}
		if seen[v] {
			return "lists " + v + " twice"
		}
		seen[v] = true
	}
	return ""
}

func supportedForm(p *Pass) {
	b := p.Message.Header.SupportedCWMPVersions
	if b == nil {
		return
	}
	if !isInform(p.Message) {
		p.report(p.sender(), atBlock(p.Message, b), "SupportedCWMPVersions stands in %s", short(p.Message.RPC))
	} else if what := versionList(b.Value); what != "" {
		p.reportAs(Warning, p.sender(), atBlock(p.Message, b), "SupportedCWMPVersions is %s: it %s", quote(b.Value), what)
	}
}

func useForm(p *Pass) {
	b := p.Message.Header.UseCWMPVersion
	if b == nil {
		return
	}
	if m := p.Message; m.RPC != "InformResponse" || m.From == cwmp.CPE {
		p.report(p.sender(), atBlock(m, b), "UseCWMPVersion stands in %s", short(m.RPC))
	} else if !must(b) {
		p.report(p.sender(), atBlock(m, b), "UseCWMPVersion %s instead of \"1\"", mustText(b))
	}
}

func noMoreSeen(p *Pass) {
	if b := p.Message.Header.NoMoreRequests; b != nil {
		p.report(p.sender(), atBlock(p.Message, b), "NoMoreRequests is %s; it has no meaning since Amendment 1", quote(b.Value))
	}
}

// knownBlock says whether a header block is one of CWMP.
func knownBlock(name string) bool {
	switch name {
	case "ID", "HoldRequests", "NoMoreRequests", "SessionTimeout", "SupportedCWMPVersions", "UseCWMPVersion":
		return true
	}
	return false
}

func unknownMust(p *Pass) {
	for _, b := range p.Message.Header.Other {
		if !knownBlock(b.Name.Local) && b.MustUnderstand == "1" {
			p.report(p.sender(), atBlock(p.Message, b), "The header %s is unknown and must be understood", short(b.Name.Local))
		}
	}
}

func mustSpace(p *Pass) {
	for _, b := range blocks(p.Message) {
		if b.MustUnderstand != "" && b.MustUnderstandNS != soap.EnvelopeNS {
			p.report(p.sender(), atBlock(p.Message, b), "mustUnderstand of %s is in namespace %s", short(b.Name.Local), quote(b.MustUnderstandNS))
			return
		}
	}
}

func headerTwice(p *Pass) {
	m := p.Message
	if q, _ := p.firstQuirk(soap.EmptyHeader); q != nil {
		if p.firstTime(m.From.String()) {
			p.reportAs(Info, p.sender(), inText(m, q.At), "The Header is empty")
		}
		return
	}
	for _, b := range m.Header.Other {
		if knownBlock(b.Name.Local) && strings.HasPrefix(b.Name.Space, "urn:dslforum-org:cwmp") {
			p.report(p.sender(), atBlock(m, b), "The header %s is there twice", short(b.Name.Local))
		}
	}
}
