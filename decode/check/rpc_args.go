package check

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"informant/decode/cwmp"
)

// rpcArguments is the checks of what single arguments say, beside their types.
var rpcArguments = []*Check{
	{
		ID: "RPC-004", Title: "An ACS lists all mandatory methods", Ref: "TR-069a6 3.6 Table 5", Severity: Warning, Gates: WholeBody, each: true, body: true, need: typed, odd: acting, Run: acsLists,
		Doc: "Inform, GetRPCMethods and TransferComplete, and AutonomousTransferComplete from CWMP 1.1. A CPE may call only what the list has.",
	},
	{
		ID: "RPC-031", Title: "AccessList has Subscriber, or names of a vendor", Ref: "cwmp-1-0.xsd", Severity: Warning, Gates: WholeBody, each: true, body: true, need: typed, odd: acting, Run: accessList,
		Doc: "Subscriber is the only entity that the standard has; a vendor's begins with X_.",
	},
	{
		ID: "RPC-036", Title: "Username and Password of a transfer are both set or both empty", Ref: "TR-069a6 A.3.2.8", Severity: Info, Gates: WholeBody, each: true, body: true, need: typed, only: onTransfer, Run: halfLogin,
		Doc: "A file server that asks for a login gets one half of it. Informant doesn't show either.",
	},
	{
		ID: "RPC-038", Title: "DelaySeconds, FileSize and their like are numbers without sign, blanks or fractions", Ref: "TR-069a6 A.3.2.8", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, only: numbered, Run: plainNumbers,
		Doc: "They are unsignedInt: digits and nothing else. An empty one is read as 0 by some and refused by others.",
	},
	{
		ID: "RPC-039", Title: "A transfer that was done at once says when", Ref: "TR-069a6 A.3.2.8", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, only: started, Run: doneTimes,
		Doc: "With Status 0 StartTime and CompleteTime are real, and the first is not later than the second. From a CPE whose clock is not set Unknown Time is told as a warning.",
	},
	{
		ID: "RPC-040", Title: "A transfer that is to come has no times yet", Ref: "TR-069a6 A.3.2.8", Severity: Warning, Gates: WholeBody, each: true, body: true, need: typed, only: started, Run: pendingTimes,
		Doc: "With Status 1 StartTime and CompleteTime are Unknown Time (0001-01-01T00:00:00Z). (What else a CPE may say here could not be confirmed.)",
	},
	{
		ID: "RPC-041", Title: "ScheduleInform asks for a later time", Ref: "TR-069a6 A.4.1.2", Severity: Warning, Gates: WholeBody, each: true, body: true, need: typed, odd: acting, Run: scheduleNow,
		Doc: "DelaySeconds is more than 0; a CPE refuses 0 with 9003. (The refusal could not be confirmed.)",
	},
	{
		ID: "RPC-042", Title: "ScheduleDownload has one or two windows in order", Ref: "TR-069a6 A.4.1.8", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, only: onTransfer, Run: windows,
		Doc: "Each begins before it ends, the second begins after the first has ended, and WindowMode is one of the standard's or a vendor's. A CPE refuses others with 9003.",
	},
	{
		ID: "RPC-043", Title: "Operations of ChangeDUState say what they need", Ref: "TR-069a6 A.4.1.10", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, odd: acting, Run: operations,
		Doc: "The kind of operation stands in xsi:type. Install needs a URL, Uninstall a UUID.",
	},
	{
		ID: "RPC-045", Title: "A UUID has the form of one", Ref: "TR-069a6 A.4.2.3, RFC 4122", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, odd: acting, Run: uuids,
		Doc: "32 hexadecimal digits in five groups: by it the ACS tells deployment units apart.",
	},
	{
		ID: "RPC-046", Title: "CurrentState and FaultCode of an operation agree", Ref: "TR-069a6 A.4.2.3", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, odd: acting, Run: operationResults,
		Doc: "Failed comes with a FaultCode, and what didn't fail with the code 0.",
	},
	{
		ID: "RPC-049", Title: "Aliases are used only with a CPE that has them", Ref: "TR-069a6 3.6.1", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed | aReply, odd: oddName | acting, Run: aliasAsked,
		Doc: "An instance in brackets ([alias]) is an address only where the Inform had AliasBasedAddressing true; otherwise the CPE doesn't know the name.",
	},
	{
		ID: "RPC-051", Title: "MethodList names each method once, in the form of a name", Ref: "TR-069a6 A.3.1.1", Severity: Warning, Gates: WholeBody, each: true, body: true, need: typed, odd: acting, Run: methodNames,
		Doc: "Names have no blanks, and 64 characters at most.",
	},
	{
		ID: "RPC-053", Title: "A command has a CommandKey", Ref: "TR-069a6 A.3.2.8", Severity: Info, Gates: WholeBody, each: true, body: true, need: typed | aReply, only: isKeyed, Run: noCommandKey,
		Doc: "Without it what comes of the command can't be told from what comes of another one like it. It is told once per method.",
	},
	{
		ID: "XFER-008", Title: "A transfer that went well has times", Ref: "TR-069a6 A.3.3.2", Severity: Warning, Gates: WholeBody, each: true, body: true, need: typed, only: aReport, Run: transferTimes,
		Doc: "With FaultCode 0 the transfer began and ended, so neither time is Unknown Time.",
	},
	{
		ID: "XFER-016", Title: "AutonomousTransferComplete has a FileType, IsDownload and sizes that can be", Ref: "TR-069a6 A.3.3.3", Severity: Warning, Gates: WholeBody, each: true, body: true, need: typed, only: aReport, Run: autonomous,
		Doc: "FileType is one of Download's where IsDownload is true, and one of Upload's where it is false.",
	},
	{
		ID: "TIME-019", Title: "PeriodicInformInterval is a minute or more", Ref: "no standard: load on the ACS", Severity: Info, Gates: WholeBody, each: true, body: true, need: valued, only: hasInterval, Run: shortInterval,
		Doc: "Each CPE that calls so often costs the ACS a session in that time. It is told once per session.",
	},
}

