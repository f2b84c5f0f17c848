package check

import (
	"slices"
	"strings"
	"time"

	"informant/capture"
	"informant/decode/cwmp"
	"informant/decode/history"
	"informant/decode/http1"
)

// calledSessions is the checks of what came of connection requests, and of sessions
// that say that they came of one.
var calledSessions = []*Check{
	{
		ID: "CR-005", Title: "The CPE answers a connection request before it opens the session", Ref: "TR-069a6 3.2.2", Severity: Error, Gates: WholeSession | GoodClock, Subject: OfSession, course: wasCalled, Run: openedBefore,
		Doc: "The ACS that waits for the answer has no session to expect yet. Where the Inform has other events too, it may have come for their sake.",
	},
	{
		ID: "CR-007", Title: "Several connection requests before a session make one session", Ref: "TR-069a6 3.2.2", Severity: Error, Gates: WholeSession | History | GoodClock, Subject: OfSession, course: wasCalled, Run: calledTwice,
		Doc: "Two sessions with 6 CONNECTION REQUEST followed, and all connection requests came before the first of them.",
	},
	{
		ID: "CR-008", Title: "A connection request doesn't break a session", Ref: "TR-069a6 3.2.2", Severity: Error, Gates: GoodClock, Subject: OfConnectionRequest, Run: callBreaks,
		Doc: "The CPE closed its session within a second of the connection request.",
	},
	{
		ID: "CR-009", Title: "A connection request during a session is refused with 503, or makes one session later", Ref: "TR-069a6 3.2.2", Severity: Warning, Gates: GoodClock, Subject: OfConnectionRequest, Run: callWithin,
		Doc: "The CPE may not answer otherwise, and not accept it and forget it.",
	},
	{
		ID: "CR-011", Title: "A connection request with wrong credentials makes no session", Ref: "TR-069a6 3.2.2", Severity: Error, Gates: WholeSession | GoodClock, Subject: OfSession, course: wasCalled, Run: calledInVain,
		Doc: "The CPE answered it with 401, and came all the same, with 6 CONNECTION REQUEST. Judged where no other was accepted in the minute before.",
	},
	{
		ID: "CR-015", Title: "A connection request goes to the ConnectionRequestURL that the CPE told last", Ref: "TR-069a6 3.2.2", Severity: Error, Subject: OfConnectionRequest, Run: callElsewhere,
		Doc: "It went to one of an earlier Inform, and the CPE doesn't have that path any more.",
	},
	{
		ID: "CR-017", Title: "A connection to the ConnectionRequestURL is taken", Ref: "TR-069a6 3.2.2", Severity: Warning, Gates: GoodClock | Transport, Subject: OfConnection, secure: true, Run: func(*Pass) {},
		Doc: "It was reset before a byte was sent, within a minute of a session that went well: nobody listens where the CPE says that it does, or a box between refuses it.",
	},
	{
		ID: "CR-027", Title: "The ACS doesn't call a device that has a session", Ref: "TR-069a6 3.2.2", Severity: Warning, Gates: GoodClock, Subject: OfConnectionRequest, Run: callNeedless,
		Doc: "What it wants it can have in the session that is open.",
	},
	{
		ID: "CR-029", Title: "The connection stays open after the challenge", Ref: "no standard: interoperability", Severity: Info, Subject: OfConnectionRequest, Run: callReconnect,
		Doc: "The CPE closed it after the 401, so that the ACS needs another connection for its answer. Some ACSs don't expect that.",
	},
	{
		ID: "EVT-024", Title: "6 CONNECTION REQUEST comes of a connection request", Ref: "TR-069a6 3.2.2", Severity: Warning, Gates: WholeSession | GoodClock | Transport, Subject: OfSession, course: wasCalled, Run: uncalled,
		Doc: "None was seen in the minute before. Judged where others of that device were seen, so that they pass here.",
	},
	{
		ID: "SEC-012", Title: "Each device has its own ConnectionRequestUsername", Ref: "no standard: security", Severity: Warning, Subject: OfConnectionRequest, Run: callUser,
		Doc: "The ACS calls three devices or more as the same user. Who takes one device apart may be able to call all of them.",
	},
	{
		ID: "PRX-003", Title: "A proxier answers for a device that is offline", Ref: "TR-069a6 Annex J", Severity: Info, Subject: OfConnectionRequest, Run: callOffline,
		Doc: "Several devices have their ConnectionRequestURL at this host, and this one's was answered with 503: the device behind it can't be reached.",
	},
}

// callSeen is a connection request that was judged. It keeps nothing of its messages.
type callSeen struct {
	at, answered time.Time // the first GET, and the last answer
	status       int       // of that; 0 none
	credentials  bool      // the last GET had them
	session      [16]byte
	udp          bool // over UDP, where there are no answers
}

func (c *callSeen) accepted() bool { return accepted(c.status) }

// maxCalls is how many of a device are remembered.
const maxCalls = 8

