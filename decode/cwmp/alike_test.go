package cwmp

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"informant/decode/soap"
)

// alikeSeeds are envelopes with lists of many items, which are written alike
// but for some.
func alikeSeeds() []string {
	value := func(name, typ, v string) string {
		return "<ParameterValueStruct><Name>" + name + `</Name><Value xsi:type="` + typ + `">` + v + "</Value></ParameterValueStruct>"
	}
	of := func(method, list string, items ...string) string {
		return envelopeHead + "<cwmp:" + method + "><" + list + ` soap-enc:arrayType="cwmp:X[` + itoa(len(items)) + `]">` + strings.Join(items, "") + "</" + list + "></cwmp:" + method + ">" + envelopeTail
	}
	const got, names = "GetParameterValuesResponse", "GetParameterNamesResponse"
	plain := []string{value("A.", "xsd:string", "1"), value("B.", "xsd:string", ""), value("C.", "xsd:int", "3"), value("D.", "xsd:string", "4"), value("E.", "xsd:boolean", "1")}
	odd := []string{
		"<ParameterValueStruct><Name>F.</Name><Value xsi:type=\"xsd:string\"/></ParameterValueStruct>", value("&amp;", "xsd:string", "a&lt;b"), value("G.", "xsd:int", "\r\n"), value("H.", "x:y", "z"), value("I", "xsd:string", "<a/>"),
		"\n" + value("J", "xsd:string", "]]>"), " <!-- c -->" + value("K", "xsd:int", "x"), "text" + value("L", "xsd:int", "x"), "<Name>M</Name><Value>loose</Value>", value("N", "xsd:string", "<![CDATA[x]]>"), value("O", "xsd:int", "\xe9\x01"),
		"<ParameterValueStruct/>", "<ParameterValueStruct><Value>1</Value><Name>P</Name></ParameterValueStruct>", "<ParameterList>" + plain[0] + plain[1] + plain[3] + "</ParameterList>",
		`<a xmlns="urn:a"><Name>Q</Name><Value/></a><a xmlns="urn:a"><Name>R</Name><Value/></a><a xmlns="urn:a"><Name>R</Name><Value/></a>`,
		strings.Repeat(`<cwmp:i><Name>S</Name><Value e:arrayType="k[1]">1</Value></cwmp:i>`, 4), strings.Repeat(`<i><Name/><Value>1</Value></i>`, 3), strings.Repeat(`<string>a</string>`, 3), "<ParameterValueStruct><Name>T</Name></ParameterValueStruct>",
	}
	seeds := []string{bigInform(), manyValues(20)}
	for _, m := range [][2]string{{got, "ParameterList"}, {names, "ParameterList"}, {"SetParameterValues", "ParameterList"}, {"Inform", "ParameterList"}, {"Inform", "Event"}, {"GetParameterValues", "ParameterNames"}} {
		seeds = append(seeds, of(m[0], m[1], plain...))
		for i := range odd {
			items := append(append(append([]string{}, plain...), odd[i]), plain...)
			seeds = append(seeds, of(m[0], m[1], append(items, odd[(i+3)%len(odd)], odd[i])...))
		}
	}
	seeds = append(seeds, of("GetParameterValues", "ParameterNames", "<string>A</string>", "<string>B</string>", "<string xsi:type='xsd:string'>C</string>", "<string>D</string>", "x", "<string/>", "<string>&amp;</string>", "<string>E</string>"))
	for i, s := range seeds {
		s = strings.Replace(s, "ParameterValueStruct", "ParameterInfoStruct", i%2*9)
		seeds = append(seeds, s, strings.ReplaceAll(s, "Value", "Writable"), strings.ReplaceAll(strings.ReplaceAll(s, "Name>", "EventCode>"), "Value", "CommandKey"), strings.ReplaceAll(s, "xmlns:xsi", "xmlns:xs"),
			strings.ReplaceAll(s, "<cwmp:", `<cwmp:X_1/><cwmp:`), strings.ReplaceAll(s, "soap-env:Body>", `soap-env:Body xmlns="urn:dslforum-org:cwmp-1-0">`), strings.ReplaceAll(s, "soap-enc:arrayType", "k"), strings.ReplaceAll(s, "\n", "\r\n"))
	}
	return seeds
}

