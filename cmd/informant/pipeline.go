package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"informant/capture"
	"informant/capture/tlsread"
	"informant/decode"
	"informant/decode/check"
	"informant/decode/cwmp"
	"informant/decode/transcript"
)

// sink renders items and, when there are no more, what frames or follows them.
// Append may run while the next items are being decoded. A sink that is an
// io.Writer gets the rendered items back, in the order of their beginnings, and
// writes them itself in Finish.
type sink interface {
	Append(dst []byte, it decode.Item) []byte
	Finish(w io.Writer, t decode.Totals) error
}

// appender is a sink whose summary follows its items.
type appender interface {
	Append(dst []byte, it decode.Item) []byte
	AppendSummary(dst []byte, t decode.Totals) []byte
}

// plain makes a sink of an appender.
type plain struct{ appender }

// Finish writes the summary.
func (p plain) Finish(w io.Writer, t decode.Totals) error {
	_, err := w.Write(p.AppendSummary(nil, t))
	return err
}

// batch is what the Front completed, on its way to the Back.
type batch struct {
	halves []decode.Half
	size   int
	tick   time.Time // time has come to this, though nothing was seen
}

const (
	batchBytes   = 32 << 10
	batchSize    = 256
	batches      = 16      // on their way at a time
	batchesBytes = 1 << 20 // of them, but for one

	parcels      = 8       // lists of items on their way at a time
	parcelsBytes = 2 << 20 // of them, but for one
)

// fed adds what was appended to the batch's halves from n on, and says whether
// the batch is full.
func (b *batch) fed(n int) bool {
	for i := range b.halves[n:] {
		b.size += b.halves[n+i].Size()
	}
	return b.size >= batchBytes || len(b.halves) >= batchSize
}

// clear makes the batch ready for other halves.
func (b *batch) clear() {
	clear(b.halves)
	b.halves, b.size, b.tick = b.halves[:0], 0, time.Time{}
}

// selection is what of the items is told.
type selection struct {
	pick
	// names are the sessions asked for, where an index found them: what they are
	// called in the whole of the input.
	names map[[16]byte]string
	only  map[string]bool // checks; nil for all
	none  bool            // no findings at all
}

// pipeline reads, decodes and tells. Three goroutines do it: one reads packets,
// puts streams together and finds the messages in them; one makes sessions of
// the messages and checks them; one renders and writes. What is between them is
// bounded. Envelopes are read by the first where the second is behind, and else
// by the second.
type pipeline struct {
	in      *inputs
	opts    decode.Options
	choice  selection
	sink    sink
	out     io.Writer
	meter   *meter
	bytes   atomic.Int64       // of traffic, read so far
	watch   func(*decode.Item) // with Live: sees each item before it is told; may be nil
	toldAll chan struct{}      // with Live: the items that were handed on are told
	pool    *decode.Pool       // for sinks that keep nothing of an item; may be nil
}

// outcome is what there is to say when all is told.
type outcome struct {
	totals      decode.Totals
	worst       int // the highest severity among the findings told, -1 for none
	damage      []error
	missing     []string // sessions told that lack bytes
	unshown     int      // items that could not be rendered
	interrupted bool
}

// run does it all. An error is one of writing; what could not be read stands
// in the outcome.
func (p *pipeline) run(ctx context.Context) (*outcome, error) {
	full := newHandover[*batch](batches, batchesBytes)
	items := newHandover[[]decode.Item](parcels, parcelsBytes)
	p.toldAll = make(chan struct{}, 1)
	stop, cancel := context.WithCancel(ctx)
	defer cancel()

	var totals decode.Totals
	go p.read(stop, full)
	go func() {
		defer items.close()
		totals = p.decode(stop, full, items)
	}()

	out := &outcome{worst: -1}
	buffered := bufio.NewWriterSize(p.out, 256<<10)
	var to io.Writer = buffered
	if w, ok := p.sink.(io.Writer); ok {
		to = w
	}
	err := p.tell(items, out, to, buffered)
	if err != nil {
		cancel() // nobody reads what is written: end the others
		p.acknowledge()
		for x := range items.queue {
			items.release(x, nil)
			p.acknowledge()
		}
	}
	out.interrupted = ctx.Err() != nil
	out.finish(totals)
	out.totals.Bytes = p.bytes.Load()
	if !out.interrupted && err == nil { // else the reader may still be at it
		out.damage = p.in.damage
		if p.in.packets != nil {
			out.totals.Packets = p.in.packets.Stats().Packets
		}
	}
	if err == nil {
		err = guarded("writing the end", func() error { return p.sink.Finish(buffered, out.totals) })
		if f := (failure{}); errors.As(err, &f) {
			out.damage, err = append(out.damage, f), nil
		}
	}
	if e := buffered.Flush(); err == nil {
		err = e
	}
	return out, err
}

