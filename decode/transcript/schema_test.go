package transcript_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"informant/capture"
	"informant/decode"
	"informant/decode/check"
	"informant/decode/cwmp"
	"informant/decode/http1"
	"informant/decode/transcript"
)

// schema compiles the JSON Schema of the form.
func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(transcript.Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("urn:informant:transcript:1", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("urn:informant:transcript:1")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// valid holds each line of out to the schema.
func valid(t testing.TB, s *jsonschema.Schema, out []byte) {
	t.Helper()
	for _, l := range bytes.Split(bytes.TrimSuffix(out, []byte("\n")), []byte("\n")) {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(l))
		if err != nil {
			t.Fatalf("%v in %.300q", err, l)
		}
		if err := s.Validate(v); err != nil {
			t.Fatalf("%v\nin %.600s", err, l)
		}
	}
}

// TestSchema holds the JSON of all scenarios, of this package and of the
// checks' examples, to the schema.
func TestSchema(t *testing.T) {
	s := schema(t)
	files, _ := filepath.Glob("testdata/*.scenario")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		holdToSchema(t, s, file, string(text))
	}
	for _, c := range check.All {
		if text, _, ok := check.Example(c.ID); ok {
			holdToSchema(t, s, c.ID, text)
		}
	}
}

func holdToSchema(t *testing.T, s *jsonschema.Schema, name, text string) {
	t.Helper()
	all, sum := items(t, name, text)
	for _, form := range []transcript.JSON{{All: true}, {ShowSecrets: true}, {FindingsOnly: true}} {
		var out bytes.Buffer
		form.W = &out
		told(t, &form, all, sum)
		valid(t, s, out.Bytes())
	}
}

// hostile is text that no form may pass on as it is.
const hostile = "a\x1b[31m\x00\xff\xfe\u202e\u0085\n\t\"\\</x>"

// everyItem is one item of each kind, with hostile text wherever there is text.
func everyItem() []decode.Item {
	at := time.Date(2026, 11, 22, 8, 0, 0, 120e6, time.UTC)
	c := &check.Check{ID: "SEQ-001", Title: "x", Ref: "TR-069a6 3.7.1.5"}
	f := check.Finding{Check: c, Severity: check.Error, Party: check.Path, Subject: check.OfConnection, Text: hostile,
		At: check.Ref{N: 1, Path: "/Envelope/" + hostile, Offset: 12, Packet: 7}, Related: []check.Ref{{N: 2, Offset: -1}}}
	conn := &capture.Conn{ID: 1, Point: hostile}
	msg := &http1.Message{Conn: conn, Method: hostile, Target: hostile, Version: "HTTP/1.1", Raw: hostile, Head: len(hostile), Declared: -1, First: at}
	answer := &http1.Message{Conn: conn, From: capture.FromServer, Status: 200, Reason: hostile, Raw: hostile, Head: len(hostile), Body: hostile, Lost: -1}
	x := &http1.Exchange{N: 1, Request: msg, Response: answer}
	leaf := cwmp.Leaf{Value: hostile, XSIType: hostile, Present: true}
	in := &cwmp.Inform{CurrentTime: leaf, RetryCount: leaf}
	in.Event.Items = []cwmp.EventStruct{{EventCode: leaf, CommandKey: leaf}}
	in.Event.Present, in.ParameterList.Present = true, true
	in.ParameterList.Items = []cwmp.ParameterValueStruct{{Name: leaf, Value: leaf}}
	m := &cwmp.Message{N: 1, Exchange: 1, From: cwmp.CPE, RPC: hostile, ID: hostile, HasID: true, Args: in, HTTP: msg, Time: at, Resend: true}
	fault := &cwmp.Message{N: 2, Exchange: 1, From: cwmp.ACS, Kind: cwmp.Fault, RPC: "Fault", HTTP: answer, Status: 500,
		Fault: &cwmp.FaultDetail{SOAPCode: leaf, SOAPString: leaf, HasCWMP: true, Code: leaf, String: leaf,
			Parameters: []cwmp.SetParameterValuesFault{{ParameterName: leaf, FaultCode: leaf, FaultString: leaf}}}}
	odd := &cwmp.Message{N: 3, Exchange: 2, From: cwmp.CPE, Kind: cwmp.Unreadable, HTTP: answer}
	get := &cwmp.Message{N: 4, Exchange: 2, From: cwmp.ACS, Kind: cwmp.HTTP, HTTP: answer, Status: 401, Trimmed: true}
	s := &cwmp.Session{Ordinal: 1, Device: cwmp.DeviceID{Manufacturer: hostile, OUI: hostile, ProductClass: hostile, SerialNumber: hostile}, Inform: m,
		Messages: []*cwmp.Message{m, fault, odd, get}, Conns: []*capture.Conn{conn}, URL: hostile, Namespace: hostile, Root: hostile,
		Start: at, Reason: hostile, Lost: -1, TrimmedN: 1, EffectiveVersion: -1, Transactions: []*cwmp.Transaction{{Request: m, Response: fault}}}
	s.Asides = []cwmp.Aside{{From: cwmp.CPE, Lost: -1}, {After: 2, From: cwmp.ACS, Time: at, Packet: 4, Bytes: hostile, Size: 100000},
		{After: 99, From: cwmp.Unknown, Lost: 5, Size: 6}}
	part := &cwmp.Session{Ordinal: 1, Fragment: true, Outcome: cwmp.FragmentOnly, Messages: []*cwmp.Message{fault}, EffectiveVersion: -1, Synthetic: true}
	closed := &http1.Event{Kind: http1.Closed, Conn: conn, Time: at, Summary: &http1.Summary{Protocol: http1.TLS, Lost: -1}}
	return []decode.Item{
		{Kind: decode.SessionItem, Session: s, Findings: []check.Finding{f}, Undecided: []check.Undecided{{Check: c, Gates: check.WholeSession | check.GoodClock}}},
		{Kind: decode.SessionItem, Session: part},
		{Kind: decode.ConnectionRequestItem, ConnectionRequest: &cwmp.ConnectionRequest{Device: s.Device, Exchanges: []*http1.Exchange{x}, Conn: conn, Path: hostile, Status: []int{401, 0}, Time: at}},
		{Kind: decode.TransferItem, Transfer: &cwmp.Transfer{Device: s.Device, Exchange: x, Method: hostile, URL: hostile, CommandKey: hostile, FileType: hostile, SHA256: [32]byte{1}, Session: [16]byte{2}}},
		{Kind: decode.ConnectionItem, Connection: closed, Reason: hostile},
		{Kind: decode.ConnectionItem, Reason: hostile, Time: at},
		{Kind: decode.FindingItem, Finding: &f, Time: at},
		{Kind: decode.UndecodedItem, Reason: hostile, Bytes: []byte(hostile), Connection: &http1.Event{Conn: conn}},
		{Kind: decode.UndecodedItem, Reason: hostile, Session: s},
		{Kind: decode.OtherItem, Other: x},
		{Kind: decode.OtherItem, Other: &http1.Exchange{Response: answer}},
		{Kind: decode.RemainderItem, Connection: &http1.Event{Conn: conn, Bytes: hostile, Packet: 3}},
	}
}

