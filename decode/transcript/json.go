package transcript

import (
	"encoding/hex"
	"io"
	"net/netip"
	"strconv"

	"informant/capture"
	"informant/decode"
	"informant/decode/check"
	"informant/decode/cwmp"
	"informant/decode/http1"
	"informant/decode/story"
)

// JSON tells items as one JSON object per line. Schema describes them.
type JSON struct {
	W           io.Writer
	ShowSecrets bool // write the values of secrets
	All         bool // also HTTP that is not CWMP, and connections that speak no HTTP
	// FindingsOnly: findings alone are told, those of sessions each on a line of
	// its own.
	FindingsOnly bool

	buf []byte
}

// Put writes an item. It keeps nothing of it.
func (j *JSON) Put(it decode.Item) error {
	j.buf = j.Append(j.buf[:0], it)
	_, err := j.W.Write(j.buf)
	return err
}

// Close writes the summary. It does not close W.
func (j *JSON) Close(t decode.Totals) error {
	j.buf = j.AppendSummary(j.buf[:0], t)
	_, err := j.W.Write(j.buf)
	return err
}

// Append appends the lines that tell an item: one, or none where it is to be
// told with All alone. It may run for several items at once.
func (j *JSON) Append(dst []byte, it decode.Item) []byte {
	if !j.All && extraItem(it) {
		return dst
	}
	if j.FindingsOnly {
		return j.appendFindings(dst, it)
	}
	e := encoder{b: dst, secrets: j.ShowSecrets}
	start := len(e.b)
	e.b = append(e.b, `{"schema":1`...)
	switch it.Kind {
	case decode.SessionItem:
		e.session(it)
	case decode.ConnectionRequestItem:
		e.connectionRequest(it)
	case decode.DatagramItem:
		e.datagram(it.Datagram)
	case decode.TransferItem:
		e.transfer(it.Transfer)
	case decode.ConnectionItem:
		e.connection(it)
	case decode.FindingItem:
		e.loose(it)
	case decode.OperationItem:
		e.operation(it.Operation)
	case decode.UndecodedItem:
		e.undecoded(it)
	case decode.OtherItem:
		e.other(it)
	case decode.RemainderItem:
		e.remainder(it)
	default:
		return e.b[:start]
	}
	return append(e.b, '}', '\n')
}

// appendFindings appends a line for each finding of an item.
func (j *JSON) appendFindings(dst []byte, it decode.Item) []byte {
	e := encoder{b: dst, secrets: j.ShowSecrets}
	if it.Kind == decode.FindingItem {
		e.b = append(e.b, `{"schema":1`...)
		e.loose(it)
		e.b = append(e.b, '}', '\n')
	}
	for i := range it.Findings {
		f, s := &it.Findings[i], it.Session
		if !e.secrets {
			e.echo.s = s
		}
		e.b = append(e.b, `{"schema":1`...)
		e.text("type", "finding")
		e.time("time", s.Start)
		e.text("session", SessionName(s))
		e.hex("id", s.ID[:])
		if !s.Device.IsZero() {
			e.device(s.Device)
		}
		e.text("subject", subjectNames[f.Subject])
		e.finding(f)
		e.b = append(e.b, '}', '\n')
	}
	return e.b
}

// loose writes a finding about anything but a session.
func (e *encoder) loose(it decode.Item) {
	e.text("type", "finding")
	e.time("time", it.Time)
	e.text("subject", subjectNames[it.Finding.Subject])
	e.finding(it.Finding)
}

// remainder writes bytes that are no HTTP on a connection that speaks it.
func (e *encoder) remainder(it decode.Item) {
	e.text("type", "remainder")
	e.time("time", it.Time)
	if ev := it.Connection; ev != nil {
		e.ends("client", "server", ev.Conn)
		e.text("from", ev.From.String())
		e.number("offset", ev.Offset)
		if ev.Packet > 0 {
			e.number("packet", int64(ev.Packet))
		}
		e.number("bytes", int64(len(ev.Bytes)))
		e.text("data", maskStream(ev.Bytes, e.secrets))
	}
}

