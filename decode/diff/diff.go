package diff

import (
	"slices"
	"strings"

	"informant/decode/check"
	"informant/decode/cwmp"
)

// Side is one of two sessions, with what the checks found in it.
type Side struct {
	Session  *cwmp.Session
	Findings []check.Finding
}

// Status is how a step came out.
type Status uint8

// The statuses.
const (
	Same      Status = iota
	Different        // in what it says
	Missing          // it was recorded, and not played
	Extra            // it was played, and not recorded
)

func (s Status) String() string { return [...]string{"same", "different", "missing", "extra"}[s] }

// Step is a message of one session and the one that stands for it in the other.
type Step struct {
	N                int // counted from 1
	Status           Status
	Recorded, Played *cwmp.Message // nil: Extra, Missing
	Changes          []Change
}

// Message is the step's message, the recorded one where there is one.
func (s *Step) Message() *cwmp.Message {
	if s.Recorded != nil {
		return s.Recorded
	}
	return s.Played
}

// Change is a value that differs.
type Change struct {
	Path   string
	Status Status // Different, Missing, Extra
	// Recorded and Played are the values, and their types where those differ
	// ("7 (int)").
	Recorded, Played string
}

// Result is what a comparison came to.
type Result struct {
	Steps []Step
	// Fresh are findings of the played session of which the recorded one has none of
	// the same check, message and party; of two such there one here is one too many.
	Fresh []check.Finding
	// Gone are the ids of checks that found something in the recorded session only.
	Gone []string
}

// Same says whether nothing differs that matters: a note (check.Info) that is new
// doesn't.
func (r *Result) Same() bool {
	return r.First() == nil && !slices.ContainsFunc(r.Fresh, func(f check.Finding) bool { return f.Severity > check.Info })
}

// First is the first step that is not the same, nil where there is none.
func (r *Result) First() *Step {
	for i := range r.Steps {
		if r.Steps[i].Status != Same {
			return &r.Steps[i]
		}
	}
	return nil
}

// Count is how many steps came out so.
func (r *Result) Count(s Status) (n int) {
	for i := range r.Steps {
		if r.Steps[i].Status == s {
			n++
		}
	}
	return n
}

// Options say how to compare.
type Options struct {
	Rules []Rule                   // the first about a path counts; Defaults come after them
	Only  func(*cwmp.Message) bool // which steps count; nil: all
	// Renamed is what a recorded value is called now, where the played side has
	// another name than the recorded one; nil: as it was.
	Renamed func(string) string
}

// Compare holds a played session against a recorded one.
func Compare(recorded, played Side, o Options) Result {
	rules := compiled(append(append([]Rule(nil), o.Rules...), Defaults()...))
	a, b := said(recorded.Session, o.Only, rules, o.Renamed), said(played.Session, o.Only, rules, nil)
	var r Result
	for _, p := range align(a, b) {
		s := Step{N: len(r.Steps) + 1, Status: Same, Changes: p.changes}
		switch {
		case p.b == nil:
			s.Status, s.Recorded = Missing, p.a.m
		case p.a == nil:
			s.Status, s.Played = Extra, p.b.m
		default:
			s.Recorded, s.Played = p.a.m, p.b.m
			if len(p.changes) > 0 {
				s.Status = Different
			}
		}
		r.Steps = append(r.Steps, s)
	}
	r.Fresh, r.Gone = findings(recorded, played)
	return r
}

// told is a message and what it says.
type told struct {
	m     *cwmp.Message
	key   string // what has to be equal for two to be the same step
	facts *facts
}

// said are the messages of a session that are steps: what a challenge, a redirect
// or a retry repeats is none, and neither are the answers that ask for it.
func said(s *cwmp.Session, only func(*cwmp.Message) bool, rules *rules, renamed func(string) string) (list []told) {
	for _, m := range s.Messages {
		if m.Resend || m.Kind == cwmp.HTTP && (m.Status == 401 || m.Status == 407 || m.Status/100 == 3) {
			continue
		}
		if only != nil && !only(m) {
			continue
		}
		list = append(list, told{m, m.From.String() + m.Kind.String() + m.RPC, factsOf(m, rules, renamed)})
	}
	return list
}

// pair is a message and the one that stands for it; one of them may be nil.
type pair struct {
	a, b    *told
	changes []Change
}

// alignMost is how many pairs of messages are held against each other to find the
// best alignment. Of longer sessions each message goes with the next one like it.
const alignMost = 1 << 22

