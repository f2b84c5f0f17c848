package cwmp

import (
	"slices"
	"strings"

	"informant/decode/soap"
)

// Parse reads the body of an HTTP message that came with that Content-Type:
// the envelope as it was, and a Message for each method in it. What belongs to
// the exchange (From, N, HTTP, times and so on) is the caller's to fill in.
// Nothing of a body is an error: where no method can be read there are no
// messages, and the document's quirks say why.
//
// Values are parts of the document's text, and of the body wherever that
// needed no rewriting.
func Parse(body, contentType string) (*soap.Document, []*Message) {
	var d decoder
	return d.parse(body, contentType)
}

// parse is Parse.
func (d *decoder) parse(body, contentType string) (*soap.Document, []*Message) {
	d.KnownMethod = knownMethod
	d.Reuse(d.pool.document())
	d.Open(body, contentType)
	var messages []*Message
	for d.NextMethod() {
		if messages == nil {
			messages = d.pool.message().list[:]
		} else {
			messages = append(messages, &Message{})
		}
		d.readMessage(messages[len(messages)-1])
	}
	doc := d.Document()
	for i, m := range messages {
		method := &doc.Methods[i]
		m.Document = doc
		m.At = method.At
		m.setHeader(doc, method.Envelope)
	}
	d.release()
	return doc, messages
}

// release lets go of all that was handed out.
func (d *decoder) release() {
	d.Release()
	clear(d.path[:cap(d.path)])
	d.message, d.notes = nil, nil
}

// setHeader sorts the header blocks of an envelope.
func (m *Message) setHeader(doc *soap.Document, envelope int) {
	for i := range doc.Header {
		b := &doc.Header[i]
		if b.Envelope == envelope {
			m.Header.add(b)
		}
	}
	if m.Header.ID != nil {
		m.ID, m.HasID = m.Header.ID.Value, true
	}
}

// add puts a block where its local name says, whatever its namespace.
func (h *Header) add(b *soap.Block) {
	var to **soap.Block
	switch b.Name.Local {
	case "ID":
		to = &h.ID
	case "HoldRequests":
		to = &h.HoldRequests
	case "NoMoreRequests":
		to = &h.NoMoreRequests
	case "SessionTimeout":
		to = &h.SessionTimeout
	case "SupportedCWMPVersions":
		to = &h.SupportedCWMPVersions
	case "UseCWMPVersion":
		to = &h.UseCWMPVersion
	}
	if to == nil || *to != nil {
		h.Other = append(h.Other, b)
		return
	}
	*to = b
}

// readMessage reads the method whose Start is the current token into m.
func (d *decoder) readMessage(m *Message) {
	name := d.Name()
	m.RPC, m.Method, m.Kind = name.Local, name, Request
	d.begin(m)
	switch def, known := methods[name.Local]; {
	case name.Local == "Fault":
		m.Kind = Fault
		m.Fault = d.readFault()
	case known:
		if m.Args = d.pool.arguments(name.Local); m.Args == nil {
			m.Args = def()
		}
		d.structure(m.Args)
	default:
		d.unknownMethod()
	}
	if strings.HasSuffix(m.RPC, "Response") {
		m.Kind = Response
	}
	m.Notes = d.allNotes()
}

// unknownMethod keeps all arguments as trees.
func (d *decoder) unknownMethod() {
	for depth := d.Depth(); ; {
		switch d.Next() {
		case soap.Start:
			d.extra()
		case soap.CharData:
			d.note(TextInStruct, d.At(), d.Text())
		case soap.End:
			if d.Depth() < depth {
				return
			}
		case soap.EOF:
			return
		}
	}
}

// maxNotes is how many notes are kept of one message. Where there are more,
// the last one's text says how many.
const maxNotes = 1000

// decoder reads methods into their structs.
type decoder struct {
	soap.Reader
	pool      *Pool
	message   *Message
	notes     []Note
	path      []pathStep // from the method to the struct that is being read
	fault     faultReader
	general   bool // take no short ways; tests compare both
	qualified bool // noted already
	unnoted   int  // how many notes there was no room for
}

// pathStep is an element on the way from the method to where reading is.
type pathStep struct {
	name string
	n    int // its ordinal in a list, 0 outside of lists
}

func (d *decoder) begin(m *Message) {
	d.message, d.notes, d.path, d.qualified, d.unnoted = m, nil, d.path[:0], false, 0
}

// allNotes are the notes of the current message.
func (d *decoder) allNotes() []Note {
	if d.unnoted > 0 {
		d.notes[len(d.notes)-1].Text += " (and " + itoa(d.unnoted) + " more notes)"
	}
	return d.notes
}

// where is the path of a child of the current struct; "" is the struct itself.
func (d *decoder) where(child string) string {
	var b strings.Builder
	for i, s := range d.path {
		if i > 0 {
			b.WriteByte('/')
		}
		b.WriteString(s.name)
		if s.n > 0 {
			b.WriteByte('[')
			b.WriteString(itoa(s.n))
			b.WriteByte(']')
		}
	}
	if child != "" {
		if b.Len() > 0 {
			b.WriteByte('/')
		}
		b.WriteString(child)
	}
	return b.String()
}

// note keeps a note on the current struct.
func (d *decoder) note(kind NoteKind, at soap.Span, text string) { d.noteOn(kind, "", at, text) }

// noteOn keeps a note on a child of the current struct.
func (d *decoder) noteOn(kind NoteKind, child string, at soap.Span, text string) {
	if len(d.notes) >= maxNotes {
		d.unnoted++
		return
	}
	d.notes = append(d.notes, Note{Kind: kind, Path: d.where(child), At: at, Text: text})
}

