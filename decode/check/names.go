package check

// names keeps texts that are made again and again, so that all who have the
// same text share it.
type names struct {
	kept map[string]string
	buf  []byte // room for the one that is made
}

// keep is what stands in buf as a string.
func (n *names) keep() string {
	const most, longest = 2048, 256
	if s, ok := n.kept[string(n.buf)]; ok {
		return s
	}
	s := string(n.buf)
	if len(s) > longest {
		return s
	}
	if n.kept == nil {
		n.kept = map[string]string{}
	}
	if len(n.kept) >= most {
		clear(n.kept)
	}
	n.kept[s] = s
	return s
}

// join is its parts, one behind the other.
func (n *names) join(parts ...string) string {
	n.buf = n.buf[:0]
	for _, p := range parts {
		n.buf = append(n.buf, p...)
	}
	return n.keep()
}
