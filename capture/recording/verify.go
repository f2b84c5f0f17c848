package recording

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
	"informant/capture"
)

// Verify proves a sealed recording: the signature, every group and every other
// byte of the file by the index, and all of it by the Merkle root. What differs is
// named. Memory does not grow with the recording, only with what is wrong in it.
//
// An error says that nothing was proven: the input can't be read, is no sealed
// recording (ErrNotSealed), of a newer version (ErrVersion), or its dictionary is
// missing (ErrDictionary).
func Verify(r io.ReaderAt, size int64, o VerifyOptions) (Report, error) {
	v := &verifier{r: r, size: size, o: o, bad: map[int64]bool{}, badTree: map[string]bool{}}
	v.s = &Sealed{r: r, pages: newPageReader(r), decoder: newDecoder(o.Dicts...)}
	defer v.s.Close()
	if err := v.end(); err != nil {
		return v.report, err
	}
	v.signature()
	if err := v.head(); err != nil {
		return v.report, err
	}
	if err := v.frames(); err != nil || v.fault != nil {
		return v.report, cmp.Or(v.fault, err)
	}
	v.covered()
	if err := v.root(); err != nil {
		return v.report, err
	}
	v.totals()
	v.receipt()
	v.sessions()
	slices.SortStableFunc(v.report.Problems, func(a, b Problem) int { return cmp.Compare(a.Offset, b.Offset) })
	return v.report, nil
}

type verifier struct {
	r      io.ReaderAt
	size   int64
	o      VerifyOptions
	s      *Sealed
	report Report
	shift  int64 // how much further back than it says TAIL stands

	pages   []pageRef      // that were visited, later in order of the file
	bad     map[int64]bool // offsets of pages that can't be read
	badTree map[string]bool
	leaves  []tlog.Hash // of HEAD and DICT
	tree    merkle
	groups  uint64 // in the index
	records uint64
	bytes   int64
	span    Group // its times are those of all groups

	lost    []expected // frames that are not where they should be
	regions []extent   // that no frame of the index stands in
	at      int64      // the end of the last frame that was found
	told    int64
	fault   error // of reading the file
}

func (v *verifier) problem(p Problem) { v.report.add(p) }

// readErr makes errors of reading the file stand out from what is wrong in it.
func readErr(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, capture.ErrDamaged) {
		return nil
	}
	return err
}

// end reads TAIL.
func (v *verifier) end() error {
	prefix := make([]byte, sniffed)
	if n, err := v.r.ReadAt(prefix, 0); n < len(prefix) && readErr(err) != nil {
		return err
	}
	s, at, err := readTail(v.r, v.size)
	if errors.Is(err, ErrNotSealed) {
		found, where, ok := v.searchTail()
		switch {
		case !ok && !Sniff(prefix):
			return fmt.Errorf("%w: no recording", capture.ErrFormat)
		case !ok:
			return err
		}
		s, at, err = found, where, errTail
	} else if err != nil && !errors.Is(err, capture.ErrDamaged) {
		return err
	}
	v.s.statement, v.s.tail, v.report.Statement, v.report.Key = s, at, s, s.Key
	switch v.s.pages.shift = v.shift; {
	case v.shift != 0:
		v.problem(Problem{Change: Moved, Part: "TAIL", Offset: at, Size: v.size - at, Text: fmt.Sprintf("it was sealed at offset %d", at-v.shift)})
	case err != nil:
		v.bad[-1] = true // its word is not to be taken
		v.problem(Problem{Part: "TAIL", Offset: at, Size: v.size - at, Text: err.Error()})
	}
	return nil
}

// searchTail looks for a TAIL that is damaged, or not where it says.
func (v *verifier) searchTail() (s Statement, at int64, ok bool) {
	from := max(0, v.size-maxTail)
	b := make([]byte, v.size-from)
	if n, _ := v.r.ReadAt(b, from); n < len(b) {
		return s, 0, false
	}
	i := bytes.LastIndex(b, []byte(tagTail)) - frameHead
	if i < 0 {
		i = bytes.LastIndex(b, []byte("seal: "+sealVersion+"\nrecording: ")) - frameHead - tagSize
	}
	if i < 0 || len(b)-i < blockFix+tailFix {
		return s, 0, false
	}
	at = from + int64(i)
	body := b[i+frameHead+tagSize : len(b)-4]
	s, err := parseTail(body)
	if err != nil {
		s, _ = parseStatement(textOf(b[i+frameHead+tagSize:]))
	}
	_, _, _, sumErr := parseBlock(b[i:])
	if claimed := int64(binary.LittleEndian.Uint64(body[len(body)-tailFix:])); err == nil && sumErr == nil {
		v.shift = at - claimed
	}
	return s, at, true
}

