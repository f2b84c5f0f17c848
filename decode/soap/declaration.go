package soap

import "strings"

// declaration reads the XML declaration of the text, if it has one, and
// settles where reading begins. wide is the charset that is certain already.
func (p *preparation) declaration(wide string) {
	text := p.doc.Text
	if rest, ok := strings.CutPrefix(text, `<?xml version="1.0" encoding="UTF-8"?>`); ok && wide == "" {
		p.doc.Declaration, p.declEncoding, p.begin = true, "UTF-8", len(text)-len(rest)
		return
	}
	at := skipSpace(text, 0)
	if !strings.HasPrefix(text[at:], "<?xml") || len(text) > at+5 && class[text[at+5]]&isSpace == 0 && text[at+5] != '?' {
		p.quirks.note(NoDeclaration, 0, 0, "no XML declaration")
		return
	}
	n := strings.Index(text[at:min(len(text), at+1024)], "?>")
	if n < 0 {
		// The scanner will tell.
		return
	}
	p.doc.Declaration = true
	if at > 0 {
		p.quirks.note(LeadingSpace, 0, at, "white space before the XML declaration")
	}
	p.begin = at + n + 2
	version, encoding, ok := readDeclaration(text[at+5 : at+n])
	p.declEncoding = encoding
	if !ok {
		p.quirks.note(Malformed, at, p.begin, "XML declaration "+quote(text[at:p.begin]))
	}
	if version != "" && version != "1.0" {
		p.quirks.note(Version11, at, p.begin, "XML version "+quote(version))
	}
	if encoding != "" && !knownCharset(canonical(encoding)) {
		p.quirks.note(BadCharset, at, p.begin, "charset "+quote(encoding)+" is not known")
	}
	if wide != "" && encoding != "" && canonical(encoding) != wide && !strings.HasPrefix(canonical(encoding), "utf-16") {
		p.quirks.note(BadCharset, at, p.begin, "declared as "+quote(encoding)+", but it is "+wide)
	}
}

// readDeclaration reads the pseudo-attributes of an XML declaration. ok is
// false when they are not as XML 1.0 has them.
func readDeclaration(s string) (version, encoding string, ok bool) {
	ok = true
	next := 0 // of version, encoding, standalone
	names := [...]string{"version", "encoding", "standalone"}
	for {
		rest := s[skipSpace(s, 0):]
		if rest == "" {
			return version, encoding, ok && next > 0
		}
		ok = ok && len(rest) < len(s)
		name, value, tail, good := pseudoAttribute(rest)
		if !good {
			return version, encoding, false
		}
		i := next
		for i < len(names) && names[i] != name {
			i++
		}
		if i == len(names) || i > 0 && next == 0 {
			ok = false
		}
		switch name {
		case "version":
			version = value
			ok = ok && value != "" && strings.Trim(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == ""
		case "encoding":
			encoding = value
			ok = ok && value != "" && digit(value[0]) > 9 && strings.Trim(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == ""
		case "standalone":
			ok = ok && (value == "yes" || value == "no")
		}
		next = i + 1
		s = tail
	}
}

// pseudoAttribute reads name="value" at the start of s.
func pseudoAttribute(s string) (name, value, rest string, ok bool) {
	name, rest, ok = strings.Cut(s, "=")
	name = strings.TrimRight(name, " \t\r\n")
	rest = rest[skipSpace(rest, 0):]
	if !ok || rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return "", "", "", false
	}
	n := strings.IndexByte(rest[1:], rest[0])
	if n < 0 {
		return "", "", "", false
	}
	return name, rest[1 : 1+n], rest[n+2:], true
}