// mutant is s with something of it changed.
func mutant(rng *rand.Rand, s string) string {
	for range 1 + rng.IntN(3) {
		if len(s) < 10 {
			return s
		}
		i := rng.IntN(len(s))
		if rng.IntN(3) > 0 {
			i = len(s)/3 + rng.IntN(len(s)/2)
		}
		switch rng.IntN(7) {
		case 0:
			s = s[:i] + s[i+1:]
		case 1:
			s = s[:i] + string("<>/\"&a \r]:="[rng.IntN(11)]) + s[i:]
		case 2:
			b := []byte(s)
			b[i] ^= 1 << rng.IntN(8)
			s = string(b)
		case 3:
			j := min(len(s), i+rng.IntN(300))
			s = s[:j] + s[i:]
		case 4:
			s = s[:i] + s[min(len(s), i+rng.IntN(300)):]
		case 5: // swap two tags
			a := strings.IndexByte(s[i:], '<')
			if a < 0 {
				continue
			}
			b := strings.IndexByte(s[i+a+1:], '<')
			if b < 0 {
				continue
			}
			a, b = i+a, i+a+1+b
			c := strings.IndexByte(s[b:], '>')
			if c < 0 {
				continue
			}
			s = s[:a] + s[b:b+c+1] + s[a:b] + s[b+c+1:]
		case 6:
			if rng.IntN(8) == 0 {
				s = s[:i]
			}
		}
	}
	return s
}

// sameBothWays compares what d reads of a text, which knows how the items of
// others were written, with what is read the general way.
func sameBothWays(t *testing.T, d *decoder, text string) {
	t.Helper()
	doc, fast := d.parse(text, "text/xml")
	g := decoder{general: true}
	want, slow := g.parse(text, "text/xml")
	for _, m := range append(append([]*Message{}, fast...), slow...) {
		m.Document, m.Header = nil, Header{}
	}
	if !reflect.DeepEqual(fast, slow) {
		t.Fatalf("differ on %q:\n%s\n%s", text, told(doc, fast), told(want, slow))
	}
	if !reflect.DeepEqual(doc.Quirks, want.Quirks) || doc.EncodingNS != want.EncodingNS || !reflect.DeepEqual(doc.Methods, want.Methods) {
		t.Fatalf("differ on %q:\n%+v %q\n%+v %q", text, doc.Quirks, doc.EncodingNS, want.Quirks, want.EncodingNS)
	}
}

// TestAlike: items that are read by comparing them with others are what they
// are when read alone.
func TestAlike(t *testing.T) {
	seeds := alikeSeeds()
	rng := rand.New(rand.NewPCG(5, 6))
	var d decoder
	d.Keep()
	for _, s := range seeds {
		sameBothWays(t, &d, s)
		sameBothWays(t, &d, s)
	}
	n := 20000
	if testing.Short() {
		n = 2000
	}
	for range n {
		sameBothWays(t, &d, mutant(rng, seeds[rng.IntN(len(seeds))]))
	}
}

// TestAlikeDepth: reading by comparing goes no deeper than reading does.
func TestAlikeDepth(t *testing.T) {
	const item = "<i><Name>a</Name><Value>b</Value></i>"
	var d decoder
	d.Keep()
	for depth := soap.MaxDepth - 8; depth < soap.MaxDepth; depth++ {
		open, end := strings.Repeat("<ParameterList>", depth), strings.Repeat("</ParameterList>", depth)
		sameBothWays(t, &d, fmt.Sprintf("%s<cwmp:GetParameterValuesResponse>%s%s%s%[3]s</cwmp:GetParameterValuesResponse>%s", envelopeHead, open, strings.Repeat(item, 3), end+open+strings.Repeat(item, 2), envelopeTail))
	}
}

func FuzzAlike(f *testing.F) {
	for i, s := range alikeSeeds() {
		if i%40 == 0 {
			f.Add(s, s)
		}
	}
	f.Fuzz(func(t *testing.T, before, text string) {
		var d decoder
		d.Keep()
		d.parse(before, "text/xml")
		sameBothWays(t, &d, text)
		sameBothWays(t, &d, before)
	})
}
