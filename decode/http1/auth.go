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
	name, after, ok := strings.Cut(text, "=")
	if !ok {
		return "", "", false, "", false
	}
	name = strings.Trim(name, " \t,")
	after = strings.TrimLeft(after, " \t")
	if v, is := strings.CutPrefix(after, `"`); is {
		value, after, _ = strings.Cut(v, `"`)
		_, rest, _ = strings.Cut(after, ",")
		return name, value, true, rest, true
	}
	value, rest, _ = strings.Cut(after, ",")
	return name, strings.TrimSpace(value), false, rest, true
}

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
