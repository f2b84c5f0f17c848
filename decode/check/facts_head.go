package check

import (
	"strings"

	"informant/decode/http1"
)

// headFacts is what a message's fields are, and whether a box between the two
// sides told of itself in them.
func headFacts(h *http1.Message) (f facts, relayed bool) {
	f = noAction | noHost | oddType
	for i := range h.Fields {
		x := &h.Fields[i]
		switch n := x.Name; len(n) {
		case 3:
			relayed = relayed || x.Is("Via")
		case 4:
			if x.Is("Host") {
				f &^= noHost
			}
		case 6:
			if x.Is("Expect") {
				f |= expects
			}
		case 9:
			relayed = relayed || x.Is("Forwarded")
		case 10:
			f = tenFacts(f, x)
		case 11:
			if x.Is("Set-Cookie2") {
				f |= setsCookie
			}
		case 12:
			if x.Is("Content-Type") {
				f = typeFacts(f, x.Value)
			}
		case 13:
			if x.Is("Authorization") {
				f |= credentials | schemeFacts(x.Value)
			}
		case 16:
			if x.Is("Content-Encoding") {
				f |= encoded
			}
			if x.Is("WWW-Authenticate") {
				f |= schemeFacts(x.Value)
			}
		}
		if n := x.Name; len(n) > 12 && n[0]|0x20 == 'x' && strings.EqualFold(n[:12], "X-Forwarded-") {
			relayed = true
		}
	}
	return f, relayed
}

// schemeFacts is headFacts of what begins with a scheme of authentication.
func schemeFacts(v string) facts {
	const name = "Basic"
	if len(v) >= len(name) && strings.EqualFold(v[:len(name)], name) {
		return basic
	}
	return 0
}

// tenFacts is headFacts of a field whose name has ten letters.
func tenFacts(f facts, x *http1.Field) facts {
	switch {
	case x.Is("SOAPAction"):
		f = f&^noAction | hasAction
		if x.Value != "" {
			f |= namedActions
		}
	case x.Is("Connection"):
		if !strings.EqualFold(x.Value, "keep-alive") {
			f |= connects
		}
	case x.Is("Set-Cookie"):
		f |= setsCookie
	}
	return f
}

// typeFacts is headFacts of a Content-Type.
func typeFacts(f facts, v string) facts {
	if f&hasType != 0 {
		return f | oddType | oddCharset // two of them
	}
	f = f&^oddType | hasType
	rest, ok := strings.CutPrefix(v, "text/xml")
	switch {
	case !ok:
		return f | oddType | oddCharset
	case rest == "":
		return f
	}
	if rest[0] != ';' {
		f |= oddType
	}
	switch rest = strings.TrimLeft(rest[1:], " "); {
	case rest == "charset=utf-8", rest == "charset=UTF-8", rest == `charset="utf-8"`, rest == `charset="UTF-8"`:
		return f
	}
	return f | oddCharset
}
