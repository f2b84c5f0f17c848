package check

import (
	"iter"
	"maps"
)

// recent is a map of what was put lately: of no fewer than maxDevices/2 keys, and no more
// than maxDevices. What was put, or put again, before goes. The zero value is empty and
// ready.
type recent[K comparable, V any] struct{ fresh, older map[K]V }

// get is the value of a key, and whether it is known.
func (r *recent[K, V]) get(key K) (v V, ok bool) {
	if v, ok = r.fresh[key]; !ok {
		v, ok = r.older[key]
	}
	return v, ok
}

func (r *recent[K, V]) put(key K, v V) {
	if r.fresh == nil {
		r.fresh = map[K]V{}
	}
	r.fresh[key] = v
	if len(r.fresh) >= maxDevices/2 {
		r.fresh, r.older = r.older, r.fresh
		clear(r.fresh)
	}
}

func (r *recent[K, V]) remove(key K) {
	delete(r.fresh, key)
	delete(r.older, key)
}

func (r *recent[K, V]) empty() bool { return len(r.fresh) == 0 && len(r.older) == 0 }

// keys yields the keys, some of them twice.
func (r *recent[K, V]) keys() iter.Seq[K] {
	return func(yield func(K) bool) {
		for _, m := range []map[K]V{r.fresh, r.older} {
			for key := range maps.Keys(m) {
				if !yield(key) {
					return
				}
			}
		}
	}
}
