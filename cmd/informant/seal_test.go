package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSealUnknown: a recording with records that only a newer version knows is
// not replaced by one without them.
func TestSealUnknown(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "vectors", "unknown.txt"))
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(b), "\n\n")
	before, err := hex.DecodeString(strings.ReplaceAll(body, "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "newer.cwmp")
	if err := os.WriteFile(name, before, 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	if code := run(context.Background(), []string{"seal", name}, strings.NewReader(""), &stdout, &stderr); code != exitUsage {
		t.Errorf("exit code %d", code)
	}
	if want := "a newer informant wrote"; !strings.Contains(stderr.String(), want) {
		t.Errorf("told %q, not %q", stderr.String(), want)
	}
	if after, err := os.ReadFile(name); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the file was touched: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(name), "*")); len(left) != 1 {
		t.Errorf("left behind: %q", left)
	}
}
