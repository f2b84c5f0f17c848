package pcap

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"informant/capture"
)

var writeStart = time.Date(2026, 11, 22, 8, 0, 0, 123456789, time.UTC)

// scene makes records, each a millisecond after the one before.
type scene struct {
	records []capture.Record
	now     time.Time
	ids     uint64
}

func (s *scene) conn(client, server netip.AddrPort, midstream bool) *capture.Conn {
	s.ids++
	c := &capture.Conn{ID: s.ids, Client: client, Server: server, Point: "eth0"}
	c.Identity = capture.NewIdentity(capture.TCP, client, server, s.now, "")
	s.add(capture.Record{Conn: c, Kind: capture.Open, Midstream: midstream})
	return c
}

func (s *scene) add(r capture.Record) {
	r.Seq, r.Time, r.Packet = uint64(len(s.records)+1), s.now, uint64(len(s.records)+1)
	s.records = append(s.records, r)
	s.now = s.now.Add(time.Millisecond)
}

func (s *scene) say(c *capture.Conn, from capture.Direction, text string) {
	s.add(capture.Record{Conn: c, Kind: capture.Data, From: from, Data: []byte(text)})
}

func (s *scene) fin(c *capture.Conn, first capture.Direction) {
	s.add(capture.Record{Conn: c, Kind: capture.Close, From: first, End: capture.FIN})
	s.add(capture.Record{Conn: c, Kind: capture.Close, From: first.Opposite(), End: capture.FIN, Both: true})
}

const (
	fromC = capture.FromClient
	fromS = capture.FromServer
	ask   = "POST /acs HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
	reply = "HTTP/1.1 204 No Content\r\n\r\n"
)

