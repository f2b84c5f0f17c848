package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"informant/decode/cwmp"
)

// rpcCourse is the checks of what RPCs of one session say of each other.
var rpcCourse = []*Check{
	{
		ID: "RPC-007", Title: "The next level of a parameter is refused", Ref: "TR-069a6 A.3.2.3", Severity: Error, Gates: Counterpart | WholeBody, each: true, body: true, need: typed, odd: listing, only: tellsNames, Run: levelOfParameter,
		Doc: "A parameter has nothing below it: GetParameterNames with its full name and NextLevel true is answered with fault 9003.",
	},
	{
		ID: "RPC-008", Title: "The next level is the children of the object, without it", Ref: "TR-069a6 A.3.2.3", Severity: Error, Gates: Counterpart | WholeBody, each: true, body: true, need: typed, odd: listing, only: tellsNames, Run: nextLevel,
		Doc: "With NextLevel true the answer has the names that are one node longer than the path, neither the object itself nor what is further below. Names elsewhere are RPC-010.",
	},
	{
		ID: "RPC-009", Title: "All levels are the object itself and everything below it", Ref: "TR-069a6 A.3.2.3", Severity: Error, Gates: Counterpart | WholeBody, each: true, body: true, need: typed, odd: listing, only: tellsNames, Run: allLevels,
		Doc: "With NextLevel false the answer begins with the object that was asked for, and has the object of each name in it; of a parameter it has that parameter alone.",
	},
	{
		ID: "RPC-013", Title: "Names and values of a path agree", Ref: "TR-069a6 A.3.2.2, A.3.2.3", Severity: Warning, Gates: Counterpart, Subject: OfSession, course: discovers, all: reads, Run: namesAndValues,
		Doc: "What GetParameterNames lists below a path GetParameterValues has values of, and the other way round, while nothing was added or deleted. Tables that change by themselves (hosts, statistics) are not compared.",
	},
	{
		ID: "RPC-015", Title: "A CPE refuses SetParameterValues with a name twice", Ref: "TR-069a6 A.3.2.1", Severity: Error, Gates: Counterpart, Subject: OfSession, odd: twice, Run: twiceTaken,
		Doc: "The answer is fault 9003: which of the two values counts nobody can know. That the ACS asked for it is RPC-014.",
	},
	{
		ID: "RPC-019", Title: "A value that was set with Status 0 reads back", Ref: "TR-069a6 A.3.2.1", Severity: Error, Gates: Counterpart, Subject: OfSession, course: sets, all: reads, Run: readBack,
		Doc: "Status 0 says that it is in force. Secrets, states of diagnostics and what triggers something are not compared, nor how a value is written.",
	},
	{
		ID: "RPC-020", Title: "A SetParameterValues that was refused changes nothing", Ref: "TR-069a6 A.3.2.1", Severity: Error, Gates: Counterpart, Subject: OfSession, course: sets, all: failing | reads, Run: refusedAndDone,
		Doc: "It is all or nothing: a value that was in a refused request and is read later in the session, though another one was read before, was set all the same.",
	},
	{
		ID: "RPC-028", Title: "DeleteObject leaves the numbers of other instances", Ref: "TR-069a6 A.3.2.7", Severity: Error, Gates: Counterpart, Subject: OfSession, course: makes, Run: othersRenumbered,
		Doc: "Instance numbers are for life. They are compared where the same table was listed before and after.",
	},
	{
		ID: "RPC-029", Title: "What was deleted is gone, and what was added is there", Ref: "TR-069a6 A.3.2.6, A.3.2.7", Severity: Error, Gates: Counterpart, Subject: OfSession, course: makes, Run: addedAndDeleted,
		Doc: "Status 0 says that it is done: answers later in the session have to show it.",
	},
	{
		ID: "RPC-032", Title: "A notification that was set reads back", Ref: "TR-069a6 A.3.2.4", Severity: Error, Gates: Counterpart, Subject: OfSession, course: notifies, Run: notificationBack,
		Doc: "With NotificationChange true the Notification is in force with the answer, and GetParameterAttributes shows it.",
	},
	{
		ID: "RPC-055", Title: "The whole data model is refused as too much", Ref: "TR-069a6 A.3.2.2", Severity: Warning, Gates: Counterpart | WholeBody, each: true, body: true, need: aFault, Run: wholeRefused,
		Doc: "A CPE that can't answer GetParameterValues of everything says 9004 (resources exceeded), by which the ACS knows to ask for less.",
	},
	{
		ID: "RPC-056", Title: "A full table is told as 9004", Ref: "TR-069a6 A.3.2.6", Severity: Info, Gates: Counterpart | WholeBody, each: true, body: true, need: aFault, Run: tableFull,
		Doc: "AddObject beyond the limit of a table is refused with 9004 (resources exceeded). By 9001 or 9002 an ACS can't tell it from other failures.",
	},
	{
		ID: "FLT-022", Title: "The same request doesn't fail inside again and again", Ref: "TR-069a6 A.5", Severity: Warning, Gates: Counterpart, Subject: OfSession, course: failing, Run: failsAgain,
		Doc: "9002 and 8002 are internal errors. Three of them to the same request are a defect of the side that answers, or a request that it can't read.",
	},
	{
		ID: "FLT-025", Title: "A refusal has a reason that can be seen", Ref: "no standard: interoperability", Severity: Info, Gates: Counterpart, Subject: OfSession, course: failing, Run: refusedUnseen,
		Doc: "A request was refused as invalid, or failed inside (9002, 9003, 8002, 8003), nothing was found wrong with it, and the Fault names no parameter. What stands empty in it is told: some peers take no empty element. Compare it with one that went well.",
	},
}

