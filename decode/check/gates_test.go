package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"informant/capture"
	"informant/capture/scenario"
)

const firstLine = "informant scenario 1\n"

// ids is the ids of findings.
func ids(all []Finding) []string {
	out := []string{}
	for _, f := range all {
		out = append(out, f.Check.ID)
	}
	return out
}

// TestGates holds that what was not seen accuses nobody.
func TestGates(t *testing.T) {
	noEmptyPOST := "cpe Inform\nacs InformResponse\nclose cpe\n"
	later := "wait 40s\ndevice B\ncpe Inform\nacs InformResponse\ncpe empty\nacs 204\n"
	emptyAnswer := "cpe Inform\nacs InformResponse\ncpe empty\n%s  header Via: 1.1 proxy\nacs 200\n"
	pooled := "device A\ncpe Inform\nacs InformResponse\ncpe empty\nacs GetParameterValues\ncpe empty\nacs 204\ndevice B via=A\ncpe Inform\nacs InformResponse\ncpe empty\nacs 204\n"
	tests := []struct {
		name, text, id string
		fires          bool
		each           func(*capture.Record)
	}{
		{"whole", noEmptyPOST + later, "SEQ-013", true, nil},
		{"the capture ends", strings.Replace(noEmptyPOST, "close cpe\n", "cut\n", 1), "SEQ-013", false, nil},
		{"bytes are lost", strings.Replace(noEmptyPOST, "close cpe\n", "lost cpe 300\nclose cpe\n", 1) + later, "SEQ-013", false, nil},
		{"begins in the middle", "connect midstream\n" + noEmptyPOST + later, "SEQ-013", false, nil},
		{"synthesised", noEmptyPOST + later, "SEQ-013", false, func(r *capture.Record) { r.Conn.Origin = capture.Synthesised }},
		{"no intermediary", strings.Replace(emptyAnswer, "%s  header Via: 1.1 proxy\n", "", 1), "HTTP-011", true, nil},
		{"an intermediary", strings.Replace(emptyAnswer, "%s", "", 1), "HTTP-011", false, nil},
		{"many devices on the connection", "cpe Inform\n  header SOAPAction: x\nacs InformResponse\ncpe empty\nacs 204\ndevice B via=\ncpe Inform\nacs InformResponse\ncpe empty\nacs 204\n", "HTTP-010", false, nil},
		{"a call that is not answered", strings.Split(pooled, "device B")[0], "SEQ-007", true, nil},
		{"many devices, cookies tell them apart", pooled, "SEQ-007", true, nil},
		{"many devices, whose message is not known", strings.ReplaceAll(pooled, "acs InformResponse\n", "acs InformResponse\n  no-header Set-Cookie\n"), "SEQ-007", false, nil},
		{"many devices, a message without the cookie", strings.Replace(pooled, "cpe empty\n", "cpe empty\n  no-header Cookie\n", 1), "SEQ-007", false, nil},
		{"slow", "cpe Inform\nwait 40s\nacs InformResponse\ncpe empty\nacs 204\n", "SEQ-025", true, nil},
		{"undated", "cpe Inform\nwait 40s\nacs InformResponse\ncpe empty\nacs 204\n", "SEQ-025", false, func(r *capture.Record) { r.Time = time.Time{} }},
		{"a clock that is wrong", "cpe Inform CurrentTime=2020-01-01T00:00:00Z\nacs InformResponse\ncpe empty\nacs 204\n", "INF-012", true, nil},
		{"synthesised clock", "cpe Inform CurrentTime=2020-01-01T00:00:00Z\nacs InformResponse\ncpe empty\nacs 204\n", "INF-012", false, func(r *capture.Record) { r.Conn.Origin = capture.Synthesised }},
		{"a device calls again at once", "device A address=192.0.2.1\ncpe Inform\nacs InformResponse\nclose acs\ncpe Inform\nacs InformResponse\ncpe empty\nacs 204\n", "HTTP-016", true, nil},
		{"another device of the same number calls", "device A serial=000000 address=192.0.2.1\ncpe Inform\nacs InformResponse\nclose acs\ndevice B serial=000000 address=192.0.2.2\ncpe Inform\nacs InformResponse\ncpe empty\nacs 204\n", "HTTP-016", false, nil},
		{"a body that is cut", "cpe Inform\n  truncate 900\ncut\n", "SOAP-001", false, nil},
		{"a value that is cut", "cpe Inform\nacs InformResponse\ncpe empty\nacs GetParameterNames NextLevel=false\n  truncate 580\ncut\n", "TYPE-014", false, nil},
		{"an event that may follow", "cpe Inform events=\"M ScheduleInform=k|3 SCHEDULED=k\"\n  truncate 1100\ncut\n", "EVT-009", false, nil},
		{"a head that is cut in a length", "cpe Inform\nacs raw \"HTTP/1.1 200 OK\\r\\nContent-Length: \"\ncut\n", "HTTP-036", false, nil},
		{"a head that is cut in a cookie", "cpe Inform\nacs InformResponse\ncpe empty\n  truncate 242\ncut\n", "HTTP-026", false, nil},
		{"an answer that is cut before its body", "cpe Inform\nacs InformResponse\ncpe empty\nacs GetParameterValues\n  truncate 79\ncut\n", "HTTP-011", false, nil},
		{"a device calls again, and an answer of it was lost", "cpe Inform\nacs InformResponse\ncpe empty\nacs GetParameterNames\nlost cpe 900\nclose acs\nwait 2s\ncpe Inform\nacs InformResponse\ncpe empty\nacs 204\n", "HTTP-016", false, nil},
		{"a fragment is checked by message", "connect midstream\ncpe TransferComplete fault=9013 text=x\nacs TransferCompleteResponse\n", "FLT-016", true, nil},
		{"a fragment is no session", "connect midstream\ncpe GetRPCMethodsResponse\nacs TransferCompleteResponse\n", "SEQ-032", false, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src, err := scenario.NewSource("test", strings.NewReader(firstLine+tt.text))
			if err != nil {
				t.Fatal(err)
			}
			found := run(t, src, &Checker{}, tt.each)
			if got := slices.Contains(ids(found), tt.id); got != tt.fires {
				t.Errorf("%s fires: %v, want %v; found %v", tt.id, got, tt.fires, ids(found))
			}
		})
	}
}

