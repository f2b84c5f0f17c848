package check

import (
	"slices"
	"time"

	"informant/decode/cwmp"
)

// course is what is odd about the course of a session, as far as it can be told
// cheaply from each message in its turn. It is to the checks of sessions what
// facts are to those of messages: nearly all sessions have nothing of it, and
// so nobody goes through their messages once more at the end.
type course uint32

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
		t.course |= sets
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
	if m.From == cwmp.ACS {
		if f&setsCookie != 0 {
			t.jar = fill(t.jar, m)
			if t.set += setBytes(m); t.set > maxCookies {
				t.course |= bigJar
			}
		}
		return
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
