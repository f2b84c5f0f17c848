package transcript

import (
	"fmt"
	"io"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"informant/capture"
	"informant/decode"
	"informant/decode/check"
	"informant/decode/cwmp"
	"informant/decode/http1"
)

// DefaultWidth is the width of a transcript in columns where nothing else is known.
const DefaultWidth = 100

// Text tells items for people: a session reads like a conversation, the CPE on
// the left and the ACS on the right.
type Text struct {
	W           io.Writer
	Width       int  // in columns; 0 is DefaultWidth, less than 60 is taken as 60
	Verbose     int  // 1: all arguments; 2: the raw HTTP too
	Color       bool // with the escapes of ECMA-48
	ShowSecrets bool
	All         bool // also HTTP that is not CWMP, and connections that speak no HTTP

	buf []byte
}

// Put writes an item. It keeps nothing of it.
func (t *Text) Put(it decode.Item) error {
	t.buf = t.Append(t.buf[:0], it)
	_, err := t.W.Write(t.buf)
	return err
}

// Close writes the footer. It does not close W.
func (t *Text) Close(sum decode.Totals) error {
	t.buf = t.AppendSummary(t.buf[:0], sum)
	_, err := t.W.Write(t.buf)
	return err
}

// teller tells one item.
type teller struct {
	*Text
	page
	start time.Time // of the session, for relative times
	times int       // columns of a relative time
	left  int       // column where a message begins
	echo  echoes    // of the session, where secrets are masked
}

// Append appends the lines that tell an item, with an empty line behind them.
// It may run for several items at once.
func (t *Text) Append(dst []byte, it decode.Item) []byte {
	if !t.All && extraItem(it) {
		return dst
	}
	w := teller{Text: t, page: page{b: dst, color: t.Color, width: t.Width}}
	if w.width == 0 {
		w.width = DefaultWidth
	}
	w.width = max(w.width, 60)
	switch it.Kind {
	case decode.SessionItem:
		w.session(it)
	case decode.ConnectionRequestItem:
		w.connectionRequest(it)
	case decode.DatagramItem:
		w.datagram(it.Datagram)
	case decode.TransferItem:
		w.transfer(it.Transfer)
	case decode.ConnectionItem:
		w.connection(it)
	case decode.FindingItem:
		w.loose(it)
	case decode.OperationItem:
		w.operation(it.Operation)
	case decode.UndecodedItem:
		w.undecoded(it)
	case decode.OtherItem:
		w.other(it.Other)
	case decode.RemainderItem:
		w.remainder(it)
	default:
		return dst
	}
	return append(w.b, '\n')
}

// masked is s as it may be shown: without credentials in URLs, fit for a terminal.
func (w *teller) masked(s string) string {
	if !w.ShowSecrets {
		s, _ = maskURL(s)
	}
	return safe(s)
}

const hang = 12 // where the words of a session's header begin

func (w *teller) session(it decode.Item) {
	s := it.Session
	w.start = s.Start
	if !w.ShowSecrets {
		w.echo.s = s
	}
	w.header(s)
	w.columnsOf(s)
	w.ends()
	said, aside := 0, w.asidesAfter(s, 0, 0)
	for _, m := range s.Messages {
		w.message(s, m)
		for _, f := range hits(it.Findings, m.N) {
			w.finding(w.left, s, f)
			said++
		}
		aside = w.asidesAfter(s, aside, m.N)
	}
	w.asidesAfter(s, aside, math.MaxInt)
	if said < len(it.Findings) {
		w.rest(it, s)
	}
	w.done(it)
	w.ended(s)
	w.verdict(it)
	if len(it.Undecided) > 0 {
		w.undecided(it.Undecided)
	}
}

// rest writes the findings that are about the session as a whole, or about a
// message that is not in it.
func (w *teller) rest(it decode.Item, s *cwmp.Session) {
	known := make(map[int]bool, len(s.Messages))
	for _, m := range s.Messages {
		known[m.N] = true
	}
	for i := range it.Findings {
		if f := &it.Findings[i]; !known[f.At.N] {
			w.finding(2, s, f)
		}
	}
}

