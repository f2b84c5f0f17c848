package cwmp_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"informant/capture"
	"informant/decode/cwmp"
	"informant/decode/http1"
)

// TestForeignPOST has POSTs on one connection that is seen from the client's
// side, or of which the answers come late. A POST that shows nothing of CWMP
// accuses nobody.
func TestForeignPOST(t *testing.T) {
	soapAction := http1.Message{Method: "POST", Body: "abc", Fields: []http1.Field{{Name: "SOAPAction"}}}
	xml := http1.Message{Method: "POST", Body: "abc", Fields: []http1.Field{{Name: "Content-Type", Value: "text/xml; charset=utf-8"}}}
	abc, empty := http1.Message{Method: "POST", Body: "abc"}, http1.Message{Method: "POST"}
	broken := http1.Message{Body: "<broken"}
	ok := http1.Message{Status: 200, Body: "ok"}
	many := func(m http1.Message, n int) (list []http1.Message) {
		for range n {
			list = append(list, m)
		}
		return list
	}
	cases := []struct {
		name    string
		in      []http1.Message
		answers []http1.Message // to the first ones, after all of them
		want    string
	}{
		{"no SOAP", []http1.Message{abc}, nil, "other 1"},
		{"no SOAP, twice", []http1.Message{abc, abc}, nil, "other 2"},
		{"answered", []http1.Message{abc}, []http1.Message{ok}, "other 1"},
		{"a SOAPAction", []http1.Message{soapAction}, nil, "fragment 1"},
		{"XML by its type", []http1.Message{xml}, nil, "fragment 1"},
		{"markup alone", []http1.Message{broken}, nil, "fragment 1"},
		{"nothing but an empty one", []http1.Message{empty}, nil, "fragment 1"},
		{"before an Inform", []http1.Message{abc, {Method: "POST", Body: inform("A", "1 BOOT")}}, nil, "session 2"},
		{"before a response", []http1.Message{abc, {Method: "POST", Body: envelope(`<c:RebootResponse/>`)}}, nil, "fragment 2"},
		{"beside a SOAPAction", []http1.Message{abc, soapAction}, nil, "fragment 2"},
		{"answered with a request", []http1.Message{abc}, []http1.Message{{Status: 200, Body: envelope(`<c:Reboot/>`)}}, "fragment 2"},
		{"markup alone, answered with markup alone", []http1.Message{broken}, []http1.Message{broken}, "fragment 2"},
		{"an answer alone, without a method", nil, []http1.Message{{Status: 200, Body: envelope("")}}, "fragment 1"},
		{"an answer alone, markup", nil, []http1.Message{broken}, "fragment 1"},
		{"an answer alone", nil, []http1.Message{ok}, "other 1"},
		{"many at once", many(abc, 70), nil, "other 70"},
		{"many at once, answered", many(abc, 70), many(ok, 70), "other 70"},
		{"many at once, one answered with a request", many(abc, 65), []http1.Message{{Status: 200, Body: envelope(`<c:Reboot/>`)}}, "fragment 2, other 64"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := foreign(t, c.in, c.answers); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// foreign tells how many messages and exchanges came out as what.
func foreign(t *testing.T, requests, answers []http1.Message) string {
	x := fuzzRun{t: t, in: map[*http1.Message]int{}, out: map[*http1.Message]int{}, now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
	conn := &capture.Conn{ID: 1}
	x.conns[0] = conn
	counts := map[string]int{}
	tell := func(events []cwmp.Event) {
		for _, e := range events {
			switch {
			case e.Kind == cwmp.OtherHTTP:
				counts["other"]++
			case e.Kind == cwmp.SessionEnded && e.Session.Fragment:
				counts["fragment"] += len(e.Session.Messages)
			case e.Kind == cwmp.SessionEnded:
				counts["session"] += len(e.Session.Messages)
			}
		}
	}
	feed := func(e http1.Event) {
		e.Conn, e.Time = conn, x.now
		tell(x.tracker.Feed(e, cwmp.Read(&e)))
	}
	var open []*http1.Exchange
	for _, m := range requests {
		e := &http1.Exchange{N: len(open) + 1, Request: x.message(0, m, capture.FromClient)}
		open = append(open, e)
		feed(http1.Event{Kind: http1.RequestSeen, Exchange: e})
	}
	for i, m := range answers {
		if i == len(open) {
			open = append(open, &http1.Exchange{N: i + 1})
		}
		open[i].Response = x.message(0, m, capture.FromServer)
		feed(http1.Event{Kind: http1.ResponseSeen, From: capture.FromServer, Exchange: open[i]})
	}
	for _, e := range open[len(answers):] {
		feed(http1.Event{Kind: http1.Unanswered, Exchange: e})
	}
	feed(http1.Event{Kind: http1.Closed, End: capture.FIN, Both: true, Summary: &http1.Summary{}})
	tell(x.tracker.Finish())
	var parts []string
	for _, k := range []string{"session", "fragment", "other"} {
		if n := counts[k]; n > 0 {
			parts = append(parts, k+" "+strconv.Itoa(n))
		}
	}
	return strings.Join(parts, ", ")
}

// TestRemaindersAreWeighed: bytes that are no HTTP count against the session's
// limit; beyond it they are counted, not kept.
func TestRemaindersAreWeighed(t *testing.T) {
	const part, parts, limit = 64 << 10, 50, 256 << 10
	conn := &capture.Conn{ID: 1}
	tr := cwmp.Tracker{Limits: cwmp.Limits{SessionBytes: limit}}
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	feed := func(e http1.Event) []cwmp.Event {
		e.Conn, e.Time = conn, at
		return tr.Feed(e, cwmp.Read(&e))
	}
	feed(http1.Event{Kind: http1.Opened})
	feed(http1.Event{Kind: http1.RequestSeen, Exchange: &http1.Exchange{N: 1, Request: &http1.Message{
		Conn: conn, Method: "POST", Body: inform("A", "1 BOOT"), Complete: true, Head: 1, First: at, Last: at}}})
	for range parts {
		feed(http1.Event{Kind: http1.RemainderSeen, Bytes: strings.Repeat("x", part)})
	}
	for _, e := range tr.Finish() {
		if e.Kind != cwmp.SessionEnded {
			continue
		}
		var kept, size int64
		for _, a := range e.Session.Asides {
			kept += int64(len(a.Bytes))
			size += a.Size
		}
		if size != part*parts || kept == 0 || kept > limit {
			t.Errorf("%d bytes told, %d kept; want %d told and at most %d kept", size, kept, part*parts, limit)
		}
		return
	}
	t.Error("no session")
}
