package recording

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"

	"golang.org/x/mod/sumdb/tlog"
	"informant/capture"
)

// Sealed is a sealed recording, read at random: what is asked for costs a page of
// the index per level, and its own frames. Every page and group that it reads is
// proven by hashes that lead up to the statement; only Verify proves that one,
// and all of the file. It is not safe for use by several goroutines.
type Sealed struct {
	r         io.ReaderAt
	header    Header
	statement Statement
	begin     int64 // behind HEAD; 0 where that can't be read
	tail      int64 // of TAIL
	decoder   *decoder
	pages     *pageReader

	frame   extent // that content is of
	content []byte
	packed  []byte // room for a frame
}

// OpenSealed opens a sealed recording of a known size. dicts are more
// dictionaries that it may name. Errors wrap ErrNotSealed, ErrVersion,
// ErrDictionary, capture.ErrFormat or capture.ErrDamaged.
func OpenSealed(r io.ReaderAt, size int64, dicts ...*Dict) (*Sealed, error) {
	prefix := make([]byte, sniffed)
	if n, err := r.ReadAt(prefix, 0); n < len(prefix) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !Sniff(prefix) {
		return nil, fmt.Errorf("%w: no recording", capture.ErrFormat)
	}
	s := &Sealed{r: r, pages: newPageReader(r), decoder: newDecoder(dicts...)}
	var err error
	if s.statement, s.tail, err = readTail(r, size); err != nil {
		return nil, err
	}
	head, err := s.open()
	if err != nil {
		return nil, err
	}
	if head.ID != s.statement.ID {
		return nil, fmt.Errorf("%w: HEAD and TAIL are of two recordings", capture.ErrDamaged)
	}
	return s, nil
}

// open reads HEAD and DICT.
func (s *Sealed) open() (h Header, err error) {
	head, err := s.block(0, tagHead)
	if err != nil {
		return h, err
	}
	if h, err = parseHeader(head.body); errors.Is(err, ErrVersion) {
		return h, err
	} else if err != nil {
		return h, fmt.Errorf("%w: %w", capture.ErrDamaged, err)
	}
	s.header, s.begin = h, int64(len(head.whole))
	return h, s.dictionary(h.Dictionary)
}

// blockAt is a block of the file.
type blockAt struct{ whole, body []byte }

var errOther = errors.New("something else stands there")

// block reads the block with a tag at an offset.
func (s *Sealed) block(at int64, want string) (b blockAt, err error) {
	head := make([]byte, frameHead+tagSize)
	if n, err := s.r.ReadAt(head, at); n < len(head) {
		return b, fmt.Errorf("%s at offset %d: %w", want, at, cmpErr(err))
	}
	size, ok := skippable(head)
	if !ok || string(head[frameHead:]) != want || size > int64(maxBlocks[want]) || binary.LittleEndian.Uint32(head) != magicBlock {
		return b, fmt.Errorf("%w: %s at offset %d: %w", capture.ErrDamaged, want, at, errOther)
	}
	b.whole = make([]byte, size)
	if n, err := s.r.ReadAt(b.whole, at); n < len(b.whole) {
		return b, fmt.Errorf("%s at offset %d: %w", want, at, cmpErr(err))
	}
	if _, b.body, _, err = parseBlock(b.whole); err != nil {
		return b, fmt.Errorf("%w: at offset %d: %w", capture.ErrDamaged, at, err)
	}
	return b, nil
}

// cmpErr is the error of a read that was too short.
func cmpErr(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", capture.ErrDamaged, io.ErrUnexpectedEOF)
	}
	return err
}

// openDict reads the body of a DICT block, which is the dictionary that HEAD
// names, if it names one.
func openDict(body []byte, named Dictionary) (*Dict, error) {
	h, size, err := scanBytes(body).frameSize(0)
	if err != nil || size != len(body) || h.content > maxDict {
		return nil, fmt.Errorf("DICT: %w", errContent)
	}
	b, err := newDecoder().content(nil, body)
	if err != nil {
		return nil, fmt.Errorf("DICT: %w: %w", errContent, err)
	}
	d, err := NewDict(named.Name, b)
	if err != nil {
		return nil, err
	}
	if named.ID != 0 && (named.ID != d.ID || named.Sum != d.Sum) {
		return nil, errors.New("DICT: it is not the dictionary that HEAD names")
	}
	return d, nil
}

