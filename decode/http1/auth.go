package http1

import "strings"

// AuthParameters are the parameters of a challenge or of an answer to one, behind the
// name of its scheme (RFC 7235 2.1): by their names in lower case, with the quotes taken
// off, and which of them had quotes. What can't be read is left out.
func AuthParameters(text string) (values map[string]string, quoted map[string]bool) {
	values, quoted = map[string]string{}, map[string]bool{}
	for rest := text; rest != ""; {
		name, value, inQuotes, after, ok := authParameter(rest)
		if !ok {
			break
		}
		name = strings.ToLower(name)
		values[name], rest = value, after
		if inQuotes {
			quoted[name] = true
		}
	}
	return values, quoted
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

// DigestParameter is one parameter of a Digest challenge, or of an answer to one: the
// last of that name; "" where there is none.
func DigestParameter(field, name string) (value string) {
	if len(field) < len(digestScheme) || !strings.EqualFold(field[:len(digestScheme)], digestScheme) {
		return ""
	}
	for rest := field[len(digestScheme):]; rest != ""; {
		n, v, _, after, ok := authParameter(rest)
		if !ok {
			break
		}
		if strings.EqualFold(n, name) {
			value = v
		}
		rest = after
	}
	return value
}

// Digest is the parameters of a Digest challenge, or of an answer to one; nil of any
// other scheme.
func Digest(field string) map[string]string {
	if len(field) < len(digestScheme) || !strings.EqualFold(field[:len(digestScheme)], digestScheme) {
		return nil
	}
	values, _ := AuthParameters(field[len(digestScheme):])
	return values
}
