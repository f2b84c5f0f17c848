package http1

import (
	"math/bits"
	"sync"
	"unsafe"

	"informant/decode/shelf"
)

// Pool takes back the memory of Messages that nobody knows any more, and lends it
// to new ones: on traffic of many messages, memory that is warm and needs no
// collecting. It keeps 10 MB of texts at most. The zero value is ready, and safe for
// concurrent use; so is a nil *Pool, which keeps nothing.
type Pool struct {
	// Spoil, for tests: what is taken back is overwritten, so that whoever still
	// knows it shows.
	Spoil bool

	mu     sync.Mutex
	rooms  [roomClasses][][]byte // small ones
	held   int                   // bytes in them
	large  shelf.Shelf[byte]
	blocks [blockClasses]shelf.Pile[Message]
	pairs  shelf.Pile[pair]
	ends   shelf.Pile[Summary]
}

const (
	roomLeast    = 256          // bytes of the smallest room
	roomMost     = 4 << 20      // and of the largest that is kept
	roomClasses  = 4*(16-8) + 1 // of small ones
	roomLarge    = 64 << 10     // bytes from which a room is a large one
	heldSmall    = 4 << 20      // bytes of small rooms that are kept
	heldLarge    = 6 << 20      // and of large ones, which many small messages must not crowd out
	blocksMost   = 1024         // Messages that are kept, of each class
	pairsMost    = 1024         // exchanges, and Summaries, that are kept
	piecesMost   = 64           // pieces of a Message that is kept
	putAtOnce    = 16           // Messages that are taken back under one lock
	blockClasses = 3
)

// Put takes back messages, Raw included. Nobody may know one of them any more, nor a string
// that was taken out of it.
func (p *Pool) Put(messages ...*Message) {
	if p == nil {
		return
	}
	var empty [putAtOnce]*Message
	var rooms [putAtOnce][2][]byte
	var pairs [putAtOnce]*pair
	for len(messages) > 0 {
		n := min(len(messages), putAtOnce)
		chunk := messages[:n]
		messages, n = messages[n:], 0
		for _, m := range chunk { // which touches all that is cold: others need not wait for it
			if m.class == 0 {
				continue
			}
			fields, pieces := m.Fields[:cap(m.Fields)], m.Pieces[:0]
			clear(fields)
			if cap(pieces) > piecesMost {
				pieces = nil
			}
			empty[n], rooms[n], pairs[n] = m, [2][]byte{p.fit(m.room), p.fit(m.joined)}, m.pair
			if m.pair != nil {
				*m.pair = pair{}
			}
			*m = Message{Fields: fields[:0], Pieces: pieces, class: m.class}
			n++
		}
		p.mu.Lock()
		for i, m := range empty[:n] {
			p.keep(rooms[i][0])
			p.keep(rooms[i][1])
			if pairs[i] != nil {
				p.pairs.Put(pairs[i], pairsMost)
			}
			p.blocks[m.class-1].Put(m, blocksMost)
		}
		p.mu.Unlock()
	}
}

// lend takes back the memory of bytes.
func (p *Pool) lend(room []byte) {
	if p == nil {
		return
	}
	if room = p.fit(room); room == nil {
		return
	}
	p.mu.Lock()
	p.keep(room)
	p.mu.Unlock()
}

// fit is memory that can be kept, nil for other.
func (p *Pool) fit(room []byte) []byte {
	n := cap(room)
	if n < roomLeast || n > roomMost {
		return nil
	}
	if _, size := roomClass(n); size != n {
		return nil
	}
	if p.Spoil {
		spoil(room[:n])
	}
	return room[:0]
}

// keep adds memory to what is lent. The lock is the caller's.
func (p *Pool) keep(room []byte) {
	switch n := cap(room); {
	case n == 0:
	case n >= roomLarge:
		p.large.Put(room, heldLarge)
	case p.held+n <= heldSmall:
		class, _ := roomClass(n)
		p.rooms[class] = append(p.rooms[class], room)
		p.held += n
	}
}

func spoil(b []byte) {
	for i := range b {
		b[i] = 0xDB
	}
}

// pair returns a pair as new.
func (p *Pool) pair() *pair {
	if p != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		if x := p.pairs.Take(); x != nil {
			return x
		}
	}
	return new(pair)
}

// PutSummary takes back the Summary of a connection. Nobody may know it any more.
func (p *Pool) PutSummary(s *Summary) {
	if p == nil {
		return
	}
	*s = Summary{}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ends.Put(s, pairsMost)
}

// summary returns a Summary as new.
func (p *Pool) summary() *Summary {
	if p != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		if s := p.ends.Take(); s != nil {
			return s
		}
	}
	return new(Summary)
}

// block returns a Message of a class as new, nil where there is none.
func (p *Pool) block(class uint8) *Message {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.blocks[class-1].Take()
}

// room returns memory for n bytes. Without a Pool it is no more than asked for.
func (p *Pool) room(n int) []byte {
	if p == nil || n > roomMost {
		return make([]byte, 0, n)
	}
	class, size := roomClass(n)
	if r := p.taken(n, class, size); r != nil {
		return r
	}
	return make([]byte, 0, size) // which takes its time: without the lock
}

// taken is memory for n bytes that was taken back, nil where there is none.
func (p *Pool) taken(n, class, size int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if size >= roomLarge {
		return p.large.Take(n)
	}
	list := &p.rooms[class]
	last := len(*list) - 1
	if last < 0 {
		return nil
	}
	r := (*list)[last]
	(*list)[last], *list = nil, (*list)[:last]
	p.held -= size
	return r
}

// roomClass is the size of the rooms for n bytes, and its ordinal: four sizes to
// each power of two.
func roomClass(n int) (class, size int) {
	if n <= roomLeast {
		return 0, roomLeast
	}
	e := bits.Len(uint(n - 1)) // 1<<(e-1) < n <= 1<<e
	half, step := 1<<(e-1), 1<<(e-3)
	k := (n - half + step - 1) / step
	return 4*(e-9) + k, half + k*step
}

// buffer gathers bytes. Like a strings.Builder's, its strings stay as they are
// while it grows; unlike it, it takes memory that was used before.
type buffer struct{ b []byte }

func (b *buffer) Len() int             { return len(b.b) }
func (b *buffer) Cap() int             { return cap(b.b) }
func (b *buffer) Reset()               { b.b = nil }
func (b *buffer) Write(p []byte)       { b.b = append(b.b, p...) }
func (b *buffer) WriteString(s string) { b.b = append(b.b, s...) }
func (b *buffer) String() string       { return unsafe.String(unsafe.SliceData(b.b), len(b.b)) }
