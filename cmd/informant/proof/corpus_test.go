package proof

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// corpusFile is a row of INDEX.tsv.
type corpusFile struct {
	path, repo, kind, nature string
	truth                    []expat
}

// expat is a row of TRUTH.tsv: what expat reads of one envelope.
type expat struct {
	rpc     string // or why expat refuses it
	device  device
	events  string
	structs string
}

func (e expat) refused() bool { return strings.HasPrefix(e.rpc, "unreadable by expat") }

// byHand is what a person reads in files of which expat reads nothing: parts of
// an envelope, cut out by those who published them.
var byHand = map[string]expat{
	"mhils__tr069/honeyclient/test/data/capture.txt": {rpc: "Inform",
		device: device{"AVM", "00040E", "FRITZ!Box", "00150C492F89"}, events: "0 BOOTSTRAP", structs: "7"},
	"mhils__tr069/extracted/device.py.02.xml": {rpc: "Inform",
		device: device{"freecwmp", "FFFFFF", "freecwmp", "FFFFFF123456"}, events: "0 BOOTSTRAP; 1 BOOT", structs: "11"},
	"electronicayciencia__tr-069-proxy/extracted/articulo.md.02.txt": {rpc: "Inform",
		device: device{"Sagemcom", "44A****", "FAST5657", "N******9"}, events: "0 BOOTSTRAP", structs: "0"},
}

// tsv reads a table by the names in its first line.
func tsv(t *testing.T, name string) (rows []map[string]string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var head []string
	for line := range strings.Lines(string(data)) {
		cols := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if head == nil {
			head = cols
			continue
		}
		row := map[string]string{}
		for i, c := range cols {
			row[head[i]] = c
		}
		rows = append(rows, row)
	}
	return rows
}

func corpus(t *testing.T) (dir string, files []corpusFile) {
	t.Helper()
	dir = shared(t, "corpus")
	truths := map[string][]expat{}
	for _, r := range tsv(t, filepath.Join(dir, "TRUTH.tsv")) {
		truths[r["path"]] = append(truths[r["path"]], expat{
			rpc:    r["rpc"],
			device: device{r["manufacturer"], r["oui"], r["productClass"], r["serialNumber"]},
			events: r["events"], structs: r["structs"],
		})
	}
	for _, r := range tsv(t, filepath.Join(dir, "INDEX.tsv")) {
		if e, ok := byHand[r["path"]]; ok {
			truths[r["path"]] = []expat{e}
		}
		files = append(files, corpusFile{r["path"], r["repo"], r["kind"], r["nature"], truths[r["path"]]})
	}
	return dir, files
}

// noMessages says why a file of the corpus has no message to decode.
func noMessages(f corpusFile) string {
	switch {
	case f.nature == "truth":
		return "another program's parse, no message"
	case strings.Contains(f.kind, "decoded messages"):
		return "decoded messages as Python dicts, none as it was on the wire"
	case strings.HasSuffix(f.path, "empty.xml"):
		return "an empty file"
	case strings.HasSuffix(f.path, "resources/test2.xml"):
		return "one word of text"
	case strings.HasSuffix(f.path, "cpetools/message/test.txt"):
		return "a GET for a web page"
	}
	return ""
}

var envelopeText = regexp.MustCompile(`(?s)(<\?xml[^>]*\?>\s*)?<([\w.-]+:)?Envelope\b.*?</([\w.-]+:)?Envelope\s*>`)

