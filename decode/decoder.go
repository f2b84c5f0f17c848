package decode

import (
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
	"informant/decode/http1"
)

// Options is what a Decoder can be told. The zero value decodes with the
// default limits and runs all checks under the strict profile.
type Options struct {
	HTTP  http1.Limits
	CWMP  cwmp.Limits
	Check check.Checker // its settings; nothing is fed to it
	// All: items for what is no CWMP too: other HTTP, foreign connections.
	All bool
}

// Decoder is the stages as one: records in, items out. The zero value is
// ready. It is not safe for concurrent use; the items it returns are immutable
// and may be handed to other goroutines.
type Decoder struct {
	Options

	started  bool
	assemble http1.Assembler
	track    cwmp.Tracker
	check    check.Checker

	findings map[*cwmp.Session][]check.Finding
	totals   Totals
	failures map[*capture.Conn]int
	out      []Item

	// plant, in tests, is called before each stage with its name.
	plant func(stage string, c *capture.Conn)
}

// tooOften is how many times decoding may fail on one connection before its
// further bytes are only counted.
const tooOften = 3

// Feed takes one record and returns the items that it completed. The slice is
// valid until the next call; r.Data is not kept.
func (d *Decoder) Feed(r capture.Record) []Item {
	d.start()
	if r.Kind == capture.Data {
		d.totals.Bytes += int64(len(r.Data))
	}
	if d.failures[r.Conn] >= tooOften {
		if r.Kind == capture.Close && r.Both {
			delete(d.failures, r.Conn)
		}
		return d.out
	}
	d.feed(&r)
	return d.out
}

func (d *Decoder) feed(r *capture.Record) {
	defer d.caught("http1", r.Conn, r.Time, func() []byte { return r.Data })
	d.planted("http1", r.Conn)
	d.http(d.assemble.Feed(*r))
}

// Advance says that time has come to now, without a record.
func (d *Decoder) Advance(now time.Time) []Item {
	d.start()
	d.advance(now)
	return d.out
}

func (d *Decoder) advance(now time.Time) {
	defer d.caught("cwmp", nil, now, nil)
	d.http(d.assemble.Advance(now))
	d.cwmp(d.track.Advance(now))
}

// Finish says that there are no more records, and returns what was still open.
func (d *Decoder) Finish() []Item {
	d.start()
	d.finishHTTP()
	d.finishCWMP()
	return d.out
}

func (d *Decoder) finishHTTP() {
	defer d.caught("http1", nil, time.Time{}, nil)
	d.http(d.assemble.Finish())
}

func (d *Decoder) finishCWMP() {
	defer d.caught("cwmp", nil, time.Time{}, nil)
	d.cwmp(d.track.Finish())
}

// Totals is what was read so far. Packets is for the caller to fill in.
func (d *Decoder) Totals() Totals { return d.totals }

func (d *Decoder) start() {
	d.out = d.out[:0]
	if d.started {
		return
	}
	d.started = true
	d.assemble.Limits = d.Options.HTTP
	d.track.Limits = d.CWMP
	d.check = d.Options.Check
	d.findings = map[*cwmp.Session][]check.Finding{}
	d.failures = map[*capture.Conn]int{}
}

// caught, deferred around a stage's work for one connection, takes a panic:
// the connection's state is dropped, its bytes go out as an undecoded item, and
// everything else goes on.
func (d *Decoder) caught(stage string, c *capture.Conn, at time.Time, bytes func() []byte) {
	p := recover()
	if p == nil {
		return
	}
	d.totals.Undecoded++
	item := Item{Kind: UndecodedItem, Time: at, Reason: fmt.Sprintf("%s failed: %v (%s)", stage, p, where())}
	if bytes != nil {
		item.Bytes = append([]byte(nil), bytes()...)
	}
	if c != nil {
		item.Connection = &http1.Event{Conn: c, Time: at}
		d.failures[c]++
	}
	d.out = append(d.out, item)
	if c != nil {
		d.drop(c)
	}
}

func (d *Decoder) planted(stage string, c *capture.Conn) {
	if d.plant != nil {
		d.plant(stage, c)
	}
}

