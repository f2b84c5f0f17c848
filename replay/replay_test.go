package replay_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"informant/capture"
	"informant/capture/scenario"
	"informant/decode"
	"informant/decode/cwmp"
	"informant/replay"
)

// session is the first session of the demo.
func session(t *testing.T) *cwmp.Session {
	t.Helper()
	return sessionsOf(t, "../cmd/informant/demo/demo.scenario")[0]
}

func sessionsOf(t *testing.T, name string) (list []*cwmp.Session) {
	t.Helper()
	text := readFile(t, name)
	records, err := scenario.Parse(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return decoded(records)
}

func decoded(records []capture.Record) (list []*cwmp.Session) {
	var d decode.Decoder
	take := func(items []decode.Item) {
		for _, it := range items {
			if it.Kind == decode.SessionItem {
				list = append(list, it.Session)
			}
		}
	}
	for _, r := range records {
		take(d.Feed(r))
	}
	take(d.Finish())
	return list
}

// everything is what a played ACS may do to a CPE.
var everything = []replay.Change{replay.Reboots, replay.Resets, replay.Downloads, replay.Sets}

// at is the URL of an ACS.
func at(addr string) *url.URL { return &url.URL{Scheme: "http", Host: addr, Path: "/acs"} }

// said are the names of a session's messages, in order.
func said(s *cwmp.Session) (names []string) {
	for _, m := range s.Messages {
		names = append(names, fmt.Sprintf("%s %s %s", m.From, m.Kind, m.RPC))
	}
	return names
}

// ear records what passes between a client and a server.
type ear struct {
	mu      sync.Mutex
	records []capture.Record
	conn    *capture.Conn
}

// between relays to an address, and listens.
func between(t *testing.T, to string) (addr string, heard *ear) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	heard = &ear{conn: &capture.Conn{ID: 1, Identity: [16]byte{1}}}
	heard.put(capture.Record{Kind: capture.Open})
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		up, err := net.Dial("tcp", to)
		if err != nil {
			return
		}
		pump := func(from, to net.Conn, d capture.Direction) {
			buf := make([]byte, 32<<10)
			for {
				n, err := from.Read(buf)
				if n > 0 {
					heard.put(capture.Record{Kind: capture.Data, From: d, Data: bytes.Clone(buf[:n])})
					to.Write(buf[:n])
				}
				if err != nil {
					heard.put(capture.Record{Kind: capture.Close, From: d, End: capture.FIN})
					to.(*net.TCPConn).CloseWrite()
					return
				}
			}
		}
		go pump(up, c, capture.FromServer)
		pump(c, up, capture.FromClient)
	}()
	return l.Addr().String(), heard
}

func (e *ear) put(r capture.Record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r.Seq, r.Time, r.Conn = uint64(len(e.records)+1), time.Now(), e.conn
	e.records = append(e.records, r)
}

func (e *ear) session(t *testing.T) *cwmp.Session {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		e.mu.Lock()
		records := slices.Clone(e.records)
		e.mu.Unlock()
		if n := len(records); n > 2 && records[n-1].Kind == capture.Close && records[n-2].Kind == capture.Close || time.Now().After(end) {
			list := decoded(records)
			if len(list) != 1 {
				t.Fatalf("%d sessions were heard", len(list))
			}
			return list[0]
		}
	}
}

