package proxy

import (
	"net"

	"golang.org/x/sys/unix"
)

// isClosed says whether nothing is left of a connection, in either direction (the
// state CLOSED of RFC 9293 section 3.3.2).
func isClosed(c net.Conn) (closed bool) {
	t := tcpOf(c)
	if t == nil {
		return false
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		closed = err == nil && info.State == unix.BPF_TCP_CLOSE
	})
	return closed
}
