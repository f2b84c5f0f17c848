package cwmp

import (
	"strings"

	"informant/decode/soap"
)

// faultReader reads a SOAP Fault.
type faultReader struct {
	*decoder
	f *FaultDetail
	// level is how deep below the SOAP Fault reading is: 0 among its children.
	level  int
	inCWMP bool
}

// readFault reads the SOAP Fault whose Start is the current token, and the
// CWMP Fault wherever it stands: below it, or, as some have it, in its place.
func (d *decoder) readFault() *FaultDetail {
	r := faultReader{decoder: d, f: &FaultDetail{}}
	if name, at := d.Name(), d.At(); Version(name.Space) >= 0 {
		r.cwmpFault(name, true, func() { r.children("") })
		r.needCode(at)
	} else {
		r.children("")
	}
	r.f.Notes, d.notes, d.unnoted = d.allNotes(), nil, 0
	return r.f
}

// children reads the children of the current element, which has that name.
func (r *faultReader) children(parent string) {
	for depth := r.Depth(); ; {
		switch r.Next() {
		case soap.Start:
			r.child(parent)
			continue
		case soap.CharData:
			r.note(TextInStruct, r.At(), r.Text())
			continue
		case soap.End:
			if r.Depth() >= depth {
				continue
			}
		}
		return
	}
}

// child reads a child of an element, by its name in whatever case.
func (r *faultReader) child(parent string) {
	name := r.Local()
	switch strings.ToLower(name) {
	case "faultcode":
		if r.inCWMP || name == "FaultCode" {
			r.named(name, "FaultCode", &r.f.Code)
		} else {
			r.named(name, "faultcode", &r.f.SOAPCode)
		}
	case "faultstring":
		if r.inCWMP || name == "FaultString" {
			r.named(name, "FaultString", &r.f.String)
		} else {
			r.variant(name, "faultstring")
			r.faultString(name)
		}
	case "detail":
		r.variant(name, "detail")
		r.f.HasDetail = true
		r.into(name, "detail")
	case "fault":
		r.variant(name, "Fault")
		at := r.At()
		r.cwmpFault(r.Name(), parent != "detail" || r.level != 1, func() { r.into(name, "Fault") })
		r.needCode(at)
	case "setparametervaluesfault":
		r.variant(name, "SetParameterValuesFault")
		r.f.Parameters = append(r.f.Parameters, SetParameterValuesFault{})
		r.enter(name, len(r.f.Parameters))
		r.structure(&r.f.Parameters[len(r.f.Parameters)-1])
		r.leave()
	default:
		r.extra()
	}
}

// into reads the children of the current element.
func (r *faultReader) into(name, standard string) {
	r.enter(name, 0)
	r.level++
	r.children(standard)
	r.level--
	r.leave()
}

// cwmpFault notes the CWMP Fault and reads it.
func (r *faultReader) cwmpFault(name soap.Name, misplaced bool, read func()) {
	r.f.HasCWMP, r.f.CWMP, r.f.Misplaced = true, name, misplaced
	saved := r.inCWMP
	r.inCWMP = true
	read()
	r.inCWMP = saved
}

// needCode notes a CWMP Fault without a code.
func (r *faultReader) needCode(at soap.Span) {
	if !r.f.Code.Present {
		r.noteOn(MissingArg, "FaultCode", at, "")
	}
}

// variant notes a name in another case.
func (r *faultReader) variant(name, standard string) {
	if name != standard {
		r.noteOn(CaseVariant, name, r.At(), standard)
	}
}

// named reads a leaf of the Fault. The first one counts: a second is kept as
// a tree.
func (r *faultReader) named(name, standard string, l *Leaf) {
	r.variant(name, standard)
	if l.Present {
		r.noteOn(RepeatedArg, name, r.At(), "")
		r.extra()
		return
	}
	r.leaf(l, name)
}

// faultString reads the SOAP faultstring, in which some put the detail
// (reference 9.2 no. 66).
func (r *faultReader) faultString(name string) {
	l := &r.f.SOAPString
	if l.Present || !r.HasChildren() {
		r.named(name, name, l)
		return
	}
	at, from := r.At(), int32(r.At().End)
	t, typed := r.XSIType()
	r.noteOn(ElementInLeaf, name, at, "")
	*l = Leaf{XSIType: t, Untyped: !typed, Present: true, Nested: true, Start: from}
	r.enter(name, 0)
	r.level++
	var text strings.Builder
	for depth := r.Depth(); r.Depth() >= depth; {
		switch r.Next() {
		case soap.Start:
			r.child("faultstring")
			continue
		case soap.CharData:
			text.WriteString(r.Text())
			continue
		case soap.EOF:
			depth = r.Depth() + 1
		}
	}
	r.level--
	r.leave()
	l.Value = text.String()
	l.End = max(from, int32(r.At().Start))
}
