package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"informant/capture"
	"informant/replay/judge"
)

const manyScenario = "../../replay/testdata/many.scenario"

// changedScenario is a scenario with other text in it.
func changedScenario(t *testing.T, name, old, now string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(b), old, now, 1)
	if text == string(b) {
		t.Fatalf("%q is not in %s", old, name)
	}
	file := filepath.Join(t.TempDir(), "changed.scenario")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// playing is 'replay acs' at work.
type playing struct {
	addr     string
	out, err *screen
	code     chan int
	cancel   func()
}

func startACS(t *testing.T, args ...string) *playing {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &playing{out: &screen{}, err: &screen{}, code: make(chan int, 1), cancel: cancel}
	if !slices.Contains(args, "--listen") {
		args = append(args, "--listen", "127.0.0.1:0")
	}
	go func() {
		p.code <- run(ctx, append([]string{"replay", "acs", "--rate", "0"}, args...), strings.NewReader(""), p.out, p.err)
	}()
	t.Cleanup(cancel)
	p.addr = p.err.await(t, `listening on (127\.0\.0\.1:\d+)`)
	return p
}

func (p *playing) end(t *testing.T) (code int) {
	t.Helper()
	select {
	case code = <-p.code:
	case <-time.After(20 * time.Second):
		t.Fatalf("it doesn't end: %s", p.err.String())
	}
	return code
}

// playCPE is 'replay cpe'.
func playCPE(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"replay", "cpe", "--rate", "0"}, args...), strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

const allowAll = "--allow=set,reboot,download,reset"

// TestReplayBoth plays a session with both verbs: the same, and with one difference, in
// each form.
func TestReplayBoth(t *testing.T) {
	changed := changedScenario(t, manyScenario, "SSID home\n", "SSID work\n")
	for _, form := range []string{"text", "json", "junit", "tap"} {
		for file, want := range map[string]int{manyScenario: exitOK, changed: exitFindings} {
			acs := startACS(t, allowAll, "-o", form, manyScenario)
			code, stdout, stderr := playCPE(t, "--acs", "http://"+acs.addr, "-o", form, file)
			if code != exitOK { // what it plays is what it has
				t.Errorf("cpe, %s: exit code %d\n%s%s", form, code, stdout, stderr)
			}
			if got := acs.end(t); got != want {
				t.Errorf("acs, %s: exit code %d, want %d\n%s", form, got, want, acs.out.String())
			}
			verdictIn(t, form, acs.out.String(), want)
		}
	}
}

// verdictIn looks for the difference in a verdict.
func verdictIn(t *testing.T, form, text string, want int) {
	t.Helper()
	const value = `InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.SSID`
	switch form {
	case "text":
		lines := strings.Split(text, "\n")
		if want == exitOK && (len(lines) != 2 || !strings.HasSuffix(lines[0], ": same, 20 steps")) ||
			want != exitOK && (!strings.HasSuffix(lines[0], ": different, 20 steps: 1 different") || lines[1] != "  ~ message 9, CPE GetParameterValuesResponse differs" ||
				lines[2] != `      `+value+`: recorded "home", now "work"` || len(lines) != 4) {
			t.Errorf("%s", text)
		}
	case "json":
		var v struct {
			Verdict string
			Steps   map[string]int
			Differs []struct {
				Changes []struct{ Path, Status, Recorded, Played string }
			}
		}
		if err := verdictSchema(t).Validate(parsedJSON(t, text)); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if want == exitOK && (v.Verdict != "same" || len(v.Differs) != 0 || v.Steps["same"] != 20) ||
			want != exitOK && (v.Verdict != "different" || len(v.Differs) != 1 || len(v.Differs[0].Changes) != 1 || v.Differs[0].Changes[0] != struct{ Path, Status, Recorded, Played string }{value, "different", "home", "work"}) {
			t.Errorf("%s", text)
		}
	case "junit":
		var x struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Suite    struct {
				Case []struct {
					Failure *struct {
						Message string `xml:"message,attr"`
						Text    string `xml:",chardata"`
					} `xml:"failure"`
				} `xml:"testcase"`
			} `xml:"testsuite"`
		}
		if err := xml.Unmarshal([]byte(text), &x); err != nil {
			t.Fatal(err)
		}
		failure := x.Suite.Case[0].Failure
		if x.Tests != 1 || x.Failures != want || (failure != nil) != (want != exitOK) || failure != nil && (failure.Message != "message 9, CPE GetParameterValuesResponse differs" || !strings.Contains(failure.Text, value)) {
			t.Errorf("%s", text)
		}
	case "tap":
		if want == exitOK && !strings.HasPrefix(text, "TAP version 13\n1..1\nok 1 - session 1") || want != exitOK && (!strings.Contains(text, "\nnot ok 1 - session 1") || !strings.Contains(text, value)) {
			t.Errorf("%s", text)
		}
	}
}

