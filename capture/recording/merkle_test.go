package recording

import (
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// stored keeps every node, as a log does.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var list []tlog.Hash
	for _, i := range indexes {
		list = append(list, s[i])
	}
	return list, nil
}

func TestMerkleRoot(t *testing.T) {
	var m merkle
	var all stored
	for n := range int64(1100) {
		want, err := tlog.TreeHash(n, all)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := m.root(); err != nil || got != want {
			t.Fatalf("root of %d leaves: %v, %v, want %v", n, got, err, want)
		}
		data := []byte(fmt.Sprint("leaf ", n))
		more, err := tlog.StoredHashes(n, data, all)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, more...)
		if err := m.add(tlog.RecordHash(data)); err != nil {
			t.Fatal(err)
		}
	}
}
