package soap

import (
	"encoding/xml"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// read reads a body whole.
func read(body, contentType string) *Document {
	var r Reader
	r.Open(body, contentType)
	for r.NextMethod() {
		r.Tree()
	}
	return r.Document()
}

// refusing are the kinds for which a strict parser refuses a text.
var refusing = []QuirkKind{Malformed, Truncated, NotXML, ForbiddenChar, BadCharset, TrailingContent, TwoColons, UnknownEntity,
	BareAmpersand, UnquotedAttr, DuplicateAttr, LeadingSpace}

func refused(d *Document) *Quirk {
	for i := range d.Quirks {
		q := &d.Quirks[i]
		if slices.Contains(refusing, q.Kind) || q.Kind == Undeclared && !strings.Contains(q.Text, "in the value of") {
			return q
		}
	}
	return nil
}

const good = `<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:e="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:c="urn:dslforum-org:cwmp-1-0">
 <s:Header><c:ID s:mustUnderstand="1">7</c:ID></s:Header>
 <s:Body><c:X_1 a='1' b="&quot;&#10;">
  <!-- a comment --><P e:arrayType="xsd:string[2]"><string>a &amp; b</string><string/></P>
  <V xsi:type="xsd:string"><![CDATA[<x>&]]></V>
 </c:X_1></s:Body>
</s:Envelope>`

// TestWellFormed: what is refused, and what is not, as expat has it.
func TestWellFormed(t *testing.T) {
	env := func(inside string) string {
		return `<s:Envelope xmlns:s="` + EnvelopeNS + `"><s:Body><a>` + inside + `</a></s:Body></s:Envelope>`
	}
	for _, c := range []struct {
		name, text string
		want       QuirkKind // 0: accepted
	}{
		{"good", good, 0},
		{"empty", "", NotXML},
		{"text", "hello", NotXML},
		{"blank", " \n", NotXML},
		{"version 1.1", strings.Replace(good, "1.0", "1.1", 1), 0},
		{"declaration without version", strings.Replace(good, ` version="1.0"`, "", 1), Malformed},
		{"standalone", strings.Replace(good, `?>`, ` standalone="yes"?>`, 1), 0},
		{"standalone maybe", strings.Replace(good, `?>`, ` standalone="maybe"?>`, 1), Malformed},
		{"declaration in another order", strings.Replace(good, `version="1.0" encoding="UTF-8"`, `encoding="UTF-8" version="1.0"`, 1), Malformed},
		{"no space in the declaration", strings.Replace(good, `" enc`, `"enc`, 1), Malformed},
		{"space first", " " + good, LeadingSpace},
		{"space first, no declaration", "\n" + env(""), 0},
		{"BOM", "\uFEFF" + good, 0},
		{"text first", "x" + env(""), Malformed},
		{"NUL at the end", good + "\x00\x00", TrailingContent},
		{"text at the end", good + "x", TrailingContent},
		{"second root", good + "<a/>", TrailingContent},
		{"comment at the end", good + "<!-- x -->\n", 0},
		{"PI", env("<?x y?>"), 0},
		{"PI xml", env("<?xml version='1.0'?>"), Malformed},
		{"PI XmL", env("<?XmL x?>"), Malformed},
		{"PI without a name", env("<? x?>"), Malformed},
		{"comment --", env("<!-- a -- b -->"), Malformed},
		{"comment --->", env("<!-- a --->"), Malformed},
		{"comment open", env("<!-- a"), Truncated},
		{"CDATA", env("<![CDATA[]]]]>"), 0},
		{"CDATA open", env("<![CDATA[ ]]"), Truncated},
		{"]]>", env("a ]]> b"), Malformed},
		{"]]> in an attribute", env("<b c=']]>'/>"), 0},
		{"mismatch", env("<b></c>"), Malformed},
		{"crossed", env("<b><c></b></c>"), Malformed},
		{"case", env("<b></B>"), Malformed},
		{"end tag alone", env("</b>"), Malformed},
		{"end tag with space", env("<b></b \n>"), 0},
		{"end tag with attribute", env("<b></b c='1'>"), Malformed},
		{"space in front of a name", env("< b/>"), Malformed},
		{"open", good[:len(good)-5], Truncated},
		{"cut in a tag", good[:len(good)-40], Truncated},
		{"no quotes", env("<b c=1/>"), UnquotedAttr},
		{"no value", env("<b c/>"), Malformed},
		{"no space between", env("<b c='1'd='2'/>"), Malformed},
		{"twice", env("<b c='1' c='2'/>"), DuplicateAttr},
		{"twice by namespace", env("<b xmlns:x='u' xmlns:y='u' x:c='1' y:c='2'/>"), DuplicateAttr},
		{"not twice", env("<b xmlns:x='u' c='1' x:c='2'/>"), 0},
		{"< in a value", env("<b c='<'/>"), Malformed},
		{"> in a value", env("<b c='>'/>"), 0},
		{"& alone", env("a & b"), BareAmpersand},
		{"&; ", env("&;"), BareAmpersand},
		{"& in a value", env("<b c='a&b'/>"), BareAmpersand},
		{"entity", env("&nbsp;"), UnknownEntity},
		{"reference", env("&#65;&#x4a;&#x10FFFF;"), 0},
		{"reference to NUL", env("&#0;"), ForbiddenChar},
		{"reference to 2", env("&#2;"), ForbiddenChar},
		{"reference to a surrogate", env("&#xD800;"), ForbiddenChar},
		{"reference too large", env("&#x110000;"), ForbiddenChar},
		{"reference far too large", env("&#99999999999999999999;"), ForbiddenChar},
		{"reference X", env("&#X41;"), BareAmpersand},
		{"control character", env("\x02"), ForbiddenChar},
		{"vertical tab after a newline", env("\n\x0b"), ForbiddenChar},
		{"FFFE", env("\uFFFE"), ForbiddenChar},
		{"7F", env("\x7f"), 0},
		{"UTF-8", env("é€𝄞"), 0},
		{"Latin-1", env("\xe9"), BadCharset},
		{"declared Latin-1", `<?xml version="1.0" encoding="ISO-8859-1"?>` + env("\xe9"), 0},
		{"half a character", env("\xc3"), BadCharset},
		{"surrogates in UTF-8", env("\xed\xa0\x80"), BadCharset},
		{"unknown prefix", env("<x:b/>"), Undeclared},
		{"unknown prefix of an attribute", env("<b x:c='1'/>"), Undeclared},
		{"prefix out of its element", env("<b xmlns:x='u'><x:c/></b><x:d/>"), Undeclared},
		{"unknown prefix in a value", env("<b xmlns:i='" + InstanceNS + "' i:type='x:string'/>"), 0},
		{"xml prefix", env("<b xml:lang='de'/>"), 0},
		{"two colons", env("<s:b:c/>"), TwoColons},
		{"colon first", env("<:b/>"), Malformed},
		{"colon last", env("<b: />"), Malformed},
		{"prefix to nothing", env("<b xmlns:x=''/>"), Malformed},
		{"default to nothing", env("<b xmlns=''/>"), 0},
		{"xml bound anew", env("<b xmlns:xml='u'/>"), Malformed},
		{"name with a digit first", env("<1b/>"), Malformed},
		{"name with a letter of Latin", env("<bé/>"), 0},
		{"name with a sign", env("<b×/>"), Malformed},
		{"DOCTYPE", "<!DOCTYPE a>" + env(""), 0},
		{"DOCTYPE twice", "<!DOCTYPE a><!DOCTYPE a>" + env(""), Malformed},
		{"DOCTYPE inside", env("<!DOCTYPE a>"), Malformed},
		{"entity declared", `<!DOCTYPE a [<!ENTITY x "y>]'">]>` + env("&x;"), 0},
		{"another declared", `<!DOCTYPE a [<!ENTITY x "y">]>` + env("&z;"), UnknownEntity},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := read(c.text, "")
			q := refused(d)
			switch {
			case c.want == 0 && q != nil:
				t.Errorf("refused: %v %s", q.Kind, q.Text)
			case c.want != 0 && !slices.ContainsFunc(d.Quirks, func(q Quirk) bool { return q.Kind == c.want }):
				t.Errorf("quirks %v, want %v", d.Quirks, c.want)
			}
			checkDocument(t, d, c.text)
		})
	}
}

