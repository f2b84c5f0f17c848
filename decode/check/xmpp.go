package check

import (
	"encoding/xml"
	"slices"
	"strings"

	"informant/capture"
	"informant/decode/http1"
)

// stanzas is the checks of connection requests over XMPP (TR-069 Annex K), as far as
// they are seen in clear: mostly TLS begins before them.
var stanzas = []*Check{
	{
		ID: "CR-025", Title: "A connection request over XMPP is a get with a user name and a password, and is answered", Ref: "TR-069a6 Annex K", Severity: Error, Subject: OfConnectionRequest, stanza: true, Run: xmppForm,
		Doc: "One connectionRequest with one username and one password each; the CPE answers with a result or an error of the same id.",
	},
	{
		ID: "CR-026", Title: "A connection request over XMPP comes from whom the CPE allows", Ref: "TR-069a6 Annex K", Severity: Warning, Gates: SecretOrPolicy, Subject: OfConnectionRequest, stanza: true, Run: xmppFrom,
		Doc: "Judged where a profile of one's own gives ConnReqAllowedJabberIDs: 'allowed-jids:' with a list.",
	},
}

// xmppSpace is the namespace of connectionRequest.
const xmppSpace = "urn:broadband-forum-org:cwmp:xmppConnReq-1-0"

// iq is a stanza of Annex K, or an answer to one.
type iq struct {
	Type    string `xml:"type,attr"`
	ID      string `xml:"id,attr"`
	From    string `xml:"from,attr"`
	Request []struct {
		XMLName  xml.Name
		Username []string `xml:"username"`
		Password []string `xml:"password"`
	} `xml:"connectionRequest"`
}

// stanzaKey names a request that waits for its answer.
type stanzaKey struct {
	conn uint64
	id   string
}

// judgeStanza runs the checks of stanzas.
func (c *Checker) judgeStanza(e *http1.Event) {
	var x iq
	if e.Conn == nil || xml.Unmarshal([]byte(e.Bytes), &x) != nil {
		return
	}
	key := stanzaKey{e.Conn.ID, x.ID}
	asks := strings.Contains(e.Bytes, "connectionRequest") && (x.Type == "get" || x.Type == "set")
	if !asks {
		c.stanzas.remove(key)
		return
	}
	c.begin(c.aside([16]byte{}), nil, nil)
	c.pass.stanza, c.pass.allowed = &x, c.AllowedJIDs
	for _, k := range c.stanzaChecks {
		c.pass.Check = k
		k.Run(&c.pass)
	}
	c.giveStanza(e)
	c.stanzas.put(stanzaKey{key.conn, strings.Clone(x.ID)}, true)
}

func (c *Checker) giveStanza(e *http1.Event) {
	c.pass.stanza = nil
	for i := range c.pass.out {
		c.pass.out[i].At.Packet = e.Packet
	}
	c.out = append(c.out, c.pass.out...)
}

// unansweredStanzas judges what waits for an answer when its connection is over.
func (c *Checker) unansweredStanzas(e *http1.Event) {
	if c.stanzas.empty() || e.Conn == nil {
		return
	}
	var ids []string
	for key := range c.stanzas.keys() {
		if key.conn == e.Conn.ID {
			ids = append(ids, key.id)
			c.stanzas.remove(key)
		}
	}
	slices.Sort(ids)
	if e.Summary == nil || e.Summary.Lost != 0 || e.Summary.Midstream || e.End != capture.FIN {
		return
	}
	i := slices.IndexFunc(c.stanzaChecks, func(k *Check) bool { return k.ID == "CR-025" })
	if i < 0 {
		return
	}
	for _, id := range ids {
		c.begin(c.aside([16]byte{}), nil, nil)
		c.pass.Check = c.stanzaChecks[i]
		c.pass.report(CPE, nowhere, "The connection request over XMPP with the id %s was not answered", short(id))
		c.giveStanza(e)
	}
}

func xmppForm(p *Pass) {
	x := p.stanza
	switch {
	case x.Type != "get":
		p.report(ACS, nowhere, "The connection request over XMPP is of type %s", short(x.Type))
	case len(x.Request) != 1:
		p.report(ACS, nowhere, "The iq has %s", plural(len(x.Request), "connectionRequest"))
	case x.Request[0].XMLName.Space != xmppSpace:
		p.report(ACS, nowhere, "connectionRequest is in the namespace %s", quote(x.Request[0].XMLName.Space))
	case len(x.Request[0].Username) != 1 || len(x.Request[0].Password) != 1:
		p.report(ACS, nowhere, "connectionRequest has %s and %s", plural(len(x.Request[0].Username), "username"), plural(len(x.Request[0].Password), "password"))
	}
	if x.ID == "" {
		p.report(ACS, nowhere, "The connection request over XMPP has no id, by which it could be answered")
	}
}

func xmppFrom(p *Pass) {
	if len(p.allowed) == 0 {
		return
	}
	bare, _, _ := strings.Cut(p.stanza.From, "/")
	for _, jid := range p.allowed {
		if strings.EqualFold(jid, p.stanza.From) || strings.EqualFold(jid, bare) {
			return
		}
	}
	p.report(ACS, nowhere, "The connection request over XMPP comes from %s, which is none of the allowed", short(p.stanza.From))
}
