package pcap

import (
	"sort"
	"time"
)

const maxDatagram = 1 << 16

// fragmentKey tells datagrams apart (RFC 791, RFC 8200 section 4.5).
type fragmentKey struct {
	src, dst [16]byte
	id       uint32
	proto    uint8 // of IPv4 only
	v6       bool
}

// piece is one fragment's payload. data is shorter than length where the
// capture cut it.
type piece struct {
	from, length int
	data         []byte
}

// pieceCost is what a fragment costs beyond its bytes.
const pieceCost = 64

// partial is a datagram of which fragments are missing.
type partial struct {
	key    fragmentKey
	since  int64
	pieces []piece
	total  int // length of the whole, -1 until its last fragment is seen
	proto  uint8
	held   int
}

// fragments puts datagrams together. Of fragments with the same place the first
// counts, of overlapping ones that which begins earlier. What is incomplete after a while, or is too much, is dropped: the
// stream above has a gap there.
type fragments struct {
	partials map[fragmentKey]*partial
	queue    []*partial // oldest first; those completed are nil
	bytes    int
	maxBytes int
	maxCount int
	wait     int64
	dropped  uint64
}

func newFragments(o Options) *fragments {
	return &fragments{
		partials: map[fragmentKey]*partial{},
		maxBytes: o.FragmentBytes, maxCount: o.MaxFragments, wait: int64(o.FragmentWait),
	}
}

// put adds a fragment; when it completes its datagram, p becomes the whole,
// and put returns true.
func (f *fragments) put(p *ipPacket, now int64) bool {
	f.expire(now)
	end := p.offset + p.length
	if p.length <= 0 || end > maxDatagram || p.more && p.length%8 != 0 {
		f.dropped++
		return false
	}
	d := f.find(p, now)
	added, ok := d.add(p)
	if !ok {
		f.dropped++
		return false
	}
	f.bytes += added
	if whole, cut, ok := d.whole(); ok {
		f.remove(d)
		p.fragment = false
		p.payload, p.length = whole, len(whole)+cut
		if p.v6 {
			return p.extensions(d.proto)
		}
		return true
	}
	for f.bytes > f.maxBytes || len(f.partials) > f.maxCount {
		if !f.dropOldest() {
			break
		}
	}
	return false
}

func (f *fragments) find(p *ipPacket, now int64) *partial {
	k := fragmentKey{id: p.id, v6: p.v6}
	copy(k.src[:], p.src)
	copy(k.dst[:], p.dst)
	if !p.v6 {
		k.proto = p.proto
	}
	d := f.partials[k]
	if d == nil {
		d = &partial{key: k, since: now, total: -1, proto: p.proto}
		f.partials[k] = d
		f.queue = append(f.queue, d)
	}
	return d
}

// add keeps a copy of the fragment, in order of place. It refuses what
// contradicts the datagram's length, and says what it kept.
func (d *partial) add(p *ipPacket) (cost int, ok bool) {
	end := p.offset + p.length
	if !p.more {
		if d.total >= 0 && d.total != end {
			return 0, false
		}
		d.total = end
	}
	if d.total >= 0 && end > d.total {
		return 0, false
	}
	if p.offset == 0 {
		d.proto = p.proto
	}
	// Equal places stay in order of arrival, so that the first counts.
	at := sort.Search(len(d.pieces), func(i int) bool { return d.pieces[i].from > p.offset })
	if at > 0 && d.pieces[at-1].from == p.offset && d.pieces[at-1].length >= p.length {
		return 0, true // seen
	}
	d.pieces = append(d.pieces, piece{})
	copy(d.pieces[at+1:], d.pieces[at:])
	d.pieces[at] = piece{from: p.offset, length: p.length, data: append([]byte(nil), p.payload...)}
	cost = len(p.payload) + pieceCost
	d.held += cost
	return cost, true
}

// whole is the datagram, once all of it was seen. Where the snap length cut a
// fragment, what comes before the cut is the datagram, and cut says how many
// bytes follow.
func (d *partial) whole() (b []byte, cut int, ok bool) {
	if d.total < 0 {
		return nil, 0, false
	}
	reached := 0
	for _, p := range d.pieces {
		if p.from > reached {
			return nil, 0, false
		}
		reached = max(reached, p.from+p.length)
	}
	if reached < d.total {
		return nil, 0, false
	}
	b = make([]byte, 0, d.total)
	for _, p := range d.pieces {
		if p.from > len(b) {
			break
		}
		if p.from+len(p.data) > len(b) {
			b = append(b, p.data[len(b)-p.from:]...)
		}
	}
	return b, d.total - len(b), true
}

func (f *fragments) remove(d *partial) {
	delete(f.partials, d.key)
	f.bytes -= d.held
	d.pieces = nil
}

// expire drops what has waited too long.
func (f *fragments) expire(now int64) {
	for len(f.queue) > 0 {
		d := f.queue[0]
		if f.partials[d.key] == d && now-d.since < f.wait {
			return
		}
		f.dropOldest()
	}
}

// dropOldest takes the head from the queue; false when there is none.
func (f *fragments) dropOldest() bool {
	if len(f.queue) == 0 {
		return false
	}
	d := f.queue[0]
	f.queue[0] = nil
	f.queue = f.queue[1:]
	if f.partials[d.key] == d {
		f.dropped += uint64(len(d.pieces))
		f.remove(d)
	}
	return true
}

// defaults for fragments: Linux waits 30 s, RFC 8200 says 60.
const (
	defaultMaxFragments  = 4096
	defaultFragmentBytes = 8 << 20
	defaultFragmentWait  = 30 * time.Second
)
