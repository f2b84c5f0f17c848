package diff_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"informant/capture/scenario"
	"informant/decode"
	"informant/decode/check"
	"informant/decode/cwmp"
	"informant/decode/diff"
)

const base = `informant scenario 1
device manufacturer="Example Corp" oui=00D09E class=HomeGateway serial=4711A2C3D4 root=InternetGatewayDevice. url=http://acs.example:7547/acs
cpe Inform events="2 PERIODIC|M Reboot=key-1"
  param InternetGatewayDevice.DeviceInfo.SoftwareVersion 5.21
  param InternetGatewayDevice.DeviceInfo.UpTime 17 unsignedInt
acs InformResponse
cpe empty
acs GetParameterValues ParameterNames=[InternetGatewayDevice.DeviceInfo.,InternetGatewayDevice.LANDevice.1.]
cpe GetParameterValuesResponse
  param InternetGatewayDevice.DeviceInfo.SoftwareVersion 5.21
  param InternetGatewayDevice.DeviceInfo.UpTime 17 unsignedInt
  param InternetGatewayDevice.LANDevice.1.Enable 1 boolean
  param InternetGatewayDevice.LANDevice.1.Stats.BytesSent 100 unsignedInt
acs GetParameterNames ParameterPath=InternetGatewayDevice. NextLevel=1
cpe GetParameterNamesResponse
acs SetParameterValues ParameterKey=k
  param InternetGatewayDevice.LANDevice.1.Name home
cpe SetParameterValuesResponse
acs 204
`

// side decodes a scenario's first session.
func side(t testing.TB, text string) diff.Side {
	t.Helper()
	records, err := scenario.Parse("test", text)
	if err != nil {
		t.Fatal(err)
	}
	var d decode.Decoder
	var items []decode.Item
	for _, r := range records {
		items = append(items, d.Feed(r)...)
	}
	for _, it := range append(items, d.Finish()...) {
		if it.Kind == decode.SessionItem {
			return diff.Side{Session: it.Session, Findings: it.Findings}
		}
	}
	t.Fatal("no session")
	return diff.Side{}
}

// shown is a result in lines.
func shown(r *diff.Result) string {
	var b strings.Builder
	for i := range r.Steps {
		s := &r.Steps[i]
		if s.Status == diff.Same {
			continue
		}
		fmt.Fprintf(&b, "%s %s", s.Status, diff.Name(s.Message()))
		for _, c := range s.Changes {
			fmt.Fprintf(&b, " [%s %s %q %q]", c.Status, c.Path, c.Recorded, c.Played)
		}
		b.WriteByte('\n')
	}
	for i := range r.Fresh {
		fmt.Fprintf(&b, "fresh %s\n", r.Fresh[i].Check.ID)
	}
	for _, id := range r.Gone {
		fmt.Fprintf(&b, "gone %s\n", id)
	}
	return b.String()
}

