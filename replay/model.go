package replay

import (
	"cmp"
	"encoding/base64"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"informant/decode/cwmp"
)

// Parameter is what is known of one parameter of a CPE.
type Parameter struct {
	Value string
	// Type is the xsi:type without its prefix; "" where no value was ever seen.
	Type string
	// Writable is nil where nobody said it.
	Writable     *bool
	Notification int
	AccessList   []string
}

// Model is a CPE's data model as far as its recorded sessions tell it: the values,
// types, writability and attributes of parameters, and which objects have
// instances. It is not safe for concurrent use.
type Model struct {
	Root       string // "InternetGatewayDevice." or "Device."
	Parameters map[string]*Parameter
	// Objects are paths that end with a dot, and whether instances of them can be
	// added or they can be deleted; nil where nobody said it.
	Objects map[string]*bool
	Methods []string // of the CPE, as it listed them

	next    map[string]int  // the highest instance number that an object ever had
	changed map[string]bool // parameters that were set since it was learnt
}

// Learn reads sessions of a device, the earlier ones first.
func Learn(sessions ...*cwmp.Session) *Model {
	m := &Model{Parameters: map[string]*Parameter{}, Objects: map[string]*bool{}, next: map[string]int{}, changed: map[string]bool{}}
	for _, s := range sessions {
		m.Learn(s)
	}
	return m
}

// Learn reads one session more. Nothing of it is kept but text.
func (m *Model) Learn(s *cwmp.Session) {
	m.Root = cmp.Or(m.Root, s.Root)
	for _, x := range s.Messages {
		if in, ok := x.Args.(*cwmp.Inform); ok && !x.Resend {
			m.values(in.ParameterList.Items)
		}
	}
	for _, t := range s.Transactions {
		if t.Caller == cwmp.ACS && t.Response != nil && t.Response.Fault == nil {
			m.learn(t)
		}
	}
}

// learn takes what a method that went well says.
func (m *Model) learn(t *cwmp.Transaction) {
	switch a := t.Response.Args.(type) {
	case *cwmp.GetParameterNamesResponse:
		for i := range a.ParameterList.Items {
			x := &a.ParameterList.Items[i]
			writable, ok := x.Writable.Bool()
			var known *bool
			if ok {
				known = &writable
			}
			if name := x.Name.Value; strings.HasSuffix(name, ".") {
				m.object(name)
				m.Objects[name] = known
			} else if name != "" {
				m.parameter(name).Writable = known
			}
		}
	case *cwmp.GetParameterValuesResponse:
		m.values(a.ParameterList.Items)
	case *cwmp.GetParameterAttributesResponse:
		for i := range a.ParameterList.Items {
			x := &a.ParameterList.Items[i]
			p := m.parameter(x.Name.Value)
			n, _ := x.Notification.Int()
			p.Notification, p.AccessList = int(n), leaves(&x.AccessList)
		}
	case *cwmp.GetRPCMethodsResponse:
		m.Methods = leaves(&a.MethodList)
	case *cwmp.SetParameterValuesResponse:
		if q, ok := t.Request.Args.(*cwmp.SetParameterValues); ok {
			yes := true
			m.values(q.ParameterList.Items)
			for i := range q.ParameterList.Items {
				m.parameter(q.ParameterList.Items[i].Name.Value).Writable = &yes
			}
		}
	case *cwmp.AddObjectResponse:
		if q, ok := t.Request.Args.(*cwmp.AddObject); ok {
			yes := true
			m.object(q.ObjectName.Value + a.InstanceNumber.Value + ".")
			m.Objects[q.ObjectName.Value] = &yes
		}
	}
}

func leaves(l *cwmp.List[cwmp.Leaf]) (values []string) {
	for i := range l.Items {
		values = append(values, strings.Clone(l.Items[i].Value))
	}
	return values
}

func (m *Model) values(list []cwmp.ParameterValueStruct) {
	for i := range list {
		x := &list[i]
		if x.Name.Value == "" {
			continue
		}
		p := m.parameter(x.Name.Value)
		p.Value = strings.Clone(x.Value.Value) // not the whole message
		if kind := localType(x.Value.XSIType); kind != "" || p.Type == "" {
			p.Type = strings.Clone(cmp.Or(kind, "string"))
		}
	}
}

