package replay_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"informant/capture"
	"informant/capture/pcap"
	"informant/capture/scenario"
	"informant/decode"
	"informant/decode/cwmp"
	"informant/decode/diff"
	"informant/replay"
)

// sides decodes records: sessions, with what the checks found in them.
func sides(records []capture.Record) (list []diff.Side) {
	var d decode.Decoder
	take := func(items []decode.Item) {
		for _, it := range items {
			if it.Kind == decode.SessionItem {
				list = append(list, diff.Side{Session: it.Session, Findings: it.Findings})
			}
		}
	}
	for _, r := range records {
		take(d.Feed(r))
	}
	take(d.Finish())
	return list
}

func scenarioSides(t testing.TB, name, text string) []diff.Side {
	t.Helper()
	records, err := scenario.Parse(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return sides(records)
}

func captureSides(t testing.TB, name string) []diff.Side {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	src, err := pcap.NewSource([]pcap.Input{{Name: name, R: f}}, pcap.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var records []capture.Record
	for {
		r, err := src.Next()
		if err != nil {
			return sides(records)
		}
		r.Data = bytes.Clone(r.Data)
		records = append(records, r)
	}
}

// tape is what a tap told.
type tape struct {
	mu      sync.Mutex
	records []capture.Record
}

func (x *tape) tap(r capture.Record) {
	x.mu.Lock()
	defer x.mu.Unlock()
	r.Seq = uint64(len(x.records) + 1)
	r.Data = bytes.Clone(r.Data)
	x.records = append(x.records, r)
}

func (x *tape) sides() []diff.Side {
	x.mu.Lock()
	defer x.mu.Unlock()
	return sides(x.records)
}

// crossing is a relay that knows nothing of what it relays, and keeps the bytes.
type crossing struct {
	addr  string
	mu    sync.Mutex
	conns []*[2]bytes.Buffer // of the client, of the server
}

func cross(t testing.TB, to string) *crossing {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	x := &crossing{addr: l.Addr().String()}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", to)
			if err != nil {
				c.Close()
				continue
			}
			kept := &[2]bytes.Buffer{}
			x.mu.Lock()
			x.conns = append(x.conns, kept)
			x.mu.Unlock()
			pump := func(from, to net.Conn, keep *bytes.Buffer) {
				buf := make([]byte, 32<<10)
				for {
					n, err := from.Read(buf)
					x.mu.Lock()
					keep.Write(buf[:n])
					x.mu.Unlock()
					to.Write(buf[:n])
					if err != nil {
						to.(*net.TCPConn).CloseWrite()
						return
					}
				}
			}
			go pump(c, up, &kept[0])
			go pump(up, c, &kept[1])
		}
	}()
	return x
}

// spoken is one HTTP exchange as net/http reads it.
type spoken struct{ request, response string }

// exchanges are those of all connections in order, read by net/http, without those of
// a challenge: which of them there are is the login's.
func exchanges(t testing.TB, client, server []byte) (list []spoken) {
	t.Helper()
	in, out := bufio.NewReader(bytes.NewReader(client)), bufio.NewReader(bytes.NewReader(server))
	for {
		q, err := http.ReadRequest(in)
		if err != nil {
			return list
		}
		body, _ := io.ReadAll(q.Body)
		a, err := http.ReadResponse(out, q)
		if err != nil {
			return list
		}
		answer, _ := io.ReadAll(a.Body)
		if a.StatusCode == http.StatusUnauthorized || q.Method != http.MethodPost {
			continue
		}
		if len(list) == 0 { // it may have had cookies of the session before
			q.Header.Del("Cookie")
		}
		list = append(list, spoken{
			q.Method + " " + q.Proto + "\n" + headers(q.Header) + "\n" + steady(q.Header, body),
			fmt.Sprintf("%s %s\n", a.Proto, a.Status) + headers(a.Header) + "\n" + steady(a.Header, answer),
		})
	}
}

