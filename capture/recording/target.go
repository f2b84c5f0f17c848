package recording

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// target is what frames are written to: a file, locked, or a stream.
type target struct {
	name  string
	begun time.Time
	file  *os.File // nil: a stream
	out   io.Writer
	sync  bool
	lock  *flock.Flock
	whole int64 // bytes of what was written without an error
}

func newStream(out io.Writer) *target {
	if out == nil {
		out = os.Stdout
	}
	return &target{name: "-", begun: time.Now(), out: out}
}

// newTarget creates a file, which must not exist.
func newTarget(name string, sync bool) (*target, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	t := &target{name: name, begun: time.Now(), file: file, out: file, sync: sync}
	if t.lock, err = lock(name); err == nil && sync {
		err = syncFolder(name)
	}
	if err != nil {
		t.close()
		os.Remove(name)
		return nil, err
	}
	return t, nil
}

// Lock locks a file against those who write or seal it, till unlock is called.
// The error wraps ErrLocked when one of them is at it.
func Lock(name string) (unlock func() error, err error) {
	l, err := lock(name)
	if err != nil {
		return nil, err
	}
	return l.Close, nil
}

func lock(name string) (*flock.Flock, error) {
	l := flock.New(name, flock.SetFlag(os.O_RDONLY))
	ok, err := l.TryLock()
	if err != nil {
		l.Close()
		return nil, err
	}
	if !ok {
		l.Close()
		return nil, fmt.Errorf("%s: %w", name, ErrLocked)
	}
	return l, nil
}

// syncFolder makes a file's entry in its folder last.
func syncFolder(name string) error {
	d, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Write writes a frame.
func (t *target) Write(p []byte) (int, error) {
	n, err := t.out.Write(p)
	if err == nil && t.sync {
		err = t.file.Sync()
	}
	if err == nil {
		t.whole += int64(n)
	}
	return n, err
}

// mend cuts a file back to the frames that were written whole, and removes it
// where there are none.
func (t *target) mend() error {
	if t.file == nil {
		return nil
	}
	if t.whole == 0 {
		return os.Remove(t.name) // not even HEAD
	}
	info, err := t.file.Stat()
	if err != nil || info.Size() <= t.whole {
		return nil
	}
	if err := t.file.Truncate(t.whole); err != nil {
		return fmt.Errorf("its last frame is torn and could not be cut off: %w", err)
	}
	return nil
}

func (t *target) close() error {
	if t.file == nil {
		return nil
	}
	var unlocked error
	if t.lock != nil {
		unlocked = t.lock.Close()
	}
	return errors.Join(t.file.Close(), unlocked)
}
