package soap

// Bound is the namespace that a prefix has in the element whose start tag is the
// last one at or before the position at in d's text; false where it isn't
// declared. It reads the text up to there.
func Bound(d *Document, at int, prefix string) (space string, ok bool) {
	var s Scanner
	s.reset(d.Text, 0)
	for {
		switch kind := s.Next(); {
		case kind == EOF, s.start > at:
			return space, ok
		case kind == Start:
			space, ok = s.lookup(prefix)
		}
	}
}
