package check

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"informant/decode/cwmp"
	"informant/decode/soap"
)

// types is the checks of values, their types, and names.
var types = []*Check{
	{
		ID: "TYPE-001", Title: "A parameter's value has an xsi:type", Ref: "TR-069a6 A.2.1", Severity: Error, Field: true, Gates: WholeBody, each: true, body: true, need: valued, odd: oddValue, Run: valueUntyped,
		Doc: "Without it the receiver takes the value for a string, and a later SetParameterValues with the same type is refused. It is told once per message.",
	},
	{
		ID: "TYPE-002", Title: "xsi:type is one that CWMP has", Ref: "TR-069a6 A.2.1 Table 12", Severity: Warning, Gates: WholeBody, each: true, body: true, need: valued, odd: oddValue, Run: valueType,
		Doc: "string, int, unsignedInt, long, unsignedLong, boolean, dateTime, base64 and hexBinary, and decimal from newer data models. It is told once per type and message.",
	},
	{
		ID: "TYPE-003", Title: "A value fits its type", Ref: "TR-069a6 A.2.1 Table 12", Severity: Error, Gates: WholeBody, each: true, body: true, need: valued, odd: oddValue, Run: valueForm,
		Doc: "Booleans are 0, 1, true and false in lower case; numbers have digits and a sign at most; none of them, nor a dateTime, is empty.",
	},
	{
		ID: "TYPE-004", Title: "The prefix of a type is bound to the namespace of XML Schema or SOAP encoding", Ref: "XML Schema 1", Severity: Warning, Gates: WholeBody, each: true, body: true, need: valued, odd: oddBinding, Run: typeBinding,
		Doc: "xsd:string is a type of XML Schema only where xsd is bound to it; a namespace-aware receiver doesn't know the type otherwise. Look at the declarations of the envelope. It is told once per prefix and message.",
	},
	{
		ID: "TYPE-005", Title: "A dateTime is UTC", Ref: "TR-106a7 3.2.1", Severity: Warning, Gates: WholeBody, each: true, body: true, need: valued, odd: oddValue, Run: valueUTC,
		Doc: "Values of parameters carry Z; only Inform.CurrentTime may have another offset. Without a zone a time is relative to the boot, and then its year is below 1000.",
	},
	{
		ID: "TYPE-006", Title: "Names obey the grammar", Ref: "TR-106a7 3.1", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, odd: oddName, Run: nameForm,
		Doc: "Nodes of letters, digits, '-' and '_' with dots between them, 256 characters at most. It is told once per message.",
	},
	{
		ID: "TYPE-007", Title: "No white space around a name", Ref: "TR-106a7 3.1", Severity: Warning, Gates: WholeBody, each: true, body: true, need: typed, odd: oddName, Run: nameBlanks,
		Doc: "White space counts: a receiver that doesn't trim looks for a parameter that isn't there. It is told once per message.",
	},
	{
		ID: "TYPE-008", Title: "base64 and hexBinary values can be decoded", Ref: "TR-069a6 A.2.1 Table 12", Severity: Error, Gates: WholeBody, each: true, body: true, need: valued, odd: oddValue, Run: valueBinary,
		Doc: "The text must be canonical: complete groups, and nothing but the alphabet.",
	},
	{
		ID: "TYPE-010", Title: "Numbers are in the range of their type", Ref: "TR-069a6 A.2.1 Table 12", Severity: Error, Gates: WholeBody, each: true, body: true, need: valued, odd: oddValue, Run: valueRange,
		Doc: "int and unsignedInt have 32 bits, long and unsignedLong 64. A counter that outgrew its type is cut by the receiver, or the message refused.",
	},
	{
		ID: "TYPE-014", Title: "Boolean arguments are 0, 1, true or false", Ref: "TR-069a6 A.2.1 Table 12", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, odd: oddFlag, Run: argumentBoolean,
		Doc: "NextLevel, NotificationChange, AccessListChange, Writable, IsDownload and Resolved. Other spellings are refused by validating peers.",
	},
	{
		ID: "TYPE-015", Title: "No value that leaked from a program", Ref: "no standard: interoperability", Severity: Warning, Gates: WholeBody, each: true, body: true, need: valued, odd: leaky, Run: valueLeak,
		Doc: "(null), null, N/A and undefined are what a program prints when it has no value. It is told once per message.",
	},
}

