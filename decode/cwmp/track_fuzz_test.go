package cwmp_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"informant/capture"
	"informant/decode/cwmp"
	"informant/decode/http1"
)

func envelope(body string) string {
	return `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:c="urn:dslforum-org:cwmp-1-0"><e:Body>` + body + `</e:Body></e:Envelope>`
}

func inform(serial, event string) string {
	return envelope(`<c:Inform><DeviceId><OUI>00D09E</OUI><SerialNumber>` + serial + `</SerialNumber></DeviceId><Event><EventStruct><EventCode>` + event +
		`</EventCode></EventStruct></Event><ParameterList><ParameterValueStruct><Name>Device.ManagementServer.ConnectionRequestURL</Name><Value>http://192.0.2.1:7547/` +
		serial + `</Value></ParameterValueStruct></ParameterList></c:Inform>`)
}

var (
	fuzzRequests = []http1.Message{
		{Method: "POST", Body: inform("A", "1 BOOT")}, {Method: "POST", Body: inform("B", "6 CONNECTION REQUEST")}, {Method: "POST", Body: inform("A", "2 PERIODIC")},
		{Method: "POST"}, {Method: "POST", Body: envelope(`<c:GetParameterValuesResponse/>`)}, {Method: "POST", Body: envelope(`<c:TransferComplete/>`)},
		{Method: "POST", Body: envelope(`<e:Fault/>`)}, {Method: "POST", Body: "<broken"}, {Method: "POST", Body: "form=1"},
		{Method: "GET", Target: "/A"}, {Method: "GET", Target: "/fw"}, {Method: "PUT", Target: "/up", Body: "x"}, {Method: "", Body: envelope(`<c:RebootResponse/>`)},
	}
	fuzzResponses = []http1.Message{
		{Status: 200, Body: envelope(`<c:InformResponse/>`)}, {Status: 204}, {Status: 200}, {Status: 401}, {Status: 302}, {Status: 500}, {Status: 200, Body: "hello"},
		{Status: 200, Body: envelope(`<c:Reboot/>`)}, {Status: 200, Body: envelope(`<e:Fault><detail><c:Fault><FaultCode>8005</FaultCode></c:Fault></detail></e:Fault>`)},
		{Status: 200, Body: envelope(`<e:Fault><detail><c:Fault><FaultCode>8003</FaultCode></c:Fault></detail></e:Fault>`)},
		{Status: 200, Body: envelope(`<c:Download><CommandKey>k</CommandKey><URL>http://192.0.2.9/fw</URL></c:Download>`)},
		{Status: 200, Body: envelope(`<c:Upload><CommandKey>k</CommandKey><URL>http://192.0.2.9/up</URL></c:Upload>`)},
		{Status: 200, Body: envelope(`<c:GetRPCMethods/><c:Reboot/>`)}, {Status: 200, Body: envelope(`<c:TransferCompleteResponse/>`)},
		{Body: "<broken"}, {Status: 200, Body: envelope("")},
	}
)

// FuzzTracker feeds any order of exchanges, closes, gaps and pauses on four
// connections. Nothing panics, and every HTTP message comes out again just once.
func FuzzTracker(f *testing.F) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		ops := make([]byte, 400)
		for i := range ops {
			ops[i] = byte(r.Uint32())
		}
		f.Add(ops)
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		x := fuzzRun{t: t, in: map[*http1.Message]int{}, out: map[*http1.Message]int{}, now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
		x.tracker.Limits = cwmp.Limits{Sessions: 5, Messages: 40, SessionBytes: 4000, TotalBytes: 9000}
		for len(ops) > 2 {
			x.step(ops[0], ops[1], ops[2])
			ops = ops[3:]
		}
		for i := range x.conns {
			x.close(i, capture.EndOfInput)
		}
		x.take(x.tracker.Finish())
		for m := range x.in {
			if x.out[m] != 1 {
				t.Errorf("%s %q status %d came out %d times", m.Method, m.Body, m.Status, x.out[m])
			}
		}
		if len(x.out) != len(x.in) {
			t.Errorf("%d messages in, %d out", len(x.in), len(x.out))
		}
	})
}

type fuzzRun struct {
	t       *testing.T
	tracker cwmp.Tracker
	conns   [4]*capture.Conn
	waiting [4][]*http1.Exchange
	ids     uint64
	now     time.Time
	in, out map[*http1.Message]int
}