// headers are the fields that are to be as they were.
func headers(h http.Header) string {
	var lines []string
	for name, values := range h {
		switch name {
		case "Content-Length", "Transfer-Encoding", "Content-Encoding", "Date", "Authorization", "Connection":
			continue
		case "Cookie", "Set-Cookie": // the names, and not the values
			for i, v := range values {
				values[i] = regexp.MustCompile(`=[^;]*`).ReplaceAllString(v, "=…")
			}
		}
		lines = append(lines, name+": "+strings.Join(values, ", "))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

var (
	currentTime = regexp.MustCompile(`(?i)(<CurrentTime[^>]*>)[^<]*`)
	host        = regexp.MustCompile(`http://[^/<]+/`)
)

// steady is a body without what is of now, or of this machine.
func steady(h http.Header, body []byte) string {
	if h.Get("Content-Encoding") == "gzip" {
		if z, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
			body, _ = io.ReadAll(z)
		}
	}
	return host.ReplaceAllString(currentTime.ReplaceAllString(string(body), "${1}…"), "http://…/")
}

// recordedBytes are a session's streams as they were recorded.
func recordedBytes(s *cwmp.Session) (client, server []byte) {
	seen := map[int]bool{}
	for _, m := range s.Messages {
		if m.HTTP == nil {
			continue
		}
		key := m.Exchange * 2
		if m.From == cwmp.ACS {
			key++
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		if m.From == cwmp.CPE {
			client = append(client, m.HTTP.Raw...)
		} else {
			server = append(server, m.HTTP.Raw...)
		}
	}
	return client, server
}

// playBoth plays a session with both its sides.
func playBoth(t testing.TB, cpeSide, acsSide *cwmp.Session) (x *crossing, atACS, atCPE []diff.Side, cpe replay.Report, acs []replay.Report, err error) {
	t.Helper()
	ours, theirs := &tape{}, &tape{}
	var login replay.Login
	if g := replay.GuardOf(acsSide, login); g != nil {
		if login = replay.LoginOf(cpeSide); login.Password == "" { // the recording doesn't tell it
			login.Password = "secret"
		}
	}
	var mu sync.Mutex
	a := &replay.ACS{Sessions: []*cwmp.Session{acsSide}, Allow: everything, Guard: replay.GuardOf(acsSide, login), Tap: ours.tap, Timeout: 5 * time.Second,
		Done: func(r replay.Report, _ error) {
			mu.Lock()
			acs = append(acs, r)
			mu.Unlock()
		}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, l) }()
	x = cross(t, l.Addr().String())
	c := &replay.CPE{URL: at(x.addr), Login: login, Tap: theirs.tap, Timeout: 5 * time.Second}
	cpe, err = c.Play(t.Context(), cpeSide)
	stop()
	if e := <-done; e != nil {
		t.Error(e)
	}
	return x, ours.sides(), theirs.sides(), cpe, acs, err
}

// consistent plays a session against itself.
func consistent(t *testing.T, want diff.Side) {
	t.Helper()
	x, atACS, atCPE, report, _, err := playBoth(t, want.Session, want.Session)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Unanswered)+len(report.Deviations) > 0 {
		t.Errorf("%+v", report)
	}
	for who, got := range map[string][]diff.Side{"the ACS": atACS, "the CPE": atCPE} {
		if len(got) != 1 {
			t.Fatalf("%s saw %d sessions", who, len(got))
		}
		if r := diff.Compare(want, got[0], diff.Options{}); !r.Same() {
			t.Errorf("%s says: %s", who, differences(&r))
		}
	}
	var now []spoken
	x.mu.Lock()
	for _, c := range x.conns {
		now = append(now, exchanges(t, c[0].Bytes(), c[1].Bytes())...)
	}
	x.mu.Unlock()
	client, server := recordedBytes(want.Session)
	was := exchanges(t, client, server)
	if len(was) != len(now) {
		t.Errorf("%d exchanges were recorded, %d went over the wire", len(was), len(now))
	}
	for i := range min(len(was), len(now)) {
		if was[i].request != now[i].request {
			t.Errorf("exchange %d: the request was\n%s\nand now is\n%s", i+1, was[i].request, now[i].request)
		}
		if was[i].response != now[i].response {
			t.Errorf("exchange %d: the response was\n%s\nand now is\n%s", i+1, was[i].response, now[i].response)
		}
	}
}

func differences(r *diff.Result) string {
	var b strings.Builder
	for i := range r.Steps {
		s := &r.Steps[i]
		if s.Status == diff.Same {
			continue
		}
		fmt.Fprintf(&b, "%s %s", s.Status, diff.Name(s.Message()))
		for _, c := range s.Changes {
			fmt.Fprintf(&b, " [%s %s %q %q]", c.Status, c.Path, c.Recorded, c.Played)
		}
		b.WriteByte('\n')
	}
	for i := range r.Fresh {
		fmt.Fprintf(&b, "fresh %s: %s\n", r.Fresh[i].Check.ID, r.Fresh[i].Text)
	}
	return strings.TrimSpace(b.String())
}

// everySession runs f for each session that can be played.
func everySession(t *testing.T, list []diff.Side, least int, f func(*testing.T, diff.Side)) {
	n := 0
	for _, s := range list {
		if replay.Playable(s.Session) != nil {
			continue
		}
		n++
		t.Run(fmt.Sprintf("session %d", s.Session.Ordinal), func(t *testing.T) {
			t.Parallel()
			f(t, s)
		})
	}
	if n < least {
		t.Errorf("only %d sessions could be played", n)
	}
}

