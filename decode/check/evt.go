package check

import (
	"strings"

	"informant/decode/cwmp"
)

// events is the checks of the events of an Inform.
var events = []*Check{
	{
		ID: "EVT-001", Title: "An EventCode is one of the standard or a vendor's", Ref: "TR-069a6 3.7.1.5", Severity: Error, Gates: WholeBody, each: true, body: true, need: anInform, odd: special, Run: eventUnknown,
		Doc: "An ACS decides by the exact text what a session is about. Variants of a standard text are told by EVT-002 to EVT-005.",
	},
	{
		ID: "EVT-002", Title: "A standard EventCode has its case and blanks", Ref: "TR-069a6 3.7.1.5", Severity: Warning, Gates: WholeBody, each: true, body: true, need: anInform, odd: special, Run: eventSpelling,
		Doc: "An ACS that compares exactly misses the event. Informant goes on with the standard text.",
	},
	{
		ID: "EVT-003", Title: "A numbered EventCode has the words of its number", Ref: "TR-069a6 3.7.1.5", Severity: Warning, Gates: WholeBody, each: true, body: true, need: anInform, odd: special, Run: eventWords,
		Doc: "Some ACSs go by the number, some by the text: the two disagree about such an event.",
	},
	{
		ID: "EVT-004", Title: "No number beyond 14", Ref: "TR-069a6 3.7.1.5", Severity: Warning, Gates: WholeBody, each: true, body: true, need: anInform, odd: special, Run: eventNumber,
		Doc: "The standard has no event 15 or above; a vendor's own begins with X.",
	},
	{
		ID: "EVT-005", Title: "A vendor's event has the form X <OUI> … or M X_…", Ref: "TR-069a6 3.7.1.5", Severity: Error, Gates: WholeBody, each: true, body: true, need: anInform, odd: special, Run: eventVendor,
		Doc: "The form keeps vendors' events apart from each other and from those of later standards.",
	},
	{
		ID: "EVT-006", Title: "The CommandKey of an event that no command caused is empty", Ref: "TR-069a6 3.7.1.5", Severity: Warning, Gates: WholeBody, each: true, body: true, need: anInform, odd: keyed, Run: eventKey,
		Doc: "Only the M events and those of vendors carry a key. A key at 7 TRANSFER COMPLETE belongs to its M Download.",
	},
	{
		ID: "EVT-007", Title: "A single event occurs at most once", Ref: "TR-069a6 3.7.1.5", Severity: Error, Gates: WholeBody, each: true, body: true, need: anInform, odd: several, Run: eventTwice,
		Doc: "However many causes there were, the Inform tells such an event once.",
	},
	{
		ID: "EVT-008", Title: "No two M events with the same CommandKey", Ref: "TR-069a6 3.7.1.5", Severity: Warning, Gates: WholeBody, each: true, body: true, need: anInform, odd: several, Run: commandTwice,
		Doc: "One command has one event. It is legal only if the ACS gave the same key twice, and then the two can't be told apart.",
	},
	{
		ID: "EVT-009", Title: "M ScheduleInform and 3 SCHEDULED come together", Ref: "TR-069a6 3.7.1.5", Severity: Error, Gates: WholeBody, each: true, body: true, need: anInform, odd: special, Run: scheduledPair,
		Doc: "The one says that a scheduled Inform is due, the other which one.",
	},
	{
		ID: "EVT-010", Title: "7 TRANSFER COMPLETE comes with the M event of its transfer", Ref: "TR-069a6 3.7.1.5", Severity: Error, Gates: WholeBody, each: true, body: true, need: anInform, odd: special, Run: transferWithout,
		Doc: "M Download, M ScheduleDownload or M Upload carries the CommandKey by which the ACS knows the transfer.",
	},
	{
		ID: "EVT-011", Title: "M Download, M Upload and M ScheduleDownload come with 7 TRANSFER COMPLETE", Ref: "TR-069a6 3.7.1.5", Severity: Error, Gates: WholeBody, each: true, body: true, need: anInform, odd: special, Run: withoutTransfer,
		Doc: "An ACS waits for TransferComplete when it sees event 7, and may end the session without it.",
	},
	{
		ID: "EVT-012", Title: "11 DU STATE CHANGE COMPLETE and M ChangeDUState come together", Ref: "TR-069a6 3.7.1.5", Severity: Error, Gates: WholeBody, each: true, body: true, need: anInform, odd: special, Run: unitPair,
		Doc: "The one says that operations on deployment units ended, the other which command asked for them.",
	},
	{
		ID: "EVT-013", Title: "M Reboot comes with 1 BOOT", Ref: "TR-069a6 3.7.1.5", Severity: Error, Gates: WholeBody, each: true, body: true, need: anInform, odd: special, Run: rebootPair,
		Doc: "A reboot that the ACS asked for is a reboot: both events are in the first Inform after it.",
	},
	{
		ID: "EVT-025", Title: "A method that reports something comes in a session with its event", Ref: "TR-069a6 3.7.1.5", Severity: Warning, Gates: WholeSession, Subject: OfSession, odd: calling, Run: unannounced,
		Doc: "Kicked, RequestDownload, AutonomousTransferComplete and AutonomousDUStateChangeComplete are announced by 5, 9, 10 and 12. The event without the method is SEQ-027.",
	},
	{
		ID: "EVT-033", Title: "No event that is newer than the CWMP version", Ref: "cwmp-1-4.xsd", Severity: Warning, Gates: WholeBody, each: true, body: true, need: anInform, odd: special, Run: eventTooNew,
		Doc: "10 came with 1.1, 11, 12, M ScheduleDownload and M ChangeDUState with 1.2, 13 and 14 with 1.4. The version is what the Inform itself speaks.",
	},
	{
		ID: "EVT-038", Title: "A vendor's event names the OUI of the device", Ref: "TR-069a6 3.7.1.5", Severity: Info, Gates: WholeBody, each: true, body: true, need: anInform, odd: special, Run: eventOUI,
		Doc: "Another OUI is legal: the event may be the chip maker's, or that of the firmware's author.",
	},
	{
		ID: "EVT-039", Title: "13 WAKEUP is not combined with 1 BOOT", Ref: "TR-069a6 Annex L", Severity: Warning, Gates: WholeBody, each: true, body: true, need: anInform, odd: special, Run: wakeupBoot,
		Doc: "Waking from standby is not a reboot. (The wording could not be confirmed.)",
	},
}

