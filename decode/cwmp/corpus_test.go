package cwmp

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"informant/decode/soap"
)

// sharedDir is a folder of the shared material; the test is skipped without it.
func sharedDir(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("INFORMANT_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the shared folder %s is not there", name)
	}
	return dir
}

// envelopeTruth is a row of TRUTH.tsv: what expat reads of one envelope.
type envelopeTruth struct {
	file, rpc                                       string
	manufacturer, oui, productClass, serial, events string
	structs, faults                                 string
	text                                            string
}

var envelopes = regexp.MustCompile(`(?s)<([\w.-]+:)?Envelope\b.*?</([\w.-]+:)?Envelope\s*>`)

// readTruth reads TRUTH.tsv with the envelopes that it is about.
func readTruth(t *testing.T, dir string) (rows []envelopeTruth) {
	f, err := os.Open(filepath.Join(dir, "TRUTH.tsv"))
	if err != nil {
		t.Skip("TRUTH.tsv is not there")
	}
	defer f.Close()
	found := map[string][]string{}
	in := bufio.NewScanner(f)
	in.Scan()
	for in.Scan() {
		c := strings.Split(in.Text(), "\t")
		for len(c) < 10 {
			c = append(c, "")
		}
		name := c[0]
		if _, ok := found[name]; !ok {
			found[name] = envelopes.FindAllString(unwrap(t, filepath.Join(dir, name)), -1)
		}
		rest := found[name]
		if len(rest) == 0 {
			t.Fatalf("%s: envelope %s is not there", name, c[1])
		}
		found[name] = rest[1:]
		rows = append(rows, envelopeTruth{name, c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], rest[0]})
	}
	return rows
}

// unwrap reads a file of the corpus; a JSON one is [headers, body].
func unwrap(t *testing.T, name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(name) != ".json" {
		return string(b)
	}
	var pair []json.RawMessage
	var body string
	if err := json.Unmarshal(b, &pair); err != nil || len(pair) < 2 || json.Unmarshal(pair[1], &body) != nil {
		t.Fatalf("%s: no [headers, body]: %v", name, err)
	}
	return body
}

// refused is the first quirk for which expat refuses a text, nil when there is none.
func refused(doc *soap.Document) *soap.Quirk {
	for i := range doc.Quirks {
		q := &doc.Quirks[i]
		switch q.Kind {
		case soap.Malformed, soap.Truncated, soap.NotXML, soap.ForbiddenChar, soap.BadCharset, soap.TrailingContent, soap.TwoColons,
			soap.UnknownEntity, soap.BareAmpersand, soap.UnquotedAttr, soap.DuplicateAttr, soap.LeadingSpace:
			return q
		case soap.Undeclared:
			if !strings.Contains(q.Text, "in the value of") {
				return q
			}
		}
	}
	return nil
}

// TestCorpus holds Parse to what expat reads of every envelope of the corpus.
func TestCorpus(t *testing.T) {
	rows := readTruth(t, sharedDir(t, "corpus"))
	for i, row := range rows {
		doc, messages := Parse(row.text, "")
		id := row.file + " envelope before row " + itoa(i+2)
		checkPositions(t, doc, messages)
		q := refused(doc)
		if why, bad := strings.CutPrefix(row.rpc, "unreadable by expat: "); bad {
			if q == nil {
				t.Errorf("%s: expat says %s, no quirk does", id, why)
			}
			if len(messages) == 0 {
				t.Errorf("%s: no method was read (%s)", id, why)
			}
			continue
		}
		if q != nil {
			t.Errorf("%s: expat accepts it, but: %v %s at %v", id, q.Kind, q.Text, q.At)
		}
		compareTruth(t, id, row, messages)
	}
	t.Logf("%d envelopes", len(rows))
}

// typeNames are files of a generator that took the names of the schema's types
// for those of the arguments (DeviceIdStruct for DeviceId), or of its items
// (FaultCode for base64).
var typeNames = func() map[string]bool {
	names := map[string]bool{}
	for _, n := range strings.Fields("AutonomousTransferComplete DUStateChangeComplete GetParameterAttributesResponse GetParameterNamesResponse " +
		"GetParameterValuesResponse Inform SetParameterAttributes SetParameterValues TransferComplete") {
		names["ibnHatab__cwmp/test/cwmp_builder_SUITE_data/cwmp_"+n+".xml"] = true
	}
	return names
}()

// earlier are the codes of event i before its last one, which notes tell.
func earlier(m *Message, i int) (codes []string) {
	for _, n := range m.Notes {
		if n.Kind == RepeatedArg && n.Path == "Event/EventStruct["+itoa(i+1)+"]/EventCode" {
			codes = append(codes, n.Text)
		}
	}
	return codes
}

