// Package history is what is known of devices over their sessions: what they were
// asked to do and have not reported, what they had to deliver, how their last session
// ended, and the parameters by which that can be judged. It is a value: it is given
// whole sessions, and tells; it has no clock and reads no files. Checks that look
// over several sessions (History, gate G3) ask it.
//
// What was not seen is not known: a session that was not captured whole makes a device
// begin anew, so that nothing is expected of it that may have happened meanwhile.
package history

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"informant/capture"
	"informant/decode/cwmp"
	"informant/decode/http1"
)

// Event is a cause that a device gave for a session (TR-069 3.7.1.5), in the
// standard's spelling.
type Event struct{ Code, Key string }

// Command is something a device was asked to do and answered that it will, or has.
type Command struct {
	Method, Key   string
	FileType, URL string
	Asked         time.Time // when the request was complete
	Delay         time.Duration
	Operations    int      // of ChangeDUState
	Open          bool     // one of them may have several results
	AtOnce        bool     // Status 0: it was done, and nothing will be reported
	Session       [16]byte // in which it was asked
	N             int      // the request's message in it
	Good          int      // sessions of the device that went well since
	Fault         string   // the FaultCode with which it was reported; "" or "0": it went well
}

// Attribute is how a device tells the ACS of changes of a parameter (TR-069 A.3.2.4).
type Attribute struct {
	Name         string // in full
	Notification int    // 0 off, 1 passive, 2 active; 3 to 6 their lightweight kinds
	Value        string // of the parameter, as it was told or set last
	Known        bool   // Value is
}

// Done is a command that is outstanding no longer, in the session that tells so.
type Done struct {
	Command
	By    string // what tells it: a method, or an event
	Fault string // the FaultCode that was told with it; "" or "0": it went well
	Void  bool   // it will not be done: it was cancelled, or the device was reset
}

// Setting is a value of a parameter.
type Setting struct {
	Name    string // in full
	Value   string
	Old     string    // the one before, where the ACS set it
	Later   bool      // the ACS set it, and the CPE said that it will be in force later (Status 1)
	By      cwmp.Role // who said it last: the ACS set it, or the CPE told it
	Session [16]byte
	N       int
}

// Past is one session of a device.
type Past struct {
	ID           [16]byte
	Start, End   time.Time
	Good         bool    // it was complete
	Failed       bool    // something broke it off; neither: it isn't known
	Informed     bool    // the CPE had the InformResponse
	Events       []Event `json:",omitempty"`
	Retries      int     // RetryCount; -1 unknown
	URL          string
	Software     string
	ParameterKey string
	HasKey       bool    // the Inform had a ParameterKey
	Unanswered   []Event `json:",omitempty"` // transfers that it reported without getting the response
	Answered     []Event `json:",omitempty"` // likewise, with it
	Took         []Event `json:",omitempty"` // those of them that had gone well
	Space        string
	Clock        time.Time // CurrentTime; zero unknown
	Over         time.Time // when its connection was closed in the middle; zero where it was not
	Left         bool      // the CPE closed or reset the connection in the middle
	Redirect     string    // where a redirect that is not for good led to; "" for none
	Refused      bool      // the Inform was answered with 400, or its connection closed without an answer
	Nonce        string    // of the first Digest challenge
	Answers      string    // the nonce that the CPE's first answer is for
	ClientNonce  string    // of that
	Heartbeat    time.Time // of the last good session with 14 HEARTBEAT
}

