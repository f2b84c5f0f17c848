package check

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"informant/decode/cwmp"
	"informant/decode/soap"
)

// TestPathOfArguments holds that the path that arguments tell is the one that the text
// tells, at every byte of simple arguments.
func TestPathOfArguments(t *testing.T) {
	for _, text := range pathTexts() {
		if known := samePaths(t, text); known == 0 && !strings.Contains(text, "</ParameterList><ParameterList>") {
			t.Errorf("%.300q: the arguments tell nothing", text)
		}
	}
}

// TestPathOfBrokenArguments is TestPathOfArguments of texts with tags that are missing, there
// twice, or others, and with what may stand between tags.
func TestPathOfBrokenArguments(t *testing.T) {
	tags := regexp.MustCompile("<[^>]*>")
	texts := slices.DeleteFunc(pathTexts(), func(text string) bool { return len(text) > 3000 })
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 3))
		text := texts[r.IntN(len(texts))]
		for range 1 + r.IntN(3) {
			at := tags.FindAllStringIndex(text, -1)
			x, y := at[r.IntN(len(at))], at[r.IntN(len(at))]
			other := text[y[0]:y[1]]
			switch r.IntN(5) {
			case 0: // is missing
				text = text[:x[0]] + text[x[1]:]
			case 1: // is there twice
				text = text[:x[1]] + text[x[0]:]
			case 2: // is another
				text = text[:x[0]] + other + text[x[1]:]
			case 3:
				text = text[:x[0]] + []string{"<!-- x -->", "<![CDATA[y]]>", "<x/>", "<x>y</x>", " z ", "<?p q?>", "<Name>A</Name>", "<Value/>"}[r.IntN(8)] + text[x[0]:]
			case 4: // closes itself
				text = text[:x[1]-1] + "/" + text[x[1]-1:]
			}
		}
		samePaths(t, text)
	}
}

func FuzzPathOfArguments(f *testing.F) {
	for _, text := range pathTexts() {
		if len(text) < 2000 {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 5000 { // each of its bytes is asked for
			samePaths(t, text)
		}
	})
}

// pathTexts are envelopes with arguments of many forms.
func pathTexts() []string {
	envelope := func(method, body string) string {
		return `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:cwmp="urn:dslforum-org:cwmp-1-0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">` +
			`<soap:Header><cwmp:ID soap:mustUnderstand="1">1</cwmp:ID></soap:Header><soap:Body><cwmp:` + method + ">" + body + "</cwmp:" + method + "></soap:Body></soap:Envelope>"
	}
	value := func(i int, item string) string {
		return fmt.Sprintf("<%s>\n <Name>Device.X.%d.Y</Name><Value xsi:type=\"xsd:string\">v&amp;%d</Value></%s>", item, i, i, item)
	}
	many := ""
	for i := range 40 {
		many += value(i, "ParameterValueStruct")
	}
	inform := "<DeviceId><Manufacturer>M\xc3\xbc</Manufacturer><OUI>00A0B1</OUI><ProductClass/><SerialNumber></SerialNumber></DeviceId>" +
		"<Event soap:arrayType=\"cwmp:EventStruct[1]\"><EventStruct><EventCode>2 PERIODIC</EventCode><CommandKey/></EventStruct></Event><MaxEnvelopes>1</MaxEnvelopes><CurrentTime>2026-01-01T00:00:00Z</CurrentTime><RetryCount>0</RetryCount>"
	named := func(item string) string {
		return "<" + item + "><Name>A.B.</Name><Writable>0</Writable></" + item + ">"
	}
	return []string{
		envelope("Inform", inform+"<ParameterList>"+value(1, "ParameterValueStruct")+"</ParameterList>"),
		envelope("Inform", inform+"<ParameterList soap:arrayType='cwmp:ParameterValueStruct[40]' >"+many+"</ParameterList>"),
		envelope("GetParameterValuesResponse", "<ParameterList>"+many+"</ParameterList>"),
		envelope("GetParameterValuesResponse", "<ParameterList>"+value(1, "cwmp:ParameterValueStruct")+value(2, "ParameterValueStruct")+value(3, "Item")+value(4, "Other")+value(5, "Item")+"</ParameterList>"),
		envelope("GetParameterValuesResponse", "<ParameterList>"+value(1, "One")+value(2, "Two")+"</ParameterList>"),
		envelope("GetParameterValuesResponse", "<ParameterList><ParameterValueStruct><Name>A.B</Name><Value/></ParameterValueStruct><ParameterValueStruct><Name/><Value></Value></ParameterValueStruct></ParameterList>"),
		envelope("GetParameterValuesResponse", "<ParameterList>"+many+"</ParameterList><ParameterList>"+many+"</ParameterList>"),
		envelope("GetParameterValuesResponse", "<ParameterList><ParameterList>"+many+"</ParameterList></ParameterList>"),
		envelope("SetParameterValues", "<ParameterList>"+many+"</ParameterList><ParameterKey>k</ParameterKey>"),
		envelope("SetParameterValues", "<ParameterKey>k</ParameterKey><ParameterList>"+many+"</ParameterList>"),
		envelope("GetParameterNamesResponse", "<ParameterList>"+named("ParameterInfoStruct")+named("ParameterInfoStruct")+"</ParameterList>"),
		envelope("GetParameterNamesResponse", "<ParameterList>"+named("ParameterInfoStruct")+"</ParameterList>"),
		envelope("GetParameterValuesResponse", "<ParameterList><ParameterValueStruct><Name>A.B</Name><Value>1<x>2</x></Value></ParameterValueStruct></ParameterList>"),
	}
}