// drop forgets what the stages hold of a connection.
func (d *Decoder) drop(c *capture.Conn) {
	defer func() {
		if recover() != nil { // its state is past mending: nothing of it is fed on
			d.failures[c] = tooOften
		}
	}()
	d.assemble.Drop(c)
	d.cwmp(d.track.Drop(c))
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

// http feeds what http1 completed to the tracker.
func (d *Decoder) http(events []http1.Event) {
	for i := range events {
		e := &events[i]
		if e.Kind == http1.Closed && e.Both {
			delete(d.failures, e.Conn)
		}
		d.feedHTTP(e)
	}
}

func (d *Decoder) feedHTTP(e *http1.Event) {
	defer d.caught("cwmp", e.Conn, e.Time, func() []byte { return bytesOf(e) })
	d.planted("cwmp", e.Conn)
	d.cwmp(d.track.Feed(*e))
}

// bytesOf is what an event carries, for an undecoded item.
func bytesOf(e *http1.Event) []byte {
	switch {
	case e.Kind == http1.RequestSeen && e.Exchange.Request != nil:
		return []byte(e.Exchange.Request.Raw)
	case e.Kind == http1.ResponseSeen && e.Exchange.Response != nil:
		return []byte(e.Exchange.Response.Raw)
	}
	return []byte(e.Bytes)
}

// cwmp takes what the tracker completed through the checks.
func (d *Decoder) cwmp(events []cwmp.Event) {
	for i := range events {
		d.event(&events[i])
	}
}

func (d *Decoder) event(e *cwmp.Event) {
	d.judge(e)
	d.tell(e)
}

// judge runs the checks. When one fails, only its findings are missing.
func (d *Decoder) judge(e *cwmp.Event) {
	defer func() {
		if p := recover(); p != nil {
			d.totals.Undecoded++
			d.out = append(d.out, Item{Kind: UndecodedItem, Time: e.Time, Session: e.Session, Reason: fmt.Sprintf("check failed: %v (%s)", p, where())})
		}
	}()
	d.planted("check", nil)
	for _, f := range d.check.Feed(*e) {
		if e.Session != nil {
			d.findings[e.Session] = append(d.findings[e.Session], f)
			continue
		}
		d.totals.Findings[f.Severity]++
		d.out = append(d.out, Item{Kind: FindingItem, Time: e.Time, Finding: &f})
	}
}

// tell makes the item of an event.
func (d *Decoder) tell(e *cwmp.Event) {
	switch e.Kind {
	case cwmp.MessageSeen:
		d.totals.Messages++
	case cwmp.SessionEnded:
		d.session(e)
	case cwmp.Requested:
		d.out = append(d.out, Item{Kind: ConnectionRequestItem, Time: e.Time, ConnectionRequest: e.ConnectionRequest})
	case cwmp.Transferred:
		d.out = append(d.out, Item{Kind: TransferItem, Time: e.Time, Transfer: e.Transfer})
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

func (d *Decoder) session(e *cwmp.Event) {
	list := d.findings[e.Session]
	delete(d.findings, e.Session)
	slices.SortStableFunc(list, func(a, b check.Finding) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), -cmp.Compare(a.Severity, b.Severity))
	})
	for _, f := range list {
		d.totals.Findings[f.Severity]++
	}
	if e.Session.Fragment {
		d.totals.Fragments++
	} else {
		d.totals.Sessions++
	}
	d.out = append(d.out, Item{Kind: SessionItem, Time: e.Session.Start, Session: e.Session, Findings: list, Undecided: d.check.Undecided()})
}

// rank puts findings in message order, those about the whole session last.
func rank(f check.Finding) int {
	if f.At.N == 0 {
		return int(^uint(0) >> 1)
	}
	return f.At.N
}

// connection tells a connection of which something is to be told: nothing of
// it could be read.
func (d *Decoder) connection(e *cwmp.Event) {
	s := e.HTTP.Summary
	if s == nil {
		return
	}
	item := Item{Kind: ConnectionItem, Time: e.Time, Connection: e.HTTP}
	switch s.Protocol {
	case http1.TLS:
		d.totals.Encrypted++
		item.Reason = "encrypted, and no keys are at hand"
	case http1.Foreign:
		d.totals.Foreign++
		item.Reason = "not HTTP"
		if !d.All {
			return
		}
	default:
		return
	}
	d.out = append(d.out, item)
}
