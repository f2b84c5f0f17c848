package cwmp

import "strings"

// Sniff tells whether body looks like CWMP by its first element, whatever its
// Content-Type says (reference 9.1 no. 2): an Envelope, or what people cut out
// of one, a Body, a Fault or a method of the standard.
func Sniff(body string) bool {
	root := rootName(body)
	root = root[strings.LastIndexByte(root, ':')+1:]
	return strings.EqualFold(root, "Envelope") || root == "Body" || root == "Fault" || knownMethod(root)
}

// knownMethod tells whether the standard has a message of that name.
func knownMethod(local string) bool { return IsMethod(local) }

// IsMethod says whether TR-069 has a method, or the response to one, of that name.
func IsMethod(local string) bool {
	_, ok := methods[local]
	return ok
}

// rootName is the name of the first element behind the XML declaration,
// comments and the like; "" when there is none near the beginning.
func rootName(body string) string {
	const look = 16 << 10
	head := body[:min(len(body), look)]
	if head == "" || head[0] != '<' || len(head) > 3 && head[1] == 0 {
		head = odd(head)
	}
	for strings.HasPrefix(head, "<?") || strings.HasPrefix(head, "<!") {
		end := ">"
		if strings.HasPrefix(head, "<!--") {
			end = "-->"
		}
		_, rest, ok := strings.Cut(head, end)
		if len(head) > 9 && strings.EqualFold(head[:9], "<!DOCTYPE") {
			rest, ok = afterDoctype(head)
		}
		if !ok {
			return ""
		}
		head = trimBlanks(rest)
	}
	name, ok := strings.CutPrefix(head, "<")
	if !ok {
		return ""
	}
	for i := range min(len(name), 256) {
		switch name[i] {
		case ' ', '\t', '\r', '\n', '/', '>':
			return name[:i]
		}
	}
	return name
}

// afterDoctype is what follows a document type, which may have an internal subset
// with declarations in it.
func afterDoctype(s string) (rest string, ok bool) {
	inside := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\'':
			n := strings.IndexByte(s[i+1:], c)
			if n < 0 {
				return "", false
			}
			i += n + 1
		case '[':
			inside = true
		case ']':
			inside = false
		case '>':
			if !inside {
				return s[i+1:], true
			}
		}
	}
	return "", false
}

// trimBlanks is s without the white space that it begins with.
func trimBlanks(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t' || s[0] == '\r' || s[0] == '\n') {
		s = s[1:]
	}
	return s
}

// odd is the beginning of a body from its first '<' on, where other characters
// or none may stand before it.
func odd(head string) string {
	first := strings.TrimLeft(head, " \t\r\n\x00")
	if first == "" || first[0] != '<' && first[0] < 0xEF {
		return ""
	}
	if len(head) > 3 && head[0] >= 0xFE { // the byte order mark of UTF-16
		head = head[2:]
	}
	if len(head) > 3 && (head[0] == 0 || head[1] == 0) {
		head = strings.ReplaceAll(head, "\x00", "")
	}
	return strings.TrimLeft(strings.TrimPrefix(head, "\xEF\xBB\xBF"), " \t\r\n\x00")
}
