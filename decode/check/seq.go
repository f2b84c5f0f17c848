package check

import (
	"informant/decode/cwmp"
)

// sequence is the checks of who may say what when: what the state table of the
// cwmp package says against single messages.
var sequence = []*Check{
	{
		ID: "SEQ-001", Title: "The first message of a session is Inform", Ref: "TR-069a6 3.7.1.1", Severity: Error, each: true, need: breached, Run: notInform,
		Doc: "Without an Inform the ACS doesn't know who calls. An empty POST that is answered by a 401 is a probe and exempt.",
	},
	{
		ID: "SEQ-002", Title: "Inform occurs once per session", Ref: "TR-069a6 3.7.1.1", Severity: Error, Gates: WholeSession, each: true, need: breached, Run: secondInform,
		Doc: "The CPE began again before the session on this connection was over. Resends after a 401, a redirect or fault 8005 are exempt.",
	},
	{
		ID: "SEQ-003", Title: "The ACS answers Inform with InformResponse or Fault", Ref: "TR-069a6 3.7.2", Severity: Error, Gates: Counterpart, each: true, need: breached, Run: informUnanswered,
		Doc: "Until then the CPE may not go on. An empty answer here is mostly an ACS that failed inside.",
	},
	{
		ID: "SEQ-004", Title: "InformResponse travels alone", Ref: "TR-069a6 3.7", Severity: Error, each: true, need: aReply, odd: crowd, Run: informResponseAlone,
		Doc: "MaxEnvelopes is 1: the ACS's first request comes in the answer to the next POST.",
	},
	{
		ID: "SEQ-005", Title: "A CPE request is answered in the same round trip", Ref: "TR-069a6 3.7.2", Severity: Error, Gates: Counterpart, each: true, need: breached, Run: callUnanswered,
		Doc: "Its response or Fault must come in the HTTP response. The CPE will call the method again in its next session.",
	},
	{
		ID: "SEQ-006", Title: "A response is that of the request", Ref: "TR-069a6 A.2", Severity: Error, Gates: Counterpart, each: true, need: breached, Run: wrongResponse,
		Doc: "Its name is the request's with Response after it. A wrong one leaves the request unanswered: a TransferComplete comes again and again.",
	},
	{
		ID: "SEQ-007", Title: "An ACS request is answered in the next POST", Ref: "TR-069a6 3.7.1", Severity: Error, Gates: Counterpart, each: true, need: breached, Run: askUnanswered,
		Doc: "The CPE's next message must be the response or a Fault. Look at the request: a CPE that fails inside often goes on as if nothing had been asked.",
	},
	{
		ID: "SEQ-008", Title: "No response of the CPE without a request", Ref: "TR-069a6 3.7.1", Severity: Error, Gates: WholeSession, each: true, need: breached, Run: nothingAsked,
		Doc: "The ACS has nothing to pair it with, and mostly ends the session.",
	},
	{
		ID: "SEQ-009", Title: "The ACS asks nothing while a CPE request is unanswered", Ref: "TR-069a6 3.7.2", Severity: Error, Gates: Counterpart, each: true, need: breached, Run: askedTooEarly,
		Doc: "A request comes only in answer to an empty POST or to a response.",
	},
	{
		ID: "SEQ-010", Title: "No CPE request while HoldRequests is true", Ref: "TR-069a6 3.7.1.3", Severity: Error, Gates: WholeSession, each: true, need: breached, Run: calledOnHold,
		Doc: "The ACS asked the CPE to wait with its methods until it is released by an envelope without HoldRequests or an empty answer.",
	},
	{
		ID: "SEQ-012", Title: "No CPE request after its empty POST", Ref: "TR-069a6 3.7.1.3", Severity: Error, Gates: WholeSession, each: true, need: breached, Run: calledAfterEmpty,
		Doc: "By the empty POST the CPE said that it had no more requests; the ACS may have thrown away what it needs to answer them.",
	},
	{
		ID: "SEQ-015", Title: "No POST after the end of the session", Ref: "TR-069a6 3.7.1.4", Severity: Warning, Field: true, Gates: WholeSession, each: true, need: breached, Run: afterEnd,
		Doc: "The ACS has closed the session and takes this for a new one without an Inform. Devices of TR-069 of 2004 end with one more empty POST, which is told as a note.",
	},
	{
		ID: "SEQ-018", Title: "After a Fault to Inform nothing else is sent", Ref: "TR-069a6 3.7.1", Severity: Error, Gates: WholeSession, each: true, need: breached, Run: afterFault,
		Doc: "Any Fault but 8005 means that the session failed. The CPE tries again later, with a new session.",
	},
	{
		ID: "SEQ-032", Title: "The ACS sends no response without a request", Ref: "TR-069a6 3.7.2", Severity: Error, Gates: Counterpart, each: true, need: breached, Run: unsolicited,
		Doc: "Nothing in the POST before it asked for it; the CPE cannot know what it is about.",
	},
}

// breach says whether the state table has that against the pass's message.
func (p *Pass) breach(b cwmp.Breach) bool { return p.Message.Breach == b }

// previous is the message before m in its session, nil when there is none.
func previous(s *cwmp.Session, m *cwmp.Message) *cwmp.Message {
	if m.N < 2 || m.N-2 >= len(s.Messages) {
		return nil
	}
	return s.Messages[m.N-2]
}

