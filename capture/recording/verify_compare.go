package recording

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// found is something that stands in the file and was not where the index has it.
type found struct {
	extent
	sum    [32]byte
	groups []uint64
	err    error // why it could not be read
	is     int   // index of the lost frame that it is, or -1
}

// compare looks for lost frames in the parts of the file that hold something
// else, and tells what was altered, is missing, was added or moved.
func (v *verifier) compare() error {
	bySum := map[[32]byte]int{}
	for i, e := range v.lost {
		if e.summed {
			bySum[e.sum] = i
		}
	}
	var all []found
	for _, region := range v.regions {
		list, err := v.search(region)
		if err != nil {
			return err
		}
		all = append(all, list...)
	}
	here := make([]bool, len(v.lost))
	for i := range all {
		if n, ok := bySum[all[i].sum]; ok && !here[n] {
			all[i].is, here[n] = n, true
			v.report.Groups += v.lost[n].count()
		}
	}
	v.moved(all)
	for i := range all {
		if f := &all[i]; f.is < 0 {
			if n := v.instead(f, here); n >= 0 {
				here[n] = true
				if err := v.altered(&v.lost[n], f); err != nil {
					return err
				}
				continue
			}
			v.added(f)
		}
	}
	for n, is := range here {
		if e := &v.lost[n]; !is {
			v.problem(Problem{Change: Missing, Part: "frame", Offset: e.offset, Size: e.size, Groups: e.numbers()})
		}
	}
	return nil
}

// added tells of something that no frame of the index is.
func (v *verifier) added(f *found) {
	if len(v.bad) > 0 && (f.err == nil || errors.Is(f.err, errPageBlock)) {
		return // the index is damaged: it may be in there
	}
	p := Problem{Change: Added, Part: "frame", Offset: f.offset, Size: f.size, Groups: f.groups}
	if f.err != nil {
		p.Text = f.err.Error()
	}
	v.problem(p)
}

// instead is the lost frame in whose place something stands; -1 without one.
func (v *verifier) instead(f *found, here []bool) int {
	for n := range v.lost {
		e := &v.lost[n]
		if here[n] {
			continue
		}
		if f.err == nil && len(f.groups) > 0 {
			if slices.ContainsFunc(f.groups, func(g uint64) bool { return g >= e.first && g <= e.last }) {
				return n
			}
			continue
		}
		for _, shift := range []int64{0, v.shift} {
			if from := e.offset + shift; from < f.end() && from+e.size > f.offset {
				return n
			}
		}
	}
	return -1
}

// altered tells what of a frame differs.
func (v *verifier) altered(e *expected, f *found) error {
	p := Problem{Part: "frame", Offset: f.offset, Size: f.size, Groups: e.numbers()}
	if f.err != nil {
		p.Text = f.err.Error()
		v.problem(p)
		return nil
	}
	frame, err := v.read(f.extent)
	if err != nil {
		return err
	}
	content, err := v.s.unpack(frame)
	if err != nil || len(e.groups) == 0 {
		v.problem(p)
		return nil
	}
	v.s.content = content
	v.byGroup(p, e, content)
	return nil
}

// byGroup tells which groups of a frame differ.
func (v *verifier) byGroup(p Problem, e *expected, content []byte) {
	sealed, here := map[uint64]*Group{}, map[uint64]bool{}
	for i := range e.groups {
		sealed[e.groups[i].Number] = &e.groups[i]
	}
	lists := map[Change][]uint64{}
	for _, text := range splitGroups(content) {
		c, err := openGroup(text, 0, &conns{})
		if err != nil {
			continue
		}
		g := sealed[c.Number]
		switch {
		case g == nil || here[c.Number]:
			lists[Added] = append(lists[Added], c.Number)
		case !v.matches(g, text):
			lists[Altered] = append(lists[Altered], c.Number)
		default:
			v.report.Groups++
		}
		here[c.Number] = true
	}
	for _, n := range e.numbers() {
		if !here[n] {
			lists[Missing] = append(lists[Missing], n)
		}
	}
	if len(lists) == 0 {
		p.Text = "the frame's bytes differ, all groups in it are as they were"
		v.problem(p)
		return
	}
	for _, change := range []Change{Altered, Missing, Added} {
		if p.Change, p.Groups = change, lists[change]; len(p.Groups) > 0 {
			p.Part = "group"
			v.problem(p)
		}
	}
}

