package proof

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"informant/capture"
	"informant/decode/cwmp"
	"informant/decode/http1"
	"informant/testdata/gen/traffic"
)

// seen is one HTTP message, as both sides must see it.
type seen struct {
	method string // of a request
	status int    // of a response
	body   int    // bytes, chunks joined and compression undone
	first  string // local name of the first child of the SOAP Body
}

func (s seen) String() string {
	what := s.method
	if what == "" {
		what = strconv.Itoa(s.status)
	}
	if s.first != "" {
		return fmt.Sprintf("%s %d %s", what, s.body, s.first)
	}
	return fmt.Sprintf("%s %d", what, s.body)
}

// view is the messages of a capture by who sent them to whom, in order.
type view map[string][]seen

func (v view) add(from, to string, s seen) {
	v[from+">"+to] = append(v[from+">"+to], s)
}

func (v view) count() (n int) {
	for _, l := range v {
		n += len(l)
	}
	return n
}

// needTshark skips the test where there is no tshark; CI has to have it.
func needTshark(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI needs tshark (Debian package tshark)")
		}
		t.Skip("no tshark here (Debian package tshark)")
	}
}

// everything is the protocols whose fields are compared; withoutXML spares the
// hundreds of megabytes that tshark's XML tree of a large body takes: then the
// first child is read from the body that tshark put together.
const (
	everything = "http xml ip ipv6 tcp"
	withoutXML = "http ip ipv6 tcp"
)

