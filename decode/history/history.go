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
	"container/list"
	"slices"
	"strconv"
	"strings"
	"time"

	"informant/decode/cwmp"
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
	AtOnce        bool     // Status 0: it was done, and nothing will be reported
	Session       [16]byte // in which it was asked
	N             int      // the request's message in it
	Good          int      // sessions of the device that went well since
}

// Setting is a value of a parameter.
type Setting struct {
	Value   string
	By      cwmp.Role // who said it last: the ACS set it, or the CPE told it
	Session [16]byte
	N       int
}

// Past is one session of a device.
type Past struct {
	ID           [16]byte
	Start, End   time.Time
	Good         bool // it was complete
	Failed       bool // something broke it off; neither: it isn't known
	Informed     bool // the CPE had the InformResponse
	Events       []Event
	Retries      int // RetryCount; -1 unknown
	URL          string
	Software     string
	ParameterKey string
	HasKey       bool    // the Inform had a ParameterKey
	Unanswered   []Event // transfers that it reported without getting the response
	Answered     []Event // likewise, with it
	Space        string
}

// Device is what is known of one device. All of it is since Since.
type Device struct {
	Key      string
	Since    time.Time // of the first session without a gap to now
	Birth    bool      // its 0 BOOTSTRAP was among them: there is nothing it was asked before
	Sessions int       // whole ones
	Last     Past
	Commands []Command // not reported yet, in order
	Reported []Command // the last ones that were
	Set      map[string]Setting
	Expected string // the ParameterKey that the last successful request gave
	KeyKnown bool
	Refused  string // the ParameterKey of a request that was refused, "" for none
	Failures int    // sessions that failed since the last that went well, or boot
	Methods  []string
	ACS      []string  // the methods that the ACS listed
	Periodic time.Time // of the last good session with 2 PERIODIC
	Recent   []Past    // the last sessions, Last included
	Address  string    // the client's, of the last session
}

const (
	maxCommands = 64
	maxReported = 32
	maxRecent   = 8
	maxSet      = 64
	maxText     = 512
)

// Store keeps devices. The zero value is ready.
type Store struct {
	// Limit is how many devices are kept, those that were seen last: 100,000 where it
	// is 0. One that was let go begins anew.
	Limit int

	devices map[string]*list.Element
	order   *list.List                 // the one that was seen last in front
	at      map[string]map[string]bool // by address: the keys of the devices that called from there last
}

// Len is how many devices are known.
func (s *Store) Len() int { return len(s.devices) }

// Device is what is known of a device, nil where nothing is.
func (s *Store) Device(key string) *Device {
	if e := s.devices[key]; e != nil {
		return e.Value.(*Device)
	}
	return nil
}

// All calls f for each device, the one that was seen last first.
func (s *Store) All(f func(*Device)) {
	if s.order == nil {
		return
	}
	for e := s.order.Front(); e != nil; e = e.Next() {
		f(e.Value.(*Device))
	}
}

// Put takes what is known of a device from elsewhere, as the oldest.
func (s *Store) Put(d *Device) {
	s.start()
	if s.devices[d.Key] == nil {
		s.devices[d.Key] = s.order.PushBack(d)
		s.live(d)
	}
}

func (s *Store) start() {
	if s.devices == nil {
		s.devices, s.order, s.at = map[string]*list.Element{}, list.New(), map[string]map[string]bool{}
	}
}

// Forget lets a device begin anew: of one of its sessions not all was seen.
func (s *Store) Forget(key string) {
	if e := s.devices[key]; e != nil {
		s.leave(e.Value.(*Device))
		s.order.Remove(e)
		delete(s.devices, key)
	}
}

// live notes where a device calls from, and leave that it no longer does.
func (s *Store) live(d *Device) {
	if s.at[d.Address] == nil {
		s.at[d.Address] = map[string]bool{}
	}
	s.at[d.Address][d.Key] = true
}

func (s *Store) leave(d *Device) {
	if delete(s.at[d.Address], d.Key); len(s.at[d.Address]) == 0 {
		delete(s.at, d.Address)
	}
}

// ForgetAt lets all devices begin anew that called from an address the last time:
// something came from there of which it isn't known which device said it.
func (s *Store) ForgetAt(address string) {
	for _, where := range []string{address, ""} {
		for key := range s.at[where] {
			s.Forget(key)
		}
	}
}

