package soap

import (
	"strings"
	"testing"
)

// TestOdd: every byte at every place of a word, between white space too.
func TestOdd(t *testing.T) {
	for _, fill := range []string{"a", "\n", " ", "~", "\t", "\r"} {
		for c := range 256 {
			for at := range 24 {
				b := []byte(strings.Repeat(fill, 27))
				b[at] = byte(c)
				want := len(b)
				if c >= 0x7F || c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
					want = at
				}
				if got := odd(string(b), 0); got != want {
					t.Fatalf("byte %#x at %d among %q: %d", c, at, fill, got)
				}
			}
		}
	}
}
