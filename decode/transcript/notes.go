package transcript

import (
	"strings"

	"informant/decode/cwmp"
	"informant/decode/soap"
)

// noteForms is how notes are told: their kind in JSON, and the line of the text
// form, in which %p is the path and %t the text; bare is the line where there is
// no text.
var noteForms = [...]struct{ kind, line, bare string }{
	cwmp.MissingArg:    {"missing", "%p is missing (%t)", "%p is missing"},
	cwmp.OutOfOrder:    {"outOfOrder", "%p stands %t", "%p"},
	cwmp.RepeatedArg:   {"repeated", "earlier \"%t\" at %p", "%p is there more than once"},
	cwmp.Qualified:     {"qualified", "%p is in the namespace %t", "%p is in a namespace"},
	cwmp.CaseVariant:   {"caseVariant", "%p is written so instead of %t", "%p"},
	cwmp.NestedWrapper: {"nestedWrapper", "%t is one level too many in %p", "one level too many in %p"},
	cwmp.NotArray:      {"notArray", "\"%t\" outside of an item in %p", "%p is no array"},
	cwmp.ElementInLeaf: {"elementInLeaf", "%p holds elements, not a value: %t", "%p holds elements, not a value"},
	cwmp.TextInStruct:  {"textInStruct", "\"%t\" between the elements of %p", "text between the elements of %p"},
}

// notesOf are all notes of a message, those of its Fault first.
func notesOf(m *cwmp.Message) []cwmp.Note {
	if m.Fault == nil || len(m.Fault.Notes) == 0 {
		return m.Notes
	}
	return append(m.Fault.Notes[:len(m.Fault.Notes):len(m.Fault.Notes)], m.Notes...)
}

// onlyInNote says whether a note holds something of the message that is shown
// nowhere else.
func onlyInNote(n *cwmp.Note) bool {
	switch n.Kind {
	case cwmp.RepeatedArg, cwmp.NotArray, cwmp.TextInStruct:
		return n.Text != ""
	}
	return false
}

// notes writes how the arguments differ in form from their schema.
func (e *encoder) notes(m *cwmp.Message) {
	list := notesOf(m)
	if len(list) == 0 {
		return
	}
	e.array("notes")
	for i := range list {
		n := &list[i]
		e.object("")
		e.text("kind", noteForms[n.Kind].kind)
		e.text("path", n.Path)
		text, masked := n.Text, false
		if !e.secrets {
			if secretNote(m, list, n) {
				text, masked = "", true
			} else {
				text, masked = maskURL(text)
			}
		}
		e.known("text", text)
		e.yes("masked", masked)
		e.end('}')
	}
	e.end(']')
}

// notes writes the notes of a message: all of them with -v, else those that
// hold what is shown nowhere else.
func (w *teller) notes(b *block, m *cwmp.Message) {
	list := notesOf(m)
	if len(list) == 0 {
		return
	}
	var told []*cwmp.Note
	for i := range list {
		if w.Verbose > 0 || onlyInNote(&list[i]) {
			told = append(told, &list[i])
		}
	}
	show := w.shown(len(told))
	for _, n := range told[:show] {
		b.rows = append(b.rows, line{{dim, w.fit("form: "+w.noteText(m, list, n), 0)}})
	}
	w.more(b, len(told)-show, "differences in form")
}

// noteText tells a note as a sentence.
func (w *teller) noteText(m *cwmp.Message, list []cwmp.Note, n *cwmp.Note) string {
	path, text := safe(n.Path), ""
	if path == "" {
		path = safe(m.RPC)
	}
	switch {
	case n.Text == "":
	case !w.ShowSecrets && secretNote(m, list, n):
		text = mask
	default:
		text = w.masked(n.Text)
	}
	form := noteForms[n.Kind].line
	if text == "" {
		form = noteForms[n.Kind].bare
	}
	return strings.NewReplacer("%p", path, "%t", text).Replace(form)
}

// secretNote says whether a note's text may be a secret. list are all notes of
// the message m.
func secretNote(m *cwmp.Message, list []cwmp.Note, n *cwmp.Note) bool {
	if !onlyInNote(n) {
		return false // it names elements and namespaces
	}
	for part := range strings.SplitSeq(n.Path, "/") {
		if name, _, _ := strings.Cut(part, "["); secretElement(name) {
			return true
		}
	}
	if n.Kind == cwmp.RepeatedArg && !strings.EqualFold(lastStep(n.Path), "Value") {
		return false
	}
	// It may be the value of a parameter: the names beside it tell, all of
	// them where the same was there twice.
	for i := range list {
		o := &list[i]
		if o.Kind == cwmp.RepeatedArg && strings.EqualFold(lastStep(o.Path), "Name") && parent(o.Path) == parent(n.Path) && secretName(o.Text) {
			return true
		}
	}
	secret, found := secretAround(m.Args, n.At)
	if !found && n.Kind == cwmp.RepeatedArg {
		eachSecret(m.Args, func(*cwmp.Leaf) { secret = true })
	}
	return secret
}

func lastStep(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

func parent(path string) string { return path[:max(strings.LastIndexByte(path, '/'), 0)] }

// secretAround says whether the parameter whose element encloses at is a
// secret; found is false when there is none.
func secretAround(v cwmp.Value, at soap.Span) (secret, found bool) {
	encloses := func(p *cwmp.Presence) bool { return p.At().Start <= at.Start && at.End <= p.At().End }
	switch v := v.(type) {
	case nil, *cwmp.Leaf, *cwmp.List[cwmp.Leaf]:
	case *cwmp.ParameterValueStruct:
		if encloses(&v.Presence) {
			return secretName(v.Name.Value), true
		}
	case *cwmp.ArgStruct:
		if encloses(&v.Presence) {
			return secretName(v.Name.Value), true
		}
	case cwmp.Array:
		for i := range v.Len() {
			if secret, found = secretAround(v.Item(i), at); found {
				return secret, true
			}
		}
	case cwmp.Struct:
		cwmp.EachMember(v, func(_ *cwmp.Member, v cwmp.Value) {
			if !found {
				secret, found = secretAround(v, at)
			}
		})
		return secret, found
	}
	return false, false
}
