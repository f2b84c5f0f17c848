package proof

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"informant/decode/check"
)

// run runs the program and wants it to be content with the input, or to tell
// that something of it is missing.
func run(t testing.TB, args ...string) string {
	t.Helper()
	out, errs, code := informant(t, args...)
	if code != 0 && code != 3 {
		t.Fatalf("informant %s: exit %d: %s", strings.Join(args, " "), code, errs)
	}
	return out
}

// throughVerbs takes a file through the program's verbs: import, seal, export.
func (f *fields) throughVerbs(t testing.TB, file string) {
	t.Helper()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	account := func(name string) []byte { return []byte(run(t, "decode", "-q", "-o", "json", "--all", name)) }
	want := account(file)

	run(t, "import", "-q", file, "-w", in("a.cwmp"))
	f.same(t, "recording", want, account(in("a.cwmp")))
	run(t, "seal", "-q", in("a.cwmp"), "-w", in("sealed.cwmp"))
	f.same(t, "sealed", want, account(in("sealed.cwmp")))

	run(t, "export", "-q", in("sealed.cwmp"), "-w", in("a.txtar"))
	f.same(t, "txtar", want, account(in("a.txtar")))
	run(t, "import", "-q", in("a.txtar"), "-w", in("b.cwmp"))
	run(t, "export", "-q", in("b.cwmp"), "-w", in("b.txtar"))
	if a, b := readFile(t, in("a.txtar")), readFile(t, in("b.txtar")); !bytes.Equal(a, b) {
		t.Errorf("exported, imported and exported again: %s", firstDifference(b, a))
	}

	run(t, "export", "-q", in("sealed.cwmp"), "-w", in("a.pcapng"))
	f.same(t, "pcapng", want, account(in("a.pcapng")))

	for _, as := range []string{"csv", "jsonl"} {
		if a, b := run(t, "export", "-q", in("a.cwmp"), "--as", as, "-w", "-"), run(t, "export", "-q", in("sealed.cwmp"), "--as", as, "-w", "-"); a != b {
			t.Errorf("%s of the sealed recording: %s", as, firstDifference([]byte(b), []byte(a)))
		}
	}
	if a, b := run(t, "decode", "-q", "-o", "json", in("a.cwmp")), run(t, "export", "-q", in("a.cwmp"), "--as", "jsonl", "-w", "-"); a != b {
		t.Errorf("export --as jsonl is not what decode -o json tells: %s", firstDifference([]byte(b), []byte(a)))
	}
}

// TestSameStoryVerbs takes generated traffic, every so many scenarios, and the
// shared captures through the program.
func TestSameStoryVerbs(t *testing.T) {
	f := storyFields(t)
	for _, c := range storyTraffic {
		t.Run(c.name, func(t *testing.T) {
			data, _ := generated(t, c.o)
			f.throughVerbs(t, kept(t, c.name, data))
		})
	}
	for _, file := range scenarioFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) { f.throughVerbs(t, file) })
	}
	if testing.Short() {
		return
	}
	every := scaled(40, 1)
	for i, c := range check.All {
		if fires, _, ok := check.Example(c.ID); ok && i%every == 0 {
			t.Run(c.ID, func(t *testing.T) { f.throughVerbs(t, kept(t, c.ID+".scenario", []byte(fires))) })
		}
	}
	for _, parts := range clearText {
		t.Run(parts[len(parts)-1], func(t *testing.T) { f.throughVerbs(t, shared(t, parts...)) })
	}
	t.Run("dumps", func(t *testing.T) {
		dir, files := corpus(t)
		every := scaled(60, 1)
		for i, file := range files {
			if noMessages(file) == "" && i%every == 0 {
				t.Run(file.path, func(t *testing.T) { f.throughVerbs(t, unwrapped(t, dir, file)) })
			}
		}
	})
}

// kept is a file with these bytes.
func kept(t testing.TB, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestExportTshark lets tshark judge what is exported as packets: nothing wrong
// or suspicious in its TCP, and as many requests and responses as in the
// original.
func TestExportTshark(t *testing.T) {
	needTshark(t)
	for _, c := range storyTraffic[2:] {
		t.Run(c.name, func(t *testing.T) {
			data, _ := generated(t, c.o)
			exportAgrees(t, kept(t, c.name, data))
		})
	}
	if testing.Short() {
		return
	}
	for _, parts := range clearText {
		t.Run(parts[len(parts)-1], func(t *testing.T) { exportAgrees(t, shared(t, parts...)) })
	}
}

func exportAgrees(t *testing.T, file string) {
	out := filepath.Join(t.TempDir(), "out.pcapng")
	run(t, "export", "-q", file, "-w", out)
	expert := tsharkSays(t, out, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-q", "-z", "expert")
	if wrong := suspicious(expert); len(wrong) > 0 {
		t.Errorf("tshark complains:\n%s", strings.Join(wrong, "\n"))
	}
	if !strings.Contains(expert, "session 1: ") {
		t.Error("no finding stands in a comment")
	}
	for _, what := range []string{"http.request", "http.response"} {
		count := func(file string) int {
			return strings.Count(tsharkSays(t, file, "-o", "tcp.reassemble_out_of_order:TRUE", "-Y", what), "\n")
		}
		a, b := count(file), count(out)
		if a != b || a == 0 {
			t.Errorf("%s: %d in the original, %d in what was exported", what, a, b)
		}
	}
}

func tsharkSays(t *testing.T, file string, args ...string) string {
	t.Helper()
	out, err := exec.Command("tshark", append([]string{"-r", file}, args...)...).Output()
	if err != nil {
		t.Fatalf("tshark %v: %v", args, err)
	}
	return string(out)
}

// tcpNotes are what tshark remarks about TCP that is as it should be.
var tcpNotes = regexp.MustCompile(`Connection reset \(RST\)|This frame (initiates|undergoes) the connection closing|` +
	`A new tcp session is started with the same ports|Connection (establish|finish)|TCP window update`)

// suspicious are the lines of tshark's expert about TCP or IP but for tcpNotes,
// and all that it calls malformed.
func suspicious(expert string) []string {
	return slices.DeleteFunc(strings.Split(expert, "\n"), func(line string) bool {
		f := strings.Fields(line)
		about := len(f) > 2 && (slices.Contains([]string{"TCP", "IPv4", "IPv6"}, f[2]) || f[1] == "Malformed" || f[1] == "Checksum")
		return !about || tcpNotes.MatchString(line)
	})
}
