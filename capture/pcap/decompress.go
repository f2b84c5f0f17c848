package pcap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"informant/capture"
)

// maxZstdWindow bounds what a zstd frame may make us keep (zstd --long=27).
const maxZstdWindow = 128 << 20

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
	// pzstd begins each of its frames with a skippable frame of four bytes.
	pzstdMagic = []byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0}
)

// Decompress undoes gzip or zstd, told by the first bytes of r; anything else
// is passed through. kind is "gzip", "zstd" or "". A stream that breaks off or
// is broken gives, after everything that could be unpacked, an error that wraps
// capture.ErrDamaged. An error of r itself is passed on as it is. r is not
// closed.
func Decompress(r io.Reader) (_ io.Reader, kind string, err error) {
	prefix, err := readPrefix(r, len(pzstdMagic))
	if err != nil {
		return nil, "", err
	}
	whole := io.MultiReader(bytes.NewReader(prefix), r)
	switch {
	case bytes.HasPrefix(prefix, gzipMagic):
		u := &unpacker{kind: "gzip", in: &noted{r: whole}}
		u.open = func() (io.Reader, error) { return gzip.NewReader(u.in) }
		return u, "gzip", nil
	case bytes.HasPrefix(prefix, zstdMagic), bytes.Equal(prefix, pzstdMagic):
		u := &unpacker{kind: "zstd", in: &noted{r: whole}}
		// Concurrency 1 starts no goroutine: nothing leaks when a source is
		// dropped half read.
		u.open = func() (io.Reader, error) {
			return zstd.NewReader(u.in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow))
		}
		return u, "zstd", nil
	}
	return whole, "", nil
}

// readPrefix reads up to n bytes; fewer only at the end of r.
func readPrefix(r io.Reader, n int) ([]byte, error) {
	b := make([]byte, n)
	got, err := io.ReadFull(r, b)
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return b[:got], err
}

// noted remembers an error of the reader below and counts what it gave, so
// that a broken stream is told from a disk that fails.
type noted struct {
	r   io.Reader
	n   int64
	err error
}

func (c *noted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// unpacker is a decompressor whose errors say what is broken.
type unpacker struct {
	kind string
	in   *noted
	open func() (io.Reader, error)
	r    io.Reader
}

func (u *unpacker) Read(p []byte) (n int, err error) {
	if u.r == nil {
		if u.r, err = u.open(); err != nil {
			return 0, u.explain(err)
		}
	}
	n, err = u.r.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, u.explain(err)
}

func (u *unpacker) explain(err error) error {
	if u.in.err != nil {
		return u.in.err
	}
	what := err.Error()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		what = "breaks off"
	}
	return fmt.Errorf("%w: the %s stream is broken near its byte %d: %s", capture.ErrDamaged, u.kind, u.in.n, what)
}

// Sniff tells whether a file that begins with prefix (not compressed, eight
// bytes are enough) is a pcap or a pcapng.
func Sniff(prefix []byte) bool {
	_, isPcap := pcapMagic(prefix)
	return isPcap || isPcapng(prefix)
}

func isPcapng(prefix []byte) bool {
	return len(prefix) >= 4 && binary.BigEndian.Uint32(prefix) == blockSection
}
