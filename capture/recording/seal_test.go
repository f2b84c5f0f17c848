package recording

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"informant/capture"
	"informant/capture/capturetest"
)

// script is an Indexer that finds what a test made up, when it made it up.
type script struct {
	at  map[uint64][]Found
	end []Found
}

func (s *script) Feed(r capture.Record) []Found { return s.at[r.Seq] }
func (s *script) Finish() []Found               { return s.end }

// world makes up connections and sessions at random: sessions over one
// connection or several, several on one, records of none between them, found
// late, connections settled late or never.
type world struct {
	rnd     *rand.Rand
	now     time.Time
	records []capture.Record
	script  script
	conns   []*worldConn
	ids     uint64
	open    []*worldSession
	all     []*worldSession
	size    int // of a record's bytes, about
}

type worldConn struct {
	conn    *capture.Conn
	session *worldSession
	users   int // sessions that were not found
	over    bool
}

type worldSession struct {
	entry   Entry
	spans   []Span
	records []uint64 // Seqs
	conns   []*worldConn
}

func newWorld(seed uint64) *world {
	w := &world{rnd: rand.New(rand.NewPCG(seed, 1)), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), size: 300}
	w.script.at = map[uint64][]Found{}
	return w
}

func (w *world) run(n int) *world {
	for len(w.records) < n {
		w.now = w.now.Add(time.Duration(w.rnd.IntN(int(time.Millisecond))))
		switch k := w.rnd.IntN(100); {
		case k < 5 || len(w.conns) == 0:
			w.openConn()
		case k < 8:
			w.closeConn(w.conns[w.rnd.IntN(len(w.conns))])
		case k < 14:
			w.begin(w.conns[w.rnd.IntN(len(w.conns))])
		case k < 18 && len(w.open) > 0:
			w.found(w.open[w.rnd.IntN(len(w.open))])
		case k < 20 && len(w.open) > 0: // goes on over another connection
			if c := w.conns[w.rnd.IntN(len(w.conns))]; c.session == nil {
				w.join(c, w.open[w.rnd.IntN(len(w.open))])
			}
		default:
			w.data(w.conns[w.rnd.IntN(len(w.conns))])
		}
	}
	var late []Found
	for _, s := range slices.Clone(w.open) {
		late = append(late, Found{Entry: s.entry, Spans: s.spans})
	}
	w.script.end = late
	return w
}

func (w *world) add(c *worldConn, r capture.Record) {
	r.Seq, r.Conn, r.Time = uint64(len(w.records)+1), c.conn, w.now
	if w.rnd.IntN(50) == 0 {
		r.Time = time.Time{}
	}
	w.records = append(w.records, r)
	s := c.session
	if s == nil {
		return
	}
	s.records = append(s.records, r.Seq)
	if n := len(s.spans); n > 0 && s.spans[n-1].Conn == c.conn.ID {
		s.spans[n-1].Last = r.Seq
		return
	}
	s.spans = append(s.spans, Span{c.conn.ID, r.Seq, r.Seq})
}

func (w *world) openConn() {
	w.ids++
	c := &capture.Conn{ID: w.ids, Client: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(w.ids >> 8), byte(w.ids)}), 5000),
		Server: netip.MustParseAddrPort("192.0.2.1:7547"), Point: "eth0"}
	c.Identity = capture.NewIdentity(c.Network, c.Client, c.Server, w.now, "")
	wc := &worldConn{conn: c}
	w.conns = append(w.conns, wc)
	w.add(wc, capture.Record{Kind: capture.Open})
}

func (w *world) closeConn(c *worldConn) {
	w.add(c, capture.Record{Kind: capture.Close, Both: true, End: capture.FIN})
	c.session, c.over = nil, true
	w.conns = slices.DeleteFunc(w.conns, func(o *worldConn) bool { return o == c })
	w.settle(c)
}

// settle tells that a connection is done, mostly.
func (w *world) settle(c *worldConn) {
	if c.over && c.users == 0 && w.rnd.IntN(10) > 0 {
		at := uint64(len(w.records))
		w.script.at[at] = append(w.script.at[at], Found{Settled: []uint64{c.conn.ID}})
	}
}

func (w *world) begin(c *worldConn) {
	s := &worldSession{}
	n := len(w.all) + 1
	s.entry = Entry{
		ID: [16]byte{byte(w.rnd.Uint32()), byte(n), byte(n >> 8), 7}, Kind: "cwmp", Device: fmt.Sprintf("00000%d-Box-%d", n%7, n%40),
		Start: w.now, End: w.now.Add(time.Second), RPCs: []string{"Inform", "GetParameterValues"}, Events: []string{"0 BOOTSTRAP", "X a,b"},
		Faults: []int{9001, 9005}, Outcome: "complete", Worst: "error", Findings: n,
	}
	w.open, w.all = append(w.open, s), append(w.all, s)
	w.join(c, s)
	w.data(c)
}