// remind notes a connection request for the sessions that follow.
func (c *Checker) remind(r *cwmp.ConnectionRequest) {
	key := r.Device.Key()
	if key == "" {
		return
	}
	seen := callSeen{at: r.Time, session: r.Session}
	for _, x := range r.Exchanges {
		_, seen.credentials = x.Request.Field("Authorization")
		seen.status = 0
		if x.Response != nil && x.Response.Complete {
			seen.answered, seen.status = x.Response.First, x.Response.Status
		}
	}
	c.remindOf(key, seen)
}

func (c *Checker) remindOf(key string, seen callSeen) {
	list, _ := c.called.by.get(key)
	if len(list) >= maxCalls {
		list = list[:copy(list, list[1:])]
	}
	c.called.by.put(key, append(list, seen))
}

// called calls f with the connection requests of the device, if its Inform has
// 6 CONNECTION REQUEST.
func (p *Pass) called(f func(list []callSeen, in *cwmp.Inform, events []history.Event)) {
	s := p.Session
	if len(p.f.calls) == 0 || s.Inform == nil {
		return
	}
	in, ok := s.Inform.Args.(*cwmp.Inform)
	if !ok {
		return
	}
	if events := p.events(); history.Has(events, "6 CONNECTION REQUEST") {
		f(p.f.calls, in, events)
	}
}

func openedBefore(p *Pass) {
	p.called(func(list []callSeen, in *cwmp.Inform, events []history.Event) {
		for i := range list {
			x := &list[i]
			if x.session != p.Session.ID || !x.accepted() || !p.Session.Start.Before(x.answered) || p.Session.Start.Before(x.at) {
				continue
			}
			severity := Error
			if len(events) > 1 {
				severity = Warning
			}
			p.reportAs(severity, CPE, p.atCode(in, "6 CONNECTION REQUEST", ""), "The session begins %s before the CPE answers the connection request", x.answered.Sub(p.Session.Start).Round(time.Millisecond))
			return
		}
	})
}

const callMinute = 60 * time.Second

func calledTwice(p *Pass) {
	d := p.f.past
	p.called(func(list []callSeen, in *cwmp.Inform, _ []history.Event) {
		if d == nil || !history.Has(d.Last.Events, "6 CONNECTION REQUEST") || !d.Last.Good {
			return
		}
		before := 0
		for i := range list {
			switch x := &list[i]; {
			case x.at.After(d.Last.Start):
				return // accepted or not, as far as it was seen
			case x.accepted() && x.session == d.Last.ID:
				before++
			}
		}
		if before >= 2 {
			p.reportPast(Error, CPE, p.atCode(in, "6 CONNECTION REQUEST", ""), []Ref{ofPast(&d.Last)}, "Another session with 6 CONNECTION REQUEST, and all %d of them came before the session before", before)
		}
	})
}

func calledInVain(p *Pass) {
	p.called(func(list []callSeen, in *cwmp.Inform, _ []history.Event) {
		vain := 0
		for i := range list {
			x := &list[i]
			if gap := p.Session.Start.Sub(x.at); gap < 0 || gap > callMinute {
				continue
			}
			if x.status != 401 || !x.credentials {
				return // it may be the cause
			}
			vain++
		}
		if vain > 0 {
			p.report(CPE, p.atCode(in, "6 CONNECTION REQUEST", ""), "The CPE refused the connection request with 401, and comes with 6 CONNECTION REQUEST")
		}
	})
}

func uncalled(p *Pass) {
	p.called(func(list []callSeen, in *cwmp.Inform, _ []history.Event) {
		for i := range list {
			if gap := p.Session.Start.Sub(list[i].at); gap >= -time.Second && gap <= callMinute {
				return
			}
		}
		p.report(CPE, p.atCode(in, "6 CONNECTION REQUEST", ""), "6 CONNECTION REQUEST, and none came in the minute before")
	})
}

// callInto is the session of the device into which the pass's connection request
// came, as far as it is known: its end is zero where it is not over.
func (p *Pass) callInto() (start, end time.Time, ok bool) {
	at := p.call.Time
	if d := p.f.past; d != nil && d.Last.Start.Before(at) {
		if end = d.Last.End; d.Last.Over.After(end) {
			end = d.Last.Over
		}
		if at.Before(end) {
			return d.Last.Start, end, true
		}
	}
	if s := p.f.open; s != nil && s.ID != p.call.Session && s.Start.Before(at) && at.Before(s.End) {
		return s.Start, time.Time{}, true
	}
	return start, end, false
}

func callBreaks(p *Pass) {
	d := p.f.past
	if _, end, ok := p.callInto(); ok && !end.IsZero() && d.Last.Left && end.Sub(p.call.Time) <= time.Second {
		p.reportCall(CPE, p.call.Exchanges[0].Request, "", "The CPE closes its session %s after the connection request", end.Sub(p.call.Time).Round(time.Millisecond))
	}
}