// extraItem says whether an item is only told on request: HTTP that is no
// CWMP, and connections that were no HTTP at all, in the clear, and for no fault
// of a handshake's.
func extraItem(it decode.Item) bool {
	switch it.Kind {
	case decode.OtherItem:
		return true
	case decode.DatagramItem:
		return it.Datagram.Request == nil
	case decode.ConnectionItem:
		c := it.Connection
		return c != nil && c.Summary != nil && c.Summary.Protocol == http1.Foreign && len(c.Summary.TLS) == 0
	}
	return false
}

var subjectNames = [...]string{"message", "session", "connectionRequest", "transfer", "connection", "device"}

// SessionName is what people call a session: its ordinal, "3", or "f2" for a
// fragment.
func SessionName(s *cwmp.Session) string {
	if s.Fragment {
		return "f" + strconv.Itoa(s.Ordinal)
	}
	return strconv.Itoa(s.Ordinal)
}

func (e *encoder) session(it decode.Item) {
	s := it.Session
	if !e.secrets {
		e.echo.s = s
	}
	kind := "session"
	if s.Fragment {
		kind = "fragment"
	}
	e.text("type", kind)
	e.text("session", SessionName(s))
	e.hex("id", s.ID[:])
	if !s.Fragment || !s.Device.IsZero() {
		e.device(s.Device)
	}
	e.known("cwmp", versionText(s))
	e.known("namespace", s.Namespace)
	e.known("root", s.Root)
	e.time("start", s.Start)
	e.time("end", s.End)
	if len(s.Conns) > 0 {
		c := s.Conns[0]
		e.address("cpe", c.Client)
		e.address("acs", c.Server)
		e.number("connections", int64(len(s.Conns)))
	}
	e.yes("synthesised", s.Synthetic)
	e.url("url", s.URL)
	e.handshakes(s.TLS)
	if s.Inform != nil || !s.Fragment {
		e.events(s.Inform)
	}
	e.concluded(it.Done)
	e.text("outcome", s.Outcome.String())
	e.text("reason", s.Reason)
	e.verdict(it.Verdict)
	if s.Lost != 0 {
		e.number("lost", s.Lost)
	}
	e.array("messages")
	for _, m := range s.Messages {
		e.message(m)
	}
	e.end(']')
	e.asides(s)
	e.findings(it.Findings)
	if len(it.Undecided) > 0 {
		e.undecided(it.Undecided)
	}
}

func (e *encoder) device(d cwmp.DeviceID) {
	e.object("device")
	e.text("manufacturer", d.Manufacturer)
	e.text("oui", d.OUI)
	e.text("productClass", d.ProductClass)
	e.text("serialNumber", d.SerialNumber)
	e.end('}')
}

// versionText is the negotiated version, else the one of the first envelope:
// "1.0"; "" where neither is known.
func versionText(s *cwmp.Session) string {
	v := s.EffectiveVersion
	if v < 0 || s.Namespace == "" {
		v = cwmp.Version(s.Namespace)
	}
	if v < 0 {
		return ""
	}
	if v < len(versions) {
		return versions[v]
	}
	return "1." + strconv.Itoa(v)
}

var versions = [...]string{"1.0", "1.1", "1.2", "1.3", "1.4"}

func (e *encoder) events(inform *cwmp.Message) {
	e.array("events")
	if inform != nil {
		if a, ok := inform.Args.(*cwmp.Inform); ok && a != nil {
			for i := range a.Event.Items {
				ev := &a.Event.Items[i]
				e.object("")
				e.text("code", ev.EventCode.Value)
				e.text("commandKey", ev.CommandKey.Value)
				e.end('}')
			}
		}
	}
	e.end(']')
}

func (e *encoder) address(k string, a netip.AddrPort) {
	if !a.IsValid() {
		return
	}
	e.key(k)
	e.b = append(e.b, '"')
	e.b = netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).AppendTo(e.b)
	e.b = append(e.b, '"')
}

// url writes a URL without its credentials.
func (e *encoder) url(k, u string) {
	if u == "" {
		return
	}
	if !e.secrets {
		u, _ = maskURL(u)
	}
	e.text(k, u)
}

