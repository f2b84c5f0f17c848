package decode

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"informant/capture"
	"informant/decode/check"
	"informant/decode/cwmp"
	"informant/decode/history"
	"informant/decode/http1"
	"informant/decode/story"
)

// Options is what a Decoder can be told. The zero value decodes with the
// default limits and runs all checks under the strict profile.
type Options struct {
	HTTP  http1.Limits
	CWMP  cwmp.Limits
	Check check.Checker // its settings; nothing is fed to it
	// All: items for what is no CWMP too: other HTTP, foreign connections.
	All bool
	// Live: an item for each message too, at once. Its session goes on: whoever
	// takes it has to be done with it before the Back is called again.
	Live bool
}

// Decoder is the stages as one: records in, items out. The zero value is
// ready. It is not safe for concurrent use; the items it returns are immutable
// and may be handed to other goroutines.
//
// It is made of two halves, a Front and a Back, and of Envelopes between them,
// which may also be used one by one, in goroutines of their own.
type Decoder struct {
	Options
	Pool *Pool // of memory to use again; may be nil

	started   bool
	front     Front
	envelopes Envelopes
	back      Back
	half      []Half
	out       []Item
}

// Feed takes one record and returns the items that it completed. The slice is
// valid until the next call; r.Data is not kept.
func (d *Decoder) Feed(r capture.Record) []Item {
	d.start()
	d.half = d.front.Feed(r, d.half[:0])
	return d.finish()
}

// Advance says that time has come to now, without a record.
func (d *Decoder) Advance(now time.Time) []Item {
	d.start()
	d.half = d.front.Advance(now, d.half[:0])
	d.finish()
	return append(d.out, d.back.Advance(now)...)
}

// Finish says that there are no more records, and returns what was still open.
func (d *Decoder) Finish() []Item {
	d.start()
	d.half = d.front.Finish(d.half[:0])
	d.finish()
	return append(d.out, d.back.Finish()...)
}

// Totals is what was read so far. Packets is for the caller to fill in.
func (d *Decoder) Totals() Totals {
	t := d.back.Totals()
	t.Bytes = d.front.Bytes
	return t
}

// Busy yields the connections that items which are still to come may speak of
// though they have ended; some twice.
func (d *Decoder) Busy(yield func(*capture.Conn)) { d.back.track.Busy(yield) }

func (d *Decoder) start() {
	if !d.started {
		d.started = true
		d.front.Limits = d.Options.HTTP
		d.back.Options = d.Options
		d.front.Pool, d.envelopes.Pool, d.back.Pool = d.Pool, d.Pool, d.Pool
	}
	d.out = d.out[:0]
}

func (d *Decoder) finish() []Item {
	d.envelopes.Read(d.half)
	for i := range d.half {
		d.out = append(d.out, d.back.Feed(&d.half[i])...)
	}
	return d.out
}

// Half is what a Front hands to a Back: an event of the HTTP layer and what its
// envelope says; or word that decoding failed.
type Half struct {
	event   http1.Event
	reading cwmp.Reading
	read    bool // by an Envelopes
	failed  *failure
}

// Size is about how many bytes of traffic h holds.
func (h *Half) Size() int { return len(bytesIn(&h.event)) }

// failure is a panic in a stage.
type failure struct {
	stage string
	conn  *capture.Conn
	at    time.Time
	what  string
	bytes []byte
}

// caught takes a panic, deferred around a stage's work for one connection.
func caught(stage string, c *capture.Conn, at time.Time, bytes func() []byte, tell func(failure)) {
	p := recover()
	if p == nil {
		return
	}
	f := failure{stage: stage, conn: c, at: at, what: fmt.Sprintf("%s failed: %v (%s)", stage, p, where())}
	if bytes != nil {
		f.bytes = append([]byte(nil), bytes()...)
	}
	tell(f)
}

// Front is the first half: records to HTTP messages. The zero value is ready. When a stage panics, what is known of that connection is
// dropped, its bytes go out as undecoded, and everything else goes on.
type Front struct {
	Limits http1.Limits
	Pool   *Pool // of memory to use again; may be nil
	Bytes  int64 // application bytes seen so far

	started  bool
	assemble http1.Assembler
	failures map[*capture.Conn]int
	out      []Half
	busy     bool // the Assembler is at work: what it has completed is not yet handed out

	// plant, in tests, is called before each stage with its name.
	plant func(stage string, c *capture.Conn)
}