// TestUndecided holds that a closed gate is told when asked for.
func TestUndecided(t *testing.T) {
	text := firstLine + "connect midstream\ncpe Inform\nacs InformResponse\nclose cpe\n"
	c := &Checker{Coverage: true}
	pipeline(t, text, c)
	var of Gates
	for _, u := range c.Undecided() {
		if u.Check.ID == "SEQ-013" {
			of = u.Gates
		}
		if u.Check.ID == "SOAP-001" {
			t.Errorf("SOAP-001 was decided, but is told as undecided by %s", u.Gates)
		}
	}
	if of&WholeSession == 0 {
		t.Errorf("SEQ-013 is undecided by %q, want G1", of)
	}
	c = &Checker{}
	pipeline(t, text, c)
	if len(c.Undecided()) > 0 {
		t.Error("nobody asked for what is undecided")
	}
}

// TestProfiles holds severities to the profile, and Only to what it names.
func TestProfiles(t *testing.T) {
	text := firstLine + "cpe Inform DeviceId.OUI=00d09e DeviceId.Manufacturer=\nacs InformResponse\ncpe empty\nacs 200\n"
	weigh := func(c *Checker) string {
		out := []string{}
		for _, f := range pipeline(t, text, c) {
			out = append(out, f.Check.ID+" "+f.Severity.String())
		}
		return strings.Join(out, ", ")
	}
	tests := []struct {
		name string
		c    *Checker
		want string
	}{
		{"strict", &Checker{}, "INF-002 error, INF-006 warning, HTTP-011 error"},
		{"field", &Checker{Profile: Field}, "INF-002 warning, INF-006 warning, HTTP-011 warning"},
		{"none", &Checker{Profile: None}, ""},
		{"one", &Checker{Only: []string{"inf-006"}}, "INF-006 warning"},
		{"a family", &Checker{Only: []string{"HTTP"}}, "HTTP-011 error"},
		{"no such", &Checker{Only: []string{"XYZ-1"}}, ""},
	}
	for _, tt := range tests {
		if got := weigh(tt.c); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestPlace holds a finding to the byte and packet that it is about.
func TestPlace(t *testing.T) {
	text := firstLine + "cpe Inform DeviceId.OUI=00d09e\n  %s\n  header SOAPAction: x\nacs InformResponse\ncpe empty\nacs 204\n"
	for _, framing := range []string{"", "chunked 7", "gzip"} {
		src, err := scenario.NewSource("test", strings.NewReader(strings.Replace(text, "  %s\n", map[bool]string{true: "", false: "  " + framing + "\n"}[framing == ""], 1)))
		if err != nil {
			t.Fatal(err)
		}
		var raw string
		found := run(t, src, &Checker{Only: []string{"INF-002", "HTTP-010"}}, func(r *capture.Record) {
			if raw == "" && r.Kind == capture.Data {
				raw = string(r.Data)
			}
		})
		if len(found) != 2 {
			t.Fatalf("%q: found %v", framing, ids(found))
		}
		oui, action := found[0].At, found[1].At
		if found[0].Check.ID != "INF-002" {
			oui, action = action, oui
		}
		if oui.Path != "/Envelope/Body/Inform/DeviceId/OUI" || oui.N != 1 || oui.Exchange != 1 {
			t.Errorf("%q: INF-002 is at %+v", framing, oui)
		}
		switch {
		case framing == "gzip" && oui.Offset != -1:
			t.Errorf("gzip: offset %d, want none", oui.Offset)
		case framing != "gzip" && (oui.Packet != 2 || !strings.HasPrefix(strings.ReplaceAll(raw[oui.Offset:], "\r\n7\r\n", ""), "00d09e")):
			t.Errorf("%q: offset %d is at %q in packet %d", framing, oui.Offset, raw[oui.Offset:oui.Offset+12], oui.Packet)
		}
		if action.Path != "header SOAPAction" || !strings.HasPrefix(raw[action.Offset:], "SOAPAction: x") {
			t.Errorf("%q: HTTP-010 is at %+v", framing, action)
		}
	}
}

// TestSecretsAreNotTold holds that no finding's text has the value of a secret.
func TestSecretsAreNotTold(t *testing.T) {
	secret := "Pa55-TRUE-word"
	text := firstLine + `
cpe Inform
acs InformResponse
cpe empty
acs SetParameterValues
  param Device.ManagementServer.Password ` + secret + ` boolean
cpe SetParameterValuesResponse
acs Download URL=https://u:` + secret + `@files.example/x Password=` + secret + `
cpe DownloadResponse
acs GetParameterValues ParameterNames=[Device.ManagementServer.Password]
cpe GetParameterValuesResponse
  param Device.ManagementServer.Password ` + secret + ` unsignedInt
acs 204
`
	found := pipeline(t, text, &Checker{})
	if len(found) < 4 {
		t.Errorf("found %v", ids(found))
	}
	for _, f := range found {
		if strings.Contains(f.Text, "Pa55") {
			t.Errorf("%s tells the secret: %s", f.Check.ID, f.Text)
		}
	}
}

// TestMany holds that a session full of the same breach has a bounded number of
// findings, and says so.
func TestMany(t *testing.T) {
	text := firstLine + "cpe Inform\nacs InformResponse\ncpe empty\n"
	text += strings.Repeat("acs Reboot CommandKey=123456789012345678901234567890123\ncpe RebootResponse\n", 150) + "acs 204\n"
	found := pipeline(t, text, &Checker{Only: []string{"SOAP-020"}})
	if len(found) != maxPerCheck || !strings.Contains(found[len(found)-1].Text, "last of its kind") {
		t.Errorf("%d findings, the last: %s", len(found), found[len(found)-1].Text)
	}
}

// TestCookieLater holds that a cookie that was fine is told of where it is set again with
// attributes that keep it away, once.
func TestCookieLater(t *testing.T) {
	const answer = "acs GetParameterNames ParameterPath=Device. NextLevel=0\n  header Set-Cookie: a=1; %s\ncpe GetParameterNamesResponse\n"
	text := firstLine + "cpe Inform\nacs InformResponse\n  header Set-Cookie: a=1; Path=/\ncpe empty\n"
	text += fmt.Sprintf(answer, "Path=/; Secure") + fmt.Sprintf(answer, "Path=/; Secure") + "acs 204\n"
	found := pipeline(t, text, &Checker{Only: []string{"HTTP-029"}})
	if len(found) != 1 || found[0].At.N != 4 || !strings.Contains(found[0].Text, "Secure") {
		t.Errorf("found %+v", found)
	}
}

// TestTypesOfManyObjects holds that a parameter is found to have two types whatever the
// objects between its answers, and none is where all keep theirs.
func TestTypesOfManyObjects(t *testing.T) {
	const answers, objects = 5, 300 // 1500 objects in all
	for _, changed := range []int{-1, 0, 7, objects - 1} {
		var text strings.Builder
		text.WriteString(firstLine + "cpe Inform\nacs InformResponse\ncpe empty\n")
		for a := range answers {
			fmt.Fprintf(&text, "acs GetParameterValues ParameterNames=[Device.%d.]\ncpe GetParameterValuesResponse\n", a%(answers-1))
			for o := range objects {
				if a == answers-1 && o == 5 {
					continue // or it is the first answer once more
				}
				kind := "string"
				if a == answers-1 && o == changed {
					kind = "boolean"
				}
				fmt.Fprintf(&text, "  param Device.%d.%d.Enable 1 %s\n", a%(answers-1), o, kind)
			}
		}
		text.WriteString("acs 204\n")
		want := 0
		if changed >= 0 {
			want = 1
		}
		if found := pipeline(t, text.String(), &Checker{Only: []string{"TYPE-009"}}); len(found) != want {
			t.Errorf("object %d changed: %d findings, want %d", changed, len(found), want)
		}
	}
}

// FuzzChecks holds that no input makes a check panic, that the Checker forgets
// sessions that are over, and that facts and courses keep no check from what it has to
// say (see TestFactsHideNothing).
func FuzzChecks(f *testing.F) {
	for _, k := range All {
		fires, near, _ := Example(k.ID)
		f.Add(strings.TrimPrefix(fires, firstLine))
		f.Add(strings.TrimPrefix(near, firstLine))
	}
	f.Fuzz(func(t *testing.T, text string) {
		src, err := scenario.NewSource("fuzz", strings.NewReader(firstLine+text))
		if err != nil {
			t.Skip()
		}
		c := &Checker{Coverage: true}
		all := run(t, src, c, nil)
		for _, x := range all {
			if x.Text == "" || x.Check == nil || x.At.Offset < -1 {
				t.Errorf("an empty finding: %+v", x)
			}
		}
		if len(c.open) > 0 || len(c.onConn) > 0 {
			t.Errorf("%d sessions and %d connections are still followed", len(c.open), len(c.onConn))
		}
		if src, err = scenario.NewSource("fuzz", strings.NewReader(firstLine+text)); err != nil {
			t.Fatal(err)
		}
		if got, want := lines(run(t, src, &Checker{}, nil)), lines(all); !slices.Equal(got, want) {
			t.Errorf("with facts %q, without %q", got, want)
		}
	})
}

// TestLoopbackSession: whoever calls over the loopback address can be called
// there.
func TestLoopbackSession(t *testing.T) {
	text := "informant scenario 1\ndevice address=%s\ncpe Inform\n  param InternetGatewayDevice.ManagementServer.ConnectionRequestURL http://%s:7547/cr\nacs InformResponse\ncpe empty\nacs 204\n"
	for _, x := range []struct {
		from, host string
		want       bool
	}{{"127.0.0.1", "127.0.0.1", false}, {"127.0.0.1", "0.0.0.0", true}, {"10.0.0.7", "127.0.0.1", true}} {
		found := lines(pipeline(t, fmt.Sprintf(text, x.from, x.host), &Checker{Only: []string{"INF-023"}}))
		if got := len(found) == 1; got != x.want || len(found) > 1 {
			t.Errorf("from %s with host %s: %q", x.from, x.host, found)
		}
	}
}
