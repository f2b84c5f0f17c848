package check

import (
	"strings"
	"time"

	"informant/capture"
	"informant/decode/cwmp"
	"informant/decode/http1"
)

// httpSessions is the checks of how a session uses its connections.
var httpSessions = []*Check{
	{
		ID: "HTTP-014", Title: "No pipelining", Ref: "TR-069a6 3.4.1", Severity: Error, Gates: GoodClock | Transport, Subject: OfSession, course: pipelines, Run: pipelining,
		Doc: "The CPE waits for the last byte of an answer before it sends the next request. An ACS that doesn't expect it answers the wrong message.",
	},
	{
		ID: "HTTP-015", Title: "The CPE doesn't close the connection in the middle of a session", Ref: "TR-069a6 3.4.2", Severity: Warning, Gates: WholeSession | Transport, Subject: OfSession, course: closedWithin, Run: closedByCPE,
		Doc: "The session went on over another connection here, which an ACS or balancer that binds sessions to connections doesn't follow. If it didn't go on, see SEQ-013 and SEQ-014.",
	},
	{
		ID: "HTTP-016", Title: "After a clean close the CPE goes on with the session", Ref: "TR-069a6 3.4.2", Severity: Error, Gates: WholeSession | Transport, Subject: OfSession, course: disturbed, Run: informAgain,
		Doc: "A connection that the ACS closes between two round trips doesn't end the session: the next message comes on a new connection. This CPE began a new session at once.",
	},
	{
		ID: "HTTP-017", Title: "The ACS doesn't close the connection in the middle of a session", Ref: "TR-069a6 3.4.2", Severity: Warning, Gates: WholeSession | Transport, Subject: OfSession, course: closedWithin | closeOfACS, Run: closedByACS,
		Doc: "Each close costs a new connection, with TLS a handshake, and many CPEs begin again with an Inform. Look at the keep-alive settings of the ACS and of proxies before it.",
	},
	{
		ID: "HTTP-018", Title: "The CPE asks to close only with its last POST", Ref: "TR-069a6 3.4.2", Severity: Warning, Gates: WholeSession, Subject: OfSession, odd: connects, course: closeOfCPE, Run: askedToClose,
		Doc: "Connection: close makes the server close after its answer, in the middle of the session.",
	},
	{
		ID: "HTTP-019", Title: "After a 401 the CPE tries again on the same connection", Ref: "TR-069a6 3.4.4", Severity: Error, Gates: Counterpart | PlainHTTP | Transport, Subject: OfSession, odd: refused, Run: newConnAfter401,
		Doc: "An ACS may bind its nonce to the connection, and then never accepts the credentials. It did not ask for a close.",
	},
	{
		ID: "HTTP-020", Title: "After a 401 with Connection: close the CPE tries again on a new connection", Ref: "TR-069a6 3.4.4", Severity: Error, Gates: Transport, Subject: OfSession, odd: refused, Run: sameConnAfter401,
		Doc: "The server closes this one; what is sent on it is lost.",
	},
	{
		ID: "HTTP-021", Title: "The POST after a 401 repeats the body", Ref: "TR-069a6 3.4.4", Severity: Error, Gates: Counterpart, Subject: OfSession, odd: refused, Run: otherBodyAfter401,
		Doc: "A 401 refuses the message, and so the same one has to come again. An empty probe that is followed by the Inform is a habit of libcurl, and told as a note.",
	},
	{
		ID: "HTTP-022", Title: "Once challenged, the CPE sends Authorization with every POST", Ref: "TR-069a6 3.4.4", Severity: Warning, Gates: Counterpart | PlainHTTP, Subject: OfSession, odd: refused, course: bareLater, Run: forgotCredentials,
		Doc: "Each POST without credentials may be challenged again, which costs a round trip. If the ACS accepts them without, it is a note.",
	},
	{
		ID: "HTTP-023", Title: "The ACS challenges only the first POST of a session", Ref: "TR-069a6 3.4.4", Severity: Warning, Gates: WholeSession, Subject: OfSession, odd: refused, Run: lateChallenge,
		Doc: "A challenge in the middle of a session breaks CPEs that authenticate once. A stale nonce is exempt; on a new connection it is a note.",
	},
	{
		ID: "HTTP-024", Title: "No tight loop of refused credentials", Ref: "TR-069a6 3.4.4", Severity: Error, Gates: Counterpart | PlainHTTP, Subject: OfSession, odd: refused, Run: loop401,
		Doc: "After two refusals the session has failed, and the CPE waits before it tries again. Look at user name, password and the digest's qop.",
	},
	{
		ID: "HTTP-043", Title: "All POSTs of a session go to one path", Ref: "TR-069a6 3.4.1", Severity: Error, Gates: WholeSession | PlainHTTP, Subject: OfSession, course: otherURL, Run: otherPath,
		Doc: "The ACS URL, or the target of a redirect, holds for the whole session.",
	},
}

