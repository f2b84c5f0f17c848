package soap

import (
	"strings"
)

// cwmpSpace is what every CWMP namespace begins with.
const cwmpSpace = "urn:dslforum-org:cwmp-"

// Reader reads an envelope. NextMethod goes from method to method; in between
// its Scanner reads the method's arguments. Document is complete after the
// last method.
type Reader struct {
	Scanner
	// KnownMethod tells by its local name whether an element that stands where
	// none may be, at the root or right in an Envelope, is a method all the
	// same. Without it, only those in a CWMP namespace and Faults are.
	KnownMethod func(local string) bool

	doc    *Document
	spare  *Document // for the next Open
	level  int       // depth of the Body that is open; 0 outside
	method int       // depth of the method that is being read; 0 outside
	header int       // how many Headers the current Envelope has
	bodies int       // how many Bodies
}

// Open makes r ready to read body, which came with that Content-Type. A Reader
// may read one body after another, and knows the tags of those before again.
func (r *Reader) Open(body, contentType string) {
	if r.doc != nil {
		r.Release()
	}
	if r.doc = r.spare; r.doc == nil {
		r.doc = &Document{}
	}
	r.spare = nil
	var begin int
	begin, r.quirks = prepare(r.doc, body, contentType)
	r.reset(r.doc.Text, begin)
}

// Reuse gives r the memory of a Document that was made empty, for the next Open.
func (r *Reader) Reuse(d *Document) { r.spare = d }

// Release lets go of what was read, so that r holds no text.
func (r *Reader) Release() {
	r.release()
	r.doc, r.level, r.method, r.header, r.bodies = nil, 0, 0, 0, 0
}

// Keep makes r remember the tags that come again from body to body, also of
// small ones. It costs a Reader of a single body more than it gains.
func (r *Reader) Keep() {
	if r.cache == nil {
		r.cache = &tagCache{}
	}
}

// Document is what was read so far; all there is after NextMethod returned
// false.
func (r *Reader) Document() *Document { return r.doc }

// NextMethod reads on to the next method or Fault: its Start is the current
// token then. What is left unread of the method before it is stepped over.
func (r *Reader) NextMethod() bool {
	if r.method > 0 {
		r.endMethod()
	}
	for {
		switch r.Next() {
		case EOF:
			r.finishDocument()
			return false
		case Start:
			if r.element() {
				return true
			}
		case End:
			r.ended()
		case CharData:
			r.strayText()
		}
	}
}

// endMethod reads the current method to its end.
func (r *Reader) endMethod() {
	for r.depth >= r.method && r.Next() != EOF {
	}
	r.method = 0
	r.doc.Methods[len(r.doc.Methods)-1].At.End = r.end
	r.ended()
}

// element looks at the element whose Start is the current token, and returns
// true when it is a method.
func (r *Reader) element() bool {
	depth := r.depth
	switch {
	case r.level > 0 && depth == r.level+1:
		return r.begin()
	case depth == 1:
		return r.rootElement()
	case depth == 2:
		return r.part()
	}
	r.Skip()
	return false
}

// rootElement looks at a root element.
func (r *Reader) rootElement() bool {
	d := r.doc
	name := r.Name()
	if r.roots == 1 {
		d.Envelope = r.Element()
	}
	if isNamed(name.Local, "Envelope") {
		d.HasEnvelope = d.HasEnvelope || name.Local == "Envelope"
		d.Envelopes++
		r.header, r.bodies = 0, 0
		if name.Space != EnvelopeNS || name.Local != "Envelope" {
			r.quirks.note(WrongRoot, r.start, r.end, "root element "+quote(name.Local)+" in the namespace "+quote(name.Space))
		}
		return false
	}
	if r.roots == 1 {
		r.quirks.note(WrongRoot, r.start, r.end, "root element "+quote(name.Local)+" in the namespace "+quote(name.Space))
	}
	switch {
	case name.Local == "Body":
		d.Bodies++
		r.level = 1
	case r.isMethod(name):
		return r.begin()
	case r.roots > 1:
		r.Skip()
		r.ended()
	}
	return false
}

// isMethod tells whether an element outside of a Body is a method or Fault:
// people cut messages out of their envelopes.
func (r *Reader) isMethod(name Name) bool {
	return strings.HasPrefix(name.Space, cwmpSpace) || name.Local == "Fault" || r.KnownMethod != nil && r.KnownMethod(name.Local)
}