func (w *world) join(c *worldConn, s *worldSession) {
	c.session = s
	if !slices.Contains(s.conns, c) {
		s.conns = append(s.conns, c)
		c.users++
	}
}

func (w *world) data(c *worldConn) {
	r := capture.Record{From: capture.Direction(w.rnd.IntN(2)), Packet: uint64(len(w.records) * 2)}
	switch w.rnd.IntN(20) {
	case 0:
		r.Kind, r.Lost = capture.Gap, int64(w.rnd.IntN(3)-1)
	case 1:
		r.Kind, r.Text = capture.Remark, "something"
	default:
		r.Kind = capture.Data
		r.Data = fmt.Appendf(nil, "<cwmp:Inform><SerialNumber>%d</SerialNumber>%x", w.rnd.Uint32(), make([]byte, w.rnd.IntN(w.size)))
		for range w.rnd.IntN(w.size / 4) {
			r.Data = append(r.Data, byte(w.rnd.Uint32()))
		}
	}
	w.add(c, r)
}

// found ends a session: the indexer finds it now.
func (w *world) found(s *worldSession) {
	w.open = slices.DeleteFunc(w.open, func(o *worldSession) bool { return o == s })
	at := uint64(len(w.records))
	w.script.at[at] = append(w.script.at[at], Found{Entry: s.entry, Spans: s.spans})
	for _, c := range s.conns {
		if c.session == s {
			c.session = nil
		}
		c.users--
		w.settle(c)
	}
}

func (w *world) source() *capturetest.Records { return capturetest.Of(w.records) }

// sealed seals a world.
func (w *world) sealed(t testing.TB, o SealOptions) ([]byte, Statement) {
	t.Helper()
	o.Indexer = &w.script
	return sealAll(t, w.source(), o)
}

func sealAll(t testing.TB, src capture.Source, o SealOptions) ([]byte, Statement) {
	t.Helper()
	var b bytes.Buffer
	s, err := Seal(&b, src, o)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), s
}

// rounds is n, and a hundred times as many in a long run.
func rounds(n uint64) uint64 {
	if os.Getenv("INFORMANT_SOAK") != "" {
		return 100 * n
	}
	return n
}

// What went in comes out, in order, whatever the indexer said and however little
// memory there was.
func TestSealRoundTrip(t *testing.T) {
	for seed := range rounds(20) {
		w := newWorld(seed).run(200 + int(seed%40)*80)
		o := SealOptions{Temp: t.TempDir(), Header: NewHeader(nil)}
		if seed%3 > 0 {
			o.Memory = 1 << (10 + seed%10)
		}
		if seed%2 > 0 {
			o.FrameBytes = 1 << (8 + seed%6)
		}
		file, s := w.sealed(t, o)
		got, _, err := read(t, bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, w.records)
		if s.Records != uint64(len(w.records)) || s.Sessions != uint64(len(w.all)) {
			t.Errorf("seed %d: %d records and %d sessions, want %d and %d", seed, s.Records, s.Sessions, len(w.records), len(w.all))
		}
	}
}

func TestSealTrain(t *testing.T) {
	w := newWorld(8).run(3000)
	wrong := errors.New("no dictionary today")
	for name, c := range map[string]struct {
		make func([][]byte) ([]byte, error)
		has  bool
		err  error
	}{
		"made":      {trainSmall, true, nil},
		"none":      {func([][]byte) ([]byte, error) { return nil, nil }, false, nil},
		"an error":  {func([][]byte) ([]byte, error) { return nil, wrong }, false, wrong},
		"a bad one": {func([][]byte) ([]byte, error) { return []byte("no dictionary"), nil }, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			sampled := 0
			var b bytes.Buffer
			_, err := Seal(&b, w.source(), SealOptions{Indexer: &w.script, Dictionary: &Dict{}, Train: func(samples [][]byte) ([]byte, error) {
				sampled = len(samples)
				return c.make(samples)
			}})
			if name == "a bad one" || c.err != nil {
				if err == nil || !errors.Is(err, c.err) && c.err != nil {
					t.Error(err)
				}
				return
			}
			if err != nil || sampled < 100 {
				t.Fatal(err, sampled, "samples")
			}
			got, d, err := read(t, &b)
			if err != nil || (d.Header().Dictionary.ID != 0) != c.has {
				t.Fatal(err, d.Header().Dictionary)
			}
			same(t, got, w.records)
		})
	}
}

