package recording

import (
	"fmt"
	"io"

	"informant/capture"
)

// maxDicts is how often a recording holds its dictionary: twice, so that one that
// is damaged costs nothing.
const maxDicts = 2

// front is what stands between HEAD and the frames: DICT, and what should not be
// there.
type front struct {
	dicts  []*Dict  // that are right
	damage []Damage // where something else stands
	begin  int64    // of the frames, as the index says; 0 where it can't be read
	end    int64    // behind all of it
}

// readFront reads what stands before the frames, from the end of HEAD on, or from 0
// where HEAD can't be read. named is what HEAD says, or zero.
func (s *Sealed) readFront(from int64, named Dictionary) (f front, err error) {
	f.end = from
	limit := min(max(from, int64(maxBlocks[tagHead]))+maxDicts*int64(maxBlocks[tagDict]), s.tail)
	if begin, ok := s.firstFrame(); ok {
		f.begin = min(begin, s.tail)
		limit = f.begin
	}
	wrong := func(at, size int64, err error) {
		f.damage = append(f.damage, Damage{Offset: at, Size: size, Err: err})
		f.end = at + size
	}
	scan := scanner{
		w:       window{r: io.NewSectionReader(s.r, from, max(0, limit-from))},
		decoder: newDecoder(),
		damaged: func(d Damage) { wrong(from+d.Offset, d.Size, d.Err) },
		missing: func(uint32) error { return ErrDictionary },
		fits:    func([]byte) bool { return false },
	}
	for {
		e, err := scan.next()
		if err != nil {
			return f, readErr(err)
		}
		at := from + e.offset
		if e.tag == tagHead && at == 0 {
			f.end = int64(e.size)
			continue // its text can't be read
		}
		if e.tag != tagDict || len(f.dicts) == maxDicts {
			return f, nil
		}
		if at > f.end {
			wrong(f.end, at-f.end, errUnknownBytes)
		}
		d, err := openDict(e.body, named)
		if err != nil {
			wrong(at, int64(e.size), err)
			continue
		}
		f.dicts, f.end = append(f.dicts, d), at+int64(e.size)
	}
}

// firstFrame is where the index has the first frame.
func (s *Sealed) firstFrame() (offset int64, ok bool) {
	for line, err := range s.tree(treeFrame).all() {
		if l, bad := parseFrameLine(line); err == nil && bad == nil {
			return l.offset, l.first == 1
		}
		break
	}
	for line, err := range s.tree(treeGroup).all() {
		if g, bad := parseGroup(line); err == nil && bad == nil {
			return g.frame.offset, g.Number == 1
		}
		break
	}
	return 0, false
}

// dictionary makes the dictionary known that HEAD names: a general one, one that
// the caller has, or the first DICT that is right.
func (s *Sealed) dictionary(named Dictionary) error {
	if named.ID == 0 {
		return nil
	}
	if g := findGeneral(named.Sum); g != nil {
		s.decoder.add(g)
	}
	if d := s.decoder.dicts[named.ID]; d != nil && d.Sum == named.Sum {
		return nil
	}
	if b, err := s.block(s.begin, tagDict); err == nil {
		if d, err := openDict(b.body, named); err == nil {
			s.decoder.add(d)
			return nil
		}
	}
	f, err := s.readFront(s.begin, named)
	if err != nil {
		return err
	}
	if len(f.dicts) > 0 {
		s.decoder.add(f.dicts[0])
		return nil
	}
	for _, d := range f.damage {
		return fmt.Errorf("%w: DICT, %d bytes at offset %d: %w", capture.ErrDamaged, d.Size, d.Offset, d.Err)
	}
	return fmt.Errorf("%w: %d, %s, SHA-256 %x", ErrDictionary, named.ID, named.Name, named.Sum)
}