// eachAnswered calls f for each request of the ACS in the session that was answered, in
// order. Where one of them is not whole, what was said is not known, and it calls for
// none.
func (p *Pass) eachAnswered(f func(t *cwmp.Transaction)) {
	for _, t := range p.Session.Transactions {
		if t.Caller == cwmp.ACS && (t.Response == nil || openNow(t.Request)&openNow(t.Response)&WholeBody == 0) {
			return
		}
	}
	for _, t := range p.Session.Transactions {
		if t.Caller == cwmp.ACS {
			f(t)
		}
	}
}

// namesAnswered is what a GetParameterNamesResponse answers: the request, and what it lists.
func (p *Pass) namesAnswered() (q *cwmp.GetParameterNames, a *cwmp.GetParameterNamesResponse, request *cwmp.Message) {
	a, ok := p.Message.Args.(*cwmp.GetParameterNamesResponse)
	t := p.transaction()
	if !ok || t == nil {
		return nil, nil, nil
	}
	q, ok = t.Request.Args.(*cwmp.GetParameterNames)
	if !ok || strings.ContainsAny(q.ParameterPath.Value, "[*") {
		return nil, nil, nil
	}
	return q, a, t.Request
}

func levelOfParameter(p *Pass) {
	q, _, request := p.namesAnswered()
	if q == nil {
		return
	}
	path := q.ParameterPath.Value
	if next, ok := q.NextLevel.Bool(); ok && next && path != "" && !strings.HasSuffix(path, ".") {
		p.reportWith(Error, CPE, atMethod(p.Message), []*cwmp.Message{request}, "The next level of the parameter %s was asked for, and answered", short(path))
	}
}

func nextLevel(p *Pass) {
	if p.isClean(cleanNext) {
		return
	}
	q, a, request := p.namesAnswered()
	if q == nil {
		return
	}
	path := q.ParameterPath.Value
	if next, ok := q.NextLevel.Bool(); !ok || !next || path != "" && !strings.HasSuffix(path, ".") {
		return
	}
	n := 0
	var first *cwmp.Leaf
	for i := range a.ParameterList.Items {
		l := &a.ParameterList.Items[i].Name
		rest, below := strings.CutPrefix(strings.TrimSpace(l.Value), path)
		if !below || rest != "" && !strings.Contains(strings.TrimSuffix(rest, "."), ".") {
			continue
		}
		if n++; first == nil {
			first = l
		}
	}
	if first != nil {
		p.reportWith(Error, CPE, atLeaf(p.Message, first), []*cwmp.Message{request}, "The next level of %s has %s%s", shownPath(path), short(first.Value), more(n))
	} else {
		p.noteClean(cleanNext)
	}
}

