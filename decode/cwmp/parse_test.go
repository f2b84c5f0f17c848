package cwmp

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"informant/decode/soap"
)

// envelope wraps what stands in a Body.
func envelope(body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="` + soap.EnvelopeNS + `" xmlns:e="` + soap.EncodingNS + `" xmlns:xsd="` +
		soap.SchemaNS + `" xmlns:xsi="` + soap.InstanceNS + `" xmlns:cwmp="urn:dslforum-org:cwmp-1-0"><s:Header><cwmp:ID s:mustUnderstand="1">7</cwmp:ID></s:Header><s:Body>` +
		body + `</s:Body></s:Envelope>`
}

// one parses a body of one method.
func one(t *testing.T, body string) *Message {
	t.Helper()
	doc, messages := Parse(envelope(body), "text/xml; charset=utf-8")
	checkPositions(t, doc, messages)
	if len(messages) != 1 {
		t.Fatalf("%d messages of %s", len(messages), body)
	}
	return messages[0]
}

func names(l *List[ParameterValueStruct]) (s []string) {
	for i := range l.Items {
		s = append(s, l.Items[i].Name.Value+"="+l.Items[i].Value.Value)
	}
	return s
}

var noteNames = map[NoteKind]string{MissingArg: "missing", OutOfOrder: "order", RepeatedArg: "twice", Qualified: "qualified", CaseVariant: "case",
	NestedWrapper: "wrapper", NotArray: "no array", ElementInLeaf: "in leaf", TextInStruct: "text"}

func notes(m *Message) (s []string) {
	all := m.Notes
	if m.Fault != nil {
		all = m.Fault.Notes
	}
	for _, n := range all {
		s = append(s, noteNames[n.Kind]+": "+n.Path)
	}
	return s
}

func TestInform(t *testing.T) {
	m := one(t, `<cwmp:Inform><DeviceId><Manufacturer>A &amp; B</Manufacturer><OUI>00D09E</OUI><ProductClass/><SerialNumber> 1 </SerialNumber></DeviceId>
<Event e:arrayType="cwmp:EventStruct[2]"><EventStruct><EventCode>1 BOOT</EventCode><CommandKey></CommandKey></EventStruct><EventStruct><EventCode>M Reboot</EventCode><CommandKey>k</CommandKey></EventStruct></Event>
<MaxEnvelopes>1</MaxEnvelopes><CurrentTime>2026-11-22T08:00:00Z</CurrentTime><RetryCount>0</RetryCount>
<ParameterList e:arrayType="cwmp:ParameterValueStruct[0002]"><ParameterValueStruct><Name>a.b</Name><Value xsi:type="xsd:string">x</Value></ParameterValueStruct><ParameterValueStruct><Name>c</Name></ParameterValueStruct></ParameterList></cwmp:Inform>`)
	in := m.Args.(*Inform)
	d := &in.DeviceID
	if m.RPC != "Inform" || m.Kind != Request || m.ID != "7" || !m.HasID || m.Header.ID.MustUnderstand != "1" || m.Header.ID.MustUnderstandNS != soap.EnvelopeNS {
		t.Errorf("%+v", m)
	}
	if d.Manufacturer.Value != "A & B" || d.OUI.Value != "00D09E" || !d.ProductClass.Present || d.ProductClass.Value != "" || d.SerialNumber.Value != " 1 " || !d.Present {
		t.Errorf("device %+v", d)
	}
	if in.Event.Len() != 2 || in.Event.Declared != 2 || in.Event.Items[1].CommandKey.Value != "k" || !in.Event.Items[0].CommandKey.Present {
		t.Errorf("events %+v", in.Event)
	}
	l := &in.ParameterList
	if got := names(l); !slices.Equal(got, []string{"a.b=x", "c="}) || l.Declared != 2 || l.ArrayType != "cwmp:ParameterValueStruct[0002]" {
		t.Errorf("parameters %v %+v", got, l.ArrayInfo)
	}
	if v := &l.Items[0].Value; v.XSIType != "xsd:string" || v.Untyped || !l.Items[0].Name.Untyped || l.Items[1].Value.Present {
		t.Errorf("types %+v", l.Items)
	}
	if got := notes(m); !slices.Equal(got, []string{"missing: ParameterList/ParameterValueStruct[2]/Value"}) {
		t.Errorf("notes %v", got)
	}
}