// tooOften is how many times decoding may fail on one connection before its
// further bytes are only counted.
const tooOften = 3

// Feed takes one record and appends to dst what it completed. r.Data is not
// kept.
func (f *Front) Feed(r capture.Record, dst []Half) []Half {
	f.start()
	if r.Kind == capture.Data {
		f.Bytes += int64(len(r.Data))
	}
	if len(f.failures) > 0 && f.failures[r.Conn] >= tooOften {
		if r.Kind == capture.Close && r.Both {
			delete(f.failures, r.Conn)
		}
		return dst
	}
	f.out = dst
	f.feed(&r)
	return f.out
}

func (f *Front) feed(r *capture.Record) {
	defer caught("http1", r.Conn, r.Time, func() []byte { return r.Data }, f.fail)
	planted(f.plant, "http1", r.Conn)
	f.busy = true
	done := f.assemble.Feed(*r)
	f.busy = false
	f.hand(done)
}

// Advance says that time has come to now, without a record.
func (f *Front) Advance(now time.Time, dst []Half) []Half {
	f.start()
	f.out = dst
	f.each(now, func(c *capture.Conn) []http1.Event { return f.assemble.AdvanceConn(c, now) })
	return f.out
}

// Finish says that there are no more records.
func (f *Front) Finish(dst []Half) []Half {
	f.start()
	f.out = dst
	f.each(time.Time{}, f.assemble.FinishConn)
	return f.out
}

// each does something to each open connection, so that a panic costs that one
// alone.
func (f *Front) each(now time.Time, do func(*capture.Conn) []http1.Event) {
	for _, c := range f.assemble.Open() {
		f.one(c, now, do)
	}
}

func (f *Front) one(c *capture.Conn, now time.Time, do func(*capture.Conn) []http1.Event) {
	defer caught("http1", c, now, nil, f.fail)
	planted(f.plant, "each", c)
	f.busy = true
	done := do(c)
	f.busy = false
	f.hand(done)
}

func (f *Front) start() {
	if !f.started {
		f.started = true
		f.assemble.Limits = f.Limits
		f.assemble.Pool = f.Pool.http()
		f.failures = map[*capture.Conn]int{}
	}
}

// hand makes halves of events.
func (f *Front) hand(events []http1.Event) {
	for i := range events {
		e := &events[i]
		if e.Kind == http1.Closed && e.Both {
			delete(f.failures, e.Conn)
		}
		f.out = append(f.out, Half{event: *e})
	}
}

// fail tells a failure of http1, with the bytes that are in no message yet, and
// drops what it knows of the connection. Where the record that failed was read
// in part, its bytes may stand there twice.
func (f *Front) fail(x failure) {
	done, held := f.assemble.Salvage(x.conn)
	if f.busy {
		f.busy = false
		f.hand(done)
	}
	if !bytes.HasSuffix(held, x.bytes) {
		held = append(held, x.bytes...)
	}
	x.bytes = held
	f.out = append(f.out, Half{failed: &x})
	f.failures[x.conn]++
	f.assemble.Drop(x.conn)
}

func planted(plant func(string, *capture.Conn), stage string, c *capture.Conn) {
	if plant != nil {
		plant(stage, c)
	}
}

// Envelopes reads the envelopes in HTTP messages. It knows nothing of what came
// before, so that it matters not which of several reads which, and when, as long
// as it is before a Back gets them. The zero value is ready; it is not safe for
// concurrent use. What makes it panic goes out as undecoded.
type Envelopes struct {
	Pool *Pool // of memory to use again; may be nil

	reader cwmp.Reader
	plant  func(stage string, c *capture.Conn)
}

// Read reads those of halves that are not read yet.
func (x *Envelopes) Read(halves []Half) {
	for i := range halves {
		if h := &halves[i]; !h.read && h.failed == nil {
			x.one(h)
		}
	}
}

func (x *Envelopes) one(h *Half) {
	defer caught("soap", h.event.Conn, h.event.Time, func() []byte { return bytesOf(&h.event) }, func(f failure) { h.failed = &f })
	planted(x.plant, "soap", h.event.Conn)
	h.read = true
	x.reader.Pool = x.Pool.cwmp()
	h.reading = x.reader.Read(&h.event)
}

