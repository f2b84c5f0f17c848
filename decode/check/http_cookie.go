package check

import (
	"slices"
	"strings"
	"time"

	"informant/decode/cwmp"
	"informant/decode/http1"
)

// httpCookies is the checks of cookies.
var httpCookies = []*Check{
	{
		ID: "HTTP-025", Title: "The CPE returns every cookie of the session", Ref: "TR-069a6 3.4.2", Severity: Error, Gates: WholeSession | PlainHTTP, Subject: OfSession, odd: setsCookie, course: lostCookie, Run: cookieForgotten,
		Doc: "Cookies tie a session's messages together: without them an ACS that runs on several machines takes the next message for a stranger's. Cookies whose Path, Domain or Secure keep them from this URL are not asked for.",
	},
	{
		ID: "HTTP-026", Title: "Cookies are returned unchanged", Ref: "RFC 6265 5.4", Severity: Warning, Gates: Counterpart | PlainHTTP, Subject: OfSession, odd: setsCookie, course: lostCookie, Run: cookieChanged,
		Doc: "Quotes that were added or taken away, decoding, or a cut value: the ACS doesn't find its session.",
	},
	{
		ID: "HTTP-028", Title: "A session's cookies have no more than 512 bytes", Ref: "TR-069a6 3.4.2", Severity: Warning, Subject: OfSession, odd: setsCookie, course: bigJar, Run: cookieSize,
		Doc: "A CPE needn't store more. What it drops it doesn't return.",
	},
	{
		ID: "HTTP-029", Title: "The attributes of a cookie let it come back", Ref: "RFC 6265 5.4", Severity: Warning, Gates: PlainHTTP | Transport, need: aReply, odd: setsCookie, Run: cookieAttributes,
		Doc: "A Path that doesn't cover the ACS URL, Secure over clear HTTP, or another host's Domain: a CPE that goes by the rules doesn't return the cookie.",
	},
}

// cookie is a cookie that an answer set.
type cookie struct {
	name, value  string
	path, domain string
	secure       bool
	expired      bool
	uncertain    bool // its life cannot be told
	m            *cwmp.Message
}

// cookies appends what the Set-Cookie fields of an answer set.
func cookies(all []cookie, m *cwmp.Message) []cookie {
	for i := range m.HTTP.Fields {
		f := &m.HTTP.Fields[i]
		if len(f.Name) < len("Set-Cookie") || !strings.EqualFold(f.Name, "Set-Cookie") && !strings.EqualFold(f.Name, "Set-Cookie2") {
			continue
		}
		pair, attrs, _ := strings.Cut(f.Value, ";")
		name, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || name == "" {
			continue
		}
		c := cookie{name: name, value: value, m: m}
		for more := true; more; {
			var a string
			a, attrs, more = strings.Cut(attrs, ";")
			c.attribute(strings.TrimSpace(a), m)
		}
		all = append(all, c)
	}
	return all
}

func (c *cookie) attribute(a string, m *cwmp.Message) {
	key, value, _ := strings.Cut(a, "=")
	key = strings.TrimSpace(key)
	is := func(name string) bool { return len(key) == len(name) && strings.EqualFold(key, name) }
	switch {
	case is("path"):
		c.path = strings.Trim(value, `"`)
	case is("domain"):
		c.domain = strings.ToLower(strings.Trim(value, `"`))
	case is("secure"):
		c.secure = true
	case is("max-age"):
		c.expired = strings.TrimLeft(strings.Trim(value, `"`), "0") == "" || strings.HasPrefix(value, "-")
	case is("expires"):
		t, err := time.Parse(time.RFC1123, value)
		if err != nil {
			t, err = time.Parse("Mon, 02-Jan-2006 15:04:05 MST", value)
		}
		c.uncertain = err != nil || m.Time.IsZero()
		c.expired = !c.uncertain && t.Before(m.Time)
	}
}

// covers says whether a cookie's path covers that of a URL (RFC 6265 5.1.4).
func (c *cookie) covers(path string) bool {
	return c.path == "" || c.path[0] != '/' || path == c.path || strings.HasPrefix(path, c.path) && (strings.HasSuffix(c.path, "/") || path[len(c.path)] == '/')
}

// due says whether a CPE has to return the cookie with that request.
func (c *cookie) due(m *cwmp.Message) bool {
	return !c.expired && !c.uncertain && c.domain == "" && !c.secure && c.covers(pathOf(m.HTTP.Target))
}

// returned appends the values that a request returns of a cookie.
func returned(all []string, h *http1.Message, cookie string) []string {
	for i := range h.Fields {
		if !h.Fields[i].Is("Cookie") {
			continue
		}
		for rest := h.Fields[i].Value; rest != ""; {
			part := rest
			if end := strings.IndexByte(rest, ';'); end >= 0 {
				part = rest[:end]
			}
			if end := strings.IndexByte(part, ','); end >= 0 {
				part = part[:end]
			}
			rest = rest[min(len(part)+1, len(rest)):]
			if name, value, ok := strings.Cut(strings.TrimSpace(part), "="); ok && name == cookie {
				all = append(all, value)
			}
		}
	}
	return all
}

