package recording

import "informant/capture"

// conns is the connections of a file that are open, so that all records of one
// share a *Conn.
type conns struct {
	byID map[uint64]*known
	base uint64 // what a connection's number in the file is raised by
	max  uint64 // the highest number there was
}

// known is a connection, and what has been read of it.
type known struct {
	conn  *capture.Conn
	seq   uint64  // of the last record of it that was read; 0: there is none
	group uint64  // the group that was in
	ended [2]bool // the direction, indexed by capture.Direction

	// carried: a following file has begun, which repeats the connection's opening,
	// and the ends of directions that repeats tells.
	carried bool
	repeats [2]bool
}

// share returns c as known, or what was known under its number, where that is the
// same.
func (k *conns) share(c *capture.Conn) *known {
	if k.byID == nil {
		k.byID = map[uint64]*known{}
	}
	old := k.byID[c.ID]
	if old == nil || *old.conn != *c {
		old = &known{conn: c}
		k.byID[c.ID] = old
		k.max = max(k.max, c.ID)
	}
	return old
}

// follow marks all connections as carried on into a following file.
func (k *conns) follow() {
	for _, c := range k.byID {
		c.carried, c.repeats = true, [2]bool{}
	}
}

// renew forgets all connections: another recording begins.
func (k *conns) renew() {
	clear(k.byID)
	k.base = k.max
}

// repeated says whether a record only repeats, at the beginning of a following
// file, what the file before it told.
func (c *known) repeated(r *capture.Record) bool {
	if !c.carried {
		return false
	}
	switch {
	case r.Kind == capture.Open:
		c.repeats = c.ended
		return true
	case r.Kind == capture.Close && !r.Both && c.repeats[r.From]:
		c.repeats[r.From] = false
		return true
	}
	c.carried = false
	return false
}

// took notes a record of a group, and forgets a connection that is over.
func (k *conns) took(c *known, r *capture.Record, group uint64) {
	c.seq, c.group = r.Seq, group
	if r.Kind != capture.Close {
		return
	}
	c.ended[r.From] = true
	if r.Both {
		c.ended[r.From.Opposite()] = true
	}
	if c.ended[0] && c.ended[1] && k.byID[c.conn.ID] == c {
		delete(k.byID, c.conn.ID)
	}
}
