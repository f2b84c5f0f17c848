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

// dropped are fields that are not sent as they were recorded: they say how a body
// was framed or coded, or where a request went.
var dropped = []string{"Content-Length", "Transfer-Encoding", "Content-Encoding", "Trailer", "Host"}

// write makes a message of a recorded one: its start line and fields as they were,
// in their order, with another body. host is a request's, "" for a response.
func write(m *cwmp.Message, host, body string) []byte {
	h := m.HTTP
	var b bytes.Buffer
	if host != "" {
		fmt.Fprintf(&b, "%s %s %s\r\nHost: %s\r\n", h.Method, h.Target, h.Version, host)
	} else {
		fmt.Fprintf(&b, "%s %d %s\r\n", h.Version, h.Status, h.Reason)
	}
	for i := range h.Fields {
		f := &h.Fields[i]
		if slices.ContainsFunc(dropped, func(name string) bool { return strings.EqualFold(name, f.Name) }) {
			continue
		}
		b.WriteString(h.Raw[f.Line.Start:f.Line.End])
		b.WriteString("\r\n")
	}
	if h.Status != 204 || body != "" {
		b.WriteString("Content-Length: " + strconv.Itoa(len(body)) + "\r\n")
	}
	b.WriteString("\r\n" + body)
	return b.Bytes()
}

// fault is an envelope with a CWMP fault, in the session's namespace.
func fault(namespace, id, who, code, text string) string {
	if namespace == "" {
		namespace = "urn:dslforum-org:cwmp-1-0"
	}
	return `<?xml version="1.0" encoding="UTF-8"?>
<soap-env:Envelope xmlns:soap-env="` + soap.EnvelopeNS + `" xmlns:cwmp="` + escape(namespace) + `">
<soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">` + escape(id) + `</cwmp:ID></soap-env:Header>
<soap-env:Body><soap-env:Fault><faultcode>` + who + `</faultcode><faultstring>CWMP fault</faultstring><detail><cwmp:Fault><FaultCode>` + code + `</FaultCode><FaultString>` + text + `</FaultString></cwmp:Fault></detail></soap-env:Fault></soap-env:Body></soap-env:Envelope>
`
}