// header writes who, when and why.
func (w *teller) header(s *cwmp.Session) {
	name := "session " + SessionName(s)
	if s.Fragment {
		name = "fragment " + SessionName(s)
	}
	parts := []piece{}
	add := func(st style, text string) {
		if text = safe(strings.TrimSpace(text)); text != "" {
			parts = append(parts, piece{st, text})
		}
	}
	add(bold, s.Device.Key())
	add(normal, deviceText(s))
	switch v := cwmp.Version(s.Namespace); {
	case v >= 0:
		add(normal, "cwmp-1-"+strconv.Itoa(v))
	case s.Namespace != "":
		add(normal, "namespace "+s.Namespace)
	}
	add(normal, stamp(s.Start))
	head := line{{bold, name}}
	pad := max(hang-columns(name), 3)
	w.wrapped(append(head, piece{normal, blanks[:pad]}), hang, "   ", parts)
	w.because(s)
	w.between(s)
	w.handshakes(s.TLS)
	w.b = append(w.b, '\n')
}

// deviceText is "Huawei HG8245, SoftwareVersion V5R020".
func deviceText(s *cwmp.Session) string {
	text := s.Device.Manufacturer
	if s.Device.ProductClass != "" && text != "" {
		text += " " + s.Device.ProductClass
	}
	if v := softwareVersion(s.Inform); v != "" {
		if text != "" {
			text += ", "
		}
		text += "SoftwareVersion " + v
	}
	return text
}

// softwareVersion is the value of DeviceInfo.SoftwareVersion that came with the Inform.
func softwareVersion(m *cwmp.Message) string {
	if m == nil {
		return ""
	}
	in, ok := m.Args.(*cwmp.Inform)
	if !ok || in == nil {
		return ""
	}
	for i := range in.ParameterList.Items {
		if p := &in.ParameterList.Items[i]; strings.HasSuffix(p.Name.Value, ".DeviceInfo.SoftwareVersion") {
			return strings.TrimSpace(p.Value.Value)
		}
	}
	return ""
}

func (w *teller) because(s *cwmp.Session) {
	if s.Inform == nil {
		return
	}
	in, ok := s.Inform.Args.(*cwmp.Inform)
	if !ok || in == nil || len(in.Event.Items) == 0 {
		return
	}
	var parts []piece
	for i := range in.Event.Items {
		ev := &in.Event.Items[i]
		text := safe(strings.TrimSpace(ev.EventCode.Value))
		if text == "" {
			text = "(no code)"
		}
		if k := ev.CommandKey.Value; k != "" {
			text += " (CommandKey " + safe(k) + ")"
		}
		if i < len(in.Event.Items)-1 {
			text += ","
		}
		parts = append(parts, piece{normal, text})
	}
	w.wrapped(line{{dim, "  because   "}}, hang, " ", parts)
}

func (w *teller) between(s *cwmp.Session) {
	var parts []piece
	if s.Synthetic {
		parts = append(parts, piece{normal, "a CPE and an ACS (a dump: no addresses, no connections)"})
	} else if len(s.Conns) > 0 {
		parts = append(parts, piece{normal, address(s.Conns[0].Client) + " → " + address(s.Conns[0].Server)})
	}
	if s.URL != "" {
		parts = append(parts, piece{normal, w.masked(s.URL)})
	}
	if n := len(s.Conns); n > 1 && !s.Synthetic {
		parts = append(parts, piece{normal, count(n, "connection", "connections")})
	}
	if w.Verbose > 0 {
		parts = append(parts, piece{dim, "id " + fmt.Sprintf("%x", s.ID)})
	}
	if len(parts) > 0 {
		w.wrapped(line{{dim, "  between   "}}, hang, "  ", parts)
	}
}

// address is an address as people write it, "-" where unknown.
func address(a netip.AddrPort) string {
	if !a.IsValid() {
		return "-"
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).String()
}

// stamp is a time as a header shows it, to the millisecond, "-" where unknown.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05.000Z")
}

// columnsOf lays out the columns of a session.
func (w *teller) columnsOf(s *cwmp.Session) {
	w.times = len("+0.000")
	for _, m := range s.Messages {
		w.times = max(w.times, len(w.since(m.Time)))
	}
	for i := range s.Asides {
		w.times = max(w.times, len(w.since(s.Asides[i].Time)))
	}
	w.left = 2 + w.times + len(" > ")
}

// since is the time since the session's start, "-" where unknown.
func (w *teller) since(t time.Time) string {
	if t.IsZero() || w.start.IsZero() {
		return "-"
	}
	d := t.Sub(w.start)
	sign := "+"
	if d < 0 {
		sign, d = "-", -d
	}
	d = d.Round(time.Millisecond)
	return fmt.Sprintf("%s%d.%03d", sign, d/time.Second, d%time.Second/time.Millisecond)
}

