package transcript

import (
	"slices"
	"sort"
	"strings"

	"informant/decode/cwmp"
	"informant/decode/http1"
	"informant/decode/soap"
)

// mask stands for a secret in text. Its length tells nothing.
const mask = "●●●●●●●●"

// secretArg says whether the argument of that name is a credential: those of
// Download, Upload, ScheduleDownload and the operations on deployment units.
func secretArg(name string) bool { return name == "Username" || name == "Password" }

// secretName says whether the value beside that name is a secret: of a
// parameter by its path, of an argument by its own name.
func secretName(name string) bool {
	name = strings.TrimSpace(name)
	return secretArg(name) || cwmp.IsSecret(name)
}

// maskURL hides the credentials in every URL of s: what stands before the '@'
// of an authority.
func maskURL(s string) (string, bool) {
	if strings.IndexByte(s, '@') < 0 {
		return s, false
	}
	found, from := false, 0
	for {
		i := strings.Index(s[from:], "://")
		if i < 0 {
			return s, found
		}
		start := from + i + 3
		end := start
		for end < len(s) && !strings.ContainsRune("/?#\"'<> \t\r\n", rune(s[end])) {
			end++
		}
		if at := strings.LastIndexByte(s[start:end], '@'); at > 0 {
			s, found = s[:start]+mask+s[start+at:], true
			end = start + len(mask) + 1
		}
		from = end
	}
}

// secretFields are the header fields of HTTP that carry credentials.
var secretFields = [...]string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "Authentication-Info", "Proxy-Authentication-Info"}

// hidden are ranges of a text that must not be shown.
type hidden []soap.Span

func (h *hidden) add(start, end int) {
	if start < end {
		*h = append(*h, soap.Span{Start: start, End: end})
	}
}

// apply replaces the ranges of s; they may overlap and come in any order.
func (h hidden) apply(s string) string {
	if len(h) == 0 {
		return s
	}
	sort.Slice(h, func(i, j int) bool { return h[i].Start < h[j].Start })
	var b strings.Builder
	at := 0
	for _, r := range h {
		if r.End <= at {
			continue
		}
		if r.Start >= at {
			b.WriteString(s[at:r.Start])
			b.WriteString(mask)
		}
		at = r.End
	}
	b.WriteString(s[at:])
	return b.String()
}

// maskHead hides credentials in the head of a message: the fields that carry
// them (their scheme and the parameters that are no secret stay), and those in
// the target.
func maskHead(head string) string {
	s, _ := maskURL(hiddenInHead(head).apply(head))
	return s
}

// hiddenInHead is what the fields of a head have to hide.
func hiddenInHead(head string) hidden {
	var h hidden
	for at := 0; at < len(head); {
		end := at + strings.IndexByte(head[at:], '\n')
		if end < at {
			end = len(head)
		}
		// Lines that begin with a blank continue the field before them.
		for end+1 < len(head) && (head[end+1] == ' ' || head[end+1] == '\t') {
			n := strings.IndexByte(head[end+1:], '\n')
			if n < 0 {
				end = len(head)
				break
			}
			end += 1 + n
		}
		h.field(head, at, end)
		at = end + 1
	}
	return h
}

// fieldSecret is what of a header field is a secret.
type fieldSecret uint8

const (
	noSecret     fieldSecret = iota
	credentials              // all but the scheme
	cookieValues             // those of its pairs
	allOfIt
)

// fieldSecretOf tells by a field's name what of it is a secret. Of fields that
// no standard knows the end of the name decides: X-Auth-Token, Api-Key.
func fieldSecretOf(name string) fieldSecret {
	name = strings.ToLower(strings.TrimSpace(name))
	ends := func(with ...string) bool {
		return slices.ContainsFunc(with, func(e string) bool { return strings.HasSuffix(name, e) })
	}
	switch {
	case ends("cookie", "cookie2"):
		return cookieValues
	case ends("authorization", "authentication-info"):
		return credentials
	case ends("token", "secret", "key", "password", "passwd", "pass", "credential", "credentials"):
		return allOfIt
	}
	return noSecret
}

// field hides what is secret of the header line head[at:end].
func (h *hidden) field(head string, at, end int) {
	colon := strings.IndexByte(head[at:end], ':')
	if colon < 0 {
		return
	}
	h.value(fieldSecretOf(head[at:at+colon]), head, at+colon+1, end)
}

// value hides what is secret of a field's value s[at:end].
func (h *hidden) value(what fieldSecret, s string, at, end int) {
	for end > at && (s[end-1] == '\r' || s[end-1] == ' ') {
		end--
	}
	for at < end && (s[at] == ' ' || s[at] == '\t') {
		at++
	}
	switch what {
	case credentials:
		h.credentials(s, at, end)
	case cookieValues:
		h.cookie(s, at, end)
	case allOfIt:
		h.add(at, end)
	}
}

