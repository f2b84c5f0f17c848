// Package shelf keeps memory that nobody needs any more for whoever needs such next: values
// of one type on a Pile, and long slices on a Shelf. What the pools of decode/http1 and
// decode/cwmp lend lies there; the locks are theirs.
package shelf

import (
	"slices"
	"unsafe"
)

// Pile holds values of one type. The zero value is empty. It is not safe for concurrent use.
type Pile[T any] struct{ values []*T }

// Put keeps a value that nobody knows any more, where there are less than so many.
func (p *Pile[T]) Put(x *T, most int) {
	if len(p.values) < most {
		p.values = append(p.values, x)
	}
}

// Take returns the value that was put there last, as it was put, and nil where there is none.
func (p *Pile[T]) Take() *T {
	n := len(p.values) - 1
	if n < 0 {
		return nil
	}
	x := p.values[n]
	p.values[n], p.values = nil, p.values[:n]
	return x
}

// Shelf holds slices, those that were put there last behind those that were put there first.
// There are few of them, and each is worth having: on traffic of large messages they are most
// of what would have to be collected. The zero value is empty. It is not safe for concurrent use.
type Shelf[T any] struct {
	slices [][]T
	bytes  int
}

// Put keeps a slice's memory, of which nobody may know any more, and no more than so many
// bytes together with what is there: what was put there first, and not wanted since, is let
// go for it. The elements up to the slice's capacity must be as the next one wants them.
func (s *Shelf[T]) Put(slice []T, most int) {
	n := bytesOf(slice)
	if n == 0 || n > most {
		return
	}
	old := 0
	for ; s.bytes+n > most; old++ {
		s.bytes -= bytesOf(s.slices[old])
	}
	s.slices = append(slices.Delete(s.slices, 0, old), slice[:0])
	s.bytes += n
}

// Take returns the shortest slice that has room for n elements, and for half as many again at
// most; nil where there is none. It is empty, and the caller's.
func (s *Shelf[T]) Take(n int) []T {
	best := -1
	for i, x := range s.slices {
		if c := cap(x); c >= n && c <= n+n/2 && (best < 0 || c < cap(s.slices[best])) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	found := s.slices[best]
	s.slices = slices.Delete(s.slices, best, best+1)
	s.bytes -= bytesOf(found)
	return found
}

// bytesOf is how many bytes a slice has room for.
func bytesOf[T any](slice []T) int {
	var element T
	return cap(slice) * int(unsafe.Sizeof(element))
}