// checkDocument holds positions to the text, and to the body where they map.
func checkDocument(t *testing.T, d *Document, body string) {
	t.Helper()
	last := 0
	for _, q := range d.Quirks {
		if q.At.Start < last || q.At.End < q.At.Start || q.At.End > len(d.Text) || q.Text == "" && !strings.Contains(q.Text, "more)") {
			t.Fatalf("quirk %v %q at %v of %d", q.Kind, q.Text, q.At, len(d.Text))
		}
		last = q.At.Start
	}
	for i := 0; i < len(d.Text); i += 1 + len(d.Text)/300 {
		off, ok := d.Origin(i)
		if off < 0 || off >= len(body) {
			t.Fatalf("position %d comes from %d of %d", i, off, len(body))
		}
		if c := d.Text[i]; ok && c < 0x80 && d.Charset != "utf-16" && body[off] != c {
			t.Fatalf("position %d: %q, in the body %q", i, c, body[off])
		}
	}
	for _, m := range d.Methods {
		if m.At.End < m.At.Start || m.At.End > len(d.Text) || d.Text[m.At.Start] != '<' {
			t.Fatalf("method %s at %v", m.Name.Local, m.At)
		}
		if p := PathAt(d, m.At.Start); !strings.HasSuffix(strings.SplitN(p+"[", "[", 2)[0], "/"+m.Name.Local) && !strings.Contains(p, "/"+m.Name.Local) {
			t.Fatalf("path of %s: %s", m.Name.Local, p)
		}
	}
}

// strict is encoding/xml's verdict, with the checks of names and namespaces
// that it doesn't make left to those of ours.
func strict(text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	depth, roots := 0, 0
	for {
		tok, err := d.Token()
		if err == io.EOF {
			if roots == 0 {
				return io.ErrUnexpectedEOF
			}
			return nil
		}
		if err != nil {
			return err
		}
		switch tok.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			depth++
		case xml.EndElement:
			depth--
		}
	}
}

