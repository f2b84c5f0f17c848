package check

import (
	"strconv"
	"strings"

	"informant/decode/cwmp"
	"informant/decode/soap"
)

// pathAt is soap.PathAt of a position in a message's document. Where all is in order, the
// arguments tell it, without another look at the text.
func (p *Pass) pathAt(m *cwmp.Message, at int) string {
	d := m.Document
	if len(d.Methods) == 1 && d.Envelopes == 1 && d.Bodies == 1 && orderly(d) {
		method := &d.Methods[0]
		if d.Envelope.At.Start == at {
			return p.names.join("/", d.Envelope.Name.Local)
		}
		if method.At.Start == at {
			return p.names.join("/", d.Envelope.Name.Local, "/Body/", method.Name.Local)
		}
		if len(m.Notes) == 0 && len(m.Extra) == 0 && m.Args != nil {
			w := argumentWay{m: m, alike: &p.alike, text: d.Text, at: at, path: append(append(append(append(p.names.buf[:0], '/'), d.Envelope.Name.Local...), "/Body/"...), method.Name.Local...)}
			found := w.find(m.Args)
			if p.names.buf = w.path; found {
				return p.names.keep()
			}
		}
	}
	p.names.buf = p.places.Append(p.names.buf[:0], d, at)
	return p.names.keep()
}

// orderly says whether all elements of an envelope stand where they should.
func orderly(d *soap.Document) bool {
	for i := range d.Quirks {
		switch d.Quirks[i].Kind {
		case soap.RawNonASCII, soap.NoDeclaration, soap.CharsetOther, soap.CharsetMismatch:
		default:
			return false
		}
	}
	return true
}

// argumentWay finds the way to a position in simple arguments of the methods that have
// most of them. They were read without anything odd: their elements have the names that
// they should have, and are there once, but for the items of lists.
type argumentWay struct {
	m     *cwmp.Message
	alike *alikeItems
	text  string
	at    int
	path  []byte
}

// alikeItems is whether all items of a message's list have the same name, as in nearly
// all lists: then the number of one is its place. Several findings may ask, and the list
// may be long.
type alikeItems struct {
	of   *cwmp.Message
	list string // its element
	name string // of all items, "" where they have several
}

// find appends the way to the path, and says whether it is known.
func (w *argumentWay) find(args cwmp.Struct) bool {
	switch a := args.(type) {
	case *cwmp.Inform:
		id := &a.DeviceID
		return w.leaf(&a.MaxEnvelopes, "MaxEnvelopes") || w.leaf(&a.CurrentTime, "CurrentTime") || w.leaf(&a.RetryCount, "RetryCount") ||
			w.leaf(&id.Manufacturer, "DeviceId/Manufacturer") || w.leaf(&id.OUI, "DeviceId/OUI") || w.leaf(&id.ProductClass, "DeviceId/ProductClass") || w.leaf(&id.SerialNumber, "DeviceId/SerialNumber") ||
			w.events(&a.Event) || w.values(&a.ParameterList)
	case *cwmp.GetParameterValuesResponse:
		return w.values(&a.ParameterList)
	case *cwmp.SetParameterValues:
		return w.leaf(&a.ParameterKey, "ParameterKey") || w.values(&a.ParameterList)
	case *cwmp.GetParameterValues:
		return w.list(&a.ParameterNames.ArrayInfo, "ParameterNames")
	case *cwmp.GetParameterNamesResponse:
		if w.list(&a.ParameterList.ArrayInfo, "ParameterList") {
			return true
		}
		list := a.ParameterList.Items
		i := w.item("ParameterList", len(list), func(i int) soap.Span { return list[i].At() })
		return i >= 0 && (w.leaf(&list[i].Name, "Name") || w.leaf(&list[i].Writable, "Writable"))
	}
	return false
}

func (w *argumentWay) values(l *cwmp.List[cwmp.ParameterValueStruct]) bool {
	if w.list(&l.ArrayInfo, "ParameterList") {
		return true
	}
	i := w.item("ParameterList", len(l.Items), func(i int) soap.Span { return l.Items[i].At() })
	return i >= 0 && (w.leaf(&l.Items[i].Name, "Name") || w.leaf(&l.Items[i].Value, "Value"))
}

func (w *argumentWay) events(l *cwmp.List[cwmp.EventStruct]) bool {
	if w.list(&l.ArrayInfo, "Event") {
		return true
	}
	i := w.item("Event", len(l.Items), func(i int) soap.Span { return l.Items[i].At() })
	return i >= 0 && (w.leaf(&l.Items[i].EventCode, "EventCode") || w.leaf(&l.Items[i].CommandKey, "CommandKey"))
}

// list goes to a list, if the position is where its tag begins or tells its type.
func (w *argumentWay) list(l *cwmp.ArrayInfo, name string) bool {
	if !l.Present || w.at != l.At.Start && (w.at < l.TypeAt.Start || w.at >= l.TypeAt.End) {
		return false
	}
	w.path = append(append(w.path, '/'), name...)
	return true
}

// leaf goes to an argument, if the position is in its content.
func (w *argumentWay) leaf(l *cwmp.Leaf, name string) bool {
	from, to := int(l.Start), int(l.End)
	if !l.Present || l.Nested || w.at < from || w.at > to || w.at == to && !strings.HasPrefix(w.text[to:], "</") || from == to && strings.HasSuffix(w.text[:from], "/>") {
		return false
	}
	w.path = append(append(w.path, '/'), name...)
	return true
}

// item goes to the item of a list of n that the position is in, -1 for none.
func (w *argumentWay) item(list string, n int, span func(int) soap.Span) int {
	from, to := 0, n
	for from < to {
		if mid := int(uint(from+to) >> 1); span(mid).End <= w.at {
			from = mid + 1
		} else {
			to = mid
		}
	}
	i := from
	if i == n || span(i).Start > w.at || span(i).Start < 0 {
		return -1
	}
	if x := w.alike; x.of != w.m || x.list != list {
		first := w.text[max(0, span(0).Start):]
		first = first[:strings.IndexAny(first, tagEnds)+1] // its tag, to what follows the name
		*x = alikeItems{w.m, list, w.tag(span(0).Start)}
		for j := 1; j < n && x.name != ""; j++ {
			at := span(j).Start
			if at >= 0 && first != "" && strings.HasPrefix(w.text[at:], first) {
				continue
			}
			if w.tag(at) != x.name {
				x.name = ""
			}
		}
	}
	if w.alike.name == "" {
		return -1
	}
	w.path = append(append(append(append(w.path, '/'), list...), '/'), w.alike.name...)
	if n > 1 {
		w.path = append(strconv.AppendInt(append(w.path, '['), int64(i)+1, 10), ']')
	}
	return i
}

// tagEnds are what may follow the name of a tag.
const tagEnds = " \t\r\n>/"

// tag is the local name of the tag that begins at a position.
func (w *argumentWay) tag(at int) string {
	from := at + 1
	for i := from; i < len(w.text); i++ {
		switch w.text[i] {
		case ':':
			from = i + 1
		case ' ', '\t', '\r', '\n', '>', '/':
			return w.text[from:i]
		}
	}
	return w.text[from:]
}