// Back is the second half: HTTP messages to sessions, findings and items. The
// zero value is ready.
type Back struct {
	Options
	Pool *Pool // of memory to use again; may be nil

	started  bool
	track    cwmp.Tracker
	check    check.Checker
	findings map[*cwmp.Session][]check.Finding
	spare    [][]check.Finding                 // of sessions that are over
	fresh    map[*cwmp.Session][]check.Finding // with Live: not told yet
	order    []*check.Finding                  // room to sort them
	called   []check.Finding                   // of the connection request that is being told
	totals   Totals
	failures map[*capture.Conn]int
	out      []Item
	busy     bool // the Tracker is at work: what it has completed is not yet told

	plant func(stage string, c *capture.Conn)
}

// Feed takes what a Front completed, and returns the items that it completed
// here. The slice is valid until the next call.
func (d *Back) Feed(h *Half) []Item {
	d.start()
	if h.failed != nil {
		d.fail(*h.failed)
		return d.out
	}
	e := &h.event
	if len(d.failures) > 0 && e.Conn != nil {
		over := d.failures[e.Conn] >= tooOften
		if e.Kind == http1.Closed && e.Both {
			delete(d.failures, e.Conn)
		}
		if over {
			return d.out
		}
	}
	d.feed(h)
	return d.out
}

func (d *Back) feed(h *Half) {
	e := &h.event
	defer caught("cwmp", e.Conn, e.Time, func() []byte { return bytesOf(e) }, d.fail)
	planted(d.plant, "cwmp", e.Conn)
	d.busy = true
	done := d.track.Feed(*e, h.reading)
	d.busy = false
	d.cwmp(done)
}

// Advance says that time has come to now, without anything having been seen.
func (d *Back) Advance(now time.Time) []Item {
	d.start()
	d.rest(func() []cwmp.Event { return d.track.Advance(now) })
	return d.out
}

// Finish says that there is no more, and returns what was still open.
func (d *Back) Finish() []Item {
	d.start()
	for range finishes {
		if d.rest(d.track.Finish) {
			break
		}
	}
	d.check.Pending(func(device string, c *history.Command, until time.Time) {
		d.out = append(d.out, Item{Kind: OperationItem, Time: until, Operation: &Operation{Device: device, Command: *c, Until: until}})
	})
	return d.out
}

// finishes is how many times the Tracker's Finish may fail before what is still
// open is given up. Each time, what failed is out of its way.
const finishes = 100

// rest says whether it came to its end.
func (d *Back) rest(events func() []cwmp.Event) (ok bool) {
	defer caught("cwmp", nil, time.Time{}, nil, d.fail)
	d.busy = true
	done := events()
	d.busy = false
	d.cwmp(done)
	return true
}

// Totals is what was told so far. Packets and Bytes are for the caller to fill
// in.
func (d *Back) Totals() Totals { return d.totals }

func (d *Back) start() {
	d.out = d.out[:0]
	if d.started {
		return
	}
	d.started = true
	d.track.Limits, d.track.Pool = d.CWMP, d.Pool.cwmp()
	d.check = d.Options.Check
	d.findings = map[*cwmp.Session][]check.Finding{}
	d.fresh = map[*cwmp.Session][]check.Finding{}
	d.failures = map[*capture.Conn]int{}
}

// fail tells a failure, after what the Tracker had completed before it, and
// drops what is known of its connection.
func (d *Back) fail(x failure) {
	if d.busy {
		d.busy = false
		d.cwmp(d.track.Pending())
	}
	d.totals.Undecoded++
	item := Item{Kind: UndecodedItem, Time: x.at, Reason: x.what, Bytes: x.bytes}
	if x.conn != nil {
		item.Connection = &http1.Event{Conn: x.conn, Time: x.at}
		d.failures[x.conn]++
	}
	d.out = append(d.out, item)
	if x.conn == nil {
		return
	}
	defer func() {
		if recover() != nil {
			d.failures[x.conn] = tooOften
		}
	}()
	d.cwmp(d.track.Drop(x.conn))
}

// where is the place of a panic, for whoever mends it: "decode/cwmp
// track.go:120".
func where() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	panicked := false
	for {
		f, more := frames.Next()
		if panicked && !strings.HasPrefix(f.Function, "runtime.") {
			pkg, _, _ := strings.Cut(path.Base(f.Function), ".")
			return fmt.Sprintf("%s %s:%d", strings.TrimPrefix(path.Join(path.Dir(f.Function), pkg), "informant/"), path.Base(f.File), f.Line)
		}
		panicked = panicked || f.Function == "runtime.gopanic"
		if !more {
			return "?"
		}
	}
}

