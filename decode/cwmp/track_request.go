package cwmp

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"informant/decode/http1"
)

// deviceBook knows the ConnectionRequestURLs of devices.
type deviceBook struct {
	byURL map[string]DeviceID // by host, port and path
	order []string
}

const (
	knownURLs = 200_000
	longURL   = 1 << 10 // bytes; the schema permits 256 characters
)

// learnURL notes a device's ConnectionRequestURL and returns its key. fresh is
// false when that was known.
func (d *deviceBook) learnURL(raw string, id DeviceID) (key string, fresh bool) {
	if len(raw) > longURL {
		return "", false
	}
	rest, ok := cutPrefixFold(strings.TrimSpace(raw), "http://")
	if !ok {
		if rest, ok = cutPrefixFold(strings.TrimSpace(raw), "https://"); !ok {
			return "", false
		}
	}
	host, target := rest, "/"
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, target = rest[:i], rest[i:]
	}
	if host == "" {
		return "", false
	}
	if target[0] == '?' {
		target = "/" + target
	}
	key = requestKey(host, target)
	old, known := d.byURL[key]
	if known && old == id {
		return key, false
	}
	if d.byURL == nil {
		d.byURL = map[string]DeviceID{}
	}
	if !known {
		if len(d.order) >= knownURLs {
			delete(d.byURL, d.order[0])
			d.order = d.order[1:]
		}
		d.order = append(d.order, key)
	}
	d.byURL[key] = id
	return key, true
}

