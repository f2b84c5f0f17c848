package recording

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// content is that of a data frame whose groups are being read.
type content struct {
	element
	at     int // where the next group begins
	users  int // groups that are open
	last   *cursor
	closed bool // no further group of it will begin
}

// begin opens the next group; nil when there are no more in this recording.
func (d *Reader) begin() *cursor {
	for {
		if d.content == nil {
			if d.boundary != nil || d.fatal != nil {
				return nil
			}
			d.load()
			continue
		}
		if c := d.group(); c != nil {
			return c
		}
		d.content.closed = true
		d.recycle(d.content)
		d.content = nil
	}
}

// load reads on to the next data frame, the next recording, or the end.
func (d *Reader) load() {
	for d.content == nil && d.boundary == nil && d.fatal == nil {
		if n := len(d.free); n > 0 && d.scan.text == nil {
			d.scan.text, d.free = d.free[n-1], d.free[:n-1]
		}
		e, err := d.scan.next()
		if err != nil || e.tag == tagHead {
			d.endVolume(d.scan.w.offset() - int64(e.size))
		}
		if err != nil {
			d.fatal = err
			return
		}
		if err := d.element(e); err != nil {
			d.noteDamage(Damage{Offset: e.offset, Size: int64(e.size), Frame: e.frame, Err: err})
		}
	}
}

// element takes a frame or block in. An error is damage.
func (d *Reader) element(e element) error {
	switch e.tag {
	case "":
		if e.closed != nil {
			d.volume.damaged, d.volume.loose = true, true
			if n := len(d.others); n == 0 || d.others[n-1].Error() != e.closed.Error() {
				d.others = append(d.others, e.closed)
			}
			return nil
		}
		d.content = &content{element: e}
		d.held += len(e.text)
		return nil
	case tagHead:
		h, err := parseHeader(e.body)
		if errors.Is(err, ErrVersion) {
			d.fatal = err
			return nil
		}
		d.boundary = &h
		return err
	case tagDict:
		return d.dict(e.body)
	case tagPage:
		return nil
	case tagTail:
		d.tail(e)
		return nil
	}
	if needed(e.tag) {
		d.fatal = fmt.Errorf("%w: it has a block %q", ErrVersion, e.tag)
	}
	return nil
}

// dict takes over the dictionary of a recording.
func (d *Reader) dict(body []byte) error {
	dict, err := openDict(body, d.header.Dictionary)
	if err != nil {
		return err
	}
	if known := d.scan.decoder.dicts[dict.ID]; known == nil || known.Sum != dict.Sum {
		d.scan.decoder.add(dict)
	}
	return nil
}

func scanBytes(b []byte) *scanner { return &scanner{w: window{buf: b, err: io.EOF}} }

// missing says whether a frame needs a dictionary that nobody has.
func (d *Reader) missing(id uint32) error {
	named := d.header.Dictionary
	if id != named.ID || d.volume.broken {
		d.scan.decoder.addGenerals() // HEAD may be damaged, and have named one
		return nil                   // then the frame is damaged, or DICT
	}
	return fmt.Errorf("%w: %d, %s, SHA-256 %x", ErrDictionary, id, named.Name, named.Sum)
}

// tail notes what the end of a sealed recording says of groups.
func (d *Reader) tail(e element) {
	d.volume.sealed = true
	_, rest, ok := bytes.Cut(e.body, []byte("\ngroups: "))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	w := words{rest: line}
	n := w.uint()
	if !ok || w.end() != nil {
		return
	}
	d.tell(&heading{Number: n + 1})
	if last := d.volume.group; n > last && !d.volume.loose {
		d.note(Damage{Offset: e.offset, Frame: e.frame, Groups: between(last, n+1), Err: fmt.Errorf("group %d is the last, of %d", last, n)})
	}
}

var errNoTail = fmt.Errorf("%w: it was sealed and its end is missing", ErrTorn)

// endVolume looks at the end of a recording: one with groups of sealed ones has
// to end as they do.
func (d *Reader) endVolume(at int64) {
	if v := d.volume; v.grouped && !v.sealed {
		d.note(Damage{Offset: at, Frame: d.scan.frame, Err: errNoTail})
	}
}

// startPart goes on to the recording that comes next.
func (d *Reader) startPart() {
	h := *d.boundary
	d.boundary = nil
	followed := d.begun && h.Follows != nil && follows(h.Follows, &d.header)
	d.header = h
	if followed {
		d.conns.follow()
		d.volume = volume{seq: max(d.volume.seq, d.volume.raw), raw: d.volume.raw, hole: d.volume.hole}
	} else {
		d.conns.renew()
		d.order.base = d.order.last
		d.volume = volume{}
		if h.Follows != nil {
			d.volume.seq, d.volume.raw = h.Follows.Seq, h.Follows.Seq
		}
	}
	d.begun = true
	d.merge.drained = false
	if h.ID == [16]byte{} {
		d.volume.damaged, d.volume.loose = true, true
	}
	if g := findGeneral(h.Dictionary.Sum); h.Dictionary.ID != 0 && g != nil {
		d.scan.decoder.add(g)
	}
}

