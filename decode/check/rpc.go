package check

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"informant/capture"
	"informant/decode/cwmp"
)

// rpcs is the checks of single RPCs and their answers.
var rpcs = []*Check{
	{
		ID: "RPC-001", Title: "The method is known, and called in its direction", Ref: "TR-069a6 A.3, A.4", Severity: Error, each: true, body: true, need: aRequest, odd: oddMethod, Run: methodKnown,
		Doc: "Inform, TransferComplete and their like are called by the CPE, the others by the ACS. A vendor's own method begins with X_.",
	},
	{
		ID: "RPC-002", Title: "A vendor's method is named X_<OUI>_Name or X_<domain>_Name", Ref: "TR-069a6 A.1", Severity: Error, each: true, body: true, need: aRequest, odd: oddMethod, Run: vendorMethod,
		Doc: "The form keeps the methods of vendors apart.",
	},
	{
		ID: "RPC-003", Title: "A CPE lists all mandatory methods", Ref: "TR-069a6 3.6 Table 5", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, odd: acting, Run: listsMandatory,
		Doc: "An ACS may call only what the list has. FactoryReset became mandatory with Amendment 6, and its absence is a note.",
	},
	{
		ID: "RPC-006", Title: "No deprecated RPC", Ref: "TR-069a6 3.6 Table 5", Severity: Info, each: true, body: true, need: aRequest, odd: oddMethod, Run: deprecated,
		Doc: "Kicked, GetQueuedTransfers, SetVouchers and GetOptions are kept for old peers only.",
	},
	{
		ID: "RPC-010", Title: "Every name that is returned lies below a path that was asked for", Ref: "TR-069a6 A.3.2.2 to A.3.2.5", Severity: Error, Gates: Counterpart | WholeBody, each: true, body: true, need: typed, odd: listing, Run: namesAsked,
		Doc: "What was not asked for may overwrite what the ACS knows. Requests with aliases or wildcards are not judged.",
	},
	{
		ID: "RPC-011", Title: "Full names are returned once each", Ref: "TR-069a6 A.3.2.2", Severity: Error, Gates: Counterpart | WholeBody, each: true, body: true, need: typed, odd: listing, only: tellsValues, Run: namesMissing,
		Doc: "A parameter that doesn't exist is answered with fault 9005, never left out: the ACS can't tell an omission from an old value.",
	},
	{
		ID: "RPC-012", Title: "The answer to a partial path has each parameter below it once, and no objects", Ref: "TR-069a6 A.3.2.2", Severity: Error, Gates: Counterpart | WholeBody, each: true, body: true, need: typed, with: listing, odd: twice | partial, Run: partialAnswer,
		Doc: "GetParameterValues returns parameters, and objects have no value. A name that is there twice is told as a warning, unless it is below several of the paths that were asked for. Names elsewhere are RPC-010.",
	},
	{
		ID: "RPC-014", Title: "SetParameterValues has no name twice", Ref: "TR-069a6 A.3.2.1", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, odd: twice, Run: setTwice,
		Doc: "The CPE has to refuse it with 9003; one that doesn't takes one of the two values.",
	},
	{
		ID: "RPC-016", Title: "SetParameterValues has full names", Ref: "TR-069a6 A.3.2.1", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, odd: partial, Run: setPartial,
		Doc: "An object has no value that could be set.",
	},
	{
		ID: "RPC-017", Title: "Status is 0 or 1", Ref: "cwmp-1-0.xsd", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, odd: oddResult, Run: statusValue,
		Doc: "0: done and in force. 1: accepted, and in force by the time of the next session.",
	},
	{
		ID: "RPC-024", Title: "AddObject names a table", Ref: "TR-069a6 A.3.2.6", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, only: onObject, Run: addTable,
		Doc: "ObjectName is the path of the table with a dot at its end, without an instance number.",
	},
	{
		ID: "RPC-025", Title: "DeleteObject names an instance", Ref: "TR-069a6 A.3.2.7", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, only: onObject, Run: deleteInstance,
		Doc: "ObjectName ends in the instance's number or alias and a dot.",
	},
	{
		ID: "RPC-030", Title: "Notification is 0 to 2, or to 6 from CWMP 1.4", Ref: "cwmp-1-4.xsd", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, odd: acting, Run: notification,
		Doc: "0 off, 1 passive, 2 active; 3 to 6 are the lightweight ones. It needs a value even if NotificationChange is false.",
	},
	{
		ID: "RPC-034", Title: "FileType is one of the method's", Ref: "TR-069a6 A.3.2.8, A.4.1.5", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, only: onTransfer, Run: fileType,
		Doc: "The whole text counts: the same number means different things for Download and Upload. A vendor's begins with X.",
	},
	{
		ID: "RPC-035", Title: "A transfer's URL is absolute, of a known scheme, without credentials", Ref: "TR-069a6 A.3.2.8", Severity: Warning, Gates: WholeBody, each: true, body: true, need: typed, only: onTransfer, Run: transferURL,
		Doc: "http, https, ftp, sftp and tftp are known. User name and password have arguments of their own.",
	},
}