// inform is the arguments of the pass's message when it is an Inform.
func (p *Pass) inform() *cwmp.Inform {
	in, _ := p.Message.Args.(*cwmp.Inform)
	if in == nil || !isInform(p.Message) {
		return nil
	}
	return in
}

// eachEvent calls f for the events of the pass's Inform.
func (p *Pass) eachEvent(f func(e *cwmp.EventStruct)) {
	in := p.inform()
	if in == nil {
		return
	}
	for i := range in.Event.Items {
		f(&in.Event.Items[i])
	}
}

// eventKind is how an EventCode is written.
type eventKind uint8

const (
	standardEvent eventKind = iota
	misspelt                // EVT-002
	otherWords              // EVT-003
	otherNumber             // EVT-004
	vendorEvent
	vendorLike   // EVT-005
	unknownEvent // EVT-001
)

// kindOf tells how an EventCode is written, and what it means.
func kindOf(code string) (eventKind, cwmp.EventInfo) {
	e, exact, ok := cwmp.StandardEvent(code)
	trimmed := strings.TrimSpace(code)
	numbered := trimmed != "" && trimmed[0] >= '0' && trimmed[0] <= '9'
	switch {
	case exact:
		return standardEvent, e
	case ok && strings.EqualFold(strings.Join(strings.Fields(code), " "), e.Code):
		return misspelt, e
	case ok && numbered:
		return otherWords, e
	case ok:
		return unknownEvent, e
	case numbered && number(trimmed) <= 14:
		return otherWords, e
	case numbered:
		return otherNumber, e
	case cwmp.VendorEvent(code):
		return vendorEvent, e
	case trimmed == "" || strings.HasPrefix(trimmed, "M ") && !strings.HasPrefix(trimmed, "M X"):
		return unknownEvent, e
	}
	return vendorLike, e
}

// number is the number that a text begins with, at most 10000.
func number(text string) int {
	n := 0
	for i := 0; i < len(text) && text[i] >= '0' && text[i] <= '9' && n < 1000; i++ {
		n = n*10 + int(text[i]-'0')
	}
	return n
}

