package main

import (
	"container/heap"
	"io"
	"time"
)

// heldBytes is how much output is held back so that it can be written in the
// order of its beginnings: sessions are told when they end.
const heldBytes = 4 << 20

// told is an item, rendered.
type told struct {
	start time.Time
	seq   uint64 // order of arrival
	text  []*block
	size  int
}

// block is a part of a text. What has been written serves again.
type block [1 << 10]byte

// order writes rendered items by their start, as far as a bounded memory
// allows. An item that comes too late is written when it comes.
type order struct {
	w     io.Writer
	limit int
	items []*told // a heap
	held  int
	seq   uint64
	spare []*block
	over  []*told // were written; they serve again
	room  []byte  // for who renders the next item
}

// put writes a copy of text, now or later.
func (o *order) put(start time.Time, text []byte) error {
	o.seq++
	for o.held+len(text) > o.limit {
		if len(o.items) == 0 || o.items[0].start.After(start) { // it would be the next
			_, err := o.w.Write(text)
			return err
		}
		if err := o.pop(); err != nil {
			return err
		}
	}
	t := o.next()
	t.start, t.seq, t.size = start, o.seq, len(text)
	for len(text) > 0 {
		b := o.block()
		text = text[copy(b[:], text):]
		t.text = append(t.text, b)
	}
	heap.Push(o, t)
	o.held += t.size
	return nil
}

func (o *order) pop() error {
	t := heap.Pop(o).(*told)
	o.held -= t.size
	o.spare = append(o.spare, t.text...)
	defer o.done(t)
	for _, b := range t.text {
		part := b[:min(t.size, len(b))]
		t.size -= len(part)
		if _, err := o.w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// next is an item without a text, and done takes one back. Few are kept.
func (o *order) next() *told {
	if n := len(o.over) - 1; n >= 0 {
		t := o.over[n]
		o.over = o.over[:n]
		return t
	}
	return new(told)
}

func (o *order) done(t *told) {
	const most, long = 4096, 64
	clear(t.text)
	if t.text = t.text[:0]; len(o.over) < most && cap(t.text) <= long {
		o.over = append(o.over, t)
	}
}

// block is an empty block.
func (o *order) block() *block {
	last := len(o.spare) - 1
	if last < 0 {
		return new(block)
	}
	b := o.spare[last]
	o.spare = o.spare[:last]
	return b
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