// acsMethods are called by the CPE.
var acsMethods = []string{"GetRPCMethods", "Inform", "TransferComplete", "AutonomousTransferComplete", "Kicked", "RequestDownload", "DUStateChangeComplete", "AutonomousDUStateChangeComplete"}

// cpeMethods are called by the ACS.
var cpeMethods = []string{"GetRPCMethods", "SetParameterValues", "GetParameterValues", "GetParameterNames", "SetParameterAttributes", "GetParameterAttributes", "AddObject",
	"DeleteObject", "Download", "Reboot", "GetQueuedTransfers", "ScheduleInform", "SetVouchers", "GetOptions", "Upload", "FactoryReset", "GetAllQueuedTransfers",
	"ScheduleDownload", "CancelTransfer", "ChangeDUState"}

// turned says whether a message of a dump was taken for the other side's: what
// its direction was is a guess there, and accuses nobody.
func turned(m *cwmp.Message) bool {
	if m.HTTP == nil || m.HTTP.Conn == nil || m.HTTP.Conn.Origin != capture.Synthesised {
		return false
	}
	method, response := strings.CutSuffix(m.RPC, "Response")
	calledByCPE, calledByACS := slices.Contains(acsMethods, method), slices.Contains(cpeMethods, method)
	if calledByCPE == calledByACS || m.Kind != cwmp.Request && m.Kind != cwmp.Response {
		return false
	}
	return (m.From == cwmp.CPE) != (calledByCPE != response)
}

func methodKnown(p *Pass) {
	m := p.Message
	if !isRequest(m) || strings.HasPrefix(m.RPC, "X_") {
		return
	}
	own, other := acsMethods, cpeMethods
	if m.From == cwmp.ACS {
		own, other = cpeMethods, acsMethods
	}
	switch {
	case m.From == cwmp.Unknown || slices.Contains(own, m.RPC) || turned(m):
	case slices.Contains(other, m.RPC):
		p.report(p.sender(), atMethod(m), "%s is not called by the %s", m.RPC, upper(m.From))
	default:
		p.report(p.sender(), atMethod(m), "The method %s is unknown", short(m.RPC))
	}
}

func vendorMethod(p *Pass) {
	m := p.Message
	rest, ok := strings.CutPrefix(m.RPC, "X_")
	if !ok || !isRequest(m) {
		return
	}
	who, what, found := strings.Cut(rest, "_")
	if !found || who == "" || what == "" {
		p.report(p.sender(), atMethod(m), "The method %s names no vendor after X_", short(m.RPC))
	}
}

