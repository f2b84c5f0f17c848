// Package judge says what came of a replay: what passed is decoded by the ordinary
// path, and each session that was played is held against the recorded one.
package judge

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"informant/capture"
	"informant/decode"
	"informant/decode/cwmp"
	"informant/decode/diff"
	"informant/replay"
)

// Judgement is what a session came to.
type Judgement uint8

// The judgements.
const (
	Same      Judgement = iota // as recorded
	Different                  // in a step, in a finding, or in how it ended
	None                       // was possible
)

func (j Judgement) String() string { return [...]string{"same", "different", "no verdict"}[j] }

// Verdict is a session that was played, or was to be, held against the recorded one.
type Verdict struct {
	Recorded, Played diff.Side // Played.Session is nil where nothing of it was seen
	Report           replay.Report
	Judgement        Judgement
	Reason           string // where it did not come to its end
	Result           diff.Result
}

// Options say how to compare.
type Options struct {
	Rules    []diff.Rule     // the first about a path counts; diff.Defaults come after them
	Identity replay.Identity // of the CPE that was played
	// Only takes steps out of a result that don't count; it may be nil.
	Only func(r *diff.Result, recorded, played *cwmp.Session)
}

// Performance is a session that was played.
type Performance struct {
	Report replay.Report
	Err    error // what kept it from its end
}

// Witness sees what passes, by its Tap. The zero value is ready; it is safe for
// concurrent use.
type Witness struct {
	Decode decode.Options // set before the first record
	// Sinks get the records, too.
	Sinks []capture.Sink

	mu      sync.Mutex
	seq     uint64
	decoder decode.Decoder
	items   []decode.Item
	failed  error
}

// Tap takes a record.
func (w *Witness) Tap(r capture.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seq == 0 {
		w.decoder.Options = w.Decode
	}
	w.seq++
	r.Seq = w.seq
	for _, to := range w.Sinks {
		if w.failed == nil {
			w.failed = to.Put(r)
		}
	}
	w.keep(w.decoder.Feed(r))
}

func (w *Witness) keep(items []decode.Item) {
	for _, it := range items {
		if it.Kind == decode.SessionItem {
			w.items = append(w.items, it)
		}
	}
}

// Close closes the sinks. The error is the first of theirs.
func (w *Witness) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, to := range w.Sinks {
		if err := to.Close(); w.failed == nil {
			w.failed = err
		}
	}
	w.Sinks = nil
	return w.failed
}

// Judge holds what was played against what was recorded: each session that was
// played, and then those that were to be and were not. Nothing may be played any
// more.
func (w *Witness) Judge(recorded []diff.Side, played []Performance, o Options) (list []Verdict) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keep(w.decoder.Finish())
	used := map[*cwmp.Session]bool{}
	for _, p := range played {
		v := Verdict{Recorded: diff.Side{Session: p.Report.Recorded}, Report: p.Report}
		for _, s := range recorded {
			if s.Session == p.Report.Recorded {
				v.Recorded = s
			}
		}
		used[p.Report.Recorded] = true
		w.judge(&v, p.Err, used, &o)
		list = append(list, v)
	}
	for _, s := range recorded {
		if !used[s.Session] {
			list = append(list, Verdict{Recorded: s, Judgement: None, Reason: "it was not played"})
		}
	}
	return list
}

// judge judges one session.
func (w *Witness) judge(v *Verdict, err error, used map[*cwmp.Session]bool, o *Options) {
	if err != nil {
		v.Reason = strings.TrimPrefix(err.Error(), "replay: ")
		v.Judgement = Different
		if errors.Is(err, replay.ErrLost) {
			v.Judgement = None
		}
	}
	for _, it := range w.items {
		if !used[it.Session] && v.Report.Conn != nil && slices.ContainsFunc(it.Session.Conns, func(c *capture.Conn) bool { return c.ID == v.Report.Conn.ID }) {
			v.Played = diff.Side{Session: it.Session, Findings: it.Findings}
			used[it.Session] = true
			break
		}
	}
	if v.Played.Session == nil {
		if err == nil {
			v.Judgement, v.Reason = None, "nothing of it was seen"
		}
		return
	}
	left := map[*cwmp.Message]bool{}
	for _, t := range v.Report.LeftOut {
		left[t.Request], left[t.Response] = true, true
	}
	v.Result = diff.Compare(v.Recorded, v.Played, diff.Options{Rules: o.Rules, Only: func(m *cwmp.Message) bool { return !left[m] },
		Renamed: func(value string) string { return o.Identity.In(v.Recorded.Session.Device, value) }})
	if o.Only != nil {
		o.Only(&v.Result, v.Recorded.Session, v.Played.Session)
	}
	if v.Judgement == Same && !v.Result.Same() {
		v.Judgement = Different
	}
}