// ends writes the line above the messages: who is on which side.
func (w *teller) ends() {
	w.indent(6)
	w.piece(dim, "CPE")
	w.indent(w.width - 6 - 3 - 3)
	w.piece(dim, "ACS")
	w.b = append(w.b, '\n')
}

// ended writes how the session came out, and its counts.
func (w *teller) ended(s *cwmp.Session) {
	st := normal
	switch s.Outcome {
	case cwmp.Complete:
		st = green
	case cwmp.Failed:
		st = red
	case cwmp.Unfinished:
		st = yellow
	}
	out := s.Outcome.String()
	if s.Reason != "" {
		out += ": " + safe(s.Reason)
	}
	parts := words(st, out)
	tail := []string{}
	if !s.Start.IsZero() && !s.End.IsZero() {
		tail = append(tail, strings.TrimPrefix(w.since(s.End), "+")+" s")
	}
	exchanges, calls := 0, [3]int{}
	for _, m := range s.Messages {
		exchanges = max(exchanges, m.Exchange)
	}
	for _, t := range s.Transactions {
		calls[t.Caller]++
	}
	tail = append(tail, count(exchanges, "exchange", "exchanges"),
		fmt.Sprintf("%s by CPE, %d by ACS", count(calls[cwmp.CPE], "RPC", "RPCs"), calls[cwmp.ACS]))
	switch {
	case s.Lost > 0:
		tail = append(tail, group(s.Lost)+" bytes missing")
	case s.Lost < 0:
		tail = append(tail, "bytes missing")
	}
	if s.TrimmedN > 0 {
		tail = append(tail, count(s.TrimmedN, "message", "messages")+" not kept whole: the session is larger than its limit")
	}
	for _, x := range tail {
		parts = append(parts, piece{dim, "·"})
		parts = append(parts, words(normal, x)...)
	}
	w.wrapped(line{{dim, "  ended     "}}, hang, " ", parts)
}

// verdict writes what broke the session.
func (w *teller) verdict(it decode.Item) {
	v := it.Verdict
	if v == nil {
		return
	}
	var parts []piece
	if v.Party != check.Unknown {
		parts = append(parts, piece{bold, partyName(v.Party)}, piece{dim, "·"})
	}
	parts = append(parts, words(normal, safe(w.echo.verdict(v)))...)
	if v.Because != nil {
		parts = append(parts, piece{dim, v.Because.Check.ID})
	}
	w.wrapped(line{{dim, "  verdict   "}}, hang, " ", parts)
}

// undecided lists the checks that could not be decided, by what was not seen.
func (w *teller) undecided(us []check.Undecided) {
	var order []check.Gates
	by := map[check.Gates][]piece{}
	for _, u := range us {
		if by[u.Gates] == nil {
			order = append(order, u.Gates)
		}
		by[u.Gates] = append(by[u.Gates], piece{normal, u.Check.ID})
	}
	lead := "  undecided "
	for _, g := range order {
		var names []string
		for i, name := range gateNames {
			if g&(1<<i) != 0 {
				names = append(names, name)
			}
		}
		w.wrapped(line{{dim, lead}, {normal, strings.Join(names, "+") + ": "}}, hang, " ", by[g])
		lead = blanks[:hang]
	}
}

// finding writes a finding: severity, check, what is wrong, who did it, where.
func (w *teller) finding(indent int, s *cwmp.Session, f *check.Finding) {
	st := severityStyle(f.Severity)
	head := line{{normal, blanks[:indent]}, {st, pad(f.Severity.String(), 7)}, {normal, "  "}, {bold, f.Check.ID}, {normal, "  "}}
	parts := words(normal, safe(w.echo.finding(f)))
	parts = append(parts, piece{dim, " " + partyName(f.Party)})
	for i, where := range place(f) {
		if i == 0 {
			where = " " + where
		}
		parts = append(parts, piece{dim, safe(where)})
	}
	if also := w.related(s, f); also != "" {
		parts = append(parts, piece{dim, " " + also})
	}
	w.wrapped(head, min(head.columns(), indent+19), " ", parts)
}

func partyName(p check.Party) string {
	return [...]string{"CPE", "ACS", "the path between", "unknown party"}[p]
}

// place is where in the message and in the capture.
func place(f *check.Finding) []string {
	var at []string
	if f.At.Path != "" {
		at = append(at, tail(shortPath(f.At.Path), 70))
	}
	if f.At.Packet > 0 {
		at = append(at, "packet "+strconv.FormatUint(f.At.Packet, 10))
	}
	if f.At.Offset >= 0 && f.At.N > 0 {
		at = append(at, "byte "+strconv.FormatInt(f.At.Offset, 10))
	}
	for i := range len(at) - 1 {
		at[i] += ","
	}
	return at
}

