package traffic

import (
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"informant/capture"
)

// Shape is what kind of traffic a capture holds.
type Shape uint8

// The shapes.
const (
	// Small: many short sessions of many devices, about a thousand at a time.
	Small Shape = iota
	// Large: a few devices at a time that are asked for their whole data
	// model, 15,000 parameters in one response of about 2 MB.
	Large
	// Mixed: short sessions of many devices, about a hundred at a time, and one device in 300
	// is asked for its whole data model, of two at a time at most: two fifths of the bytes.
	Mixed
)

// ParseShape reads the name of a shape.
func ParseShape(s string) (Shape, error) {
	for i, n := range []string{"small", "large", "mixed"} {
		if s == n {
			return Shape(i), nil
		}
	}
	return 0, fmt.Errorf("traffic: no shape %q: small, large or mixed", s)
}

// Options say what Write writes.
type Options struct {
	Seed  uint64
	Bytes int64 // about how large the file becomes
	Shape Shape
	Format
	Start time.Time // of the first packet; 2026-01-01 08:00 UTC when it is zero
	// Open is how many devices talk at the same time; when it is zero 1000, for Mixed 100 and
	// for Large 4, and fewer where that would be more than Bytes can hold.
	Open int
	// Reorder and Duplicate are shares of all segments; 0.005 when they are
	// zero, none when they are negative.
	Reorder, Duplicate float64
}

// Stats counts what was written.
type Stats struct {
	Packets            uint64
	Bytes              int64
	Connections        int
	Sessions           int // Informs answered by InformResponse
	ConnectionRequests int
	Parameters         int               // ParameterValueStructs
	RPC                [2]map[string]int // messages with an RPC by sender (client, server) and name
	Methods            map[string]int
	Statuses           map[int]int
}

// Write writes a capture. The same options give the same bytes.
func Write(w io.Writer, o Options) (Stats, error) {
	return newGenerator(w, o).write(func() {})
}

// write writes it all, and calls turned after each turn of a device's.
func (g *generator) write(turned func()) (Stats, error) {
	var slots []*slot
	for range g.open0 {
		s := new(slot)
		next, stop := iter.Pull(func(yield func(struct{}) bool) { g.life(s, yield) })
		defer stop()
		s.next = next
		slots = append(slots, s)
	}
	for len(slots) > 0 {
		i := g.turn(slots)
		s, before := slots[i], g.cap.bytes
		large := s.large
		_, more := s.next()
		if large {
			g.largeBytes += g.cap.bytes - before
		}
		turned()
		if !more {
			slots[i] = slots[len(slots)-1]
			slots = slots[:len(slots)-1]
		}
	}
	err := g.cap.Flush()
	g.stats.Packets, g.stats.Bytes = g.cap.Packets(), g.cap.Bytes()
	return g.stats, err
}

// slot is one device after the other.
type slot struct {
	next  func() (struct{}, bool)
	large bool // the device is asked for its whole data model
}

// mostLarge is how many devices of Mixed are asked for their whole data model at a time.
const mostLarge = 2

// turn is the index of the slot whose turn it is. Of Mixed, the large ones get more turns
// than their number gives them: a device that sends much doesn't wait for a thousand others.
func (g *generator) turn(slots []*slot) int {
	i := g.rnd.IntN(len(slots))
	if g.o.Shape != Mixed || g.large == 0 || slots[i].large || 5*g.largeBytes >= 2*g.cap.bytes {
		return i
	}
	n := g.rnd.IntN(g.large)
	return slices.IndexFunc(slots, func(s *slot) bool {
		if s.large {
			n--
		}
		return n < 0
	})
}

// generator is what all devices share.
type generator struct {
	o       Options
	cap     *Capture
	rnd     *rand.Rand
	stats   Stats
	devices int
	caller  uint16
	open0   int // how many devices talk at the same time
	reserve int64

	large      int   // of Mixed: how many devices are being asked for their whole data model
	largeBytes int64 // and what was written of such
}

func newGenerator(w io.Writer, o Options) *generator {
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	}
	each := int64(25_000) // about what a story takes
	open := int64(1000)
	switch o.Shape {
	case Large:
		each, open = 5_000_000, 4
	case Mixed:
		open = 100
	}
	if o.Open > 0 {
		open = int64(o.Open)
	} else {
		open = max(1, min(open, o.Bytes/each/4))
	}
	g := &generator{
		o:     o,
		cap:   NewCapture(w, o.Format, o.Start, o.Seed),
		rnd:   rand.New(rand.NewPCG(o.Seed, 1)),
		open0: int(open),
		stats: Stats{RPC: [2]map[string]int{{}, {}}, Methods: map[string]int{}, Statuses: map[int]int{}},
	}
	g.reserve = open * each / 2
	g.cap.Reorder, g.cap.Duplicate = share(o.Reorder), share(o.Duplicate)
	return g
}

func share(x float64) float64 {
	if x == 0 {
		return 0.005
	}
	return max(x, 0)
}

// full says whether no more stories are to begin.
func (g *generator) full() bool {
	return g.cap.err != nil || g.cap.bytes+g.reserve >= g.o.Bytes
}

// life is one device after the other, until the capture is full. It yields
// after every few packets, so that the others get their turn.
func (g *generator) life(s *slot, yield func(struct{}) bool) {
	var pause func()
	pause = func() {
		yield(struct{}{})
		g.cap.pause = pause
	}
	for first := true; first || !g.full(); first = false {
		d := g.device()
		g.cap.pause = pause
		switch {
		case g.o.Shape == Large:
			d.large()
		case g.o.Shape == Mixed && g.rnd.IntN(300) == 0 && g.large < mostLarge:
			s.large = true
			g.large++
			d.large()
			s.large = false
			g.large--
		default:
			d.small()
		}
	}
}

// device makes the next device.
func (g *generator) device() *device {
	n := g.devices
	g.devices++
	v := &vendors[n%len(vendors)]
	d := &device{
		vendor: v,
		g:      g,
		rnd:    rand.New(rand.NewPCG(g.o.Seed, uint64(n)+2)),
		serial: fmt.Sprintf("%s%07d", strings.ToUpper(v.class[:1]), n),
		addr:   netip.AddrFrom4([4]byte{100, byte(64 + n>>16&63), byte(n >> 8), byte(n)}),
		to:     netip.MustParseAddrPort("203.0.113.1:7547"),
		acs:    &servers[n/len(vendors)%len(servers)],
	}
	if v.ipv6 {
		d.addr = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 1, 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)})
		d.to = netip.MustParseAddrPort("[2001:db8::1]:7547")
	}
	d.port = uint16(49152 + d.rnd.IntN(16000)) // above every port that tshark takes for a protocol's
	d.out = writer{p: &prefixStyles[v.style], minor: v.minor, indent: v.indent, crlf: v.crlf}
	d.in = writer{p: &prefixStyles[d.acs.style], minor: v.minor, indent: d.acs.indent}
	return d
}

// open makes a connection of a device.
func (g *generator) open(client, server netip.AddrPort) *Conn {
	g.stats.Connections++
	return g.cap.Open(client, server)
}

// count counts a message.
func (g *generator) count(from capture.Direction, rpc string) { g.stats.RPC[from][rpc]++ }
