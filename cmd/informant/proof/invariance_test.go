package proof

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"informant/capture"
	"informant/decode/check"
	"informant/decode/http1"
	"informant/testdata/gen/traffic"
)

var generatorSmall = traffic.Options{Seed: 21, Bytes: 400_000, Shape: traffic.Small, Reorder: -1, Duplicate: -1}

// counts says how often something is done with a capture of that size: full
// in a soak, else so often that it takes a few seconds.
func counts(t *testing.T, name string, size, full int) int {
	n := scaled(min(full, max(2, int(6e6/float64(size)))), full)
	if n < full {
		t.Logf("%s: %d of %d (INFORMANT_SOAK=1 for all)", name, n, full)
	}
	return n
}

// cut cuts the data of records; next is the length of the next piece. All pieces
// keep the time and the packet of the record.
func cut(rs []capture.Record, next func() int) (out []capture.Record) {
	for _, r := range rs {
		for r.Kind == capture.Data && len(r.Data) > 0 {
			n := min(max(1, next()), len(r.Data))
			piece := r
			piece.Data = r.Data[:n]
			r.Data = r.Data[n:]
			piece.Seq = uint64(len(out) + 1)
			out = append(out, piece)
		}
		if r.Kind != capture.Data {
			r.Seq = uint64(len(out) + 1)
			out = append(out, r)
		}
	}
	return out
}

// TestCuts: the account doesn't depend on how the bytes were cut. A soak cuts
// each capture in 50 ways; else the large ones are cut in two, and in pieces of
// one byte only the small ones.
func TestCuts(t *testing.T) {
	for name, data := range captureSet(t) {
		t.Run(name, func(t *testing.T) {
			rs := records(t, name, data)
			want := tell(rs)
			for seed := range counts(t, name, 3*len(data), 50) {
				r := rand.New(rand.NewPCG(uint64(seed), 1))
				limit := []int{1460, 7, 1, 80}[seed%4]
				got := tell(cut(rs, func() int { return 1 + r.IntN(limit) }))
				if !bytes.Equal(got, want) {
					t.Fatalf("seed %d, pieces of 1 to %d bytes: %s", seed, limit, firstDifference(got, want))
				}
			}
		})
	}
}

// firstDifference shows where two accounts part.
func firstDifference(got, want []byte) string {
	g, w := strings.SplitAfter(string(got), "\n"), strings.SplitAfter(string(want), "\n")
	for i := range max(len(g), len(w)) {
		var a, b string
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a == b {
			continue
		}
		at := 0
		for at < min(len(a), len(b)) && a[at] == b[at] {
			at++
		}
		from := max(0, at-150)
		return fmt.Sprintf("line %d, byte %d:\n got …%.400s\nwant …%.400s", i+1, at, a[from:], b[from:])
	}
	return "none"
}

// FuzzCuts: any bytes of a client and a server, cut in any way, give one
// account.
func FuzzCuts(f *testing.F) {
	for _, o := range slices.Concat(oddHTTP, brokenOff) {
		var sides [2]string
		for _, p := range o.parts {
			sides[p.from] += p.data
		}
		f.Add([]byte(sides[0]), []byte(sides[1]), []byte{1, 2, 3, 200})
	}
	f.Fuzz(func(t *testing.T, client, server, cuts []byte) {
		conn := &capture.Conn{ID: 1}
		at := time.Unix(1767254400, 0).UTC()
		rs := []capture.Record{
			{Seq: 1, Time: at, Conn: conn, Kind: capture.Open, Packet: 1},
			{Seq: 2, Time: at, Conn: conn, Kind: capture.Data, Packet: 2, Data: client},
			{Seq: 3, Time: at, Conn: conn, Kind: capture.Data, From: capture.FromServer, Packet: 3, Data: server},
			{Seq: 4, Time: at, Conn: conn, Kind: capture.Close, End: capture.FIN, Both: true, Packet: 4},
		}
		i := 0
		next := func() int {
			if len(cuts) == 0 {
				return 1
			}
			i++
			return int(cuts[i%len(cuts)])
		}
		want := tell(rs)
		if got := tell(cut(rs, next)); !bytes.Equal(got, want) {
			t.Fatal(firstDifference(got, want))
		}
		balance(t, rs)
	})
}

// volatile are the fields that differ when packets have other times and
// numbers; ids and ordinals are made of them.
var volatile = []string{"time", "start", "end", "packet", "packets", "packetCount", "id", "session", "n", "asked", "until"}

