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

// orderly is in good order, with all that Paths reads by tags and some that it
// does not.
const orderly = `<?xml version="1.0"?>
<s:Envelope xmlns:s="` + EnvelopeNS + `" xmlns:c="urn:dslforum-org:cwmp-1-0"><s:Header><c:ID s:mustUnderstand="1">7</c:ID></s:Header><s:Body >
<c:X><A></A><A a="1>2" /><B/><L><E><N>1</N><V t="x"/></E><E ><N>2</N><V>3</V></E></L><!-- <A> --><B b='/'/></c:X></s:Body></s:Envelope>
`

// TestPathsAgree: the paths by one reading are those by the table of elements,
// at every position, of broken texts too.
func TestPathsAgree(t *testing.T) {
	many := ""
	for i := range 70 {
		many += "<x" + itoa(i) + "/>"
	}
	for _, text := range []string{
		good, manyValues(3), orderly, "", "x", "<a><b/><b/><c><b>x</b></c></a><a/>", "<a><b><c></a><a><b>", "<p:a><q:a:b>x</q:a:b><b/></p:a>", "<a><b><c></b><c/></a>",
		"<a>" + many + many + "</a>", strings.Repeat("<a>", MaxDepth+3) + "x" + strings.Repeat("</a>", MaxDepth+3) + "<a/>", "<a b='>'/><a", "</a><a>",
	} {
		var p pathIndex
		var paths Paths
		p.read(text)
		d := read(text, "")
		for at := 0; at <= len(text); at++ {
			if got, want := pathAt(text, at), p.at(text, at); got != want {
				t.Fatalf("%.60q at %d: %s, by the table %s", text, at, got, want)
			}
			if !plain(d) || at == len(text) {
				continue
			}
			if got := string(paths.Append(nil, d, at)); got != p.at(text, at) {
				t.Fatalf("%.60q at %d: %s as a plain one, by the table %s", text, at, got, p.at(text, at))
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

// TestPlainPath: documents in good order are read without the Scanner.
func TestPlainPath(t *testing.T) {
	text := manyValues(3)
	d := read(text, "")
	var p Paths
	for at := range len(text) {
		p.Append(nil, d, at)
		if _, ok := p.path(nil, text, at); !ok || !p.plain {
			t.Fatalf("not read at %d: %.40q", at, text[at:])
		}
	}
}

func BenchmarkPathAt(b *testing.B) {
	text := manyValues(10)
	d := read(text, "")
	var p, same Paths
	var room [256]byte
	for _, way := range []struct {
		name string
		path func()
	}{
		{"plain", func() { p.of = nil; p.Append(room[:0], d, len(text)/2) }},
		{"again", func() { same.Append(room[:0], d, len(text)/2) }},
		{"any", func() { pathAt(text, len(text)/2) }},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				way.path()
			}
		})
	}
}
