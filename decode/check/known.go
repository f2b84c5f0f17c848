package check

import (
	"hash/maphash"
	"slices"
	"strings"

	"informant/decode/cwmp"
	"informant/decode/history"
)

// knowledge is the checks of what one session tells of parameters and instances, and
// then does otherwise.
var knowledge = []*Check{
	{
		ID: "RPC-021", Title: "Setting a read-only parameter is refused", Ref: "TR-069a6 A.3.2.1", Severity: Error, Gates: Counterpart, Subject: OfSession, course: setsListed, Run: readOnlySet,
		Doc: "GetParameterNames showed it as not writable earlier in the session; the answer is 9003 with 9008 for it.",
	},
	{
		ID: "RPC-022", Title: "The ACS sets no parameter that it knows as read-only", Ref: "TR-069a6 A.3.2.1", Severity: Warning, Gates: Counterpart, Subject: OfSession, course: setsListed, Run: readOnlyAsked,
		Doc: "GetParameterNames showed it as not writable earlier in the session.",
	},
	{
		ID: "RPC-023", Title: "A parameter is set with the type that the CPE gave it", Ref: "TR-069a6 A.3.2.1", Severity: Warning, Gates: Counterpart, Subject: OfSession, course: sets, Run: typeSet,
		Doc: "CPEs refuse other types with 9006. What the CPE reported earlier in the session is compared, by local name.",
	},
	{
		ID: "RPC-026", Title: "A new instance has a number of its own", Ref: "TR-069a6 A.3.2.6", Severity: Error, Gates: Counterpart, Subject: OfSession, course: makes, Run: numberInUse,
		Doc: "InstanceNumber is 1 or more, and none that the table has had in this session.",
	},
	{
		ID: "RPC-033", Title: "With NotificationChange false the Notification stays", Ref: "TR-069a6 A.3.2.4", Severity: Error, Gates: Counterpart, Subject: OfSession, course: notifies, Run: notificationKept,
		Doc: "It was read before and after SetParameterAttributes, which said to leave it.",
	},
	{
		ID: "TYPE-009", Title: "The type of a parameter stays", Ref: "TR-069a6 A.2.1", Severity: Warning, Gates: Counterpart, Subject: OfSession, course: rereads, Run: typeChanges,
		Doc: "Two answers of one session give it different types. It is told once per session.",
	},
	{
		ID: "FLT-014", Title: "Each parameter that is wrong has a SetParameterValuesFault", Ref: "TR-069a6 A.3.2.1", Severity: Warning, Gates: Counterpart, Subject: OfSession, course: setsListed, all: failing, Run: faultsMissing,
		Doc: "Parameters that GetParameterNames showed as read-only earlier in the session are wrong for certain.",
	},
	{
		ID: "FLT-024", Title: "9005 is only for names that there are not", Ref: "TR-069a6 A.3.2.2", Severity: Warning, Gates: Counterpart, Subject: OfSession, course: failing, all: discovers, Run: knownName,
		Doc: "GetParameterNames listed all the names earlier in the session, and nothing was deleted since.",
	},
	{
		ID: "VER-009", Title: "After fault 8006 the session stops", Ref: "TR-069a6 3.7.4", Severity: Warning, Gates: WholeSession, Subject: OfSession, course: failing, Run: afterNoVersion,
		Doc: "The two have no version in common, so there is nothing that they could say.",
	},
	{
		ID: "XFER-014", Title: "TransferComplete is answered with TransferCompleteResponse", Ref: "TR-069a6 A.3.3.2", Severity: Error, Gates: Counterpart, Subject: OfSession, odd: calling, Run: otherComplete,
		Doc: "Not with AutonomousTransferCompleteResponse, nor the other way round: the CPE takes it for no answer, and reports again.",
	},
	{
		ID: "XFER-015", Title: "AutonomousTransferComplete is of no transfer that the ACS asked for", Ref: "TR-069a6 A.3.3.3", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, odd: calling, Run: notAutonomous,
		Doc: "Its TransferURL is that of an outstanding command: it should have been a TransferComplete.",
	},
	{
		ID: "RPC-048", Title: "Queued transfers are those that are outstanding", Ref: "TR-069a6 A.4.1.7", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, odd: oddMethod, Run: queued,
		Doc: "Judged of devices that were seen from their 0 BOOTSTRAP on. State is 1 to 3.",
	},
	{
		ID: "RPC-054", Title: "Download leaves ParameterKey", Ref: "TR-069a6 A.3.2.8", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, all: otherKey | commanded, Run: keyAfterDownload,
		Doc: "The session before had a Download and nothing that sets ParameterKey, and it is another one now. A configuration file may change it.",
	},
	{
		ID: "INF-031", Title: "DeviceId is what DeviceInfo has", Ref: "TR-181, TR-098: DeviceInfo", Severity: Warning, Gates: Counterpart, Subject: OfSession, course: reads, all: namesItself, Run: deviceInfo,
		Doc: "Manufacturer, ManufacturerOUI, ProductClass and SerialNumber, as they are read in the session.",
	},
	{
		ID: "SEC-009", Title: "A DeviceId is of one device", Ref: "no standard: cloned devices", Severity: Warning, Gates: WholeSession | History, Subject: OfSession, course: updated, Run: cloned,
		Doc: "Sessions of the same DeviceId come from another address with another ConnectionRequestURL and another SoftwareVersion, without a boot. Two devices may have one identity.",
	},
}