// serve plays an ACS.
func serve(t *testing.T, a *replay.ACS) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// TestBothEnds: a recorded CPE and a recorded ACS of the same session say the same
// again, with the time of now and the IDs that belong together.
func TestBothEnds(t *testing.T) {
	want := session(t)
	addr, heard := between(t, serve(t, &replay.ACS{Sessions: []*cwmp.Session{want}, Allow: everything}))
	report, err := (&replay.CPE{URL: at(addr)}).Play(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	if report.Sent != report.Received || report.Sent == 0 || len(report.Unanswered) > 0 {
		t.Errorf("%+v", report)
	}
	got := heard.session(t)
	if !slices.Equal(said(got), said(want)) || got.Outcome != cwmp.Complete {
		t.Errorf("%s: %v\nrecorded: %v", got.Reason, said(got), said(want))
	}
	now := got.Inform.Args.(*cwmp.Inform).CurrentTime
	if at, _, ok := now.Time(); !ok || time.Since(at) > time.Minute {
		t.Errorf("CurrentTime %q", now.Value)
	}
	for i, m := range got.Messages {
		w := want.Messages[i]
		if m.Args == nil || m.RPC == "Inform" {
			continue
		}
		if m.ID != w.ID || len(m.HTTP.Body) != len(w.HTTP.Body) {
			t.Errorf("%s: ID %q for %q, %d bytes for %d", m.RPC, m.ID, w.ID, len(m.HTTP.Body), len(w.HTTP.Body))
		}
	}
}

// TestManyAtOnce: each CPE has its own session.
func TestManyAtOnce(t *testing.T) {
	s := session(t)
	addr := serve(t, &replay.ACS{Sessions: []*cwmp.Session{s}, Allow: everything})
	var all sync.WaitGroup
	for range 50 {
		all.Add(1)
		go func() {
			defer all.Done()
			if _, err := (&replay.CPE{URL: at(addr)}).Play(t.Context(), s); err != nil {
				t.Error(err)
			}
		}()
	}
	all.Wait()
}

// TestUnknownMethods: what was not recorded is answered by a fault, and told.
func TestUnknownMethods(t *testing.T) {
	s := session(t)
	calls := 0
	var faults []string
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	// A real HTTP server asks for something that was never recorded.
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		calls++
		_, messages := cwmp.Parse(string(b), "text/xml")
		ns := "urn:dslforum-org:cwmp-1-0"
		envelope := func(id, in string) {
			fmt.Fprintf(w, `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:c="%s"><e:Header><c:ID e:mustUnderstand="1">%s</c:ID></e:Header><e:Body>%s</e:Body></e:Envelope>`, ns, id, in)
		}
		switch {
		case len(messages) > 0 && messages[0].Kind == cwmp.Request:
			envelope(messages[0].ID, "<c:"+messages[0].RPC+"Response><MaxEnvelopes>1</MaxEnvelopes></c:"+messages[0].RPC+"Response>")
		case len(messages) == 0:
			envelope("my<id", "<c:X_00D09E_Dance/>")
		default:
			faults = append(faults, messages[0].FaultCode()+" "+messages[0].ID)
			w.WriteHeader(http.StatusNoContent)
		}
	})}
	// "my<id" is no XML: send it escaped, so that the CPE has to escape it again.
	srv.Handler = replaceID(srv.Handler)
	go srv.Serve(l)
	defer srv.Close()
	report, err := (&replay.CPE{URL: at(l.Addr().String())}).Play(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(report.Unanswered, []string{"X_00D09E_Dance"}) || !slices.Equal(faults, []string{"9000 my<id"}) {
		t.Errorf("%+v, faults %q", report, faults)
	}
}

func replaceID(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(escaping{w}, r) })
}

type escaping struct{ http.ResponseWriter }

func (e escaping) Write(p []byte) (int, error) {
	_, err := e.ResponseWriter.Write(bytes.ReplaceAll(p, []byte("my<id"), []byte("my&lt;id")))
	return len(p), err
}

// TestBadACS: an ACS that doesn't behave ends the play with a reason, and nothing
// hangs.
func TestBadACS(t *testing.T) {
	s := session(t)
	for name, x := range map[string]struct{ answer, want string }{
		"nothing":       {"", "closed"},
		"rubbish":       {"rubbish\r\n\r\n", "closed"},
		"refused":       {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "status 403 Forbidden"},
		"another":       {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "answers Inform with nothing"},
		"broken off":    {"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<", "broke off"},
		"never answers": {"wait", "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				defer c.Close()
				c.Read(make([]byte, 64<<10))
				if x.answer == "wait" {
					time.Sleep(time.Second)
					return
				}
				io.WriteString(c, x.answer)
			}()
			_, err = (&replay.CPE{URL: at(l.Addr().String()), Timeout: 300 * time.Millisecond}).Play(t.Context(), s)
			if err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("%v, want %q", err, x.want)
			}
		})
	}
}

// TestUnplayable: a session that isn't whole says why.
func TestUnplayable(t *testing.T) {
	for _, s := range []*cwmp.Session{{}, {Inform: &cwmp.Message{}, Outcome: cwmp.Failed, Reason: "the CPE went away"}} {
		if _, err := (&replay.CPE{URL: at("127.0.0.1:1")}).Play(t.Context(), s); err == nil || !strings.HasPrefix(err.Error(), "replay: the session") {
			t.Errorf("%v", err)
		}
		if err := (&replay.ACS{Sessions: []*cwmp.Session{s}, Allow: everything}).Serve(t.Context(), nil); err == nil {
			t.Error("it was played")
		}
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
