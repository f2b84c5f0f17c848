package http1

import (
	"math/rand"
	"testing"

	"informant/capture"
)

const envelope = `<s:Envelope xmlns:s="x"><s:Body><Inform>é</Inform></s:Body></s:Envelope>`

var conversations = []struct {
	name  string
	mid   bool
	dump  bool
	parts []said
	want  string
}{
	{name: "seed", parts: []said{
		c2s("POST /acs HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
		s2c("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
		c2s("POST /acs HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
		s2c("HTTP/1.1 204 No Content\r\n\r\n"), shutBoth(capture.FIN)},
		want: "POST1(abc) 200/1(ok) POST2 204/2"},
	{name: "pipelining", parts: []said{
		c2s("GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n"),
		s2c("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb")},
		want: "GET1 GET2 200/1(a) 200/2(b)"},
	{name: "100 unasked, two in a row", parts: []said{
		c2s("POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"),
		s2c("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")},
		want: "POST1(x) 100+102+204/1"},
	{name: "100 asked, body held back", parts: []said{
		c2s("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"),
		s2c("HTTP/1.1 100 Continue\r\n\r\n"), c2s("abc"), s2c("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")},
		want: "POST1(abc) 100+200/1"},
	{name: "answer before the request is complete", parts: []said{
		c2s("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na"),
		s2c("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"), c2s("bc")},
		want: "POST1(abc) 401/1"},
	{name: "answer seen before its request", parts: []said{
		s2c("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"), c2s("GET / HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n"),
		s2c("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb")},
		want: "GET1 200/1(a) GET2 200/2(b)"},
	{name: "answer to nothing", parts: []said{
		s2c("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"), shutBoth(capture.FIN)},
		want: "408/-"},
	{name: "body until close", parts: []said{
		c2s("GET / HTTP/1.0\r\n\r\n"), s2c("HTTP/1.0 200 OK\r\n\r\nab"), s2c("cd"), shut(capture.FromServer, capture.FIN)},
		want: "GET1 200/1(abcd)"},
	{name: "body until reset", parts: []said{
		c2s("GET / HTTP/1.0\r\n\r\n"), s2c("HTTP/1.0 200 OK\r\n\r\nab"), shutBoth(capture.RST)},
		want: "GET1 200/1(ab)!"},
	{name: "no length, kept connection", parts: []said{
		c2s("POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\na"), s2c("HTTP/1.1 200 OK\r\n\r\nxy"),
		c2s("POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nb"), s2c("HTTP/1.1 204\r\n\r\n")},
		want: "POST1(a) 200/1(xy) POST2(b) 204/2"},
	{name: "HEAD, 304, CONNECT", parts: []said{
		c2s("HEAD / HTTP/1.1\r\n\r\n"), s2c("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"),
		c2s("GET / HTTP/1.1\r\n\r\n"), s2c("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n"),
		c2s("CONNECT acs:80 HTTP/1.1\r\n\r\n"), s2c("HTTP/1.1 200 Established\r\n\r\n"),
		c2s("GET /in HTTP/1.1\r\n\r\n"), s2c("HTTP/1.1 204 No\r\n\r\n")},
		want: "HEAD1 200/1 GET2 304/2 CONNECT3 200/3 GET4 204/4"},
	{name: "CONNECT to TLS", parts: []said{
		c2s("CONNECT acs:443 HTTP/1.1\r\n\r\n"), s2c("HTTP/1.1 200 Established\r\n\r\n"), c2s("\x16\x03\x01\x00\x05hello"), s2c("\x16\x03\x01")},
		want: "CONNECT1 200/1 rem(\x16\x03\x01\x00\x05hello) rem(\x16\x03\x01)"},
	{name: "upgrade", parts: []said{
		c2s("GET /ws HTTP/1.1\r\nUpgrade: x\r\n\r\n"), s2c("HTTP/1.1 101 Switching\r\n\r\nGET / HTTP/1.1\r\n\r\n"), c2s("POST / HTTP/1.1\r\n\r\n"), shutBoth(capture.FIN)},
		want: "GET1 101/1 rem(POST / HTTP/1.1\r\n\r\n) rem(GET / HTTP/1.1\r\n\r\n)"},
	{name: "chunked, extensions, odd sizes, trailers", parts: []said{
		c2s("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0003;a=b\r\nabc\r\n1 \r\nd\r\n0\r\nX: y\r\n\r\n"),
		s2c("HTTP/1.1 200 OK\nTransfer-Encoding: Chunked\n\n2\nok\n0\n\n")},
		want: "POST1(abcd) 200/1(ok)"},
	{name: "bad chunk, then the next", parts: []said{
		c2s("GET / HTTP/1.1\r\n\r\n"), s2c("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokJUNK\r\n"),
		c2s("GET / HTTP/1.1\r\n\r\n"), s2c("HTTP/1.1 204 No\r\n\r\n")},
		want: "GET1 200/1(ok)! GET2 rem(JUNK\r\n) 204/2"},
	{name: "no last chunk, next start line", parts: []said{
		c2s("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"), s2c("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nHTTP/1.1 204 No\r\n\r\n")},
		want: "GET1 GET2 200/1(ok)! 204/2"},
	{name: "length in characters", parts: []said{
		c2s("POST / HTTP/1.1\r\nContent-Length: 73\r\n\r\n" + envelope), s2c("HTTP/1.1 204 No\r\n\r\n"),
		c2s("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), s2c("HTTP/1.1 204 No\r\n\r\n")},
		want: "POST1(" + envelope + ") 204/1 POST2 204/2"},
	{name: "length much too small, no end, next follows", parts: []said{
		c2s("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n<a>textPOST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), s2c("HTTP/1.1 204 No\r\n\r\nHTTP/1.1 204 No\r\n\r\n")},
		want: "POST1(<a>text) POST2 204/1 204/2"},
	{name: "unclosed text, answered", parts: []said{
		c2s("POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\n<a><b>"), s2c("HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")},
		want: "POST1(<a><b>) 400/1"},
	{name: "no framing, no body", parts: []said{
		c2s("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), s2c("HTTP/1.1 204 No\r\n\r\n")},
		want: "POST1 204/1"},
	{name: "no framing, body", parts: []said{
		c2s("POST / HTTP/1.1\r\nHost: a\r\n\r\n<a>x</a>\r\n"), s2c("HTTP/1.1 204 No\r\n\r\n"), c2s("POST / HTTP/1.1\r\nHost: a\r\n\r\nplain"), s2c("HTTP/1.1 204 No\r\n\r\n")},
		want: "POST1(<a>x</a>) 204/1 POST2(plain) 204/2"},
	{name: "204 with a body", parts: []said{
		c2s("GET / HTTP/1.1\r\n\r\n"), s2c("HTTP/1.1 204 No\r\nContent-Length: 4\r\n\r\nbody"),
		c2s("GET / HTTP/1.1\r\n\r\n"), s2c("HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n")},
		want: "GET1 204/1(body) GET2 204/2"},
	{name: "too long", parts: []said{
		c2s("GET / HTTP/1.1\r\n\r\n"), s2c("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody"), shut(capture.FromServer, capture.FIN)},
		want: "GET1 200/1(body)!"},
	{name: "both framings", parts: []said{
		c2s("POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")},
		want: "POST1(a) none/1"},
	{name: "garbage between", parts: []said{
		c2s("GET / HTTP/1.1\r\n\r\ngarbage\r\nmore"), s2c("HTTP/1.1 204 No\r\n\r\n"), c2s("\r\nGET / HTTP/1.1\r\n\r\n"), s2c("HTTP/1.1 204 No\r\n\r\n")},
		want: "GET1 204/1 rem(garbage\r\nmore\r\n) GET2 204/2"},
	{name: "PROXY line", parts: []said{
		c2s("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\n\r\n"), s2c("HTTP/1.1 204 No\r\n\r\n")},
		want: "rem(PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n) GET1 204/1"},
	{name: "mid-stream in bodies", mid: true, parts: []said{
		s2c("rest of a body</a>"), c2s("</b>POST /acs HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"), s2c("HTTP/1.1 204 No\r\n\r\n")},
		want: "rem(</b>) POST1(x) rem(rest of a body</a>) 204/1"},
	{name: "mid-stream, sides guessed wrong", mid: true, parts: []said{
		s2c("POST /acs HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"), c2s("HTTP/1.1 204 No\r\n\r\n")},
		want: "POST1(x) 204/1"},
	{name: "mid-stream, response first", mid: true, parts: []said{
		s2c("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"), c2s("GET / HTTP/1.1\r\n\r\n"), s2c("HTTP/1.1 204 No\r\n\r\n")},
		want: "200/-(x) GET2 204/2"},
	{name: "gap in a body", parts: []said{
		c2s("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"), lost(capture.FromClient, 4), c2s("xyz"), s2c("HTTP/1.1 204 No\r\n\r\n")},
		want: "gap(4) POST1(abc)! 204/1"},
	{name: "gap at the end of a body", parts: []said{
		c2s("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"), lost(capture.FromClient, 7), s2c("HTTP/1.1 204 No\r\n\r\n")},
		want: "gap(7) POST1(abc)! 204/1"},
	{name: "gap over the response", parts: []said{
		c2s("GET /1 HTTP/1.1\r\n\r\n"), lost(capture.FromServer, 50), s2c("tail"), c2s("GET /2 HTTP/1.1\r\n\r\n"), s2c("HTTP/1.1 204 No\r\n\r\n")},
		want: "GET1 gap(50) none/1 GET2 rem(tail) 204/2"},
	{name: "gap over a request", parts: []said{
		c2s("GET /1 HTTP/1.1\r\n\r\n"), s2c("HTTP/1.1 204 No\r\n\r\n"), lost(capture.FromClient, 50), s2c("HTTP/1.1 205 No\r\nContent-Length: 0\r\n\r\n"),
		c2s("GET /3 HTTP/1.1\r\n\r\n"), s2c("HTTP/1.1 206 No\r\nContent-Length: 0\r\n\r\n")},
		want: "GET1 204/1 gap(50) 205/- GET3 206/3"},
	{name: "gap in a head", parts: []said{
		c2s("POST / HTTP/1.1\r\nHo"), lost(capture.FromClient, 20), c2s("gth: 1\r\n\r\nx"), s2c("HTTP/1.1 204 No\r\n\r\n")},
		want: "POST1! gap(20) 204/1 rem(gth: 1\r\n\r\nx)"},
	{name: "cut in a head", parts: []said{c2s("POST / HTTP/1.1\r\nHo"), shutBoth(capture.RST)}, want: "POST1! none/1"},
	{name: "TLS", parts: []said{c2s("\x16\x03\x01\x02\x00\x01"), s2c("\x16\x03\x03")}, want: ""},
	{name: "foreign", parts: []said{s2c("220 hello\r\n"), c2s("EHLO me\r\n")}, want: ""},
	{name: "dump: envelopes", dump: true, parts: []said{
		c2s("<a><a2/></a>\n<a>"), c2s("x</a>\n"), s2c("<?xml version='1'?><b></b>")},
		want: "1(<a><a2/></a>) none/1 2(<a>x</a>) 0/2(<?xml version='1'?><b></b>) rem(\n)"},
	{name: "dump: indented anew", dump: true, parts: []said{
		c2s("POST / HTTP/1.1\nContent-Length: 5\n\n<a>\n  <b/>\n</a>\n\n"), s2c("HTTP/1.1 200 OK\nContent-Length: 900\n\n<c>\n</c>\n"),
		c2s("POST / HTTP/1.1\nContent-Length: 8\n\n<a></a>\n"), s2c("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n<c>\n</c>\n")},
		want: "POST1(<a>\n  <b/>\n</a>) 200/1(<c>\n</c>\n) POST2(<a></a>\n) 200/2(<c>\n</c>) rem(\n)"},
}

func TestConversations(t *testing.T) {
	for _, tt := range conversations {
		t.Run(tt.name, func(t *testing.T) {
			c := &capture.Conn{ID: 1}
			if tt.dump {
				c.Origin = capture.Synthesised
			}
			whole := play(c, tt.mid, tt.parts, nil)
			if got := brief(whole); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if whole[len(whole)-1].Summary.Protocol == HTTP {
				noByteLost(t, tt.parts, whole)
			}
			want := tell(whole)
			for seed := range 50 {
				r := rand.New(rand.NewSource(int64(seed)))
				cut := randomCut(r)
				if seed == 0 {
					cut = func(int) int { return 1 }
				}
				if got := tell(play(c, tt.mid, tt.parts, cut)); got != want {
					t.Fatalf("cut with seed %d:\n%s\nwhole:\n%s", seed, got, want)
				}
			}
		})
	}
}