func acsLists(p *Pass) {
	a, ok := p.Message.Args.(*cwmp.GetRPCMethodsResponse)
	if !ok || p.Message.From != cwmp.ACS || turned(p.Message) {
		return
	}
	wants := []string{"Inform", "GetRPCMethods", "TransferComplete"}
	if v := p.Session.EffectiveVersion; v >= 1 && !p.Session.Fragment {
		wants = append(wants, "AutonomousTransferComplete")
	}
	for _, name := range wants {
		if !slices.ContainsFunc(a.MethodList.Items, func(l cwmp.Leaf) bool { return strings.TrimSpace(l.Value) == name }) {
			p.report(ACS, inText(p.Message, a.MethodList.At), "The list of methods lacks %s", name)
		}
	}
}

func accessList(p *Pass) {
	each := func(name string, list *cwmp.List[cwmp.Leaf]) {
		for i := range list.Items {
			l := &list.Items[i]
			if l.Value != "Subscriber" && !strings.HasPrefix(l.Value, "X_") {
				p.report(p.sender(), atLeaf(p.Message, l), "The AccessList of %s has %s", short(name), quote(l.Value))
			}
		}
	}
	switch a := p.Message.Args.(type) {
	case *cwmp.SetParameterAttributes:
		for i := range a.ParameterList.Items {
			each(a.ParameterList.Items[i].Name.Value, &a.ParameterList.Items[i].AccessList)
		}
	case *cwmp.GetParameterAttributesResponse:
		for i := range a.ParameterList.Items {
			each(a.ParameterList.Items[i].Name.Value, &a.ParameterList.Items[i].AccessList)
		}
	}
}

func halfLogin(p *Pass) {
	var user, password *cwmp.Leaf
	switch a := p.Message.Args.(type) {
	case *cwmp.Download:
		user, password = &a.Username, &a.Password
	case *cwmp.ScheduleDownload:
		user, password = &a.Username, &a.Password
	case *cwmp.Upload:
		user, password = &a.Username, &a.Password
	default:
		return
	}
	switch {
	case user.Value != "" && password.Value == "":
		p.report(p.sender(), atLeaf(p.Message, user), "%s has a Username and no Password", p.Message.RPC)
	case user.Value == "" && password.Value != "":
		p.report(p.sender(), atLeaf(p.Message, password), "%s has a Password and no Username", p.Message.RPC)
	}
}