// Device is what is known of one device. All of it is since Since.
type Device struct {
	Key      string
	Since    time.Time // of the first session without a gap to now
	Birth    bool      // its 0 BOOTSTRAP was among them: there is nothing it was asked before
	Sessions int       // whole ones
	Last     Past
	Commands []Command `json:",omitempty"` // not reported yet, in order
	Reported []Command `json:",omitempty"` // the last ones that were
	Set      []Setting `json:",omitempty"`
	Expected string    // the ParameterKey that the last successful request gave
	KeyKnown bool
	Refused  string      // the ParameterKey of a request that was refused, "" for none
	Failures int         // sessions that failed since the last that went well, or boot
	Tries    []time.Time `json:",omitempty"` // the beginnings of the sessions that failed since the last that went well
	Deleted  []string    `json:",omitempty"` // objects that were deleted lately, in full
	Together bool        // its last 1 BOOT came with 2 PERIODIC
	Methods  []string    `json:",omitempty"`
	ACS      []string    `json:",omitempty"` // the methods that the ACS listed
	Periodic time.Time   // of the last good session with 2 PERIODIC
	Run      []time.Time `json:",omitempty"` // the beginnings of the last sessions that went well with the same events, the present last; none when Last did not
	Firsts   []time.Time `json:",omitempty"` // the beginnings of the last sessions with 0 BOOTSTRAP
	Booted   time.Time   // of the last session with 1 BOOT
	Timed    time.Time   // when PeriodicInformEnable, -Interval or -Time changed last
	UpTime   int64       // in seconds, as it was read last; 0 unknown
	UpTimeAt time.Time
	Asked8   []Command `json:",omitempty"` // diagnostics that were requested, and not told as complete
	Refusals int       // the last sessions, one behind the other in the same namespace, whose Inform was refused
	Idle     int       // the last sessions, one behind the other, for which nobody had a reason
	// Attributes are those that were set or read: no more than some.
	Attributes []Attribute `json:",omitempty"`
	later      bool        // while values are taken: they will be in force later
	done       []Done      // by the session that was taken last
	Address    netip.Addr  // the client's, of the last session
}

// begin makes it a device of which nothing is known. The memory of its lists serves
// again.
func (d *Device) begin() {
	*d = Device{Commands: d.Commands[:0], Reported: d.Reported[:0], Set: d.Set[:0], Tries: d.Tries[:0], Run: d.Run[:0], Firsts: d.Firsts[:0], Asked8: d.Asked8[:0], Attributes: d.Attributes[:0]}
}

const (
	MaxCommands = 64 // outstanding ones of a device
	maxReported = 32
	maxRun      = 5
	maxFirsts   = 4
	maxTries    = 5
	maxDeleted  = 16
	maxSet      = 64
	maxWatched  = 32
	maxText     = 512
)

func informOf(x *cwmp.Session) *cwmp.Inform {
	if x.Inform == nil || x.Inform.Trimmed {
		return nil
	}
	in, _ := x.Inform.Args.(*cwmp.Inform)
	return in
}

// Events are those of an Inform, in the standard's spelling where they are its.
func Events(in *cwmp.Inform) []Event {
	list := make([]Event, 0, len(in.Event.Items))
	for i := range in.Event.Items {
		e := &in.Event.Items[i]
		code := strings.TrimSpace(e.EventCode.Value)
		if known, _, ok := cwmp.StandardEvent(code); ok {
			code = known.Code
		}
		list = append(list, Event{code, e.CommandKey.Value})
	}
	return list
}

// Has says whether an event is in a list, with whatever key.
func Has(list []Event, code string) bool {
	return slices.ContainsFunc(list, func(e Event) bool { return e.Code == code })
}

// short is a text no longer than what is kept; it may still belong to the session.
func short(s string) string { return s[:min(len(s), maxText)] }

// clip is short, of a text that keeps nothing else in memory.
func clip(s string) string { return strings.Clone(short(s)) }

// Parameter is the value of a parameter in an Inform by its end, and whether it is
// there.
func Parameter(in *cwmp.Inform, suffix string) (value string, ok bool) {
	for i := range in.ParameterList.Items {
		if x := &in.ParameterList.Items[i]; strings.HasSuffix(x.Name.Value, suffix) && x.Value.Present {
			return x.Value.Value, true
		}
	}
	return "", false
}

// Followed are the parameters that are kept, by their ends.
var Followed = []string{".PeriodicInformEnable", ".PeriodicInformInterval", ".PeriodicInformTime", ".ManagementServer.URL", ".ConnectionRequestURL", ".ProvisioningCode", ".SoftwareVersion", ".DeviceInfo.UpTime",
	".ExternalIPAddress", ".DiagnosticsState", ".CWMPRetryMinimumWaitInterval", ".CWMPRetryIntervalMultiplier", ".DefaultActiveNotificationThrottle",
	".HeartbeatPolicy.ReportingInterval", ".InstanceWildcardsSupported", ".UDPConnectionRequestAddress"}

