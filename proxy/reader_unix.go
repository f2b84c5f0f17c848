//go:build unix

package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// socketReader reads a TCP connection. While it waits it holds no buffer: 8,000
// idle connections cost no memory but their own.
type socketReader struct {
	raw syscall.RawConn
	n   int
	buf *[bufferBytes]byte
	err error
	try func(fd uintptr) bool
}

func rawReader(c net.Conn) reader {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return nil
	}
	r := &socketReader{raw: raw}
	r.try = r.read
	return r
}

// read is called when the socket may have something to read. It is false when it
// hasn't.
func (r *socketReader) read(fd uintptr) bool {
	buf := buffers.Get().(*[bufferBytes]byte)
	for {
		r.n, r.err = syscall.Read(int(fd), buf[:])
		if r.err != syscall.EINTR {
			break
		}
	}
	if r.err == syscall.EAGAIN {
		buffers.Put(buf)
		return false
	}
	r.buf = buf
	return true
}

func (r *socketReader) next() (n int, at time.Time, buf *[bufferBytes]byte, err error) {
	r.n, r.err, r.buf = 0, nil, nil
	err = r.raw.Read(r.try)
	at = time.Now()
	if err == nil && r.err != nil {
		err = os.NewSyscallError("read", r.err)
	}
	if err == nil && r.n == 0 {
		err = io.EOF
	}
	n = max(r.n, 0)
	if n == 0 && r.buf != nil {
		buffers.Put(r.buf)
		r.buf = nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		n = 0
	}
	return n, at, r.buf, err
}

func (r *socketReader) done(b *[bufferBytes]byte) { buffers.Put(b) }

// unread is what has come on a connection and was not read, limit bytes at most. It
// waits for nothing.
func unread(c net.Conn, limit int) (b []byte) {
	t := tcpOf(c)
	if t == nil {
		return nil
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return nil
	}
	_ = raw.Read(func(fd uintptr) bool {
		buf := make([]byte, 4096)
		for len(b) < limit {
			n, err := syscall.Read(int(fd), buf[:min(len(buf), limit-len(b))])
			if err == syscall.EINTR {
				continue
			}
			if n <= 0 {
				break
			}
			b = append(b, buf[:n]...)
		}
		return true
	})
	return b
}