// Add takes a session that was seen whole.
func (s *Store) Add(x *cwmp.Session) {
	key := x.Device.Key()
	in := informOf(x)
	if key == "" || in == nil {
		return
	}
	s.start()
	e := s.devices[key]
	if e == nil {
		e = s.order.PushFront(&Device{Key: strings.Clone(key), Since: x.Start})
		s.devices[key] = e
		limit := s.Limit
		if limit == 0 {
			limit = 100_000
		}
		for len(s.devices) > limit {
			s.Forget(s.order.Back().Value.(*Device).Key)
		}
	}
	s.order.MoveToFront(e)
	d := e.Value.(*Device)
	s.leave(d)
	d.add(x, in)
	s.live(d)
}

func informOf(x *cwmp.Session) *cwmp.Inform {
	if x.Inform == nil || x.Inform.Trimmed {
		return nil
	}
	in, _ := x.Inform.Args.(*cwmp.Inform)
	return in
}

// Events are those of an Inform, in the standard's spelling where they are its.
func Events(in *cwmp.Inform) (list []Event) {
	for i := range in.Event.Items {
		e := &in.Event.Items[i]
		code := strings.TrimSpace(e.EventCode.Value)
		if known, _, ok := cwmp.StandardEvent(code); ok {
			code = known.Code
		}
		list = append(list, Event{clip(code), clip(e.CommandKey.Value)})
	}
	return list
}

// Has says whether an event is in a list, with whatever key.
func Has(list []Event, code string) bool {
	return slices.ContainsFunc(list, func(e Event) bool { return e.Code == code })
}

// clip is a text that keeps nothing else in memory, and is no longer than others.
func clip(s string) string { return strings.Clone(s[:min(len(s), maxText)]) }

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
var Followed = []string{".PeriodicInformEnable", ".PeriodicInformInterval", ".ManagementServer.URL", ".ConnectionRequestURL", ".ProvisioningCode", ".SoftwareVersion",
	".ExternalIPAddress", ".DiagnosticsState", ".CWMPRetryMinimumWaitInterval", ".CWMPRetryIntervalMultiplier", ".DefaultActiveNotificationThrottle"}

func followed(name string) bool {
	return slices.ContainsFunc(Followed, func(end string) bool { return strings.HasSuffix(name, end) })
}

// add takes the device's next session.
func (d *Device) add(x *cwmp.Session, in *cwmp.Inform) {
	events := Events(in)
	p := Past{ID: x.ID, Start: x.Start, End: x.End, Good: x.Outcome == cwmp.Complete, Failed: x.Outcome == cwmp.Failed, Events: events, Retries: -1, URL: clip(x.URL), Space: clip(x.Namespace)}
	if n, ok := in.RetryCount.Int(); ok {
		p.Retries = int(n)
	}
	p.Software, _ = Parameter(in, ".DeviceInfo.SoftwareVersion")
	p.ParameterKey, p.HasKey = Parameter(in, ".ManagementServer.ParameterKey")
	p.Software, p.ParameterKey = clip(p.Software), clip(p.ParameterKey)
	d.reported(events)
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
	if len(x.Conns) > 0 && x.Conns[0].Client.IsValid() {
		d.Address = x.Conns[0].Client.Addr().Unmap().String()
	}
	switch {
	case p.Good:
		d.Failures = 0
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
	}
	d.Last = p
	d.Recent = append(d.Recent, p)
	if n := len(d.Recent) - maxRecent; n > 0 {
		d.Recent = slices.Delete(d.Recent, 0, n)
	}
}

// reported takes the commands away that events report.
func (d *Device) reported(events []Event) {
	if Has(events, "0 BOOTSTRAP") {
		d.Birth = true
		d.Commands, d.KeyKnown, d.Expected = nil, false, ""
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
		d.clear(method, e.Key)
	}
}

// clear takes a command away.
func (d *Device) clear(method, key string) {
	i := slices.IndexFunc(d.Commands, func(c Command) bool { return c.Method == method && c.Key == key })
	if i < 0 {
		return
	}
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
	for name, s := range d.Set {
		if strings.HasSuffix(name, suffix) {
			return s, true
		}
	}
	return Setting{}, false
}

