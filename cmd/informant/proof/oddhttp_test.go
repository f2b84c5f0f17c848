package proof

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"informant/capture"
	"informant/testdata/gen/traffic"
)

// part is what one side sends at a time.
type part struct {
	from capture.Direction
	data string
}

func c(s string) part { return part{capture.FromClient, s} }
func s(s string) part { return part{capture.FromServer, s} }

const envelope = `<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:cwmp="urn:dslforum-org:cwmp-1-0"><e:Body><cwmp:GetRPCMethods/></e:Body></e:Envelope>`

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// post is a POST of a body whose Content-Length is written that way.
func post(fields, body string) part {
	return c("POST /acs HTTP/1.1\r\n" + fields + "\r\n" + body)
}

func length(body string) string { return fmt.Sprintf("Content-Length: %d\r\n", len(body)) }

func zipped(body string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(body))
	w.Close()
	return b.String()
}

// odd is a connection that has something odd in it.
type odd struct {
	name  string
	parts []part
}

// oddHTTP is HTTP that CPEs and ACSs send and that is not as RFC 9112 has it,
// or legal and seldom seen. Each is a connection of its own.
var oddHTTP = []odd{
	{"plain", []part{post("Host: acs\r\nContent-Type: text/xml\r\n"+length(envelope), envelope), s(ok)}},
	{"odd case and order", []part{c("POST /acs HTTP/1.1\r\nSOAPAction:\r\nCONTENT-LENGTH: 3\r\nhOST: acs\r\n\r\nabc"), s(ok)}},
	{"same name twice, two cookies", []part{post("Cookie: a=1\r\nHost: acs\r\ncookie: b=2\r\nX-A: 1\r\nx-a: 2\r\n"+length("abc"), "abc"), s(ok)}},
	{"no space after the colon", []part{post("Host:acs\r\nContent-Length:3\r\n", "abc"), s(ok)}},
	{"space before the colon", []part{post("Host: acs\r\nSOAPAction : \"\"\r\nContent-Length : 7\r\n", "abcdefg"), s(ok)}},
	{"LF alone in a request", []part{c("POST /acs HTTP/1.1\nHost: acs\nContent-Length: 3\n\nabc"), s(ok)}},
	{"folded field", []part{post("Host: acs\r\nX-Long: one\r\n two\r\n"+length("abc"), "abc"), s(ok)}},
	{"method in lower case", []part{c("post /acs HTTP/1.1\r\nHost: acs\r\nContent-Length: 3\r\n\r\nabc"), s(ok)}},
	{"method in mixed case", []part{c("Post /acs HTTP/1.1\r\nHost: acs\r\nContent-Length: 3\r\n\r\nabc"), s(ok)}},
	{"request's version in lower case", []part{c("POST /acs http/1.1\r\nHost: acs\r\nContent-Length: 3\r\n\r\nabc"), s(ok)}},
	{"two blanks in the start lines", []part{c("POST  /acs  HTTP/1.1\r\nHost: acs\r\nContent-Length: 3\r\n\r\nabc"), s("HTTP/1.1  200  OK\r\nContent-Length: 2\r\n\r\nok")}},
	{"blanks at the ends of lines", []part{c("POST /acs HTTP/1.1 \r\nHost: acs\r\nContent-Length: 3 \r\n\r\nabc"), s(ok)}},
	{"OPTIONS *", []part{c("OPTIONS * HTTP/1.1\r\nHost: acs\r\n\r\n"), s(ok)}},
	{"no Host", []part{post(length("abc"), "abc"), s(ok)}},
	{"HTTP/1.0", []part{c("POST /acs HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc"), s("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")}},
	{"Content-Length: 7, 7", []part{post("Host: acs\r\nContent-Length: 7, 7\r\n", "abcdefg"), s(ok)}},
	{"Content-Length: +7", []part{post("Host: acs\r\nContent-Length: +7\r\n", "abcdefg"), s(ok)}},
	{"Content-Length: 3;", []part{post("Host: acs\r\nContent-Length: 3;\r\n", "abc"), s(ok)}},
	{"Content-Length: 0003", []part{post("Host: acs\r\nContent-Length: 0003\r\n", "abc"), s(ok)}},
	{"Content-Length counts characters", []part{post("Host: acs\r\nContent-Type: text/xml; charset=utf-8\r\n"+fmt.Sprintf("Content-Length: %d\r\n", utf8.RuneCountInString(accented)), accented), s(ok),
		post("Host: acs\r\n"+length("abc"), "abc"), s(ok)}},
	{"401 with LF alone and folded fields", []part{c("GET /cr HTTP/1.1\r\nHost: cpe\r\n\r\n"),
		s("HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Digest realm=\"a\",\n nonce=\"b\"\nContent-Length: 2\n\nok")}},
	{"Content-Length twice", []part{post("Host: acs\r\nContent-Length: 7\r\nContent-Length: 7\r\n", "abcdefg"), s(ok)}},
	{"Content-Length and chunked", []part{post("Host: acs\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"), s(ok)}},
	{"Chunked", []part{post("Host: acs\r\nTransfer-Encoding: Chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"), s(ok)}},
	{"identity", []part{post("Host: acs\r\nTransfer-Encoding: identity\r\n"+length("abc"), "abc"), s(ok)}},
	{"chunked with extensions and trailers", []part{post("Host: acs\r\nTransfer-Encoding: chunked\r\n", "3;x=1\r\nabc\r\n0A;y\r\n0123456789\r\n1\r\nz\r\n0\r\nX-Sum: 14\r\n\r\n"), s(ok)}},
	{"a name with a blank in it", []part{post("Host: acs\r\nBad Header: 1\r\n"+length("abc"), "abc"), s(ok)}},
	{"an empty name", []part{post("Host: acs\r\n: x\r\n"+length("abc"), "abc"), s(ok)}},
	{"Latin-1 in a value", []part{post("Host: acs\r\nX-Place: M\xfcnchen\r\n"+length("abc"), "abc"), s(ok)}},
	{"NUL in a value", []part{post("Host: acs\r\nX-Nul: a\x00b\r\n"+length("abc"), "abc"), s(ok)}},
	{"empty line before the request", []part{c("\r\nPOST /acs HTTP/1.1\r\nHost: acs\r\nContent-Length: 3\r\n\r\nabc"), s(ok)}},
	{"absolute form", []part{c("POST http://acs:7547/acs HTTP/1.1\r\nHost: acs\r\nContent-Length: 3\r\n\r\nabc"), s(ok)}},
	{"a blank in the path", []part{c("POST /a cs HTTP/1.1\r\nHost: acs\r\nContent-Length: 3\r\n\r\nabc"), s(ok)}},
	{"dots in the path", []part{c("POST //a/../acs HTTP/1.1\r\nHost: acs\r\nContent-Length: 3\r\n\r\nabc"), s(ok)}},
	{"100-continue", []part{c("POST /acs HTTP/1.1\r\nHost: acs\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"),
		s("HTTP/1.1 100 Continue\r\n\r\n"), c("abc"), s(ok)}},
	{"neither length nor body", []part{post("Host: acs\r\n", ""), s(ok)}},
	{"hop-by-hop fields", []part{post("Host: acs\r\nConnection: Keep-Alive, X\r\nProxy-Connection: keep-alive\r\nKeep-Alive: 300\r\n"+length("abc"), "abc"), s(ok)}},
	{"SOAPAction #", []part{post("Host: acs\r\nSOAPAction: #\r\n"+length("abc"), "abc"), s(ok)}},
	{"set-cookie in lower case", []part{post("Host: acs\r\n"+length(""), ""), s("HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nCONTENT-length: 2\r\n\r\nok")}},
	{"no reason", []part{post("Host: acs\r\n"+length(""), ""), s("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok")}},
	{"body ended by close", []part{c("POST /acs HTTP/1.0\r\nContent-Length: 0\r\n\r\n"), s("HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\n\r\n" + envelope)}},
	{"a blank in a response's name", []part{post("Host: acs\r\n"+length(""), ""), s("HTTP/1.1 200 OK\r\nBad Header: 1\r\nContent-Length: 2\r\n\r\nok")}},
	{"LF alone in a response", []part{post("Host: acs\r\n"+length(""), ""), s("HTTP/1.1 200 OK\nContent-Length: 2\n\nok")}},
	{"204 with length 0", []part{post("Host: acs\r\n"+length(""), ""), s("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")}},
	{"lower-case version", []part{post("Host: acs\r\n"+length(""), ""), s("http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")}},
	{"100 unasked, two in a row", []part{post("Host: acs\r\n"+length("abc"), "abc"),
		s("HTTP/1.1 100 Continue\r\n\r\n"), s("HTTP/1.1 102 Processing\r\n\r\n"), s(ok)}},
	{"answer before the request is complete", []part{c("POST /acs HTTP/1.1\r\nHost: acs\r\nContent-Length: 6\r\n\r\nabc"), s(ok), c("def")}},
	{"an empty line behind a body", []part{post("Host: acs\r\n"+length("abc"), "abc\r\n"), s(ok), post("Host: acs\r\n"+length("abc"), "abc"), s(ok)}},
	{"NUL behind a body", []part{post("Host: acs\r\n"+length("abc"), "abc\x00"), s(ok), post("Host: acs\r\n"+length("abc"), "abc"), s(ok)}},
	{"pipelined", []part{c("POST /acs HTTP/1.1\r\nHost: acs\r\nContent-Length: 3\r\n\r\nabcPOST /acs HTTP/1.1\r\nHost: acs\r\nContent-Length: 0\r\n\r\n"), s(ok + ok)}},
	{"gzip", []part{post("Host: acs\r\nContent-Type: text/xml\r\nContent-Encoding: gzip\r\n"+length(zipped(envelope)), zipped(envelope)), s(ok)}},
	{"gzip in chunks", []part{post("Host: acs\r\n"+length(""), ""),
		s("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" +
			fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(zipped(envelope)), zipped(envelope)))}},
	{"byte by byte", split(post("Host: acs\r\nContent-Type: text/xml\r\n"+length(envelope), envelope), s(ok))},
	{"HEAD", []part{c("HEAD /fw.bin HTTP/1.1\r\nHost: files\r\n\r\n"), s("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
		c("GET /fw.bin HTTP/1.1\r\nHost: files\r\n\r\n"), s(ok)}},
	{"304 with a length", []part{c("GET /fw.bin HTTP/1.1\r\nHost: files\r\n\r\n"), s("HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n"),
		c("GET /fw.bin HTTP/1.1\r\nHost: files\r\n\r\n"), s(ok)}},
	{"PUT", []part{c("PUT /up/config HTTP/1.1\r\nHost: files\r\nContent-Length: 5\r\n\r\nhello"), s("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")}},
	{"204 with a body", []part{post("Host: acs\r\n"+length(""), ""), s("HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok")}},
	{"length too small before the close", []part{post("Host: acs\r\n"+length(""), ""), s("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nok")}},
	{"comment and CDATA", []part{post("Host: acs\r\nContent-Type: text/xml\r\n"+length(commented), commented), s(ok)}},
}