func notInform(p *Pass) {
	if m := p.Message; p.breach(cwmp.NotInformFirst) && m.From == cwmp.CPE && p.Session.Inform == nil {
		p.report(CPE, atMethod(m), "The session begins with %s, not with Inform", name(m))
	}
}

func secondInform(p *Pass) {
	if p.breach(cwmp.SecondInform) && p.f.interrupts {
		p.report(CPE, atMethod(p.Message), "The CPE sends another Inform before its session was over")
	}
}

func informUnanswered(p *Pass) {
	m := p.Message
	if p.breach(cwmp.InformUnanswered) {
		p.report(ACS, atMethod(m), "The ACS answers the Inform with %s", name(m))
	}
}

func informResponseAlone(p *Pass) {
	m, before := p.Message, previous(p.Session, p.Message)
	if before == nil || m.From != cwmp.ACS || before.HTTP != m.HTTP || (before.RPC != "InformResponse" && m.RPC != "InformResponse") {
		return
	}
	p.report(ACS, atMethod(m), "%s comes together with %s", name(m), name(before))
}

func callUnanswered(p *Pass) {
	m := p.Message
	if !p.breach(cwmp.CallUnanswered) {
		return
	}
	if r := requestOf(p.Session, m); r != nil {
		p.reportWith(Error, ACS, message(m), []*cwmp.Message{r}, "The ACS answers %s with %s", name(r), name(m))
	}
}

func wrongResponse(p *Pass) {
	m := p.Message
	if !p.breach(cwmp.WrongResponse) {
		return
	}
	if t := p.transaction(); t != nil {
		p.reportWith(Error, p.sender(), atMethod(m), []*cwmp.Message{t.Request}, "%s is answered with %s", name(t.Request), name(m))
		return
	}
	p.report(p.sender(), atMethod(m), "%s is not the response to what was asked", name(m))
}

func askUnanswered(p *Pass) {
	m := p.Message
	if !p.breach(cwmp.AskUnanswered) {
		return
	}
	asked := lastRequest(p.Session, m)
	if asked == nil {
		return
	}
	p.reportWith(Error, CPE, atMethod(m), []*cwmp.Message{asked}, "The CPE answers %s with %s", name(asked), name(m))
}

// lastRequest is the ACS's last request before m.
func lastRequest(s *cwmp.Session, m *cwmp.Message) *cwmp.Message {
	for i := min(m.N-1, len(s.Messages)) - 1; i >= 0; i-- {
		if x := s.Messages[i]; x.From == cwmp.ACS && isRequest(x) {
			return x
		}
	}
	return nil
}

func nothingAsked(p *Pass) {
	if m := p.Message; p.breach(cwmp.NothingAsked) && m.From == cwmp.CPE {
		p.report(CPE, atMethod(m), "The CPE sends %s, but nothing was asked", name(m))
	}
}

func askedTooEarly(p *Pass) {
	m := p.Message
	if !p.breach(cwmp.AskedTooEarly) || m.From != cwmp.ACS {
		return
	}
	if r := requestOf(p.Session, m); r != nil && isRequest(r) {
		p.reportWith(Error, ACS, atMethod(m), []*cwmp.Message{r}, "The ACS sends %s instead of the answer to %s", name(m), name(r))
	}
}

func calledOnHold(p *Pass) {
	if m := p.Message; p.breach(cwmp.CalledOnHold) {
		p.report(CPE, atMethod(m), "The CPE calls %s while HoldRequests is true", name(m))
	}
}

func calledAfterEmpty(p *Pass) {
	if m := p.Message; p.breach(cwmp.CalledAfterEmpty) || p.breach(cwmp.AfterEnd) && m.From == cwmp.CPE && isRequest(m) {
		p.report(CPE, atMethod(m), "The CPE calls %s after it had said, by an empty POST, that it had no more requests", name(m))
	}
}

func afterEnd(p *Pass) {
	m := p.Message
	if !p.breach(cwmp.AfterEnd) || m.From != cwmp.CPE || isRequest(m) {
		return
	}
	if m.Kind == cwmp.Empty && cwmp.Version(p.Session.Namespace) == 0 && p.firstTime("") {
		p.reportAs(Info, CPE, message(m), "The CPE sends one more empty POST after the session was over, as TR-069 of 2004 had it")
		return
	}
	p.report(CPE, message(m), "The CPE sends %s after the session was over", name(m))
}

func afterFault(p *Pass) {
	m := p.Message
	if !p.breach(cwmp.AfterFault) || m.From != cwmp.CPE {
		return
	}
	var cause *cwmp.Message
	for _, x := range p.Session.Messages {
		if x.N >= m.N {
			break
		}
		if x.From == cwmp.ACS && x.Kind == cwmp.Fault {
			if r := requestOf(p.Session, x); r != nil && isInform(r) {
				cause = x
			}
		}
	}
	if cause != nil && p.firstTime("") {
		p.reportWith(Error, CPE, message(m), []*cwmp.Message{cause}, "The CPE goes on with %s, though its Inform was answered with fault %s", name(m), short(cause.FaultCode()))
	}
}

func unsolicited(p *Pass) {
	m := p.Message
	if p.breach(cwmp.Unsolicited) && m.From == cwmp.ACS && answers(m) {
		p.report(ACS, atMethod(m), "The ACS sends %s, but the POST before it asked nothing", name(m))
	}
}