// TestCompare changes one thing at a time, and wants that named, and nothing else.
func TestCompare(t *testing.T) {
	for name, x := range map[string]struct {
		old, new string
		want     string // "" for the same
	}{
		"nothing": {"", "", ""},
		// What doesn't count.
		"uptime":              {"UpTime 17 unsignedInt", "UpTime 99999 unsignedInt", ""},
		"a counter":           {"BytesSent 100", "BytesSent 123456", ""},
		"an id":               {"NextLevel=1\n", "NextLevel=1\n  id other\n", ""},
		"order":               {"  param InternetGatewayDevice.LANDevice.1.Enable 1 boolean\n  param InternetGatewayDevice.LANDevice.1.Stats.BytesSent 100 unsignedInt", "  param InternetGatewayDevice.LANDevice.1.Stats.BytesSent 100 unsignedInt\n  param InternetGatewayDevice.LANDevice.1.Enable 1 boolean", ""},
		"order of names":      {"[InternetGatewayDevice.DeviceInfo.,InternetGatewayDevice.LANDevice.1.]", "[InternetGatewayDevice.LANDevice.1.,InternetGatewayDevice.DeviceInfo.]", ""},
		"1 and true":          {"Enable 1 boolean", "Enable true boolean", ""},
		"a ParameterKey":      {"ParameterKey=k", "ParameterKey=other", ""},
		"another prefix":      {"acs GetParameterValues", "namespace cwmp-1-2\nacs GetParameterValues", ""},
		"uptime's type":       {"UpTime 17 unsignedInt\nacs", "UpTime 17 string\nacs", `different Inform [different InternetGatewayDevice.DeviceInfo.UpTime "17 (unsignedInt)" "17 (string)"]`},
		"a value":             {"SoftwareVersion 5.21\n  param InternetGatewayDevice.DeviceInfo.UpTime 17 unsignedInt\n  param InternetGatewayDevice.LAN", "SoftwareVersion 5.22\n  param InternetGatewayDevice.DeviceInfo.UpTime 17 unsignedInt\n  param InternetGatewayDevice.LAN", `different GetParameterValuesResponse [different InternetGatewayDevice.DeviceInfo.SoftwareVersion "5.21" "5.22"]`},
		"a type":              {"Enable 1 boolean", "Enable 1 string", `different GetParameterValuesResponse [different InternetGatewayDevice.LANDevice.1.Enable "1 (boolean)" "1 (string)"]`},
		"one less":            {"  param InternetGatewayDevice.LANDevice.1.Enable 1 boolean\n", "", `different GetParameterValuesResponse [missing InternetGatewayDevice.LANDevice.1.Enable "1" ""]`},
		"a volatile less":     {"  param InternetGatewayDevice.LANDevice.1.Stats.BytesSent 100 unsignedInt\n", "", `different GetParameterValuesResponse [missing InternetGatewayDevice.LANDevice.1.Stats.BytesSent "100" ""]`},
		"one more":            {"  param InternetGatewayDevice.LANDevice.1.Enable 1 boolean\n", "  param InternetGatewayDevice.LANDevice.1.Enable 1 boolean\n  param InternetGatewayDevice.LANDevice.1.X 1 string\n", `different GetParameterValuesResponse [extra InternetGatewayDevice.LANDevice.1.X "" "1"]`},
		"an event":            {"M Reboot=key-1", "M Download=key-1", `different Inform [missing Inform.Event.M Reboot "key-1" ""] [extra Inform.Event.M Download "" "key-1"]`},
		"a CommandKey":        {"M Reboot=key-1", "M Reboot=key-2", `different Inform [different Inform.Event.M Reboot "key-1" "key-2"]`},
		"what is asked":       {"InternetGatewayDevice.LANDevice.1.]", "InternetGatewayDevice.LANDevice.2.]", `different GetParameterValues [missing GetParameterValues.ParameterNames.InternetGatewayDevice.LANDevice.1. "" ""] [extra GetParameterValues.ParameterNames.InternetGatewayDevice.LANDevice.2. "" ""]`},
		"a value that is set": {"LANDevice.1.Name home", "LANDevice.1.Name hole", `different SetParameterValues [different InternetGatewayDevice.LANDevice.1.Name "home" "hole"]`},
		"a fault":             {"cpe SetParameterValuesResponse", "cpe Fault 9003\n  sub InternetGatewayDevice.LANDevice.1.Name 9008", "missing SetParameterValuesResponse\nextra Fault 9003"},
		"an RPC less":         {"acs GetParameterNames ParameterPath=InternetGatewayDevice. NextLevel=1\ncpe GetParameterNamesResponse\n", "", "missing GetParameterNames\nmissing GetParameterNamesResponse"},
		"an RPC more":         {"acs 204", "acs GetRPCMethods\ncpe GetRPCMethodsResponse\nacs 204", "extra GetRPCMethods\nextra GetRPCMethodsResponse"},
		"HoldRequests":        {"acs InformResponse", "acs InformResponse\n  block HoldRequests 1", `different InformResponse [extra Header.HoldRequests "" "1"]`},
		"another status":      {"acs 204", "acs 503", "missing empty answer\nextra HTTP status"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(base, x.old, x.new, 1)
			if x.old != "" && changed == base {
				t.Fatal("nothing was changed")
			}
			r := diff.Compare(side(t, base), side(t, changed), diff.Options{})
			r.Fresh, r.Gone = nil, nil // TestFindings
			if got := strings.TrimSpace(shown(&r)); got != x.want {
				t.Errorf("%s\nwant %s", got, x.want)
			}
			if r.Same() != (x.want == "") {
				t.Errorf("Same is %v", r.Same())
			}
			// The other way round, missing is extra.
			back := diff.Compare(side(t, changed), side(t, base), diff.Options{})
			if r.Count(diff.Missing) != back.Count(diff.Extra) || r.Count(diff.Extra) != back.Count(diff.Missing) || r.Count(diff.Different) != back.Count(diff.Different) {
				t.Errorf("the other way round: %s", shown(&back))
			}
		})
	}
}

