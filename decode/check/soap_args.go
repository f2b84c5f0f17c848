package check

import (
	"strings"
	"unicode/utf8"

	"informant/decode/cwmp"
)

// soapArrays is the checks of how arguments are written.
var soapArrays = []*Check{
	{
		ID: "SOAP-013", Title: "arrayType tells how many elements the array has", Ref: "SOAP 1.1 5.4.2", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, odd: oddArray, Run: arraySize,
		Doc: "Receivers allocate by the declared size and stop there, or refuse the message. A leading zero is another matter (SOAP-016).",
	},
	{
		ID: "SOAP-014", Title: "Every array carries arrayType", Ref: "cwmp-1-0.xsd", Severity: Warning, Field: true, each: true, body: true, need: typed, odd: oddArray, Run: arrayUntyped,
		Doc: "The schemas require the attribute on each list. Most receivers do without it.",
	},
	{
		ID: "SOAP-015", Title: "arrayType names the element type of that argument", Ref: "cwmp-1-0.xsd", Severity: Warning, each: true, body: true, need: typed, odd: oddArray, Run: arrayItems,
		Doc: "A list of parameters is one of cwmp:ParameterValueStruct, a list of names one of xsd:string, and so on.",
	},
	{
		ID: "SOAP-016", Title: "The size of an array has no leading zeros", Ref: "SOAP 1.1 5.4.2", Severity: Info, each: true, body: true, need: typed, odd: oddArray, Run: arrayZeros,
		Doc: "Sizes such as [0008] are read as octal by some parsers. It is told once per sender.",
	},
	{
		ID: "SOAP-017", Title: "Every argument is present", Ref: "TR-069a6 A.3, A.4", Severity: Error, Gates: WholeBody, each: true, body: true, need: noted, Run: missing,
		Doc: "The elements of a method are all required, though they may be empty. Receivers that read by position take the next one instead.",
	},
	{
		ID: "SOAP-018", Title: "Arguments are in the order of the schema", Ref: "cwmp-1-0.xsd", Severity: Warning, each: true, body: true, need: noted, Run: outOfOrder,
		Doc: "The schemas declare sequences. Informant reads them in any order; many peers do not.",
	},
	{
		ID: "SOAP-019", Title: "No arguments that the schema doesn't have", Ref: "cwmp-1-0.xsd", Severity: Info, Gates: WholeBody, each: true, body: true, need: typed, odd: extras, Run: extra,
		Doc: "Vendors add arguments of their own; receivers that validate refuse them.",
	},
	{
		ID: "SOAP-020", Title: "Strings are no longer than the schema permits", Ref: "TR-069a6 A.3, A.4", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, odd: long, Run: tooLong,
		Doc: "Lengths count characters, after references were resolved. A receiver with fixed buffers cuts the value, and what it returns later won't match.",
	},
	{
		ID: "SOAP-041", Title: "Operations and Results are repeated elements, not arrays", Ref: "cwmp-1-2.xsd", Severity: Warning, each: true, body: true, need: typed, odd: oddArray, Run: repeatedAsArray,
		Doc: "The operations of ChangeDUState and the results of DUStateChangeComplete repeat the element itself, without a SOAP array around.",
	},
}

// eachArray calls f for the lists of the pass's message.
func (p *Pass) eachArray(f func(*cwmp.Member, cwmp.Array)) {
	if !p.listed {
		p.listed = true
		if p.Message.Args != nil {
			arrays(p.Message.Args, func(m *cwmp.Member, a cwmp.Array) { p.lists = append(p.lists, listOf{m, a}) })
		}
	}
	for i := range p.lists {
		f(p.lists[i].member, p.lists[i].array)
	}
}

func arraySize(p *Pass) {
	m := p.Message
	wrapped := false
	for i := range m.Notes {
		if n := &m.Notes[i]; n.Kind == cwmp.NestedWrapper {
			wrapped = true
			p.report(p.sender(), inText(m, n.At), "The list %s has one element too many around its items", short(n.Path))
		}
	}
	if wrapped {
		return
	}
	p.eachArray(func(mem *cwmp.Member, a cwmp.Array) {
		if i := a.Info(); !mem.Repeated && i.Declared >= 0 && i.Declared != a.Len() {
			p.report(p.sender(), inText(m, i.TypeAt), "%s is declared as %s but has %s", mem.Name, quote(i.ArrayType), plural(a.Len(), "element"))
		}
	})
}

