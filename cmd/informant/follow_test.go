package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestImportFollows: import -f takes what a capture grows by, the recording can be
// read meanwhile, and an interrupt ends it in order, by SIGTERM too.
func TestImportFollows(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals to a child here")
	}
	program := built(t)
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		dir := t.TempDir()
		growing, out := filepath.Join(dir, "growing.pcap"), filepath.Join(dir, "out.cwmp")
		all := packets(t, 200)
		half := len(all) / 2
		if err := os.WriteFile(growing, all[:half], 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(program, "import", "-f", growing, "-w", out)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		count := func() int {
			text := output(t, "decode", "-q", "-o", "json", out)
			return strings.Count(text, `"type":"session"`)
		}
		until(t, func() bool { return exists(out) && size(out) > 500 && count() >= 90 })
		f, err := os.OpenFile(growing, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(all[half:]); err != nil {
			t.Fatal(err)
		}
		f.Close()
		until(t, func() bool { return count() >= 199 })
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v: %s", sig, err, stderr.String())
		}
		if !strings.Contains(stdout.String(), "200 connections") || !strings.Contains(stderr.String(), "sha256:") {
			t.Errorf("%s%s", stdout.String(), stderr.String())
		}
		if want := output(t, "decode", "-q", growing); output(t, "decode", "-q", out) != want {
			t.Error("the recording tells another story")
		}
	}
}

// TestImportInterrupted: an interrupt while a pipe is silent leaves a whole
// recording of what came, and the exit code says so.
func TestImportInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no SIGINT to a child here")
	}
	out := filepath.Join(t.TempDir(), "out.cwmp")
	cmd := exec.Command(built(t), "import", "-", "-w", out)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write(packets(t, 100)); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool {
		return exists(out) && size(out) > 500 && strings.Count(output(t, "cat", "-q", out), "\n") > 900
	})
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
	if n := strings.Count(output(t, "decode", "-q", "-o", "json", out), `"type":"session"`); n < 99 {
		t.Errorf("%d sessions", n)
	}
}

// TestSealLeavesNothing: what is sealed in its place is readable for its owner alone,
// and nothing is left beside it.
func TestSealLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	capture, rec := filepath.Join(dir, "c.pcap"), filepath.Join(dir, "r.cwmp")
	if err := os.WriteFile(capture, packets(t, 5), 0o600); err != nil {
		t.Fatal(err)
	}
	output(t, "import", "-q", capture, "-w", rec)
	output(t, "seal", "-q", rec)
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 2 {
		t.Errorf("%v, %v", list, err)
	}
	if st, err := os.Stat(rec); err != nil || runtime.GOOS != "windows" && st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
}

func size(name string) int64 {
	st, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return st.Size()
}

// until waits for something to become true.
func until(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatal("it does not come")
}
