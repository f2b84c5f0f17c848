package replay_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"informant/decode/cwmp"
	"informant/replay"
)

// director is an ACS that asks what a test says, session by session.
type director struct {
	mu       sync.Mutex
	asks     func(session int) []string // bodies of requests
	refuse   func(session int) int      // status for the Inform; 0 for none
	session  int
	at       int
	events   [][]string
	retries  []string
	calls    []string // what the CPE called beside Inform, with the CommandKey and fault code
	answers  []*cwmp.Message
	informed chan int // numbers of sessions
	url      string   // the ConnectionRequestURL it was told last
}

func (d *director) serve(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.informed = make(chan int, 100)
	s := &http.Server{Handler: d}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

func (d *director) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, messages := cwmp.Parse(string(body), "text/xml")
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(messages) > 0 && messages[0].Kind == cwmp.Request {
		d.called(w, messages[0])
		return
	}
	if len(messages) > 0 {
		d.answers = append(d.answers, messages[0])
	}
	if list := d.asks(d.session); d.at < len(list) {
		d.at++
		io.WriteString(w, envelope(fmt.Sprint("ask", d.at), list[d.at-1]))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (d *director) called(w http.ResponseWriter, m *cwmp.Message) {
	switch a := m.Args.(type) {
	case *cwmp.Inform:
		d.session++
		d.at = 0
		var codes []string
		for i := range a.Event.Items {
			code := a.Event.Items[i].EventCode.Value
			if key := a.Event.Items[i].CommandKey.Value; key != "" {
				code += "=" + key
			}
			codes = append(codes, code)
		}
		for i := range a.ParameterList.Items {
			if strings.HasSuffix(a.ParameterList.Items[i].Name.Value, "ConnectionRequestURL") {
				d.url = a.ParameterList.Items[i].Value.Value
			}
		}
		d.events, d.retries = append(d.events, codes), append(d.retries, a.RetryCount.Value)
		d.informed <- d.session
		if d.refuse != nil {
			if status := d.refuse(d.session); status != 0 {
				w.WriteHeader(status)
				return
			}
		}
		io.WriteString(w, envelope(m.ID, "<cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse>"))
	case *cwmp.TransferComplete:
		d.calls = append(d.calls, fmt.Sprintf("TransferComplete %s %s", a.CommandKey.Value, a.FaultStruct.FaultCode.Value))
		io.WriteString(w, envelope(m.ID, "<cwmp:TransferCompleteResponse/>"))
	default:
		d.calls = append(d.calls, m.RPC)
		io.WriteString(w, envelope(m.ID, "<cwmp:"+m.RPC+"Response/>"))
	}
}

// wait waits for the Inform of a session.
func (d *director) wait(t *testing.T, session int) {
	t.Helper()
	for end := time.After(20 * time.Second); ; {
		select {
		case n := <-d.informed:
			if n == session {
				return
			}
		case <-end:
			d.mu.Lock()
			defer d.mu.Unlock()
			t.Fatalf("session %d doesn't come: %q", session, d.events)
		}
	}
}

// living is a CPE that lives until the test ends.
func living(t *testing.T, d *director, change func(*replay.Life)) (l *replay.Life, x *tape) {
	t.Helper()
	s := scenarioSides(t, "living", readFile(t, "testdata/living.scenario"))[0].Session
	x = &tape{}
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = &replay.Life{CPE: &replay.CPE{URL: at(d.serve(t)), Timeout: 5 * time.Second, Tap: x.tap, ConnectionRequestURL: "http://" + door.Addr().String() + "/ring"},
		Like: s, Listener: door, Path: "/ring", Boot: 50 * time.Millisecond, Transfer: 50 * time.Millisecond,
		Told: func(text string) { t.Log(text) }}
	if change != nil {
		change(l)
	}
	ctx, stop := context.WithCancel(context.Background())
	hush := l.Listen(ctx)
	if _, err := l.CPE.Play(ctx, s); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		hush()
	})
	return l, x
}

func (d *director) told(t *testing.T, want ...string) {
	t.Helper()
	time.Sleep(100 * time.Millisecond) // the rest of the session
	d.mu.Lock()
	defer d.mu.Unlock()
	var got []string
	for _, list := range d.events {
		got = append(got, strings.Join(list, ","))
	}
	if !slices.Equal(got, want) {
		t.Errorf("sessions because of %q, want %q", got, want)
	}
}

