package check

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"informant/decode/cwmp"
	"informant/decode/history"
)

// periods is the checks of when a device calls, and of what it says of its clock and
// its boots.
var periods = []*Check{
	{
		ID: "TIME-001", Title: "2 PERIODIC comes every PeriodicInformInterval", Ref: "TR-181, TR-098: ManagementServer", Severity: Warning, Gates: WholeSession | History | GoodClock, Subject: OfSession, course: periodKnown, Run: periodOff,
		Doc: "The interval is known, nothing failed and nothing changed it since the period before; a multiple of it, give or take a tenth, would be in order.",
	},
	{
		ID: "TIME-004", Title: "A retry doesn't wait too long", Ref: "TR-069a6 3.2.1.1 Table 3", Severity: Warning, Gates: WholeSession | History | GoodClock, Subject: OfSession, all: failedBefore | retries, Run: retryLate,
		Doc: "The wait is at most twice the lower bound of TIME-003. A boot, or a new reason to call, takes the expectation away.",
	},
	{
		ID: "TIME-010", Title: "ScheduleInform's session comes when it was asked for", Ref: "TR-069a6 A.4.1.2", Severity: Warning, Gates: WholeSession | History | GoodClock, Subject: OfSession, odd: keyed | special, course: commanded, Run: scheduleTime,
		Doc: "After DelaySeconds, give or take five seconds or a hundredth. Too early is told as an error.",
	},
	{
		ID: "TIME-011", Title: "2 PERIODIC doesn't fail to come", Ref: "TR-181, TR-098: ManagementServer", Severity: Warning, Gates: WholeSession | History | GoodClock, Subject: OfSession, course: periodKnown, Run: periodMissing,
		Doc: "More than two intervals have passed without it, and the device calls for other reasons.",
	},
	{
		ID: "TIME-014", Title: "A reboot takes less than ten minutes", Ref: "no standard: interoperability", Severity: Info, Gates: WholeSession | History | GoodClock, Subject: OfSession, course: boots, all: commanded, Run: slowBoot,
		Doc: "From the end of the session with Reboot to the Inform with 1 BOOT. ACSs give devices up that take longer.",
	},
	{
		ID: "TIME-016", Title: "4 VALUE CHANGE respects DefaultActiveNotificationThrottle", Ref: "TR-181: ManagementServer", Severity: Warning, Gates: WholeSession | History | GoodClock, Subject: OfSession, course: changesOnly, Run: throttled,
		Doc: "Two sessions because of changes alone are at least so many seconds apart.",
	},
	{
		ID: "EVT-016", Title: "At a new ACS the first event is 0 BOOTSTRAP", Ref: "TR-069a6 3.7.1.5", Severity: Error, Gates: WholeSession | History, Subject: OfSession, course: movedByACS, Run: newACS,
		Doc: "The ACS before has set ManagementServer.URL: this is the first session at the new one.",
	},
	{
		ID: "EVT-026", Title: "8 DIAGNOSTICS COMPLETE follows on a request", Ref: "TR-069a6 3.7.1.5", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, odd: special, Run: diagnosticsUnasked,
		Doc: "A DiagnosticsState was set to Requested before. Judged of devices that were seen from their 0 BOOTSTRAP on: others may have been asked before.",
	},
	{
		ID: "EVT-027", Title: "Requested diagnostics are told as complete", Ref: "TR-181, TR-098: DiagnosticsState", Severity: Error, Gates: WholeSession | History, Subject: OfSession, course: diagnosed, Run: diagnosticsUntold,
		Doc: "After three more sessions that went well, and an hour, no 8 DIAGNOSTICS COMPLETE has come. It is told once.",
	},
	{
		ID: "EVT-034", Title: "1 BOOT comes after a boot", Ref: "TR-181, TR-098: DeviceInfo.UpTime", Severity: Warning, Gates: WholeSession | History | GoodClock, Subject: OfSession, course: boots, Run: bootWithout,
		Doc: "UpTime, read in this session, is longer than the time since the session before.",
	},
	{
		ID: "EVT-035", Title: "After a boot comes 1 BOOT", Ref: "TR-181, TR-098: DeviceInfo.UpTime", Severity: Warning, Gates: WholeSession | History | GoodClock, Subject: OfSession, course: ran, Run: bootUntold,
		Doc: "UpTime is less than the time since it was read last, so the device has booted in between.",
	},
	{
		ID: "INF-013", Title: "CurrentTime goes as the clock does", Ref: "no standard: interoperability", Severity: Warning, Gates: WholeSession | History | GoodClock, Subject: OfSession, Run: clockJumps,
		Doc: "From Inform to Inform it advances by what passed, but for five minutes. After a boot it may jump, and from Unknown Time.",
	},
	{
		ID: "INF-029", Title: "Another ConnectionRequestURL or ExternalIPAddress is told as 4 VALUE CHANGE", Ref: "TR-181, TR-098: ManagementServer", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, Run: addressUntold,
		Doc: "Both have active notification by default; 0 BOOTSTRAP tells it, too.",
	},
	{
		ID: "XFER-020", Title: "A transfer that needs a boot is reported after it", Ref: "TR-069a6 A.3.2.8", Severity: Warning, Gates: WholeSession | History | GoodClock, Subject: OfSession, all: boots | tookFile, Run: bootAfterReport,
		Doc: "A firmware was reported as done, and the device boots within five minutes without having been told to: the report came before it was applied.",
	},
	{
		ID: "RPC-047", Title: "CancelTransfer names an outstanding transfer", Ref: "TR-069a6 A.4.1.9", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, odd: oddMethod, Run: cancelNothing,
		Doc: "Judged of devices that were seen from their 0 BOOTSTRAP on: others may have been asked before.",
	},
	{
		ID: "RPC-005", Title: "A method that is refused as unknown is not in the list of methods", Ref: "TR-069a6 3.6 Table 5", Severity: Error, Gates: WholeSession | History, Subject: OfSession, course: failing, Run: listedAndRefused,
		Doc: "The CPE said that it has the method, and answers it with 9000.",
	},
}

