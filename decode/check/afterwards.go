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

// afterwards is the checks of what follows on a command, and of whether it could be
// given or said in this version at all.
var afterwards = []*Check{
	{
		ID: "HTTP-038", Title: "A body is encoded only where the other side takes it", Ref: "TR-069a6 3.4.7, RFC 9110 12.5.3", Severity: Warning, Gates: Counterpart | PlainHTTP, Subject: OfSession, odd: encoded, Run: unaskedEncoding,
		Doc: "The ACS may use a Content-Encoding that the CPE's Accept-Encoding names. Of CPEs it isn't known what the ACS has allowed them, so theirs is told as a note.",
	},
	{
		ID: "EVT-040", Title: "14 HEARTBEAT comes alone", Ref: "TR-069a6 Annex O", Severity: Warning, Gates: WholeBody, each: true, body: true, need: anInform, odd: special, Run: heartbeatAlone,
		Doc: "A session for the heartbeat has no other cause. (The wording could not be confirmed.)",
	},
	{
		ID: "SEQ-023", Title: "A reboot waits for the end of the session", Ref: "TR-069a6 A.3.2.9", Severity: Error, Gates: WholeSession | Transport, Subject: OfSession, course: dropped, Run: bootedAtOnce,
		Doc: "The CPE answered Reboot or FactoryReset, and then broke the connection instead of ending the session.",
	},
	{
		ID: "RPC-044", Title: "DUStateChangeComplete has a result for each operation", Ref: "TR-069a6 A.4.2.3", Severity: Error, Gates: WholeSession | History, Subject: OfSession, odd: calling, Run: resultsMissing,
		Doc: "As many as the ChangeDUState of that CommandKey had operations; an update or uninstallation without UUID or version may yield more.",
	},
	{
		ID: "XFER-018", Title: "9004 to a transfer has three transfers before it", Ref: "TR-069a6 A.3.2.8", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, course: failing, Run: queueFull,
		Doc: "A CPE keeps at least three. Judged of devices that were seen from their 0 BOOTSTRAP on. (The number could not be confirmed.)",
	},
	{
		ID: "XFER-019", Title: "ChangeDUState is reported", Ref: "TR-069a6 A.4.1.10", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, course: commanded, Run: unitsUntold,
		Doc: "After 24 hours and three more sessions that went well, no DUStateChangeComplete has come. It is told once. (The limit could not be confirmed.)",
	},
	{
		ID: "XFER-021", Title: "RequestDownload is followed by Download", Ref: "TR-069a6 A.4.2.2", Severity: Info, Gates: WholeSession, Subject: OfSession, odd: calling, Run: downloadDenied,
		Doc: "The ACS answered the request, and ended the session without a Download of that FileType. It may come later.",
	},
	{
		ID: "VER-004", Title: "A CPE of CWMP 1.4 tells the versions that it has", Ref: "TR-069a6 3.7.4", Severity: Info, Gates: WholeBody, each: true, body: true, need: anInform, odd: special, Run: versionsUntold,
		Doc: "13 WAKEUP and 14 HEARTBEAT came with 1.4, and so did the header SupportedCWMPVersions.",
	},
	{
		ID: "VER-006", Title: "No method that is newer than the version of the session", Ref: "TR-069a6 3.7.4", Severity: Warning, Gates: WholeSession, Subject: OfSession, odd: oddMethod, Run: methodTooNew,
		Doc: "AutonomousTransferComplete and GetAllQueuedTransfers came with 1.1, ScheduleDownload, CancelTransfer, ChangeDUState and its reports with 1.2. It is told once per method.",
	},
	{
		ID: "SEC-006", Title: "An answer to a challenge is used once", Ref: "RFC 2617 3.2.2", Severity: Warning, Gates: WholeSession | PlainHTTP, Subject: OfSession, odd: credentials, Run: sameAnswer,
		Doc: "nc counts the requests with one nonce. The same again is what somebody would send who had overheard it. It is told once per session.",
	},
	{
		ID: "RPC-018", Title: "Values of a Status 1 are in force in the next session", Ref: "TR-069a6 A.3.2.1", Severity: Error, Gates: WholeSession | History, Subject: OfSession, course: setLater, Run: notInForce,
		Doc: "The CPE had said that they would be applied later, and tells the old ones. Somebody else may have set them back, so it is told as a warning.",
	},
	{
		ID: "RPC-027", Title: "The number of a deleted instance is not used again soon", Ref: "TR-069a6 A.3.2.6", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, course: makes, Run: numberReused,
		Doc: "An ACS that missed the deletion takes the new instance for the old one. The last 16 deletions are known.",
	},
	{
		ID: "EVT-036", Title: "1 BOOT doesn't come with 2 PERIODIC each time", Ref: "no standard: interoperability", Severity: Info, Gates: WholeSession | History, Subject: OfSession, course: boots, Run: bootPeriodic,
		Doc: "Some devices take the boot for a period that has passed. Two boots in a row came with it.",
	},
	{
		ID: "XFER-010", Title: "A firmware is reported as done when it runs", Ref: "no standard: interoperability", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, all: updated | tookFile, Run: toldTooEarly,
		Doc: "TransferComplete told success in the session before, and the new SoftwareVersion shows only now: the image may still have failed to boot.",
	},
	{
		ID: "TIME-008", Title: "Retries come further and further apart", Ref: "TR-069a6 3.2.1.1 Table 3", Severity: Warning, Gates: WholeSession | History | GoodClock, Subject: OfSession, course: failedBefore, Run: noBackOff,
		Doc: "The wait doubles with each. Four in a row came at the same distance, give or take a fifth. It is told once.",
	},
	{
		ID: "TIME-002", Title: "2 PERIODIC comes in step with PeriodicInformTime", Ref: "TR-181, TR-098: ManagementServer", Severity: Warning, Gates: WholeSession | History | GoodClock, Subject: OfSession, course: periodKnown, Run: periodPhase,
		Doc: "It is a multiple of the interval from that time, give or take five seconds or a hundredth of the interval. Judged where CurrentTime is right, and neither was changed since the period before.",
	},
}

