package check

import (
	"slices"
	"strings"
	"time"

	"informant/decode/cwmp"
	"informant/decode/history"
)

// overTime is the checks of what a device says in one session against what was seen of
// it in those before.
var overTime = []*Check{
	{
		ID: "EVT-015", Title: "0 BOOTSTRAP is not repeated without cause", Ref: "TR-069a6 3.7.1.5", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, course: bootstraps, Run: bootstrapAgain,
		Doc: "It tells of the first contact with an ACS, or of a factory reset. A reset by the user can't be seen; a device that sends it with every session loses what the ACS has set.",
	},
	{
		ID: "EVT-017", Title: "After FactoryReset comes 0 BOOTSTRAP", Ref: "TR-069a6 A.4.1.6", Severity: Error, Gates: WholeSession | History, Subject: OfSession, course: commanded, Run: resetWithoutBootstrap,
		Doc: "The device forgot its ACS with all else, so its next session is a first contact.",
	},
	{
		ID: "EVT-018", Title: "After FactoryReset no command of before is reported", Ref: "TR-069a6 A.4.1.6", Severity: Error, Gates: WholeSession | History, Subject: OfSession, course: commanded, Run: resetWithOld,
		Doc: "Commands that were not reported are dropped by the reset, with their keys.",
	},
	{
		ID: "EVT-019", Title: "After Reboot come 1 BOOT and M Reboot with its key", Ref: "TR-069a6 A.3.2.9", Severity: Error, Gates: WholeSession | History, Subject: OfSession, course: commanded, Run: rebootNotTold,
		Doc: "By them the ACS knows that its command was done. A FactoryReset or another ACS in between takes the expectation away.",
	},
	{
		ID: "EVT-020", Title: "M Reboot has the key of a Reboot", Ref: "TR-069a6 3.7.1.5", Severity: Error, Gates: WholeSession | History, Subject: OfSession, odd: keyed | special, Run: rebootUnasked,
		Doc: "It reports a command: one that the device was given, and had not reported before.",
	},
	{
		ID: "EVT-021", Title: "M ScheduleInform has the key of a ScheduleInform", Ref: "TR-069a6 A.4.1.2", Severity: Error, Gates: WholeSession | History, Subject: OfSession, odd: keyed | special, Run: scheduleUnasked,
		Doc: "Judged of devices that were seen from their 0 BOOTSTRAP on: others may have been asked before.",
	},
	{
		ID: "EVT-022", Title: "M Download, M Upload and their like have the key of an outstanding command", Ref: "TR-069a6 3.7.1.5", Severity: Error, Gates: WholeSession | History, Subject: OfSession, odd: keyed | special, Run: transferUnasked,
		Doc: "Judged of devices that were seen from their 0 BOOTSTRAP on: others may have been asked before.",
	},
	{
		ID: "EVT-023", Title: "No 2 PERIODIC while PeriodicInformEnable is false", Ref: "TR-181, TR-098: ManagementServer", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, course: periodicFalse, Run: periodicOff,
		Doc: "The value is what was set or read last.",
	},
	{
		ID: "EVT-028", Title: "A retry delivers what the failed session had to deliver", Ref: "TR-069a6 3.7.1.5", Severity: Error, Gates: WholeSession | History, Subject: OfSession, all: failedBefore | retries, Run: eventLost,
		Doc: "Events stay until the InformResponse. 6 CONNECTION REQUEST may go, and after a reboot or a BOOTSTRAP others too.",
	},
	{
		ID: "EVT-030", Title: "An event that was delivered is not delivered again", Ref: "TR-069a6 3.7.1.5", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, odd: keyed | special, Run: deliveredAgain,
		Doc: "With the InformResponse M Reboot and M ScheduleInform are delivered. The same key again, without another command, reports nothing.",
	},
	{
		ID: "EVT-031", Title: "Events of a transfer stay until its report was answered", Ref: "TR-069a6 3.7.1.5", Severity: Error, Gates: WholeSession | History, Subject: OfSession, course: failedBefore, Run: transferEventGone,
		Doc: "The session before ended without TransferCompleteResponse, so the next one has the event, and reports again.",
	},
	{
		ID: "EVT-032", Title: "Events of a transfer are gone when its report was answered", Ref: "TR-069a6 3.7.1.5", Severity: Error, Gates: WholeSession | History, Subject: OfSession, odd: keyed | special, Run: transferEventStays,
		Doc: "The ACS takes it for a second transfer with the same key.",
	},
	{
		ID: "XFER-001", Title: "A transfer that was accepted is reported", Ref: "TR-069a6 A.3.2.8", Severity: Error, Gates: WholeSession | History, Subject: OfSession, course: commanded, Run: transferNeverTold,
		Doc: "After three more sessions that went well, and an hour beyond the delay, no TransferComplete has come. It is told once.",
	},
	{
		ID: "XFER-002", Title: "What was done at once is not reported once more", Ref: "TR-069a6 A.3.2.8", Severity: Error, Gates: WholeSession | History, Subject: OfSession, odd: calling, Run: doneAndTold,
		Doc: "With Status 0 the answer to Download was the report; TransferComplete belongs to Status 1.",
	},
	{
		ID: "XFER-003", Title: "TransferComplete has the key of a transfer", Ref: "TR-069a6 A.3.3.2", Severity: Error, Gates: WholeSession | History, Subject: OfSession, odd: calling, Run: completeUnasked,
		Doc: "Judged of devices that were seen from their 0 BOOTSTRAP on: others may have been asked before.",
	},
	{
		ID: "XFER-004", Title: "TransferComplete comes once", Ref: "TR-069a6 3.7.1.5", Severity: Error, Gates: WholeSession | History, Subject: OfSession, odd: calling, Run: completeAgain,
		Doc: "It was answered in a session before. The ACS takes it for another transfer.",
	},
	{
		ID: "XFER-005", Title: "A transfer is reported in a session with its events", Ref: "TR-069a6 3.7.1.5", Severity: Error, Gates: WholeSession | History, Subject: OfSession, odd: calling, Run: completeUnannounced,
		Doc: "7 TRANSFER COMPLETE and M Download, M Upload or M ScheduleDownload with the key, unless the transfer was asked for in the same session.",
	},
	{
		ID: "XFER-006", Title: "The M event of a transfer is that of its method", Ref: "TR-069a6 3.7.1.5", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, odd: keyed | special, course: commanded, Run: otherTransfer,
		Doc: "A Download is reported as M Download, an Upload as M Upload.",
	},
	{
		ID: "XFER-007", Title: "The times of a transfer are possible", Ref: "TR-069a6 A.3.3.2", Severity: Warning, Gates: WholeSession | History | GoodClock, Subject: OfSession, odd: calling, Run: transferTimesFit,
		Doc: "It ends after its start, started after it was asked for and its delay, and not in the future of the Inform. Devices whose clock is off by more than ten minutes are not judged.",
	},
	{
		ID: "XFER-009", Title: "A firmware that was taken shows in SoftwareVersion and 1 BOOT", Ref: "TR-069a6 A.3.2.8", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, odd: calling, Run: firmwareNotThere,
		Doc: "The same image once more is legal, and then the version stays.",
	},
	{
		ID: "XFER-023", Title: "A transfer is not asked for again while it is outstanding", Ref: "no standard: interoperability", Severity: Info, Gates: WholeSession | History, Subject: OfSession, course: commanded, Run: transferTwice,
		Doc: "The same file was asked for, and not reported yet. Some devices do both, and boot in the middle of the second.",
	},
	{
		ID: "RPC-052", Title: "A CommandKey is not used again while it is outstanding", Ref: "TR-069a6 A.3.2.8", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, course: commanded, Run: keyAgain,
		Doc: "Of two commands of one method with one key, the reports can't be told apart.",
	},
	{
		ID: "INF-024", Title: "ParameterKey is that of the last successful request", Ref: "TR-069a6 A.3.2.1", Severity: Error, Gates: WholeSession | History, Subject: OfSession, course: otherKey, Run: parameterKeyOther,
		Doc: "SetParameterValues, AddObject and DeleteObject set it. By it the ACS knows whether the device is as it left it.",
	},
	{
		ID: "INF-025", Title: "ParameterKey is empty after a factory reset", Ref: "TR-069a6 A.3.2.1", Severity: Error, Gates: WholeSession | History, Subject: OfSession, course: commanded, Run: parameterKeyKept,
		Doc: "Nothing of what an ACS had set is left, and the key says so.",
	},
	{
		ID: "INF-026", Title: "Another SoftwareVersion is told as 4 VALUE CHANGE", Ref: "TR-181, TR-098: DeviceInfo", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, course: updated, Run: softwareUntold,
		Doc: "SoftwareVersion has active notification by default; 0 BOOTSTRAP tells it, too.",
	},
	{
		ID: "INF-027", Title: "Another SoftwareVersion comes with a boot", Ref: "TR-069a6 3.7.1.5", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, course: updated, Run: softwareNoBoot,
		Doc: "A firmware runs from its boot on.",
	},
	{
		ID: "INF-028", Title: "Another ProvisioningCode is told as 4 VALUE CHANGE", Ref: "TR-181, TR-098: DeviceInfo", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, Run: provisioningUntold,
		Doc: "Unless the ACS itself has set it.",
	},
	{
		ID: "FLT-015", Title: "The ParameterKey of a request that was refused is not taken over", Ref: "TR-069a6 A.3.2.1", Severity: Error, Gates: WholeSession | History, Subject: OfSession, course: otherKey, Run: refusedKey,
		Doc: "The device says that it is as the ACS wanted it, and it is not.",
	},
	{
		ID: "SEQ-021", Title: "The ACS calls methods that the CPE has", Ref: "TR-069a6 A.3.1.1", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, course: listed, Run: notListed,
		Doc: "The CPE's answer to GetRPCMethods doesn't have the method, in this version of its software. It is told once per method and session.",
	},
	{
		ID: "SEQ-022", Title: "The CPE calls methods that the ACS has", Ref: "TR-069a6 A.3.1.1", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, odd: calling, Run: notListedACS,
		Doc: "The ACS's answer to GetRPCMethods doesn't have the method. Inform and TransferComplete are always there.",
	},
	{
		ID: "SEQ-033", Title: "The session is not opened again at once for the same reason", Ref: "TR-069a6 3.2.1", Severity: Warning, Gates: WholeSession | History | GoodClock, Subject: OfSession, course: stormy, Run: storm,
		Doc: "Five sessions within a minute went well, each with the same events: the CPE doesn't take them for delivered, or something makes it call.",
	},
	{
		ID: "TIME-003", Title: "A retry waits", Ref: "TR-069a6 3.2.1.1 Table 3", Severity: Error, Gates: WholeSession | History | GoodClock, Subject: OfSession, all: failedBefore | retries, Run: retryEarly,
		Doc: "The first after 5 to 10 s, each later one twice as long, unless the device's parameters say otherwise. CPEs of CWMP 1.3 and later may have others that are not known here: then it is a warning. A new event or a connection request is a reason of its own.",
	},
	{
		ID: "TIME-005", Title: "RetryCount counts the sessions that failed", Ref: "TR-069a6 A.3.3.1", Severity: Error, Gates: WholeSession | History, Subject: OfSession, course: failedBefore, Run: retryNotCounted,
		Doc: "One more than in the session that failed before. After a reboot it may begin anew.",
	},
	{
		ID: "TIME-006", Title: "RetryCount is 0 after a good session", Ref: "TR-069a6 A.3.3.1", Severity: Error, Gates: WholeSession | History, Subject: OfSession, course: retries, Run: retryAfterGood,
		Doc: "The session before was delivered. A failure to connect can't be seen, and then it is 1 or more: told as a note (TIME-007) up to 3.",
	},
	{
		ID: "TIME-007", Title: "RetryCount has a failure before it", Ref: "TR-069a6 A.3.3.1", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, course: retries, Run: retryUnseen,
		Doc: "No failed session was seen. Connections that could not be opened are not in every capture, so it is told as a note.",
	},
	{
		ID: "HTTP-027", Title: "A session begins without the cookies of the one before", Ref: "TR-069a6 3.4.2", Severity: Info, Gates: WholeSession | History | PlainHTTP, Subject: OfSession, Run: oldCookie,
		Doc: "Session cookies are of one session. ACSs that still know them may take the new session for the old one.",
	},
	{
		ID: "VER-008", Title: "The version of a device changes with its software", Ref: "TR-069a6 3.7.4", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, course: otherSpace, Run: versionChanged,
		Doc: "The namespace of its Inform is another one than in the session before, without another SoftwareVersion and without a session that failed.",
	},
}

