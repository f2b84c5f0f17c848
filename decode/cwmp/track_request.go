package cwmp

import (
	"hash/maphash"
	"net/netip"
	"slices"
	"strings"
	"time"

	"informant/decode/http1"
)

// deviceBook knows the devices behind ConnectionRequestURLs, or other addresses. As it
// knows many, each costs one piece of memory: the key and the DeviceID, put together. The
// one that was learnt first goes when there are too many.
type deviceBook struct {
	most    int              // how many are known; knownURLs where it is 0
	byKey   map[uint64]int32 // by a hash of the key: where it stands among all, counted from 1
	blocks  [][]bookEntry    // all, a ring once they are most
	known   int
	oldest  int
	seed    maphash.Seed
	scratch []byte
	texts   Texts
}

// bookEntry is a device with its key. Where two keys have the same hash the one that was
// learnt last is known.
type bookEntry struct {
	text string
	key  int32 // bytes of text that are the key
}

const (
	knownURLs = 200_000
	longURL   = 1 << 10 // bytes; the schema permits 256 characters
)

// learnURL notes a device's ConnectionRequestURL and returns its key. fresh is
// false when that was known.
func (d *deviceBook) learnURL(raw string, id *DeviceID) (key string, fresh bool) {
	if len(raw) > longURL || id.size() > longURL {
		return "", false
	}
	host, target, ok := cutURL(strings.TrimSpace(raw))
	if !ok {
		return "", false
	}
	return d.learn(appendRequestKey(d.scratch[:0], host, target), id)
}

// learn is learnURL of a key, which may be in d's scratch.
func (d *deviceBook) learn(b []byte, id *DeviceID) (key string, fresh bool) {
	n := len(b)
	b = id.append(b)
	d.scratch = b
	if d.byKey == nil {
		d.byKey, d.seed = map[uint64]int32{}, maphash.MakeSeed()
	}
	hash := maphash.Bytes(d.seed, b[:n])
	at := d.byKey[hash]
	if at > 0 {
		if x := d.entry(int(at) - 1); x.text == string(b) && int(x.key) == n {
			return "", false
		}
	}
	entry := bookEntry{d.texts.KeepBytes(b), int32(n)}
	if at > 0 {
		*d.entry(int(at) - 1) = entry
	} else {
		d.byKey[hash] = int32(d.add(entry)) + 1
	}
	return entry.text[:n], true
}

// bookBlock is how many entries there is room made for at once: none is ever moved.
const bookBlock = 256

func (d *deviceBook) entry(i int) *bookEntry { return &d.blocks[i/bookBlock][i%bookBlock] }

// add puts an entry in the place of the one that was learnt first when there are too many.
func (d *deviceBook) add(entry bookEntry) (at int) {
	most := d.most
	if most == 0 {
		most = knownURLs
	}
	if d.known < most {
		at = d.known
		if at%bookBlock == 0 {
			d.blocks = append(d.blocks, make([]bookEntry, bookBlock))
		}
		*d.entry(at) = entry
		d.known++
		return at
	}
	at = d.oldest
	old := d.entry(at)
	delete(d.byKey, maphash.String(d.seed, old.text[:old.key]))
	*old = entry
	d.oldest = (at + 1) % most
	return at
}

// device is whose key that is.
func (d *deviceBook) device(key string) (id DeviceID, ok bool) {
	if d.byKey == nil {
		return id, false
	}
	at := d.byKey[maphash.String(d.seed, key)]
	if at == 0 {
		return id, false
	}
	x := d.entry(int(at) - 1)
	if x.text[:x.key] != key {
		return id, false
	}
	return deviceOf(x.text[x.key:]), true
}

// size is how many bytes d has.
func (d *DeviceID) size() int {
	return len(d.Manufacturer) + len(d.OUI) + len(d.ProductClass) + len(d.SerialNumber)
}

