package recording

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"informant/capture"
	"informant/capture/capturetest"
)

// trainSmall is a dictionary of about 2 KB, made of samples.
func trainSmall(samples [][]byte) ([]byte, error) {
	var contents [][]byte
	for _, s := range samples {
		for len(s) > 512 {
			contents = append(contents, s[:512])
			s = s[512:]
		}
	}
	history := bytes.Join(samples, nil)
	return zstd.BuildDict(zstd.BuildDictOptions{ID: 4711, Contents: contents, History: history[:min(len(history), 1500)], Offsets: [3]int{1, 4, 8}, Level: zstd.SpeedBetterCompression})
}

func verify(t testing.TB, file []byte, o VerifyOptions) Report {
	t.Helper()
	r, err := Verify(bytes.NewReader(file), int64(len(file)), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func problems(r Report) string {
	var s []string
	for _, p := range r.Problems {
		s = append(s, p.String())
	}
	return strings.Join(s, "\n")
}

// small is a signed file of three frames, with a dictionary.
func small(t testing.TB) (*world, []byte, PublicKey) {
	t.Helper()
	w := newWorld(11)
	w.size = 60
	w.run(100)
	public, private, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	file, _ := w.sealed(t, SealOptions{Header: NewHeader(nil), Train: trainSmall, FrameBytes: 4400, Key: &private})
	return w, file, public
}

// frameExtents are the frames of a sealed file, with their groups.
func frameExtents(t testing.TB, s *Sealed) (list []expected) {
	t.Helper()
	for g, err := range s.Groups() {
		if err != nil {
			t.Fatal(err)
		}
		if n := len(list); n > 0 && list[n-1].extent == g.frame {
			list[n-1].last, list[n-1].groups = g.Number, append(list[n-1].groups, g)
			continue
		}
		list = append(list, expected{extent: g.frame, first: g.Number, last: g.Number, groups: []Group{g}})
	}
	return list
}

func TestVerify(t *testing.T) {
	w, file, public := small(t)
	s := openSealed(t, file)
	if n := len(frameExtents(t, s)); n != 3 {
		t.Errorf("%d frames", n)
	}
	other, _, _ := GenerateKey()
	receipt, err := ParseReceipt(s.Statement().Receipt())
	if err != nil {
		t.Fatal(err)
	}
	r := verify(t, file, VerifyOptions{Keys: []PublicKey{other, public}, Receipt: &receipt})
	if !r.OK() || r.Signature != SignedRight || r.Groups != s.Statement().Groups || r.Header.ID != s.Header().ID {
		t.Errorf("%v %d\n%s", r.Signature, r.Groups, problems(r))
	}
	if r := verify(t, file, VerifyOptions{}); !r.OK() || r.Signature != SignedUnknown || r.Key != KeyID(public.ID()) {
		t.Error(r.Signature, problems(r))
	}
	if r := verify(t, file, VerifyOptions{Keys: []PublicKey{other}}); r.OK() || r.Signature != SignedUnknown {
		t.Error("a key that signed nothing was taken")
	}
	plain, _ := w.sealed(t, SealOptions{})
	if r := verify(t, plain, VerifyOptions{}); !r.OK() || r.Signature != Unsigned {
		t.Error(problems(r))
	}
	if r := verify(t, plain, VerifyOptions{Keys: []PublicKey{public}}); r.OK() {
		t.Error("an unsigned file passed for a signed one")
	}
	if _, err := Verify(bytes.NewReader(file), int64(len(file))-1, VerifyOptions{}); err == nil {
		if r, _ := Verify(bytes.NewReader(file), int64(len(file))-1, VerifyOptions{}); r.OK() {
			t.Error("a cut file was verified")
		}
	}
	empty, _ := sealAll(t, new(capturetest.Records), SealOptions{})
	if r := verify(t, empty, VerifyOptions{}); !r.OK() {
		t.Error(problems(r))
	}
	if _, err := Verify(bytes.NewReader(file[:2000]), 2000, VerifyOptions{}); !errors.Is(err, ErrNotSealed) {
		t.Error(err)
	}
}

// stopping is a file that can be read a few times only.
type stopping struct {
	*bytes.Reader
	left int
}

var errStop = errors.New("stopped")

func (s *stopping) ReadAt(p []byte, at int64) (int, error) {
	if s.left--; s.left < 0 {
		return 0, errStop
	}
	return s.Reader.ReadAt(p, at)
}

// A file that can't be read on is no recording that differs.
func TestVerifyStopped(t *testing.T) {
	_, file, _ := small(t)
	for n := 0; ; n++ {
		r, err := Verify(&stopping{bytes.NewReader(file), n}, int64(len(file)), VerifyOptions{})
		if err == nil {
			if !r.OK() || n < 10 {
				t.Errorf("after %d reads:\n%s", n, problems(r))
			}
			return
		}
		if !errors.Is(err, errStop) || errors.Is(err, capture.ErrDamaged) {
			t.Errorf("after %d reads: %v", n, err)
		}
	}
}

// checkFlip flips a bit and wants it found, where it is, with its groups, and all
// other groups read.
func checkFlip(t *testing.T, file []byte, frames []expected, all []capture.Record, at int, bit byte) {
	t.Helper()
	head, _ := skippable(file)
	file[at] ^= bit
	defer func() { file[at] ^= bit }()
	r, err := Verify(bytes.NewReader(file), int64(len(file)), VerifyOptions{})
	if err != nil && (at >= int(head) && at < int(frames[0].offset) || !errors.Is(err, ErrVersion) && !errors.Is(err, capture.ErrFormat)) {
		t.Fatalf("byte %d: %v", at, err)
	}
	if err == nil && r.OK() {
		t.Fatalf("byte %d, bit %x: not found", at, bit)
	}
	var hit *expected
	for i := range frames {
		if e := &frames[i]; int64(at) >= e.offset && int64(at) < e.end() {
			hit = e
		}
	}
	if hit != nil {
		if len(r.Problems) != 1 || !slices.Equal(r.Problems[0].Groups, hit.numbers()) || r.Problems[0].Change != Altered {
			t.Fatalf("byte %d, in groups %v:\n%s", at, hit.numbers(), problems(r))
		}
		whole := frames[len(frames)-1].last
		if !strings.Contains(r.Problems[0].Text, "all groups in it are as they were") {
			whole -= hit.count()
		}
		if r.Groups != whole {
			t.Fatalf("byte %d: %d groups are as they were, want %d:\n%s", at, r.Groups, whole, problems(r))
		}
	} else if err == nil {
		for _, p := range r.Problems {
			if len(p.Groups) > 0 {
				t.Fatalf("byte %d, in no group:\n%s", at, problems(r))
			}
		}
	}
	if err == nil && hit == nil && at < int(frames[0].offset) {
		part := "HEAD"
		if at >= int(head) {
			part = "DICT"
		}
		if p := r.Problems[0]; len(r.Problems) != 1 || p.Part != part || int64(at) < p.Offset || int64(at) >= p.Offset+p.Size || r.Groups != frames[len(frames)-1].last {
			t.Fatalf("byte %d of %s, %d groups:\n%s", at, part, r.Groups, problems(r))
		}
		if part == "DICT" && at%8 == 0 {
			got, err := drain(t, openSealed(t, file).Source(nil))
			if err != nil {
				t.Fatalf("byte %d: %v", at, err)
			}
			same(t, got, all)
		}
	}
	checkRest(t, file, hit, all, at)
}

// checkRest wants the Reader to yield every record but those of a frame.
func checkRest(t *testing.T, file []byte, hit *expected, all []capture.Record, at int) {
	t.Helper()
	gone := map[uint64]bool{}
	if hit != nil {
		for _, g := range hit.groups {
			for _, seq := range groupSeqs[g.Number] {
				gone[seq] = true
			}
		}
	}
	got, _, err := read(t, bytes.NewReader(file))
	if hit == nil && (errors.Is(err, ErrVersion) || errors.Is(err, capture.ErrFormat)) {
		return
	}
	have := map[string]int{}
	for _, r := range got {
		have[string(r.Data)+r.Text+fmt.Sprint(r.Conn.ID, r.Kind, r.Packet, r.Time.UnixNano())]++
	}
	for _, r := range all {
		if key := string(r.Data) + r.Text + fmt.Sprint(r.Conn.ID, r.Kind, r.Packet, r.Time.UnixNano()); !gone[r.Seq] && have[key] == 0 {
			t.Fatalf("byte %d: record %d, which was not hit, is missing: %v", at, r.Seq, err)
		}
	}
}

// groupSeqs is which records are in which group of the file under test.
var groupSeqs map[uint64][]uint64

func noteSeqs(t *testing.T, s *Sealed) {
	t.Helper()
	groupSeqs = map[uint64][]uint64{}
	for n := range s.Statement().Groups {
		list, err := drain(t, s.Source([]uint64{n + 1}))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			groupSeqs[n+1] = append(groupSeqs[n+1], r.Seq)
		}
	}
}

// One bit flipped in every byte of a small file.
func TestVerifyEveryByte(t *testing.T) {
	w, file, _ := small(t)
	s := openSealed(t, file)
	noteSeqs(t, s)
	frames := frameExtents(t, s)
	rnd := rand.New(rand.NewPCG(1, 9))
	step := 1
	if testing.Short() {
		step = 16
	}
	for at := 0; at < len(file); at += step {
		checkFlip(t, file, frames, w.records, at, 1<<rnd.IntN(8))
	}
}

// Random flips in a large file, one at a time and then many at once.
func TestVerifyLarge(t *testing.T) {
	w := newWorld(12)
	n, records := 200, 4000
	if testing.Short() {
		n = 20
	}
	if os.Getenv("INFORMANT_SOAK") != "" {
		n, records, w.size = 2000, 12_000, 2000
	}
	w.run(records)
	file, _ := w.sealed(t, SealOptions{Header: NewHeader(nil), FrameBytes: 32 << 10})
	s := openSealed(t, file)
	noteSeqs(t, s)
	frames := frameExtents(t, s)
	rnd := rand.New(rand.NewPCG(2, 9))
	for range n {
		checkFlip(t, file, frames, w.records, rnd.IntN(len(file)), 1<<rnd.IntN(8))
	}
	t.Logf("%d bytes, %d frames", len(file), len(frames))
	hit := map[uint64]bool{}
	for range 50 {
		e := frames[rnd.IntN(len(frames))]
		if !hit[e.first] {
			hit[e.first] = true
			file[e.offset+rnd.Int64N(e.size)] ^= 1 << rnd.IntN(8)
		}
	}
	named := map[uint64]bool{}
	for _, p := range verify(t, file, VerifyOptions{}).Problems {
		for _, g := range p.Groups {
			named[g] = true
		}
	}
	for _, e := range frames {
		for _, g := range e.numbers() {
			if named[g] != hit[e.first] {
				t.Errorf("group %d, in a frame that was hit: %v; named: %v", g, hit[e.first], named[g])
			}
		}
	}
}

// forge is a file, taken apart to be put together in another way.
type forge struct {
	head, tail []byte // before the frames, and TAIL
	frames     [][]byte
	pages      [][]byte
}

func takeApart(t testing.TB, file []byte) (f forge) {
	t.Helper()
	s := openSealed(t, file)
	f.head = file[:frameExtents(t, s)[0].offset]
	at := int64(len(f.head))
	for _, e := range frameExtents(t, s) {
		f.frames = append(f.frames, file[e.offset:e.end()])
		at = e.end()
	}
	for at < s.tail {
		size := frameHead + int64(binary.LittleEndian.Uint32(file[at+4:]))
		f.pages = append(f.pages, file[at:at+size])
		at += size
	}
	f.tail = file[s.tail:]
	return f
}

func (f forge) join() []byte {
	return slices.Concat(f.head, bytes.Join(f.frames, nil), bytes.Join(f.pages, nil), f.tail)
}

func (f forge) clone() forge {
	f.frames, f.pages = slices.Clone(f.frames), slices.Clone(f.pages)
	return f
}

// has reports whether a report has a problem of a kind, with a group.
func has(r Report, change Change, group uint64) bool {
	return slices.ContainsFunc(r.Problems, func(p Problem) bool {
		return p.Change == change && (group == 0 || slices.Contains(p.Groups, group))
	})
}

func TestVerifyForged(t *testing.T) {
	w := newWorld(13).run(3000)
	public, private, _ := GenerateKey()
	file, statement := w.sealed(t, SealOptions{Header: NewHeader(nil), Key: &private, FrameBytes: 32 << 10})
	f := takeApart(t, file)
	frames := frameExtents(t, openSealed(t, file))
	if !bytes.Equal(f.join(), file) || len(f.frames) < 10 || len(f.pages) < 5 {
		t.Fatalf("%d frames, %d pages", len(f.frames), len(f.pages))
	}
	other, _ := newWorld(14).run(3000).sealed(t, SealOptions{FrameBytes: 32 << 10})
	o := takeApart(t, other)
	foreign := frameExtents(t, openSealed(t, other))
	k := 4
	victim := frames[k]

	t.Run("removed", func(t *testing.T) {
		g := f.clone()
		g.frames = slices.Delete(g.frames, k, k+1)
		r := verify(t, g.join(), VerifyOptions{})
		wantGroups(t, r, Missing, victim.numbers())
		if r.Groups != statement.Groups-victim.count() {
			t.Error(r.Groups, "groups are as they were")
		}
	})
	t.Run("two removed", func(t *testing.T) {
		g := f.clone()
		g.frames = slices.Delete(g.frames, k, k+1)
		g.frames = slices.Delete(g.frames, k+3, k+4)
		wantGroups(t, verify(t, g.join(), VerifyOptions{}), Missing, append(victim.numbers(), frames[k+4].numbers()...))
	})
	t.Run("added", func(t *testing.T) {
		g := f.clone()
		g.frames = slices.Insert(g.frames, k, o.frames[7])
		r := verify(t, g.join(), VerifyOptions{})
		wantGroups(t, r, Added, foreign[7].numbers())
		if r.Groups != statement.Groups {
			t.Error(r.Groups, "groups are as they were")
		}
	})
	t.Run("added twice", func(t *testing.T) {
		g := f.clone()
		g.frames = slices.Insert(g.frames, k+2, g.frames[k])
		wantGroups(t, verify(t, g.join(), VerifyOptions{}), Added, victim.numbers())
	})
	t.Run("replaced by another recording's", func(t *testing.T) {
		g := f.clone()
		g.frames[k] = o.frames[k]
		r := verify(t, g.join(), VerifyOptions{})
		for _, n := range victim.numbers() {
			if !has(r, Altered, n) && !has(r, Missing, n) {
				t.Errorf("group %d is not named:\n%s", n, problems(r))
			}
		}
	})
	t.Run("swapped", func(t *testing.T) {
		g := f.clone()
		g.frames[k], g.frames[k+3] = g.frames[k+3], g.frames[k]
		r := verify(t, g.join(), VerifyOptions{})
		wantGroups(t, r, Moved, append(victim.numbers(), frames[k+3].numbers()...))
	})
	t.Run("neighbours swapped", func(t *testing.T) {
		g := f.clone()
		g.frames[k], g.frames[k+1] = g.frames[k+1], g.frames[k]
		r := verify(t, g.join(), VerifyOptions{})
		if len(r.Problems) != 1 || r.Problems[0].Change != Moved {
			t.Error(problems(r))
		}
	})
	t.Run("bytes between frames", func(t *testing.T) {
		for _, b := range [][]byte{[]byte("secret"), {0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'}, appendBlock(nil, "cwmpnote", []byte("x"))} {
			g := f.clone()
			g.frames = slices.Insert(g.frames, k, b)
			r := verify(t, g.join(), VerifyOptions{})
			if !has(r, Added, 0) || r.Groups != statement.Groups {
				t.Errorf("%d groups:\n%s", r.Groups, problems(r))
			}
		}
	})
	t.Run("pages swapped", func(t *testing.T) {
		g := f.clone()
		g.pages[0], g.pages[2] = g.pages[2], g.pages[0]
		r := verify(t, g.join(), VerifyOptions{})
		if r.OK() || !slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Part == "index" }) {
			t.Error(problems(r))
		}
	})
	t.Run("a page added", func(t *testing.T) {
		g := f.clone()
		g.pages = append(g.pages, g.pages[0])
		if r := verify(t, g.join(), VerifyOptions{}); !has(r, Added, 0) {
			t.Error(problems(r))
		}
	})
	t.Run("altered within a frame", func(t *testing.T) { forgeGroup(t, f, frames, k) })
	t.Run("sealed anew", func(t *testing.T) { forgeSeal(t, w, private, public, statement) })
	t.Run("the statement of another", func(t *testing.T) {
		g := f.clone()
		g.tail = o.tail
		if r := verify(t, g.join(), VerifyOptions{}); r.OK() {
			t.Error("verified")
		}
	})
	t.Run("TAIL altered", func(t *testing.T) {
		for name, alter := range map[string]func(*Statement){
			"groups": func(s *Statement) { s.Groups++ }, "records": func(s *Statement) { s.Records-- }, "sessions": func(s *Statement) { s.Sessions++ },
			"bytes": func(s *Statement) { s.Bytes++ }, "first": func(s *Statement) { s.First = s.First.Add(time.Hour) },
			"last": func(s *Statement) { s.Last = time.Time{} }, "leaves": func(s *Statement) { s.Leaves++ },
		} {
			s := statement
			alter(&s)
			s.Signature = ""
			s.compose()
			g := f.clone()
			g.tail = s.appendTail(nil, int64(len(file)-len(f.tail)))
			if r := verify(t, g.join(), VerifyOptions{}); len(r.Problems) != 1 || r.Problems[0].Part != "TAIL" && name != "leaves" {
				t.Errorf("%s:\n%s", name, problems(r))
			}
		}
	})
	t.Run("the root altered", func(t *testing.T) {
		s := statement
		s.Root[0] ^= 1
		s.compose()
		g := f.clone()
		g.tail = s.appendTail(nil, int64(len(file)-len(f.tail)))
		r := verify(t, g.join(), VerifyOptions{Keys: []PublicKey{public}})
		if r.Signature != SignatureWrong || !slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Part == "root" }) {
			t.Error(r.Signature, problems(r))
		}
	})
}

