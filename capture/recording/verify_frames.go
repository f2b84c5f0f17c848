package recording

import (
	"errors"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/tlog"
)

// expected is a frame as the index describes it, as far as its pages can be read.
type expected struct {
	extent
	first, last uint64 // groups
	sum         [32]byte
	summed      bool    // sum is known
	groups      []Group // empty where they are not known
}

// numbers are the groups in the frame.
func (e *expected) numbers() (list []uint64) {
	for n := e.first; n <= e.last && len(list) < maxNamed; n++ {
		list = append(list, n)
	}
	return list
}

func (e *expected) count() uint64 { return e.last - e.first + 1 }

// noted is a tree that notes its pages.
func (v *verifier) noted(name string) *tree {
	t := v.s.tree(name)
	t.visit = func(ref pageRef) { v.pages = append(v.pages, ref) }
	return t
}

// walk yields the lines of a tree that can be read, and tells what can't.
func (v *verifier) walk(name string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for line, err := range v.noted(name).all() {
			if errors.As(err, new(*readError)) {
				v.fault = err
				return
			}
			if err != nil {
				v.badPage(name, err)
			} else if !yield(line) {
				return
			}
		}
	}
}

func (v *verifier) badPage(name string, err error) {
	p := Problem{Part: "index", Offset: v.s.tail, Text: fmt.Sprintf("tree %s: %v", name, err)}
	var bad *pageError
	if errors.As(err, &bad) {
		p.Offset, p.Size, p.Text = bad.ref.offset+v.shift, bad.ref.size, fmt.Sprintf("a page of the tree %s: %v", name, bad.err)
	}
	v.badTree[name] = true
	if !v.bad[p.Offset] {
		v.bad[p.Offset] = true
		v.problem(p)
	}
}

// badLine tells of a line of the index that is malformed, though its page is as
// it was sealed.
func (v *verifier) badLine(name string, err error) {
	v.bad[-1], v.badTree[name] = true, true
	v.problem(Problem{Part: "index", Offset: v.s.tail, Text: fmt.Sprintf("tree %s: %v", name, err)})
}

// frames checks all frames, and what else is in the index.
func (v *verifier) frames() error {
	for _, h := range v.leaves {
		if err := v.tree.add(h); err != nil {
			return err
		}
	}
	for _, name := range []string{treeSession, treeDevice, treeID} {
		for range v.walk(name) {
		}
	}
	v.at = v.s.begin
	for e := range v.expected() {
		if err := v.frame(&e); err != nil {
			return err
		}
	}
	if end := v.pagesBegin(); v.at < end && !(len(v.bad) > 0 && len(v.pages) == 0) {
		v.regions = append(v.regions, extent{v.at, end - v.at})
	}
	if len(v.lost) > 0 || len(v.regions) > 0 {
		return v.compare()
	}
	return nil
}

// expected yields the frames of the index, joined of the frame and the group tree.
func (v *verifier) expected() iter.Seq[expected] {
	return func(yield func(expected) bool) {
		frame, stopFrames := iter.Pull(v.frameLines())
		defer stopFrames()
		groups, stopGroups := iter.Pull(v.batches())
		defer stopGroups()
		f, moreFrames := frame()
		g, moreGroups := groups()
		for moreFrames || moreGroups {
			var e expected
			switch {
			case !moreGroups || moreFrames && f.offset < g.offset:
				e = f
				f, moreFrames = frame()
			case !moreFrames || g.offset < f.offset:
				e = g
				g, moreGroups = groups()
			default:
				e = v.join(f, g)
				f, moreFrames = frame()
				g, moreGroups = groups()
			}
			if !yield(e) {
				return
			}
		}
	}
}

// join is a frame as both trees describe it.
func (v *verifier) join(f, g expected) expected {
	f.groups = g.groups
	switch {
	case f.size == g.size && f.first == g.first && f.last == g.last:
	case len(v.bad) == 0 && f.size == g.size && f.first == g.first && f.last == v.s.statement.Groups:
		f.last = g.last // the last frame: how many groups there should be is looked at later
	case len(v.bad) == 0:
		v.badLine(treeFrame, fmt.Errorf("the frame of group %d is described in two ways", g.first))
	case v.badTree[treeFrame]: // the next frame is not known
		f.last = g.last
	}
	return f
}

// frameLines yields the frames of the frame tree.
func (v *verifier) frameLines() iter.Seq[expected] {
	return func(yield func(expected) bool) {
		var before expected
		for line := range v.walk(treeFrame) {
			l, err := parseFrameLine(line)
			if err != nil {
				v.badLine(treeFrame, err)
				continue
			}
			if before.first > 0 {
				before.last = max(before.first, l.first-1)
				if !yield(before) {
					return
				}
			}
			before = expected{extent: l.extent, first: l.first, sum: l.sum, summed: true}
		}
		if before.first > 0 {
			before.last = max(before.first, v.s.statement.Groups)
			yield(before)
		}
	}
}