// follows says whether a file follows the one with a header, sealed or not.
func follows(f *Follows, before *Header) bool {
	if before.ID == f.ID {
		return true
	}
	sealed := fmt.Sprintf("sealed %x", f.ID)
	return slices.ContainsFunc(before.From, func(from string) bool { return from == sealed || strings.HasPrefix(from, sealed+" ") })
}

// group opens the next group of the frame; nil when there is none.
func (d *Reader) group() *cursor {
	f := d.content
	if f.last != nil && f.last.Kind == stretch {
		f.at = f.last.at
	}
	f.last = nil
	if f.at >= len(f.text) {
		return nil
	}
	c, err := openGroup(f.text, f.at, &d.conns)
	if err != nil {
		d.noteDamage(Damage{Offset: f.offset, Size: int64(f.size), Frame: f.frame, Err: err})
		return nil
	}
	d.tell(&c.heading)
	d.continues(c)
	if c.Kind != stretch {
		d.volume.grouped = true
		end, err := groupEnd(f.text, c.at)
		c.text = f.text[:end]
		if f.at = end; err != nil {
			c.text, f.at = f.text, len(f.text) // where the cursor will find it
		}
	} else {
		f.at = len(f.text)
	}
	f.last, c.from = c, f
	f.users++
	if c.Kind != stretch && d.held > d.maxHeld && d.spill.take(c) == nil {
		f.users--
	}
	return c
}

// continues checks that a group goes on from the one before it.
func (d *Reader) continues(c *cursor) {
	p := &d.volume
	seq := c.heading.base.seq
	switch {
	case p.loose:
	case c.Number != p.group+1:
		d.note(Damage{Offset: d.content.offset, Frame: d.content.frame, Groups: between(p.group, c.Number),
			Err: fmt.Errorf("group %d follows on group %d", c.Number, p.group)})
	case c.Kind == stretch && seq != p.seq+1:
		d.note(Damage{Offset: d.content.offset, Frame: d.content.frame,
			Err: fmt.Errorf("record %d follows on record %d", seq, p.seq)})
	}
	p.group, p.loose = max(c.Number, p.group), false
}

// failed notes a group that cannot be read on.
func (d *Reader) failed(c *cursor, err error) {
	d.noteDamage(Damage{Offset: c.from.offset, Size: int64(c.from.size), Frame: c.from.frame, Groups: []uint64{c.Number}, Err: err})
	c.at = len(c.text)
}

// over frees what a group held.
func (d *Reader) over(c *cursor) {
	if c.Kind == stretch {
		d.volume.seq = c.base.seq
	}
	if c.spilled != nil {
		d.spill.leave()
		return
	}
	c.from.users--
	d.recycle(c.from)
}

func (d *Reader) recycle(f *content) {
	if !f.closed || f.users > 0 || f.text == nil {
		return
	}
	d.held -= len(f.text)
	if len(d.free) < 4 {
		d.free = append(d.free, f.text)
	}
	f.text = nil
}

// fits says whether a frame found behind damage can belong to what is read.
func (d *Reader) fits(text []byte) bool {
	c, err := openGroup(text, 0, &d.conns)
	return err == nil && (c.Number > d.volume.group || d.volume.loose)
}

// noteDamage notes a part of which the groups are known when the next comes.
func (d *Reader) noteDamage(e Damage) {
	d.volume.damaged, d.volume.broken, d.volume.loose = true, true, true
	if n := len(d.pending); n > 0 && len(e.Groups) == 0 && !errors.Is(e.Err, ErrTorn) {
		if p := &d.pending[n-1]; p.Offset+p.Size == e.Offset && len(p.Groups) == 0 {
			p.Size += e.Size
			return
		}
	}
	if len(d.pending) > maxTold {
		d.tell(nil)
	}
	d.pending = append(d.pending, e)
}

// note notes a damage of which all is known.
func (d *Reader) note(e Damage) {
	d.tell(nil)
	d.volume.damaged = true
	d.tellOne(e)
}

// tell tells of damaged parts, now that the group behind them is known, if there
// is one.
func (d *Reader) tell(h *heading) {
	for _, e := range d.pending {
		if h != nil && len(e.Groups) == 0 {
			e.Groups = between(d.volume.group, h.Number)
		}
		d.tellOne(e)
	}
	d.pending = d.pending[:0]
}

// maxTold is how many damaged parts are kept; Skipped is told of all.
const maxTold = 1000

func (d *Reader) tellOne(e Damage) {
	if d.damages++; len(d.damage) < maxTold {
		d.damage = append(d.damage, e)
	}
	if d.o.Skipped != nil {
		d.o.Skipped(e)
	}
}

// between is the numbers between those of two groups, a thousand at most.
func between(last, next uint64) (missing []uint64) {
	for n := last + 1; n < next && len(missing) < 1000; n++ {
		missing = append(missing, n)
	}
	return missing
}
