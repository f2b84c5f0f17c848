package recording

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/klauspost/compress/zstd"
	"informant/capture"
)

// SealOptions say how a recording is sealed. The zero value will do.
type SealOptions struct {
	// Header is that of the sealed recording: a new one (NewHeader), with what it
	// was made of in From. Its Dictionary is set by Seal.
	Header Header
	// Indexer tells sessions. nil: none are known, every connection is a group.
	Indexer Indexer
	// Dictionary is what frames are compressed with: nil the general one, the zero
	// Dict none.
	Dictionary *Dict
	// Train, where set, makes a dictionary of samples from the first 16 MB of the
	// input, each of a group and of 64 KB at most. The sealed recording holds it.
	// Where it makes an empty one, Dictionary is used.
	Train func(samples [][]byte) ([]byte, error)
	// Key signs the statement; nil: it is not signed.
	Key *PrivateKey
	// Memory is how many bytes of records may wait for their session's end, 64 MB
	// where it is 0. Beyond it the oldest are written as their connection's, and
	// the session goes on in another group.
	Memory int64
	// Temp is the folder of temporary files for an index that is larger than some
	// MB; "" is the system's.
	Temp string
	// Level is how strongly frames are compressed; 0 is zstd.SpeedBetterCompression.
	Level zstd.EncoderLevel
	// FrameBytes is what a frame holds at least, but for large groups, which have
	// one each; 0 is 640 KB.
	FrameBytes int
	// Progress, where set, is told now and then how much was read.
	Progress func(records uint64, bytes int64)

	sortMemory int // of a sorter, 0: the usual one
}

const (
	sealMemory = 64 << 20
	// One damaged bit costs the sessions of a frame, so frames are no larger than
	// pays: against 1 MB, frames of 640 KB take 2 and 3 % more (200 MB of made
	// traffic, 77 MB of captures), of 512 KB 3 and 7, of 256 KB 6 and 11, of 32 KB
	// 13 and 19. Reading one takes a millisecond.
	sealFrame = 640 << 10
	// Records wait no longer than till that many times Memory has been read after
	// them: a reader holds, at most, twice of it.
	sealWindow = 2
	groupText  = 1 << 20 // a group is closed when its text is longer
)

func (o *SealOptions) fill() error {
	if o.Indexer == nil {
		o.Indexer = byConnection{map[uint64]capture.Direction{}}
	}
	if o.Dictionary == nil {
		o.Dictionary = General()
	}
	if o.Memory <= 0 {
		o.Memory = sealMemory
	}
	if o.Level == 0 {
		o.Level = zstd.SpeedBetterCompression
	}
	if o.FrameBytes <= 0 {
		o.FrameBytes = sealFrame
	}
	o.FrameBytes = min(o.FrameBytes, groupText)
	if o.Header.ID == [16]byte{} {
		_, err := rand.Read(o.Header.ID[:])
		return err
	}
	return nil
}

// Seal reads a source to its end and writes a sealed recording of it, in one
// pass and with bounded memory (FORMAT.md, sections 4 and 6 to 8). Records keep
// their Seq; where the source's are not in order they are numbered on. The source
// is not closed.
//
// An error that wraps capture.ErrDamaged comes from the source: all that could be
// read is in the recording, which is whole, and the statement is valid. With any
// other error what was written is of no use: where a newer version could read on,
// a dictionary is missing or the input's medium failed, more could be read another
// time.
func Seal(w io.Writer, src capture.Source, o SealOptions) (Statement, error) {
	if err := o.fill(); err != nil {
		return Statement{}, err
	}
	out, err := newFramer(w, &o)
	if err != nil {
		return Statement{}, err
	}
	s := &sealer{o: o, out: out, flows: map[uint64]*flow{}, entries: newSorter(o.Temp, o.sortMemory)}
	damage, err := s.readAll(src)
	if fault := out.finish(); err == nil {
		err = fault
	}
	statement := s.statement()
	if err == nil {
		err = out.end(&statement, s.entries, o.Key, time.Now())
	}
	if err = errors.Join(err, out.close(), s.entries.close()); err != nil {
		return Statement{}, fmt.Errorf("sealing: %w", err)
	}
	return statement, damage
}

// readAll takes all records of a source. damage is what the source could not
// read.
func (s *sealer) readAll(src capture.Source) (damage, err error) {
	for {
		r, err := src.Next()
		if errors.Is(err, capture.ErrDamaged) && !later(err) {
			return err, s.finish()
		}
		if errors.Is(err, io.EOF) {
			return nil, s.finish()
		}
		if err != nil {
			return nil, err
		}
		if err := s.take(r); err != nil {
			return nil, err
		}
	}
}

// later says whether an error, which may tell of damage too, is about what could
// be read another time.
func later(err error) bool {
	return errors.Is(err, ErrVersion) || errors.Is(err, ErrDictionary) || errors.As(err, new(*fs.PathError))
}