func compareTruth(t *testing.T, id string, row envelopeTruth, messages []*Message) {
	if len(messages) == 0 {
		if row.rpc != "" {
			t.Errorf("%s: no message, want %s", id, row.rpc)
		}
		return
	}
	m := messages[0]
	same := func(what, got, want string) {
		if norm(got) != norm(want) {
			t.Errorf("%s: %s is %q, want %q", id, what, got, want)
		}
	}
	same("RPC", m.RPC, row.rpc)
	if typeNames[row.file] {
		// What stands under other names than the schema's is kept aside.
		if len(m.Extra) == 0 {
			t.Errorf("%s: nothing was kept aside", id)
		}
		return
	}
	if in, ok := m.Args.(*Inform); ok {
		same("Manufacturer", in.DeviceID.Manufacturer.Value, row.manufacturer)
		same("OUI", in.DeviceID.OUI.Value, row.oui)
		same("ProductClass", in.DeviceID.ProductClass.Value, row.productClass)
		same("SerialNumber", in.DeviceID.SerialNumber.Value, row.serial)
		var events []string
		for i := range in.Event.Items {
			if e := &in.Event.Items[i].EventCode; e.Present {
				events = append(events, earlier(m, i)...)
				events = append(events, strings.TrimSpace(e.Value))
			}
		}
		same("events", strings.Join(events, "; "), row.events)
	}
	n := 0
	for _, m := range messages {
		n += structs(m)
	}
	if row.structs != "" {
		same("structs", itoa(n), row.structs)
	}
	if m.RPC != "SetVouchers" { // one file names the items of its list FaultCode
		same("fault codes", faultCodes(m), row.faults)
	}
}

func norm(s string) string { return strings.Join(strings.Fields(s), " ") }

// structs counts the parameters of a message.
func structs(m *Message) (n int) {
	if m.Args == nil {
		return 0
	}
	for _, mem := range m.Args.Members() {
		if a, ok := mem.Value.(Array); ok && strings.Contains(mem.ItemType, "Parameter") {
			n += a.Len()
		}
	}
	return n
}

// faultCodes lists the codes of a message in document order.
func faultCodes(m *Message) string {
	var codes []string
	if f := m.Fault; f != nil {
		if f.Code.Present {
			codes = append(codes, f.Code.Value)
		}
		for i := range f.Parameters {
			codes = append(codes, f.Parameters[i].FaultCode.Value)
		}
	}
	eachStruct(m.Args, func(s Struct) {
		switch s := s.(type) {
		case *FaultStruct:
			if s.FaultCode.Present {
				codes = append(codes, s.FaultCode.Value)
			}
		case *OpFaultStruct:
			if s.FaultCode.Present {
				codes = append(codes, s.FaultCode.Value)
			}
		}
	})
	return strings.Join(codes, "; ")
}

// eachStruct calls f for s and all structs in it.
func eachStruct(s Struct, f func(Struct)) {
	if s == nil {
		return
	}
	f(s)
	for _, m := range s.Members() {
		switch v := m.Value.(type) {
		case Array:
			for i := range v.Len() {
				if item, ok := v.Item(i).(Struct); ok {
					eachStruct(item, f)
				}
			}
		case Struct:
			eachStruct(v, f)
		}
	}
}

// checkPositions holds everything that has a position to the text.
func checkPositions(t *testing.T, doc *soap.Document, messages []*Message) {
	t.Helper()
	inside := func(what string, at soap.Span) {
		t.Helper()
		if at.Start < 0 || at.End < at.Start || at.End > len(doc.Text) {
			t.Fatalf("%s: %v is outside of %d bytes", what, at, len(doc.Text))
		}
	}
	for _, q := range doc.Quirks {
		inside(q.Kind.String()+" "+q.Text, q.At)
		if !utf8.ValidString(q.Text) {
			t.Fatalf("quirk %q is no UTF-8", q.Text)
		}
	}
	for i := range doc.Header {
		inside("header", doc.Header[i].At)
		inside("header", doc.Header[i].Content)
	}
	for _, m := range messages {
		inside(m.RPC, m.At)
		notes := m.Notes
		if m.Fault != nil {
			notes = append(notes, m.Fault.Notes...)
			for _, l := range []*Leaf{&m.Fault.SOAPCode, &m.Fault.SOAPString, &m.Fault.Code, &m.Fault.String} {
				checkLeaf(t, doc, l)
			}
			for i := range m.Fault.Parameters {
				checkStruct(t, doc, &m.Fault.Parameters[i])
			}
		}
		for _, n := range notes {
			inside("note "+n.Path, n.At)
		}
		for _, x := range m.Extra {
			checkNode(t, doc, x.Node)
		}
		eachStruct(m.Args, func(s Struct) { checkStruct(t, doc, s) })
	}
}

