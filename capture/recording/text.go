package recording

import (
	"io"
	"time"

	"github.com/klauspost/compress/zstd"

	"informant/capture"
)

// Text writes the text of records (FORMAT.md, sections 4 and 5) as it stands in a
// recording that is not sealed, without compression and without blocks: groups of
// about 64 KB, each with one Write. The same records make the same text, whatever
// they are read from; they are numbered from 1. It is a capture.Sink.
type Text struct {
	w       *Writer
	to      io.Writer
	decoder *zstd.Decoder
	text    []byte
}

var _ capture.Sink = (*Text)(nil)

// NewText begins a text.
func NewText(w io.Writer) (*Text, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	t := &Text{to: w, decoder: d}
	t.w, err = NewWriter(textFrames{t}, WriterOptions{Dictionary: &Dict{}, Level: zstd.SpeedFastest, FrameAge: time.Hour})
	return t, err
}

// Put adds a record.
func (t *Text) Put(r capture.Record) error { return t.w.Put(r) }

// Flush writes the records that wait for their group's end.
func (t *Text) Flush() error { return t.w.Flush() }

// Close writes what waits. It does not close what it writes to.
func (t *Text) Close() error {
	defer t.decoder.Close()
	return t.w.Close()
}

// textFrames takes the frames and blocks of a recording, one with each Write.
type textFrames struct{ *Text }

// Write writes what is in a frame; in a block there is nothing.
func (t textFrames) Write(p []byte) (n int, err error) {
	if t.text, err = t.decoder.DecodeAll(p, t.text[:0]); err != nil {
		return 0, err
	}
	if len(t.text) == 0 {
		return len(p), nil
	}
	_, err = t.to.Write(t.text)
	return len(p), err
}