// extra keeps the element whose Start is the current token as a tree.
func (d *decoder) extra() {
	path := d.where("")
	d.message.Extra = append(d.message.Extra, Extra{Path: path, Node: d.Tree()})
}

// namespace notes the first argument that is in a namespace.
func (d *decoder) namespace() {
	if !d.qualified && d.Qualified() {
		d.qualified = true
		d.noteOn(Qualified, d.Local(), d.At(), d.Name().Space)
	}
}

// structure reads the element whose Start is the current token into s.
func (d *decoder) structure(s Struct) {
	if !d.general {
		var values [hotMembers]Value
		if members, p := hot(s, &values); members != nil {
			m := matcher{members: members, values: values[:], last: -1}
			d.fields(&m, p)
			return
		}
	}
	var p *Presence
	if n, ok := s.(Nested); ok {
		p = n.present()
	}
	m := matcher{members: s.Members(), last: -1}
	d.fields(&m, p)
}

// fields reads the element whose Start is the current token into the members of m.
func (d *decoder) fields(m *matcher, p *Presence) {
	at := d.At()
	for depth := d.Depth(); ; {
		switch d.Next() {
		case soap.Start:
			d.namespace()
			d.member(m)
			continue
		case soap.CharData:
			d.note(TextInStruct, d.At(), d.Text())
			continue
		case soap.End:
			if d.Depth() >= depth {
				continue
			}
		}
		break
	}
	if p != nil {
		p.set(soap.Span{Start: at.Start, End: d.At().End})
	}
	d.missing(m, at)
}

// missing notes the members that must be there and are not.
func (d *decoder) missing(m *matcher, at soap.Span) {
	if m.seen == 1<<len(m.members)-1 {
		return
	}
	for i := range m.members {
		if m.seen&(1<<i) == 0 && !m.members[i].Optional {
			d.noteOn(MissingArg, m.members[i].Name, at, "")
		}
	}
}

// matcher finds the member that an element is.
type matcher struct {
	members []Member
	values  []Value // of the members; nil where they have them themselves
	seen    uint64  // the members that were there
	last    int     // the last in schema order of them
}

// value is that of member i.
func (m *matcher) value(i int) Value {
	if m.values != nil {
		return m.values[i]
	}
	return m.members[i].Value
}

// find is the index of the member of that name, -1 when there is none. exact
// is false when the case differs.
func (m *matcher) find(name string) (i int, exact bool) {
	for i = m.last + 1; i < len(m.members); i++ {
		if m.members[i].Name == name {
			return i, true
		}
	}
	for i = range m.members {
		if m.members[i].Name == name {
			return i, true
		}
	}
	i = slices.IndexFunc(m.members, func(m Member) bool { return strings.EqualFold(m.Name, name) })
	return i, false
}

// member reads an argument, the element whose Start is the current token.
func (d *decoder) member(m *matcher) {
	name := d.Local()
	i, exact := m.find(name)
	if i < 0 {
		d.extra()
		return
	}
	mem := &m.members[i]
	again := m.seen&(1<<i) != 0
	if again && !mem.Repeated {
		d.again(mem, m.value(i), name)
		return
	}
	switch {
	case !exact:
		d.noteOn(CaseVariant, name, d.At(), mem.Name)
	case i < m.last:
		d.noteOn(OutOfOrder, name, d.At(), "after "+m.members[m.last].Name)
	}
	m.seen |= 1 << i
	m.last = max(m.last, i)
	d.value(mem, m.value(i), name)
}

// value reads the element whose Start is the current token as a member, into v.
func (d *decoder) value(mem *Member, v Value, name string) {
	switch v := v.(type) {
	case *Leaf:
		d.leaf(v, name)
	case Array:
		if mem.Repeated {
			d.repeated(v, name)
		} else {
			d.list(v, name, mem.ItemType)
		}
	case Struct:
		d.enter(name, 0)
		d.structure(v)
		d.leave()
	}
}

// again reads a member that was there already: of a leaf the last one counts,
// and the one before is told by the note; a list goes on; another struct is
// kept as a tree.
func (d *decoder) again(mem *Member, v Value, name string) {
	text := ""
	if l, ok := v.(*Leaf); ok {
		text = l.Value
	}
	d.noteOn(RepeatedArg, name, d.At(), text)
	if _, ok := v.(Struct); ok {
		d.extra()
		return
	}
	d.value(mem, v, name)
}

// enter and leave go into a child of the current struct, and back.
func (d *decoder) enter(name string, n int) { d.path = append(d.path, pathStep{name, n}) }
func (d *decoder) leave()                   { d.path = d.path[:len(d.path)-1] }

// leaf reads a simple argument.
func (d *decoder) leaf(l *Leaf, name string) {
	at := d.At()
	t, typed := d.XSIType()
	value, content, children := d.Leaf()
	l.Value, l.Start, l.End = value, int32(content.Start), int32(content.End)
	if l.XSIType != t {
		l.XSIType = t
	}
	l.Present, l.Untyped, l.Nested = true, !typed, false
	if children != nil {
		d.nested(l, name, at, children)
	}
}

// nested keeps the child elements of a leaf.
func (d *decoder) nested(l *Leaf, name string, at soap.Span, children []*soap.Node) {
	l.Nested = true
	d.noteOn(ElementInLeaf, name, at, children[0].Name.Local)
	path := d.where(name)
	for _, n := range children {
		d.message.Extra = append(d.message.Extra, Extra{Path: path, Node: n})
	}
}