func plainNumbers(p *Pass) {
	check := func(name string, l *cwmp.Leaf) {
		if l.Present && !l.Nested && !digits(l.Value) {
			p.report(p.sender(), atLeaf(p.Message, l), "%s of %s is %s", name, p.Message.RPC, quote(l.Value))
		}
	}
	switch a := p.Message.Args.(type) {
	case *cwmp.Download:
		check("FileSize", &a.FileSize)
		check("DelaySeconds", &a.DelaySeconds)
	case *cwmp.ScheduleDownload:
		check("FileSize", &a.FileSize)
		for i := range a.TimeWindowList.Items {
			check("WindowStart", &a.TimeWindowList.Items[i].WindowStart)
			check("WindowEnd", &a.TimeWindowList.Items[i].WindowEnd)
			if l := &a.TimeWindowList.Items[i].MaxRetries; strings.TrimSpace(l.Value) != "-1" { // as often as it likes
				check("MaxRetries", l)
			}
		}
	case *cwmp.Upload:
		check("DelaySeconds", &a.DelaySeconds)
	case *cwmp.ScheduleInform:
		check("DelaySeconds", &a.DelaySeconds)
	case *cwmp.AddObjectResponse:
		check("InstanceNumber", &a.InstanceNumber)
	case *cwmp.GetQueuedTransfersResponse:
		for i := range a.TransferList.Items {
			check("State", &a.TransferList.Items[i].State)
		}
	case *cwmp.GetAllQueuedTransfersResponse:
		for i := range a.TransferList.Items {
			check("State", &a.TransferList.Items[i].State)
			check("FileSize", &a.TransferList.Items[i].FileSize)
		}
	}
}

// transferAnswer is what the answer to a Download or Upload says of its times.
func transferAnswer(m *cwmp.Message) (status, start, end *cwmp.Leaf) {
	switch a := m.Args.(type) {
	case *cwmp.DownloadResponse:
		return &a.Status, &a.StartTime, &a.CompleteTime
	case *cwmp.UploadResponse:
		return &a.Status, &a.StartTime, &a.CompleteTime
	}
	return nil, nil, nil
}

// unknownTime says whether a time is Unknown Time, or says nothing.
func unknownTime(l *cwmp.Leaf) bool {
	v := strings.TrimSpace(l.Value)
	return v == "" || strings.HasPrefix(v, "0001-01-01T00:00:00")
}

// clockUnset says whether the CPE's own time, in its Inform, is none.
func (p *Pass) clockUnset() bool {
	if p.Session.Inform == nil {
		return true
	}
	in, ok := p.Session.Inform.Args.(*cwmp.Inform)
	if !ok {
		return true
	}
	t, _, ok := in.CurrentTime.Time()
	return !ok || t.Year() < 2004 // before TR-069 there was
}

func doneTimes(p *Pass) {
	status, start, end := transferAnswer(p.Message)
	if status == nil || strings.TrimSpace(status.Value) != "0" {
		return
	}
	for _, l := range []*cwmp.Leaf{start, end} {
		if unknownTime(l) {
			severity := Error
			if p.clockUnset() {
				severity = Warning
			}
			p.reportAs(severity, CPE, atLeaf(p.Message, l), "%s has Status 0, and its times are not known", p.Message.RPC)
			return
		}
	}
	a, _, okA := start.Time()
	b, _, okB := end.Time()
	if okA && okB && b.Before(a) {
		p.report(CPE, atLeaf(p.Message, end), "%s has ended at %s, before it began at %s", strings.TrimSuffix(p.Message.RPC, "Response"), short(end.Value), short(start.Value))
	}
}

func pendingTimes(p *Pass) {
	status, start, end := transferAnswer(p.Message)
	if status == nil || strings.TrimSpace(status.Value) != "1" {
		return
	}
	for _, l := range []*cwmp.Leaf{start, end} {
		if !unknownTime(l) {
			p.report(CPE, atLeaf(p.Message, l), "%s has Status 1, and a time: %s", p.Message.RPC, short(l.Value))
			return
		}
	}
}

func scheduleNow(p *Pass) {
	a, ok := p.Message.Args.(*cwmp.ScheduleInform)
	if !ok {
		return
	}
	if n, isNumber := a.DelaySeconds.Int(); isNumber && n == 0 {
		p.report(p.sender(), atLeaf(p.Message, &a.DelaySeconds), "ScheduleInform asks for a delay of 0 seconds")
	}
}