// TestOddArguments: forms that differ from the schema, read in spite of it
// and noted.
func TestOddArguments(t *testing.T) {
	gpv := func(list string) string {
		return "<cwmp:GetParameterValuesResponse><ParameterList>" + list + "</ParameterList></cwmp:GetParameterValuesResponse>"
	}
	item := "<Name>a</Name><Value>1</Value>"
	for _, c := range []struct {
		name, body string
		want       string   // the parameters, or the leaves of the list
		notes      []string // kind and path
	}{
		{"other item names", gpv("<x>" + item + "</x><item>" + item + "</item>"), "a=1 a=1", nil},
		{"end tags taken for start tags", gpv("<ParameterValueStruct><Name>a</Name><Value>1</ Value=\"Value\"></ ParameterValueStruct=\"x\"><x>" + item + "</ x>"), "a=1 a=1", nil},
		{"other order", gpv("<ParameterValueStruct><Value>1</Value><Name>a</Name></ParameterValueStruct>"), "a=1", []string{"order: ParameterList/ParameterValueStruct[1]/Name"}},
		{"twice", gpv("<ParameterValueStruct>" + item + "<Value>2</Value></ParameterValueStruct>"), "a=2", []string{"twice: ParameterList/ParameterValueStruct[1]/Value"}},
		{"case", gpv("<ParameterValueStruct><name>a</name><Value>1</Value></ParameterValueStruct>"), "a=1", []string{"case: ParameterList/ParameterValueStruct[1]/name"}},
		{"wrapped twice", gpv("<ParameterValueStruct><ParameterValueStruct>" + item + "</ParameterValueStruct></ParameterValueStruct>"), "a=1", []string{"wrapper: ParameterList"}},
		{"list in list", gpv("<ParameterList><ParameterValueStruct>" + item + "</ParameterValueStruct></ParameterList>"), "a=1", []string{"wrapper: ParameterList"}},
		{"no item elements", gpv(item + item), "a=1 a=1", []string{"no array: ParameterList", "no array: ParameterList"}},
		{"no item elements, incomplete", gpv("<Name>a</Name><Name>b</Name><Value>2</Value>"), "a= b=2", []string{"no array: ParameterList", "missing: ParameterList/ParameterValueStruct[1]/Value", "no array: ParameterList"}},
		{"text in the list", gpv("x<ParameterValueStruct>" + item + "</ParameterValueStruct>"), "a=1", []string{"no array: ParameterList"}},
		{"text in the struct", gpv("<ParameterValueStruct>x" + item + "</ParameterValueStruct>"), "a=1", []string{"text: ParameterList/ParameterValueStruct[1]"}},
		{"element in a leaf", gpv("<ParameterValueStruct><Name>a<b>c</b></Name><Value>1</Value></ParameterValueStruct>"), "a=1", []string{"in leaf: ParameterList/ParameterValueStruct[1]/Name"}},
		{"CDATA and comment", gpv("<ParameterValueStruct><Name><![CDATA[<a>]]></Name><Value>1<!-- x -->2</Value></ParameterValueStruct>"), "<a>=12", nil},
		{"empty list", gpv(""), "", nil},
		{"empty list, self-closed", "<cwmp:GetParameterValuesResponse><ParameterList/></cwmp:GetParameterValuesResponse>", "", nil},
		{"no list", "<cwmp:GetParameterValuesResponse/>", "", []string{"missing: ParameterList"}},
		{"qualified", strings.Replace(gpv(""), "<cwmp:GetParameterValuesResponse>", `<GetParameterValuesResponse xmlns="urn:dslforum-org:cwmp-1-0">`, 1), "", []string{"qualified: ParameterList"}},
		{"names", "<cwmp:GetParameterValues><ParameterNames><string>a</string><string></string><x>b</x></ParameterNames></cwmp:GetParameterValues>", "a||b", nil},
		{"names wrapped twice", "<cwmp:GetParameterValues><ParameterNames><string><string>a</string><string>b</string></string></ParameterNames></cwmp:GetParameterValues>", "a|b", []string{"wrapper: ParameterNames"}},
		{"names as text", "<cwmp:GetParameterValues><ParameterNames>a</ParameterNames></cwmp:GetParameterValues>", "a", []string{"no array: ParameterNames"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := one(t, strings.ReplaceAll(c.body, "</GetParameterValuesResponse>", "</cwmp:GetParameterValuesResponse>"))
			got := ""
			switch a := m.Args.(type) {
			case *GetParameterValuesResponse:
				got = strings.Join(names(&a.ParameterList), " ")
			case *GetParameterValues:
				for i := range a.ParameterNames.Items {
					if i > 0 {
						got += "|"
					}
					got += a.ParameterNames.Items[i].Value
				}
			}
			if got != c.want {
				t.Errorf("read %q, want %q", got, c.want)
			}
			if n := notes(m); !slices.Equal(n, c.notes) {
				t.Errorf("notes %v, want %v", n, c.notes)
			}
		})
	}
}

