package cwmp

import "informant/decode/soap"

// alike is how the items of the list that is being read are written: those that
// come by the thousand are written alike, and read by comparing.
type alike struct {
	pattern soap.Pattern
	models  [soap.MaxWays]itemModel // for each way that the pattern knows
}

// itemModel is the leaves of an item without what differs from item to item.
type itemModel struct{ first, second Leaf }

// forget is called at the end of a list.
func (a *alike) forget() {
	a.pattern.Forget()
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

// readAlike reads the items that follow and are written as one before them was.
// The item that was read since the mark is looked at first: when there was
// nothing odd about it, others are compared with it as well.
func (d *decoder) readAlike(r *listReader, m *itemMark) {
	if r.n == m.items+1 && d.mark(r).sameNotes(m) {
		d.learn(r, m)
	}
	for p := &d.alike.pattern; d.Again(p); {
		r.n++
		presence, first, second := plainItem(r.a, d.Left()/(p.At.End-p.At.Start))
		model := &d.alike.models[p.Way]
		first.setLike(&model.first, &p.First)
		if second != nil {
			second.setLike(&model.second, &p.Second)
			presence.Present, presence.At = true, p.At
		}
	}
}

// setLike makes l a leaf that is written as the model is, but for its content.
func (l *Leaf) setLike(model *Leaf, content *soap.Piece) {
	l.Value, l.XSIType = content.Text, model.XSIType
	l.Start, l.End = int32(content.Start), int32(content.Start+len(content.Text))
	l.Present, l.Untyped = true, model.Untyped
}

// sameNotes tells that nothing was noted or kept apart since m.
func (now itemMark) sameNotes(m *itemMark) bool {
	return now.notes == m.notes && now.unnoted == m.unnoted && now.extras == m.extras
}

// learn keeps how the last item, which was read since the mark, is written.
func (d *decoder) learn(r *listReader, m *itemMark) {
	_, first, second := plainItem(r.a, -1)
	if first == nil {
		return
	}
	var at *soap.Span
	if second != nil {
		s := second.At()
		at = &s
	}
	way := d.Learn(&d.alike.pattern, m.Mark, first.At(), at)
	if way < 0 {
		return
	}
	model := &d.alike.models[way]
	model.first = *first
	if second != nil {
		model.second = *second
	}
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
