package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// findingsTable lists what informant finds in the shared captures, which were taken
// between real programs: each kind of finding was looked at by a person, in the bytes
// and in the ACS's own log, and is true, or was mended. The columns: the capture, the
// first bytes of its SHA-256, check, severity, party, what is said (names, values and
// numbers left out), how often, in which sessions, the verdict, and what proves it.
const findingsTable = "shared-findings.tsv"

const findingsHead = "capture\tsha256\tcheck\tseverity\tparty\tfinding\tcount\tsessions\tverdict\tevidence"

// toLookAt stands in the place of a verdict that nobody has given yet.
const toLookAt = "to be looked at"

// findingsRow is a line of the table.
type findingsRow struct {
	capture, hash, check, severity, party, text string
	count                                       int
	sessions                                    string
	verdict, evidence                           string
}

func (r *findingsRow) key() string {
	return strings.Join([]string{r.capture, r.check, r.severity, r.party, r.text}, "\t")
}

func (r *findingsRow) line() string {
	return strings.Join([]string{r.capture, r.hash, r.check, r.severity, r.party, r.text, strconv.Itoa(r.count), r.sessions, r.verdict, r.evidence}, "\t")
}

func readFindings(t *testing.T) (rows []findingsRow) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", findingsTable))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if lines[0] != findingsHead {
		t.Fatalf("%s begins with %q", findingsTable, lines[0])
	}
	for _, l := range lines[1:] {
		f := strings.Split(l, "\t")
		if len(f) != 10 {
			t.Fatalf("%s: %d columns in %q", findingsTable, len(f), l)
		}
		n, _ := strconv.Atoi(f[6])
		rows = append(rows, findingsRow{f[0], f[1], f[2], f[3], f[4], f[5], n, f[7], f[8], f[9]})
	}
	return rows
}

var (
	inQuotes = regexp.MustCompile(`"(?:[^"\\]|\\.)*"…?`)
	aName    = regexp.MustCompile(`\b(?:InternetGatewayDevice|Device)\.[\w.{}-]*`)
	aNumber  = regexp.MustCompile(`\b\d[\d.:]*(?:µs|ms|s|m|h)?(?:\d+s)?\b`)
	aVersion = regexp.MustCompile(`\((?:V\S+|N)\)`)
)

// shapeOf is what a finding says without the names, values and numbers of its place.
func shapeOf(text string) string {
	text, _, _ = strings.Cut(text, " (and possibly more like it")
	text = inQuotes.ReplaceAllString(text, "…")
	text = aName.ReplaceAllString(text, "NAME")
	text = aNumber.ReplaceAllString(text, "N")
	return aVersion.ReplaceAllString(text, "(…)")
}

// findingsOf is what the program says of a capture, by kinds.
func findingsOf(t *testing.T, program, path string) map[string]*findingsRow {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	out, err := exec.Command(program, "check", "-o", "json", path).Output()
	if exit := (&exec.ExitError{}); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	rows := map[string]*findingsRow{}
	sessions := map[string][]string{}
	for line := range bytes.Lines(out) {
		var v struct {
			Type, Check, Severity, Party, Text string
			Session                            *string
		}
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		if v.Type != "finding" {
			continue
		}
		r := findingsRow{capture: filepath.Base(path), hash: hex.EncodeToString(sum[:6]), check: v.Check, severity: v.Severity, party: v.Party, text: shapeOf(v.Text)}
		if rows[r.key()] == nil {
			rows[r.key()] = &r
		}
		rows[r.key()].count++
		if v.Session != nil && !slices.Contains(sessions[r.key()], *v.Session) {
			sessions[r.key()] = append(sessions[r.key()], *v.Session)
		}
	}
	for k, r := range rows {
		if r.sessions = ranges(sessions[k]); r.sessions == "" {
			r.sessions = "-"
		}
	}
	return rows
}

// ranges writes numbers as "1-3 7"; names of fragments stand as they are.
func ranges(list []string) string {
	var out []string
	for i := 0; i < len(list); {
		n, err := strconv.Atoi(list[i])
		j := i + 1
		for err == nil && j < len(list) && list[j] == strconv.Itoa(n+j-i) {
			j++
		}
		if j-i > 1 {
			out = append(out, list[i]+"-"+list[j-1])
		} else {
			out = append(out, list[i])
		}
		i = j
	}
	return strings.Join(out, " ")
}

// TestFindingsTable holds what is found in the shared captures to the table, kind by
// kind: whatever is new has to be looked at by a person first, and entered with
//
//	INFORMANT_FINDINGS=write go test ./cmd/informant/proof -run FindingsTable
func TestFindingsTable(t *testing.T) {
	rows := readFindings(t)
	known := map[string]findingsRow{}
	for _, r := range rows {
		if _, twice := known[r.key()]; twice {
			t.Errorf("twice: %s", r.key())
		}
		known[r.key()] = r
		if r.verdict != "true" || r.evidence == "" || r.evidence == toLookAt {
			t.Errorf("%s is %q, by %q", r.key(), r.verdict, r.evidence)
		}
	}
	if len(rows) < 100 {
		t.Errorf("only %d kinds of findings", len(rows))
	}
	program := filepath.Join(t.TempDir(), "informant")
	if out, err := exec.Command("go", "build", "-o", program, "informant/cmd/informant").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var all []string
	for _, name := range []string{"auth-basic-http.pcapng.gz", "mixed-http.pcapng.gz", "mixed-tls12.pcapng"} {
		path := shared(t, "captures", name)
		for k, r := range findingsOf(t, program, path) {
			old, ok := known[k]
			switch {
			case !ok:
				t.Errorf("new: %s, %d times, sessions %s", k, r.count, r.sessions)
				r.verdict, r.evidence = toLookAt, toLookAt
			case old.hash != r.hash || old.count != r.count || old.sessions != r.sessions:
				t.Errorf("%s: %d times in %s of %s, the table has %d in %s of %s", k, r.count, r.sessions, r.hash, old.count, old.sessions, old.hash)
				fallthrough
			default:
				r.verdict, r.evidence = old.verdict, old.evidence
			}
			delete(known, k)
			all = append(all, r.line())
		}
	}
	for k := range known {
		t.Errorf("gone: %s", k)
	}
	if os.Getenv("INFORMANT_FINDINGS") == "write" {
		sort.Strings(all)
		text := findingsHead + "\n" + strings.Join(all, "\n") + "\n"
		if err := os.WriteFile(filepath.Join("testdata", findingsTable), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		fmt.Println("written:", len(all), "kinds")
	}
}