// past calls f with what is known of the device and this session's Inform.
func (p *Pass) past(f func(d *history.Device, in *cwmp.Inform, events []history.Event)) {
	d := p.f.past
	if d == nil || p.Session.Inform == nil {
		return
	}
	in, ok := p.Session.Inform.Args.(*cwmp.Inform)
	if !ok {
		return
	}
	f(d, in, p.events())
}

// ofCommand points at the request of a command in an earlier session.
func ofCommand(c *history.Command) Ref { return Ref{Session: c.Session, N: c.N, Offset: -1} }

// ofPast points at the Inform of an earlier session.
func ofPast(x *history.Past) Ref { return Ref{Session: x.ID, N: 1, Offset: -1} }

// reportPast tells a breach that messages of earlier sessions prove.
func (p *Pass) reportPast(s Severity, party Party, at place, earlier []Ref, format string, args ...any) {
	n := len(p.out)
	p.reportAs(s, party, at, format, args...)
	if len(p.out) > n {
		p.out[n].Related = earlier
	}
}

// atCode is the place of an event in the session's Inform, or of the Event list.
func (p *Pass) atCode(in *cwmp.Inform, code, key string) place {
	for i := range in.Event.Items {
		e := &in.Event.Items[i]
		if standardSpelling(e.EventCode.Value) == code && (key == "" || e.CommandKey.Value == key) {
			return atLeaf(p.Session.Inform, &e.EventCode)
		}
	}
	if in.Event.Present {
		return inText(p.Session.Inform, in.Event.At)
	}
	return atMethod(p.Session.Inform)
}

