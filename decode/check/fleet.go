package check

import (
	"hash/maphash"
	"strings"

	"informant/capture"
	"informant/decode/cwmp"
	"informant/decode/history"
)

// acrossDevices is the checks of devices against each other, and of a device's
// sessions that go on at the same time.
var acrossDevices = []*Check{
	{
		ID: "INF-007", Title: "A device keeps its DeviceId", Ref: "TR-069a6 Annex D", Severity: Error, Gates: WholeSession, Subject: OfSession, course: hasTwin, Run: otherIdentity,
		Doc: "The same ConnectionRequestURL was told before with the same SerialNumber and another OUI or ProductClass. For the ACS that is another device. A warning where the address is another one too.",
	},
	{
		ID: "PRX-002", Title: "Each device has a ConnectionRequestURL of its own", Ref: "TR-069a6 Annex J", Severity: Warning, Gates: WholeSession, Subject: OfSession, course: hasTwin, Run: sharedURL,
		Doc: "Two devices come in turns with the same ConnectionRequestURL, path included: a proxier can't tell whom the ACS calls.",
	},
	{
		ID: "SEQ-017", Title: "A device has one session at a time", Ref: "TR-069a6 3.7", Severity: Error, Gates: Counterpart, Subject: OfSession, course: disturbed, Run: twoSessions,
		Doc: "It began another session, and went on with this one. Sessions from several addresses may be of clones (SEC-009).",
	},
	{
		ID: "TIME-018", Title: "Devices don't inform all at once", Ref: "TR-181, TR-098: ManagementServer", Severity: Warning, Gates: GoodClock, Subject: OfSession, course: disturbed, Run: allAtOnce,
		Doc: "Twenty devices came with 2 PERIODIC in the same second. PeriodicInformTime is to spread them. Told once an hour.",
	},
}

// fleet is what is known of devices among each other. URLs, hosts and devices are
// numbers in it, their hashes: there are many, and most are never looked at again.
type fleet struct {
	second int64 // since 1970
	quiet  int64 // the second until which crowds are not told again
	now    map[string]bool
	seed   maphash.Seed
	owners map[uint64]owner  // by ConnectionRequestURL
	hosts  map[uint64]uint64 // by its host: the device, or several
	ports  map[uint64]uint64 // by its host and port: the URL
}

// owner is a device that told a ConnectionRequestURL.
type owner struct {
	device, client, before uint64 // before: the device that had told it before
	session                [16]byte
	id                     string // OUI, ProductClass and SerialNumber, with NULs between
}

// manyDevices is in the place of a device where there are several.
const manyDevices = 1

// twin is the owner of a URL that another device tells.
type twin struct {
	id      cwmp.DeviceID
	host    bool // it has the same address
	back    bool // the device that tells it had told it before that
	session [16]byte
}

func (o *owner) deviceID() cwmp.DeviceID {
	oui, rest, _ := strings.Cut(o.id, "\x00")
	class, serial, _ := strings.Cut(rest, "\x00")
	return cwmp.DeviceID{OUI: oui, ProductClass: class, SerialNumber: serial}
}

func (t *fleet) hash(s string) uint64 { return maphash.String(t.seed, s) | 2 } // not 0, nor several

const (
	maxOwners = 8192
	crowded   = 20
)

// opened takes the Inform that begins a session.
func (c *Checker) opened(f *follow, m *cwmp.Message) {
	key := f.deviceKey()
	if key == "" || f.listed {
		return
	}
	if old := c.openOf(key); old != nil {
		f.older = old
		if sameClient(old.session, f.session) {
			old.newer = f.session.ID
		}
	}
	head := c.bucket(key)
	f.listed, f.nextOpen, *head = true, *head, f
	in, ok := m.Args.(*cwmp.Inform)
	if ok && openNow(m)&WholeBody != 0 && !m.Time.IsZero() && c.fleet.crowd(m.Time.Unix(), key, in) == crowded {
		f.crowd = crowded
	}
}

// bucket is the list of open sessions of the devices with that hash.
func (c *Checker) bucket(key string) **follow {
	if c.openBy == nil {
		c.openBy = make([]*follow, maxDevices)
	}
	return &c.openBy[hash(key)%maxDevices]
}

// openOf is a device's session that is open and began last, nil where there is none.
func (c *Checker) openOf(key string) *follow {
	if key == "" {
		return nil
	}
	for f := *c.bucket(key); f != nil; f = f.nextOpen {
		if f.key == key {
			return f
		}
	}
	return nil
}

