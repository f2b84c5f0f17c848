package recording

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// framer writes a sealed recording: groups come in order, and it makes frames
// and the index of them. Between newFramer and finish it works in a goroutine of
// its own, which compresses while the next groups are made.
type framer struct {
	o       *SealOptions
	out     *bufio.Writer
	at      int64 // how much was written
	encoder encoder
	plain   encoder // without a dictionary
	tree    merkle
	groups  *sorter
	frames  *sorter
	line    []byte

	content []byte  // of the next frame
	inside  []Group // the groups in it
	frame   []byte

	jobs    chan job
	buffers sync.Pool
	stopped chan struct{}
	failed  atomic.Bool
	err     error

	training bool
	samples  []job
	sampled  int
}

// job is a group's text.
type job struct {
	text []byte
	g    Group
}

// newFramer starts a framer; finish ends its goroutine.
func newFramer(w io.Writer, o *SealOptions) (*framer, error) {
	f := &framer{
		o: o, out: bufio.NewWriterSize(w, 256<<10), groups: newSorter(o.Temp, o.sortMemory), frames: newSorter(o.Temp, o.sortMemory),
		jobs: make(chan job, 4), stopped: make(chan struct{}), training: o.Train != nil,
	}
	if !f.training {
		if err := f.begin(); err != nil {
			return nil, err
		}
	}
	go f.work()
	return f, nil
}

// buffer is room for the next group's text.
func (f *framer) buffer() []byte {
	if b, ok := f.buffers.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return nil
}

var errStopped = errors.New("stopped by an earlier error")

// put takes a group's text, which is the framer's from now on.
func (f *framer) put(text []byte, g Group) error {
	if f.failed.Load() {
		return errStopped
	}
	f.jobs <- job{text, g}
	return nil
}

// work takes groups till there are no more. After an error it goes on taking
// them, so that nobody waits for it.
func (f *framer) work() {
	defer close(f.stopped)
	for j := range f.jobs {
		if f.err == nil {
			f.err = f.take(j)
			f.failed.Store(f.err != nil)
		}
	}
	if f.err == nil && f.training {
		f.err = f.train()
	}
	if f.err == nil {
		f.err = f.flush()
	}
}

// finish waits until all groups are written.
func (f *framer) finish() error {
	close(f.jobs)
	<-f.stopped
	return f.err
}

func (f *framer) close() error { return errors.Join(f.groups.close(), f.frames.close()) }

// largeGroup is how long the text of a group is that gains nothing by a
// dictionary: compressed with one it even takes some percent more.
const largeGroup = 768 << 10

// begin writes HEAD, and DICT if the dictionary has to be in the file.
func (f *framer) begin() (err error) {
	d := f.o.Dictionary
	if f.encoder, err = newEncoder(f.o.Level, d); err != nil {
		return err
	}
	if f.plain, err = newEncoder(f.o.Level, nil); err != nil {
		return err
	}
	f.o.Header.Dictionary = d.Dictionary
	if _, err := f.leaf(f.o.Header.append(nil)); err != nil || d.ID == 0 || d.General {
		return err
	}
	block, err := d.block()
	for range maxDicts {
		if err == nil {
			_, err = f.leaf(block)
		}
	}
	return err
}

// leaf writes a block that is a leaf of the Merkle tree.
func (f *framer) leaf(block []byte) (offset int64, err error) {
	if err := f.tree.add(tlog.RecordHash(block)); err != nil {
		return 0, err
	}
	return f.write(block)
}

func (f *framer) write(b []byte) (offset int64, err error) {
	offset = f.at
	f.at += int64(len(b))
	_, err = f.out.Write(b)
	return offset, err
}

const (
	trainBytes = 16 << 20 // of the input, which samples are taken from
	sampleSize = 64 << 10 // the most that is taken of a group
)

func (f *framer) take(j job) error {
	if f.training {
		f.samples = append(f.samples, j)
		if f.sampled += len(j.text); f.sampled < trainBytes {
			return nil
		}
		return f.train()
	}
	return f.add(j)
}

