package transcript_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"

	"informant/capture"
	"informant/decode"
	"informant/decode/cwmp"
	"informant/decode/http1"
	"informant/decode/transcript"
)

// lexical undoes how a leaf is written.
func lexical(t *testing.T, v any) string {
	t.Helper()
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		if s, ok := v["valueBase64"].(string); ok {
			b, err := base64.StdEncoding.DecodeString(s)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
	}
	t.Fatalf("no leaf: %v", v)
	return ""
}

// call is an item of one message.
func call(from cwmp.Role, rpc string, args cwmp.Struct) decode.Item {
	m := &cwmp.Message{N: 1, Exchange: 1, From: from, RPC: rpc, Args: args}
	if strings.HasSuffix(rpc, "Response") {
		m.Kind = cwmp.Response
	}
	return decode.Item{Session: &cwmp.Session{Ordinal: 1, Messages: []*cwmp.Message{m}, EffectiveVersion: -1}}
}

func leaf(v string) cwmp.Leaf { return cwmp.Leaf{Value: v, Present: true} }

// many is a GetParameterValuesResponse with n parameters.
func many(n int) decode.Item {
	r := &cwmp.GetParameterValuesResponse{}
	r.ParameterList.Present = true
	for i := range n {
		v := leaf(fmt.Sprintf("value of the parameter %d", i))
		v.XSIType = "xsd:string"
		r.ParameterList.Items = append(r.ParameterList.Items, cwmp.ParameterValueStruct{Name: leaf(fmt.Sprintf("InternetGatewayDevice.LANDevice.1.Hosts.Host.%d.HostName", i)), Value: v})
	}
	return call(cwmp.CPE, "GetParameterValuesResponse", r)
}

// TestManyParameters: a message of 15,000 parameters stays readable, and says
// how to see the rest.
func TestManyParameters(t *testing.T) {
	short := string((&transcript.Text{}).Append(nil, many(15000)))
	if n := strings.Count(short, "\n"); n > 30 {
		t.Errorf("%d lines", n)
	}
	if !strings.Contains(short, "… 14,990 more parameters (-v shows them)") {
		t.Errorf("it does not say how many more:\n%s", short)
	}
	long := string((&transcript.Text{Verbose: 1}).Append(nil, many(15000)))
	if n := strings.Count(long, "HostName"); n != 15000 {
		t.Errorf("-v shows %d parameters", n)
	}
	if n := strings.Count(string((&transcript.JSON{}).Append(nil, many(15000))), `"name":`); n != 15000 {
		t.Errorf("JSON shows %d parameters", n)
	}
}

// TestWidth: no line of a transcript is wider than asked for, but for names that
// are, and values that -v shows whole.
func TestWidth(t *testing.T) {
	for _, width := range []int{80, 100, 200} {
		text := string((&transcript.Text{Width: width}).Append(nil, many(15000)))
		for _, l := range strings.Split(text, "\n") {
			if n := len([]rune(l)); n > width {
				t.Errorf("%d columns of %d: %s", n, width, l)
			}
		}
	}
}