// textOf is the lines that bytes begin with.
func textOf(b []byte) string {
	if i := bytes.IndexFunc(b, func(r rune) bool { return r != '\n' && r != '\t' && (r < ' ' || r > '~') }); i >= 0 {
		b = b[:i]
	}
	return string(b[:bytes.LastIndexByte(b, '\n')+1])
}

// signature checks the signature with the keys.
func (v *verifier) signature() {
	s := &v.report.Statement
	state, text := Unsigned, "it is not signed"
	if s.Signature != "" {
		state, text = SignedUnknown, "by the key "+s.Key+", which is none of those that were given"
	}
	for _, k := range v.o.Keys {
		if s.Signature == "" || KeyID(k.ID()) != s.Key {
			continue
		}
		if verifyText(k, s.Text, s.Signature) {
			state = SignedRight
			break
		}
		state, text = SignatureWrong, "it is not of the key "+s.Key
	}
	v.report.Signature = state
	if len(v.o.Keys) > 0 && state != SignedRight {
		p := Problem{Part: "signature", Offset: v.s.tail, Text: text}
		if state == Unsigned {
			p.Change = Missing
		}
		v.problem(p)
	}
}

// head reads HEAD and DICT.
func (v *verifier) head() error {
	h, err := v.s.open()
	if errors.Is(err, ErrVersion) || err != nil && readErr(err) != nil && !errors.Is(err, ErrDictionary) {
		return err
	}
	v.report.Header = h
	f, fault := v.s.readFront(v.s.begin, h.Dictionary)
	if fault != nil {
		return fault
	}
	if errors.Is(err, ErrDictionary) && f.end >= f.begin {
		return err // nothing of it was ever in the file
	}
	if v.s.begin == 0 {
		v.noHead(&f, err)
	} else if h.ID != v.s.statement.ID && len(v.bad) == 0 {
		v.problem(Problem{Part: "HEAD", Size: v.s.begin, Text: "it is of another recording than TAIL"})
	}
	v.front(&f)
	if v.report.differs() {
		return nil // the root will not be asked for
	}
	return v.hashHead()
}

// noHead tells of a HEAD that can't be read, and goes on without: with any
// dictionary that is known.
func (v *verifier) noHead(f *front, err error) {
	p := Problem{Part: "HEAD", Text: err.Error()}
	if len(f.damage) > 0 && f.damage[0].Offset == 0 {
		p.Size, f.damage = f.damage[0].Size, f.damage[1:]
	}
	v.problem(p)
	v.s.decoder.addGenerals()
	for _, d := range f.dicts {
		v.s.decoder.add(d)
	}
}

// front tells of what stands between HEAD and the frames and is no dictionary of
// the recording.
func (v *verifier) front(f *front) {
	for _, d := range f.damage {
		v.problem(Problem{Part: "DICT", Offset: d.Offset, Size: d.Size, Text: d.Err.Error()})
	}
	v.s.begin = f.end
	if f.end >= f.begin {
		return
	}
	p := Problem{Part: "DICT", Offset: f.end, Size: f.begin - f.end}
	if v.shift < 0 {
		p.Change = Missing
	} else {
		v.s.begin = f.begin
	}
	v.problem(p)
}

// hashHead notes the leaves of HEAD and DICT, which are all there is before
// v.s.begin.
func (v *verifier) hashHead() error {
	b := make([]byte, v.s.begin)
	if n, err := v.r.ReadAt(b, 0); n < len(b) {
		return cmpErr(err)
	}
	for len(b) > 0 {
		size, _ := skippable(b)
		v.leaves, b = append(v.leaves, tlog.RecordHash(b[:size])), b[size:]
	}
	return nil
}

