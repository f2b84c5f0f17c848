package replay

import (
	"strings"
	"testing"

	"informant/decode/cwmp"
)

// FuzzAnswer: whatever an ACS asks, a model answers it, or says that it can't; what it
// answers is an envelope that reads back.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{"<c:GetParameterValues><ParameterNames><string>A.</string></ParameterNames></c:GetParameterValues>",
		"<c:GetParameterNames><ParameterPath>A.B.1.</ParameterPath><NextLevel>1</NextLevel></c:GetParameterNames>",
		"<c:AddObject><ObjectName>A.B.</ObjectName><ParameterKey>k</ParameterKey></c:AddObject>", "<c:DeleteObject><ObjectName>A.B.1.</ObjectName></c:DeleteObject>",
		"<c:DeleteObject><ObjectName>.</ObjectName></c:DeleteObject>", "<c:DeleteObject><ObjectName></ObjectName></c:DeleteObject>", "<c:AddObject><ObjectName>.</ObjectName></c:AddObject>",
		"<c:SetParameterValues><ParameterList><ParameterValueStruct><Name>A.B.1.C</Name><Value>1</Value></ParameterValueStruct></ParameterList></c:SetParameterValues>",
		"<c:SetParameterAttributes><ParameterList><SetParameterAttributesStruct><Name>A.</Name><Notification>2</Notification></SetParameterAttributesStruct></ParameterList></c:SetParameterAttributes>",
		"<c:GetRPCMethods/>"} {
		f.Add(body)
	}
	yes := true
	f.Fuzz(func(t *testing.T, body string) {
		text := `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:c="urn:dslforum-org:cwmp-1-0"><e:Body>` + body + `</e:Body></e:Envelope>`
		_, messages := cwmp.Parse(text, "text/xml")
		m := Learn()
		m.Root = "A."
		*m.parameter("A.B.1.C") = Parameter{Value: "1", Type: "int", Writable: &yes}
		m.parameter("A.B.1.D")
		m.Objects["A.B."] = &yes
		for _, ask := range messages {
			args, failed, known := m.answer(ask)
			m.touched(ask)
			key(ask)
			text := ""
			switch {
			case failed != nil:
				text = fault("urn:dslforum-org:cwmp-1-0", ask.ID, "Client", failed)
			case known:
				text = render("urn:dslforum-org:cwmp-1-0", ask.ID, ask.RPC+"Response", args)
			default:
				continue
			}
			if _, back := cwmp.Parse(text, "text/xml"); len(back) != 1 {
				t.Fatalf("%d messages are read of\n%s", len(back), text)
			}
		}
		for _, name := range m.Names() {
			if name == "" {
				t.Fatal("there is a parameter without a name")
			}
		}
	})
}

// FuzzIdentity: a serial number that is put in the place of another one can be put
// back, and what is in tags is left alone.
func FuzzIdentity(f *testing.F) {
	f.Add("<a>S1</a><S1>S10 S1 xS1</S1>", "S1", "LAB1")
	f.Fuzz(func(t *testing.T, text, old, now string) {
		if strings.TrimSpace(old) != old || old == "" || now == "" || strings.Contains(text, now) || strings.Contains(old, now) || strings.Contains(now, old) || !word(old) || !word(now) || strings.ContainsAny(text, "&") {
			t.Skip()
		}
		d := cwmp.DeviceID{SerialNumber: old}
		there := Identity{Serial: now}.In(d, text)
		back := Identity{Serial: old}.In(cwmp.DeviceID{SerialNumber: now}, there)
		if back != text {
			t.Errorf("%q became %q and then %q", text, there, back)
		}
	})
}

func word(s string) bool {
	for i := range len(s) {
		if !wordly(s[i]) || s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// TestChallenges: what a server may send as a challenge doesn't end the program.
func TestChallenges(t *testing.T) {
	for _, text := range []string{"", "Digest", "Digest realm", `Digest realm="x"`, `Digest nonce="", algorithm=FOO`, "Basic", "basic realm=x", `Digest realm="x", nonce="y", qop="auth,auth-int", algorithm=MD5-sess`, strings.Repeat("Digest a=b,", 10000)} {
		l := loggedIn{Login: Login{"u", "p"}}
		if l.asked([]string{text}) == nil {
			if _, err := l.answer("POST", "/", "body"); err != nil {
				t.Errorf("%.40q: %v", text, err)
			}
		}
		NewGuard(Login{"u", "p"}, "MD5").Admits(text, "POST", "/", "")
	}
}
