package recording

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"informant/capture"
)

// vectorsDir holds a text for each vector: what a reader makes of a file, and
// behind an empty line the file in hex. Files there are kept for ever: a reader
// that comes later must still say the same.
//
//	comment: what it shows
//	expect:  whole, damaged, torn, newer version, dictionary missing, no recording or empty
//	damage:  frame, size, offset, groups         (a line for each damaged part)
//	record:  Seq connection kind … as text       (a line for each record)
const vectorsDir = "../../testdata/vectors"

var writeVectors = flag.Bool("vectors", false, "write the vectors that are not there yet")

func TestVectors(t *testing.T) {
	if *writeVectors {
		write(t)
	}
	names, err := filepath.Glob(filepath.Join(vectorsDir, "*.txt"))
	if err != nil || len(names) < len(recipes) {
		t.Fatalf("%d vectors, %v; there are recipes for %d", len(names), err, len(recipes))
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			head, body, ok := strings.Cut(string(b), "\n\n")
			file, err := hex.DecodeString(strings.ReplaceAll(body, "\n", ""))
			if !ok || err != nil {
				t.Fatal(err)
			}
			comment, want, _ := strings.Cut(head, "\n")
			if got := tellFile(t, file); got != want+"\n" || !strings.HasPrefix(comment, "comment: ") {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

// write writes the vectors that are missing.
func write(t *testing.T) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(recipes)) {
		path := filepath.Join(vectorsDir, name+".txt")
		if _, err := os.Stat(path); err == nil {
			continue
		}
		file := recipes[name].make(t)
		var b bytes.Buffer
		fmt.Fprintf(&b, "comment: %s\n%s\n", recipes[name].comment, tellFile(t, file))
		for len(file) > 0 {
			n := min(40, len(file))
			fmt.Fprintf(&b, "%x\n", file[:n])
			file = file[n:]
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// tellFile is what the reader makes of a file.
func tellFile(t *testing.T, file []byte) string {
	t.Helper()
	d, err := NewReader(bytes.NewReader(file), ReaderOptions{})
	var records strings.Builder
	for err == nil {
		var r capture.Record
		if r, err = d.Next(); err == nil {
			records.WriteString(tellRecord(r))
		}
	}
	s := "expect: " + kindOf(err) + "\n"
	if d == nil {
		return s
	}
	if h := d.Header(); h.ID != [16]byte{} {
		s += fmt.Sprintf("header: %x\n", h.ID)
	}
	for _, e := range d.Damage() {
		s += fmt.Sprintf("damage: frame %d, %d bytes at %d", e.Frame, e.Size, e.Offset)
		if len(e.Groups) > 0 {
			s += ", " + groupNames(e.Groups)
		}
		s += "\n"
	}
	return s + records.String()
}

func kindOf(err error) string {
	for _, k := range []struct {
		err  error
		name string
	}{
		{io.EOF, "whole"}, {ErrVersion, "newer version"}, {ErrDictionary, "dictionary missing"}, {ErrTorn, "torn"},
		{capture.ErrDamaged, "damaged"}, {capture.ErrFormat, "no recording"}, {capture.ErrEmpty, "empty"},
	} {
		if err == k.err || k.err != io.EOF && errors.Is(err, k.err) {
			return k.name
		}
	}
	return err.Error()
}

func tellRecord(r capture.Record) string {
	c := r.Conn
	at, from := "-", ">"
	if !r.Time.IsZero() {
		at = fmt.Sprint(r.Time.UnixNano())
	}
	if r.From == capture.FromServer {
		from = "<"
	}
	s := fmt.Sprintf("record: %d %d %s %s packet %d ", r.Seq, c.ID, at, from, r.Packet)
	switch r.Kind {
	case capture.Open:
		s += fmt.Sprintf("open midstream=%v %s %s %s origin=%d %x %q", r.Midstream, c.Network, c.Client, c.Server, c.Origin, c.Identity, c.Point)
	case capture.Data:
		s += fmt.Sprintf("data %q", r.Data)
	case capture.Cipher:
		s += fmt.Sprintf("cipher %q", r.Data)
	case capture.Gap:
		s += fmt.Sprintf("gap %d", r.Lost)
	case capture.Remark:
		s += fmt.Sprintf("remark %q", r.Text)
	case capture.Close:
		s += fmt.Sprintf("close %s both=%v", r.End, r.Both)
	}
	return s + "\n"
}