// eachDue calls f for each POST and each cookie that should come with it.
func (p *Pass) eachDue(f func(m *cwmp.Message, c *cookie, got []string) (stop bool)) {
	p.jar, p.asked = p.jar[:0], p.asked[:0]
	highest := 0 // of asked
	for _, m := range p.f.units {
		if m.From == cwmp.ACS {
			p.jar = fill(p.jar, m)
			continue
		}
		if m.Exchange <= highest && slices.Contains(p.asked, m.Exchange) || len(p.jar) == 0 || m.HTTP.Head == 0 {
			continue
		}
		p.asked, highest = append(p.asked, m.Exchange), max(highest, m.Exchange)
		for i := range p.jar {
			c := &p.jar[i]
			if !c.due(m) {
				continue
			}
			if p.got = returned(p.got[:0], m.HTTP, c.name); f(m, c, p.got) {
				return
			}
		}
	}
}

// fill puts the cookies that an answer sets into a jar, each in the place of the
// one of its name.
func fill(jar []cookie, m *cwmp.Message) []cookie {
	n := len(jar)
	all := cookies(jar, m)
	jar = all[:n]
	for i := range all[n:] {
		jar = put(jar, &all[n+i])
	}
	return jar
}

// put adds a cookie to a jar, or replaces the one of its name.
func put(jar []cookie, c *cookie) []cookie {
	for i := range jar {
		if jar[i].name == c.name {
			jar[i] = *c
			return jar
		}
	}
	return append(jar, *c)
}

func cookieForgotten(p *Pass) {
	p.eachDue(func(m *cwmp.Message, c *cookie, got []string) bool {
		if len(got) > 0 || p.redirectBefore(m) != nil { // HTTP-034
			return false
		}
		p.reportWith(Error, CPE, atField(m, "Cookie"), []*cwmp.Message{c.m}, "Message %d doesn't return the cookie %s", m.N, short(c.name))
		return true
	})
}

func cookieChanged(p *Pass) {
	p.eachDue(func(m *cwmp.Message, c *cookie, got []string) bool {
		for _, v := range got {
			if v == c.value {
				return false
			}
		}
		if len(got) == 0 {
			return false
		}
		what := "another value"
		if strings.Trim(got[0], `"`) == strings.Trim(c.value, `"`) {
			what = "other quotes"
		}
		p.reportWith(Warning, CPE, atField(m, "Cookie"), []*cwmp.Message{c.m}, "Message %d returns the cookie %s with %s than it was set", m.N, short(c.name), what)
		return true
	})
}

// maxCookies is how many bytes of cookies a CPE has to store.
const maxCookies = 512

// setBytes is how many bytes the fields of an answer have that set cookies: no
// fewer than the cookies.
func setBytes(m *cwmp.Message) (n int) {
	for i := range m.HTTP.Fields {
		if f := &m.HTTP.Fields[i]; len(f.Name) > 9 && f.Name[0]|0x20 == 's' && f.Name[3] == '-' {
			n += len(f.Value)
		}
	}
	return n
}

func cookieSize(p *Pass) {
	p.jar = p.jar[:0]
	for _, m := range p.f.units {
		if m.From != cwmp.ACS || setBytes(m) == 0 {
			continue
		}
		p.jar = fill(p.jar, m)
		n := 0
		for i := range p.jar {
			if c := &p.jar[i]; !c.expired {
				n += len(c.name) + len(c.value)
			}
		}
		if n > maxCookies {
			p.report(ACS, atField(m, "Set-Cookie"), "The cookies of the session have %d bytes, more than the 512 that a CPE has to store", n)
			return
		}
	}
}

func cookieAttributes(p *Pass) {
	m := p.Message
	if m.From != cwmp.ACS || p.Session.Fragment {
		return
	}
	p.jar = cookies(p.jar[:0], m)
	if !slices.ContainsFunc(p.jar, func(c cookie) bool { return c.secure || c.domain != "" || c.path != "/" }) {
		return // as most are
	}
	r := requestOf(p.Session, m)
	if r == nil || r.HTTP.Target == "" {
		return
	}
	for i := range p.jar {
		c := &p.jar[i]
		domain, host := strings.TrimPrefix(c.domain, "."), ""
		if domain != "" {
			host, _ = r.HTTP.Field("Host")
			host, _, _ = strings.Cut(strings.ToLower(host), ":")
		}
		switch {
		case c.expired || p.toldOf(c.name):
			continue
		case c.secure:
			p.report(ACS, atField(m, "Set-Cookie"), "The cookie %s is Secure, but the session goes over clear HTTP", short(c.name))
		case !c.covers(pathOf(r.HTTP.Target)):
			p.report(ACS, atField(m, "Set-Cookie"), "The Path %s of the cookie %s doesn't cover %s", quote(c.path), short(c.name), short(pathOf(r.HTTP.Target)))
		case domain != "" && host != "" && host != domain && !strings.HasSuffix(host, "."+domain):
			p.report(ACS, atField(m, "Set-Cookie"), "The Domain %s of the cookie %s is not that of %s", quote(c.domain), short(c.name), short(host))
		default:
			continue
		}
		p.firstTime(c.name)
	}
}