// shownPath is a path, and the empty one in words.
func shownPath(path string) string {
	if path == "" {
		return "the whole data model"
	}
	return short(path)
}

func allLevels(p *Pass) {
	if p.isClean(cleanLevels) {
		return
	}
	q, a, request := p.namesAnswered()
	if q == nil {
		return
	}
	path := q.ParameterPath.Value
	next, ok := q.NextLevel.Bool()
	list := a.ParameterList.Items
	if !ok || next || len(list) == 0 {
		return
	}
	if path != "" && !strings.HasSuffix(path, ".") {
		if len(list) > 1 {
			p.reportWith(Error, CPE, atLeaf(p.Message, &list[1].Name), []*cwmp.Message{request}, "%s is a parameter, and the answer has %s", short(path), plural(len(list), "name"))
		}
		return
	}
	if inDepth(list, path) {
		p.noteClean(cleanLevels)
		return
	}
	objects := map[string]bool{path: path == ""}
	for i := range list {
		if name := strings.TrimSpace(list[i].Name.Value); strings.HasSuffix(name, ".") {
			objects[name] = true
		}
	}
	if path != "" && !objects[path] {
		p.reportWith(Error, CPE, atMethod(p.Message), []*cwmp.Message{request}, "The answer to %s doesn't have the object itself", short(path))
		objects[path] = true
	}
	n, before := 0, path
	var first *cwmp.Leaf
	for i := range list {
		name := strings.TrimSpace(list[i].Name.Value)
		up := name[:strings.LastIndexByte(strings.TrimSuffix(name, "."), '.')+1]
		if up == before || up == "" || !strings.HasPrefix(name, path) || name == path || objects[up] {
			before = up
			continue
		}
		objects[up] = true // once for each
		if n++; first == nil {
			first = &list[i].Name
		}
	}
	if first != nil {
		p.reportWith(Error, CPE, atLeaf(p.Message, first), []*cwmp.Message{request}, "The answer to %s has %s, and not the object that it is in%s", shownPath(path), short(first.Value), more(n))
	}
}

// inDepth says whether a list of names below a path has the object of each name before it,
// as it is told where one goes through a data model in depth. Nothing is missing then.
func inDepth(list []cwmp.ParameterInfoStruct, path string) bool {
	var room [16]string
	in := room[:0] // the objects that were told, each in the one before it
	whole := path == ""
	for i := range list {
		name := list[i].Name.Value
		if name == path {
			whole = true
			continue
		}
		up := name[:strings.LastIndexByte(strings.TrimSuffix(name, "."), '.')+1]
		if name != trimmed(name) {
			return false
		}
		for len(in) > 0 && !strings.HasPrefix(up, in[len(in)-1]) {
			in = in[:len(in)-1]
		}
		switch n := len(in); {
		case n > 0 && in[n-1] == up: // which is below the path
		case up != path || !strings.HasPrefix(name, path):
			return false
		}
		if name[len(name)-1] == '.' {
			in = append(in, name)
		}
	}
	return whole
}

// restless are parts of names whose tables change by themselves.
var restless = []string{".Host.", ".Hosts.", "Stats.", "AssociatedDevice.", ".Neighbor", "ActiveCall", ".DHCP", "LeaseTime", "DynamicHost", ".Result.", "Log."}

func isRestless(name string) bool {
	return slices.ContainsFunc(restless, func(part string) bool { return strings.Contains(name, part) })
}