// learnt is what a session has told so far, of what is asked for.
type learnt struct {
	of       lesson
	set      uint64                   // a bit for each name that the ACS sets in the session: others aren't learnt as types or as read-only
	readOnly map[string]*cwmp.Message // by name
	types    map[string]string
	names    map[string]*cwmp.Message
}

// lesson is what a check wants to learn.
type lesson uint8

const (
	ofReadOnly lesson = 1 << iota
	ofTypes
	ofNames
)

// empty makes it know nothing. Its memory serves again, unless it is a lot.
func (k *learnt) empty() {
	k.readOnly, k.types, k.names = emptied(k.readOnly), emptied(k.types), emptied(k.names)
}

func emptied[K comparable, T any](m map[K]T) map[K]T {
	const few = 512
	if m == nil || len(m) > few {
		return map[K]T{}
	}
	clear(m)
	return m
}

// learning calls f for each request of the ACS that was answered, with what was told
// before it.
func (p *Pass) learning(of lesson, f func(t *cwmp.Transaction, k *learnt)) {
	k := &p.learnt
	k.of = of
	defer k.empty()
	k.empty()
	k.set = p.namesSet()
	if in := p.Session.Inform; in != nil && openNow(in)&WholeBody != 0 {
		k.typesOf(parameters(in))
	}
	p.eachAnswered(func(t *cwmp.Transaction) {
		f(t, k)
		switch a := t.Response.Args.(type) {
		case *cwmp.GetParameterNamesResponse:
			k.namesOf(a, t.Response)
		case *cwmp.GetParameterValuesResponse:
			k.typesOf(a.ParameterList.Items)
		}
	})
}

func (k *learnt) namesOf(a *cwmp.GetParameterNamesResponse, m *cwmp.Message) {
	if k.of&(ofReadOnly|ofNames) == 0 {
		return
	}
	for i := range a.ParameterList.Items {
		x := &a.ParameterList.Items[i]
		name := trimmed(x.Name.Value)
		if k.of&ofNames != 0 {
			k.names[name] = m
		}
		if k.of&ofReadOnly == 0 || k.set&bitOf(name) == 0 {
			continue
		}
		if w, ok := x.Writable.Bool(); ok && !w && !strings.HasSuffix(name, ".") {
			k.readOnly[name] = m
		} else {
			delete(k.readOnly, name)
		}
	}
}

func (k *learnt) typesOf(list []cwmp.ParameterValueStruct) {
	if k.of&ofTypes == 0 {
		return
	}
	for i := range list {
		if name := trimmed(list[i].Name.Value); k.set&bitOf(name) != 0 {
			if t := typeName(list[i].Value.XSIType); t != "" {
				k.types[name] = t
			}
		}
	}
}

// namesSet is a bit for each name that the ACS sets in the session.
func (p *Pass) namesSet() (bits uint64) {
	for _, t := range p.Session.Transactions {
		if a, ok := t.Request.Args.(*cwmp.SetParameterValues); ok {
			for i := range a.ParameterList.Items {
				bits |= bitOf(trimmed(a.ParameterList.Items[i].Name.Value))
			}
		}
	}
	return bits
}

func bitOf(name string) uint64 { return 1 << (endingHash(name) & 63) }