// steady is an account without what is volatile, its lines sorted.
func steady(t *testing.T, account []byte) string {
	t.Helper()
	var lines []string
	for line := range bytes.Lines(account) {
		var v any
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		m := v.(map[string]any)
		if m["type"] == "summary" {
			delete(m, "packets")
		}
		b, _ := json.Marshal(without(v, 0))
		lines = append(lines, string(b))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

var aDuration = regexp.MustCompile(`\b(?:\d+h)?(?:\d+m)?\d[\d.]*(?:µs|ms| ms|s| s)\b`)

func without(v any, depth int) any {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range volatile {
			if k == "id" && depth > 0 || k == "n" && depth == 0 { // a message's id is its author's
				continue
			}
			delete(v, k)
		}
		if v["type"] == "summary" {
			delete(v, "findings") // those of overSessions are counted, too
		}
		for k := range v {
			if text, ok := v[k].(string); ok && k == "text" { // of a finding: how long something took
				v[k] = aDuration.ReplaceAllString(text, "T")
				continue
			}
			v[k] = without(v[k], depth+1)
		}
	case []any:
		v = slices.DeleteFunc(v, func(x any) bool { return overSessions(x) })
		for i := range v {
			v[i] = without(v[i], depth+1)
		}
		return v
	}
	return v
}

// overSessions says whether a value is a finding that hangs on the order of sessions,
// which is one of times.
func overSessions(x any) bool {
	f, ok := x.(map[string]any)
	if !ok {
		return false
	}
	id, _ := f["check"].(string)
	c, ok := check.ByID(id)
	return ok && c.Gates&check.History != 0
}

// TestReordered: packets that come in another order, and twice, give the same
// account but for times and packet numbers.
func TestReordered(t *testing.T) {
	for name, data := range captureSet(t) {
		t.Run(name, func(t *testing.T) {
			fs := frames(t, data)
			want := steady(t, tell(records(t, name, data)))
			for seed := range counts(t, name, 2*len(data), 200) {
				r := rand.New(rand.NewPCG(uint64(seed), 2))
				got := steady(t, tell(records(t, name, file(shuffle(fs, r, 2+seed%3)))))
				if got != want {
					t.Fatalf("seed %d: %s", seed, firstDifference([]byte(got), []byte(want)))
				}
			}
		})
	}
}

// errorsIn counts the error findings of an account by check, who is accused
// and the device's address. Its port is left out, since a session that is seen
// in part may begin on another connection.
func errorsIn(t *testing.T, account []byte) map[string]int {
	t.Helper()
	n := map[string]int{}
	for _, x := range parse(t, string(account)) {
		for _, f := range x.Findings {
			if f.Severity == "error" {
				host, _, _ := strings.Cut(x.CPE, ":")
				n[f.Check+" "+f.Party+" "+host]++
			}
		}
	}
	return n
}

// noNewErrors wants no error of a kind that the whole capture doesn't have of
// that device. More of them there may be: what is told once in a session is told
// in each part of it.
func noNewErrors(t *testing.T, what string, got, want map[string]int) {
	t.Helper()
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if want[k] == 0 {
			t.Errorf("%s: %d × %s, the whole capture has none", what, got[k], k)
		}
	}
}

// TestLost: with a segment missing there is a gap of its size, or another copy
// covered it, and nobody is accused of what is missing.
func TestLost(t *testing.T) {
	for name, data := range captureSet(t) {
		t.Run(name, func(t *testing.T) {
			fs := frames(t, data)
			whole := tell(records(t, name, data))
			base := summary(t, parse(t, string(whole)))
			want := errorsIn(t, whole)
			r := rand.New(rand.NewPCG(3, 3))
			for range counts(t, name, len(data), 1000) {
				i := r.IntN(len(fs))
				s := fs[i].segment()
				if len(s.payload) == 0 || s.flags&7 != 0 {
					continue
				}
				account := tell(records(t, name, file(slices.Delete(slices.Clone(fs), i, i+1))))
				got := summary(t, parse(t, string(account)))
				what := fmt.Sprintf("without packet %d (%d bytes)", i+1, len(s.payload))
				lost := got.LostBytes - base.LostBytes
				if lost != int64(len(s.payload)) && !again(fs, i) && !edge(fs, i) {
					t.Errorf("%s: %d bytes lost in %d gaps", what, lost, got.Gaps)
				}
				noNewErrors(t, what, errorsIn(t, account), want)
			}
		})
	}
}

