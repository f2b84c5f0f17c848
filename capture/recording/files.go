package recording

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ncruces/go-strftime"
	"informant/capture"
)

// FilesOptions are the options of Files.
type FilesOptions struct {
	// Name of the file, with strftime's letters (%Y%m%d-%H%M%S; %% for a percent
	// sign) in local time. "-" is Out.
	Name string
	// Out is what "-" writes to, a pipe or terminal; nil: os.Stdout. It is not
	// closed.
	Out io.Writer
	// Sync waits for each frame until the disk has it (fsync).
	Sync bool
	// MaxBytes and MaxAge are when the next file begins: when the file has as many
	// bytes (it gets a little longer: frames are whole), or when it is as old and
	// the next record comes. 0: never. When the name of the next file is taken, and
	// where names have no time in them always, "-2", "-3" … stands before the
	// suffix.
	MaxBytes int64
	MaxAge   time.Duration
	Writer   WriterOptions
	// Rotated is told of each file that is complete, the last one included. It is
	// called by whoever puts the record that comes next, should not take long, and
	// must not call methods of Files.
	Rotated func(name string)
}

// Files writes recordings to files: it creates them (mode 0600, never over
// another file), locks them against a second writer, writes frames when they are
// due, and goes on to a next file when one is full. A following file begins with
// the connections that are open: each with an Open record that says that its
// beginning is not here. It is safe for use by several goroutines.
//
// When it cannot write (a full disk, a closed pipe) it cuts off what it wrote of
// the frame, so that the file is whole to its end, and from then on every Put,
// Flush and Close says the error. Writing to a pipe that is full waits.
type Files struct {
	o      FilesOptions
	mu     sync.Mutex
	w      *Writer
	file   *target
	timer  *time.Timer
	armed  bool
	done   Stats // of the files before this one
	err    error
	closed bool
}

var (
	_ capture.Sink = (*Writer)(nil)
	_ capture.Sink = (*Files)(nil)
)

// Create begins the first file. The error wraps fs.ErrExist when there is a file
// of that name.
func Create(o FilesOptions) (*Files, error) {
	o.Writer = o.Writer.withDefaults()
	f := &Files{o: o}
	if err := f.begin(nil); err != nil {
		return nil, err
	}
	f.timer = time.AfterFunc(time.Hour, f.tick)
	return f, nil
}

// Name is that of the file that is being written.
func (f *Files) Name() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.name
}

// Put adds a record, and begins the next file where one is due.
func (f *Files) Put(r capture.Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	if f.closed {
		return errClosed
	}
	if f.full() {
		if err := f.rotate(); err != nil {
			return f.fail(err)
		}
	}
	if err := f.w.Put(r); err != nil {
		if f.w.err == nil {
			return err // of the record
		}
		return f.fail(err)
	}
	f.arm()
	return nil
}

// Flush writes the records that wait for their frame.
func (f *Files) Flush() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil || f.closed {
		return f.err
	}
	return f.fail(f.w.Flush())
}

// Stats tells what was written to all files.
func (f *Files) Stats() Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.w.Stats()
	s.Records += f.done.Records
	s.Groups += f.done.Groups
	s.Traffic += f.done.Traffic
	s.Written += f.done.Written
	return s
}

// Close writes what waits and closes the file.
func (f *Files) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return f.err
	}
	f.closed = true
	f.timer.Stop()
	if f.err == nil {
		f.fail(f.w.Close())
	}
	f.fail(f.file.close())
	if f.err == nil {
		f.rotated()
	}
	return f.err
}

func (f *Files) rotated() {
	if f.o.Rotated != nil {
		f.o.Rotated(f.file.name)
	}
}

// fail keeps the first error. The file it was met in is made whole.
func (f *Files) fail(err error) error {
	if err == nil || f.err != nil {
		return f.err
	}
	f.err = fmt.Errorf("recording to %s: %w", f.file.name, err)
	if n := f.w.Stats().Pending; n > 0 {
		f.err = fmt.Errorf("%w (what was seen last is not in it: %d records)", f.err, n)
	}
	if err := f.file.mend(); err != nil {
		f.err = fmt.Errorf("%w; %w", f.err, err)
	}
	return f.err
}

// arm sets the timer for the frame that was begun.
func (f *Files) arm() {
	if f.armed {
		return
	}
	if at, ok := f.w.Due(); ok {
		f.armed = true
		f.timer.Reset(time.Until(at))
	}
}

// tick writes the frame that is due.
func (f *Files) tick() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = false
	if f.closed || f.err != nil {
		return
	}
	f.fail(f.w.Tick(time.Now()))
	f.arm()
}

// full says whether the next file is due.
func (f *Files) full() bool {
	if f.file.file == nil {
		return false
	}
	return f.o.MaxBytes > 0 && f.w.stats.Written >= f.o.MaxBytes ||
		f.o.MaxAge > 0 && f.w.stats.Records > 0 && time.Since(f.file.begun) >= f.o.MaxAge
}

// rotate goes on to the next file.
func (f *Files) rotate() error {
	if err := f.w.Close(); err != nil {
		return err
	}
	if err := f.file.close(); err != nil {
		return err
	}
	f.rotated()
	s := f.w.Stats()
	f.done.Records += s.Records
	f.done.Groups += s.Groups
	f.done.Traffic += s.Traffic
	f.done.Written += s.Written
	return f.begin(f.w)
}

// begin begins a file: the first, or the one that follows on a writer.
func (f *Files) begin(before *Writer) error {
	o := f.o.Writer
	if before != nil {
		fresh := NewHeader(nil)
		o.Header.ID, o.Header.Created, o.Header.Clock = fresh.ID, fresh.Created, fresh.Clock
		o.Header.Follows = &Follows{ID: before.o.Header.ID, Seq: before.stats.Last}
	}
	t, err := f.create(before != nil)
	if err != nil {
		return err
	}
	w, err := newWriter(t, o, before)
	if err != nil {
		t.mend()
		t.close()
		return fmt.Errorf("recording to %s: %w", t.name, err)
	}
	f.w, f.file = w, t
	return nil
}

// create creates the file. A next one takes another name where its own is taken.
func (f *Files) create(next bool) (*target, error) {
	if f.o.Name == "-" {
		return newStream(f.o.Out), nil
	}
	now := time.Now()
	name := strftime.Format(f.o.Name, now)
	t, err := newTarget(name, f.o.Sync)
	for n := 2; next && errors.Is(err, fs.ErrExist) && n < 1e6; n++ {
		t, err = newTarget(numbered(name, n), f.o.Sync)
	}
	return t, err
}

// numbered puts a number before a name's suffix.
func numbered(name string, n int) string {
	suffix := filepath.Ext(name)
	return strings.TrimSuffix(name, suffix) + "-" + strconv.Itoa(n) + suffix
}