func namesAndValues(p *Pass) {
	type said struct {
		t     *cwmp.Transaction
		names map[string]bool
	}
	known := map[string]said{}
	p.eachAnswered(func(t *cwmp.Transaction) {
		switch q := t.Request.Args.(type) {
		case *cwmp.AddObject, *cwmp.DeleteObject:
			clear(known)
		case *cwmp.GetParameterNames:
			a, ok := t.Response.Args.(*cwmp.GetParameterNamesResponse)
			if next, isFlag := q.NextLevel.Bool(); !ok || !isFlag || next || !strings.HasSuffix(q.ParameterPath.Value, ".") {
				return
			}
			names := map[string]bool{}
			for i := range a.ParameterList.Items {
				if name := strings.TrimSpace(a.ParameterList.Items[i].Name.Value); !strings.HasSuffix(name, ".") {
					names[name] = true
				}
			}
			known[q.ParameterPath.Value] = said{t, names}
		case *cwmp.GetParameterValues:
			a, ok := t.Response.Args.(*cwmp.GetParameterValuesResponse)
			if !ok || len(q.ParameterNames.Items) != 1 {
				return
			}
			path := q.ParameterNames.Items[0].Value
			listed, there := known[path]
			if !there {
				return
			}
			values, extra, lacks := map[string]bool{}, "", ""
			n := 0
			for i := range a.ParameterList.Items {
				name := strings.TrimSpace(a.ParameterList.Items[i].Name.Value)
				values[name] = true
				if !listed.names[name] && strings.HasPrefix(name, path) && !isRestless(name) {
					if n++; extra == "" {
						extra = name
					}
				}
			}
			for name := range listed.names {
				if !values[name] && strings.HasPrefix(name, path) && !isRestless(name) {
					if n++; lacks == "" || name < lacks {
						lacks = name
					}
				}
			}
			what := ""
			switch {
			case lacks != "":
				what = short(lacks) + " has a name and no value"
			case extra != "":
				what = short(extra) + " has a value and no name"
			default:
				return
			}
			p.reportWith(Warning, CPE, atMethod(t.Response), []*cwmp.Message{listed.t.Response}, "Below %s %s%s", short(path), what, more(n))
		}
	})
}

func twiceTaken(p *Pass) {
	p.eachAnswered(func(t *cwmp.Transaction) {
		a, ok := t.Request.Args.(*cwmp.SetParameterValues)
		if !ok || t.Response.Kind != cwmp.Response {
			return
		}
		seen := map[string]bool{}
		for i := range a.ParameterList.Items {
			name := a.ParameterList.Items[i].Name.Value
			if seen[name] {
				p.reportWith(Error, CPE, atMethod(t.Response), []*cwmp.Message{t.Request}, "SetParameterValues had %s twice, and was done", short(name))
				return
			}
			seen[name] = true
		}
	})
}

// readsBack says whether what was set is expected to read back.
func readsBack(name string) bool {
	if cwmp.IsSecret(name) {
		return false
	}
	node, _ := lastNode(name)
	for _, part := range []string{"DiagnosticsState", "Reset", "Reboot", "Trigger", "Password", "Counter", "Time", "Alias"} {
		if strings.Contains(node, part) {
			return false
		}
	}
	return !isRestless(name)
}

// sameValue says whether two values are one, in whatever form.
func sameValue(a, b *cwmp.Leaf) bool {
	x, y := strings.TrimSpace(a.Value), strings.TrimSpace(b.Value)
	if strings.EqualFold(x, y) {
		return true
	}
	flag := func(v string) string {
		switch strings.ToLower(v) {
		case "1", "true":
			return "1"
		case "0", "false":
			return "0"
		}
		return v
	}
	if typeName(a.XSIType) == "boolean" || typeName(b.XSIType) == "boolean" {
		return flag(x) == flag(y)
	}
	n, errN := strconv.ParseFloat(x, 64)
	k, errK := strconv.ParseFloat(y, 64)
	if errN == nil && errK == nil {
		return n == k
	}
	return strings.Join(strings.Fields(x), " ") == strings.Join(strings.Fields(y), " ")
}

// setting is a value that was set, and where.
type setting struct {
	m *cwmp.Message
	l *cwmp.Leaf
}

func readBack(p *Pass) {
	set := map[string]setting{}
	p.eachAnswered(func(t *cwmp.Transaction) {
		switch q := t.Request.Args.(type) {
		case *cwmp.SetParameterValues:
			a, ok := t.Response.Args.(*cwmp.SetParameterValuesResponse)
			for i := range q.ParameterList.Items {
				x := &q.ParameterList.Items[i]
				if name := strings.TrimSpace(x.Name.Value); ok && strings.TrimSpace(a.Status.Value) == "0" && readsBack(name) {
					set[name] = setting{t.Request, &x.Value}
				} else if ok {
					delete(set, name)
				}
			}
		case *cwmp.AddObject, *cwmp.DeleteObject, *cwmp.FactoryReset, *cwmp.Download:
			clear(set)
		case *cwmp.GetParameterValues:
			a, ok := t.Response.Args.(*cwmp.GetParameterValuesResponse)
			if !ok || len(set) == 0 {
				return
			}
			for i := range a.ParameterList.Items {
				x := &a.ParameterList.Items[i]
				name := strings.TrimSpace(x.Name.Value)
				if was, there := set[name]; there && !sameValue(was.l, &x.Value) {
					p.reportWith(Error, CPE, atLeaf(t.Response, &x.Value), []*cwmp.Message{was.m}, "%s was set to %s with Status 0, and reads %s", short(name), shown(name, was.l.Value), shown(name, x.Value.Value))
					delete(set, name)
				}
			}
		}
	})
}

