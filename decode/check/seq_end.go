package check

import (
	"strings"
	"time"

	"informant/capture"
	"informant/decode/cwmp"
)

// sequenceEnds is the checks of a session's course as a whole.
var sequenceEnds = []*Check{
	{
		ID: "SEQ-011", Title: "An empty ACS answer ends the hold", Ref: "TR-069a6 3.7.1.3", Severity: Error, Gates: WholeSession | Transport, Subject: OfSession, course: dropped, Run: holdNotEnded,
		Doc: "After HoldRequests, an empty answer sets the CPE free: it sends what it has, or its empty POST. This one took the release for the end of the session.",
	},
	{
		ID: "SEQ-013", Title: "The CPE says by an empty POST that it has no more requests", Ref: "TR-069a6 3.7.1.4", Severity: Error, Gates: WholeSession | Transport, Subject: OfSession, course: dropped, Run: noEmptyPOST,
		Doc: "The ACS gets its turn by that POST. A CPE that closes before it never hears what the ACS wants.",
	},
	{
		ID: "SEQ-014", Title: "The CPE doesn't end the session before all is done", Ref: "TR-069a6 3.7.1.4", Severity: Error, Gates: WholeSession | Transport, Subject: OfSession, course: dropped, Run: endedEarly,
		Doc: "The session ends when the ACS's answer is empty and nothing is open on either side. The CPE closed the connection with a request of the ACS unanswered.",
	},
	{
		ID: "SEQ-016", Title: "The session terminates", Ref: "TR-069a6 3.7.1.4", Severity: Warning, Gates: Counterpart, Subject: OfSession, course: idling, Run: endless,
		Doc: "Empty POST and empty answer follow each other without end: each side waits for the other to close.",
	},
	{
		ID: "SEQ-019", Title: "After fault 8005 the same request comes again", Ref: "TR-069a6 A.5.2", Severity: Error, Gates: WholeSession, Subject: OfSession, course: asked8005, Run: noRetry,
		Doc: "8005 asks for the same request in the same session. A CPE that gives up without a single try is told as a warning.",
	},
	{
		ID: "SEQ-020", Title: "Fault 8005 doesn't go on for ever", Ref: "TR-069a6 A.5.2", Severity: Warning, Gates: Counterpart, Subject: OfSession, course: asked8005, Run: endless8005,
		Doc: "More than ten resends of one request bring nothing new.",
	},
	{
		ID: "SEQ-024", Title: "The ACS ends a session by an empty answer or an HTTP error", Ref: "TR-069a6 3.7.2.4", Severity: Error, Gates: WholeSession | Transport, Subject: OfSession, course: dropped, Run: hungUp,
		Doc: "The ACS closed the connection instead of answering. For the CPE the session failed, and it comes again.",
	},
	{
		ID: "SEQ-025", Title: "The ACS answers within 30 s", Ref: "TR-069a6 3.4", Severity: Warning, Gates: GoodClock, Subject: OfSession, course: slow, Run: slowACS,
		Doc: "A CPE need wait no longer than 30 s for an answer.",
	},
	{
		ID: "SEQ-026", Title: "The CPE goes on within the session timeout", Ref: "TR-069a6 3.7.2.4", Severity: Warning, Gates: GoodClock | WholeSession, Subject: OfSession, course: slow, Run: slowCPE,
		Doc: "Without a SessionTimeout in the Inform the ACS may give the session up after 30 s without a request.",
	},
	{
		ID: "SEQ-027", Title: "An event that announces a method is followed by it", Ref: "TR-069a6 3.7.1.5", Severity: Error, Gates: WholeSession, Subject: OfSession, odd: special, Run: announced,
		Doc: "With 7 TRANSFER COMPLETE the CPE calls TransferComplete before it says that it has no more requests; 5, 9, 10, 11 and 12 have methods of their own. Without the call the ACS never learns the result.",
	},
	{
		ID: "SEQ-028", Title: "One TransferComplete for each transfer that the Inform reports", Ref: "TR-069a6 3.7.1.5", Severity: Error, Gates: WholeSession, Subject: OfSession, odd: special, Run: transfersReported,
		Doc: "Each M Download, M Upload and M ScheduleDownload has its TransferComplete with the same CommandKey. A transfer that was asked for in the same session may be reported without an event.",
	},
	{
		ID: "SEQ-029", Title: "The ACS releases HoldRequests", Ref: "TR-069a6 3.5", Severity: Warning, Gates: WholeSession, Subject: OfSession, course: dropped, Run: holdForever,
		Doc: "The session ran into its timeout with the CPE on hold, and with what it had to report.",
	},
	{
		ID: "SEQ-030", Title: "HoldRequests is followed by something to do", Ref: "TR-069a6 3.5", Severity: Info, Gates: WholeSession, Subject: OfSession, odd: holds, Run: holdForNothing,
		Doc: "The ACS held the CPE back and then had no request. Legal, and one round trip for nothing.",
	},
	{
		ID: "SEQ-031", Title: "The ACS doesn't ask the same again and again", Ref: "no standard: interoperability", Severity: Info, Subject: OfSession, course: nagging, Run: sameQuestion,
		Doc: "Twenty equal GetParameterValues in one session are mostly a loop in a script of the ACS.",
	},
}

