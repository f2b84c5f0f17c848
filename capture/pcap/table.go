package pcap

import "hash/maphash"

// table finds flows by their keys. It is a hash table with open addressing and
// linear probing whose slots hold no keys: the slots of a thousand flows stay in
// the cache, and the key is compared in the flow, which is needed anyway.
type table struct {
	slots []slot // a power of two, at most half of them taken
	n     int
	seed  maphash.Seed
	last  *flow // the one found last: packets come in runs
}

type slot struct {
	hash uint64
	f    *flow
}

const slotsMin = 64

func newTable() table {
	return table{slots: make([]slot, slotsMin), seed: maphash.MakeSeed()}
}

func (t *table) hash(k key) uint64 { return maphash.Comparable(t.seed, k) }

// find returns the flow of that key, nil when there is none.
func (t *table) find(k *key) *flow {
	if l := t.last; l != nil && l.key.is(k) {
		return l
	}
	hash := t.hash(*k)
	mask := uint64(len(t.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.f == nil {
			return nil
		}
		if s.hash == hash && s.f.key.is(k) {
			t.last = s.f
			return s.f
		}
	}
}

// add puts a flow in whose key is not there yet.
func (t *table) add(f *flow) {
	if t.n++; t.n > len(t.slots)/2 {
		t.grow()
	}
	t.put(slot{t.hash(f.key), f})
	t.last = f
}

func (t *table) put(s slot) {
	mask := uint64(len(t.slots) - 1)
	i := s.hash & mask
	for t.slots[i].f != nil {
		i = (i + 1) & mask
	}
	t.slots[i] = s
}

func (t *table) grow() {
	old := t.slots
	t.slots = make([]slot, 2*len(old))
	for _, s := range old {
		if s.f != nil {
			t.put(s)
		}
	}
}

// remove takes a flow out and closes the hole: of the slots behind it those
// move up that could have been put there.
func (t *table) remove(f *flow) {
	if t.last == f {
		t.last = nil
	}
	mask := uint64(len(t.slots) - 1)
	i := t.hash(f.key) & mask
	for t.slots[i].f != f {
		if t.slots[i].f == nil {
			return
		}
		i = (i + 1) & mask
	}
	t.n--
	for j := (i + 1) & mask; t.slots[j].f != nil; j = (j + 1) & mask {
		if home := t.slots[j].hash & mask; (j-home)&mask >= (j-i)&mask {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = slot{}
}