func unaskedEncoding(p *Pass) {
	var asks *cwmp.Message
	for _, m := range p.f.units {
		if m.HTTP == nil {
			return
		}
		if m.From == cwmp.CPE {
			asks = m
		}
		encoding, ok := m.HTTP.Field("Content-Encoding")
		encoding = strings.ToLower(strings.TrimSpace(encoding))
		if !ok || encoding == "" || encoding == "identity" {
			continue
		}
		switch {
		case m.From == cwmp.CPE:
			if p.firstTime("cpe") {
				p.reportAs(Info, CPE, atField(m, "Content-Encoding"), "The CPE sends its bodies with Content-Encoding %s", short(encoding))
			}
		case asks != nil && !takes(asks, encoding):
			p.reportWith(Warning, ACS, atField(m, "Content-Encoding"), []*cwmp.Message{asks}, "The ACS answers with Content-Encoding %s, which the CPE has not asked for", short(encoding))
			return
		}
	}
}

// takes says whether a request's Accept-Encoding names an encoding.
func takes(m *cwmp.Message, encoding string) bool {
	for _, v := range m.HTTP.Values("Accept-Encoding") {
		for _, item := range strings.Split(strings.ToLower(v), ",") {
			name, q, _ := strings.Cut(item, ";")
			if name = strings.TrimSpace(name); (name == encoding || name == "x-"+encoding || name == "*") && strings.ReplaceAll(q, " ", "") != "q=0" {
				return true
			}
		}
	}
	return false
}

func heartbeatAlone(p *Pass) {
	in, ok := p.Message.Args.(*cwmp.Inform)
	if !ok || len(in.Event.Items) < 2 {
		return
	}
	for i := range in.Event.Items {
		if l := &in.Event.Items[i].EventCode; standardSpelling(l.Value) == "14 HEARTBEAT" {
			p.report(CPE, atLeaf(p.Message, l), "14 HEARTBEAT comes with %s", plural(len(in.Event.Items)-1, "other event"))
			return
		}
	}
}