// Number is the value of a parameter as a number.
func (d *Device) Number(suffix string) (int, bool) {
	s, ok := d.Value(suffix)
	n, err := strconv.Atoi(strings.TrimSpace(s.Value))
	return n, ok && err == nil
}

// values keeps values of parameters that are followed.
func (d *Device) values(x *cwmp.Session, m *cwmp.Message, items []cwmp.ParameterValueStruct, by cwmp.Role) {
	for i := range items {
		v := &items[i]
		if name := strings.TrimSpace(v.Name.Value); followed(name) && v.Value.Present {
			if d.Set == nil {
				d.Set = map[string]Setting{}
			}
			if _, there := d.Set[name]; there || len(d.Set) < maxSet {
				d.Set[clip(name)] = Setting{clip(strings.TrimSpace(v.Value.Value)), by, x.ID, m.N}
			}
		}
	}
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
			d.values(x, q, a.ParameterList.Items, cwmp.ACS)
		}
	case *cwmp.AddObject:
		d.key(ok, a.ParameterKey.Value)
	case *cwmp.DeleteObject:
		d.key(ok, a.ParameterKey.Value)
	case *cwmp.GetParameterValues:
		if r, isValues := t.Response.Args.(*cwmp.GetParameterValuesResponse); isValues {
			d.values(x, t.Response, r.ParameterList.Items, cwmp.CPE)
		}
	case *cwmp.GetRPCMethods:
		if r, isList := t.Response.Args.(*cwmp.GetRPCMethodsResponse); isList {
			var names []string
			for i := range r.MethodList.Items {
				names = append(names, clip(strings.TrimSpace(r.MethodList.Items[i].Value)))
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
				e := Event{"M " + method, clip(a.CommandKey.Value)}
				if ok {
					p.Answered = append(p.Answered, e)
					d.clear(method, a.CommandKey.Value)
				} else {
					d.unanswered(a, p)
				}
				break
			}
		}
	case *cwmp.DUStateChangeComplete:
		if ok {
			p.Answered = append(p.Answered, Event{"M ChangeDUState", clip(a.CommandKey.Value)})
			d.clear("ChangeDUState", a.CommandKey.Value)
		}
	case *cwmp.CancelTransfer:
		if ok {
			for _, method := range []string{"Download", "Upload", "ScheduleDownload"} {
				d.clear(method, a.CommandKey.Value)
			}
		}
	}
	if c, is := CommandOf(q); is && ok {
		c.Session = x.ID
		c.AtOnce = statusOf(t.Response) == "0" && (c.Method == "Download" || c.Method == "Upload")
		if c.Method == "FactoryReset" {
			d.Commands = nil
		}
		if len(d.Commands) < maxCommands {
			d.Commands = append(d.Commands, c)
		}
	}
}

// unanswered notes a report that got no response.
func (d *Device) unanswered(a *cwmp.TransferComplete, p *Past) {
	for _, method := range []string{"Download", "Upload", "ScheduleDownload"} {
		if d.Find(a.CommandKey.Value, method) != nil {
			p.Unanswered = append(p.Unanswered, Event{"M " + method, clip(a.CommandKey.Value)})
			return
		}
	}
}

// key takes the ParameterKey of a request that changes something.
func (d *Device) key(ok bool, key string) {
	if ok {
		d.Expected, d.KeyKnown, d.Refused = clip(key), true, ""
	} else if key != d.Expected {
		d.Refused = clip(key)
	}
}

// CommandOf is what a request asks a device to do, and whether it is such a request.
func CommandOf(m *cwmp.Message) (c Command, ok bool) {
	c = Command{Method: clip(m.RPC), Asked: m.End, N: m.N}
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
		c.Key = a.CommandKey.Value
	case *cwmp.Reboot:
		c.Key = a.CommandKey.Value
	case *cwmp.ScheduleInform:
		c.Key = a.CommandKey.Value
		delay(&a.DelaySeconds)
	case *cwmp.FactoryReset:
	default:
		return c, false
	}
	c.Key, c.FileType, c.URL = clip(c.Key), clip(c.FileType), clip(c.URL)
	return c, true
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