// read fills batches until the input ends.
func (p *pipeline) read(ctx context.Context, full *handover[*batch]) {
	defer full.close()
	front := decode.Front{Limits: p.opts.HTTP, Pool: p.pool}
	envelopes := decode.Envelopes{Pool: p.pool}
	src := tlsread.NewSource(p.in)
	var b *batch
	send := func() bool {
		if len(full.queue) > 0 {
			envelopes.Read(b.halves)
		}
		p.meter.tick()
		p.bytes.Store(front.Bytes)
		done := full.put(ctx, b, int64(b.size))
		b = nil
		return done
	}
	for open := true; open; {
		if b == nil {
			if b = full.reuse(); b == nil {
				b = &batch{halves: make([]decode.Half, 0, batchSize)}
			}
		}
		r, err := src.Next()
		n := len(b.halves)
		switch open = err == nil; {
		case open && r.Conn == nil: // a live source's word that time passes
			b.tick = r.Time
			b.halves = front.Advance(r.Time, b.halves)
		case open:
			b.halves = front.Feed(r, b.halves)
		default:
			b.halves = front.Finish(b.halves)
		}
		// A live input's next record may be long in coming: the Back need not
		// wait for it.
		waits := p.in.live && (len(b.halves) > 0 || !b.tick.IsZero()) && !src.Pending() && !p.in.ready()
		if (b.fed(n) || !open || waits) && !send() {
			return
		}
	}
}

// decode makes items of the batches. When ctx ends it tells what it has.
func (p *pipeline) decode(ctx context.Context, full *handover[*batch], items *handover[[]decode.Item]) decode.Totals {
	back := decode.Back{Options: p.opts, Pool: p.pool}
	envelopes := decode.Envelopes{Pool: p.pool}
	var ready []decode.Item
	size := int64(0)
	hand := func(done []decode.Item) {
		for i := range done {
			if s := done[i].Session; s != nil {
				size += s.RawBytes
			}
		}
		ready = append(ready, done...)
	}
	flush := func() {
		if len(ready) == 0 {
			return
		}
		items.put(context.Background(), ready, size) // which is told or dropped, whatever happens
		ready, size = items.reuse(), 0
		if p.opts.Live { // their sessions go on: not before they are told
			<-p.toldAll
		}
	}
	for open := true; open; {
		select {
		case x, ok := <-full.queue:
			if !ok {
				open = false
				break
			}
			b := x.what
			envelopes.Read(b.halves)
			for i := range b.halves {
				hand(back.Feed(&b.halves[i]))
				if len(ready) >= 64 || size > 256<<10 || p.opts.Live {
					flush()
				}
			}
			if !b.tick.IsZero() {
				hand(back.Advance(b.tick))
			}
			b.clear()
			full.release(x, b)
			flush()
		case <-ctx.Done():
			open = false
		}
	}
	hand(back.Finish())
	flush()
	return back.Totals()
}

// quiet is how long a live input may be silent before what is held back for
// the sake of order is told.
const quiet = 300 * time.Millisecond

// tell renders the items and writes them in the order of their beginnings.
func (p *pipeline) tell(items *handover[[]decode.Item], out *outcome, w io.Writer, buffered *bufio.Writer) error {
	sorted := &order{w: w, limit: heldBytes}
	var idle <-chan time.Time
	for {
		var x parcel[[]decode.Item]
		var open bool
		select {
		case x, open = <-items.queue:
			if !open {
				return sorted.flush()
			}
		case <-idle:
			idle = nil
			if err := errors.Join(sorted.flush(), buffered.Flush()); err != nil {
				return err
			}
			continue
		}
		if p.opts.Live {
			err := p.tellNow(x.what, out, w, buffered)
			items.release(x, emptied(x.what))
			if err != nil {
				return err
			}
			p.acknowledge()
			continue
		}
		if p.in.live {
			idle = time.After(quiet)
		}
		err := p.tellSorted(x.what, out, sorted)
		items.release(x, emptied(x.what))
		if err != nil {
			return err
		}
	}
}

func emptied(list []decode.Item) []decode.Item {
	clear(list)
	return list[:0]
}

// tellSorted renders items and puts them in order.
func (p *pipeline) tellSorted(batch []decode.Item, out *outcome, sorted *order) error {
	for i := range batch {
		it := batch[i]
		batch[i] = decode.Item{} // the session can go as soon as it is told
		if !p.choose(&it) {
			continue
		}
		out.count(it)
		sorted.room = p.render(sorted.room[:0], it, out)
		at := begin(it)
		p.pool.Put(it)
		if err := sorted.put(at, sorted.room); err != nil {
			return err
		}
	}
	return nil
}

// acknowledge lets decoding go on after items were told.
func (p *pipeline) acknowledge() {
	if p.opts.Live {
		p.toldAll <- struct{}{}
	}
}