// tail is the end of a path that is longer than n bytes, from an element on.
func tail(path string, n int) string {
	if len(path) <= n {
		return path
	}
	path = path[len(path)-n:]
	if i := strings.IndexByte(path, '/'); i >= 0 {
		path = path[i:]
	}
	return "…" + path
}

// related names the other messages that prove a finding, by their time.
func (w *teller) related(s *cwmp.Session, f *check.Finding) string {
	var at []string
	for _, r := range f.Related {
		if r.N == 0 || r.N == f.At.N || r.Session != f.At.Session && r.Session != [16]byte{} {
			continue
		}
		text := "message " + strconv.Itoa(r.N)
		if r.N <= len(s.Messages) && s.Messages[r.N-1].N == r.N && !s.Messages[r.N-1].Time.IsZero() {
			text = w.since(s.Messages[r.N-1].Time)
		}
		at = append(at, text)
	}
	if len(at) == 0 {
		return ""
	}
	return "(see " + strings.Join(at, ", ") + ")"
}

// pad fills s with blanks to n columns.
func pad(s string, n int) string {
	if c := columns(s); c < n {
		return s + strings.Repeat(" ", n-c)
	}
	return s
}

// entry writes an item that is no session: its kind, time, and what there is to say.
func (w *teller) entry(kind string, t time.Time, parts ...string) {
	ps := []piece{{normal, stamp(t)}}
	for _, p := range parts {
		if p != "" {
			ps = append(ps, piece{normal, p})
		}
	}
	w.wrapped(line{{bold, kind}, {normal, "   "}}, hang, "  ", ps)
}

// arrow is the ends of a connection.
func arrow(c *capture.Conn) string {
	if c == nil {
		return ""
	}
	return address(c.Client) + " → " + address(c.Server)
}

func (w *teller) connectionRequest(it decode.Item) {
	r := it.ConnectionRequest
	var status []string
	for _, s := range r.Status {
		if s == 0 {
			status = append(status, "no answer")
			continue
		}
		status = append(status, strconv.Itoa(s))
	}
	then := "no session followed"
	if r.Followed {
		then = "session " + shortID(r.Session) + " followed"
	}
	w.entry("connection request", r.Time, arrow(r.Conn), "GET "+w.masked(r.Path), strings.Join(status, ", "), safe(r.Device.Key()), then)
	w.verdict(it)
	if w.Verbose > 1 {
		for _, x := range r.Exchanges {
			w.rawExchange(x)
		}
	}
}

func (w *teller) transfer(t *cwmp.Transfer) {
	status := "no answer"
	if t.Status != 0 {
		status = strconv.Itoa(t.Status)
	}
	parts := []string{arrow(exchangeConn(t.Exchange)), safe(t.Method) + " " + w.masked(t.URL), status, group(t.Bytes) + " bytes"}
	if t.SHA256 != [32]byte{} {
		sum := fmt.Sprintf("%x", t.SHA256)
		if w.Verbose == 0 {
			sum = sum[:16] + "…"
		}
		parts = append(parts, "sha256 "+sum)
	}
	if t.FileType != "" {
		parts = append(parts, safe(t.FileType))
	}
	if t.CommandKey != "" {
		parts = append(parts, "CommandKey "+safe(t.CommandKey))
	}
	if t.Session != [16]byte{} {
		parts = append(parts, "asked for in session "+shortID(t.Session))
	}
	w.entry("transfer", t.Time, append(parts, safe(t.Device.Key()))...)
	if w.Verbose > 1 && t.Exchange != nil {
		w.rawExchange(t.Exchange)
	}
}

func (w *teller) connection(it decode.Item) {
	ev := it.Connection
	if ev == nil {
		w.entry("connection", it.Time, safe(it.Reason))
		return
	}
	at, what := it.Time, ""
	if s := ev.Summary; s != nil {
		if !s.Opened.IsZero() {
			at = s.Opened
		}
		what = fmt.Sprintf("%s, %s and %s bytes", protocolNames[s.Protocol], group(s.Bytes[capture.FromClient]), group(s.Bytes[capture.FromServer]))
		if s.Lost != 0 {
			what += ", some missing"
		}
	}
	w.entry("connection", at, arrow(ev.Conn), safe(it.Reason), what)
	if ev.Summary != nil {
		w.handshakes(ev.Summary.TLS)
	}
}

