package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"informant/capture"
)

// same compares two sources, record by record. What of them can't be read is not
// its concern: it compares what can.
func same(a, b capture.Source) error {
	conns := map[*capture.Conn]*capture.Conn{}
	for n := uint64(1); ; n++ {
		x, errX := whole(a)
		y, errY := whole(b)
		if errX == io.EOF && errY == io.EOF {
			return nil
		}
		if err := errors.Join(not(errX, io.EOF), not(errY, io.EOF)); err != nil {
			return err
		}
		if errX != nil || errY != nil {
			return fmt.Errorf("what was written does not hold the same: the number of records differs from record %d on", n)
		}
		if what := differs(&x, &y, conns); what != "" {
			return fmt.Errorf("what was written does not hold the same: record %d differs in its %s", n, what)
		}
		if x.Kind == capture.Close && x.Both {
			delete(conns, x.Conn)
		}
	}
}

// whole is the next record; damage is the end.
func whole(s capture.Source) (capture.Record, error) {
	r, err := s.Next()
	if errors.Is(err, capture.ErrDamaged) {
		err = io.EOF
	}
	return r, err
}

// not is err, unless it is another one.
func not(err, other error) error {
	if err == other {
		return nil
	}
	return err
}

// differs says in what two records differ, "" where they are the same. conns are
// the connections met so far.
func differs(x, y *capture.Record, conns map[*capture.Conn]*capture.Conn) string {
	if c := conns[x.Conn]; c == nil {
		if p, q := *x.Conn, *y.Conn; p != q {
			return "connection"
		}
		conns[x.Conn] = y.Conn
	} else if c.ID != y.Conn.ID {
		return "connection"
	}
	switch {
	case x.Seq != y.Seq:
		return "number"
	case !x.Time.Equal(y.Time):
		return "time"
	case x.Kind != y.Kind || x.From != y.From:
		return "kind"
	case x.Packet != y.Packet:
		return "packet"
	case !bytes.Equal(x.Data, y.Data):
		return "bytes"
	case (x.TLS == nil) != (y.TLS == nil) || x.TLS != nil && !bytes.Equal(x.TLS.Append(nil), y.TLS.Append(nil)):
		return "facts of a handshake"
	case x.Midstream != y.Midstream || x.Lost != y.Lost || x.End != y.End || x.Both != y.Both || x.Text != y.Text:
		return "facts"
	}
	return ""
}
