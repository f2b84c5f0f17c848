package cwmp

import "informant/decode/soap"

// The items of lists that come by the thousand are written alike, in a list and
// from message to message. They are read by comparing them with those before.

// alike is what items of the list have in common when they are written alike;
// false when they are not compared.
func (d *decoder) alike(r *listReader) (l soap.Likeness, ok bool) {
	if d.general {
		return l, false
	}
	switch r.a.(type) {
	case *List[ParameterValueStruct]:
		l.Of = 1
	case *List[ParameterInfoStruct]:
		l.Of = 2
	case *List[EventStruct]:
		l.Of = 3
	case *List[Leaf]:
		l.Of = 4
	default:
		return l, false
	}
	if d.qualified { // names in a namespace, which the first one of a message is noted for, need no note any more
		l.Of = -l.Of
	}
	l.List = r.name
	return l, true
}

// itemMark is where reading stands in front of an item, and what was noted
// until then.
type itemMark struct {
	soap.Mark
	items, notes, unnoted, extras int
}

func (d *decoder) mark(r *listReader) itemMark {
	return itemMark{d.Mark(), r.n, len(d.notes), d.unnoted, len(d.message.Extra)}
}

// learn looks at how the item is written that was read since the mark, when
// there was nothing odd about it.
func (d *decoder) learn(r *listReader, m *itemMark) {
	if r.n != m.items+1 || len(d.notes) != m.notes || d.unnoted != m.unnoted || len(d.message.Extra) != m.extras {
		return
	}
	l, ok := d.alike(r)
	if !ok {
		return
	}
	_, first, second := plainItem(r.a, -1)
	one := first.piece()
	if second == nil {
		d.Learn(&l, &m.Mark, &one, nil)
		return
	}
	two := second.piece()
	d.Learn(&l, &m.Mark, &one, &two)
}

// readAlike reads the items that follow and are written as some before them.
func (d *decoder) readAlike(r *listReader) {
	l, ok := d.alike(r)
	if !ok {
		return
	}
	for {
		a := d.Again(&l)
		if a == nil {
			return
		}
		r.n++
		presence, first, second := plainItem(r.a, d.Left()/(a.At.End-a.At.Start))
		first.setPiece(&a.First)
		if second != nil {
			second.setPiece(&a.Second)
			presence.set(a.At)
		}
	}
}

// piece is a leaf for comparing others with it.
func (l *Leaf) piece() soap.Piece {
	return soap.Piece{XSIType: l.XSIType, At: l.At(), Typed: !l.Untyped}
}

// setPiece makes l, which is zero, a leaf that was read by comparing.
func (l *Leaf) setPiece(p *soap.Piece) {
	l.Value, l.XSIType = p.Text, p.XSIType
	l.Start, l.End = int32(p.At.Start), int32(p.At.End)
	l.Present, l.Untyped = true, !p.Typed
}

// plainItem is an item of a list of strings or of structs of two leaves, of
// which there are many in a list: the last item, or, when more is not negative,
// a new one, which about that many will follow. first is nil for other lists,
// presence and second are nil for strings.
func plainItem(a Array, more int) (presence *Presence, first, second *Leaf) {
	switch a := a.(type) {
	case *List[ParameterValueStruct]:
		v := a.last(more)
		return &v.Presence, &v.Name, &v.Value
	case *List[ParameterInfoStruct]:
		v := a.last(more)
		return &v.Presence, &v.Name, &v.Writable
	case *List[EventStruct]:
		v := a.last(more)
		return &v.Presence, &v.EventCode, &v.CommandKey
	case *List[Leaf]:
		return nil, a.last(more), nil
	}
	return nil, nil, nil
}

// fewItems is how many items a list has before what follows is believed to be
// many more like them.
const fewItems = 16

// last is the last item; when more is not negative, it is a new one first, with
// room for that many after it.
func (l *List[T]) last(more int) *T {
	n := len(l.Items)
	if more >= 0 {
		if n == cap(l.Items) && n >= fewItems {
			l.grow(n + 1 + min(max(more, n/4), mostItems))
		}
		return l.add().(*T)
	}
	return &l.Items[n-1]
}
