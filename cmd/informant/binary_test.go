package main

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"informant/capture"
	"informant/capture/scenario"
)

// built builds the program as it is shipped.
func built(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "informant")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	cmd := exec.Command("go", "build", "-o", name, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return name
}

// packets is a capture of a scenario that is played n times, each a second after the one before.
func packets(t *testing.T, n int) []byte {
	t.Helper()
	text, err := os.ReadFile("demo/demo.scenario")
	if err != nil {
		t.Fatal(err)
	}
	b, err := played(string(text), n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// played is a capture of a scenario that is played n times, each a second after the one before.
func played(text string, n int) ([]byte, error) {
	records, err := scenario.Parse("demo", text)
	if err != nil {
		return nil, err
	}
	var all []capture.Record
	for i := range n {
		conns := map[*capture.Conn]*capture.Conn{}
		for _, r := range records {
			c := conns[r.Conn]
			if c == nil {
				own := *r.Conn
				own.Client = netip.AddrPortFrom(own.Client.Addr(), uint16(20000+i%40000))
				c = &own
				conns[r.Conn] = c
			}
			r.Conn = c
			r.Time = r.Time.Add(time.Duration(i) * time.Second)
			all = append(all, r)
		}
	}
	return asPcap(all), nil
}

// TestInterrupt: SIGINT ends the reading; what was read is told, and the exit
// code is 130.
func TestInterrupt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no SIGINT to a child here")
	}
	cmd := exec.Command(built(t), "decode", "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write(packets(t, 200)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		_ = cmd.Process.Kill()
		t.Fatal("it does not end")
	}
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
	if !strings.Contains(stdout.String(), "session 1 ") || !strings.Contains(stdout.String(), "findings:") {
		t.Errorf("what was read is not told:\n%.500s", stdout.String())
	}
}

// TestBrokenPipe: a reader that goes away ends the program without a word.
func TestBrokenPipe(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no SIGPIPE here")
	}
	file := filepath.Join(t.TempDir(), "many.pcap")
	if err := os.WriteFile(file, packets(t, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(built(t), "decode", "-v", file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReaderSize(out, 16).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	out.Close()
	err = cmd.Wait()
	if stderr.Len() > 0 {
		t.Errorf("it says: %s", stderr.String())
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); err != nil && (!ok || !status.Signaled() || status.Signal() != syscall.SIGPIPE) {
		t.Errorf("it ends with %v", err)
	}
}

// TestOrder: sessions are told in the order of their beginnings, whatever the
// order in which they end.
func TestOrder(t *testing.T) {
	var out strings.Builder
	o := &order{w: &out, limit: 1 << 20}
	base := time.Unix(1000, 0)
	for _, n := range []int{3, 1, 2, 0, 5, 4} {
		if err := o.put(base.Add(time.Duration(n)*time.Second), []byte{byte('0' + n)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.flush(); err != nil || out.String() != "012345" {
		t.Error(out.String(), err)
	}
	// Beyond the limit the earliest goes out, and what comes late comes late.
	out.Reset()
	o = &order{w: &out, limit: 2}
	for _, n := range []int{3, 4, 1, 2} {
		if err := o.put(base.Add(time.Duration(n)*time.Second), []byte{byte('0' + n)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.flush(); err != nil || out.String() != "1234" {
		t.Error(out.String(), err)
	}
}

// TestReportsParse: JUnit is XML, SARIF is JSON with what SARIF wants of a log.
func TestReportsParse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "many.pcap")
	if err := os.WriteFile(file, packets(t, 3), 0o600); err != nil {
		t.Fatal(err)
	}
	output := func(form string) string {
		var stdout strings.Builder
		if code := run(t.Context(), []string{"check", "-o", form, file}, strings.NewReader(""), &stdout, io.Discard); code != exitFindings {
			t.Fatalf("%s: exit code %d", form, code)
		}
		return stdout.String()
	}
	var suites struct {
		Suites []struct {
			Tests int `xml:"tests,attr"`
			Cases []struct {
				Name string `xml:"name,attr"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(output("junit")), &suites); err != nil {
		t.Fatal(err)
	}
	if len(suites.Suites) != 1 || suites.Suites[0].Tests != len(suites.Suites[0].Cases) || suites.Suites[0].Tests == 0 {
		t.Errorf("%+v", suites)
	}
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct{ ID string }
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct{ ArtifactLocation struct{ URI string } }
					LogicalLocations []struct{ FullyQualifiedName string }
				}
				PartialFingerprints map[string]string
			}
		}
	}
	if err := json.Unmarshal([]byte(output("sarif")), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 || len(log.Runs[0].Results) == 0 {
		t.Fatalf("%+v", log)
	}
	seen := map[string]bool{}
	for _, r := range log.Runs[0].Results {
		rules := log.Runs[0].Tool.Driver.Rules
		if r.RuleIndex >= len(rules) || rules[r.RuleIndex].ID != r.RuleID {
			t.Errorf("%s is rule %d", r.RuleID, r.RuleIndex)
		}
		if r.Message.Text == "" || len(r.Locations) != 1 || len(r.Locations[0].LogicalLocations) != 1 {
			t.Errorf("%+v", r)
		}
		seen[r.PartialFingerprints["informant/v1"]] = true
	}
	if len(seen) != len(log.Runs[0].Results) {
		t.Errorf("%d fingerprints for %d results", len(seen), len(log.Runs[0].Results))
	}
}

// TestSpool: what is spooled comes back, from memory and from the file.
func TestSpool(t *testing.T) {
	for _, n := range []int{0, 10, spoolMemory, spoolMemory*2 + 5} {
		var s spool
		line := []byte("0123456789abcdef\n")
		var want strings.Builder
		for want.Len() < n {
			want.Write(line)
			if _, err := s.Write(line); err != nil {
				t.Fatal(err)
			}
		}
		var got strings.Builder
		if err := s.copy(&got, s.size); err != nil || got.String() != want.String() {
			t.Errorf("%d: %d of %d bytes, %v", n, got.Len(), want.Len(), err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
