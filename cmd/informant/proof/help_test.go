package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"informant/capture"
	"informant/capture/pcap"
	"informant/decode"
	"informant/decode/transcript"
	"informant/testdata/gen/traffic"
)

// soak says whether full counts are asked for.
func soak() bool { return os.Getenv("INFORMANT_SOAK") != "" }

// scaled is the count for this run.
func scaled(everyDay, full int) int {
	if soak() {
		return full
	}
	return everyDay
}

// shared finds a file or folder of the shared data, and skips the test where
// there is none.
func shared(t testing.TB, parts ...string) string {
	t.Helper()
	root := os.Getenv("INFORMANT_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared")
	}
	name := filepath.Join(append([]string{root}, parts...)...)
	if _, err := os.Stat(name); err != nil {
		t.Skipf("no %s: set INFORMANT_SHARED to the folder that has it", filepath.Join(parts...))
	}
	return name
}

// clearText are the captures of the shared data that aren't encrypted.
var clearText = [][]string{
	{"captures", "mixed-http.pcapng.gz"},
	{"captures", "auth-basic-http.pcapng.gz"},
	{"corpus", "magma__magma", "dp_enb_tr069.stream0.pcap"},
	{"corpus", "TueTran2008__tr069-acs", "sample_cpe_acs_msg.cwmp-only.pcapng"},
}

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "informant-proof-")
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "informant")
	out, err := exec.Command("go", "build", "-o", name, "informant/cmd/informant").CombinedOutput()
	if err != nil {
		err = errors.New(string(out))
	}
	return name, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if name, err := build(); err == nil {
		os.RemoveAll(filepath.Dir(name))
	}
	os.Exit(code)
}

// informant runs the program.
func informant(t testing.TB, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	name, err := build()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// told is a line of `decode -o json`, as far as the tests look at it.
type told struct {
	Type        string
	Session     json.RawMessage
	ID          string
	Device      device
	Start, Time string
	CPE, ACS    string
	Events      []struct{ Code, CommandKey string }
	Outcome     string
	Reason      string
	Messages    list[message]
	Findings    list[finding]
	Status      json.RawMessage
	Protocol    string
	Lost        int64
	// summary
	Sessions, Fragments, Gaps, Undecoded, Encrypted, Foreign int
	Packets                                                  uint64
	Bytes                                                    int64
	LostBytes                                                int64

	raw json.RawMessage // the whole line
}

// parameters counts the ParameterValueStructs of all messages.
func (x *told) parameters(t testing.TB) (n int) {
	t.Helper()
	for _, m := range x.Messages {
		var list []struct{ Value *string }
		if err := json.Unmarshal(m.Args["ParameterList"], &list); m.Args["ParameterList"] == nil || err != nil {
			continue
		}
		if m.RPC == "Inform" || m.RPC == "GetParameterValuesResponse" || m.RPC == "SetParameterValues" {
			n += len(list)
		}
	}
	return n
}

func itoa(n int) string { return strconv.Itoa(n) }

type device struct{ Manufacturer, OUI, ProductClass, SerialNumber string }

func (d device) key() string { return d.OUI + "-" + d.ProductClass + "-" + d.SerialNumber }

type message struct {
	N, Exchange     int
	Time            string
	From, Kind, RPC string
	ID              string
	Args            map[string]json.RawMessage
	Fault           *struct{ Code, String string }
	Status          int
	Bytes           int64
	Packets         []int
	Resend          bool
	Reason          string
	Offset          *int64
	Notes           []struct{ Kind, Path, Text string }

	line string // the whole message
}

func (m *message) UnmarshalJSON(b []byte) error {
	type plain message
	m.line = string(b)
	return json.Unmarshal(b, (*plain)(m))
}

type finding struct{ Check, Severity, Party, Text string }

// list is an array; the summary has numbers of the same names, which are left
// out.
type list[T any] []T

func (l *list[T]) UnmarshalJSON(b []byte) error {
	if b[0] != '[' {
		return nil
	}
	return json.Unmarshal(b, (*[]T)(l))
}

// parse reads the lines of `decode -o json`.
func parse(t testing.TB, lines string) (items []told) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(lines))
	for {
		var x told
		if err := d.Decode(&x.raw); err == io.EOF {
			return items
		} else if err != nil {
			t.Fatalf("line %d is no JSON: %v", len(items)+1, err)
		}
		if err := json.Unmarshal(x.raw, &x); err != nil {
			t.Fatalf("line %d: %v: %.200s", len(items)+1, err, x.raw)
		}
		items = append(items, x)
	}
}

// decodeFile is what the program tells of files.
func decodeFile(t testing.TB, args ...string) []told {
	t.Helper()
	out, errs, code := informant(t, append([]string{"decode", "-q", "-o", "json"}, args...)...)
	if code != 0 && code != 3 {
		t.Fatalf("decode %v: exit %d: %s", args, code, errs)
	}
	return parse(t, out)
}

// summary is the last item, which is the summary.
func summary(t testing.TB, items []told) told {
	t.Helper()
	if len(items) == 0 || items[len(items)-1].Type != "summary" {
		t.Fatalf("no summary behind %d items", len(items))
	}
	return items[len(items)-1]
}

// open is a source of records from the bytes of a capture file.
func open(t testing.TB, name string, data []byte) *pcap.Source {
	t.Helper()
	src, err := pcap.NewSource([]pcap.Input{{Name: name, R: bytes.NewReader(data)}}, pcap.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// records are those of a capture, with data of their own.
func records(t testing.TB, name string, data []byte) (rs []capture.Record) {
	t.Helper()
	src := open(t, name, data)
	defer src.Close()
	for {
		r, err := src.Next()
		if errors.Is(err, io.EOF) {
			return rs
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		r.Data = bytes.Clone(r.Data)
		rs = append(rs, r)
	}
}

// tell is the JSON of records.
func tell(rs []capture.Record) []byte {
	var out bytes.Buffer
	var d decode.Decoder
	j := transcript.JSON{W: &out, All: true}
	d.All = true
	for _, r := range rs {
		for _, it := range d.Feed(r) {
			j.Put(it)
		}
	}
	for _, it := range d.Finish() {
		j.Put(it)
	}
	j.Close(d.Totals())
	return out.Bytes()
}

// readFile reads a file, compression undone.
func readFile(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, _, err := pcap.Decompress(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// generated is a capture of the generator.
func generated(t testing.TB, o traffic.Options) ([]byte, traffic.Stats) {
	t.Helper()
	var b bytes.Buffer
	stats, err := traffic.Write(&b, o)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), stats
}