func TestExtra(t *testing.T) {
	m := one(t, `<cwmp:Inform><DeviceId><WanIPAddress>1.2.3.4</WanIPAddress></DeviceId><Md5 a="b">x<y/></Md5></cwmp:Inform>`)
	if len(m.Extra) != 2 || m.Extra[0].Path != "DeviceId" || m.Extra[0].Node.Text != "1.2.3.4" || m.Extra[1].Node.Attr[0].Value != "b" || len(m.Extra[1].Node.Children) != 1 {
		t.Errorf("%+v", m.Extra)
	}
	m = one(t, `<cwmp:X_00D09E_DoResponse><A>1</A><B><C>2</C></B></cwmp:X_00D09E_DoResponse>`)
	if m.Args != nil || m.Kind != Response || len(m.Extra) != 2 || m.Extra[1].Node.Children[0].Text != "2" {
		t.Errorf("%+v", m)
	}
}

func TestOperations(t *testing.T) {
	ops := `<cwmp:ChangeDUState>%s<CommandKey>k</CommandKey></cwmp:ChangeDUState>`
	for _, c := range []string{
		`<Operations xsi:type="cwmp:InstallOpStruct"><URL>u</URL><UUID>1</UUID></Operations><Operations xsi:type="cwmp:UninstallOpStruct"><Version>2</Version></Operations>`,
		`<Operations e:arrayType="cwmp:OperationStruct[2]"><InstallOpStruct><URL>u</URL><UUID>1</UUID></InstallOpStruct><UninstallOpStruct><Version>2</Version></UninstallOpStruct></Operations>`,
	} {
		m := one(t, fmt.Sprintf(ops, c))
		a := m.Args.(*ChangeDUState)
		if a.Operations.Len() != 2 || a.Operations.Items[0].Kind != "InstallOpStruct" || a.Operations.Items[0].URL.Value != "u" ||
			a.Operations.Items[1].Kind != "UninstallOpStruct" || a.Operations.Items[1].Version.Value != "2" || a.CommandKey.Value != "k" {
			t.Errorf("%+v", a)
		}
		if n := notes(m); len(n) == 0 || !strings.HasSuffix(n[len(n)-1], "/UUID") {
			t.Errorf("no UUID is missing: %v", n)
		}
	}
}

