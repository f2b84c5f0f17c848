package check

import "hash/maphash"

// names keeps texts that are made again and again, so that all who have the
// same text share it.
type names struct {
	kept []string // by a hash: the one that was made last
	buf  []byte   // room for the one that is made
}

// keep is what stands in buf as a string.
func (n *names) keep() string {
	const most, longest = 2048, 256
	if len(n.buf) > longest {
		return string(n.buf)
	}
	if n.kept == nil {
		n.kept = make([]string, most)
	}
	at := &n.kept[maphash.Bytes(nameSeed, n.buf)%most]
	if *at != string(n.buf) {
		*at = string(n.buf)
	}
	return *at
}

// join is its parts, one behind the other.
func (n *names) join(parts ...string) string {
	n.buf = n.buf[:0]
	for _, p := range parts {
		n.buf = append(n.buf, p...)
	}
	return n.keep()
}