// credentials hides the secret part of credentials. Of those for Digest
// that is the response alone (cnonce, nonce and the rest explain a failure and
// reveal nothing once the response is gone); of anything else all but the
// scheme.
func (h *hidden) credentials(s string, at, end int) {
	value := s[at:end]
	if len(value) >= 7 && strings.EqualFold(value[:7], "digest ") || strings.Contains(strings.ToLower(value), "rspauth=") {
		if h.digest(s, at, end) {
			return
		}
	}
	if blank := strings.IndexByte(value, ' '); blank > 0 {
		at += blank + 1
	}
	h.add(at, end)
}

// digest hides response, rspauth and username of Digest credentials; false
// when there is none to be found, and so all has to be hidden.
func (h *hidden) digest(s string, at, end int) bool {
	lower, found := strings.ToLower(s[at:end]), false
	for _, key := range [...]string{"response", "rspauth", "username", "username*"} {
		for from := 0; ; {
			i := strings.Index(lower[from:], key)
			if i < 0 {
				break
			}
			i += from
			from = i + len(key)
			if i > 0 && !strings.ContainsRune(" ,\t\r\n", rune(lower[i-1])) {
				continue
			}
			v := from
			for v < len(lower) && (lower[v] == ' ' || lower[v] == '\t') {
				v++
			}
			if v >= len(lower) || lower[v] != '=' {
				continue
			}
			for v++; v < len(lower) && (lower[v] == ' ' || lower[v] == '\t'); v++ {
			}
			stop := v
			if v < len(lower) && lower[v] == '"' {
				v++
				for stop = v; stop < len(lower) && lower[stop] != '"'; stop++ {
					if lower[stop] == '\\' {
						stop++
					}
				}
				stop = min(stop, len(lower))
			} else {
				for stop < len(lower) && lower[stop] != ',' {
					stop++
				}
			}
			h.add(at+v, at+stop)
			from = stop
			found = found || key[0] == 'r'
		}
	}
	return found
}

// cookie hides the values of name=value pairs, not those of the attributes
// that tell how a cookie is to be used.
func (h *hidden) cookie(s string, at, end int) {
	for at < end {
		stop := at + strings.IndexByte(s[at:end], ';')
		if stop < at {
			stop = end
		}
		name, _, ok := strings.Cut(s[at:stop], "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "path", "domain", "expires", "max-age", "samesite", "version", "secure", "httponly", "comment", "$version", "$path", "$domain":
		default:
			if ok {
				h.add(at+len(name)+1, stop)
			} else {
				h.add(at, stop)
			}
		}
		at = stop + 1
	}
}

// maskBody hides the secrets in a body, by the text alone, so that it works on
// what could not be read as well: the content of elements whose name is that of
// a secret, and of a Value after a Name that names one. args are the spans of
// leaves that are known to be secret.
func maskBody(body string, args hidden) string {
	h := append(hidden(nil), args...)
	secret, named := false, false // by the names since the last Value
	for at := 0; at < len(body); {
		lt := strings.IndexByte(body[at:], '<')
		if lt < 0 {
			break
		}
		lt += at
		gt := tagEnd(body, lt)
		at = gt
		name := localName(body[lt+1 : min(gt, len(body))])
		if name == "" || strings.HasSuffix(body[:gt], "/>") {
			continue
		}
		switch {
		case name == "Name" || name == "ParameterName":
			text, _ := content(body, gt, name)
			secret = named && secret || secretName(unescape(text))
			named = true
		case name == "Value" && secret, name != "Value" && secretElement(name):
			_, end := content(body, gt, name)
			h.add(gt, end)
			at = max(end, gt) // another Value of the same parameter may follow
			named = false
		case name == "Value":
			named = false
		case name == "ParameterValueStruct" || name == "ArgStruct":
			secret, named = false, false
		}
	}
	s, _ := maskURL(h.apply(body))
	return s
}

// maskStream masks bytes of which nothing is known: as a head and as a body.
// They may begin in the midst of a field or of an element.
func maskStream(s string, secrets bool) string {
	if secrets {
		return s
	}
	var h hidden
	h.broken(s)
	return maskBody(maskHead(h.apply(s)), nil)
}

// broken hides what s begins with, where its name was cut: the value of a field
// whose name ends as that of a secret one does, and the text before the end tag
// of a secret element, or of a Value.
func (h *hidden) broken(s string) {
	end := strings.IndexByte(s, '\n')
	if end < 0 {
		end = len(s)
	}
	if name, _, ok := strings.Cut(s[:end], ":"); ok && name != "" {
		for _, f := range secretFields {
			if len(name) < len(f) && strings.EqualFold(f[len(f)-len(name):], name) {
				h.value(fieldSecretOf(f), s, len(name)+1, end)
				break
			}
		}
	}
	lt := strings.IndexByte(s, '<')
	if lt <= 0 || !strings.HasPrefix(s[lt:], "</") {
		return
	}
	if name := localName(s[lt+2 : min(tagEnd(s, lt), len(s))]); name == "Value" || secretElement(name) {
		h.add(0, lt)
	}
}

