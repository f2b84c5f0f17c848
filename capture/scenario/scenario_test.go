package scenario

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"informant/capture"
)

// wire joins what each side of each connection sent.
func wire(t *testing.T, text string) (client, server []string, all []capture.Record) {
	t.Helper()
	src, err := NewSource("test", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for {
		r, err := src.Next()
		if err == io.EOF {
			return client, server, all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
		if r.Kind != capture.Data {
			continue
		}
		if r.From == capture.FromClient {
			client = append(client, string(r.Data))
		} else {
			server = append(server, string(r.Data))
		}
	}
}

const first = "informant scenario 1\n"

func TestSession(t *testing.T) {
	client, server, all := wire(t, first+`
# A periodic session.
cpe Inform events="2 PERIODIC|M Reboot=k1"
  param X.Y "a b" unsignedInt
acs InformResponse
cpe empty
acs GetParameterValues ParameterNames=[A.B,C.]
cpe GetParameterValuesResponse
acs 204
`)
	if len(client) != 3 || len(server) != 3 {
		t.Fatalf("%d messages by the CPE and %d by the ACS, want 3 and 3", len(client), len(server))
	}
	for _, want := range []string{
		"POST /acs HTTP/1.1\r\nHost: acs.example:7547\r\n", "Content-Type: text/xml; charset=utf-8\r\n", "SOAPAction:\r\n", `soap-env:mustUnderstand="1">1</cwmp:ID>`,
		`<Event soap-enc:arrayType="cwmp:EventStruct[2]">`, "<EventCode>M Reboot</EventCode>\n      <CommandKey>k1</CommandKey>", "<CurrentTime>2026-11-22T08:00:00Z</CurrentTime>",
		`<Value xsi:type="xsd:unsignedInt">a b</Value>`, `arrayType="cwmp:ParameterValueStruct[9]"`,
	} {
		if !strings.Contains(client[0], want) {
			t.Errorf("the Inform lacks %q", want)
		}
	}
	if strings.Contains(client[1], "SOAPAction") || !strings.Contains(client[1], "Cookie: session=s000140\r\n") || !strings.HasSuffix(client[1], "Content-Length: 0\r\n\r\n") {
		t.Errorf("empty POST:\n%s", client[1])
	}
	if !strings.Contains(client[2], ">a1</cwmp:ID>") {
		t.Error("the response doesn't carry the request's ID")
	}
	if !strings.Contains(server[1], `<ParameterNames soap-enc:arrayType="xsd:string[2]">`) || server[2] != "HTTP/1.1 204 No Content\r\n\r\n" {
		t.Errorf("the ACS said:\n%s", server[1:])
	}
	if k := all[0].Kind; k != capture.Open {
		t.Errorf("the first record is %v", k)
	}
	if last := all[len(all)-1]; last.Kind != capture.Close || !last.Both || last.Packet != uint64(len(all)) {
		t.Errorf("the last record is %+v", last)
	}
	for i := 1; i < len(all); i++ {
		if !all[i].Time.After(all[i-1].Time) {
			t.Errorf("record %d is not later than the one before it", i)
		}
	}
}

func TestChanges(t *testing.T) {
	tests := []struct {
		name, text string
		server     bool
		want, not  string
	}{
		{"header", "cpe empty\n header Host: x", false, "Host: x\r\n", "acs.example:"},
		{"second header", "cpe empty\n add-header Host: x", false, "Host: x\r\n", ""},
		{"no header", "cpe empty\n no-header Host", false, "", "Host:"},
		{"quoted header", `cpe empty` + "\n " + `header "A: \x00"`, false, "A: \x00\r\n", ""},
		{"start line", "cpe empty\n line POST /x HTTP/1.0", false, "POST /x HTTP/1.0\r\n", "HTTP/1.1"},
		{"replace", `cpe Inform` + "\n " + `replace "Gateway" "G"`, false, "<ProductClass>G<", ""},
		{"wire", `cpe empty` + "\n " + `wire "Length: 0" "Length: 1"`, false, "Content-Length: 1", ""},
		{"take away", "cpe Inform -RetryCount", false, "", "RetryCount"},
		{"deep", "cpe Inform DeviceId.OUI=00d09e", false, "<OUI>00d09e</OUI>", ""},
		{"block", "acs InformResponse\n block HoldRequests 1", true, `<cwmp:HoldRequests soap-env:mustUnderstand="1">1<`, ""},
		{"no id", "cpe Inform\n no-id", false, "", "soap-env:Header"},
		{"fault", "cpe Fault 9003\n sub A.B 9007", false, "<ParameterName>A.B</ParameterName>", ""},
		{"xml", "cpe xml\n | <a>\n |  <b/>", false, "\r\n\r\n<a>\n <b/>", ""},
		{"args by hand", "acs ChangeDUState\n | <Operations/>", true, "<cwmp:ChangeDUState>\n<Operations/>\n</cwmp:ChangeDUState>", ""},
		{"raw", `cpe raw "a\x00"`, false, "a\x00", "POST"},
		{"raw block", "acs raw\n | HTTP/1.1 200 OK\n |", true, "HTTP/1.1 200 OK\r\n", ""},
		{"chunked", "cpe Inform\n chunked 100", false, "\r\n\r\n64\r\n<?xml", "Content-Length"},
		{"status", "acs 302 http://b.example/", true, "HTTP/1.1 302 Found\r\nLocation: http://b.example/", ""},
		{"error body", "acs 400\n | no", true, "Content-Length: 2\r\n\r\nno", ""},
		{"namespace", "namespace cwmp-1-2\ncpe Inform", false, `"urn:dslforum-org:cwmp-1-2"`, "cwmp-1-0"},
		{"device", "device B serial=77 root=Device. auth=basic\ncpe Inform", false, "Device.RootDataModelVersion", "InternetGatewayDevice"},
		{"truncate", "cpe Inform\n truncate 8", false, "POST /ac", "POST /acs"},
		{"escape", `cpe Inform DeviceId.Manufacturer="a<&é"`, false, "a&lt;&amp;&#233;", "é"},
		{"resend", "cpe empty\ncpe resend", false, "POST /acs", ""},
		{"knock", "acs GET\ncpe 204", false, "GET /cr-5d1b HTTP/1.1\r\nHost: 192.0.2.7:7547", ""},
		{"file", "cpe GET http://f.example/a/b\nfiles 200\n | data", true, "\r\n\r\ndata", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, server, _ := wire(t, first+tt.text+"\n")
			got := strings.Join(client, "")
			if tt.server {
				got = strings.Join(server, "")
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("lacks %q:\n%s", tt.want, got)
			}
			if tt.not != "" && strings.Contains(got, tt.not) {
				t.Errorf("has %q:\n%s", tt.not, got)
			}
		})
	}
}

func TestConnections(t *testing.T) {
	_, _, all := wire(t, first+`
cpe Inform
lost cpe 10
close acs
wait 31s
cpe empty
reset cpe
connect midstream
cpe empty
cut
`)
	var got []string
	for _, r := range all {
		switch r.Kind {
		case capture.Open:
			got = append(got, "open")
			if r.Midstream {
				got = append(got, "midstream")
			}
		case capture.Gap:
			got = append(got, "gap")
		case capture.Close:
			got = append(got, r.End.String()+" by "+r.From.String())
		}
	}
	want := "open gap closed by server closed by client open reset by client open midstream end of input by client"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	if d := all[len(all)-1].Time.Sub(begin); d < 31*time.Second {
		t.Errorf("all took %v, want more than 31s", d)
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		text, want string
		line       int
	}{
		{"informant\n", "first line", 1},
		{first + " header a: b", "statement above", 2},
		{first + "\njump", "unknown statement", 3},
		{first + "cpe", "sends nothing", 2},
		{first + "cpe Inform x", "no name=value", 2},
		{first + `cpe Inform "x`, "not closed", 2},
		{first + "cpe Inform\n  jump", "unknown change", 3},
		{first + "cpe Inform\n  no-header X", "no header X", 3},
		{first + "cpe Inform -X", "no argument X", 2},
		{first + "cpe Inform\n" + `  replace "zzz" ""`, "to replace", 3},
		{first + "cpe 200", "no connection", 2},
		{first + "close cpe", "no connection", 2},
		{first + "wait x", "duration", 2},
		{first + "cut\ncpe empty", "after cut", 3},
		{first + "cpe resend", "sent nothing", 2},
		{first + "acs SetParameterValues\n  param A", "param needs", 3},
		{first + "acs GetParameterValues ParameterNames=[a", "not closed", 2},
	}
	for _, tt := range tests {
		_, err := NewSource("t", strings.NewReader(tt.text))
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, capture.ErrFormat) {
			t.Errorf("%q: error %v", tt.text, err)
			continue
		}
		if e.Line != tt.line || !strings.Contains(e.Text, tt.want) {
			t.Errorf("%q: %v, want line %d and %q", tt.text, err, tt.line, tt.want)
		}
	}
	if _, err := NewSource("t", strings.NewReader("")); !errors.Is(err, capture.ErrEmpty) {
		t.Errorf("nothing at all: %v", err)
	}
}

func TestSniff(t *testing.T) {
	if !Sniff([]byte(first)) || Sniff([]byte("POST / HTTP/1.1")) {
		t.Error("Sniff doesn't tell scenarios")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("cpe Inform events=\"2 PERIODIC\"\n  param a b\n  chunked 3\nacs InformResponse\ncpe empty\nacs 204")
	f.Add("device B via=\ncpe raw \"\\x00\"\nacs GET\ncpe 401\nlost acs 5\nreset acs\ncut")
	f.Add("acs Fault 8005\n  sub a 9\n  replace \"a\" \"b\"\n | x")
	f.Fuzz(func(t *testing.T, text string) {
		records, err := Parse("f", first+text)
		if err != nil && !errors.Is(err, capture.ErrFormat) {
			t.Errorf("error %v", err)
		}
		for i, r := range records {
			if r.Conn == nil || r.Packet != uint64(i+1) {
				t.Errorf("record %d: %+v", i, r)
			}
		}
	})
}