func bootedAtOnce(p *Pass) {
	s := p.Session
	if s.Outcome != cwmp.Failed || s.Ended != cwmp.ConnReset && s.Ended != cwmp.ConnClosed {
		return
	}
	last := s.Messages[len(s.Messages)-1]
	i := slices.IndexFunc(s.Closes, func(c cwmp.CloseSeen) bool { return c.After >= last.N }) // not one of a connection before
	if i < 0 || s.Closes[i].From != capture.FromClient {
		return
	}
	for _, t := range s.Transactions {
		if q := t.Request.RPC; (q == "Reboot" || q == "FactoryReset") && t.Caller == cwmp.ACS && t.Response != nil && t.Response.Kind == cwmp.Response && last.N-t.Response.N <= 1 {
			p.reportWith(Error, CPE, atMethod(t.Response), []*cwmp.Message{t.Request}, "The CPE answers %s, and breaks the session off", q)
			return
		}
	}
}

func resultsMissing(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, _ []history.Event) {
		for _, t := range p.Session.Transactions {
			a, ok := t.Request.Args.(*cwmp.DUStateChangeComplete)
			if !ok || t.Caller != cwmp.CPE {
				continue
			}
			c := d.Find(a.CommandKey.Value, "ChangeDUState")
			if c == nil || c.Operations == 0 {
				continue
			}
			if n := len(a.Results.Items); n < c.Operations || n > c.Operations && !c.Open {
				p.reportPast(Error, CPE, atMethod(t.Request), []Ref{ofCommand(c)}, "ChangeDUState had %s, and %s reported", plural(c.Operations, "operation"), plural(n, "result")+" "+isAre(n))
			}
		}
	})
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func queueFull(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, events []history.Event) {
		if !d.Birth || len(d.Commands) >= history.MaxCommands {
			return
		}
		n := 0
		for i := range d.Commands {
			if c := &d.Commands[i]; slices.Contains(transfers, c.Method) && !c.AtOnce {
				n++
			}
		}
		for _, t := range p.Session.Transactions {
			if t.Response == nil || t.Caller != cwmp.ACS || !slices.Contains(transfers, t.Request.RPC) {
				continue
			}
			if t.Response.Kind == cwmp.Response {
				n++
			} else if t.Response.FaultCode() == "9004" && n < 3 {
				p.reportWith(Warning, CPE, atMethod(t.Response), []*cwmp.Message{t.Request}, "%s is refused with 9004, and %s outstanding", t.Request.RPC, plural(n, "transfer")+" "+isAre(n))
				return
			}
		}
	})
}

func unitsUntold(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if history.Has(events, "0 BOOTSTRAP") || history.Has(events, "M ChangeDUState") || history.Has(events, "11 DU STATE CHANGE COMPLETE") {
			return
		}
		for i := range d.Commands {
			c := &d.Commands[i]
			late := c.Good >= 3 && p.Session.Start.Sub(c.Asked) > 24*time.Hour
			before := c.Good > 3 && d.Last.Start.Sub(c.Asked) > 24*time.Hour // it was told then
			if c.Method == "ChangeDUState" && late && !before {
				p.reportPast(Warning, CPE, p.atCode(in, "", ""), []Ref{ofCommand(c)}, "The ChangeDUState with the CommandKey %s was accepted %s ago, and never reported", quote(c.Key), p.Session.Start.Sub(c.Asked).Round(time.Minute))
			}
		}
	})
}

func downloadDenied(p *Pass) {
	if p.Session.Outcome != cwmp.Complete {
		return
	}
	for i, t := range p.Session.Transactions {
		a, ok := t.Request.Args.(*cwmp.RequestDownload)
		if !ok || t.Response == nil || t.Response.Kind != cwmp.Response {
			continue
		}
		if !slices.ContainsFunc(p.Session.Transactions[i:], func(t *cwmp.Transaction) bool {
			d, ok := t.Request.Args.(*cwmp.Download)
			return ok && strings.TrimSpace(d.FileType.Value) == strings.TrimSpace(a.FileType.Value)
		}) {
			p.reportWith(Info, ACS, atMethod(t.Request), []*cwmp.Message{t.Response}, "RequestDownload of %s was answered, and no Download followed", quote(a.FileType.Value))
		}
	}
}

