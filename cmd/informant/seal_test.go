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

// newerRecording is a recording with a record that only a newer version knows.
func newerRecording(t *testing.T) (name string, content []byte) {
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "vectors", "unknown.txt"))
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(b), "\n\n")
	content, err = hex.DecodeString(strings.ReplaceAll(body, "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	name = filepath.Join(t.TempDir(), "newer.cwmp")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name, content
}

// TestSealUnknown: such a recording is not replaced by one without that record.
func TestSealUnknown(t *testing.T) {
	name, before := newerRecording(t)
	var stdout, stderr strings.Builder
	if code := run(context.Background(), []string{"seal", name}, strings.NewReader(""), &stdout, &stderr); code != exitUsage {
		t.Errorf("exit code %d", code)
	}
	if want := "only a newer informant can write"; !strings.Contains(stderr.String(), want) {
		t.Errorf("told %q, not %q", stderr.String(), want)
	}
	if after, err := os.ReadFile(name); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the file was touched: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(name), "*")); len(left) != 1 {
		t.Errorf("left behind: %q", left)
	}
}

// TestCopyUnknown: what is made of such a recording is told to hold less.
func TestCopyUnknown(t *testing.T) {
	name, _ := newerRecording(t)
	for _, args := range [][]string{
		{"merge", "-w", name + ".merged", name, name},
		{"split", "--by", "day", name},
		{"split", "--by", "size", name},
	} {
		var stdout, stderr strings.Builder
		code := run(context.Background(), args, strings.NewReader(""), &stdout, &stderr)
		if want := "only a newer informant can write"; code != exitUsage || !strings.Contains(stderr.String(), want) {
			t.Errorf("%q: exit code %d, told %q", args, code, stderr.String())
		}
	}
}
