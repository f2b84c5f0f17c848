package shelf

import "testing"

func TestTakesWhatFits(t *testing.T) {
	const most = 1 << 20
	for _, c := range []struct {
		name string
		put  []int // lengths, in the order in which they are put
		want int
		cap  int // of what is taken; 0: nothing
	}{
		{"nothing there", nil, 10, 0},
		{"just as long", []int{10}, 10, 10},
		{"the shortest that fits", []int{15, 12, 9}, 10, 12},
		{"half as long again", []int{15}, 10, 15},
		{"longer than that", []int{16}, 10, 0},
		{"too short", []int{9}, 10, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s Shelf[uint64]
			for _, n := range c.put {
				s.Put(make([]uint64, n), most)
			}
			got := s.Take(c.want)
			if cap(got) != c.cap || len(got) != 0 {
				t.Fatalf("length %d, capacity %d, want 0 and %d", len(got), cap(got), c.cap)
			}
			if again := s.Take(c.want); c.cap > 0 && cap(again) == c.cap {
				t.Error("it was lent twice")
			}
		})
	}
}

// TestKeepsTheLatest holds that what nobody took goes first, and that no more is held than
// was said.
func TestKeepsTheLatest(t *testing.T) {
	const most = 100 * 8
	var s Shelf[uint64]
	for _, n := range []int{30, 40, 20, 50} { // 30 and 40 have to go for 50
		s.Put(make([]uint64, n), most)
	}
	s.Put(make([]uint64, 101), most) // is too long by itself, and costs nothing else its place
	for _, c := range []struct{ n, cap int }{{30, 0}, {40, 50}, {50, 0}, {20, 20}} {
		if got := cap(s.Take(c.n)); got != c.cap {
			t.Errorf("for %d there is one of %d, want %d", c.n, got, c.cap)
		}
	}
	if s.bytes != 0 || len(s.slices) != 0 {
		t.Errorf("%d slices of %d bytes are left", len(s.slices), s.bytes)
	}
}

func TestPile(t *testing.T) {
	var p Pile[int]
	if p.Take() != nil {
		t.Error("something is on a pile that is empty")
	}
	a, b, c := new(int), new(int), new(int)
	for _, x := range []*int{a, b, c} {
		p.Put(x, 2)
	}
	for _, want := range []*int{b, a, nil} { // c was one too many
		if got := p.Take(); got != want {
			t.Errorf("took %p, want %p of %p, %p, %p", got, want, a, b, c)
		}
	}
}
