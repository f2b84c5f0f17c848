package httptext

import (
	"bytes"
	"slices"
	"strings"

	"informant/capture"
)

// findStart finds a start line that ends with the line, perhaps behind the
// prefix of a log.
func findStart(line []byte) (at int, from capture.Direction, ok bool) {
	text := bytes.TrimRight(line, " \t\r\n")
	v := bytes.LastIndexByte(text, ' ')
	if v > 0 && isVersion(text[v+1:]) {
		if at, ok := findMethod(text[:v]); ok {
			return at, capture.FromClient, true
		}
	}
	for at, tries := 0, 0; at+8 <= len(text) && tries < 100; at, tries = at+1, tries+1 {
		i := indexHTTP(text[at:])
		if i < 0 {
			break
		}
		at += i
		if (at == 0 || !isWord(text[at-1])) && statusOf(text[at:]) > 0 {
			return at, capture.FromServer, true
		}
	}
	return 0, 0, false
}

func indexHTTP(b []byte) int {
	i, j := bytes.Index(b, []byte("HTTP/")), bytes.Index(b, []byte("http/"))
	if i < 0 || j >= 0 && j < i {
		return j
	}
	return i
}

func isVersion(b []byte) bool {
	return len(b) == 8 && bytes.EqualFold(b[:5], []byte("HTTP/")) && isDigit(b[5]) && b[6] == '.' && isDigit(b[7])
}

// statusOf reads a status line; 0 when it is none.
func statusOf(b []byte) int {
	if len(b) < 12 || !isVersion(b[:8]) || b[8] != ' ' {
		return 0
	}
	n := 0
	for _, c := range b[9:12] {
		if !isDigit(c) {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	if len(b) > 12 && strings.IndexByte(" \t\r\n", b[12]) < 0 {
		return 0
	}
	return n
}

// methods in the order of how likely they are.
var methods = []string{"POST ", "GET ", "PUT ", "HEAD ", "OPTIONS ", "DELETE ", "CONNECT ", "TRACE ", "PATCH "}

// findMethod finds the method in a start line without its version: at the
// beginning, or behind something that is no word and with a target of one word.
func findMethod(b []byte) (int, bool) {
	for _, m := range methods {
		if len(b) >= len(m) && bytes.EqualFold(b[:len(m)], []byte(m)) {
			return 0, true
		}
		i := bytes.LastIndex(b, []byte(m))
		if i > 0 && !isWord(b[i-1]) && bytes.IndexByte(b[i+len(m):], ' ') < 0 {
			return i, true
		}
	}
	return 0, false
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWord(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '-'
}

// findRoot finds where in a line a document begins: at its beginning, or behind
// the prefix of a log when it is an XML declaration or an Envelope.
func findRoot(line []byte) int {
	at := len(line) - len(bytes.TrimLeft(line, " \t\x00"))
	if at+1 < len(line) && line[at] == '<' {
		if c := line[at+1]; isWord(c) || c == '?' || c == '!' || c == '/' || c == ':' || c >= 0x80 {
			return at
		}
	}
	if i := bytes.Index(line, []byte("<?xml")); i >= 0 {
		return i
	}
	i := bytes.Index(line, []byte("Envelope"))
	if i <= 0 {
		return -1
	}
	open := bytes.LastIndexByte(line[:i], '<')
	if open < 0 || bytes.ContainsAny(line[open+1:i], " />") {
		return -1
	}
	return open
}

// rootEnd returns where the root element of text ends. It looks for the end tag
// by its name alone, so that what is broken inside does not matter; text that is
// quoted in a CDATA section or a comment counts not.
func rootEnd(text []byte) (n int, ok bool) {
	name, at := rootName(text)
	if name == "" {
		return 0, false
	}
	if tag := bytes.IndexByte(text[at:], '>'); tag > 0 && text[at+tag-1] == '/' {
		return at + tag + 1, true
	}
	for {
		i := bytes.IndexByte(text[at:], '<')
		if i < 0 {
			return 0, false
		}
		at += i
		rest := text[at:]
		switch {
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			at += over(rest, "]]>")
		case bytes.HasPrefix(rest, []byte("<!--")):
			at += over(rest, "-->")
		case len(rest) > 2+len(name) && rest[1] == '/' && bytes.EqualFold(rest[2:2+len(name)], []byte(name)):
			after := bytes.TrimLeft(rest[2+len(name):], " \t\r\n")
			if len(after) > 0 && after[0] == '>' {
				return len(text) - len(after) + 1, true
			}
			at++
		default:
			at++
		}
	}
}

// over returns what to skip up to end, 1 when it never comes.
func over(b []byte, end string) int {
	if i := bytes.Index(b, []byte(end)); i >= 0 {
		return i + len(end)
	}
	return 1
}

// rootName returns the name of the first element, and where it stands.
func rootName(text []byte) (string, int) {
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], '<')
		if i < 0 || at+i+1 >= len(text) {
			return "", 0
		}
		at += i
		rest := text[at:]
		switch {
		case bytes.HasPrefix(rest, []byte("<!--")):
			at += over(rest, "-->")
		case rest[1] == '/':
			return "", 0
		case rest[1] == '?' || rest[1] == '!':
			at += over(rest, ">")
		default:
			n := bytes.IndexAny(rest, " \t\r\n/>\x00")
			if n <= 1 || n > 128 {
				return "", 0
			}
			return string(rest[1:n]), at + 1
		}
	}
}