// part looks at a child of Envelope.
func (r *Reader) part() bool {
	d := r.doc
	name := r.Name()
	switch {
	case isNamed(name.Local, "Header") && name.Prefix != "Body":
		r.readHeader(name)
	case isNamed(name.Local, "Body"):
		r.partCase(name.Local, "Body")
		d.Bodies++
		r.bodies++
		if r.bodies == 2 {
			r.quirks.note(BodyStructure, r.start, r.end, "a second Body")
		}
		r.level = 2
	case r.isMethod(name):
		r.quirks.note(BodyStructure, r.start, r.end, "<"+short(name.Local)+"> stands outside of the Body")
		return r.begin()
	default:
		r.quirks.note(BodyStructure, r.start, r.end, "<"+short(name.Local)+"> is neither Header nor Body")
		r.Skip()
	}
	return false
}

// isNamed tells whether an element has that name, in whatever case. The name
// has no letter of which another case has more bytes.
func isNamed(local, name string) bool {
	return local == name || len(local) == len(name) && strings.EqualFold(local, name)
}

// partCase notes a name in another case.
func (r *Reader) partCase(local, want string) {
	if local != want {
		r.quirks.note(BodyStructure, r.start, r.end, "<"+short(local)+"> for <"+want+">")
	}
}

// begin keeps the element whose Start is the current token as a method.
func (r *Reader) begin() bool {
	r.method = r.depth
	if r.doc.Methods == nil {
		r.doc.Methods = r.doc.method[:0]
	}
	r.doc.Methods = append(r.doc.Methods, Method{Element: r.Element(), Envelope: max(0, int(r.doc.Envelopes)-1)})
	return true
}

// ended is called after an End outside of methods.
func (r *Reader) ended() {
	if r.depth < r.level {
		r.level = 0
	}
	if r.depth == 0 {
		if r.roots == 1 {
			r.doc.Envelope.At.End = r.end
		}
		if r.doc.Envelopes > 0 && r.bodies == 0 && r.level == 0 {
			r.quirks.note(BodyStructure, r.start, r.end, "an Envelope without a Body")
			r.bodies = -1
		}
	}
}

// strayText notes character data between the parts of the envelope. What was put in the
// place of forbidden characters was noted as such.
func (r *Reader) strayText() {
	if strings.Trim(r.text[r.start:r.end], "\uFFFD \t\r\n") == "" {
		return
	}
	r.quirks.note(BodyStructure, r.start, r.end, "text "+quote(r.text[r.start:r.end])+" between elements")
}

// readHeader reads the Header whose Start is the current token, with its
// blocks.
func (r *Reader) readHeader(name Name) {
	d := r.doc
	at := Span{r.start, r.end}
	r.partCase(name.Local, "Header")
	d.HasHeader = true
	r.header++
	switch {
	case r.bodies > 0:
		r.quirks.note(BodyStructure, r.start, r.end, "Header after Body")
	case r.header == 2:
		r.quirks.note(BodyStructure, r.start, r.end, "a second Header")
	}
	depth := r.depth
	blocks := len(d.Header)
	for {
		switch r.Next() {
		case Start:
			if d.Header == nil {
				d.Header = d.header[:0]
			}
			d.Header = append(d.Header, r.block())
			continue
		case CharData:
			r.strayText()
			continue
		case End:
			if r.depth >= depth {
				continue
			}
		}
		break
	}
	if len(d.Header) == blocks {
		r.quirks.note(EmptyHeader, at.Start, at.End, "Header without a block")
	}
}

// block reads a header block to its end.
func (r *Reader) block() Block {
	b := Block{Element: r.Element(), Envelope: max(0, int(r.doc.Envelopes)-1)}
	for i := range b.Attr {
		a := &b.Attr[i]
		if a.Name.Local == "mustUnderstand" {
			b.MustUnderstand, b.MustUnderstandNS = a.Value, a.Name.Space
			break
		}
	}
	b.Value, b.Content, b.Children = r.Leaf()
	b.At.End = r.end
	return b
}

// finishDocument is called at the end of the text.
func (r *Reader) finishDocument() {
	d := r.doc
	d.EncodingNS = r.encodingNS
	if r.roots == 0 {
		what := "no element in the body"
		if blank(r.text) {
			what = "the body is empty"
		}
		r.quirks.note(NotXML, 0, len(r.text), what)
	}
	d.Quirks = r.quirks.sorted()
}