// brokenOff are messages whose connection ends before they do.
var brokenOff = []odd{
	{"length too large before the close", []part{post("Host: acs\r\n"+length(""), ""), s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")}},
	{"request breaks off", []part{post("Host: acs\r\nContent-Length: 9\r\n", "abc")}},
	{"between chunks", []part{post("Host: acs\r\n"+length(""), ""), s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")}},
	{"in a chunk", []part{post("Host: acs\r\n"+length(""), ""), s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")}},
	{"in the last chunk", []part{post("Host: acs\r\n"+length(""), ""), s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n")}},
}

const commented = `<?xml version="1.0"?><!-- a <b> c --><SOAP:Envelope xmlns:SOAP="http://schemas.xmlsoap.org/soap/envelope/" xmlns:cwmp="urn:dslforum-org:cwmp-1-0"><SOAP:Header/><SOAP:Body><!-- here --><cwmp:Reboot><CommandKey><![CDATA[<x>]]></CommandKey></cwmp:Reboot></SOAP:Body></SOAP:Envelope>`

// accented is an envelope whose bytes are more than its characters.
var accented = strings.Replace(envelope, "<cwmp:GetRPCMethods/>", "<cwmp:Reboot><CommandKey>Zürich, Köln</CommandKey></cwmp:Reboot>", 1)

// split sends each byte of a request on its own.
func split(request part, rest ...part) (parts []part) {
	for i := range len(request.data) {
		parts = append(parts, part{request.from, request.data[i : i+1]})
	}
	return append(parts, rest...)
}

// oddCapture is connections as a capture; each is another client's.
func oddCapture(odds ...odd) []byte {
	var b bytes.Buffer
	w := traffic.NewCapture(&b, traffic.Pcap, time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC), 1)
	for i, o := range odds {
		k := w.Open(oddClient(i), netip.MustParseAddrPort("192.0.2.1:80"))
		for _, p := range o.parts {
			k.Send(p.from, []byte(p.data))
		}
		k.Close(capture.FromServer)
	}
	w.Flush()
	return b.Bytes()
}

func oddClient(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(10 + i)}), 50000)
}

func TestTsharkOddHTTP(t *testing.T) {
	oddAgree(t, "odd", oddHTTP)
}

// TestTsharkBrokenOff: tshark shows nothing of a message that never ends while
// it waits for the rest of the body. Asked not to, it shows what came: these
// messages are packets of their own, so there is nothing to put together.
func TestTsharkBrokenOff(t *testing.T) {
	oddAgree(t, "broken off", brokenOff, "-o", "http.desegment_body:FALSE")
}

// oddAgree compares each of the connections with what tshark sees in it.
func oddAgree(t *testing.T, name string, odds []odd, prefs ...string) {
	t.Helper()
	needTshark(t)
	data := oddCapture(odds...)
	file := filepath.Join(t.TempDir(), "odd.pcap")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	agree(t, name, file, data, everything, func(direction string) string {
		for i, o := range odds {
			client := oddClient(i).String()
			if strings.HasPrefix(direction, client+">") {
				return o.name + ", request"
			} else if strings.HasSuffix(direction, ">"+client) {
				return o.name + ", response"
			}
		}
		return direction
	}, prefs...)
}
