package check

import (
	"strings"

	"informant/capture"
	"informant/decode/cwmp"
	"informant/decode/history"
)

// acrossDevices is the checks of devices against each other, and of a device's
// sessions that go on at the same time.
var acrossDevices = []*Check{
	{
		ID: "INF-007", Title: "A device keeps its DeviceId", Ref: "TR-069a6 Annex D", Severity: Error, Gates: WholeSession, Subject: OfSession, Run: otherIdentity,
		Doc: "The same ConnectionRequestURL was told before with the same SerialNumber and another OUI or ProductClass. For the ACS that is another device. A warning where the address is another one too.",
	},
	{
		ID: "PRX-002", Title: "Each device has a ConnectionRequestURL of its own", Ref: "TR-069a6 Annex J", Severity: Warning, Gates: WholeSession, Subject: OfSession, Run: sharedURL,
		Doc: "Two devices come in turns with the same ConnectionRequestURL, path included: a proxier can't tell whom the ACS calls.",
	},
	{
		ID: "SEQ-017", Title: "A device has one session at a time", Ref: "TR-069a6 3.7", Severity: Error, Gates: Counterpart, Subject: OfSession, Run: twoSessions,
		Doc: "It began another session, and went on with this one. Sessions from several addresses may be of clones (SEC-009).",
	},
	{
		ID: "TIME-018", Title: "Devices don't inform all at once", Ref: "TR-181, TR-098: ManagementServer", Severity: Warning, Gates: GoodClock, Subject: OfSession, Run: allAtOnce,
		Doc: "Twenty devices came with 2 PERIODIC in the same second. PeriodicInformTime is to spread them.",
	},
}

// fleet is what is known of devices among each other.
type fleet struct {
	second int64 // since 1970
	now    map[string]bool
	owners map[string]twin   // by ConnectionRequestURL
	hosts  map[string]string // by its host: the device, or "*" where there are several
	ports  map[string]string // by its host and port: the device that told it last
}

// twin is a device that told a ConnectionRequestURL.
type twin struct {
	id      cwmp.DeviceID
	host    string // its address
	session [16]byte
	before  string // the device that had told it before
}

const (
	maxOwners = 8192
	crowded   = 20
)

// opened takes the Inform that begins a session.
func (c *Checker) opened(f *follow, m *cwmp.Message) {
	in, ok := m.Args.(*cwmp.Inform)
	if !ok || openNow(m)&WholeBody == 0 {
		return
	}
	key := f.session.Device.Key()
	if key == "" {
		return
	}
	if c.openBy == nil {
		c.openBy = map[string]*follow{}
	}
	if old := c.openBy[key]; old != nil && old != f && sameClient(old.session, f.session) {
		old.newer = f.session.ID
	}
	f.device = key
	c.openBy[key] = f
	if !m.Time.IsZero() && in.Codes() != nil && c.fleet.crowd(m.Time.Unix(), key, in) == crowded {
		f.crowd = crowded
	}
}

func sameClient(a, b *cwmp.Session) bool {
	return len(a.Conns) > 0 && len(b.Conns) > 0 && a.Conns[0].Client.IsValid() && a.Conns[0].Client.Addr() == b.Conns[0].Client.Addr()
}

// crowd is how many devices have informed in a second, for that it was time.
func (t *fleet) crowd(second int64, key string, in *cwmp.Inform) int {
	for i := range in.Event.Items {
		if strings.HasPrefix(in.Event.Items[i].EventCode.Value, "2 ") {
			if t.second != second || t.now == nil {
				t.second, t.now = second, emptied(t.now)
			}
			if t.now[key] {
				return 0
			}
			t.now[key] = true
			return len(t.now)
		}
	}
	return 0
}

// among finds what other devices and other connections tell about a session that is
// over.
func (c *Checker) among(f *follow) {
	s := f.session
	if s.Inform == nil || s.Fragment || openNow(s.Inform)&WholeBody == 0 {
		return
	}
	key := s.Device.Key()
	if c.NewDevices && key != "" {
		f.first = c.firstHeard(key)
	}
	if len(c.calledBy) > 0 && (c.gapAt.IsZero() || s.Start.Sub(c.gapAt) > 2*callMinute) { // else one may not have been seen
		f.calls = c.calledBy[key]
	}
	f.files = c.files
	if in, ok := s.Inform.Args.(*cwmp.Inform); ok && key != "" {
		if url, ok := history.Parameter(in, ".ManagementServer.ConnectionRequestURL"); ok {
			f.twin = c.fleet.told(strings.TrimSpace(url), s, key)
		}
	}
}