// unlist takes a session that is over out of the open ones.
func (c *Checker) unlist(f *follow) {
	if !f.listed {
		return
	}
	for at := c.bucket(f.key); *at != nil; at = &(*at).nextOpen {
		if *at == f {
			*at = f.nextOpen
			break
		}
	}
	for x := *c.bucket(f.key); x != nil; x = x.nextOpen {
		if x.older == f {
			x.older = f.older
		}
	}
}

// settle notes, at a session's end, whether an older one of the device is still open: how
// that goes on isn't known yet, and when it is, this one will have been after it.
func (f *follow) settle() {
	for x := f.older; x != nil; x = x.older {
		x.disordered = true
	}
	f.disordered = f.disordered || f.older != nil
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
			if t.now[key] || len(t.now) >= crowded || second < t.quiet {
				return 0
			}
			if t.now[key] = true; len(t.now) == crowded {
				t.quiet = second + 3600 // which is often enough
			}
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
	key := f.deviceKey()
	if c.NewDevices && key != "" {
		f.first = c.firstHeard(key)
	}
	in, ok := s.Inform.Args.(*cwmp.Inform)
	if !ok {
		return
	}
	if !c.called.by.empty() && answersCall(in) && (c.gapAt.IsZero() || s.Start.Sub(c.gapAt) > 2*callMinute) { // else one may not have been seen
		f.calls, _ = c.called.by.get(key)
	}
	f.files = &c.files
	if key != "" {
		if url, ok := history.Parameter(in, ".ManagementServer.ConnectionRequestURL"); ok {
			f.twin = c.fleet.told(strings.TrimSpace(url), s, key)
		}
	}
}

// answersCall says whether an Inform has 6 CONNECTION REQUEST.
func answersCall(in *cwmp.Inform) bool {
	for i := range in.Event.Items {
		if strings.HasPrefix(strings.TrimSpace(in.Event.Items[i].EventCode.Value), "6") {
			return true
		}
	}
	return false
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
	if t.owners == nil {
		t.owners, t.hosts, t.ports, t.seed = map[uint64]owner{}, map[uint64]uint64{}, map[uint64]uint64{}, maphash.MakeSeed()
	}
	if len(t.owners) >= maxOwners {
		clear(t.owners)
		clear(t.hosts)
		clear(t.ports)
	}
	device, at := t.hash(key), t.hash(url)
	old, known := t.owners[at]
	if known && old.device == device {
		return twin{}
	}
	own := owner{device: device, before: old.device, session: s.ID, id: strings.Join([]string{s.Device.OUI, s.Device.ProductClass, s.Device.SerialNumber}, "\x00")}
	if a := s.Conns[0].Client; a.IsValid() {
		b := a.Addr().As16()
		own.client = maphash.Bytes(t.seed, b[:])
	}
	t.owners[at] = own
	name, _, hasPort := strings.Cut(host, ":")
	switch {
	case hasPort:
		t.ports[t.hash(host)] = at
	case strings.HasPrefix(url, "https:"):
		t.ports[t.hash(host+":443")] = at
	}
	switch h := t.hash(name); t.hosts[h] {
	case 0:
		t.hosts[h] = device
	case device:
	default:
		t.hosts[h] = manyDevices
	}
	if !known {
		return twin{}
	}
	return twin{old.deviceID(), own.client != 0 && own.client == old.client, old.before == device, old.session}
}

// maxText is longer than a URL that is remembered.
const maxText = 512

// port is the device that is called where a connection goes to, "" for none.
func (t *fleet) port(c *capture.Conn) string {
	if c == nil || len(t.ports) == 0 || !c.Server.IsValid() {
		return ""
	}
	o, ok := t.owners[t.ports[t.hash(c.Server.String())]]
	if !ok {
		return ""
	}
	return o.deviceID().Key()
}

// shared says whether several devices are called at the host of a connection request.
func (t *fleet) shared(r *cwmp.ConnectionRequest) bool {
	if len(t.hosts) == 0 || len(r.Exchanges) == 0 || r.Exchanges[0].Request == nil {
		return false
	}
	v, _ := r.Exchanges[0].Request.Field("Host")
	name, _, _ := strings.Cut(strings.TrimSpace(v), ":")
	return t.hosts[t.hash(name)] == manyDevices
}

func otherIdentity(p *Pass) {
	t, d := p.f.twin, p.Session.Device
	if t.id.SerialNumber == "" || !strings.EqualFold(strings.TrimSpace(t.id.SerialNumber), strings.TrimSpace(d.SerialNumber)) {
		return
	}
	severity := Warning
	if t.host {
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
	if t.id.SerialNumber == "" || strings.EqualFold(t.id.SerialNumber, p.Session.Device.SerialNumber) || !t.back {
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
