package recording

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// element is a frame or a block of ours, whole: what was wrong with it would
// have been found.
type element struct {
	offset int64
	size   int
	frame  int    // its number, counted from 1
	tag    string // of a block; "" for a data frame
	body   []byte // of a block; valid until the next element
	text   []byte // content of a data frame
	closed error  // of a data frame: the dictionary is missing, and there is no text
}

// scanner takes an input apart. What is damaged it steps over, to the next frame
// or block that is whole.
type scanner struct {
	w       window
	decoder *decoder
	frame   int
	text    []byte // room for the next content; given away with an element
	damaged func(Damage)
	// missing is asked whether a dictionary was named that nobody has. Then a frame
	// with it is no damage.
	missing func(dict uint32) error
	// fits says whether a group found behind damage can be of this recording.
	fits func(text []byte) bool
	work int64 // done in vain since the last whole element, about as much as decoding so many bytes
}

// maxInVain is how many bytes are decoded in vain, in search of the next whole
// frame behind damage, before the search becomes coarser: then it looks at places
// that are coarse bytes apart, and twice as far each time so much was in vain
// again.
const (
	maxInVain = 64 << 20
	coarse    = 4 << 10
)

// verdict is what was found at a place.
type verdict struct {
	element
	ends  int   // where the next begins, if err is of the content only; else 0
	whole bool  // it is valid
	other int64 // a skippable frame that is not ours: its size
	err   error
}

// next returns the next element that is whole, and io.EOF at the end of the
// input.
func (s *scanner) next() (element, error) {
	for {
		if s.w.ended(0) {
			return element{}, s.w.err
		}
		s.frame++
		v := s.examine(0)
		switch {
		case v.other > 0:
			s.stepOver(v.other)
			continue
		case v.whole:
			return s.take(v, 0), nil
		}
		if e, ok, err := s.resync(v); ok || err != nil {
			return e, err
		}
	}
}

// stepOver skips a skippable frame that is not ours.
func (s *scanner) stepOver(size int64) {
	d := Damage{Offset: s.w.offset(), Frame: s.frame, Err: ErrTorn}
	if d.Size = s.w.skip(size); d.Size < size {
		s.damaged(d)
	}
}

// take goes on behind what was found at a distance.
func (s *scanner) take(v verdict, distance int) element {
	v.offset, v.frame = s.w.offset()+int64(distance), s.frame
	s.w.skip(int64(distance + v.size))
	s.work = 0
	if v.tag == "" && v.closed == nil {
		s.text = nil
	}
	return v.element
}

// examine looks at what stands at a distance from the next byte.
func (s *scanner) examine(at int) verdict {
	b := s.w.peek(at, frameHead+tagSize)
	if len(b) < 4 {
		return verdict{err: ErrTorn}
	}
	if binary.LittleEndian.Uint32(b) == magicFrame {
		return s.examineFrame(at)
	}
	if binary.LittleEndian.Uint32(b)&^15 != magicSkippable {
		return verdict{err: errNoFrame}
	}
	if len(b) < frameHead {
		return verdict{err: ErrTorn}
	}
	size, _ := skippable(b)
	if size < frameHead+tagSize || len(b) < frameHead+4 {
		return verdict{other: size}
	}
	if string(b[frameHead:frameHead+4]) == "cwmp" || nearlyOurs(b) {
		return s.examineBlock(at, size)
	}
	return verdict{other: size}
}

// nearlyOurs says whether a skippable frame is a block of ours but for one letter
// of its tag, which is damage. b begins with the frame and may end early.
func nearlyOurs(b []byte) bool {
	if len(b) < frameHead+tagSize || binary.LittleEndian.Uint32(b) != magicBlock {
		return false
	}
	for tag := range maxBlocks {
		same := 0
		for i := range tagSize {
			if b[frameHead+i] == tag[i] {
				same++
			}
		}
		if same == tagSize-1 {
			return true
		}
	}
	return false
}

func (s *scanner) examineBlock(at int, size int64) verdict {
	head := s.w.peek(at, frameHead+tagSize)
	if len(head) < frameHead+tagSize {
		return verdict{err: ErrTorn}
	}
	tag := string(head[frameHead:])
	limit, known := maxBlocks[tag]
	if !known {
		limit = maxFrame
	}
	if size > int64(limit) {
		if known || needed(tag) {
			return verdict{err: errTooLarge}
		}
		return verdict{other: size}
	}
	b := s.w.peek(at, int(size))
	if len(b) < int(size) {
		return verdict{err: ErrTorn}
	}
	tag, body, ours, err := parseBlock(b)
	if !ours && err == nil {
		err = errNoFrame // another of the sixteen magic numbers
	}
	if err != nil {
		s.work += size
		return verdict{ends: int(size), err: err}
	}
	return verdict{element: element{size: int(size), tag: tag, body: body}, whole: true}
}

// maxBlocks is how large a block may be, whole.
var maxBlocks = map[string]int{
	tagHead: maxHead + blockFix, tagDict: maxDict + maxDict/8, tagPage: maxDict + maxDict/8, tagTail: maxHead + blockFix,
}

