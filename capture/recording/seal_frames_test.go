package recording

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"

	"informant/capture"
	"informant/capture/capturetest"
)

// sizes is a source of one connection for each number, with a record of as many
// bytes.
func sizes(numbers ...int) capture.Source {
	s := new(capturetest.Records)
	at := time.Unix(1772366400, 0).UTC()
	for i, n := range numbers {
		c := &capture.Conn{ID: uint64(i + 1), Client: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), 5000), Point: "eth0"}
		for k, r := range []capture.Record{{Kind: capture.Open}, {Kind: capture.Data, Data: bytes.Repeat([]byte("<Value>1</Value>"), n/16)}, {Kind: capture.Close, Both: true, End: capture.FIN}} {
			r.Seq, r.Conn, r.Time = uint64(3*i+k+1), c, at
			s.List = append(s.List, r)
		}
	}
	return s
}

// TestLargeGroups holds that a large group has a frame of its own, compressed
// without the dictionary, and small ones share theirs.
func TestLargeGroups(t *testing.T) {
	file, statement := sealAll(t, sizes(100, 200, 1000<<10, 300, 900<<10, 900<<10, 50, 60), SealOptions{Header: NewHeader(nil)})
	s := openSealed(t, file)
	var got [][]uint64
	for _, e := range frameExtents(t, s) {
		var in []uint64
		for _, g := range e.groups {
			in = append(in, g.Number)
		}
		got = append(got, in)
		frame := file[e.groups[0].frame.offset:][:e.groups[0].frame.size]
		_, err := newDecoder().content(nil, frame)
		if large := len(in) == 1 && (in[0] == 3 || in[0] == 5 || in[0] == 6); large != (err == nil) {
			t.Errorf("frame of groups %d: %v without a dictionary", in, err)
		}
	}
	want := [][]uint64{{1, 2}, {3}, {4}, {5}, {6}, {7, 8}}
	if len(got) != len(want) {
		t.Fatalf("frames of groups %d, want %d", got, want)
	}
	for i := range want {
		if len(got[i]) != len(want[i]) || got[i][0] != want[i][0] {
			t.Errorf("frames of groups %d, want %d", got, want)
		}
	}
	r := verify(t, file, VerifyOptions{})
	if !r.OK() || statement.Groups != 8 {
		t.Error(statement.Groups, problems(r))
	}
}

// TestTrainNothing holds that sealing takes the dictionary it would take anyway
// when none can be made, and that an error of making one ends it.
func TestTrainNothing(t *testing.T) {
	file, _ := sealAll(t, sizes(100), SealOptions{Header: NewHeader(nil), Train: func([][]byte) ([]byte, error) { return nil, nil }})
	if got := openSealed(t, file).Header().Dictionary; got != General().Dictionary {
		t.Errorf("%+v", got)
	}
	broken := errors.New("broken")
	_, err := Seal(&bytes.Buffer{}, sizes(100), SealOptions{Train: func([][]byte) ([]byte, error) { return nil, broken }})
	if !errors.Is(err, broken) {
		t.Error(err)
	}
}