// moved says whether the device calls another ACS than before, or was told to.
func moved(p *Pass, d *history.Device) bool {
	s, ok := d.Value(".ManagementServer.URL")
	return p.Session.URL != d.Last.URL || ok && s.By == cwmp.ACS && s.Session == d.Last.ID
}

func bootstrapAgain(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if !history.Has(events, "0 BOOTSTRAP") || !history.Has(d.Last.Events, "0 BOOTSTRAP") || !d.Last.Good || !d.Last.Informed || moved(p, d) || d.Find("", "FactoryReset") != nil {
			return
		}
		if v, ok := history.Parameter(in, ".DeviceInfo.SoftwareVersion"); ok && v != d.Last.Software {
			return
		}
		severity := Warning
		n := 0
		for _, t := range d.Firsts {
			if p.Session.Start.Sub(t) < 24*time.Hour {
				n++
			}
		}
		if n >= 2 {
			severity = Error
		}
		p.reportPast(severity, CPE, p.atCode(in, "0 BOOTSTRAP", ""), []Ref{ofPast(&d.Last)}, "0 BOOTSTRAP again, after a session with it that went well")
	})
}

func resetWithoutBootstrap(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if c := d.Find("", "FactoryReset"); c != nil && d.Last.Good && c.Session == d.Last.ID && !history.Has(events, "0 BOOTSTRAP") {
			p.reportPast(Error, CPE, p.atCode(in, "", ""), []Ref{ofCommand(c)}, "The device was told to reset itself, and its next session is no 0 BOOTSTRAP")
		}
	})
}

