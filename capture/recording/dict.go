package recording

import (
	"crypto/sha256"
	"embed"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// maxDict is how large a dictionary may be.
const maxDict = 1 << 20

// Dict is a Zstandard dictionary (RFC 8878, section 5). The zero value stands
// for none.
type Dict struct {
	Dictionary        // its id, SHA-256 and name
	Bytes      []byte // whole, not compressed
	General    bool   // published beside FORMAT.md: a recording need not hold it
}

// NewDict looks at a dictionary. The bytes are kept.
func NewDict(name string, b []byte) (*Dict, error) {
	if len(b) > maxDict {
		return nil, fmt.Errorf("the dictionary %s has %d bytes, more than %d", name, len(b), maxDict)
	}
	d, err := zstd.InspectDictionary(b)
	if err != nil {
		return nil, fmt.Errorf("the dictionary %s: %w", name, err)
	}
	if d.ID() == 0 {
		return nil, fmt.Errorf("the dictionary %s has no number", name)
	}
	return &Dict{Dictionary: Dictionary{ID: d.ID(), Sum: sha256.Sum256(b), Name: name}, Bytes: b}, nil
}

// block is the DICT block. A recording holds it maxDicts times.
func (d *Dict) block() ([]byte, error) {
	e, err := newEncoder(zstd.SpeedBetterCompression, nil)
	if err != nil {
		return nil, err
	}
	return appendBlock(nil, tagDict, e.appendFrame(nil, d.Bytes)), nil
}

//go:embed general
var generalFiles embed.FS

// generals are the general dictionaries, the newest last: name in the folder
// general, without suffix, number, and SHA-256 in hex.
var generals = []struct {
	name string
	id   uint32
	sum  string
}{
	{"general-1", 32769, "e22d7bbcb3b12e2f30504d869b06ee53925087087c33000b96b094eecd33bc9e"},
}

// General is the newest general dictionary; the zero Dict where there is none.
func General() *Dict {
	if len(generals) == 0 {
		return &Dict{}
	}
	d, err := loadGeneral(len(generals) - 1)
	if err != nil {
		panic(err) // what is compiled in is wrong; a test holds that it isn't
	}
	return d
}

func loadGeneral(i int) (*Dict, error) {
	g := generals[i]
	b, err := generalFiles.ReadFile("general/" + g.name + ".dict")
	if err != nil {
		return nil, err
	}
	d, err := NewDict(g.name, b)
	if err != nil {
		return nil, err
	}
	if d.ID != g.id || fmt.Sprintf("%x", d.Sum) != g.sum {
		return nil, fmt.Errorf("the dictionary %s: number %d, SHA-256 %x", g.name, d.ID, d.Sum)
	}
	d.General = true
	return d, nil
}

// findGeneral finds a general dictionary by its SHA-256.
func findGeneral(sum [32]byte) *Dict {
	for i, g := range generals {
		if fmt.Sprintf("%x", sum) == g.sum {
			if d, err := loadGeneral(i); err == nil {
				return d
			}
		}
	}
	return nil
}