func TestFault(t *testing.T) {
	inner := `<FaultCode>9003</FaultCode><FaultString>Invalid arguments</FaultString><SetParameterValuesFault><ParameterName>a</ParameterName><FaultCode>9007</FaultCode><FaultString>v</FaultString></SetParameterValuesFault>`
	head := `<faultcode>Client</faultcode><faultstring>CWMP fault</faultstring>`
	for _, c := range []struct {
		name, body string
		misplaced  bool
		cwmp       bool
		code       string
		notes      []string
	}{
		{"good", `<s:Fault>` + head + `<detail><cwmp:Fault>` + inner + `</cwmp:Fault></detail></s:Fault>`, false, true, "9003", nil},
		{"in the string", `<s:Fault><faultcode>Client</faultcode><faultstring>CWMP fault<detail><cwmp:Fault>` + inner + `</cwmp:Fault></detail></faultstring></s:Fault>`, true, true, "9003", []string{"in leaf: faultstring"}},
		{"not in detail", `<s:Fault>` + head + `<cwmp:Fault>` + inner + `</cwmp:Fault></s:Fault>`, true, true, "9003", nil},
		{"no Fault", `<s:Fault>` + head + `<detail>` + inner + `</detail></s:Fault>`, false, false, "9003", nil},
		{"in its place", `<cwmp:Fault>` + inner + `</cwmp:Fault>`, true, true, "9003", nil},
		{"two colons", `<s:Body:Fault>` + head + `<detail><cwmp:Fault>` + inner + `</cwmp:Fault></detail></s:Body:Fault>`, false, true, "9003", nil},
		{"other case", `<s:Fault>` + head + `<Detail><cwmp:Fault><faultCode>9003</faultCode><Faultstring>Invalid arguments</Faultstring></cwmp:Fault></Detail></s:Fault>`, false, true, "9003",
			[]string{"case: Detail", "case: Detail/Fault/faultCode", "case: Detail/Fault/Faultstring"}},
		{"no detail", `<s:Fault>` + head + `</s:Fault>`, false, false, "", nil},
		{"no code", `<s:Fault>` + head + `<detail><cwmp:Fault/></detail></s:Fault>`, false, true, "", []string{"missing: detail/FaultCode"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := one(t, c.body)
			f := m.Fault
			if m.Kind != Fault || m.RPC != "Fault" || f == nil || m.Args != nil {
				t.Fatalf("%+v", m)
			}
			if f.Misplaced != c.misplaced || f.HasCWMP != c.cwmp || f.Code.Value != c.code {
				t.Errorf("%+v", f)
			}
			if c.name != "in its place" && (f.SOAPCode.Value != "Client" || f.SOAPString.Value != "CWMP fault") {
				t.Errorf("SOAP %+v %+v", f.SOAPCode, f.SOAPString)
			}
			if strings.Contains(c.body, inner) && (len(f.Parameters) != 1 || f.Parameters[0].FaultCode.Value != "9007" || f.String.Value != "Invalid arguments") {
				t.Errorf("%+v", f)
			}
			if n := notes(m); !slices.Equal(n, c.notes) {
				t.Errorf("notes %v, want %v", n, c.notes)
			}
		})
	}
}

func TestSeveral(t *testing.T) {
	_, ms := Parse(envelope("<cwmp:Reboot><CommandKey>1</CommandKey></cwmp:Reboot><cwmp:FactoryReset/>"), "")
	if len(ms) != 2 || ms[0].RPC != "Reboot" || ms[1].RPC != "FactoryReset" || ms[0].Document != ms[1].Document || ms[1].ID != "7" {
		t.Errorf("%v", ms)
	}
	two := envelope("<cwmp:FactoryReset/>") + strings.Replace(strings.Replace(envelope("<cwmp:InformResponse/>"), ">7<", ">8<", 1), `<?xml version="1.0" encoding="UTF-8"?>`, "", 1)
	doc, ms := Parse(two, "")
	if len(ms) != 2 || ms[0].ID != "7" || ms[1].ID != "8" || doc.Envelopes != 2 || ms[1].Kind != Response {
		t.Errorf("%v %+v", ms, doc.Quirks)
	}
}

