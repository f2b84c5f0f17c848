package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"informant/decode/transcript"
)

// reported are inputs whose reports are held against the standards: with and
// without findings, of sessions, fragments and what is none, with a name that
// no URI may have as it is.
func reported(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{}
	write := func(name string, data []byte) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		files[name] = path
	}
	many := packets(t, 3)
	write("many.pcap", many)
	write("50% of a#b?c ü\x1b [x]:y.pcap", many)
	write("clean.scenario", []byte(strings.Replace(oneSession, "%", "S1", 1)))
	write("odd.scenario", []byte(`informant scenario 1
device serial="\x01]]><&\"'é"
cpe Inform events="1 BOOT|7 TRANSFER COMPLETE"
  header SOAPAction: "{0} [x](y)"
acs InformResponse
  no-id
cpe TransferComplete key="a b"
acs Fault 9999 "<none>"
acs GET /
cpe 401
connect midstream
cpe empty
acs raw "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n<x>"
`))
	write("dump.txt", []byte("POST /acs HTTP/1.1\r\nHost: acs\r\nContent-Length: 3\r\n\r\n<a>"))
	return files
}

// checked is what check writes of a file.
func checked(t *testing.T, form, file string) []byte {
	t.Helper()
	var stdout bytes.Buffer
	var stderr strings.Builder
	code := run(t.Context(), []string{"check", "-o", form, file}, strings.NewReader(""), &stdout, &stderr)
	if code == exitUsage || stdout.Len() == 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	return stdout.Bytes()
}

// TestSarifStandard holds SARIF to what the standard demands of the parts of it
// that are written (testdata/sarif.schema.json), to its rules that no schema
// tells, and to its uses of references.
func TestSarifStandard(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "sarif.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("urn:informant:sarif", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("urn:informant:sarif")
	if err != nil {
		t.Fatal(err)
	}
	results := 0
	for name, file := range reported(t) {
		t.Run(name, func(t *testing.T) {
			out := checked(t, "sarif", file)
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(v); err != nil {
				t.Fatal(err)
			}
			results += sarifRules(t, out, file)
		})
	}
	if results == 0 {
		t.Error("no results at all")
	}
}

// sarifRules are the standard's rules beyond the schema; it counts the results.
func sarifRules(t *testing.T, out []byte, file string) int {
	t.Helper()
	var log struct {
		Runs []struct {
			Tool struct {
				Driver struct {
					Rules []struct{ ID, Name string }
				}
			}
			Results []struct {
				RuleID              string
				RuleIndex           int
				Locations           []sarifLocation
				PartialFingerprints map[string]string
			}
		}
	}
	if err := json.Unmarshal(out, &log); err != nil {
		t.Fatal(err)
	}
	rules, ids := log.Runs[0].Tool.Driver.Rules, map[string]bool{}
	for _, r := range rules {
		if ids[r.ID] { // 3.19.23
			t.Errorf("rule %s twice", r.ID)
		}
		if r.Name == r.ID { // 3.49.7
			t.Errorf("the name of rule %s is its id", r.ID)
		}
		ids[r.ID] = true
	}
	seen := map[string]bool{}
	for _, r := range log.Runs[0].Results {
		if r.RuleIndex >= len(rules) || rules[r.RuleIndex].ID != r.RuleID { // 3.27.6, 3.52.5
			t.Errorf("result of %s has the index %d", r.RuleID, r.RuleIndex)
		}
		if p := r.Locations[0].Physical; p != nil && p.Artifact.URI != artifactURI(transcript.Safe(file)) {
			t.Errorf("uri %s", p.Artifact.URI)
		}
		f := r.PartialFingerprints["informant/v1"]
		if seen[f] {
			t.Errorf("two results have the fingerprint %s", f)
		}
		seen[f] = true
	}
	return len(log.Runs[0].Results)
}