func refusedAndDone(p *Pass) {
	if !slices.ContainsFunc(p.Session.Transactions, func(t *cwmp.Transaction) bool {
		return t.Response != nil && t.Response.Kind == cwmp.Fault && t.Request.RPC == "SetParameterValues"
	}) {
		return
	}
	before, refused := map[string]*cwmp.Leaf{}, map[string]setting{}
	set := p.namesSet() // of others nothing need be known
	if p.Session.Inform != nil {
		for i, list := 0, parameters(p.Session.Inform); i < len(list); i++ {
			if name := list[i].Name.Value; set&bitOf(name) != 0 {
				before[name] = &list[i].Value
			}
		}
	}
	p.eachAnswered(func(t *cwmp.Transaction) {
		switch q := t.Request.Args.(type) {
		case *cwmp.SetParameterValues:
			for i := range q.ParameterList.Items {
				x := &q.ParameterList.Items[i]
				name := strings.TrimSpace(x.Name.Value)
				was := before[name]
				if t.Response.Kind == cwmp.Fault && was != nil && !sameValue(was, &x.Value) && readsBack(name) {
					refused[name] = setting{t.Request, &x.Value}
				} else {
					delete(refused, name)
				}
				if t.Response.Kind == cwmp.Response {
					delete(before, name)
				}
			}
		case *cwmp.GetParameterValues:
			a, ok := t.Response.Args.(*cwmp.GetParameterValuesResponse)
			if !ok {
				return
			}
			for i := range a.ParameterList.Items {
				x := &a.ParameterList.Items[i]
				name := trimmed(x.Name.Value)
				if set&bitOf(name) == 0 {
					continue
				}
				if r, there := refused[name]; there && sameValue(r.l, &x.Value) {
					p.reportWith(Error, CPE, atLeaf(t.Response, &x.Value), []*cwmp.Message{r.m}, "The SetParameterValues of %s was refused, and it has the value %s now", short(name), shown(name, x.Value.Value))
					delete(refused, name)
				}
				before[name] = &x.Value
			}
		}
	})
}

// instancesIn are the numbers of the instances of a table in a list of names.
func instancesIn(a *cwmp.GetParameterNamesResponse, table string) map[string]bool {
	found := map[string]bool{}
	for i := range a.ParameterList.Items {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(a.ParameterList.Items[i].Name.Value), table); ok {
			if n, _, ok := strings.Cut(rest, "."); ok && digits(n) {
				found[n] = true
			}
		}
	}
	return found
}

func othersRenumbered(p *Pass) {
	type listing struct {
		m       *cwmp.Message
		numbers map[string]bool
	}
	tables := map[string]listing{}
	deleted := map[string]*cwmp.Message{}
	p.eachAnswered(func(t *cwmp.Transaction) {
		switch q := t.Request.Args.(type) {
		case *cwmp.AddObject:
			delete(tables, q.ObjectName.Value)
			delete(deleted, q.ObjectName.Value)
		case *cwmp.DeleteObject:
			node, dot := lastNode(q.ObjectName.Value)
			table := strings.TrimSuffix(q.ObjectName.Value, node+".")
			was, listed := tables[table]
			if a, ok := t.Response.Args.(*cwmp.DeleteObjectResponse); dot && listed && ok && strings.TrimSpace(a.Status.Value) == "0" {
				delete(was.numbers, node)
				deleted[table] = t.Request
			} else {
				delete(tables, table)
			}
		case *cwmp.GetParameterNames:
			a, ok := t.Response.Args.(*cwmp.GetParameterNamesResponse)
			table := q.ParameterPath.Value
			if !ok || !strings.HasSuffix(table, ".") || isRestless(table) {
				return
			}
			now := instancesIn(a, table)
			if was, listed := tables[table]; listed && deleted[table] != nil {
				for n := range was.numbers {
					if !now[n] {
						p.reportWith(Error, CPE, atMethod(t.Response), []*cwmp.Message{was.m, deleted[table]}, "Instance %s of %s is gone, and another one was deleted", n, short(table))
						break
					}
				}
			}
			tables[table] = listing{t.Response, now}
			delete(deleted, table)
		}
	})
}

