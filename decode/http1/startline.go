package http1

import "strings"

func (p Span) of(s string) string { return s[p.Start:p.End] }

func spanOf(start, end int) Span { return Span{int32(start), int32(end)} }

// moved is p in a text in which what p lies in begins at by.
func (p Span) moved(by int) Span { return Span{p.Start + int32(by), p.End + int32(by)} }

// startLine is the first line of a message, as spans of the line it was read
// from.
type startLine struct {
	method, target, version, reason Span
	status                          int32
	request                         bool
	method1                         bool // a method that RFC 9110 or WebDAV names, in any case
}

// parseStart reads a line without its end as a start line of the wanted kind.
//
// A request line is a token of 1 to 32 characters, a blank, a target, and a
// version; without a version (HTTP/0.9, or cut short by its author) only when
// the token is a known method and the target looks like one. A status line is a
// version, a blank and three digits. Everything else is no start line, so that
// garbage is not taken for a message.
func parseStart(line string, request bool) (startLine, bool) {
	if request {
		return parseRequestLine(line)
	}
	return parseStatusLine(line)
}

func parseRequestLine(line string) (l startLine, ok bool) {
	l.request = true
	i := 0
	for i < len(line) && isToken(line[i]) {
		i++
	}
	if i == 0 || i > 32 || i == len(line) || !isBlank(line[i]) {
		return l, false
	}
	l.method = spanOf(0, i)
	l.method1 = knownMethod(line[:i])
	to := trimBlank(line)
	from := min(skipBlank(line, i), to)
	v := to
	for v > from && !isBlank(line[v-1]) {
		v--
	}
	if isVersion(line[v:to]) {
		l.version = spanOf(v, to)
		t := v
		for t > from && isBlank(line[t-1]) {
			t--
		}
		l.target = spanOf(min(from, t), t)
		return l, true
	}
	l.target, l.version = spanOf(from, to), spanOf(to, to)
	return l, l.method1 && looksLikeTarget(line[from:to])
}

func looksLikeTarget(s string) bool {
	return s != "" && strings.IndexByte(s, ' ') < 0 && (s[0] == '/' || s[0] == '*' || hasPrefixFold(s, "http://") || hasPrefixFold(s, "https://"))
}

func parseStatusLine(line string) (l startLine, ok bool) {
	i := 0
	for i < len(line) && !isBlank(line[i]) {
		i++
	}
	if !isVersion(line[:i]) {
		return l, false
	}
	l.version = spanOf(0, i)
	i = skipBlank(line, i)
	if len(line)-i < 3 || len(line)-i > 3 && !isBlank(line[i+3]) {
		return l, false
	}
	for _, c := range []byte(line[i : i+3]) {
		if c < '0' || c > '9' {
			return l, false
		}
		l.status = l.status*10 + int32(c-'0')
	}
	if l.status < 100 {
		return l, false
	}
	r, to := skipBlank(line, i+3), trimBlank(line)
	l.reason = spanOf(r, max(r, to))
	return l, true
}

// isVersion says whether s is "HTTP/" in any case, digits, and perhaps a dot and
// digits.
func isVersion(s string) bool {
	if len(s) < 6 || len(s) > 12 || !hasPrefixFold(s, "HTTP/") || !isDigit(s[5]) {
		return false
	}
	dots := 0
	for i := 5; i < len(s); i++ {
		if s[i] == '.' {
			dots++
		} else if !isDigit(s[i]) {
			return false
		}
	}
	return dots <= 1 && s[len(s)-1] != '.'
}

// findStart looks for a start line that ends with this line (its end included):
// at its beginning, after blanks, or after the rest of a body that ended without
// a line end. It returns where it begins.
func findStart(line string, request bool) (at int, ok bool) {
	text := strings.TrimRight(line, "\r\n")
	at = skipBlank(text, 0)
	if l, ok := parseStart(text[at:], request); ok {
		if request && !l.method1 {
			at += behind(text[at:], l)
		}
		return at, true
	}
	if request {
		return findRequest(text)
	}
	for from := 0; ; {
		i := strings.Index(text[from:], "HTTP/")
		if i < 0 {
			return 0, false
		}
		if l, ok := parseStatusLine(text[from+i:]); ok && l.version.End == int32(len("HTTP/1.1")) && (from+i == 0 || !isDigit(text[from+i-1])) {
			return from + i, true
		}
		from += i + len("HTTP/")
	}
}