func readOnlySet(p *Pass) {
	p.learning(ofReadOnly, func(t *cwmp.Transaction, k *learnt) {
		a, ok := t.Request.Args.(*cwmp.SetParameterValues)
		if !ok || t.Response.Kind != cwmp.Response {
			return
		}
		for i := range a.ParameterList.Items {
			name := strings.TrimSpace(a.ParameterList.Items[i].Name.Value)
			if m := k.readOnly[name]; m != nil {
				p.reportWith(Error, CPE, atMethod(t.Response), []*cwmp.Message{m, t.Request}, "%s is read-only, and was set", short(name))
				return
			}
		}
	})
}

func readOnlyAsked(p *Pass) {
	p.learning(ofReadOnly, func(t *cwmp.Transaction, k *learnt) {
		a, ok := t.Request.Args.(*cwmp.SetParameterValues)
		if !ok {
			return
		}
		for i := range a.ParameterList.Items {
			l := &a.ParameterList.Items[i].Name
			if m := k.readOnly[strings.TrimSpace(l.Value)]; m != nil {
				p.reportWith(Warning, ACS, atLeaf(t.Request, l), []*cwmp.Message{m}, "The ACS sets %s, which is read-only", short(l.Value))
				return
			}
		}
	})
}

// sameTypes says whether two names of types are one.
func sameTypes(a, b string) bool {
	binary := func(t string) bool { return t == "base64" || t == "base64Binary" }
	return a == b || binary(a) && binary(b)
}

func typeSet(p *Pass) {
	p.learning(ofTypes, func(t *cwmp.Transaction, k *learnt) {
		a, ok := t.Request.Args.(*cwmp.SetParameterValues)
		if !ok {
			return
		}
		for i := range a.ParameterList.Items {
			x := &a.ParameterList.Items[i]
			has, given := k.types[strings.TrimSpace(x.Name.Value)], typeName(x.Value.XSIType)
			if has != "" && given != "" && !sameTypes(has, given) {
				p.report(ACS, atLeaf(t.Request, &x.Value), "%s is set as %s, and the CPE has it as %s", short(x.Name.Value), short(given), short(has))
			}
		}
	})
}

func numberInUse(p *Pass) {
	used := map[string]bool{}
	p.learning(ofNames, func(t *cwmp.Transaction, k *learnt) {
		switch q := t.Request.Args.(type) {
		case *cwmp.AddObject:
			a, ok := t.Response.Args.(*cwmp.AddObjectResponse)
			if !ok {
				return
			}
			n, isNumber := a.InstanceNumber.Int()
			path := q.ObjectName.Value + strings.TrimSpace(a.InstanceNumber.Value) + "."
			switch {
			case isNumber && n < 1:
				p.report(CPE, atLeaf(t.Response, &a.InstanceNumber), "The new instance of %s has the number %d", short(q.ObjectName.Value), n)
			case isNumber && (k.names[path] != nil || used[path]):
				p.report(CPE, atLeaf(t.Response, &a.InstanceNumber), "The new instance of %s has the number %d, which is in use", short(q.ObjectName.Value), n)
			}
			used[path] = true
		case *cwmp.DeleteObject:
			if t.Response.Kind == cwmp.Response {
				delete(used, q.ObjectName.Value)
				delete(k.names, q.ObjectName.Value)
			}
		}
	})
}

func notificationKept(p *Pass) {
	read := map[string]setting{}
	kept := map[string]*cwmp.Message{}
	p.eachAnswered(func(t *cwmp.Transaction) {
		switch q := t.Request.Args.(type) {
		case *cwmp.SetParameterAttributes:
			for i := range q.ParameterList.Items {
				x := &q.ParameterList.Items[i]
				name := strings.TrimSpace(x.Name.Value)
				if change, ok := x.NotificationChange.Bool(); ok && !change && t.Response.Kind == cwmp.Response && !strings.HasSuffix(name, ".") {
					kept[name] = t.Request
				} else {
					clear(read)
				}
			}
		case *cwmp.GetParameterAttributes:
			a, ok := t.Response.Args.(*cwmp.GetParameterAttributesResponse)
			if !ok {
				return
			}
			for i := range a.ParameterList.Items {
				x := &a.ParameterList.Items[i]
				name := strings.TrimSpace(x.Name.Value)
				if was, there := read[name]; there && kept[name] != nil && !sameValue(was.l, &x.Notification) {
					p.reportWith(Error, CPE, atLeaf(t.Response, &x.Notification), []*cwmp.Message{was.m, kept[name]}, "The Notification of %s was %s and is %s, and it was to stay", short(name), short(was.l.Value), short(x.Notification.Value))
				}
				read[name] = setting{t.Response, &x.Notification}
				delete(kept, name)
			}
		}
	})
}

