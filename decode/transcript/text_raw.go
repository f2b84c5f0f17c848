package transcript

import (
	"strings"

	"informant/decode/cwmp"
	"informant/decode/http1"
)

// rawMessage writes the HTTP message of m as it was on the wire, after the 1xx
// responses before it, chunks joined and coding undone, secrets masked. The second and later messages of one HTTP
// message say so instead.
func (w *teller) rawMessage(m *cwmp.Message) {
	h := m.HTTP
	if m.Document != nil && len(m.Document.Methods) > 1 && m.At.Start != m.Document.Methods[0].At.Start {
		w.line(w.left+2, line{{dim, "(in the same HTTP message as the one before)"}})
		return
	}
	if m.Trimmed {
		return
	}
	w.interim(m.Interim)
	body, inText := shownBody(m)
	w.raw(h, body, secretSpans(m, inText))
}

// rawExchange writes the messages of an exchange that is no CWMP.
func (w *teller) rawExchange(x *http1.Exchange) {
	w.left = 2
	if x.Request != nil {
		w.raw(x.Request, x.Request.Body, nil)
	}
	w.interim(x.Interim)
	if x.Response != nil {
		w.raw(x.Response, x.Response.Body, nil)
	}
}

// interim writes 1xx responses, each with an empty line behind it as on the wire.
func (w *teller) interim(hs []*http1.Message) {
	for _, h := range hs {
		w.raw(h, h.Body, nil)
		w.line(w.left+2, line{{dim, "│"}})
	}
}

func (w *teller) raw(h *http1.Message, body string, secrets hidden) {
	head := headOf(h)
	if !w.ShowSecrets {
		head, body = maskHead(head), w.echo.inBody(maskBody(body, secrets))
		if !cwmp.Sniff(body) {
			body = w.echo.free(body)
		}
	}
	w.bar(strings.TrimRight(head, "\r\n"))
	if body != "" {
		if head != "" {
			w.line(w.left+2, line{{dim, "│"}})
		}
		w.bar(body)
	}
	for _, t := range h.Trailers {
		w.bar(maskedTrailer(t, w.ShowSecrets))
	}
	switch {
	case h.Omitted > 0:
		w.line(w.left+2, line{{dim, "│ … " + group(h.Omitted) + " bytes were not kept"}})
	case h.Coding != "" && !h.HasQuirk(http1.BadCoding):
		w.line(w.left+2, line{{dim, "│ (" + safe(h.Coding) + " undone)"}})
	case h.Framing == http1.Chunked:
		w.line(w.left+2, line{{dim, "│ (chunks joined)"}})
	}
}

func maskedTrailer(f http1.Field, secrets bool) string {
	s := f.Name + ": " + f.Value
	if secrets {
		return s
	}
	return maskHead(s)
}

// bar writes text with a bar before each line.
func (w *teller) bar(s string) {
	for _, l := range rawLines(s, 0) {
		w.line(w.left+2, line{{dim, "│ "}, {normal, l}})
	}
}

// rawLines cuts text at its line ends, and, where width is not 0, where a line
// is longer, and makes it fit for a terminal.
func rawLines(s string, width int) []string {
	var ls []string
	for s != "" {
		l, rest, _ := strings.Cut(s, "\n")
		s = rest
		l = safe(strings.TrimSuffix(strings.ReplaceAll(l, "\t", "    "), "\r"))
		for width > 0 && len(l) > width {
			end := width
			for end > 0 && l[end]&0xc0 == 0x80 {
				end--
			}
			ls, l = append(ls, l[:end]), l[end:]
		}
		ls = append(ls, l)
	}
	return ls
}

// block writes the first limit bytes of text, and how many there are.
func (w *teller) block(indent int, s string, limit int) {
	for limit < len(s) && limit > 0 && s[limit]&0xc0 == 0x80 {
		limit--
	}
	part := s[:min(limit, len(s))]
	for _, l := range rawLines(part, w.width-indent-2) {
		w.line(indent, line{{dim, "│ "}, {normal, l}})
	}
	if len(part) < len(s) {
		w.line(indent, line{{dim, "│ … " + group(int64(len(s)-len(part))) + " more bytes (-v shows them)"}})
	}
}
