package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layer is what a package may import beside the standard library.
type layer struct {
	ours   []string // packages of ours, without "informant/"
	others []string // modules of others
	pure   bool     // values in, values out: no I/O, clock, goroutine, logging
}

// layers is the import policy (decode/doc.go has the picture). Don't widen it to
// mend a build: a new arrow is a decision about the structure.
var layers = map[string]layer{
	"capture":             {},
	"capture/capturetest": {ours: []string{"capture", "capture/scenario"}},
	"capture/pcap":        {ours: []string{"capture"}, others: []string{"github.com/google/gopacket", "github.com/klauspost/compress"}},
	"capture/httptext":    {ours: []string{"capture"}},
	"capture/scenario":    {ours: []string{"capture"}},
	"capture/tlsread":     {ours: []string{"capture"}, others: []string{"golang.org/x/crypto/cryptobyte"}},
	"proxy":               {ours: []string{"capture"}, others: []string{"github.com/pires/go-proxyproto", "golang.org/x/sys"}},
	"proxy/authority":     {},
	"replay": {ours: []string{"capture", "decode/http1", "decode/soap", "decode/cwmp"},
		others: []string{"github.com/beevik/etree", "github.com/icholy/digest", "golang.org/x/time"}},
	"replay/replaytest": {ours: []string{"capture", "capture/httptext", "capture/pcap", "capture/recording", "capture/scenario", "decode", "decode/diff",
		"decode/transcript", "replay", "replay/judge"}},
	"replay/judge": {ours: []string{"capture", "decode/cwmp", "decode", "decode/diff", "decode/transcript", "replay"}},
	"capture/recording": {ours: []string{"capture"}, others: []string{"github.com/klauspost/compress", "golang.org/x/mod/sumdb/tlog",
		"aead.dev/minisign", "github.com/gofrs/flock", "github.com/ncruces/go-strftime"}},
	"capture/recording/dict": {others: []string{"github.com/klauspost/compress"}, pure: true},
	"decode/shelf":           {pure: true},
	"decode/http1":           {ours: []string{"capture", "decode/shelf"}, others: []string{"github.com/klauspost/compress"}, pure: true},
	"decode/soap":            {ours: []string{}, others: []string{"github.com/beevik/etree", "golang.org/x/text"}, pure: true},
	"decode/cwmp":            {ours: []string{"capture", "decode/shelf", "decode/http1", "decode/soap"}, pure: true},
	"decode/history":         {ours: []string{"capture", "decode/http1", "decode/cwmp"}, pure: true},
	"decode/check":           {ours: []string{"capture", "decode/http1", "decode/soap", "decode/cwmp", "decode/history"}, pure: true},
	"decode/story":           {ours: []string{"capture", "decode/http1", "decode/cwmp", "decode/check"}, pure: true},
	"decode":                 {ours: []string{"capture", "decode/http1", "decode/soap", "decode/cwmp", "decode/history", "decode/check", "decode/story"}, pure: true},
	"decode/transcript": {ours: []string{"capture", "decode/http1", "decode/soap", "decode/cwmp", "decode/history", "decode/check", "decode/story", "decode"},
		pure: true},
	"decode/diff":   {ours: []string{"decode/soap", "decode/cwmp", "decode/check"}, pure: true},
	"decode/export": {ours: []string{"capture", "decode/check", "decode/cwmp", "decode", "decode/transcript"}, pure: true},
	"cmd/informant": {ours: []string{"*"}, others: []string{"github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/gofrs/flock", "go.yaml.in/yaml/v3", "golang.org/x/time", "github.com/schollz/progressbar/v3", "golang.org/x/term", "golang.org/x/sys", "github.com/prometheus/client_golang"}},
	// What measures the product may use whatever the product may.
	"cmd/informant/bench":       {ours: []string{"*"}, others: []string{"golang.org/x/sys"}},
	"cmd/informant/bench/proxy": {},
}

// impure is what a pure package may not import.
var impure = []string{"net", "net/http", "os", "os/exec", "os/signal", "log", "log/slog", "syscall", "io/fs", "embed/os", "math/rand", "math/rand/v2", "runtime/pprof"}

type listed struct {
	ImportPath string
	Dir        string
	Standard   bool
	Imports    []string
	GoFiles    []string
}

func TestLayers(t *testing.T) {
	for _, v := range violations(goList(t)) {
		t.Error(v)
	}
}

// TestLayersPlanted plants one violation of each kind and wants it found.
func TestLayersPlanted(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("clock.go", "package x\nimport \"time\"\nfunc f() { go f(); _ = time.Now() }\n")
	planted := []listed{
		{ImportPath: "informant/capture", Imports: []string{"io", "informant/decode/http1"}},
		{ImportPath: "informant/decode/http1", Imports: []string{"net", "github.com/beevik/etree"}},
		{ImportPath: "informant/decode/soap", Dir: dir, GoFiles: []string{"clock.go"}},
		{ImportPath: "informant/util"},
	}
	got := strings.Join(violations(planted), "\n")
	for _, want := range []string{
		"capture imports decode/http1",
		"decode/http1 is pure and imports net",
		"decode/http1 imports github.com/beevik/etree",
		"decode/soap is pure and calls time.Now",
		"decode/soap is pure and starts a goroutine",
		"util is in no layer",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("planted violation not found: %s\ngot:\n%s", want, got)
		}
	}
}

func goList(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles,Standard", "informant/...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func violations(list []listed) (found []string) {
	for _, p := range list {
		name := strings.TrimPrefix(p.ImportPath, "informant/")
		l, known := layers[name]
		if !known {
			if !strings.HasPrefix(name, "cmd/informant/") && !strings.HasPrefix(name, "testdata/") {
				found = append(found, name+" is in no layer: say in layers_test.go what it may import")
			}
			continue
		}
		for _, imp := range p.Imports {
			found = append(found, l.judge(name, imp)...)
		}
		if l.pure {
			for _, f := range p.GoFiles {
				found = append(found, judgeFile(name, path.Join(p.Dir, f))...)
			}
		}
	}
	return found
}

func (l layer) judge(name, imp string) []string {
	if ours, ok := strings.CutPrefix(imp, "informant/"); ok {
		if !slices.Contains(l.ours, ours) && !slices.Contains(l.ours, "*") {
			return []string{fmt.Sprintf("%s imports %s", name, ours)}
		}
		return nil
	}
	if l.pure && slices.Contains(impure, imp) {
		return []string{fmt.Sprintf("%s is pure and imports %s", name, imp)}
	}
	if !strings.Contains(strings.Split(imp, "/")[0], ".") {
		return nil
	}
	for _, m := range l.others {
		if imp == m || strings.HasPrefix(imp, m+"/") {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s imports %s", name, imp)}
}

// judgeFile finds clocks and goroutines in a pure package.
func judgeFile(name, file string) (found []string) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		return []string{err.Error()}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, name+" is pure and starts a goroutine")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "Tick", "NewTimer", "NewTicker", "AfterFunc"}, n.Sel.Name) {
				found = append(found, name+" is pure and calls time."+n.Sel.Name)
			}
		}
		return true
	})
	return found
}