// TestEveryItem tells an item of each kind, full of what must not reach a
// terminal, in all forms.
func TestEveryItem(t *testing.T) {
	s := schema(t)
	all := everyItem()
	for _, secrets := range []bool{false, true} {
		var out bytes.Buffer
		told(t, &transcript.JSON{W: &out, All: true, ShowSecrets: secrets}, all, decode.Totals{Sessions: 1, Gaps: 1, LostBytes: 5, Encrypted: 1, Undecoded: 1, OtherHTTP: 1})
		valid(t, s, out.Bytes())
		harmless(t, out.Bytes())
		for verbose := range 3 {
			out.Reset()
			told(t, &transcript.Text{W: &out, All: true, ShowSecrets: secrets, Verbose: verbose}, all, decode.Totals{Gaps: 2, Encrypted: 1, Undecoded: 1})
			harmless(t, out.Bytes())
		}
	}
}

// harmless fails on what a terminal could take for a command.
func harmless(t *testing.T, out []byte) {
	t.Helper()
	for i, r := range string(out) {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == '\u202e' {
			t.Fatalf("%U at %d of %.200q", r, i, out[max(0, i-100):])
		}
	}
}

// FuzzJSON: whatever a value holds, a line is valid JSON under the schema and
// tells it exactly.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{"", "x", hostile, "ä", "\xc3", "\U0001f600", "\U000e0001", "http://a:b@c/"} {
		f.Add(s)
	}
	sch := schema(f)
	f.Fuzz(func(t *testing.T, v string) {
		leaf := cwmp.Leaf{Value: v, Present: true}
		m := &cwmp.Message{N: 1, Exchange: 1, Args: &cwmp.AddObject{ObjectName: leaf, ParameterKey: leaf}}
		s := &cwmp.Session{Ordinal: 1, Messages: []*cwmp.Message{m}, EffectiveVersion: -1}
		line := (&transcript.JSON{ShowSecrets: true}).Append(nil, decode.Item{Session: s})
		valid(t, sch, line)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		args := doc.(map[string]any)["messages"].([]any)[0].(map[string]any)["args"].(map[string]any)
		if got := lexical(t, args["ObjectName"]); got != v {
			t.Errorf("%q was told as %q", v, got)
		}
	})
}