// TestFindings: a finding that is new counts, one that is gone is told.
func TestFindings(t *testing.T) {
	good, bad := side(t, base), side(t, strings.Replace(base, "cpe empty\n", "cpe empty\n  header Content-Type: text/xml\n", 1))
	if r := diff.Compare(good, bad, diff.Options{}); r.Same() || len(r.Fresh) != 1 || r.Fresh[0].Check.ID != "HTTP-007" || r.First() != nil {
		t.Errorf("%s", shown(&r))
	}
	if r := diff.Compare(bad, good, diff.Options{}); !r.Same() || !slices.Equal(r.Gone, []string{"HTTP-007"}) {
		t.Errorf("%s", shown(&r))
	}
	twice := bad
	twice.Findings = append(slices.Clone(bad.Findings), bad.Findings...)
	if r := diff.Compare(bad, twice, diff.Options{}); len(r.Fresh) != len(bad.Findings) {
		t.Errorf("%s", shown(&r))
	}
	var none []check.Finding
	if r := diff.Compare(diff.Side{Session: good.Session, Findings: none}, diff.Side{Session: good.Session, Findings: none}, diff.Options{}); !r.Same() {
		t.Errorf("%s", shown(&r))
	}
}

// TestRules: rules of one's own come before the defaults, the first that matches
// counts.
func TestRules(t *testing.T) {
	const version = "InternetGatewayDevice.DeviceInfo.SoftwareVersion"
	change := func(value string) diff.Side {
		return side(t, strings.ReplaceAll(base, "SoftwareVersion 5.21", "SoftwareVersion "+value))
	}
	for name, x := range map[string]struct {
		played diff.Side
		rules  []diff.Rule
		same   bool
	}{
		"none":             {change("5.22"), nil, false},
		"ignored":          {change("5.22"), []diff.Rule{{Path: version, How: diff.Ignore}}, true},
		"by pattern":       {change("5.22"), []diff.Rule{{Path: "**.SoftwareVersion", How: diff.Ignore}}, true},
		"part of a name":   {change("5.22"), []diff.Rule{{Path: "*.DeviceInfo.Soft*", How: diff.Ignore}}, true},
		"too few parts":    {change("5.22"), []diff.Rule{{Path: "*.SoftwareVersion", How: diff.Ignore}}, false},
		"of its type":      {change("5.22"), []diff.Rule{{Path: version, How: diff.OfType}}, true},
		"in a range":       {change("5.22"), []diff.Rule{{Path: version, How: diff.Within, Min: 5, Max: 6}}, true},
		"out of it":        {change("6.5"), []diff.Rule{{Path: version, How: diff.Within, Min: 5, Max: 6}}, false},
		"no number":        {change("x"), []diff.Rule{{Path: version, How: diff.Within, Min: 5, Max: 6}}, false},
		"matches":          {change("5.99"), []diff.Rule{{Path: version, How: diff.Matches, Pattern: regexp.MustCompile(`^5\.`)}}, true},
		"doesn't match":    {change("6.0"), []diff.Rule{{Path: version, How: diff.Matches, Pattern: regexp.MustCompile(`^5\.`)}}, false},
		"the first counts": {change("5.22"), []diff.Rule{{Path: version, How: diff.Exact}, {Path: "**", How: diff.Ignore}}, false},
		"a default undone": {side(t, strings.ReplaceAll(base, "UpTime 17", "UpTime 18")), []diff.Rule{{Path: "**.UpTime", How: diff.Exact}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if r := diff.Compare(side(t, base), x.played, diff.Options{Rules: x.rules}); r.Same() != x.same {
				t.Errorf("%s", shown(&r))
			}
		})
	}
	here := strings.Replace(base, "acs 204", "acs Download URL=http://a.example:80/fw.bin?x=1\ncpe DownloadResponse\nacs 204", 1)
	for url, same := range map[string]bool{"https://b.example/fw.bin?x=1": true, "http://a.example:80/fw2.bin?x=1": false} {
		if r := diff.Compare(side(t, here), side(t, strings.Replace(here, "http://a.example:80/fw.bin?x=1", url, 1)), diff.Options{}); r.Same() != same {
			t.Errorf("%s: %s", url, shown(&r))
		}
	}
}