func callWithin(p *Pass) {
	if _, _, ok := p.callInto(); !ok {
		return
	}
	// Accepted and forgotten is heard's to tell, when the time is over.
	last := p.call.Exchanges[len(p.call.Exchanges)-1].Response
	if last != nil && last.Complete && last.Status != 503 && last.Status != 401 && !accepted(last.Status) {
		p.reportCall(CPE, last, "", "The CPE has a session, and answers the connection request with status %d", last.Status)
	}
}

func callNeedless(p *Pass) {
	if start, _, ok := p.callInto(); ok {
		p.reportCall(ACS, p.call.Exchanges[0].Request, "", "The ACS calls the device while it has a session, since %s", p.call.Time.Sub(start).Round(time.Millisecond))
	}
}

func callElsewhere(p *Pass) {
	path := p.callPath()
	p.attempts(func(q, a *http1.Message) {
		if a != nil && a.Status == 404 && path != "" && strings.HasPrefix(q.Target, "/") && q.Target != path {
			p.reportCall(ACS, q, "", "The connection request is for %s, and the CPE's ConnectionRequestURL has %s", short(q.Target), short(path))
		}
	})
}

// callPath is the path of the ConnectionRequestURL that the device told last, "" where
// it isn't known.
func (p *Pass) callPath() string {
	d := p.f.past
	if d == nil {
		return ""
	}
	url, ok := d.Value(".ManagementServer.ConnectionRequestURL")
	if !ok || url.By != cwmp.CPE || url.Value == "" {
		return ""
	}
	_, rest, _ := strings.Cut(url.Value, "://")
	_, path, _ := strings.Cut(rest, "/")
	return "/" + path
}

func callReconnect(p *Pass) {
	list := p.call.Exchanges
	for i := range len(list) - 1 {
		a, next := list[i].Response, list[i+1].Request
		if a == nil || !a.Complete || a.Status != 401 || next == nil || next.Conn == a.Conn {
			continue
		}
		v, _ := a.Field("Connection")
		if strings.EqualFold(strings.TrimSpace(v), "close") || a.Version == "HTTP/1.0" && v == "" { // else the ACS may have wanted another
			p.reportCall(CPE, a, "Connection", "The CPE closes the connection after the 401, and the ACS has to make another")
			return
		}
	}
}

func callUser(p *Pass) {
	if p.f.sameUser < 3 {
		return
	}
	p.attempts(func(q, _ *http1.Message) {
		if _, has := q.Field("Authorization"); has && p.firstTime("") {
			p.reportCall(ACS, q, "Authorization", "The ACS calls %d devices with the same user name", p.f.sameUser)
		}
	})
}

// sameUser is how many devices were called with the user name of a connection
// request, if this one made it three.
func (c *Checker) sameUser(r *cwmp.ConnectionRequest) int {
	key := r.Device.Key()
	if key == "" {
		return 0
	}
	for _, x := range r.Exchanges {
		v, _ := x.Request.Field("Authorization")
		name := http1.DigestParameter(v, "username")
		if name == "" {
			continue
		}
		list, _ := c.called.users.get(name)
		for _, k := range list {
			if k == key {
				return 0
			}
		}
		if len(list) < 3 {
			c.called.users.put(strings.Clone(name), append(list, key))
			return len(list) + 1
		}
		return 0
	}
	return 0
}

func callOffline(p *Pass) {
	last := p.call.Exchanges[len(p.call.Exchanges)-1].Response
	if p.f.sharedHost && last != nil && last.Complete && last.Status == 503 {
		if _, _, within := p.callInto(); !within {
			p.reportCall(CPE, last, "", "The proxier answers with 503: the device is offline")
		}
	}
}

// refusedCall judges a connection that was refused.
func (c *Checker) refusedCall(e cwmp.Event) {
	h := e.HTTP
	if h.Summary == nil || h.Summary.Protocol != http1.Silent || h.Summary.Midstream || h.Summary.Lost != 0 || h.Summary.Bytes != [2]int64{} || h.End != capture.RST || h.From != capture.FromServer {
		return
	}
	key := c.fleet.port(h.Conn)
	if key == "" {
		return
	}
	d := c.History.Device(key)
	if d == nil || !d.Last.Good || e.Time.Sub(d.Last.End) > callMinute || e.Time.Before(d.Last.End) {
		return
	}
	i := slices.IndexFunc(c.secure, func(k *Check) bool { return k.ID == "CR-017" })
	if i < 0 {
		return
	}
	c.begin(c.aside([16]byte{}), nil, nil)
	c.pass.Check = c.secure[i]
	c.pass.reportPast(Warning, CPE, nowhere, []Ref{ofPast(&d.Last)}, "The connection to the ConnectionRequestURL of %s was refused", short(key))
	for i := range c.pass.out {
		c.pass.out[i].At.Packet = h.Packet
	}
	c.out = append(c.out, c.pass.out...)
}