// TestReboot: a CPE that was told to reboot, in the session before it lived or in one
// of its life, calls after it, with the key; after a FactoryReset, as a new one.
func TestReboot(t *testing.T) {
	d := &director{asks: func(n int) []string {
		return map[int][]string{1: {"<cwmp:Reboot><CommandKey>k1</CommandKey></cwmp:Reboot>"}, 2: {"<cwmp:Reboot><CommandKey>k2</CommandKey></cwmp:Reboot>"},
			3: {"<cwmp:ScheduleInform><DelaySeconds>0</DelaySeconds><CommandKey>k3</CommandKey></cwmp:ScheduleInform>"}, 4: {"<cwmp:FactoryReset/>"}}[n]
	}}
	living(t, d, nil)
	d.wait(t, 5)
	d.told(t, "6 CONNECTION REQUEST", "1 BOOT,M Reboot=k1", "1 BOOT,M Reboot=k2", "3 SCHEDULED,M ScheduleInform=k3", "0 BOOTSTRAP,1 BOOT")
}

// ring calls a CPE as its ACS does.
func ring(t *testing.T, d *director) {
	t.Helper()
	d.mu.Lock()
	url := d.url
	d.mu.Unlock()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := replay.Wake(t.Context(), url, replay.Login{User: "acs", Password: "ring"}, time.Second, nil)
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// TestDownloads: files are fetched and reported, those that fail with the right code;
// a firmware boots.
func TestDownloads(t *testing.T) {
	firmware := bytes.Repeat([]byte("fw"), 50_000)
	files := http.NewServeMux()
	files.HandleFunc("/fw.bin", func(w http.ResponseWriter, r *http.Request) { w.Write(firmware) })
	files.HandleFunc("/locked", func(w http.ResponseWriter, r *http.Request) {
		g := replay.NewGuard(replay.Login{User: "bob", Password: "x"}, "MD5")
		if _, _, ok := r.BasicAuth(); !ok {
			w.Header()["WWW-Authenticate"] = g.Challenges(false)
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	put := make(chan string, 1)
	files.HandleFunc("/up", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		put <- r.Method + " " + string(b)
		w.WriteHeader(http.StatusCreated)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: files}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	base := "http://" + l.Addr().String()
	download := func(key, kind, url string) string {
		return "<cwmp:Download><CommandKey>" + key + "</CommandKey><FileType>" + kind + "</FileType><URL>" + url + "</URL><Username></Username><Password></Password><FileSize>0</FileSize><TargetFileName></TargetFileName><DelaySeconds>0</DelaySeconds><SuccessURL></SuccessURL><FailureURL></FailureURL></cwmp:Download>"
	}
	d := &director{asks: func(n int) []string {
		switch n {
		case 2:
			return []string{download("a", "1 Firmware Upgrade Image", base+"/fw.bin")}
		case 3:
			return []string{download("b", "3 Vendor Configuration File", base+"/none")}
		case 4:
			return []string{download("c", "3 Vendor Configuration File", base+"/locked")}
		case 5:
			return []string{download("d", "3 Vendor Configuration File", "http://127.0.0.1:1/x")}
		case 6:
			return []string{download("e", "3 Vendor Configuration File", "tftp://127.0.0.1/x")}
		case 7:
			return []string{"<cwmp:Upload><CommandKey>f</CommandKey><FileType>1 Vendor Configuration File</FileType><URL>" + base + "/up</URL><Username></Username><Password></Password><DelaySeconds>0</DelaySeconds></cwmp:Upload>"}
		}
		return nil
	}}
	var told []string
	var mu sync.Mutex
	_, x := living(t, d, func(l *replay.Life) {
		l.Told = func(text string) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, text)
		}
	})
	d.wait(t, 1)
	ring(t, d)
	d.wait(t, 8)
	d.told(t, "6 CONNECTION REQUEST", "6 CONNECTION REQUEST", "1 BOOT,7 TRANSFER COMPLETE,M Download=a", "7 TRANSFER COMPLETE,M Download=b",
		"7 TRANSFER COMPLETE,M Download=c", "7 TRANSFER COMPLETE,M Download=d", "7 TRANSFER COMPLETE,M Download=e", "7 TRANSFER COMPLETE,M Upload=f")
	d.mu.Lock()
	calls := slices.Clone(d.calls)
	d.mu.Unlock()
	if want := []string{"TransferComplete a 0", "TransferComplete b 9016", "TransferComplete c 9012", "TransferComplete d 9015", "TransferComplete e 9013", "TransferComplete f 0"}; !slices.Equal(calls, want) {
		t.Errorf("called %q", calls)
	}
	if got := <-put; !strings.HasPrefix(got, "PUT ") || !strings.Contains(got, "InternetGatewayDevice.DeviceInfo.SoftwareVersion=5.21") {
		t.Errorf("%q was uploaded", got)
	}
	mu.Lock()
	if want := fmt.Sprintf("100000 bytes, SHA-256 %x", sha256.Sum256(firmware)); !strings.Contains(strings.Join(told, "\n"), want) {
		t.Errorf("%q", told)
	}
	mu.Unlock()
	// What it fetched, and who called it, is in the account of it, too.
	if got := accountOf(x); got["GET"] == 0 || got["ring"] == 0 {
		t.Errorf("%v", got)
	}
}

// accountOf counts requests in a tape by what they are.
func accountOf(x *tape) map[string]int {
	x.mu.Lock()
	defer x.mu.Unlock()
	got := map[string]int{}
	for _, r := range x.records {
		if bytes.HasPrefix(r.Data, []byte("GET /fw.bin ")) {
			got["GET"]++
		}
		if bytes.HasPrefix(r.Data, []byte("GET /ring ")) {
			got["ring"]++
		}
	}
	return got
}

// TestPeriodic: an interval that the ACS sets is kept.
func TestPeriodic(t *testing.T) {
	set := `<cwmp:SetParameterValues><ParameterList><ParameterValueStruct><Name>InternetGatewayDevice.ManagementServer.PeriodicInformEnable</Name><Value>1</Value></ParameterValueStruct>` +
		`<ParameterValueStruct><Name>InternetGatewayDevice.ManagementServer.PeriodicInformInterval</Name><Value>1</Value></ParameterValueStruct></ParameterList><ParameterKey>p</ParameterKey></cwmp:SetParameterValues>`
	d := &director{asks: func(n int) []string { return map[int][]string{2: {set}}[n] }}
	living(t, d, nil)
	d.wait(t, 1)
	ring(t, d)
	begin := time.Now()
	d.wait(t, 4)
	if took := time.Since(begin); took < 1900*time.Millisecond {
		t.Errorf("two periods took %s", took)
	}
	d.told(t, "6 CONNECTION REQUEST", "6 CONNECTION REQUEST", "2 PERIODIC", "2 PERIODIC")
}

// TestRing: a connection request needs the login that the ACS knows, and the path.
func TestRing(t *testing.T) {
	d := &director{asks: func(int) []string { return nil }}
	living(t, d, nil)
	d.wait(t, 1)
	ring(t, d)
	d.wait(t, 2)
	d.mu.Lock()
	url := d.url
	d.mu.Unlock()
	for name, x := range map[string]struct {
		url   string
		login replay.Login
		want  string
	}{
		"a wrong password": {url, replay.Login{User: "acs", Password: "x"}, "401"},
		"no login":         {url, replay.Login{}, "wants a login"},
		"another path":     {url + "x", replay.Login{User: "acs", Password: "ring"}, "404"},
		"nobody there":     {"http://127.0.0.1:1/", replay.Login{}, "can't be woken"},
		"no URL":           {"ftp://x", replay.Login{}, "no URL of a CPE"},
	} {
		if err := replay.Wake(t.Context(), x.url, x.login, time.Second, nil); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	curl := tool(t, "curl")
	out, err := exec.Command(curl, "-s", "-m", "5", "--digest", "-u", "acs:ring", "-o", "/dev/null", "-w", "%{http_code}", url).CombinedOutput()
	if err != nil || string(out) != "200" {
		t.Errorf("curl: %s %v", out, err)
	}
	d.wait(t, 3)
	d.told(t, "6 CONNECTION REQUEST", "6 CONNECTION REQUEST", "6 CONNECTION REQUEST")
}

// TestAgain: a session that fails is tried again after 5 to 10 s, with RetryCount 1 and
// what there was to deliver (TR-069 3.2.1.1).
func TestAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for as long as a CPE does")
	}
	d := &director{asks: func(int) []string { return nil }, refuse: func(n int) int { return map[int]int{2: 500}[n] }}
	living(t, d, nil)
	d.wait(t, 1)
	ring(t, d)
	d.wait(t, 2)
	begin := time.Now()
	d.wait(t, 3)
	if took := time.Since(begin); took < 4900*time.Millisecond || took > 12*time.Second {
		t.Errorf("it came again after %s", took)
	}
	d.told(t, "6 CONNECTION REQUEST", "6 CONNECTION REQUEST", "6 CONNECTION REQUEST")
	if got := strings.Join(d.retries, " "); got != "0 0 1" {
		t.Errorf("RetryCount %s", got)
	}
}
