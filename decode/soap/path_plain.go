package soap

import "strings"

// plain says whether a document is so much in order that its tags can be told
// without the Scanner: nobody need look for what is wrong with them.
func plain(d *Document) bool {
	const small = 16 << 10
	if len(d.Text) > small {
		return false
	}
	for i := range d.Quirks {
		switch d.Quirks[i].Kind {
		case RawNonASCII, NoDeclaration, CharsetOther, CharsetMismatch, EmptyHeader:
		default:
			return false
		}
	}
	return true
}

// plainElement is an element of a plain document.
type plainElement struct {
	name  string
	start int32
	depth int32
}

// plainStep is an element on the way to a position.
type plainStep struct {
	name     string
	start    int32
	before   int32 // siblings before it of that name
	others   int32 // and of other names
	repeated bool  // there are siblings of that name behind it
}

// plainPath is PathAt of a plain document, in one reading of its tags. It is
// false where something is in the text that it doesn't read.
func plainPath(text string, at int) (path string, ok bool) {
	var elements [96]plainElement
	var steps [16]plainStep
	all, way, ok := around(elements[:0], steps[:0], text, at)
	if !ok {
		return "", false
	}
	countSiblings(way, all)
	var b [256]byte
	buf := b[:0]
	for i := range way {
		s := &way[i]
		if s.others >= maxSiblings {
			return "", false
		}
		buf = append(append(buf, '/'), s.name...)
		if s.repeated || s.before > 0 {
			buf = append(append(append(buf, '['), itoa(int(s.before)+1)...), ']')
		}
	}
	return string(buf), true
}

// around appends the elements of a text to all, and to way those that have a
// position in them, from the root inwards.
func around(all []plainElement, way []plainStep, text string, at int) (_ []plainElement, _ []plainStep, ok bool) {
	found := false // all of way
	depth := 0
	for t := (plainTag{}); ; {
		t.next(text)
		found = found || t.kind != endTag && t.start > at || t.kind == endTag && t.end > at
		switch t.kind {
		case oddTag:
			return nil, nil, false
		case noTag:
			return all, way, true
		case endTag:
			if depth--; depth < 0 {
				return nil, nil, false
			}
			if !found {
				way = way[:depth]
			}
		default:
			all = append(all, plainElement{t.name, int32(t.start), int32(depth)})
			if !found && (t.kind == startTag || t.end > at) {
				if len(way) == cap(way) {
					return nil, nil, false
				}
				way = append(way, plainStep{name: t.name, start: int32(t.start)})
				found = t.kind == emptyTag
			}
			if t.kind == startTag {
				depth++
			}
		}
	}
}

// countSiblings counts the siblings of each of the steps.
func countSiblings(way []plainStep, all []plainElement) {
	on := int32(0) // how many steps are around what comes
	for i := range all {
		e := &all[i]
		if on = min(on, e.depth); on != e.depth || int(on) >= len(way) {
			continue
		}
		switch s := &way[on]; {
		case e.start == s.start:
			on++
		case e.name != s.name:
			if e.start < s.start {
				s.others++
			}
		case e.start < s.start:
			s.before++
		default:
			s.repeated = true
		}
	}
}

// tagKind tells tags apart.
type tagKind uint8

const (
	noTag tagKind = iota
	oddTag
	startTag
	emptyTag
	endTag
)

// plainTag is a tag of a plain text.
type plainTag struct {
	kind       tagKind
	start, end int
	name       string // the local one; end tags have none
}

// next goes to the tag that begins behind the present one. Comments and their
// like are odd, but for the XML declaration.
func (t *plainTag) next(text string) {
	from := strings.IndexByte(text[t.end:], '<')
	if from < 0 {
		t.kind = noTag
		return
	}
	from += t.end
	if from == 0 && strings.HasPrefix(text, "<?xml ") {
		if end := strings.Index(text, "?>"); end > 0 {
			t.end = end + 2
			t.next(text)
			return
		}
	}
	t.kind, t.start = oddTag, from
	k := from + 1
	if k < len(text) && text[k] == '/' {
		if end := strings.IndexByte(text[k:], '>'); end > 0 {
			t.kind, t.end = endTag, k+end+1
		}
		return
	}
	name := k
	for k < len(text) && class[text[k]]&endsName == 0 {
		if text[k] == ':' {
			name = k + 1
		}
		k++
	}
	if k == name || k == len(text) || text[name] == '!' || text[name] == '?' {
		return
	}
	t.name = text[name:k]
	if text[k] == '>' {
		t.kind, t.end = startTag, k+1
		return
	}
	if length := strings.IndexByte(text[k:], '>'); length > 0 {
		t.end = k + length + 1
		t.kind = rest(text[k : k+length])
	}
}

// rest tells by what follows the name of a tag what it is.
func rest(s string) tagKind {
	switch {
	case s[0] > ' ' && s != "/", strings.IndexByte(s, '\'') >= 0, strings.IndexByte(s, '<') >= 0, strings.Count(s, `"`)%2 != 0:
		return oddTag
	case s[len(s)-1] == '/':
		return emptyTag
	}
	return startTag
}
