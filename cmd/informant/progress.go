package main

import (
	"io"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
)

// large is the size of input from which on progress is shown.
const large = 32 << 20

// meter counts the bytes that are read and shows progress on a terminal. The
// zero value counts alone.
type meter struct {
	total int64
	read  atomic.Int64
	bar   *progressbar.ProgressBar
}

func (m *meter) add(size int64) { m.total += size }

func (m *meter) reader(r io.Reader) io.Reader { return &meteredReader{m, r} }

type meteredReader struct {
	m *meter
	r io.Reader
}

func (r *meteredReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.m.read.Add(int64(n))
	return n, err
}

// show begins to show progress, if the input is large enough to be worth it.
func (m *meter) show(w io.Writer) {
	if m.total <= large {
		return
	}
	m.bar = progressbar.NewOptions64(m.total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription("reading"),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(200*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)
}

// tick shows how far the reading is. It is called by one goroutine.
func (m *meter) tick() {
	if m.bar != nil {
		_ = m.bar.Set64(min(m.read.Load(), m.total-1))
	}
}

// done takes the progress off the terminal.
func (m *meter) done() {
	if m.bar != nil {
		_ = m.bar.Finish()
	}
}