func typeChanges(p *Pass) {
	defer p.types.empty()
	p.eachAnswered(func(t *cwmp.Transaction) {
		if a, ok := t.Response.Args.(*cwmp.GetParameterValuesResponse); ok {
			p.types.add(a.ParameterList.Items)
		}
	})
	if !p.types.differ() {
		return
	}
	done := false
	seen := map[string]string{}
	p.eachAnswered(func(t *cwmp.Transaction) {
		a, ok := t.Response.Args.(*cwmp.GetParameterValuesResponse)
		if !ok || done {
			return
		}
		for i := range a.ParameterList.Items {
			x := &a.ParameterList.Items[i]
			name, now := x.Name.Value, typeName(x.Value.XSIType)
			if was := seen[name]; was != "" && now != "" && !sameTypes(was, now) && !done {
				done = true
				p.report(CPE, atLeaf(t.Response, &x.Value), "%s was of type %s, and is of type %s", short(name), short(was), short(now))
			}
			if len(seen) < 4096 {
				seen[name] = now
			}
		}
	})
}

// seenTypes tells whether a parameter may have two types in a session. Names come object
// by object, and mostly in the same order again.
type seenTypes struct {
	lists   [][]cwmp.ParameterValueStruct // the answers, those that are like another aside
	objects []int32                       // by a part of the hash of an object: the last run of names in one, counted from 1
	runs    []namesRun
	looks   int // how many names were compared
}

// namesRun is names of the same object behind each other in a list.
type namesRun struct {
	list   []cwmp.ParameterValueStruct
	object uint64 // its hash
	before int32  // the run before it with the same part of it, counted from 1
}

func (k *seenTypes) empty() {
	const few = 4096
	clear(k.runs)
	clear(k.lists)
	if k.lists, k.runs, k.looks = k.lists[:0], k.runs[:0], 0; cap(k.runs) > few {
		k.runs, k.objects = nil, nil
	}
}

// add takes an answer.
func (k *seenTypes) add(list []cwmp.ParameterValueStruct) {
	for i := max(0, len(k.lists)-4); i < len(k.lists); i++ {
		if sameNames(k.lists[i], list) {
			return
		}
	}
	k.lists = append(k.lists, list)
}

// sameNames says whether two lists have the same names and types in the same order.
func sameNames(a, b []cwmp.ParameterValueStruct) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name.Value != b[i].Name.Value || a[i].Value.XSIType != b[i].Value.XSIType {
			return false
		}
	}
	return true
}

// differ says whether an answer may have another type of a parameter than one before it.
func (k *seenTypes) differ() bool {
	if len(k.lists) < 2 {
		return false
	}
	clear(k.objects)
	return slices.ContainsFunc(k.lists, k.differs)
}

// differs is differ of one answer and those before it.
func (k *seenTypes) differs(list []cwmp.ParameterValueStruct) bool {
	for len(list) > 0 {
		name := list[0].Name.Value
		object := name[:strings.LastIndexByte(name, '.')+1]
		n := 1
		for n < len(list) {
			if rest, in := strings.CutPrefix(list[n].Name.Value, object); !in || strings.IndexByte(rest, '.') >= 0 {
				break
			}
			n++
		}
		h := maphash.String(nameSeed, object)
		if len(k.runs) >= len(k.objects) {
			k.grow()
		}
		for r := *k.last(h); r > 0; r = k.runs[r-1].before {
			if old := &k.runs[r-1]; old.object == h && k.unlike(old.list, list[:n]) {
				return true
			}
		}
		k.runs = append(k.runs, namesRun{list: list[:n], object: h})
		k.link(len(k.runs))
		list = list[n:]
	}
	return false
}

// last is the last run of names in an object, or in one with the same part of its hash.
func (k *seenTypes) last(object uint64) *int32 { return &k.objects[object%uint64(len(k.objects))] }

// link makes a run, counted from 1, the last one in its object.
func (k *seenTypes) link(run int) {
	x := &k.runs[run-1]
	last := k.last(x.object)
	x.before, *last = *last, int32(run)
}

// grow makes room for more runs.
func (k *seenTypes) grow() {
	k.objects = make([]int32, max(256, 4*len(k.objects)))
	for run := range k.runs {
		k.link(run + 1)
	}
}

