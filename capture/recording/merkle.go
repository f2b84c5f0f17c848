package recording

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// merkle computes the root of a Merkle tree (RFC 6962, section 2.1) while its
// leaves come, in memory of the tree's height: of each level it keeps the last
// node, which is all that the next leaf, and the root, are made of.
type merkle struct {
	leaves int64
	level  [64]struct {
		index int64
		hash  tlog.Hash
	}
}

// add adds the hash of a leaf.
func (m *merkle) add(leaf tlog.Hash) error {
	hashes, err := tlog.StoredHashesForRecordHash(m.leaves, leaf, m)
	if err != nil {
		return err
	}
	for level, h := range hashes {
		l := &m.level[level]
		l.index, l.hash = tlog.StoredHashIndex(level, m.leaves>>level), h
	}
	m.leaves++
	return nil
}

// root is the hash of the tree so far.
func (m *merkle) root() (tlog.Hash, error) { return tlog.TreeHash(m.leaves, m) }

// ReadHashes gives tlog the nodes that it asks for.
func (m *merkle) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, _ := tlog.SplitStoredHashIndex(index)
		if l := &m.level[level]; l.index == index {
			hashes[i] = l.hash
			continue
		}
		return nil, fmt.Errorf("node %d of the Merkle tree is gone", index)
	}
	return hashes, nil
}