func TestSealWithoutIndexer(t *testing.T) {
	for _, list := range [][]capture.Record{nil, newWorld(1).run(2000).records, traffic(rand.New(rand.NewPCG(1, 2)), 3000)} {
		file, s := sealAll(t, capturetest.Of(list), SealOptions{})
		got, d, err := read(t, bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, list)
		if s.Sessions != 0 || s.Records != uint64(len(list)) || d.Header().ID != s.ID {
			t.Errorf("%+v", s)
		}
	}
}

// Records that are too long for one, or not numbered in order, are still all
// there.
func TestSealOddRecords(t *testing.T) {
	c := &capture.Conn{ID: 9}
	long := bytes.Repeat([]byte("0123456789"), 350_000)
	in := []capture.Record{
		{Seq: 5, Conn: c, Kind: capture.Open}, {Seq: 6, Conn: c, Kind: capture.Data, Data: long},
		{Seq: 7, Conn: c, Kind: capture.Data, Data: []byte("after")}, {Seq: 7, Conn: c, Kind: capture.Remark, Text: string(long)},
	}
	file, s := sealAll(t, capturetest.Of(in), SealOptions{})
	got, _, err := read(t, bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var data, text []byte
	for i, r := range got {
		data, text = append(data, r.Data...), append(text, r.Text...)
		if i > 0 && r.Seq <= got[i-1].Seq {
			t.Errorf("record %d has number %d", i, r.Seq)
		}
	}
	if string(data) != string(long)+"after" || string(text) != string(long) || s.Bytes != int64(len(long))+5 {
		t.Error("bytes are missing")
	}
	if _, err := Seal(io.Discard, &capturetest.Records{List: []capture.Record{{Conn: c, Kind: capture.Rewrite}}}, SealOptions{}); err == nil {
		t.Error("a record of a kind that can't be recorded was sealed as another")
	}
}

// A recording that was sealed reads as before, and one that is torn is sealed as
// far as it can be read; sealing a sealed one changes nothing either.
func TestSealRecording(t *testing.T) {
	w := newWorld(6).run(2500)
	file := record(t, WriterOptions{Header: NewHeader(nil), FrameBytes: 4096}, w.records)
	for _, n := range []int{len(file), len(file) - 10, len(file) / 2} {
		want, _, damage := read(t, bytes.NewReader(file[:n]))
		src, err := NewReader(bytes.NewReader(file[:n]), ReaderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		s, err := Seal(&b, src, SealOptions{Header: NewHeader(nil), Indexer: &w.script})
		if (err == nil) != (damage == nil) || err != nil && !errors.Is(err, capture.ErrDamaged) || s.Records != uint64(len(want)) {
			t.Fatal(err, damage, s.Records)
		}
		got, _, err := read(t, bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, want)
		if r := verify(t, b.Bytes(), VerifyOptions{}); !r.OK() {
			t.Error(problems(r))
		}
		again, _ := sealAll(t, openSealed(t, b.Bytes()).Source(nil), SealOptions{Indexer: &w.script})
		got, _, err = read(t, bytes.NewReader(again))
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, want)
	}
}

// Of a damaged source what could be read is sealed; an error of another kind
// seals nothing.
func TestSealDamagedSource(t *testing.T) {
	w := newWorld(2).run(500)
	damage := fmt.Errorf("torn: %w", capture.ErrDamaged)
	var b bytes.Buffer
	s, err := Seal(&b, &capturetest.Records{List: w.records, Err: damage}, SealOptions{Indexer: &w.script})
	if err != damage || s.Records != 500 {
		t.Errorf("%v, %d records", err, s.Records)
	}
	got, _, err := read(t, &b)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, w.records)
	broken := errors.New("the disk is gone")
	if _, err := Seal(io.Discard, &capturetest.Records{List: w.records, Err: broken}, SealOptions{Indexer: &w.script}); !errors.Is(err, broken) {
		t.Error(err)
	}
	for _, err := range []error{ErrVersion, ErrDictionary, &fs.PathError{Op: "read", Path: "x", Err: broken}} {
		joined := fmt.Errorf("x: %w", errors.Join(damage, err))
		if _, got := Seal(io.Discard, &capturetest.Records{List: w.records, Err: joined}, SealOptions{Indexer: &w.script}); !errors.Is(got, err) || got == joined {
			t.Errorf("damage and %v: %v", err, got)
		}
	}
	for _, room := range []int{0, 100, 3000, 9000} {
		if _, err := Seal(&failing{left: room}, w.source(), SealOptions{Indexer: &w.script}); err == nil {
			t.Errorf("with room for %d bytes: no error", room)
		}
	}
}
