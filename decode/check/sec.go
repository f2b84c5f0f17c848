package check

import (
	"strings"

	"informant/decode/cwmp"
)

// security is the checks of what a session gives away.
var security = []*Check{
	{
		ID: "SEC-001", Title: "No Basic authentication over clear HTTP", Ref: "TR-069a6 3.4.4", Severity: Error, Gates: PlainHTTP | Transport, odd: basic, Run: basicInClear,
		Doc: "Without TLS, Digest is required: Basic gives the password to everybody on the path. It is told once per side.",
	},
	{
		ID: "SEC-002", Title: "Somebody authenticates over clear HTTP", Ref: "TR-069a6 3.4.4", Severity: Warning, Gates: WholeSession | PlainHTTP, Subject: OfSession, Run: nobodyAuthenticates,
		Doc: "The ACS took the session without a challenge and without credentials: anybody can be this device.",
	},
	{
		ID: "SEC-003", Title: "No secrets over clear HTTP", Ref: "TR-069a6 3.3", Severity: Warning, Gates: PlainHTTP | Transport, each: true, body: true, need: typed, odd: secretive, Run: secretInClear,
		Doc: "Passwords and keys are set over a connection that everybody on the path can read. Informant doesn't show their values. It is told once per message.",
	},
	{
		ID: "SEC-004", Title: "Secret parameters read back empty", Ref: "TR-181, TR-098: hidden parameters", Severity: Error, each: true, body: true, need: valued, odd: secretive, Run: secretReadBack,
		Doc: "Passwords and keys must be the empty string when they are read. A mask such as ******** is told as a warning. It is told once per message.",
	},
}

func basicInClear(p *Pass) {
	m := p.Message
	if p.toldOf(m.From.String()) {
		return
	}
	name := "Authorization"
	if m.From == cwmp.ACS {
		name = "WWW-Authenticate"
	}
	basic := false
	for i := range m.HTTP.Fields {
		x := &m.HTTP.Fields[i]
		if !x.Is(name) {
			continue
		}
		scheme, _, _ := strings.Cut(strings.TrimSpace(x.Value), " ")
		if !strings.EqualFold(scheme, "Basic") {
			return
		}
		basic = true
	}
	if basic && p.firstTime(m.From.String()) {
		what := "sends its credentials by Basic"
		if m.From == cwmp.ACS {
			what = "asks for Basic"
		}
		p.report(p.sender(), atField(m, name), "The %s %s over clear HTTP", upper(m.From), what)
	}
}

func nobodyAuthenticates(p *Pass) {
	for _, m := range p.f.units {
		if p.f.seen&(refused|credentials) == 0 && p.Session.TrimmedN == 0 {
			break
		}
		if m.Status == 401 || m.Trimmed || m.From == cwmp.CPE && authorized(m) {
			return
		}
	}
	for _, m := range p.Session.Messages {
		if m.RPC == "InformResponse" && m.From == cwmp.ACS {
			p.report(ACS, message(m), "The ACS accepts the session over clear HTTP without any authentication")
			return
		}
	}
}

func secretInClear(p *Pass) {
	m := p.Message
	n := 0
	first := ""
	var at *cwmp.Leaf
	note := func(name string, l *cwmp.Leaf) {
		if l.Value == "" {
			return
		}
		if n++; at == nil {
			first, at = name, l
		}
	}
	switch a := m.Args.(type) {
	case *cwmp.SetParameterValues:
		for i := range a.ParameterList.Items {
			if x := &a.ParameterList.Items[i]; cwmp.IsSecret(x.Name.Value) {
				note(x.Name.Value, &x.Value)
			}
		}
	case *cwmp.Download:
		note("Password", &a.Password)
	case *cwmp.ScheduleDownload:
		note("Password", &a.Password)
	case *cwmp.Upload:
		note("Password", &a.Password)
	}
	if at != nil {
		p.report(p.sender(), atLeaf(m, at), "%s sends the secret %s over clear HTTP%s", m.RPC, short(first), more(n))
	}
}

func secretReadBack(p *Pass) {
	m := p.Message
	if m.RPC != "GetParameterValuesResponse" && m.RPC != "Inform" {
		return
	}
	n := 0
	var worst *cwmp.ParameterValueStruct
	severity := Warning
	list := parameters(m)
	for i := range list {
		x := &list[i]
		v := strings.TrimSpace(x.Value.Value)
		if v == "" || !cwmp.IsSecret(x.Name.Value) || x.Value.Nested || boolean(v) {
			continue
		}
		n++
		masked := strings.Trim(v, "*") == "" || strings.Trim(v, "xX") == "" || strings.Trim(v, "•●") == ""
		if worst == nil || severity == Warning && !masked {
			worst = x
		}
		if !masked {
			severity = Error
		}
	}
	if worst == nil {
		return
	}
	what := "is not empty"
	if severity == Warning {
		what = "reads as a mask and not as the empty string"
	}
	p.reportAs(severity, CPE, atLeaf(m, &worst.Value), "The secret %s %s%s", short(worst.Name.Value), what, more(n))
}