func windows(p *Pass) {
	a, ok := p.Message.Args.(*cwmp.ScheduleDownload)
	if !ok {
		return
	}
	list := a.TimeWindowList.Items
	if n := len(list); n < 1 || n > 2 {
		p.report(p.sender(), atMethod(p.Message), "ScheduleDownload has %s", plural(n, "window"))
	}
	before := int64(-1)
	for i := range list {
		w := &list[i]
		start, okA := w.WindowStart.Int()
		end, okB := w.WindowEnd.Int()
		mode := w.WindowMode.Value
		switch {
		case okA && okB && start >= end:
			p.report(p.sender(), atLeaf(p.Message, &w.WindowEnd), "Window %d begins at %d and ends at %d", i+1, start, end)
		case okA && start < before:
			p.report(p.sender(), atLeaf(p.Message, &w.WindowStart), "Window %d begins at %d, before the one before it has ended at %d", i+1, start, before)
		case w.WindowMode.Present && !slices.Contains(windowModes, mode) && !vendorText(mode):
			p.report(p.sender(), atLeaf(p.Message, &w.WindowMode), "The WindowMode of window %d is %s", i+1, quote(mode))
		}
		if okB {
			before = end
		}
	}
}

// windowModes are the standard's (TR-069 A.3.2.15).
var windowModes = []string{"1 At Any Time", "2 Immediately", "3 When Idle", "4 Confirmation Needed"}

func operations(p *Pass) {
	a, ok := p.Message.Args.(*cwmp.ChangeDUState)
	if !ok {
		return
	}
	for i := range a.Operations.Items {
		o := &a.Operations.Items[i]
		at := inText(p.Message, o.At())
		switch o.Kind {
		case "InstallOpStruct":
			if strings.TrimSpace(o.URL.Value) == "" {
				p.report(p.sender(), at, "Operation %d is an Install without a URL", i+1)
			}
		case "UninstallOpStruct":
			if strings.TrimSpace(o.UUID.Value) == "" {
				p.report(p.sender(), at, "Operation %d is an Uninstall without a UUID", i+1)
			}
		case "":
			p.report(p.sender(), at, "Operation %d doesn't say what it is: it has no xsi:type", i+1)
		}
	}
}

var uuidForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
})

func uuids(p *Pass) {
	check := func(l *cwmp.Leaf) {
		if v := strings.TrimSpace(l.Value); l.Present && v != "" && !uuidForm().MatchString(v) {
			p.report(p.sender(), atLeaf(p.Message, l), "%s is no UUID", quote(l.Value))
		}
	}
	switch a := p.Message.Args.(type) {
	case *cwmp.ChangeDUState:
		for i := range a.Operations.Items {
			check(&a.Operations.Items[i].UUID)
		}
	case *cwmp.DUStateChangeComplete:
		for i := range a.Results.Items {
			check(&a.Results.Items[i].UUID)
		}
	case *cwmp.AutonomousDUStateChangeComplete:
		for i := range a.Results.Items {
			check(&a.Results.Items[i].UUID)
		}
	}
}

func operationResults(p *Pass) {
	check := func(i int, state, code *cwmp.Leaf) {
		if !state.Present || !code.Present {
			return
		}
		failed, ok := strings.TrimSpace(state.Value) == "Failed", strings.TrimSpace(code.Value) == "0"
		if failed == ok {
			p.report(p.sender(), atLeaf(p.Message, code), "Result %d is %s with the FaultCode %s", i+1, short(state.Value), short(code.Value))
		}
	}
	switch a := p.Message.Args.(type) {
	case *cwmp.DUStateChangeComplete:
		for i := range a.Results.Items {
			check(i, &a.Results.Items[i].CurrentState, &a.Results.Items[i].Fault.FaultCode)
		}
	case *cwmp.AutonomousDUStateChangeComplete:
		for i := range a.Results.Items {
			check(i, &a.Results.Items[i].CurrentState, &a.Results.Items[i].Fault.FaultCode)
		}
	}
}