func resetWithOld(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		c := d.Find("", "FactoryReset")
		if c == nil || c.Session != d.Last.ID {
			return
		}
		for _, e := range events {
			switch {
			case e.Code == "M Reboot" || e.Code == "M ScheduleInform" || e.Code == "M Download" || e.Code == "M Upload" || e.Code == "M ScheduleDownload" || e.Code == "M ChangeDUState",
				e.Code == "7 TRANSFER COMPLETE", e.Code == "10 AUTONOMOUS TRANSFER COMPLETE", e.Code == "11 DU STATE CHANGE COMPLETE":
				p.reportPast(Error, CPE, p.atCode(in, e.Code, e.Key), []Ref{ofCommand(c)}, "%s comes after a FactoryReset", e.Code)
			}
		}
	})
}

func rebootNotTold(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if !d.Last.Good || d.Find("", "FactoryReset") != nil || moved(p, d) || history.Has(events, "0 BOOTSTRAP") {
			return
		}
		for i := range d.Commands {
			c := &d.Commands[i]
			if c.Method != "Reboot" || c.Session != d.Last.ID {
				continue
			}
			switch {
			case !slices.Contains(events, history.Event{Code: "M Reboot", Key: c.Key}) && history.Has(events, "M Reboot"):
				p.reportPast(Error, CPE, p.atCode(in, "M Reboot", ""), []Ref{ofCommand(c)}, "M Reboot has another CommandKey than the Reboot, %s", quote(c.Key))
			case !history.Has(events, "M Reboot"):
				p.reportPast(Error, CPE, p.atCode(in, "", ""), []Ref{ofCommand(c)}, "The device was told to reboot, and its next session has no M Reboot")
			case !history.Has(events, "1 BOOT"):
				p.reportPast(Error, CPE, p.atCode(in, "M Reboot", ""), []Ref{ofCommand(c)}, "The device was told to reboot, and its next session has no 1 BOOT")
			}
			return
		}
	})
}

// unasked reports events of a code whose key no outstanding command has.
func unasked(p *Pass, code string, birth bool, methods ...string) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if birth && !d.Birth || !birth && (!d.Last.Good || d.Sessions < 1) || d.Failures > 0 || history.Has(events, "0 BOOTSTRAP") {
			return
		}
		for _, e := range events {
			if e.Code == code && !slices.Contains(d.Last.Events, e) && d.Find(e.Key, methods...) == nil && d.Was(e.Key, methods...) == nil && d.Find(e.Key, "Download", "Upload", "ScheduleDownload", "ChangeDUState") == nil {
				if code == "M Reboot" && d.Find(lastKey(d, "Reboot"), "Reboot") != nil { // with another key: EVT-019
					continue
				}
				p.report(CPE, p.atCode(in, e.Code, e.Key), "%s has the CommandKey %s, and no such command is outstanding", e.Code, quote(e.Key))
			}
		}
	})
}

// lastKey is the key of the last outstanding command of a method.
func lastKey(d *history.Device, method string) string {
	for i := len(d.Commands) - 1; i >= 0; i-- {
		if d.Commands[i].Method == method {
			return d.Commands[i].Key
		}
	}
	return "\x00"
}

func rebootUnasked(p *Pass)   { unasked(p, "M Reboot", false, "Reboot") }
func scheduleUnasked(p *Pass) { unasked(p, "M ScheduleInform", true, "ScheduleInform") }
func transferUnasked(p *Pass) {
	for _, m := range []string{"Download", "Upload", "ScheduleDownload", "ChangeDUState"} {
		unasked(p, "M "+m, true, m)
	}
}

func periodicOff(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		on, known := d.Bool(".PeriodicInformEnable")
		if known && !on && history.Has(events, "2 PERIODIC") && !history.Has(events, "0 BOOTSTRAP") && !history.Has(events, "1 BOOT") && d.Last.Good {
			s, _ := d.Value(".PeriodicInformEnable")
			p.reportPast(Warning, CPE, p.atCode(in, "2 PERIODIC", ""), []Ref{{Session: s.Session, N: s.N, Offset: -1}}, "2 PERIODIC, and PeriodicInformEnable is %s", short(s.Value))
		}
	})
}

