package check

import (
	"net/netip"
	"time"

	"informant/capture"
	"informant/decode/cwmp"
)

// left is how a device's session was left: the ACS closed its connection in
// order, in the middle, between two round trips.
type left struct {
	at time.Time
	id [16]byte
}

// caller is a device at an address. Its key alone does not name it: there are
// devices that share one, above all a serial number of zeros.
type caller struct {
	key    string
	client netip.Addr
}

// callerOf is who a session's message came from; false where the device is not
// known.
func callerOf(f *follow, m *cwmp.Message) (caller, bool) {
	w := caller{key: f.deviceKey()}
	if m.HTTP != nil && m.HTTP.Conn != nil {
		w.client = m.HTTP.Conn.Client.Addr().Unmap()
	}
	return w, w.key != ""
}

// leave notes how a session ended, for the check of what follows (HTTP-016). Of
// one that was not seen whole nobody knows what it waited for when it ended.
func (c *Checker) leave(f *follow, whole bool) {
	s := f.session
	at, ok := closedBetween(s)
	ok = ok && whole
	if s.Fragment || !ok && c.closedByAC.empty() {
		return
	}
	if len(s.Messages) == 0 {
		return
	}
	who, known := callerOf(f, s.Messages[len(s.Messages)-1])
	if !known {
		return
	}
	c.closedByAC.remove(who)
	if !ok {
		return
	}
	c.closedByAC.put(who, left{at, s.ID})
}

// leftBy is how the session before was left, of a session that begins with m.
func (c *Checker) leftBy(f *follow, m *cwmp.Message) left {
	if c.closedByAC.empty() {
		return left{}
	}
	who, known := callerOf(f, m)
	if !known {
		return left{}
	}
	l, _ := c.closedByAC.get(who)
	return l
}

// closedBetween says whether the ACS closed a session's last connection in
// order, with nothing unanswered, before the session was over.
func closedBetween(s *cwmp.Session) (time.Time, bool) {
	if s.Ended != cwmp.ConnClosed || len(s.Closes) == 0 || len(s.Messages) == 0 {
		return time.Time{}, false
	}
	last := s.Messages[len(s.Messages)-1]
	first, ok := closeAfter(s, len(s.Messages))
	if !ok || first.From != capture.FromServer || first.End != capture.FIN || last.From != cwmp.ACS || last.HTTP == nil || !last.HTTP.Complete {
		return time.Time{}, false
	}
	return first.Time, midSession(first.State)
}

// closeAfter is the first end of a connection that came after n messages.
func closeAfter(s *cwmp.Session, n int) (cwmp.CloseSeen, bool) {
	for _, c := range s.Closes {
		if c.After == n {
			return c, true
		}
	}
	return cwmp.CloseSeen{}, false
}

// midSession says whether a session in that state is neither before its
// beginning nor at its end.
func midSession(s cwmp.State) bool {
	return s != cwmp.Start && s != cwmp.Done && s != cwmp.Broken && s != cwmp.Informed
}