func addedAndDeleted(p *Pass) {
	type deleted struct {
		path string
		m    *cwmp.Message
	}
	var gone []deleted // an object that was deleted, once
	there := map[string]*cwmp.Message{}
	back := func(path string) {
		gone = slices.DeleteFunc(gone, func(d deleted) bool { return d.path == path })
	}
	seen := func(t *cwmp.Transaction, name string, at *cwmp.Leaf) {
		for _, d := range gone {
			if strings.HasPrefix(name, d.path) {
				p.reportWith(Error, CPE, atLeaf(t.Response, at), []*cwmp.Message{d.m}, "%s was deleted with Status 0, and the answer has %s", short(d.path), short(name))
				back(d.path)
				return
			}
		}
	}
	p.eachAnswered(func(t *cwmp.Transaction) {
		switch q := t.Request.Args.(type) {
		case *cwmp.AddObject:
			if a, ok := t.Response.Args.(*cwmp.AddObjectResponse); ok {
				path := q.ObjectName.Value + strings.TrimSpace(a.InstanceNumber.Value) + "."
				back(path)
				if strings.TrimSpace(a.Status.Value) == "0" {
					there[path] = t.Response
				}
			}
		case *cwmp.DeleteObject:
			delete(there, q.ObjectName.Value)
			if a, ok := t.Response.Args.(*cwmp.DeleteObjectResponse); ok && strings.TrimSpace(a.Status.Value) == "0" && strings.HasSuffix(q.ObjectName.Value, ".") {
				back(q.ObjectName.Value)
				gone = append(gone, deleted{q.ObjectName.Value, t.Request})
			}
		case *cwmp.FactoryReset:
			clear(there)
			gone = nil
		case *cwmp.GetParameterValues:
			if a, ok := t.Response.Args.(*cwmp.GetParameterValuesResponse); ok && len(gone) > 0 {
				for i := range a.ParameterList.Items {
					seen(t, trimmed(a.ParameterList.Items[i].Name.Value), &a.ParameterList.Items[i].Name)
				}
			}
		case *cwmp.GetParameterNames:
			a, ok := t.Response.Args.(*cwmp.GetParameterNamesResponse)
			if !ok {
				return
			}
			if len(gone) > 0 {
				for i := range a.ParameterList.Items {
					seen(t, trimmed(a.ParameterList.Items[i].Name.Value), &a.ParameterList.Items[i].Name)
				}
			}
			for path, m := range there {
				table := path[:strings.LastIndexByte(strings.TrimSuffix(path, "."), '.')+1]
				if q.ParameterPath.Value != table {
					continue
				}
				node, _ := lastNode(path)
				if !instancesIn(a, table)[node] {
					p.reportWith(Error, CPE, atMethod(t.Response), []*cwmp.Message{m}, "%s was added with Status 0, and the table's names don't have it", short(path))
				}
				delete(there, path)
			}
		}
	})
}

