package cwmp

import (
	"strconv"
	"strings"

	"informant/decode/soap"
)

func itoa(n int) string { return strconv.Itoa(n) }

// The fewest bytes that an item takes in the text, and the most items that
// room is made for at once: an arrayType may promise anything.
const (
	leastItem   = len("<a/>")
	leastStruct = len("<a><b/><c/></a>")
	mostItems   = 1 << 16
)

// open keeps how a list is written, and makes room for what it declares.
func (d *decoder) open(a Array, itemType string) {
	info := a.Info()
	*info = ArrayInfo{Present: true, Declared: -1, At: d.At()}
	if v, at, ok := d.ArrayType(); ok {
		info.ArrayType, info.TypeAt = v, at
		info.Declared = declared(v)
	}
	least := leastItem
	if strings.HasPrefix(itemType, "cwmp:") {
		least = leastStruct
	}
	if n := min(info.Declared, d.Left()/least, mostItems); n > 0 {
		d.pool.grow(a, n)
	}
}

// declared is the n of "type[n]", -1 when there is none.
func declared(arrayType string) int {
	i := strings.LastIndexByte(arrayType, '[')
	if i < 0 {
		return -1
	}
	n, _, ok := strings.Cut(arrayType[i+1:], "]")
	v, err := strconv.ParseUint(strings.TrimSpace(n), 10, 31)
	if !ok || err != nil {
		return -1
	}
	return int(v)
}

// list reads a SOAP array. The names of its items say nothing (reference 7).
func (d *decoder) list(a Array, name, itemType string) {
	d.open(a, itemType)
	d.enter(name, 0)
	r := listReader{a: a, name: name, item: itemType[strings.IndexByte(itemType, ':')+1:]}
	d.listItems(&r)
	d.endLoose(&r)
	d.leave()
	a.Info().At.End = d.At().End
}

// listReader reads the items of one list.
type listReader struct {
	a     Array
	name  string   // of the list's element
	item  string   // the name that its items ought to have
	n     int      // how many items there were
	probe []Member // those of an item, to know them by their names
	// loose is the item whose members stand in the list without an element
	// around them.
	loose   matcher
	looseAt soap.Span
}

// listItems reads the children of the current element.
func (d *decoder) listItems(r *listReader) {
	d.readAlike(r)
	for depth := d.Depth(); ; {
		from := d.mark(r)
		switch d.Next() {
		case soap.Start:
			d.namespace()
			d.listChild(r)
			d.learn(r, &from)
			d.readAlike(r)
			continue
		case soap.CharData:
			d.listText(r)
			continue
		case soap.End:
			if d.Depth() >= depth {
				continue
			}
		}
		return
	}
}

// listChild reads the element whose Start is the current token: an item, a
// wrapper around items, or a member of an item without its element.
func (d *decoder) listChild(r *listReader) {
	name := d.Local()
	if inner := d.PeekStart(); inner != "" && inner == name || name == r.name && inner != "" {
		d.note(NestedWrapper, d.At(), name)
		d.listItems(r)
		return
	}
	if name != r.item && d.looseMember(r, name) {
		return
	}
	r.n++
	d.listItem(r, name)
}

// listItem reads the element whose Start is the current token as the next item.
func (d *decoder) listItem(r *listReader, name string) {
	switch v := r.a.add().(type) {
	case *Leaf:
		d.leaf(v, name)
	case *ParameterValueStruct:
		d.enter(name, r.n)
		if d.general {
			d.structure(v)
		} else {
			m := matcher{members: valueMembers, values: []Value{&v.Name, &v.Value}, last: -1}
			d.fields(&m, &v.Presence)
		}
		d.leave()
	case Struct:
		d.enter(name, r.n)
		if o, ok := v.(*OperationStruct); ok {
			o.Kind = d.operationKind()
		}
		d.structure(v)
		d.leave()
	}
}

// listText keeps character data that stands in a list; of a list of strings
// it is an item.
func (d *decoder) listText(r *listReader) {
	at, text := d.At(), d.Text()
	d.note(NotArray, at, text)
	if _, ok := r.a.(*List[Leaf]); ok {
		r.n++
		*r.a.add().(*Leaf) = Leaf{Value: text, Start: int32(at.Start), End: int32(at.End), Present: true, Untyped: true}
	}
}

// looseMember reads the element as a member of an item whose own element is
// missing. It returns false when it is no such member.
func (d *decoder) looseMember(r *listReader, name string) bool {
	if _, ok := r.a.(*List[Leaf]); ok {
		return false
	}
	i, exact := -1, false
	if r.loose.members != nil {
		i, exact = r.loose.find(name)
	}
	if i < 0 || r.loose.seen&(1<<i) != 0 {
		if r.probe == nil {
			r.probe = r.a.probe().Members()
		}
		probe := matcher{members: r.probe, last: -1}
		if _, exact = probe.find(name); !exact {
			return false
		}
		d.endLoose(r)
		d.note(NotArray, d.At(), name)
		r.n++
		s := r.a.add().(Struct)
		if p, ok := s.(Nested); ok {
			p.present().set(d.At())
		}
		r.loose = matcher{members: s.Members(), last: -1}
		r.looseAt = d.At()
	}
	if !exact {
		return false
	}
	d.enter(r.item, r.n)
	d.member(&r.loose)
	d.leave()
	return true
}

// endLoose ends an item that has no element of its own.
func (d *decoder) endLoose(r *listReader) {
	if r.loose.members == nil {
		return
	}
	d.enter(r.item, r.n)
	d.missing(&r.loose, r.looseAt)
	d.leave()
	r.loose = matcher{}
}

// repeated reads an element that the schema repeats, which is an item itself.
// Where it is written as an array (SOAP-041), its children are.
func (d *decoder) repeated(a Array, name string) {
	info := a.Info()
	if !info.Present {
		d.open(a, "")
	} else if v, at, ok := d.ArrayType(); ok && info.ArrayType == "" {
		info.ArrayType, info.TypeAt, info.Declared = v, at, declared(v)
	}
	if inner := d.PeekStart(); strings.HasSuffix(inner, "OpStruct") || strings.HasSuffix(inner, "OpResultStruct") {
		d.note(NestedWrapper, d.At(), inner)
		d.enter(name, 0)
		r := listReader{a: a, name: name, item: inner, n: a.Len()}
		d.listItems(&r)
		d.leave()
	} else {
		r := listReader{a: a, name: name, item: name, n: a.Len() + 1}
		d.listItem(&r, name)
	}
	info.At.End = d.At().End
}

// operationKind is the type of an operation on a deployment unit: that of
// xsi:type, else the element's name when it is one.
func (d *decoder) operationKind() string {
	t, _ := d.XSIType()
	for _, name := range [...]string{t[strings.LastIndexByte(t, ':')+1:], d.Local()} {
		switch name {
		case "InstallOpStruct", "UpdateOpStruct", "UninstallOpStruct":
			return name
		}
	}
	return ""
}