// TestSecrets: each secret is shown with ShowSecrets and at no other time, in
// any form.
func TestSecrets(t *testing.T) {
	const secret = "s3cr3tvalue"
	params := &cwmp.SetParameterValues{}
	params.ParameterList.Present = true
	for _, name := range []string{
		"InternetGatewayDevice.ManagementServer.Password",
		"InternetGatewayDevice.ManagementServer.ConnectionRequestPassword",
		"InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.KeyPassphrase",
		"Device.WiFi.AccessPoint.1.Security.KeyPassphrase",
		"Device.PPP.Interface.1.Password",
		"Device.Services.VoiceService.1.VoiceProfile.1.Line.1.SIP.SIPAuthPass",
	} {
		params.ParameterList.Items = append(params.ParameterList.Items, cwmp.ParameterValueStruct{Name: leaf(name), Value: leaf(secret)})
	}
	download := &cwmp.Download{CommandKey: leaf("k"), URL: leaf("http://me:" + secret + "@files.example/x"), Username: leaf(secret), Password: leaf(secret)}
	operations := &cwmp.ChangeDUState{}
	operations.Operations.Items = []cwmp.OperationStruct{{Kind: "InstallOpStruct", URL: leaf("ftp://me:" + secret + "@files.example/x"), Username: leaf(secret), Password: leaf(secret)}}
	raw := func(head, body string) decode.Item {
		it := call(cwmp.CPE, "Inform", nil)
		it.Session.URL = "http://me:" + secret + "@acs.example/"
		it.Session.Messages[0].HTTP = &http1.Message{Conn: &capture.Conn{}, Method: "POST", Raw: head + body, Head: len(head), Body: body, Declared: -1, Complete: true}
		return it
	}
	for name, it := range map[string]decode.Item{
		"parameters":   call(cwmp.ACS, "SetParameterValues", params),
		"download":     call(cwmp.ACS, "Download", download),
		"operations":   call(cwmp.ACS, "ChangeDUState", operations),
		"basic":        raw("POST / HTTP/1.1\r\nAuthorization: Basic "+secret+"\r\nauthorization:Basic\r\n "+secret+"\r\n\r\n", ""),
		"digest":       raw("POST / HTTP/1.1\r\nAuthorization: Digest username=\"x\", realm=\"acs\", response=\""+secret+"\", uri=\"/\"\r\n\r\n", ""),
		"bareDigest":   raw("POST / HTTP/1.1\nProxy-Authorization: Digest realm=acs,response="+secret+"\n\n", ""),
		"cookie":       raw("POST / HTTP/1.1\r\nCookie: a="+secret+"; b="+secret+"\r\nSet-Cookie: sid="+secret+"; Path=/\r\n\r\n", ""),
		"own fields":   raw("POST / HTTP/1.1\r\nX-Auth-Token: "+secret+"\r\nApi-Key: two "+secret+"\r\nX-Password:"+secret+"\r\nX-Forwarded-Authorization: Basic "+secret+"\r\nX-App-Cookie: a="+secret+"\r\nx-client-secret: "+secret+"\r\n\r\n", ""),
		"target":       raw("GET http://me:"+secret+"@acs.example/ HTTP/1.1\r\n\r\n", ""),
		"body":         raw("POST / HTTP/1.1\r\n\r\n", "<a><Password>"+secret+"</Password><c:Username x='y'>"+secret+"</c:Username></a>"),
		"parameter":    raw("POST / HTTP/1.1\r\n\r\n", "<ParameterValueStruct><Name>Device.ManagementServer.Password</Name><Value xsi:type=\"xsd:string\">"+secret+"</Value></ParameterValueStruct>"),
		"cdata":        raw("POST / HTTP/1.1\r\n\r\n", "<Name><![CDATA[Device.ManagementServer.Password]]></Name><Value><![CDATA["+secret+"]]></Value>"),
		"cut":          raw("POST / HTTP/1.1\r\n\r\n", "<Name>Device.ManagementServer.Password</Name>\n<Value>"+secret),
		"undecoded":    {Kind: decode.UndecodedItem, Bytes: []byte("Authorization: Basic " + secret + "\r\n\r\n<Password>" + secret + "</Password>")},
		"remainder":    {Kind: decode.RemainderItem, Connection: &http1.Event{Bytes: "Authorization: Basic " + secret}},
		"aside":        asideItem("xyzzy\r\nAuthorization: Basic " + secret + "\r\nCookie: a=" + secret + "\r\n<Password>" + secret + "</Password>"),
		"half a field": asideItem("orization: Basic " + secret + "\r\n"),
		"half a value": asideItem("et " + secret + "</Value></ParameterValueStruct>"),
		"half a leaf":  asideItem(secret + "</cwmp:Password>"),
		"unreadable":   unreadableItem("<Password>" + secret + "</Password>"),
		"transfer":     {Kind: decode.TransferItem, Transfer: &cwmp.Transfer{Method: "GET", URL: "http://me:" + secret + "@files.example/x"}},
		"otherRequest": {Kind: decode.OtherItem, Other: &http1.Exchange{Request: raw("GET http://me:"+secret+"@x/ HTTP/1.1\r\nCookie: "+secret+"\r\n\r\n", "").Session.Messages[0].HTTP}},
	} {
		for form, appendTo := range map[string]func(bool) []byte{
			"text": func(s bool) []byte { return (&transcript.Text{ShowSecrets: s, All: true}).Append(nil, it) },
			"v":    func(s bool) []byte { return (&transcript.Text{ShowSecrets: s, All: true, Verbose: 1}).Append(nil, it) },
			"vv":   func(s bool) []byte { return (&transcript.Text{ShowSecrets: s, All: true, Verbose: 2}).Append(nil, it) },
			"json": func(s bool) []byte { return (&transcript.JSON{ShowSecrets: s, All: true}).Append(nil, it) },
		} {
			if out := appendTo(false); bytes.Contains(out, []byte(secret)) {
				t.Errorf("%s tells the secret of %s:\n%s", form, name, out)
			}
		}
		if out := (&transcript.Text{ShowSecrets: true, All: true, Verbose: 2}).Append(nil, it); !bytes.Contains(out, []byte(secret)) {
			t.Errorf("the secret of %s is masked though all is to be shown:\n%s", name, out)
		}
	}
}