// unlike says whether a parameter may be in two lists, and have two types.
func (k *seenTypes) unlike(old, list []cwmp.ParameterValueStruct) bool {
	const most = 1 << 20
	for i := range list {
		x, at := &list[i], i
		if i >= len(old) || old[i].Name.Value != x.Name.Value {
			at = indexOf(old, x.Name.Value)
			if k.looks += len(old); k.looks > most {
				return true
			}
		}
		if at >= 0 && old[at].Value.XSIType != x.Value.XSIType && typeName(old[at].Value.XSIType) != typeName(x.Value.XSIType) {
			return true
		}
	}
	return false
}

// indexOf is where a name stands in a list, -1 where it doesn't. The items are large, and
// not copied one by one as slices.IndexFunc does.
func indexOf(list []cwmp.ParameterValueStruct, name string) int {
	for i := range list {
		if list[i].Name.Value == name {
			return i
		}
	}
	return -1
}

func faultsMissing(p *Pass) {
	p.learning(ofReadOnly, func(t *cwmp.Transaction, k *learnt) {
		a, ok := t.Request.Args.(*cwmp.SetParameterValues)
		if !ok || t.Response.Kind != cwmp.Fault || t.Response.Fault == nil || t.Response.FaultCode() != "9003" || len(t.Response.Fault.Parameters) == 0 {
			return
		}
		for i := range a.ParameterList.Items {
			name := strings.TrimSpace(a.ParameterList.Items[i].Name.Value)
			m := k.readOnly[name]
			told := slices.ContainsFunc(t.Response.Fault.Parameters, func(f cwmp.SetParameterValuesFault) bool { return strings.TrimSpace(f.ParameterName.Value) == name })
			if m != nil && !told {
				p.reportWith(Warning, CPE, atMethod(t.Response), []*cwmp.Message{m, t.Request}, "%s is read-only, and the Fault doesn't say so", short(name))
				return
			}
		}
	})
}

func knownName(p *Pass) {
	p.learning(ofNames, func(t *cwmp.Transaction, k *learnt) {
		if q, ok := t.Request.Args.(*cwmp.DeleteObject); ok {
			for name := range k.names {
				if strings.HasPrefix(name, q.ObjectName.Value) {
					delete(k.names, name)
				}
			}
			return
		}
		q, ok := t.Request.Args.(*cwmp.GetParameterValues)
		if !ok || t.Response.Kind != cwmp.Fault || t.Response.FaultCode() != "9005" || len(q.ParameterNames.Items) == 0 {
			return
		}
		var m *cwmp.Message
		for i := range q.ParameterNames.Items {
			name := q.ParameterNames.Items[i].Value
			if m = k.names[name]; m == nil || isRestless(name) {
				return
			}
		}
		p.reportWith(Warning, CPE, atMethod(t.Response), []*cwmp.Message{m, t.Request}, "%s is refused with 9005, and was listed before", short(q.ParameterNames.Items[0].Value))
	})
}

func afterNoVersion(p *Pass) {
	var refused *cwmp.Message
	for _, m := range p.Session.Messages {
		if refused != nil && m.From == cwmp.CPE && m.Kind != cwmp.Empty && !m.Resend {
			p.reportWith(Warning, CPE, message(m), []*cwmp.Message{refused}, "The session goes on with %s after fault 8006", name(m))
			return
		}
		if m.From == cwmp.ACS && m.FaultCode() == "8006" {
			refused = m
		}
	}
}

func otherComplete(p *Pass) {
	for _, t := range p.Session.Transactions {
		if t.Response == nil || t.Response.Kind != cwmp.Response {
			continue
		}
		q, a := t.Request.RPC, t.Response.RPC
		if q == "TransferComplete" && a == "AutonomousTransferCompleteResponse" || q == "AutonomousTransferComplete" && a == "TransferCompleteResponse" {
			p.reportWith(Error, ACS, atMethod(t.Response), []*cwmp.Message{t.Request}, "%s is answered with %s", q, a)
		}
	}
}

func notAutonomous(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, _ []history.Event) {
		for _, t := range p.Session.Transactions {
			a, ok := t.Request.Args.(*cwmp.AutonomousTransferComplete)
			if !ok || a.TransferURL.Value == "" {
				continue
			}
			for i := range d.Commands {
				if c := &d.Commands[i]; c.URL == a.TransferURL.Value && !c.AtOnce {
					p.reportPast(Warning, CPE, atLeaf(t.Request, &a.TransferURL), []Ref{ofCommand(c)}, "AutonomousTransferComplete is of the file of a %s that is outstanding", c.Method)
					break
				}
			}
		}
	})
}

