package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	historyAsked = `cpe Inform events="0 BOOTSTRAP"
acs InformResponse
cpe empty
acs Reboot CommandKey=r1
cpe RebootResponse
acs Download CommandKey=d1 FileType="2 Web Content"
cpe DownloadResponse
acs SetParameterValues ParameterKey=k1
  param InternetGatewayDevice.Time.NTPServer1 x
cpe SetParameterValuesResponse
acs 204
close cpe
wait 300s
`
	historyTold = `cpe Inform events="1 BOOT"
acs InformResponse
cpe empty
acs 204
close cpe
wait 300s
cpe Inform events="7 TRANSFER COMPLETE|M Upload=d1"
acs InformResponse
cpe TransferComplete key=d1
acs TransferCompleteResponse
cpe empty
acs 204
close cpe
wait 300s
`
)

// foundBy are the findings of a check, by id, party and message.
func foundBy(t *testing.T, args ...string) (found []string) {
	t.Helper()
	var out, errs strings.Builder
	if code := run(t.Context(), append([]string{"check", "-q", "-o", "json"}, args...), nil, &out, &errs); code != exitOK && code != exitFindings {
		t.Fatalf("%d %s", code, errs.String())
	}
	for line := range strings.Lines(out.String()) {
		var f struct{ Check, Party, Text string }
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		if f.Check != "" {
			found = append(found, f.Check+" "+f.Party+" "+f.Text)
		}
	}
	slices.Sort(found)
	return found
}

// TestHistoryOverRuns: the same sessions in one file, in two, and in two runs with a
// history give the same findings.
func TestHistoryOverRuns(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte("informant scenario 1\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	first, second := file("first.scenario", historyAsked), file("second.scenario", "wait 400s\n"+historyTold)
	whole := foundBy(t, file("whole.scenario", historyAsked+historyTold))
	for _, id := range []string{"EVT-019 ", "INF-024 ", "XFER-006 "} {
		if !slices.ContainsFunc(whole, func(f string) bool { return strings.HasPrefix(f, id) }) {
			t.Errorf("%sis not found: %q", id, whole)
		}
	}
	two := foundBy(t, first, second)
	past := filepath.Join(dir, "history")
	kept := append(foundBy(t, "--history", past, first), foundBy(t, "--history", past, second)...)
	slices.Sort(kept)
	for name, got := range map[string][]string{"two files": two, "two runs": kept} {
		if !slices.Equal(got, whole) {
			t.Errorf("%s: %q\nin one file %q", name, got, whole)
		}
	}
	apart := append(foundBy(t, first), foundBy(t, second)...)
	if slices.ContainsFunc(apart, func(f string) bool { return strings.HasPrefix(f, "EVT-019 ") }) {
		t.Error("without a history it is known what was asked in another run")
	}

	// What is damaged says so, and is not taken for nothing.
	if err := os.WriteFile(filepath.Join(past, historyFile), []byte("{\"Key\":"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"check", "--history", past, first}, nil, &out, &errs); code != exitUsage || !strings.Contains(errs.String(), "line 1: ") {
		t.Errorf("%d %s", code, errs.String())
	}
}

// TestOwnProfile: severities of one's own, and checks that are off.
func TestOwnProfile(t *testing.T) {
	dir := t.TempDir()
	n := 0
	profile := func(text string) string {
		n++
		name := filepath.Join(dir, string(rune('a'+n))+".yaml")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	bad := filepath.Join(dir, "bad.scenario")
	if err := os.WriteFile(bad, []byte("informant scenario 1\ncpe Inform\nacs InformResponse\ncpe empty\n  header Content-Type: text/xml\nacs 204\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		text string
		code int
		want string
	}{
		"as it is":           {"", exitFindings, "error HTTP-007"},
		"a severity":         {"severity:\n  HTTP-007: info\n", exitOK, "info HTTP-007"},
		"a family":           {"severity:\n  HTTP: warning\n", exitOK, "warning HTTP-007"},
		"one of a family":    {"severity:\n  HTTP-007: error\n  HTTP: \"off\"\n", exitFindings, "error HTTP-007"},
		"off":                {"severity:\n  HTTP-007: off\n", exitOK, "no findings"},
		"based on another":   {"profile: field\n", exitOK, "warning HTTP-007"},
		"no such check":      {"severity:\n  HTTP-999: info\n", exitUsage, "no check"},
		"no such severity":   {"severity:\n  HTTP-007: fatal\n", exitUsage, "is none of error, warning, info and off"},
		"no such field":      {"severities:\n  HTTP-007: info\n", exitUsage, "not found"},
		"no such base":       {"profile: lax\n", exitUsage, "neither strict nor field"},
		"new devices":        {"new-devices: true\n", exitFindings, "warning EVT-014"},
		"secrets":            {"secrets:\n  acs: hidden\n", exitFindings, "error HTTP-007"},
		"a file of no rules": {"- a\n", exitUsage, "cannot unmarshal"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs strings.Builder
			code := run(t.Context(), []string{"check", "--checks", profile(x.text), bad}, nil, &out, &errs)
			if text := out.String() + errs.String(); code != x.code || x.want != "no findings" && !strings.Contains(text, x.want) || x.want == "no findings" && strings.Contains(text, "HTTP-007") {
				t.Errorf("%d, want %d: %s", code, x.code, text)
			}
		})
	}
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"check", "--checks", "lax", bad}, nil, &out, &errs); code != exitUsage || !strings.Contains(errs.String(), "it takes one of strict, field, none") {
		t.Errorf("%d %s", code, errs.String())
	}
}

// TestCoverage: which checks could be decided, and what kept the others from it.
func TestCoverage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "one.scenario")
	if err := os.WriteFile(file, []byte("informant scenario 1\n"+historyAsked), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"check", "--coverage", file}, nil, &out, &errs); code != exitOK {
		t.Fatalf("%d %s", code, errs.String())
	}
	for _, want := range []string{"checks of sessions could be decided on some of 1 session\n", "EVT-019    decided on 0 of 1, else not: what the device did before is known\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}