func wantGroups(t *testing.T, r Report, change Change, groups []uint64) {
	t.Helper()
	var named []uint64
	for _, p := range r.Problems {
		if p.Part == "TAIL" && p.Change == Moved {
			continue
		}
		if p.Change != change {
			t.Errorf("found: %v", p)
		}
		named = append(named, p.Groups...)
		if change != Added && len(p.Groups) > 5 && len(p.Sessions) == 0 {
			t.Errorf("no session named: %v", p)
		}
	}
	slices.Sort(named)
	if !slices.Equal(named, groups) {
		t.Errorf("named %v, want %v:\n%s", named, groups, problems(r))
	}
}

// forgeGroup alters, removes and adds a group within a frame, well made.
func forgeGroup(t *testing.T, f forge, frames []expected, k int) {
	d := newDecoder(General())
	content, err := d.content(nil, f.frames[k])
	if err != nil {
		t.Fatal(err)
	}
	texts := splitGroups(content)
	e, err := newEncoder(zstd.SpeedBetterCompression, nil)
	if err != nil || len(texts) != len(frames[k].groups) || len(texts) < 2 {
		t.Fatal(err, len(texts))
	}
	try := func(name string, change Change, n uint64, texts [][]byte) {
		g := f.clone()
		g.frames[k] = e.appendFrame(nil, bytes.Join(texts, nil))
		r := verify(t, g.join(), VerifyOptions{})
		if !has(r, change, n) {
			t.Errorf("%s: group %d is not named:\n%s", name, n, problems(r))
		}
		for _, p := range r.Problems {
			if p.Part == "group" && len(p.Groups) > 1 {
				t.Errorf("%s: more than that group is named: %v", name, p)
			}
		}
	}
	number := frames[k].groups[1].Number
	altered := slices.Clone(texts)
	altered[1] = bytes.Replace(altered[1], []byte("192.0.2.1"), []byte("192.0.2.7"), 1)
	try("altered", Altered, number, altered)
	try("removed", Missing, number, slices.Delete(slices.Clone(texts), 1, 2))
	added := groupOf(9999, session, newWorld(1).run(5).records)
	try("added", Added, 9999, slices.Insert(slices.Clone(texts), 1, added))
	same := [][]byte{content}
	g := f.clone()
	weak, err := newEncoder(zstd.SpeedFastest, nil)
	if err != nil {
		t.Fatal(err)
	}
	g.frames[k] = weak.appendFrame(nil, same[0])
	if r := verify(t, g.join(), VerifyOptions{}); r.OK() {
		t.Error("a frame that was compressed anew was not found")
	}
}