func periodOff(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		n, ok := d.Number(".PeriodicInformInterval")
		if !ok || n < 10 || !history.Has(events, "2 PERIODIC") || d.Periodic.IsZero() || d.Timed.After(d.Periodic) || d.Booted.After(d.Periodic) || history.Has(events, "1 BOOT") ||
			history.Has(events, "0 BOOTSTRAP") || d.Failures > 0 || !d.Last.Good || d.Sessions < 2 {
			return
		}
		interval := time.Duration(n) * time.Second
		gap := p.Session.Start.Sub(d.Periodic)
		off := gap % interval
		off = min(off, interval-off)
		if limit := max(2*time.Second, interval/10); off > limit || gap < interval-limit {
			p.report(CPE, p.atCode(in, "2 PERIODIC", ""), "2 PERIODIC comes %s after the one before, and PeriodicInformInterval is %s", gap.Round(time.Second), interval)
		}
	})
}

func periodMissing(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		n, ok := d.Number(".PeriodicInformInterval")
		on, known := d.Bool(".PeriodicInformEnable")
		if !ok || n < 10 || !known || !on || d.Periodic.IsZero() || d.Timed.After(d.Periodic) || d.Booted.After(d.Periodic) ||
			history.Has(events, "2 PERIODIC") || history.Has(events, "1 BOOT") || history.Has(events, "0 BOOTSTRAP") || d.Failures > 0 {
			return
		}
		limit := 2*time.Duration(n)*time.Second + time.Duration(n)*time.Second/10
		if p.Session.Start.Sub(d.Periodic) > limit && d.Last.Start.Sub(d.Periodic) <= limit {
			p.report(CPE, p.atCode(in, "", ""), "No 2 PERIODIC for %s, and PeriodicInformInterval is %d s", p.Session.Start.Sub(d.Periodic).Round(time.Second), n)
		}
	})
}

func retryLate(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		n, ok := in.RetryCount.Int()
		if !d.Last.Failed || d.Failures < 1 || !ok || n < 1 || history.Has(events, "1 BOOT") || history.Has(events, "0 BOOTSTRAP") || !slices.Equal(events, d.Last.Events) {
			return
		}
		if _, known := d.Value(".CWMPRetryMinimumWaitInterval"); !known && p.Session.EffectiveVersion >= 3 {
			return
		}
		if int(n) > d.Failures || d.Failures == d.Sessions && int(n) != d.Failures { // it failed before what was seen
			return
		}
		waited, most := p.Session.Start.Sub(d.Last.End), retryLowest(d, d.Failures+1)
		if waited > most+most/10+time.Second {
			p.reportPast(Warning, CPE, message(p.Session.Inform), []Ref{ofPast(&d.Last)}, "Retry %d comes %s after the session that failed, and at most %s are to be waited", d.Failures, waited.Round(time.Second), most)
		}
	})
}