func (x *fuzzRun) feed(e http1.Event) {
	e.Time = x.now
	x.take(x.tracker.Feed(e, cwmp.Read(&e)))
}

func (x *fuzzRun) message(i int, m http1.Message, from capture.Direction) *http1.Message {
	m.Conn, m.From, m.Version, m.Complete = x.conns[i], from, "HTTP/1.1", true
	m.Size, m.First, m.Last = int64(len(m.Body)), x.now, x.now
	m.Raw = fmt.Sprintf("%d%s", len(x.in), m.Body) // tells it apart when it was trimmed
	m.Head = 1
	if m.Method == "" && m.Status == 0 {
		m.Head = 0
	}
	x.in[&m]++
	return &m
}

func (x *fuzzRun) step(what, a, b byte) {
	x.now = x.now.Add(time.Duration(what) * 100 * time.Millisecond)
	i := int(what % 4)
	if x.conns[i] == nil {
		x.ids++
		x.conns[i] = &capture.Conn{ID: x.ids, Identity: [16]byte{byte(x.ids), byte(x.ids >> 8)},
			Client: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i % 2)}), uint16(x.ids)), Server: netip.MustParseAddrPort("192.0.2.9:80")}
		x.feed(http1.Event{Kind: http1.Opened, Conn: x.conns[i], Midstream: what&16 != 0})
	}
	switch n := int(what>>2) % 16; {
	case n < 6:
		e := &http1.Exchange{N: 1, Request: x.message(i, fuzzRequests[int(a)%len(fuzzRequests)], capture.FromClient)}
		if b&1 != 0 {
			e.Request.Fields = []http1.Field{{Name: "Cookie", Value: fmt.Sprintf("s=%d", b%4)}}
		}
		x.feed(http1.Event{Kind: http1.RequestSeen, Conn: x.conns[i], Exchange: e})
		x.waiting[i] = append(x.waiting[i], e)
	case n < 13:
		if len(x.waiting[i]) == 0 {
			return
		}
		e := x.waiting[i][0]
		x.waiting[i] = x.waiting[i][1:]
		if n == 12 {
			x.feed(http1.Event{Kind: http1.Unanswered, Conn: x.conns[i], Exchange: e})
			return
		}
		e.Response = x.message(i, fuzzResponses[int(a)%len(fuzzResponses)], capture.FromServer)
		if b&1 != 0 {
			e.Response.Fields = []http1.Field{{Name: "Set-Cookie", Value: fmt.Sprintf("s=%d; Path=/", b%4)}}
		}
		x.feed(http1.Event{Kind: http1.ResponseSeen, Conn: x.conns[i], Exchange: e})
	case n == 13:
		x.feed(http1.Event{Kind: http1.GapSeen, Conn: x.conns[i], Lost: int64(a)})
	case n == 14:
		x.close(i, capture.End(1+a%3))
	default:
		x.take(x.tracker.Advance(x.now.Add(time.Duration(a) * time.Second)))
	}
}

func (x *fuzzRun) close(i int, end capture.End) {
	if x.conns[i] == nil {
		return
	}
	for _, e := range x.waiting[i] {
		x.feed(http1.Event{Kind: http1.Unanswered, Conn: x.conns[i], Exchange: e})
	}
	x.waiting[i] = nil
	x.feed(http1.Event{Kind: http1.Closed, Conn: x.conns[i], End: end, Both: true, Summary: &http1.Summary{}})
	x.conns[i] = nil
}

func (x *fuzzRun) exchange(e *http1.Exchange) {
	for _, m := range []*http1.Message{e.Request, e.Response} {
		if m != nil {
			x.out[m]++
		}
	}
}

func (x *fuzzRun) take(events []cwmp.Event) {
	seen := map[*http1.Message]bool{}
	for _, e := range events {
		switch e.Kind {
		case cwmp.MessageSeen:
			if !seen[e.Message.HTTP] {
				seen[e.Message.HTTP] = true
				x.out[e.Message.HTTP]++
			}
		case cwmp.SessionEnded:
			for i, m := range e.Session.Messages {
				if m.N != i+1 || m.From == cwmp.Unknown {
					x.t.Errorf("message %d has number %d from %s", i+1, m.N, m.From)
				}
			}
		case cwmp.Requested:
			for _, e := range e.ConnectionRequest.Exchanges {
				x.exchange(e)
			}
		case cwmp.Transferred:
			x.exchange(e.Transfer.Exchange)
		case cwmp.OtherHTTP:
			x.exchange(e.Other.Exchange)
		}
	}
}
