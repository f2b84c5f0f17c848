package recording

import (
	"bytes"
	"slices"
	"testing"
)

// TestGenerals holds that the general dictionaries are those that were published.
func TestGenerals(t *testing.T) {
	var ids []uint32
	for i, g := range generals {
		d, err := loadGeneral(i)
		if err != nil {
			t.Error(err)
			continue
		}
		if slices.Contains(ids, d.ID) {
			t.Errorf("%s: its number %d is taken", g.name, d.ID)
		}
		if ids = append(ids, d.ID); findGeneral(d.Sum) == nil {
			t.Errorf("%s is not found", g.name)
		}
	}
	if General().ID != 0 != (len(generals) > 0) {
		t.Errorf("the newest is %d", General().ID)
	}
}

// TestDictionary holds that a recording is read with the dictionary it holds, or
// with one that the caller has.
func TestDictionary(t *testing.T) {
	want := vectorRecords()
	for i := range want {
		want[i].Seq = uint64(i + 1)
	}
	d := smallDict(t)
	file := record(t, WriterOptions{Header: vectorHeader, Dictionary: d}, want)
	got, reader, err := read(t, bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, want)
	if reader.Header().Dictionary != d.Dictionary {
		t.Errorf("%+v", reader.Header().Dictionary)
	}
	at := boundaries(t, file)
	file = slices.Concat(file[:at[1]], file[at[3]:])
	again, err := NewReader(bytes.NewReader(file), ReaderOptions{Dicts: []*Dict{d}})
	if err != nil {
		t.Fatal(err)
	}
	got, _, err = readAll(t, again)
	if err != nil {
		t.Error(err)
	}
	same(t, got, want)
	if _, err := NewDict("x", []byte("no dictionary")); err == nil {
		t.Error("no dictionary was taken for one")
	}
}
