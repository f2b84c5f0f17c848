package replaytest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"informant/replay"
	"informant/replay/replaytest"
)

// An ACS under test: each session of the fixture has to go as it was recorded.
func ExampleRunCPE() {
	test := func(t *testing.T) {
		acs := httptest.NewServer(myACS())
		defer acs.Close()
		replaytest.RunCPE(t, "testdata/boot.scenario", acs.URL, replaytest.Options{
			Login: replay.Login{User: "cpe", Password: os.Getenv("ACS_PASSWORD")},
		})
	}
	fmt.Println(run(test))
	// Output: ok
}

// A CPE under test: it calls the ACS of the fixture.
func ExampleServeACS() {
	test := func(t *testing.T) {
		acs := replaytest.ServeACS(t, "testdata/boot.scenario")
		if err := myCPE(acs); err != nil {
			t.Error(err)
		}
	}
	fmt.Println(run(test))
	// Output: ok
}

// run runs a test function as go test does; an Example has no testing.T.
func run(test func(*testing.T)) string {
	ok := testing.RunTests(func(_, _ string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "Example", F: test}})
	return map[bool]string{true: "ok", false: "failed"}[ok]
}

const envelope = `<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:cwmp="urn:dslforum-org:cwmp-1-0"><soap:Header><cwmp:ID soap:mustUnderstand="1">1</cwmp:ID></soap:Header><soap:Body>%s</soap:Body></soap:Envelope>`

// myACS is the smallest ACS: it answers the Inform, and wants nothing.
func myACS() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		fmt.Fprintf(w, envelope, "<cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse>")
	})
}

// myCPE is the smallest CPE.
func myCPE(acs string) error {
	inform := `<cwmp:Inform><DeviceId><Manufacturer>Example Corp</Manufacturer><OUI>00D09E</OUI><ProductClass>Box</ProductClass><SerialNumber>S1</SerialNumber></DeviceId>
<Event xmlns:enc="http://schemas.xmlsoap.org/soap/encoding/" enc:arrayType="cwmp:EventStruct[1]"><EventStruct><EventCode>1 BOOT</EventCode><CommandKey></CommandKey></EventStruct></Event>
<MaxEnvelopes>1</MaxEnvelopes><CurrentTime>` + time.Now().UTC().Format(time.RFC3339) + `</CurrentTime><RetryCount>0</RetryCount>
<ParameterList xmlns:enc="http://schemas.xmlsoap.org/soap/encoding/" enc:arrayType="cwmp:ParameterValueStruct[8]">` + parameters() + `</ParameterList></cwmp:Inform>`
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Jar: jar}
	for _, body := range []string{fmt.Sprintf(envelope, inform), ""} {
		r, err := http.NewRequest(http.MethodPost, acs, strings.NewReader(body))
		if err != nil {
			return err
		}
		if body != "" {
			r.Header.Set("Content-Type", "text/xml; charset=utf-8")
			r.Header.Set("SOAPAction", "")
		}
		w, err := client.Do(r)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, w.Body); err != nil { // the connection is used again
			return err
		}
		w.Body.Close()
	}
	return nil
}

// parameters are the forced ones of the fixture.
func parameters() string {
	text := ""
	for _, p := range [][2]string{{"DeviceSummary", "InternetGatewayDevice:1.4[](Baseline:1)"}, {"DeviceInfo.SpecVersion", "1.0"}, {"DeviceInfo.HardwareVersion", "R1"}, {"DeviceInfo.SoftwareVersion", "5.21"},
		{"DeviceInfo.ProvisioningCode", ""}, {"ManagementServer.ConnectionRequestURL", "http://192.0.2.7:7547/x"}, {"ManagementServer.ParameterKey", ""},
		{"WANDevice.1.WANConnectionDevice.1.WANIPConnection.1.ExternalIPAddress", "192.0.2.7"}} {
		text += `<ParameterValueStruct><Name>InternetGatewayDevice.` + p[0] + `</Name><Value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xsi:type="xsd:string">` + p[1] + `</Value></ParameterValueStruct>`
	}
	return text
}