// forgeSeal seals altered records anew: by itself that is a right recording, the
// receipt and the signature tell.
func forgeSeal(t *testing.T, w *world, private PrivateKey, public PublicKey, statement Statement) {
	altered := capturetest.Of(slices.Clone(w.records))
	i := slices.IndexFunc(altered.List, func(r capture.Record) bool { return len(r.Data) > 10 })
	altered.List[i].Data = bytes.ToUpper(altered.List[i].Data)
	receipt, err := ParseReceipt(statement.Receipt())
	if err != nil {
		t.Fatal(err)
	}
	h := NewHeader(nil)
	h.ID = statement.ID
	_, thief, _ := GenerateKey()
	for _, key := range []*PrivateKey{nil, &thief, &private} {
		file, _ := sealAll(t, capturetest.Of(altered.List), SealOptions{Header: h, Indexer: &w.script, Key: key})
		if r := verify(t, file, VerifyOptions{}); !r.OK() {
			t.Error(problems(r))
		}
		r := verify(t, file, VerifyOptions{Receipt: &receipt, Keys: []PublicKey{public}})
		if (r.Signature == SignedRight) != (key == &private) {
			t.Error(r.Signature)
		}
		if !slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Part == "receipt" && strings.Contains(p.Text, "root") }) {
			t.Error(problems(r))
		}
	}
}