// eachValue calls f for the parameter values of the pass's message, with the
// local name of their type.
func (p *Pass) eachValue(f func(name string, l *cwmp.Leaf, typ string)) {
	list := parameters(p.Message)
	for i := range list {
		if x := &list[i]; x.Value.Present && !x.Value.Nested {
			f(x.Name.Value, &x.Value, typeName(x.Value.XSIType))
		}
	}
}

// eachOddValue is eachValue for those of which the facts don't say that they fit their
// type.
func (p *Pass) eachOddValue(f func(name string, l *cwmp.Leaf, typ string)) {
	list := parameters(p.Message)
	for _, i := range p.oddValues {
		x := &list[i]
		f(x.Name.Value, &x.Value, typeName(x.Value.XSIType))
	}
}

// typeName is the local name of an xsi:type.
func typeName(t string) string { return trimmed(t[strings.LastIndexByte(t, ':')+1:]) }

// trimmed is strings.TrimSpace, quick where there is nothing to trim.
func trimmed(s string) string {
	if n := len(s); n > 0 && s[0] > ' ' && s[0] < 0x7f && s[n-1] > ' ' && s[n-1] < 0x7f {
		return s
	}
	return strings.TrimSpace(s)
}

// shown is a value as a finding may show it: secrets are not.
func shown(name, value string) string {
	if cwmp.IsSecret(name) {
		return "a value (a secret, not shown)"
	}
	return quote(value)
}

func valueUntyped(p *Pass) {
	n := 0
	var first string
	var at *cwmp.Leaf
	p.eachOddValue(func(name string, l *cwmp.Leaf, _ string) {
		if !l.Untyped {
			return
		}
		if n++; at == nil {
			first, at = name, l
		}
	})
	if at != nil {
		p.report(p.sender(), atLeaf(p.Message, at), "The value of %s has no xsi:type%s", short(first), more(n))
	}
}

// knownType says whether CWMP has a type.
func knownType(t string) bool {
	switch t {
	case "string", "int", "unsignedInt", "long", "unsignedLong", "boolean", "dateTime", "base64", "base64Binary", "hexBinary", "decimal":
		return true
	}
	return false
}

func valueType(p *Pass) {
	var told map[string]bool
	p.eachOddValue(func(name string, l *cwmp.Leaf, typ string) {
		if l.Untyped || knownType(typ) || told[typ] {
			return
		}
		if told == nil {
			told = map[string]bool{}
		}
		told[typ] = true
		if typ == "" {
			p.reportAs(Error, p.sender(), atLeaf(p.Message, l), "The xsi:type %s of %s names no type", quote(l.XSIType), short(name))
			return
		}
		p.report(p.sender(), atLeaf(p.Message, l), "%s has the type %s, which CWMP doesn't have", short(name), quote(l.XSIType))
	})
}

// typeSpace says whether a namespace is one of types.
func typeSpace(space string) bool { return space == soap.SchemaNS || space == soap.EncodingNS }

// typeBinding leaves types that CWMP doesn't have to TYPE-002, and prefixes
// that aren't declared to SOAP-008.
func typeBinding(p *Pass) {
	var told []string
	p.eachValue(func(name string, l *cwmp.Leaf, typ string) {
		prefix, _, ok := strings.Cut(l.XSIType, ":")
		prefix = strings.TrimSpace(prefix)
		if !ok || !knownType(typ) || slices.Contains(told, prefix) || len(told) > 16 {
			return
		}
		told = append(told, prefix)
		if d := p.Message.Document; d == nil || bindsTypes(d.Text, prefix) {
			return
		}
		if space, ok := soap.Bound(p.Message.Document, int(l.Start), prefix); ok && !typeSpace(space) {
			p.report(p.sender(), atLeaf(p.Message, l), "The type %s of %s is in namespace %s", quote(l.XSIType), short(name), quote(space))
		}
	})
}