func notificationBack(p *Pass) {
	set := map[string]setting{}
	p.eachAnswered(func(t *cwmp.Transaction) {
		switch q := t.Request.Args.(type) {
		case *cwmp.SetParameterAttributes:
			for i := range q.ParameterList.Items {
				x := &q.ParameterList.Items[i]
				name := strings.TrimSpace(x.Name.Value)
				change, _ := x.NotificationChange.Bool()
				switch {
				case t.Response.Kind != cwmp.Response || !change:
				case strings.HasSuffix(name, "."):
					for known := range set {
						if strings.HasPrefix(known, name) {
							delete(set, known)
						}
					}
				default:
					set[name] = setting{t.Request, &x.Notification}
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
				if was, there := set[name]; there && !sameValue(was.l, &x.Notification) {
					p.reportWith(Error, CPE, atLeaf(t.Response, &x.Notification), []*cwmp.Message{was.m}, "The Notification of %s was set to %s, and reads %s", short(name), short(was.l.Value), short(x.Notification.Value))
					delete(set, name)
				}
			}
		}
	})
}

func wholeRefused(p *Pass) {
	t := p.transaction()
	if t == nil || p.Message.From != cwmp.CPE {
		return
	}
	q, ok := t.Request.Args.(*cwmp.GetParameterValues)
	if !ok || len(q.ParameterNames.Items) != 1 {
		return
	}
	switch q.ParameterNames.Items[0].Value {
	case "", "Device.", "InternetGatewayDevice.":
	default:
		return
	}
	if code := p.Message.FaultCode(); code != "9004" && code != "" && (p.Session.Root == "" || q.ParameterNames.Items[0].Value == "" || q.ParameterNames.Items[0].Value == p.Session.Root) {
		p.reportWith(Warning, CPE, atMethod(p.Message), []*cwmp.Message{t.Request}, "All values were asked for, and refused with %s", code)
	}
}

func tableFull(p *Pass) {
	t := p.transaction()
	if t == nil || t.Request.RPC != "AddObject" || p.Message.Fault == nil {
		return
	}
	code := p.Message.FaultCode()
	text := strings.ToLower(p.Message.Fault.String.Value)
	if code != "9001" && code != "9002" || !slices.ContainsFunc([]string{"full", "limit", "maximum", "max ", "too many", "no more", "exceed"}, func(w string) bool { return strings.Contains(text, w) }) {
		return
	}
	p.report(CPE, atMethod(p.Message), "AddObject is refused with %s, and %s says that the table is full", code, quote(p.Message.Fault.String.Value))
}

func failsAgain(p *Pass) {
	counts := map[string]int{}
	for _, t := range p.Session.Transactions {
		if t.Response == nil || t.Response.Kind != cwmp.Fault || t.Request.Document == nil {
			continue
		}
		if code := t.Response.FaultCode(); code != "9002" && code != "8002" {
			continue
		}
		body := t.Request.Document.Text[min(t.Request.At.Start, len(t.Request.Document.Text)):min(t.Request.At.End, len(t.Request.Document.Text))]
		key := fmt.Sprint(t.Caller, body)
		if counts[key]++; counts[key] == 3 {
			p.report(by(t.Response.From), atMethod(t.Response), "The same %s has failed inside three times", t.Request.RPC)
		}
	}
}

func refusedUnseen(p *Pass) {
	for _, t := range p.Session.Transactions {
		if t.Response == nil || t.Response.Fault == nil || t.Request.Args == nil || openNow(t.Request)&openNow(t.Response)&WholeBody == 0 || len(t.Response.Fault.Parameters) > 0 {
			continue
		}
		switch t.Response.FaultCode() {
		case "9002", "9003", "8002", "8003":
		default:
			continue
		}
		odd := func(f Finding) bool {
			return f.At.N == t.Request.N && f.Severity >= Warning && Family(f.Check.ID) != "SEC" || f.At.N == t.Response.N && Family(f.Check.ID) == "RPC"
		}
		if slices.ContainsFunc(p.f.found, odd) || slices.ContainsFunc(p.f.sent, odd) || slices.ContainsFunc(p.out, odd) || !p.firstTime(t.Request.RPC) {
			continue
		}
		var empty []string
		leaves(t.Request.Args, func(m *cwmp.Member, l *cwmp.Leaf) {
			if l.Value == "" && m.Name != "FaultString" && !slices.Contains(empty, m.Name) {
				empty = append(empty, m.Name)
			}
		})
		text := ""
		if len(empty) > 0 {
			text = "; empty in it: " + strings.Join(empty, ", ")
		}
		p.reportWith(Info, Unknown, atMethod(t.Response), []*cwmp.Message{t.Request}, "%s is refused with %s, and nothing is found wrong with it%s", t.Request.RPC, t.Response.FaultCode(), text)
	}
}
