package cwmp

import "net/netip"

// chains hold values of which several may belong to one address, the latest
// first. They allocate nothing for a value: it keeps its own place.
type chains[T any] struct {
	first map[netip.Addr]*T
	of    func(*T) *place[T] // a value's place
}

// place is a value's place in the chain of its address.
type place[T any] struct {
	before, after *T
	listed        bool
}

func newChains[T any](of func(*T) *place[T]) chains[T] {
	return chains[T]{map[netip.Addr]*T{}, of}
}

// add puts x first in the chain of a.
func (c *chains[T]) add(a netip.Addr, x *T) {
	first := c.first[a]
	if first != nil {
		c.of(first).before = x
	}
	*c.of(x) = place[T]{after: first, listed: true}
	c.first[a] = x
}

// remove takes x out of the chain of a, if it is in it.
func (c *chains[T]) remove(a netip.Addr, x *T) {
	p := *c.of(x)
	if !p.listed {
		return
	}
	*c.of(x) = place[T]{}
	if p.after != nil {
		c.of(p.after).before = p.before
	}
	switch {
	case p.before != nil:
		c.of(p.before).after = p.after
	case p.after != nil:
		c.first[a] = p.after
	default:
		delete(c.first, a)
	}
}