// verdictSchema is the contract of the JSON lines.
func verdictSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	if err := c.AddResource("urn:informant:verdict:1", parsedJSON(t, judge.Schema)); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("urn:informant:verdict:1")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parsedJSON(t *testing.T, text string) any {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestReplayOptions: what may differ, what counts, and who it is.
func TestReplayOptions(t *testing.T) {
	changed := changedScenario(t, manyScenario, "SSID home\n", "SSID work\n")
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(rules, []byte("# names of networks\n\"**.SSID\": {match: \"^[a-z]+$\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		acs, cpe []string
		file     string
		want     int
	}{
		"a rule":                {[]string{"--rules", rules}, nil, changed, exitOK},
		"only others":           {[]string{"--only", "1-8,10-99"}, nil, changed, exitOK},
		"only that":             {[]string{"--only", "9"}, nil, changed, exitFindings},
		"only a method":         {[]string{"--only", "Inform,Reboot"}, nil, changed, exitOK},
		"only that method":      {[]string{"--only", "GetParameterValues"}, nil, changed, exitFindings},
		"another serial number": {nil, []string{"--serial", "LAB01"}, manyScenario, exitFindings},
		"not allowed":           {nil, nil, manyScenario, exitOK},
		"strict":                {nil, []string{"--policy", "strict"}, manyScenario, exitOK},
		"in its own time":       {nil, []string{"--speed", "10x", "--max-gap", "5ms"}, manyScenario, exitOK},
	} {
		t.Run(name, func(t *testing.T) {
			allow := []string{allowAll}
			if name == "not allowed" {
				allow = nil
			}
			acs := startACS(t, append(append(allow, x.acs...), manyScenario)...)
			code, stdout, stderr := playCPE(t, append(append([]string{"--acs", "http://" + acs.addr}, x.cpe...), x.file)...)
			if code != exitOK && name != "not allowed" {
				t.Errorf("cpe: exit code %d\n%s%s", code, stdout, stderr)
			}
			if got := acs.end(t); got != x.want {
				t.Errorf("acs: exit code %d, want %d\n%s", got, x.want, acs.out.String())
			}
			if name == "not allowed" && (code != exitFindings || !strings.Contains(acs.out.String(), "not played, as it changes a CPE (--allow): AddObject, SetParameterValues, DeleteObject, Reboot")) {
				t.Errorf("cpe: %d %s\nacs: %s", code, stdout, acs.out.String())
			}
		})
	}
}

// TestReplayLogin: names by flag, passwords by the environment or a file.
func TestReplayLogin(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	acs := startACS(t, allowAll, "--user", "cpe", "--password-file", file, "--count", "0", manyScenario)
	if code, stdout, _ := playCPE(t, "--acs", "http://"+acs.addr, manyScenario); code != exitFindings || !strings.Contains(stdout, "wants a login (--user)") {
		t.Errorf("without a login: %d %s", code, stdout)
	}
	t.Setenv(passwordVariable, "wrong")
	if code, stdout, _ := playCPE(t, "--acs", "http://"+acs.addr, "--user", "cpe", manyScenario); code != exitFindings || !strings.Contains(stdout, "refuses the login of cpe") {
		t.Errorf("with a wrong password: %d %s", code, stdout)
	}
	t.Setenv(passwordVariable, "secret")
	if code, stdout, stderr := playCPE(t, "--acs", "http://"+acs.addr, "--user", "cpe", manyScenario); code != exitOK {
		t.Errorf("%d %s%s", code, stdout, stderr)
	}
	acs.cancel()
	if code := acs.end(t); code == exitUsage {
		t.Errorf("acs: %d %s", code, acs.err.String())
	}
}

// TestReplayTLS: both sides with TLS, and a certificate that is nobody's.
func TestReplayTLS(t *testing.T) {
	dir, ca := newCA(t)
	acs := startACS(t, allowAll, "--listen", "https://127.0.0.1:0", "--ca", dir, "--count", "0", manyScenario)
	if code, stdout, _ := playCPE(t, "--acs", "https://"+acs.addr, manyScenario); code != exitIncomplete || !strings.Contains(stdout, "certificate") {
		t.Errorf("an authority that it doesn't know: %d %s", code, stdout)
	}
	out := filepath.Join(t.TempDir(), "played.cwmp")
	if code, stdout, stderr := playCPE(t, "--acs", "https://"+acs.addr, "--acs-ca", ca, "-w", out, manyScenario); code != exitOK {
		t.Errorf("%d %s%s", code, stdout, stderr)
	}
	if !slices.ContainsFunc(recordsOf(t, out), func(r capture.Record) bool { return r.Kind == capture.Handshake && len(r.TLS.Chain) > 0 }) {
		t.Error("the handshake is not in the recording")
	}
}

// TestReplayRecords: -w records what happens, --accept puts it in the place of what was
// expected, and then that is expected.
func TestReplayRecords(t *testing.T) {
	dir := t.TempDir()
	for _, suffix := range []string{".cwmp", ".txtar"} {
		file := filepath.Join(dir, "expected"+suffix)
		verb := map[string]string{".cwmp": "import", ".txtar": "export"}[suffix]
		var errs strings.Builder
		if code := run(t.Context(), []string{verb, "-q", "-w", file, manyScenario}, nil, &errs, &errs); code != exitOK {
			t.Fatalf("%d %s", code, errs.String())
		}
		was, _ := os.ReadFile(file)
		changed := changedScenario(t, manyScenario, "SSID home\n", "SSID work\n")
		once := func(args ...string) int {
			acs := startACS(t, append([]string{allowAll, file}, args...)...)
			if code, stdout, stderr := playCPE(t, "--acs", "http://"+acs.addr, changed); code != exitOK {
				t.Errorf("%d %s%s", code, stdout, stderr)
			}
			return acs.end(t)
		}
		played := filepath.Join(dir, "played"+suffix+".cwmp")
		if code := once("-w", played); code != exitFindings {
			t.Errorf("%s: exit code %d", suffix, code)
		}
		if now, _ := os.ReadFile(file); !bytes.Equal(was, now) {
			t.Errorf("%s was changed", file)
		}
		var out strings.Builder
		if code := run(t.Context(), []string{"decode", "-q", "-v", played}, nil, &out, &errs); code != exitOK || !strings.Contains(out.String(), "work") {
			t.Errorf("%s: %d %s", played, code, out.String())
		}
		if code := once("--accept"); code != exitOK {
			t.Errorf("%s: exit code %d", suffix, code)
		}
		if code := once(); code != exitOK {
			t.Errorf("%s, accepted: exit code %d", suffix, code)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*"+acceptedSuffix)); len(left) > 0 {
			t.Errorf("%q was left", left)
		}
		if code := run(t.Context(), []string{"replay", "acs", "--listen", "127.0.0.1:0", "-w", played, file}, nil, &out, &errs); code != exitUsage {
			t.Errorf("%s was overwritten: exit code %d", played, code)
		}
	}
}

// TestReplaySeed: the same seed, the same nonces and cookies.
func TestReplaySeed(t *testing.T) {
	t.Setenv(passwordVariable, "secret")
	var seen []string
	for range 2 {
		out := filepath.Join(t.TempDir(), "played.cwmp")
		acs := startACS(t, allowAll, "--user", "cpe", "--seed", "7", manyScenario)
		if code, stdout, stderr := playCPE(t, "--acs", "http://"+acs.addr, "--user", "cpe", "--seed", "8", "-w", out, manyScenario); code == exitUsage {
			t.Fatalf("%d %s%s", code, stdout, stderr)
		}
		acs.end(t)
		var told, errs strings.Builder
		if code := run(t.Context(), []string{"decode", "-q", "-vv", "--show-secrets", out}, nil, &told, &errs); code != exitOK {
			t.Fatalf("%d %s", code, errs.String())
		}
		text := ""
		for _, line := range strings.Split(told.String(), "\n") {
			if strings.Contains(line, "Set-Cookie:") {
				text += line + "\n"
			}
			if _, cnonce, ok := strings.Cut(line, "cnonce="); ok {
				text += strings.Fields(cnonce)[0] + "\n"
			}
		}
		seen = append(seen, text)
	}
	if seen[0] != seen[1] || !strings.Contains(seen[0], "Set-Cookie") || strings.Count(seen[0], "\n") < 5 {
		t.Errorf("%s\nand then\n%s", seen[0], seen[1])
	}
}

// TestReplayPlan: a dry run calls nobody, and says what would be done.
func TestReplayPlan(t *testing.T) {
	code, stdout, stderr := playCPE(t, "--acs", "http://127.0.0.1:1/", "--dry-run", manyScenario)
	if code != exitOK || !strings.Contains(stdout, "call              Inform\n") || !strings.Contains(stdout, "answer when asked Reboot\n") {
		t.Errorf("%d %s%s", code, stdout, stderr)
	}
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"replay", "acs", "--dry-run", "--allow", "set", manyScenario}, nil, &out, &errs); code != exitOK ||
		!strings.Contains(out.String(), "leave out (--allow reboot) Reboot\n") || !strings.Contains(out.String(), "ask                        AddObject\n") {
		t.Errorf("%d %s%s", code, out.String(), errs.String())
	}
}

