package replay_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"informant/decode/cwmp"
	"informant/decode/diff"
	"informant/replay"
)

// bound is an ACS that ties its session to the connection, as many do: a POST on
// another one is refused.
type bound struct {
	mu                sync.Mutex
	sessions          map[net.Conn]int
	accepted, refused int
	asks              []string
}

type connKey struct{}

func (b *bound) serve(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.sessions = map[net.Conn]int{}
	s := &http.Server{Handler: b, ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) }}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

func envelope(id, body string) string {
	return `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:cwmp="urn:dslforum-org:cwmp-1-0"><soap:Header><cwmp:ID soap:mustUnderstand="1">` + id +
		`</cwmp:ID></soap:Header><soap:Body>` + body + `</soap:Body></soap:Envelope>`
}

func (b *bound) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	conn := r.Context().Value(connKey{}).(net.Conn)
	b.mu.Lock()
	defer b.mu.Unlock()
	_, messages := cwmp.Parse(string(body), "text/xml")
	at, open := b.sessions[conn]
	switch {
	case len(messages) > 0 && messages[0].RPC == "Inform":
		b.sessions[conn] = 0
		b.accepted++
		io.WriteString(w, envelope(messages[0].ID, "<cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse>"))
	case !open:
		b.refused++
		w.WriteHeader(http.StatusBadRequest)
	case len(messages) > 0 && messages[0].Kind == cwmp.Request:
		b.accepted++
		io.WriteString(w, envelope(messages[0].ID, "<cwmp:"+messages[0].RPC+"Response/>"))
	case at < len(b.asks):
		b.accepted++
		b.sessions[conn]++
		io.WriteString(w, envelope(fmt.Sprint("ask", at), b.asks[at]))
	default:
		b.accepted++
		w.WriteHeader(http.StatusNoContent)
	}
}

