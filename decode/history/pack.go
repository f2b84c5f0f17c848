package history

import (
	"encoding/binary"
	"hash/maphash"
	"strings"
	"time"

	"informant/decode/cwmp"
)

// packer writes devices as short texts and reads them again. A text can be read only
// by the packer that wrote it, since what many devices have in common (names of
// parameters, event codes, software versions) is in the packer's own list; it is
// never written to a file.
//
// What is written and what is read can't differ: both are the same walk over the
// fields (see walk), which takes or gives each.
type packer struct {
	common  map[string]uint64
	texts   []string
	once    [1 << 12]uint64        // hashes of texts that were seen
	known   [1 << knownBits]uint32 // the numbers of texts in common that were written lately, counted from 1, by a hash
	seed    maphash.Seed
	ids     [][16]byte // of the device at hand
	out     []byte
	in      string
	at      int // how much of it was read
	reading bool
}

const (
	maxCommon     = 1 << 13 // texts in common
	longestCommon = 128     // bytes
	knownBits     = 10
)

// pack is a device as a text. The texts of a device are cut at maxText.
func (p *packer) pack(d *Device) string {
	p.reading, p.out, p.ids = false, p.out[:0], p.ids[:0]
	p.device(d)
	return string(p.out)
}

// unpack reads a device. What d had is overwritten, its slices are used again; its
// texts are parts of the text.
func (p *packer) unpack(text string, d *Device) {
	p.reading, p.in, p.at, p.ids = true, text, 0, p.ids[:0]
	p.device(d)
	p.in = ""
}

// device walks over what is known of a device but for its key and address, which the
// store has.
func (p *packer) device(d *Device) {
	p.time(&d.Since)
	p.flags(&d.Birth, &d.KeyKnown, &d.Together)
	p.int(&d.Sessions)
	p.past(&d.Last)
	list(p, &d.Commands, p.command)
	list(p, &d.Reported, p.command)
	list(p, &d.Set, p.setting)
	p.text(&d.Expected)
	p.text(&d.Refused)
	p.int(&d.Failures)
	list(p, &d.Tries, p.time)
	list(p, &d.Deleted, p.text)
	list(p, &d.Methods, p.text)
	list(p, &d.ACS, p.text)
	p.time(&d.Periodic)
	list(p, &d.Run, p.time)
	list(p, &d.Firsts, p.time)
	p.time(&d.Booted)
	p.time(&d.Timed)
	p.int64(&d.UpTime)
	p.time(&d.UpTimeAt)
	list(p, &d.Asked8, p.command)
	p.int(&d.Refusals)
	p.int(&d.Idle)
	list(p, &d.Attributes, p.attribute)
}

func (p *packer) past(x *Past) {
	p.id(&x.ID)
	p.time(&x.Start)
	p.time(&x.End)
	p.flags(&x.Good, &x.Failed, &x.Informed, &x.HasKey)
	list(p, &x.Events, p.event)
	p.int(&x.Retries)
	p.text(&x.URL)
	p.text(&x.Software)
	p.text(&x.ParameterKey)
	list(p, &x.Unanswered, p.event)
	list(p, &x.Answered, p.event)
	list(p, &x.Took, p.event)
	p.text(&x.Space)
	p.time(&x.Clock)
	p.time(&x.Over)
	p.flags(&x.Left, &x.Refused)
	p.text(&x.Redirect)
	p.text(&x.Nonce)
	p.text(&x.Answers)
	p.text(&x.ClientNonce)
	p.time(&x.Heartbeat)
}

func (p *packer) attribute(a *Attribute) {
	p.text(&a.Name)
	p.int(&a.Notification)
	p.text(&a.Value)
	p.flags(&a.Known)
}

func (p *packer) event(e *Event) {
	p.text(&e.Code)
	p.text(&e.Key)
}

func (p *packer) command(c *Command) {
	p.text(&c.Method)
	p.text(&c.Key)
	p.text(&c.FileType)
	p.text(&c.URL)
	p.time(&c.Asked)
	delay := int64(c.Delay)
	p.int64(&delay)
	c.Delay = time.Duration(delay)
	p.int(&c.Operations)
	p.flags(&c.Open, &c.AtOnce)
	p.id(&c.Session)
	p.int(&c.N)
	p.int(&c.Good)
	p.text(&c.Fault)
}

func (p *packer) setting(s *Setting) {
	p.text(&s.Name)
	p.text(&s.Value)
	p.text(&s.Old)
	p.flags(&s.Later)
	by := int(s.By)
	p.int(&by)
	s.By = cwmp.Role(by)
	p.id(&s.Session)
	p.int(&s.N)
}

