package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"informant/capture"
)

// exchangeOf is a capture of one connection: what the client and then the
// server sent.
func exchangeOf(client, server string) []byte {
	c := &capture.Conn{ID: 1, Client: netip.MustParseAddrPort("192.0.2.7:41000"), Server: netip.MustParseAddrPort("192.0.2.1:7547")}
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	rs := []capture.Record{{Conn: c, Kind: capture.Open, Time: at}, {Conn: c, Kind: capture.Data, Data: []byte(client), Time: at}}
	if server != "" {
		rs = append(rs, capture.Record{Conn: c, Kind: capture.Data, From: capture.FromServer, Data: []byte(server), Time: at})
	}
	return asPcap(append(rs, capture.Record{Conn: c, Kind: capture.Close, Both: true, Time: at}))
}

func post(length int, body string) string {
	return fmt.Sprintf("POST /acs HTTP/1.1\r\nHost: acs\r\nContent-Type: text/xml\r\nSOAPAction:\r\nContent-Length: %d\r\n\r\n%s", length, body)
}

// TestHostile: input that is made to hurt ends in time, in bounded memory, with
// a word about what it is, and whatever can be read is told.
func TestHostile(t *testing.T) {
	const envelope = `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:cwmp="urn:dslforum-org:cwmp-1-0"><soap:Body>`
	deep := envelope + strings.Repeat("<a>", 100000)
	line := envelope + "<cwmp:GetParameterValuesResponse><ParameterList>" +
		strings.Repeat(`<ParameterValueStruct><Name>Device.A.B</Name><Value xsi:type="xsd:boolean">x</Value></ParameterValueStruct>`, 100000) +
		"</ParameterList></cwmp:GetParameterValuesResponse></soap:Body></soap:Envelope>"
	for _, c := range []struct {
		name   string
		file   []byte
		code   int
		stdout string
	}{
		{"a body of 1 GB of which 10 bytes came", exchangeOf(post(1_000_000_000, "<soap:Enve"), ""), exitOK, "10 of 1,000,000,000 bytes"},
		{"100,000 elements in each other", exchangeOf(post(len(deep), deep), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), exitOK, "1 fragment"},
		{"a header line without end", exchangeOf("POST /acs HTTP/1.1\r\nHost: acs\r\nX: "+strings.Repeat("a", 8<<20), ""), exitOK, ""},
		{"the same as a dump", []byte("POST /acs HTTP/1.1\r\nHost: acs\r\nX: " + strings.Repeat("a", 8<<20)), exitOK, ""},
		{"zeros on a connection", exchangeOf(strings.Repeat("\x00", 8<<20), ""), exitOK, "not HTTP"},
		{"zeros after a session's start", exchangeOf(post(0, "")+strings.Repeat("\x00", 4<<20), ""), exitOK, ""},
		{"zeros after a capture's header", append(exchangeOf("", "")[:24], make([]byte, 64<<20)...), exitOK, "0 sessions"},
		{"100,000 values in one line, all wrong", exchangeOf(post(len(line), line), ""), exitOK, "1 fragment"},
		{"the same line as a dump", []byte(post(len(line), line)), exitOK, "1 fragment"},
		{"8 million lines that are no markup, as a dump", []byte(post(8<<20, "<a"+strings.Repeat("\n", 8<<20))), exitOK, ""},
		{"deep nesting as a dump", []byte(deep), exitOK, "1 fragment"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "in")
			if err := os.WriteFile(file, c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, form := range [][]string{{"decode"}, {"decode", "-vv"}, {"decode", "-o", "json", "--all"}, {"check", "-o", "sarif", "--fail-on", "never"}} {
				var stdout, stderr strings.Builder
				code := run(t.Context(), append(form, file), strings.NewReader(""), &stdout, &stderr)
				if code != c.code && code != exitIncomplete {
					t.Errorf("%v: exit code %d: %s", form, code, stderr.String())
				}
				if len(form) == 1 && !strings.Contains(strings.Join(strings.Fields(stdout.String()), " "), c.stdout) {
					t.Errorf("%v does not say %q:\n%.2000s\n%s", form, c.stdout, stdout.String(), stderr.String())
				}
			}
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			if m.HeapAlloc > 200<<20 {
				t.Errorf("%d MB are still held", m.HeapAlloc>>20)
			}
		})
	}
}