func listsMandatory(p *Pass) {
	a, ok := p.Message.Args.(*cwmp.GetRPCMethodsResponse)
	if !ok || p.Message.From != cwmp.CPE {
		return
	}
	has := map[string]bool{}
	for i := range a.MethodList.Items {
		has[strings.TrimSpace(a.MethodList.Items[i].Value)] = true
	}
	at := inText(p.Message, a.MethodList.At)
	for _, n := range mandatory {
		if !has[n] {
			p.report(CPE, at, "The list of methods lacks %s", n)
		}
	}
	if !has["FactoryReset"] {
		p.reportAs(Info, CPE, at, "The list of methods lacks FactoryReset")
	}
}

func deprecated(p *Pass) {
	switch m := p.Message; m.RPC {
	case "Kicked", "GetQueuedTransfers", "SetVouchers", "GetOptions":
		if isRequest(m) {
			p.report(p.sender(), atMethod(m), "%s is deprecated", m.RPC)
		}
	}
}

// askedFor is the paths of the request that the pass's message answers; ok is
// false where they cannot be compared.
func (p *Pass) askedFor() (paths []string, request *cwmp.Message, ok bool) {
	if !p.compared {
		p.compared = true
		p.request = nil
		if t := p.transaction(); t != nil && p.Message.Kind == cwmp.Response {
			if p.paths, ok = pathsOf(p.paths[:0], t.Request); ok {
				p.request = t.Request
			}
		}
	}
	return p.paths, p.request, p.request != nil
}

// pathsOf appends the paths that a request asks for.
func pathsOf(paths []string, m *cwmp.Message) ([]string, bool) {
	switch a := m.Args.(type) {
	case *cwmp.GetParameterValues:
		for i := range a.ParameterNames.Items {
			paths = append(paths, a.ParameterNames.Items[i].Value)
		}
	case *cwmp.GetParameterAttributes:
		for i := range a.ParameterNames.Items {
			paths = append(paths, a.ParameterNames.Items[i].Value)
		}
	case *cwmp.GetParameterNames:
		paths = append(paths, a.ParameterPath.Value)
	default:
		return paths, false
	}
	for i, x := range paths {
		if strings.IndexByte(x, '[') >= 0 || strings.IndexByte(x, '*') >= 0 {
			return paths, false
		}
		paths[i] = strings.TrimSpace(x)
	}
	return paths, true
}

// below says whether a name is a path that was asked for, or below it.
func below(name, path string) bool {
	return path == "" || name == path || strings.HasSuffix(path, ".") && strings.HasPrefix(name, path)
}

// eachName calls f for the names that an answer lists.
func eachName(m *cwmp.Message, f func(l *cwmp.Leaf)) {
	switch a := m.Args.(type) {
	case *cwmp.GetParameterValuesResponse:
		for i := range a.ParameterList.Items {
			f(&a.ParameterList.Items[i].Name)
		}
	case *cwmp.GetParameterNamesResponse:
		for i := range a.ParameterList.Items {
			f(&a.ParameterList.Items[i].Name)
		}
	case *cwmp.GetParameterAttributesResponse:
		for i := range a.ParameterList.Items {
			f(&a.ParameterList.Items[i].Name)
		}
	}
}

func namesAsked(p *Pass) {
	if p.isClean(cleanAsked) {
		return
	}
	paths, request, ok := p.askedFor()
	if !ok || len(paths) == 0 || len(paths) > 1024 {
		return
	}
	n := 0
	var first *cwmp.Leaf
	last := 0
	eachName(p.Message, func(l *cwmp.Leaf) {
		if below(l.Value, paths[last]) {
			return
		}
		if next := last + 1; next < len(paths) && below(l.Value, paths[next]) { // mostly they come in the order in which they were asked for
			last = next
			return
		}
		name := strings.TrimSpace(l.Value)
		if name == "" || strings.Contains(name, "[") || below(name, paths[last]) {
			return
		}
		for i, path := range paths {
			if below(name, path) || strings.HasPrefix(path, name) && strings.HasSuffix(name, ".") {
				last = i
				return
			}
		}
		if n++; first == nil {
			first = l
		}
	})
	if first != nil {
		p.reportWith(Error, CPE, atLeaf(p.Message, first), []*cwmp.Message{request}, "%s returns %s, which was not asked for%s", p.Message.RPC, short(first.Value), more(n))
	} else {
		p.noteClean(cleanAsked)
	}
}