// followedTails has the last eight bytes of each of them, by a hash: most names end
// otherwise.
var followedTails = func() (tails [1 << 9]bool) {
	for _, end := range Followed {
		tails[tail(end)] = true
	}
	return tails
}()

// tail is a hash, below 1 << 9, of the last eight bytes of a name. There must be so many.
func tail(s string) uint64 {
	s = s[len(s)-8:]
	last := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	return last * 0x9e3779b97f4a7c15 >> (64 - 9)
}

// followed says whether a parameter is kept. Nearly none is.
func followed(name string) bool {
	if len(name) < 8 || !followedTails[tail(name)] {
		return false
	}
	return slices.ContainsFunc(Followed, func(end string) bool { return strings.HasSuffix(name, end) })
}

// add takes the device's next session.
func (d *Device) add(x *cwmp.Session, in *cwmp.Inform) {
	events := Events(in)
	for i := range events {
		events[i].Key = short(events[i].Key)
	}
	p := Past{ID: x.ID, Start: x.Start, End: x.End, Good: x.Outcome == cwmp.Complete, Failed: x.Outcome == cwmp.Failed, Events: events, Retries: -1, URL: short(x.URL), Space: short(x.Namespace)}
	if n, ok := in.RetryCount.Int(); ok {
		p.Retries = int(n)
	}
	if t, _, ok := in.CurrentTime.Time(); ok && t.Year() > 2000 {
		p.Clock = t
	}
	p.Software, _ = Parameter(in, ".DeviceInfo.SoftwareVersion")
	p.ParameterKey, p.HasKey = Parameter(in, ".ManagementServer.ParameterKey")
	p.Software, p.ParameterKey = short(p.Software), short(p.ParameterKey)
	moved := d.moved(&p)
	d.reported(events)
	d.done = append(d.done, moved...)
	d.values(x, x.Inform, in.ParameterList.Items, cwmp.CPE)
	if p.HasKey {
		d.Expected, d.KeyKnown, d.Refused = p.ParameterKey, true, ""
	}
	for _, t := range x.Transactions {
		if t.Response != nil {
			d.transaction(x, t, &p)
		} else if a, ok := t.Request.Args.(*cwmp.TransferComplete); ok && !p.Good {
			d.unanswered(a, &p)
		}
	}
	d.Sessions++
	p.Course(x)
	if p.Heartbeat = d.Last.Heartbeat; p.Good && Has(events, "14 HEARTBEAT") {
		p.Heartbeat = x.Start
	}
	switch {
	case !p.Refused:
		d.Refusals = 0
	case d.Last.Refused && d.Last.Space == p.Space:
		d.Refusals++
	default:
		d.Refusals = 1
	}
	if Purposeless(x, events) {
		d.Idle++
	} else {
		d.Idle = 0
	}
	switch {
	case p.Good:
		d.Failures, d.Tries = 0, nil
		for i := range d.Commands {
			if d.Commands[i].Session != x.ID {
				d.Commands[i].Good++
			}
		}
		if Has(events, "2 PERIODIC") {
			d.Periodic = x.Start
		}
	case p.Failed:
		d.Failures++
		d.Tries = latest(d.Tries, x.Start, maxTries)
	}
	switch {
	case !p.Good:
		d.Run = d.Run[:0]
	case slices.Equal(events, d.Last.Events):
		d.Run = latest(d.Run, x.Start, maxRun)
	default:
		d.Run = latest(d.Run[:0], x.Start, maxRun)
	}
	if Has(events, "0 BOOTSTRAP") {
		d.Firsts = latest(d.Firsts, x.Start, maxFirsts)
	}
	if Has(events, "1 BOOT") {
		d.Booted, d.Together = x.Start, Has(events, "2 PERIODIC")
	}
	if Has(events, "8 DIAGNOSTICS COMPLETE") || Has(events, "1 BOOT") || Has(events, "0 BOOTSTRAP") { // a boot ends them, too
		d.Asked8 = slices.DeleteFunc(d.Asked8, func(c Command) bool { return c.Session != x.ID })
	}
	if p.Good {
		for i := range d.Asked8 {
			if d.Asked8[i].Session != x.ID {
				d.Asked8[i].Good++
			}
		}
	}
	d.Last = p
}