func asideItem(data string) decode.Item {
	it := call(cwmp.CPE, "Inform", nil)
	it.Session.Asides = []cwmp.Aside{{After: 1, Bytes: data, Size: int64(len(data))}}
	return it
}

// TestEchoes: a FaultString that repeats the secret it refuses doesn't tell it,
// in any form, and tells the rest.
func TestEchoes(t *testing.T) {
	const secret = "s3cr<et&val"
	set := &cwmp.SetParameterValues{}
	set.ParameterList.Items = []cwmp.ParameterValueStruct{{Name: leaf("Device.ManagementServer.Password"), Value: leaf(secret)}, {Name: leaf("Device.X"), Value: leaf("open")}}
	body := "<Fault><faultstring>Client</faultstring><FaultString>no \"s3cr&lt;et&amp;val\" here</FaultString></Fault>"
	said := leaf("bad value " + secret + " refused")
	fault := &cwmp.Message{N: 2, Exchange: 1, Kind: cwmp.Fault, RPC: "Fault", HTTP: &http1.Message{Conn: &capture.Conn{}, Method: "POST", Raw: body, Body: body, Declared: -1, Complete: true},
		Fault: &cwmp.FaultDetail{HasCWMP: true, Code: leaf("9003"), String: said, SOAPString: said,
			Parameters: []cwmp.SetParameterValuesFault{{ParameterName: leaf("Device.ManagementServer.Password"), FaultCode: leaf("9007"), FaultString: said},
				{ParameterName: leaf("Device.X"), FaultCode: leaf("9007"), FaultString: leaf("open is refused")}}}}
	done := &cwmp.TransferComplete{}
	done.FaultStruct.Present, done.FaultStruct.FaultCode, done.FaultStruct.FaultString = true, leaf("9012"), said
	it := call(cwmp.ACS, "SetParameterValues", set)
	s := it.Session
	s.Messages = append(s.Messages, fault, &cwmp.Message{N: 3, Exchange: 2, RPC: "TransferComplete", Args: done})
	s.Transactions = []*cwmp.Transaction{{Caller: cwmp.ACS, Request: s.Messages[0], Response: fault}}
	tell := func(secrets bool) (all []string) {
		for verbose := range 3 {
			all = append(all, string((&transcript.Text{Width: 200, Verbose: verbose, ShowSecrets: secrets}).Append(nil, it)))
		}
		line := (&transcript.JSON{ShowSecrets: secrets}).Append(nil, it)
		valid(t, schema(t), line)
		return append(all, string(line))
	}
	for _, out := range tell(false) {
		if strings.Contains(out, "s3cr") || !strings.Contains(out, "bad value ●●●●●●●● refused") || !strings.Contains(out, "open is refused") {
			t.Error(out)
		}
	}
	for _, out := range tell(true) {
		if !strings.Contains(out, "bad value "+secret+" refused") {
			t.Error(out)
		}
	}
	s.Messages[0].Args, s.Messages[0].Trimmed, s.TrimmedN = nil, true, 1
	for _, out := range tell(false) {
		if !strings.Contains(out, "open is refused") || strings.Contains(out, "9007 Invalid parameter value \"bad value") {
			t.Error(out)
		}
	}
}