// again says whether what packet i brought came in another packet too.
func again(fs []frame, i int) bool {
	s := fs[i].segment()
	for j := range fs {
		if o := fs[j].segment(); j != i && o.from == s.from && len(o.payload) > 0 && bytes.Equal(o.payload, s.payload) {
			return true
		}
	}
	return false
}

// edge says whether packet i brings the first bytes of a side whose SYN was not
// seen, or the last ones that the capture knows of: nothing tells that they were
// sent.
func edge(fs []frame, i int) bool {
	s := fs[i].segment()
	before := func(f frame) bool {
		o := f.segment()
		return o.from == s.from && (len(o.payload) > 0 || o.flags&2 != 0)
	}
	behind := func(f frame) bool {
		o := f.segment()
		return o.from == s.from || o.src == s.dst && o.dst == s.src
	}
	return !slices.ContainsFunc(fs[:i], before) || !slices.ContainsFunc(fs[i+1:], behind)
}

// TestPartial: a capture that begins later, ends earlier or saw one side alone
// accuses nobody of what it didn't see.
func TestPartial(t *testing.T) {
	for name, data := range captureSet(t) {
		t.Run(name, func(t *testing.T) {
			fs := frames(t, data)
			want := errorsIn(t, tell(records(t, name, data)))
			try := func(what string, part []frame) {
				noNewErrors(t, what, errorsIn(t, tell(records(t, name, file(part)))), want)
			}
			for _, server := range []bool{true, false} {
				try(fmt.Sprintf("one side, server %v", server), slices.DeleteFunc(slices.Clone(fs), func(f frame) bool {
					s := f.segment()
					return (s.src < s.dst) != server
				}))
			}
			r := rand.New(rand.NewPCG(4, 4))
			for range counts(t, name, 3*len(data), 200) {
				i := r.IntN(len(fs))
				try(fmt.Sprintf("from packet %d on", i+1), fs[i:])
				try(fmt.Sprintf("up to packet %d", i), fs[:i])
			}
		})
	}
}

// balance holds the bytes of HTTP connections against those of their messages
// and remainders.
func balance(t *testing.T, rs []capture.Record) {
	t.Helper()
	type side struct {
		conn *capture.Conn
		from capture.Direction
	}
	in, out := map[side]int64{}, map[side]int64{}
	isHTTP := map[*capture.Conn]bool{}
	var a http1.Assembler
	take := func(m *http1.Message) {
		if m != nil {
			out[side{m.Conn, m.From}] += int64(len(m.Raw)) + m.Omitted
		}
	}
	events := func(es []http1.Event) {
		for _, e := range es {
			switch e.Kind {
			case http1.RequestSeen:
				take(e.Exchange.Request)
			case http1.ResponseSeen:
				take(e.Exchange.Response)
				for _, m := range e.Exchange.Interim {
					take(m)
				}
			case http1.Unanswered:
				for _, m := range e.Exchange.Interim {
					take(m)
				}
			case http1.RemainderSeen:
				out[side{e.Conn, e.From}] += int64(len(e.Bytes))
			case http1.Closed:
				if e.Both && e.Summary != nil {
					isHTTP[e.Conn] = e.Summary.Protocol == http1.HTTP
				}
			}
		}
	}
	for _, r := range rs {
		if r.Kind == capture.Data {
			in[side{r.Conn, r.From}] += int64(len(r.Data))
		}
		events(a.Feed(r))
	}
	events(a.Finish())
	for k, n := range in {
		if isHTTP[k.conn] && out[k] != n {
			t.Errorf("connection %d from %s: %d bytes in, %d in messages and remainders", k.conn.ID, k.from, n, out[k])
		}
	}
}

// TestEveryByte: every byte of an HTTP connection is in a message or a
// remainder.
func TestEveryByte(t *testing.T) {
	for name, data := range captureSet(t) {
		t.Run(name, func(t *testing.T) {
			balance(t, records(t, name, data))
			fs := frames(t, data)
			r := rand.New(rand.NewPCG(5, 5))
			for range counts(t, name, 3*len(data), 200) { // with loss
				balance(t, records(t, name, file(slices.DeleteFunc(slices.Clone(fs), func(frame) bool { return r.IntN(50) == 0 }))))
			}
		})
	}
}
