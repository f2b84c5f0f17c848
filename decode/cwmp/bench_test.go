package cwmp

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/beevik/etree"
)

const envelopeHead = `<?xml version="1.0" encoding="UTF-8"?>
<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="urn:dslforum-org:cwmp-1-0">
<soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">1234567</cwmp:ID></soap-env:Header>
<soap-env:Body>
`

const envelopeTail = "</soap-env:Body>\n</soap-env:Envelope>\n"

// manyValues is a GetParameterValuesResponse of n parameters.
func manyValues(n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s<cwmp:GetParameterValuesResponse>\n<ParameterList soap-enc:arrayType=\"cwmp:ParameterValueStruct[%d]\">\n", envelopeHead, n)
	types := [...]string{"string", "unsignedInt", "boolean", "dateTime"}
	values := [...]string{"eth0.100", "4294967295", "1", "2026-11-22T08:00:00Z"}
	for i := range n {
		fmt.Fprintf(&b, "<ParameterValueStruct>\n<Name>Device.IP.Interface.%d.Stats.Counter%d</Name>\n<Value xsi:type=\"xsd:%s\">%s</Value>\n</ParameterValueStruct>\n", i/20+1, i%20, types[i%4], values[i%4])
	}
	return b.String() + "</ParameterList>\n</cwmp:GetParameterValuesResponse>\n" + envelopeTail
}

// bigInform is an Inform of about 4 KB.
func bigInform() string {
	var b strings.Builder
	b.WriteString(envelopeHead + `<cwmp:Inform>
<DeviceId>
<Manufacturer>Example</Manufacturer>
<OUI>00D09E</OUI>
<ProductClass>HomeGateway</ProductClass>
<SerialNumber>00D09E-1234567890</SerialNumber>
</DeviceId>
<Event soap-enc:arrayType="cwmp:EventStruct[2]">
<EventStruct>
<EventCode>2 PERIODIC</EventCode>
<CommandKey></CommandKey>
</EventStruct>
<EventStruct>
<EventCode>4 VALUE CHANGE</EventCode>
<CommandKey></CommandKey>
</EventStruct>
</Event>
<MaxEnvelopes>1</MaxEnvelopes>
<CurrentTime>2026-11-22T08:00:00Z</CurrentTime>
<RetryCount>0</RetryCount>
<ParameterList soap-enc:arrayType="cwmp:ParameterValueStruct[19]">
`)
	for i := range 19 {
		fmt.Fprintf(&b, "<ParameterValueStruct>\n<Name>InternetGatewayDevice.DeviceInfo.X_00D09E_Thing%d</Name>\n<Value xsi:type=\"xsd:string\">some value %d</Value>\n</ParameterValueStruct>\n", i, i)
	}
	return b.String() + "</ParameterList>\n</cwmp:Inform>\n" + envelopeTail
}

func benchmarkParse(b *testing.B, text string) {
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var d decoder
	d.Keep()
	for b.Loop() {
		if _, m := d.parse(text, "text/xml"); len(m) != 1 {
			b.Fatal("no message")
		}
	}
}

func benchmarkTokens(b *testing.B, text string) {
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		for d := xml.NewDecoder(strings.NewReader(text)); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func benchmarkEtree(b *testing.B, text string) {
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if err := etree.NewDocument().ReadFromString(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseGPV15k(b *testing.B)  { benchmarkParse(b, manyValues(15000)) }
func BenchmarkParseInform(b *testing.B)  { benchmarkParse(b, bigInform()) }
func BenchmarkTokensGPV15k(b *testing.B) { benchmarkTokens(b, manyValues(15000)) }
func BenchmarkTokensInform(b *testing.B) { benchmarkTokens(b, bigInform()) }
func BenchmarkEtreeGPV15k(b *testing.B)  { benchmarkEtree(b, manyValues(15000)) }
func BenchmarkEtreeInform(b *testing.B)  { benchmarkEtree(b, bigInform()) }