// standardSpelling is the standard text that a code means, or the code.
func standardSpelling(code string) string {
	if _, e := kindOf(code); e.Code != "" {
		return e.Code
	}
	return code
}

// oddEvent reports the events that are written in one way.
func (p *Pass) oddEvent(kind eventKind, f func(e *cwmp.EventStruct, info cwmp.EventInfo)) {
	p.eachEvent(func(e *cwmp.EventStruct) {
		if k, info := kindOf(e.EventCode.Value); k == kind {
			f(e, info)
		}
	})
}

// atEvent is the place of an event's code.
func (p *Pass) atEvent(e *cwmp.EventStruct) place {
	if !e.EventCode.Present {
		return inText(p.Message, e.At())
	}
	return atLeaf(p.Message, &e.EventCode)
}

func eventUnknown(p *Pass) {
	p.oddEvent(unknownEvent, func(e *cwmp.EventStruct, info cwmp.EventInfo) {
		hint := ""
		if info.Code != "" {
			hint = "; it may mean " + info.Code
		}
		p.report(CPE, p.atEvent(e), "The EventCode %s is not one of the standard%s", quote(e.EventCode.Value), hint)
	})
}

func eventSpelling(p *Pass) {
	p.oddEvent(misspelt, func(e *cwmp.EventStruct, info cwmp.EventInfo) {
		p.report(CPE, p.atEvent(e), "The EventCode %s is written otherwise than the standard's %s", quote(e.EventCode.Value), quote(info.Code))
	})
}

func eventWords(p *Pass) {
	p.oddEvent(otherWords, func(e *cwmp.EventStruct, info cwmp.EventInfo) {
		n := number(strings.TrimSpace(e.EventCode.Value))
		want := ""
		for _, s := range cwmp.StandardEvents() {
			if s.Number == n {
				want = s.Code
			}
		}
		p.report(CPE, p.atEvent(e), "The EventCode %s has the number of %s and other words", quote(e.EventCode.Value), quote(want))
	})
}

func eventNumber(p *Pass) {
	p.oddEvent(otherNumber, func(e *cwmp.EventStruct, _ cwmp.EventInfo) {
		p.report(CPE, p.atEvent(e), "The EventCode %s has a number that the standard doesn't have", quote(e.EventCode.Value))
	})
}

func eventVendor(p *Pass) {
	p.oddEvent(vendorLike, func(e *cwmp.EventStruct, _ cwmp.EventInfo) {
		p.report(CPE, p.atEvent(e), "The EventCode %s is neither a standard one nor in the form of a vendor's", quote(e.EventCode.Value))
	})
}

func eventKey(p *Pass) {
	p.eachEvent(func(e *cwmp.EventStruct) {
		if kind, info := kindOf(e.EventCode.Value); info.Code != "" && kind != unknownEvent && !info.CommandKey && e.CommandKey.Value != "" {
			p.report(CPE, atLeaf(p.Message, &e.CommandKey), "%s has the CommandKey %s", info.Code, quote(e.CommandKey.Value))
		}
	})
}

func eventTwice(p *Pass) {
	if in := p.inform(); in == nil || len(in.Event.Items) < 2 {
		return
	}
	seen := map[string]int{}
	p.eachEvent(func(e *cwmp.EventStruct) {
		_, info := kindOf(e.EventCode.Value)
		if info.Code == "" || info.Multiple {
			return
		}
		if seen[info.Code]++; seen[info.Code] == 2 {
			p.report(CPE, p.atEvent(e), "The Inform has %s more than once", info.Code)
		}
	})
}

func commandTwice(p *Pass) {
	if in := p.inform(); in == nil || len(in.Event.Items) < 2 {
		return
	}
	seen := map[string]int{}
	p.eachEvent(func(e *cwmp.EventStruct) {
		_, info := kindOf(e.EventCode.Value)
		if !info.Multiple {
			return
		}
		k := info.Code + "\x00" + e.CommandKey.Value
		if seen[k]++; seen[k] == 2 {
			p.report(CPE, p.atEvent(e), "The Inform has %s with the CommandKey %s more than once", info.Code, quote(e.CommandKey.Value))
		}
	})
}

