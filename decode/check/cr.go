package check

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"informant/decode/cwmp"
	"informant/decode/http1"
)

// connectionRequests is the checks of the ACS calling a CPE over HTTP, and of the
// CPE's answer.
var connectionRequests = []*Check{
	{
		ID: "CR-001", Title: "A connection request is a GET of HTTP/1.1 without a body", Ref: "TR-069a6 3.2.2", Severity: Error, Subject: OfConnectionRequest, Run: callForm,
		Doc: "Nothing is told by it but that the CPE should call.",
	},
	{
		ID: "CR-002", Title: "The CPE challenges with Digest", Ref: "TR-069a6 3.2.2", Severity: Error, Subject: OfConnectionRequest, Run: callChallenge,
		Doc: "A 401 carries a WWW-Authenticate for Digest: Basic would give the password to everybody on the path.",
	},
	{
		ID: "CR-003", Title: "The CPE doesn't act on a request without credentials", Ref: "TR-069a6 3.2.2", Severity: Error, Subject: OfConnectionRequest, Run: callOpen,
		Doc: "Anybody could make all devices call their ACS at once.",
	},
	{
		ID: "CR-004", Title: "The answer is 200 or 204, and has no body", Ref: "TR-069a6 3.2.2", Severity: Error, Subject: OfConnectionRequest, Run: callAnswer,
		Doc: "A 401 asks for credentials, a 503 says that the CPE can't call now; whatever else is no answer to a connection request.",
	},
	{
		ID: "CR-006", Title: "A session begins within 30 s of the connection request", Ref: "TR-069a6 3.2.2", Severity: Error, Gates: GoodClock, Subject: OfConnectionRequest, Run: callUnheard,
		Doc: "The CPE had accepted it. Judged where a session of that device came later, or its ConnectionRequestURL was told in this capture, so that its sessions pass here.",
	},
	{
		ID: "CR-010", Title: "A 503 to a connection request names no Retry-After", Ref: "TR-069a6 3.2.2", Severity: Warning, Subject: OfConnectionRequest, Run: callLater,
		Doc: "The ACS tries again when it likes.",
	},
	{
		ID: "CR-012", Title: "The ACS's answer to the challenge is right", Ref: "RFC 2617 3.2.2", Severity: Error, Gates: SecretOrPolicy, Subject: OfConnectionRequest, Run: callResponse,
		Doc: "Computed anew with the password of that user, which a profile of one's own gives: 'secrets:' with lines 'user: password'. An answer that is wrong and accepted is the CPE's fault.",
	},
	{
		ID: "CR-013", Title: "The ACS answers the challenge as Digest has it", Ref: "RFC 2617 3.2.2, TR-069a6 3.4.5", Severity: Warning, Subject: OfConnectionRequest, Run: callDigest,
		Doc: "qop, nc, cnonce and uri agree with the challenge and the request, nc and qop stand without quotes, and opaque comes back as it was.",
	},
	{
		ID: "CR-014", Title: "The challenge has a realm and a nonce", Ref: "RFC 2617 3.2.1", Severity: Warning, Subject: OfConnectionRequest, Run: callNonce,
		Doc: "Without a nonce of its own each answer can be used again by whoever saw it.",
	},
	{
		ID: "CR-016", Title: "The path of ConnectionRequestURL can't be guessed", Ref: "TR-069a6 3.2.2", Severity: Warning, Subject: OfConnectionRequest, Run: callPath,
		Doc: "A random path keeps others from trying passwords.",
	},
	{
		ID: "CR-018", Title: "The ACS calls a device at most once in 10 s", Ref: "TR-069a6 3.2.2", Severity: Warning, Gates: GoodClock, Subject: OfConnectionRequest, Run: callOften,
		Doc: "A CPE may refuse more with 503.",
	},
}

// judgeCall runs the checks of connection requests.
func (c *Checker) judgeCall(r *cwmp.ConnectionRequest) {
	if len(r.Exchanges) == 0 || r.Exchanges[0].Request == nil {
		return
	}
	key := r.Device.Key()
	f := c.aside(r.Session)
	f.past, f.sameUser, f.sharedHost = c.History.Device(key), c.sameUser(r), c.fleet.shared(r)
	if o := c.openOf(key); o != nil {
		f.open = o.session
	}
	c.begin(f, nil, nil)
	c.pass.call, c.pass.secrets = r, c.Secrets
	c.pass.before, _ = c.called.at.get(key)
	for _, k := range c.calls {
		c.pass.Check = k
		k.Run(&c.pass)
	}
	if last := r.Exchanges[len(r.Exchanges)-1].Response; !r.Followed && len(c.called.waiting) < 1000 && last != nil && last.Complete && accepted(last.Status) {
		_, _, within := c.pass.callInto()
		c.called.waiting = append(c.called.waiting, heardCall{key, r.Time, last.PacketAt(0), within})
	}
	c.pass.call = nil
	if key != "" {
		c.called.at.put(key, r.Time)
	}
	c.remind(r)
	c.out = append(c.out, c.pass.out...)
}