// Header is the recording's.
func (s *Sealed) Header() Header { return s.header }

// Statement is what the recording says of itself. It is proven by Verify alone.
func (s *Sealed) Statement() Statement { return s.statement }

// Close frees what is held. It does not close the file.
func (s *Sealed) Close() error {
	s.decoder.close()
	s.pages.d.close()
	return nil
}

func (s *Sealed) tree(name string) *tree {
	t := &tree{name: name, pages: s.pages}
	for i, n := range treeNames {
		if n == name {
			t.root = s.statement.trees[i]
		}
	}
	return t
}

// ErrNoGroup is wrapped by errors that say that a recording has no group of a
// number.
var ErrNoGroup = errors.New("there is no such group")

// Group is what the index says of a group.
func (s *Sealed) Group(number uint64) (Group, error) {
	key := []byte(groupKey(number))
	for line, err := range s.tree(treeGroup).seek(key) {
		if err != nil {
			return Group{}, err
		}
		g, err := parseGroup(line)
		if err != nil {
			return g, fmt.Errorf("%w: group %d in the index: %w", capture.ErrDamaged, number, err)
		}
		if g.Number == number {
			return g, nil
		}
		break
	}
	return Group{}, fmt.Errorf("group %d: %w", number, ErrNoGroup)
}

// Groups yields all groups in order. A page of the index that can't be read
// yields an error, and the groups behind it follow.
func (s *Sealed) Groups() iter.Seq2[Group, error] {
	return func(yield func(Group, error) bool) {
		for line, err := range s.tree(treeGroup).all() {
			var g Group
			if err == nil {
				if g, err = parseGroup(line); err != nil {
					err = fmt.Errorf("%w: a group in the index: %w", capture.ErrDamaged, err)
				}
			}
			if !yield(g, err) {
				return
			}
		}
	}
}

var errLeaf = errors.New("it is not what was sealed")

// Text is the text of a group (FORMAT.md, section 4), proven by the index. It is
// valid until the next call of a method.
func (s *Sealed) Text(g Group) ([]byte, error) {
	text, err := s.text(&g)
	if err != nil {
		return nil, fmt.Errorf("group %d: %w", g.Number, err)
	}
	return text, nil
}

func (s *Sealed) text(g *Group) ([]byte, error) {
	if err := s.load(g.frame); err != nil {
		return nil, err
	}
	if g.text.end() > int64(len(s.content)) {
		return nil, fmt.Errorf("%w: %w", capture.ErrDamaged, errContent)
	}
	text := s.content[g.text.offset:g.text.end()]
	if tlog.RecordHash(text) != g.leaf {
		return nil, fmt.Errorf("%w: %w", capture.ErrDamaged, errLeaf)
	}
	return text, nil
}

// load reads a frame.
func (s *Sealed) load(frame extent) error {
	if s.frame == frame && frame.size > 0 {
		return nil
	}
	s.frame = extent{}
	if int64(cap(s.packed)) < frame.size {
		s.packed = make([]byte, frame.size)
	}
	s.packed = s.packed[:frame.size]
	if n, err := s.r.ReadAt(s.packed, frame.offset); n < len(s.packed) {
		return cmpErr(err)
	}
	content, err := s.unpack(s.packed)
	if err != nil {
		return err
	}
	s.content, s.frame = content, frame
	return nil
}

// unpack undoes a frame.
func (s *Sealed) unpack(frame []byte) ([]byte, error) {
	_, size, err := scanBytes(frame).frameSize(0)
	if err == nil && size != len(frame) {
		err = errContent
	}
	var content []byte
	if err == nil {
		content, err = s.decoder.content(s.content[:0], frame)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", capture.ErrDamaged, err)
	}
	return content, nil
}
