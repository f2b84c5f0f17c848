package check

import (
	"slices"
	"strings"
	"time"

	"informant/decode/cwmp"
	"informant/decode/history"
)

// course is what is odd about the course of a session, as far as it can be told
// cheaply: from each message in its turn, from how the session ended, and from what
// was known of its device before. It is to the checks of sessions what facts are to
// those of messages: nearly all sessions have little of it, and so hardly any check
// goes through their messages once more at the end.
type course uint64

const (
	lostCookie  course = 1 << iota // a POST without a cookie that was set, or with another value
	bigJar                         // more than 512 bytes of cookies were set
	otherURL                       // POSTs to several targets
	mixedSpace                     // methods in several namespaces, or a version that a header chose
	sameID                         // two requests that may have the same ID
	asked8005                      // a fault 8005 of the ACS
	idling                         // so many empty messages that they may go on without end
	nagging                        // so many GetParameterValues that they may be the same
	sets                           // the ACS sets values
	makes                          // it adds or deletes objects
	notifies                       // it sets attributes
	reads                          // it asks for values
	rereads                        // and did so before
	failing                        // a fault
	discovers                      // the ACS asked for names
	slow                           // took longer than a turn, or has a timeout of its own
	namesItself                    // values of the parameters that DeviceId has too
	closeOfCPE                     // a message of the CPE may ask to close the connection
	closeOfACS                     // likewise, one of the ACS
	pipelines                      // a request before the answer to the one before it was all there
	resends                        // a message once more
	bareLater                      // the CPE sent credentials, and later none
	setsListed                     // the ACS sets values after it asked for names
	saysOutside                    // an ExternalIPAddress is told
)

// What is odd about how a session ended, and what was beside it.
const (
	dropped      course = saysOutside << (1 + iota) // it ended with its connection, or by silence
	closedWithin                                    // a connection closed in the middle of it
	lasting                                         // it took more than a minute
	overTLS                                         // it is, or was on its way to whoever captured it
	wasCalled                                       // connection requests to its device came before
	hasTwin                                         // another device has the same ConnectionRequestURL
	disturbed                                       // other sessions of its device, its connection or its second
)

// What is known of the device before (see follow.past), where something is.
const (
	failedBefore  course = disturbed << (1 + iota) // the session before may have failed, or others before it
	retries                                        // and RetryCount counts some
	commanded                                      // commands are outstanding
	diagnosed                                      // so are diagnostics
	attributed                                     // attributes of parameters were set or read
	tookFile                                       // a transfer was reported in the session before
	changesOnly                                    // and now 4 VALUE CHANGE is the only event
	boots                                          // and now 1 BOOT is one
	bootstraps                                     // and now 0 BOOTSTRAP is one
	redirectedOn                                   // the session before was redirected
	otherSpace                                     // it was in another namespace
	updated                                        // its SoftwareVersion was another
	stormy                                         // the last four sessions, or more, had the same events
	idled                                          // the last nine sessions had no purpose
	ran                                            // UpTime was told
	otherKey                                       // ParameterKey isn't what it was, or was to be, or is one that was refused
	movedByACS                                     // the ACS set its URL in the session before
	wasSecure                                      // the session before was over TLS, and this one isn't
	setLater                                       // values were set that are to be in force by now
	listed                                         // the CPE listed its methods
	soon                                           // the session before began less than two seconds ago
	periodKnown                                    // there was a session with 2 PERIODIC
	digests                                        // the session before had nonces
	periodicFalse                                  // PeriodicInformEnable was false
	noWildcards                                    // so was InstanceWildcardsSupported
)

// track is what was seen of a session so far, to tell its course by.
type track struct {
	course    course
	jar       []cookie
	set       int    // bytes of cookies
	target    string // of the first POST
	space     string // of the first method
	ids       uint64 // one bit for each ID of a request
	empty     int
	questions int
	readings  int  // answers with values
	login     bool // the CPE sent credentials
	some      bool
	earliest  time.Time // end of a message
}

// follow takes a message; first says whether it is the first of its HTTP
// message.
func (t *track) follow(m *cwmp.Message, f facts, first bool) {
	switch m.Kind {
	case cwmp.Request:
		t.request(m)
	case cwmp.Response:
		t.method(m)
		switch m.RPC { // whatever it answers
		case "GetParameterNamesResponse":
			if t.course&sets != 0 && t.course&discovers == 0 { // its request may have come before
				t.course |= setsListed
			}
			t.course |= discovers
		case "GetParameterValuesResponse":
			if t.course |= reads; t.readings > 0 {
				t.course |= rereads
			}
			t.readings++
		}
	case cwmp.Fault:
		t.course |= failing
		if asksAgain(m) {
			t.course |= asked8005
		}
	case cwmp.Empty:
		if t.empty++; t.empty >= 6 {
			t.course |= idling
		}
	}
	if m.Header.UseCWMPVersion != nil {
		t.course |= mixedSpace
	}
	if m.Header.SessionTimeout != nil {
		t.course |= slow
	}
	if m.Early {
		t.course |= pipelines
	}
	if m.Resend {
		t.course |= resends
	}
	if m.HTTP != nil && first {
		t.exchange(m, f)
	}
}