func cutPrefixFold(s, prefix string) (rest string, ok bool) {
	if !hasPrefixFold(s, prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// requestKey names the target of a request: host, port and path.
func requestKey(host, target string) string {
	port := ""
	if i := strings.LastIndexByte(host, ':'); i < 0 || strings.HasSuffix(host, "]") {
		port = ":80"
	}
	return strings.ToLower(host) + port + target
}

// requestKeys are the keys under which the URL of a request may be known: by
// its Host field, and by the address it went to.
func requestKeys(m *http1.Message) (keys [2]string) {
	target := targetPath(m.Target)
	if host, ok := m.Field("Host"); ok {
		keys[0] = requestKey(host, target)
	}
	if m.Conn.Server.IsValid() {
		keys[1] = requestKey(m.Conn.Server.String(), target)
	}
	return keys
}

// attempt is a Connection Request that is going on: the GET without
// credentials, the challenge, the GET with them, and the wait for the session.
type attempt struct {
	ConnectionRequest
	keys   [2]string
	client netip.Addr
	last   time.Time
	known  bool   // the device is known
	device string // its key
	acs    bool   // it went to a server that answers CWMP
	open   int    // exchanges without an answer yet
	over   bool   // answered for good: no further GET belongs to it
}

// requestBook holds Connection Requests until the session that follows is seen.
type requestBook struct {
	list    []*attempt
	binds   map[*binding]*attempt
	unknown map[string][]*attempt // by each of their keys
}

const (
	attemptGap   = 10 * time.Second // between the challenge and the next GET
	requestWait  = 60 * time.Second // for the session (TR-069 3.2.2 gives the CPE 30 s)
	requestLimit = 4096
)

// begin takes a request that is no CWMP message.
func (r *requestBook) begin(b *binding, t *Tracker) {
	m := b.exchange.Request
	if !strings.EqualFold(m.Method, "GET") || m.Size > 0 {
		return
	}
	keys := requestKeys(m)
	a := r.continued(keys, b)
	if a == nil {
		a = &attempt{keys: keys, client: m.Conn.Client.Addr(),
			ConnectionRequest: ConnectionRequest{Conn: m.Conn, Path: strings.Clone(m.Target), Time: m.First}}
		r.lookUp(a, t)
		r.list = append(r.list, a)
		if len(r.list) > requestLimit {
			old := r.list[0]
			r.list = r.list[1:]
			r.tell(old, t)
		}
	}
	a.last, a.acs = m.Last, b.ct.acs
	a.open++
	if r.binds == nil {
		r.binds = map[*binding]*attempt{}
	}
	r.binds[b] = a
}

// continued is the attempt that a GET goes on with.
func (r *requestBook) continued(keys [2]string, b *binding) *attempt {
	m := b.exchange.Request
	for i := len(r.list) - 1; i >= 0; i-- {
		a := r.list[i]
		if !a.over && a.open == 0 && a.keys == keys && a.client == m.Conn.Client.Addr() && within(a.last, m.First, attemptGap) && len(a.Exchanges) < 16 {
			return a
		}
	}
	return nil
}

// complete takes the answer to a GET, or word that there will be none.
func (r *requestBook) complete(b *binding, t *Tracker) bool {
	a := r.binds[b]
	if a == nil {
		return false
	}
	delete(r.binds, b)
	a.open--
	a.Exchanges = append(a.Exchanges, b.exchange)
	status := 0
	if b.exchange.Response != nil {
		status = b.exchange.Response.Status
		a.last = b.exchange.Response.Last
	}
	a.Status = append(a.Status, status)
	a.over = status != 401
	if a.over && !a.known && !a.shaped() {
		r.remove(a)
		r.forget(a)
		t.others(a)
		return true
	}
	if a.Followed && a.open == 0 {
		r.remove(a)
		r.tell(a, t)
	}
	return true
}

// lookUp finds out whose URL a request was for, or waits to be told.
func (r *requestBook) lookUp(a *attempt, t *Tracker) {
	for _, k := range a.keys {
		if id, ok := t.devices.byURL[k]; ok && k != "" {
			a.found(id)
			return
		}
	}
	if r.unknown == nil {
		r.unknown = map[string][]*attempt{}
	}
	for i, k := range a.keys {
		if k != "" && (i == 0 || k != a.keys[0]) {
			r.unknown[k] = append(r.unknown[k], a)
		}
	}
}

func (a *attempt) found(id DeviceID) {
	a.Device, a.device, a.known = id, id.Key(), true
}

// learnt takes word of whose a URL is.
func (r *requestBook) learnt(key string, id DeviceID) {
	for _, a := range r.unknown[key] {
		a.found(id)
	}
	delete(r.unknown, key)
}

// forget takes an attempt out of those whose device is not known.
func (r *requestBook) forget(a *attempt) {
	for _, k := range a.keys {
		list := slices.DeleteFunc(r.unknown[k], func(x *attempt) bool { return x == a })
		if len(list) == 0 {
			delete(r.unknown, k)
		} else {
			r.unknown[k] = list
		}
	}
}

// shaped says whether an exchange with an unknown device has the shape of a
// Connection Request: challenged with Digest, answered by nothing, or asked for
// without the fields of anything that wants a file, and answered by a word.
func (a *attempt) shaped() bool {
	if a.acs {
		return false
	}
	for _, x := range a.Exchanges {
		if auth, ok := x.Request.Field("Authorization"); ok && hasPrefixFold(auth, "Digest") {
			return true
		}
		if x.Response == nil {
			continue
		}
		if c, ok := x.Response.Field("WWW-Authenticate"); ok && x.Response.Status == 401 && hasPrefixFold(c, "Digest") {
			return true
		}
		if s := x.Response.Status; s != 200 && s != 204 {
			continue
		}
		_, agent := x.Request.Field("User-Agent")
		_, accept := x.Request.Field("Accept")
		if x.Response.Size == 0 || x.Response.Size <= 64 && !agent && !accept {
			return true
		}
	}
	return false
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// followed ties the requests that a session answers to it.
func (r *requestBook) followed(s *tracked, t *Tracker) {
	if len(r.list) == 0 || !answersRequest(s.Inform) {
		return
	}
	keep := r.list[:0]
	for _, a := range r.list {
		if a.known && a.device == s.key && !a.Followed && within(a.last, s.Start, requestWait) {
			a.Session, a.Followed = s.ID, true
			if a.open == 0 {
				r.tell(a, t)
				continue
			}
		}
		keep = append(keep, a)
	}
	clear(r.list[len(keep):])
	r.list = keep
}

// answersRequest says whether an Inform has the event 6 CONNECTION REQUEST.
func answersRequest(m *Message) bool {
	in, ok := m.Args.(*Inform)
	if !ok {
		return false
	}
	for i := range in.Event.Items {
		if strings.HasPrefix(strings.TrimSpace(in.Event.Items[i].EventCode.Value), "6 ") {
			return true
		}
	}
	return false
}

// sweep tells the requests for which the wait is over.
func (r *requestBook) sweep(t *Tracker) {
	keep := r.list[:0]
	for _, a := range r.list {
		if a.open == 0 && t.now.Sub(a.last) > requestWait {
			r.tell(a, t)
			continue
		}
		keep = append(keep, a)
	}
	clear(r.list[len(keep):])
	r.list = keep
}

func (r *requestBook) finish(t *Tracker) {
	for len(r.list) > 0 {
		a := r.list[0]
		r.list = r.list[1:]
		r.tell(a, t)
	}
	r.list, r.binds, r.unknown = nil, nil, nil
}

func (r *requestBook) remove(a *attempt) {
	for i, x := range r.list {
		if x == a {
			r.list = append(r.list[:i], r.list[i+1:]...)
			return
		}
	}
}

// tell emits an attempt: as a Connection Request, or as other HTTP when
// nothing makes it one.
func (r *requestBook) tell(a *attempt, t *Tracker) {
	r.forget(a)
	if !a.known && !a.shaped() {
		t.others(a)
		return
	}
	cr := a.ConnectionRequest
	t.emit(Event{Kind: Requested, Time: cr.Time, ConnectionRequest: &cr})
}

func (t *Tracker) others(a *attempt) {
	for _, x := range a.Exchanges {
		t.other(x, x.Request.First)
	}
}

// learn takes what a message tells about where a device can be called and what
// files it will fetch.
func (t *Tracker) learn(s *tracked, m *Message) {
	switch a := m.Args.(type) {
	case *Inform:
		if m.Kind != Request {
			return
		}
		t.learnParameters(s, a.ParameterList.Items)
		if m == s.Inform {
			t.requests.followed(s, t)
		}
	case *GetParameterValuesResponse:
		t.learnParameters(s, a.ParameterList.Items)
	case *Download:
		t.transfers.add(s, command{commandKey: a.CommandKey.Value, fileType: a.FileType.Value, url: a.URL.Value})
	case *ScheduleDownload:
		t.transfers.add(s, command{commandKey: a.CommandKey.Value, fileType: a.FileType.Value, url: a.URL.Value})
	case *Upload:
		t.transfers.add(s, command{commandKey: a.CommandKey.Value, fileType: a.FileType.Value, url: a.URL.Value})
	}
}

func (t *Tracker) learnParameters(s *tracked, list []ParameterValueStruct) {
	if s.Device.IsZero() {
		return
	}
	for i := range list {
		if name := strings.TrimSpace(list[i].Name.Value); strings.HasSuffix(name, ".ManagementServer.ConnectionRequestURL") {
			if key, fresh := t.devices.learnURL(list[i].Value.Value, s.Device); fresh {
				t.requests.learnt(key, s.Device)
			}
		}
	}
}