// TestBoundToConnection: an ACS that binds the session to its connection takes every
// POST.
func TestBoundToConnection(t *testing.T) {
	s := scenarioSides(t, "many", readFile(t, "testdata/many.scenario"))[0].Session
	acs := &bound{asks: []string{
		"<cwmp:GetParameterValues><ParameterNames><string>InternetGatewayDevice.DeviceInfo.UpTime</string></ParameterNames></cwmp:GetParameterValues>",
		"<cwmp:GetParameterNames><ParameterPath>InternetGatewayDevice.</ParameterPath><NextLevel>1</NextLevel></cwmp:GetParameterNames>",
		"<cwmp:Reboot><CommandKey>boot-1</CommandKey></cwmp:Reboot>",
		"<cwmp:GetParameterValues><ParameterNames><string>InternetGatewayDevice.Nothing</string></ParameterNames></cwmp:GetParameterValues>",
		"<cwmp:GetRPCMethods/>",
	}}
	report, err := (&replay.CPE{URL: at(acs.serve(t))}).Play(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if acs.accepted != 8 || acs.refused != 0 || report.Sent != 8 {
		t.Errorf("%d POSTs were accepted, %d refused; %+v", acs.accepted, acs.refused, report)
	}
}

// TestOwnSession: many CPEs at once, each with a recorded session of its own, get
// their own answers and cookies.
func TestOwnSession(t *testing.T) {
	n := 200
	if os.Getenv("INFORMANT_SOAK") != "" {
		n = 2000
	} else if testing.Short() {
		n = 50
	}
	var all []diff.Side
	acs := &replay.ACS{Allow: everything, Timeout: 30 * time.Second}
	for i := range n {
		text := fmt.Sprintf(`informant scenario 1
device manufacturer="Example Corp" oui=00D09E class=Box%d serial=S%d root=Device. url=http://acs.example:7547/acs
cpe Inform events="2 PERIODIC"
acs InformResponse
  add-header Set-Cookie: session=of-%d; Path=/
cpe empty
  header Cookie: session=of-%d
acs GetParameterValues ParameterNames=[Device.X.%d]
cpe GetParameterValuesResponse
  header Cookie: session=of-%d
  param Device.X.%d %d unsignedInt
acs 204
`, i, i, i, i, i, i, i, i)
		side := scenarioSides(t, "own", text)[0]
		all, acs.Sessions = append(all, side), append(acs.Sessions, side.Session)
	}
	addr := serve(t, acs)
	var wg sync.WaitGroup
	var bad atomic.Int32
	for i := range all {
		wg.Add(1)
		go func() {
			defer wg.Done()
			x := &tape{}
			c := &replay.CPE{URL: at(addr), Policy: replay.Strict, Tap: x.tap, Timeout: 30 * time.Second}
			report, err := c.Play(t.Context(), all[i].Session)
			if err != nil || len(report.Unanswered) > 0 {
				bad.Add(1)
				t.Errorf("CPE %d: %v, %+v", i, err, report.Unanswered)
				return
			}
			got := x.sides()
			if r := diff.Compare(all[i], got[0], diff.Options{}); r.First() != nil {
				bad.Add(1)
				t.Errorf("CPE %d: %s", i, differences(&r))
			}
			cookie, _ := got[0].Session.Messages[2].HTTP.Field("Cookie")
			given, _ := got[0].Session.Messages[1].HTTP.Field("Set-Cookie")
			if !strings.HasPrefix(given, cookie+";") || cookie == "" {
				t.Errorf("CPE %d was given the cookie %q and sent %q", i, given, cookie)
			}
		}()
	}
	wg.Wait()
}

// TestTwoConnections: a CPE that opens a connection for each POST, as the recorded one
// did, keeps its session by its cookie.
func TestTwoConnections(t *testing.T) {
	text := `informant scenario 1
device manufacturer="Example Corp" oui=00D09E class=Box serial=S1 root=Device. url=http://acs.example:7547/acs
cpe Inform events="2 PERIODIC"
  header Connection: close
acs InformResponse
  add-header Set-Cookie: session=x; Path=/
  header Connection: close
connect
cpe empty
  header Cookie: session=x
  header Connection: close
acs GetParameterValues ParameterNames=[Device.X.1]
  header Connection: close
connect
cpe GetParameterValuesResponse
  header Cookie: session=x
  param Device.X.1 1 unsignedInt
acs 204
`
	want := scenarioSides(t, "two", text)[0]
	if err := replay.Playable(want.Session); err != nil {
		t.Fatal(err)
	}
	x, atACS, _, _, _, err := playBoth(t, want.Session, want.Session)
	if err != nil {
		t.Fatal(err)
	}
	if len(x.conns) != 3 || len(atACS) != 1 {
		t.Errorf("%d connections, %d sessions", len(x.conns), len(atACS))
	}
}

// TestInstances: the instance number that a CPE gives to an object stands in what is
// asked afterwards.
func TestInstances(t *testing.T) {
	text := readFile(t, "testdata/many.scenario")
	want := scenarioSides(t, "recorded", text)[0]
	other := scenarioSides(t, "other", strings.NewReplacer("InstanceNumber=2", "InstanceNumber=7", "WLANConfiguration.2.", "WLANConfiguration.7.").Replace(text))[0]
	_, atACS, _, report, _, err := playBoth(t, other.Session, want.Session)
	if err != nil || len(report.Unanswered)+len(report.Deviations) > 0 {
		t.Fatalf("%v, %+v", err, report)
	}
	if r := diff.Compare(other, atACS[0], diff.Options{}); !r.Same() {
		t.Errorf("%s", differences(&r))
	}
}

// TestDeviating: what is asked of a CPE that could not add the object.
func TestDeviating(t *testing.T) {
	text := readFile(t, "testdata/many.scenario")
	want := scenarioSides(t, "recorded", text)[0]
	failing := scenarioSides(t, "failing", strings.Replace(text, "cpe AddObjectResponse InstanceNumber=2", "cpe Fault 9004", 1))[0]
	for policy, asked := range map[replay.Deviating]string{
		replay.Resync: "GetParameterNames GetParameterValues AddObject Reboot",
		replay.Skip:   "GetParameterNames GetParameterValues AddObject Reboot",
		replay.End:    "GetParameterNames GetParameterValues AddObject",
	} {
		t.Run(replay.Deviatings[policy], func(t *testing.T) {
			x := &tape{}
			var report replay.Report
			done := make(chan struct{})
			addr := serve(t, &replay.ACS{Sessions: []*cwmp.Session{want.Session}, Allow: everything, Deviating: policy, Tap: x.tap,
				Done: func(r replay.Report, err error) { report = r; close(done) }})
			if _, err := (&replay.CPE{URL: at(addr)}).Play(t.Context(), failing.Session); err != nil {
				t.Fatal(err)
			}
			<-done
			var names []string
			for _, tr := range x.sides()[0].Session.Transactions {
				if tr.Caller == cwmp.ACS {
					names = append(names, tr.Request.RPC)
				}
			}
			if got := strings.Join(names, " "); got != asked {
				t.Errorf("asked %s, want %s", got, asked)
			}
			if len(report.Deviations) == 0 || report.Deviations[0] != "the CPE answers AddObject with a Fault (9004), recorded is AddObjectResponse" {
				t.Errorf("%q", report.Deviations)
			}
		})
	}
}

// TestAllowed: what changes a CPE is asked only where that is allowed.
func TestAllowed(t *testing.T) {
	want := scenarioSides(t, "recorded", readFile(t, "testdata/many.scenario"))[0]
	for _, x := range []struct {
		allow []replay.Change
		left  int
	}{{nil, 4}, {[]replay.Change{replay.Sets}, 1}, {[]replay.Change{replay.Reboots}, 3}, {everything, 0}} {
		tape := &tape{}
		left := make(chan int, 1)
		addr := serve(t, &replay.ACS{Sessions: []*cwmp.Session{want.Session}, Allow: x.allow, Tap: tape.tap, Done: func(r replay.Report, err error) { left <- len(r.LeftOut) }})
		if _, err := (&replay.CPE{URL: at(addr)}).Play(t.Context(), want.Session); err != nil {
			t.Fatal(err)
		}
		if n := <-left; n != x.left {
			t.Errorf("with %v %d were left out, want %d", x.allow, n, x.left)
		}
		for _, tr := range tape.sides()[0].Session.Transactions {
			if c := replay.Changing(tr.Request.RPC); tr.Caller == cwmp.ACS && c != "" && !bytes.Contains(fmt.Append(nil, x.allow), []byte(c)) {
				t.Errorf("%s was asked", tr.Request.RPC)
			}
		}
	}
}

// TestBadCPE: a CPE that never ends its session, that sends rubbish, or that goes
// away doesn't keep the others from theirs, and is told.
func TestBadCPE(t *testing.T) {
	want := scenarioSides(t, "recorded", readFile(t, "testdata/many.scenario"))[0]
	inform := want.Session.Inform.HTTP.Raw
	for name, x := range map[string]struct {
		send  string
		close bool
		err   string // "": no session began
	}{
		"never goes on":  {inform, false, "timeout"},
		"goes away":      {inform, true, "closed it"},
		"rubbish":        {"\x16\x03\x01\x02rubbish\r\n\r\n", false, ""},
		"no Inform":      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", false, ""},
		"half an Inform": {inform[:len(inform)/2], true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 4)
			addr := serve(t, &replay.ACS{Sessions: []*cwmp.Session{want.Session}, Allow: everything, Timeout: 300 * time.Millisecond,
				Done: func(_ replay.Report, err error) { ended <- err }})
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			io.WriteString(c, x.send)
			if x.close {
				c.(*net.TCPConn).CloseWrite()
			}
			if x.err != "" {
				select {
				case err := <-ended:
					if err == nil || !strings.Contains(err.Error(), x.err) {
						t.Errorf("%v", err)
					}
				case <-time.After(10 * time.Second):
					t.Fatal("it hangs")
				}
			}
			if _, err := (&replay.CPE{URL: at(addr)}).Play(t.Context(), want.Session); err != nil {
				t.Errorf("another CPE: %v", err)
			}
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFiles: a file that a Download names is served, an Upload taken.
func TestFiles(t *testing.T) {
	text := `informant scenario 1
device manufacturer="Example Corp" oui=00D09E class=Box serial=S1 root=Device. url=http://acs.example:7547/acs
cpe Inform events="2 PERIODIC"
acs InformResponse
cpe empty
acs Download CommandKey=a URL="http://files.example/fw.bin?v=1&x=2" FileType="1 Firmware Upgrade Image"
cpe DownloadResponse
acs 204
`
	s := scenarioSides(t, "files", text)[0].Session
	file := bytes.Repeat([]byte("firmware"), 10_000)
	const named = "http://files.example/fw.bin?v=1&x=2"
	x := &tape{}
	addr := serve(t, &replay.ACS{Sessions: []*cwmp.Session{s}, Allow: everything, Tap: x.tap, Files: map[string][]byte{named: file}})
	var got []byte
	c := &replay.CPE{URL: at(addr), Asked: func(ask *cwmp.Message, _ string) {
		d := ask.Args.(*cwmp.Download)
		if want := "http://" + addr + "/fw.bin?v=1&x=2"; d.URL.Value != want {
			t.Errorf("%s, want %s", d.URL.Value, want)
		}
		r, err := http.Get(d.URL.Value)
		if err != nil {
			t.Error(err)
			return
		}
		defer r.Body.Close()
		got, _ = io.ReadAll(r.Body)
	}}
	if _, err := c.Play(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if sha256.Sum256(got) != sha256.Sum256(file) {
		t.Errorf("%d bytes were fetched", len(got))
	}
	q, _ := http.NewRequest(http.MethodPut, "http://"+addr+"/up", strings.NewReader("log"))
	if r, err := http.DefaultClient.Do(q); err != nil || r.StatusCode != http.StatusCreated {
		t.Errorf("%v %v", r, err)
	}
}