// tellNow writes items at once, in the order in which they come.
func (p *pipeline) tellNow(batch []decode.Item, out *outcome, w io.Writer, buffered *bufio.Writer) error {
	for i := range batch {
		it := batch[i]
		if !p.choose(&it) {
			continue
		}
		out.count(it)
		if p.watch != nil {
			p.watch(&it)
		}
		text := p.render(nil, it, out)
		p.pool.Put(it)
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

// render is the sink's rendering of an item; of one on which it panics, only
// that it did.
func (p *pipeline) render(dst []byte, it decode.Item, out *outcome) (text []byte) {
	defer func() {
		x := recover()
		if x == nil {
			return
		}
		out.unshown++
		what := decode.Item{Kind: decode.UndecodedItem, Time: begin(it), Reason: fmt.Sprintf("showing it failed: %v", x)}
		if s := it.Session; s != nil {
			what.Session = &cwmp.Session{ID: s.ID, Ordinal: s.Ordinal, Fragment: s.Fragment, Start: s.Start}
		}
		text = p.apology(dst[:0], what)
	}()
	return p.sink.Append(dst, it)
}

// apology renders that an item could not be rendered; nothing, where that fails
// too.
func (p *pipeline) apology(dst []byte, it decode.Item) (text []byte) {
	defer func() {
		if recover() != nil {
			text = dst[:0]
		}
	}()
	return p.sink.Append(dst, it)
}

// begin is the time by which an item is put in order.
func begin(it decode.Item) time.Time {
	switch {
	case it.Session != nil && !it.Session.Start.IsZero():
		return it.Session.Start
	case it.Kind == decode.ConnectionItem && it.Connection != nil && it.Connection.Summary != nil && !it.Connection.Summary.Opened.IsZero():
		return it.Connection.Summary.Opened
	}
	return it.Time
}

// choose says whether an item is told, and takes the findings out of it that
// are not.
func (p *pipeline) choose(it *decode.Item) bool {
	c := &p.choice
	if !c.all() && !c.sessionChosen(it) {
		return false
	}
	c.rename(it)
	switch it.Kind {
	case decode.SessionItem, decode.MessageItem:
		if c.none {
			it.Findings, it.Late, it.Undecided, it.Verdict = nil, nil, nil, nil
		} else if c.only != nil {
			it.Findings, it.Late = c.these(it.Findings), c.these(it.Late)
		}
	case decode.FindingItem:
		return !c.none && (c.only == nil || c.only[it.Finding.Check.ID])
	}
	return true
}

// these are the findings of the checks that were asked for.
func (c *selection) these(list []check.Finding) (fs []check.Finding) {
	for _, f := range list {
		if c.only[f.Check.ID] {
			fs = append(fs, f)
		}
	}
	return fs
}

// count adds an item that is told to the outcome.
func (o *outcome) count(it decode.Item) {
	add := func(s check.Severity) {
		o.totals.Findings[s]++
		o.worst = max(o.worst, int(s))
	}
	if it.Kind == decode.SessionItem { // its messages' are among them
		for i := range it.Findings {
			add(it.Findings[i].Severity)
		}
	}
	if it.Finding != nil {
		add(it.Finding.Severity)
	}
	if s := it.Session; s != nil && it.Kind == decode.SessionItem {
		if s.Fragment {
			o.totals.Fragments++
		} else {
			o.totals.Sessions++
		}
		if lacks(s) && len(o.missing) < 1000 {
			o.missing = append(o.missing, transcript.SessionName(s))
		}
	}
}

// lacks says whether bytes of the session's messages were not seen.
func lacks(s *cwmp.Session) bool {
	if s.Lost != 0 {
		return true
	}
	for _, m := range s.Messages {
		if m.HTTP != nil && m.HTTP.Lost != 0 {
			return true
		}
	}
	return false
}

// finish puts the totals together: of what was told, what was counted here; of
// what was read, what the Decoder counted.
func (o *outcome) finish(all decode.Totals) {
	told := o.totals
	o.totals = all
	o.totals.Undecoded += o.unshown
	o.totals.Sessions, o.totals.Fragments, o.totals.Findings = told.Sessions, told.Fragments, told.Findings
}

// report says on stderr what keeps the account from being whole, and returns
// the exit code, findings apart.
func (o *outcome) report(stderr io.Writer) int {
	code := exitOK
	for _, err := range o.damage {
		for _, line := range strings.Split(err.Error(), "\n") {
			fmt.Fprintf(stderr, "informant: %s\n", line)
		}
		if errors.Is(err, capture.ErrDamaged) && code == exitOK {
			code = exitIncomplete
		} else if !errors.Is(err, capture.ErrDamaged) {
			code = exitUsage
		}
	}
	if o.unshown > 0 {
		fmt.Fprintf(stderr, "informant: %s not be shown\n", plural(o.unshown, "item could", "items could"))
	}
	if n := len(o.missing); n > 0 {
		fmt.Fprintf(stderr, "informant: bytes are missing in %s\n", sessionList(o.missing))
	}
	nothing := o.totals.Encrypted > 0 && o.totals.Messages == 0
	if nothing {
		fmt.Fprintf(stderr, "informant: no CWMP could be read: %s encrypted\n", plural(o.totals.Encrypted, "connection is", "connections are"))
	}
	if code == exitOK && (len(o.missing) > 0 || nothing || o.unshown > 0) {
		code = exitIncomplete
	}
	if o.interrupted {
		code = exitInterrupted
	}
	return code
}

func sessionList(names []string) string {
	const most = 10
	if len(names) == 1 {
		return "session " + names[0]
	}
	more := ""
	if n := len(names) - most; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
		names = names[:most]
	}
	return "sessions " + strings.Join(names, ", ") + more
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