// bindsTypes says whether a text binds a prefix to namespaces of types alone, wherever it
// does, beyond doubt.
func bindsTypes(text, prefix string) bool {
	for {
		_, after, ok := strings.Cut(text, "xmlns:"+prefix)
		if !ok {
			return true
		}
		if len(after) < 2 || after[0] != '=' || after[1] != '"' && after[1] != '\'' {
			return false
		}
		space, rest, _ := strings.Cut(after[2:], after[1:2])
		if !typeSpace(space) {
			return false
		}
		text = rest
	}
}

// misfit says what is wrong with a value of a type, "" for nothing. Ranges are
// another check's matter.
func misfit(typ, value string) string {
	v := strings.TrimSpace(value)
	switch typ {
	case "boolean":
		if !boolean(v) {
			return "boolean"
		}
	case "int", "long":
		if v = strings.TrimPrefix(strings.TrimPrefix(v, "-"), "+"); v == "" || strings.Trim(v, "0123456789") != "" {
			return typ
		}
	case "unsignedInt", "unsignedLong":
		if v = strings.TrimPrefix(v, "+"); v == "" || strings.Trim(v, "0123456789") != "" && !negative(v) {
			return typ
		}
	case "dateTime":
		l := cwmp.Leaf{Value: v, Present: true}
		if _, _, ok := l.Time(); !ok {
			return "dateTime"
		}
	}
	return ""
}

// negative says whether text is a number below zero.
func negative(v string) bool {
	return len(v) > 1 && v[0] == '-' && strings.Trim(v[1:], "0123456789") == ""
}

func valueForm(p *Pass) {
	p.eachOddValue(func(name string, l *cwmp.Leaf, typ string) {
		if what := misfit(typ, l.Value); what != "" {
			p.report(p.sender(), atLeaf(p.Message, l), "%s has the type %s, but its value is %s", short(name), what, shown(name, l.Value))
		}
	})
}

func valueUTC(p *Pass) {
	p.eachOddValue(func(name string, l *cwmp.Leaf, typ string) {
		if typ != "dateTime" {
			return
		}
		t, zone, ok := l.Time()
		if !ok {
			return
		}
		_, offset := t.Zone()
		if !zone && t.Year() >= 1000 {
			p.report(p.sender(), atLeaf(p.Message, l), "%s has the time %s without a zone", short(name), quote(l.Value))
		} else if offset != 0 {
			p.report(p.sender(), atLeaf(p.Message, l), "%s has the time %s, which is not UTC", short(name), quote(l.Value))
		}
	})
}

// nameProblem says what is wrong with a name, "" for nothing.
func nameProblem(name string) string {
	if len(name) > 256 && utf8.RuneCountInString(name) > 256 {
		return "is longer than 256 characters"
	}
	if name == "" {
		return ""
	}
	for rest, more := strings.TrimSuffix(name, "."), true; more; {
		var node string
		node, rest, more = strings.Cut(rest, ".")
		switch {
		case node == "":
			return "has an empty node"
		case isInstance(node) || node == "*" || node[0] == '[' || node == "{i}":
			continue
		}
		for i := range len(node) {
			c := node[i]
			letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
			if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '-')) {
				return "has the node " + quote(node)
			}
		}
	}
	return ""
}

// eachPath calls f for the names that a message carries, in requests too.
func (p *Pass) eachPath(f func(l *cwmp.Leaf)) {
	list := parameters(p.Message)
	for i := range list {
		f(&list[i].Name)
	}
	if list == nil {
		eachName(p.Message, f)
	}
	switch a := p.Message.Args.(type) {
	case *cwmp.GetParameterValues:
		for i := range a.ParameterNames.Items {
			f(&a.ParameterNames.Items[i])
		}
	case *cwmp.GetParameterNames:
		f(&a.ParameterPath)
	case *cwmp.SetParameterAttributes:
		for i := range a.ParameterList.Items {
			f(&a.ParameterList.Items[i].Name)
		}
	case *cwmp.AddObject:
		f(&a.ObjectName)
	case *cwmp.DeleteObject:
		f(&a.ObjectName)
	}
}

