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
	p := d.paths.Load()
	if p == nil {
		return off, true
	}
	o := &p.origin
	if len(o.pieces) == 0 {
		return o.base + off, true
	}
	i := sort.Search(len(o.pieces), func(i int) bool { return int(o.pieces[i].at) > off }) - 1
	piece := o.pieces[i]
	in := off - int(piece.at)
	return int(piece.from) + in/int(piece.text)*int(piece.body), in%int(piece.text) == 0
}

// mapped is where d, which is being read, keeps how its Text maps to the body.
func (d *Document) mapped() *offsets {
	p := d.paths.Load()
	if p == nil {
		p = &pathIndex{}
		d.paths.Store(p)
	}
	return &p.origin
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
