package soap

import "sort"

// offsets maps positions in Text to positions in the body.
type offsets struct {
	base   int     // where Text begins in the body, when there are no pieces
	pieces []piece // in order; empty when Text is a part of the body
}

// piece is a run of characters that take the same number of bytes each: text
// of them in Text, body of them in the body.
type piece struct {
	at, from   uint32 // where it begins in Text and in the body
	text, body uint8
}

// Origin maps a position in Text to the one in the body that was given to
// NewReader. ok is false where no byte of the body stands for it: inside a
// character that was rewritten, or outside of Text.
func (d *Document) Origin(off int) (bodyOff int, ok bool) {
	if off < 0 || off > len(d.Text) {
		return 0, false
	}
	o := &d.origin
	if len(o.pieces) == 0 {
		return o.base + off, true
	}
	i := sort.Search(len(o.pieces), func(i int) bool { return int(o.pieces[i].at) > off }) - 1
	p := o.pieces[i]
	in := off - int(p.at)
	return int(p.from) + in/int(p.text)*int(p.body), in%int(p.text) == 0
}

// add says that the next character, at in Text and from in the body, takes
// that many bytes in each.
func (o *offsets) add(at, from, text, body int) {
	if n := len(o.pieces); n > 0 {
		if p := &o.pieces[n-1]; int(p.text) == text && int(p.body) == body {
			return
		}
	}
	o.pieces = append(o.pieces, piece{uint32(at), uint32(from), uint8(text), uint8(body)})
}
