package recording

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"informant/capture"
)

// The kinds of group (FORMAT.md, section 4).
const (
	stretch    = "t" // of time
	session    = "s"
	connection = "c"
	goesOn     = "+" // with what an earlier group began
)

// group is the text of a group, while records are added to it. What it was told
// of connections is kept over groups; begin starts the next one.
type group struct {
	text    []byte
	number  uint64
	records int
	first   uint64 // Seq of the first record, and of the last
	last    uint64
	start   int64 // ns since 1970 of the first record with a time; what connections' times count from

	base  base
	local map[*capture.Conn]int // in this group
}

// base is what the deltas of the next record count from.
type base struct {
	seq    uint64
	time   int64
	packet uint64
}

// begin starts a group whose first record is r, which the caller adds.
func (g *group) begin(number uint64, kind string, r *capture.Record) {
	if g.local == nil {
		g.local = map[*capture.Conn]int{}
	}
	clear(g.local)
	ns := int64(0)
	if !r.Time.IsZero() {
		ns = r.Time.UnixNano()
	}
	*g = group{
		text: g.text[:0], local: g.local,
		number: number, first: r.Seq, last: r.Seq, start: ns,
		base: base{seq: r.Seq, time: ns, packet: r.Packet},
	}
	t := append(g.text, "G "...)
	t = strconv.AppendUint(t, number, 10)
	t = append(append(append(t, ' '), kind...), ' ')
	t = strconv.AppendUint(t, r.Seq, 10)
	t = strconv.AppendInt(append(t, ' '), ns, 10)
	t = strconv.AppendUint(append(t, ' '), r.Packet, 10)
	g.text = append(t, '\n')
}

// add appends a record. opened is the time from which the connection's identity
// was made, zero where it was not made so.
func (g *group) add(r *capture.Record, opened time.Time) {
	local, ok := g.local[r.Conn]
	if !ok {
		local = len(g.local) + 1
		g.local[r.Conn] = local
		g.text = g.appendConn(g.text, local, r.Conn, opened)
	}
	g.text = g.appendRecord(g.text, local, r)
	g.last = r.Seq
	g.records++
}

// maxPoint is how many bytes of a point are written: a line has its limit.
const maxPoint = 8 << 10

func (g *group) appendConn(t []byte, local int, c *capture.Conn, opened time.Time) []byte {
	t = strconv.AppendInt(append(t, "C "...), int64(local), 10)
	t = strconv.AppendUint(append(t, ' '), c.ID, 10)
	t = append(append(append(t, ' '), c.Network.String()...), ' ')
	t = append(appendAddr(t, c.Client), ' ')
	t = append(appendAddr(t, c.Server), ' ')
	if c.Origin == capture.Synthesised {
		t = append(t, "made "...)
	} else {
		t = append(t, "wire "...)
	}
	if opened.IsZero() {
		t = appendHex(t, c.Identity)
	} else {
		t = appendMicros(append(t, '='), opened.UnixNano()-g.start)
	}
	t = strconv.AppendQuote(append(t, ' '), c.Point[:min(len(c.Point), maxPoint)])
	return append(t, '\n')
}

func appendAddr(t []byte, a netip.AddrPort) []byte {
	if !a.IsValid() {
		return append(t, '-')
	}
	if strings.ContainsFunc(a.Addr().Zone(), func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		a = netip.AddrPortFrom(a.Addr().WithZone(""), a.Port()) // no zone has such a name
	}
	return a.AppendTo(t)
}

func appendHex(t []byte, id [16]byte) []byte {
	const digits = "0123456789abcdef"
	for _, b := range id {
		t = append(t, digits[b>>4], digits[b&15])
	}
	return t
}

// appendMicros writes nanoseconds as microseconds with up to three decimals.
func appendMicros(t []byte, ns int64) []byte {
	u := uint64(ns)
	if ns < 0 {
		t, u = append(t, '-'), -u
	}
	t = strconv.AppendUint(t, u/1000, 10)
	f := u % 1000
	if f == 0 {
		return t
	}
	t = append(t, '.', byte('0'+f/100), byte('0'+f/10%10), byte('0'+f%10))
	for t[len(t)-1] == '0' {
		t = t[:len(t)-1]
	}
	return t
}

// The letters of records (FORMAT.md, section 5).
const (
	letterOpen         = 'o'
	letterClient       = '>'
	letterServer       = '<'
	letterCipherClient = ')'
	letterCipherServer = '('
	letterGapClient    = '!'
	letterGapServer    = '?'
	letterRemark       = 'n'
	letterClose        = 'x'
	letterHandshake    = 'h'
)

func letter(r *capture.Record) byte {
	pick := func(client, server byte) byte {
		if r.From == capture.FromServer {
			return server
		}
		return client
	}
	switch r.Kind {
	case capture.Data:
		return pick(letterClient, letterServer)
	case capture.Cipher:
		return pick(letterCipherClient, letterCipherServer)
	case capture.Gap:
		return pick(letterGapClient, letterGapServer)
	case capture.Open:
		return letterOpen
	case capture.Close:
		return letterClose
	case capture.Handshake:
		return letterHandshake
	}
	return letterRemark
}

func (g *group) appendRecord(t []byte, local int, r *capture.Record) []byte {
	l := letter(r)
	t = strconv.AppendInt(append(t, l, ' '), int64(local), 10)
	t = g.appendDeltas(append(t, ' '), r)
	switch l {
	case letterOpen:
		if r.Midstream {
			t = append(t, " m"...)
		} else {
			t = append(t, " b"...)
		}
	case letterGapClient, letterGapServer:
		if r.Lost < 0 {
			t = append(t, " -"...)
		} else {
			t = strconv.AppendInt(append(t, ' '), r.Lost, 10)
		}
	case letterRemark:
		t = append(t, ' ', side(r.From))
		t = appendBytes(t, r.Text)
	case letterHandshake:
		t = append(t, ' ', side(r.From))
		t = appendBytes(t, r.TLS.Append(nil))
	case letterClose:
		t = appendClose(append(t, ' '), r)
	default:
		t = appendBytes(t, r.Data)
	}
	return append(t, '\n')
}

func appendBytes[T string | []byte](t []byte, b T) []byte {
	t = strconv.AppendInt(append(t, ' '), int64(len(b)), 10)
	return append(append(t, '\n'), b...)
}

func side(d capture.Direction) byte {
	if d == capture.FromServer {
		return letterServer
	}
	return letterClient
}

var ends = [...]string{0: "-", capture.FIN: "fin", capture.RST: "rst", capture.Evicted: "evicted", capture.EndOfInput: "end"}

func appendClose(t []byte, r *capture.Record) []byte {
	switch {
	case r.Both && r.From == capture.FromServer:
		t = append(t, 'B')
	case r.Both:
		t = append(t, 'b')
	default:
		t = append(t, side(r.From))
	}
	return append(append(t, ' '), ends[r.End]...)
}

// appendDeltas writes time, packet and Seq of a record, and counts on from it.
func (g *group) appendDeltas(t []byte, r *capture.Record) []byte {
	if r.Time.IsZero() {
		t = append(t, '-')
	} else {
		ns := r.Time.UnixNano()
		t = appendMicros(t, ns-g.base.time)
		g.base.time = ns
	}
	if r.Packet == 0 {
		t = append(t, " -"...)
	} else {
		t = strconv.AppendInt(append(t, ' '), int64(r.Packet-g.base.packet), 10)
		g.base.packet = r.Packet
	}
	t = strconv.AppendUint(append(t, ' '), r.Seq-g.base.seq, 10)
	g.base.seq = r.Seq
	return t
}
