package recording

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
)

const maxContent = 4 << 20 // of a frame, and its window

// encoder compresses texts to frames.
type encoder struct{ z *zstd.Encoder }

// newEncoder makes an encoder; without a dictionary d is nil or the zero Dict.
func newEncoder(level zstd.EncoderLevel, d *Dict) (encoder, error) {
	o := []zstd.EOption{
		zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true),
		zstd.WithSingleSegment(true), zstd.WithWindowSize(maxContent),
	}
	if d != nil && d.ID != 0 {
		o = append(o, zstd.WithEncoderDict(d.Bytes))
	}
	z, err := zstd.NewWriter(nil, o...)
	if err != nil {
		return encoder{}, fmt.Errorf("recording: %w", err)
	}
	return encoder{z}, nil
}

// appendFrame appends a frame: with content size and checksum.
func (e encoder) appendFrame(dst, text []byte) []byte { return e.z.EncodeAll(text, dst) }

// decoder undoes frames. Dictionaries are added as they come.
type decoder struct {
	z     *zstd.Decoder
	dicts map[uint32]*Dict
}

func newDecoder(dicts ...*Dict) *decoder {
	d := &decoder{dicts: map[uint32]*Dict{}}
	for _, dict := range dicts {
		d.dicts[dict.ID] = dict
	}
	return d
}

// add makes a dictionary known.
func (d *decoder) add(dict *Dict) {
	d.dicts[dict.ID] = dict
	d.close()
}

// addGenerals makes the general dictionaries known, for frames of which it is not
// known what HEAD said: their checksums tell whether it is the right one.
func (d *decoder) addGenerals() {
	for i, g := range generals {
		if d.dicts[g.id] != nil {
			continue
		}
		if g, err := loadGeneral(i); err == nil {
			d.add(g)
		}
	}
}

func (d *decoder) close() {
	if d.z != nil {
		d.z.Close()
		d.z = nil
	}
}

// content appends the content of a whole frame to dst.
func (d *decoder) content(dst, frame []byte) ([]byte, error) {
	if d.z == nil {
		o := []zstd.DOption{
			zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxContent), zstd.WithDecoderMaxWindow(maxContent),
		}
		for _, dict := range d.dicts {
			o = append(o, zstd.WithDecoderDicts(dict.Bytes))
		}
		z, err := zstd.NewReader(nil, o...)
		if err != nil {
			return nil, fmt.Errorf("recording: %w", err)
		}
		d.z = z
	}
	return d.z.DecodeAll(frame, dst)
}
