package httptext_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"informant/capture"
	"informant/capture/httptext"
	"informant/decode/http1"
)

// read tells what becomes of a text: the messages in pairs, and the remarks.
func read(t *testing.T, text string) (string, []*http1.Message) {
	t.Helper()
	s, err := httptext.NewSource("text", strings.NewReader(text))
	if err != nil {
		return err.Error(), nil
	}
	defer s.Close()
	var a http1.Assembler
	var out []string
	var ms []*http1.Message
	tell := func(es []http1.Event) {
		for _, e := range es {
			switch e.Kind {
			case http1.RequestSeen:
				m := e.Exchange.Request
				ms = append(ms, m)
				out = append(out, fmt.Sprintf("%s%d%s", m.Method, e.Exchange.N, show(m)))
			case http1.ResponseSeen:
				m := e.Exchange.Response
				ms = append(ms, m)
				who := "-"
				if e.Exchange.Request != nil {
					who = fmt.Sprint(e.Exchange.N)
				}
				out = append(out, fmt.Sprintf("%d/%s%s", m.Status, who, show(m)))
			case http1.RemainderSeen:
				out = append(out, fmt.Sprintf("rem(%q)", e.Bytes))
			case http1.Unanswered:
				out = append(out, fmt.Sprintf("none/%d", e.Exchange.N))
			}
		}
	}
	for {
		r, err := s.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if r.Conn.Origin != capture.Synthesised || !r.Time.IsZero() {
			t.Errorf("record %d: %v %v", r.Seq, r.Conn.Origin, r.Time)
		}
		if r.Kind == capture.Remark {
			out = append(out, "# "+r.Text)
		}
		tell(a.Feed(r))
	}
	tell(a.Finish())
	return strings.Join(out, "\n"), ms
}

func show(m *http1.Message) string {
	s := "(" + m.Body + ")"
	if !m.Complete {
		s += "!"
	}
	return s
}

func env(method string) string {
	return "<s:Envelope><s:Header/><s:Body><cwmp:" + method + "></cwmp:" + method + "></s:Body></s:Envelope>"
}