// splitGroups takes a frame's content apart. What does not begin a group stays
// with what is before it.
func splitGroups(content []byte) (list [][]byte) {
	for len(content) > 0 {
		c, err := openGroup(content, 0, &conns{})
		if err != nil {
			return append(list, content)
		}
		end, err := groupEnd(content, c.at)
		if err != nil || end <= 0 {
			return append(list, content)
		}
		list, content = append(list, content[:end]), content[end:]
	}
	return list
}

// moved tells of frames that stand in another order than they were sealed in.
func (v *verifier) moved(all []found) {
	var order []int // of all, those that are frames of the index
	for i := range all {
		if all[i].is >= 0 {
			order = append(order, i)
		}
	}
	for _, i := range outOfOrder(order, func(i int) int { return all[i].is }) {
		f := &all[i]
		e := &v.lost[f.is]
		v.problem(Problem{Change: Moved, Part: "frame", Offset: f.offset, Size: f.size, Groups: e.numbers(),
			Text: fmt.Sprintf("it was sealed at offset %d", e.offset)})
	}
}

// outOfOrder are the items that have to be taken out for the others to be in
// order, as few as possible.
func outOfOrder(items []int, rank func(int) int) (out []int) {
	var tails []int // of the runs of each length, the one that ends lowest: its last index
	before := make([]int, len(items))
	for i := range items {
		n, _ := slices.BinarySearchFunc(tails, rank(items[i]), func(t, r int) int { return rank(items[t]) - r })
		before[i] = -1
		if n > 0 {
			before[i] = tails[n-1]
		}
		if n == len(tails) {
			tails = append(tails, i)
		} else {
			tails[n] = i
		}
	}
	keep := map[int]bool{}
	if len(tails) > 0 {
		for i := tails[len(tails)-1]; i >= 0; i = before[i] {
			keep[i] = true
		}
	}
	for i, item := range items {
		if !keep[i] {
			out = append(out, item)
		}
	}
	return out
}

var (
	errUnknownBytes = errors.New("no frame")
	errPageBlock    = errors.New("a page of another index")
)

// search takes a part of the file apart.
func (v *verifier) search(region extent) (list []found, err error) {
	at := region.offset
	add := func(e extent, err error) {
		if gap := e.offset - at; gap > 0 { // a skippable frame of somebody
			list = append(list, found{extent: extent{at, gap}, err: errUnknownBytes, is: -1})
		}
		list = append(list, found{extent: e, err: err, is: -1})
		at = e.end()
	}
	s := scanner{
		w:       window{r: io.NewSectionReader(v.r, region.offset, region.size)},
		decoder: v.s.decoder,
		damaged: func(d Damage) { add(extent{region.offset + d.Offset, d.Size}, d.Err) },
		missing: func(uint32) error { return nil },
		fits:    func([]byte) bool { return true },
	}
	for {
		e, err := s.next()
		if err != nil {
			if readErr(err) != nil {
				return nil, err
			}
			break
		}
		add(extent{region.offset + e.offset, int64(e.size)}, nil)
		f := &list[len(list)-1]
		if e.tag != "" {
			if f.err = fmt.Errorf("a block %s", e.tag); e.tag == tagPage {
				f.err = errPageBlock
			}
			continue
		}
		for _, text := range splitGroups(e.text) {
			if c, err := openGroup(text, 0, &conns{}); err == nil && len(f.groups) < maxNamed {
				f.groups = append(f.groups, c.Number)
			}
		}
	}
	if at < region.end() {
		add(extent{at, region.end() - at}, errUnknownBytes)
	}
	for i := range list {
		if f := &list[i]; f.size <= maxFrame {
			b, err := v.read(f.extent)
			if err != nil {
				return nil, err
			}
			f.sum = sumOf(b)
		}
	}
	return list, nil
}