// train has a dictionary made of the groups so far, and then writes them.
func (f *framer) train() error {
	f.training = false
	var samples [][]byte
	for _, j := range f.samples {
		samples = append(samples, j.text[:min(len(j.text), sampleSize)])
	}
	if len(samples) > 0 {
		b, err := f.o.Train(samples)
		if err != nil {
			return err
		}
		if len(b) > 0 {
			if f.o.Dictionary, err = NewDict("trained", b); err != nil {
				return err
			}
		}
	}
	if err := f.begin(); err != nil {
		return err
	}
	for _, j := range f.samples {
		if err := f.add(j); err != nil {
			return err
		}
	}
	f.samples = nil
	return nil
}

// add adds a group to the frame, and writes the frame when it is large enough. A
// large group has a frame of its own.
func (f *framer) add(j job) error {
	if len(f.content)+len(j.text) > maxContent || len(j.text) >= largeGroup {
		if err := f.flush(); err != nil {
			return err
		}
	}
	j.g.text = extent{int64(len(f.content)), int64(len(j.text))}
	j.g.leaf = tlog.RecordHash(j.text)
	if err := f.tree.add(j.g.leaf); err != nil {
		return err
	}
	f.content = append(f.content, j.text...)
	f.inside = append(f.inside, j.g)
	f.buffers.Put(&j.text)
	if len(f.content) < f.o.FrameBytes && len(j.text) < largeGroup {
		return nil
	}
	return f.flush()
}

// flush writes the frame.
func (f *framer) flush() (err error) {
	if len(f.inside) == 0 {
		return nil
	}
	e := f.encoder
	if len(f.inside) == 1 && len(f.content) >= largeGroup {
		e = f.plain
	}
	f.frame = e.appendFrame(f.frame[:0], f.content)
	l := frameLine{first: f.inside[0].Number, sum: sumOf(f.frame)}
	l.size = int64(len(f.frame))
	if l.offset, err = f.write(f.frame); err != nil {
		return err
	}
	f.line = l.append(f.line[:0])
	if err := f.frames.add(f.line); err != nil {
		return err
	}
	for i := range f.inside {
		g := &f.inside[i]
		g.frame = l.extent
		f.line = g.append(f.line[:0])
		if err := f.groups.add(f.line); err != nil {
			return err
		}
	}
	f.content, f.inside = f.content[:0], f.inside[:0]
	return nil
}

// end writes the index and TAIL, and completes the statement.
func (f *framer) end(s *Statement, sessions *sorter, key *PrivateKey, now time.Time) error {
	devices, ids := newSorter(f.o.Temp, f.o.sortMemory), newSorter(f.o.Temp, f.o.sortMemory)
	err := f.index(s, [...]iter.Seq2[[]byte, error]{
		f.groups.sorted(), f.frames.sorted(), alsoBy(sessions, devices, ids), devices.sorted(), ids.sorted(),
	})
	for i, lines := range []int64{f.groups.lines, f.frames.lines, sessions.lines, devices.lines, ids.lines} {
		if err == nil && s.trees[i].lines != lines {
			err = fmt.Errorf("the index has %d lines in the tree %s, not %d", s.trees[i].lines, treeNames[i], lines)
		}
	}
	if err = errors.Join(err, devices.close(), ids.close()); err != nil {
		return err
	}
	s.Leaves = f.tree.leaves
	if s.Root, err = f.tree.root(); err != nil {
		return err
	}
	s.compose()
	if key != nil {
		s.sign(*key, now)
	}
	if _, err := f.write(s.appendTail(nil, f.at)); err != nil {
		return err
	}
	return f.out.Flush()
}

// index writes the trees.
func (f *framer) index(s *Statement, trees [len(treeNames)]iter.Seq2[[]byte, error]) error {
	e, err := newPageEncoder()
	if err != nil {
		return err
	}
	for i, lines := range trees {
		if s.trees[i], err = writeTree(treeNames[i], lines, e, f.leaf); err != nil {
			return err
		}
	}
	return nil
}

// alsoBy yields the lines of the session tree, and makes those of the device and
// the id tree of them.
func alsoBy(sessions, devices, ids *sorter) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var line []byte
		for entry, err := range sessions.sorted() {
			if err == nil {
				f := fields{rest: entry}
				key, device := f.raw(), f.raw()
				line = append(append(line[:0], key[startDigits+1:]...), '\t')
				err = ids.add(append(line, key...))
				if len(device) > 0 && err == nil {
					line = append(append(append(line[:0], device...), ' '), key...)
					err = devices.add(append(append(line, '\t'), key...))
				}
			}
			if !yield(entry, err) {
				return
			}
		}
	}
}