// align pairs messages in their order, at the least cost.
func align(a, b []told) (pairs []pair) {
	for len(a) > 0 && len(b) > 0 && a[0].key == b[0].key && len(compare(&a[0], &b[0])) == 0 { // the common beginning
		pairs = append(pairs, pair{a: &a[0], b: &b[0]})
		a, b = a[1:], b[1:]
	}
	if len(a)*len(b) > alignMost {
		return append(pairs, alignLong(a, b)...)
	}
	const gap, differs = 2, 3 // a pair that differs is better than two left over
	width := len(b) + 1
	cost := make([]int32, (len(a)+1)*width)
	memo := map[[2]int][]Change{}
	through := func(i, j int) (int32, bool) {
		changes, paired := memo[[2]int{i, j}]
		if !paired {
			return 0, false
		}
		c := cost[(i+1)*width+j+1]
		if len(changes) > 0 {
			c += differs
		}
		return c, true
	}
	for i := len(a); i >= 0; i-- {
		for j := len(b); j >= 0; j-- {
			best := int32(1 << 29)
			if i == len(a) && j == len(b) {
				best = 0
			}
			if i < len(a) {
				best = min(best, cost[(i+1)*width+j]+gap)
			}
			if j < len(b) {
				best = min(best, cost[i*width+j+1]+gap)
			}
			if i < len(a) && j < len(b) && a[i].key == b[j].key {
				memo[[2]int{i, j}] = compare(&a[i], &b[j])
				c, _ := through(i, j)
				best = min(best, c)
			}
			cost[i*width+j] = best
		}
	}
	for i, j := 0, 0; i < len(a) || j < len(b); {
		now := cost[i*width+j]
		if c, paired := through(i, j); paired && now == c {
			pairs = append(pairs, pair{a: &a[i], b: &b[j], changes: memo[[2]int{i, j}]})
			i, j = i+1, j+1
		} else if i < len(a) && now == cost[(i+1)*width+j]+gap {
			pairs = append(pairs, pair{a: &a[i]})
			i++
		} else {
			pairs = append(pairs, pair{b: &b[j]})
			j++
		}
	}
	return pairs
}

// alignLong is align for long sessions.
func alignLong(a, b []told) (pairs []pair) {
	const ahead = 256
	for len(a) > 0 {
		n := slices.IndexFunc(b[:min(ahead, len(b))], func(t told) bool { return t.key == a[0].key })
		if n < 0 {
			pairs = append(pairs, pair{a: &a[0]})
		} else {
			for k := range n {
				pairs = append(pairs, pair{b: &b[k]})
			}
			pairs = append(pairs, pair{a: &a[0], b: &b[n], changes: compare(&a[0], &b[n])})
			b = b[n+1:]
		}
		a = a[1:]
	}
	for k := range b {
		pairs = append(pairs, pair{b: &b[k]})
	}
	return pairs
}

// compare lists what differs between two messages of the same kind.
func compare(a, b *told) (list []Change) {
	for _, x := range a.facts.list {
		y, there := b.facts.find(x.path)
		switch {
		case !there && x.rule.How != Ignore:
			list = append(list, Change{Path: x.path, Status: Missing, Recorded: x.value})
		case there && !x.rule.allows(x, y):
			c := Change{Path: x.path, Status: Different, Recorded: x.value, Played: y.value}
			if x.kind != y.kind {
				c.Recorded, c.Played = x.value+" ("+named(x.kind)+")", y.value+" ("+named(y.kind)+")"
			}
			list = append(list, c)
		}
	}
	for _, y := range b.facts.list {
		if _, there := a.facts.find(y.path); !there && y.rule.How != Ignore {
			list = append(list, Change{Path: y.path, Status: Extra, Played: y.value})
		}
	}
	return list
}

func named(kind string) string {
	if kind == "" {
		return "no type"
	}
	return kind
}

// findings are those that only one side has.
func findings(recorded, played Side) (fresh []check.Finding, gone []string) {
	key := func(f *check.Finding) string { return f.Check.ID + " " + f.Party.String() }
	had := map[string]int{}
	for i := range recorded.Findings {
		had[key(&recorded.Findings[i])]++
	}
	for i := range played.Findings {
		f := &played.Findings[i]
		if k := key(f); had[k] > 0 {
			had[k]--
		} else {
			fresh = append(fresh, *f)
		}
	}
	seen := map[string]bool{}
	for i := range recorded.Findings {
		f := &recorded.Findings[i]
		if k := key(f); had[k] > 0 && !seen[f.Check.ID] {
			seen[f.Check.ID] = true
			gone = append(gone, f.Check.ID)
		}
	}
	return fresh, gone
}

// Name is what a message is called in a verdict.
func Name(m *cwmp.Message) string {
	switch m.Kind {
	case cwmp.Empty:
		if m.From == cwmp.CPE {
			return "empty POST"
		}
		return "empty answer"
	case cwmp.Fault:
		return strings.TrimSpace("Fault " + m.FaultCode())
	case cwmp.HTTP:
		return "HTTP status"
	case cwmp.Unreadable:
		return "unreadable message"
	}
	return m.RPC
}
