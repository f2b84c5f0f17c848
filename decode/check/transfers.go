package check

import (
	"strings"
	"time"

	"informant/decode/cwmp"
	"informant/decode/history"
)

// fileTransfers is the checks of the files themselves, where the connections to the
// file server are seen too, and of the reports against them.
var fileTransfers = []*Check{
	{
		ID: "XFER-011", Title: "A transfer doesn't begin before its DelaySeconds are over", Ref: "TR-069a6 A.3.2.8", Severity: Error, Gates: GoodClock, Subject: OfTransfer, Run: fetchedEarly,
		Doc: "The ACS spreads the load of its file server by it.",
	},
	{
		ID: "XFER-012", Title: "A transfer begins within an hour of its DelaySeconds", Ref: "TR-069a6 A.3.2.8", Severity: Info, Gates: GoodClock, Subject: OfTransfer, Run: fetchedLate,
		Doc: "The standard's limit could not be confirmed.",
	},
	{
		ID: "XFER-013", Title: "The CPE doesn't try a failed transfer again by itself", Ref: "TR-069a6 A.3.2.8", Severity: Error, Subject: OfTransfer, Run: fetchedAgain,
		Doc: "It was reported as failed, with a fault. Whether there is another try is the ACS's to say.",
	},
	{
		ID: "XFER-017", Title: "ScheduleDownload runs inside of its windows", Ref: "TR-069a6 A.4.1.8", Severity: Warning, Gates: GoodClock, Subject: OfTransfer, Run: fetchedOutside,
		Doc: "They are counted from the time when the CPE got the command.",
	},
	{
		ID: "RPC-037", Title: "FileSize is the file's, or 0", Ref: "TR-069a6 A.3.2.8", Severity: Warning, Subject: OfTransfer, Run: otherSize,
		Doc: "A CPE may make room by it, or refuse what is larger.",
	},
	{
		ID: "XFER-022", Title: "The fault of a transfer is what the file server said", Ref: "TR-069a6 A.5", Severity: Warning, Gates: WholeSession, Subject: OfSession, odd: calling, Run: otherFault,
		Doc: "401 and 403 are 9012, and 404 is 9016. The general 9010 and 9011 are legal, and told as a note.",
	},
}

// fileKey names a transfer.
type fileKey struct{ device, key string }

// fileSeen is how a file server answered.
type fileSeen struct {
	at     time.Time
	status int
}

// judgeTransfer runs the checks of transfers.
func (c *Checker) judgeTransfer(x *cwmp.Transfer) {
	key := x.Device.Key()
	f := c.aside(x.Session)
	f.past = c.History.Device(key)
	c.begin(f, nil, nil)
	c.pass.transfer = x
	for _, k := range c.transfers {
		c.pass.Check = k
		k.Run(&c.pass)
	}
	c.pass.transfer = nil
	c.out = append(c.out, c.pass.out...)
	if x.Exchange.Response == nil || !x.Exchange.Response.Complete || len(x.CommandKey) > longKey {
		return
	}
	c.files.put(fileKey{key, strings.Clone(x.CommandKey)}, fileSeen{x.Time, x.Status})
}

// longKey is longer than a CommandKey that is remembered.
const longKey = 256

// reportTransfer tells a breach about the pass's transfer.
func (p *Pass) reportTransfer(party Party, format string, args ...any) {
	n := len(p.out)
	p.report(party, place{raw: -1}, format, args...)
	if q := p.transfer.Exchange.Request; len(p.out) > n && q != nil && len(q.Pieces) > 0 {
		p.out[n].At.Packet = q.PacketAt(0)
	}
}

func fetchedEarly(p *Pass) {
	x := p.transfer
	waited := x.Time.Sub(x.Asked)
	if !x.Asked.IsZero() && len(x.Windows) == 0 && x.Delay > 0 && waited >= 0 && waited < x.Delay-time.Second {
		p.reportTransfer(CPE, "The transfer begins %s after its command, and DelaySeconds is %d", waited.Round(time.Second), int(x.Delay.Seconds()))
	}
}

func fetchedLate(p *Pass) {
	x := p.transfer
	if late := x.Time.Sub(x.Asked) - x.Delay; !x.Asked.IsZero() && len(x.Windows) == 0 && late > time.Hour {
		p.reportTransfer(CPE, "The transfer begins %s after it was due", late.Round(time.Second))
	}
}

func fetchedAgain(p *Pass) {
	d, x := p.f.past, p.transfer
	if d == nil {
		return
	}
	for i := range d.Commands {
		if d.Commands[i].URL == x.URL {
			return // asked for once more
		}
	}
	c := d.Was(x.CommandKey, "Download", "Upload", "ScheduleDownload")
	if c == nil || c.Session != x.Session || c.Fault == "" || c.Fault == "0" {
		return
	}
	p.reportTransfer(CPE, "The CPE goes for the file again, after it had reported the transfer as failed, with %s", short(c.Fault))
	if n := len(p.out); n > 0 && p.out[n-1].Check == p.Check {
		p.out[n-1].Related = []Ref{ofCommand(c)}
	}
}

func fetchedOutside(p *Pass) {
	x := p.transfer
	if len(x.Windows) == 0 || x.Asked.IsZero() {
		return
	}
	at := x.Time.Sub(x.Asked)
	for _, w := range x.Windows {
		if at >= w.Start-time.Second && at <= w.End+time.Second {
			return
		}
	}
	p.reportTransfer(CPE, "The transfer begins %s after its command, outside of its windows", at.Round(time.Second))
}

func otherSize(p *Pass) {
	x := p.transfer
	a := x.Exchange.Response
	if x.Method == "GET" && x.Status == 200 && a != nil && a.Complete && a.Lost == 0 && x.FileSize > 0 && x.Bytes != x.FileSize {
		p.reportTransfer(ACS, "FileSize was %d, and the file has %s", x.FileSize, plural(int(x.Bytes), "byte"))
	}
}

func otherFault(p *Pass) {
	if p.f.files == nil || p.f.files.empty() {
		return
	}
	for _, m := range p.Session.Messages {
		a, ok := m.Args.(*cwmp.TransferComplete)
		if !ok || m.Kind != cwmp.Request || openNow(m)&WholeBody == 0 {
			continue
		}
		seen, ok := p.f.files.get(fileKey{p.Session.Device.Key(), a.CommandKey.Value})
		code := strings.TrimSpace(a.FaultStruct.FaultCode.Value)
		want := map[int]string{401: "9012", 403: "9012", 404: "9016"}[seen.status]
		switch {
		case !ok || want == "" || code == want || code == "" || m.Resend:
		case code == "9010" || code == "9011":
			p.reportAs(Info, CPE, atLeaf(m, &a.FaultStruct.FaultCode), "The file server answered with %d, and the CPE reports the general %s instead of %s", seen.status, code, want)
		default:
			p.report(CPE, atLeaf(m, &a.FaultStruct.FaultCode), "The file server answered with %d, and the CPE reports %s instead of %s", seen.status, short(code), want)
		}
	}
}

// events is those of the session's Inform, in the standard's spelling.
func (p *Pass) events() []history.Event {
	if p.f.events == nil && p.Session.Inform != nil {
		if in, ok := p.Session.Inform.Args.(*cwmp.Inform); ok {
			p.f.events = history.Events(in)
		}
	}
	return p.f.events
}
