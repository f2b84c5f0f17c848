package cwmp

import "strings"

// Texts keeps short texts that live about equally long in few blocks of memory: for the
// garbage collector there are fewer things then. A block is let go when none of its texts
// is known any more. The zero value is ready.
type Texts struct{ block strings.Builder }

const (
	textsBlock = 8 << 10
	textsLong  = 512 // bytes; a longer one has memory of its own
)

// Keep is a copy of a text.
func (t *Texts) Keep(s string) string {
	if len(s) > textsLong {
		return strings.Clone(s)
	}
	n := t.room(len(s))
	t.block.WriteString(s)
	return t.block.String()[n:]
}

// KeepBytes is a text of bytes.
func (t *Texts) KeepBytes(b []byte) string {
	if len(b) > textsLong {
		return string(b)
	}
	n := t.room(len(b))
	t.block.Write(b)
	return t.block.String()[n:]
}

// room makes room for n bytes, and tells where it begins.
func (t *Texts) room(n int) int {
	if t.block.Cap()-t.block.Len() < n {
		t.block = strings.Builder{}
		t.block.Grow(textsBlock)
	}
	return t.block.Len()
}
