package recording

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func limitFileSize(n uint64) error {
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n})
}

// cpuTime is what this process has used of its processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestFileLimit holds that a limit of a file's size ends a recording in order.
func TestFileLimit(t *testing.T) {
	for _, limit := range []string{"limit100000", "limit123457", "limit500001"} {
		filled(t, limit, filepath.Join(t.TempDir(), "a.cwmp"), "file too large")
	}
}

// TestDiskFull holds that a full disk does, too.
func TestDiskFull(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a small disk cannot be mounted here: not root; a limit of the file's size is tested instead")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("a small disk cannot be mounted here; a limit of the file's size is tested instead: ", err)
	}
	defer syscall.Unmount(dir, 0)
	filled(t, "full", filepath.Join(dir, "a.cwmp"), "no space left on device")
	// Not even HEAD has room: there is no file.
	if err := os.WriteFile(filepath.Join(dir, "rest"), make([]byte, 1<<20), 0o600); err == nil {
		t.Error("there is room")
	}
	if f, err := Create(FilesOptions{Name: filepath.Join(dir, "b.cwmp")}); err == nil {
		f.Close()
		t.Error("a recording began without room")
	}
	if _, err := os.Stat(filepath.Join(dir, "b.cwmp")); err == nil {
		t.Error("an empty file is left")
	}
}