func (t *track) request(m *cwmp.Message) {
	t.method(m)
	if m.HasID {
		bit := uint64(1) << (hash(m.ID) >> 58)
		if t.ids&bit != 0 {
			t.course |= sameID
		}
		t.ids |= bit
	}
	switch m.RPC {
	case "SetParameterValues":
		if t.course |= sets; t.course&discovers != 0 {
			t.course |= setsListed
		}
	case "AddObject", "DeleteObject":
		t.course |= makes
	case "SetParameterAttributes":
		t.course |= notifies
	case "GetParameterNames":
		t.course |= discovers
	}
	if m.RPC == "GetParameterValues" {
		if t.course |= reads; t.questions > 0 {
			t.course |= rereads
		}
		if t.questions++; t.questions >= 20 {
			t.course |= nagging
		}
	}
}

// hash is FNV-1a, of the end of a long text.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := max(0, len(s)-16); i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h * 0x9e3779b97f4a7c15
}

func (t *track) method(m *cwmp.Message) {
	if t.space == "" {
		t.space = m.Method.Space
	}
	if m.Method.Space != t.space {
		t.course |= mixedSpace
	}
}

// exchange takes an HTTP message.
func (t *track) exchange(m *cwmp.Message, f facts) {
	if !t.some || m.End.Before(t.earliest) {
		t.some, t.earliest = true, m.End
	}
	if m.Time.Sub(t.earliest) > turn {
		t.course |= slow
	}
	if f&connects != 0 {
		if m.From == cwmp.ACS {
			t.course |= closeOfACS
		} else {
			t.course |= closeOfCPE
		}
	}
	if m.From == cwmp.ACS {
		if f&setsCookie != 0 {
			t.jar = fill(t.jar, m)
			if t.set += setBytes(m); t.set > maxCookies {
				t.course |= bigJar
			}
		}
		return
	}
	switch {
	case f&credentials != 0:
		t.login = true
	case t.login:
		t.course |= bareLater
	}
	if t.target == "" {
		t.target = m.HTTP.Target
	}
	if m.HTTP.Target != t.target {
		t.course |= otherURL
	}
	if len(t.jar) > 0 && t.course&lostCookie == 0 && m.HTTP.Head != 0 && !t.returns(m) {
		t.course |= lostCookie
	}
}

// returns says whether a POST returns each cookie that is due, as it was set.
func (t *track) returns(m *cwmp.Message) bool {
	for i := range t.jar {
		c := &t.jar[i]
		if !c.due(m) {
			continue
		}
		var room [4]string
		if !slices.Contains(returned(room[:0], m.HTTP, c.name), c.value) {
			return false
		}
	}
	return true
}

// ending is the course of how the pass's session ended, what was beside it, and what is
// known of its device before. Everything else of the session is over by then.
func (p *Pass) ending() (k course) {
	s, f := p.Session, p.f
	set := func(is bool, bit course) {
		if is {
			k |= bit
		}
	}
	set(s.Ended == cwmp.ConnClosed || s.Ended == cwmp.ConnReset || s.Ended == cwmp.Idle, dropped)
	for i := range s.Closes {
		set(midSession(s.Closes[i].State), closedWithin)
	}
	set(s.End.Sub(s.Start) > time.Minute, lasting)
	set(len(s.TLS) > 0, overTLS)
	set(len(f.calls) > 0, wasCalled)
	set(f.twin.id.SerialNumber != "", hasTwin)
	set(f.crossed != nil || f.another != "" || f.crowd >= crowded || !f.before.at.IsZero(), disturbed)
	p.past(func(d *history.Device, in *cwmp.Inform, events []history.Event) {
		last := &d.Last
		set(!last.Good || last.Failed || d.Failures > 0 || d.Refusals > 0, failedBefore)
		n, ok := in.RetryCount.Int()
		set(ok && n > 0, retries)
		set(len(d.Commands) > 0, commanded)
		set(len(d.Asked8) > 0, diagnosed)
		set(len(d.Attributes) > 0, attributed)
		set(len(last.Took) > 0, tookFile)
		set(len(events) == 1 && events[0].Code == "4 VALUE CHANGE", changesOnly)
		set(history.Has(events, "1 BOOT"), boots)
		set(history.Has(events, "0 BOOTSTRAP"), bootstraps)
		set(last.Redirect != "", redirectedOn)
		set(last.Space != s.Namespace, otherSpace)
		_, other := otherSoftware(d, in)
		set(other, updated)
		set(len(d.Run) >= 4, stormy)
		set(d.Idle == 9, idled)
		set(d.UpTime != 0, ran)
		key, ok := history.Parameter(in, ".ManagementServer.ParameterKey")
		set(ok && (key != last.ParameterKey || key != d.Expected || key == d.Refused), otherKey)
		set(strings.HasPrefix(last.URL, "https:") && !strings.HasPrefix(s.URL, "https:"), wasSecure)
		for i := range d.Set {
			x := &d.Set[i]
			set(x.Later, setLater)
			set(x.By == cwmp.ACS && x.Session == last.ID && strings.HasSuffix(x.Name, ".ManagementServer.URL"), movedByACS)
		}
		on, known := d.Bool(".PeriodicInformEnable")
		set(known && !on, periodicFalse)
		wildcards, known := d.Bool(".InstanceWildcardsSupported")
		set(known && !wildcards, noWildcards)
		set(len(d.Methods) > 0, listed)
		set(s.Start.Sub(last.Start) <= 2*time.Second, soon)
		set(!d.Periodic.IsZero(), periodKnown)
		set(last.Nonce != "" || last.ClientNonce != "", digests)
	})
	return k
}
