package cwmp_test

import (
	"net/netip"
	"testing"
	"time"

	"informant/capture"
	"informant/decode/cwmp"
	"informant/decode/http1"
)

// player feeds exchanges to a Tracker and keeps the sessions that it ends.
type player struct {
	cwmp.Tracker
	now   time.Time
	ended []*cwmp.Session
	loose []*http1.Event // remainders of no session
}

func (p *player) feed(e http1.Event) {
	p.now = p.now.Add(time.Millisecond)
	e.Time = p.now
	p.take(p.Feed(e, cwmp.Read(&e)))
}

func (p *player) take(events []cwmp.Event) {
	for _, e := range events {
		switch {
		case e.Kind == cwmp.SessionEnded:
			p.ended = append(p.ended, e.Session)
		case e.Kind == cwmp.Remainder && e.Session == nil:
			p.loose = append(p.loose, e.HTTP)
		}
	}
}

func (p *player) ask(c *capture.Conn, body string) *http1.Exchange {
	x := &http1.Exchange{Request: &http1.Message{Conn: c, Method: "POST", Head: 1, Raw: body, Body: body, Size: int64(len(body)), Complete: true, First: p.now, Last: p.now}}
	p.feed(http1.Event{Kind: http1.RequestSeen, Conn: c, Exchange: x})
	return x
}

func (p *player) answer(c *capture.Conn, x *http1.Exchange, status int) {
	x.Response = &http1.Message{Conn: c, From: capture.FromServer, Status: status, Head: 1, Raw: "x", Complete: true, First: p.now, Last: p.now}
	p.feed(http1.Event{Kind: http1.ResponseSeen, Conn: c, Exchange: x})
}

func conn(id byte) *capture.Conn {
	return &capture.Conn{ID: uint64(id), Identity: [16]byte{id}, Client: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, id}), 1024),
		Server: netip.MustParseAddrPort("192.0.2.200:80")}
}

// TestTinyMessagesAreWeighed: what a message costs beside its bytes counts too,
// even when it was trimmed: then the largest session is ended, and no other.
func TestTinyMessagesAreWeighed(t *testing.T) {
	p := player{now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
	p.Limits = cwmp.Limits{TotalBytes: 1 << 20}
	small, large := conn(1), conn(2)
	p.answer(small, p.ask(small, inform("A", "1 BOOT")), 200)
	p.answer(large, p.ask(large, inform("B", "1 BOOT")), 200)
	n := 2
	for ; len(p.ended) == 0 && n < 5000; n += 2 {
		p.answer(large, p.ask(large, ""), 401)
	}
	if len(p.ended) != 1 || p.ended[0].Device.SerialNumber != "B" || p.ended[0].Ended != cwmp.TooLarge {
		t.Fatalf("after %d messages there ended %v", n, p.ended)
	}
	if n < 1000 || n > 1280 {
		t.Errorf("it ended after %d messages", n)
	}
	if s := p.ended[0]; s.TrimmedN < 100 || s.TrimmedN > 400 {
		t.Errorf("%d of %d messages trimmed", s.TrimmedN, len(s.Messages))
	}
}

// TestInterimWithoutMore: 1xx responses to a request that had no other are
// Asides of its session, and remainders when that is over.
func TestInterimWithoutMore(t *testing.T) {
	for _, over := range []bool{false, true} {
		p := player{now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
		c := conn(1)
		x := p.ask(c, inform("A", "1 BOOT"))
		if over {
			p.take(p.Advance(p.now.Add(time.Hour)))
		}
		x.Interim = []*http1.Message{{Conn: c, From: capture.FromServer, Status: 100, Raw: "HTTP/1.1 100 Continue\r\n\r\n"}}
		p.feed(http1.Event{Kind: http1.Unanswered, Conn: c, Exchange: x})
		p.take(p.Finish())
		if len(p.ended) != 1 {
			t.Fatalf("%d sessions", len(p.ended))
		}
		asides := p.ended[0].Asides
		switch {
		case over && (len(asides) > 0 || len(p.loose) != 1 || p.loose[0].Bytes != x.Interim[0].Raw):
			t.Errorf("after the session: %d asides, %d remainders", len(asides), len(p.loose))
		case !over && (len(asides) != 1 || asides[0].Interim != x.Interim[0] || asides[0].From != cwmp.ACS || asides[0].After != 1 || len(p.loose) > 0):
			t.Errorf("in the session: %+v, %d remainders", asides, len(p.loose))
		}
	}
}
