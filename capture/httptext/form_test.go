package httptext

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"informant/capture"
)

// flat is a record with what its connection is, for comparing.
type flat struct {
	R    capture.Record
	Conn capture.Conn
	Data string
}

func flatten(rs []capture.Record) (fs []flat) {
	for _, r := range rs {
		x := flat{R: r, Conn: *r.Conn, Data: string(r.Data)}
		x.R.Conn, x.R.Data = nil, nil
		fs = append(fs, x)
	}
	return fs
}

func difference(want, got []capture.Record) string {
	return cmp.Diff(flatten(want), flatten(got), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }))
}

// written is the text form of records.
func written(t testing.TB, rs []capture.Record) string {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b)
	for _, r := range rs {
		r.Data = append([]byte(nil), r.Data...)
		if err := w.Put(r); err != nil {
			t.Fatal(err)
		}
		for i := range r.Data { // it belongs to the source
			r.Data[i] = 'X'
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func readAll(t testing.TB, text string) (rs []capture.Record, err error) {
	t.Helper()
	if !Sniff([]byte(text)) {
		t.Error("Sniff does not know the text form")
	}
	src, err := NewSource("form.txtar", strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	for {
		r, e := src.Next()
		if e == io.EOF {
			return rs, err
		}
		if e != nil {
			err = e
			continue
		}
		rs = append(rs, r)
	}
}

var formStart = time.Date(2026, 11, 22, 8, 0, 0, 120_000_000, time.UTC)

func formConns() (wire, made *capture.Conn) {
	wire = &capture.Conn{ID: 3, Client: netip.MustParseAddrPort("192.0.2.7:41022"), Server: netip.MustParseAddrPort("[2001:db8::1%eth0]:7547"),
		Point: "a \"b\"\n.pcap", Identity: [16]byte{1, 2, 3, 15: 255}}
	made = &capture.Conn{ID: 9, Network: capture.UDP, Origin: capture.Synthesised, Identity: [16]byte{9}}
	return wire, made
}

// formRecords are records of all kinds.
func formRecords() []capture.Record {
	wire, made := formConns()
	rs := []capture.Record{
		{Conn: wire, Kind: capture.Open, Packet: 1, Time: formStart},
		{Conn: wire, Kind: capture.Data, Packet: 4, Time: formStart.Add(1), Data: []byte("POST /acs HTTP/1.1\r\nContent-Length: 4\r\n\r\nab")},
		{Conn: made, Kind: capture.Open, Midstream: true},
		{Conn: made, Kind: capture.Data, From: capture.FromServer, Data: []byte("<Envelope/>\n")},
		{Conn: wire, Kind: capture.Data, Packet: 5, Time: formStart.Add(-time.Second), Data: []byte("cd")},
		{Conn: wire, Kind: capture.Data, From: capture.FromServer, Packet: 6, Data: []byte("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x00\xff")},
		{Conn: wire, Kind: capture.Gap, From: capture.FromServer, Lost: 1460, Packet: 8, Time: formStart},
		{Conn: wire, Kind: capture.Gap, Lost: -1},
		{Conn: wire, Kind: capture.Cipher, Data: []byte("plain enough\n-- 1 client --\n"), Time: formStart},
		{Conn: wire, Kind: capture.Data, Data: []byte("\xef\xbb\xbfno end of line")},
		{Conn: wire, Kind: capture.Data, From: capture.FromServer},
		{Conn: wire, Kind: capture.Remark, From: capture.FromServer, Text: "said\n-- twice --\n"},
		{Conn: wire, Kind: capture.Remark, Text: "grüße"},
		{Conn: wire, Kind: capture.Close, From: capture.FromServer, End: capture.FIN, Time: formStart.Add(time.Hour)},
		{Conn: wire, Kind: capture.Close, End: capture.FIN, Both: true, Packet: 12},
		{Conn: made, Kind: capture.Close, End: capture.EndOfInput, Both: true},
		{Conn: made, Kind: capture.Data, Data: []byte("late")},
	}
	for i := range rs {
		rs[i].Seq = uint64(i + 1)
		if i > 8 {
			rs[i].Seq += 100
		}
	}
	return rs
}

func TestForm(t *testing.T) {
	rs := formRecords()
	text := written(t, rs)
	got, err := readAll(t, text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if d := difference(rs, got); d != "" {
		t.Errorf("records differ (-written +read):\n%s\n%s", d, text)
	}
	if again := written(t, got); again != text {
		t.Errorf("written again:\n%s", cmp.Diff(text, again))
	}
}

// TestFormLooks shows what the form looks like: it is kept in repositories.
func TestFormLooks(t *testing.T) {
	conn := &capture.Conn{ID: 1, Client: netip.MustParseAddrPort("192.0.2.7:41022"), Server: netip.MustParseAddrPort("192.0.2.1:7547"), Point: "a.pcap"}
	text := written(t, []capture.Record{
		{Seq: 1, Conn: conn, Kind: capture.Open, Packet: 1, Time: formStart},
		{Seq: 2, Conn: conn, Kind: capture.Data, Packet: 4, Time: formStart.Add(20 * time.Millisecond), Data: []byte("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na")},
		{Seq: 3, Conn: conn, Kind: capture.Data, Packet: 5, Time: formStart.Add(21 * time.Millisecond), Data: []byte("bc")},
		{Seq: 4, Conn: conn, Kind: capture.Data, From: capture.FromServer, Packet: 6, Time: formStart.Add(30 * time.Millisecond), Data: []byte("HTTP/1.1 200 OK\r\n\r\n\x1f\x8b")},
		{Seq: 5, Conn: conn, Kind: capture.Gap, Lost: 7, Packet: 7, Time: formStart.Add(40 * time.Millisecond)},
		{Seq: 6, Conn: conn, Kind: capture.Close, End: capture.RST, Both: true, Packet: 8, Time: formStart.Add(41 * time.Millisecond)},
	})
	want := formWords + `-- connection 1 --
tcp 192.0.2.7:41022 192.0.2.1:7547
wire 00000000000000000000000000000000 "a.pcap"
-- 1 open connection=1 time=2026-11-22T08:00:00.12Z packet=1 --
-- 2 client connection=1 time=2026-11-22T08:00:00.14Z packet=4 bytes=41 --
POST / HTTP/1.1~
Content-Length: 3~
~
abc
-- pieces --
2 2026-11-22T08:00:00.14Z 4 39
3 2026-11-22T08:00:00.141Z 5 2
-- 4 server connection=1 time=2026-11-22T08:00:00.15Z packet=6 bytes=19 --
HTTP/1.1 200 OK~
~
-- more bytes=2 base64 --
H4s=
-- 5 gap client connection=1 time=2026-11-22T08:00:00.16Z packet=7 lost=7 --
-- 6 close client connection=1 time=2026-11-22T08:00:00.161Z packet=8 end=rst both --
`
	if d := cmp.Diff(strings.ReplaceAll(want, "~", "\r"), text); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestFormByHand reads what a person wrote, or changed.
func TestFormByHand(t *testing.T) {
	const conn = formMagic + "\nwords\n-- connection 1 --\ntcp - -\nmade 00000000000000000000000000000009 \"\"\n"
	for _, c := range []struct{ name, text, want, wrong string }{
		{"nothing", formMagic + "\n", "", ""},
		{"no numbers", "-- open connection=1 --\n-- client connection=1 --\na\n\nb\n", `1 open; 2 data client "a\n\nb\n"`, ""},
		{"longer than it says", "-- 5 client connection=1 bytes=2 --\nabcd\n-- 6 close client connection=1 end=fin both --\n", `5 data client "abcd\n"; 6 close client`, "says 2 bytes and has 5"},
		{"shorter than it says", "-- 5 client connection=1 bytes=20 --\nabcd\n", `5 data client "abcd\n"`, "says 20 bytes and has 5"},
		{"out of order", "-- 7 server connection=1 bytes=1 --\nb\n-- 3 client connection=1 bytes=1 --\na\n", `3 data client "a"; 7 data server "b"`, ""},
		{"the same number", "-- 7 client connection=1 bytes=1 --\na\n-- 7 server connection=1 bytes=1 --\nb\n", `7 data client "a"; 8 data server "b"`, ""},
		{"line ends of Windows", "-- 7 client connection=1 bytes=3 --\r\na\r\n-- 8 server connection=1 --\r\n", `7 data client "a\r\n"; 8 data server ""`, ""},
		{"pieces that do not fit", "-- 7 client connection=1 --\nabc\n-- pieces --\n7 - - 2\n8 - - 1\n", `7 data client "abc\n"`, "1 bytes less than the part, which has 4"},
		{"pieces too long", "-- 7 client connection=1 --\nabc\n-- pieces --\n7 - - 2\n8 - - 9\n", `7 data client "abc\n"`, "more bytes than the part"},
		{"broken base64", "-- 7 client connection=1 bytes=6 base64 --\nYWJj\n!!!!\nYWJj\n", `7 data client "abc"`, "line 2 of it is no base64"},
		{"no such connection", "-- 7 client connection=2 --\nabc\n-- 8 client connection=1 --\nabc\n", `8 data client "abc\n"`, "connection=2 is not described"},
		{"no such kind", "-- 7 whisper connection=1 --\nabc\n-- 8 client connection=1 --\n", `8 data client ""`, `"whisper" is no kind`},
		{"bad time", "-- 7 client connection=1 time=noon --\nabc\n", "", "none of RFC 3339"},
		{"more of nothing", "-- more --\nabc\n", "", "does not follow"},
		{"more of a gap", "-- client connection=1 --\n-- gap client connection=1 lost=3 --\n-- more --\nabc\n", `1 data client ""; 2 gap client`, "does not follow"},
		{"written by hand", "-- 7 client connection=1 bytes=auto --\nPOST / HTTP/1.1\nContent-length: 99\nX: y\n\n<a>\n</a>\n-- pieces --\n7 - - 2\n8 - - 1\n-- 9 server connection=1 bytes=1 --\nb\n",
			`7 data client "POST / HTTP/1.1\r\nContent-length: 8\r\nX: y\r\n\r\n<a>\n</a>"; 9 data server "b"`, ""},
		{"no body, by hand", "-- 7 client connection=1 bytes=auto --\nPOST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n-- 8 server connection=1 --\n", `7 data client "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"; 8 data server ""`, ""},
		{"no head, by hand", "-- 7 client connection=1 bytes=auto --\nabc\n", `7 data client "abc"`, ""},
		{"an unknown word", "-- 1 open connection=1 midstream colour=red --\n", `1 open`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := c.text
			if !isForm([]byte(text)) {
				text = conn + text
			}
			rs, err := readAll(t, text)
			var list []string
			for _, r := range rs {
				s := fmt.Sprint(r.Seq, " ", [...]string{"open", "data", "cipher", "gap", "", "", "remark", "close"}[r.Kind])
				if r.Kind != capture.Open {
					s += " " + r.From.String()
				}
				if r.Kind == capture.Data {
					s += fmt.Sprintf(" %q", r.Data)
				}
				list = append(list, s)
			}
			if got := strings.Join(list, "; "); got != c.want {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
			if c.wrong == "" && err != nil || c.wrong != "" && (err == nil || !errors.Is(err, capture.ErrDamaged) || !strings.Contains(err.Error(), c.wrong)) {
				t.Errorf("error %v, want %q", err, c.wrong)
			}
		})
	}
	if _, err := readAll(t, "informant records 2\n"); !errors.Is(err, capture.ErrFormat) || errors.Is(err, capture.ErrDamaged) {
		t.Errorf("another version: %v", err)
	}
}

// randomRecords are records of several connections at once, with odd bytes.
func randomRecords(rnd *rand.Rand, n int) (rs []capture.Record) {
	var conns []*capture.Conn
	bits := []string{"\r\n", "-- 1 open --", "\n-- ", " --\n", "a", "\x00", "é", "POST / HTTP/1.1\r\n\r\n", "\n\n", "\xff", strings.Repeat("x", 3000), "base64"}
	seq := uint64(0)
	for range n {
		seq += 1 + uint64(rnd.IntN(2))
		if len(conns) == 0 || rnd.IntN(10) == 0 {
			conns = append(conns, &capture.Conn{ID: uint64(len(conns) + 1), Point: "p"})
		}
		r := capture.Record{Seq: seq, Conn: conns[rnd.IntN(len(conns))], Kind: capture.Data, From: capture.Direction(rnd.IntN(2)), Packet: rnd.Uint64N(3)}
		if rnd.IntN(4) > 0 {
			r.Time = formStart.Add(time.Duration(rnd.Int64N(1e10)))
		}
		if k := capture.Kind(rnd.IntN(20)); k <= capture.Close && k != capture.Rewrite {
			r.Kind = k
		}
		var b strings.Builder
		for range rnd.IntN(6) {
			b.WriteString(bits[rnd.IntN(len(bits))])
		}
		switch r.Kind {
		case capture.Open:
			r.From = capture.FromClient
		case capture.Data, capture.Cipher:
			r.Data = []byte(b.String())
		case capture.Gap:
			r.Lost = rnd.Int64N(5) - 1
		case capture.Handshake:
			r.TLS = &capture.TLS{Version: 0x0303, Suite: uint16(rnd.Uint32()), Name: strings.ToValidUTF8(b.String(), "?"), Resumed: rnd.IntN(2) == 0}
		case capture.Remark:
			r.Text = strings.ToValidUTF8(b.String(), "?")
		case capture.Close:
			r.End, r.Both = capture.End(rnd.IntN(5)), rnd.IntN(2) == 0
		}
		rs = append(rs, r)
	}
	return rs
}

func TestFormRandom(t *testing.T) {
	for seed := range uint64(300) {
		rs := randomRecords(rand.New(rand.NewPCG(seed, 1)), 60)
		text := written(t, rs)
		got, err := readAll(t, text)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if d := difference(rs, got); d != "" {
			t.Fatalf("seed %d: %s\n%s", seed, d, text)
		}
		if written(t, got) != text {
			t.Fatalf("seed %d: another text the second time", seed)
		}
	}
}

// TestFormMemory writes more than the writer may hold, behind a part that does
// not end.
func TestFormMemory(t *testing.T) {
	a, b := &capture.Conn{ID: 1}, &capture.Conn{ID: 2}
	rs := []capture.Record{{Seq: 1, Conn: a, Kind: capture.Data, Data: []byte("begins")}}
	big := bytes.Repeat([]byte("0123456789abcde\n"), 4<<10)
	for len(rs) < 400 {
		rs = append(rs, capture.Record{Seq: uint64(len(rs) + 1), Conn: b, Kind: capture.Data, Data: big})
	}
	rs = append(rs, capture.Record{Seq: 401, Conn: a, Kind: capture.Data, Data: []byte("ends")})
	var out bytes.Buffer
	w := NewWriter(&out)
	for _, r := range rs {
		if err := w.Put(r); err != nil {
			t.Fatal(err)
		}
		if w.held > maxHeld+maxRun {
			t.Fatalf("holds %d bytes", w.held)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := readAll(t, out.String())
	if err != nil || difference(rs, got) != "" {
		t.Errorf("differs: %v", err)
	}
}

type fullDisk struct{ room int }

func (f *fullDisk) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func TestFormFull(t *testing.T) {
	w := NewWriter(&fullDisk{300})
	var err error
	for _, r := range formRecords() {
		err = w.Put(r)
	}
	if err == nil || w.Close() == nil {
		t.Error("a full disk is not told")
	}
	if err := NewWriter(io.Discard).Put(capture.Record{Conn: &capture.Conn{}, Kind: capture.Rewrite}); err == nil {
		t.Error("a rewrite is taken")
	}
}

// FuzzForm reads any text as the text form: what is read, written and read again
// is the same.
func FuzzForm(f *testing.F) {
	f.Add([]byte(written(f, formRecords())))
	f.Add([]byte(written(f, randomRecords(rand.New(rand.NewPCG(1, 1)), 30))))
	f.Add([]byte(formMagic + "\n-- connection 1 --\ntcp - 1.2.3.4:5\nmade 00000000000000000000000000000009 \"\"\n-- client connection=1 --\na\n-- more base64 --\nYQ==\n-- pieces --\n1 - - 2\n5 - - 1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		src, err := NewSource("fuzz", bytes.NewReader(append([]byte(formMagic+"\n"), text...)))
		if err != nil {
			t.Fatal(err)
		}
		var rs []capture.Record
		last := uint64(0)
		for {
			r, err := src.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				if !errors.Is(err, capture.ErrDamaged) {
					t.Fatal(err)
				}
				continue
			}
			if r.Seq <= last || r.Conn == nil {
				t.Fatalf("record %d after %d", r.Seq, last)
			}
			last = r.Seq
			rs = append(rs, r)
		}
		first := written(t, rs)
		again, err := readAll(t, first)
		if err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		if d := difference(rs, again); d != "" {
			t.Fatalf("%s\n%s", d, first)
		}
		if second := written(t, again); second != first {
			t.Fatal(cmp.Diff(first, second))
		}
	})
}