// opened says whether the session was accepted: its Inform has its response.
func opened(s *cwmp.Session) bool {
	for _, t := range s.Transactions {
		if isInform(t.Request) && t.Response != nil && t.Response.RPC == "InformResponse" {
			return true
		}
	}
	return false
}

// closer is who ended the connection of the last message first.
func closer(s *cwmp.Session) (c cwmp.CloseSeen, ok bool) {
	if len(s.Messages) == 0 {
		return c, false
	}
	last := s.Messages[len(s.Messages)-1]
	c, ok = s.Closer(0)
	return c, ok && last.HTTP != nil && c.Conn == last.HTTP.Conn
}

// abandoned says whether the CPE itself ended the session over, by closing the
// connection after the ACS's last word.
func abandoned(s *cwmp.Session) (last *cwmp.Message, ok bool) {
	if s.Ended != cwmp.ConnClosed && s.Ended != cwmp.ConnReset || !opened(s) {
		return nil, false
	}
	c, seen := closer(s)
	last = s.Messages[len(s.Messages)-1]
	return last, seen && c.From == capture.FromClient && c.After == len(s.Messages) && last.From == cwmp.ACS && last.HTTP.Complete && !mayClose(last)
}

// released says whether a message is the empty answer that ended a hold.
func released(m *cwmp.Message) bool {
	return m.Kind == cwmp.Empty && (m.Before == cwmp.IdleH || m.Before == cwmp.OnHold)
}

func holdNotEnded(p *Pass) {
	if last, ok := abandoned(p.Session); ok && released(last) {
		p.report(CPE, message(last), "The CPE closes the connection after the empty answer that ended HoldRequests, without its own requests or an empty POST")
	}
}

func noEmptyPOST(p *Pass) {
	last, ok := abandoned(p.Session)
	if !ok || last.Kind == cwmp.HTTP {
		return
	}
	switch p.Session.State {
	case cwmp.Active, cwmp.OnHold:
		p.report(CPE, message(last), "The CPE closes the connection after %s without an empty POST", name(last))
	}
}

func endedEarly(p *Pass) {
	last, ok := abandoned(p.Session)
	if !ok {
		return
	}
	switch p.Session.State {
	case cwmp.AskedA, cwmp.AskedH, cwmp.AskedN:
		p.report(CPE, atMethod(last), "The CPE closes the connection without an answer to %s", name(last))
	}
}

func endless(p *Pass) {
	n := 0
	var from *cwmp.Message
	for i, m := range p.Session.Messages {
		if m.From == cwmp.CPE {
			if m.Kind != cwmp.Empty {
				n = 0
			}
			continue
		}
		if m.Kind != cwmp.Empty || i == 0 || p.Session.Messages[i-1].Kind != cwmp.Empty || p.Session.Messages[i-1].From != cwmp.CPE {
			n = 0
			continue
		}
		if n++; n == 3 {
			from = p.Session.Messages[i-1]
		}
	}
	if from != nil {
		p.report(CPE, message(from), "Empty POST and empty answer follow each other for the third time")
	}
}

