package transcript

import (
	"slices"
	"strings"

	"informant/decode/cwmp"
)

// echoes masks the secrets of a session where a FaultString repeats them:
// devices do tell the value that they refused. What was sent is looked up when
// it is asked for first. The zero value masks nothing.
type echoes struct {
	s     *cwmp.Session
	mask  *strings.Replacer // nil where there are no secrets
	asked bool
}

// shortestEcho is the length from which on a secret is looked for in other
// text; what is shorter stands in many words by chance.
const shortestEcho = 3

// in is text without the secrets of the session.
func (x *echoes) in(text string) string {
	if text == "" || x.s == nil {
		return text
	}
	if !x.asked {
		x.asked, x.mask = true, echoMask(x.s)
	}
	if x.mask == nil {
		return text
	}
	return x.mask.Replace(text)
}

// of is what was said of a parameter, without the secrets of the session. Where
// a secret's value is no longer known all of it is one.
func (x *echoes) of(parameter, text string) string {
	if text != "" && x.s != nil && x.s.TrimmedN > 0 && secretName(parameter) {
		return mask
	}
	return x.in(text)
}

// echoMask masks the values of the secrets that stand in a session's arguments,
// also where they are escaped as XML wants it.
func echoMask(s *cwmp.Session) *strings.Replacer {
	var values []string
	for _, m := range s.Messages {
		eachSecret(m.Args, func(l *cwmp.Leaf) {
			for _, v := range [...]string{l.Value, strings.TrimSpace(l.Value)} {
				if len(v) >= shortestEcho {
					values = append(values, v, xmlEscape.Replace(v))
				}
			}
		})
	}
	if len(values) == 0 {
		return nil
	}
	// The first that fits is taken: one that begins as another does must come
	// before it.
	slices.SortFunc(values, func(a, b string) int {
		if n := len(b) - len(a); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	values = slices.Compact(values)
	pairs := make([]string, 0, 2*len(values))
	for _, v := range values {
		pairs = append(pairs, v, mask)
	}
	return strings.NewReplacer(pairs...)
}

var xmlEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// inBody is a body without the secrets that its FaultStrings repeat.
func (x *echoes) inBody(body string) string {
	if x.s == nil || !strings.Contains(body, "aultString") && !strings.Contains(body, "aultstring") {
		return body
	}
	var b strings.Builder
	done := 0
	for at := 0; at < len(body); {
		lt := strings.IndexByte(body[at:], '<')
		if lt < 0 {
			break
		}
		lt += at
		at = tagEnd(body, lt)
		name := localName(body[lt+1 : at])
		if !strings.EqualFold(name, "FaultString") || strings.HasSuffix(body[:at], "/>") {
			continue
		}
		text, end := content(body, at, name)
		b.WriteString(body[done:at])
		b.WriteString(x.in(text))
		at, done = max(end, at), max(end, at)
	}
	b.WriteString(body[done:])
	return b.String()
}