// Purposeless says whether a session had no purpose that can be seen: it was
// periodic, and neither side had a request.
func Purposeless(x *cwmp.Session, events []Event) bool {
	return x.Outcome == cwmp.Complete && len(events) == 1 && events[0].Code == "2 PERIODIC" &&
		!slices.ContainsFunc(x.Transactions, func(t *cwmp.Transaction) bool { return t.Request.RPC != "Inform" })
}

// Course takes how a session went on the wire: Left, Refused, Redirect and the nonces.
func (p *Past) Course(x *cwmp.Session) {
	if p.Failed && len(x.Closes) > 0 {
		p.Over, p.Left = x.Closes[0].Time, x.Closes[0].From == capture.FromClient
	}
	if p.Failed && !p.Informed && len(x.Transactions) > 0 && x.Transactions[0].Response == nil {
		first := slices.IndexFunc(x.Messages, func(m *cwmp.Message) bool { return m.From == cwmp.ACS })
		p.Refused = first < 0 && len(x.Closes) > 0 && x.Closes[0].From == capture.FromServer || first >= 0 && x.Messages[first].Status == 400
	}
	for _, m := range x.Messages {
		if m.HTTP == nil {
			continue
		}
		switch {
		case m.Status == 401 && p.Nonce == "":
			v, _ := m.HTTP.Field("WWW-Authenticate")
			p.Nonce = short(http1.DigestParameter(v, "nonce"))
		case m.From == cwmp.CPE && p.ClientNonce == "":
			if v, ok := m.HTTP.Field("Authorization"); ok {
				text, _ := http1.CutDigest(v)
				var room [16]http1.Parameter
				answer := http1.AuthParameters(room[:0], text)
				p.Answers, p.ClientNonce = short(answer.Get("nonce")), short(answer.Get("cnonce"))
			}
		case (m.Status == 302 || m.Status == 307) && p.Redirect == "":
			v, _ := m.HTTP.Field("Location")
			p.Redirect = short(strings.TrimSpace(v))
		}
	}
}

// latest is a list with one time more, and no more than some.
func latest(list []time.Time, t time.Time, most int) []time.Time {
	if len(list) >= most {
		copy(list, list[len(list)-most+1:])
		list = list[:most-1]
	}
	return append(list, t)
}

// reported takes the commands away that events report.
func (d *Device) reported(events []Event) {
	if Has(events, "0 BOOTSTRAP") {
		d.Birth = true
		for i := range d.Commands {
			if c := &d.Commands[i]; !c.AtOnce {
				d.done = append(d.done, Done{Command: *c, By: "0 BOOTSTRAP", Void: c.Method != "FactoryReset"})
			}
		}
		d.Commands, d.KeyKnown, d.Expected = nil, false, ""
		d.Set, d.Deleted, d.Attributes, d.Periodic = d.Set[:0], d.Deleted[:0], d.Attributes[:0], time.Time{} // it may have been reset
	}
	if Has(events, "1 BOOT") {
		d.Failures = 0
	}
	for _, e := range events {
		method, ok := strings.CutPrefix(e.Code, "M ")
		if !ok {
			continue
		}
		if method == "Download" || method == "Upload" || method == "ScheduleDownload" || method == "ChangeDUState" { // by its own method
			continue
		}
		d.clear(method, e.Key, Done{By: clip(e.Code)})
	}
}

// moved says that a device calls the ACS that it was given.
func (d *Device) moved(p *Past) []Done {
	if s, ok := d.Value(".ManagementServer.URL"); ok && s.By == cwmp.ACS && d.Sessions > 0 && s.Session == d.Last.ID && p.URL != d.Last.URL {
		return []Done{{Command: Command{Method: "SetParameterValues", URL: s.Value, Asked: d.Last.End, Session: s.Session, N: s.N}, By: clip(p.URL)}}
	}
	return nil
}

// clear takes a command away, since it is done.
func (d *Device) clear(method, key string, done Done) {
	i := slices.IndexFunc(d.Commands, func(c Command) bool { return c.Method == method && c.Key == key })
	if i < 0 {
		return
	}
	if done.Command = d.Commands[i]; !done.AtOnce {
		d.done = append(d.done, done)
	}
	d.Commands[i].Fault = done.Fault
	d.Reported = append(d.Reported, d.Commands[i])
	if n := len(d.Reported) - maxReported; n > 0 {
		d.Reported = slices.Delete(d.Reported, 0, n)
	}
	d.Commands = slices.Delete(d.Commands, i, i+1)
}