// pathOf is the path of a target, in origin or absolute form, without its query.
func pathOf(target string) string {
	if i := strings.Index(target, "://"); i >= 0 {
		rest := target[i+3:]
		if j := strings.IndexByte(rest, '/'); j >= 0 {
			target = rest[j:]
		} else {
			target = "/"
		}
	}
	target, _, _ = strings.Cut(target, "?")
	if target == "" {
		return "/"
	}
	return target
}

// units appends the session's messages to all, one for each HTTP message.
func units(all []*cwmp.Message, s *cwmp.Session) []*cwmp.Message {
	for i, m := range s.Messages {
		if m.HTTP != nil && (i == 0 || s.Messages[i-1].HTTP != m.HTTP) {
			all = append(all, m)
		}
	}
	return all
}

// pipelining wants both signs of it, the order in which the bytes were read and
// the times of their packets: where packets were captured out of order, either
// alone accuses a CPE that did wait.
func pipelining(p *Pass) {
	all := p.f.units
	for i, m := range all {
		if m.From != cwmp.ACS || m.HTTP.HasQuirk(http1.TailAfterBody) {
			continue
		}
		for j := max(0, i-4); j < len(all) && j <= i+1; j++ {
			next := all[j]
			if next.From != cwmp.CPE || next.Exchange != m.Exchange+1 || next.HTTP.Conn != m.HTTP.Conn || !next.Early || !next.Time.Before(m.End) {
				continue
			}
			p.reportWith(Error, CPE, message(next), []*cwmp.Message{m}, "The CPE sends its next request before the answer to the one before it has come")
			return
		}
	}
}

// wantsClose says whether a message asks for the connection to be closed.
func wantsClose(m *cwmp.Message) bool {
	for i := range m.HTTP.Fields {
		if f := &m.HTTP.Fields[i]; len(f.Name) == len("Connection") && strings.EqualFold(f.Name, "Connection") && hasToken(f.Value, "close") {
			return true
		}
	}
	return false
}

// mayClose says whether the connection of an answer closes by rule.
func mayClose(m *cwmp.Message) bool {
	return wantsClose(m) || m.HTTP.Version == "HTTP/1.0" || m.HTTP.Framing == http1.UntilClose || m.HTTP.HasQuirk(http1.NoLength)
}

// firstClose says whether c is the first end of its connection.
func firstClose(s *cwmp.Session, i int) bool {
	for _, c := range s.Closes[:i] {
		if c.Conn == s.Closes[i].Conn {
			return false
		}
	}
	return true
}

// lastBefore is the last message on a connection when it was closed.
func lastBefore(s *cwmp.Session, c cwmp.CloseSeen) *cwmp.Message {
	for i := min(c.After, len(s.Messages)) - 1; i >= 0; i-- {
		if m := s.Messages[i]; m.HTTP != nil && m.HTTP.Conn == c.Conn {
			return m
		}
	}
	return nil
}

func closedByCPE(p *Pass) {
	s := p.Session
	for i, c := range s.Closes {
		last := lastBefore(s, c)
		if c.From != capture.FromClient || !firstClose(s, i) || !midSession(c.State) || c.After >= len(s.Messages) || last == nil || last.From != cwmp.ACS {
			continue
		}
		if mayClose(last) || last.Status != 200 && last.Status != 204 || s.Messages[c.After].HTTP.Conn == c.Conn {
			continue
		}
		if asked := requestOf(s, last); asked != nil && wantsClose(asked) {
			continue
		}
		p.report(CPE, message(last), "The CPE closes the connection after message %d, in the middle of the session, which goes on over another one", last.N)
		return
	}
}

// requestOf is the CPE's message of an answer's exchange.
func requestOf(s *cwmp.Session, answer *cwmp.Message) *cwmp.Message {
	for i := min(answer.N-1, len(s.Messages)) - 1; i >= 0; i-- {
		if m := s.Messages[i]; m.Exchange == answer.Exchange && m.From == cwmp.CPE {
			if m.HTTP == nil {
				return nil
			}
			return m
		}
		if s.Messages[i].Exchange < answer.Exchange-pipelined {
			return nil
		}
	}
	return nil
}

