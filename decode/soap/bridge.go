package soap

import "github.com/beevik/etree"

// Etree is the document as etree has it, for those who reshape envelopes:
// everything of the text, comments, white space and namespace declarations
// included, and every element closed. On well-formed text it is what etree's
// own reader makes of it. The caller owns it.
func (d *Document) Etree() *etree.Document {
	doc := etree.NewDocument()
	var s Scanner
	s.all = true
	s.reset(d.Text, 0)
	at := &doc.Element
	for s.xmlDeclaration(doc); ; {
		switch s.Next() {
		case Start:
			at = s.element(at)
		case End:
			at = at.Parent()
		case CharData:
			if s.cdata {
				at.CreateCData(s.Text())
			} else {
				at.CreateText(s.Text())
			}
		case Comment:
			at.CreateComment(newlines(s.text[s.inner:s.inEnd]))
		case ProcInst:
			target, inst := s.instruction()
			at.CreateProcInst(target, inst)
		case Directive:
			at.CreateDirective(newlines(s.text[s.inner:s.inEnd]))
		case EOF:
			return doc
		}
	}
}

// xmlDeclaration takes the XML declaration at the start of the text.
func (s *Scanner) xmlDeclaration(doc *etree.Document) {
	p := skipSpace(s.text, 0)
	if len(s.text) < p+6 || s.text[p:p+5] != "<?xml" || class[s.text[p+5]]&isSpace == 0 {
		return
	}
	s.pos = p
	if s.Next() == ProcInst {
		target, inst := s.instruction()
		doc.CreateProcInst(target, inst)
	}
}

// instruction takes the current processing instruction apart.
func (s *Scanner) instruction() (target, inst string) {
	text := newlines(s.text[s.inner:s.inEnd])
	i := 0
	for i < len(text) && class[text[i]]&isSpace == 0 {
		i++
	}
	return text[:i], text[skipSpace(text, i):]
}

// element appends the element whose Start is the current token.
func (s *Scanner) element(to *etree.Element) *etree.Element {
	name := s.Name()
	e := to.CreateElement("")
	e.Space, e.Tag = name.Prefix, name.Local
	for _, a := range s.current().attr {
		e.Attr = append(e.Attr, etree.Attr{Space: a.Name.Prefix, Key: a.Name.Local, Value: a.Value})
	}
	return e
}

// Etree is the tree as an element of etree, for those who reshape it.
// Children follow the text.
func (n *Node) Etree() *etree.Element {
	e := etree.NewElement("")
	e.Space, e.Tag = n.Name.Prefix, n.Name.Local
	for _, a := range n.Attr {
		e.Attr = append(e.Attr, etree.Attr{Space: a.Name.Prefix, Key: a.Name.Local, Value: a.Value})
	}
	if n.Text != "" {
		e.CreateText(n.Text)
	}
	for _, c := range n.Children {
		e.AddChild(c.Etree())
	}
	return e
}