// firstHeard says whether a device is heard of for the first time.
func (c *Checker) firstHeard(key string) bool {
	if c.met == nil {
		c.met = map[string]bool{}
	}
	if c.met[key] || len(c.met) >= maxMet || c.History.Device(key) != nil {
		return false
	}
	c.met[key] = true
	return true
}

// maxMet is how many devices are known to have been met.
const maxMet = 1 << 20

// told takes a ConnectionRequestURL, and gives back who had told it before.
func (t *fleet) told(url string, s *cwmp.Session, key string) (before twin) {
	_, rest, ok := strings.Cut(url, "://")
	host, path, _ := strings.Cut(rest, "/")
	if !ok || path == "" || len(url) > maxText || len(s.Conns) == 0 { // without a path it is the address, and whose that is changes
		return twin{}
	}
	if len(t.owners) >= maxOwners || t.owners == nil {
		t.owners, t.hosts, t.ports = map[string]twin{}, map[string]string{}, map[string]string{}
	}
	owner, known := t.owners[url]
	was := owner.id.Key()
	if known && was == key {
		return twin{}
	}
	own := twin{id: s.Device, session: s.ID, before: was}
	own.id = cwmp.DeviceID{OUI: strings.Clone(s.Device.OUI), ProductClass: strings.Clone(s.Device.ProductClass), SerialNumber: strings.Clone(s.Device.SerialNumber)}
	if a := s.Conns[0].Client; a.IsValid() {
		own.host = a.Addr().String()
	}
	t.owners[strings.Clone(url)] = own
	if strings.Contains(host, ":") {
		t.ports[strings.Clone(host)] = key
	} else if strings.HasPrefix(url, "https:") {
		t.ports[host+":443"] = key
	}
	if name, _, _ := strings.Cut(host, ":"); t.hosts[name] == "" {
		t.hosts[strings.Clone(name)] = key
	} else if t.hosts[name] != key {
		t.hosts[name] = "*"
	}
	return owner
}

// maxText is longer than a URL that is remembered.
const maxText = 512

// port is the device that is called where a connection goes to, "" for none.
func (t *fleet) port(c *capture.Conn) string {
	if c == nil || len(t.ports) == 0 || !c.Server.IsValid() {
		return ""
	}
	return t.ports[c.Server.String()]
}

// shared says whether several devices are called at the host of a connection request.
func (t *fleet) shared(r *cwmp.ConnectionRequest) bool {
	if len(r.Exchanges) == 0 || r.Exchanges[0].Request == nil {
		return false
	}
	v, _ := r.Exchanges[0].Request.Field("Host")
	name, _, _ := strings.Cut(strings.TrimSpace(v), ":")
	return t.hosts[name] == "*"
}

func otherIdentity(p *Pass) {
	t, d := p.f.twin, p.Session.Device
	if t.id.SerialNumber == "" || !strings.EqualFold(strings.TrimSpace(t.id.SerialNumber), strings.TrimSpace(d.SerialNumber)) {
		return
	}
	severity := Warning
	if a := p.Session.Conns[0].Client; a.IsValid() && a.Addr().String() == t.host {
		severity = Error
	}
	in, ok := p.Session.Inform.Args.(*cwmp.Inform)
	if !ok {
		return
	}
	what, leaf, was := "ProductClass", &in.DeviceID.ProductClass, t.id.ProductClass
	switch {
	case !strings.EqualFold(t.id.OUI, d.OUI):
		what, leaf, was = "OUI", &in.DeviceID.OUI, t.id.OUI
	case t.id.SerialNumber != d.SerialNumber:
		what, leaf, was = "SerialNumber", &in.DeviceID.SerialNumber, t.id.SerialNumber
	}
	p.reportPast(severity, CPE, atLeaf(p.Session.Inform, leaf), []Ref{{Session: t.session, N: 1, Offset: -1}}, "The %s was %s, and is %s", what, quote(was), quote(leaf.Value))
}

func sharedURL(p *Pass) {
	t := p.f.twin
	if t.id.SerialNumber == "" || strings.EqualFold(t.id.SerialNumber, p.Session.Device.SerialNumber) || t.before != p.Session.Device.Key() {
		return
	}
	p.reportPast(Warning, CPE, message(p.Session.Inform), []Ref{{Session: t.session, N: 1, Offset: -1}}, "The device and %s have the same ConnectionRequestURL", short(t.id.Key()))
}

func twoSessions(p *Pass) {
	if m := p.f.crossed; m != nil {
		p.reportPast(Error, CPE, message(m), []Ref{{Session: p.f.newer, N: 1, Offset: -1}}, "The CPE goes on with this session after it has begun another")
	}
}

func allAtOnce(p *Pass) {
	if p.f.crowd >= crowded {
		p.report(Unknown, message(p.Session.Inform), "%d devices have come with 2 PERIODIC in this second", p.f.crowd)
	}
}
