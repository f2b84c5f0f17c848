package replay_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"informant/decode/cwmp"
	"informant/replay"
)

// courier is an ACS that answers by what it is told, and keeps what the CPE called.
type courier struct {
	mu     sync.Mutex
	called []string
	header string // SOAP header blocks of its answers
	asks   []string
}

func (c *courier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	_, messages := cwmp.Parse(string(b), "text/xml")
	c.mu.Lock()
	defer c.mu.Unlock()
	name := "empty"
	if len(messages) > 0 {
		name = messages[0].RPC
	}
	c.called = append(c.called, name)
	answer := func(id, body string) {
		io.WriteString(w, strings.Replace(envelope(id, body), "</soap:Header>", c.header+"</soap:Header>", 1))
	}
	switch {
	case len(messages) > 0 && messages[0].Kind == cwmp.Request:
		answer(messages[0].ID, "<cwmp:"+name+"Response/>")
	case len(c.asks) > 0:
		ask := c.asks[0]
		c.asks = c.asks[1:]
		if len(c.asks) == 0 {
			c.header = ""
		}
		answer("a", ask)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (c *courier) told(t *testing.T, want string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if got := strings.Join(c.called, " "); got != want {
		t.Errorf("called %s, want %s", got, want)
	}
}

func play(t *testing.T, to string, change func(*replay.CPE)) (replay.Report, error) {
	t.Helper()
	s := scenarioSides(t, "many", readFile(t, "testdata/many.scenario"))[0].Session
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	c := &replay.CPE{URL: u, Timeout: 5 * time.Second}
	if change != nil {
		change(c)
	}
	return c.Play(t.Context(), s)
}

// TestHold: while the ACS says HoldRequests the CPE calls nothing (TR-069 3.4.5), and
// gives it its turn.
func TestHold(t *testing.T) {
	c := &courier{header: "<cwmp:HoldRequests soap:mustUnderstand=\"1\">1</cwmp:HoldRequests>", asks: []string{"<cwmp:GetRPCMethods/>", "<cwmp:GetRPCMethods/>"}}
	srv := httptest.NewServer(c)
	defer srv.Close()
	if _, err := play(t, srv.URL, nil); err != nil {
		t.Fatal(err)
	}
	c.told(t, "Inform empty GetRPCMethodsResponse GetRPCMethodsResponse TransferComplete empty")
}

// TestMoves: a redirect is followed, with the whole session.
func TestMoves(t *testing.T) {
	for _, status := range []int{301, 302, 307, 308} {
		c := &courier{}
		there := httptest.NewServer(c)
		here := httptest.NewServer(http.RedirectHandler(there.URL+"/new?x=1", status))
		if _, err := play(t, here.URL, nil); err != nil {
			t.Errorf("%d: %v", status, err)
		}
		c.told(t, "Inform TransferComplete empty")
		refused := func(u *url.URL) error {
			if strings.HasPrefix(there.URL, "http://"+u.Host) {
				return io.ErrNoProgress
			}
			return nil
		}
		if _, err := play(t, here.URL, func(c *replay.CPE) { c.Allowed = refused }); err == nil || !strings.Contains(err.Error(), io.ErrNoProgress.Error()) {
			t.Errorf("it went where it may not go: %v", err)
		}
		there.Close()
		here.Close()
	}
}

// TestBusy: an ACS that is busy is called again, some times.
func TestBusy(t *testing.T) {
	for busy, ok := range map[int]bool{2: true, 100: false} {
		c := &courier{}
		n := 0
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n++; n <= busy {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			c.ServeHTTP(w, r)
		}))
		if _, err := play(t, srv.URL, nil); (err == nil) != ok || !ok && !strings.Contains(err.Error(), "status 503") {
			t.Errorf("busy %d times: %v", busy, err)
		}
		srv.Close()
	}
}

// TestEnds: the end of a context ends a session that waits, at once.
func TestEnds(t *testing.T) {
	wait := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-wait }))
	defer srv.Close()
	defer close(wait)
	s := scenarioSides(t, "many", readFile(t, "testdata/many.scenario"))[0].Session
	u, _ := url.Parse(srv.URL)
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	begin := time.Now()
	_, err := (&replay.CPE{URL: u}).Play(ctx, s)
	if !lost(err) || time.Since(begin) > 5*time.Second {
		t.Errorf("after %s: %v", time.Since(begin), err)
	}
}

// TestReset: an ACS that resets the connection in the middle of the session is told as
// that, and not tried for ever; one that closed it between two messages is called anew.
func TestReset(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 64<<10))
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}
	}()
	if _, err := play(t, "http://"+l.Addr().String(), nil); !lost(err) {
		t.Errorf("%v", err)
	}

	c := &courier{}
	srv := httptest.NewUnstartedServer(c)
	srv.Config.IdleTimeout = 20 * time.Millisecond
	srv.Start()
	defer srv.Close()
	s := scenarioSides(t, "many", strings.Replace(readFile(t, "testdata/many.scenario"), "cpe TransferComplete", "wait 1s\ncpe TransferComplete", 1))[0].Session
	u, _ := url.Parse(srv.URL)
	if _, err := (&replay.CPE{URL: u, Timeout: 5 * time.Second, Speed: 10}).Play(t.Context(), s); err != nil {
		t.Error(err)
	}
	c.told(t, "Inform TransferComplete empty")
}