func aliasAsked(p *Pass) {
	if p.Message.Kind != cwmp.Request || p.Session.Inform == nil || p.Session.Fragment || openNow(p.Session.Inform)&WholeBody == 0 {
		return
	}
	for _, x := range parameters(p.Session.Inform) {
		if v := strings.TrimSpace(x.Value.Value); strings.HasSuffix(x.Name.Value, "ManagementServer.AliasBasedAddressing") && (v == "1" || strings.EqualFold(v, "true")) {
			return
		}
	}
	leaves(p.Message.Args, func(member *cwmp.Member, l *cwmp.Leaf) {
		switch member.Name {
		case "Name", "ParameterPath", "ObjectName", "ParameterNames":
			if strings.Contains(l.Value, ".[") && p.firstTime("") {
				p.report(p.sender(), atLeaf(p.Message, l), "%s names %s by an alias, and the Inform had no AliasBasedAddressing", p.Message.RPC, short(l.Value))
			}
		}
	})
}

var methodForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,63}$`) })

func methodNames(p *Pass) {
	a, ok := p.Message.Args.(*cwmp.GetRPCMethodsResponse)
	if !ok {
		return
	}
	seen := map[string]bool{}
	for i := range a.MethodList.Items {
		l := &a.MethodList.Items[i]
		switch {
		case !methodForm().MatchString(l.Value):
			p.report(p.sender(), atLeaf(p.Message, l), "The list of methods has %s", quote(l.Value))
		case seen[l.Value]:
			p.report(p.sender(), atLeaf(p.Message, l), "The list of methods has %s twice", short(l.Value))
		}
		seen[l.Value] = true
	}
}

// commandKey is the CommandKey of a command, nil where the message is none.
func commandKey(m *cwmp.Message) *cwmp.Leaf {
	switch a := m.Args.(type) {
	case *cwmp.Download:
		return &a.CommandKey
	case *cwmp.ScheduleDownload:
		return &a.CommandKey
	case *cwmp.Upload:
		return &a.CommandKey
	case *cwmp.Reboot:
		return &a.CommandKey
	case *cwmp.ScheduleInform:
		return &a.CommandKey
	case *cwmp.ChangeDUState:
		return &a.CommandKey
	}
	return nil
}

func noCommandKey(p *Pass) {
	l := commandKey(p.Message)
	if l == nil || !l.Present || l.Value != "" || p.Message.From != cwmp.ACS || !p.firstTime(p.Message.RPC) {
		return
	}
	p.report(ACS, atLeaf(p.Message, l), "%s has no CommandKey", p.Message.RPC)
}

func transferTimes(p *Pass) {
	var code, start, end *cwmp.Leaf
	switch a := p.Message.Args.(type) {
	case *cwmp.TransferComplete:
		code, start, end = &a.FaultStruct.FaultCode, &a.StartTime, &a.CompleteTime
	case *cwmp.AutonomousTransferComplete:
		code, start, end = &a.FaultStruct.FaultCode, &a.StartTime, &a.CompleteTime
	default:
		return
	}
	if strings.TrimSpace(code.Value) != "0" {
		return
	}
	for _, l := range []*cwmp.Leaf{start, end} {
		if l.Present && unknownTime(l) {
			p.report(CPE, atLeaf(p.Message, l), "%s tells of a transfer that went well, and not when", p.Message.RPC)
			return
		}
	}
}

func autonomous(p *Pass) {
	a, ok := p.Message.Args.(*cwmp.AutonomousTransferComplete)
	if !ok {
		return
	}
	types := downloadTypes
	if down, ok := a.IsDownload.Bool(); ok && !down {
		types = uploadTypes
	}
	if v := a.FileType.Value; a.FileType.Present && !slices.Contains(types, v) && !vendorText(v) && !(len(types) == len(uploadTypes) && (strings.HasPrefix(v, "3 Vendor Configuration File ") || strings.HasPrefix(v, "4 Vendor Log File "))) {
		p.report(CPE, atLeaf(p.Message, &a.FileType), "FileType %s is none of the transfer's", quote(v))
	}
	if l := &a.FileSize; l.Present && !digits(l.Value) {
		p.report(CPE, atLeaf(p.Message, l), "FileSize is %s", quote(l.Value))
	}
}

func shortInterval(p *Pass) {
	list := parameters(p.Message)
	for _, at := range p.marked {
		x := &list[at.at]
		if !strings.HasSuffix(x.Name.Value, "ManagementServer.PeriodicInformInterval") {
			continue
		}
		if n, ok := x.Value.Int(); ok && n > 0 && n < 60 && p.firstTime("") {
			p.report(p.sender(), atLeaf(p.Message, &x.Value), "PeriodicInformInterval is %d s", n)
		}
	}
}
