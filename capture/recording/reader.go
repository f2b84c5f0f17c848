package recording

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"informant/capture"
)

// sniffed is how many bytes Sniff wants.
const sniffed = frameHead + tagSize

// Sniff tells whether an input that begins so (16 bytes are enough) is a
// recording. One whose first bytes are damaged is still known by the others.
func Sniff(prefix []byte) bool {
	if len(prefix) < sniffed {
		return false
	}
	magic := bytes.Equal(prefix[:4], []byte{0x5C, 0x2A, 0x4D, 0x18})
	same := 0
	for i := range tagSize {
		if prefix[frameHead+i] == tagHead[i] {
			same++
		}
	}
	return same == tagSize || magic && same >= tagSize-2
}

// ReaderOptions are the options of a Reader. The zero value is fine.
type ReaderOptions struct {
	Name    string       // of the input, for messages
	Skipped func(Damage) // is told of each damaged part, as soon as what is behind it is known
	Dicts   []*Dict      // more dictionaries that a recording may name
}

// Reader reads recordings from their start: unsealed, torn or sealed, one or
// several behind each other. It is a capture.Source: it yields the records in
// order of Seq, everything that is whole, and says at the end what is damaged.
//
// Where something is missing before the next record of a connection it yields a
// Gap of unknown size for both its directions, and where a connection's opening
// is missing an Open that says so: such records have no time. Sequence numbers
// are those of the recording, and a little higher where such records took them.
// They, and connections' numbers, go on from one recording to the next. A file
// that follows the one before it (a rotation) goes on with its connections.
//
// It is not safe for use by several goroutines.
type Reader struct {
	o        ReaderOptions
	scan     scanner
	conns    conns
	merge    merge
	order    order
	header   Header
	begun    bool     // a HEAD was read, or what stands in for it
	volume   volume   // the recording that is read
	content  *content // the frame of which groups begin
	free     [][]byte // rooms for contents
	held     int      // bytes of contents that are in use
	maxHeld  int
	spill    spill
	queue    []capture.Record // that Next yields
	taken    int              // how many of them it has
	unknown  int
	boundary *Header // of the recording that comes next
	fatal    error   // that ends the input
	others   []error // what else could not be read: a dictionary is missing
	damage   []Damage
	pending  []Damage // that was not told yet: the group behind it is to come
	damages  int      // how many parts there were
	told     bool
	closed   bool
}

// volume is what is known of one recording of the input.
type volume struct {
	group uint64 // the number of its last group
	seq   uint64 // of its last record, in an unsealed one
	loose bool   // what comes next need not go on from these

	grouped bool // it has groups as only sealed ones have
	sealed  bool // it has a TAIL

	damaged bool   // something of it is missing
	broken  bool   // as its bytes are damaged
	raw     uint64 // Seq, as the recording has it, of the record yielded last
	hole    uint64 // the last Seq up to there that is missing
}

var _ capture.Source = (*Reader)(nil)

// NewReader opens recordings. It reads the first block. An error wraps
// capture.ErrEmpty when there is nothing at all, capture.ErrFormat when r is no
// recording, ErrVersion when it is of a version that is not known.
func NewReader(r io.Reader, o ReaderOptions) (*Reader, error) {
	d := &Reader{o: o, maxHeld: maxHeld}
	d.scan = scanner{
		w: window{r: r}, decoder: newDecoder(o.Dicts...),
		damaged: d.noteDamage, missing: d.missing, fits: d.fits,
	}
	d.merge = merge{begin: d.begin, failed: d.failed, over: d.over}
	if err := d.open(); err != nil {
		return nil, err
	}
	return d, nil
}

// open reads HEAD.
func (d *Reader) open() error {
	first := d.scan.w.peek(0, sniffed)
	switch {
	case len(first) == 0 && d.scan.w.err != io.EOF:
		return d.scan.w.err
	case len(first) == 0:
		return d.named(capture.ErrEmpty)
	case !Sniff(first) && !d.beginsTorn(first):
		return d.named(fmt.Errorf("%w: no recording", capture.ErrFormat))
	}
	d.load()
	if d.boundary == nil {
		if d.fatal != nil && d.fatal != io.EOF {
			return d.named(d.fatal)
		}
		d.boundary = &Header{} // HEAD is damaged: what follows may be whole
	}
	d.startPart()
	return nil
}