// callBook is what is known of connection requests.
type callBook struct {
	at      recent[string, time.Time]  // by device: when the ACS called it last
	by      recent[string, []callSeen] // by device: those that were seen last
	users   recent[string, []string]   // by user name: the devices, three at most
	waiting []heardCall                // those that were accepted, and not followed yet
}

// heardCall is a connection request that a CPE accepted. It keeps nothing of the
// messages, whose memory may be used again.
type heardCall struct {
	device string
	at     time.Time
	packet uint64
	within bool // it came while the device had a session
}

// heard judges the connection requests whose time for a session is over.
func (c *Checker) heard() {
	for len(c.called.waiting) > 0 && c.latest.Sub(c.called.waiting[0].at) > 31*time.Second {
		call := c.called.waiting[0]
		c.called.waiting = c.called.waiting[1:]
		id, text := "CR-006", "The CPE accepted the connection request, and no session followed"
		if call.within {
			id, text = "CR-009", "The CPE accepted the connection request during a session, and no other session followed"
		}
		i := slices.IndexFunc(c.calls, func(k *Check) bool { return k.ID == id })
		if i < 0 || c.History.Device(call.device) == nil || c.gapAt.After(call.at) { // its sessions don't pass here
			continue
		}
		c.begin(c.aside([16]byte{}), nil, nil)
		c.pass.Check = c.calls[i]
		c.pass.report(CPE, place{raw: -1}, "%s", text)
		for j := range c.pass.out {
			c.pass.out[j].At.Packet = call.packet
		}
		c.out = append(c.out, c.pass.out...)
	}
}

// reportCall tells a breach about an HTTP message of the pass's connection request.
func (p *Pass) reportCall(party Party, m *http1.Message, field, format string, args ...any) {
	n := len(p.out)
	p.report(party, place{raw: -1}, format, args...)
	if len(p.out) == n || m == nil {
		return
	}
	at := &p.out[n].At
	if field != "" {
		at.Path = "header " + field
	}
	if len(m.Pieces) > 0 {
		at.Packet = m.PacketAt(0)
	}
}

// attempts calls f for each request with its answer, nil where there was none.
func (p *Pass) attempts(f func(q, a *http1.Message)) {
	for _, x := range p.call.Exchanges {
		if x.Request != nil && x.Request.Complete {
			a := x.Response
			if a != nil && !a.Complete {
				a = nil
			}
			f(x.Request, a)
		}
	}
}

func callForm(p *Pass) {
	p.attempts(func(q, _ *http1.Message) {
		switch {
		case q.Method != "GET":
			p.reportCall(ACS, q, "", "The connection request is a %s", short(q.Method))
		case q.Version != "HTTP/1.1":
			p.reportCall(ACS, q, "", "The connection request is %s", short(q.Version))
		case q.Size > 0:
			p.reportCall(ACS, q, "", "The connection request has a body of %s", plural(int(q.Size), "byte"))
		}
	})
}

// digestChallenge is the parameters of a Digest challenge.
func digestChallenge(a *http1.Message) (text string, ok bool) {
	for _, v := range a.Values("WWW-Authenticate") {
		if text, ok := http1.CutDigest(v); ok && text != "" {
			return text, true
		}
	}
	return "", false
}

func callChallenge(p *Pass) {
	p.attempts(func(_, a *http1.Message) {
		if a == nil || a.Status != 401 {
			return
		}
		if _, ok := digestChallenge(a); !ok {
			what := "nothing"
			if v, ok := a.Field("WWW-Authenticate"); ok {
				what, _, _ = strings.Cut(v, " ")
			}
			p.reportCall(CPE, a, "WWW-Authenticate", "The CPE answers with 401, and asks for %s", short(what))
		}
	})
}

func accepted(status int) bool { return status == 200 || status == 204 }

func callOpen(p *Pass) {
	p.attempts(func(q, a *http1.Message) {
		if _, has := q.Field("Authorization"); a != nil && accepted(a.Status) && !has {
			p.reportCall(CPE, a, "", "The CPE accepts a connection request without credentials")
		}
	})
}

func callAnswer(p *Pass) {
	p.attempts(func(q, a *http1.Message) {
		switch {
		case a == nil, a.Status == 404 && p.callPath() != q.Target: // the ACS may be wrong
		case accepted(a.Status) && a.Size > 0:
			p.reportCall(CPE, a, "", "The answer to the connection request has a body of %s", plural(int(a.Size), "byte"))
		case !accepted(a.Status) && a.Status != 401 && a.Status != 503:
			p.reportCall(CPE, a, "", "The CPE answers the connection request with status %d", a.Status)
		}
	})
}

