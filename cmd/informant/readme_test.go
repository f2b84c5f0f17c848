package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestReadme holds README.md to what the program does: its transcript is what
// the demo prints, its commands run.
func TestReadme(t *testing.T) {
	file := filepath.Join("..", "..", "README.md")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```\n(.*?)```\n").FindAllStringSubmatchIndex(string(b), -1)
	if len(blocks) < 5 {
		t.Fatalf("%d blocks of code", len(blocks))
	}
	block := func(i int) string { return string(b[blocks[i][2]:blocks[i][3]]) }
	if block(0) != "go run ./cmd/informant demo\n" {
		t.Errorf("the first command is %q", block(0))
	}
	out, err := exec.Command("go", "run", ".", "demo").Output()
	if err != nil {
		t.Fatal(err)
	}
	demo, _, _ := strings.Cut(string(out), "\n\nTry next")
	demo += "\n"
	if always(block(1)) != always(demo) {
		if !*update {
			t.Errorf("README.md shows\n%s\nthe demo prints (-update writes it)\n%s", block(1), demo)
		} else if err := os.WriteFile(file, []byte(string(b[:blocks[1][2]])+demo+string(b[blocks[1][3]:])), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	readmeTargets(t, block(4))
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "capture.pcapng"), asPcapng(packets(t, 3)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	readmeCommands(t, block(2))
	readmeCommands(t, block(3))
}

// always is what the demo prints every time: without its times, ports and the
// name of its folder.
func always(s string) string {
	for _, x := range [][2]string{
		{`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z`, "DATE"}, {`127\.0\.0\.1:\d+`, "ADDRESS"},
		{`\+\d+\.\d{3}`, "TIME"}, {`\d+\.\d{3} s`, "TIME"}, {`informant-demo-\d+`, "FOLDER"},
	} {
		s = regexp.MustCompile(x[0]).ReplaceAllString(s, x[1])
	}
	return s
}

// readmeCommands runs each line that begins with informant, where there is a
// capture that has a finding.
func readmeCommands(t *testing.T, text string) {
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		command, _, _ := strings.Cut(l, "   ")
		args := strings.Fields(command)
		if args[0] == "informant" {
			args = args[1:]
		}
		var stdout, stderr strings.Builder
		code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
		want := exitOK
		if args[0] == "check" {
			want = exitFindings
		}
		if code != want || stdout.Len() == 0 {
			t.Errorf("%s: exit code %d, %d bytes, %s", command, code, stdout.Len(), stderr.String())
		}
	}
}

// readmeTargets wants each target that README names in the Makefile.
func readmeTargets(t *testing.T, text string) {
	b, err := os.ReadFile(filepath.Join("..", "..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		f := strings.Fields(l)
		if len(f) < 2 || f[0] != "make" || !strings.Contains(string(b), "\n"+f[1]+":") {
			t.Errorf("%q is no target", l)
		}
	}
}

// TestReadmeProxy: the commands with which README tells of the proxy start, each
// with addresses of its own.
func TestReadmeProxy(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Chdir(t.TempDir())
	n := 0
	for _, line := range regexp.MustCompile(`(?m)^    informant (.*?)(   .*)?$`).FindAllStringSubmatch(string(b), -1) {
		if strings.HasPrefix(line[1], "replay ") || strings.HasPrefix(line[1], "export ") {
			continue // TestReadmeReplay
		}
		n++
		if args, ok := strings.CutPrefix(line[1], "proxy "); ok {
			args = regexp.MustCompile(`(:|127\.0\.0\.1:)\d+( |$)`).ReplaceAllString(strings.ReplaceAll(args, "'", ""), "127.0.0.1:0$2")
			args = strings.ReplaceAll(args, "acs.example127.0.0.1:0", "acs.example:7547")
			words := strings.Fields(args)
			at := slices.Index(words, "--listen")
			listen := "127.0.0.1:0"
			if at >= 0 {
				listen = words[at+1]
				words = slices.Delete(words, at, at+2)
			}
			if p := startProxy(t, listen, words...); p.stop() != exitOK {
				t.Errorf("%s: %s", line[1], p.err.String())
			}
			continue
		}
		for _, command := range strings.Split(line[1], " && ") {
			var out, errs strings.Builder
			if code := run(t.Context(), strings.Fields(strings.TrimPrefix(command, "informant ")), nil, &out, &errs); code != exitOK {
				t.Errorf("%s: %d %s", command, code, errs.String())
			}
		}
	}
	if n < 8 {
		t.Errorf("%d commands", n)
	}
}

// TestReadmeReplay: the commands with which README tells of replays do what it says,
// each with the other side that it needs.
func TestReadmeReplay(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	capture := asPcapng(packets(t, 3))
	t.Chdir(t.TempDir())
	if err := os.WriteFile("capture.pcapng", capture, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"import", "-q", "capture.pcapng", "-w", "office.cwmp"}, nil, &out, &errs); code != exitOK {
		t.Fatalf("%d %s", code, errs.String())
	}
	n := 0
	for _, line := range regexp.MustCompile(`(?m)^    informant ((?:replay|export) .*?)(?:   .*)?$`).FindAllStringSubmatch(string(b), -1) {
		n++
		words := strings.Fields(line[1])
		switch {
		case words[1] == "cpe":
			acs := startACS(t, allowAll, "--count", "0", "office.cwmp")
			for i := range words {
				words[i] = strings.NewReplacer("127.0.0.1:7547", acs.addr, "10m", "1s").Replace(words[i])
			}
			if code, stdout, stderr := playCPE(t, words[2:]...); code != exitOK || !strings.Contains(stdout, ": same, 8 steps") {
				t.Errorf("%s: %d %s%s", line[1], code, stdout, stderr)
			}
		case words[1] == "acs" && !slices.Contains(words, "--dry-run"):
			words[slices.Index(words, "--listen")+1] = "127.0.0.1:0"
			acs := startACS(t, words[2:]...)
			playCPE(t, "--acs", "http://"+acs.addr, "office.cwmp")
			if code := acs.end(t); code != exitOK || acs.out.String() == "" {
				t.Errorf("%s: %d %s%s", line[1], code, acs.out.String(), acs.err.String())
			}
		default:
			var out, errs strings.Builder
			if code := run(t.Context(), words, nil, &out, &errs); code != exitOK || out.Len() == 0 {
				t.Errorf("%s: %d %s", line[1], code, errs.String())
			}
		}
	}
	if n < 7 {
		t.Errorf("%d commands", n)
	}
}
