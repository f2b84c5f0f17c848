package soap

import (
	"strings"
	"testing"
)

func TestPathAt(t *testing.T) {
	text := `<s:Envelope xmlns:s="` + EnvelopeNS + `"><s:Body><Inform><Event><E><Code>1</Code></E><E><Code>2</Code></E></Event><x/></Inform></s:Body></s:Envelope> `
	d := read(text, "")
	for at, want := range map[string]string{
		"<s:Env": "/Envelope", "<Inform": "/Envelope/Body/Inform", "1<": "/Envelope/Body/Inform/Event/E[1]/Code", "2<": "/Envelope/Body/Inform/Event/E[2]/Code",
		"</E><E>": "/Envelope/Body/Inform/Event/E[1]", "<x/>": "/Envelope/Body/Inform/x", "</Inform>": "/Envelope/Body/Inform",
	} {
		if got := PathAt(d, strings.Index(text, at)); got != want {
			t.Errorf("at %s: %s, want %s", at, got, want)
		}
	}
	if got := PathAt(d, len(text)-1); got != "" {
		t.Errorf("outside: %s", got)
	}
}

// TestPathsAgree: the paths by one reading are those by the table of elements,
// at every position, of broken texts too.
func TestPathsAgree(t *testing.T) {
	many := ""
	for i := range 70 {
		many += "<x" + itoa(i) + "/>"
	}
	for _, text := range []string{
		good, manyValues(3), "", "x", "<a><b/><b/><c><b>x</b></c></a><a/>", "<a><b><c></a><a><b>", "<p:a><q:a:b>x</q:a:b><b/></p:a>", "<a><b><c></b><c/></a>",
		"<a>" + many + many + "</a>", strings.Repeat("<a>", MaxDepth+3) + "x" + strings.Repeat("</a>", MaxDepth+3) + "<a/>", "<a b='>'/><a", "</a><a>",
	} {
		var p pathIndex
		p.read(text)
		for at := 0; at <= len(text); at++ {
			if got, want := pathAt(text, at), p.at(text, at); got != want {
				t.Fatalf("%.60q at %d: %s, by the table %s", text, at, got, want)
			}
		}
	}
}

func TestOrigin(t *testing.T) {
	body := "\xEF\xBB\xBF<a>x\x02y\x03\x04z</a>"
	d := read(body, "")
	if want := "<a>x\uFFFDy\uFFFD\uFFFDz</a>"; d.Text != want {
		t.Fatalf("%q", d.Text)
	}
	for i := range d.Text {
		off, ok := d.Origin(i)
		if !ok || d.Text[i] < 0x80 && body[off] != d.Text[i] || d.Text[i] >= 0x80 && body[off] > 4 {
			t.Errorf("%d comes from %d, %v", i, off, ok)
		}
	}
	if _, ok := d.Origin(5); ok {
		t.Error("inside a rewritten character")
	}
	if off, ok := d.Origin(len(d.Text)); !ok || off != len(body) {
		t.Errorf("the end comes from %d", off)
	}
	if _, ok := d.Origin(len(d.Text) + 1); ok {
		t.Error("behind the end")
	}
}
