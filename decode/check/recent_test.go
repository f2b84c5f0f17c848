package check

import "testing"

// TestRecent holds that what was put lately is known, with the value that it was put with
// last, and that no more is kept than is said.
func TestRecent(t *testing.T) {
	var r recent[int, int]
	if _, ok := r.get(1); ok || !r.empty() {
		t.Error("something is known of nothing")
	}
	r.remove(1)
	for i := range 5 * maxDevices {
		r.put(i, i)
		r.put(i, -i)
		if v, ok := r.get(i); !ok || v != -i {
			t.Fatalf("%d: %d, %v", i, v, ok)
		}
		if lately := i - maxDevices/2 + 3; i >= maxDevices { // there are two more keys
			if v, ok := r.get(lately); !ok || v != -lately {
				t.Fatalf("%d, put lately, at %d: %d, %v", lately, i, v, ok)
			}
		}
		if _, ok := r.get(i - maxDevices - 1); ok && i > maxDevices {
			t.Fatalf("%d is known at %d", i-maxDevices-1, i)
		}
		r.put(-1, i) // which stays known
		if n := len(r.fresh) + len(r.older); n > maxDevices {
			t.Fatalf("%d are kept", n)
		}
	}
	if v, ok := r.get(-1); !ok || v != 5*maxDevices-1 {
		t.Errorf("-1: %d, %v", v, ok)
	}
	for key := range r.keys() {
		r.remove(key)
	}
	if !r.empty() {
		t.Error("it is not empty")
	}
}
