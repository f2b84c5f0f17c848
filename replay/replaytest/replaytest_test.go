package replaytest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"informant/replay"
	"informant/replay/replaytest"
)

// witness is a test that may fail.
type witness struct {
	testing.TB
	mu       sync.Mutex
	failures []string
	cleanups []func()
}

func (w *witness) Helper() {}

func (w *witness) Errorf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failures = append(w.failures, fmt.Sprintf(format, args...))
}

func (w *witness) Error(args ...any) { w.Errorf("%s", fmt.Sprint(args...)) }

func (w *witness) Fatalf(format string, args ...any) {
	w.Errorf(format, args...)
	runtime.Goexit()
}

func (w *witness) Fatal(args ...any) { w.Fatalf("%s", fmt.Sprint(args...)) }

func (w *witness) Cleanup(f func()) { w.cleanups = append(w.cleanups, f) }

func (w *witness) Context() context.Context { return context.Background() }

// failed is what a test says that fails, "" where it passes.
func failed(t *testing.T, test func(testing.TB)) string {
	w := &witness{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(w)
	}()
	<-done
	for _, f := range w.cleanups {
		f()
	}
	return strings.Join(w.failures, "\n")
}

// TestBothSides: the helpers play each other.
func TestBothSides(t *testing.T) {
	for _, file := range []string{"testdata/boot.scenario", "../testdata/many.scenario", "../../cmd/informant/demo/demo.pcap"} {
		if got := failed(t, func(t testing.TB) {
			replaytest.RunCPE(t, file, replaytest.ServeACS(t, file, replaytest.Options{Allow: []replay.Change{replay.Reboots, replay.Downloads, replay.Sets}}))
		}); got != "" {
			t.Errorf("%s: %s", file, got)
		}
	}
}

// TestForms: recordings, plain and sealed, and records as text are fixtures, too.
func TestForms(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "informant")
	for _, args := range [][]string{{"go", "build", "-o", program, "informant/cmd/informant"},
		{program, "import", "-q", "-w", filepath.Join(dir, "a.cwmp"), "testdata/boot.scenario"},
		{program, "seal", "-q", "-w", filepath.Join(dir, "b.cwmp"), filepath.Join(dir, "a.cwmp")},
		{program, "export", "-q", "-w", filepath.Join(dir, "c.txtar"), "testdata/boot.scenario"}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	for _, name := range []string{"a.cwmp", "b.cwmp", "c.txtar"} {
		file := filepath.Join(dir, name)
		if got := failed(t, func(t testing.TB) { replaytest.RunCPE(t, file, replaytest.ServeACS(t, "testdata/boot.scenario")) }); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestFails: what differs fails the test, and says what it is.
func TestFails(t *testing.T) {
	const file = "testdata/boot.scenario"
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer refusing.Close()
	changed := filepath.Join(t.TempDir(), "changed.scenario")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(changed, []byte(strings.Replace(string(text), "5.21", "6.00", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	incomplete := filepath.Join(t.TempDir(), "incomplete.scenario")
	if err := os.WriteFile(incomplete, []byte("informant scenario 1\ncpe Inform\nacs InformResponse\ncut\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		test func(testing.TB)
		want string
	}{
		"an ACS that refuses": {func(t testing.TB) { replaytest.RunCPE(t, file, refusing.URL) }, "the ACS answers with status 403 Forbidden"},
		"no ACS":              {func(t testing.TB) { replaytest.RunCPE(t, file, "http://127.0.0.1:1/") }, "no verdict"},
		"another version":     {func(t testing.TB) { replaytest.RunCPE(t, changed, replaytest.ServeACS(t, file)) }, `SoftwareVersion: recorded "5.21", now "6.00"`},
		"no CPE":              {func(t testing.TB) { replaytest.ServeACS(t, file) }, "it was not played"},
		"no file":             {func(t testing.TB) { replaytest.RunCPE(t, "none.cwmp", refusing.URL) }, "no such file"},
		"nothing in it":       {func(t testing.TB) { replaytest.RunCPE(t, incomplete, refusing.URL) }, "there is no session that can be played\nsession 1: replay: the session is not complete"},
		"no such session":     {func(t testing.TB) { replaytest.RunCPE(t, file, refusing.URL, replaytest.Options{Session: 7}) }, "there is no session 7"},
		"no URL":              {func(t testing.TB) { replaytest.RunCPE(t, file, "acs") }, "no URL of an ACS"},
	} {
		if got := failed(t, x.test); !strings.Contains(got, x.want) {
			t.Errorf("%s: %q, want %q", name, got, x.want)
		}
	}
}