// TestAsides: an aside is told where it came, and of a large one the beginning
// and the size.
func TestAsides(t *testing.T) {
	it := asideItem(strings.Repeat("ä", 40000)[1:])
	it.Session.Asides = append([]cwmp.Aside{{From: cwmp.ACS, Lost: 7}}, it.Session.Asides...)
	text := string((&transcript.Text{}).Append(nil, it))
	gap, inform, rest := strings.Index(text, "(7 bytes missing)"), strings.Index(text, "Inform"), strings.Index(text, "(79,999 bytes that are no HTTP)")
	if gap < 0 || inform < gap || rest < inform {
		t.Errorf("not in order:\n%s", text)
	}
	for _, l := range strings.Split(text, "\n") {
		if n := len([]rune(l)); n > transcript.DefaultWidth {
			t.Errorf("%d columns: %s", n, l)
		}
	}
	if !strings.Contains(text, "… (-v shows more)\n") {
		t.Errorf("it does not say that there is more:\n%s", text)
	}
	out := (&transcript.JSON{}).Append(nil, it)
	valid(t, schema(t), out)
	if !bytes.Contains(out, []byte(`"asides":[{"after":0,"from":"acs","lost":7},{"after":1,"from":"cpe","bytes":79999,"dataBase64":"`)) || len(out) > 3000 {
		t.Errorf("%d bytes: %s", len(out), out)
	}
}

func unreadableItem(body string) decode.Item {
	it := call(cwmp.CPE, "", nil)
	m := it.Session.Messages[0]
	m.Kind = cwmp.Unreadable
	m.HTTP = &http1.Message{Conn: &capture.Conn{}, Raw: body, Body: body, Declared: -1, Complete: true}
	return it
}

// TestEmptySecret: that a password is empty is no secret.
func TestEmptySecret(t *testing.T) {
	r := &cwmp.GetParameterValuesResponse{}
	r.ParameterList.Present = true
	r.ParameterList.Items = []cwmp.ParameterValueStruct{{Name: leaf("Device.ManagementServer.Password"), Value: leaf("")}}
	out := string((&transcript.JSON{}).Append(nil, call(cwmp.CPE, "GetParameterValuesResponse", r)))
	if !strings.Contains(out, `{"name":"Device.ManagementServer.Password","value":""}`) {
		t.Error(out)
	}
}

// TestPackets: of more than 64 packets the first ones and the last are listed.
func TestPackets(t *testing.T) {
	it := call(cwmp.CPE, "Inform", nil)
	h := &http1.Message{Conn: &capture.Conn{}, Complete: true}
	for i := range 100 {
		h.Pieces = append(h.Pieces, http1.Piece{Packet: uint64(i/2 + 1)}, http1.Piece{Packet: uint64(i/2 + 1)})
	}
	it.Session.Messages[0].HTTP = h
	out := string((&transcript.JSON{}).Append(nil, it))
	if !strings.Contains(out, "48,49,50]") || strings.Contains(out, "packetCount") {
		t.Error(out)
	}
	for i := range 100 {
		h.Pieces = append(h.Pieces, http1.Piece{Packet: uint64(1000 + i)})
	}
	out = string((&transcript.JSON{}).Append(nil, it))
	if !strings.Contains(out, `1012,1099],"packetCount":150`) {
		t.Error(out)
	}
}

func BenchmarkJSON(b *testing.B) {
	it := many(15000)
	j := transcript.JSON{W: io.Discard}
	b.SetBytes(int64(len(j.Append(nil, it))))
	for b.Loop() {
		_ = j.Put(it)
	}
}

func BenchmarkText(b *testing.B) {
	it := many(15000)
	t := transcript.Text{W: io.Discard, Verbose: 1}
	b.SetBytes(int64(len(t.Append(nil, it))))
	for b.Loop() {
		_ = t.Put(it)
	}
}