func TestHeader(t *testing.T) {
	text := strings.Replace(envelope("<cwmp:Inform/>"), "<s:Header>", `<s:Header><x:HoldRequests xmlns:x="u" mustUnderstand="1">true</x:HoldRequests><sessionTimeout>40</sessionTimeout><cwmp:SessionTimeout>40</cwmp:SessionTimeout><cwmp:ID>second</cwmp:ID>`, 1)
	_, ms := Parse(text, "")
	h := ms[0].Header
	if h.HoldRequests == nil || h.HoldRequests.MustUnderstandNS != "" || h.HoldRequests.MustUnderstand != "1" || h.SessionTimeout.Value != "40" || len(h.Other) != 2 || ms[0].ID != "second" {
		t.Errorf("%+v", h)
	}
}

// TestRecovery: broken envelopes tell what can be read of them.
func TestRecovery(t *testing.T) {
	good := envelope(`<cwmp:GetParameterValuesResponse><ParameterList><ParameterValueStruct><Name>a</Name><Value>1</Value></ParameterValueStruct><ParameterValueStruct><Name>b</Name><Value>2</Value></ParameterValueStruct></ParameterList></cwmp:GetParameterValuesResponse>`)
	for _, c := range []struct{ name, from, to, want string }{
		{"misspelt end tag", "a</Name>", "a</Nmae>", "a=1 b=2"},
		{"end tag in another case", "1</Value>", "1</value>", "a=1 b=2"},
		{"end tag forgotten", "</Value></ParameterValueStruct><", "</Value><", "a=1"},
		{"inner end tag forgotten", "a</Name><Value>1</Value>", "a</Name><Value>1", "a=1 b=2"},
		{"cut", "<Name>b</Name><Value>2</Value></ParameterValueStruct></ParameterList></cwmp:GetParameterValuesResponse></s:Body></s:Envelope>", "<Name>b</Name><Val", "a=1 b="},
		{"control character", ">1<", ">\x02<", "a=\uFFFD b=2"},
		{"control character as a reference", ">1<", ">&#2;<", "a=\uFFFD b=2"},
		{"ampersand", ">1<", ">1 & 2<", "a=1 & 2 b=2"},
		{"entity", ">1<", ">&nbsp;<", "a=&nbsp; b=2"},
		{"quotes forgotten", "<Value>1", "<Value a=b>1", "a=1 b=2"},
		{"prefix", "<Value>1</Value>", "<q:Value>1</q:Value>", "a=1 b=2"},
		{"junk after the end", "</s:Envelope>", "</s:Envelope>\x00\x00", "a=1 b=2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(good, c.from, c.to, 1)
			if text == good {
				t.Fatal("nothing was changed")
			}
			doc, ms := Parse(text, "")
			checkPositions(t, doc, ms)
			if len(ms) != 1 {
				t.Fatalf("%d messages, %+v", len(ms), doc.Quirks)
			}
			if got := strings.Join(names(&ms[0].Args.(*GetParameterValuesResponse).ParameterList), " "); !strings.HasPrefix(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
			if refused(doc) == nil {
				t.Error("no quirk")
			}
		})
	}
}