func (e *encoder) message(m *cwmp.Message) {
	e.object("")
	e.number("n", int64(m.N))
	e.number("exchange", int64(m.Exchange))
	e.time("time", m.Time)
	if !m.End.Equal(m.Time) {
		e.time("end", m.End)
	}
	e.text("from", m.From.String())
	e.text("kind", m.Kind.String())
	e.text("rpc", m.RPC)
	if m.HasID {
		e.text("id", m.ID)
	}
	e.header(&m.Header)
	e.args(m)
	e.extra(m.Extra)
	e.notes(m)
	if m.Fault != nil {
		e.fault(m.Fault)
	}
	e.number("status", int64(m.Status))
	if len(m.Interim) > 0 {
		e.array("interim")
		for _, h := range m.Interim {
			e.sep()
			e.b = strconv.AppendInt(e.b, int64(h.Status), 10)
		}
		e.end(']')
	}
	if m.HTTP != nil {
		e.number("bytes", size(m.HTTP))
		e.packets(m.HTTP)
		e.yes("incomplete", !m.HTTP.Complete)
		if m.HTTP.Lost != 0 {
			e.number("lost", m.HTTP.Lost)
		}
	}
	e.yes("resend", m.Resend)
	e.yes("trimmed", m.Trimmed)
	if m.Kind == cwmp.Unreadable {
		e.unreadable(m)
	}
	e.end('}')
}

// header writes the SOAP header blocks of CWMP but for the ID.
func (e *encoder) header(h *cwmp.Header) {
	if h.HoldRequests == nil && h.NoMoreRequests == nil && h.SessionTimeout == nil && h.SupportedCWMPVersions == nil &&
		h.UseCWMPVersion == nil && len(h.Other) == 0 {
		return
	}
	e.object("header")
	if b := h.HoldRequests; b != nil {
		e.text("holdRequests", b.Value)
	}
	if b := h.NoMoreRequests; b != nil {
		e.text("noMoreRequests", b.Value)
	}
	if b := h.SessionTimeout; b != nil {
		e.text("sessionTimeout", b.Value)
	}
	if b := h.SupportedCWMPVersions; b != nil {
		e.text("supportedCWMPVersions", b.Value)
	}
	if b := h.UseCWMPVersion; b != nil {
		e.text("useCWMPVersion", b.Value)
	}
	if len(h.Other) > 0 {
		e.array("other")
		for _, b := range h.Other {
			e.object("")
			e.text("name", b.Name.Local)
			e.value(b.Value, secretElement(b.Name.Local))
			e.end('}')
		}
		e.end(']')
	}
	e.end('}')
}

func (e *encoder) fault(f *cwmp.FaultDetail) {
	e.object("fault")
	e.known("soapCode", f.SOAPCode.Value)
	e.known("soapString", e.said("", f.SOAPString.Value))
	if f.HasCWMP {
		e.text("code", f.Code.Value)
		e.text("string", e.said("", f.String.Value))
		if name := faultName(f.Code.Value); name != "" {
			e.text("name", name)
		}
	}
	if len(f.Parameters) > 0 {
		e.array("parameters")
		for i := range f.Parameters {
			p := &f.Parameters[i]
			e.object("")
			e.text("name", p.ParameterName.Value)
			e.text("code", p.FaultCode.Value)
			e.known("string", e.said(p.ParameterName.Value, p.FaultString.Value))
			e.end('}')
		}
		e.end(']')
	}
	e.end('}')
}

// said is what a FaultString says, of a parameter where there is one, without
// secrets.
func (e *encoder) said(parameter, text string) string {
	if !e.secrets {
		text, _ = maskURL(e.echo.of(parameter, text))
	}
	return text
}

// maxPackets is how many packet numbers a message lists.
const maxPackets = 64

// packets writes the numbers of the packets that brought a message, in the
// order of its bytes. Of more than maxPackets the first ones and the last are
// listed and packetCount tells how many there are.
func (e *encoder) packets(m *http1.Message) {
	n, last := 0, uint64(0)
	for i := range m.Pieces {
		if p := m.Pieces[i].Packet; p != 0 && p != last {
			if n == 0 {
				e.array("packets")
			}
			if n++; n < maxPackets {
				e.sep()
				e.b = strconv.AppendUint(e.b, p, 10)
			}
			last = p
		}
	}
	if n == 0 {
		return
	}
	if n >= maxPackets {
		e.sep()
		e.b = strconv.AppendUint(e.b, last, 10)
	}
	e.end(']')
	if n > maxPackets {
		e.number("packetCount", int64(n))
	}
}

