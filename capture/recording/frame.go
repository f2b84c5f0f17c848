package recording

import (
	"encoding/binary"
	"errors"
)

// maxFrame is the most that a data frame can take: content that does not
// compress, in blocks of 128 KB at most, and some room for small ones.
const maxFrame = maxContent + maxContent/8

// maxBlockCount is how many blocks a frame may have.
const maxBlockCount = 4096

// frameHeader is the beginning of a Zstandard frame (RFC 8878, 3.1.1.1).
type frameHeader struct {
	size    int // of the header
	content uint64
	window  uint64
	dict    uint32
}

var (
	errMore     = errors.New("more bytes are needed") // never told
	errFrame    = errors.New("the frame's header is damaged")
	errBlock    = errors.New("the frame's blocks are damaged")
	errTooLarge = errors.New("the frame is larger than this format allows")
)

// parseFrameHeader reads the header of a data frame of ours: it has a checksum
// and its content's size. errMore says that b ends within it.
func parseFrameHeader(b []byte) (h frameHeader, err error) {
	if len(b) < 5 {
		return h, errMore
	}
	d := b[4]
	single := d&0x20 != 0
	if d&0x08 != 0 || d&0x04 == 0 || !single && d>>6 == 0 {
		return h, errFrame // reserved bit, no checksum, no size
	}
	at := 5
	if !single {
		at++
	}
	dictSize := []int{0, 1, 2, 4}[d&3]
	fcsSize := []int{1, 2, 4, 8}[d>>6]
	h.size = at + dictSize + fcsSize
	if len(b) < h.size {
		return h, errMore
	}
	if !single {
		exponent, mantissa := b[5]>>3, b[5]&7
		base := uint64(1) << (10 + exponent)
		h.window = base + base/8*uint64(mantissa)
	}
	for i := range dictSize {
		h.dict |= uint32(b[at+i]) << (8 * i)
	}
	at += dictSize
	for i := range fcsSize {
		h.content |= uint64(b[at+i]) << (8 * i)
	}
	if fcsSize == 2 {
		h.content += 256
	}
	if h.content > maxContent || h.window > maxContent {
		return h, errTooLarge
	}
	return h, nil
}

// A block's types (RFC 8878, 3.1.1.2).
const (
	blockRaw = iota
	blockRLE
	blockCompressed
	blockReserved
)

// blockSize is how much a block takes, its header included, whether it is the
// last.
func blockSize(b []byte) (size int, last bool, err error) {
	h := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
	n := int(h >> 3)
	if n > 128<<10 {
		return 0, false, errBlock
	}
	switch h >> 1 & 3 {
	case blockRLE:
		n = 1
	case blockReserved:
		return 0, false, errBlock
	}
	return 3 + n, h&1 != 0, nil
}

// skippable is the size of the skippable frame at b, which has 8 bytes; ok is
// false where there is none.
func skippable(b []byte) (size int64, ok bool) {
	if binary.LittleEndian.Uint32(b)&^15 != magicSkippable {
		return 0, false
	}
	return frameHead + int64(binary.LittleEndian.Uint32(b[4:])), true
}
