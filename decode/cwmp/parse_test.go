package cwmp

import "testing"

const informText = `<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="urn:dslforum-org:cwmp-1-0">
  <soap:Header>
    <cwmp:ID soap:mustUnderstand="1">7</cwmp:ID>
  </soap:Header>
  <soap:Body>
    <cwmp:Inform>
      <DeviceId>
        <Manufacturer>Example &amp; Sons</Manufacturer>
        <OUI>00D09E</OUI>
        <ProductClass>Box</ProductClass>
        <SerialNumber>1234</SerialNumber>
      </DeviceId>
      <Event soapenc:arrayType="cwmp:EventStruct[2]">
        <EventStruct>
          <EventCode>1 BOOT</EventCode>
          <CommandKey/>
        </EventStruct>
        <EventStruct>
          <EventCode>M Reboot</EventCode>
          <CommandKey>k</CommandKey>
        </EventStruct>
      </Event>
      <MaxEnvelopes>1</MaxEnvelopes>
      <CurrentTime>2026-11-22T08:00:00Z</CurrentTime>
      <RetryCount>0</RetryCount>
      <ParameterList soapenc:arrayType="cwmp:ParameterValueStruct[2]">
        <ParameterValueStruct>
          <Name>InternetGatewayDevice.DeviceSummary</Name>
          <Value xsi:type="xsd:string">x</Value>
        </ParameterValueStruct>
        <ParameterValueStruct>
          <Name>InternetGatewayDevice.DeviceInfo.SoftwareVersion</Name>
          <Value xsi:type="xsd:string"/>
        </ParameterValueStruct>
      </ParameterList>
    </cwmp:Inform>
  </soap:Body>
</soap:Envelope>
`

func TestFirst(t *testing.T) {
	doc, ms := Parse(informText, "text/xml; charset=utf-8")
	t.Logf("%+v", doc.Quirks)
	for _, m := range ms {
		t.Logf("%+v", m)
		t.Logf("%+v", m.Args)
	}
	_, ms = Parse(`<a:Envelope xmlns:a="http://schemas.xmlsoap.org/soap/envelope/"><a:Body><a:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring><detail><x:Fault xmlns:x="urn:dslforum-org:cwmp-1-0"><FaultCode>9003</FaultCode><FaultString>Invalid</FaultString><SetParameterValuesFault><ParameterName>A.</ParameterName><FaultCode>9007</FaultCode></SetParameterValuesFault></x:Fault></detail></a:Fault></a:Body></a:Envelope>`, "")
	t.Logf("%+v", ms[0].Fault)
}
