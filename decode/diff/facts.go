package diff

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"informant/decode/cwmp"
	"informant/decode/soap"
)

// fact is one value that a message says.
type fact struct {
	path  string // of a parameter its full name, else the argument's below its method
	value string
	kind  string // its xsi:type without prefix where the sender says it; "" for none
	rule  *Rule  // about it
}

// facts are all that a message says, by path.
type facts struct {
	list  []fact
	at    map[string]int
	rules *rules

	renamed func(string) string // nil: values are as they are
}

func (f *facts) add(path, value, kind string) {
	for n := 2; ; n++ { // the same parameter twice
		if _, there := f.at[path]; !there {
			break
		}
		path = strings.TrimSuffix(path, "#"+strconv.Itoa(n-1)) + "#" + strconv.Itoa(n)
	}
	if f.renamed != nil {
		value = f.renamed(value)
	}
	f.at[path] = len(f.list)
	f.list = append(f.list, fact{path, value, kind, f.rules.about(path)})
}

func (f *facts) find(path string) (fact, bool) {
	i, ok := f.at[path]
	if !ok {
		return fact{}, false
	}
	return f.list[i], true
}

// factsOf reads a message.
func factsOf(m *cwmp.Message, rules *rules, renamed func(string) string) *facts {
	f := &facts{at: map[string]int{}, rules: rules, renamed: renamed}
	if m.Kind == cwmp.HTTP || m.Status >= 300 && m.Status != 500 {
		f.add("HTTP.Status", strconv.Itoa(m.Status), "")
	}
	f.header("Header.HoldRequests", m.Header.HoldRequests)
	f.header("Header.NoMoreRequests", m.Header.NoMoreRequests)
	if m.Fault != nil {
		f.fault(m.Fault)
	}
	if m.Args != nil {
		f.members(m.RPC, m.Args)
	}
	for i := range m.Extra {
		f.node(join(join(m.RPC, m.Extra[i].Path), m.Extra[i].Node.Name.Local), m.Extra[i].Node)
	}
	if m.Kind == cwmp.Unreadable && m.HTTP != nil {
		f.add("Body", m.HTTP.Body, "")
	}
	return f
}

func (f *facts) header(name string, b *soap.Block) {
	if b != nil {
		f.add(name, b.Value, "boolean")
	}
}

func join(path, name string) string {
	if path == "" || name == "" {
		return path + name
	}
	return path + "." + name
}

func (f *facts) fault(x *cwmp.FaultDetail) {
	f.add("Fault.FaultCode", x.Code.Value, "")
	if !x.HasCWMP {
		f.add("Fault.faultcode", x.SOAPCode.Value, "")
	}
	for i := range x.Parameters {
		p := &x.Parameters[i]
		f.add("Fault.SetParameterValuesFault."+p.ParameterName.Value, p.FaultCode.Value, "")
	}
}

// members reads a struct's members that are there.
func (f *facts) members(path string, s cwmp.Struct) {
	for _, m := range s.Members() {
		switch v := m.Value.(type) {
		case *cwmp.Leaf:
			if v.Present {
				f.add(join(path, m.Name), typed(v.Value, m.Type), kindOf(v))
			}
		case cwmp.Array:
			if v.Info().Present || v.Len() > 0 {
				f.items(join(path, m.Name), v)
			}
		case cwmp.Struct:
			f.members(join(path, m.Name), v)
		}
	}
}

// typed is a value whose writing the schema's type leaves open, in one form.
func typed(value string, t cwmp.Type) string {
	if t == cwmp.Boolean {
		return plain(fact{value: value, kind: "boolean"})
	}
	return value
}

func kindOf(l *cwmp.Leaf) string {
	_, local, ok := strings.Cut(l.XSIType, ":")
	if !ok {
		local = l.XSIType
	}
	return local
}

// items reads a list: what has a name is a set, by name, and so are plain values.
func (f *facts) items(path string, a cwmp.Array) {
	if a.Len() == 0 {
		f.add(path, "empty", "")
	}
	for i := range a.Len() {
		switch v := a.Item(i).(type) {
		case *cwmp.Leaf:
			f.add(path+"."+v.Value, "", "")
		case *cwmp.ParameterValueStruct:
			f.add(v.Name.Value, v.Value.Value, kindOf(&v.Value))
		case *cwmp.ParameterInfoStruct:
			f.add(v.Name.Value, typed(v.Writable.Value, cwmp.Boolean), "writable")
		case *cwmp.EventStruct:
			f.add(path+"."+v.EventCode.Value, v.CommandKey.Value, "")
		case *cwmp.ParameterAttributeStruct:
			f.add(v.Name.Value, attributes(&v.Notification, &v.AccessList), "attributes")
		case *cwmp.SetParameterAttributesStruct:
			f.add(v.Name.Value, attributes(&v.Notification, &v.AccessList), "attributes")
		case cwmp.Struct:
			f.members(fmt.Sprintf("%s[%d]", path, i+1), v)
		}
	}
}

func attributes(notification *cwmp.Leaf, list *cwmp.List[cwmp.Leaf]) string {
	text := "notification " + notification.Value
	for i := range list.Items {
		text += ", " + list.Items[i].Value
	}
	return text
}

// node reads an argument that no schema has.
func (f *facts) node(path string, n *soap.Node) {
	if len(n.Children) == 0 {
		f.add(path, n.Text, "")
	}
	for _, c := range n.Children {
		f.node(join(path, c.Name.Local), c)
	}
}

// plain is a value in the one form of its type: booleans and times have several.
func plain(f fact) string {
	v := strings.TrimSpace(f.value)
	switch f.kind {
	case "boolean":
		switch strings.ToLower(v) {
		case "1", "true":
			return "true"
		case "0", "false":
			return "false"
		}
	case "dateTime":
		if t, err := time.Parse(time.RFC3339, v); err == nil {
			return t.UTC().Format(time.RFC3339Nano)
		}
	case "int", "unsignedInt", "long", "unsignedLong":
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return strconv.FormatInt(n, 10)
		}
	}
	return f.value
}