// asksAgain says whether m is the fault that asks for the request again.
func asksAgain(m *cwmp.Message) bool { return m.From == cwmp.ACS && m.FaultCode() == "8005" }

func noRetry(p *Pass) {
	s := p.Session
	for i, m := range s.Messages {
		if !asksAgain(m) {
			continue
		}
		asked := requestOf(s, m)
		if asked == nil || asked.Kind != cwmp.Request {
			continue
		}
		next := nextPOST(s.Messages, i)
		switch {
		case next != nil && next.RPC != asked.RPC && next.Kind != cwmp.Unreadable:
			p.reportWith(Error, CPE, atMethod(next), []*cwmp.Message{asked, m}, "After fault 8005 to %s the CPE sends %s", name(asked), name(next))
			return
		case next == nil && !asked.Resend && s.Ended == cwmp.ConnClosed:
			p.reportAs(Warning, CPE, message(m), "After fault 8005 to %s the CPE doesn't try again", name(asked))
		}
	}
}

func endless8005(p *Pass) {
	n := 0
	for _, m := range p.Session.Messages {
		switch {
		case asksAgain(m):
			if n++; n == 11 {
				p.report(ACS, atMethod(m), "The ACS answers the same request with fault 8005 for the eleventh time")
				return
			}
		case m.From == cwmp.ACS:
			n = 0
		}
	}
}

func hungUp(p *Pass) {
	s := p.Session
	c, ok := closer(s)
	if !ok || s.Ended != cwmp.ConnClosed && s.Ended != cwmp.ConnReset || c.From != capture.FromServer || c.After != len(s.Messages) {
		return
	}
	last := s.Messages[len(s.Messages)-1]
	if last.From != cwmp.CPE || !last.HTTP.Complete || c.Time.Before(last.End) || crossed(s, last) {
		return
	}
	p.report(ACS, message(last), "The ACS closes the connection instead of answering %s", name(last))
}

// crossed says whether the end of the connection may have been on its way
// before the CPE's last message: it was announced, or an idle connection timed
// out.
func crossed(s *cwmp.Session, last *cwmp.Message) bool {
	for i := len(s.Messages) - 2; i >= 0; i-- {
		m := s.Messages[i]
		if m.HTTP == nil || m.HTTP.Conn != last.HTTP.Conn {
			continue
		}
		return m.From == cwmp.ACS && mayClose(m) || last.Time.Sub(m.End) > 2*time.Second
	}
	return false
}

// turn is how long a side may take.
const turn = 30 * time.Second

func slowACS(p *Pass) {
	all := p.f.units
	for i, m := range all {
		if m.From != cwmp.CPE {
			continue
		}
		if a := answerTo(all, i); a != nil && a.Time.Sub(m.End) > turn {
			p.report(ACS, message(a), "The ACS answers %s after %.1f s", name(m), a.Time.Sub(m.End).Seconds())
		}
	}
}

func slowCPE(p *Pass) {
	limit := turn
	if in := p.Session.Inform; in != nil && in.Header.SessionTimeout != nil {
		l := cwmp.Leaf{Value: in.Header.SessionTimeout.Value, Present: true}
		if n, ok := l.Uint(); ok && n > 0 && n < 1<<20 {
			limit = time.Duration(n) * time.Second
		}
	}
	var last *cwmp.Message
	for _, m := range p.f.units {
		if m.From == cwmp.ACS {
			last = m
			continue
		}
		if last != nil && midSession(m.Before) && m.Time.Sub(last.End) > limit {
			p.report(CPE, message(m), "The CPE sends %s %.1f s after the ACS's last answer: the session's timeout is %.0f s", name(m), m.Time.Sub(last.End).Seconds(), limit.Seconds())
		}
		last = nil
	}
}