// Find is the oldest outstanding command of a method, or of several, with a key.
func (d *Device) Find(key string, methods ...string) *Command {
	for i := range d.Commands {
		if d.Commands[i].Key == key && slices.Contains(methods, d.Commands[i].Method) {
			return &d.Commands[i]
		}
	}
	return nil
}

// Was is a command that was reported lately.
func (d *Device) Was(key string, methods ...string) *Command {
	for i := len(d.Reported) - 1; i >= 0; i-- {
		if d.Reported[i].Key == key && slices.Contains(methods, d.Reported[i].Method) {
			return &d.Reported[i]
		}
	}
	return nil
}

// Value is the value of a parameter by the end of its name, and whether it is known.
func (d *Device) Value(suffix string) (Setting, bool) {
	for i := range d.Set {
		if strings.HasSuffix(d.Set[i].Name, suffix) {
			return d.Set[i], true
		}
	}
	return Setting{}, false
}

// Bool is the value of a parameter as an xsd:boolean, and whether it is known and one.
func (d *Device) Bool(suffix string) (value, ok bool) {
	s, ok := d.Value(suffix)
	if !ok {
		return false, false
	}
	return (&cwmp.Leaf{Value: s.Value, Present: true}).Bool()
}

// Number is the value of a parameter as a number.
func (d *Device) Number(suffix string) (int, bool) {
	s, ok := d.Value(suffix)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSpace(s.Value))
	return n, err == nil
}

// values keeps values of parameters that are followed.
func (d *Device) values(x *cwmp.Session, m *cwmp.Message, items []cwmp.ParameterValueStruct, by cwmp.Role) {
	for i := range items {
		v := &items[i]
		if len(d.Attributes) > 0 {
			d.watched(v)
		}
		name := v.Name.Value
		if n := len(name); n > 0 && name[n-1] > ' ' && name[n-1] < 0x7f && !followed(name) {
			continue // white space before it changes nothing
		}
		if name = strings.TrimSpace(name); followed(name) && v.Value.Present {
			at := slices.IndexFunc(d.Set, func(s Setting) bool { return s.Name == name })
			if at < 0 && len(d.Set) < maxSet {
				at = len(d.Set)
				d.Set = append(d.Set, Setting{Name: short(name)})
			}
			if strings.HasSuffix(name, ".DeviceInfo.UpTime") {
				if n, ok := v.Value.Int(); ok && n > 0 {
					d.UpTime, d.UpTimeAt = n, m.End
				}
			}
			if at >= 0 {
				s := &d.Set[at]
				if value := strings.TrimSpace(v.Value.Value); s.Value != value && strings.Contains(name, ".PeriodicInform") {
					d.Timed = m.End
				}
				if by == cwmp.ACS && strings.HasSuffix(name, "DiagnosticsState") && strings.TrimSpace(v.Value.Value) == "Requested" && len(d.Asked8) < maxReported {
					d.Asked8 = append(d.Asked8, Command{Method: short(name), Asked: m.End, Session: x.ID, N: m.N})
				}
				if s.Later = d.later; by == cwmp.ACS {
					s.Old = s.Value
				}
				if value := short(strings.TrimSpace(v.Value.Value)); s.Value != value {
					s.Value = value
				}
				s.By, s.Session, s.N = by, x.ID, m.N
			}
		}
	}
}

// watched takes the value of a parameter whose attributes are known.
func (d *Device) watched(v *cwmp.ParameterValueStruct) {
	if a := d.Attribute(strings.TrimSpace(v.Name.Value)); a != nil && v.Value.Present {
		a.Value, a.Known = short(strings.TrimSpace(v.Value.Value)), true
	}
}

// Attribute is what is known of a parameter's attributes, nil where nothing is.
func (d *Device) Attribute(name string) *Attribute {
	for i := range d.Attributes {
		if d.Attributes[i].Name == name {
			return &d.Attributes[i]
		}
	}
	return nil
}