// unreadable tells why, where, and what stands there.
func (e *encoder) unreadable(m *cwmp.Message) {
	reason, at, ok := unreadable(m)
	if !e.secrets {
		reason = e.echo.free(maskBody(reason, nil))
	}
	e.text("reason", reason)
	if ok {
		e.number("offset", int64(at))
	}
	if m.HTTP == nil {
		return
	}
	body, inText := shownBody(m)
	if !e.secrets {
		body = e.echo.free(e.echo.inBody(maskBody(body, secretSpans(m, inText))))
	}
	e.text("body", body)
}

func (e *encoder) findings(fs []check.Finding) {
	e.array("findings")
	for i := range fs {
		e.object("")
		e.finding(&fs[i])
		e.end('}')
	}
	e.end(']')
}

// finding writes the fields of a finding into an open object.
func (e *encoder) finding(f *check.Finding) {
	e.text("check", f.Check.ID)
	e.text("severity", f.Severity.String())
	e.text("party", f.Party.String())
	e.at(f.At)
	e.text("text", e.echo.finding(f))
	e.text("ref", f.Check.Ref)
	e.array("related")
	for _, r := range f.Related {
		e.object("")
		if r.Session != f.At.Session && r.Session != [16]byte{} {
			e.hex("session", r.Session[:])
		}
		e.at(r)
		e.end('}')
	}
	e.end(']')
}

// at writes where a finding points: what is unknown is absent.
func (e *encoder) at(r check.Ref) {
	if r.N > 0 {
		e.number("n", int64(r.N))
	}
	if r.Exchange > 0 {
		e.number("exchange", int64(r.Exchange))
	}
	e.known("path", r.Path)
	if r.Offset >= 0 {
		e.number("offset", r.Offset)
	}
	if r.Packet > 0 {
		e.number("packet", int64(r.Packet))
	}
}

func (e *encoder) undecided(us []check.Undecided) {
	e.array("undecided")
	for _, u := range us {
		e.object("")
		e.text("check", u.Check.ID)
		e.array("gates")
		for i, name := range gateNames {
			if u.Gates&(1<<i) != 0 {
				e.item(name)
			}
		}
		e.end(']')
		e.end('}')
	}
	e.end(']')
}

// gateNames are the gates by their bit.
var gateNames = [...]string{"wholeSession", "counterpart", "history", "wholeBody", "plainHTTP", "goodClock", "transport", "secretOrPolicy"}

// verdict writes what broke a session, or a connection request.
func (e *encoder) verdict(v *story.Verdict) {
	if v == nil {
		return
	}
	e.object("verdict")
	e.text("party", v.Party.String())
	e.text("text", e.echo.verdict(v))
	if v.Because != nil {
		e.text("check", v.Because.Check.ID)
		e.at(v.Because.At)
	}
	e.end('}')
}

func (e *encoder) connectionRequest(it decode.Item) {
	r := it.ConnectionRequest
	e.text("type", "connectionRequest")
	e.time("time", r.Time)
	e.ends("from", "to", r.Conn)
	e.url("path", r.Path)
	if !r.Device.IsZero() {
		e.device(r.Device)
	}
	e.array("status")
	for _, s := range r.Status {
		e.sep()
		e.b = strconv.AppendInt(e.b, int64(s), 10)
	}
	e.end(']')
	e.sessionRef(r.Session, r.Followed)
	e.verdict(it.Verdict)
}

// ends writes the two addresses of a connection.
func (e *encoder) ends(client, server string, c *capture.Conn) {
	if c != nil {
		e.address(client, c.Client)
		e.address(server, c.Server)
	}
}

func (e *encoder) sessionRef(id [16]byte, known bool) {
	if !known || id == [16]byte{} {
		e.null("session")
		return
	}
	e.hex("session", id[:])
}

