package transcript

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"informant/decode/cwmp"
)

// block is a message as it is laid out: its first line, and those below it,
// which are indented by two.
type block struct {
	head line
	rows []line
}

// message writes one message: the CPE's at the left, the ACS's at the right.
func (w *teller) message(s *cwmp.Session, m *cwmp.Message) {
	w.lay(m.From, m.Time, w.describe(s, m))
	if w.Verbose > 1 && m.HTTP != nil {
		w.rawMessage(m)
	}
}

// lay writes what an end said at a time: the CPE at the left, the ACS at the
// right.
func (w *teller) lay(from cwmp.Role, t time.Time, b block) {
	at := w.left
	if from == cwmp.ACS {
		widest := b.head.columns()
		for _, r := range b.rows {
			widest = max(widest, r.columns()+2)
		}
		at = max(w.left, w.width-widest)
	}
	dir := "→"
	if from == cwmp.ACS {
		dir = "←"
	}
	w.indent(2)
	w.piece(dim, fmt.Sprintf("%*s", w.times, w.since(t)))
	w.b = append(w.b, ' ')
	w.piece(dim, dir)
	w.indent(1 + at - w.left)
	w.pieces(b.head)
	w.b = append(w.b, '\n')
	for _, r := range b.rows {
		w.line(at+2, r)
	}
}

// describe lays a message out.
func (w *teller) describe(s *cwmp.Session, m *cwmp.Message) block {
	var b block
	switch m.Kind {
	case cwmp.Empty:
		b.head = b.head.add(normal, w.emptyText(m))
	case cwmp.HTTP:
		b.head = b.head.add(bold, w.statusText(m))
	case cwmp.Unreadable:
		w.describeUnreadable(&b, m)
	case cwmp.Fault:
		w.describeFault(&b, s, m)
	default:
		w.describeCall(&b, m)
	}
	w.notes(&b, m)
	if m.Resend {
		b.head = b.head.add(dim, "  (sent again)")
	}
	if m.Status != 0 && m.Kind != cwmp.Empty && m.Kind != cwmp.HTTP && m.Status != 200 && !(m.Kind == cwmp.Fault && m.Status == 500) {
		b.head = b.head.add(yellow, "  HTTP "+strconv.Itoa(m.Status))
	}
	if h := m.HTTP; h != nil && (!h.Complete || h.Lost != 0) {
		b.head = b.head.add(yellow, "  "+incompleteText(m))
	}
	if m.Trimmed {
		b.rows = append(b.rows, line{{dim, "arguments not kept: the session is larger than its limit"}})
	}
	return b
}

// incompleteText says what is missing of a message.
func incompleteText(m *cwmp.Message) string {
	h := m.HTTP
	switch {
	case h.Lost > 0:
		return "(" + group(h.Lost) + " bytes missing)"
	case h.Lost < 0:
		return "(bytes missing)"
	case h.Declared >= 0:
		return "(cut off: " + group(h.Size) + " of " + group(h.Declared) + " bytes)"
	}
	return "(cut off)"
}

// emptyText names an empty message.
func (w *teller) emptyText(m *cwmp.Message) string {
	switch {
	case m.From != cwmp.ACS:
		return "(empty)"
	case m.Status == 0:
		return "(empty)"
	case m.Status == 200:
		return "200, empty"
	}
	return w.statusText(m)
}

// statusText names an HTTP message without CWMP content: "401 Unauthorized
// (Digest)", "302 Found → http://…", "GET /".
func (w *teller) statusText(m *cwmp.Message) string {
	h := m.HTTP
	if h == nil {
		return "HTTP " + strconv.Itoa(m.Status)
	}
	if m.Status == 0 {
		text := safe(h.Method) + " " + w.masked(h.Target)
		if h.Size > 0 {
			text += ", " + group(h.Size) + " bytes that are no CWMP"
		}
		return text
	}
	text := strconv.Itoa(m.Status)
	if h.Reason != "" {
		text += " " + safe(h.Reason)
	}
	if m.Status == 401 || m.Status == 407 {
		var schemes []string
		for _, v := range append(h.Values("WWW-Authenticate"), h.Values("Proxy-Authenticate")...) {
			scheme, _, _ := strings.Cut(v, " ")
			schemes = append(schemes, safe(scheme))
		}
		if len(schemes) > 0 {
			text += " (" + strings.Join(schemes, ", ") + ")"
		}
	}
	if to, ok := h.Field("Location"); ok && m.Status/100 == 3 {
		text += " → " + w.masked(to)
	}
	return text
}

func (w *teller) describeUnreadable(b *block, m *cwmp.Message) {
	reason, at, ok := unreadable(m)
	if !w.ShowSecrets {
		reason = w.echo.free(maskBody(reason, nil))
	}
	b.head = b.head.add(red, "(unreadable)")
	text := "  " + safe(reason)
	if ok {
		text += ", byte " + strconv.Itoa(at)
	}
	b.head = b.head.add(normal, text)
	if m.HTTP == nil || w.Verbose > 1 {
		return
	}
	body, inText := shownBody(m)
	if !w.ShowSecrets {
		body = w.echo.free(w.echo.inBody(maskBody(body, secretSpans(m, inText))))
	}
	limit := 3
	if w.Verbose > 0 {
		limit = 1 << 30
	}
	for i, l := range rawLines(body, w.width-w.left-4) {
		if i == limit {
			b.rows = append(b.rows, line{{dim, "… " + group(m.HTTP.Size) + " bytes in all (-v shows them)"}})
			break
		}
		b.rows = append(b.rows, line{{dim, l}})
	}
}