func queued(p *Pass) {
	p.past(func(d *history.Device, _ *cwmp.Inform, _ []history.Event) {
		for _, t := range p.Session.Transactions {
			if t.Response == nil {
				continue
			}
			check := func(key, state *cwmp.Leaf) {
				if n, ok := state.Int(); state.Present && (!ok || n < 1 || n > 3) {
					p.report(CPE, atLeaf(t.Response, state), "The State of a queued transfer is %s", quote(state.Value))
				} else if d.Birth && key.Value != "" && d.Find(key.Value, transfers...) == nil && !p.askedHere(key.Value) {
					p.report(CPE, atLeaf(t.Response, key), "A transfer with the CommandKey %s is queued, and none is outstanding", quote(key.Value))
				}
			}
			switch a := t.Response.Args.(type) {
			case *cwmp.GetQueuedTransfersResponse:
				for i := range a.TransferList.Items {
					check(&a.TransferList.Items[i].CommandKey, &a.TransferList.Items[i].State)
				}
			case *cwmp.GetAllQueuedTransfersResponse:
				for i := range a.TransferList.Items {
					check(&a.TransferList.Items[i].CommandKey, &a.TransferList.Items[i].State)
				}
			}
		}
	})
}

func keyAfterDownload(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		key, ok := history.Parameter(in, ".ManagementServer.ParameterKey")
		if !ok || !d.Last.HasKey || d.Expected != d.Last.ParameterKey || key == d.Last.ParameterKey || !quiet(p, d, events) || d.Refused != "" && key == d.Refused {
			return
		}
		for i := range d.Commands {
			if c := &d.Commands[i]; c.Method == "Download" && c.Session == d.Last.ID && !strings.HasPrefix(c.FileType, "3 ") {
				p.reportPast(Warning, CPE, p.atParameter(".ManagementServer.ParameterKey"), []Ref{ofCommand(c)}, "ParameterKey was %s and is %s after a Download", quote(d.Last.ParameterKey), quote(key))
				return
			}
		}
	})
}

func deviceInfo(p *Pass) {
	in := p.Session.Inform
	if in == nil || openNow(in)&WholeBody == 0 {
		return
	}
	id, ok := in.Args.(*cwmp.Inform)
	if !ok {
		return
	}
	if p.Session.Root == "" {
		return
	}
	prefix := p.Session.Root + "DeviceInfo."
	wants := map[string]*cwmp.Leaf{"Manufacturer": &id.DeviceID.Manufacturer, "ManufacturerOUI": &id.DeviceID.OUI, "ProductClass": &id.DeviceID.ProductClass, "SerialNumber": &id.DeviceID.SerialNumber}
	p.eachAnswered(func(t *cwmp.Transaction) {
		a, ok := t.Response.Args.(*cwmp.GetParameterValuesResponse)
		if !ok {
			return
		}
		for i := range a.ParameterList.Items {
			x := &a.ParameterList.Items[i]
			name, ok := strings.CutPrefix(x.Name.Value, prefix)
			if !ok {
				continue
			}
			l := wants[name]
			if l == nil || strings.TrimSpace(l.Value) == strings.TrimSpace(x.Value.Value) || name == "ManufacturerOUI" && strings.EqualFold(l.Value, x.Value.Value) {
				continue
			}
			p.reportWith(Warning, CPE, atLeaf(t.Response, &x.Value), []*cwmp.Message{in}, "DeviceInfo.%s is %s, and DeviceId has %s", name, quote(x.Value.Value), quote(l.Value))
			delete(wants, name)
		}
	})
}

func cloned(p *Pass) {
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		if history.Has(events, "0 BOOTSTRAP") || history.Has(events, "1 BOOT") || history.Has(events, "4 VALUE CHANGE") || len(p.Session.Conns) == 0 || !d.Address.IsValid() || d.Sessions < 2 {
			return
		}
		from := p.Session.Conns[0].Client.Addr().Unmap()
		s, known := d.Value(".ManagementServer.ConnectionRequestURL")
		now, ok := history.Parameter(in, ".ManagementServer.ConnectionRequestURL")
		if _, other := otherSoftware(d, in); other && from != d.Address && known && ok && now != s.Value {
			p.reportPast(Warning, CPE, atMethod(p.Session.Inform), []Ref{ofPast(&d.Last)}, "The device called from %s before, with another software and ConnectionRequestURL, and has not booted", d.Address)
		}
	})
}
