package replay

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"informant/decode/cwmp"
	"informant/decode/soap"
)

// edit is other text for a span of an envelope.
type edit struct {
	at   soap.Span
	text string
}

// identified puts an ID into an envelope in place of its own.
func identified(m *cwmp.Message, id string) []edit {
	if m.Header.ID == nil || m.ID == id {
		return nil
	}
	return []edit{{m.Header.ID.Content, escape(id)}}
}

// dated puts a time into an Inform.
func dated(m *cwmp.Message, now time.Time) []edit {
	in, ok := m.Args.(*cwmp.Inform)
	if !ok || !in.CurrentTime.Present || in.CurrentTime.Value == "" {
		return nil
	}
	return []edit{{in.CurrentTime.At(), now.UTC().Format("2006-01-02T15:04:05Z")}}
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func escape(s string) string { return escaper.Replace(s) }

// body is a message's envelope with edits.
func body(m *cwmp.Message, edits []edit) string {
	if m.Document == nil {
		return ""
	}
	edits = slices.Clone(edits)
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(a.at.Start, b.at.Start) })
	text := m.Document.Text
	var b strings.Builder
	at := 0
	for _, e := range edits {
		if e.at.Start < at || e.at.End > len(text) {
			continue
		}
		b.WriteString(text[at:e.at.Start])
		b.WriteString(e.text)
		at = e.at.End
	}
	b.WriteString(text[at:])
	return b.String()
}

// swap replaces a word by another one in what stands between tags, where it stands
// alone: neither a letter nor a digit touches it.
func swap(text, old, new string) string {
	if old == "" || old == new {
		return text
	}
	old, new = escape(old), escape(new)
	var b strings.Builder
	at := 0
	for {
		i := strings.Index(text[at:], old)
		if i < 0 {
			break
		}
		i += at
		end := i + len(old)
		inTag := strings.LastIndexByte(text[:i], '<') > strings.LastIndexByte(text[:i], '>')
		if inTag || i > 0 && wordly(text[i-1]) || end < len(text) && wordly(text[end]) {
			b.WriteString(text[at : i+1])
			at = i + 1
			continue
		}
		b.WriteString(text[at:i])
		b.WriteString(new)
		at = end
	}
	b.WriteString(text[at:])
	return b.String()
}

func wordly(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// dropped are fields that are not sent as they were recorded: they say how a body
// was framed or coded, or where a request went.
var dropped = []string{"Content-Length", "Transfer-Encoding", "Content-Encoding", "Trailer", "Host"}

// fields are header fields that are sent in place of those that were recorded, "" to
// send none.
type fields map[string]string

// of is what is sent for a recorded field's name, in whatever case.
func (f fields) of(name string) (value string, ok bool) {
	for k, v := range f {
		if strings.EqualFold(k, name) {
			return v, true
		}
	}
	return "", false
}

// head is a start line and a recorded message's fields, in their order and as they
// were, but for those that are sent in their place. Those that were not recorded
// come last.
func head(start string, like *cwmp.Message, own fields, length int) *bytes.Buffer {
	h := like.HTTP
	b := bytes.NewBufferString(start + "\r\n")
	done := map[string]bool{}
	for i := range h.Fields {
		f := &h.Fields[i]
		if slices.ContainsFunc(dropped, func(name string) bool { return strings.EqualFold(name, f.Name) }) {
			continue
		}
		if value, mine := own.of(f.Name); mine {
			key := strings.ToLower(f.Name)
			if !done[key] && value != "" {
				b.WriteString(f.Name + ": " + value + "\r\n")
			}
			if first := !done[key]; first || key != "set-cookie" || cookieName(f.Value) == cookieName(value) { // of several cookies the first is the session's
				done[key] = true
				continue
			}
		}
		b.WriteString(h.Raw[f.Line.Start:f.Line.End])
		b.WriteString("\r\n")
	}
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for k := range own {
			if !yield(k) {
				return
			}
		}
	}) {
		if value := own[name]; value != "" && !done[strings.ToLower(name)] {
			b.WriteString(name + ": " + value + "\r\n")
		}
	}
	if length >= 0 {
		b.WriteString("Content-Length: " + strconv.Itoa(length) + "\r\n")
	}
	b.WriteString("\r\n")
	return b
}

// cookieName is the name of a cookie in the value of Set-Cookie.
func cookieName(v string) string {
	name, _, _ := strings.Cut(v, "=")
	return strings.TrimSpace(name)
}

// request makes a request of a recorded one, with another body.
func request(like *cwmp.Message, target, host string, own fields, body string) []byte {
	h := like.HTTP
	b := head(fmt.Sprintf("%s %s %s\r\nHost: %s", h.Method, target, h.Version, host), like, own, len(body))
	b.WriteString(body)
	return b.Bytes()
}

// response makes a response of a recorded one, with another body.
func response(like *cwmp.Message, own fields, body string) []byte {
	h := like.HTTP
	status, reason, length := h.Status, h.Reason, len(body)
	if _, told := h.Field("Content-Length"); body == "" && status == 204 && !told {
		length = -1
	}
	if body != "" && status == 204 {
		status, reason = 200, "OK"
	}
	b := head(strings.TrimRight(fmt.Sprintf("%s %d %s", h.Version, status, reason), " "), like, own, length)
	b.WriteString(body)
	return b.Bytes()
}