// TestReplayRefuses: what can't be done says why, with the exit code for it.
func TestReplayRefuses(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	cut := file("cut.scenario", "informant scenario 1\ncpe Inform\nacs InformResponse\ncpe empty\nacs GetRPCMethods\ncut\n")
	nothing := file("nothing.scenario", "informant scenario 1\ncpe GET http://files.example/x\nfiles 404\n")
	two := file("two.scenario", "informant scenario 1\ndevice a serial=A\ncpe Inform\nacs InformResponse\ncpe empty\nacs 204\ndevice b serial=B\ncpe Inform\nacs InformResponse\ncpe empty\nacs 204\n")
	badRules := func(text string) string {
		return file("rules"+strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' {
				return r
			}
			return '_'
		}, text)+".yaml", text)
	}
	for name, x := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no ACS":                {[]string{"replay", "cpe", manyScenario}, exitUsage, "--acs URL is missing"},
		"no URL":                {[]string{"replay", "cpe", "--acs", "acs.example:7547", manyScenario}, exitUsage, "it takes a URL"},
		"no file":               {[]string{"replay", "cpe", "--acs", "http://127.0.0.1:1/"}, exitUsage, "no FILE given"},
		"neither":               {[]string{"replay", "both"}, exitUsage, "neither cpe nor acs"},
		"the recorded host":     {[]string{"replay", "cpe", "--acs", "http://acs.example/", manyScenario}, exitUsage, "is the ACS that was recorded: --same-host"},
		"the recorded address":  {[]string{"replay", "cpe", "--acs", "http://198.51.100.1:1234/", manyScenario}, exitUsage, "is the ACS that was recorded: --same-host"},
		"nobody there":          {[]string{"replay", "cpe", "--acs", "http://127.0.0.1:1/", manyScenario}, exitIncomplete, "the ACS can't be reached"},
		"an incomplete session": {[]string{"replay", "cpe", "--acs", "http://127.0.0.1:1/", cut}, exitIncomplete, "session 1 can't be played: the session is not complete: "},
		"nothing to replay":     {[]string{"replay", "cpe", "--acs", "http://127.0.0.1:1/", nothing}, exitIncomplete, "nothing to replay"},
		"no such session":       {[]string{"replay", "cpe", "--acs", "http://127.0.0.1:1/", "--session", "9", manyScenario}, exitIncomplete, `no session "9"`},
		"no such device":        {[]string{"replay", "acs", "--device", "X", manyScenario}, exitIncomplete, "no session in what was read is of that device"},
		"a policy":              {[]string{"replay", "cpe", "--acs", "http://127.0.0.1:1/", "--policy", "wild", manyScenario}, exitUsage, "it takes one of adaptive"},
		"another policy":        {[]string{"replay", "acs", "--policy", "strict", manyScenario}, exitUsage, "it takes one of resync"},
		"a speed":               {[]string{"replay", "cpe", "--acs", "http://127.0.0.1:1/", "--speed", "fast", manyScenario}, exitUsage, "it takes 1x, 10x"},
		"a kind of change":      {[]string{"replay", "acs", "--allow", "all", manyScenario}, exitUsage, "it takes one of reboot"},
		"a form":                {[]string{"replay", "acs", "-o", "html", manyScenario}, exitUsage, "it takes one of text"},
		"steps":                 {[]string{"replay", "acs", "--only", "5-1", manyScenario}, exitUsage, "no range of messages"},
		"two names":             {[]string{"replay", "cpe", "--acs", "http://127.0.0.1:1/", "--serial", "X", two}, exitUsage, "choose with --device"},
		"accept a capture":      {[]string{"replay", "cpe", "--acs", "http://127.0.0.1:1/", "--accept", "demo/demo.pcap"}, exitUsage, "neither a recording (.cwmp) nor a text"},
		"accept a part":         {[]string{"replay", "cpe", "--acs", "http://127.0.0.1:1/", "--accept", "--session", "1", two}, exitUsage, "would be lost"},
		"a file of no Download": {[]string{"replay", "acs", "--file", cut, manyScenario}, exitUsage, "no Download in the recording names a file of that name"},
		"no rules":              {[]string{"replay", "acs", "--rules", "none.yaml", manyScenario}, exitUsage, "no such file"},
		"rules that are none":   {[]string{"replay", "acs", "--rules", badRules("a list\n"), manyScenario}, exitUsage, "line 1: it takes a mapping of paths"},
		"a rule that is none":   {[]string{"replay", "acs", "--rules", badRules("\n\"x\": maybe\n"), manyScenario}, exitUsage, "line 2: x: it takes ignore, type"},
		"a range of one":        {[]string{"replay", "acs", "--rules", badRules("x: {range: [1]}\n"), manyScenario}, exitUsage, "range takes [MIN, MAX]"},
		"an address":            {[]string{"replay", "acs", "--listen", "127.0.0.1:99999", manyScenario}, exitUsage, "--listen 127.0.0.1:99999"},
		"nobody calls":          {[]string{"replay", "acs", "--listen", "127.0.0.1:0", "--timeout", "100ms", manyScenario}, exitIncomplete, "it was not played"},
		"nobody to wake":        {[]string{"replay", "acs", "--listen", "127.0.0.1:0", "--timeout", "300ms", "--wake=http://127.0.0.1:1/", manyScenario}, exitIncomplete, "can't be woken"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs strings.Builder
			code := run(t.Context(), x.args, strings.NewReader(""), &out, &errs)
			if code != x.code || !strings.Contains(out.String()+errs.String(), x.want) {
				t.Errorf("exit code %d, want %d\n%s%swant %q", code, x.code, out.String(), errs.String(), x.want)
			}
		})
	}
}

