package cwmp

import (
	"strings"

	"informant/decode/soap"
)

// readFault reads the SOAP Fault whose Start is the current token, and the
// CWMP Fault wherever it stands below it.
func (d *decoder) readFault() *FaultDetail {
	f := &FaultDetail{}
	d.faultChildren(f)
	f.Notes, d.notes = d.notes, nil
	return f
}

// faultChildren reads the children of the current element.
func (d *decoder) faultChildren(f *FaultDetail) {
	for depth := d.Depth(); ; {
		switch d.Next() {
		case soap.Start:
			d.faultChild(f)
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

// faultNames are the elements of a Fault, by their names in lower case.
var faultNames = map[string]string{
	"faultcode": "faultcode", "faultstring": "faultstring", "detail": "detail", "fault": "Fault",
	"setparametervaluesfault": "SetParameterValuesFault", "faultactor": "faultactor",
}

func (d *decoder) faultChild(f *FaultDetail) {
	name := d.Local()
	inside := f.HasCWMP
	switch strings.ToLower(name) {
	case "faultcode":
		if inside {
			d.leaf(&f.Code, name)
			return
		}
		d.leaf(&f.SOAPCode, name)
	case "faultstring":
		if inside {
			d.leaf(&f.String, name)
			return
		}
		d.leaf(&f.SOAPString, name)
	case "detail":
		f.HasDetail = true
		d.enter(name, f)
	case "fault":
		f.HasCWMP, f.CWMP = true, d.Name()
		d.enter(name, f)
	case "setparametervaluesfault":
		f.Parameters = append(f.Parameters, SetParameterValuesFault{})
		d.path = append(d.path, pathStep{name, len(f.Parameters)})
		d.structure(&f.Parameters[len(f.Parameters)-1])
		d.path = d.path[:len(d.path)-1]
	default:
		d.extra()
	}
}

func (d *decoder) enter(name string, f *FaultDetail) {
	d.path = append(d.path, pathStep{name: name})
	d.faultChildren(f)
	d.path = d.path[:len(d.path)-1]
}
