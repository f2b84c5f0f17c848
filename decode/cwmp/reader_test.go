package cwmp

import (
	"fmt"
	"strings"
	"testing"

	"informant/decode/soap"
)

// TestReadAgain: what was read before an envelope changes nothing of what is
// read of it, though the same tags mean other things in each of these.
func TestReadAgain(t *testing.T) {
	const envelope = `<s:Envelope xmlns:s="%s"%s><s:Header><c:ID s:mustUnderstand="1">1</c:ID></s:Header><s:Body><c:GetParameterValuesResponse>` +
		`<ParameterList e:arrayType="c:ParameterValueStruct[1]"><ParameterValueStruct><Name>A.</Name><Value i:type="x:string" k="&lt;v">1</Value></ParameterValueStruct></ParameterList>` +
		`</c:GetParameterValuesResponse></s:Body></s:Envelope>`
	const all = ` xmlns:e="` + soap.EncodingNS + `" xmlns:i="` + soap.InstanceNS + `" xmlns:x="` + soap.SchemaNS + `"`
	texts := []string{
		fmt.Sprintf(envelope, soap.EnvelopeNS, all+` xmlns:c="urn:dslforum-org:cwmp-1-0"`),
		fmt.Sprintf(envelope, soap.EnvelopeNS, all+` xmlns:c="urn:dslforum-org:cwmp-1-2"`),
		fmt.Sprintf(envelope, soap.Envelope12NS, all+` xmlns:c="urn:dslforum-org:cwmp-1-2"`),
		fmt.Sprintf(envelope, soap.EnvelopeNS, all+` xmlns="urn:any" xmlns:c="urn:dslforum-org:cwmp-1-0"`),
		fmt.Sprintf(envelope, soap.EnvelopeNS, all),
		fmt.Sprintf(envelope, soap.EnvelopeNS, strings.Replace(all, "xmlns:x=", "xmlns:y=", 1)+` xmlns:c="urn:dslforum-org:cwmp-1-0"`),
		fmt.Sprintf(envelope, soap.EnvelopeNS, strings.Replace(all, "xmlns:i=", "xmlns:j=", 1)+` xmlns:c="urn:dslforum-org:cwmp-1-0"`),
		fmt.Sprintf(envelope, soap.EnvelopeNS, ""),
		"\n<!-- elsewhere -->" + fmt.Sprintf(envelope, soap.EnvelopeNS, all+` xmlns:c="urn:dslforum-org:cwmp-1-0"`),
		`<s:Envelope xmlns:s="` + soap.EnvelopeNS + `"><s:Body><c:Reboot xmlns:c="urn:dslforum-org:cwmp-1-0"><CommandKey/></c:Reboot><c:Reboot xmlns:c="urn:x"><CommandKey/></c:Reboot><c:Reboot>`,
	}
	var d decoder
	d.Keep()
	for i := range 7 * len(texts) {
		text := texts[(i*3+i/len(texts))%len(texts)]
		doc, messages := d.parse(text, "text/xml")
		wantDoc, want := Parse(text, "text/xml")
		if got, want := told(doc, messages), told(wantDoc, want); got != want {
			t.Fatalf("%s\nread again:\n%s\nread alone:\n%s", text, got, want)
		}
	}
}

// told is everything that was read.
func told(doc *soap.Document, messages []*Message) string {
	b := fmt.Sprintf("%v %v %q %v %+v\n%+v\n", doc.Declaration, doc.HasEnvelope, doc.EncodingNS, doc.Envelope, doc.Header, doc.Methods)
	b += fmt.Sprintf("%+v\n", doc.Quirks)
	for _, m := range messages {
		b += fmt.Sprintf("%s %+v %v %q %v %+v %+v %+v\n", m.RPC, m.Method, m.At, m.ID, m.Kind, m.Args, m.Notes, m.Fault)
		for _, e := range m.Extra {
			b += fmt.Sprintf("%s %+v\n", e.Path, *e.Node)
		}
	}
	return b
}
