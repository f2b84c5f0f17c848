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

// TestBoundAbove: where the Envelope alone binds a prefix nobody need read the text, and
// what is told is the same.
func TestBoundAbove(t *testing.T) {
	quick := 0
	for _, envelope := range []string{`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:x="1">`, `<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'>`,
		`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:x="1" xmlns:x="2">`, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:x = "1">`,
		`<!-- xmlns:x="0" --><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:x=" 1&amp; ">`, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xy="1">`} {
		for _, body := range []string{`<s:Body><m><v>in</v></m></s:Body>`, `<s:Body><m xmlns:x="3"><v>in</v></m><v/></s:Body>`, `<s:Body><m><v xmlns:x="4">in</v><v xmlns:x=''/></m></s:Body>`, `<s:Body><m><![CDATA[xmlns:x="5"]]></m>`} {
			text := envelope + body + "</s:Envelope>"
			d := read(text, "")
			for at := -1; at <= len(d.Text)+1; at++ {
				for _, prefix := range []string{"x", "s", "y", ""} {
					got, gotOK := Bound(d, at, prefix)
					want, wantOK := d.boundAt(at, prefix)
					if got != want || gotOK != wantOK {
						t.Fatalf("%s: %q at %d is %q, %v, not %q, %v", text, prefix, at, got, gotOK, want, wantOK)
					}
					if _, ok := d.boundAbove(at, prefix); ok {
						quick++
					}
				}
			}
		}
	}
	if quick < 1000 {
		t.Errorf("only %d were told without reading", quick)
	}
}
