package http1

import "strings"

// AuthParameters are the parameters of a challenge or of an answer to one, behind the
// name of its scheme (RFC 7235 2.1): by their names in lower case, with the quotes taken
// off, and which of them had quotes. What can't be read is left out.
func AuthParameters(text string) (values map[string]string, quoted map[string]bool) {
	values, quoted = map[string]string{}, map[string]bool{}
	for rest := text; rest != ""; {
		name, after, ok := strings.Cut(rest, "=")
		if !ok {
			break
		}
		name = strings.ToLower(strings.Trim(name, " \t,"))
		after = strings.TrimLeft(after, " \t")
		if v, is := strings.CutPrefix(after, `"`); is {
			values[name], after, _ = strings.Cut(v, `"`)
			quoted[name] = true
			_, rest, _ = strings.Cut(after, ",")
			continue
		}
		values[name], rest, _ = strings.Cut(after, ",")
		values[name] = strings.TrimSpace(values[name])
	}
	return values, quoted
}

// Digest is the parameters of a Digest challenge, or of an answer to one; nil of any
// other scheme.
func Digest(field string) map[string]string {
	const scheme = "Digest "
	if len(field) < len(scheme) || !strings.EqualFold(field[:len(scheme)], scheme) {
		return nil
	}
	values, _ := AuthParameters(field[len(scheme):])
	return values
}
