package mutate

import (
	"fmt"
	"strconv"
	"strings"
)

// edit is a session with one piece of its scenario replaced.
type edit struct {
	name, from, to string
	want           string
	and            []string
}

const (
	empty204 = "acs 204\nclose cpe"
	answer   = "cpe GetParameterValuesResponse\n  param InternetGatewayDevice.DeviceInfo.UpTime 1234 unsignedInt"
	question = "acs GetParameterValues ParameterNames=[InternetGatewayDevice.DeviceInfo.UpTime]"
	setting  = "acs SetParameterValues ParameterKey=k1\n  param InternetGatewayDevice.UserInterface.ISPName one"
	informed = "acs InformResponse"
	whole    = "cpe Inform\nacs InformResponse\ncpe empty\nacs 204\n" // another device's
	opening  = `cpe Inform events="2 PERIODIC"`
)

// under puts a change below a statement.
func under(statement, change string) string { return statement + "\n  " + change }

// edits break the plain session: its HTTP, its sequence, its Inform and its faults.
func edits() (all []edit) {
	add := func(name, from, to, want string, and ...string) {
		all = append(all, edit{name, from, to, want, and})
	}
	// HTTP of each message.
	for _, m := range []struct {
		statement, what string
		n               int
	}{{opening, "Inform", 1}, {answer, "GetParameterValuesResponse", 5}, {"cpe SetParameterValuesResponse", "SetParameterValuesResponse", 7}} {
		at := func(id string) string { return fmt.Sprintf("%s cpe %d", id, m.n) }
		action := "HTTP-008"
		if m.n == 1 {
			action = "HTTP-009"
		}
		add("no SOAPAction with "+m.what, m.statement, under(m.statement, "no-header SOAPAction"), at(action))
		if m.n == 1 {
			add("a SOAPAction with "+m.what, m.statement, under(m.statement, "header SOAPAction: cwmp:Inform"), at("HTTP-010"))
		} else {
			add("a SOAPAction with "+m.what, m.statement, under(m.statement, "header SOAPAction: cwmp:Other"), at("HTTP-008"))
			add("a SOAPAction of two quotes with "+m.what, m.statement, under(m.statement, `header "SOAPAction: \"\""`), at("HTTP-008"))
		}
		add("another Content-Type with "+m.what, m.statement, under(m.statement, "header Content-Type: application/soap+xml"), at("HTTP-003"))
		add("no Content-Type with "+m.what, m.statement, under(m.statement, "no-header Content-Type"), at("HTTP-003"))
		add("another character set with "+m.what, m.statement, under(m.statement, "header Content-Type: text/xml; charset=iso-8859-1"), at("HTTP-005"), "SOAP-011", "SOAP-012")
		add("no Host with "+m.what, m.statement, under(m.statement, "no-header Host"), at("HTTP-037"))
		add("HTTP/1.0 with "+m.what, m.statement, under(m.statement, "line POST /acs HTTP/1.0"), at("HTTP-002"))
		if m.n > 1 { // what doesn't begin with a POST is no session
			add("PUT with "+m.what, m.statement, under(m.statement, "line PUT /acs HTTP/1.1"), at("HTTP-001"), action)
		}
		add("Expect with "+m.what, m.statement, under(m.statement, "header Expect: 100-continue"), at("HTTP-039"))
	}
	for _, m := range []struct {
		statement, what string
		n               int
	}{{informed, "InformResponse", 2}, {question, "GetParameterValues", 4}, {setting, "SetParameterValues", 6}} {
		at := func(id string) string { return fmt.Sprintf("%s acs %d", id, m.n) }
		add("another Content-Type with "+m.what, m.statement, under(m.statement, "header Content-Type: text/html"), at("HTTP-004"))
		add("no Content-Type with "+m.what, m.statement, under(m.statement, "no-header Content-Type"), at("HTTP-004"))
		add("HTTP/1.0 with "+m.what, m.statement, under(m.statement, "line HTTP/1.0 200 OK"), at("HTTP-002"))
		add("a SOAPAction with "+m.what, m.statement, under(m.statement, `header "SOAPAction: \"\""`), at("HTTP-042"))
		add("202 with "+m.what, m.statement, under(m.statement, "line HTTP/1.1 202 Accepted"), at("HTTP-012"))
		add("an Envelope with 500 with "+m.what, m.statement, under(m.statement, "line HTTP/1.1 500 Internal Server Error"), at("HTTP-012"), "HTTP-040", "SEQ-015")
	}
	add("a Content-Type with the empty POST", "cpe empty", under("cpe empty", "header Content-Type: text/xml"), "HTTP-007 cpe 3")
	add("a SOAPAction with the empty POST", "cpe empty", under("cpe empty", `header "SOAPAction: \"\""`), "HTTP-006 cpe 3")
	add("a line end in the empty POST", "cpe empty", under("cpe empty", `wire "Length: 0\r\n\r\n" "Length: 2\r\n\r\n\r\n"`), "HTTP-041 cpe 3")
	add("200 for the empty answer", empty204, "acs 200\nclose cpe", "HTTP-011 acs 8")
	// Sequence.
	add("no Inform", opening+"\n"+informed, whole+"close cpe\nwait 40s\ndevice B\ncpe TransferComplete\nacs TransferCompleteResponse", "SEQ-001 cpe 1", "XFER-003")
	add("two Informs", informed, informed+"\n"+opening+"\n"+informed, "SEQ-002 cpe 1", "SOAP-025", "SEQ-013", "SEQ-033", "HTTP-027", "SEC-006", "EVT-041")
	add("another response to Inform", informed, "acs TransferCompleteResponse", "SEQ-003 acs 2")
	add("another response than asked for", answer, "cpe GetParameterNamesResponse", "SEQ-006 cpe 5")
	add("an empty POST for an answer", answer, "cpe empty", "SEQ-007 cpe 5")
	add("a response that nobody asked for", "cpe empty", "cpe RebootResponse\nacs 204\ncpe empty", "SEQ-008 cpe 3")
	add("a request of the CPE after its empty POST", answer, answer+"\nacs 204\ncpe TransferComplete", "SEQ-012 cpe 7", "SEQ-009", "SEQ-015", "XFER-003", "EVT-025", "SEQ-002", "XFER-005", "SEQ-018")
	add("a close with a request unanswered", answer+"\n"+setting+"\ncpe SetParameterValuesResponse\n"+empty204, "close cpe\nwait 120s\ndevice B\n"+whole+"close cpe", "SEQ-014 cpe 4")
	add("no empty POST", "cpe empty\n"+question+"\n"+answer+"\n"+setting+"\ncpe SetParameterValuesResponse\n"+empty204, "close cpe\nwait 120s\ndevice B\n"+whole+"close cpe", "SEQ-013 cpe 2", "HTTP-015")
	add("a late answer of the ACS", question, "wait 45s\n"+question, "SEQ-025 acs 4", "TIME-012")
	add("a late answer of the CPE", answer, "wait 45s\n"+answer, "SEQ-026 cpe 5")
	add("HoldRequests by the CPE", answer, under(answer, "block HoldRequests 1"), "SOAP-026 cpe 5", "SEQ-030", "SOAP-027")
	add("HoldRequests and nothing to do", informed, under(informed, "block HoldRequests maybe"), "SOAP-027 acs 2", "SEQ-030")
	add("NoMoreRequests", opening, under(opening, "block NoMoreRequests 1"), "SOAP-033 cpe 1")
	add("a header that must be understood and isn't known", question, under(question, "block Strange 1 1"), "SOAP-034 acs 4")
	add("SessionTimeout in a response", answer, under(answer, "block SessionTimeout 60 none"), "SOAP-028 cpe 5", "SOAP-030")
	add("SessionTimeout 0", opening, under(opening, "block SessionTimeout 0 none"), "SOAP-029 cpe 1", "SOAP-030", "VER-004")
	add("no ID in a request", question, under(question, "no-id"), "SOAP-024 acs 4", "SOAP-023", "SOAP-022")
	add("another ID in the answer", answer, under(answer, "id other"), "SOAP-022 cpe 5")
	add("no ID in the answer", answer, under(answer, "no-id"), "SOAP-022 cpe 5")
	add("UseCWMPVersion in another answer", question, under(question, "block UseCWMPVersion 1.4"), "SOAP-032 acs 4")
	// The Inform.
	for _, x := range []struct{ name, change, want, and string }{
		{"an OUI in lower case", `replace "<OUI>00D09E" "<OUI>00d09e"`, "INF-002 cpe 1", ""},
		{"an OUI of a test", `replace "<OUI>00D09E" "<OUI>000000"`, "INF-003 cpe 1", "SEC-008"},
		{"a SerialNumber of zeros", `replace "<SerialNumber>S000140" "<SerialNumber>000000"`, "INF-004 cpe 1", "SEC-008"},
		{"no SerialNumber", `replace "<SerialNumber>S000140" "<SerialNumber>"`, "INF-004 cpe 1", "SEC-008"},
		{"no ProductClass", `replace "<ProductClass>Gateway" "<ProductClass>"`, "INF-005 cpe 1", "SEC-008"},
		{"no Manufacturer", `replace "<Manufacturer>Example" "<Manufacturer>"`, "INF-006 cpe 1", ""},
		{"two envelopes", `replace "<MaxEnvelopes>1" "<MaxEnvelopes>2"`, "INF-008 cpe 1", ""},
		{"no zone in CurrentTime", `replace "00Z</CurrentTime>" "00</CurrentTime>"`, "INF-011 cpe 1", ""},
		{"a wrong hour", `replace "T08:00:00Z</CurrentTime>" "T18:00:00Z</CurrentTime>"`, "INF-012 cpe 1", ""},
		{"no such day", `replace "2026-11-22T" "2026-11-32T"`, "INF-010 cpe 1", ""},
		{"a negative RetryCount", `replace "<RetryCount>0" "<RetryCount>-1"`, "INF-016 cpe 1", ""},
		{"no DeviceSummary", "no-param InternetGatewayDevice.DeviceSummary", "INF-017 cpe 1", ""},
		{"no SpecVersion", "no-param InternetGatewayDevice.DeviceInfo.SpecVersion", "INF-017 cpe 1", ""},
		{"no HardwareVersion", "no-param InternetGatewayDevice.DeviceInfo.HardwareVersion", "INF-017 cpe 1", ""},
		{"no SoftwareVersion", "no-param InternetGatewayDevice.DeviceInfo.SoftwareVersion", "INF-017 cpe 1", ""},
		{"no ProvisioningCode", "no-param InternetGatewayDevice.DeviceInfo.ProvisioningCode", "INF-017 cpe 1", ""},
		{"no ParameterKey", "no-param InternetGatewayDevice.ManagementServer.ParameterKey", "INF-017 cpe 1", ""},
		{"no ConnectionRequestURL", "no-param InternetGatewayDevice.ManagementServer.ConnectionRequestURL", "INF-017 cpe 1", ""},
		{"a parameter twice", `replace "DeviceInfo.SpecVersion" "DeviceInfo.HardwareVersion"`, "INF-018 cpe 1", "INF-017"},
		{"a partial name", "param InternetGatewayDevice.DeviceInfo. x", "INF-019 cpe 1", ""},
		{"two roots", "param Device.DeviceInfo.UpTime 1 unsignedInt", "INF-020 cpe 1", ""},
		{"a ConnectionRequestURL over TLS", `replace "http://192" "https://192"`, "INF-022 cpe 1", ""},
		{"a ConnectionRequestURL without path", `replace "/cr-5d1b" ""`, "INF-022 cpe 1", ""},
		{"a ConnectionRequestURL of the loopback", `replace "http://192.0.2.7" "http://127.0.0.1"`, "INF-023 cpe 1", ""},
		{"an empty SoftwareVersion", `replace ">5.20<" "><"`, "INF-035 cpe 1", ""},
		{"a name with a blank", `param "InternetGatewayDevice.DeviceInfo.Up Time" 1 unsignedInt`, "TYPE-006 cpe 1", ""},
		{"a name with blanks around", `param " InternetGatewayDevice.DeviceInfo.UpTime" 1 unsignedInt`, "TYPE-007 cpe 1", ""},
		{"a value of no number", "param InternetGatewayDevice.DeviceInfo.UpTime many unsignedInt", "TYPE-003 cpe 1", ""},
		{"a value out of its range", "param InternetGatewayDevice.DeviceInfo.UpTime 4294967296 unsignedInt", "TYPE-010 cpe 1", ""},
		{"a negative value", "param InternetGatewayDevice.DeviceInfo.UpTime -1 unsignedInt", "TYPE-010 cpe 1", "TYPE-003"},
		{"a value of no type", "param InternetGatewayDevice.DeviceInfo.UpTime 1 none", "TYPE-001 cpe 1", ""},
		{"a type that there isn't", "param InternetGatewayDevice.DeviceInfo.UpTime 1 number", "TYPE-002 cpe 1", ""},
		{"a prefix that isn't bound", "param InternetGatewayDevice.DeviceInfo.UpTime 1 xs:unsignedInt", "SOAP-008 cpe 1", ""},
		{"a local time", "param InternetGatewayDevice.Time.CurrentLocalTime 2026-11-22T08:00:00+01:00 dateTime", "", ""},
		{"a value of a program", "param InternetGatewayDevice.DeviceInfo.Description (null)", "TYPE-015 cpe 1", ""},
		{"a secret", "param InternetGatewayDevice.ManagementServer.Password hidden", "SEC-004 cpe 1", "SEC-003"},
	} {
		if x.want != "" {
			add(x.name, opening, under(opening, x.change), x.want, strings.Fields(x.and)...)
		}
	}
	// Events.
	for _, x := range []struct{ events, want, and string }{
		{"", "INF-014", "SOAP-017"}, {"TWO", "EVT-005", ""}, {"2 Periodic", "EVT-002", ""}, {"2 SCHEDULED", "EVT-003", ""}, {"15 MAGIC", "EVT-004", ""}, {"X oops", "EVT-005", ""},
		{"2 PERIODIC=k", "EVT-006", ""}, {"2 PERIODIC|2 PERIODIC", "EVT-007", ""}, {"3 SCHEDULED", "EVT-009", ""}, {"M ScheduleInform=k", "EVT-009", ""}, {"7 TRANSFER COMPLETE", "EVT-010", "SEQ-027"},
		{"M Download=k", "EVT-011", "SEQ-028"}, {"M Upload=k", "EVT-011", "SEQ-028"}, {"11 DU STATE CHANGE COMPLETE", "EVT-012", "SEQ-027 EVT-033 VER-004"}, {"M Reboot=k", "EVT-013", ""},
		{"10 AUTONOMOUS TRANSFER COMPLETE", "SEQ-027", "EVT-033 VER-004 EVT-025"}, {"9 REQUEST DOWNLOAD", "SEQ-027", "EVT-025"}, {"5 KICKED", "SEQ-027", "EVT-025"},
		{"13 WAKEUP|1 BOOT", "EVT-039", "EVT-033 VER-004"}, {"X 112233 Own", "EVT-038", ""},
	} {
		add("the events "+strconv.Quote(x.events), opening, `cpe Inform events="`+x.events+`"`, x.want+" cpe 1", strings.Fields(x.and)...)
	}
	// Faults of the CPE.
	for _, x := range []struct{ fault, want, and string }{
		{"7000 odd", "FLT-004", "FLT-005 FLT-006 FLT-025 FLT-007"}, {"9099 odd", "FLT-005", "FLT-006 FLT-025 FLT-007"}, {"9007 \"Invalid parameter value\"", "FLT-006", "FLT-007 FLT-025"},
		{"9010 \"Download failure\"", "FLT-006", "FLT-007 FLT-025"}, {"9000 \"Method not supported\"", "FLT-019", "FLT-025 FLT-007"}, {`9005 ""`, "FLT-018", "FLT-025"}, {"9005 \"Method not supported\"", "FLT-020", "FLT-025"},
	} {
		add("the Fault "+x.fault, answer, "cpe Fault "+x.fault, x.want+" cpe 5", strings.Fields(x.and)...)
	}
	// Fields of the answer, and values.
	add("a parameter that was not asked for", answer, answer+"\n  param InternetGatewayDevice.DeviceInfo.ModelName x", "RPC-010 cpe 5")
	add("a parameter twice in the answer", answer, answer+"\n  param InternetGatewayDevice.DeviceInfo.UpTimes 1234 unsignedInt\n  replace UpTimes UpTime", "RPC-011 cpe 5")
	add("nothing in the answer", answer, "cpe GetParameterValuesResponse", "RPC-011 cpe 5")
	add("a name twice in SetParameterValues", setting, setting+"\n  param InternetGatewayDevice.UserInterface.ISPName two", "RPC-014 acs 6", "RPC-015")
	add("a partial name in SetParameterValues", setting, setting+"\n  param InternetGatewayDevice.UserInterface. two", "RPC-016 acs 6")
	add("a Status of 2", "cpe SetParameterValuesResponse", "cpe SetParameterValuesResponse Status=2", "RPC-017 cpe 7")
	add("another type than the CPE's", setting, "acs SetParameterValues ParameterKey=k1\n  param InternetGatewayDevice.DeviceInfo.UpTime 1 string", "RPC-023 acs 6", "RPC-021", "RPC-022")
	add("a method that there isn't", question, "acs GetEverything", "RPC-001 acs 4", "SEQ-006", "SEQ-007", "SOAP-017")
	add("a vendor's method without a name", question, "acs X_Get", "RPC-002 acs 4", "SEQ-006", "SEQ-007")
	add("a deprecated method", question, "acs GetOptions", "RPC-006 acs 4", "SEQ-006", "SEQ-007")
	add("a method of the CPE's by the ACS", question, "acs RequestDownload", "RPC-001 acs 4", "SEQ-006", "SEQ-007")
	return all
}

// ofCourse are the kinds that break the course of a session, and what it says.
func ofCourse() (kinds []Kind, err error) {
	for _, e := range edits() {
		if strings.Count(plain, e.from) != 1 {
			return nil, fmt.Errorf("%s: what it replaces is there %d times", e.name, strings.Count(plain, e.from))
		}
		kinds = append(kinds, Kind{Name: "plain: " + e.name, Text: strings.Replace(plain, e.from, e.to, 1), Want: e.want, And: e.and})
	}
	return kinds, nil
}