// localType is an xsi:type without its prefix.
func localType(t string) string { return t[strings.IndexByte(t, ':')+1:] }

// parameter is the parameter of that name, which there is from now on.
func (m *Model) parameter(name string) *Parameter {
	p := m.Parameters[name]
	if p == nil {
		p = &Parameter{}
		name = strings.Clone(name)
		m.Parameters[name] = p
		m.object(name[:strings.LastIndexByte(name, '.')+1])
	}
	return p
}

// object notes an object and those above it.
func (m *Model) object(path string) {
	for path != "" {
		if _, there := m.Objects[path]; there {
			return
		}
		m.Objects[path] = nil
		up := path[:strings.LastIndexByte(path[:len(path)-1], '.')+1]
		if n, err := strconv.Atoi(path[len(up) : len(path)-1]); err == nil {
			m.next[up] = max(m.next[up], n)
		}
		path = up
	}
}

// Clone is a model that can be changed on its own.
func (m *Model) Clone() *Model {
	c := &Model{Root: m.Root, Parameters: make(map[string]*Parameter, len(m.Parameters)), Objects: maps.Clone(m.Objects), Methods: m.Methods, next: maps.Clone(m.next), changed: maps.Clone(m.changed)}
	for name, p := range m.Parameters {
		own := *p
		c.Parameters[name] = &own
	}
	return c
}

// Names are the names of all parameters and the paths of all objects, sorted.
func (m *Model) Names() []string {
	return slices.SortedFunc(func(yield func(string) bool) {
		for name := range m.Parameters {
			if !yield(name) {
				return
			}
		}
		for path := range m.Objects {
			if !yield(path) {
				return
			}
		}
	}, natural)
}

// natural orders paths part by part, instance numbers by their value.
func natural(a, b string) int {
	for a != "" && b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if x == y {
			continue
		}
		n, errN := strconv.Atoi(x)
		k, errK := strconv.Atoi(y)
		if errN == nil && errK == nil {
			return cmp.Compare(n, k)
		}
		return strings.Compare(x, y)
	}
	return cmp.Compare(len(a), len(b))
}

// failure is a fault of a method.
type failure struct {
	code       string
	text       string
	parameters [][2]string // of SetParameterValues: name and code
}

func fails(code string) *failure {
	n, _ := strconv.Atoi(code)
	text, _, _ := cwmp.FaultName(n)
	return &failure{code: code, text: text}
}

// answer is what a CPE with that data model answers: the arguments of the response,
// or a fault. It is false where the model can't know.
func (m *Model) answer(ask *cwmp.Message) (cwmp.Struct, *failure, bool) {
	switch a := ask.Args.(type) {
	case *cwmp.GetRPCMethods:
		r := &cwmp.GetRPCMethodsResponse{}
		methods := m.Methods
		if len(methods) == 0 {
			methods = []string{"GetRPCMethods", "SetParameterValues", "GetParameterValues", "GetParameterNames", "SetParameterAttributes", "GetParameterAttributes",
				"AddObject", "DeleteObject", "Reboot", "Download"}
		}
		for _, name := range methods {
			r.MethodList.Items = append(r.MethodList.Items, leaf(name))
		}
		return r, nil, true
	case *cwmp.GetParameterNames:
		return m.getNames(a)
	case *cwmp.GetParameterValues:
		return m.getValues(a)
	case *cwmp.GetParameterAttributes:
		return m.getAttributes(a)
	case *cwmp.SetParameterValues:
		return m.setValues(a)
	case *cwmp.SetParameterAttributes:
		return m.setAttributes(a)
	case *cwmp.AddObject:
		return m.addObject(a)
	case *cwmp.DeleteObject:
		return m.deleteObject(a)
	}
	return nil, nil, false
}

func leaf(value string) cwmp.Leaf { return cwmp.Leaf{Value: value, Present: true} }