func (s *scanner) examineFrame(at int) verdict {
	h, size, err := s.frameSize(at)
	if err != nil {
		return verdict{err: err}
	}
	v := verdict{element: element{size: size}, ends: size}
	if h.dict != 0 && s.decoder.dicts[h.dict] == nil {
		if v.closed = s.missing(h.dict); v.closed != nil {
			v.whole = true
			return v
		}
	}
	text, err := s.decoder.content(s.text[:0], s.w.peek(at, size))
	if err != nil {
		v.err = fmt.Errorf("%w: %w", errContent, err)
		s.work += int64(h.content)
		return v
	}
	v.text, s.text, v.whole = text, text, true
	return v
}

// frameSize finds the end of a data frame by its blocks.
func (s *scanner) frameSize(at int) (h frameHeader, size int, err error) {
	blocks := 0
	h, err = parseFrameHeader(s.w.peek(at, 18))
	if errors.Is(err, errMore) {
		return h, 0, ErrTorn
	}
	if err != nil {
		return h, 0, err
	}
	s.work += int64(h.size)
	for size = h.size; ; {
		if blocks++; blocks > maxBlockCount {
			return h, 0, errTooLarge
		}
		s.work += 16
		b := s.w.peek(at+size, 3)
		if len(b) < 3 {
			return h, 0, ErrTorn
		}
		n, last, err := blockSize(b)
		if err != nil {
			return h, 0, err
		}
		if size += n; last {
			size += 4
		}
		if size > maxFrame {
			return h, 0, errTooLarge
		}
		if len(s.w.peek(at, size)) < size {
			return h, 0, ErrTorn
		}
		if last {
			return h, size, nil
		}
	}
}

// resync steps over what is damaged. ok says that a whole element was found
// behind it.
func (s *scanner) resync(v verdict) (e element, ok bool, err error) {
	d := Damage{Offset: s.w.offset(), Frame: s.frame, Err: v.err}
	if v.ends > 0 {
		// The content is wrong and the blocks are not: nothing inside is looked at,
		// if what follows is whole.
		next := s.examine(v.ends)
		if next.other > 0 || next.whole || s.w.ended(v.ends) {
			d.Size = s.w.skip(int64(v.ends))
			s.damaged(d)
			return e, false, nil
		}
	}
	zeros := true
	for at := 1; ; {
		skip, found := s.candidate(at)
		zeros = zeros && s.zero(at, skip)
		if at += skip; !found {
			d.Size += int64(at)
			s.w.skip(int64(at))
			break
		}
		next := s.examine(at)
		if next.whole && (next.tag != "" || s.fits(next.text)) {
			d.Size += int64(at)
			s.w.skip(int64(at))
			s.damaged(s.name(d, zeros, false))
			return e, false, nil
		}
		at += s.step(next)
		if at > maxFrame {
			d.Size += int64(at - 1)
			s.w.skip(int64(at - 1))
			at = 1
		}
	}
	if !errors.Is(d.Err, ErrTorn) || s.w.err == io.EOF {
		s.damaged(s.name(d, zeros, true))
	}
	return e, false, nil
}

// step is how far the search goes on behind a place where nothing whole begins.
func (s *scanner) step(v verdict) int {
	if n := s.work / maxInVain; n > 0 {
		return max(v.ends, min(coarse<<min(n, 20), maxFrame))
	}
	return 1
}

// name says what a damaged part is.
func (s *scanner) name(d Damage, zeros, last bool) Damage {
	switch {
	case zeros && errors.Is(d.Err, errNoFrame):
		d.Err = errZero
	case errors.Is(d.Err, ErrTorn) && !last:
		d.Err = errBlock
	}
	return d
}

// candidate finds the next place, from at on, where a frame or a block of ours
// may begin. Without one it is at the end of the input.
func (s *scanner) candidate(at int) (skip int, found bool) {
	const chunk = 64 << 10
	for skip = 0; ; {
		b := s.w.peek(at+skip, chunk)
		i := firstMagic(b)
		if i >= 0 {
			return skip + i, true
		}
		if len(b) < chunk {
			return skip + len(b), false
		}
		skip += len(b) - 3
		if skip > maxFrame {
			// Far from anything: what was looked at need not stay.
			return skip, true
		}
	}
}

// firstMagic is where the first magic number of ours begins, -1 without one.
func firstMagic(b []byte) int {
	frame := bytes.Index(b, []byte{0x28, 0xB5, 0x2F, 0xFD})
	if frame >= 0 {
		b = b[:min(frame+3, len(b))]
	}
	if block := bytes.Index(b, []byte{0x5C, 0x2A, 0x4D, 0x18}); block >= 0 {
		return block
	}
	return frame
}

func (s *scanner) zero(at, n int) bool {
	for _, c := range s.w.peek(at-1, n+1) {
		if c != 0 {
			return false
		}
	}
	return true
}
