package replay

import (
	"fmt"

	"github.com/beevik/etree"

	"informant/decode/cwmp"
	"informant/decode/soap"
)

// envelope is an envelope of our own, in a CWMP namespace.
type envelope struct {
	doc  *etree.Document
	body *etree.Element
}

func newEnvelope(namespace, id string) envelope {
	if namespace == "" {
		namespace = "urn:dslforum-org:cwmp-1-0"
	}
	d := etree.NewDocument()
	d.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	root := d.CreateElement("soap-env:Envelope")
	for _, a := range [][2]string{{"soap-env", soap.EnvelopeNS}, {"soap-enc", "http://schemas.xmlsoap.org/soap/encoding/"},
		{"xsd", "http://www.w3.org/2001/XMLSchema"}, {"xsi", "http://www.w3.org/2001/XMLSchema-instance"}, {"cwmp", namespace}} {
		root.CreateAttr("xmlns:"+a[0], a[1])
	}
	if id != "" {
		e := root.CreateElement("soap-env:Header").CreateElement("cwmp:ID")
		e.CreateAttr("soap-env:mustUnderstand", "1")
		e.SetText(id)
	}
	return envelope{d, root.CreateElement("soap-env:Body")}
}

func (e envelope) String() string {
	text, err := e.doc.WriteToString()
	if err != nil { // it writes to memory
		panic(err)
	}
	return text
}

// render is an envelope with a method.
func render(namespace, id, rpc string, args cwmp.Struct) string {
	e := newEnvelope(namespace, id)
	members(e.body.CreateElement("cwmp:"+rpc), args)
	return e.String()
}

// members writes a struct's members, those that may be absent only where they are
// there.
func members(to *etree.Element, s cwmp.Struct) {
	for _, m := range s.Members() {
		switch v := m.Value.(type) {
		case *cwmp.Leaf:
			if m.Optional && !v.Present {
				continue
			}
			e := to.CreateElement(m.Name)
			if v.XSIType != "" {
				e.CreateAttr("xsi:type", v.XSIType)
			}
			e.SetText(v.Value)
		case cwmp.Array:
			items(to.CreateElement(m.Name), &m, v)
		case cwmp.Struct:
			members(to.CreateElement(m.Name), v)
		}
	}
}

// items writes a list.
func items(to *etree.Element, m *cwmp.Member, a cwmp.Array) {
	to.CreateAttr("soap-enc:arrayType", fmt.Sprintf("%s[%d]", m.ItemType, a.Len()))
	name := m.ItemType[len("cwmp:"):]
	for i := range a.Len() {
		switch v := a.Item(i).(type) {
		case *cwmp.Leaf:
			to.CreateElement(localType(m.ItemType)).SetText(v.Value)
		case cwmp.Struct:
			members(to.CreateElement(name), v)
		}
	}
}

// fault is an envelope with a CWMP fault (TR-069 3.5).
func fault(namespace, id, who string, f *failure) string {
	e := newEnvelope(namespace, id)
	x := e.body.CreateElement("soap-env:Fault")
	x.CreateElement("faultcode").SetText(who)
	x.CreateElement("faultstring").SetText("CWMP fault")
	d := x.CreateElement("detail").CreateElement("cwmp:Fault")
	d.CreateElement("FaultCode").SetText(f.code)
	d.CreateElement("FaultString").SetText(f.text)
	for _, p := range f.parameters {
		s := d.CreateElement("SetParameterValuesFault")
		s.CreateElement("ParameterName").SetText(p[0])
		s.CreateElement("FaultCode").SetText(p[1])
		s.CreateElement("FaultString").SetText(fails(p[1]).text)
	}
	return e.String()
}

// event is a cause of a session (TR-069 3.7.1.5).
type event struct{ code, key string }

// renderEvents is an Inform's Event, with the prefixes that it needs.
func renderEvents(namespace string, list []event) string {
	d := etree.NewDocument()
	e := d.CreateElement("Event")
	e.CreateAttr("xmlns:enc", "http://schemas.xmlsoap.org/soap/encoding/")
	e.CreateAttr("xmlns:c", namespace)
	e.CreateAttr("enc:arrayType", fmt.Sprintf("c:EventStruct[%d]", len(list)))
	for _, x := range list {
		s := e.CreateElement("EventStruct")
		s.CreateElement("EventCode").SetText(x.code)
		s.CreateElement("CommandKey").SetText(x.key)
	}
	text, err := d.WriteToString()
	if err != nil { // it writes to memory
		panic(err)
	}
	return text
}
