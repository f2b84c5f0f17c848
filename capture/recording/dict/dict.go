// Package dict makes dictionaries for the compression of recordings: Zstandard
// dictionaries (RFC 8878, section 5), made of samples of what is to be compressed.
//
// The content is chosen by a COVER of our own (after Liao, Petri, Moffat and
// Wirth, "Effective Construction of Relative Lempel-Ziv Dictionaries", 2016):
// those segments of the samples that hold the most of what many samples hold.
// The entropy tables before it are made by zstd.BuildDict. (That module's
// dict.BuildZstdDict chooses content that saves a quarter less.)
package dict

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

const (
	// Size is how many bytes of content a dictionary has, at most.
	Size = 110 << 10
	// MaxSample is how many bytes of a sample are looked at: zstd.BuildDict panics
	// at more than 128 KB.
	MaxSample = 64 << 10
	// share is what part of the samples Train makes content of, at most: a recording
	// holds its own dictionary, which has to pay.
	share = 64
	// minimum is how many bytes of content are worth a dictionary.
	minimum = 4 << 10
)

// Train makes a dictionary of samples. The same samples in the same order make
// the same dictionary, its number included, which is one of those for private use
// (RFC 8878, section 5). Nothing is kept of the samples, of which the first
// MaxSample bytes are looked at. It takes about 20 MB of memory. Few samples make
// a small dictionary.
//
// It is nil, without an error, where none can be made: of less than 256 KB, or of
// bytes without any pattern.
func Train(samples [][]byte) ([]byte, error) {
	total := 0
	for _, s := range clip(samples) {
		total += len(s)
	}
	content := cover(clip(samples), min(Size, total/share))
	sum := sha256.Sum256(content)
	const first, last = 1 << 15, 1<<31 - 1
	id := first + binary.LittleEndian.Uint32(sum[:])%(last-first+1)
	return build(id, content, clip(samples))
}

// TrainNumbered makes a dictionary of Size, however many samples there are, with a
// number that the caller chose: one that is published, and in no recording.
func TrainNumbered(id uint32, samples [][]byte) ([]byte, error) {
	return build(id, cover(clip(samples), Size), clip(samples))
}

func clip(samples [][]byte) [][]byte {
	short := make([][]byte, len(samples))
	for i, s := range samples {
		short[i] = s[:min(len(s), MaxSample)]
	}
	return short
}

// build makes a dictionary of its content, with entropy tables that suit the
// samples.
func build(id uint32, content []byte, samples [][]byte) (b []byte, err error) {
	if len(content) < minimum {
		return nil, nil
	}
	defer func() {
		if p := recover(); p != nil {
			b, err = nil, fmt.Errorf("dict: zstd.BuildDict: %v", p)
		}
	}()
	b, err = zstd.BuildDict(zstd.BuildDictOptions{
		ID: id, Contents: samples, History: content, Offsets: [3]int{1, 4, 8},
		CompatV155: true, Level: zstd.SpeedBetterCompression,
	})
	if err != nil {
		return nil, nil // "0 literals found" and the like
	}
	return b, nil
}
