package pcap

import "hash/maphash"

// closedFlow is what is remembered of a closed connection for a while, so that what
// comes late doesn't look like a new one.
type closedFlow struct {
	key    key
	closed int64     // clock when it was
	next   [2]uint32 // of each end, where known
	isn    [2]uint32 // of each end, where its SYN was seen
	older  uint32    // number of the one before it in its chain
	known  [2]bool
	seen   [2]bool // its SYN was
	gone   bool    // another connection took its place
}

// closedFlows are the closed connections, which in traffic of short ones are many more
// than the open ones. They have numbers, in the order in which they were closed, and no
// pointers. Those with the same hash are in a chain, the last one first: so the chain ends
// with the first number that is no longer remembered.
type closedFlows struct {
	blocks     []*closedBlock
	spare      *closedBlock
	first, end uint32   // numbers: of the oldest, and behind the last one
	heads      []uint32 // of the chains; a power of two
	seed       maphash.Seed
}

const closedBlockSize = 512

type closedBlock [closedBlockSize]closedFlow

// n is how many there are.
func (c *closedFlows) n() int { return int(c.end - c.first) }

// at is the one with that number.
func (c *closedFlows) at(number uint32) *closedFlow {
	i := number - c.first/closedBlockSize*closedBlockSize
	return &c.blocks[i/closedBlockSize][i%closedBlockSize]
}

func (c *closedFlows) head(k *key) *uint32 {
	return &c.heads[maphash.Comparable(c.seed, *k)&uint64(len(c.heads)-1)]
}

// add remembers a flow that is closed.
func (c *closedFlows) add(f *flow, clock int64) {
	if c.n() >= len(c.heads) {
		c.grow()
	}
	if c.end%closedBlockSize == 0 || len(c.blocks) == 0 {
		b := c.spare
		if b == nil {
			b = new(closedBlock)
		}
		c.blocks, c.spare = append(c.blocks, b), nil
	}
	c.end++
	x, y := &f.half[0], &f.half[1]
	head := c.head(&f.key)
	*c.at(c.end - 1) = closedFlow{key: f.key, closed: clock, next: [2]uint32{x.next, y.next}, isn: f.isn,
		known: [2]bool{x.known, y.known}, seen: [2]bool{x.isnSeen, y.isnSeen}, older: *head}
	*head = c.end - 1
}

// grow makes the chains anew.
func (c *closedFlows) grow() {
	if len(c.heads) == 0 {
		c.seed, c.first, c.end = maphash.MakeSeed(), 1, 1 // which no empty chain names
	}
	c.heads = make([]uint32, max(slotsMin, 2*len(c.heads)))
	for i := range c.heads {
		c.heads[i] = c.first - 1
	}
	for number := c.first; number != c.end; number++ {
		x := c.at(number)
		head := c.head(&x.key)
		x.older, *head = *head, number
	}
}

// find is the one of that key, nil where there is none.
func (c *closedFlows) find(k *key) *closedFlow {
	if c.n() == 0 {
		return nil
	}
	for number, last := *c.head(k), c.end; number-c.first < last-c.first; {
		x := c.at(number)
		if x.key.is(k) {
			if x.gone {
				return nil
			}
			return x
		}
		number, last = x.older, number
	}
	return nil
}

// oldest is the one that was closed first, nil where there is none.
func (c *closedFlows) oldest() *closedFlow {
	if c.n() == 0 {
		return nil
	}
	return c.at(c.first)
}

// last is the one that was closed last. There has to be one.
func (c *closedFlows) last() *closedFlow { return c.at(c.end - 1) }

// forget lets go of the oldest.
func (c *closedFlows) forget() {
	if c.first++; c.first%closedBlockSize == 0 {
		c.spare = c.blocks[0]
		n := copy(c.blocks, c.blocks[1:])
		c.blocks[n] = nil
		c.blocks = c.blocks[:n]
	}
}

// superseded tells whether a segment begins another connection between the same ports.
func (c *closedFlow) superseded(from end, s *segment) bool {
	if s.flags&(flagSYN|flagACK) != flagSYN {
		// Data of quite another place is a connection whose SYN was not captured.
		far := ahead(s.seq, c.next[from])
		return c.known[from] && len(s.payload) > 0 && (far > maxAhead/4 || far < -maxAhead/4)
	}
	if c.seen[from] {
		return s.seq != c.isn[from]
	}
	along := ahead(c.next[from], s.seq+1)
	return c.known[from] && (along < 0 || along > lateSYN)
}