func eventLost(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		n, ok := in.RetryCount.Int()
		if !d.Last.Failed || d.Last.Informed || !ok || n < 1 || history.Has(events, "0 BOOTSTRAP") || history.Has(events, "1 BOOT") && !history.Has(d.Last.Events, "1 BOOT") {
			return
		}
		for _, e := range d.Last.Events {
			if e.Code != "6 CONNECTION REQUEST" && e.Code != "14 HEARTBEAT" && e.Code != "13 WAKEUP" && !slices.Contains(events, e) {
				p.reportPast(Error, CPE, p.atCode(in, "", ""), []Ref{ofPast(&d.Last)}, "The session before failed before %s was delivered, and the retry doesn't have it", e.Code)
				return
			}
		}
	})
}

func deliveredAgain(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if !d.Last.Good || !d.Last.Informed {
			return
		}
		for _, e := range events {
			if e.Key != "" && (e.Code == "M Reboot" || e.Code == "M ScheduleInform") && slices.Contains(d.Last.Events, e) && d.Find(e.Key, strings.TrimPrefix(e.Code, "M ")) == nil {
				p.reportPast(Warning, CPE, p.atCode(in, e.Code, e.Key), []Ref{ofPast(&d.Last)}, "%s with the CommandKey %s was delivered in the session before", e.Code, quote(e.Key))
			}
		}
	})
}

func transferEventGone(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if history.Has(events, "0 BOOTSTRAP") || d.Last.Good {
			return
		}
		for _, e := range d.Last.Unanswered {
			if !slices.Contains(events, e) {
				p.reportPast(Error, CPE, p.atCode(in, "", ""), []Ref{ofPast(&d.Last)}, "The report of %s was not answered, and its event is gone", quote(e.Key))
			}
		}
	})
}

func transferEventStays(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		for _, e := range events {
			if slices.Contains(d.Last.Answered, e) && d.Find(e.Key, "Download", "Upload", "ScheduleDownload", "ChangeDUState") == nil {
				p.reportPast(Error, CPE, p.atCode(in, e.Code, e.Key), []Ref{ofPast(&d.Last)}, "%s with the CommandKey %s was reported and answered in the session before", e.Code, quote(e.Key))
			}
		}
	})
}

// reports calls f for each TransferComplete of the session.
func (p *Pass) reports(f func(m *cwmp.Message, a *cwmp.TransferComplete, answered bool)) {
	for _, t := range p.Session.Transactions {
		if a, ok := t.Request.Args.(*cwmp.TransferComplete); ok && !t.Request.Resend && openNow(t.Request)&WholeBody != 0 {
			f(t.Request, a, t.Response != nil && t.Response.Kind == cwmp.Response)
		}
	}
}

var transfers = []string{"Download", "Upload", "ScheduleDownload"}

func transferNeverTold(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if history.Has(events, "0 BOOTSTRAP") {
			return
		}
		told := map[string]bool{}
		p.reports(func(_ *cwmp.Message, a *cwmp.TransferComplete, _ bool) { told[a.CommandKey.Value] = true })
		for i := range d.Commands {
			c := &d.Commands[i]
			if slices.Contains(transfers, c.Method) && !c.AtOnce && c.Good == 3 && p.Session.Start.Sub(c.Asked) > time.Hour+c.Delay && !told[c.Key] {
				p.reportPast(Error, CPE, p.atCode(in, "", ""), []Ref{ofCommand(c)}, "The %s with the CommandKey %s was accepted %s ago, and never reported", c.Method, quote(c.Key), p.Session.Start.Sub(c.Asked).Round(time.Minute))
			}
		}
	})
}

// askedHere says whether the session itself asks for a transfer with that key.
func (p *Pass) askedHere(key string) bool {
	return slices.ContainsFunc(p.Session.Transactions, func(t *cwmp.Transaction) bool {
		l := commandKey(t.Request)
		return l != nil && l.Value == key
	})
}

func doneAndTold(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, _ []history.Event) {
		p.reports(func(m *cwmp.Message, a *cwmp.TransferComplete, _ bool) {
			for i := range d.Commands {
				if c := &d.Commands[i]; c.AtOnce && c.Key == a.CommandKey.Value && c.Key != "" && slices.Contains(transfers, c.Method) {
					p.reportPast(Error, CPE, atMethod(m), []Ref{ofCommand(c)}, "The %s was done at once (Status 0), and is reported all the same", c.Method)
					return
				}
			}
		})
	})
}

func completeUnasked(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, _ []history.Event) {
		if !d.Birth {
			return
		}
		p.reports(func(m *cwmp.Message, a *cwmp.TransferComplete, _ bool) {
			if key := a.CommandKey.Value; d.Find(key, transfers...) == nil && d.Was(key, transfers...) == nil && !p.askedHere(key) {
				p.report(CPE, atLeaf(m, &a.CommandKey), "TransferComplete has the CommandKey %s, and no such transfer is outstanding", quote(key))
			}
		})
	})
}

