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
func knownMethod(local string) bool {
	_, ok := methods[local]
	return ok
}

// rootName is the name of the first element behind the XML declaration,
// comments and the like; "" when there is none near the beginning.
func rootName(body string) string {
	const look = 16 << 10
	head := body[:min(len(body), look)]
	if len(head) > 3 && head[0] >= 0xFE { // the byte order mark of UTF-16
		head = head[2:]
	}
	if len(head) > 3 && (head[0] == 0 || head[1] == 0) {
		head = strings.ReplaceAll(head, "\x00", "")
	}
	head = strings.TrimLeft(strings.TrimPrefix(head, "\xEF\xBB\xBF"), " \t\r\n\x00")
	for strings.HasPrefix(head, "<?") || strings.HasPrefix(head, "<!") {
		end := ">"
		if strings.HasPrefix(head, "<!--") {
			end = "-->"
		}
		_, rest, ok := strings.Cut(head, end)
		if !ok {
			return ""
		}
		head = strings.TrimLeft(rest, " \t\r\n")
	}
	name, ok := strings.CutPrefix(head, "<")
	if !ok {
		return ""
	}
	if i := strings.IndexAny(name[:min(len(name), 256)], " \t\r\n/>"); i >= 0 {
		name = name[:i]
	}
	return name
}