// informArgs is the arguments of a session's Inform, nil when they are not
// known.
func informArgs(s *cwmp.Session) *cwmp.Inform {
	if s.Inform == nil {
		return nil
	}
	in, _ := s.Inform.Args.(*cwmp.Inform)
	return in
}

// eventCode is the standard spelling of an event's code, or what stands there.
func eventCode(e *cwmp.EventStruct) string {
	if _, exact, ok := cwmp.StandardEvent(e.EventCode.Value); ok && !exact {
		return standardSpelling(e.EventCode.Value)
	}
	return e.EventCode.Value
}

// announcing is the methods that events announce.
var announcing = []struct{ event, method string }{
	{"5 KICKED", "Kicked"},
	{"7 TRANSFER COMPLETE", "TransferComplete"},
	{"9 REQUEST DOWNLOAD", "RequestDownload"},
	{"10 AUTONOMOUS TRANSFER COMPLETE", "AutonomousTransferComplete"},
	{"11 DU STATE CHANGE COMPLETE", "DUStateChangeComplete"},
	{"12 AUTONOMOUS DU STATE CHANGE COMPLETE", "AutonomousDUStateChangeComplete"},
}

// calls counts how often the CPE called a method.
func calls(s *cwmp.Session, method string) (n int, first *cwmp.Message) {
	for _, m := range s.Messages {
		if m.From == cwmp.CPE && isRequest(m) && m.RPC == method {
			if n++; first == nil {
				first = m
			}
		}
	}
	return n, first
}

func announced(p *Pass) {
	s := p.Session
	in := informArgs(s)
	if in == nil || s.Outcome != cwmp.Complete {
		return
	}
	for i := range in.Event.Items {
		e := &in.Event.Items[i]
		code := eventCode(e)
		for _, a := range announcing {
			if a.event != code {
				continue
			}
			if n, _ := calls(s, a.method); n == 0 {
				p.report(CPE, atLeaf(s.Inform, &e.EventCode), "The Inform has %s, but the CPE never calls %s", short(code), a.method)
			}
		}
	}
}

// transferEvent says whether code is the M event of a transfer.
func transferEvent(code string) bool {
	return code == "M Download" || code == "M Upload" || code == "M ScheduleDownload"
}

func transfersReported(p *Pass) {
	s := p.Session
	in := informArgs(s)
	if in == nil || s.Outcome != cwmp.Complete {
		return
	}
	reports, known := transferReports(s)
	if !known {
		return
	}
	unpaired := len(reports)
	used := make([]bool, len(reports))
	var open []*cwmp.EventStruct
	for i := range in.Event.Items {
		e := &in.Event.Items[i]
		if !transferEvent(eventCode(e)) {
			continue
		}
		found := false
		for j, r := range reports {
			if !used[j] && r.Args.(*cwmp.TransferComplete).CommandKey.Value == e.CommandKey.Value {
				used[j], found = true, true
				unpaired--
				break
			}
		}
		if !found {
			open = append(open, e)
		}
	}
	for _, e := range open {
		at := atLeaf(s.Inform, &e.EventCode)
		related := []*cwmp.Message(nil)
		for j, r := range reports {
			if !used[j] {
				used[j] = true
				unpaired--
				related = []*cwmp.Message{s.Inform}
				at = atLeaf(r, &r.Args.(*cwmp.TransferComplete).CommandKey)
				break
			}
		}
		p.reportWith(Error, CPE, at, related, "The Inform has %s (%s) but there is no TransferComplete with its CommandKey", eventCode(e), short(e.CommandKey.Value))
	}
	if unpaired > 0 && len(open) == 0 {
		p.extraReports(reports, used)
	}
}

// transferReports is the session's TransferCompletes, without those that came
// again; known is false when some of them are no longer readable.
func transferReports(s *cwmp.Session) (all []*cwmp.Message, known bool) {
	for _, m := range s.Messages {
		if m.From != cwmp.CPE || m.RPC != "TransferComplete" || !isRequest(m) || m.Resend {
			continue
		}
		if _, ok := m.Args.(*cwmp.TransferComplete); !ok {
			return nil, false
		}
		all = append(all, m)
	}
	return all, true
}