// callUnheard has nothing to say yet: heard has, when the time is over.
func callUnheard(*Pass) {}

func callLater(p *Pass) {
	p.attempts(func(_, a *http1.Message) {
		if a != nil && a.Status == 503 {
			if v, ok := a.Field("Retry-After"); ok {
				p.reportCall(CPE, a, "Retry-After", "The 503 to a connection request has Retry-After %s", short(v))
			}
		}
	})
}

// usualParameters are as many as a challenge, or an answer to one, mostly has no more of.
const usualParameters = 12

func callDigest(p *Pass) {
	var asked [usualParameters]http1.Parameter
	var challenge http1.Parameters
	p.attempts(func(q, a *http1.Message) {
		field, _ := q.Field("Authorization")
		if text, ok := http1.CutDigest(field); ok && text != "" {
			var room [usualParameters]http1.Parameter
			v := http1.AuthParameters(room[:0], text)
			what := ""
			switch n, err := strconv.ParseUint(v.Get("nc"), 16, 64); {
			case v.Get("uri") != q.Target:
				what = "uri is " + short(v.Get("uri")) + ", and the request is for " + short(q.Target)
			case challenge.Get("opaque") != "" && v.Get("opaque") != challenge.Get("opaque"):
				what = "opaque doesn't come back as it was"
			case challenge.Get("qop") != "" && v.Get("qop") == "":
				what = "qop is missing, and the challenge has one"
			case v.Get("qop") != "" && v.Get("qop") != "auth" && v.Get("qop") != "auth-int":
				what = "qop is " + short(v.Get("qop"))
			case v.Get("qop") != "" && v.Get("cnonce") == "":
				what = "cnonce is missing"
			case v.Get("qop") != "" && (err != nil || n == 0 || len(v.Get("nc")) != 8):
				what = "nc is " + quote(v.Get("nc"))
			case v.Quoted("nc") || v.Quoted("qop") || v.Quoted("algorithm"):
				what = "nc, qop or algorithm stands in quotes"
			}
			if what != "" {
				p.reportCall(ACS, q, "Authorization", "In the answer to the challenge %s", what)
			}
		}
		if a != nil && a.Status == 401 {
			if text, ok := digestChallenge(a); ok {
				challenge = http1.AuthParameters(asked[:0], text)
			}
		}
	})
}

func callResponse(p *Pass) {
	if len(p.secrets) == 0 {
		return
	}
	p.attempts(func(q, a *http1.Message) {
		text, _ := q.Field("Authorization")
		rest, _ := http1.CutDigest(text)
		v := http1.AuthParameters(nil, rest)
		password, known := p.secrets[v.Get("username")]
		if !known {
			return
		}
		want, ok := http1.DigestResponse(v, q.Method, password)
		if !ok || strings.EqualFold(want, v.Get("response")) {
			return
		}
		p.reportCall(ACS, q, "Authorization", "The answer to the challenge is not that of the user %s with the known password", short(v.Get("username")))
		if a != nil && accepted(a.Status) {
			p.reportCall(CPE, a, "", "The CPE accepts a wrong answer to its challenge")
		}
	})
}

func callNonce(p *Pass) {
	p.attempts(func(_, a *http1.Message) {
		if a == nil || a.Status != 401 {
			return
		}
		text, ok := digestChallenge(a)
		if !ok {
			return
		}
		var room [usualParameters]http1.Parameter
		v := http1.AuthParameters(room[:0], text)
		for _, name := range []string{"realm", "nonce"} {
			if v.Get(name) == "" {
				p.reportCall(CPE, a, "WWW-Authenticate", "The challenge has no %s", name)
			}
		}
	})
}

// plainPaths are those that one would try first.
var plainPaths = []string{"", "/", "/tr069", "/cwmp", "/acs", "/connectionrequest", "/connection_request", "/cr", "/cpe", "/0", "/1"}

func callPath(p *Pass) {
	q := p.call.Exchanges[0].Request
	path, _, _ := strings.Cut(q.Target, "?")
	if slices.Contains(plainPaths, strings.ToLower(strings.TrimSuffix(path, "/"))) {
		p.reportCall(CPE, q, "", "The ConnectionRequestURL has the path %s", quote(path))
	}
}

func callOften(p *Pass) {
	key := p.call.Device.Key()
	if key == "" || p.before.IsZero() || !p.call.Exchanges[0].Request.Complete {
		return
	}
	if _, again := p.call.Exchanges[0].Request.Field("Authorization"); again { // the answer to a challenge that was not seen
		return
	}
	if gap := p.call.Time.Sub(p.before); gap >= 0 && gap < 10*time.Second {
		p.reportCall(ACS, p.call.Exchanges[0].Request, "", "The ACS calls the device again after %s", gap.Round(100*time.Millisecond))
	}
}
