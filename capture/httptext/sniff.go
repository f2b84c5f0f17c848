package httptext

import "bytes"

// sniffLen is how much of a text is looked at to know it.
const sniffLen = 8 << 10

// Sniff says whether a file that begins with prefix is a text that this package
// reads: an HTTP start line or the beginning of an XML document stands in its
// first 8 KB, and it is no binary file.
func Sniff(prefix []byte) bool {
	prefix = bytes.TrimPrefix(prefix[:min(len(prefix), sniffLen)], bom)
	if isForm(prefix) {
		return true
	}
	text := bytes.TrimLeft(prefix, " \t\r\n\x00")
	if len(text) > 1 && text[0] == '<' && findRoot(text[:lineEnd(text, 0)]) == 0 && !isPage(text) {
		return true
	}
	if bytes.Contains(text, []byte("urn:dslforum-org:cwmp-")) && bytes.IndexByte(text[:min(len(text), 64)], '<') >= 0 {
		return true // an envelope whose first bytes are broken
	}
	if looksJSON(text) && bytes.Contains(bytes.ToLower(text), []byte("\"soapaction\"")) {
		return true
	}
	if isBinary(text) {
		return false
	}
	for at := 0; at < len(text); at = lineEnd(text, at) {
		line := text[at:lineEnd(text, at)]
		if _, _, ok := findStart(line); ok {
			return true
		}
		if i := findRoot(line); i >= 0 && (bytes.Contains(line[i:], []byte("Envelope")) || bytes.HasPrefix(line[i:], []byte("<?xml"))) {
			return true
		}
	}
	return false
}

// isPage says whether text is a web page.
func isPage(text []byte) bool {
	low := bytes.ToLower(text[:min(len(text), 64)])
	return bytes.HasPrefix(low, []byte("<!doctype html")) || bytes.HasPrefix(low, []byte("<html"))
}

// isBinary says whether text holds more control characters than a text that was
// damaged a little.
func isBinary(text []byte) bool {
	n := 0
	for _, c := range text {
		if c < ' ' && c != '\t' && c != '\r' && c != '\n' && c != '\f' && c != 0x1b {
			n++
		}
	}
	return n > len(text)/50
}
