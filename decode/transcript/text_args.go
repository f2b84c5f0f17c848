package transcript

import (
	"strings"

	"informant/decode/cwmp"
	"informant/decode/soap"
)

// pair is a simple argument with its value as it is shown.
type pair struct{ name, value string }

// describeCall lays out a request or a response: simple arguments behind its
// name where there is room, else below it; lists below.
func (w *teller) describeCall(b *block, m *cwmp.Message) {
	name := m.RPC
	if m.Method.Space != "" && cwmp.Version(m.Method.Space) < 0 {
		name += " {" + m.Method.Space + "}"
	}
	title(b, bold, safe(name), m)
	var pairs []pair
	var lists []cwmp.Member
	switch a := m.Args.(type) {
	case nil:
	case *cwmp.Inform:
		pairs, lists = w.informArgs(a)
	default:
		pairs, lists = w.split("", a)
	}
	w.headers(&pairs, &m.Header)
	w.pairs(b, pairs)
	for _, l := range lists {
		w.list(b, l)
	}
	for _, x := range m.Extra {
		w.node(b, x.Path, x.Node, 0, false)
	}
}

// headers adds what stands in the SOAP header and changes the session.
func (w *teller) headers(ps *[]pair, h *cwmp.Header) {
	if x := h.HoldRequests; x != nil && (w.Verbose > 0 || strings.TrimSpace(x.Value) != "0" && strings.TrimSpace(x.Value) != "false") {
		*ps = append(*ps, pair{"HoldRequests", safe(strings.TrimSpace(x.Value))})
	}
	if x := h.NoMoreRequests; x != nil && (w.Verbose > 0 || strings.TrimSpace(x.Value) != "0" && strings.TrimSpace(x.Value) != "false") {
		*ps = append(*ps, pair{"NoMoreRequests", safe(strings.TrimSpace(x.Value))})
	}
	if w.Verbose == 0 {
		return
	}
	if x := h.SessionTimeout; x != nil {
		*ps = append(*ps, pair{"SessionTimeout", safe(strings.TrimSpace(x.Value))})
	}
	if x := h.SupportedCWMPVersions; x != nil {
		*ps = append(*ps, pair{"SupportedCWMPVersions", safe(strings.TrimSpace(x.Value))})
	}
	if x := h.UseCWMPVersion; x != nil {
		*ps = append(*ps, pair{"UseCWMPVersion", safe(strings.TrimSpace(x.Value))})
	}
	for _, x := range h.Other {
		*ps = append(*ps, pair{safe(x.Name.Local), w.value(x.Name.Local, x.Value)})
	}
}

// informArgs is what an Inform's line tells: its events stand in the header.
func (w *teller) informArgs(a *cwmp.Inform) ([]pair, []cwmp.Member) {
	if w.Verbose > 0 {
		return w.split("", a)
	}
	var ps []pair
	if v := strings.TrimSpace(a.RetryCount.Value); v != "" {
		ps = append(ps, pair{"RetryCount", safe(v)})
	}
	ps = append(ps, pair{"", count(len(a.ParameterList.Items), "parameter", "parameters")})
	return ps, nil
}

// split sorts the members of s into simple arguments and lists. Those of
// structs within it are named with its name before them.
func (w *teller) split(prefix string, s cwmp.Struct) (ps []pair, lists []cwmp.Member) {
	if p, ok := w.faultPair(s); ok {
		return p, nil
	}
	if p, ok := w.transferPairs(s); ok && w.Verbose == 0 {
		return p, nil
	}
	if op, ok := s.(*cwmp.OperationStruct); ok && op.Kind != "" {
		ps = append(ps, pair{"", safe(strings.TrimSuffix(op.Kind, "OpStruct"))})
	}
	for _, m := range s.Members() {
		switch v := m.Value.(type) {
		case *cwmp.Leaf:
			if w.tells(m.Name, v) {
				ps = append(ps, pair{prefix + m.Name, w.argument(m.Name, v)})
			}
		case cwmp.Array:
			if v.Info().Present || v.Len() > 0 {
				lists = append(lists, m)
			}
		case cwmp.Struct:
			if present(v) {
				p, l := w.split(prefix+m.Name+".", v)
				ps, lists = append(ps, p...), append(lists, l...)
			}
		}
	}
	return ps, lists
}

// tells says whether a simple argument is worth a word: without -v not when it
// is empty or says nothing, as an unknown time or a size of 0 do.
func (w *teller) tells(name string, l *cwmp.Leaf) bool {
	if !l.Present || w.Verbose > 0 {
		return l.Present
	}
	switch v := strings.TrimSpace(l.Value); v {
	case "", cwmp.UnknownTime:
		return false
	case "0":
		return name != "FileSize" && name != "DelaySeconds"
	case "1":
		return name != "MaxEnvelopes"
	}
	return true
}