// atOnce is how soon a new Inform is no retry: the shortest wait of a retry is
// 5 s.
const atOnce = 4 * time.Second

func informAgain(p *Pass) {
	s := p.Session
	if p.f.before.at.IsZero() || len(s.Messages) == 0 || !isInform(s.Messages[0]) {
		return
	}
	m := s.Messages[0]
	if gap := m.Time.Sub(p.f.before.at); gap >= 0 && gap < atOnce {
		p.report(CPE, message(m), "The CPE begins a new session %d ms after the ACS closed the connection between two round trips of the one before", gap.Milliseconds())
	}
}

func closedByACS(p *Pass) {
	s := p.Session
	for i, c := range s.Closes {
		last := lastBefore(s, c)
		if c.From != capture.FromServer || c.End != capture.FIN || !firstClose(s, i) || !midSession(c.State) || last == nil || last.From != cwmp.ACS || last.Status >= 300 {
			continue
		}
		p.closing(last, "The ACS closes the connection after message %d, in the middle of the session", last.N)
		return
	}
	if p.f.seen&connects == 0 {
		return
	}
	for _, m := range p.f.units {
		if m.From == cwmp.ACS && m.Status < 300 && midSession(m.After) && wantsClose(m) {
			p.closing(m, "The ACS asks to close the connection with message %d, in the middle of the session", m.N)
			return
		}
	}
}

// closing reports a close by the ACS; if the CPE asked for it, as a note.
func (p *Pass) closing(m *cwmp.Message, format string, args ...any) {
	severity := Warning
	if r := requestOf(p.Session, m); r != nil && (wantsClose(r) || r.HTTP.Version == "HTTP/1.0") {
		severity = Info
	}
	p.reportAs(severity, ACS, message(m), format, args...)
}

func askedToClose(p *Pass) {
	all := p.f.units
	last := -1
	for i, m := range all {
		if m.From == cwmp.CPE {
			last = i
		}
	}
	for i, m := range all {
		if m.From == cwmp.CPE && i < last && wantsClose(m) {
			p.report(CPE, atField(m, "Connection"), "The CPE asks to close the connection with message %d, which is not its last", m.N)
			return
		}
	}
}

// nextPOST is the CPE's next message after i, nil when there is none.
func nextPOST(all []*cwmp.Message, i int) *cwmp.Message {
	for _, m := range all[i+1:] {
		if m.From == cwmp.CPE {
			return m
		}
	}
	return nil
}

// closedAfter says whether the ACS ended the connection of a message around it.
func closedAfter(s *cwmp.Session, m *cwmp.Message) bool {
	for _, c := range s.Closes {
		if c.Conn == m.HTTP.Conn && c.From == capture.FromServer {
			for j, first := range s.Closes {
				if first.Conn == c.Conn {
					return firstClose(s, j) && first.From == capture.FromServer
				}
			}
		}
	}
	return false
}

func newConnAfter401(p *Pass) {
	all := p.f.units
	for i, m := range all {
		if m.From != cwmp.ACS || m.Status != 401 {
			continue
		}
		next := nextPOST(all, i)
		if next == nil || next.HTTP.Conn == m.HTTP.Conn || mayClose(m) || closedAfter(p.Session, m) {
			continue
		}
		if r := requestOf(p.Session, m); r != nil && wantsClose(r) {
			continue
		}
		p.reportWith(Error, CPE, message(next), []*cwmp.Message{m}, "After the 401 the CPE comes on a new connection, though the ACS kept the old one open")
		return
	}
}

func sameConnAfter401(p *Pass) {
	all := p.f.units
	for i, m := range all {
		if m.From != cwmp.ACS || m.Status != 401 || !wantsClose(m) {
			continue
		}
		if next := nextPOST(all, i); next != nil && next.HTTP.Conn == m.HTTP.Conn {
			p.reportWith(Error, CPE, message(next), []*cwmp.Message{m}, "After a 401 with Connection: close the CPE goes on with the same connection")
			return
		}
	}
}

func otherBodyAfter401(p *Pass) {
	all := p.f.units
	for i, m := range all {
		if m.From != cwmp.ACS || m.Status != 401 {
			continue
		}
		before, next := requestOf(p.Session, m), nextPOST(all, i)
		if before == nil || next == nil || before.Trimmed || next.Trimmed || !before.HTTP.Complete || !next.HTTP.Complete {
			continue
		}
		empty := strings.TrimSpace(before.HTTP.Body) == ""
		switch {
		case isInform(before) && isInform(next), before.HTTP.Body == next.HTTP.Body:
		case empty && strings.TrimSpace(next.HTTP.Body) == "":
		case empty:
			p.reportAs(Info, CPE, message(next), "An empty POST was sent to be challenged, and %s follows the 401", name(next))
		default:
			p.reportWith(Error, CPE, message(next), []*cwmp.Message{before, m}, "After the 401 to %s the CPE sends %s with another body", name(before), name(next))
		}
	}
}

