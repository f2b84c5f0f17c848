package recording

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
	"informant/capture"
)

// grouped lays records out as a sealed recording does: in groups, each of one or
// two connections, cut here and there, in order of their first Seq, several in a
// frame. It has no index. It returns the numbers of the groups of each frame, and
// which group a record is in.
func grouped(t testing.TB, rnd *rand.Rand, records []capture.Record) (file []byte, frames [][]uint64, groupOfSeq map[uint64]uint64) {
	t.Helper()
	e, err := newEncoder(zstd.SpeedDefault, nil)
	if err != nil {
		t.Fatal(err)
	}
	var groups [][]capture.Record
	open := map[uint64]int{}
	for _, r := range records {
		key := r.Conn.ID / 200
		g, ok := open[key]
		if !ok || rnd.IntN(30) == 0 {
			g = len(groups)
			open[key] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], r)
	}
	h := NewHeader(nil)
	file = h.append(nil)
	groupOfSeq = map[uint64]uint64{}
	var text []byte
	var numbers []uint64
	for i, g := range groups {
		number := uint64(i + 1)
		for _, r := range g {
			groupOfSeq[r.Seq] = number
		}
		numbers = append(numbers, number)
		text = append(text, groupOf(number, []string{session, connection + goesOn}[rnd.IntN(2)], g)...)
		if len(text) > 3000 || i == len(groups)-1 {
			file = e.appendFrame(file, text)
			frames = append(frames, numbers)
			text, numbers = nil, nil
		}
	}
	return appendTail(file, len(groups)), frames, groupOfSeq
}

// appendTail appends what a reader from the start looks at of a TAIL.
func appendTail(file []byte, groups int) []byte {
	return appendBlock(file, tagTail, fmt.Appendf(nil, "seal: 1\ngroups: %d\n", groups))
}

// TestMerge holds that a sealed recording is read in order of Seq, also behind
// others.
func TestMerge(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	want := traffic(rnd, 3000)
	sealed, _, _ := grouped(t, rnd, want)
	got, _, err := read(t, bytes.NewReader(sealed))
	if err != nil {
		t.Error(err)
	}
	same(t, got, want)

	unsealed := record(t, WriterOptions{Header: NewHeader(nil)}, want)
	got, _, err = read(t, bytes.NewReader(slices.Concat(sealed, unsealed, sealed)))
	if err != nil || len(got) != 3*len(want) {
		t.Fatalf("%d records, %v", len(got), err)
	}
	ids := map[uint64]*capture.Conn{}
	for i := range got {
		if got[i].Seq != uint64(i+1) {
			t.Fatalf("record %d is number %d", i+1, got[i].Seq)
		}
		c := got[i].Conn
		if ids[c.ID] != nil && ids[c.ID] != c {
			t.Fatalf("two connections have number %d", c.ID)
		}
		if ids[c.ID] = c; c.Identity != want[i%len(want)].Conn.Identity {
			t.Fatal("another connection")
		}
	}
	if len(ids) != 15 {
		t.Errorf("%d connections", len(ids))
	}
}

// TestMergeDamaged holds that of a sealed recording with a damaged frame every
// other group is read, and that its connections tell of what is missing.
func TestMergeDamaged(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	want := traffic(rnd, 1000)
	file, frames, groupOfSeq := grouped(t, rnd, want)
	at := boundaries(t, file)
	for i, lost := range frames {
		broken := bytes.Clone(file)
		broken[(at[i+1]+at[i+2])/2] ^= 0x55
		got, d, err := read(t, bytes.NewReader(broken))
		if !errors.Is(err, capture.ErrDamaged) || len(d.Damage()) != 1 {
			t.Fatalf("frame %d: %v", i, err)
		}
		if g := d.Damage()[0].Groups; !slices.Equal(g, lost) {
			t.Errorf("frame %d: groups %v, want %v", i, g, lost)
		}
		gap := map[*capture.Conn]bool{}
		for _, r := range got {
			if r.Kind == capture.Gap && r.Lost == -1 && r.Time.IsZero() && r.Packet == 0 {
				gap[r.Conn] = true
			}
		}
		// Every group that is whole is there, in order.
		next := 0
		for _, w := range want {
			if slices.Contains(lost, groupOfSeq[w.Seq]) {
				continue
			}
			for next < len(got) && !alike(got[next], w) {
				if next++; got[next-1].Seq == 0 || !got[next-1].Time.IsZero() {
					t.Fatalf("frame %d: %+v is not in the recording", i, got[next-1])
				}
			}
			if next++; next > len(got) {
				t.Fatalf("frame %d: record %d is missing", i, w.Seq)
			}
		}
		for j := range got[1:] {
			if got[j+1].Seq <= got[j].Seq {
				t.Fatalf("frame %d: record %d follows on %d", i, got[j+1].Seq, got[j].Seq)
			}
		}
		if len(gap) == 0 && i > 0 && i < len(frames)-1 {
			t.Errorf("frame %d: no connection tells of it", i)
		}
	}
}
