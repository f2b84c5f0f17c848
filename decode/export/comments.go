package export

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"informant/capture"
	"informant/decode"
	"informant/decode/check"
	"informant/decode/cwmp"
	"informant/decode/transcript"
)

// maxComments is how many findings are kept. What more there are is counted.
const maxComments = 200_000

// Comments keeps findings by the byte of a stream that they point at, so that
// they can be told at whatever carries it. Finding's texts hold no secrets. The
// zero value is ready: Feed it all items, then ask At.
type Comments struct {
	at      map[stream][]comment
	sorted  bool
	loose   []string // about nothing that was carried
	n       int
	dropped int
}

// stream is one direction of a connection.
type stream struct {
	conn uint64 // capture.Conn.ID
	from capture.Direction
}

// comment is what is said of a byte.
type comment struct {
	off  int64
	text string
}

// Feed takes an item.
func (c *Comments) Feed(it decode.Item) {
	if it.Kind == decode.FindingItem && it.Finding != nil {
		c.add(nil, "", it.Finding)
	}
	if it.Kind != decode.SessionItem {
		return
	}
	for i := range it.Findings {
		c.add(it.Session, transcript.SessionName(it.Session), &it.Findings[i])
	}
}

// add keeps a finding: at its message, one of the whole session at its first.
func (c *Comments) add(s *cwmp.Session, name string, f *check.Finding) {
	if c.n == maxComments {
		c.dropped++
		return
	}
	c.n++
	text := fmt.Sprintf("%s %s (%s): %s [%s]", f.Severity, f.Check.ID, strings.ToUpper(f.Party.String()), f.Text, f.Check.Ref)
	if name != "" {
		text = fmt.Sprintf("session %s: %s", name, text)
	}
	text = transcript.Safe(text)
	m := messageOf(s, f.At.N)
	if m == nil || m.HTTP == nil || m.HTTP.Conn == nil {
		if len(c.loose) < 1000 {
			c.loose = append(c.loose, text)
		}
		return
	}
	if c.at == nil {
		c.at = map[stream][]comment{}
	}
	h := m.HTTP
	at := stream{h.Conn.ID, h.From}
	off := max(f.At.Offset, 0)
	off = h.Offset + min(off, max(int64(len(h.Raw))-1, 0))
	c.at[at] = append(c.at[at], comment{off, text})
	c.sorted = false
}

// messageOf is the message of that number, the first for none; nil where there
// is none.
func messageOf(s *cwmp.Session, n int) *cwmp.Message {
	if s == nil || len(s.Messages) == 0 {
		return nil
	}
	if n == 0 {
		return s.Messages[0]
	}
	i := slices.IndexFunc(s.Messages, func(m *cwmp.Message) bool { return m.N == n })
	if i < 0 {
		return nil
	}
	return s.Messages[i]
}

// At is what is said of the bytes from first up to end of a direction of a
// connection, missing bytes counted: a line each, "" for nothing.
func (c *Comments) At(conn uint64, from capture.Direction, first, end int64) string {
	if !c.sorted {
		for _, list := range c.at {
			slices.SortStableFunc(list, func(a, b comment) int { return cmp.Compare(a.off, b.off) })
		}
		c.sorted = true
	}
	list := c.at[stream{conn, from}]
	i, _ := slices.BinarySearchFunc(list, first, func(x comment, off int64) int { return cmp.Compare(x.off, off) })
	var lines []string
	for ; i < len(list) && list[i].off < end; i++ {
		lines = append(lines, list[i].text)
	}
	return strings.Join(lines, "\n")
}

// Loose are the findings about nothing that a message carries.
func (c *Comments) Loose() []string { return c.loose }

// Dropped is how many findings were too many to be kept.
func (c *Comments) Dropped() int { return c.dropped }
