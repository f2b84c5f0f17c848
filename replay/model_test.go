package replay_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"informant/decode/cwmp"
	"informant/replay"
)

// TestModel asks a CPE of which a recording tells what was not asked in it, and wants
// the answers and faults of TR-069 A.3 and A.5.1.
func TestModel(t *testing.T) {
	s := scenarioSides(t, "model", readFile(t, "testdata/model.scenario"))[0].Session
	const igd = "InternetGatewayDevice."
	gpv := func(names ...string) string {
		text := "<cwmp:GetParameterValues><ParameterNames>"
		for _, n := range names {
			text += "<string>" + n + "</string>"
		}
		return text + "</ParameterNames></cwmp:GetParameterValues>"
	}
	gpn := func(path, next string) string {
		return "<cwmp:GetParameterNames><ParameterPath>" + path + "</ParameterPath><NextLevel>" + next + "</NextLevel></cwmp:GetParameterNames>"
	}
	spv := func(list ...string) string {
		text := `<cwmp:SetParameterValues><ParameterList>`
		for i := 0; i+2 < len(list); i += 3 {
			text += `<ParameterValueStruct><Name>` + list[i] + `</Name><Value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xsi:type="xsd:` + list[i+2] + `">` + list[i+1] + `</Value></ParameterValueStruct>`
		}
		return text + `</ParameterList><ParameterKey>k</ParameterKey></cwmp:SetParameterValues>`
	}
	object := func(rpc, path string) string {
		return "<cwmp:" + rpc + "><ObjectName>" + path + "</ObjectName><ParameterKey>k</ParameterKey></cwmp:" + rpc + ">"
	}
	gpa := func(name string) string {
		return "<cwmp:GetParameterAttributes><ParameterNames><string>" + name + "</string></ParameterNames></cwmp:GetParameterAttributes>"
	}
	spa := func(name, n string) string {
		return "<cwmp:SetParameterAttributes><ParameterList><SetParameterAttributesStruct><Name>" + name + "</Name><NotificationChange>1</NotificationChange><Notification>" + n +
			"</Notification><AccessListChange>0</AccessListChange><AccessList></AccessList></SetParameterAttributesStruct></ParameterList></cwmp:SetParameterAttributes>"
	}
	list := []struct{ name, ask, want string }{
		{"a value of Inform", gpv(igd + "DeviceInfo.SoftwareVersion"), "DeviceInfo.SoftwareVersion=5.21 string"},
		{"a branch", gpv(igd + "LANDevice.1.WLANConfiguration.1."), "LANDevice.1.WLANConfiguration.1.Channel=6 unsignedInt, LANDevice.1.WLANConfiguration.1.Enable=1 boolean, LANDevice.1.WLANConfiguration.1.SSID=home string"},
		{"a name that there is not", gpv(igd + "Nothing"), "9005"},
		{"a branch that there is not", gpv(igd + "Nothing."), "9005"},
		{"a name without a value", gpv(igd + "LANDevice.1.Unseen"), "9000"},
		{"the next level", gpn(igd+"LANDevice.1.", "1"), "LANDevice.1.Unseen 0, LANDevice.1.WLANConfiguration. 1"},
		{"all below", gpn(igd+"LANDevice.1.WLANConfiguration.1.", "0"), "LANDevice.1.WLANConfiguration.1. 1, LANDevice.1.WLANConfiguration.1.Channel 0, LANDevice.1.WLANConfiguration.1.Enable 1, LANDevice.1.WLANConfiguration.1.SSID 1"},
		{"one parameter", gpn(igd+"LANDevice.1.WLANConfiguration.1.SSID", "0"), "LANDevice.1.WLANConfiguration.1.SSID 1"},
		{"the next level of a parameter", gpn(igd+"LANDevice.1.WLANConfiguration.1.SSID", "1"), "9003"},
		{"a path that there is not", gpn(igd+"No.", "1"), "9005"},
		{"set", spv(igd+"LANDevice.1.WLANConfiguration.1.SSID", "work", "string"), "Status 0"},
		{"what was set", gpv(igd + "LANDevice.1.WLANConfiguration.1.SSID"), "LANDevice.1.WLANConfiguration.1.SSID=work string"},
		{"set all or nothing", spv(igd+"LANDevice.1.WLANConfiguration.1.SSID", "x", "string", igd+"Nothing", "1", "string", igd+"LANDevice.1.WLANConfiguration.1.Channel", "1", "unsignedInt",
			igd+"LANDevice.1.WLANConfiguration.1.Enable", "2", "boolean"), "9003 Nothing 9005 LANDevice.1.WLANConfiguration.1.Channel 9008 LANDevice.1.WLANConfiguration.1.Enable 9007"},
		{"nothing was set", gpv(igd + "LANDevice.1.WLANConfiguration.1.SSID"), "LANDevice.1.WLANConfiguration.1.SSID=work string"},
		{"another type", spv(igd+"LANDevice.1.WLANConfiguration.1.Enable", "1", "int"), "9003 LANDevice.1.WLANConfiguration.1.Enable 9006"},
		{"the same twice", spv(igd+"LANDevice.1.WLANConfiguration.1.SSID", "a", "string", igd+"LANDevice.1.WLANConfiguration.1.SSID", "b", "string"), "9003 LANDevice.1.WLANConfiguration.1.SSID 9003"},
		{"add", object("AddObject", igd+"LANDevice.1.WLANConfiguration."), "InstanceNumber 3 Status 0"},
		{"what was added", gpv(igd + "LANDevice.1.WLANConfiguration.3."), "LANDevice.1.WLANConfiguration.3.Channel=0 unsignedInt, LANDevice.1.WLANConfiguration.3.Enable=0 boolean, LANDevice.1.WLANConfiguration.3.SSID= string"},
		{"set in it", spv(igd+"LANDevice.1.WLANConfiguration.3.SSID", "guest", "string"), "Status 0"},
		{"add where none can be", object("AddObject", igd+"DeviceInfo."), "9005"},
		{"add to nothing", object("AddObject", igd+"No."), "9005"},
		{"delete", object("DeleteObject", igd+"LANDevice.1.WLANConfiguration.3."), "Status 0"},
		{"what was deleted", gpv(igd + "LANDevice.1.WLANConfiguration.3."), "9005"},
		{"a number is not used again", object("AddObject", igd+"LANDevice.1.WLANConfiguration."), "InstanceNumber 4 Status 0"},
		{"delete what there is not", object("DeleteObject", igd+"LANDevice.1.WLANConfiguration.9."), "9005"},
		{"delete no instance", object("DeleteObject", igd+"LANDevice."), "9005"},
		{"attributes", gpa(igd + "LANDevice.1.WLANConfiguration.1.SSID"), "LANDevice.1.WLANConfiguration.1.SSID notification 0"},
		{"set attributes", spa(igd+"LANDevice.1.WLANConfiguration.1.SSID", "2"), "done"},
		{"what was set of them", gpa(igd + "LANDevice.1.WLANConfiguration.1.SSID"), "LANDevice.1.WLANConfiguration.1.SSID notification 2"},
		{"attributes of nothing", gpa(igd + "Nothing"), "9005"},
		{"a notification that there is not", spa(igd+"LANDevice.1.WLANConfiguration.1.SSID", "9"), "9003"},
		{"methods", "<cwmp:GetRPCMethods/>", "methods GetRPCMethods"},
		{"a method of a vendor", "<cwmp:X_00D09E_Dance/>", "9000"},
		{"a command", "<cwmp:Reboot><CommandKey>x</CommandKey></cwmp:Reboot>", "done"},
	}
	d := &director{asks: func(int) (asks []string) {
		for _, x := range list {
			asks = append(asks, x.ask)
		}
		return asks
	}}
	report, err := (&replay.CPE{URL: at(d.serve(t)), Policy: replay.FromModel}).Play(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(report.Unanswered, " "); got != "GetParameterValues X_00D09E_Dance" {
		t.Errorf("nobody knew the answers to %q", got)
	}
	if len(d.answers) != len(list) {
		t.Fatalf("%d answers to %d requests", len(d.answers), len(list))
	}
	for i, x := range list {
		if got := strings.ReplaceAll(answerText(d.answers[i]), igd, ""); got != x.want && !(strings.HasPrefix(x.want, "methods") && strings.HasPrefix(got, x.want)) {
			t.Errorf("%s: %s, want %s", x.name, got, x.want)
		}
	}
}

// TestAdaptive: the same request gets its recorded answer, another one what the model
// knows, and so does one about what was changed since.
func TestAdaptive(t *testing.T) {
	s := scenarioSides(t, "model", readFile(t, "testdata/model.scenario"))[0].Session
	const wlan = "InternetGatewayDevice.LANDevice.1.WLANConfiguration."
	get := "<cwmp:GetParameterValues><ParameterNames><string>" + wlan + "</string></ParameterNames></cwmp:GetParameterValues>"
	asks := []string{get,
		"<cwmp:AddObject><ObjectName>" + wlan + "</ObjectName><ParameterKey>k</ParameterKey></cwmp:AddObject>",
		"<cwmp:GetParameterValues><ParameterNames><string>" + wlan + "2.</string></ParameterNames></cwmp:GetParameterValues>",
		"<cwmp:SetParameterValues><ParameterList><ParameterValueStruct><Name>" + wlan + "1.SSID</Name><Value>new</Value></ParameterValueStruct></ParameterList><ParameterKey>k</ParameterKey></cwmp:SetParameterValues>",
		get, "<cwmp:Dance/>"}
	for policy, want := range map[replay.Policy][]string{
		replay.Adaptive: {"1.SSID=home string, 1.Enable=1 boolean, 1.Channel=6 unsignedInt", "InstanceNumber 2 Status 0", "2.Channel=0 unsignedInt, 2.Enable=0 boolean, 2.SSID= string", "Status 0",
			"1.Channel=6 unsignedInt, 1.Enable=1 boolean, 1.SSID=new string, 2.Channel=0 unsignedInt, 2.Enable=0 boolean, 2.SSID= string", "9000"},
		replay.Strict: {"1.SSID=home string, 1.Enable=1 boolean, 1.Channel=6 unsignedInt", "InstanceNumber 2 Status 0", "9000", "9000", "1.SSID=home string, 1.Enable=1 boolean, 1.Channel=6 unsignedInt", "9000"},
	} {
		d := &director{asks: func(int) []string { return asks }}
		if _, err := (&replay.CPE{URL: at(d.serve(t)), Policy: policy}).Play(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		for i, m := range d.answers {
			if got := strings.ReplaceAll(answerText(m), wlan, ""); got != want[i] {
				t.Errorf("%s, request %d: %s, want %s", policy, i+1, got, want[i])
			}
		}
	}
}

// answerText is an answer in a line.
func answerText(m *cwmp.Message) string {
	var parts []string
	switch a := m.Args.(type) {
	case *cwmp.GetParameterValuesResponse:
		for i := range a.ParameterList.Items {
			v := &a.ParameterList.Items[i]
			parts = append(parts, v.Name.Value+"="+v.Value.Value+" "+strings.TrimPrefix(v.Value.XSIType, "xsd:"))
		}
		return strings.Join(parts, ", ")
	case *cwmp.GetParameterNamesResponse:
		for i := range a.ParameterList.Items {
			parts = append(parts, a.ParameterList.Items[i].Name.Value+" "+a.ParameterList.Items[i].Writable.Value)
		}
		return strings.Join(parts, ", ")
	case *cwmp.GetParameterAttributesResponse:
		for i := range a.ParameterList.Items {
			parts = append(parts, a.ParameterList.Items[i].Name.Value+" notification "+a.ParameterList.Items[i].Notification.Value)
		}
		return strings.Join(parts, ", ")
	case *cwmp.SetParameterValuesResponse:
		return "Status " + a.Status.Value
	case *cwmp.DeleteObjectResponse:
		return "Status " + a.Status.Value
	case *cwmp.AddObjectResponse:
		return "InstanceNumber " + a.InstanceNumber.Value + " Status " + a.Status.Value
	case *cwmp.GetRPCMethodsResponse:
		for i := range a.MethodList.Items {
			parts = append(parts, a.MethodList.Items[i].Value)
		}
		return "methods " + strings.Join(parts, " ")
	}
	if m.Fault == nil {
		return "done"
	}
	text := m.FaultCode()
	for i := range m.Fault.Parameters {
		text += " " + m.Fault.Parameters[i].ParameterName.Value + " " + m.Fault.Parameters[i].FaultCode.Value
	}
	return text
}

func lost(err error) bool { return errors.Is(err, replay.ErrLost) }

// TestBadServers: whatever an ACS does, the play ends, with a reason.
func TestBadServers(t *testing.T) {
	s := scenarioSides(t, "many", readFile(t, "testdata/many.scenario"))[0].Session
	answer := func(w http.ResponseWriter, r *http.Request) *cwmp.Message {
		b, _ := io.ReadAll(r.Body)
		_, messages := cwmp.Parse(string(b), "text/xml")
		if len(messages) > 0 && messages[0].Kind == cwmp.Request {
			io.WriteString(w, envelope(messages[0].ID, "<cwmp:"+messages[0].RPC+"Response/>"))
			return nil
		}
		return &cwmp.Message{}
	}
	for name, x := range map[string]struct {
		h    http.HandlerFunc
		want string
		lost bool
	}{
		"asks for ever": {func(w http.ResponseWriter, r *http.Request) {
			if answer(w, r) != nil {
				io.WriteString(w, envelope("1", "<cwmp:GetRPCMethods/>"))
			}
		}, "asks without end", false},
		"a body without end": {func(w http.ResponseWriter, r *http.Request) {
			answer(httptest.NewRecorder(), r)
			w.Header().Set("Content-Length", fmt.Sprint(1<<30))
			for range 1 << 14 {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, "more than 64 MB", true},
		"redirects for ever": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x"+r.URL.Path, http.StatusFound) }, "redirects without end", false},
		"redirects nowhere": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "gopher://x")
			w.WriteHeader(302)
		}, "redirects to", false},
		"rubbish": {func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>hello</html>") }, "no envelope", false},
		"a fault": {func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			_, m := cwmp.Parse(string(b), "text/xml")
			io.WriteString(w, envelope(m[0].ID, `<soap:Fault><faultcode>Server</faultcode><faultstring>CWMP fault</faultstring><detail><cwmp:Fault><FaultCode>8001</FaultCode><FaultString>no</FaultString></cwmp:Fault></detail></soap:Fault>`))
		}, "answers Inform with a Fault (8001)", false},
		"a challenge that nobody knows": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("WWW-Authenticate", "Negotiate")
			w.WriteHeader(401)
		}, "no challenge that can be answered", false},
		"a response to a response": {func(w http.ResponseWriter, r *http.Request) {
			if answer(w, r) != nil {
				io.WriteString(w, envelope("1", "<cwmp:InformResponse/>"))
			}
		}, "sends InformResponse where a request or nothing belongs", false},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(x.h)
			defer srv.Close()
			to, _ := url.Parse(srv.URL + "/acs")
			_, err := (&replay.CPE{URL: to, Login: replay.Login{User: "a", Password: "b"}, Most: 50, Timeout: 5 * time.Second}).Play(t.Context(), s)
			if err == nil || !strings.Contains(err.Error(), x.want) || lost(err) != x.lost {
				t.Errorf("%v (lost %v), want %q", err, lost(err), x.want)
			}
		})
	}
}