// more says how many more there are.
func more(n int) string {
	if n <= 1 {
		return ""
	}
	return fmt.Sprintf(", and %d more like it", n-1)
}

// allThere says whether full names are in a list, and in the order in which they
// were asked for.
func allThere(paths []string, list []cwmp.ParameterValueStruct) bool {
	for _, path := range paths {
		if path == "" || strings.HasSuffix(path, ".") {
			continue
		}
		i := 0
		for i < len(list) && list[i].Name.Value != path {
			i++
		}
		if i == len(list) {
			return false
		}
		list = list[i+1:]
	}
	return true
}

func namesMissing(p *Pass) {
	if p.Message.RPC != "GetParameterValuesResponse" || p.isClean(cleanMissing) {
		return
	}
	paths, request, ok := p.askedFor()
	if !ok {
		return
	}
	if !slices.ContainsFunc(paths, func(path string) bool { return path != "" && !strings.HasSuffix(path, ".") }) {
		p.noteClean(cleanMissing)
		return
	}
	if list := parameters(p.Message); len(list) <= len(paths) && allThere(paths, list) {
		p.noteClean(cleanMissing)
		return
	}
	got := map[string]bool{}
	var again *cwmp.Leaf
	eachName(p.Message, func(l *cwmp.Leaf) {
		name := strings.TrimSpace(l.Value)
		if got[name] && again == nil && !slices.ContainsFunc(paths, func(path string) bool {
			return path == "" || strings.HasSuffix(path, ".") && strings.HasPrefix(name, path)
		}) {
			again = l // RPC-012 is for those below a partial path
		}
		got[name] = true
	})
	if again != nil {
		n := 0
		for _, path := range paths {
			if path == strings.TrimSpace(again.Value) {
				n++
			}
		}
		if n == 1 {
			p.reportWith(Error, CPE, atLeaf(p.Message, again), []*cwmp.Message{request}, "%s was asked for once and is in the answer twice", short(again.Value))
		}
	}
	for _, path := range paths {
		if path != "" && !strings.HasSuffix(path, ".") && !got[path] {
			p.reportWith(Error, CPE, atMethod(p.Message), []*cwmp.Message{request}, "%s was asked for and is not in the answer", short(path))
		}
	}
}

func partialAnswer(p *Pass) {
	if p.isClean(cleanPartial) {
		return
	}
	paths, request, ok := p.askedFor()
	if _, values := p.Message.Args.(*cwmp.GetParameterValuesResponse); !ok || !values || len(paths) > 1024 {
		return
	}
	list := parameters(p.Message)
	var seen map[string]int // where a name may be there twice
	if p.odd&twice != 0 {
		p.counted = emptied(p.counted)
		seen = p.counted
	}
	objects, again := 0, 0
	var object, twice *cwmp.Leaf
	for i := range list {
		l := &list[i].Name
		name := strings.TrimSpace(l.Value)
		n := partialsOf(paths, name)
		if n == 0 {
			continue
		}
		if strings.HasSuffix(name, ".") {
			if objects++; object == nil {
				object = l
			}
			continue
		}
		if seen == nil {
			continue
		}
		if seen[name]++; seen[name] == n+1 && !slices.Contains(paths, name) {
			if again++; twice == nil {
				twice = l
			}
		}
	}
	if object == nil && twice == nil {
		p.noteClean(cleanPartial)
	}
	if object != nil {
		p.reportWith(Error, CPE, atLeaf(p.Message, object), []*cwmp.Message{request}, "%s returns %s, which is an object and no parameter%s", p.Message.RPC, short(object.Value), more(objects))
	}
	if twice != nil {
		p.reportWith(Warning, CPE, atLeaf(p.Message, twice), []*cwmp.Message{request}, "%s returns %s more often than it was asked for%s", p.Message.RPC, short(twice.Value), more(again))
	}
}

