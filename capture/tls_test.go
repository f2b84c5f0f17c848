package capture_test

import (
	"reflect"
	"testing"

	"informant/capture"
)

func TestTLSText(t *testing.T) {
	for _, x := range []capture.TLS{
		{},
		{Leg: capture.ClientLeg, Version: 0x0303, Suite: 0xc02f, ALPN: "http/1.1", Resumed: true, Name: "acs.example", Offered: []uint16{0x0304, 0x0303}, Suites: []uint16{0x1301, 0, 5}},
		{Leg: capture.UpstreamLeg, Failed: "the server's certificate: \"x\"\nand more\x00", By: capture.Proxy, Alert: "bad certificate", Chain: [][]byte{{1, 2, 3}, {0xff}}, Verified: "no"},
	} {
		got, err := capture.ParseTLS(string(x.Append(nil)))
		if err != nil || !reflect.DeepEqual(*got, x) {
			t.Errorf("%+v became %+v (%v)", x, got, err)
		}
	}
	if got, err := capture.ParseTLS("later: x y z\nname: \"a\"\n"); err != nil || got.Name != "a" {
		t.Errorf("a later line: %+v, %v", got, err)
	}
	for _, bad := range []string{"name", "name: \"a\"", "name: a\n", "version: zz\n", "leg: none\n", "certificate: *\n"} {
		if _, err := capture.ParseTLS(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func FuzzParseTLS(f *testing.F) {
	f.Add("leg: client\nfailed: \"x\"\nby: proxy\nversion: 0303\nsuites: 0001 0002\ncertificate: AAAA\n")
	f.Fuzz(func(t *testing.T, text string) {
		x, err := capture.ParseTLS(text)
		if err != nil {
			return
		}
		again, err := capture.ParseTLS(string(x.Append(nil)))
		if err != nil || again.Failed != x.Failed || len(again.Chain) != len(x.Chain) || again.Leg != x.Leg {
			t.Errorf("%q: %+v became %+v (%v)", text, x, again, err)
		}
	})
}