// Debian's minisign takes the statement, its signature and our keys, and we take
// what it makes.
func TestMinisign(t *testing.T) {
	tool, err := exec.LookPath("minisign")
	if err != nil {
		t.Skip("minisign is not installed (Debian: apt-get install minisign): nothing tested our signatures with it")
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	run := func(args ...string) string {
		out, err := exec.Command(tool, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("minisign %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	_, private, _ := GenerateKey()
	if err := WriteKeys(at("ours.key"), at("ours.pub"), private, ""); err != nil {
		t.Fatal(err)
	}
	run("-G", "-W", "-p", at("theirs.pub"), "-s", at("theirs.key"))
	for _, name := range []string{"ours", "theirs"} {
		key, err := ReadPrivateKey(at(name+".key"), nil)
		if err != nil {
			t.Fatal(err)
		}
		public, err := ReadPublicKey(at(name + ".pub"))
		if err != nil {
			t.Fatal(err)
		}
		file, _ := newWorld(1).run(100).sealed(t, SealOptions{Header: NewHeader(nil), Key: &key})
		s := openSealed(t, file).Statement()
		for file, text := range map[string]string{"statement": s.Text, "statement.minisig": s.Signature} {
			if err := os.WriteFile(at(file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out := run("-V", "-p", at(name+".pub"), "-m", at("statement"))
		if !strings.Contains(out, fmt.Sprintf("recording:%x", s.ID)) {
			t.Error(out)
		}
		run("-R", "-s", at(name+".key"), "-p", at(name+".again"))
		again, err := os.ReadFile(at(name + ".again"))
		if err != nil || !strings.Contains(string(again), s.Key) {
			t.Errorf("the key's id is %s, minisign says %s, %v", s.Key, again, err)
		}
		run("-S", "-W", "-s", at(name+".key"), "-m", at("statement"))
		theirs, err := os.ReadFile(at("statement.minisig"))
		if err != nil || !verifyText(public, s.Text, string(theirs)) {
			t.Error("what minisign signed is not taken:", err)
		}
	}
}

func TestReceipt(t *testing.T) {
	_, key, _ := GenerateKey()
	_, s := newWorld(1).run(200).sealed(t, SealOptions{Key: &key})
	line := s.Receipt()
	r, err := ParseReceipt("  " + line + "\n")
	if err != nil || len(r.differences(s)) > 0 || r.String() != line {
		t.Fatal(err, r.differences(s))
	}
	s.Groups++
	s.Root[3] ^= 4
	s.Key = ""
	if d := r.differences(s); len(d) != 3 {
		t.Error(d)
	}
	words := strings.Fields(line)
	for i := range words {
		bad := slices.Clone(words)
		bad[i] = "?"
		if _, err := ParseReceipt(strings.Join(bad, " ")); err == nil {
			t.Errorf("%q was taken", strings.Join(bad, " "))
		}
	}
	if _, err := ParseReceipt(strings.Replace(line, "cwmp-receipt 1", "cwmp-receipt 2", 1)); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
	if _, err := ParseReceipt(line + " more"); !errors.Is(err, ErrReceipt) {
		t.Error(err)
	}
}