// getNames is GetParameterNames (TR-069 A.3.2.3).
func (m *Model) getNames(a *cwmp.GetParameterNames) (cwmp.Struct, *failure, bool) {
	path := a.ParameterPath.Value
	next, ok := a.NextLevel.Bool()
	if !ok {
		return nil, fails("9003"), true
	}
	r := &cwmp.GetParameterNamesResponse{}
	add := func(name string) {
		writable := m.Objects[name]
		if p := m.Parameters[name]; p != nil {
			writable = p.Writable
		}
		text := "0"
		if writable != nil && *writable {
			text = "1"
		}
		r.ParameterList.Items = append(r.ParameterList.Items, cwmp.ParameterInfoStruct{Name: leaf(name), Writable: leaf(text)})
	}
	if path != "" && !strings.HasSuffix(path, ".") { // a parameter
		if m.Parameters[path] == nil {
			return nil, fails("9005"), true
		}
		if next {
			return nil, fails("9003"), true
		}
		add(path)
		return r, nil, true
	}
	if _, there := m.Objects[path]; !there && path != "" {
		return nil, fails("9005"), true
	}
	for _, name := range m.Names() {
		rest, below := strings.CutPrefix(name, path)
		if !below || next && (rest == "" || strings.Contains(strings.TrimSuffix(rest, "."), ".")) {
			continue
		}
		add(name)
	}
	return r, nil, true
}

// below are the parameters that a name asks for, itself or all below it.
func (m *Model) below(name string) (list []string, ok bool) {
	if !strings.HasSuffix(name, ".") && name != "" {
		return []string{name}, m.Parameters[name] != nil
	}
	if _, there := m.Objects[name]; !there && name != "" {
		return nil, false
	}
	for x := range m.Parameters {
		if strings.HasPrefix(x, name) {
			list = append(list, x)
		}
	}
	slices.SortFunc(list, natural)
	return list, true
}

// getValues is GetParameterValues (TR-069 A.3.2.2). What a whole branch is asked
// for and was never seen is left out of the answer; a parameter that is asked for by
// its name and was never seen can't be known.
func (m *Model) getValues(a *cwmp.GetParameterValues) (cwmp.Struct, *failure, bool) {
	r := &cwmp.GetParameterValuesResponse{}
	for i := range a.ParameterNames.Items {
		name := a.ParameterNames.Items[i].Value
		list, ok := m.below(name)
		if !ok {
			return nil, fails("9005"), true
		}
		for _, x := range list {
			p := m.Parameters[x]
			if p.Type == "" {
				if x == name {
					return nil, nil, false
				}
				continue
			}
			v := leaf(p.Value)
			v.XSIType = "xsd:" + p.Type
			r.ParameterList.Items = append(r.ParameterList.Items, cwmp.ParameterValueStruct{Name: leaf(x), Value: v})
		}
	}
	return r, nil, true
}

// getAttributes is GetParameterAttributes (TR-069 A.3.2.5).
func (m *Model) getAttributes(a *cwmp.GetParameterAttributes) (cwmp.Struct, *failure, bool) {
	r := &cwmp.GetParameterAttributesResponse{}
	for i := range a.ParameterNames.Items {
		list, ok := m.below(a.ParameterNames.Items[i].Value)
		if !ok {
			return nil, fails("9005"), true
		}
		for _, x := range list {
			p := m.Parameters[x]
			s := cwmp.ParameterAttributeStruct{Name: leaf(x), Notification: leaf(strconv.Itoa(p.Notification))}
			for _, who := range p.AccessList {
				s.AccessList.Items = append(s.AccessList.Items, leaf(who))
			}
			r.ParameterList.Items = append(r.ParameterList.Items, s)
		}
	}
	return r, nil, true
}