// behind returns where in a line that begins with no known method a request
// line begins: at a known method within the first word ("tailPOST"), or, where
// the target would have blanks, at one that ends in a known method before a
// target and a version ("no markup herePOST /acs HTTP/1.1"); 0 when there is
// none.
func behind(text string, l startLine) int {
	if strings.IndexByte(l.target.of(text), ' ') >= 0 {
		if at, ok := findRequest(text[:trimBlank(text)]); ok {
			return at
		}
	}
	return glued(l.method.of(text))
}

// glued returns where in a method that is none a known one begins, right behind
// the rest of a body ("tailPOST"); 0 when there is none.
func glued(method string) int {
	for _, m := range methods[:plainMethods] {
		if at := len(method) - len(m); at > 0 && method[at:] == m && strings.ToUpper(method[:at]) != method[:at] {
			return at
		}
	}
	return 0
}

// findRequest finds "POST /acs HTTP/1.1" at the end of text, where other text
// stands before it.
func findRequest(text string) (int, bool) {
	v := strings.LastIndexByte(text, ' ')
	if v < 0 || !isVersion(text[v+1:]) {
		return 0, false
	}
	t := strings.LastIndexByte(text[:v], ' ')
	if t < 0 || !looksLikeTarget(text[t+1:v]) {
		return 0, false
	}
	for _, m := range methods {
		if at := t - len(m); at >= 0 && text[at:t] == m && (at == 0 || !isToken(text[at-1])) {
			return at, true
		}
	}
	// Letters may stand before the method: the rest of a body of plain text.
	for _, m := range methods[:plainMethods] {
		if at := t - len(m); at >= 0 && text[at:t] == m {
			return at, true
		}
	}
	return 0, false
}

// mayStart says whether a line whose end has not come yet may become a start
// line.
func mayStart(part string, request bool) bool {
	part = part[skipBlank(part, 0):]
	if part == "" {
		return false
	}
	if !request {
		n := min(len(part), len("HTTP/"))
		return strings.EqualFold(part[:n], "HTTP/"[:n])
	}
	i := strings.IndexByte(part, ' ')
	if i > 0 {
		return knownMethod(part[:i])
	}
	for _, m := range methods {
		if len(part) <= len(m) && strings.EqualFold(part, m[:len(part)]) {
			return true
		}
	}
	return false
}

// methods are those that RFC 9110 and WebDAV name. The first plainMethods of
// them are looked for even right behind a letter.
var methods = [...]string{
	"POST", "GET", "PUT", "HEAD", "OPTIONS", "DELETE", "CONNECT", "TRACE", "PATCH",
	"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT",
	"NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "M-SEARCH",
}

const plainMethods = 2

func knownMethod(s string) bool {
	for _, m := range methods {
		if isName(m, s) {
			return true
		}
	}
	return false
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// isToken says whether c may stand in a method or a field name (RFC 9110
// section 5.6.2).
func isToken(c byte) bool { return tokens[c] }

var tokens = func() (t [256]bool) {
	for c := '0'; c <= 'z'; c++ {
		t[c] = c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a'
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] = true
	}
	return t
}()

func skipBlank(s string, i int) int {
	for i < len(s) && isBlank(s[i]) {
		i++
	}
	return i
}

// trimBlank returns the end of s without the blanks there.
func trimBlank(s string) int {
	n := len(s)
	for n > 0 && isBlank(s[n-1]) {
		n--
	}
	return n
}

// allBlank says whether s holds nothing but white space.
func allBlank(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] != '\n' && s[i] != '\r' && !isBlank(s[i]) {
			return false
		}
	}
	return true
}
