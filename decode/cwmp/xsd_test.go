package cwmp

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/beevik/etree"
)

// schema is an official schema as far as the arguments need it.
type schema struct {
	t     *testing.T
	types map[string]*etree.Element // global types by name
	roots map[string]*etree.Element // global elements by name
}

func readSchema(t *testing.T, file string) *schema {
	doc := etree.NewDocument()
	if err := doc.ReadFromFile(file); err != nil {
		t.Skip(err)
	}
	s := &schema{t, map[string]*etree.Element{}, map[string]*etree.Element{}}
	for _, e := range doc.Root().ChildElements() {
		name := e.SelectAttrValue("name", "")
		switch e.Tag {
		case "element":
			s.roots[name] = e
		case "complexType", "simpleType":
			s.types[name] = e
		}
	}
	return s
}

// TestSchema holds all RPCs and structs to the official schemas: names, order,
// types, lengths, what is optional, and the items of lists.
func TestSchema(t *testing.T) {
	dir := sharedDir(t, "cwmp-xsd")
	for _, file := range []string{"cwmp-1-0.xsd", "cwmp-1-1.xsd", "cwmp-1-2.xsd"} {
		s := readSchema(t, filepath.Join(dir, file))
		found := 0
		for name, root := range s.roots {
			def, ok := methods[name]
			if !ok {
				if !slices.Contains([]string{"ID", "HoldRequests", "Fault", "NoMoreRequests"}, name) {
					t.Errorf("%s: no method %s", file, name)
				}
				continue
			}
			found++
			s.compare(file+" "+name, s.members(root.SelectElement("complexType")), def())
		}
		if file == "cwmp-1-2.xsd" && found != len(methods) {
			t.Errorf("%d methods in the schema, %d here", found, len(methods))
		}
		for _, kind := range []string{"InstallOpStruct", "UpdateOpStruct", "UninstallOpStruct"} {
			if c := s.types[kind]; c != nil {
				s.compare(file+" "+kind, s.members(c), &OperationStruct{Kind: kind})
			}
		}
		if fault := s.roots["Fault"]; fault != nil {
			for _, e := range s.members(fault.SelectElement("complexType")) {
				if e.SelectAttrValue("name", "") == "SetParameterValuesFault" {
					s.compare(file+" SetParameterValuesFault", s.members(s.complex(e)), &SetParameterValuesFault{})
				}
			}
		}
	}
}

// members are the elements of a complex type, those it extends first.
func (s *schema) members(c *etree.Element) (all []*etree.Element) {
	if c == nil {
		return nil
	}
	if x := c.FindElement("./complexContent/extension"); x != nil {
		all = s.members(s.types[local(x.SelectAttrValue("base", ""))])
		c = x
	}
	if seq := c.SelectElement("sequence"); seq != nil {
		all = append(all, seq.SelectElements("element")...)
	}
	return all
}

func local(name string) string { return name[strings.LastIndexByte(name, ':')+1:] }

// complex is the complex type of an element, nil when it is simple.
func (s *schema) complex(e *etree.Element) *etree.Element {
	if c := e.SelectElement("complexType"); c != nil {
		return c
	}
	if c := s.types[local(e.SelectAttrValue("type", ""))]; c != nil && c.Tag == "complexType" {
		return c
	}
	return nil
}

// arrayItem is the item element of a SOAP array, nil when c is none.
func arrayItem(c *etree.Element) *etree.Element {
	if r := c.FindElement("./complexContent/restriction[@base='soapenc:Array']"); r != nil {
		return r.FindElement("./sequence/element")
	}
	return nil
}

func (s *schema) compare(where string, want []*etree.Element, got Struct) {
	t := s.t
	members := got.Members()
	if len(members) != len(want) {
		t.Errorf("%s: %d members, want %d", where, len(members), len(want))
		return
	}
	for i, e := range want {
		m := members[i]
		name := e.SelectAttrValue("name", "")
		id := where + "/" + name
		if m.Name != name {
			t.Errorf("%s: is %s", id, m.Name)
			continue
		}
		if optional := e.SelectAttrValue("minOccurs", "1") == "0"; optional != m.Optional {
			t.Errorf("%s: optional %v", id, m.Optional)
		}
		if repeated := e.SelectAttrValue("maxOccurs", "1") == "unbounded"; repeated != m.Repeated {
			t.Errorf("%s: repeated %v", id, m.Repeated)
		}
		s.compareValue(id, e, m)
	}
}

func (s *schema) compareValue(id string, e *etree.Element, m Member) {
	t := s.t
	c := s.complex(e)
	switch v := m.Value.(type) {
	case *Leaf:
		if c != nil {
			t.Errorf("%s: is no leaf", id)
			return
		}
		s.compareLeaf(id, e, m)
	case Array:
		if m.Repeated {
			if p, ok := v.probe().(*OperationStruct); ok {
				_ = p
				return
			}
			s.compare(id, s.members(c), v.probe())
			return
		}
		item := arrayItem(c)
		if item == nil {
			t.Errorf("%s: is no array", id)
			return
		}
		if s.complex(item) != nil {
			if want := "cwmp:" + local(item.SelectAttrValue("type", "")); want != m.ItemType {
				t.Errorf("%s: items %s, want %s", id, m.ItemType, want)
			}
			s.compare(id, s.members(s.complex(item)), v.probe())
			return
		}
		s.compareLeaf(id, item, m)
	case Struct:
		s.compare(id, s.members(c), v)
	}
}

func (s *schema) compareLeaf(id string, e *etree.Element, m Member) {
	base, longest := s.simple(e.SelectAttrValue("type", ""), e.SelectElement("simpleType"))
	if base != m.Type {
		s.t.Errorf("%s: type %v, want %v", id, m.Type, base)
	}
	if longest != m.Max {
		s.t.Errorf("%s: at most %d characters, want %d", id, m.Max, longest)
	}
}

// simple is the type and longest value of a simple type.
func (s *schema) simple(name string, inline *etree.Element) (Type, int) {
	switch {
	case strings.HasPrefix(name, "xs:"), strings.HasPrefix(name, "soapenc:"):
		return builtin(local(name)), 0
	case name == "tns:DeploymentUnitUUID":
		return UUID, 0
	case name != "":
		inline = s.types[local(name)]
	}
	if inline == nil {
		return String, 0
	}
	if inline.SelectElement("union") != nil {
		return s.union(inline.SelectElement("union"))
	}
	r := inline.SelectElement("restriction")
	t, longest := s.simple(r.SelectAttrValue("base", ""), r.SelectElement("simpleType"))
	if l := r.SelectElement("maxLength"); l != nil {
		longest, _ = strconv.Atoi(l.SelectAttrValue("value", ""))
	}
	return t, longest
}

// union is that of its first member.
func (s *schema) union(u *etree.Element) (Type, int) {
	if names := strings.Fields(u.SelectAttrValue("memberTypes", "")); len(names) > 0 {
		return s.simple(names[0], nil)
	}
	return s.simple("", u.SelectElement("simpleType"))
}

func builtin(name string) Type {
	switch name {
	case "int":
		return Int
	case "unsignedInt":
		return UnsignedInt
	case "boolean":
		return Boolean
	case "dateTime":
		return DateTime
	case "base64", "base64Binary":
		return Base64
	case "anyURI":
		return AnyURI
	case "anySimpleType":
		return Any
	}
	return String
}