// extraReports judges TransferCompletes that no event of the Inform announced:
// they must be of a transfer of this session. Where there are no events of
// transfers at all it is another check's matter.
func (p *Pass) extraReports(reports []*cwmp.Message, used []bool) {
	s := p.Session
	any := false
	for _, u := range used {
		any = any || u
	}
	if !any {
		return
	}
	for j, r := range reports {
		key := r.Args.(*cwmp.TransferComplete).CommandKey
		if used[j] || askedHere(s, key.Value) {
			continue
		}
		p.report(CPE, atLeaf(r, &key), "There is a TransferComplete for %s, but the Inform has no event with that CommandKey", short(key.Value))
	}
}

// askedHere says whether a transfer with that key was asked for in the session.
func askedHere(s *cwmp.Session, key string) bool {
	for _, t := range s.Transactions {
		switch a := t.Request.Args.(type) {
		case *cwmp.Download:
			if a.CommandKey.Value == key {
				return true
			}
		case *cwmp.Upload:
			if a.CommandKey.Value == key {
				return true
			}
		case *cwmp.ScheduleDownload:
			if a.CommandKey.Value == key {
				return true
			}
		}
		if t.Request.Trimmed {
			return true
		}
	}
	return false
}

func holdForever(p *Pass) {
	s := p.Session
	if s.Ended != cwmp.Idle || len(s.Messages) == 0 {
		return
	}
	switch s.State {
	case cwmp.OnHold, cwmp.IdleH, cwmp.AskedH:
		p.report(ACS, message(s.Messages[len(s.Messages)-1]), "The session ends by timeout with HoldRequests in force")
	}
}

func holdForNothing(p *Pass) {
	s := p.Session
	for i, m := range s.Messages {
		if i < 2 || !released(m) {
			continue
		}
		post, hold := s.Messages[i-1], s.Messages[i-2]
		if post.Kind == cwmp.Empty && hold.From == cwmp.ACS && hold.Header.HoldRequests != nil && !isRequest(hold) {
			p.report(ACS, atBlock(hold, hold.Header.HoldRequests), "The ACS holds the CPE's requests and then has none of its own")
			return
		}
	}
}

func sameQuestion(p *Pass) {
	const often = 20
	var alike [256]int32 // by a hash, how many questions may be the same
	most := int32(0)
	for _, t := range p.Session.Transactions {
		if a := question(t); a != nil {
			n := &alike[questionHash(a)]
			*n++
			most = max(most, *n)
		}
	}
	if most < often {
		return
	}
	seen := map[string]int{}
	for _, t := range p.Session.Transactions {
		a := question(t)
		if a == nil || alike[questionHash(a)] < often {
			continue
		}
		var names strings.Builder
		for i := range a.ParameterNames.Items {
			names.WriteString(a.ParameterNames.Items[i].Value)
			names.WriteByte(0)
		}
		if seen[names.String()]++; seen[names.String()] == often {
			p.report(ACS, atMethod(t.Request), "The ACS asks for the same parameters for the twentieth time in this session")
		}
	}
}

// question is the GetParameterValues by which the ACS begins a transaction, nil
// where it is another one.
func question(t *cwmp.Transaction) *cwmp.GetParameterValues {
	if t.Caller != cwmp.ACS {
		return nil
	}
	a, _ := t.Request.Args.(*cwmp.GetParameterValues)
	return a
}

// questionHash is equal for questions with the same names.
func questionHash(a *cwmp.GetParameterValues) uint8 {
	list := a.ParameterNames.Items
	h := uint64(len(list))
	if len(list) > 0 {
		h ^= hash(list[0].Value) ^ hash(list[len(list)-1].Value)<<1
	}
	return uint8(h * 0x9e3779b97f4a7c15 >> 56)
}