// TestMutants: whatever encoding/xml refuses is refused here, on a good text
// with a few bytes changed. (The other way round encoding/xml is the laxer.)
func TestMutants(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	letters := `<>&"'/=:;! []-?#xaA1` + "\n\x01\xe9"
	n := 6000
	if testing.Short() {
		n = 2000
	}
	for range n {
		b := []byte(good)
		for range 1 + rng.IntN(3) {
			i := rng.IntN(len(b))
			switch rng.IntN(3) {
			case 0:
				b[i] = letters[rng.IntN(len(letters))]
			case 1:
				b = slices.Delete(b, i, min(len(b), i+1+rng.IntN(3)))
			default:
				b = slices.Insert(b, i, letters[rng.IntN(len(letters))])
			}
		}
		text := string(b)
		d := read(text, "")
		checkDocument(t, d, text)
		// The version is a quirk of its own (Version11), as expat has it.
		if err := strict(text); err != nil && refused(d) == nil && !strings.Contains(err.Error(), "unsupported version") {
			t.Errorf("encoding/xml: %v; accepted here:\n%s", err, text)
		}
	}
}

// sameTree compares with etree's own reading.
func sameTree(t *testing.T, text string) {
	t.Helper()
	want := etree.NewDocument()
	want.ReadSettings.PreserveCData = true
	if err := want.ReadFromString(text); err != nil {
		return
	}
	d := read(text, "")
	if refused(d) != nil || lineInAttr(&want.Element) {
		return
	}
	got := d.Etree()
	a, _ := want.WriteToString()
	b, _ := got.WriteToString()
	if a != b {
		t.Errorf("etree reads\n%s\nwe\n%s", a, b)
	}
}

// lineInAttr: encoding/xml doesn't normalise the white space of attributes.
func lineInAttr(e *etree.Element) bool {
	for _, a := range e.Attr {
		if strings.ContainsAny(a.Value, "\t\r\n") {
			return true
		}
	}
	return slices.ContainsFunc(e.ChildElements(), lineInAttr)
}

func TestEtree(t *testing.T) {
	for _, text := range []string{good, strings.ReplaceAll(good, "\n", "\r\n"), `<a><b>x</b>y<c/>z</a>`, `<a b="&lt;&#9;&gt;" c=" d e "/>`} {
		sameTree(t, text)
	}
}

// TestQuirkTexts: whatever a text quotes of the body, it can be shown.
func TestQuirkTexts(t *testing.T) {
	long := strings.Repeat("a", 59) + "é" + strings.Repeat("b", 60)
	for body, want := range map[string]string{
		"<a:B\xC3\xEF\xFF\xFF>x":           `the body ends inside <a:B\xc3\xef\xff\xff>`,
		"<" + long + ">x":                  "the body ends inside <" + long[:59] + "…>",
		"<a></b\x80\"></a>":                `end tag </b\x80 is not closed`,
		"<a></é></a>":                      "end tag </é> where <a> is open",
		"<a></a>" + long:                   `text after the root element: "` + long[:40] + `"…`,
		"<a></a>\xFF":                      `text after the root element: "\xff"`,
		"<e:Envelope><\x80/></e:Envelope>": `<\x80> is neither Header nor Body`,
	} {
		d := read(body, "text/xml; charset=utf-8")
		found := false
		for _, q := range d.Quirks {
			found = found || q.Text == want
			if !utf8.ValidString(q.Text) {
				t.Errorf("%q: %q is no UTF-8", body, q.Text)
			}
		}
		if !found {
			t.Errorf("%q: %q is missing in %+v", body, want, d.Quirks)
		}
	}
}

// TestRawReturn: a carriage return counts in the text of a leaf, not between
// elements (reference SOAP-012).
func TestRawReturn(t *testing.T) {
	for body, want := range map[string]int{
		"<Envelope>\r\n<Body>\r\n<a\r\nb='c'>\r\n<b>x</b>\r\n</a>\r\n</Body>\r\n</Envelope>\r\n": -1,
		"<Envelope><Body><a>\r<b>x\ry</b></a></Body></Envelope>":                                 24,
		"<Envelope><Body><a><b>x\r\n</b></a></Body></Envelope>":                                  23,
		"<Envelope><Body><a><b><![CDATA[\r]]></b></a></Body></Envelope>":                         31,
		"<Envelope><Body><a><b>x<!-- \r -->y&#13;</b></a></Body></Envelope>":                     -1,
		"<Envelope><Header><ID>\r</ID></Header><Body/></Envelope>":                               22,
		"<Envelope><Body><a><b>é\r</b></a></Body></Envelope>":                                    22,
	} {
		got := -1
		for _, q := range read(body, "text/xml; charset=utf-8").Quirks {
			if q.Kind == RawNonASCII {
				got = q.At.Start
			}
		}
		if got != want {
			t.Errorf("%q: noted at %d, want %d", body, got, want)
		}
	}
}