// secretElement says whether an element of that local name holds a secret.
func secretElement(name string) bool { return secretArg(name) || cwmp.IsSecret(name) }

// tagEnd is the position after the tag, comment or CDATA start at lt.
func tagEnd(s string, lt int) int {
	switch rest := s[lt:]; {
	case strings.HasPrefix(rest, "<!--"):
		if i := strings.Index(rest, "-->"); i >= 0 {
			return lt + i + 3
		}
		return lt + 4 // an unclosed comment hides nothing from us
	case strings.HasPrefix(rest, "<![CDATA["):
		return lt + 9
	}
	if i := strings.IndexByte(s[lt:], '>'); i >= 0 {
		return lt + i + 1
	}
	return len(s)
}

// localName is the name in a start tag's text, without its prefix; "" for end
// tags and all that is no element.
func localName(tag string) string {
	end := 0
	for end < len(tag) && !strings.ContainsRune(" \t\r\n/>", rune(tag[end])) {
		end++
	}
	name := tag[:end]
	if name == "" || name[0] == '!' || name[0] == '?' {
		return ""
	}
	return name[strings.LastIndexByte(name, ':')+1:]
}

// content is the text from at to the end tag of the element of that local
// name, or, where there is none, to the next end tag, or to the end.
func content(s string, at int, name string) (string, int) {
	first := -1
	for from := at; ; {
		i := strings.Index(s[from:], "</")
		if i < 0 {
			break
		}
		i += from
		if first < 0 {
			first = i
		}
		if localName(s[i+2:min(len(s), i+2+len(name)+64)]) == name {
			return s[at:i], i
		}
		if i-first > 4096 {
			break
		}
		from = i + 2
	}
	if first < 0 {
		first = len(s)
	}
	return s[at:first], first
}

// unescape undoes what hides a parameter's name from us: CDATA and the
// references for the characters of a name.
func unescape(s string) string {
	s = strings.TrimSpace(s)
	if t, ok := strings.CutPrefix(s, "<![CDATA["); ok {
		s = strings.TrimSuffix(t, "]]>")
	}
	return s
}

// secretSpans are the spans of d.Text's secrets that the arguments tell, as
// ranges of the text that is shown: the body, or where inText is set the
// document's text.
func secretSpans(m *cwmp.Message, inText bool) hidden {
	var h hidden
	hide := func(l *cwmp.Leaf) {
		if l.Value == "" {
			return
		}
		start, end := int(l.Start), int(l.End)
		if !inText {
			a, ok1 := m.Document.Origin(start)
			b, ok2 := m.Document.Origin(end)
			if !ok1 || !ok2 {
				return // found by its text
			}
			start, end = a, b
		}
		h.add(start, end)
	}
	if m.Document != nil && m.Args != nil {
		eachSecret(m.Args, hide)
	}
	return h
}

// eachSecret calls f for every leaf below v that is a secret.
func eachSecret(v cwmp.Value, f func(*cwmp.Leaf)) {
	switch v := v.(type) {
	case *cwmp.Leaf:
	case *cwmp.ParameterValueStruct:
		if secretName(v.Name.Value) {
			f(&v.Value)
		}
	case *cwmp.ArgStruct:
		if secretName(v.Name.Value) {
			f(&v.Value)
		}
	case *cwmp.List[cwmp.Leaf]:
	case *cwmp.List[cwmp.ParameterValueStruct]:
		for i := range v.Items {
			eachSecret(&v.Items[i], f)
		}
	case cwmp.Array:
		for i := range v.Len() {
			eachSecret(v.Item(i), f)
		}
	case cwmp.Struct:
		cwmp.EachMember(v, func(m *cwmp.Member, v cwmp.Value) {
			if l, ok := v.(*cwmp.Leaf); ok && secretArg(m.Name) {
				f(l)
				return
			}
			eachSecret(v, f)
		})
	}
}

// headOf is the head of an HTTP message as it was on the wire.
func headOf(m *http1.Message) string { return m.Raw[:min(m.Head, len(m.Raw))] }

// MaskValue is a value of a parameter or argument as it may be shown: of a secret only
// that there is one, and of a URL not its credentials. masked says whether something
// was taken away.
func MaskValue(path, value string) (shown string, masked bool) {
	if value == "" {
		return "", false
	}
	if secretArg(path[strings.LastIndexByte(path, '.')+1:]) || cwmp.IsSecret(path) {
		return mask, true
	}
	return maskURL(value)
}
