package recording

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"informant/capture"
)

func put(t *testing.T, s capture.Sink, records []capture.Record) {
	t.Helper()
	for _, r := range records {
		if err := s.Put(r); err != nil {
			t.Fatal(err)
		}
	}
}

func readFile(t *testing.T, names ...string) ([]capture.Record, *Reader, error) {
	t.Helper()
	var all bytes.Buffer
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return read(t, &all)
}

func TestFiles(t *testing.T) {
	want := traffic(rand.New(rand.NewPCG(1, 2)), 2000)
	name := filepath.Join(t.TempDir(), "a.cwmp")
	var rotated []string
	f, err := Create(FilesOptions{Name: name, Sync: true, Writer: WriterOptions{Header: NewHeader(nil)}, Rotated: func(n string) { rotated = append(rotated, n) }})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := Lock(name); !errors.Is(err, ErrLocked) {
		t.Errorf("it is not locked: %v", err)
	}
	if _, err := Create(FilesOptions{Name: name}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second writer: %v", err)
	}
	put(t, f, want)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Put(want[0]); err == nil {
		t.Error("closed, it takes records")
	}
	if len(rotated) != 1 || rotated[0] != name {
		t.Errorf("complete: %q", rotated)
	}
	unlock, err := Lock(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
	got, _, err := readFile(t, name)
	if err != nil {
		t.Error(err)
	}
	same(t, got, want)
	if s := f.Stats(); s.Records != uint64(len(want)) || s.Pending != 0 || s.Written == 0 {
		t.Errorf("%+v", s)
	}
}

// TestFilesTimer holds that records reach the file without a further call.
func TestFilesTimer(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.cwmp")
	f, err := Create(FilesOptions{Name: name, Writer: WriterOptions{FrameAge: time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := traffic(rand.New(rand.NewPCG(1, 2)), 20)
	for n := 1; n <= 3; n++ {
		if err := f.Put(want[n-1]); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			if got, _, err := readFile(t, name); len(got) == n && err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("record %d is not in the file", n)
			}
		}
	}
}

// TestRotation holds that the files of a rotation are read as one, and each
// alone as a capture that begins midway.
func TestRotation(t *testing.T) {
	want := traffic(rand.New(rand.NewPCG(1, 2)), 1500)
	for _, o := range []FilesOptions{
		{Name: "r.cwmp", MaxBytes: 2000},
		{Name: "r-%Y%m%d.cwmp", MaxBytes: 2000},
		{Name: "%s-%L%%.cwmp", MaxAge: time.Nanosecond, Writer: WriterOptions{FrameBytes: 30000}},
	} {
		dir := t.TempDir()
		o.Name = filepath.Join(dir, o.Name)
		var names []string
		o.Rotated = func(n string) { names = append(names, n) }
		if o.Writer.FrameBytes == 0 {
			o.Writer.FrameBytes = 3000
		}
		o.Writer.Header = NewHeader(nil)
		o.Writer.Header.Sources = []string{"interface eth0"}
		n := len(want)
		if o.MaxAge > 0 {
			n = 300 // a file for each record
		}
		f, err := Create(o)
		if err != nil {
			t.Fatal(err)
		}
		put(t, f, want[:n])
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if len(names) < 10 {
			t.Fatalf("%d files", len(names))
		}
		if s := f.Stats(); s.Written == 0 || s.Records <= uint64(n) {
			t.Errorf("%+v", s)
		}
		chained(t, names, want[:n])
		alone(t, names)
	}
}

// chained reads the files behind each other. What repeats itself has numbers of
// its own.
func chained(t *testing.T, names []string, want []capture.Record) {
	t.Helper()
	got, d, err := readFile(t, names...)
	if err != nil {
		t.Fatal(err)
	}
	last := uint64(0)
	conns := map[uint64]*capture.Conn{}
	for i := range got {
		if got[i].Seq <= last {
			t.Fatalf("record %d follows on %d", got[i].Seq, last)
		}
		if last = got[i].Seq; i < len(want) {
			got[i].Seq = want[i].Seq
		}
		if c := conns[got[i].Conn.ID]; c != nil && c != got[i].Conn {
			t.Fatalf("connection %d is two", c.ID)
		}
		conns[got[i].Conn.ID] = got[i].Conn
	}
	same(t, got, want)
	if h := d.Header(); h.Follows == nil || len(h.Sources) != 1 {
		t.Errorf("header of the last file: %+v", h)
	}
}

// alone reads each file, and the second with the fourth behind it.
func alone(t *testing.T, names []string) {
	t.Helper()
	for _, name := range append(names[:len(names):len(names)], names[1]+"\n"+names[3]) {
		got, _, err := readFile(t, strings.Split(name, "\n")...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		open := map[*capture.Conn]bool{}
		for _, r := range got {
			if !open[r.Conn] && r.Kind != capture.Open {
				t.Fatalf("%s: a connection begins with %+v", name, r)
			}
			open[r.Conn] = true
		}
	}
}

// TestChainTorn holds that records missing between two files are told, and that
// connections say so.
func TestChainTorn(t *testing.T) {
	dir := t.TempDir()
	var names []string
	f, err := Create(FilesOptions{Name: filepath.Join(dir, "a.cwmp"), MaxBytes: 2000, Writer: WriterOptions{FrameBytes: 3000, Header: NewHeader(nil)},
		Rotated: func(n string) { names = append(names, n) }})
	if err != nil {
		t.Fatal(err)
	}
	want := traffic(rand.New(rand.NewPCG(1, 2)), 2000)
	put(t, f, want)
	f.Close()
	b, _ := os.ReadFile(names[1])
	if err := os.WriteFile(names[1], b[:len(b)-10], 0o600); err != nil {
		t.Fatal(err)
	}
	got, d, err := readFile(t, names...)
	if !errors.Is(err, capture.ErrDamaged) || !regexp.MustCompile(`record \d+ follows on record \d+`).MatchString(err.Error()) || errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if len(d.Damage()) != 2 {
		t.Errorf("%q", d.Damage())
	}
	gaps := 0
	for _, r := range got {
		if r.Kind == capture.Gap && r.Lost < 0 && r.Time.IsZero() && r.Packet == 0 {
			gaps++
		}
	}
	if gaps < 10 {
		t.Errorf("%d gaps", gaps)
	}
}

// TestNoNextFile holds that a file that cannot be followed by another is whole,
// and that the error stays.
func TestNoNextFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := Create(FilesOptions{Name: filepath.Join(dir, "a.cwmp"), MaxBytes: 3000, Writer: WriterOptions{FrameBytes: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	kept, moved := f.Name(), dir+"2"
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	records := traffic(rand.New(rand.NewPCG(1, 2)), 1000)
	n := 0
	for ; n < len(records) && err == nil; n++ {
		err = f.Put(records[n])
	}
	if !errors.Is(err, fs.ErrNotExist) || f.Name() != kept {
		t.Fatalf("%s: %v", f.Name(), err)
	}
	if again := f.Put(records[n]); again != err {
		t.Errorf("then %v", again)
	}
	if f.Close() != err {
		t.Error("Close is silent")
	}
	got, _, err := readFile(t, filepath.Join(moved, "a.cwmp"))
	if err != nil {
		t.Error(err)
	}
	same(t, got, records[:n-1])
}

func TestFilesConcurrent(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.cwmp")
	f, err := Create(FilesOptions{Name: name, MaxBytes: 1000, Writer: WriterOptions{FrameAge: time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for id := range uint64(8) {
		all.Go(func() {
			c := &capture.Conn{ID: id + 1, Point: fmt.Sprint(id)}
			f.Put(capture.Record{Conn: c, Kind: capture.Open})
			for i := range 2000 {
				if err := f.Put(capture.Record{Conn: c, Data: fmt.Appendf(nil, "%d", i), Kind: capture.Data}); err != nil {
					t.Error(err)
				}
				if i%500 == 0 {
					f.Flush()
					f.Stats()
					f.Name()
				}
			}
			f.Put(capture.Record{Conn: c, Kind: capture.Close, Both: true})
		})
	}
	all.Wait()
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	files, _ := filepath.Glob(filepath.Join(filepath.Dir(name), "*.cwmp"))
	if len(files) < 2 {
		t.Errorf("%d files", len(files))
	}
	names := []string{name}
	for n := 2; n <= len(files); n++ {
		names = append(names, numbered(name, n))
	}
	got, _, err := readFile(t, names...)
	if err != nil || len(got) != 8*2002 {
		t.Errorf("%d records, %v", len(got), err)
	}
	next := map[uint64]int{}
	for _, r := range got {
		if r.Kind == capture.Data {
			if string(r.Data) != fmt.Sprint(next[r.Conn.ID]) {
				t.Fatalf("connection %d: %s instead of %d", r.Conn.ID, r.Data, next[r.Conn.ID])
			}
			next[r.Conn.ID]++
		}
	}
}

// TestPipe holds that a full pipe makes the writer wait, and a closed one fail,
// and that the other end has whole frames and perhaps a torn one.
func TestPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	f, err := Create(FilesOptions{Name: "-", Out: w, MaxBytes: 1, Writer: WriterOptions{Header: NewHeader(nil)}})
	if err != nil {
		t.Fatal(err)
	}
	c := &capture.Conn{ID: 1}
	rnd := rand.New(rand.NewPCG(1, 2))
	put := make(chan int, 1000)
	failed := make(chan error, 1)
	go func() {
		defer close(put)
		if err := f.Put(capture.Record{Conn: c, Kind: capture.Open}); err != nil {
			failed <- err
			return
		}
		for n := 0; ; n++ {
			data := make([]byte, 10000)
			for i := range data {
				data[i] = byte(rnd.Uint32())
			}
			if err := f.Put(capture.Record{Conn: c, Kind: capture.Data, Data: data}); err != nil {
				failed <- err
				return
			}
			put <- n
		}
	}()
	stalled := func() bool {
		for {
			select {
			case <-put:
			case <-time.After(200 * time.Millisecond):
				return true
			case err := <-failed:
				t.Errorf("a full pipe: %v", err)
				return false
			}
		}
	}
	if !stalled() {
		return
	}
	head := make([]byte, 200000)
	if _, err := io.ReadFull(r, head); err != nil {
		t.Fatal(err)
	}
	stalled()
	r.Close()
	err = <-failed
	if !errors.Is(err, os.ErrClosed) && !strings.Contains(err.Error(), "broken pipe") {
		t.Error(err)
	}
	for range 3 {
		if again := f.Put(capture.Record{Conn: c}); again == nil || again.Error() != err.Error() {
			t.Errorf("then %v", again)
		}
	}
	if f.Close() == nil || f.Flush() == nil {
		t.Error("Close and Flush are silent")
	}
	got, d, err := read(t, bytes.NewReader(head))
	if !errors.Is(err, ErrTorn) || !errors.Is(err, capture.ErrDamaged) || len(got) < 10 || len(d.Damage()) != 1 {
		t.Errorf("%d records, %v", len(got), err)
	}
}