// argument is a simple argument as it is shown.
func (w *teller) argument(name string, l *cwmp.Leaf) string {
	if l.Value == "" {
		return `""`
	}
	return w.value(name, l.Value)
}

// transferPairs tells what a TransferComplete says: which, how it ended, when.
func (w *teller) transferPairs(s cwmp.Struct) ([]pair, bool) {
	t, ok := s.(*cwmp.TransferComplete)
	if !ok {
		return nil, false
	}
	var ps []pair
	if t.CommandKey.Value != "" {
		ps = append(ps, pair{"CommandKey", safe(t.CommandKey.Value)})
	}
	if t.FaultStruct.Present {
		f, _ := w.faultPair(&t.FaultStruct)
		ps = append(ps, f...)
	}
	from, to := safe(strings.TrimSpace(t.StartTime.Value)), safe(strings.TrimSpace(t.CompleteTime.Value))
	if day, _, ok := strings.Cut(from, "T"); ok {
		to = strings.TrimPrefix(to, day+"T")
	}
	switch {
	case from != "" && from != cwmp.UnknownTime:
		ps = append(ps, pair{"", from + " – " + to})
	case to != "" && to != cwmp.UnknownTime:
		ps = append(ps, pair{"CompleteTime", to})
	}
	return ps, true
}

// faultPair tells a FaultStruct: "fault 9010 "Download failure"", or nothing
// where code 0 says that all went well.
func (w *teller) faultPair(s cwmp.Struct) ([]pair, bool) {
	var code, said string
	switch f := s.(type) {
	case *cwmp.FaultStruct:
		code, said = strings.TrimSpace(f.FaultCode.Value), f.FaultString.Value
	case *cwmp.OpFaultStruct:
		code, said = strings.TrimSpace(f.FaultCode.Value), f.FaultString.Value
	default:
		return nil, false
	}
	if code == "0" && said == "" {
		return []pair{{"", "no fault"}}, true
	}
	text := safe(code)
	if said == "" {
		said = faultName(code)
	}
	if said != "" {
		text += ` "` + w.masked(w.echo.in(said)) + `"`
	}
	return []pair{{"fault", text}}, true
}

// pairs writes simple arguments behind the name, or, where they do not fit, below it.
func (w *teller) pairs(b *block, ps []pair) {
	if len(ps) == 0 {
		return
	}
	var one []string
	for _, p := range ps {
		one = append(one, strings.TrimSpace(p.name+" "+p.value))
	}
	text := strings.Join(one, ", ")
	if b.head.columns()+2+columns(text)+w.left <= w.width {
		b.head = b.head.add(normal, "  "+text)
		return
	}
	if w.Verbose == 0 {
		w.packed(b, one)
		return
	}
	var names []string
	for _, p := range ps {
		names = append(names, p.name)
	}
	col := column(names, w.width/2)
	for _, p := range ps {
		b.rows = append(b.rows, line{{dim, pad(p.name, col) + "  "}, {normal, p.value}})
	}
}

// packed writes arguments one after the other, as many on a line as it holds.
func (w *teller) packed(b *block, args []string) {
	room := w.width - w.left
	at := b.head.columns()
	row := &b.head
	for i, a := range args {
		if i < len(args)-1 {
			a += ","
		}
		gap := "  "
		if i > 0 {
			gap = " "
		}
		if at+len(gap)+columns(a) > room {
			b.rows = append(b.rows, nil)
			row, gap, at, room = &b.rows[len(b.rows)-1], "", 0, w.width-w.left-2
			a = w.fit(a, 0)
		}
		*row = row.add(normal, gap+a)
		at += len(gap) + columns(a)
	}
}

// list writes the items of a list in aligned columns.
func (w *teller) list(b *block, m cwmp.Member) {
	if a, ok := m.Value.(cwmp.Array); ok && a.Len() == 0 {
		b.head = b.head.add(dim, "  "+m.Name+" empty")
		return
	}
	switch a := m.Value.(type) {
	case *cwmp.List[cwmp.ParameterValueStruct]:
		w.parameters(b, a.Items)
	case *cwmp.List[cwmp.ParameterInfoStruct]:
		w.parameterInfos(b, a.Items)
	case *cwmp.List[cwmp.Leaf]:
		show := w.shown(len(a.Items))
		for i := range a.Items[:show] {
			text := w.masked(a.Items[i].Value)
			if text == "" {
				text = `""`
			}
			b.rows = append(b.rows, line{{normal, w.fit(text, 0)}})
		}
		w.more(b, len(a.Items)-show, "names")
	case cwmp.Array:
		w.structs(b, a)
	}
}

