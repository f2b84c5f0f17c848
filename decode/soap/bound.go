package soap

import "strings"

// Bound is the namespace that a prefix has in the element whose start tag is the
// last one at or before the position at in d's text; false where it isn't
// declared. It reads the text up to there.
func Bound(d *Document, at int, prefix string) (space string, ok bool) {
	if space, ok = d.boundAbove(at, prefix); ok {
		return space, true
	}
	return d.boundAt(at, prefix)
}

// boundAt is Bound, by reading the text.
func (d *Document) boundAt(at int, prefix string) (space string, ok bool) {
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

// boundAbove is Bound where the Envelope binds the prefix, and nothing else does.
func (d *Document) boundAbove(at int, prefix string) (space string, ok bool) {
	if prefix == "" || d.Envelopes != 1 || at < d.Envelope.At.Start || strings.Count(d.Text, "xmlns:"+prefix) != 1 {
		return "", false
	}
	for i := range d.Envelope.Attr {
		if a := &d.Envelope.Attr[i]; a.Name.Prefix == "xmlns" && a.Name.Local == prefix {
			return a.Value, true
		}
	}
	return "", false
}