// partialsOf counts the partial paths that a name is below, or is itself.
func partialsOf(paths []string, name string) (n int) {
	for _, path := range paths {
		if (path == "" || strings.HasSuffix(path, ".")) && strings.HasPrefix(name, path) && name != "" {
			n++
		}
	}
	return n
}

func setTwice(p *Pass) {
	a, ok := p.Message.Args.(*cwmp.SetParameterValues)
	if !ok {
		return
	}
	seen := make(map[string]int, len(a.ParameterList.Items))
	for i := range a.ParameterList.Items {
		l := &a.ParameterList.Items[i].Name
		if seen[l.Value]++; l.Present && seen[l.Value] == 2 {
			p.report(p.sender(), atLeaf(p.Message, l), "SetParameterValues has %s twice", short(l.Value))
		}
	}
}

func setPartial(p *Pass) {
	a, ok := p.Message.Args.(*cwmp.SetParameterValues)
	if !ok {
		return
	}
	for i := range a.ParameterList.Items {
		l := &a.ParameterList.Items[i].Name
		if n := strings.TrimSpace(l.Value); l.Present && (n == "" || strings.HasSuffix(n, ".")) {
			p.report(p.sender(), atLeaf(p.Message, l), "SetParameterValues has %s, which is not the name of a parameter", quote(l.Value))
		}
	}
}

// status is the Status of a response, nil when it has none.
func status(m *cwmp.Message) *cwmp.Leaf {
	switch a := m.Args.(type) {
	case *cwmp.SetParameterValuesResponse:
		return &a.Status
	case *cwmp.AddObjectResponse:
		return &a.Status
	case *cwmp.DeleteObjectResponse:
		return &a.Status
	case *cwmp.DownloadResponse:
		return &a.Status
	case *cwmp.UploadResponse:
		return &a.Status
	}
	return nil
}

func statusValue(p *Pass) {
	l := status(p.Message)
	if l == nil || !l.Present {
		return
	}
	if n, ok := l.Int(); !ok || n != 0 && n != 1 {
		p.report(p.sender(), atLeaf(p.Message, l), "%s has the Status %s", p.Message.RPC, quote(l.Value))
	}
}

// lastNode is the last node of an object's path, and whether it ends in a dot.
func lastNode(path string) (node string, dot bool) {
	path = strings.TrimSpace(path)
	trimmed := strings.TrimSuffix(path, ".")
	return trimmed[strings.LastIndexByte(trimmed, '.')+1:], trimmed != path
}

// isInstance says whether a node is a number or an alias.
func isInstance(node string) bool {
	return node != "" && strings.Trim(node, "0123456789") == "" || strings.HasPrefix(node, "[") && strings.HasSuffix(node, "]")
}

func addTable(p *Pass) {
	a, ok := p.Message.Args.(*cwmp.AddObject)
	if !ok || !a.ObjectName.Present {
		return
	}
	node, dot := lastNode(a.ObjectName.Value)
	switch {
	case !dot:
		p.report(p.sender(), atLeaf(p.Message, &a.ObjectName), "ObjectName %s doesn't end in a dot", quote(a.ObjectName.Value))
	case isInstance(node) && node[0] != '[':
		p.report(p.sender(), atLeaf(p.Message, &a.ObjectName), "ObjectName %s is an instance, not a table", quote(a.ObjectName.Value))
	}
}

func deleteInstance(p *Pass) {
	a, ok := p.Message.Args.(*cwmp.DeleteObject)
	if !ok || !a.ObjectName.Present {
		return
	}
	if node, dot := lastNode(a.ObjectName.Value); !dot || !isInstance(node) {
		p.report(p.sender(), atLeaf(p.Message, &a.ObjectName), "ObjectName %s is not an instance with a dot at its end", quote(a.ObjectName.Value))
	}
}