func arrayUntyped(p *Pass) {
	p.eachArray(func(mem *cwmp.Member, a cwmp.Array) {
		if i := a.Info(); !mem.Repeated && i.ArrayType == "" && !p.has(cwmp.NotArray, mem.Name) {
			p.report(p.sender(), inText(p.Message, i.At), "%s has no arrayType", mem.Name)
		}
	})
}

// has says whether there is a note of that kind on an argument.
func (p *Pass) has(kind cwmp.NoteKind, name string) bool {
	for i := range p.Message.Notes {
		if n := &p.Message.Notes[i]; n.Kind == kind && strings.HasSuffix(n.Path, name) {
			return true
		}
	}
	return false
}

// itemType is the local name in an arrayType.
func itemType(arrayType string) string {
	t, _, _ := strings.Cut(arrayType, "[")
	if i := strings.LastIndexByte(t, ':'); i >= 0 {
		t = t[i+1:]
	}
	return strings.TrimSpace(t)
}

func arrayItems(p *Pass) {
	p.eachArray(func(mem *cwmp.Member, a cwmp.Array) {
		i := a.Info()
		if mem.Repeated || i.ArrayType == "" || mem.ItemType == "" {
			return
		}
		want, got := itemType(mem.ItemType), itemType(i.ArrayType)
		if got == want || strings.HasPrefix(want, "base64") && strings.HasPrefix(got, "base64") {
			return
		}
		p.report(p.sender(), inText(p.Message, i.TypeAt), "%s is declared as %s, not as a list of %s", mem.Name, quote(i.ArrayType), mem.ItemType)
	})
}

func arrayZeros(p *Pass) {
	p.eachArray(func(mem *cwmp.Member, a cwmp.Array) {
		_, size, _ := strings.Cut(a.Info().ArrayType, "[")
		size = strings.TrimSpace(size)
		if len(size) > 2 && size[0] == '0' && size[1] >= '0' && size[1] <= '9' && p.firstTime(p.Message.From.String()) {
			p.report(p.sender(), inText(p.Message, a.Info().TypeAt), "The size of %s is written with leading zeros: %s", mem.Name, quote(a.Info().ArrayType))
		}
	})
}

func missing(p *Pass) {
	m := p.Message
	for i := range m.Notes {
		n := &m.Notes[i]
		if n.Kind != cwmp.MissingArg || isInform(m) && strings.HasPrefix(n.Path, "DeviceId/") || m.RPC == "SetParameterAttributes" && strings.HasSuffix(n.Path, "/Notification") {
			continue
		}
		p.report(p.sender(), inText(m, n.At), "%s lacks its argument %s", short(m.RPC), short(n.Path))
	}
}

func outOfOrder(p *Pass) {
	m := p.Message
	for i := range m.Notes {
		if n := &m.Notes[i]; n.Kind == cwmp.OutOfOrder {
			p.report(p.sender(), inText(m, n.At), "%s is not where the schema of %s has it", short(n.Path), short(m.RPC))
		}
	}
}

func extra(p *Pass) {
	m := p.Message
	if m.Args == nil {
		return
	}
	for i := range m.Extra {
		e := &m.Extra[i]
		where := ""
		if e.Path != "" {
			where = " in " + short(e.Path)
		}
		p.report(p.sender(), inText(m, e.Node.At), "%s has the unknown argument %s%s", short(m.RPC), short(e.Node.Name.Local), where)
	}
}

func tooLong(p *Pass) {
	m := p.Message
	if m.Args == nil {
		return
	}
	leaves(m.Args, func(mem *cwmp.Member, l *cwmp.Leaf) {
		if mem.Max == 0 || len(l.Value) <= mem.Max {
			return
		}
		if n := utf8.RuneCountInString(l.Value); n > mem.Max {
			p.report(p.sender(), atLeaf(m, l), "%s has %d characters where %d are permitted", mem.Name, n, mem.Max)
		}
	})
}

func repeatedAsArray(p *Pass) {
	p.eachArray(func(mem *cwmp.Member, a cwmp.Array) {
		if i := a.Info(); mem.Repeated && i.ArrayType != "" {
			p.report(p.sender(), inText(p.Message, i.TypeAt), "%s is written as a SOAP array %s", mem.Name, quote(i.ArrayType))
		}
	})
}
