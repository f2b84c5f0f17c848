package http1

import "strings"

// Parameter is a parameter of a challenge or of an answer to one.
type Parameter struct {
	Name   string // as it was written
	Value  string // with the quotes taken off
	Quoted bool
}

// Parameters are those of one challenge, or of an answer to one, in their order.
type Parameters []Parameter

// AuthParameters appends to dst the parameters of a challenge or of an answer to one,
// behind the name of its scheme (RFC 7235 2.1). What can't be read is left out.
func AuthParameters(dst Parameters, text string) Parameters {
	for text != "" {
		name, value, quoted, after, ok := authParameter(text)
		if !ok {
			break
		}
		dst, text = append(dst, Parameter{name, value, quoted}), after
	}
	return dst
}

// Get is the value of a parameter, the last of that name in any case; "" where there is
// none.
func (ps Parameters) Get(name string) string {
	for i := len(ps) - 1; i >= 0; i-- {
		if isName(ps[i].Name, name) {
			return ps[i].Value
		}
	}
	return ""
}

// Quoted says whether a parameter of that name stands in quotes.
func (ps Parameters) Quoted(name string) bool {
	for i := range ps {
		if ps[i].Quoted && isName(ps[i].Name, name) {
			return true
		}
	}
	return false
}

// authParameter is the first parameter of a text, and what stands behind it.
func authParameter(text string) (name, value string, quoted bool, rest string, ok bool) {
	name, after, ok := cut(text, '=')
	if !ok {
		return "", "", false, "", false
	}
	for name != "" && between(name[0]) {
		name = name[1:]
	}
	for name != "" && between(name[len(name)-1]) {
		name = name[:len(name)-1]
	}
	for after != "" && (after[0] == ' ' || after[0] == '\t') {
		after = after[1:]
	}
	if after != "" && after[0] == '"' {
		value, after, _ = cut(after[1:], '"')
		_, rest, _ = cut(after, ',')
		return name, value, true, rest, true
	}
	value, rest, _ = cut(after, ',')
	return name, strings.TrimSpace(value), false, rest, true
}

// cut is strings.Cut at a byte.
func cut(s string, at byte) (before, after string, found bool) {
	if i := strings.IndexByte(s, at); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// between says whether a byte may stand between parameters.
func between(c byte) bool { return c == ' ' || c == '\t' || c == ',' }

const digestScheme = "Digest "

// CutDigest is a challenge, or an answer to one, without the name of its scheme. It is
// false where that is not Digest.
func CutDigest(field string) (parameters string, ok bool) {
	if len(field) < len(digestScheme) || !strings.EqualFold(field[:len(digestScheme)], digestScheme) {
		return "", false
	}
	return field[len(digestScheme):], true
}

// DigestParameter is one parameter of a Digest challenge, or of an answer to one: the
// last of that name; "" where there is none, or of any other scheme.
func DigestParameter(field, name string) (value string) {
	rest, _ := CutDigest(field)
	for rest != "" {
		n, v, _, after, ok := authParameter(rest)
		if !ok {
			break
		}
		if isName(n, name) {
			value = v
		}
		rest = after
	}
	return value
}
