package check

import (
	"strings"
	"time"

	"informant/decode/cwmp"
	"informant/decode/history"
)

// habits is the checks of how devices and their ACS go on from session to session.
var habits = []*Check{
	{
		ID: "HTTP-033", Title: "The session after a redirect begins at the ACS's own URL", Ref: "TR-069a6 3.4.6", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, course: redirectedOn, Run: staysRedirected,
		Doc: "302 and 307 are for the session alone. A 301, or another ManagementServer.URL, is for good.",
	},
	{
		ID: "HTTP-034", Title: "Cookies go along to where a redirect leads", Ref: "TR-069a6 3.4.6", Severity: Error, Gates: Counterpart | PlainHTTP, Subject: OfSession, with: setsCookie | redirected, course: lostCookie, Run: redirectedWithout,
		Doc: "The ACS behind the redirect knows the session by them.",
	},
	{
		ID: "VER-003", Title: "A CPE whose Inform is refused tries an older version", Ref: "TR-069a6 3.7.4", Severity: Warning, Gates: History | Counterpart, Subject: OfSession, course: failedBefore, Run: sameVersionAgain,
		Doc: "Three Informs in the same namespace were refused, one behind the other, by status 400 or a closed connection. That is what an ACS does that doesn't know the version.",
	},
	{
		ID: "SEC-005", Title: "Nonces of Digest are not used again", Ref: "TR-069a6 3.4.5, RFC 2617", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, odd: credentials, course: digests, Run: sameNonce,
		Doc: "The ACS gave the same nonce in the session before, or the CPE the same cnonce. What was answered once can be answered again by whoever saw it.",
	},
	{
		ID: "TIME-009", Title: "A CPE doesn't stop to retry", Ref: "TR-069a6 3.2.1.1", Severity: Warning, Gates: WholeSession | History | GoodClock, Subject: OfSession, course: failedBefore, Run: gaveUp,
		Doc: "After a session that failed nothing came for longer than twice what may be waited, and what comes now is no retry: RetryCount is 0.",
	},
	{
		ID: "TIME-013", Title: "The ACS keeps a session open for its timeout", Ref: "TR-069a6 3.7.2.4", Severity: Warning, Gates: WholeSession | GoodClock | Transport, Subject: OfSession, odd: failed, Run: closedSoon,
		Doc: "It was the CPE's turn, which has the Inform's SessionTimeout, or 30 s, and the ACS answered it with 400 and that there is no such session.",
	},
	{
		ID: "TIME-015", Title: "Sessions are short", Ref: "no standard: statistics", Severity: Info, Gates: WholeSession | GoodClock, Subject: OfSession, course: lasting, Run: longSession,
		Doc: "This one took more than a minute. Told with how often the two spoke, and how long the ACS thought.",
	},
	{
		ID: "TIME-017", Title: "Heartbeats come as HeartbeatPolicy.ReportingInterval says", Ref: "TR-069a6 Annex O", Severity: Warning, Gates: WholeSession | History | GoodClock, Subject: OfSession, odd: special, Run: beatOff,
		Doc: "By the interval that was set or read last, with a tenth of tolerance.",
	},
	{
		ID: "SEQ-034", Title: "Sessions have a purpose", Ref: "no standard: statistics", Severity: Info, Gates: WholeSession | History, Subject: OfSession, course: idled, Run: noPurpose,
		Doc: "The tenth session in a row that came for its time only, and in which the ACS wanted nothing. PeriodicInformInterval may be longer.",
	},
	{
		ID: "EVT-014", Title: "The first contact ever has 0 BOOTSTRAP", Ref: "TR-069a6 3.7.1.5", Severity: Warning, Gates: WholeSession | SecretOrPolicy, Subject: OfSession, Run: firstWithout,
		Doc: "Judged where a profile of one's own says that the ACS is new to the devices: 'new-devices: true'. The first session of each that is seen has to have it.",
	},
	{
		ID: "EVT-041", Title: "Events that are due together come together", Ref: "TR-069a6 3.7.1.5", Severity: Info, Gates: WholeSession | History | GoodClock, Subject: OfSession, course: soon, Run: apartAndDue,
		Doc: "2 PERIODIC, 3 SCHEDULED and 6 CONNECTION REQUEST came in two sessions within two seconds. One Inform can have them all.",
	},
}

