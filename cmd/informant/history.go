package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"informant/decode/history"
	"informant/decode/transcript"
)

// historyFile is what a folder of --history holds: a device in a line, as JSON.
const historyFile = "devices.jsonl"

// keptHistory is what is known of devices between runs.
type keptHistory struct {
	store *history.Store
	dir   string
	lock  *flock.Flock
}

// openHistory reads what is known, and keeps others from changing it meanwhile. ""
// is nothing that is kept.
func openHistory(dir string) (*keptHistory, error) {
	h := &keptHistory{store: &history.Store{Limit: 1_000_000}, dir: dir}
	if dir == "" {
		h.store.Limit = 0
		return h, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("--history %s: %w", transcript.Safe(dir), bare(err))
	}
	h.lock = flock.New(filepath.Join(dir, "lock"))
	switch ok, err := h.lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("--history %s: %w", transcript.Safe(dir), bare(err))
	case !ok:
		return nil, fmt.Errorf("--history %s: another informant is using it", transcript.Safe(dir))
	}
	if err := h.read(); err != nil {
		return nil, errors.Join(fmt.Errorf("--history %s: %w", transcript.Safe(filepath.Join(dir, historyFile)), err), h.lock.Unlock())
	}
	return h, nil
}

func (h *keptHistory) read() error {
	f, err := os.Open(filepath.Join(h.dir, historyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return bare(err)
	}
	defer f.Close()
	d := json.NewDecoder(bufio.NewReader(f))
	for n := 1; ; n++ {
		device := &history.Device{}
		if err := d.Decode(device); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("line %d: %w; remove the file to begin anew", n, err)
		}
		h.store.Put(device)
	}
}

// close writes what is known now, in the place of what was known, and lets others at
// it. keep: the run came to its end.
func (h *keptHistory) close(keep bool) error {
	if h.dir == "" {
		return nil
	}
	var err error
	if keep {
		if err = h.write(); err != nil {
			err = fmt.Errorf("--history %s: %w", transcript.Safe(h.dir), bare(err))
		}
	}
	return errors.Join(err, h.lock.Unlock())
}

func (h *keptHistory) write() error {
	f, err := os.CreateTemp(h.dir, historyFile+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // where it did not get its name
	w := bufio.NewWriter(f)
	e := json.NewEncoder(w)
	h.store.All(func(d *history.Device) {
		if err == nil {
			err = e.Encode(d)
		}
	})
	if err := errors.Join(err, w.Flush(), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(h.dir, historyFile))
}
