package transcript

import (
	"strconv"
	"unicode/utf8"

	"informant/decode/cwmp"
)

// asideData is how many bytes of a remainder JSON shows.
const asideData = 1 << 10

// asides writes what came on the session's connections between its messages and
// is none: bytes that are missing, bytes that are no HTTP, and 1xx responses to
// requests that had no other.
func (e *encoder) asides(s *cwmp.Session) {
	if len(s.Asides) == 0 {
		return
	}
	e.array("asides")
	for i := range s.Asides {
		a := &s.Asides[i]
		e.object("")
		e.number("after", int64(a.After))
		e.text("from", a.From.String())
		e.time("time", a.Time)
		if a.Packet > 0 {
			e.number("packet", int64(a.Packet))
		}
		if a.Lost != 0 {
			e.number("lost", a.Lost)
		}
		if a.Interim != nil {
			e.number("interim", int64(a.Interim.Status))
		}
		if a.Size > 0 {
			e.number("bytes", a.Size)
			e.text("data", beginning(e.echo.free(maskStream(a.Bytes, e.secrets)), asideData))
		}
		e.end('}')
	}
	e.end(']')
}

// asidesAfter writes those of the asides, from the one numbered i on, that came
// before the message that follows message n, and returns the number of the
// first that did not.
func (w *teller) asidesAfter(s *cwmp.Session, i, n int) int {
	for ; i < len(s.Asides) && s.Asides[i].After <= n; i++ {
		w.aside(&s.Asides[i])
	}
	return i
}

// aside writes a line that says how much is missing, or is no HTTP, or that a
// 1xx response was the only one, on whose side; below it how bytes that are no
// HTTP begin.
func (w *teller) aside(a *cwmp.Aside) {
	var b block
	switch {
	case a.Lost > 0:
		b.head = b.head.add(yellow, "("+group(a.Lost)+" bytes missing)")
	case a.Lost < 0:
		b.head = b.head.add(yellow, "(bytes missing)")
	}
	switch {
	case a.Interim != nil:
		b.head = b.head.add(normal, "(HTTP "+strconv.Itoa(a.Interim.Status)+")").add(yellow, "  (no other response)")
		if w.Verbose > 0 {
			w.asideRows(&b, a)
		}
	case a.Size > 0:
		if len(b.head) > 0 {
			b.head = b.head.add(normal, " ")
		}
		b.head = b.head.add(yellow, "("+count(int(a.Size), "byte", "bytes")+" that are no HTTP)")
		w.asideRows(&b, a)
	}
	if a.Packet > 0 && w.Verbose > 0 {
		b.head = b.head.add(dim, "  packet "+strconv.FormatUint(a.Packet, 10))
	}
	w.lay(a.From, a.Time, b)
}

// asideRows shows how a remainder begins, or, where more was asked for, what was
// kept of it.
func (w *teller) asideRows(b *block, a *cwmp.Aside) {
	text := w.echo.free(maskStream(a.Bytes, w.ShowSecrets))
	if w.Verbose == 0 {
		w.asideRow(b, text, a.Size)
		return
	}
	for _, l := range rawLines(text, w.width-w.left-4) {
		b.rows = append(b.rows, line{{dim, "│ "}, {normal, l}})
	}
	if n := a.Size - int64(len(a.Bytes)); n > 0 {
		b.rows = append(b.rows, line{{dim, "│ … " + group(n) + " more bytes were not kept"}})
	}
}

// asideRow shows as much of text, the masked remainder of size bytes, as fits on
// one line.
func (w *teller) asideRow(b *block, text string, size int64) {
	const more = "… (-v shows more)"
	room := max(w.width-w.left-4, 24)
	start := safe(beginning(text, 4*room))
	if columns(start) > room || len(text) > 4*room || size > 64<<10 {
		n := 0
		for i := range start {
			if columns(start[:i]) > room-columns(more) {
				break
			}
			n = i
		}
		start = start[:n] + more
	}
	if start != "" {
		b.rows = append(b.rows, line{{dim, "│ "}, {normal, start}})
	}
}

// beginning is the first limit bytes of s, or a few less where a character
// would be cut.
func beginning(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit
	for end > limit-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