// TestOnly: what is not to be compared is not.
func TestOnly(t *testing.T) {
	changed := side(t, strings.Replace(base, "Enable 1 boolean", "Enable 0 boolean", 1))
	only := func(m *cwmp.Message) bool { return m.RPC != "GetParameterValuesResponse" }
	if r := diff.Compare(side(t, base), changed, diff.Options{Only: only}); !r.Same() || len(r.Steps) == 0 {
		t.Errorf("%s", shown(&r))
	}
}

// TestRenamed: a CPE that was played under another name says the same.
func TestRenamed(t *testing.T) {
	other := side(t, strings.ReplaceAll(base, "4711A2C3D4", "LAB01"))
	if r := diff.Compare(side(t, base), other, diff.Options{}); r.First() == nil {
		t.Error("another serial number is the same")
	}
	renamed := func(s string) string { return strings.ReplaceAll(s, "4711A2C3D4", "LAB01") }
	if r := diff.Compare(side(t, base), other, diff.Options{Renamed: renamed}); r.First() != nil {
		t.Errorf("%s", shown(&r))
	}
}

// TestLong: a session of many thousand messages is compared, and one change in it is
// found.
func TestLong(t *testing.T) {
	long := func(changed int) diff.Side {
		var b strings.Builder
		b.WriteString(base[:strings.Index(base, "acs GetParameterNames")])
		for i := range 3000 {
			name := fmt.Sprintf("InternetGatewayDevice.X.%d", i)
			value := "1"
			if i == changed {
				value = "2"
			}
			fmt.Fprintf(&b, "acs GetParameterValues ParameterNames=[%s]\ncpe GetParameterValuesResponse\n  param %s %s\n", name, name, value)
		}
		b.WriteString("acs 204\n")
		return side(t, b.String())
	}
	r := diff.Compare(long(-1), long(10), diff.Options{})
	if got := strings.TrimSpace(shown(&r)); got != `different GetParameterValuesResponse [different InternetGatewayDevice.X.10 "1" "2"]` {
		t.Errorf("%s", got)
	}
}

func BenchmarkCompare(b *testing.B) {
	one, other := side(b, base), side(b, strings.Replace(base, "Enable 1 boolean", "Enable 0 boolean", 1))
	b.ReportAllocs()
	for b.Loop() {
		r := diff.Compare(one, other, diff.Options{})
		if r.Same() {
			b.Fatal("they differ")
		}
	}
}