// beginsTorn says whether an input is the first bytes of a HEAD.
func (d *Reader) beginsTorn(first []byte) bool {
	return len(first) < sniffed && len(first) >= 4 && bytes.HasPrefix(appendBlock(nil, tagHead, nil), first[:4]) &&
		(len(first) <= frameHead || bytes.HasPrefix([]byte(tagHead), first[frameHead:]))
}

func (d *Reader) named(err error) error {
	if d.o.Name == "" {
		return err
	}
	return fmt.Errorf("%s: %w", d.o.Name, err)
}

// Header is that of the recording which the last record was read from, or will
// be. It is zero where HEAD is damaged.
func (d *Reader) Header() Header { return d.header }

// Damage is what could not be read so far: the first thousand parts.
func (d *Reader) Damage() []Damage { return d.damage }

// Unknown is how many records were of a kind that this version does not know.
// Each was told as a Remark; whoever writes a recording anew would lose them.
func (d *Reader) Unknown() int { return d.unknown }

// Close frees what the reader holds. It does not close its input.
func (d *Reader) Close() error {
	d.closed = true
	d.scan.decoder.close()
	return d.spill.close()
}

// Next yields the next record. After the last it returns, once, what was wrong:
// what is damaged (wrapping capture.ErrDamaged, and ErrTorn where the file ends
// within a frame), that a newer version is needed (ErrVersion), a dictionary is
// missing (ErrDictionary), or what reading the input said. Then io.EOF.
func (d *Reader) Next() (capture.Record, error) {
	if d.closed {
		return capture.Record{}, io.EOF
	}
	for d.taken == len(d.queue) {
		d.queue, d.taken = d.queue[:0], 0
		if c := d.merge.next(); c != nil {
			d.take(c)
		} else if d.boundary != nil {
			d.startPart()
		} else {
			return capture.Record{}, d.finalError()
		}
	}
	d.taken++
	return d.queue[d.taken-1], nil
}

// take queues a record, and before it what has to be told of what is missing.
func (d *Reader) take(c *cursor) {
	r, k := c.record, c.who
	if c.skipped != 0 {
		d.unknown++
	}
	d.gone(c)
	if k.repeated(&r) {
		return
	}
	if k.seq == 0 && r.Kind != capture.Open && (d.volume.damaged || d.volume.hole > 0) {
		d.put(capture.Record{Conn: k.conn, Kind: capture.Open, Midstream: true})
	}
	if k.seq != 0 && k.seq < d.volume.hole && (c.Kind == stretch || c.Number != k.group) {
		for from := range capture.Direction(2) {
			d.put(capture.Record{Conn: k.conn, Kind: capture.Gap, From: from, Lost: -1})
		}
	}
	d.conns.took(k, &r, c.Number)
	r.Seq = d.order.number(r.Seq)
	d.queue = append(d.queue, r)
}

// gone notes which numbers are missing before a group's current record. Within a
// stretch of time none may be.
func (d *Reader) gone(c *cursor) {
	v, seq := &d.volume, c.record.Seq
	if seq > v.raw+1 && (c.Kind == stretch || v.damaged) {
		v.hole = seq - 1
		if c.Kind == stretch && c.count > 1 {
			d.note(Damage{Offset: c.from.offset, Frame: c.from.frame, Err: fmt.Errorf("record %d follows on record %d", seq, v.raw)})
		}
	}
	v.raw = seq
}

// put queues a record that is not in the recording.
func (d *Reader) put(r capture.Record) {
	r.Seq = d.order.between()
	d.queue = append(d.queue, r)
}

// order numbers records: as the recording does, and by more where a record that is
// not in it took the number, till one is free.
type order struct {
	last uint64
	base uint64 // what numbers are raised by
}

func (o *order) number(seq uint64) uint64 {
	o.last = max(seq+o.base, o.last+1)
	return o.last
}

// between numbers a record that is not in the recording.
func (o *order) between() uint64 {
	o.last++
	return o.last
}

// finalError is what Next says after the last record.
func (d *Reader) finalError() error {
	if d.told {
		return io.EOF
	}
	d.told = true
	d.tell(nil)
	const most = 100
	var all []error
	for i, e := range d.damage {
		if i == most {
			all = append(all, fmt.Errorf("%w: and %d more parts", capture.ErrDamaged, d.damages-i))
			break
		}
		all = append(all, e)
	}
	all = append(all, d.others...)
	if d.fatal != nil && d.fatal != io.EOF {
		all = append(all, d.fatal)
	}
	if len(all) == 0 {
		return io.EOF
	}
	return d.named(errors.Join(all...))
}
