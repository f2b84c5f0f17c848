package soap

import "strings"

// Paths finds the paths of positions in one document after another. The tags
// of the latest document are kept, so that only the first path of each costs a
// reading of its text. The zero value is ready. It is not for several
// goroutines at once.
type Paths struct {
	of    *Document
	use   uint32       // of.reused then
	plain bool         // its tags are in tags
	tags  []tagElement // in the order of their starts
}

// tagElement is an element of a plain document. Positions are in its text.
type tagElement struct {
	start, end int32 // as Element.At
	name, stop int32 // of the local name
	parent     int32 // index in tags, -1 for a root
	next       int32 // its next sibling, 0 when there is none
}

// Append appends to dst the path that PathAt gives.
func (p *Paths) Append(dst []byte, d *Document, at int) []byte {
	if p.of != d || p.use != d.reused {
		p.of, p.use = d, d.reused
		p.plain = plain(d) && p.read(d.Text)
	}
	if p.plain {
		if path, ok := p.path(dst, d.Text, at); ok {
			return path
		}
	}
	return append(dst, anyPath(d, at)...)
}

// plain says whether a document is so much in order that its tags can be told
// without the Scanner: nobody need look for what is wrong with them. Characters
// that are wrong are none of the tags' matter.
func plain(d *Document) bool {
	const small = 64 << 10
	if len(d.Text) > small {
		return false
	}
	for i := range d.Quirks {
		switch d.Quirks[i].Kind {
		case RawNonASCII, NoDeclaration, CharsetOther, CharsetMismatch, EmptyHeader, BadCharset, ForbiddenChar:
		default:
			return false
		}
	}
	return true
}

// read reads the tags of a plain text. It is false where something is in it
// that it doesn't read.
func (p *Paths) read(text string) bool {
	p.tags = p.tags[:0]
	in, before := int32(-1), int32(-1) // the element around, and the latest one in it that is over
	for t := (plainTag{}); ; {
		t.next(text)
		switch t.kind {
		case oddTag:
			return false
		case noTag:
			return true
		case endTag:
			if in < 0 {
				return false
			}
			p.tags[in].end = int32(t.end)
			before, in = in, p.tags[in].parent
		default:
			i := int32(len(p.tags))
			if before >= 0 {
				p.tags[before].next = i
			}
			p.tags = append(p.tags, tagElement{start: int32(t.start), end: int32(len(text)), name: int32(t.name), stop: int32(t.stop), parent: in})
			if t.kind == emptyTag {
				p.tags[i].end = int32(t.end)
				before = i
			} else {
				before, in = -1, i
			}
		}
	}
}

// path appends the path of the innermost element that has a position in it.
func (p *Paths) path(dst []byte, text string, at int) (_ []byte, ok bool) {
	i := p.last(at)
	for i >= 0 && int(p.tags[i].end) <= at {
		i = p.tags[i].parent
	}
	var way [16]int32 // from the element outwards
	n := 0
	for ; i >= 0; i = p.tags[i].parent {
		if n == len(way) {
			return nil, false
		}
		way[n] = i
		n++
	}
	for n--; n >= 0; n-- {
		if dst, ok = p.step(dst, text, way[n]); !ok {
			return nil, false
		}
	}
	return dst, true
}

// last is the last element that starts no later than at, -1 when there is none.
func (p *Paths) last(at int) int32 {
	from, to := 0, len(p.tags)
	for from < to {
		if mid := int(uint(from+to) >> 1); int(p.tags[mid].start) > at {
			to = mid
		} else {
			from = mid + 1
		}
	}
	return int32(from) - 1
}

// step appends one element of a path.
func (p *Paths) step(dst []byte, text string, i int32) (_ []byte, ok bool) {
	e := &p.tags[i]
	name := text[e.name:e.stop]
	before, others := 0, 0 // siblings before it of that name, and of other names
	for j := e.parent + 1; j != i; j = p.tags[j].next {
		if x := &p.tags[j]; text[x.name:x.stop] == name {
			before++
		} else {
			others++
		}
	}
	if others >= maxSiblings {
		return nil, false
	}
	repeated := before > 0
	for j := e.next; j != 0 && !repeated; j = p.tags[j].next {
		x := &p.tags[j]
		repeated = text[x.name:x.stop] == name
	}
	dst = append(append(dst, '/'), name...)
	if repeated {
		dst = append(append(append(dst, '['), itoa(before+1)...), ']')
	}
	return dst, true
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
	name, stop int // of the local name; end tags have none
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
	t.name, t.stop = name, k
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