// bytesOf is what an event carries, for an undecoded item.
func bytesOf(e *http1.Event) []byte { return []byte(bytesIn(e)) }

func bytesIn(e *http1.Event) string {
	switch {
	case e.Kind == http1.RequestSeen && e.Exchange.Request != nil:
		return e.Exchange.Request.Raw
	case e.Kind == http1.ResponseSeen && e.Exchange.Response != nil:
		return e.Exchange.Response.Raw
	}
	return e.Bytes
}

// cwmp takes what the tracker completed through the checks.
func (d *Back) cwmp(events []cwmp.Event) {
	for i := range events {
		d.event(&events[i])
	}
}

func (d *Back) event(e *cwmp.Event) {
	defer d.caughtAt(e, "item")
	d.judge(e)
	d.tell(e)
}

// caughtAt takes a panic, deferred around the work on one event, which alone it
// costs. The item holds what names the session, not the session: it may still be
// open, and changes then.
func (d *Back) caughtAt(e *cwmp.Event, stage string) {
	p := recover()
	if p == nil {
		return
	}
	d.totals.Undecoded++
	item := Item{Kind: UndecodedItem, Time: e.Time, Reason: fmt.Sprintf("%s failed: %v (%s)", stage, p, where())}
	if s := e.Session; s != nil {
		s.Keep() // whoever failed may hold on to it
		item.Session = &cwmp.Session{ID: s.ID, Ordinal: s.Ordinal, Fragment: s.Fragment, Device: s.Device, Start: s.Start}
	}
	d.out = append(d.out, item)
}

// judge runs the checks. When one fails, only its findings are missing.
func (d *Back) judge(e *cwmp.Event) {
	defer d.caughtAt(e, "check")
	planted(d.plant, "check", nil)
	list := d.check.Feed(*e)
	d.called = nil
	if e.Kind == cwmp.Requested {
		d.called = slices.Clone(list)
	}
	if e.Session != nil && slices.ContainsFunc(list, isOfCall) { // of whatever else became certain with it
		for _, f := range list {
			if isOfCall(f) {
				d.totals.Findings[f.Severity]++
				d.out = append(d.out, Item{Kind: FindingItem, Time: e.Time, Finding: &f})
			}
		}
		list = slices.DeleteFunc(list, isOfCall)
	}
	if len(list) > 0 && e.Session != nil {
		d.hold(e.Session, list)
		if d.Live {
			d.fresh[e.Session] = append(d.fresh[e.Session], list...)
		}
		return
	}
	for _, f := range list {
		d.totals.Findings[f.Severity]++
		d.out = append(d.out, Item{Kind: FindingItem, Time: e.Time, Finding: &f})
	}
}

// isOfCall says whether a finding is of a connection request, and so of no session.
func isOfCall(f check.Finding) bool { return f.Subject == check.OfConnectionRequest }

// tell makes the item of an event.
func (d *Back) tell(e *cwmp.Event) {
	switch e.Kind {
	case cwmp.MessageSeen:
		d.totals.Messages++
		if d.Live {
			d.out = append(d.out, Item{Kind: MessageItem, Time: e.Message.Time, Session: e.Session, Message: e.Message, Findings: d.takeFresh(e.Session)})
		}
	case cwmp.SessionEnded:
		d.session(e)
	case cwmp.Requested:
		it := Item{Kind: ConnectionRequestItem, Time: e.Time, ConnectionRequest: e.ConnectionRequest}
		if d.check.Profile != check.None {
			if v, ok := story.OfCall(e.ConnectionRequest, d.called, d.track.Now()); ok {
				it.Verdict = &v
			}
		}
		d.out = append(d.out, it)
	case cwmp.Transferred:
		d.out = append(d.out, Item{Kind: TransferItem, Time: e.Time, Transfer: e.Transfer})
	case cwmp.DatagramSeen:
		if e.Datagram.Request != nil || d.All {
			d.out = append(d.out, Item{Kind: DatagramItem, Time: e.Time, Datagram: e.Datagram})
		}
	case cwmp.OtherHTTP:
		d.totals.OtherHTTP++
		if d.All {
			d.out = append(d.out, Item{Kind: OtherItem, Time: e.Time, Other: e.Other.Exchange})
		}
	case cwmp.Remainder:
		if e.Session == nil {
			d.out = append(d.out, Item{Kind: RemainderItem, Time: e.Time, Connection: e.HTTP})
		}
	case cwmp.Gap:
		d.totals.Gaps++
		d.totals.LostBytes += max(0, e.HTTP.Lost)
	case cwmp.ConnectionOver:
		d.connection(e)
	}
}