func versionsUntold(p *Pass) {
	in, ok := p.Message.Args.(*cwmp.Inform)
	if !ok || p.Message.Header.SupportedCWMPVersions != nil {
		return
	}
	for i := range in.Event.Items {
		l := &in.Event.Items[i].EventCode
		if e, _, ok := cwmp.StandardEvent(strings.TrimSpace(l.Value)); ok && e.Since >= 4 {
			p.report(CPE, atLeaf(p.Message, l), "%s is of CWMP 1.4, and the Inform has no SupportedCWMPVersions", e.Code)
			return
		}
	}
}

// methodsSince are the methods that are not in CWMP 1.0, and the version that brought
// them (as the minor number).
var methodsSince = map[string]int{
	"GetAllQueuedTransfers": 1, "AutonomousTransferComplete": 1,
	"ScheduleDownload": 2, "CancelTransfer": 2, "ChangeDUState": 2, "DUStateChangeComplete": 2, "AutonomousDUStateChangeComplete": 2,
}

func methodTooNew(p *Pass) {
	version := p.Session.EffectiveVersion
	if version < 0 {
		return
	}
	for _, t := range p.Session.Transactions {
		if since := methodsSince[t.Request.RPC]; since > version && p.firstTime(t.Request.RPC) {
			p.report(by(t.Caller), atMethod(t.Request), "%s came with CWMP 1.%d, and the session is of 1.%d", t.Request.RPC, since, version)
		}
	}
}

func sameAnswer(p *Pass) {
	type answer struct{ user, nonce, nc string }
	var room [16]answer
	seen := room[:0]
	var parameters [16]http1.Parameter
	var first []*cwmp.Message
	for _, m := range p.f.units {
		if m.From != cwmp.CPE || m.HTTP == nil {
			continue
		}
		field, _ := m.HTTP.Field("Authorization")
		text, isDigest := http1.CutDigest(field)
		if !isDigest {
			continue
		}
		v := http1.AuthParameters(parameters[:0], text)
		now := answer{v.Get("username"), v.Get("nonce"), v.Get("nc")}
		if now.nonce == "" || now.nc == "" {
			continue
		}
		if i := slices.Index(seen, now); i >= 0 && !m.Resend {
			p.reportWith(Warning, CPE, atField(m, "Authorization"), []*cwmp.Message{first[i]}, "nc %s comes again with the same nonce", short(now.nc))
			return
		}
		if len(seen) < 1024 { // a session's last ones are mostly those that come again
			seen, first = append(seen, now), append(first, m)
		}
	}
}

func periodPhase(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		n, ok := d.Number(".PeriodicInformInterval")
		phase, known := d.Value(".PeriodicInformTime")
		if !ok || !known || n < 60 || !slices.Equal(events, []history.Event{{Code: "2 PERIODIC"}}) || d.Periodic.IsZero() || d.Timed.After(d.Periodic) || d.Failures > 0 || !d.Last.Good {
			return
		}
		from, err := time.Parse(time.RFC3339Nano, phase.Value)
		if err != nil || from.Year() < 1970 { // 0001-01-01T00:00:00Z is Unknown Time: no phase
			return
		}
		if now, _, ok := in.CurrentTime.Time(); !ok || now.Sub(p.Session.Inform.Time).Abs() > time.Minute {
			return
		}
		interval := time.Duration(n) * time.Second
		off := (p.Session.Inform.Time.Sub(from)%interval + interval) % interval
		off = min(off, interval-off)
		if off > max(5*time.Second, interval/100) {
			p.report(CPE, p.atCode(in, "2 PERIODIC", ""), "2 PERIODIC comes %s out of step with PeriodicInformTime %s", off.Round(time.Second), quote(phase.Value))
		}
	})
}