func checkStruct(t *testing.T, doc *soap.Document, s Struct) {
	t.Helper()
	for _, m := range s.Members() {
		switch v := m.Value.(type) {
		case *Leaf:
			checkLeaf(t, doc, v)
		case Array:
			if v.Info().Present && (v.Info().At.End > len(doc.Text) || v.Info().At.Start >= v.Info().At.End) {
				t.Fatalf("list %s: %v", m.Name, v.Info().At)
			}
			for i := range v.Len() {
				if l, ok := v.Item(i).(*Leaf); ok {
					checkLeaf(t, doc, l)
				}
			}
		case Nested:
			if at := v.present().At(); at.End > len(doc.Text) || at.Start > at.End {
				t.Fatalf("struct %s: %v", m.Name, at)
			}
		}
	}
}

// checkLeaf: the span, with references resolved, is the value, where there is
// no markup in it.
func checkLeaf(t *testing.T, doc *soap.Document, l *Leaf) {
	t.Helper()
	if !l.Present {
		if *l != (Leaf{}) {
			t.Fatalf("absent, but %+v", *l)
		}
		return
	}
	if l.Start < 0 || l.End < l.Start || int(l.End) > len(doc.Text) {
		t.Fatalf("leaf %+v is outside of %d bytes", *l, len(doc.Text))
	}
	raw := doc.Text[l.Start:l.End]
	if !strings.Contains(raw, "<") && soap.Unescape(raw) != l.Value {
		t.Fatalf("leaf %q, in the text %q", l.Value, raw)
	}
}

func checkNode(t *testing.T, doc *soap.Document, n *soap.Node) {
	t.Helper()
	if n.At.Start < 0 || n.At.End <= n.At.Start || n.At.End > len(doc.Text) {
		t.Fatalf("node %s: %v of %d", n.Name.Local, n.At, len(doc.Text))
	}
	for _, c := range n.Children {
		checkNode(t, doc, c)
	}
}

// TestCorpusFragments holds Parse to what the index of the corpus says of the
// messages that stand there without an envelope.
func TestCorpusFragments(t *testing.T) {
	dir := sharedDir(t, "corpus")
	index, err := os.ReadFile(filepath.Join(dir, "INDEX.tsv"))
	if err != nil {
		t.Skip("INDEX.tsv is not there")
	}
	n := 0
	for line := range strings.Lines(string(index)) {
		c := strings.Split(line, "\t")
		if len(c) < 10 || c[8] == "" || c[8] == "rpcs" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, c[0]))
		if err != nil || strings.Contains(string(text), "Envelope") || !strings.HasPrefix(strings.TrimSpace(string(text)), "<") {
			continue
		}
		n++
		doc, messages := Parse(string(text), "")
		checkPositions(t, doc, messages)
		if !Sniff(string(text)) || len(messages) != 1 || messages[0].RPC != c[8] {
			t.Errorf("%s: %d messages, want one %s", c[0], len(messages), c[8])
			continue
		}
		var events []string
		if in, ok := messages[0].Args.(*Inform); ok {
			if in.DeviceID.Manufacturer.Value == "" || !strings.HasPrefix(c[6], in.DeviceID.Manufacturer.Value) && !in.DeviceID.OUI.Present {
				t.Errorf("%s: device %+v, want %s", c[0], in.DeviceID, c[6])
			}
			for i := range in.Event.Items {
				events = append(events, in.Event.Items[i].EventCode.Value)
			}
		}
		if got := strings.Join(events, ","); got != c[9] {
			t.Errorf("%s: events %s, want %s", c[0], got, c[9])
		}
	}
	t.Logf("%d fragments", n)
}

// TestCorpusWhole reads every file of the corpus as if it were one body: the
// fuzzers' mutants, dumps, logs and all.
func TestCorpusWhole(t *testing.T) {
	dir := sharedDir(t, "corpus")
	files, unread := 0, 0
	err := filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		body := unwrapped(t, name)
		doc, messages := Parse(body, "text/xml")
		checkPositions(t, doc, messages)
		files++
		if len(messages) == 0 {
			unread++
			if len(doc.Quirks) == 0 {
				t.Errorf("%s: no message, and no quirk says why", name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, %d without a method", files, unread)
}

// unwrapped is the file, or the body in it where it is [headers, body].
func unwrapped(t *testing.T, name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var pair []json.RawMessage
	var body string
	if json.Unmarshal(b, &pair) == nil && len(pair) == 2 && json.Unmarshal(pair[1], &body) == nil {
		return body
	}
	return string(b)
}
