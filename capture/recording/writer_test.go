package recording

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"informant/capture"
)

// record writes records to an unsealed recording.
func record(t testing.TB, o WriterOptions, records []capture.Record) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := w.Put(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// read reads all records, and what Next says at the end if that is not io.EOF.
func read(t testing.TB, r io.Reader) ([]capture.Record, *Reader, error) {
	t.Helper()
	d, err := NewReader(r, ReaderOptions{})
	if err != nil {
		return nil, d, err
	}
	return readAll(t, d)
}

func readAll(t testing.TB, d *Reader) (records []capture.Record, _ *Reader, err error) {
	t.Helper()
	defer d.Close()
	for {
		r, err := d.Next()
		if err != nil {
			if _, again := d.Next(); again != io.EOF {
				t.Errorf("after the end: %v", again)
			}
			if err == io.EOF {
				err = nil
			}
			return records, d, err
		}
		records = append(records, keep(r))
	}
}

func TestRoundTrip(t *testing.T) {
	want := traffic(rand.New(rand.NewPCG(1, 2)), 3000)
	for _, frame := range []int{1, 1000, 0, 1 << 30} {
		file := record(t, WriterOptions{Header: NewHeader(nil), FrameBytes: frame}, want)
		if !Sniff(file[:16]) {
			t.Error("not known by its first bytes")
		}
		got, d, err := read(t, bytes.NewReader(file))
		if err != nil {
			t.Error(err)
		}
		same(t, got, want)
		if d.Header().Created.IsZero() {
			t.Error("no header")
		}
	}
}

// TestLongRecords holds that what is too long for one record becomes several.
func TestLongRecords(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 5<<20)
	for i := range data {
		data[i] = byte(rnd.Uint32())
	}
	c := &capture.Conn{ID: 1}
	file := record(t, WriterOptions{}, []capture.Record{{Conn: c, Kind: capture.Open}, {Conn: c, Kind: capture.Data, Data: data}, {Conn: c, Kind: capture.Remark, Text: string(data[:2<<20])}})
	got, _, err := read(t, bytes.NewReader(file))
	if err != nil || len(got) != 8 {
		t.Fatalf("%d records, %v", len(got), err)
	}
	var back []byte
	for i, r := range got {
		if r.Seq != uint64(i+1) {
			t.Errorf("record %d is number %d", i, r.Seq)
		}
		back = append(back, r.Data...)
	}
	if !bytes.Equal(back, data) || got[6].Text+got[7].Text != string(data[:2<<20]) {
		t.Error("the bytes differ")
	}
}

func TestPutRefuses(t *testing.T) {
	w, err := NewWriter(io.Discard, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c := &capture.Conn{ID: 1}
	for _, r := range []capture.Record{{Kind: capture.Data}, {Conn: c, Kind: capture.Handshake}, {Conn: c, Kind: capture.Rewrite}, {Conn: c, Kind: 99}} {
		if w.Put(r) == nil {
			t.Errorf("%+v was taken", r)
		}
	}
	if err := w.Put(capture.Record{Conn: c}); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if w.Put(capture.Record{Conn: c}) == nil {
		t.Error("a closed writer took a record")
	}
}

// failing takes so many bytes, and then no more.
type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	n := min(len(p), f.left)
	f.left -= n
	if n < len(p) {
		return n, errors.New("no more room")
	}
	return n, nil
}

func TestWriteFails(t *testing.T) {
	records := traffic(rand.New(rand.NewPCG(1, 2)), 3000)
	w, err := NewWriter(&failing{left: 10000}, WriterOptions{FrameBytes: 2000})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; n < len(records) && err == nil; n++ {
		err = w.Put(records[n])
	}
	if err == nil {
		t.Fatal("no error")
	}
	for range 3 {
		if again := w.Put(records[n]); again != err {
			t.Errorf("then %v", again)
		}
	}
	if s := w.Stats(); s.Pending == 0 || s.Records != uint64(n) {
		t.Errorf("%+v after %d", s, n)
	}
	if w.Close() != err || w.Flush() != err {
		t.Error("Close and Flush are silent")
	}
	if _, err := NewWriter(&failing{}, WriterOptions{}); err == nil {
		t.Error("HEAD needs no room")
	}
}
