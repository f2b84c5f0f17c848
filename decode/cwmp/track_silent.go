package cwmp

// opens notes that nothing was heard yet of a connection: it is new, or bytes are
// missing in the capture and its source still waits for them.
func (t *Tracker) opens(ct *connTrack) {
	if !ct.silence.listed && ct.conn.Client.IsValid() {
		t.silent.add(ct.conn.Client.Addr(), ct)
	}
}

// heard notes that a connection has told something, or is over.
func (t *Tracker) heard(ct *connTrack) { t.silent.remove(ct.conn.Client.Addr(), ct) }

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
	first := t.silent.first[s.client]
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