func TestArtifactURI(t *testing.T) {
	for name, want := range map[string]string{
		"a.pcap":         "a.pcap",
		"dir/a b.pcap":   "dir/a%20b.pcap",
		"50%.pcap":       "50%25.pcap",
		"a#b?c.pcap":     "a%23b%3Fc.pcap",
		"ü.pcap":         "%C3%BC.pcap",
		"10:30.pcap":     "./10:30.pcap",
		"/tmp/a b.pcap":  "file:///tmp/a%20b.pcap",
		"stdin":          "stdin",
		"../up/a.pcapng": "../up/a.pcapng",
	} {
		if got := artifactURI(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// junitRules says which elements and attributes (! for one that must be there)
// a report may have, as the schema of Jenkins's xUnit plugin (junit-10.xsd) has
// it. Ant's own schema also wants what informant has not (hostname), and
// forbids what Jenkins shows (a testcase's system-out).
var junitRules = map[string]struct {
	attrs    string
	children string
}{
	"testsuites": {"name time tests failures errors", "testsuite"},
	"testsuite":  {"name! tests! failures! errors! skipped time timestamp hostname id package", "testsuite properties testcase system-out system-err"},
	"testcase":   {"name! classname time", "skipped error failure system-out system-err"},
	"failure":    {"type message", ""},
	"system-out": {"", ""},
}

// junitTime is how Surefire writes seconds.
var junitTime = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)

func TestJUnitStandard(t *testing.T) {
	for name, file := range reported(t) {
		t.Run(name, func(t *testing.T) {
			out := checked(t, "junit", file)
			if err := holdJUnit(out); err != nil {
				t.Errorf("%v in\n%s", err, out)
			}
		})
	}
	for _, wrong := range []string{
		`<testsuites skipped="0"></testsuites>`,
		`<testsuites><testsuite name="a" tests="0" failures="0"></testsuite></testsuites>`,
		`<testsuites><testsuite name="a" tests="1" failures="0" errors="0"></testsuite></testsuites>`,
		`<testsuites><testcase name="a"/></testsuites>`,
	} {
		if holdJUnit([]byte(wrong)) == nil {
			t.Errorf("nothing wrong with %s", wrong)
		}
	}
}

// holdJUnit says what is wrong with a report.
func holdJUnit(out []byte) error {
	d := xml.NewDecoder(bytes.NewReader(out))
	var path []string
	count, said := map[string]int{}, map[string]string{}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			name := tok.Name.Local
			if err := junitElement(path, tok); err != nil {
				return err
			}
			count[name]++
			for _, a := range tok.Attr {
				if name == "testsuite" || name == "testsuites" {
					said[name+" "+a.Name.Local] = a.Value
				}
			}
			path = append(path, name)
		case xml.EndElement:
			path = path[:len(path)-1]
		}
	}
	for _, s := range []string{"testsuite", "testsuites"} {
		if n := said[s+" tests"]; n != fmt.Sprint(count["testcase"]) || said[s+" failures"] != fmt.Sprint(count["failure"]) {
			return fmt.Errorf("%s says %s tests, %s failures; it has %v", s, n, said[s+" failures"], count)
		}
	}
	return nil
}

// junitElement holds an element against the rules.
func junitElement(path []string, e xml.StartElement) error {
	name := e.Name.Local
	rule, ok := junitRules[name]
	if !ok {
		return fmt.Errorf("an element %s", name)
	}
	if len(path) == 0 && name != "testsuites" {
		return fmt.Errorf("the root is %s", name)
	} else if len(path) > 0 && !slices.Contains(strings.Fields(junitRules[path[len(path)-1]].children), name) {
		return fmt.Errorf("%s in %s", name, path[len(path)-1])
	}
	allowed := strings.Fields(rule.attrs)
	has := map[string]bool{}
	for _, a := range e.Attr {
		has[a.Name.Local] = true
		if !slices.Contains(allowed, a.Name.Local) && !slices.Contains(allowed, a.Name.Local+"!") {
			return fmt.Errorf("%s has an attribute %s", name, a.Name.Local)
		}
		if a.Name.Local == "time" && !junitTime.MatchString(a.Value) {
			return fmt.Errorf("%s has the time %q", name, a.Value)
		}
	}
	for _, a := range allowed {
		if want, must := strings.CutSuffix(a, "!"); must && !has[want] {
			return fmt.Errorf("%s has no attribute %s", name, want)
		}
	}
	return nil
}