func TestTexts(t *testing.T) {
	inform, answer := env("Inform"), env("InformResponse")
	for _, tt := range []struct{ name, text, want string }{
		{"two exchanges", "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\r\nPOST / HTTP/1.1\r\nContent-Length: 0\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
			"POST1(abc)\n200/1(ok)\nPOST2()\n204/2()"},
		{"LF, rulers, indented anew", "--- request ---\nPOST / HTTP/1.1\nContent-Length: 9\n\n<a>\n  <b/>\n</a>\n\n-----\nHTTP/1.1 200 OK\nContent-Length: 999\n\n<c>\n</c>\n",
			"# 1 line is no HTTP message and no envelope: --- request ---\nPOST1(<a>\n  <b/>\n</a>)\n# Content-Length of the message before is 9, and 15 bytes stand in the text: its own end was taken\n# 1 line is no HTTP message and no envelope: -----\n# Content-Length of the message before is 999, and 9 bytes stand in the text: its own end was taken\n200/1(<c>\n</c>\n)"},
		{"log prefix", "12:00 sent 14 bytes: POST /cwmp http/1.1\nContent-Length:0\n\n12:01 got: HTTP/1.1 204 No Content\n\n",
			"# 1 line is no HTTP message and no envelope: 12:00 sent 14 bytes:\nPOST1()\n# 1 line is no HTTP message and no envelope: 12:01 got:\n204/1()"},
		{"chunked", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "POST1(abc)\n204/1()"},
		{"chunks joined", "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n<a>\n</a>\nHTTP/1.1 204 No Content\n\n",
			"POST1(<a>\n</a>)\n# the message before says that it is chunked, but the text holds its chunks joined\n204/1()"},
		{"envelopes", "\xef\xbb\xbf<?xml version='1.0'?>\n" + inform + "\n\n" + answer + "\n" + env("GetParameterValues") + env("GetParameterValuesResponse"),
			"1(<?xml version='1.0'?>\n" + inform + ")\n0/1(" + answer + ")\n0/-(" + env("GetParameterValues") + ")\n3(" + env("GetParameterValuesResponse") + ")\nnone/3"},
		{"only answers, no length", "HTTP/1.1 200 OK\n\n<a></a>\nHTTP/1.1 200 OK\n\n<b></b>\n", "200/-(<a></a>)\n200/-(<b></b>)"},
		{"requests without answers", "POST / HTTP/1.1\n\n<a></a>\nPOST / HTTP/1.1\nContent-Length: 0\n\nHTTP/1.1 204 No\n\n", "POST1(<a></a>)\nnone/1\nPOST2()\n204/2()"},
		{"cut short", "POST / HTTP/1.1\nContent-Length: 50\n\nabc\nHTTP/1.1 204 No\n\n",
			"# Content-Length of the message before is 50, and 3 bytes stand in the text: its own end was taken\nPOST1(abc)!\nnone/1\n204/-()"},
		{"fault of the ACS", "<e><Body><s:Fault><FaultCode>8003</FaultCode></s:Fault></Body></e>", "0/-(<e><Body><s:Fault><FaultCode>8003</FaultCode></s:Fault></Body></e>)"},
		{"methods without envelopes", "<!-- x -->\n<c:Inform>\n</c:Inform>\n<c:InformResponse/>\n<S:Body><Reboot/></S:Body>\n<c:RebootResponse/>",
			"1(<!-- x -->\n<c:Inform>\n</c:Inform>)\n0/1(<c:InformResponse/>)\n0/-(<S:Body><Reboot/></S:Body>)\n3(<c:RebootResponse/>)\nnone/3"},
		{"JSON", `[{"soapaction":"","host":"a"},"<a>\n</a>"]`, "# header fields without a start line, as JSON: host: a; soapaction: \n1(<a>\n</a>)\nnone/1"},
		{"JSON, empty", `[{"soapaction":"x"},""]`, "# header fields without a start line, as JSON: soapaction: x; the body is empty"},
		{"nothing", "hello\nworld\n", `text: neither an HTTP start line ("POST /acs HTTP/1.1", "HTTP/1.1 200 OK") nor an XML envelope was found: unknown format`},
		{"empty", " \n", "text: empty input"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, _ := read(t, tt.text); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	if _, err := httptext.NewSource("x", strings.NewReader("")); !errors.Is(err, capture.ErrEmpty) {
		t.Error(err)
	}
	if _, err := httptext.NewSource("x", strings.NewReader("nothing")); !errors.Is(err, capture.ErrFormat) {
		t.Error(err)
	}
}

func TestSniff(t *testing.T) {
	for text, want := range map[string]bool{
		"POST / HTTP/1.1\r\n": true, "HTTP/1.1 200 OK\n": true, "\xef\xbb\xbf<?xml version='1.0'?>": true, "\n<soap:Envelope>": true,
		"log start\nsent: POST /x http/1.1\n": true, "": false, "hello world": false, "<!DOCTYPE html><html>": false,
		"\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\nPOST / HTTP/1.1\n": false, "{\"a\": \"HTTP/1.1\"}": false,
	} {
		if got := httptext.Sniff([]byte(text)); got != want {
			t.Errorf("%.30q: %v", text, got)
		}
	}
}

// TestCorpus reads the dumps and envelopes of the shared corpus.
func TestCorpus(t *testing.T) {
	dir := shared(t, "corpus")
	index, err := os.ReadFile(filepath.Join(dir, "INDEX.tsv"))
	if err != nil {
		t.Skip("no INDEX.tsv in the shared corpus")
	}
	files, heads, bare, rest := 0, 0, 0, 0
	for _, line := range strings.Split(string(index), "\n")[1:] {
		f := strings.Split(line, "\t")
		if len(f) < 6 || strings.Contains(f[5], "Python dicts") || !strings.Contains(f[5], "http") && !strings.Contains(f[5], "soap xml") && !strings.Contains(f[5], "raw HTTP") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, f[0]))
		if err != nil {
			t.Error(err)
			continue
		}
		files++
		if len(text) == 0 {
			continue
		}
		if !httptext.Sniff(text) {
			t.Logf("not known: %s (%s): %.60q", f[0], f[5], text)
			continue
		}
		told, ms := read(t, string(text))
		if len(ms) == 0 && !strings.Contains(told, "the body is empty") {
			t.Errorf("%s: %s", f[0], told)
		}
		for _, m := range ms {
			if m.Head > 0 {
				heads++
			} else {
				bare++
			}
			if m.Complete {
				continue
			}
			if testing.Verbose() && !strings.Contains(f[5], "AFL") {
				t.Logf("%s: incomplete: %.100q … %.60q", f[0], m.Raw, m.Raw[max(0, len(m.Raw)-60):])
			}
		}
		if strings.Contains(told, "rem(") {
			rest++
			t.Logf("%s: remainder: %.300s", f[0], told[strings.Index(told, "rem("):])
		}
	}
	t.Logf("%d files, %d HTTP messages, %d bare envelopes, %d with a remainder", files, heads, bare, rest)
}

// shared finds the folder of shared material, or skips.
func shared(t *testing.T, sub string) string {
	t.Helper()
	base := os.Getenv("INFORMANT_SHARED")
	if base == "" {
		base = filepath.Join("..", "..", "..", "shared")
	}
	dir := filepath.Join(base, sub)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("shared folder %s is missing", sub)
	}
	return dir
}

func FuzzTexts(f *testing.F) {
	f.Add("POST / HTTP/1.1\nContent-Length: 9\n\n<a>\n</a>\n---\nHTTP/1.1 200 OK\n\n<c>\n</c>\n")
	f.Add(env("Inform") + "\n" + env("InformResponse"))
	f.Add("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		httptext.Sniff([]byte(text))
		read(t, text)
	})
}