// list walks over a slice. An empty one may be nil before, and not after.
func list[T any](p *packer, l *[]T, each func(*T)) {
	n := len(*l)
	if p.int(&n); p.reading {
		if cap(*l) < n {
			*l = make([]T, n)
		}
		*l = (*l)[:n]
	}
	for i := range *l {
		each(&(*l)[i])
	}
}

func (p *packer) uint(n *uint64) {
	if !p.reading {
		p.out = binary.AppendUvarint(p.out, *n)
		return
	}
	var x uint64
	for shift := 0; ; shift += 7 {
		b := p.in[p.at]
		p.at++
		x |= uint64(b&0x7f) << shift
		if b < 0x80 {
			break
		}
	}
	*n = x
}

func (p *packer) int64(n *int64) {
	u := uint64(*n<<1) ^ uint64(*n>>63)
	p.uint(&u)
	*n = int64(u>>1) ^ -int64(u&1)
}

func (p *packer) int(n *int) {
	x := int64(*n)
	p.int64(&x)
	*n = int(x)
}

func (p *packer) flags(list ...*bool) {
	var bits uint64
	for i, b := range list {
		if *b {
			bits |= 1 << i
		}
	}
	p.uint(&bits)
	for i, b := range list {
		*b = bits&(1<<i) != 0
	}
}

// epoch is what seconds are counted from, so that they are small.
const epoch = 1_700_000_000

// time walks over a time, which is UTC when it is read.
func (p *packer) time(t *time.Time) {
	var nanos uint64 // 0: no time
	var seconds int64
	if !p.reading && !t.IsZero() {
		nanos, seconds = uint64(t.Nanosecond())+1, t.Unix()-epoch
	}
	p.uint(&nanos)
	if nanos == 0 {
		*t = time.Time{}
		return
	}
	p.int64(&seconds)
	if p.reading {
		*t = time.Unix(seconds+epoch, int64(nanos-1)).UTC()
	}
}

// id walks over a session's id, which stands only once in a device.
func (p *packer) id(id *[16]byte) {
	at := 0
	if !p.reading {
		for at < len(p.ids) && p.ids[at] != *id {
			at++
		}
	}
	p.int(&at)
	switch {
	case at < len(p.ids):
		*id = p.ids[at]
		return
	case p.reading:
		copy(id[:], p.in[p.at:p.at+16])
		p.at += 16
	default:
		p.out = append(p.out, id[:]...)
	}
	p.ids = append(p.ids, *id)
}

// text walks over a text: its number among those in common, or its length and itself.
func (p *packer) text(s *string) {
	var n uint64
	if !p.reading {
		if id, ok := p.share(*s); ok {
			n = id<<1 | 1
			p.uint(&n)
			return
		}
		own := short(*s)
		n = uint64(len(own)) << 1
		p.uint(&n)
		p.out = append(p.out, own...)
		return
	}
	if p.uint(&n); n&1 != 0 {
		*s = p.texts[n>>1]
		return
	}
	to := p.at + int(n>>1)
	*s, p.at = p.in[p.at:to], to
}

// share is the number of a text among those in common. It is one of them from the
// second time on that it is seen, if not too many others were between.
func (p *packer) share(s string) (id uint64, ok bool) {
	if s == "" || len(s) > longestCommon {
		return 0, false
	}
	known := &p.known[quick(s)]
	if n := *known; n > 0 && p.texts[n-1] == s {
		return uint64(n - 1), true
	}
	if p.common == nil {
		p.common, p.seed = map[string]uint64{}, maphash.MakeSeed()
	}
	hash := maphash.String(p.seed, s)
	if seen := &p.once[hash%uint64(len(p.once))]; *seen != hash { // most that are new are a device's own
		*seen = hash
		return 0, false
	}
	if id, ok = p.common[s]; ok {
		*known = uint32(id) + 1
		return id, true
	}
	if len(p.texts) == maxCommon {
		return 0, false
	}
	id = uint64(len(p.texts))
	own := strings.Clone(s)
	p.texts, p.common[own] = append(p.texts, own), id
	return id, true
}

// quick is a hash, below 1 << knownBits, of a text that isn't empty.
func quick(s string) uint32 {
	n := len(s)
	x := uint32(s[0]) | uint32(s[n-1])<<8 | uint32(s[n/2])<<16 | uint32(n)<<24
	return x * 0x9e3779b1 >> (32 - knownBits)
}