// batches yields the frames of the group tree.
func (v *verifier) batches() iter.Seq[expected] {
	return func(yield func(expected) bool) {
		var e expected
		for line := range v.walk(treeGroup) {
			g, err := parseGroup(line)
			if err != nil {
				v.badLine(treeGroup, err)
				continue
			}
			v.groups++
			v.records += g.Records
			v.bytes += g.Bytes
			v.span.span(g.First)
			v.span.span(g.Last)
			if len(e.groups) > 0 && g.frame == e.extent {
				e.groups, e.last = append(e.groups, g), g.Number
				continue
			}
			if len(e.groups) > 0 && !yield(e) {
				return
			}
			e = expected{extent: g.frame, first: g.Number, last: g.Number, groups: []Group{g}}
		}
		if len(e.groups) > 0 {
			yield(e)
		}
	}
}

// frame checks a frame where it should stand: there, or, where the file was made
// longer or shorter, as much further on as TAIL.
func (v *verifier) frame(e *expected) error {
	found := int64(-1)
	for i, shift := range []int64{0, v.shift} {
		at := e.offset + shift
		if i > 0 && shift == 0 || at < v.at || at+e.size > v.s.tail || found >= 0 {
			continue
		}
		frame, err := v.read(extent{at, e.size})
		if err != nil {
			return err
		}
		if e.summed && sumOf(frame) == e.sum || !e.summed && v.proven(e, frame) {
			found = at
			if err := v.inside(e, frame); err != nil {
				return err
			}
		}
	}
	if found < 0 {
		v.lost = append(v.lost, *e)
		return nil
	}
	if found > v.at {
		v.regions = append(v.regions, extent{v.at, found - v.at})
	}
	v.at = found + e.size
	if v.o.Progress != nil && v.at-v.told > 1<<20 {
		v.told = v.at
		v.o.Progress(v.at, v.size)
	}
	return nil
}

// read reads a part of the file.
func (v *verifier) read(e extent) ([]byte, error) {
	if int64(cap(v.s.packed)) < e.size {
		v.s.packed = make([]byte, e.size)
	}
	b := v.s.packed[:e.size]
	if n, err := v.r.ReadAt(b, e.offset); n < len(b) {
		return nil, cmpErr(err)
	}
	return b, nil
}

// proven says whether a frame holds the groups that it should.
func (v *verifier) proven(e *expected, frame []byte) bool {
	content, err := v.s.unpack(frame)
	if err != nil {
		return false
	}
	v.s.content = content
	return len(v.differing(e, content)) == 0
}

// inside checks the groups of a frame that is as it was sealed, and adds them to
// the Merkle tree.
func (v *verifier) inside(e *expected, frame []byte) error {
	if len(e.groups) == 0 { // their page of the index is damaged
		v.report.Groups += e.count()
		return nil
	}
	content, err := v.s.unpack(frame)
	if err != nil { // the frame's hash is right
		v.report.Groups += uint64(len(e.groups))
		if h, _ := parseFrameHeader(frame); h.dict == 0 || v.s.decoder.dicts[h.dict] != nil {
			v.problem(Problem{Part: "frame", Offset: e.offset, Size: e.size, Groups: e.numbers(), Text: fmt.Sprintf("it is as it was sealed, and can't be read: %v", err)})
		}
		return nil
	}
	v.s.content = content
	wrong := v.differing(e, content)
	if len(wrong) > 0 {
		v.problem(Problem{Part: "index", Offset: e.offset, Size: e.size, Groups: wrong, Text: "what it says of the groups in this frame is wrong"})
		return nil
	}
	v.report.Groups += e.count()
	for i := range e.groups {
		if err := v.tree.add(e.groups[i].leaf); err != nil {
			return err
		}
	}
	return nil
}

// differing are the groups of a frame whose text is not what the index says, or
// that do not fill the content. Where pages of the index can't be read, it may not
// know all groups of the frame.
func (v *verifier) differing(e *expected, content []byte) (wrong []uint64) {
	whole := !v.badTree[treeGroup]
	at := int64(0)
	for i := range e.groups {
		g := &e.groups[i]
		if g.text.offset != at && whole || g.text.end() > int64(len(content)) ||
			!v.matches(g, content[g.text.offset:g.text.end()]) {
			wrong = append(wrong, g.Number)
		}
		at = g.text.end()
	}
	if at != int64(len(content)) && len(wrong) == 0 && whole {
		wrong = []uint64{e.last}
	}
	return wrong
}

func (v *verifier) matches(g *Group, text []byte) bool {
	c, err := openGroup(text, 0, &conns{})
	return err == nil && c.Number == g.Number && c.Kind == g.Kind && c.heading.base.seq == g.FirstSeq &&
		tlog.RecordHash(text) == g.leaf
}