// samePaths holds that both ways agree on all positions in the arguments of a text, and
// says of how many the arguments know one.
func samePaths(t *testing.T, text string) (known int) {
	t.Helper()
	d, messages := cwmp.Parse(text, "text/xml")
	var p Pass
	for _, m := range messages {
		m.Document = d
		if m.Args == nil {
			continue
		}
		look := func(from, to int) {
			for at := from; at <= to; at++ {
				if got, want := p.pathAt(m, at), soap.PathAt(d, at); got != want {
					t.Fatalf("%.300q at %d: %s, by the text %s", text, at, got, want)
				}
				w := argumentWay{m: m, alike: new(alikeItems), text: d.Text, at: at}
				if w.find(m.Args) {
					known++
				}
			}
		}
		leaves(m.Args, func(_ *cwmp.Member, l *cwmp.Leaf) { look(int(l.Start), int(l.End)) })
		arrays(m.Args, func(_ *cwmp.Member, a cwmp.Array) {
			look(a.Info().At.Start, a.Info().At.Start)
			look(a.Info().TypeAt.Start, a.Info().TypeAt.End)
		})
	}
	return known
}

// TestAppendPlain: what it puts together is what fmt does.
func TestAppendPlain(t *testing.T) {
	for _, c := range []struct {
		format string
		args   []any
		plain  bool
	}{
		{"", nil, true}, {"as it is", nil, true}, {"%s", []any{"a"}, true}, {"%s has %d of %s", []any{"a", -7, ""}, true}, {"%d", []any{0}, true}, {"é %s ü", []any{"ö"}, true},
		{"100%%", nil, false}, {"%q", []any{"a"}, false}, {"%d", []any{int64(7)}, false}, {"%s", []any{time.Second}, false}, {"%s", []any{7}, false}, {"%d", []any{"a"}, false},
		{"%s", nil, false}, {"%", []any{"a"}, false}, {"none", []any{"a"}, false}, {"%5d", []any{7}, false}, {"%s%s", []any{"a"}, false},
	} {
		got, plain := appendPlain(nil, c.format, c.args)
		if want := fmt.Sprintf(c.format, c.args...); plain != c.plain || plain && string(got) != want {
			t.Errorf("%q of %v: %q, %v, not %q, %v", c.format, c.args, got, plain, want, c.plain)
		}
	}
}
