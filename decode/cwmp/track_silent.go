package cwmp

// silence is a connection's place among those of its client that are open and
// of which nothing was heard yet: it is new, or bytes are missing in the capture
// and its source still waits for them.
type silence struct {
	before, after *connTrack
	listed        bool
}

// opens notes that nothing was heard yet of a connection.
func (t *Tracker) opens(ct *connTrack) {
	if ct.silence.listed || !ct.conn.Client.IsValid() {
		return
	}
	client := ct.conn.Client.Addr()
	first := t.silent[client]
	if first != nil {
		first.silence.before = ct
	}
	ct.silence = silence{after: first, listed: true}
	t.silent[client] = ct
}

// heard notes that a connection has told something, or is over.
func (t *Tracker) heard(ct *connTrack) {
	x := ct.silence
	if !x.listed {
		return
	}
	ct.silence = silence{}
	if x.after != nil {
		x.after.silence.before = x.before
	}
	switch {
	case x.before != nil:
		x.before.silence.after = x.after
	case x.after != nil:
		t.silent[ct.conn.Client.Addr()] = x.after
	default:
		delete(t.silent, ct.conn.Client.Addr())
	}
}

// unheard says whether a session may have a part on a connection that hasn't
// told it yet: an answer on one before its last is open, or one between the same
// two is silent that was opened in the midst of it or, where it is not over,
// soon enough to continue it.
func (t *Tracker) unheard(s *tracked) bool {
	n := len(s.Conns) - 1
	for _, c := range s.Conns[:n] {
		if ct := t.conns[c]; ct != nil && ct.current == s && ct.waiting != nil {
			return true
		}
	}
	first := t.silent[s.client]
	if first == nil || s.Undated {
		return false
	}
	last, until := s.Conns[n], s.End
	if s.State != Done && s.State != Broken {
		until = s.last.Add(max(t.limits.Rejoin, s.timeout))
	} else if ct := t.conns[last]; ct != nil {
		until = ct.opened
	}
	for ct := first; ct != nil; ct = ct.silence.after {
		if ct.conn.Server == last.Server && !ct.opened.Before(s.Start) && ct.opened.Before(until) {
			return true
		}
	}
	return false
}