func completeAgain(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, _ []history.Event) {
		p.reports(func(m *cwmp.Message, a *cwmp.TransferComplete, _ bool) {
			key := a.CommandKey.Value
			if c := d.Was(key, transfers...); c != nil && key != "" && d.Find(key, transfers...) == nil && !p.askedHere(key) {
				p.reportPast(Error, CPE, atMethod(m), []Ref{ofCommand(c)}, "The transfer with the CommandKey %s was reported and answered before", quote(key))
			}
		})
	})
}

func completeUnannounced(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, events []history.Event) {
		p.reports(func(m *cwmp.Message, a *cwmp.TransferComplete, _ bool) {
			key := a.CommandKey.Value
			c := d.Find(key, transfers...)
			if c == nil || p.askedHere(key) {
				return
			}
			switch {
			case !history.Has(events, "7 TRANSFER COMPLETE"):
				p.reportPast(Error, CPE, atMethod(m), []Ref{ofCommand(c)}, "A transfer is reported, and the Inform has no 7 TRANSFER COMPLETE")
			case !slices.ContainsFunc(events, func(e history.Event) bool { return strings.HasPrefix(e.Code, "M ") && e.Key == key }):
				p.reportPast(Error, CPE, atMethod(m), []Ref{ofCommand(c)}, "A transfer is reported, and the Inform has no M %s with its CommandKey", c.Method)
			}
		})
	})
}

func otherTransfer(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		for _, e := range events {
			method := strings.TrimPrefix(e.Code, "M ")
			if method == e.Code || e.Key == "" || !slices.Contains(transfers, method) || d.Find(e.Key, method) != nil {
				continue
			}
			if c := d.Find(e.Key, transfers...); c != nil {
				p.reportPast(Warning, CPE, p.atCode(in, e.Code, e.Key), []Ref{ofCommand(c)}, "%s reports what was a %s", e.Code, c.Method)
			}
		}
	})
}

func transferTimesFit(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, _ []history.Event) {
		now, _, ok := in.CurrentTime.Time()
		if off := now.Sub(p.Session.Start); !ok || off > 10*time.Minute || off < -10*time.Minute {
			return
		}
		p.reports(func(m *cwmp.Message, a *cwmp.TransferComplete, _ bool) {
			start, _, okA := a.StartTime.Time()
			end, _, okB := a.CompleteTime.Time()
			if !okA || !okB || unknownTime(&a.StartTime) || unknownTime(&a.CompleteTime) {
				return
			}
			const slack = 10 * time.Minute
			c := d.Find(a.CommandKey.Value, transfers...)
			switch {
			case end.Before(start):
				p.report(CPE, atLeaf(m, &a.CompleteTime), "The transfer ends at %s, before it starts at %s", short(a.CompleteTime.Value), short(a.StartTime.Value))
			case end.After(now.Add(slack)):
				p.report(CPE, atLeaf(m, &a.CompleteTime), "The transfer ends at %s, after the Inform", short(a.CompleteTime.Value))
			case c != nil && !c.Asked.IsZero() && start.Before(c.Asked.Add(c.Delay-slack)):
				p.reportPast(Warning, CPE, atLeaf(m, &a.StartTime), []Ref{ofCommand(c)}, "The transfer starts at %s, before it was due", short(a.StartTime.Value))
			}
		})
	})
}

func firmwareNotThere(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		p.reports(func(m *cwmp.Message, a *cwmp.TransferComplete, _ bool) {
			c := d.Find(a.CommandKey.Value, "Download", "ScheduleDownload")
			if c == nil || !strings.HasPrefix(c.FileType, "1 ") || strings.TrimSpace(a.FaultStruct.FaultCode.Value) != "0" || p.askedHere(c.Key) {
				return
			}
			now, ok := history.Parameter(in, ".DeviceInfo.SoftwareVersion")
			booted := history.Has(events, "1 BOOT") || d.Booted.After(c.Asked)
			if ok && now == d.Last.Software && now != "" && !booted {
				p.reportPast(Warning, CPE, atMethod(m), []Ref{ofCommand(c)}, "The firmware was taken, and neither SoftwareVersion (%s) nor a boot shows it", short(now))
			}
		})
	})
}

func transferTwice(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, _ []history.Event) {
		told := map[string]bool{}
		p.reports(func(_ *cwmp.Message, a *cwmp.TransferComplete, _ bool) { told[a.CommandKey.Value] = true })
		for _, t := range p.Session.Transactions {
			c, ok := history.CommandOf(t.Request)
			if !ok || c.URL == "" {
				continue
			}
			for i := range d.Commands {
				if old := &d.Commands[i]; old.URL == c.URL && old.FileType == c.FileType && !old.AtOnce && old.Method == c.Method && !told[old.Key] {
					p.reportPast(Info, ACS, atMethod(t.Request), []Ref{ofCommand(old)}, "%s of a file that was asked for before, and not reported yet", c.Method)
					break
				}
			}
		}
	})
}

