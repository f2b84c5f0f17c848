package soap

import (
	"strings"
	"testing"
)

func TestBound(t *testing.T) {
	text := `<a xmlns:x="1"><b xmlns:x="2" xmlns:y="3">in</b><c>out</c></a>`
	d := read(text, "")
	for _, c := range []struct{ at, prefix, want string }{{"in", "x", "2"}, {"in", "y", "3"}, {"out", "x", "1"}, {"out", "y", ""}, {"<a", "x", "1"}} {
		if got, ok := Bound(d, strings.Index(text, c.at), c.prefix); got != c.want || ok != (c.want != "") {
			t.Errorf("%s at %s: %q, %v", c.prefix, c.at, got, ok)
		}
	}
}