// TestReplayWake: a CPE lives on, and is woken by the recorded ACS with the login that
// the recording knows.
func TestReplayWake(t *testing.T) {
	const living = "../../replay/testdata/living.scenario"
	first := startACS(t, living)
	bell := freePort(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out, errs screen
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"replay", "cpe", "--rate", "0", "--acs", "http://" + first.addr, "--lifecycle", "--cr-listen", bell, "--cr-url", "http://" + bell + "/ring", "--timeout", "60s", living}, strings.NewReader(""), &out, &errs)
	}()
	if got := first.end(t); got != exitOK {
		t.Errorf("the first session: %d %s", got, first.out.String())
	}
	errs.await(t, "(lives on)")
	second := startACS(t, "--listen", first.addr, "--wake=http://"+bell+"/ring", living)
	if got := second.end(t); got != exitOK || !strings.Contains(second.err.String(), "was asked to call") {
		t.Errorf("the second session: %d %s%s", got, second.out.String(), second.err.String())
	}
	errs.await(t, "(a session was played)")
	stop()
	if got := <-code; got != exitOK || !strings.Contains(out.String(), ": same, 6 steps") {
		t.Errorf("%d %s%s", got, out.String(), errs.String())
	}
}

// TestReplayKilled: what was recorded of a replay that is killed is there.
func TestReplayKilled(t *testing.T) {
	program := built(t)
	file := filepath.Join(t.TempDir(), "killed.cwmp")
	acs := startACS(t, allowAll, "--count", "0", manyScenario)
	cmd := exec.Command(program, "replay", "cpe", "--acs", "http://"+acs.addr, "--lifecycle", "-w", file, manyScenario)
	stderr := &screen{}
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stderr.await(t, "(lives on)")
	time.Sleep(1500 * time.Millisecond) // a frame is written each second
	cmd.Process.Kill()
	cmd.Wait()
	var out, errs strings.Builder
	code := run(t.Context(), []string{"decode", "-q", file}, nil, &out, &errs)
	if code != exitOK && code != exitIncomplete || !strings.Contains(out.String(), "because   6 CONNECTION REQUEST") || !strings.Contains(out.String(), "RebootResponse") {
		t.Errorf("%d %s%s", code, out.String(), errs.String())
	}
}
