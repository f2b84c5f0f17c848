package main

import (
	"fmt"
	"io"
	"strings"

	"informant/decode"
	"informant/decode/check"
)

// coverage counts on how many sessions each check could be decided, and what kept it
// from the others.
type coverage struct {
	sink
	sessions int
	closed   map[*check.Check]int
	gates    map[*check.Check]check.Gates
}

// Append counts a session.
func (c *coverage) Append(dst []byte, it decode.Item) []byte {
	if it.Kind == decode.SessionItem {
		if c.closed == nil {
			c.closed, c.gates = map[*check.Check]int{}, map[*check.Check]check.Gates{}
		}
		c.sessions++
		for _, u := range it.Undecided {
			c.closed[u.Check]++
			c.gates[u.Check] |= u.Gates
		}
		it.Undecided = nil
	}
	return c.sink.Append(dst, it)
}

// Finish adds the table.
func (c *coverage) Finish(w io.Writer, t decode.Totals) error {
	if err := c.sink.Finish(w, t); err != nil {
		return err
	}
	var b strings.Builder
	decided := 0
	for _, k := range check.All {
		if perSession(k) && c.closed[k] < c.sessions {
			decided++
		}
	}
	total := 0
	for _, k := range check.All {
		if perSession(k) {
			total++
		}
	}
	fmt.Fprintf(&b, "\n%d of %d checks of sessions could be decided on some of %s\n", decided, total, plural(c.sessions, "session", "sessions"))
	for _, k := range check.All {
		if n := c.closed[k]; perSession(k) && n > 0 {
			fmt.Fprintf(&b, "%-10s decided on %d of %d, else not: %s\n", k.ID, c.sessions-n, c.sessions, closedBy(c.gates[k]))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func perSession(k *check.Check) bool {
	return k.Subject == check.OfMessage || k.Subject == check.OfSession
}

// closedBy says in words which gates were closed.
func closedBy(g check.Gates) string {
	var words []string
	for i := range 8 {
		if one := check.Gates(1 << i); g&one != 0 {
			words = append(words, one.Means())
		}
	}
	return strings.Join(words, "; ")
}