func scheduleTime(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		for _, e := range events {
			c := d.Find(e.Key, "ScheduleInform")
			if e.Code != "M ScheduleInform" || c == nil || c.Asked.IsZero() || d.Failures > 0 {
				continue
			}
			slack := max(5*time.Second, c.Delay/100)
			off := p.Session.Start.Sub(c.Asked.Add(c.Delay))
			switch {
			case off < -slack:
				p.reportPast(Error, CPE, p.atCode(in, e.Code, e.Key), []Ref{ofCommand(c)}, "The session of ScheduleInform comes %s early", (-off).Round(time.Second))
			case off > slack && p.Session.Start.Sub(d.Last.End) > slack: // no session was in its way
				p.reportPast(Warning, CPE, p.atCode(in, e.Code, e.Key), []Ref{ofCommand(c)}, "The session of ScheduleInform comes %s late", off.Round(time.Second))
			}
		}
	})
}

func slowBoot(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		for i := range d.Commands {
			c := &d.Commands[i]
			if c.Method == "Reboot" && c.Session == d.Last.ID && d.Last.Good && history.Has(events, "1 BOOT") {
				if took := p.Session.Start.Sub(d.Last.End); took > 10*time.Minute {
					p.reportPast(Warning, CPE, p.atCode(in, "1 BOOT", ""), []Ref{ofCommand(c)}, "The reboot took %s", took.Round(time.Second))
				}
				return
			}
		}
	})
}

func throttled(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		n, ok := d.Number(".DefaultActiveNotificationThrottle")
		only := []history.Event{{Code: "4 VALUE CHANGE"}}
		if ok && n > 0 && slices.Equal(events, only) && slices.Equal(d.Last.Events, only) && d.Last.Good {
			if gap := p.Session.Start.Sub(d.Last.Start); gap+time.Second < time.Duration(n)*time.Second {
				p.reportPast(Warning, CPE, p.atCode(in, "4 VALUE CHANGE", ""), []Ref{ofPast(&d.Last)}, "4 VALUE CHANGE again after %s, and DefaultActiveNotificationThrottle is %d s", gap.Round(time.Second), n)
			}
		}
	})
}

func newACS(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		s, ok := d.Value(".ManagementServer.URL")
		if !ok || s.By != cwmp.ACS || s.Session != d.Last.ID || !d.Last.Good || history.Has(events, "0 BOOTSTRAP") {
			return
		}
		to, err := url.Parse(s.Value)
		here, err2 := url.Parse(p.Session.URL)
		before, err3 := url.Parse(d.Last.URL)
		if err != nil || err2 != nil || err3 != nil || to.Host != here.Host || to.Host == before.Host {
			return
		}
		p.reportPast(Error, CPE, p.atCode(in, "", ""), []Ref{{Session: s.Session, N: s.N, Offset: -1}}, "This is the first session at the ACS that was set, and it is no 0 BOOTSTRAP")
	})
}

func diagnosticsUnasked(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if d.Birth && history.Has(events, "8 DIAGNOSTICS COMPLETE") && len(d.Asked8) == 0 && d.Last.Good {
			p.report(CPE, p.atCode(in, "8 DIAGNOSTICS COMPLETE", ""), "8 DIAGNOSTICS COMPLETE, and no diagnostics were requested")
		}
	})
}

func diagnosticsUntold(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if history.Has(events, "8 DIAGNOSTICS COMPLETE") || history.Has(events, "1 BOOT") || history.Has(events, "0 BOOTSTRAP") {
			return
		}
		for i := range d.Asked8 {
			if c := &d.Asked8[i]; c.Good == 3 && p.Session.Start.Sub(c.Asked) > time.Hour {
				p.reportPast(Error, CPE, p.atCode(in, "", ""), []Ref{ofCommand(c)}, "%s was requested %s ago, and never told as complete", short(c.Method), p.Session.Start.Sub(c.Asked).Round(time.Minute))
			}
		}
	})
}

// upTime is DeviceInfo.UpTime as it is read in the session, and where.
func (p *Pass) upTime() (seconds int64, at time.Time, where place, ok bool) {
	for _, m := range p.Session.Messages {
		if m.From != cwmp.CPE || m.Trimmed || openNow(m)&WholeBody == 0 {
			continue
		}
		list := parameters(m)
		for i := range list {
			if strings.HasSuffix(list[i].Name.Value, ".DeviceInfo.UpTime") {
				if n, isNumber := list[i].Value.Int(); isNumber && n > 0 {
					return n, m.End, atLeaf(m, &list[i].Value), true
				}
			}
		}
	}
	return 0, time.Time{}, place{}, false
}

const clockSlack = 2 * time.Minute