// firstEvent is the first event of an Inform that means one of codes.
func (p *Pass) firstEvent(codes ...string) (found *cwmp.EventStruct) {
	p.eachEvent(func(e *cwmp.EventStruct) {
		for _, c := range codes {
			if found == nil && standardSpelling(e.EventCode.Value) == c {
				found = e
			}
		}
	})
	return found
}

// together reports an event without another that has to be with it.
func (p *Pass) together(one string, others ...string) {
	if e := p.firstEvent(one); e != nil && p.firstEvent(others...) == nil {
		p.report(CPE, p.atEvent(e), "The Inform has %s without %s", one, alternatives(others))
	}
}

// alternatives joins words: "a, b or c".
func alternatives(words []string) string {
	if n := len(words) - 1; n > 0 {
		return strings.Join(words[:n], ", ") + " or " + words[n]
	}
	return strings.Join(words, "")
}

func scheduledPair(p *Pass) {
	p.together("M ScheduleInform", "3 SCHEDULED")
	p.together("3 SCHEDULED", "M ScheduleInform")
}

func transferWithout(p *Pass) {
	p.together("7 TRANSFER COMPLETE", "M Download", "M ScheduleDownload", "M Upload")
}

func withoutTransfer(p *Pass) {
	for _, code := range []string{"M Download", "M Upload", "M ScheduleDownload"} {
		p.together(code, "7 TRANSFER COMPLETE")
	}
}

func unitPair(p *Pass) {
	p.together("11 DU STATE CHANGE COMPLETE", "M ChangeDUState")
	p.together("M ChangeDUState", "11 DU STATE CHANGE COMPLETE")
}

func rebootPair(p *Pass) { p.together("M Reboot", "1 BOOT") }

func unannounced(p *Pass) {
	s := p.Session
	in := informArgs(s)
	if in == nil {
		return
	}
	for _, a := range announcing {
		if a.method == "TransferComplete" || a.method == "DUStateChangeComplete" {
			continue // may report what the ACS asked for in this session
		}
		n, m := calls(s, a.method)
		if n == 0 {
			continue
		}
		found := false
		for i := range in.Event.Items {
			found = found || eventCode(&in.Event.Items[i]) == a.event
		}
		if !found {
			p.reportWith(Warning, CPE, atMethod(m), []*cwmp.Message{s.Inform}, "The CPE calls %s, but its Inform has no %s", a.method, a.event)
		}
	}
}

// ownVersion is the newest version that an Inform itself claims.
func ownVersion(m *cwmp.Message) int {
	v := cwmp.Version(m.Method.Space)
	switch {
	case v < 0:
		return -1
	case v > 2, m.Header.SupportedCWMPVersions != nil:
		return 4
	case v == 2 && m.Header.SessionTimeout != nil:
		return 3
	}
	return v
}

func eventTooNew(p *Pass) {
	v := ownVersion(p.Message)
	if v < 0 {
		return
	}
	p.eachEvent(func(e *cwmp.EventStruct) {
		if _, info := kindOf(e.EventCode.Value); info.Code != "" && info.Since > v && !(v == 3 && info.Since == 4) {
			p.report(CPE, p.atEvent(e), "%s came with CWMP 1.%d, but the Inform speaks 1.%d", info.Code, info.Since, v)
		}
	})
}

func eventOUI(p *Pass) {
	in := p.inform()
	if in == nil {
		return
	}
	own := strings.ToUpper(strings.TrimSpace(in.DeviceID.OUI.Value))
	p.eachEvent(func(e *cwmp.EventStruct) {
		rest, ok := strings.CutPrefix(e.EventCode.Value, "X ")
		who, _, _ := strings.Cut(rest, " ")
		if ok && isOUI(who) && own != "" && who != own {
			p.report(CPE, p.atEvent(e), "The event %s has the OUI %s, the device %s", quote(e.EventCode.Value), who, short(own))
		}
	})
}

// isOUI says whether text is six upper-case hex digits.
func isOUI(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return len(text) == 6
}

func wakeupBoot(p *Pass) {
	if e := p.firstEvent("13 WAKEUP"); e != nil && p.firstEvent("1 BOOT") != nil {
		p.report(CPE, p.atEvent(e), "The Inform has both 13 WAKEUP and 1 BOOT")
	}
}
