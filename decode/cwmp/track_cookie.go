package cwmp

import (
	"slices"
	"strings"

	"informant/decode/http1"
)

// cookie is one as it was set.
type cookie struct{ name, value string }

// jarred is a cookie that a session has.
type jarred struct {
	cookie
	own bool // no other session was given it
}

// bearers are the sessions that were given the same cookie.
type bearers struct {
	first *tracked
	more  []*tracked
}

// maxCookies is how many cookies a session may have, and sessions a cookie, that
// are known.
const maxCookies = 64

// cookieSession is the open session that a cookie of the request names: one
// that was set in this session alone, or in this one alone of the client's. What
// a load balancer gives to everybody names nobody.
func (t *Tracker) cookieSession(ct *connTrack, m *http1.Message) (found *tracked) {
	several := false
	eachCookie(m, func(name, value string) {
		s := ct.current
		if s == nil || !s.owns(name, value) {
			s = t.named(ct, t.byCookie[cookie{name, value}])
		}
		several = several || s != nil && found != nil && s != found
		if s != nil {
			found = s
		}
	})
	if several {
		return nil
	}
	return found
}

// owns says whether it is certain that only this session has the cookie.
func (s *tracked) owns(name, value string) bool {
	for i := range s.cookies {
		if c := &s.cookies[i]; c.name == name {
			return c.own && c.value == value
		}
	}
	return false
}

// named is the one session among those that were given the same cookie.
func (t *Tracker) named(ct *connTrack, b bearers) (found *tracked) {
	if b.more == nil {
		return b.first
	}
	client := ct.conn.Client.Addr()
	if b.first.client == client {
		found = b.first
	}
	for _, s := range b.more {
		if s.client == client {
			if found != nil {
				return nil
			}
			found = s
		}
	}
	return found
}

// namedBy says whether the request brings a cookie that only this session has.
func (t *Tracker) namedBy(s *tracked, m *http1.Message) (own bool) {
	eachCookie(m, func(name, value string) {
		b := t.byCookie[cookie{name, value}]
		own = own || b.first == s && b.more == nil
	})
	return own
}

// anothers says whether, on a connection that carries several devices, the
// request brings a cookie of the current session's with another value.
func (t *Tracker) anothers(ct *connTrack, m *http1.Message) (other bool) {
	if ct.carried < 2 {
		return false
	}
	eachCookie(m, func(name, value string) {
		i := ct.current.cookie(name)
		other = other || i >= 0 && ct.current.cookies[i].value != value
	})
	return other
}

// cookie is the index of the session's cookie of that name, -1 for none.
func (s *tracked) cookie(name string) int {
	return slices.IndexFunc(s.cookies, func(c jarred) bool { return c.name == name })
}

// eachCookie calls f for each cookie of a request; CPEs separate them by ';'
// and, some, by ',' (reference 9.1 no. 20).
func eachCookie(m *http1.Message, f func(name, value string)) {
	for i := range m.Fields {
		if !m.Fields[i].Is("Cookie") {
			continue
		}
		for part, rest := "", m.Fields[i].Value; rest != ""; {
			if n := strings.IndexAny(rest, ";,"); n >= 0 {
				part, rest = rest[:n], rest[n+1:]
			} else {
				part, rest = rest, ""
			}
			name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
			if ok && !strings.HasPrefix(name, "$") {
				f(name, strings.Trim(value, `"`))
			}
		}
	}
}

// takeFields notes what the fields of a response tell about its session: the
// cookies that it sets, and that its connection will be closed.
func (t *Tracker) takeFields(s *tracked, m *http1.Message) {
	connection := false
	for i := range m.Fields {
		f := &m.Fields[i]
		switch {
		case f.Is("Set-Cookie"), f.Is("Set-Cookie2"):
			t.setCookie(s, f.Value)
		case !connection && f.Is("Connection"):
			connection = true
			s.leaving = s.leaving || strings.Contains(strings.ToLower(f.Value), "close")
		}
	}
}

// setCookie notes a cookie that a response sets in its session.
func (t *Tracker) setCookie(s *tracked, field string) {
	pair, attrs, _ := strings.Cut(field, ";")
	name, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
	if !ok || len(s.cookies) >= maxCookies {
		return
	}
	value = strings.Trim(value, `"`)
	kept := value != "" && !expired(attrs)
	if kept && s.owns(name, value) {
		return
	}
	if i := s.cookie(name); i >= 0 {
		t.dropCookie(s, s.cookies[i].cookie)
		s.cookies = slices.Delete(s.cookies, i, i+1)
	}
	if kept {
		t.scratch = append(append(t.scratch[:0], name...), value...)
		text := string(t.scratch) // which holds on to nothing of the message
		t.giveCookie(s, cookie{text[:len(name)], text[len(name):]})
	}
}

// expired says whether a cookie with these attributes is none any more.
func expired(attrs string) bool {
	return strings.IndexByte(attrs, '0') >= 0 && strings.Contains(strings.ToLower(strings.ReplaceAll(attrs, " ", "")), "max-age=0")
}

// giveCookie says that a session has a cookie.
func (t *Tracker) giveCookie(s *tracked, c cookie) {
	b := t.byCookie[c]
	switch {
	case b.first == nil:
		b.first = s
	case len(b.more) < maxCookies-1:
		b.more = append(b.more, s)
		if i := b.first.cookie(c.name); i >= 0 {
			b.first.cookies[i].own = false
		}
	}
	s.cookies = append(s.cookies, jarred{c, b.first == s})
	t.byCookie[c] = b
}

// dropCookie says that a session no longer has a cookie.
func (t *Tracker) dropCookie(s *tracked, c cookie) {
	b := t.byCookie[c]
	if b.first == s && b.more == nil {
		delete(t.byCookie, c)
		return
	}
	if b.first == s {
		b.first, b.more = b.more[0], b.more[1:]
	} else if i := slices.Index(b.more, s); i >= 0 {
		b.more = slices.Delete(b.more, i, i+1)
	} else {
		return
	}
	if len(b.more) == 0 {
		b.more = nil
	}
	t.byCookie[c] = b
}