func keyAgain(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, events []history.Event) {
		for _, t := range p.Session.Transactions {
			c, ok := history.CommandOf(t.Request)
			if !ok || c.Key == "" {
				continue
			}
			old := d.Find(c.Key, c.Method)
			if old == nil || old.AtOnce || slices.Contains(events, history.Event{Code: "M " + c.Method, Key: c.Key}) {
				continue
			}
			p.reportPast(Warning, ACS, atMethod(t.Request), []Ref{ofCommand(old)}, "%s uses the CommandKey %s of a command that is outstanding", c.Method, quote(c.Key))
		}
	})
}

// quiet says whether nothing happened since the last session that changes a device
// beside its ACS.
func quiet(p *Pass, d *history.Device, events []history.Event) bool {
	return !history.Has(events, "0 BOOTSTRAP") && d.Find("", "FactoryReset") == nil && !moved(p, d) && d.Last.Good
}

func parameterKeyOther(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		key, ok := history.Parameter(in, ".ManagementServer.ParameterKey")
		if !ok || !d.KeyKnown || key == d.Expected || !quiet(p, d, events) || d.Refused != "" && key == d.Refused {
			return
		}
		p.reportPast(Error, CPE, p.atParameter(".ManagementServer.ParameterKey"), []Ref{ofPast(&d.Last)}, "ParameterKey is %s, and the last successful request gave %s", quote(key), quote(d.Expected))
	})
}

// atParameter is the place of a parameter's value in the session's Inform.
func (p *Pass) atParameter(suffix string) place {
	list := parameters(p.Session.Inform)
	for i := range list {
		if strings.HasSuffix(list[i].Name.Value, suffix) {
			return atLeaf(p.Session.Inform, &list[i].Value)
		}
	}
	return atMethod(p.Session.Inform)
}

func parameterKeyKept(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		c := d.Find("", "FactoryReset")
		key, ok := history.Parameter(in, ".ManagementServer.ParameterKey")
		if c != nil && c.Session == d.Last.ID && d.Last.Good && ok && key != "" && history.Has(events, "0 BOOTSTRAP") {
			p.reportPast(Error, CPE, p.atParameter(".ManagementServer.ParameterKey"), []Ref{ofCommand(c)}, "ParameterKey is %s after a FactoryReset", quote(key))
		}
	})
}

// otherSoftware is another SoftwareVersion than in the session before.
func otherSoftware(d *history.Device, in *cwmp.Inform) (now string, other bool) {
	now, ok := history.Parameter(in, ".DeviceInfo.SoftwareVersion")
	return now, ok && now != "" && d.Last.Software != "" && now != d.Last.Software
}

func softwareUntold(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if now, other := otherSoftware(d, in); other && !history.Has(events, "4 VALUE CHANGE") && !history.Has(events, "0 BOOTSTRAP") {
			p.reportPast(Warning, CPE, p.atParameter(".DeviceInfo.SoftwareVersion"), []Ref{ofPast(&d.Last)}, "SoftwareVersion was %s and is %s, without 4 VALUE CHANGE", short(d.Last.Software), short(now))
		}
	})
}

func softwareNoBoot(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if now, other := otherSoftware(d, in); other && !history.Has(events, "1 BOOT") && !history.Has(events, "0 BOOTSTRAP") {
			p.reportPast(Warning, CPE, p.atParameter(".DeviceInfo.SoftwareVersion"), []Ref{ofPast(&d.Last)}, "SoftwareVersion was %s and is %s, without 1 BOOT", short(d.Last.Software), short(now))
		}
	})
}

func provisioningUntold(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		s, known := d.Value(".ProvisioningCode")
		now, ok := history.Parameter(in, ".ProvisioningCode")
		if known && ok && s.By == cwmp.CPE && now != s.Value && !history.Has(events, "4 VALUE CHANGE") && quiet(p, d, events) {
			p.reportPast(Warning, CPE, p.atParameter(".ProvisioningCode"), []Ref{{Session: s.Session, N: s.N, Offset: -1}}, "ProvisioningCode was %s and is %s, without 4 VALUE CHANGE", quote(s.Value), quote(now))
		}
	})
}

func refusedKey(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if key, ok := history.Parameter(in, ".ManagementServer.ParameterKey"); ok && d.Refused != "" && key == d.Refused && quiet(p, d, events) {
			p.reportPast(Error, CPE, p.atParameter(".ManagementServer.ParameterKey"), []Ref{ofPast(&d.Last)}, "ParameterKey is %s, of a request that was refused", quote(key))
		}
	})
}

func notListed(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, _ []history.Event) {
		if _, other := otherSoftware(d, in); len(d.Methods) == 0 || other {
			return
		}
		told := map[string]bool{}
		for _, t := range p.Session.Transactions {
			if name := t.Request.RPC; t.Caller == cwmp.ACS && name != "GetRPCMethods" && !slices.Contains(d.Methods, name) && !told[name] {
				told[name] = true
				p.report(ACS, atMethod(t.Request), "The ACS calls %s, which the CPE's list of methods doesn't have", short(name))
			}
		}
	})
}