func nameForm(p *Pass) {
	n := 0
	var at *cwmp.Leaf
	what := ""
	p.eachPath(func(l *cwmp.Leaf) {
		problem := nameProblem(strings.TrimSpace(l.Value))
		if problem == "" {
			return
		}
		if n++; at == nil {
			at, what = l, problem
		}
	})
	if at != nil {
		p.report(p.sender(), atLeaf(p.Message, at), "The name %s %s%s", quote(at.Value), what, more(n))
	}
}

func nameBlanks(p *Pass) {
	n := 0
	var at *cwmp.Leaf
	p.eachPath(func(l *cwmp.Leaf) {
		if strings.TrimSpace(l.Value) == l.Value {
			return
		}
		if n++; at == nil {
			at = l
		}
	})
	if at != nil {
		p.report(p.sender(), atLeaf(p.Message, at), "The name %s has white space around it%s", quote(at.Value), more(n))
	}
}

func valueBinary(p *Pass) {
	p.eachOddValue(func(name string, l *cwmp.Leaf, typ string) {
		v := strings.TrimSpace(l.Value)
		bad := false
		switch typ {
		case "base64", "base64Binary":
			_, err := base64.StdEncoding.DecodeString(v)
			bad = err != nil
		case "hexBinary":
			bad = len(v)%2 != 0 || strings.Trim(v, "0123456789abcdefABCDEF") != ""
		}
		if bad {
			p.report(p.sender(), atLeaf(p.Message, l), "The value of %s is no %s", short(name), typ)
		}
	})
}

func valueRange(p *Pass) {
	p.eachOddValue(func(name string, l *cwmp.Leaf, typ string) {
		if misfit(typ, l.Value) != "" {
			return
		}
		v := strings.TrimPrefix(strings.TrimSpace(l.Value), "+")
		var err error
		switch typ {
		case "int":
			_, err = strconv.ParseInt(v, 10, 32)
		case "long":
			_, err = strconv.ParseInt(v, 10, 64)
		case "unsignedInt":
			_, err = strconv.ParseUint(v, 10, 32)
		case "unsignedLong":
			_, err = strconv.ParseUint(v, 10, 64)
		}
		if err != nil {
			p.report(p.sender(), atLeaf(p.Message, l), "%s is an %s, but its value is %s", short(name), typ, shown(name, l.Value))
		}
	})
}

func argumentBoolean(p *Pass) {
	m := p.Message
	if m.Args == nil || len(parameters(m)) > 0 {
		return
	}
	leaves(m.Args, func(mem *cwmp.Member, l *cwmp.Leaf) {
		if mem.Type == cwmp.Boolean && !boolean(strings.TrimSpace(l.Value)) {
			p.report(p.sender(), atLeaf(m, l), "%s is %s, which is no boolean", mem.Name, quote(l.Value))
		}
	})
}

// nullable says whether a parameter's data model has the value Null: TR-104 has it of the
// protocols and methods of SIP and RTP.
func nullable(name string) bool {
	return strings.HasSuffix(name, "Protocols") || strings.HasSuffix(name, "Methods")
}

// leak says whether a value is what a program prints when it has none.
func leak(v string) bool {
	v = strings.TrimSpace(v)
	return len(v) <= 9 && (strings.EqualFold(v, "(null)") || strings.EqualFold(v, "null") || strings.EqualFold(v, "n/a") || strings.EqualFold(v, "undefined"))
}

func valueLeak(p *Pass) {
	n := 0
	var first string
	var at *cwmp.Leaf
	p.eachValue(func(name string, l *cwmp.Leaf, _ string) {
		if !leak(l.Value) || l.Value == "Null" && nullable(name) {
			return
		}
		if n++; at == nil {
			first, at = name, l
		}
	})
	if at != nil {
		p.report(p.sender(), atLeaf(p.Message, at), "The value of %s is %s%s", short(first), shown(first, at.Value), more(n))
	}
}
