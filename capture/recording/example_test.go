package recording

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"informant/capture"
)

// example is the blocks of FORMAT.md's example: the file, and the text of its
// data frames.
func example(t *testing.T) (file []byte, text, prose string) {
	t.Helper()
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	_, prose, _ = strings.Cut(string(doc), "\n## 12. Example\n")
	blocks := regexp.MustCompile("(?s)```(hex|text)\n(.*?)```\n").FindAllStringSubmatch(prose, -1)
	if len(blocks) != 2 {
		t.Fatalf("%d blocks", len(blocks))
	}
	for line := range strings.Lines(blocks[0][2]) {
		b, err := hex.DecodeString(strings.ReplaceAll(line[6:6+47], " ", ""))
		if err != nil || line[:6] != fmt.Sprintf("%04x  ", len(file)) {
			t.Fatalf("%q: %v", line, err)
		}
		file = append(file, b...)
	}
	return file, blocks[1][2], prose
}

// TestExample holds that the example of FORMAT.md is what it says.
func TestExample(t *testing.T) {
	file, text, prose := example(t)
	s := scanner{w: window{r: bytes.NewReader(file)}, decoder: newDecoder(), damaged: func(d Damage) { t.Error(d) }}
	head, err := s.next()
	if err != nil || head.tag != tagHead || head.size != 0xe5 {
		t.Fatal(head, err)
	}
	h, err := parseHeader(head.body)
	if err != nil || !bytes.Equal(h.append(nil), file[:head.size]) {
		t.Errorf("HEAD %+v, %v", h, err)
	}
	frame, err := s.next()
	if err != nil || strings.ReplaceAll(string(frame.text), "\r\n", "\n") != text {
		t.Errorf("%v, text\n%s", err, frame.text)
	}
	got, _, err := read(t, bytes.NewReader(file))
	if err != nil || len(got) != 4 || got[1].Kind != capture.Data || len(got[1].Data) != 60 {
		t.Fatalf("%+v, %v", got, err)
	}
	if id := fmt.Sprintf("`%x`", got[0].Conn.Identity); !strings.Contains(prose, id) {
		t.Errorf("the identity is %s", id)
	}
	// Written again the content is the same.
	if again := groupOf(1, stretch, got); !bytes.Equal(again, frame.text) {
		t.Errorf("written again:\n%s", again)
	}
}

// TestZstd holds that the zstd of others prints the text of a recording.
func TestZstd(t *testing.T) {
	zstd, err := exec.LookPath("zstd")
	if err != nil {
		t.Skip("no zstd here to read our files")
	}
	d := smallDict(t)
	dict := filepath.Join(t.TempDir(), "dict")
	if err := os.WriteFile(dict, d.Bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	records := vectorRecords()
	for _, o := range []struct {
		dict *Dict
		args []string
	}{{&Dict{}, []string{"-dc"}}, {d, []string{"-dc", "-D", dict}}} {
		cmd := exec.Command(zstd, o.args...)
		cmd.Stdin = bytes.NewReader(record(t, WriterOptions{Header: vectorHeader, Dictionary: o.dict}, records))
		out, err := cmd.CombinedOutput()
		for i := range records {
			records[i].Seq = uint64(i + 1)
		}
		want := groupOf(1, stretch, records)
		if err != nil || !bytes.Equal(out, want) {
			t.Errorf("%v: %s\nwant %s", err, out, want)
		}
	}
}