// fromCPE are the methods that a CPE calls (TR-069 Amendment 6 table 5); the
// others are called by an ACS. GetRPCMethods may come from either: alone it is
// taken for the ACS's.
var fromCPE = []string{
	"Inform", "TransferComplete", "AutonomousTransferComplete", "DUStateChangeComplete",
	"AutonomousDUStateChangeComplete", "RequestDownload", "Kicked",
}

// fromACS are the methods that an ACS calls.
var fromACS = []string{
	"GetRPCMethods", "SetParameterValues", "GetParameterValues", "GetParameterNames", "SetParameterAttributes", "GetParameterAttributes",
	"AddObject", "DeleteObject", "Download", "Reboot", "GetQueuedTransfers", "ScheduleInform", "SetVouchers", "GetOptions", "Upload",
	"FactoryReset", "GetAllQueuedTransfers", "ScheduleDownload", "CancelTransfer", "ChangeDUState",
}

// sender tells who sent a bare envelope, by its RPC.
func sender(text []byte) capture.Direction {
	method := methodOf(text)
	if method == "Fault" {
		return faultSender(text)
	}
	call, isAnswer := strings.CutSuffix(method, "Response")
	for _, m := range fromCPE {
		if call == m {
			if isAnswer {
				return capture.FromServer
			}
			return capture.FromClient
		}
	}
	if isAnswer || method == "" {
		return capture.FromClient
	}
	return capture.FromServer
}

// faultSender tells an ACS's fault by its code, 8000 to 8999.
func faultSender(text []byte) capture.Direction {
	i := bytes.Index(text, []byte("FaultCode>"))
	if i < 0 {
		return capture.FromClient
	}
	code := bytes.TrimLeft(text[i+len("FaultCode>"):], " \t\r\n")
	if len(code) >= 4 && code[0] == '8' && isDigit(code[1]) && isDigit(code[2]) && isDigit(code[3]) {
		return capture.FromServer
	}
	return capture.FromClient
}

// methodOf returns the local name of the first element in the SOAP Body, or, of
// a method that stands without its envelope, of the root.
func methodOf(text []byte) string {
	root, inBody := "", false
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], '<')
		if i < 0 || at+i+1 >= len(text) {
			break
		}
		at += i
		rest := text[at:]
		if bytes.HasPrefix(rest, []byte("<!--")) {
			at += over(rest, "-->")
			continue
		}
		at++
		if c := rest[1]; c == '/' || c == '?' || c == '!' {
			continue
		}
		n := bytes.IndexAny(rest, " \t\r\n/>\x00")
		if n < 0 {
			break
		}
		name := string(rest[1:n])
		name = name[strings.LastIndexByte(name, ':')+1:]
		if inBody {
			return name
		}
		if root == "" {
			root = name
		}
		inBody = strings.EqualFold(name, "Body")
	}
	if call := strings.TrimSuffix(root, "Response"); root == "Fault" || slices.Contains(fromCPE, call) || slices.Contains(fromACS, call) {
		return root
	}
	return ""
}
