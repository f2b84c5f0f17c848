package transcript

import (
	"encoding/base64"
	"slices"
	"strings"

	"informant/decode/check"
	"informant/decode/cwmp"
	"informant/decode/story"
)

// echoes masks the secrets of a session where a FaultString repeats them, or
// text that is no envelope: devices do tell the value that they refused, and
// error pages the password that was wrong. What was sent is looked up when it is
// asked for first. The zero value masks nothing.
type echoes struct {
	s     *cwmp.Session
	mask  *masker // nil where there are no secrets
	asked bool

	freeMask  *masker // the same for free text
	freeAsked bool
}

// shortestEcho is the length from which on a secret is looked for in other
// text; what is shorter stands in many words by chance.
const shortestEcho = 3

// shortestFree is the same for text of any kind, in which more stands by chance.
const shortestFree = 6

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

// free is text that is no envelope, or none that can be read, without the
// secrets of the session and those of its messages' heads.
func (x *echoes) free(text string) string {
	if text == "" || x.s == nil {
		return text
	}
	if !x.freeAsked {
		x.freeAsked, x.freeMask = true, freeMask(x.s)
	}
	if x.freeMask == nil {
		return text
	}
	return x.freeMask.Replace(text)
}

// FindingText is what a finding about a session says, without secrets of the
// session that it quotes, such as in the text of an error page.
func FindingText(s *cwmp.Session, f *check.Finding) string {
	x := echoes{s: s}
	return x.finding(f)
}

// quotesBody is the check whose findings quote text that is no envelope.
const quotesBody = "HTTP-040"

// finding is a finding's text without what free hides.
func (x *echoes) finding(f *check.Finding) string {
	if f.Check.ID != quotesBody {
		return f.Text
	}
	return x.free(f.Text)
}

// verdict is what a verdict says, as a sentence.
func (x *echoes) verdict(v *story.Verdict) string {
	then := v.Then
	if v.Says != nil {
		said := x.finding(v.Says)
		then += said[strings.IndexByte(said+":", ':'):]
	}
	switch {
	case v.Because == nil && then != "":
		return strings.ToUpper(then[:1]) + then[1:]
	case v.Because == nil:
		return "The session failed"
	case then == "":
		return x.finding(v.Because)
	}
	return x.finding(v.Because) + "; then " + then
}

// echoMask masks the values of the secrets that stand in a session's arguments,
// also where they are escaped as XML wants it.
func echoMask(s *cwmp.Session) *masker {
	return masking(argSecrets(nil, s, shortestEcho))
}

// freeMask masks those that are long enough, and the credentials of the heads.
func freeMask(s *cwmp.Session) *masker {
	values := argSecrets(nil, s, shortestFree)
	for _, m := range s.Messages {
		if m.HTTP != nil {
			values = headSecrets(values, headOf(m.HTTP))
		}
	}
	return masking(values)
}

// argSecrets appends the values of the secrets in a session's arguments that
// are not shorter than shortest, also as XML escapes them.
func argSecrets(values []string, s *cwmp.Session, shortest int) []string {
	for _, m := range s.Messages {
		eachSecret(m.Args, func(l *cwmp.Leaf) {
			for _, v := range [...]string{l.Value, strings.TrimSpace(l.Value)} {
				if len(v) >= shortest {
					values = append(values, v, xmlEscape.Replace(v))
				}
			}
		})
	}
	return values
}

// headSecrets appends what is hidden of a head and is no shorter than
// shortestFree; of Basic credentials the password as well.
func headSecrets(values []string, head string) []string {
	for _, r := range hiddenInHead(head) {
		v := head[r.Start:r.End]
		if len(v) < shortestFree {
			continue
		}
		values = append(values, v)
		if b, err := base64.StdEncoding.DecodeString(v); err == nil {
			if _, password, ok := strings.Cut(string(b), ":"); ok && len(password) >= shortestFree {
				values = append(values, password, xmlEscape.Replace(password))
			}
		}
	}
	return values
}

// masker masks values. In most texts none of them stands.
type masker struct {
	values   []string // the longer ones first, each once
	replacer *strings.Replacer
}

// masking masks the values, nil where there are none.
func masking(values []string) *masker {
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
	return &masker{values: slices.Compact(values)}
}

// Replace is text with the values masked.
func (m *masker) Replace(text string) string {
	if m.replacer == nil {
		if !slices.ContainsFunc(m.values, func(v string) bool { return strings.Contains(text, v) }) {
			return text
		}
		pairs := make([]string, 0, 2*len(m.values))
		for _, v := range m.values {
			pairs = append(pairs, v, mask)
		}
		m.replacer = strings.NewReplacer(pairs...)
	}
	return m.replacer.Replace(text)
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
