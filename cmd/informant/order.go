package main

import (
	"container/heap"
	"io"
	"time"
)

// heldBytes is how much output is held back so that it can be written in the
// order of its beginnings: sessions are told when they end.
const heldBytes = 4 << 20

// told is an item, rendered. What has been written serves again.
type told struct {
	start time.Time
	seq   uint64 // order of arrival
	text  []byte
}

// order writes rendered items by their start, as far as a bounded memory
// allows. An item that comes too late is written when it comes.
type order struct {
	w     io.Writer
	limit int
	items []*told // a heap
	held  int
	seq   uint64
	spare []*told // written: their room serves again
}

// spares is how many written items keep their room, and spareBytes the most
// that one of them may keep.
const (
	spares     = 64
	spareBytes = 16 << 10
)

// put writes a copy of text, now or later.
func (o *order) put(start time.Time, text []byte) error {
	o.seq++
	if len(text) >= o.limit { // not worth a copy
		for len(o.items) > 0 && !o.items[0].start.After(start) {
			if err := o.pop(); err != nil {
				return err
			}
		}
		_, err := o.w.Write(text)
		return err
	}
	t := o.room(len(text))
	t.start, t.seq, t.text = start, o.seq, append(t.text, text...)
	heap.Push(o, t)
	o.held += len(text)
	for o.held > o.limit {
		if err := o.pop(); err != nil {
			return err
		}
	}
	return nil
}

func (o *order) pop() error {
	t := heap.Pop(o).(*told)
	o.held -= len(t.text)
	_, err := o.w.Write(t.text)
	if cap(t.text) <= spareBytes && len(o.spare) < spares {
		t.text = t.text[:0]
		o.spare = append(o.spare, t)
	}
	return err
}

// room is an empty item with room for n bytes.
func (o *order) room(n int) *told {
	if last := len(o.spare) - 1; last >= 0 {
		t := o.spare[last]
		o.spare = o.spare[:last]
		return t
	}
	return &told{text: make([]byte, 0, n)}
}

// flush writes all that is held back.
func (o *order) flush() error {
	for len(o.items) > 0 {
		if err := o.pop(); err != nil {
			return err
		}
	}
	return nil
}

// Len, Less, Swap, Push and Pop make order a heap of container/heap.

func (o *order) Len() int { return len(o.items) }

func (o *order) Less(i, j int) bool {
	a, b := o.items[i], o.items[j]
	if !a.start.Equal(b.start) {
		return a.start.Before(b.start)
	}
	return a.seq < b.seq
}

func (o *order) Swap(i, j int) { o.items[i], o.items[j] = o.items[j], o.items[i] }

func (o *order) Push(x any) { o.items = append(o.items, x.(*told)) }

func (o *order) Pop() any {
	n := len(o.items) - 1
	t := o.items[n]
	o.items[n] = nil
	o.items = o.items[:n]
	return t
}