// hold keeps findings until their session is over.
func (d *Back) hold(s *cwmp.Session, list []check.Finding) {
	held := d.findings[s]
	if n := len(d.spare); held == nil && n > 0 {
		held, d.spare = d.spare[n-1], d.spare[:n-1]
	}
	d.findings[s] = append(held, list...)
}

// held is the findings of a session that is over, in their order. The room in
// which they were held serves another one.
func (d *Back) held(s *cwmp.Session) []check.Finding {
	const few = 64
	held := d.findings[s]
	if held == nil {
		return nil
	}
	delete(d.findings, s)
	list := d.inOrder(held)
	if cap(held) <= few && len(d.spare) < few {
		clear(held)
		d.spare = append(d.spare, held[:0])
	}
	return list
}

// inOrder is a copy of a session's findings, sorted by messages and, of one
// message, by severity.
func (d *Back) inOrder(all []check.Finding) []check.Finding {
	const few = 1024
	order := d.order[:0]
	for i := range all {
		order = append(order, &all[i])
	}
	slices.SortStableFunc(order, func(a, b *check.Finding) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), -cmp.Compare(a.Severity, b.Severity))
	})
	list := d.Pool.list(len(all))
	for _, f := range order {
		list = append(list, *f)
	}
	if clear(order); cap(order) <= few {
		d.order = order[:0]
	}
	return list
}

func (d *Back) session(e *cwmp.Event) {
	list := d.held(e.Session)
	for i := range list {
		d.totals.Findings[list[i].Severity]++
	}
	if e.Session.Fragment {
		d.totals.Fragments++
	} else {
		d.totals.Sessions++
	}
	it := Item{Kind: SessionItem, Time: e.Session.Start, Session: e.Session, Findings: list, Late: d.takeFresh(e.Session), Undecided: d.check.Undecided(), Done: d.check.Done()}
	if d.check.Profile != check.None {
		if v, ok := story.Of(e.Session, list); ok {
			told := v // of the few sessions that have one
			it.Verdict = &told
		}
	}
	d.out = append(d.out, it)
}

// takeFresh is what became certain of a session since its last item.
func (d *Back) takeFresh(s *cwmp.Session) []check.Finding {
	list := d.fresh[s]
	if list != nil {
		delete(d.fresh, s)
	}
	return list
}

// rank puts findings in message order, those about the whole session last.
func rank(f *check.Finding) int {
	if f.At.N == 0 {
		return int(^uint(0) >> 1)
	}
	return f.At.N
}

// brokenOff says why a connection's TLS handshake failed, "" when none did.
func brokenOff(list []*capture.TLS) string {
	for _, t := range list {
		if t.Failed != "" {
			return "TLS handshake failed: " + t.Failed
		}
	}
	return ""
}

// connection tells a connection of which something is to be told: nothing of
// it could be read.
func (d *Back) connection(e *cwmp.Event) {
	s := e.HTTP.Summary
	if s == nil {
		return
	}
	if reason := brokenOff(s.TLS); reason != "" {
		d.totals.Handshakes++
		closed := *e.HTTP // which is the Tracker's
		d.out = append(d.out, Item{Kind: ConnectionItem, Time: e.Time, Connection: &closed, Reason: reason})
		return
	}
	reason := ""
	switch s.Protocol {
	case http1.Silent:
		if len(s.Remarks) == 0 {
			return
		}
		reason = s.Remarks[0]
	case http1.TLS:
		d.totals.Encrypted++
		reason = strings.Join(append([]string{"encrypted, and no keys are at hand"}, s.Remarks...), "; ")
	case http1.Foreign:
		d.totals.Foreign++
		reason = "not HTTP"
		if !d.All {
			return
		}
	default:
		e.HTTP.Summary = nil
		d.Pool.http().PutSummary(s) // which nothing is told of
		return
	}
	closed := *e.HTTP // which is the Tracker's
	d.out = append(d.out, Item{Kind: ConnectionItem, Time: e.Time, Connection: &closed, Reason: reason})
}