func notInForce(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if history.Has(events, "0 BOOTSTRAP") || !d.Last.Good {
			return
		}
		for i := range d.Set {
			s := &d.Set[i]
			if !s.Later || s.By != cwmp.ACS || s.Session != d.Last.ID || s.Old == "" || s.Old == s.Value {
				continue
			}
			find := func(m *cwmp.Message, list []cwmp.ParameterValueStruct) bool {
				for i := range list {
					if x := &list[i]; strings.TrimSpace(x.Name.Value) == s.Name && x.Value.Present {
						if strings.TrimSpace(x.Value.Value) == s.Old {
							p.reportPast(Warning, CPE, atLeaf(m, &x.Value), []Ref{{Session: s.Session, N: s.N, Offset: -1}}, "%s is as it was before the ACS set it in the session before, with Status 1", short(s.Name))
						}
						return true
					}
				}
				return false
			}
			if find(p.Session.Inform, in.ParameterList.Items) {
				continue
			}
			for _, t := range p.Session.Transactions {
				if q, sets := t.Request.Args.(*cwmp.SetParameterValues); sets && slices.ContainsFunc(q.ParameterList.Items, func(x cwmp.ParameterValueStruct) bool { return strings.TrimSpace(x.Name.Value) == s.Name }) {
					break
				}
				if t.Response == nil {
					continue
				}
				if find(t.Response, parameters(t.Response)) {
					break
				}
			}
		}
	})
}

func numberReused(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, events []history.Event) {
		if history.Has(events, "0 BOOTSTRAP") {
			return
		}
		gone := slices.Clone(d.Deleted)
		for _, t := range p.Session.Transactions {
			if t.Response == nil || t.Response.Kind != cwmp.Response {
				continue
			}
			switch a := t.Request.Args.(type) {
			case *cwmp.DeleteObject:
				gone = append(gone, strings.TrimSpace(a.ObjectName.Value))
			case *cwmp.AddObject:
				r, ok := t.Response.Args.(*cwmp.AddObjectResponse)
				if !ok {
					continue
				}
				if name := strings.TrimSpace(a.ObjectName.Value) + strings.TrimSpace(r.InstanceNumber.Value) + "."; slices.Contains(gone, name) {
					p.reportWith(Warning, CPE, atLeaf(t.Response, &r.InstanceNumber), []*cwmp.Message{t.Request}, "The new instance is %s, which was deleted lately", short(name))
				}
			}
		}
	})
}

func bootPeriodic(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if d.Together && history.Has(events, "1 BOOT") && history.Has(events, "2 PERIODIC") && !d.Booted.IsZero() && d.Last.Good {
			p.report(CPE, p.atCode(in, "2 PERIODIC", ""), "2 PERIODIC comes with 1 BOOT, as it did with the boot before")
		}
	})
}

func toldTooEarly(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		now, other := otherSoftware(d, in)
		if !other || !d.Last.Good || slices.ContainsFunc(d.Commands, func(c history.Command) bool { return strings.HasPrefix(c.FileType, "1 ") && !c.AtOnce }) {
			return
		}
		for _, e := range d.Last.Took {
			if c := d.Was(e.Key, "Download", "ScheduleDownload"); c != nil && strings.HasPrefix(c.FileType, "1 ") {
				p.reportPast(Warning, CPE, p.atParameter(".DeviceInfo.SoftwareVersion"), []Ref{ofCommand(c), ofPast(&d.Last)}, "SoftwareVersion is %s only now, and the firmware was reported as done in the session before", quote(now))
				return
			}
		}
	})
}

func noBackOff(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, _ []history.Event) {
		if d.Failures != 4 || len(d.Tries) != 4 {
			return
		}
		tries := append(slices.Clone(d.Tries), p.Session.Start)
		first := tries[1].Sub(tries[0])
		for i := 2; i < len(tries); i++ {
			if gap := tries[i].Sub(tries[i-1]); (gap - first).Abs() > first/5 {
				return
			}
		}
		p.report(CPE, atLeaf(p.Session.Inform, &in.RetryCount), "Four retries came %s apart each", first.Round(100*time.Millisecond))
	})
}
