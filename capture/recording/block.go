package recording

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The tags of blocks (FORMAT.md, section 3).
const (
	tagHead = "cwmpHEAD"
	tagDict = "cwmpDICT"
	tagPage = "cwmpPAGE"
	tagTail = "cwmpTAIL"
)

// The magic numbers of RFC 8878, 3.1.1 and 3.1.2. Blocks use one of the sixteen
// of skippable frames.
const (
	magicFrame     = 0xFD2FB528
	magicSkippable = 0x184D2A50 // the lowest four bits are free
	magicBlock     = 0x184D2A5C
)

const (
	frameHead = 8               // magic and size of a skippable frame
	tagSize   = 8               // of a block
	blockFix  = 8 + tagSize + 4 // what a block takes beside its body
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendBlock appends a block, whole.
func appendBlock(dst []byte, tag string, body []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, magicBlock)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(tagSize+len(body)+4))
	at := len(dst)
	dst = append(dst, tag...)
	dst = append(dst, body...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[at:], castagnoli))
}

var (
	errChecksum = errors.New("checksum differs")
	errShort    = errors.New("too short for a block")
)

// parseBlock takes a whole skippable frame apart. ok is false for one that is
// not ours. The body shares b's memory.
func parseBlock(b []byte) (tag string, body []byte, ok bool, err error) {
	if len(b) < frameHead || binary.LittleEndian.Uint32(b) != magicBlock {
		return "", nil, false, nil
	}
	b = b[frameHead:]
	if len(b) < 4 || string(b[:4]) != "cwmp" {
		return "", nil, false, nil
	}
	if len(b) < tagSize+4 {
		return "", nil, true, errShort
	}
	tag, body = string(b[:tagSize]), b[tagSize:len(b)-4]
	if crc32.Checksum(b[:len(b)-4], castagnoli) != binary.LittleEndian.Uint32(b[len(b)-4:]) {
		return tag, nil, true, fmt.Errorf("%s: %w", tag, errChecksum)
	}
	return tag, body, true, nil
}

// needed says whether a reader that does not know the tag has to stop.
func needed(tag string) bool { return tag[4] >= 'A' && tag[4] <= 'Z' }