var protocolNames = [...]string{http1.Silent: "no data", http1.HTTP: "HTTP", http1.TLS: "TLS", http1.Foreign: "no HTTP"}

// loose writes a finding that belongs to no session.
func (w *teller) loose(it decode.Item) {
	w.entry("finding", it.Time, "on a "+[...]string{"message", "session", "connection request", "transfer", "connection", "device"}[it.Finding.Subject])
	w.finding(2, &cwmp.Session{}, it.Finding)
}

func (w *teller) undecoded(it decode.Item) {
	ends := ""
	switch {
	case it.Connection != nil:
		ends = arrow(it.Connection.Conn)
	case it.Session != nil:
		ends = "session " + SessionName(it.Session)
	}
	w.entry("undecoded", it.Time, ends, safe(it.Reason), group(int64(len(it.Bytes)))+" bytes were kept")
	w.excerpt(string(it.Bytes))
}

// remainder writes bytes that are no HTTP on a connection that speaks it.
func (w *teller) remainder(it decode.Item) {
	ev := it.Connection
	if ev == nil {
		return
	}
	w.entry("no HTTP", it.Time, arrow(ev.Conn), fmt.Sprintf("%s bytes of the %s from its byte %s on", group(int64(len(ev.Bytes))), ev.From, group(ev.Offset)))
	w.excerpt(ev.Bytes)
}

// excerpt writes the beginning of bytes that could not be read, or, where all
// was asked for, all of them.
func (w *teller) excerpt(s string) {
	s = maskStream(s, w.ShowSecrets)
	limit := 400
	if w.Verbose > 0 {
		limit = len(s)
	}
	w.block(4, s, limit)
}

func (w *teller) other(x *http1.Exchange) {
	if x == nil {
		return
	}
	var parts []string
	if r := x.Request; r != nil {
		parts = append(parts, safe(r.Method)+" "+w.masked(r.Target), group(size(r))+" bytes")
	} else {
		parts = append(parts, "request not seen")
	}
	if r := x.Response; r != nil {
		parts = append(parts, "→ "+strconv.Itoa(r.Status)+" "+safe(r.Reason), group(size(r))+" bytes")
	} else {
		parts = append(parts, "→ no answer")
	}
	w.entry("http", wireSeen(x), append([]string{arrow(exchangeConn(x))}, parts...)...)
	if w.Verbose > 1 {
		w.rawExchange(x)
	}
}

// AppendSummary appends the footer.
func (t *Text) AppendSummary(dst []byte, sum decode.Totals) []byte {
	w := teller{Text: t, page: page{b: dst, color: t.Color, width: max(t.Width, 60)}}
	if t.Width == 0 {
		w.width = DefaultWidth
	}
	parts := []string{
		count(sum.Sessions, "session", "sessions") + ", " + count(sum.Fragments, "fragment", "fragments"),
		"findings: " + count(sum.Findings[check.Error], "error", "errors") + ", " + count(sum.Findings[check.Warning], "warning", "warnings") + ", " +
			count(sum.Findings[check.Info], "note", "notes"),
	}
	if sum.Gaps > 0 {
		text := count(sum.Gaps, "gap", "gaps")
		if sum.LostBytes > 0 {
			text += " of " + group(sum.LostBytes) + " bytes"
		}
		parts = append(parts, text)
	}
	if sum.Encrypted > 0 {
		parts = append(parts, count(sum.Encrypted, "encrypted connection", "encrypted connections"))
	}
	if sum.Undecoded > 0 {
		parts = append(parts, count(sum.Undecoded, "connection", "connections")+" not decoded (a bug: please report it)")
	}
	if !t.All {
		var hidden []string
		if sum.OtherHTTP > 0 {
			hidden = append(hidden, count(sum.OtherHTTP, "HTTP exchange", "HTTP exchanges")+" not CWMP")
		}
		if sum.Foreign > 0 {
			hidden = append(hidden, count(sum.Foreign, "connection", "connections")+" not HTTP")
		}
		if len(hidden) > 0 {
			parts = append(parts, strings.Join(hidden, ", ")+" (--all shows them)")
		}
	}
	var ps []piece
	for i, p := range parts {
		if i > 0 {
			ps = append(ps, piece{dim, "·"})
		}
		ps = append(ps, words(normal, p)...)
	}
	w.wrapped(nil, 0, " ", ps)
	return w.b
}