// setValues is SetParameterValues (TR-069 A.3.2.1): all of it, or nothing.
func (m *Model) setValues(a *cwmp.SetParameterValues) (cwmp.Struct, *failure, bool) {
	var bad [][2]string
	seen := map[string]bool{}
	for i := range a.ParameterList.Items {
		x := &a.ParameterList.Items[i]
		name := x.Name.Value
		p := m.Parameters[name]
		code := ""
		switch {
		case p == nil:
			code = "9005"
		case p.Writable != nil && !*p.Writable:
			code = "9008"
		case seen[name]:
			code = "9003"
		case x.Value.XSIType != "" && p.Type != "" && !sameType(localType(x.Value.XSIType), p.Type):
			code = "9006"
		case !lexical(x.Value.Value, cmp.Or(p.Type, localType(x.Value.XSIType))):
			code = "9007"
		}
		seen[name] = true
		if code != "" {
			bad = append(bad, [2]string{name, code})
		}
	}
	if len(bad) > 0 {
		f := fails("9003")
		f.parameters = bad
		return nil, f, true
	}
	for i := range a.ParameterList.Items {
		x := &a.ParameterList.Items[i]
		p := m.Parameters[x.Name.Value]
		p.Value = x.Value.Value
		m.changed[x.Name.Value] = true
		if p.Type == "" {
			p.Type = cmp.Or(localType(x.Value.XSIType), "string")
		}
	}
	m.key(a.ParameterKey.Value)
	return &cwmp.SetParameterValuesResponse{Status: leaf("0")}, nil, true
}

// touched says whether a request reads what was changed since the model was learnt.
func (m *Model) touched(ask *cwmp.Message) bool {
	reads := func(name string) bool {
		for changed := range m.changed {
			if changed == name || strings.HasSuffix(name, ".") && strings.HasPrefix(changed, name) || name == "" {
				return true
			}
		}
		return false
	}
	switch a := ask.Args.(type) {
	case *cwmp.GetParameterValues:
		for i := range a.ParameterNames.Items {
			if reads(a.ParameterNames.Items[i].Value) {
				return true
			}
		}
	case *cwmp.GetParameterNames:
		for changed := range m.changed {
			if strings.HasSuffix(changed, ".") && strings.HasPrefix(changed, a.ParameterPath.Value) {
				return true
			}
		}
	case *cwmp.GetParameterAttributes:
		for i := range a.ParameterNames.Items {
			if reads(a.ParameterNames.Items[i].Value) {
				return true
			}
		}
	}
	return false
}

// value is a parameter's below the root, "" where it is not known.
func (m *Model) value(name string) string {
	if p := m.Parameters[m.Root+name]; p != nil {
		return strings.TrimSpace(p.Value)
	}
	return ""
}

// key sets the ParameterKey, where the model has one.
func (m *Model) key(value string) {
	name := m.Root + "ManagementServer.ParameterKey"
	if p := m.Parameters[name]; p != nil {
		p.Value = value
		m.changed[name] = true
	}
}

// sameType says whether a value of one type may be given for another: ACSs don't
// tell integer types apart well.
func sameType(given, has string) bool {
	number := func(t string) bool {
		return slices.Contains([]string{"int", "unsignedInt", "long", "unsignedLong", "integer"}, t)
	}
	return given == has || number(given) && number(has)
}

var (
	integer  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[+-]?\d+$`) })
	unsigned = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\+?\d+$`) })
)

// lexical says whether a value is one of its type (XML Schema part 2).
func lexical(value, kind string) bool {
	v := strings.TrimSpace(value)
	switch kind {
	case "boolean":
		return slices.Contains([]string{"0", "1", "true", "false"}, v)
	case "int", "long", "integer":
		bits := 64
		if kind == "int" {
			bits = 32
		}
		_, err := strconv.ParseInt(strings.TrimPrefix(v, "+"), 10, bits)
		return integer().MatchString(v) && err == nil
	case "unsignedInt", "unsignedLong":
		bits := 64
		if kind == "unsignedInt" {
			bits = 32
		}
		_, err := strconv.ParseUint(strings.TrimPrefix(v, "+"), 10, bits)
		return unsigned().MatchString(v) && err == nil
	case "dateTime":
		l := leaf(v)
		_, _, ok := l.Time()
		if !ok {
			_, err := time.Parse(time.RFC3339Nano, v)
			ok = err == nil
		}
		return ok
	case "base64", "base64Binary":
		_, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(v), ""))
		return err == nil
	}
	return true
}

