package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"informant/decode/check"
	"informant/decode/transcript"
)

// shared is the folder of captures and messages that are not ours.
func shared(t *testing.T, part string) string {
	t.Helper()
	dir := os.Getenv("INFORMANT_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	dir = filepath.Join(dir, part)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the shared %s are not here: %v", part, err)
	}
	return dir
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(transcript.Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("urn:informant:transcript:1", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("urn:informant:transcript:1")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSharedSchema holds the JSON of all shared captures and messages to the
// schema, and wants their text free of control characters. A file that is no
// input says so.
func TestSharedSchema(t *testing.T) {
	s := compiled(t)
	for _, part := range []string{"captures", "corpus"} {
		t.Run(part, func(t *testing.T) {
			read := 0
			err := filepath.WalkDir(shared(t, part), func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				if tellShared(t, s, path) {
					read++
				}
				return nil
			})
			if err != nil || read == 0 {
				t.Errorf("%d files read, %v", read, err)
			}
		})
	}
}

func tellShared(t *testing.T, s *jsonschema.Schema, path string) bool {
	t.Helper()
	var stdout, stderr strings.Builder
	code := run(t.Context(), []string{"decode", "-q", "--all", "-o", "json", path}, strings.NewReader(""), &stdout, &stderr)
	switch {
	case code == exitUsage:
		if !strings.Contains(stderr.String(), "unknown format") && !strings.Contains(stderr.String(), "empty input") {
			t.Errorf("%s: %s", path, stderr.String())
		}
		return false
	case code != exitOK && code != exitIncomplete:
		t.Errorf("%s: exit code %d: %s", path, code, stderr.String())
	}
	for l := range strings.Lines(stdout.String()) {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(l))
		if err == nil {
			err = s.Validate(v)
		}
		if err != nil {
			t.Errorf("%s: %v in %.300s", path, err, l)
			break
		}
	}
	stdout.Reset()
	run(t.Context(), []string{"decode", "-q", "--all", "-vv", path}, strings.NewReader(""), &stdout, &stderr)
	for i, r := range stdout.String() {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 {
			t.Errorf("%s: %U in %q", path, r, stdout.String()[max(0, i-40):i+8])
			break
		}
	}
	return true
}

// TestRulesExplained explains every check with a session that breaks it.
func TestRulesExplained(t *testing.T) {
	for _, c := range check.All {
		var out strings.Builder
		if err := explain(c, &out, false); err != nil {
			t.Errorf("%s: %v", c.ID, err)
		}
		account := out.String()
		if i := strings.Index(account, "A session that breaks it:"); i < 0 || !strings.Contains(account[i:], c.ID) {
			t.Errorf("%s: the example does not show it:\n%s", c.ID, account)
		}
	}
}