// theirs is what tshark sees in a capture file, with its preferences as they
// are but for prefs.
func theirs(t *testing.T, file, protocols string, prefs ...string) view {
	t.Helper()
	args := []string{"-r", file, "-n", "-o", "tcp.reassemble_out_of_order:TRUE", "-Y", "http", "-T", "pdml", "-J", protocols}
	cmd := exec.Command("tshark", append(args, prefs...)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	v, err := readPDML(bufio.NewReaderSize(out, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("tshark: %v: %s", err, errs.String())
	}
	return v
}

// pdml reads tshark's PDML: packets of protocols of nested fields.
type pdml struct {
	v        view
	src, dst string // addresses, then with ports
	http     *seen
	data     []byte   // of http.file_data
	tags     []string // the xml.tags that are open, by depth of field
	depth    int
	proto    string
	isXML    bool
}

func readPDML(r io.Reader) (view, error) {
	p := &pdml{v: view{}}
	d := xml.NewDecoder(r)
	d.Strict = false
	for {
		tok, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return p.v, nil
		} else if err != nil {
			return nil, err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			a := map[string]string{}
			for _, x := range tok.Attr {
				a[x.Name.Local] = x.Value
			}
			p.start(tok.Name.Local, a)
		case xml.EndElement:
			p.end(tok.Name.Local)
		}
	}
}

func (p *pdml) start(element string, a map[string]string) {
	switch element {
	case "proto":
		p.proto = a["name"]
		p.depth, p.tags = 0, p.tags[:0]
		if p.proto == "http" {
			p.flush()
			p.http = &seen{}
		}
	case "field":
		p.depth++
		p.field(a)
	}
}

func (p *pdml) field(a map[string]string) {
	show := a["show"]
	switch name := a["name"]; name {
	case "ip.src", "ipv6.src":
		p.src = show
	case "ip.dst", "ipv6.dst":
		p.dst = show
	case "tcp.srcport":
		p.src = endpoint(p.src, show)
	case "tcp.dstport":
		p.dst = endpoint(p.dst, show)
	case "http.request.method":
		p.http.method = show
	case "http.response.code":
		p.http.status, _ = strconv.Atoi(show)
	case "http.file_data":
		p.http.body, _ = strconv.Atoi(a["size"])
		p.data, _ = hex.DecodeString(a["value"])
	case "xml.tag":
		if p.proto == "xml" && p.http != nil {
			p.tag(show)
		}
	}
}

// endpoint joins an address and a port.
func endpoint(addr, port string) string {
	if strings.Contains(addr, ":") {
		addr = "[" + addr + "]"
	}
	return addr + ":" + port
}

// tag takes a start tag of tshark's xml dissector.
func (p *pdml) tag(show string) {
	name := strings.TrimLeft(show, "<")
	if i := strings.IndexAny(name, " \t\r\n/>"); i >= 0 {
		name = name[:i]
	}
	_, local, ok := strings.Cut(name, ":")
	if !ok {
		local = name
	}
	for len(p.tags) < p.depth {
		p.tags = append(p.tags, "")
	}
	p.tags = append(p.tags[:p.depth-1], local)
	if p.http.first == "" && p.depth == 3 && p.tags[0] == "Envelope" && p.tags[1] == "Body" {
		p.http.first = local
	}
	p.isXML = true
}

func (p *pdml) end(element string) {
	switch element {
	case "field":
		p.depth--
	case "packet":
		p.flush()
		p.src, p.dst = "", ""
	}
}

// flush adds the HTTP message that ended.
func (p *pdml) flush() {
	if p.http != nil && (p.http.method != "" || p.http.status != 0) {
		if !p.isXML { // tshark took it for something else by its Content-Type
			p.http.first = firstChild(p.data)
		}
		p.v.add(p.src, p.dst, *p.http)
	}
	p.http, p.data, p.isXML = nil, nil, false
}

// firstChild is the local name of the first child of a SOAP Body, as
// encoding/xml reads it.
func firstChild(body []byte) string {
	d := xml.NewDecoder(bytes.NewReader(body))
	d.Strict = false
	depth, in := 0, false
	for {
		tok, err := d.RawToken()
		if err != nil {
			return ""
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			depth++
			if in && depth == 3 {
				return tok.Name.Local
			}
			if depth == 1 && tok.Name.Local != "Envelope" {
				return ""
			}
			in = in || depth == 2 && tok.Name.Local == "Body"
		case xml.EndElement:
			depth--
		}
	}
}

// ours is what our stages see in records.
func ours(rs []capture.Record) view {
	v := view{}
	a := http1.Assembler{}
	take := func(events []http1.Event) {
		for _, e := range events {
			switch e.Kind {
			case http1.RequestSeen:
				v.message(e.Exchange.Request)
			case http1.ResponseSeen:
				for _, m := range e.Exchange.Interim {
					v.message(m)
				}
				v.message(e.Exchange.Response)
			}
		}
	}
	for _, r := range rs {
		take(a.Feed(r))
	}
	take(a.Finish())
	return v
}

func (v view) message(m *http1.Message) {
	if m == nil {
		return
	}
	from, to := m.Conn.Client.String(), m.Conn.Server.String()
	if m.From == capture.FromServer {
		from, to = to, from
	}
	s := seen{method: m.Method, status: m.Status, body: len(m.Body) + int(m.Omitted)}
	if ct, _ := m.Field("Content-Type"); cwmp.Sniff(m.Body) {
		doc, _ := cwmp.Parse(m.Body, ct)
		if doc != nil && len(doc.Methods) > 0 {
			s.first = doc.Methods[0].Name.Local
		}
	}
	v.add(from, to, s)
}

// difference is a message, or the lack of one, that the two see differently.
type difference struct{ capture, where, ours, theirs string }

func (d difference) String() string {
	return fmt.Sprintf("%s\t%s\t%s\t%s", d.capture, d.where, d.ours, d.theirs)
}

// compare finds what differs between two views. where names a direction.
func compare(name string, us, them view, where func(string) string) (ds []difference) {
	keys := map[string]bool{}
	for k := range us {
		keys[k] = true
	}
	for k := range them {
		keys[k] = true
	}
	for k := range keys {
		a, b := us[k], them[k]
		for i := range max(len(a), len(b)) {
			x, y := "-", "-"
			if i < len(a) {
				x = a[i].String()
			}
			if i < len(b) {
				y = b[i].String()
			}
			if x != y {
				ds = append(ds, difference{name, fmt.Sprintf("%s #%d", where(k), i+1), x, y})
			}
		}
	}
	slices.SortFunc(ds, func(a, b difference) int { return cmp.Compare(a.String(), b.String()) })
	return ds
}

// maxDifferences is how many differences there may be. A difference is one thing
// that the two take differently, in however many of the tests' messages.
const maxDifferences = 5

// differs is a message in the list of differences: where (ours, tshark theirs).
var differs = regexp.MustCompile(`^(.+) \((.+), tshark (.+)\)$`)

// listed reads the differences that are known and explained: a line each, with
// all messages in which it shows.
func listed(t *testing.T) map[difference]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "tshark-differences.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")[1:]
	if len(lines) > maxDifferences {
		t.Errorf("%d listed differences, more than %d", len(lines), maxDifferences)
	}
	known := map[difference]string{}
	for i, line := range lines {
		f := strings.Split(line, "\t")
		if len(f) != 3 || f[2] == "" {
			t.Fatalf("tshark-differences.tsv line %d: %d columns, not 3 with an explanation", i+2, len(f))
		}
		for _, message := range strings.Split(f[1], " | ") {
			m := differs.FindStringSubmatch(message)
			if m == nil {
				t.Fatalf("tshark-differences.tsv line %d: %q is no message", i+2, message)
			}
			known[difference{f[0], m[1], m[2], m[3]}] = f[2]
		}
	}
	return known
}