// name names a message in a sentence.
func name(m *cwmp.Message) string {
	switch m.Kind {
	case cwmp.Empty:
		return "an empty message"
	case cwmp.Unreadable:
		return "an unreadable message"
	case cwmp.HTTP:
		return "a status"
	}
	return short(m.RPC)
}

// authorized says whether a message carries credentials.
func authorized(m *cwmp.Message) bool {
	_, ok := m.HTTP.Field("Authorization")
	return ok
}

func forgotCredentials(p *Pass) {
	all := p.f.units
	accepted := map[*capture.Conn]bool{}
	challenged := false
	for i, m := range all {
		if m.From == cwmp.ACS {
			challenged = challenged || m.Status == 401
			continue
		}
		answer := answerTo(all, i)
		if answer == nil {
			continue
		}
		if authorized(m) {
			if challenged && answer.Status >= 200 && answer.Status < 300 {
				accepted[m.HTTP.Conn] = true
			}
			continue
		}
		if !accepted[m.HTTP.Conn] {
			continue
		}
		if answer.Status == 401 {
			p.report(CPE, atField(m, "Authorization"), "Message %d has no Authorization, though credentials were accepted on this connection before", m.N)
		} else {
			p.reportAs(Info, CPE, atField(m, "Authorization"), "Message %d has no Authorization, though credentials were asked for before; the ACS accepts it", m.N)
		}
		return
	}
}

// pipelined is how many exchanges may begin between a request and its answer.
// Where there is none, the search for it ends there and not with the session.
const pipelined = 64

// answerTo is the answer to the CPE's message i.
func answerTo(all []*cwmp.Message, i int) *cwmp.Message {
	x := all[i].Exchange
	for _, m := range all[i+1:] {
		if m.From == cwmp.ACS && m.Exchange == x {
			return m
		}
		if m.Exchange > x+pipelined {
			return nil
		}
	}
	return nil
}

// stale says whether a 401 tells only that the nonce is stale.
func stale(m *cwmp.Message) bool {
	for _, v := range m.HTTP.Values("WWW-Authenticate") {
		v = strings.ToLower(strings.ReplaceAll(v, " ", ""))
		if strings.Contains(v, "stale=true") || strings.Contains(v, `stale="true"`) {
			return true
		}
	}
	return false
}

func lateChallenge(p *Pass) {
	var conn *capture.Conn // of the InformResponse
	for _, m := range p.f.units {
		if m.From != cwmp.ACS {
			continue
		}
		if conn == nil {
			if m.RPC == "InformResponse" {
				conn = m.HTTP.Conn
			}
			continue
		}
		if m.Status != 401 || stale(m) {
			continue
		}
		severity := Warning
		if m.HTTP.Conn != conn {
			severity = Info
		}
		p.reportAs(severity, ACS, place{m: m, path: "start line"}, "The ACS challenges message %d, after it had accepted the Inform", m.N-1)
		return
	}
}

func loop401(p *Pass) {
	n := 0
	var since, last time.Time
	all := p.f.units
	for i, m := range all {
		if m.From != cwmp.CPE || !authorized(m) {
			continue
		}
		answer := answerTo(all, i)
		if answer == nil || answer.Status != 401 || n > 0 && m.Time.Sub(last) > 5*time.Second {
			n = 0
		}
		if answer == nil || answer.Status != 401 {
			continue
		}
		if n == 0 {
			since = m.Time
		}
		n++
		if last = answer.End; n == 3 {
			p.report(CPE, message(m), "The CPE's credentials are refused for the third time within %d ms, and it tries on", last.Sub(since).Milliseconds())
			return
		}
	}
}

func otherPath(p *Pass) {
	path, target := "", ""
	for _, m := range p.f.units {
		if m.From == cwmp.ACS {
			if m.Status >= 300 && m.Status < 400 {
				return
			}
			continue
		}
		if m.HTTP.Target == target {
			continue // none, or as the first one
		}
		got := pathOf(m.HTTP.Target)
		if path == "" {
			path, target = got, m.HTTP.Target
		}
		if got != path {
			p.report(CPE, place{m: m, path: "start line"}, "The CPE posts to %s, though the session began at %s", short(got), short(path))
			return
		}
	}
}