func bootWithout(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, events []history.Event) {
		if !history.Has(events, "1 BOOT") || d.Last.Failed || history.Has(d.Last.Events, "1 BOOT") && !d.Last.Good {
			return
		}
		n, at, where, ok := p.upTime()
		if !ok {
			return
		}
		if gap := at.Sub(d.Last.End); time.Duration(n)*time.Second > gap+clockSlack {
			p.reportPast(Warning, CPE, where, []Ref{ofPast(&d.Last)}, "1 BOOT, and UpTime is %s, longer than the %s since the session before", time.Duration(n)*time.Second, gap.Round(time.Second))
		}
	})
}

func bootUntold(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, events []history.Event) {
		if d.UpTime == 0 || history.Has(events, "1 BOOT") || history.Has(events, "0 BOOTSTRAP") || d.Booted.After(d.UpTimeAt) {
			return
		}
		n, at, where, ok := p.upTime()
		if !ok {
			return
		}
		if gap := at.Sub(d.UpTimeAt); time.Duration(n)*time.Second+clockSlack < gap {
			p.report(CPE, where, "UpTime is %s, and %s ago it was read as %s: the device has booted, without 1 BOOT", time.Duration(n)*time.Second, gap.Round(time.Second), time.Duration(d.UpTime)*time.Second)
		}
	})
}

func clockJumps(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		now, _, ok := in.CurrentTime.Time()
		if !ok || now.Year() <= 2000 || d.Last.Clock.IsZero() || history.Has(events, "1 BOOT") || history.Has(events, "0 BOOTSTRAP") {
			return
		}
		off := now.Sub(d.Last.Clock) - p.Session.Start.Sub(d.Last.Start)
		if off > 5*time.Minute || off < -5*time.Minute {
			p.reportPast(Warning, CPE, atLeaf(p.Session.Inform, &in.CurrentTime), []Ref{ofPast(&d.Last)}, "CurrentTime has jumped by %s since the session before", off.Round(time.Second))
		}
	})
}

func addressUntold(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if history.Has(events, "4 VALUE CHANGE") || history.Has(events, "0 BOOTSTRAP") || history.Has(events, "1 BOOT") || !d.Last.Good {
			return
		}
		for _, name := range []string{".ManagementServer.ConnectionRequestURL", ".ExternalIPAddress"} {
			s, known := d.Value(name)
			now, ok := history.Parameter(in, name)
			if known && ok && s.By == cwmp.CPE && strings.TrimSpace(now) != s.Value && s.Value != "" {
				p.reportPast(Warning, CPE, p.atParameter(name), []Ref{{Session: s.Session, N: s.N, Offset: -1}}, "%s was %s and is %s, without 4 VALUE CHANGE", name[strings.LastIndexByte(name, '.')+1:], short(s.Value), short(now))
				return
			}
		}
	})
}

func bootAfterReport(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if !history.Has(events, "1 BOOT") || history.Has(events, "M Reboot") || !d.Last.Good || p.Session.Start.Sub(d.Last.End) > 5*time.Minute || history.Has(d.Last.Events, "1 BOOT") ||
			slices.ContainsFunc(d.Commands, func(c history.Command) bool { return c.Method == "Reboot" }) { // whose event may be missing
			return
		}
		for _, e := range d.Last.Took {
			if c := d.Was(e.Key, "Download", "ScheduleDownload"); c != nil && strings.HasPrefix(c.FileType, "1 ") && c.Session != d.Last.ID {
				p.reportPast(Warning, CPE, p.atCode(in, "1 BOOT", ""), []Ref{ofPast(&d.Last), ofCommand(c)}, "The device boots %s after it had reported its firmware as done", p.Session.Start.Sub(d.Last.End).Round(time.Second))
				return
			}
		}
	})
}

func cancelNothing(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, _ []history.Event) {
		for _, t := range p.Session.Transactions {
			a, ok := t.Request.Args.(*cwmp.CancelTransfer)
			if ok && d.Birth && d.Find(a.CommandKey.Value, transfers...) == nil && !p.askedHere(a.CommandKey.Value) {
				p.report(ACS, atLeaf(t.Request, &a.CommandKey), "CancelTransfer names the CommandKey %s, and no such transfer is outstanding", quote(a.CommandKey.Value))
			}
		}
	})
}

func listedAndRefused(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, _ []history.Event) {
		if _, other := otherSoftware(d, in); other || len(d.Methods) == 0 {
			return
		}
		for _, t := range p.Session.Transactions {
			if t.Caller == cwmp.ACS && t.Response != nil && t.Response.Kind == cwmp.Fault && t.Response.FaultCode() == "9000" && slices.Contains(d.Methods, t.Request.RPC) {
				p.report(CPE, atMethod(t.Response), "%s is refused as unknown, and the list of methods has it", t.Request.RPC)
				return
			}
		}
	})
}