// agree compares a capture with what tshark sees in it, and wants the listed
// differences and no other.
func agree(t *testing.T, name, file string, data []byte, protocols string, where func(string) string, prefs ...string) {
	t.Helper()
	us, them := ours(records(t, name, data)), theirs(t, file, protocols, prefs...)
	if them.count() == 0 {
		t.Fatal("tshark sees no HTTP")
	}
	t.Logf("%d messages", them.count())
	known := listed(t)
	shown := 0
	for _, d := range compare(name, us, them, where) {
		if _, ok := known[d]; ok {
			delete(known, d)
		} else if shown++; shown <= 40 {
			t.Errorf("ours and tshark's differ (capture, where, ours, theirs):\n%s", d)
		}
	}
	if shown > 40 {
		t.Errorf("and %d more", shown-40)
	}
	for d := range known {
		if d.capture == name {
			t.Errorf("listed, and no longer so:\n%s", d)
		}
	}
}

func same(s string) string { return s }

func TestTsharkGenerated(t *testing.T) {
	needTshark(t)
	for _, c := range []struct {
		name string
		o    traffic.Options
	}{
		{"small.pcap", traffic.Options{Seed: 1, Bytes: 600_000, Shape: traffic.Small}},
		{"small.pcapng", traffic.Options{Seed: 2, Bytes: 400_000, Shape: traffic.Small, Format: traffic.PcapNG}},
		{"large.pcap", traffic.Options{Seed: 3, Bytes: 1_000_000, Shape: traffic.Large, Open: 1}},
		{"mixed.pcap", traffic.Options{Seed: 4, Bytes: 800_000, Shape: traffic.Mixed}},
		{"disorder.pcap", traffic.Options{Seed: 5, Bytes: 400_000, Shape: traffic.Small, Reorder: 0.05, Duplicate: 0.05}},
	} {
		t.Run(c.name, func(t *testing.T) {
			data, stats := generated(t, c.o)
			file := filepath.Join(t.TempDir(), c.name)
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			protocols := everything
			if c.o.Shape == traffic.Large {
				protocols = withoutXML
			}
			agree(t, c.name, file, data, protocols, same)
			want := 0
			for _, n := range stats.Methods {
				want += n
			}
			for _, n := range stats.Statuses {
				want += n
			}
			if got := ours(records(t, c.name, data)).count(); got != want {
				t.Errorf("%d messages, the generator wrote %d", got, want)
			}
		})
	}
}

func TestTsharkShared(t *testing.T) {
	needTshark(t)
	for _, parts := range clearText {
		name := parts[len(parts)-1]
		t.Run(name, func(t *testing.T) {
			file := shared(t, parts...)
			agree(t, name, file, readFile(t, file), everything, same)
		})
	}
	t.Run("mixed-tls12.pcapng", func(t *testing.T) { // what is in the clear
		file := shared(t, "captures", "mixed-tls12.pcapng")
		agree(t, "mixed-tls12.pcapng", file, readFile(t, file), everything, same)
	})
}
