package proxy_test

import (
	"bytes"
	"strings"
)

// exchange is what a client says and what its server answers, byte for byte.
type exchange struct {
	name     string
	request  string
	response string
	// step cuts what both say into segments of so many bytes; 0: in one write.
	step int
	// halfClose: the client ends its direction behind the request, before the
	// answer comes.
	halfClose bool
	// untilClose: the server ends the connection behind the answer.
	untilClose bool
}

const (
	plainRequest  = "POST /acs HTTP/1.1\r\nHost: acs\r\nContent-Length: 3\r\n\r\nabc"
	plainResponse = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
)

func ask(head, body string) string { return "POST /acs HTTP/1.1\r\n" + head + "\r\n" + body }
func answer(head, body string) string {
	return "HTTP/1.1 200 OK\r\n" + head + "\r\n" + body
}

// odd are messages that CPEs and ACSs really send and that relays are known to
// refuse, to repair or to reorder.
func odd() []exchange {
	body := strings.Repeat("0123456789abcdef", 300)
	list := []exchange{
		{name: "odd case and order of names", request: ask("cOOKIE: a=b\r\nhOST: acs\r\nSOAPAction:\r\nCONTENT-LENGTH: 3\r\n", "abc")},
		{name: "a name twice in different case", request: ask("Cookie: a\r\nHost: acs\r\ncookie: b\r\nX: 1\r\nCookie: c\r\nContent-Length: 0\r\n", "")},
		{name: "no space after the colon", request: ask("Host:acs\r\nContent-Length:3\r\n", "abc")},
		{name: "a space before the colon", request: ask("Host: acs\r\nSOAPAction : \"\"\r\nContent-Length : 7\r\n", "1234567")},
		{name: "lines ended by LF", request: "POST /acs HTTP/1.1\nHost: acs\nContent-Length: 3\n\nabc"},
		{name: "a folded field", request: ask("Host: acs\r\nX-Long: one\r\n\ttwo\r\n  three\r\nContent-Length: 3\r\n", "abc")},
		{name: "no Host", request: ask("Content-Length: 3\r\n", "abc")},
		{name: "HTTP/1.0 without Host", request: "POST /acs HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc"},
		{name: "a list of lengths", request: ask("Host: acs\r\nContent-Length: 7, 7\r\n", "1234567")},
		{name: "a length with a sign", request: ask("Host: acs\r\nContent-Length: +7\r\n", "1234567")},
		{name: "the length twice", request: ask("Host: acs\r\nContent-Length: 7\r\nContent-Length: 7\r\n", "1234567")},
		{name: "lengths that differ", request: ask("Host: acs\r\nContent-Length: 7\r\nContent-Length: 3\r\n", "1234567")},
		{name: "length and chunks", request: ask("Host: acs\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n")},
		{name: "chunks with extensions and trailers", request: ask("Host: acs\r\nTransfer-Encoding: chunked\r\n", "1;a=b\r\na\r\n0002 \r\nbc\r\n0\r\nX-Sum: 1\r\n\r\n")},
		{name: "chunks that end in LF", request: ask("Host: acs\r\nTransfer-Encoding: chunked\r\n", "3\nabc\n0\n\n")},
		{name: "a blank in a name", request: ask("Host: acs\r\nBad Header: 1\r\nContent-Length: 0\r\n", "")},
		{name: "an empty name", request: ask("Host: acs\r\n: x\r\nContent-Length: 0\r\n", "")},
		{name: "a line without a colon", request: ask("Host: acs\r\nnothing\r\nContent-Length: 0\r\n", "")},
		{name: "Latin-1 in a value", request: ask("Host: acs\r\nX-Name: Stra\xdfe\r\nContent-Length: 0\r\n", "")},
		{name: "NUL in a value", request: ask("Host: acs\r\nX-Name: a\x00b\r\nContent-Length: 0\r\n", "")},
		{name: "an empty line before the request", request: "\r\n" + plainRequest},
		{name: "an absolute target", request: "POST http://acs:7547/acs HTTP/1.1\r\nHost: acs\r\nContent-Length: 3\r\n\r\nabc"},
		{name: "a blank in the path", request: "POST /a b//../acs HTTP/1.1\r\nHost: acs\r\nContent-Length: 3\r\n\r\nabc"},
		{name: "POST without length and body", request: "POST /acs HTTP/1.1\r\nHost: acs\r\n\r\n"},
		{name: "a method in lower case", request: "post /acs HTTP/1.1\r\nHost: acs\r\nContent-Length: 3\r\n\r\nabc"},
		{name: "hop-by-hop fields", request: ask("Host: acs\r\nConnection: Keep-Alive, X\r\nProxy-Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nX: y\r\nTE: trailers\r\nUpgrade: h2c\r\nContent-Length: 0\r\n", "")},
		{name: "SOAPAction of #", request: ask("Host: acs\r\nSOAPAction: #\r\nContent-Length: 0\r\n", "")},
		{name: "SOAPAction of a URL", request: ask("Host: acs\r\nSOAPAction: urn:dslforum-org:cwmp-1-0#Inform\r\nContent-Length: 0\r\n", "")},
		{name: "fields of an earlier relay", request: ask("Host: acs\r\nVia: 1.0 other\r\nX-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\nContent-Length: 0\r\n", "")},
		{name: "a head of 1 MB", request: ask("Host: acs\r\nX-Long: "+strings.Repeat("y", 1<<20)+"\r\nContent-Length: 0\r\n", "")},
		{name: "10,000 fields", request: ask("Host: acs\r\n"+strings.Repeat("X: 1\r\n", 10_000)+"Content-Length: 0\r\n", "")},
		{name: "a body of 5 MB", request: ask("Host: acs\r\nContent-Length: 5242880\r\n", strings.Repeat("z", 5<<20))},
		{name: "pipelining", request: strings.Repeat(plainRequest, 5), response: strings.Repeat(plainResponse, 5)},
		{name: "no HTTP at all", request: "\x00\x01\x02hello\xff\n\n"},
		{name: "half-closed before the answer", request: plainRequest, halfClose: true},
		{name: "half-closed, answered until close", request: plainRequest, halfClose: true, response: "HTTP/1.0 200 OK\r\n\r\n" + body, untilClose: true},

		{name: "odd case and order in an answer", response: answer("set-cookie: a=b\r\nCONTENT-length: 2\r\nSet-Cookie: c=d; Path=/x\r\n", "ok")},
		{name: "no reason", response: "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"},
		{name: "HTTP/1.0, until close", response: "HTTP/1.0 200 OK\r\n\r\nok", untilClose: true},
		{name: "a blank in a name of an answer", response: answer("Bad Header: 1\r\nContent-Length: 2\r\n", "ok")},
		{name: "an answer with LF", response: "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"},
		{name: "204 with a length", response: "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"},
		{name: "204 with a body", response: "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok"},
		{name: "the version in lower case", response: "http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		{name: "100 Continue unasked, and another 1xx", response: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + plainResponse},
		{name: "a length shorter than the body", response: answer("Content-Length: 2\r\n", "okok"), untilClose: true},
		{name: "a length longer than the body", response: answer("Content-Length: 20\r\n", "okok"), untilClose: true},
		{name: "an answer in chunks with length", response: answer("Content-Length: 9\r\nTransfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n")},
		{name: "an answer of 3 MB", response: answer("Content-Length: 3145728\r\n", strings.Repeat("z", 3<<20))},
		{name: "a redirect", response: "HTTP/1.1 302 Found\r\nLocation: http://other/\r\nContent-Length: 0\r\n\r\n"},
		{name: "a challenge", response: "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\nwww-authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"},
	}
	for i := range list {
		if list[i].request == "" {
			list[i].request = plainRequest
		}
		if list[i].response == "" {
			list[i].response = plainResponse
		}
	}
	// One byte per segment, of what is not too long for it.
	for _, x := range list {
		if len(x.request)+len(x.response) < 1000 {
			x.name, x.step = x.name+", byte by byte", 1
			list = append(list, x)
		}
	}
	return list
}

// quoted is b for a message, its beginning and end when it is long.
func quoted(b []byte) string {
	if len(b) > 200 {
		return string(bytes.Join([][]byte{b[:100], b[len(b)-100:]}, []byte(" … ")))
	}
	return string(b)
}