// sameURL says whether two URLs are one, but for a slash at the end.
func sameURL(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "/"), strings.TrimSuffix(b, "/"))
}

func staysRedirected(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, _ []history.Event) {
		to := d.Last.Redirect
		if to == "" || !d.Last.Good || !sameURL(p.Session.URL, to) || sameURL(d.Last.URL, to) {
			return
		}
		if s, ok := d.Value(".ManagementServer.URL"); ok && (sameURL(s.Value, to) || s.By == cwmp.ACS && s.Session == d.Last.ID) {
			return
		}
		p.reportPast(Warning, CPE, message(p.Session.Inform), []Ref{ofPast(&d.Last)}, "The session begins at %s, where the one before was redirected to, and not at %s", short(to), short(d.Last.URL))
	})
}

// redirectBefore is the redirect that a POST followed, nil where there was none.
func (p *Pass) redirectBefore(m *cwmp.Message) *cwmp.Message {
	for i, x := range p.f.units {
		if x.HTTP != m.HTTP || i == 0 {
			continue
		}
		if before := p.f.units[i-1]; before.From == cwmp.ACS && before.Status >= 301 && before.Status <= 308 && before.Status != 304 {
			return before
		}
		return nil
	}
	return nil
}

func redirectedWithout(p *Pass) {
	p.eachDue(func(m *cwmp.Message, c *cookie, got []string) bool {
		redirect := p.redirectBefore(m)
		if len(got) > 0 || redirect == nil {
			return false
		}
		p.reportWith(Error, CPE, atField(m, "Cookie"), []*cwmp.Message{c.m, redirect}, "The POST after the redirect doesn't return the cookie %s", short(c.name))
		return true
	})
}

func sameVersionAgain(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, _ []history.Event) {
		s := p.Session
		if d.Refusals < 2 || d.Last.Space == "" || d.Last.Space != s.Namespace || cwmp.Version(s.Namespace) < 1 || opened(s) || s.Outcome != cwmp.Failed {
			return
		}
		for _, m := range s.Messages {
			if m.From == cwmp.ACS && m.Status != 400 {
				return
			}
		}
		p.reportPast(Warning, CPE, atMethod(s.Inform), []Ref{ofPast(&d.Last)}, "The Inform in %s is refused, as it was %d times before, and was not tried in an older version", short(s.Namespace), d.Refusals)
	})
}

func sameNonce(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, _ []history.Event) {
		if d.Last.Nonce == "" && d.Last.ClientNonce == "" {
			return
		}
		var now history.Past
		now.Course(p.Session)
		if now.Nonce != "" && now.Nonce == d.Last.Nonce {
			p.reportPast(Warning, ACS, p.firstField("WWW-Authenticate"), []Ref{ofPast(&d.Last)}, "The challenge has the nonce of the session before")
		}
		if now.ClientNonce != "" && now.ClientNonce == d.Last.ClientNonce && now.Answers != d.Last.Answers {
			p.reportPast(Warning, CPE, p.firstField("Authorization"), []Ref{ofPast(&d.Last)}, "The answer to the challenge has the cnonce of the session before")
		}
	})
}

// firstField is the place of the session's first field of a name.
func (p *Pass) firstField(name string) place {
	for _, m := range p.f.units {
		if m.HTTP == nil {
			continue
		}
		if _, has := m.HTTP.Field(name); has {
			return atField(m, name)
		}
	}
	return message(p.Session.Inform)
}

func firstWithout(p *Pass) {
	if p.f.past != nil || !p.f.first || p.Session.Inform == nil {
		return
	}
	in, ok := p.Session.Inform.Args.(*cwmp.Inform)
	if !ok || len(in.Event.Items) == 0 || history.Has(p.events(), "0 BOOTSTRAP") {
		return
	}
	p.report(CPE, inText(p.Session.Inform, in.Event.At), "The first session of the device has no 0 BOOTSTRAP")
}

func gaveUp(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		n, ok := in.RetryCount.Int()
		if !d.Last.Failed || d.Last.Informed || d.Failures < 1 || !ok || n != 0 || history.Has(events, "0 BOOTSTRAP") || history.Has(events, "1 BOOT") {
			return
		}
		waited, most := p.Session.Start.Sub(d.Last.End), retryLowest(d, d.Failures+1)
		if waited > 2*most {
			p.reportPast(Warning, CPE, atLeaf(p.Session.Inform, &in.RetryCount), []Ref{ofPast(&d.Last)}, "No retry for %s after the session that failed, and at most %s are to be waited", waited.Round(time.Second), most)
		}
	})
}