// covered checks that frames and pages are all there is.
func (v *verifier) covered() {
	slices.SortFunc(v.pages, func(a, b pageRef) int { return cmp.Compare(a.offset, b.offset) })
	v.pages = slices.CompactFunc(v.pages, func(a, b pageRef) bool { return a.offset == b.offset })
	if len(v.bad) > 0 {
		return // pages below these are not known
	}
	at := v.pagesBegin()
	for _, ref := range v.pages {
		if from := ref.offset + v.shift; from > at {
			v.problem(Problem{Change: Added, Part: "index", Offset: at, Size: from - at, Text: "no page of the index stands there"})
		}
		at = max(at, ref.offset+v.shift+ref.size)
	}
	if at < v.s.tail {
		v.problem(Problem{Change: Added, Part: "index", Offset: at, Size: v.s.tail - at, Text: "no page of the index stands there"})
	}
}

// pagesBegin is where the first page stands, as far as is known.
func (v *verifier) pagesBegin() int64 {
	begin := v.s.tail
	for _, ref := range v.pages {
		begin = min(begin, ref.offset+v.shift)
	}
	return begin
}

// root compares the Merkle root. Where something was found before, the root is
// another, and that says no more.
func (v *verifier) root() error {
	if len(v.bad) > 0 || v.report.differs() {
		return nil
	}
	for _, ref := range v.pages {
		b := make([]byte, ref.size)
		if n, err := v.r.ReadAt(b, ref.offset); n < len(b) {
			return cmpErr(err)
		}
		if err := v.tree.add(tlog.RecordHash(b)); err != nil {
			return err
		}
	}
	root, err := v.tree.root()
	if err != nil {
		return err
	}
	if s := v.s.statement; root != s.Root || v.tree.leaves != s.Leaves {
		v.problem(Problem{Part: "root", Offset: v.s.tail,
			Text: fmt.Sprintf("the Merkle root of this file is %v of %d leaves, sealed was %v of %d", root, v.tree.leaves, tlog.Hash(s.Root), s.Leaves)})
	}
	return nil
}

// differs says whether anything was found that the Merkle tree covers.
func (r *Report) differs() bool {
	return slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Part != "signature" && p.Part != "TAIL" })
}

// totals compares what the statement says with the index.
func (v *verifier) totals() {
	s := v.s.statement
	if len(v.bad) > 0 || v.report.differs() {
		return
	}
	for _, c := range []struct {
		what       string
		have, says uint64
	}{
		{"groups", v.groups, s.Groups}, {"records", v.records, s.Records}, {"bytes", uint64(v.bytes), uint64(s.Bytes)},
		{"sessions", uint64(v.s.tree(treeSession).root.lines), s.Sessions},
		{"sessions by their id", uint64(v.s.tree(treeID).root.lines), uint64(v.s.tree(treeSession).root.lines)},
	} {
		if c.have != c.says {
			v.problem(Problem{Part: "TAIL", Offset: v.s.tail, Text: fmt.Sprintf("there should be %d %s, and are %d", c.says, c.what, c.have)})
		}
	}
	if !v.span.First.Equal(s.First) || !v.span.Last.Equal(s.Last) {
		v.problem(Problem{Part: "TAIL", Offset: v.s.tail, Text: fmt.Sprintf("its records should be from %s to %s, and are from %s to %s",
			stamp(s.First), stamp(s.Last), stamp(v.span.First), stamp(v.span.Last))})
	}
}

func (v *verifier) receipt() {
	if v.o.Receipt == nil {
		return
	}
	for _, d := range v.o.Receipt.differences(v.s.statement) {
		v.problem(Problem{Part: "receipt", Offset: v.s.tail, Text: d})
	}
}

const maxNamed = 1000 // sessions in a problem

// sessions names the sessions of the groups that differ.
func (v *verifier) sessions() {
	of := map[uint64][]int{}
	for i, p := range v.report.Problems {
		if p.Change == Added {
			continue // the index does not know it
		}
		for _, g := range p.Groups {
			of[g] = append(of[g], i)
		}
	}
	if len(of) == 0 {
		return
	}
	for line, err := range v.s.tree(treeSession).all() { // what can't be read was told
		e, bad := parseEntry(line)
		if err != nil || bad != nil {
			continue
		}
		for _, g := range e.own {
			for _, i := range of[g] {
				p := &v.report.Problems[i]
				if n := len(p.Sessions); n < maxNamed && (n == 0 || p.Sessions[n-1].ID != e.ID) {
					p.Sessions = append(p.Sessions, e)
				}
			}
		}
	}
}
