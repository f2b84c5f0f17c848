// Package tlsread reads what of TLS can be read without keys: the facts of a handshake
// that was captured — the versions and suites that were offered and chosen, the server's
// name, the certificates up to TLS 1.2, and the alert with which a side broke it off
// (RFC 8446, RFC 5246).
package tlsread

import (
	"informant/capture"
)

// Source yields the records of another source and, behind the record that completes a
// handshake, one of kind capture.Handshake with its facts; before it, where that is the
// connection's end. Nothing else is changed:
// what is encrypted stays Data.
type Source struct {
	src   capture.Source
	fresh map[uint64]*conn // connections whose first bytes (nil), or whose handshake, are to come
	next  []capture.Record
	held  int // bytes, by all of them
}

// NewSource is a Source of the records of another. Closing it closes that.
func NewSource(src capture.Source) *Source {
	return &Source{src: src, fresh: map[uint64]*conn{}}
}

const (
	mostConns = 1 << 16  // connections that have not said anything, or are making a handshake
	mostHeld  = 16 << 20 // bytes of handshakes that are not whole
)

// Pending says whether a record is ready without the other source's Next.
func (s *Source) Pending() bool { return len(s.next) > 0 }

// Next is capture.Source's.
func (s *Source) Next() (capture.Record, error) {
	if len(s.next) > 0 {
		r := s.next[0]
		s.next = s.next[1:]
		return r, nil
	}
	r, err := s.src.Next()
	if err != nil || r.Conn == nil {
		return r, err
	}
	switch r.Kind {
	case capture.Open:
		if !r.Midstream && len(s.fresh) < mostConns {
			s.fresh[r.Conn.ID] = nil
		}
	case capture.Handshake:
		delete(s.fresh, r.Conn.ID) // somebody knows better
	case capture.Data, capture.Gap, capture.Close:
		if len(s.fresh) == 0 {
			break
		}
		c, ok := s.fresh[r.Conn.ID]
		switch {
		case !ok:
		case c != nil:
			s.follow(c, r)
		case r.Kind == capture.Data && len(r.Data) > 0 && r.Data[0] == handshake && r.From == capture.FromClient:
			c = &conn{}
			s.fresh[r.Conn.ID] = c
			s.follow(c, r)
		case r.Kind != capture.Data || len(r.Data) > 0:
			delete(s.fresh, r.Conn.ID) // which is nearly every connection
		}
	}
	if len(s.next) > 0 && r.Kind == capture.Close { // behind it the connection is over
		r, s.next[0] = s.next[0], r
	}
	return r, nil
}

// follow takes a record of a connection that may be making a handshake.
func (s *Source) follow(c *conn, r capture.Record) {
	before := c.held()
	switch r.Kind {
	case capture.Data:
		c.data(r.From, r.Data)
	case capture.Gap:
		c.lost()
	case capture.Close:
		c.over(r.From, r.End)
	}
	if s.held += c.held() - before; s.held > mostHeld {
		c.lost()
	}
	if !c.done {
		return
	}
	s.held -= c.held()
	delete(s.fresh, r.Conn.ID)
	if c.facts == nil {
		return
	}
	s.next = append(s.next[:0], capture.Record{Seq: r.Seq, Time: r.Time, Conn: r.Conn, From: capture.FromServer, Kind: capture.Handshake, Packet: r.Packet, TLS: c.facts})
}

// Close is capture.Source's.
func (s *Source) Close() error { return s.src.Close() }
