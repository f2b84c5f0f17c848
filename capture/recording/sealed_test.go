package recording

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"informant/capture"
	"informant/capture/capturetest"
)

func openSealed(t testing.TB, file []byte) *Sealed {
	t.Helper()
	s, err := OpenSealed(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func entries(t testing.TB, seq iter.Seq2[Entry, error]) (list []Entry) {
	t.Helper()
	for e, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

func drain(t testing.TB, src capture.Source) (list []capture.Record, err error) {
	t.Helper()
	for {
		r, err := src.Next()
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		list = append(list, keep(r))
	}
}

// The property: whatever the traffic, all groups give the source's records, and
// the groups of each session hold all its records and all earlier ones of its
// connections, in order.
func TestSealedProperty(t *testing.T) {
	for seed := range rounds(16) {
		w := newWorld(100 + seed).run(300 + int(seed%40)*100)
		o := SealOptions{Temp: t.TempDir(), FrameBytes: 1 << (8 + seed%8)}
		if seed%2 > 0 {
			o.Memory = 1 << (11 + seed%8)
		}
		if seed%3 > 0 {
			o.sortMemory = 1 << (8 + seed%8)
		}
		file, _ := w.sealed(t, o)
		s := openSealed(t, file)
		all, err := drain(t, s.Source(nil))
		if err != nil {
			t.Fatal(err)
		}
		same(t, all, w.records)
		list := entries(t, s.Sessions(Query{}))
		if len(list) != len(w.all) {
			t.Fatalf("seed %d: %d sessions, want %d", seed, len(list), len(w.all))
		}
		if seed%8 > 0 {
			list = list[:min(len(list), 12)]
		}
		for _, e := range list {
			w.check(t, s, e)
		}
	}
}

// check reads a session and compares it with what was made up.
func (w *world) check(t *testing.T, s *Sealed, e Entry) {
	t.Helper()
	i := slices.IndexFunc(w.all, func(o *worldSession) bool { return o.entry.ID == e.ID })
	want := w.all[i]
	if got, made := fmt.Sprint(e.Device, e.Start, e.End, e.RPCs, e.Events, e.Faults, e.Outcome, e.Worst, e.Findings),
		fmt.Sprint(want.entry.Device, want.entry.Start, want.entry.End, want.entry.RPCs, want.entry.Events, want.entry.Faults,
			want.entry.Outcome, want.entry.Worst, want.entry.Findings); got != made {
		t.Errorf("%s, want %s", got, made)
	}
	got, err := drain(t, s.Source(e.Groups))
	if err != nil {
		t.Fatal(err)
	}
	seqs := map[uint64]bool{}
	last := uint64(0)
	for _, r := range got {
		if r.Seq <= last {
			t.Fatalf("record %d comes behind record %d", r.Seq, last)
		}
		last = r.Seq
		seqs[r.Seq] = true
	}
	for _, seq := range want.records {
		if !seqs[seq] {
			t.Fatalf("session %x: record %d is missing", e.ID, seq)
		}
	}
	end := want.records[len(want.records)-1]
	for _, span := range want.spans {
		for _, r := range w.records[:end] {
			if r.Conn.ID == span.Conn && !seqs[r.Seq] {
				t.Fatalf("session %x: record %d, which was before it on its connection, is missing", e.ID, r.Seq)
			}
		}
	}
}

func TestQuery(t *testing.T) {
	w := newWorld(7).run(16_000)
	file, _ := w.sealed(t, SealOptions{Temp: t.TempDir(), sortMemory: 8 << 10})
	s := openSealed(t, file)
	all := entries(t, s.Sessions(Query{}))
	for i, e := range all {
		if e.Ordinal != i+1 || i > 0 && e.Start.Before(all[i-1].Start) {
			t.Fatalf("session %d is the %d., of %v", i+1, e.Ordinal, e.Start)
		}
	}
	if len(all) < 300 || s.tree(treeSession).root.lines != int64(len(all)) {
		t.Fatal(len(all), "sessions")
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		e := all[rnd.IntN(len(all))]
		id := hex.EncodeToString(e.ID[:])
		until := e.Start.Add(time.Duration(rnd.IntN(int(time.Second))))
		for _, q := range []Query{
			{ID: id}, {ID: id[:3]}, {ID: strings.ToUpper(id[:9])}, {Device: e.Device}, {Ordinal: e.Ordinal}, {Since: e.Start}, {Until: e.Start},
			{Since: e.Start, Until: until}, {Device: e.Device, Since: e.Start, Until: until}, {ID: id[:1], Device: e.Device},
			{ID: "zz"}, {Device: e.Device[:5]}, {Ordinal: len(all) + 1}, {Ordinal: -1}, {ID: id, Ordinal: e.Ordinal + 1}, {Since: until, Until: e.Start},
		} {
			var want []string
			for _, e := range all {
				q := q
				q.ID = strings.ToLower(q.ID)
				if q.matches(&e) {
					want = append(want, hex.EncodeToString(e.ID[:]))
				}
			}
			var got []string
			for _, e := range entries(t, s.Sessions(q)) {
				got = append(got, hex.EncodeToString(e.ID[:]))
				if all[e.Ordinal-1].ID != e.ID {
					t.Errorf("%+v: session %x is not the %d.", q, e.ID, e.Ordinal)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("%+v: %d sessions, want %d", q, len(got), len(want))
			}
		}
	}
	for e, err := range s.Sessions(Query{NoGroups: true}) {
		if err != nil || e.Groups != nil {
			t.Fatal(e, err)
		}
	}
}

// A connection that carries very many sessions costs each of them no more in the
// index than any other.
func TestManySessionsOnAConnection(t *testing.T) {
	const n = 3000
	c := &capture.Conn{ID: 1}
	src := &capturetest.Records{List: []capture.Record{{Seq: 1, Conn: c, Kind: capture.Open}}}
	script := &script{at: map[uint64][]Found{}}
	for i := range uint64(n) {
		seq := i + 2
		src.List = append(src.List, capture.Record{Seq: seq, Conn: c, Kind: capture.Data, Data: []byte("x")})
		script.at[seq] = []Found{{Entry: Entry{ID: [16]byte{byte(i), byte(i >> 8), 1}, Start: time.Unix(int64(i+1), 0)}, Spans: []Span{{1, seq, seq}}}}
	}
	file, _ := sealAll(t, src, SealOptions{Indexer: script, Memory: 64 << 10})
	if len(file) > n*200 {
		t.Errorf("%d bytes for %d sessions", len(file), n)
	}
	s := openSealed(t, file)
	for e, err := range s.Sessions(Query{Ordinal: n}) {
		if err != nil || len(e.own) != 1 || len(e.before) != 1 {
			t.Fatal(e.own, e.before, err)
		}
		if got, err := drain(t, s.Source(e.Groups)); err != nil || len(got) != n+1 {
			t.Error(len(got), err)
		}
	}
}

func TestOpenSealedRefuses(t *testing.T) {
	w := newWorld(3).run(300)
	file, _ := w.sealed(t, SealOptions{})
	open := func(b []byte) error {
		_, err := OpenSealed(bytes.NewReader(b), int64(len(b)))
		return err
	}
	if err := open(record(t, WriterOptions{}, w.records)); !errors.Is(err, ErrNotSealed) {
		t.Error(err)
	}
	if err := open([]byte("no recording at all, but a text")); !errors.Is(err, capture.ErrFormat) {
		t.Error(err)
	}
	for n := range len(file) {
		if err := open(file[:n]); !errors.Is(err, ErrNotSealed) && !errors.Is(err, capture.ErrFormat) {
			t.Fatalf("cut at %d of %d: %v", n, len(file), err)
		}
	}
	if err := open(append(bytes.Clone(file), file...)); err == nil {
		t.Error("two recordings were opened as one")
	}
}

// A source tells which groups it can't read, and yields all others.
func TestSealedSourceDamaged(t *testing.T) {
	w := newWorld(21).run(3000)
	file, _ := w.sealed(t, SealOptions{FrameBytes: 4096})
	noteSeqs(t, openSealed(t, file))
	frames := frameExtents(t, openSealed(t, file))
	rnd := rand.New(rand.NewPCG(4, 4))
	for range 10 {
		k := rnd.IntN(len(frames))
		b := bytes.Clone(file)
		b[frames[k].offset+rnd.Int64N(frames[k].size)] ^= 1 << rnd.IntN(8)
		s := openSealed(t, b)
		for _, list := range [][]uint64{nil, slices.Concat(frames[k].numbers(), frames[(k+1)%len(frames)].numbers())} {
			src := s.Source(list)
			got, err := drain(t, src)
			if err == nil {
				continue // a bit that changes nothing of the content
			}
			if !errors.Is(err, capture.ErrDamaged) {
				t.Fatal(err)
			}
			var missing []uint64
			for _, d := range src.(*sealedSource).Damage() {
				missing = append(missing, d.Groups...)
			}
			if !slices.Equal(missing, frames[k].numbers()) {
				t.Errorf("%v was hit, told was %v", frames[k].numbers(), missing)
			}
			have := map[string]bool{}
			for _, r := range got {
				have[string(r.Data)] = true
			}
			for g := range groupSeqs {
				wanted := (list == nil || slices.Contains(list, g)) && !slices.Contains(missing, g)
				for _, seq := range groupSeqs[g] {
					if r := w.records[seq-1]; wanted && len(r.Data) > 20 && !have[string(r.Data)] {
						t.Fatalf("record %d of group %d is missing", seq, g)
					}
				}
			}
			src.Close()
		}
	}
	s := openSealed(t, file)
	if _, err := drain(t, s.Source([]uint64{s.Statement().Groups + 1})); !errors.Is(err, ErrNoGroup) {
		t.Error(err)
	}
	if list, err := drain(t, s.Source([]uint64{})); err != nil || len(list) > 0 {
		t.Error("of no groups came records")
	}
	// A page of the group tree that can't be read.
	b := bytes.Clone(file)
	root := s.tree(treeGroup).root
	b[root.offset+root.size/2] ^= 1
	if list, err := drain(t, openSealed(t, b).Source(nil)); !errors.Is(err, capture.ErrDamaged) || len(list) > 0 {
		t.Error(len(list), err)
	}
}

// FuzzSealed reads any bytes as a sealed recording, and says no more than that
// they are damaged.
func FuzzSealed(f *testing.F) {
	w := newWorld(4).run(60)
	file, _ := w.sealed(f, SealOptions{FrameBytes: 4096})
	f.Add(file, uint(0), byte(0))
	f.Add(file, uint(len(file)-30), byte(8))
	own, _ := w.sealed(f, SealOptions{FrameBytes: 4096, Train: trainSmall})
	head, _ := skippable(own)
	f.Add(own, uint(head)+6, byte(1))
	f.Add(own[head:], uint(40), byte(4))
	f.Add(slices.Delete(bytes.Clone(own), int(head), int(head)+100), uint(10), byte(0))
	f.Add(slices.Insert(bytes.Clone(own), int(head), own[:head]...), uint(30), byte(2))
	f.Fuzz(func(t *testing.T, b []byte, at uint, with byte) {
		b = bytes.Clone(b)
		if len(b) > 0 {
			b[at%uint(len(b))] ^= with
		}
		_, _ = Verify(bytes.NewReader(b), int64(len(b)), VerifyOptions{})
		s, err := OpenSealed(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for e := range s.Sessions(Query{}) {
			_, _ = drain(t, s.Source(e.Groups[:min(len(e.Groups), 100)]))
		}
		_, _ = drain(t, s.Source(nil))
	})
}

// FuzzTail reads any bytes as the body of TAIL.
func FuzzTail(f *testing.F) {
	w := newWorld(5).run(60)
	_, key, _ := GenerateKey()
	_, s := w.sealed(f, SealOptions{Key: &key})
	block := s.appendTail(nil, 99)
	f.Add(block[frameHead+tagSize : len(block)-4])
	s.Signature = ""
	block = s.appendTail(nil, 0)
	f.Add(block[frameHead+tagSize : len(block)-4])
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) < tailFix {
			return
		}
		s, err := parseTail(body)
		if err != nil {
			return
		}
		again := s.appendTail(nil, 0)
		s2, err := parseTail(again[frameHead+tagSize : len(again)-4])
		if err != nil || s2.Text != s.Text || s2.Root != s.Root {
			t.Errorf("%q became %q: %v", s.Text, s2.Text, err)
		}
		if r, err := ParseReceipt(s.Receipt()); err == nil && len(r.differences(s)) > 0 {
			t.Error(r.differences(s))
		}
	})
}