// attribute takes the Notification of a parameter, or of all below an object.
func (d *Device) attribute(name string, l *cwmp.Leaf) {
	name = strings.TrimSpace(name)
	n, ok := l.Int()
	if strings.HasSuffix(name, ".") || name == "" || !ok {
		d.Attributes = slices.DeleteFunc(d.Attributes, func(a Attribute) bool { return strings.HasPrefix(a.Name, name) })
		return
	}
	a := d.Attribute(name)
	if a == nil {
		if len(d.Attributes) == maxWatched {
			d.Attributes = slices.Delete(d.Attributes, 0, 1)
		}
		d.Attributes = append(d.Attributes, Attribute{Name: short(name)})
		a = &d.Attributes[len(d.Attributes)-1]
	}
	a.Notification = int(n)
}

// transaction takes a request and its answer.
func (d *Device) transaction(x *cwmp.Session, t *cwmp.Transaction, p *Past) {
	ok := t.Response.Kind == cwmp.Response
	q := t.Request
	switch a := q.Args.(type) {
	case *cwmp.Inform:
		p.Informed = p.Informed || ok && !q.Resend
	case *cwmp.SetParameterValues:
		d.key(ok, a.ParameterKey.Value)
		if ok {
			r, _ := t.Response.Args.(*cwmp.SetParameterValuesResponse)
			d.later = r != nil && strings.TrimSpace(r.Status.Value) == "1"
			d.values(x, q, a.ParameterList.Items, cwmp.ACS)
			d.later = false
		}
	case *cwmp.AddObject:
		d.key(ok, a.ParameterKey.Value)
	case *cwmp.DeleteObject:
		if d.key(ok, a.ParameterKey.Value); ok {
			if len(d.Deleted) >= maxDeleted {
				d.Deleted = slices.Delete(d.Deleted, 0, 1)
			}
			d.Deleted = append(d.Deleted, short(strings.TrimSpace(a.ObjectName.Value)))
		}
	case *cwmp.SetParameterAttributes:
		for i := range a.ParameterList.Items {
			if x := &a.ParameterList.Items[i]; ok && !isNo(&x.NotificationChange) {
				d.attribute(x.Name.Value, &x.Notification)
			}
		}
	case *cwmp.GetParameterAttributes:
		if r, isAttributes := t.Response.Args.(*cwmp.GetParameterAttributesResponse); isAttributes {
			for i := range r.ParameterList.Items {
				d.attribute(r.ParameterList.Items[i].Name.Value, &r.ParameterList.Items[i].Notification)
			}
		}
	case *cwmp.GetParameterValues:
		if r, isValues := t.Response.Args.(*cwmp.GetParameterValuesResponse); isValues {
			d.values(x, t.Response, r.ParameterList.Items, cwmp.CPE)
		}
	case *cwmp.GetRPCMethods:
		if r, isList := t.Response.Args.(*cwmp.GetRPCMethodsResponse); isList {
			var names []string
			for i := range r.MethodList.Items {
				names = append(names, short(strings.TrimSpace(r.MethodList.Items[i].Value)))
			}
			if t.Caller == cwmp.ACS {
				d.Methods = names
			} else {
				d.ACS = names
			}
		}
	case *cwmp.TransferComplete:
		for _, method := range []string{"Download", "Upload", "ScheduleDownload"} {
			if d.Find(a.CommandKey.Value, method) != nil {
				e := Event{"M " + method, short(a.CommandKey.Value)}
				if ok {
					if code := strings.TrimSpace(a.FaultStruct.FaultCode.Value); code == "" || code == "0" {
						p.Took = append(p.Took, e)
					}
					p.Answered = append(p.Answered, e)
					d.clear(method, a.CommandKey.Value, Done{By: clip(q.RPC), Fault: clip(strings.TrimSpace(a.FaultStruct.FaultCode.Value))})
				} else {
					d.unanswered(a, p)
				}
				break
			}
		}
	case *cwmp.DUStateChangeComplete:
		if ok {
			p.Answered = append(p.Answered, Event{"M ChangeDUState", short(a.CommandKey.Value)})
			d.clear("ChangeDUState", a.CommandKey.Value, Done{By: clip(q.RPC), Fault: faultOfResults(a)})
		}
	case *cwmp.CancelTransfer:
		if ok {
			for _, method := range []string{"Download", "Upload", "ScheduleDownload"} {
				d.clear(method, a.CommandKey.Value, Done{By: clip(q.RPC), Void: true})
			}
		}
	}
	if c, is := CommandOf(q); is && ok {
		c.Session = x.ID
		c.AtOnce = statusOf(t.Response) == "0" && (c.Method == "Download" || c.Method == "Upload")
		if c.Method == "FactoryReset" {
			for i := range d.Commands {
				if !d.Commands[i].AtOnce {
					d.done = append(d.done, Done{Command: d.Commands[i], By: "FactoryReset", Void: true})
				}
			}
			d.Commands = nil
		}
		if len(d.Commands) < MaxCommands {
			d.Commands = append(d.Commands, c)
		}
	}
}

