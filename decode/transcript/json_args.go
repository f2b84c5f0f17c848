package transcript

import (
	"informant/decode/cwmp"
	"informant/decode/soap"
)

// args writes the arguments of a message under their schema names.
func (e *encoder) args(m *cwmp.Message) {
	e.object("args")
	if m.Args != nil {
		e.members(m.Args)
	}
	e.end('}')
}

// members writes the members of s that are present.
func (e *encoder) members(s cwmp.Struct) {
	if op, ok := s.(*cwmp.OperationStruct); ok {
		e.known("Kind", op.Kind)
	}
	cwmp.EachMember(s, func(m *cwmp.Member, v cwmp.Value) { e.member(m.Name, v) })
}

// member writes a member if it is present.
func (e *encoder) member(name string, v cwmp.Value) {
	switch v := v.(type) {
	case *cwmp.Leaf:
		if v.Present {
			e.key(name)
			if name == "FaultString" {
				e.faultString(v)
			} else {
				e.leaf(v, secretArg(name))
			}
		}
	case cwmp.Array:
		if v.Info().Present || v.Len() > 0 {
			e.array(name)
			e.list(v)
			e.end(']')
		}
	case cwmp.Struct:
		if present(v) {
			e.object(name)
			e.members(v)
			e.end('}')
		}
	}
}

// present says whether a struct that is a member of another was there.
func present(s cwmp.Struct) bool {
	switch s := s.(type) {
	case *cwmp.DeviceIDStruct:
		return s.Present
	case *cwmp.FaultStruct:
		return s.Present
	case *cwmp.OpFaultStruct:
		return s.Present
	}
	return true
}

// list writes the items of a list. The lists that grow long are written
// without a look at their members.
func (e *encoder) list(a cwmp.Array) {
	switch a := a.(type) {
	case *cwmp.List[cwmp.ParameterValueStruct]:
		for i := range a.Items {
			e.parameter(&a.Items[i].Name, &a.Items[i].Value)
		}
	case *cwmp.List[cwmp.ParameterInfoStruct]:
		for i := range a.Items {
			e.object("")
			e.named("Name", &a.Items[i].Name)
			e.named("Writable", &a.Items[i].Writable)
			e.end('}')
		}
	case *cwmp.List[cwmp.ArgStruct]:
		for i := range a.Items {
			e.parameter(&a.Items[i].Name, &a.Items[i].Value)
		}
	case *cwmp.List[cwmp.EventStruct]:
		for i := range a.Items {
			e.object("")
			e.named("EventCode", &a.Items[i].EventCode)
			e.named("CommandKey", &a.Items[i].CommandKey)
			e.end('}')
		}
	case *cwmp.List[cwmp.Leaf]:
		for i := range a.Items {
			e.sep()
			e.leaf(&a.Items[i], false)
		}
	default:
		for i := range a.Len() {
			s, ok := a.Item(i).(cwmp.Struct)
			if !ok {
				continue
			}
			e.object("")
			e.members(s)
			e.end('}')
		}
	}
}

// named writes a simple argument that is no secret, if it is present.
func (e *encoder) named(k string, l *cwmp.Leaf) {
	if l.Present {
		e.key(k)
		e.leaf(l, false)
	}
}

// parameter writes a name with its value.
func (e *encoder) parameter(name, value *cwmp.Leaf) {
	e.object("")
	if name.Present {
		e.text("name", name.Value)
	}
	if value.Present {
		e.value(value.Value, secretName(name.Value))
		if value.XSIType != "" {
			e.text("type", value.XSIType)
		}
	}
	e.end('}')
}

// value writes the fields of a value into an open object: value, valueBase64
// where it is no text, masked where it must not be seen.
func (e *encoder) value(v string, secret bool) {
	if e.secrets || v == "" {
		e.text("value", v)
		return
	}
	if secret {
		e.yes("masked", true)
		return
	}
	v, masked := maskURL(v)
	e.text("value", v)
	e.yes("masked", masked)
}

// leaf writes a simple argument: its text, or an object with the fields of
// value where text alone would not do.
func (e *encoder) leaf(l *cwmp.Leaf, secret bool) {
	if l.Value == "" || e.secrets || !secret {
		v, masked := l.Value, false
		if !e.secrets {
			v, masked = maskURL(v)
		}
		if !masked {
			if e.quoted(v) {
				return
			}
		}
	}
	e.b = append(e.b, '{')
	e.value(l.Value, secret)
	e.b = append(e.b, '}')
}

// faultString writes what a FaultStruct says.
func (e *encoder) faultString(l *cwmp.Leaf) {
	text := e.echo.in(l.Value)
	if text == l.Value {
		e.leaf(l, false)
		return
	}
	text, _ = maskURL(text)
	e.b = append(e.b, '{')
	e.text("value", text)
	e.yes("masked", true)
	e.end('}')
}

// extra writes what stands beside the schema's arguments.
func (e *encoder) extra(xs []cwmp.Extra) {
	if len(xs) == 0 {
		return
	}
	e.array("extra")
	for _, x := range xs {
		e.object("")
		e.text("path", x.Path)
		e.node(x.Node, false)
		e.end('}')
	}
	e.end(']')
}

// node writes the fields of an element that was kept as a tree.
func (e *encoder) node(n *soap.Node, secret bool) {
	if n == nil {
		return
	}
	e.text("name", n.Name.Local)
	e.known("namespace", n.Name.Space)
	secret = secret || secretElement(n.Name.Local)
	if n.Text != "" || len(n.Children) == 0 {
		e.value(n.Text, secret)
	}
	if len(n.Attr) > 0 {
		e.array("attributes")
		for _, a := range n.Attr {
			e.object("")
			e.text("name", a.Name.Local)
			e.text("value", a.Value)
			e.end('}')
		}
		e.end(']')
	}
	if len(n.Children) > 0 {
		e.array("children")
		hidden := namesSecret(n)
		for _, c := range n.Children {
			e.object("")
			e.node(c, secret || hidden && c.Name.Local == "Value")
			e.end('}')
		}
		e.end(']')
	}
}

// namesSecret says whether n has a Name that makes the Value beside it a secret.
func namesSecret(n *soap.Node) bool {
	for _, c := range n.Children {
		if (c.Name.Local == "Name" || c.Name.Local == "ParameterName") && secretName(c.Text) {
			return true
		}
	}
	return false
}