func TestCharsets(t *testing.T) {
	for _, c := range []struct{ contentType, text, charset, want string }{
		{"text/xml; charset=utf-8", "é", "utf-8", "é"},
		{"text/xml; charset=ISO-8859-1", "\xe9", "iso-8859-1", "é"},
		{`text/xml; charset="windows-1252"`, "\x80", "windows-1252", "€"},
		{"text/xml; charset=iso-8859-15", "\xa4", "iso-8859-15", "€"},
		{"text/xml", "é", "utf-8", "é"},
		{"text/xml", "\xe9", "iso-8859-1", "é"},
		{"text/xml; charset=utf-8", "\xe9", "utf-8", "\xe9"},
	} {
		text := strings.Replace(envelope("<cwmp:Reboot><CommandKey>"+c.text+"</CommandKey></cwmp:Reboot>"), ` encoding="UTF-8"`, "", 1)
		doc, ms := Parse(text, c.contentType)
		checkPositions(t, doc, ms)
		k := &ms[0].Args.(*Reboot).CommandKey
		if k.Value != c.want || doc.Charset != c.charset {
			t.Errorf("%s %q: %q in %s", c.contentType, c.text, k.Value, doc.Charset)
		}
		if off, ok := doc.Origin(int(k.End)); !ok || text[off:off+2] != "</" {
			t.Errorf("%s %q: end of the value comes from %d, %v", c.contentType, c.text, off, ok)
		}
	}
	var wide []byte
	for _, r := range "\uFEFF" + strings.Replace(envelope("<cwmp:Reboot><CommandKey>é</CommandKey></cwmp:Reboot>"), "UTF-8", "UTF-16", 1) {
		wide = append(wide, byte(r>>8), byte(r))
	}
	doc, ms := Parse(string(wide), "")
	if len(ms) != 1 || ms[0].Args.(*Reboot).CommandKey.Value != "é" || refused(doc) != nil {
		t.Errorf("UTF-16: %v %+v", ms, doc.Quirks)
	}
	if off, ok := doc.Origin(10); off != 22 || !ok {
		t.Errorf("UTF-16: 10 comes from %d", off)
	}
}

// TestHotLists: the short ways for long lists read what the general way reads.
func TestHotLists(t *testing.T) {
	var texts []string
	for _, m := range []string{"GetParameterValuesResponse", "GetParameterNamesResponse", "GetParameterAttributesResponse", "Inform", "SetParameterValues"} {
		texts = append(texts, envelope(`<cwmp:`+m+`><ParameterList e:arrayType="cwmp:X[2]"><X><Name>a</Name><Value xsi:type="xsd:int">1</Value><Writable>1</Writable><Notification>2</Notification><AccessList><string>Subscriber</string></AccessList></X><X><Value/><Name>b</Name></X></ParameterList><Event><E><EventCode>1 BOOT</EventCode></E><E/></Event></cwmp:`+m+`>`))
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		text := texts[rng.IntN(len(texts))]
		i := 200 + rng.IntN(len(text)-200)
		switch rng.IntN(3) {
		case 0:
			text = text[:i] + text[i+1:]
		case 1:
			text = text[:i] + `<>/"&a`[rng.IntN(6):][:1] + text[i:]
		}
		_, fast := Parse(text, "")
		g := decoder{general: true}
		_, slow := g.parse(text, "")
		for _, m := range append(fast, slow...) {
			m.Document, m.Header = nil, Header{}
		}
		if !reflect.DeepEqual(fast, slow) {
			t.Fatalf("differ on %s", text)
		}
	}
}