func notification(p *Pass) {
	if a, ok := p.Message.Args.(*cwmp.GetParameterAttributesResponse); ok {
		for i := range a.ParameterList.Items {
			x := &a.ParameterList.Items[i]
			if n, ok := x.Notification.Int(); x.Notification.Present && (!ok || n < 0 || n > 6) {
				p.report(p.sender(), atLeaf(p.Message, &x.Notification), "The Notification of %s is %s", short(x.Name.Value), quote(x.Notification.Value))
			}
		}
		return
	}
	a, ok := p.Message.Args.(*cwmp.SetParameterAttributes)
	if !ok {
		return
	}
	highest := int64(6)
	if v := p.Session.EffectiveVersion; !p.Session.Fragment && v >= 0 && v < 2 {
		highest = 2
	}
	for i := range a.ParameterList.Items {
		x := &a.ParameterList.Items[i]
		n, ok := x.Notification.Int()
		switch {
		case !x.Notification.Present || strings.TrimSpace(x.Notification.Value) == "":
			p.report(p.sender(), inText(p.Message, x.At()), "The Notification of %s has no value", short(x.Name.Value))
		case !ok || n < 0 || n > highest:
			p.report(p.sender(), atLeaf(p.Message, &x.Notification), "The Notification of %s is %s", short(x.Name.Value), quote(x.Notification.Value))
		}
	}
}

// Types of files (reference 2.4).
var (
	downloadTypes = []string{"1 Firmware Upgrade Image", "2 Web Content", "3 Vendor Configuration File", "4 Tone File", "5 Ringer File", "6 Stored Firmware Image"}
	uploadTypes   = []string{"1 Vendor Configuration File", "2 Vendor Log File"}
)

func fileType(p *Pass) {
	var l *cwmp.Leaf
	types := downloadTypes
	switch a := p.Message.Args.(type) {
	case *cwmp.Download:
		l = &a.FileType
	case *cwmp.ScheduleDownload:
		l = &a.FileType
	case *cwmp.RequestDownload:
		l = &a.FileType
	case *cwmp.Upload:
		l, types = &a.FileType, uploadTypes
	}
	if l == nil || !l.Present || slices.Contains(types, l.Value) || vendorText(l.Value) {
		return
	}
	if _, ok := p.Message.Args.(*cwmp.Upload); ok {
		for _, prefix := range []string{"3 Vendor Configuration File ", "4 Vendor Log File "} {
			if i, ok := strings.CutPrefix(l.Value, prefix); ok && number(i) > 0 && strings.Trim(i, "0123456789") == "" {
				return
			}
		}
	}
	p.report(p.sender(), atLeaf(p.Message, l), "FileType %s is none of %s", quote(l.Value), p.Message.RPC)
}

// vendorText says whether a value has the form "X <OUI or domain> <text>".
func vendorText(v string) bool {
	rest, ok := strings.CutPrefix(v, "X ")
	who, what, found := strings.Cut(rest, " ")
	return ok && found && who != "" && what != ""
}

func transferURL(p *Pass) {
	var l *cwmp.Leaf
	switch a := p.Message.Args.(type) {
	case *cwmp.Download:
		l = &a.URL
	case *cwmp.ScheduleDownload:
		l = &a.URL
	case *cwmp.Upload:
		l = &a.URL
	}
	if l == nil || !l.Present {
		return
	}
	at := atLeaf(p.Message, l)
	u, err := url.Parse(strings.TrimSpace(l.Value))
	switch {
	case err != nil || !u.IsAbs() || u.Host == "":
		p.report(p.sender(), at, "The URL of %s is not an absolute one", p.Message.RPC)
	case u.User != nil:
		p.report(p.sender(), at, "The URL of %s carries credentials", p.Message.RPC)
	case !slices.Contains([]string{"http", "https", "ftp", "ftps", "sftp", "tftp"}, strings.ToLower(u.Scheme)):
		p.report(p.sender(), at, "The URL of %s has the scheme %s", p.Message.RPC, short(u.Scheme))
	}
}