// append appends the lengths of d's parts, and its parts, of which there are
// less than 64 KB.
func (d *DeviceID) append(b []byte) []byte {
	parts := [...]string{d.Manufacturer, d.OUI, d.ProductClass, d.SerialNumber}
	for _, p := range parts {
		b = append(b, byte(len(p)>>8), byte(len(p)))
	}
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// deviceOf undoes append.
func deviceOf(text string) DeviceID {
	var parts [4]string
	lengths, rest := text[:2*len(parts)], text[2*len(parts):]
	for i := range parts {
		n := int(lengths[2*i])<<8 | int(lengths[2*i+1])
		parts[i], rest = rest[:n], rest[n:]
	}
	return DeviceID{parts[0], parts[1], parts[2], parts[3]}
}

// cutURL splits an HTTP URL.
func cutURL(s string) (host, target string, ok bool) {
	rest, ok := cutPrefixFold(s, "http://")
	if !ok {
		if rest, ok = cutPrefixFold(s, "https://"); !ok {
			return "", "", false
		}
	}
	host, target = rest, "/"
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, target = rest[:i], rest[i:]
	}
	if target[0] == '?' {
		target = "/" + target
	}
	return host, target, host != ""
}

func cutPrefixFold(s, prefix string) (rest string, ok bool) {
	if !hasPrefixFold(s, prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// requestKey names the target of a request: host, port and path.
func requestKey(host, target string) string {
	var room [128]byte
	return string(appendRequestKey(room[:0], host, target))
}

// appendRequestKey appends it to b.
func appendRequestKey(b []byte, host, target string) []byte {
	b = append(b, strings.ToLower(host)...)
	if strings.LastIndexByte(host, ':') < 0 || strings.HasSuffix(host, "]") {
		b = append(b, ":80"...)
	}
	return append(b, target...)
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
	attemptKey
	n      int      // ordinal
	older  *attempt // in requestBook.waiting
	last   time.Time
	known  bool   // the device is known
	device string // its key
	acs    bool   // it went to a server that answers CWMP
	open   int    // exchanges without an answer yet
	over   bool   // answered for good: no further GET belongs to it
	told   bool   // it went out
}

// attemptKey is what the GETs of an attempt have in common.
type attemptKey struct {
	keys   [2]string
	client netip.Addr
}

// requestBook holds Connection Requests until the session that follows is seen.
type requestBook struct {
	list    []*attempt
	waiting map[attemptKey]*attempt // for the next GET: the latest; the others by attempt.older
	unknown map[string][]*attempt   // by each of their keys
	begun   int
}

const (
	attemptGap   = 10 * time.Second // between the challenge and the next GET
	requestWait  = 60 * time.Second // for the session (TR-069 3.2.2 gives the CPE 30 s)
	requestLimit = 4096
	maxGETs      = 16 // of an attempt
)

// begin takes a request that is no CWMP message.
func (r *requestBook) begin(b *binding, t *Tracker) {
	m := b.exchange.Request
	if !strings.EqualFold(m.Method, "GET") || m.Size > 0 {
		return
	}
	key := attemptKey{requestKeys(m), m.Conn.Client.Addr()}
	a := r.continued(key, m.First)
	if a == nil {
		r.begun++
		a = &attempt{attemptKey: key, n: r.begun,
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
	b.attempt = a
}

// wait notes that an attempt waits for its next GET.
func (r *requestBook) wait(a *attempt) {
	if r.waiting == nil {
		r.waiting = map[attemptKey]*attempt{}
	}
	latest := r.waiting[a.attemptKey]
	if latest == nil || latest.n < a.n {
		a.older = latest
		r.waiting[a.attemptKey] = a
		return
	}
	for latest.older != nil && latest.older.n > a.n {
		latest = latest.older
	}
	a.older, latest.older = latest.older, a
}

// unwait takes an attempt out of those that wait.
func (r *requestBook) unwait(a *attempt) {
	latest := r.waiting[a.attemptKey]
	switch {
	case latest != a:
		for ; latest != nil; latest = latest.older {
			if latest.older == a {
				latest.older = a.older
				break
			}
		}
	case a.older == nil:
		delete(r.waiting, a.attemptKey)
	default:
		r.waiting[a.attemptKey] = a.older
	}
	a.older = nil
}

// continued is the attempt that a GET goes on with: the latest of its kind, of
// some, that was challenged shortly before.
func (r *requestBook) continued(key attemptKey, at time.Time) *attempt {
	const some = 64
	a := r.waiting[key]
	for n := 0; a != nil && n < some; a, n = a.older, n+1 {
		if within(a.last, at, attemptGap) {
			r.unwait(a)
			return a
		}
	}
	return nil
}

// complete takes the answer to a GET, or word that there will be none.
func (r *requestBook) complete(b *binding, t *Tracker) bool {
	a := b.attempt
	if a == nil {
		return false
	}
	b.attempt = nil
	a.open--
	if a.told {
		t.other(b.exchange, b.exchange.Request.First)
		return true
	}
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
		return true
	}
	if a.open == 0 && !a.over && len(a.Exchanges) < maxGETs {
		r.wait(a)
	}
	return true
}

// lookUp finds out whose URL a request was for, or waits to be told.
func (r *requestBook) lookUp(a *attempt, t *Tracker) {
	for _, k := range a.keys {
		if id, ok := t.devices.device(k); ok {
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
	r.list, r.waiting, r.unknown = nil, nil, nil
}

func (r *requestBook) remove(a *attempt) {
	for i := len(r.list) - 1; i >= 0; i-- {
		if r.list[i] == a {
			r.list = slices.Delete(r.list, i, i+1)
			return
		}
	}
}

// tell emits an attempt: as a Connection Request, or as other HTTP when
// nothing makes it one.
func (r *requestBook) tell(a *attempt, t *Tracker) {
	r.forget(a)
	r.unwait(a)
	a.told = true
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
		if c := t.transfers.add(s, a.CommandKey.Value, a.FileType.Value, a.URL.Value); c != nil {
			c.whole(m)
			c.delay = seconds(&a.DelaySeconds)
			c.size, _ = a.FileSize.Int()
		}
	case *ScheduleDownload:
		if c := t.transfers.add(s, a.CommandKey.Value, a.FileType.Value, a.URL.Value); c != nil {
			c.whole(m)
			c.size, _ = a.FileSize.Int()
			for i := range min(len(a.TimeWindowList.Items), 2) { // the schema permits no more
				w := &a.TimeWindowList.Items[i]
				c.windows = append(c.windows, Window{seconds(&w.WindowStart), seconds(&w.WindowEnd)})
			}
		}
	case *Upload:
		if c := t.transfers.add(s, a.CommandKey.Value, a.FileType.Value, a.URL.Value); c != nil {
			c.whole(m)
			c.delay = seconds(&a.DelaySeconds)
		}
	}
}

// seconds is an argument as a time, 0 where it is none.
func seconds(l *Leaf) time.Duration {
	if n, ok := l.Int(); ok && n > 0 && n < 1<<31 {
		return time.Duration(n) * time.Second
	}
	return 0
}

func (t *Tracker) learnParameters(s *tracked, list []ParameterValueStruct) {
	if s.Device.IsZero() {
		return
	}
	const suffix = ".ManagementServer.ConnectionRequestURL"
	for i := range list {
		name := list[i].Name.Value
		if strings.HasSuffix(name, udpAddress) {
			t.learnUDP(list[i].Value.Value, &s.Device)
			continue
		}
		if len(name) < len(suffix) || !strings.HasSuffix(strings.TrimSpace(name), suffix) {
			continue
		}
		if key, fresh := t.devices.learnURL(list[i].Value.Value, &s.Device); fresh {
			t.requests.learnt(key, s.Device)
		}
	}
}
