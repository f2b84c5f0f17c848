package recording

import (
	"errors"
	"io"
	"os"
)

// maxHeld is how many bytes of groups that have begun a reader holds; the text of
// further ones waits in a temporary file.
const maxHeld = 64 << 20

// spill is a temporary file of groups' texts. One group at a time has a piece of
// its text in memory.
type spill struct {
	file  *os.File
	size  int64
	users int
	owner *cursor // whose text is in buf
	from  int64   // where in the file buf is from
	buf   []byte
}

// spilled is where a cursor's text is.
type spilled struct {
	spill    *spill
	from, to int64 // what is not read yet, the current record included
	line     int64 // where the current record begins
	next     int64 // and the one behind it
	before   base  // of the current record
}

// take moves what a cursor has not read to the file.
func (s *spill) take(c *cursor) error {
	if s.file == nil {
		f, err := os.CreateTemp("", "informant-groups-")
		if err != nil {
			return err
		}
		os.Remove(f.Name()) // it stays while it is open, where the system can do that
		s.file = f
	}
	text := c.text[c.at:]
	if _, err := s.file.WriteAt(text, s.size); err != nil {
		return err
	}
	c.spilled = &spilled{spill: s, from: s.size, to: s.size + int64(len(text)), next: s.size}
	s.size += int64(len(text))
	s.users++
	c.text, c.at = nil, 0
	return nil
}

// leave says that a cursor is done. Without any the file begins anew.
func (s *spill) leave() {
	if s.users--; s.users == 0 && s.file.Truncate(0) == nil {
		s.size, s.owner = 0, nil
	}
}

func (s *spill) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	os.Remove(s.file.Name())
	s.file = nil
	return err
}

// piece is a cursor's text from a place on: what is in memory, or at least as
// many bytes, if there are.
func (s *spill) piece(c *cursor, from int64, least int) ([]byte, error) {
	if s.owner == c && from >= s.from && least <= len(s.buf)-int(from-s.from) {
		return s.buf[from-s.from:], nil
	}
	n := int(min(int64(max(least, 32<<10)), c.spilled.to-from))
	if cap(s.buf) < n {
		s.buf = make([]byte, n)
	}
	s.owner, s.from, s.buf = c, from, s.buf[:n]
	if _, err := s.file.ReadAt(s.buf, from); err != nil && err != io.EOF {
		s.owner = nil
		return nil, err
	}
	return s.buf, nil
}

// nextSpilled reads the next record from the file.
func (c *cursor) nextSpilled() (ok bool, err error) {
	p := c.spilled
	p.from, p.before = p.next, c.base
	locals := len(c.local)
	for least := 1; ; least = 2 * (len(c.text) + 1) {
		if c.text, err = p.spill.piece(c, p.from, least); err != nil {
			return false, err
		}
		whole := p.from+int64(len(c.text)) == p.to
		c.at, c.base, c.local = 0, p.before, c.local[:locals]
		ok, err = c.nextHeld()
		if whole || ok && err == nil || err != nil && !errors.Is(err, errLine) && !errors.Is(err, errRecord) {
			p.line, p.next = p.from+int64(c.lineAt), p.from+int64(c.at)
			return ok, err
		}
	}
}

// recall makes the current record whole again, if another cursor's text took its
// place.
func (c *cursor) recall() error {
	p := c.spilled
	if p == nil || p.spill.owner == c {
		return nil
	}
	var err error
	if c.text, err = p.spill.piece(c, p.line, int(p.next-p.line)); err != nil {
		return err
	}
	c.at, c.base = 0, p.before
	_, err = c.nextHeld()
	return err
}