// TestConsistent plays each recorded session with both its sides, and holds what
// went over the wire against the recorded bytes as well.
func TestConsistent(t *testing.T) {
	t.Run("ours", func(t *testing.T) {
		names, _ := filepath.Glob("../decode/transcript/testdata/*.scenario")
		names = append(names, "../cmd/informant/demo/demo.scenario", "testdata/many.scenario")
		played := 0
		for _, name := range names {
			for _, s := range scenarioSides(t, name, readFile(t, name)) {
				if err := replay.Playable(s.Session); err != nil {
					t.Logf("%s, session %d: %v", filepath.Base(name), s.Session.Ordinal, err)
					continue
				}
				played++
				t.Run(fmt.Sprintf("%s %d", filepath.Base(name), s.Session.Ordinal), func(t *testing.T) { consistent(t, s) })
			}
		}
		if played < 5 {
			t.Errorf("only %d sessions could be played", played)
		}
	})
	for name, least := range map[string]int{"auth-basic-http.pcapng.gz": 35, "mixed-http.pcapng.gz": 100} {
		t.Run(name, func(t *testing.T) {
			everySession(t, captureSides(t, shared(t, "captures", name)), least, consistent)
		})
	}
}

func shared(t testing.TB, parts ...string) string {
	t.Helper()
	dir := os.Getenv("INFORMANT_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	name := filepath.Join(append([]string{dir}, parts...)...)
	if _, err := os.Stat(name); err != nil {
		t.Skipf("the shared %s are not here: %v", parts[0], err)
	}
	return name
}

// TestVerdictNames plays a CPE that differs in one thing against the recorded ACS,
// and wants the verdict to name that, and nothing else.
func TestVerdictNames(t *testing.T) {
	text := readFile(t, "testdata/many.scenario")
	want := scenarioSides(t, "recorded", text)[0]
	for name, x := range map[string]struct{ old, new, want string }{
		"a value":     {"WLANConfiguration.1.SSID home\n", "WLANConfiguration.1.SSID work\n", `different GetParameterValuesResponse [different InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.SSID "home" "work"]`},
		"a type":      {"WLANConfiguration.1.Enable 1 boolean", "WLANConfiguration.1.Enable 1", `different GetParameterValuesResponse [different InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.Enable "1 (boolean)" "1 (string)"]`},
		"a parameter": {"  param InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.Enable 1 boolean\n", "", `different GetParameterValuesResponse [missing InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.Enable "1" ""]`},
		"an event":    {`events="6 CONNECTION REQUEST"`, `events="2 PERIODIC"`, `different Inform [missing Inform.Event.6 CONNECTION REQUEST "" ""] [extra Inform.Event.2 PERIODIC "" ""]`},
		"a version":   {"SoftwareVersion 5.21", "SoftwareVersion 6.00", `different Inform [different InternetGatewayDevice.DeviceInfo.SoftwareVersion "5.21" "6.00"]`},
		"a fault":     {"cpe RebootResponse", "cpe Fault 9001 \"Request denied\"", "missing RebootResponse\nextra Fault 9001"},
		"an RPC less": {"cpe TransferComplete key=fw-7\nacs TransferCompleteResponse\n", "", "missing TransferComplete\nmissing TransferCompleteResponse"},
		"an RPC more": {"acs TransferCompleteResponse\n", "acs TransferCompleteResponse\ncpe GetRPCMethods\nacs GetRPCMethodsResponse\n", "extra GetRPCMethods\nextra Fault 8000"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(text, x.old, x.new, 1)
			if changed == text {
				t.Fatal("nothing was changed")
			}
			_, atACS, _, _, _, err := playBoth(t, scenarioSides(t, "changed", changed)[0].Session, want.Session)
			if err != nil {
				t.Fatal(err)
			}
			r := diff.Compare(want, atACS[0], diff.Options{})
			r.Fresh = nil // what follows from an event: diff has its own tests of it
			if got := differences(&r); got != x.want {
				t.Errorf("%s\nwant %s", got, x.want)
			}
		})
	}
}

// TestVolatile: three recordings of a device that differ in what changes by itself
// replay as the same, each against each; what matters is seen.
func TestVolatile(t *testing.T) {
	text := readFile(t, "testdata/many.scenario")
	days := []diff.Side{
		scenarioSides(t, "one", text)[0],
		scenarioSides(t, "two", strings.NewReplacer("UpTime 17 ", "UpTime 86417 ", "TotalBytesSent 1000", "TotalBytesSent 99000", "2026-11-22T07:00:00Z", "2026-11-23T07:10:12Z", "id 1001", "id 77").Replace(text))[0],
		scenarioSides(t, "three", strings.NewReplacer("UpTime 17 ", "UpTime 3 ", "TotalBytesSent 1000", "TotalBytesSent 0", "2026-11-22T07:00:00Z", "2026-12-01T23:59:59Z", "id 1001", "id x-1").Replace(text))[0],
	}
	for i, a := range days {
		for j, c := range days {
			_, atACS, atCPE, _, _, err := playBoth(t, c.Session, a.Session)
			if err != nil {
				t.Fatal(err)
			}
			if r := diff.Compare(a, atACS[0], diff.Options{}); !r.Same() {
				t.Errorf("day %d's ACS, day %d's CPE: %s", i+1, j+1, differences(&r))
			}
			if r := diff.Compare(c, atCPE[0], diff.Options{}); !r.Same() {
				t.Errorf("day %d's CPE, day %d's ACS: %s", j+1, i+1, differences(&r))
			}
		}
	}
}