func notListedACS(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, _ []history.Event) {
		if len(d.ACS) == 0 || moved(p, d) {
			return
		}
		for _, t := range p.Session.Transactions {
			switch name := t.Request.RPC; {
			case t.Caller != cwmp.CPE || name == "Inform" || name == "TransferComplete" || name == "GetRPCMethods":
			case !slices.Contains(d.ACS, name):
				p.report(CPE, atMethod(t.Request), "The CPE calls %s, which the ACS's list of methods doesn't have", short(name))
				return
			}
		}
	})
}

func storm(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		n := len(d.Run)
		if n < 4 || history.Has(events, "6 CONNECTION REQUEST") || p.Session.Outcome != cwmp.Complete || len(events) == 0 || !slices.Equal(d.Last.Events, events) ||
			p.Session.Start.Sub(d.Run[n-4]) > time.Minute {
			return
		}
		if n > 4 && d.Last.Start.Sub(d.Run[n-5]) <= time.Minute { // told with the fifth
			return
		}
		p.reportPast(Warning, CPE, p.atCode(in, "", ""), []Ref{ofPast(&d.Last)}, "The fifth session within a minute because of %s", events[0].Code)
	})
}

// retryLowest is the shortest wait before a retry of that number (TR-069 3.2.1.1).
func retryLowest(d *history.Device, n int) time.Duration {
	m, k := 5, 2000
	if v, ok := d.Number(".CWMPRetryMinimumWaitInterval"); ok && v > 0 {
		m = v
	}
	if v, ok := d.Number(".CWMPRetryIntervalMultiplier"); ok && v >= 1000 {
		k = v
	}
	wait := float64(m)
	for range min(n, 10) - 1 {
		wait *= float64(k) / 1000
	}
	return time.Duration(wait * float64(time.Second))
}

func retryEarly(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		n, ok := in.RetryCount.Int()
		if !d.Last.Failed || d.Failures < 1 || !ok || n < 1 || history.Has(events, "6 CONNECTION REQUEST") || history.Has(events, "1 BOOT") && !history.Has(d.Last.Events, "1 BOOT") {
			return
		}
		for _, e := range events { // a new cause
			if !slices.Contains(d.Last.Events, e) {
				return
			}
		}
		waited, least := p.Session.Start.Sub(d.Last.End), retryLowest(d, d.Failures)
		if waited+time.Second >= least || waited < 0 {
			return
		}
		severity := Error
		if _, known := d.Value(".CWMPRetryMinimumWaitInterval"); !known && p.Session.EffectiveVersion >= 3 {
			severity = Warning
		}
		p.reportPast(severity, CPE, message(p.Session.Inform), []Ref{ofPast(&d.Last)}, "Retry %d comes %s after the session that failed, and at least %s are to be waited", d.Failures, waited.Round(100*time.Millisecond), least)
	})
}

func retryNotCounted(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		n, ok := in.RetryCount.Int()
		if !d.Last.Failed || d.Last.Informed || d.Last.Retries < 0 || !ok || history.Has(events, "1 BOOT") || history.Has(events, "0 BOOTSTRAP") {
			return
		}
		if int(n) < d.Last.Retries+1 {
			p.reportPast(Error, CPE, atLeaf(p.Session.Inform, &in.RetryCount), []Ref{ofPast(&d.Last)}, "RetryCount is %d, and it was %d in the session before, which failed", n, d.Last.Retries)
		}
	})
}

func retryAfterGood(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, _ []history.Event) {
		if n, ok := in.RetryCount.Int(); ok && n > 3 && d.Last.Good {
			p.reportPast(Error, CPE, atLeaf(p.Session.Inform, &in.RetryCount), []Ref{ofPast(&d.Last)}, "RetryCount is %d, and the session before went well", n)
		}
	})
}

func retryUnseen(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, _ []history.Event) {
		if n, ok := in.RetryCount.Int(); ok && n > 0 && n <= 3 && d.Last.Good {
			p.reportPast(Info, CPE, atLeaf(p.Session.Inform, &in.RetryCount), []Ref{ofPast(&d.Last)}, "RetryCount is %d, and the session before went well", n)
		}
	})
}

func oldCookie(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, _ []history.Event) {
		if sent, ok := p.Session.Inform.HTTP.Field("Cookie"); ok && sent != "" && d.Last.Good {
			p.reportPast(Info, CPE, atField(p.Session.Inform, "Cookie"), []Ref{ofPast(&d.Last)}, "The Inform brings cookies, which can only be of a session before")
		}
	})
}

func versionChanged(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		_, other := otherSoftware(d, in)
		if now := p.Session.Namespace; d.Last.Space != "" && now != "" && now != d.Last.Space && !other && d.Last.Good && !history.Has(events, "0 BOOTSTRAP") {
			p.reportPast(Warning, CPE, atMethod(p.Session.Inform), []Ref{ofPast(&d.Last)}, "The namespace is %s, and was %s in the session before", short(now), short(d.Last.Space))
		}
	})
}