// parameters writes "name = value (type)".
func (w *teller) parameters(b *block, items []cwmp.ParameterValueStruct) {
	show := w.shown(len(items))
	names := make([]string, show)
	for i := range items[:show] {
		names[i] = safe(items[i].Name.Value)
	}
	col := column(names, w.width-w.left-22)
	for i := range items[:show] {
		p := &items[i]
		kind := safe(p.Value.XSIType[strings.LastIndexByte(p.Value.XSIType, ':')+1:])
		if kind != "" {
			kind = " (" + kind + ")"
		}
		v := w.value(p.Name.Value, p.Value.Value)
		if !p.Value.Present {
			v = "no value"
		}
		w.row(b, pad(names[i], col)+" = ", v, kind)
	}
	w.more(b, len(items)-show, "parameters")
}

// row writes a name, its value and what follows it. What does not fit is
// shortened, or, where the name leaves it little room, put on a line of its own.
func (w *teller) row(b *block, name, value, tail string) {
	room := w.width - w.left - 2 - columns(tail)
	used := columns(name)
	if w.Verbose == 0 && used+columns(value) > room && room-used < 40 {
		b.rows = append(b.rows, line{{normal, strings.TrimRight(name, " ")}})
		name, used = "    ", 4
	}
	b.rows = append(b.rows, line{{normal, name}, {normal, w.fit(value, used+columns(tail))}}.add(dim, tail))
}

// parameterInfos writes names and whether they can be written.
func (w *teller) parameterInfos(b *block, items []cwmp.ParameterInfoStruct) {
	show := w.shown(len(items))
	names := make([]string, show)
	for i := range items[:show] {
		names[i] = safe(items[i].Name.Value)
	}
	col := column(names, w.width-w.left-14)
	for i := range items[:show] {
		text := safe(items[i].Writable.Value)
		if yes, ok := items[i].Writable.Bool(); ok {
			text = "read-only"
			if yes {
				text = "writable"
			}
		}
		b.rows = append(b.rows, line{{normal, pad(names[i], col) + "  "}, {dim, text}})
	}
	w.more(b, len(items)-show, "names")
}

// structs writes a line for each item of a list of structs: its arguments with
// their names, the lists in it joined.
func (w *teller) structs(b *block, a cwmp.Array) {
	show := w.shown(a.Len())
	for i := range show {
		s, ok := a.Item(i).(cwmp.Struct)
		if !ok {
			continue
		}
		if arg, ok := s.(*cwmp.ArgStruct); ok {
			b.rows = append(b.rows, line{{normal, safe(arg.Name.Value) + " = " + w.fit(w.value(arg.Name.Value, arg.Value.Value), columns(arg.Name.Value)+3)}})
			continue
		}
		var parts []string
		ps, lists := w.split("", s)
		for _, p := range ps {
			if p.value != `""` {
				parts = append(parts, strings.TrimSpace(p.name+" "+p.value))
			}
		}
		for _, l := range lists {
			if leaves, ok := l.Value.(*cwmp.List[cwmp.Leaf]); ok {
				var vs []string
				for j := range leaves.Items {
					vs = append(vs, w.masked(leaves.Items[j].Value))
				}
				parts = append(parts, l.Name+" ["+strings.Join(vs, ", ")+"]")
			}
		}
		b.rows = append(b.rows, line{{normal, w.fit(strings.Join(parts, ", "), 0)}})
	}
	w.more(b, a.Len()-show, "entries")
}

// node writes an element that was kept as a tree, one line each.
func (w *teller) node(b *block, path string, n *soap.Node, depth int, secret bool) {
	if n == nil {
		return
	}
	if w.Verbose == 0 && len(b.rows) == 12 {
		b.rows = append(b.rows, line{{dim, "… more arguments (-v shows them)"}})
	}
	if w.Verbose == 0 && len(b.rows) > 12 || depth > 200 {
		return
	}
	name := safe(n.Name.Local)
	if depth == 0 && path != "" {
		name = safe(path) + "/" + name
	}
	secret = secret || secretElement(n.Name.Local)
	row := line{{normal, strings.Repeat("  ", min(depth, 20)) + name}}
	if text := strings.TrimSpace(n.Text); text != "" {
		v := w.masked(text)
		if secret && !w.ShowSecrets {
			v = mask
		}
		row = row.add(normal, " = "+w.fit(v, row.columns()+3))
	}
	b.rows = append(b.rows, row)
	hidden := namesSecret(n)
	for _, c := range n.Children {
		w.node(b, "", c, depth+1, secret || hidden && c.Name.Local == "Value")
	}
}
