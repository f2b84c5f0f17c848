package scenario

import (
	"fmt"
	"strconv"
	"strings"
)

// word is one word of a line.
type word struct {
	text  string   // the whole, unquoted
	name  string   // before the first '=' outside quotes
	value string   // after it
	named bool     // there was one
	list  []string // of name=[a,b]
	array bool     // it was one, even if empty
}

// line is a statement or a change of one.
type line struct {
	n     int    // counted from 1
	verb  string // its first word
	words []word // the rest
	rest  string // the rest as it was written
}

// statement is a statement with what stands indented below it.
type statement struct {
	line
	changes []line
	block   []string // the lines of the text block
}

func (l *line) errorf(format string, args ...any) *Error {
	return &Error{Line: l.n, Text: fmt.Sprintf(format, args...)}
}

// arg is word i, or "".
func (l *line) arg(i int) string {
	if i < len(l.words) {
		return l.words[i].text
	}
	return ""
}

// parse reads the lines of a scenario.
func parse(text string) ([]*statement, error) {
	lines := strings.Split(text, "\n")
	if strings.TrimSpace(lines[0]) != magic+"1" {
		return nil, &Error{Line: 1, Text: fmt.Sprintf("the first line must be %q", magic+"1")}
	}
	var all []*statement
	for i, raw := range lines[1:] {
		raw = strings.TrimSuffix(raw, "\r")
		trimmed := strings.TrimSpace(raw)
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		indented := raw[0] == ' ' || raw[0] == '\t'
		l := line{n: i + 2}
		if indented && len(all) == 0 {
			return nil, l.errorf("an indented line needs a statement above it")
		}
		if indented && trimmed[0] == '|' {
			s := all[len(all)-1]
			s.block = append(s.block, blockLine(raw))
			continue
		}
		if err := l.read(trimmed); err != nil {
			return nil, err
		}
		if indented {
			s := all[len(all)-1]
			s.changes = append(s.changes, l)
			continue
		}
		all = append(all, &statement{line: l})
	}
	return all, nil
}

// blockLine is the text after "| ".
func blockLine(raw string) string {
	_, text, _ := strings.Cut(raw, "|")
	return strings.TrimPrefix(text, " ")
}

// read takes a line apart.
func (l *line) read(text string) error {
	l.verb, l.rest, _ = strings.Cut(text, " ")
	l.rest = strings.TrimSpace(l.rest)
	if isRestVerb(l.verb) {
		return nil
	}
	rest := l.rest
	for rest != "" {
		w, n, err := readWord(rest)
		if err != nil {
			return l.errorf("%v", err)
		}
		l.words = append(l.words, w)
		rest = strings.TrimLeft(rest[n:], " \t")
	}
	return nil
}

// isRestVerb says which lines are not made of words.
func isRestVerb(verb string) bool {
	switch verb {
	case "header", "add-header", "line":
		return true
	}
	return false
}

// whole is the rest of a line that is not made of words: as it is, or unquoted.
func (l *line) whole() (string, error) {
	if !strings.HasPrefix(l.rest, `"`) {
		return l.rest, nil
	}
	s, err := strconv.Unquote(l.rest)
	if err != nil {
		return "", l.errorf("%s is no quoted text", l.rest)
	}
	return s, nil
}

// readWord reads the word that text begins with, and says how long it is.
func readWord(text string) (w word, n int, err error) {
	var b strings.Builder
	equals, array := -1, false
	for n < len(text) {
		c := text[n]
		if (c == ' ' || c == '\t') && !array {
			break
		}
		if c == '"' {
			q, err := strconv.QuotedPrefix(text[n:])
			if err != nil {
				return w, n, fmt.Errorf("a quote is not closed: %s", text[n:])
			}
			s, err := strconv.Unquote(q)
			if err != nil {
				return w, n, fmt.Errorf("%s is no quoted text", q)
			}
			b.WriteString(s)
			n += len(q)
			continue
		}
		if c == '=' && equals < 0 {
			equals = b.Len()
			array = n+1 < len(text) && text[n+1] == '['
		}
		b.WriteByte(c)
		n++
		if array && c == ']' {
			break
		}
	}
	w.text = b.String()
	if equals >= 0 {
		w.named, w.name, w.value = true, w.text[:equals], w.text[equals+1:]
	}
	if array {
		inner := strings.TrimSuffix(strings.TrimPrefix(w.value, "["), "]")
		if !strings.HasSuffix(w.value, "]") {
			return w, n, fmt.Errorf("the list %s is not closed", w.value)
		}
		w.array = true
		for _, s := range strings.Split(inner, ",") {
			if s = strings.TrimSpace(s); s != "" {
				w.list = append(w.list, s)
			}
		}
	}
	return w, n, nil
}
