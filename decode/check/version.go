package check

import (
	"strings"

	"informant/decode/cwmp"
)

// versions is the checks of the CWMP version and its negotiation.
var versions = []*Check{
	{
		ID: "VER-001", Title: "All envelopes are in the namespace that was negotiated", Ref: "TR-069a6 3.7.4", Severity: Error, Gates: WholeSession, Subject: OfSession, course: mixedSpace, Run: oneNamespace,
		Doc: "After the InformResponse both sides speak one version. A peer that checks the namespace refuses what comes in another. It is told once per side.",
	},
	{
		ID: "VER-002", Title: "The namespace is cwmp-1-0, cwmp-1-1 or cwmp-1-2", Ref: "TR-069a6 3.7.4, cwmp-1-4.xsd", Severity: Warning, Field: true, each: true, body: true, need: anEnvelope, odd: oddSpace, Run: realNamespace,
		Doc: "CWMP 1.3 and 1.4 kept the namespace of 1.2: cwmp-1-3 and cwmp-1-4 don't exist, and some peers refuse them as an unknown version. It is told once per side.",
	},
	{
		ID: "VER-005", Title: "UseCWMPVersion is one of the versions that were offered", Ref: "TR-069a6 3.7.4", Severity: Error, Gates: Counterpart, each: true, body: true, need: headed, Run: offered,
		Doc: "The ACS picks from the Inform's SupportedCWMPVersions. Without that list, it has nothing to pick from.",
	},
	{
		ID: "VER-007", Title: "InformResponse is in the Inform's namespace or an older one", Ref: "TR-069a6 3.7.4", Severity: Warning, Gates: Counterpart, each: true, body: true, need: anAnswer, odd: oddID, Run: newerAnswer,
		Doc: "The CPE offers its newest version; an answer in a newer one is one that it cannot know.",
	},
}

// spoken is the version that a namespace stands for: nothing above 1.2 has one
// of its own.
func spoken(space string) int { return min(cwmp.Version(space), 2) }

func oneNamespace(p *Pass) {
	agreed, from := -1, -1
	for i, m := range p.Session.Messages {
		v := spoken(m.Method.Space)
		switch {
		case isInform(m) && v >= 0:
			agreed = v
		case m.RPC == "InformResponse" && v >= 0 && agreed >= 0:
			agreed, from = min(agreed, v), i
		}
		if from >= 0 {
			break
		}
	}
	if from < 0 {
		return
	}
	if b := p.Session.Messages[from].Header.UseCWMPVersion; b != nil && len(b.Value) == 3 && b.Value[0:2] == "1." && b.Value[2] >= '0' && b.Value[2] <= '9' {
		agreed = min(int(b.Value[2]-'0'), 2)
	}
	told := [2]bool{}
	for _, m := range p.Session.Messages[from:] {
		v := spoken(m.Method.Space)
		if m.RPC == "InformResponse" || m.Kind == cwmp.Fault || v < 0 || v == agreed || m.From > cwmp.ACS || told[m.From] {
			continue
		}
		told[m.From] = true
		p.report(by(m.From), atMethod(m), "%s is in %s, though cwmp-1-%d was negotiated", short(m.RPC), short(m.Method.Space), agreed)
	}
}

func realNamespace(p *Pass) {
	m := p.Message
	if !isRequest(m) && m.Kind != cwmp.Response {
		return
	}
	if v := cwmp.Version(m.Method.Space); cwmpLike(m.Method.Space) && (v < 0 || v > 2) && p.firstTime(m.From.String()) {
		p.report(p.sender(), atMethod(m), "%s is in %s, which no CWMP standard has", short(m.RPC), short(m.Method.Space))
	}
}

// informOf is the Inform that an InformResponse answers.
func (p *Pass) informOf() *cwmp.Message {
	if p.Message.RPC != "InformResponse" || p.Message.From != cwmp.ACS {
		return nil
	}
	if t := p.transaction(); t != nil && isInform(t.Request) {
		return t.Request
	}
	return nil
}

func offered(p *Pass) {
	in, use := p.informOf(), p.Message.Header.UseCWMPVersion
	if in == nil || use == nil || in.Trimmed {
		return
	}
	list := in.Header.SupportedCWMPVersions
	if list == nil {
		p.reportWith(Error, ACS, atBlock(p.Message, use), []*cwmp.Message{in}, "UseCWMPVersion is %s, but the Inform offered no versions", quote(use.Value))
		return
	}
	for _, v := range strings.Split(list.Value, ",") {
		if strings.TrimSpace(v) == strings.TrimSpace(use.Value) {
			return
		}
	}
	p.reportWith(Error, ACS, atBlock(p.Message, use), []*cwmp.Message{in}, "UseCWMPVersion is %s, but the Inform offered %s", quote(use.Value), quote(list.Value))
}

func newerAnswer(p *Pass) {
	in := p.informOf()
	if in == nil {
		return
	}
	if asked, got := spoken(in.Method.Space), spoken(p.Message.Method.Space); asked >= 0 && got > asked {
		p.reportWith(Warning, ACS, atMethod(p.Message), []*cwmp.Message{in}, "The Inform is in cwmp-1-%d, its answer in cwmp-1-%d", asked, got)
	}
}
