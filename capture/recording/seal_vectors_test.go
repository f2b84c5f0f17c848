package recording

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"informant/capture/capturetest"
)

// sealedVectors is the folder of vectors of sealed recordings, each a text: a
// comment, the key to verify with, what is found, and behind an empty line the
// file in hex. They too are kept for ever.
const sealedVectors = vectorsDir + "/sealed"

func TestSealedVectors(t *testing.T) {
	if *writeVectors {
		writeSealedVectors(t)
	}
	names, err := filepath.Glob(filepath.Join(sealedVectors, "*.txt"))
	if err != nil || len(names) < 11 {
		t.Fatalf("%d vectors, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			head, body, _ := strings.Cut(string(b), "\n\n")
			file, err := hex.DecodeString(strings.ReplaceAll(body, "\n", ""))
			lines := strings.SplitN(head, "\n", 3)
			if err != nil || len(lines) != 3 || !strings.HasPrefix(lines[0], "comment: ") {
				t.Fatal(err, lines)
			}
			key, err := ParsePublicKey(strings.TrimPrefix(lines[1], "key: "))
			if err != nil {
				t.Fatal(err)
			}
			if got := tellSealed(t, file, key); got != lines[2]+"\n" {
				t.Errorf("got\n%swant\n%s", got, lines[2])
			}
		})
	}
}

// tellSealed is what is found in a sealed recording.
func tellSealed(t *testing.T, file []byte, key PublicKey) string {
	var b strings.Builder
	r, err := Verify(bytes.NewReader(file), int64(len(file)), VerifyOptions{Keys: []PublicKey{key}})
	if err != nil {
		fmt.Fprintf(&b, "error: %v\n", err)
	} else {
		fmt.Fprintf(&b, "receipt: %s\nsignature: %v\ngroups: %d\n", r.Statement.Receipt(), r.Signature, r.Groups)
	}
	for _, p := range r.Problems {
		var sessions []string
		for _, e := range p.Sessions {
			sessions = append(sessions, hexID(e.ID))
		}
		fmt.Fprintf(&b, "problem: %v, %s, %d %d, groups %v, sessions %v\n", p.Change, p.Part, p.Offset, p.Size, p.Groups, sessions)
	}
	s, err := OpenSealed(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		fmt.Fprintf(&b, "open: %v\n", err)
		return b.String()
	}
	for e, err := range s.Sessions(Query{}) {
		if err != nil {
			fmt.Fprintln(&b, "index: damaged")
			continue
		}
		list, err := drain(t, s.Source(e.Groups))
		fmt.Fprintf(&b, "session: %d. %x %q %d-%d %q %q %v %q %q %d, groups %v, %d records, whole: %v\n", e.Ordinal, e.ID, e.Device,
			e.Start.UnixNano(), e.End.UnixNano(), e.RPCs, e.Events, e.Faults, e.Outcome, e.Worst, e.Findings, e.Groups, len(list), err == nil)
	}
	src := s.Source(nil)
	n := 0
	for _, err = src.Next(); err == nil; _, err = src.Next() {
		n++
	}
	fmt.Fprintf(&b, "records: %d, whole: %v\n", n, err == io.EOF)
	return b.String()
}

// writeSealedVectors writes the vectors that are not there yet.
func writeSealedVectors(t *testing.T) {
	public, private, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	h := Header{ID: [16]byte{1, 2, 3}, Created: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Tool: "informant", From: []string{"sealed 00112233445566778899aabbccddeeff"}}
	w := newWorld(31)
	w.size = 40
	w.run(80)
	file, s := w.sealed(t, SealOptions{Header: h, FrameBytes: 1500, Key: &private, Dictionary: &Dict{}})
	f := takeApart(t, file)
	trained, _ := w.sealed(t, SealOptions{Header: h, Train: trainSmall, FrameBytes: 1500, Key: &private})
	cut, _ := w.sealed(t, SealOptions{Header: h, FrameBytes: 1500, Memory: 2000, Key: &private, Dictionary: &Dict{}})
	plain, _ := sealAll(t, &capturetest.Records{List: traffic(rand.New(rand.NewPCG(1, 2)), 40)}, SealOptions{Header: h, Dictionary: &Dict{}})
	empty, _ := sealAll(t, new(capturetest.Records), SealOptions{Header: h, Key: &private, Dictionary: &Dict{}})
	k := len(f.frames) / 2
	removed, swapped, flipped, page := f.clone(), f.clone(), bytes.Clone(file), bytes.Clone(file)
	removed.frames = slices.Delete(removed.frames, k, k+1)
	swapped.frames[k], swapped.frames[k+1] = f.frames[k+1], f.frames[k]
	flipped[len(f.head)+len(f.frames[0])+40] ^= 4
	page[len(file)-len(f.tail)-30] ^= 16
	s.Sessions++
	s.compose()
	altered := f.clone()
	altered.tail = s.appendTail(nil, int64(len(file)-len(f.tail)))
	dict := takeApart(t, trained)
	size, _ := skippable(dict.head)
	headed := func(parts ...[]byte) []byte {
		g := dict.clone()
		g.head = slices.Concat(parts...)
		return g.join()
	}
	first, second := dict.head[size:(size+int64(len(dict.head)))/2], dict.head[(size+int64(len(dict.head)))/2:]
	flippedDict := func() []byte { return flip(first, len(first)/2) }
	for _, v := range []struct {
		name, comment string
		file          []byte
	}{
		{"dictionary-twice", "a dictionary made for it, twice", trained},
		{"dictionary-first-flipped", "a bit of the first DICT is another: the second is read", headed(dict.head[:size], flippedDict(), second)},
		{"dictionary-second-flipped", "a bit of the second DICT is another", headed(dict.head[:size], first, flippedDict())},
		{"dictionary-both-flipped", "a bit of both DICTs is another: frames are proven by their hashes", headed(dict.head[:size], flippedDict(), flippedDict())},
		{"dictionary-removed", "one DICT was taken out", headed(dict.head[:size], first)},
		{"dictionaries-removed", "both DICTs were taken out", headed(dict.head[:size])},
		{"sessions", "sessions over several connections, signed", file},
		{"dictionary", "the same, with a dictionary made for it", trained},
		{"cut", "the same, cut into more groups for want of memory", cut},
		{"connections", "no sessions, not signed, records of all kinds", plain},
		{"empty", "no record at all", empty},
		{"frame-removed", "a frame was taken out", removed.join()},
		{"frames-swapped", "two frames change places", swapped.join()},
		{"flipped-frame", "a bit of the second frame is another", flipped},
		{"flipped-page", "a bit of the last page is another", page},
		{"statement-altered", "TAIL says one session more; its signature is that of before", altered.join()},
		{"end-missing", "the last byte is missing", file[:len(file)-1]},
	} {
		name := filepath.Join(sealedVectors, v.name+".txt")
		if _, err := os.Stat(name); err == nil {
			continue
		}
		text := fmt.Sprintf("comment: %s\nkey: %s\n%s\n%s\n", v.comment, public.String(), tellSealed(t, v.file, public), hexLines(v.file))
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func hexLines(b []byte) string {
	var lines []string
	for part := range slices.Chunk(b, 60) {
		lines = append(lines, hex.EncodeToString(part))
	}
	return strings.Join(lines, "\n")
}