func (e *encoder) transfer(t *cwmp.Transfer) {
	e.text("type", "transfer")
	e.time("time", t.Time)
	e.ends("client", "server", exchangeConn(t.Exchange))
	e.url("url", t.URL)
	e.text("method", t.Method)
	e.number("status", int64(t.Status))
	e.number("bytes", t.Bytes)
	if t.SHA256 != [32]byte{} {
		e.hex("sha256", t.SHA256[:])
	}
	e.text("commandKey", t.CommandKey)
	e.known("fileType", t.FileType)
	if !t.Device.IsZero() {
		e.device(t.Device)
	}
	e.sessionRef(t.Session, true)
}

func exchangeConn(x *http1.Exchange) *capture.Conn {
	switch {
	case x == nil:
	case x.Request != nil:
		return x.Request.Conn
	case x.Response != nil:
		return x.Response.Conn
	}
	return nil
}

func (e *encoder) connection(it decode.Item) {
	e.text("type", "connection")
	ev := it.Connection
	if ev == nil {
		e.time("time", it.Time)
		e.null("tls")
		e.text("reason", it.Reason)
		return
	}
	s := ev.Summary
	if s != nil && !s.Opened.IsZero() {
		e.time("time", s.Opened)
	} else {
		e.time("time", it.Time)
	}
	e.ends("client", "server", ev.Conn)
	if ev.Conn != nil {
		e.hex("id", ev.Conn.Identity[:])
	}
	if s == nil {
		e.null("tls")
	} else {
		e.handshakes(s.TLS)
		e.text("protocol", s.Protocol.String())
		e.number("clientBytes", s.Bytes[capture.FromClient])
		e.number("serverBytes", s.Bytes[capture.FromServer])
		if s.Lost != 0 {
			e.number("lost", s.Lost)
		}
	}
	e.text("reason", it.Reason)
}

func (e *encoder) undecoded(it decode.Item) {
	e.text("type", "undecoded")
	e.time("time", it.Time)
	if it.Connection != nil {
		e.ends("client", "server", it.Connection.Conn)
	}
	e.text("reason", it.Reason)
	if it.Session != nil {
		e.text("session", SessionName(it.Session))
	}
	e.number("bytes", int64(len(it.Bytes)))
	e.text("data", maskStream(string(it.Bytes), e.secrets))
}

func (e *encoder) other(it decode.Item) {
	e.text("type", "http")
	x := it.Other
	e.time("time", wireSeen(x))
	e.ends("client", "server", exchangeConn(x))
	if x == nil {
		return
	}
	if r := x.Request; r != nil {
		e.text("method", r.Method)
		e.url("target", r.Target)
		e.number("requestBytes", size(r))
	}
	if r := x.Response; r != nil {
		e.number("status", int64(r.Status))
		e.number("responseBytes", size(r))
	}
}

// AppendSummary appends the line that tells the totals.
func (j *JSON) AppendSummary(dst []byte, t decode.Totals) []byte {
	e := encoder{b: dst}
	e.b = append(e.b, `{"schema":1,"type":"summary"`...)
	e.number("sessions", int64(t.Sessions))
	e.number("fragments", int64(t.Fragments))
	e.object("findings")
	e.number("error", int64(t.Findings[check.Error]))
	e.number("warning", int64(t.Findings[check.Warning]))
	e.number("info", int64(t.Findings[check.Info]))
	e.end('}')
	e.number("packets", int64(t.Packets))
	e.number("bytes", t.Bytes)
	e.number("gaps", int64(t.Gaps))
	e.number("lostBytes", t.LostBytes)
	e.number("undecoded", int64(t.Undecoded))
	e.number("encrypted", int64(t.Encrypted))
	e.number("messages", int64(t.Messages))
	e.number("otherHttp", int64(t.OtherHTTP))
	e.number("foreign", int64(t.Foreign))
	return append(e.b, '}', '\n')
}

// shortID is enough of an id to name what it stands for.
func shortID(id [16]byte) string { return hex.EncodeToString(id[:4]) }

// faultName is the standard's name of a fault code, "" when it has none.
func faultName(code string) string {
	n, err := strconv.Atoi(code)
	if err != nil {
		return ""
	}
	name, _, _ := cwmp.FaultName(n)
	return name
}