// TestHostile: sizes are bounded, and time is.
func TestHostile(t *testing.T) {
	const n = 1 << 20
	start := time.Now()
	bomb := `<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">` + strings.Repeat(`<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">`, 1000) + `]>`
	for name, text := range map[string]string{
		"deep":           envelope("<cwmp:X_Y>" + strings.Repeat("<a>", 100000) + strings.Repeat("</a>", 100000) + "</cwmp:X_Y>"),
		"deep and open":  envelope("<cwmp:X_Y>" + strings.Repeat("<a>", n)),
		"deep faults":    envelope("<s:Fault>" + strings.Repeat("<Fault><detail>", n/16)),
		"deep lists":     envelope("<cwmp:GetParameterValues><ParameterNames>" + strings.Repeat("<string>", n/8)),
		"brackets":       strings.Repeat("<", 10*n),
		"brackets in":    envelope("<cwmp:X_Y><a>" + strings.Repeat("<", n)),
		"in faultstring": envelope("<s:Fault><faultstring><a/>" + strings.Repeat("<", n)),
		"tags cut":       envelope(strings.Repeat("<a ", n)),
		"quotes":         envelope(strings.Repeat(`<a b="`, n/6)),
		"quotes, odd":    envelope(strings.Repeat(`<a b="'>`, n/8)),
		"end tags":       envelope("<cwmp:X_Y>" + strings.Repeat("</b>", n/4)),
		"comments":       envelope(strings.Repeat("<!--", n/4)),
		"CDATA":          envelope("<cwmp:X_Y>" + strings.Repeat("<![CDATA[", n/9)),
		"PIs":            envelope("<cwmp:X_Y>" + strings.Repeat("<?", n/2)),
		"attribute":      envelope(`<cwmp:X_Y a="` + strings.Repeat("b", 10*n) + `"/>`),
		"attributes":     envelope(`<cwmp:X_Y` + strings.Repeat(" b='1'", n/6) + `/>`),
		"prefixes":       envelope(strings.Repeat(`<a xmlns:b="c">`, n/16)),
		"name":           envelope("<cwmp:X" + strings.Repeat("b", n) + "/>"),
		"ampersands":     envelope("<cwmp:X_Y><a>" + strings.Repeat("&", n) + "</a></cwmp:X_Y>"),
		"references":     envelope("<cwmp:X_Y><a>" + strings.Repeat("&#2;", n/4) + "</a></cwmp:X_Y>"),
		"controls":       envelope(strings.Repeat("\x02", n)),
		"bytes":          envelope("<cwmp:X_Y>" + strings.Repeat("\xff", n) + "</cwmp:X_Y>"),
		"NULs":           strings.Repeat("\x00", 10*n),
		"empty items":    envelope("<cwmp:GetParameterValuesResponse><ParameterList>" + strings.Repeat("<a/>", n/8) + "</ParameterList></cwmp:GetParameterValuesResponse>"),
		"promise":        envelope(`<cwmp:GetParameterValuesResponse><ParameterList e:arrayType="x[2147483647]"/></cwmp:GetParameterValuesResponse>`),
		"entity bomb":    bomb + strings.TrimPrefix(envelope("<cwmp:X_Y><a>"+strings.Repeat("&b;", 1000)+"</a></cwmp:X_Y>"), `<?xml version="1.0" encoding="UTF-8"?>`),
		"DOCTYPEs":       strings.Repeat("<!DOCTYPE a [", n/13),
		"methods":        envelope(strings.Repeat("<a/>", n/8)),
		"envelopes":      strings.Repeat("<Envelope/>", n/11),
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			doc, ms := Parse(text, "")
			checkPositions(t, doc, ms)
			if len(doc.Quirks) > 64*25 {
				t.Errorf("%d quirks", len(doc.Quirks))
			}
			for _, m := range ms {
				if len(m.Notes) > maxNotes {
					t.Errorf("%d notes", len(m.Notes))
				}
			}
			if took := time.Since(begin); took > 20*time.Second {
				t.Errorf("took %v", took)
			} else if took > time.Second {
				t.Logf("took %v", took)
			}
		})
	}
	t.Logf("all %v", time.Since(start))
}

