package transcript

import (
	"bytes"
	"fmt"
	"math"

	"informant/decode"
	"informant/decode/check"
	"informant/decode/cwmp"
)

// Live tells sessions while they go on: the lines of Text, each when its message
// is complete, with the ordinal and the device of its session before it; what the
// checks found, when it is certain; and how the session came out, when it is over.
// Its items come from a Decoder with Options.Live.
type Live struct{ Text }

// nameWidth is the room for a session's name before its lines.
const nameWidth = 14

// Append appends the lines that tell an item.
func (t *Live) Append(dst []byte, it decode.Item) []byte {
	switch it.Kind {
	case decode.MessageItem:
		return t.message(dst, it)
	case decode.SessionItem:
		return t.ended(dst, it)
	}
	return t.Text.Append(dst, it)
}

// message tells a message, and before the first one whose session it is.
func (t *Live) message(dst []byte, it decode.Item) []byte {
	s, m := it.Session, it.Message
	if m.N == 1 {
		w := t.teller(s, 0)
		w.header(s)
		dst = append(dst, w.b...)
	}
	w := t.teller(s, nameWidth)
	w.message(s, m)
	for i := range it.Findings {
		w.late(s, &it.Findings[i], m.N)
	}
	return named(dst, w.b, liveName(s))
}

// ended tells what there is to say of a session when it is over.
func (t *Live) ended(dst []byte, it decode.Item) []byte {
	s := it.Session
	w := t.teller(s, nameWidth)
	w.asidesAfter(s, 0, math.MaxInt)
	for i := range it.Late {
		w.late(s, &it.Late[i], 0)
	}
	w.done(it)
	w.ended(s)
	w.verdict(it)
	if len(it.Undecided) > 0 {
		w.undecided(it.Undecided)
	}
	return append(named(dst, w.b, liveName(s)), '\n')
}

// teller lays out lines that are so many columns narrower than the page.
func (t *Live) teller(s *cwmp.Session, less int) *teller {
	w := &teller{Text: &t.Text, page: page{color: t.Color, width: t.Width}}
	if w.width == 0 {
		w.width = DefaultWidth
	}
	w.width = max(w.width, 60+less) - less
	w.start = s.Start
	w.times = len("+00.000")
	w.left = 2 + w.times + len(" > ")
	if !t.ShowSecrets {
		w.echo.s = s
	}
	return w
}

// late writes a finding. Where it is about another message than the one above it,
// it says which.
func (w *teller) late(s *cwmp.Session, f *check.Finding, above int) {
	if f.At.N == 0 || f.At.N == above {
		w.finding(w.left, s, f)
		return
	}
	if n := f.At.N; n <= len(s.Messages) && s.Messages[n-1].N == n {
		m := s.Messages[n-1]
		w.indent(w.left)
		w.piece(dim, fmt.Sprintf("to message %d, %s of the %s, at %s:", n, safe(messageName(m)), m.From, w.since(m.Time)))
		w.b = append(w.b, '\n')
	}
	w.finding(w.left, s, f)
}

// messageName is what a message is called in a sentence.
func messageName(m *cwmp.Message) string {
	switch {
	case m.Kind == cwmp.Fault:
		return "a Fault"
	case m.RPC != "":
		return "the " + m.RPC
	}
	return "one that is " + m.Kind.String()
}

// liveName is a session's name before its lines: its ordinal, and the end of its
// device's key.
func liveName(s *cwmp.Session) string {
	name := SessionName(s)
	key := []rune(safe(s.Device.Key()))
	room := nameWidth - len(name) - 3
	if len(key) > room {
		key = append([]rune{'…'}, key[len(key)-room+1:]...)
	}
	if len(key) == 0 {
		return name
	}
	return name + " " + string(key)
}

// named appends lines with a name before them.
func named(dst, lines []byte, name string) []byte {
	for line := range bytes.Lines(lines) {
		if len(bytes.TrimSpace(line)) > 0 {
			dst = append(dst, pad(name, nameWidth)...)
		}
		dst = append(dst, line...)
	}
	return dst
}
