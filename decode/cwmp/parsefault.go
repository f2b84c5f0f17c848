package cwmp

import (
	"strings"

	"informant/decode/soap"
)

// faultReader is where reading of a SOAP Fault stands.
type faultReader struct {
	f *FaultDetail
	// level is how deep below the SOAP Fault reading is: 0 among its children.
	level  int
	inCWMP bool
}

// readFault reads the SOAP Fault whose Start is the current token, and the
// CWMP Fault wherever it stands: below it, or, as some have it, in its place.
func (d *decoder) readFault() *FaultDetail {
	f := &FaultDetail{}
	d.fault = faultReader{f: f}
	if name, at := d.Name(), d.At(); Version(name.Space) >= 0 {
		f.HasCWMP, f.CWMP, f.Misplaced = true, name, true
		d.fault.inCWMP = true
		d.faultChildren("")
		d.needCode(at)
	} else {
		d.faultChildren("")
	}
	f.Notes, d.notes, d.unnoted = d.allNotes(), nil, 0
	d.fault.f = nil
	return f
}

// faultChildren reads the children of the current element, which has that name.
func (d *decoder) faultChildren(parent string) {
	for depth := d.Depth(); ; {
		switch d.Next() {
		case soap.Start:
			d.faultChild(parent)
			continue
		case soap.CharData:
			d.note(TextInStruct, d.At(), d.Text())
			continue
		case soap.End:
			if d.Depth() >= depth {
				continue
			}
		}
		return
	}
}

// faultChild reads a child of an element, by its name in whatever case.
func (d *decoder) faultChild(parent string) {
	name := d.Local()
	switch strings.ToLower(name) {
	case "faultcode":
		if d.fault.inCWMP || name == "FaultCode" {
			d.faultLeaf(name, "FaultCode", &d.fault.f.Code)
		} else {
			d.faultLeaf(name, "faultcode", &d.fault.f.SOAPCode)
		}
	case "faultstring":
		if d.fault.inCWMP || name == "FaultString" {
			d.faultLeaf(name, "FaultString", &d.fault.f.String)
		} else {
			d.variant(name, "faultstring")
			d.faultString(name)
		}
	case "detail":
		d.variant(name, "detail")
		d.fault.f.HasDetail = true
		d.faultInto(name, "detail")
	case "fault":
		d.variant(name, "Fault")
		d.cwmpFault(name, parent)
	case "setparametervaluesfault":
		d.variant(name, "SetParameterValuesFault")
		d.fault.f.Parameters = append(d.fault.f.Parameters, SetParameterValuesFault{})
		d.enter(name, len(d.fault.f.Parameters))
		d.structure(&d.fault.f.Parameters[len(d.fault.f.Parameters)-1])
		d.leave()
	default:
		d.extra()
	}
}

// faultInto reads the children of the current element.
func (d *decoder) faultInto(name, standard string) {
	d.enter(name, 0)
	d.fault.level++
	d.faultChildren(standard)
	d.fault.level--
	d.leave()
}

// cwmpFault reads the CWMP Fault.
func (d *decoder) cwmpFault(name, parent string) {
	f, at := d.fault.f, d.At()
	f.HasCWMP, f.CWMP = true, d.Name()
	f.Misplaced = parent != "detail" || d.fault.level != 1
	saved := d.fault.inCWMP
	d.fault.inCWMP = true
	d.faultInto(name, "Fault")
	d.fault.inCWMP = saved
	d.needCode(at)
}

// needCode notes a CWMP Fault without a code.
func (d *decoder) needCode(at soap.Span) {
	if !d.fault.f.Code.Present {
		d.noteOn(MissingArg, "FaultCode", at, "")
	}
}

// variant notes a name in another case.
func (d *decoder) variant(name, standard string) {
	if name != standard {
		d.noteOn(CaseVariant, name, d.At(), standard)
	}
}

// faultLeaf reads a leaf of the Fault. The first one counts: a second is kept as
// a tree.
func (d *decoder) faultLeaf(name, standard string, l *Leaf) {
	d.variant(name, standard)
	if l.Present {
		d.noteOn(RepeatedArg, name, d.At(), "")
		d.extra()
		return
	}
	d.leaf(l, name)
}

// faultString reads the SOAP faultstring, in which some put the detail
// (reference 9.2 no. 66).
func (d *decoder) faultString(name string) {
	l := &d.fault.f.SOAPString
	if l.Present || !d.HasChildren() {
		d.faultLeaf(name, name, l)
		return
	}
	at, from := d.At(), int32(d.At().End)
	t, typed := d.XSIType()
	d.noteOn(ElementInLeaf, name, at, "")
	*l = Leaf{XSIType: t, Untyped: !typed, Present: true, Nested: true, Start: from}
	d.enter(name, 0)
	d.fault.level++
	var text strings.Builder
	for depth := d.Depth(); d.Depth() >= depth; {
		switch d.Next() {
		case soap.Start:
			d.faultChild("faultstring")
			continue
		case soap.CharData:
			text.WriteString(d.Text())
			continue
		case soap.EOF:
			depth = d.Depth() + 1
		}
	}
	d.fault.level--
	d.leave()
	l.Value = text.String()
	l.End = max(from, int32(d.At().Start))
}