// setAttributes is SetParameterAttributes (TR-069 A.3.2.4).
func (m *Model) setAttributes(a *cwmp.SetParameterAttributes) (cwmp.Struct, *failure, bool) {
	for i := range a.ParameterList.Items {
		x := &a.ParameterList.Items[i]
		if _, ok := m.below(x.Name.Value); !ok {
			return nil, fails("9005"), true
		}
		if n, ok := x.Notification.Int(); ok && (n < 0 || n > 6) {
			return nil, fails("9003"), true
		}
	}
	for i := range a.ParameterList.Items {
		x := &a.ParameterList.Items[i]
		list, _ := m.below(x.Name.Value)
		for _, name := range list {
			p := m.Parameters[name]
			if yes, _ := x.NotificationChange.Bool(); yes {
				n, _ := x.Notification.Int()
				p.Notification = int(n)
			}
			if yes, _ := x.AccessListChange.Bool(); yes {
				p.AccessList = leaves(&x.AccessList)
			}
		}
	}
	return &cwmp.SetParameterAttributesResponse{}, nil, true
}

// addObject is AddObject (TR-069 A.3.2.6): the new instance has the parameters of
// the first one that there is, with the value that their type begins with.
func (m *Model) addObject(a *cwmp.AddObject) (cwmp.Struct, *failure, bool) {
	path := a.ObjectName.Value
	writable, there := m.Objects[path]
	if !there || !strings.HasSuffix(path, ".") {
		return nil, fails("9005"), true
	}
	like := m.instance(path)
	if writable != nil && !*writable || writable == nil && like == "" {
		return nil, fails("9005"), true
	}
	number := strconv.Itoa(m.next[path] + 1)
	m.add(path, number)
	m.changed[path+number+"."] = true
	m.key(a.ParameterKey.Value)
	return &cwmp.AddObjectResponse{InstanceNumber: leaf(number), Status: leaf("0")}, nil, true
}

// add adds an instance, which is like the first that there is.
func (m *Model) add(path, number string) {
	like := m.instance(path)
	for _, name := range m.Names() {
		rest, below := strings.CutPrefix(name, like)
		if like == "" || !below || rest == "" {
			continue
		}
		own := path + number + "." + rest
		if strings.HasSuffix(name, ".") {
			m.object(own)
			m.Objects[own] = m.Objects[name]
			continue
		}
		p := *m.Parameters[name]
		p.Value, p.Notification, p.AccessList = initial(p.Type), 0, nil
		*m.parameter(own) = p
	}
	yes := true
	m.object(path + number + ".")
	m.Objects[path+number+"."] = &yes
}

// instance is the path of an object's first instance, "" where there is none.
func (m *Model) instance(path string) string {
	first := 0
	for x := range m.Objects {
		rest, below := strings.CutPrefix(x, path)
		if n, err := strconv.Atoi(strings.TrimSuffix(rest, ".")); below && err == nil && (first == 0 || n < first) {
			first = n
		}
	}
	if first == 0 {
		return ""
	}
	return path + strconv.Itoa(first) + "."
}

// initial is the value that a type begins with.
func initial(kind string) string {
	switch kind {
	case "boolean":
		return "0"
	case "int", "unsignedInt", "long", "unsignedLong":
		return "0"
	case "dateTime":
		return cwmp.UnknownTime
	}
	return ""
}

// deleteObject is DeleteObject (TR-069 A.3.2.7).
func (m *Model) deleteObject(a *cwmp.DeleteObject) (cwmp.Struct, *failure, bool) {
	path := a.ObjectName.Value
	writable, there := m.Objects[path]
	up := path[:max(0, strings.LastIndexByte(strings.TrimSuffix(path, "."), '.')+1)]
	_, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(path, up), "."))
	if !there || err != nil || writable != nil && !*writable {
		return nil, fails("9005"), true
	}
	for x := range m.Objects {
		if strings.HasPrefix(x, path) {
			delete(m.Objects, x)
		}
	}
	for x := range m.Parameters {
		if strings.HasPrefix(x, path) {
			delete(m.Parameters, x)
		}
	}
	m.changed[path] = true
	m.key(a.ParameterKey.Value)
	return &cwmp.DeleteObjectResponse{Status: leaf("0")}, nil, true
}