// TestFragments: what people cut out of envelopes is read as it would be in
// one, and the quirk tells that there is none.
func TestFragments(t *testing.T) {
	const inform = `<DeviceId><Manufacturer>A</Manufacturer></DeviceId><Event><EventStruct><EventCode>0 BOOTSTRAP</EventCode></EventStruct></Event>`
	const space = ` xmlns:c="urn:dslforum-org:cwmp-1-1"`
	for text, want := range map[string]string{
		"<!-- from a page -->\n <cwmp:Inform>" + inform + "</cwmp:Inform>":                   "Inform A 0 BOOTSTRAP",
		"<cwmp:Inform>" + inform + "<MaxEnvelopes>1</ Max=\"1\">":                            "Inform A 0 BOOTSTRAP",
		"<S:Body>\n<cwmp:Inform>" + inform:                                                   "Inform A 0 BOOTSTRAP",
		"<S:Body><Inform>" + inform + "</Inform></S:Body>":                                   "Inform A 0 BOOTSTRAP",
		"<c:Reboot" + space + "><CommandKey>k</CommandKey></c:Reboot>":                       "Reboot",
		"<AddObjectResponse/>":                                                               "AddObjectResponse",
		"<?xml version=\"1.0\"?><c:Fault" + space + "><FaultCode>9000</FaultCode></c:Fault>": "Fault 9000",
		"<Fault><detail><c:Fault><FaultCode>9001</FaultCode></c:Fault></detail></Fault>":     "Fault 9001",
		"<c:X_00D09E_Do" + space + "/>":                                                      "X_00D09E_Do",
		"<feed/>":                                                                            "",
	} {
		doc, messages := Parse(text, "text/xml")
		checkPositions(t, doc, messages)
		got := ""
		for _, m := range messages {
			got += m.RPC
			if in, ok := m.Args.(*Inform); ok {
				got += " " + in.DeviceID.Manufacturer.Value + " " + in.Event.Items[0].EventCode.Value
			}
			if m.Fault != nil {
				got += " " + m.Fault.Code.Value
			}
		}
		if got != want || doc.HasEnvelope || !slices.ContainsFunc(doc.Quirks, func(q soap.Quirk) bool { return q.Kind == soap.WrongRoot }) {
			t.Errorf("%s: read %q, want %q; %+v", text, got, want, doc.Quirks)
		}
	}
}

func TestSniff(t *testing.T) {
	for text, want := range map[string]bool{
		informSeed: true, "\uFEFF" + informSeed: true, " \r\n<Envelope>": true, "<soap:envelope/>": true, "<!-- x --><a:Envelope": true, "\x00<\x00E\x00n\x00v\x00e\x00l\x00o\x00p\x00e\x00>": true,
		"\xFE\xFF\x00<\x00E\x00n\x00v\x00e\x00l\x00o\x00p\x00e\x00>": true,
		"<cwmp:Inform>": true, "<!-- <html> -->\n<a:SetParameterValuesResponse\n/>": true, "<SOAP-ENV:Body>": true, "<Fault/>": true, "<Reboot xmlns='x'>": true,
		"<body>": false, "<Informs>": false, "<inform>": false, "<cwmp:X_00D09E_Do>": false, "<Download": true, "<?xml version='1.0'?><Bodyguard/>": false, "<!-- <Inform>": false,
		"": false, "Envelope": false, "<html>": false, "<?xml version='1.0'?><feed/>": false, "GET / HTTP/1.1": false, "<!DOCTYPE html><html>": false,
		"<!DOCTYPE x [<!ENTITY a SYSTEM \"f>\">]>\n<s:Envelope>": true, "<!DOCTYPE x [<!ENTITY a 'v'>]><html>": false, "<!DOCTYPE x [": false,
	} {
		if Sniff(text) != want {
			t.Errorf("Sniff(%.40q) is %v", text, !want)
		}
	}
}

var informSeed = bigInform()

func FuzzParse(f *testing.F) {
	f.Add(informSeed, "text/xml")
	f.Add(manyValues(2), "text/xml; charset=iso-8859-1")
	f.Add(envelope(`<s:Body:Fault><faultcode>Client</faultcode><faultstring>CWMP fault<detail><cwmp:Fault><FaultCode>9003</FaultCode></cwmp:Fault></detail></faultstring></s:Body:Fault>`), "")
	f.Add(envelope(`<cwmp:X_1><a b='c'>&#65;<![CDATA[x]]></a></cwmp:X_1>`), "")
	f.Fuzz(func(t *testing.T, body, contentType string) {
		doc, messages := Parse(body, contentType)
		checkPositions(t, doc, messages)
		if len(messages) != len(doc.Methods) {
			t.Fatalf("%d messages of %d methods", len(messages), len(doc.Methods))
		}
		Sniff(body)
	})
}