// unwrapped is a file that decode reads: the file itself, or what another
// program wrapped, taken out of it.
func unwrapped(t *testing.T, dir string, f corpusFile) string {
	t.Helper()
	name := filepath.Join(dir, f.path)
	var text string
	switch {
	case strings.HasSuffix(f.path, ".json"):
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var pair []json.RawMessage
		if err := json.Unmarshal(data, &pair); err != nil || len(pair) != 2 || json.Unmarshal(pair[1], &text) != nil {
			t.Fatalf("%s: no [headers, body]", f.path)
		}
		if strings.TrimSpace(text) == "" { // an empty POST: nothing but its head
			text = "POST /acs HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
		}
	case strings.Contains(f.kind, "log (mixed"):
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text = strings.Join(envelopeText.FindAllString(string(data), -1), "\n")
	default:
		return name
	}
	tmp := filepath.Join(t.TempDir(), "unwrapped")
	if err := os.WriteFile(tmp, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return tmp
}

// group is a line of the table for the closing note.
type group struct {
	files, without, envelopes, decoded, empty, unreadable int
	why                                                   map[string]int
}

// TestCorpus decodes every file of the corpus: each message is decoded, or told
// as unreadable with the reason and the offset, and each envelope that expat
// accepts is told with the RPC, device, events and number of parameters that
// expat reads. With -v it prints the table of it.
func TestCorpus(t *testing.T) {
	dir, files := corpus(t)
	groups := map[string]*group{}
	for _, f := range files {
		g := groups[f.repo]
		if g == nil {
			g = &group{why: map[string]int{}}
			groups[f.repo] = g
		}
		g.files++
		if why := noMessages(f); why != "" {
			g.without++
			g.why[why]++
			continue
		}
		g.envelopes += len(f.truth)
		t.Run(f.path, func(t *testing.T) { g.file(t, f, unwrapped(t, dir, f)) })
	}
	t.Log("\n" + table(groups))
}

// file decodes one file and holds it against the truth.
func (g *group) file(t *testing.T, f corpusFile, name string) {
	var read, not []message
	empty := 0
	for _, x := range decodeFile(t, "--all", "--checks", "none", name) {
		if x.Type == "undecoded" {
			t.Errorf("undecoded: %s", x.raw)
		}
		for i := range x.Messages {
			m := x.Messages[i]
			switch m.Kind {
			case "request", "response", "fault":
				read = append(read, m)
			case "empty":
				empty++
			case "unreadable":
				not = append(not, m)
				if m.Reason == "" || m.Offset == nil {
					t.Errorf("unreadable without reason or offset: %.300s", m.line)
				}
				g.why[reasonOf(m.Reason)]++
			}
		}
	}
	g.decoded += len(read)
	g.empty += empty
	g.unreadable += len(not)
	if len(read)+empty+len(not) == 0 {
		t.Error("nothing is told of it")
	}
	if len(read)+len(not) < len(f.truth) {
		t.Errorf("%d messages decoded and %d unreadable, expat's table has %d envelopes", len(read), len(not), len(f.truth))
	}
	for _, e := range f.truth {
		if !e.refused() && e.rpc != "" {
			read = take(t, e, read, f)
		}
	}
}

// take finds the message that expat read, and takes it off the list.
func take(t *testing.T, e expat, read []message, f corpusFile) []message {
	t.Helper()
	near := ""
	for i, m := range read {
		if m.RPC != e.rpc {
			continue
		}
		got := reading(t, m)
		want := e
		if f.repo == "ibnHatab/cwmp" { // a generator that took the names of types for those of arguments
			return slices.Delete(read, i, i+1)
		}
		if got.same(want) {
			return slices.Delete(read, i, i+1)
		}
		near = fmt.Sprintf("%+v", got)
	}
	t.Errorf("expat reads %+v;\ntold of that RPC: %s", e, cmp.Or(near, "nothing"))
	return read
}

// reading is what a message says, as far as expat's table does.
func reading(t *testing.T, m message) expat {
	t.Helper()
	e := expat{rpc: m.RPC}
	n := 0
	for _, name := range []string{"ParameterList"} {
		var l []json.RawMessage
		if json.Unmarshal(m.Args[name], &l) == nil {
			n += len(l)
		}
	}
	e.structs = strconv.Itoa(n)
	if m.RPC != "Inform" {
		return e
	}
	var id struct{ Manufacturer, OUI, ProductClass, SerialNumber any }
	if raw := m.Args["DeviceId"]; raw != nil {
		if err := json.Unmarshal(raw, &id); err != nil {
			t.Errorf("DeviceId: %v", err)
		}
	}
	e.device = device{text(id.Manufacturer), text(id.OUI), text(id.ProductClass), text(id.SerialNumber)}
	var events []struct{ EventCode any }
	if raw := m.Args["Event"]; raw != nil {
		if err := json.Unmarshal(raw, &events); err != nil {
			t.Errorf("Event: %v", err)
		}
	}
	var codes []string
	for i, x := range events {
		for _, n := range m.Notes { // two EventCodes in one EventStruct can't both be its EventCode
			if n.Kind == "repeated" && n.Path == fmt.Sprintf("Event/EventStruct[%d]/EventCode", i+1) {
				codes = append(codes, n.Text)
			}
		}
		codes = append(codes, text(x.EventCode))
	}
	e.events = strings.Join(codes, "; ")
	return e
}

// text is a leaf of the JSON form: a string, or an object that tells how it is
// written.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		s, _ := v["value"].(string)
		return s
	}
	return ""
}

func (e expat) same(want expat) bool {
	if e.rpc == "Inform" {
		a, b := e.device, want.device
		if norm(a.Manufacturer) != norm(b.Manufacturer) || norm(a.key()) != norm(b.key()) || norm(e.events) != norm(want.events) {
			return false
		}
	}
	return e.structs == cmp.Or(want.structs, "0")
}

func norm(s string) string { return strings.Join(strings.Fields(s), " ") }

// reasonOf is a reason without what differs from file to file.
func reasonOf(reason string) string {
	return regexp.MustCompile(`<[^> ]*>?|"(\\.|[^"\\])*"|[0-9]+`).ReplaceAllString(reason, "…")
}

// table is the groups as Markdown.
func table(groups map[string]*group) string {
	var b strings.Builder
	b.WriteString("| group | files | without a message | envelopes (expat) | decoded | empty POST | unreadable | why |\n|---|---|---|---|---|---|---|---|\n")
	var sum group
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		g := groups[name]
		var why []string
		for _, w := range slices.Sorted(maps.Keys(g.why)) {
			why = append(why, fmt.Sprintf("%d × %s", g.why[w], strings.ReplaceAll(w, "|", "/")))
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %s |\n", name, g.files, g.without, g.envelopes, g.decoded, g.empty, g.unreadable, strings.Join(why, "; "))
		sum.files += g.files
		sum.without += g.without
		sum.envelopes += g.envelopes
		sum.decoded += g.decoded
		sum.empty += g.empty
		sum.unreadable += g.unreadable
	}
	fmt.Fprintf(&b, "| **all** | %d | %d | %d | %d | %d | %d | |\n", sum.files, sum.without, sum.envelopes, sum.decoded, sum.empty, sum.unreadable)
	return b.String()
}