func isNo(l *cwmp.Leaf) bool {
	yes, ok := l.Bool()
	return ok && !yes
}

// unanswered notes a report that got no response.
func (d *Device) unanswered(a *cwmp.TransferComplete, p *Past) {
	for _, method := range []string{"Download", "Upload", "ScheduleDownload"} {
		if d.Find(a.CommandKey.Value, method) != nil {
			p.Unanswered = append(p.Unanswered, Event{"M " + method, short(a.CommandKey.Value)})
			return
		}
	}
}

// key takes the ParameterKey of a request that changes something.
func (d *Device) key(ok bool, key string) {
	if ok {
		d.Expected, d.KeyKnown, d.Refused = short(key), true, ""
	} else if key != d.Expected {
		d.Refused = short(key)
	}
}

// CommandOf is what a request asks a device to do, and whether it is such a request.
func CommandOf(m *cwmp.Message) (c Command, ok bool) {
	c = Command{Method: short(m.RPC), Asked: m.End, N: m.N}
	delay := func(l *cwmp.Leaf) {
		if n, ok := l.Int(); ok && n > 0 && n < 1<<31 {
			c.Delay = time.Duration(n) * time.Second
		}
	}
	switch a := m.Args.(type) {
	case *cwmp.Download:
		c.Key, c.FileType, c.URL = a.CommandKey.Value, a.FileType.Value, a.URL.Value
		delay(&a.DelaySeconds)
	case *cwmp.Upload:
		c.Key, c.FileType, c.URL = a.CommandKey.Value, a.FileType.Value, a.URL.Value
		delay(&a.DelaySeconds)
	case *cwmp.ScheduleDownload:
		c.Key, c.FileType, c.URL = a.CommandKey.Value, a.FileType.Value, a.URL.Value
		for i := range a.TimeWindowList.Items {
			if n, ok := a.TimeWindowList.Items[i].WindowEnd.Int(); ok && n > 0 && n < 1<<31 {
				c.Delay = max(c.Delay, time.Duration(n)*time.Second)
			}
		}
	case *cwmp.ChangeDUState:
		c.Key, c.Operations = a.CommandKey.Value, len(a.Operations.Items)
		for i := range a.Operations.Items {
			o := &a.Operations.Items[i]
			c.Open = c.Open || o.UUID.Value == "" || o.Version.Value == ""
		}
	case *cwmp.Reboot:
		c.Key = a.CommandKey.Value
	case *cwmp.ScheduleInform:
		c.Key = a.CommandKey.Value
		delay(&a.DelaySeconds)
	case *cwmp.FactoryReset:
	default:
		return c, false
	}
	c.Key, c.FileType, c.URL = short(c.Key), short(c.FileType), short(c.URL)
	return c, true
}

// faultOfResults is the first FaultCode of operations that is not 0.
func faultOfResults(a *cwmp.DUStateChangeComplete) string {
	for i := range a.Results.Items {
		if code := strings.TrimSpace(a.Results.Items[i].Fault.FaultCode.Value); code != "" && code != "0" {
			return clip(code)
		}
	}
	return "0"
}

// statusOf is the Status of an answer.
func statusOf(m *cwmp.Message) string {
	switch a := m.Args.(type) {
	case *cwmp.DownloadResponse:
		return strings.TrimSpace(a.Status.Value)
	case *cwmp.UploadResponse:
		return strings.TrimSpace(a.Status.Value)
	}
	return ""
}