// title starts a message's first line: its name and ID.
func title(b *block, st style, name string, m *cwmp.Message) {
	b.head = b.head.add(st, name)
	if m.HasID {
		b.head = b.head.add(dim, "  #"+safe(m.ID))
	}
}

func (w *teller) describeFault(b *block, s *cwmp.Session, m *cwmp.Message) {
	f := m.Fault
	if f == nil {
		title(b, red, "Fault", m)
		return
	}
	code, said := strings.TrimSpace(f.Code.Value), strings.TrimSpace(f.String.Value)
	name := "Fault"
	switch {
	case f.HasCWMP:
		name += " " + safe(code)
		if known := faultName(code); known != "" {
			name += " " + known
		}
	default:
		name += " without a CWMP fault"
		said = strings.TrimSpace(f.SOAPString.Value)
	}
	title(b, red, name, m)
	if said != "" && !strings.EqualFold(said, faultName(code)) {
		quoted := `"` + w.masked(w.echo.in(said)) + `"`
		if b.head.columns()+2+columns(quoted)+w.left <= w.width {
			b.head = b.head.add(normal, "  "+quoted)
		} else {
			b.rows = append(b.rows, line{{normal, w.fit(quoted, 2)}})
		}
	}
	w.faultRows(b, s, m)
	for _, x := range m.Extra {
		w.node(b, x.Path, x.Node, 0, false)
	}
}

// faultRows writes what was wrong with each parameter, and what had been sent.
func (w *teller) faultRows(b *block, s *cwmp.Session, m *cwmp.Message) {
	ps := m.Fault.Parameters
	show := w.shown(len(ps))
	sent := sentValues(s, m)
	var names []string
	for i := range ps[:show] {
		names = append(names, safe(strings.TrimPrefix(ps[i].ParameterName.Value, s.Root)))
	}
	col := column(names, w.width-w.left-40)
	for i := range ps[:show] {
		p := &ps[i]
		text := safe(p.FaultCode.Value)
		if known := faultName(p.FaultCode.Value); known != "" {
			text += " " + known
		}
		if said := p.FaultString.Value; said != "" && !strings.EqualFold(said, faultName(p.FaultCode.Value)) {
			text += ` "` + w.masked(w.echo.of(p.ParameterName.Value, said)) + `"`
		}
		row := line{{normal, pad(names[i], col) + "  "}, {red, text}}
		if v, ok := sent[p.ParameterName.Value]; ok {
			v = "(sent: " + w.value(p.ParameterName.Value, v) + ")"
			if row.columns()+3+columns(v) > w.width-w.left-2 {
				b.rows = append(b.rows, row)
				row = line{{dim, "    " + w.fit(v, 4)}}
			} else {
				row = row.add(dim, "   "+v)
			}
		}
		b.rows = append(b.rows, row)
	}
	w.more(b, len(ps)-show, "parameters")
}

// sentValues are the values that the request which m answers wanted to set.
func sentValues(s *cwmp.Session, m *cwmp.Message) map[string]string {
	if len(m.Fault.Parameters) == 0 {
		return nil
	}
	for _, t := range s.Transactions {
		if t.Response != m || t.Request == nil {
			continue
		}
		set, ok := t.Request.Args.(*cwmp.SetParameterValues)
		if !ok || set == nil {
			return nil
		}
		sent := make(map[string]string, len(set.ParameterList.Items))
		for i := range set.ParameterList.Items {
			p := &set.ParameterList.Items[i]
			sent[p.Name.Value] = p.Value.Value
		}
		return sent
	}
	return nil
}

// shown is how many of n rows are written.
func (w *teller) shown(n int) int {
	if w.Verbose > 0 || n <= 12 {
		return n
	}
	return 10
}

// more says how many rows were left out.
func (w *teller) more(b *block, n int, things string) {
	if n > 0 {
		b.rows = append(b.rows, line{{dim, "… " + group(int64(n)) + " more " + things + " (-v shows them)"}})
	}
}

// column is the width of a column of names: that of the longest one which is
// not longer than limit.
func column(names []string, limit int) int {
	n := 0
	for _, s := range names {
		if c := columns(s); c <= limit {
			n = max(n, c)
		}
	}
	return n
}

// value is a value as it is shown beside the name of its parameter.
func (w *teller) value(name, v string) string {
	if v != "" && !w.ShowSecrets && secretName(name) {
		return mask
	}
	return w.masked(v)
}

// fit shortens a value to what the line holds, unless all was asked for.
func (w *teller) fit(s string, used int) string {
	if w.Verbose > 0 {
		return s
	}
	return cut(s, max(w.width-w.left-2-used, 24))
}