func export(t testing.TB, rs []capture.Record, o WriterOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b, o)
	for _, r := range rs {
		if err := w.Put(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// story is what records tell, packet numbers apart: a line for each, bytes of a
// direction joined as long as nothing else happens on their connection.
func story(rs []capture.Record) string {
	var lines []string
	last := map[*capture.Conn]int{}
	for _, r := range rs {
		who := fmt.Sprintf("%d %x %v>%v %d", r.Conn.ID, r.Conn.Identity[:4], r.Conn.Client, r.Conn.Server, r.Conn.Origin)
		var what string
		switch r.Kind {
		case capture.Open:
			what = fmt.Sprintf("open %v at %v", r.Midstream, r.Time)
		case capture.Data, capture.Cipher:
			what = fmt.Sprintf("%v says at %v: ", r.From, r.Time)
			if i, ok := last[r.Conn]; ok && strings.HasPrefix(lines[i], who+": "+what) {
				lines[i] += string(r.Data)
				continue
			}
			what += string(r.Data)
		case capture.Gap:
			what = fmt.Sprintf("gap %v %d", r.From, r.Lost)
		case capture.Close:
			what = fmt.Sprintf("close %v %v %v", r.From, r.End, r.Both)
		default:
			continue
		}
		last[r.Conn] = len(lines)
		lines = append(lines, who+": "+what)
	}
	return strings.Join(lines, "\n")
}

var written = []struct {
	name  string
	scene func(s *scene)
}{
	{"one connection", func(s *scene) {
		c := s.conn(cpe4, acs4, false)
		s.say(c, fromC, ask)
		s.say(c, fromS, reply)
		s.fin(c, fromC)
	}},
	{"the same ports again, at once", func(s *scene) {
		for range 3 {
			c := s.conn(cpe4, acs4, false)
			s.say(c, fromC, ask)
			s.say(c, fromS, reply)
			s.fin(c, fromS)
		}
	}},
	{"IPv6, reset", func(s *scene) {
		c := s.conn(cpe6, acs6, false)
		s.say(c, fromC, ask)
		s.say(c, fromS, reply)
		s.add(capture.Record{Conn: c, Kind: capture.Close, From: fromS, End: capture.RST, Both: true})
	}},
	{"a reset behind a FIN", func(s *scene) {
		c := s.conn(cpe4, acs4, false)
		s.say(c, fromC, ask)
		s.say(c, fromS, reply)
		s.add(capture.Record{Conn: c, Kind: capture.Close, From: fromS, End: capture.FIN})
		s.say(c, fromC, ask)
		s.add(capture.Record{Conn: c, Kind: capture.Close, From: fromS, End: capture.RST, Both: true})
		other := s.conn(cpe6, acs6, false)
		s.say(other, fromC, ask)
		s.fin(other, fromC)
	}},
	{"the beginning not seen, the end neither", func(s *scene) {
		c := s.conn(netip.AddrPortFrom(cpe4.Addr(), 5001), acs4, true)
		s.say(c, fromC, ask)
		s.say(c, fromS, reply)
		s.add(capture.Record{Conn: c, Kind: capture.Close, End: capture.EndOfInput, Both: true})
	}},
	{"gaps", func(s *scene) {
		c := s.conn(cpe4, acs4, false)
		s.say(c, fromC, ask)
		s.add(capture.Record{Conn: c, Kind: capture.Gap, From: fromS, Lost: 1000})
		s.say(c, fromS, reply)
		s.add(capture.Record{Conn: c, Kind: capture.Gap, From: fromC, Lost: 77})
		s.fin(c, fromC)
		m := s.conn(netip.AddrPortFrom(cpe4.Addr(), 5003), acs4, true)
		s.add(capture.Record{Conn: m, Kind: capture.Gap, From: fromC, Lost: -1})
		s.say(m, fromC, ask)
		s.add(capture.Record{Conn: m, Kind: capture.Gap, From: fromS, Lost: 1 << 40})
		s.say(m, fromS, reply)
		s.add(capture.Record{Conn: m, Kind: capture.Close, From: fromC, End: capture.Evicted, Both: true})
	}},
	{"a long record", func(s *scene) {
		c := s.conn(cpe4, acs4, false)
		s.say(c, fromC, ask+strings.Repeat("x", 300_000))
		s.say(c, fromS, reply)
		s.fin(c, fromC)
	}},
	{"silent for an hour, while another speaks", func(s *scene) {
		c := s.conn(cpe4, acs4, false)
		s.say(c, fromC, ask)
		s.say(c, fromS, reply)
		other := s.conn(cpe6, acs6, false)
		for range 30 {
			s.now = s.now.Add(2 * time.Minute)
			s.say(other, fromC, ask)
			s.say(other, fromS, reply)
		}
		s.say(c, fromC, ask)
		s.say(c, fromS, reply)
		s.fin(c, fromC)
		s.fin(other, fromC)
	}},
	{"silent for three hours, alone", func(s *scene) {
		c := s.conn(cpe4, acs4, false)
		s.say(c, fromC, ask)
		s.now = s.now.Add(3 * time.Hour)
		s.say(c, fromS, reply)
		s.fin(c, fromC)
	}},
	{"no addresses, no times", func(s *scene) {
		first := len(s.records)
		for n := range byte(2) {
			s.ids++
			c := &capture.Conn{ID: s.ids, Origin: capture.Synthesised, Identity: [16]byte{1, n}}
			s.add(capture.Record{Conn: c, Kind: capture.Open})
			s.say(c, fromC, ask)
			s.say(c, fromS, reply)
			s.add(capture.Record{Conn: c, Kind: capture.Close, From: fromC, End: capture.FIN, Both: true})
			s.records[len(s.records)-1].End = capture.EndOfInput
		}
		for i := range s.records[first:] {
			s.records[first+i].Time = time.Time{}
		}
	}},
	{"a client that is not known, of IPv6; an identity of its own", func(s *scene) {
		c := s.conn(netip.AddrPort{}, acs6, false)
		s.say(c, fromC, ask)
		s.fin(c, fromC)
		d := s.conn(netip.AddrPortFrom(cpe4.Addr(), 5002), acs4, true)
		d.Identity = [16]byte{7: 7}
		s.say(d, fromS, reply)
		s.fin(d, fromC)
	}},
	{"bytes before those that were captured earlier", func(s *scene) {
		c := s.conn(cpe4, acs4, false)
		s.say(c, fromC, ask[:25])
		s.now = s.now.Add(-time.Second)
		s.say(c, fromC, ask[25:])
		s.fin(c, fromC)
	}},
}

// TestWriter writes records as packets, and reads them again.
func TestWriter(t *testing.T) {
	for _, c := range written {
		t.Run(c.name, func(t *testing.T) {
			s := scene{now: writeStart}
			c.scene(&s)
			got := read(t, Options{}, export(t, s.records, WriterOptions{})).records
			tell := story
			if c.name == "no addresses, no times" {
				tell = perConn
			}
			if g, w := tell(got), tell(s.records); g != w {
				t.Errorf("read again:\n%s\nwritten:\n%s", g, w)
			}
		})
	}
}

// TestWriterTshark lets tshark judge what is written, all scenes in one file but
// for those with gaps: no wrong checksum, nothing malformed, no loss or
// repetition that wasn't recorded.
func TestWriterTshark(t *testing.T) {
	whole, gaps := scene{now: writeStart}, scene{now: writeStart}
	for _, c := range written {
		s := &whole
		if c.name == "gaps" {
			s = &gaps
		}
		s.now = s.now.Add(24 * time.Hour).Truncate(time.Hour)
		c.scene(s)
	}
	const wrong = "tcp.checksum.status == 0 or ip.checksum.status == 0 or _ws.malformed or tcp.analysis.retransmission or tcp.analysis.duplicate_ack" +
		" or tcp.analysis.out_of_order or tcp.analysis.window_full or tcp.analysis.zero_window"
	judge(t, "whole", &whole, wrong+" or tcp.analysis.flags and not tcp.analysis.window_update and not tcp.analysis.reused_ports")
	judge(t, "gaps", &gaps, wrong)
}

func judge(t *testing.T, name string, s *scene, wrong string) {
	file := filepath.Join(t.TempDir(), "out.pcapng")
	if err := os.WriteFile(file, export(t, s.records, WriterOptions{}), 0o600); err != nil {
		t.Fatal(err)
	}
	checked := []string{"-r", file, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"}
	if bad := tshark(t, append(checked, "-Y", wrong)...); bad != "" {
		t.Errorf("%s: tshark complains about:\n%s\n%s", name, bad, tshark(t, append(checked, "-q", "-z", "expert")...))
	}
	got := strings.Count(tshark(t, append(checked, "-Y", "http.request")...), "\n")
	want := 0
	for _, r := range s.records {
		if strings.HasPrefix(string(r.Data), "POST ") {
			want++
		}
	}
	if got != want {
		t.Errorf("%s: tshark sees %d requests of %d", name, got, want)
	}
}

// TestWriterComments shows what stands in comments.
func TestWriterComments(t *testing.T) {
	s := scene{now: writeStart}
	c := s.conn(cpe4, acs4, false)
	s.say(c, fromC, ask)
	s.add(capture.Record{Conn: c, Kind: capture.Remark, From: fromC, Text: "a remark"})
	s.add(capture.Record{Conn: c, Kind: capture.Gap, From: fromS, Lost: -1})
	s.say(c, fromS, reply)
	s.fin(c, fromC)
	b := export(t, s.records, WriterOptions{Application: "informant 9", Comment: "made of tests", Describe: func(r *capture.Record) string {
		if r.Kind == capture.Data && r.From == fromC {
			return "error EVT-001 \"é\""
		}
		return ""
	}})
	file := filepath.Join(t.TempDir(), "out.pcapng")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	got := tshark(t, "-r", file, "-Y", "frame.comment", "-T", "fields", "-e", "frame.number", "-e", "frame.comment")
	want := "4\terror EVT-001 \"é\"\n5\tinformant: connection lacks unknown bytes of the server,a remark\n"
	if strings.ReplaceAll(got, "\\n", "\n") != want {
		t.Errorf("comments:\n%s\nwant:\n%s", got, want)
	}
}

// TestFacts believes comments in files of the writer alone, and none that are
// broken.
func TestFacts(t *testing.T) {
	s := scene{now: writeStart}
	c := s.conn(netip.AddrPort{}, acs4, false)
	c.Origin = capture.Synthesised
	s.say(c, fromC, ask)
	if r := read(t, Options{}, export(t, s.records, WriterOptions{Application: "other"})).records[0]; r.Conn.Origin != capture.Wire || !r.Conn.Client.IsValid() {
		t.Error("another program's comment is believed")
	}
	for _, text := range []string{"", factsWords, factsWords + "zz", factsWords + "00", strings.Repeat("x", 1000)} {
		if _, ok := parseFacts([]byte(text)); ok {
			t.Errorf("%q is believed", text)
		}
	}
}

func TestWriterErrors(t *testing.T) {
	if r := read(t, Options{}, export(t, nil, WriterOptions{})); len(r.records) != 0 {
		t.Error("records of nothing")
	}
	w := NewWriter(full{}, WriterOptions{})
	s := scene{now: writeStart}
	c := s.conn(cpe4, acs4, false)
	s.say(c, fromC, strings.Repeat("x", 1<<20))
	var err error
	for _, r := range s.records {
		err = w.Put(r)
	}
	if !errors.Is(err, errFull) || !errors.Is(w.Close(), errFull) {
		t.Errorf("a full disk: %v", err)
	}
	if NewWriter(full{}, WriterOptions{}).Put(capture.Record{}) == nil {
		t.Error("a record without a connection is taken")
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestWriterRandom writes conversations of several connections at once, with
// gaps, in any order that sources may yield.
func TestWriterRandom(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		s := scene{now: writeStart}
		var open []*capture.Conn
		for range 60 {
			s.now = s.now.Add(time.Duration(rnd.Int64N(int64(20 * time.Second))))
			if len(open) == 0 || rnd.IntN(8) == 0 {
				client := netip.AddrPortFrom(cpe4.Addr(), uint16(40000+s.ids))
				open = append(open, s.conn(client, acs4, rnd.IntN(4) == 0))
				s.say(open[len(open)-1], fromC, ask)
				continue
			}
			k := rnd.IntN(len(open))
			c := open[k]
			switch rnd.IntN(10) {
			case 0:
				s.fin(c, capture.Direction(rnd.IntN(2)))
				open = append(open[:k], open[k+1:]...)
			case 1:
				s.add(capture.Record{Conn: c, Kind: capture.Close, From: fromC, End: capture.RST, Both: true})
				open = append(open[:k], open[k+1:]...)
			default:
				s.say(c, capture.Direction(rnd.IntN(2)), ask)
			}
		}
		for _, c := range open {
			s.fin(c, fromC)
		}
		got := read(t, Options{}, export(t, s.records, WriterOptions{})).records
		if g, w := perConn(got), perConn(s.records); g != w {
			t.Fatalf("seed %d: read again:\n%s\nwritten:\n%s", seed, g, w)
		}
	}
}

// perConn is the story of each connection, in order of their openings: those
// that begin in the middle are told a little late.
func perConn(rs []capture.Record) string {
	lines := map[[16]byte][]capture.Record{}
	var order [][16]byte
	for _, r := range rs {
		if lines[r.Conn.Identity] == nil {
			order = append(order, r.Conn.Identity)
		}
		c := *r.Conn
		c.ID = 0
		r.Conn = &c
		lines[r.Conn.Identity] = append(lines[r.Conn.Identity], r)
	}
	var all []string
	for _, id := range order {
		one := *lines[id][0].Conn
		for i := range lines[id] {
			lines[id][i].Conn = &one
		}
		all = append(all, story(lines[id]))
	}
	slices.Sort(all)
	return strings.Join(all, "\n\n")
}