func closedSoon(p *Pass) {
	s := p.Session
	n := len(p.f.units)
	if n < 4 || s.Ended != cwmp.HTTPError {
		return
	}
	before, post, refusal := p.f.units[n-3], p.f.units[n-2], p.f.units[n-1]
	if before.From != cwmp.ACS || post.From != cwmp.CPE || refusal.From != cwmp.ACS || refusal.Status != 400 || refusal.HTTP == nil ||
		!strings.Contains(strings.ToLower(refusal.HTTP.Reason+" "+refusal.HTTP.Body), "session") {
		return
	}
	timeout := turn
	if b := s.Inform.Header.SessionTimeout; b != nil {
		if n := leadingNumber(b.Value); n > 0 {
			timeout = time.Duration(n) * time.Second
		}
	}
	if waited := post.Time.Sub(before.End); waited >= 0 && waited < timeout {
		p.reportWith(Warning, ACS, message(refusal), []*cwmp.Message{post}, "The ACS knows the session no more %s after its last message, and its timeout is %s", waited.Round(time.Millisecond), timeout)
	}
}

// leadingNumber is a text as a number; 0 where it is none.
func leadingNumber(text string) (n int) {
	for _, r := range strings.TrimSpace(text) {
		if r < '0' || r > '9' || n > 1<<20 {
			return 0
		}
		n = n*10 + int(r-'0')
	}
	return n
}

func longSession(p *Pass) {
	s := p.Session
	took := s.End.Sub(s.Start)
	if took <= time.Minute {
		return
	}
	var thought time.Duration
	turns := 0
	var asked *cwmp.Message
	for _, m := range p.f.units {
		if m.From == cwmp.CPE {
			asked = m
			continue
		}
		if asked != nil {
			turns++
			if d := m.Time.Sub(asked.End); d > 0 {
				thought += d
			}
			asked = nil
		}
	}
	p.report(Unknown, message(s.Inform), "The session took %s, for %s; the ACS thought for %s of it", took.Round(time.Second), plural(turns, "round trip"), thought.Round(time.Second))
}

func beatOff(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		n, ok := d.Number(".HeartbeatPolicy.ReportingInterval")
		if !ok || n < 20 || !history.Has(events, "14 HEARTBEAT") || d.Last.Heartbeat.IsZero() || !d.Last.Good || d.Booted.After(d.Last.Heartbeat) {
			return
		}
		s, _ := d.Value(".HeartbeatPolicy.ReportingInterval")
		if s.Session == d.Last.ID && s.By == cwmp.ACS {
			return // it begins anew
		}
		interval := time.Duration(n) * time.Second
		gap := p.Session.Start.Sub(d.Last.Heartbeat)
		off := gap % interval
		if off = min(off, interval-off); off > interval/10 || gap < interval-interval/10 {
			p.report(CPE, p.atCode(in, "14 HEARTBEAT", ""), "14 HEARTBEAT comes %s after the one before, and ReportingInterval is %s", gap.Round(time.Second), interval)
		}
	})
}

func noPurpose(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if d.Idle == 9 && history.Purposeless(p.Session, events) {
			p.report(Unknown, p.atCode(in, "2 PERIODIC", ""), "The tenth session in a row in which nobody wanted anything")
		}
	})
}

func apartAndDue(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		gap := p.Session.Start.Sub(d.Last.Start)
		if gap < 0 || gap > 2*time.Second || !d.Last.Good {
			return
		}
		if now, before := due(events), due(d.Last.Events); now != "" && before != "" && now != before {
			p.reportPast(Info, CPE, p.atCode(in, now, ""), []Ref{ofPast(&d.Last)}, "%s comes %s after %s", now, gap.Round(100*time.Millisecond), before)
		}
	})
}

// due is the one event of a session that comes by itself or by the ACS's wish, "" where
// it has others.
func due(events []history.Event) (code string) {
	for _, e := range events {
		switch {
		case e.Code == "M ScheduleInform":
		case code == "" && (e.Code == "2 PERIODIC" || e.Code == "3 SCHEDULED" || e.Code == "6 CONNECTION REQUEST"):
			code = e.Code
		default:
			return ""
		}
	}
	return code
}
