package traffic

import "strconv"

// The namespaces of an envelope.
const (
	envNS = "http://schemas.xmlsoap.org/soap/envelope/"
	encNS = "http://schemas.xmlsoap.org/soap/encoding/"
	xsdNS = "http://www.w3.org/2001/XMLSchema"
	xsiNS = "http://www.w3.org/2001/XMLSchema-instance"
)

// writer writes envelopes in one style. Its buffer is used again for the next.
type writer struct {
	b      []byte
	p      *prefixes
	minor  byte
	indent string // "" writes everything on one line
	crlf   bool
	depth  int
}

// newline begins a line, where there are lines.
func (w *writer) newline() {
	if w.indent == "" {
		return
	}
	if w.crlf {
		w.b = append(w.b, '\r')
	}
	w.b = append(w.b, '\n')
	for range w.depth {
		w.b = append(w.b, w.indent...)
	}
}

func (w *writer) name(prefix, name string) {
	if prefix != "" {
		w.b = append(w.b, prefix...)
		w.b = append(w.b, ':')
	}
	w.b = append(w.b, name...)
}

// start writes a start tag but for its end, so that attributes may follow.
func (w *writer) start(prefix, name string) {
	w.newline()
	w.b = append(w.b, '<')
	w.name(prefix, name)
}

// open writes a start tag.
func (w *writer) open(prefix, name string) {
	w.start(prefix, name)
	w.inside()
}

// inside ends a start tag that holds elements.
func (w *writer) inside() {
	w.b = append(w.b, '>')
	w.depth++
}

// end writes an end tag behind elements.
func (w *writer) end(prefix, name string) {
	w.depth--
	w.newline()
	w.endLeaf(prefix, name)
}

// endLeaf writes an end tag behind text.
func (w *writer) endLeaf(prefix, name string) {
	w.b = append(w.b, '<', '/')
	w.name(prefix, name)
	w.b = append(w.b, '>')
}

// leaf writes an element that holds text, escaped by the caller.
func (w *writer) leaf(name, value string) {
	w.start("", name)
	w.b = append(w.b, '>')
	w.b = append(w.b, value...)
	w.endLeaf("", name)
}

func (w *writer) leafInt(name string, v int) {
	w.start("", name)
	w.b = append(w.b, '>')
	w.b = strconv.AppendInt(w.b, int64(v), 10)
	w.endLeaf("", name)
}

// array begins an array of n elements of a type of CWMP's schema or of XML
// Schema.
func (w *writer) array(name, prefix, typ string, n int) {
	w.start("", name)
	w.b = append(w.b, ' ')
	w.name(w.p.enc, "arrayType")
	w.b = append(w.b, '=', '"')
	w.name(prefix, typ)
	w.b = append(w.b, '[')
	w.b = strconv.AppendInt(w.b, int64(n), 10)
	w.b = append(w.b, ']', '"')
	w.inside()
}

func (w *writer) namespace(prefix, uri string) {
	w.b = append(w.b, " xmlns:"...)
	w.b = append(w.b, prefix...)
	w.b = append(w.b, '=', '"')
	w.b = append(w.b, uri...)
	w.b = append(w.b, '"')
}

// envelope begins an envelope, to the start of its Body.
func (w *writer) envelope(id string) {
	w.b, w.depth = w.b[:0], 0
	w.b = append(w.b, `<?xml version="1.0" encoding="UTF-8"?>`...)
	w.start(w.p.env, "Envelope")
	w.namespace(w.p.env, envNS)
	w.namespace(w.p.enc, encNS)
	w.namespace(w.p.xsd, xsdNS)
	w.namespace(w.p.xsi, xsiNS)
	w.namespace(w.p.cwmp, "urn:dslforum-org:cwmp-1-"+string('0'+w.minor))
	w.inside()
	w.open(w.p.env, "Header")
	w.start(w.p.cwmp, "ID")
	w.b = append(w.b, ' ')
	w.name(w.p.env, `mustUnderstand="1">`)
	w.b = append(w.b, id...)
	w.endLeaf(w.p.cwmp, "ID")
	w.end(w.p.env, "Header")
	w.open(w.p.env, "Body")
}

// finish ends the envelope.
func (w *writer) finish() {
	w.end(w.p.env, "Body")
	w.end(w.p.env, "Envelope")
	if w.indent != "" {
		w.b = append(w.b, '\n')
	}
}
