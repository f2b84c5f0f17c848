package proxy

import (
	"net"
	"time"
)

// reader reads a connection into a buffer that it holds only while there is
// something in it, where the system allows that.
type reader interface {
	// next waits for bytes and returns them, and when they came. Where n > 0 the
	// buffer is to be given back with done, before the next call.
	next() (n int, at time.Time, buf *[bufferBytes]byte, err error)
	done(*[bufferBytes]byte)
}

func newReader(c net.Conn) reader {
	if r := rawReader(c); r != nil {
		return r
	}
	return &anyReader{conn: c}
}

// anyReader reads any connection. It holds a buffer all the time.
type anyReader struct {
	conn net.Conn
	buf  *[bufferBytes]byte
}

func (r *anyReader) next() (n int, at time.Time, buf *[bufferBytes]byte, err error) {
	if r.buf == nil {
		r.buf = buffers.Get().(*[bufferBytes]byte)
	}
	n, err = r.conn.Read(r.buf[:])
	return n, time.Now(), r.buf, err
}

func (r *anyReader) done(*[bufferBytes]byte) {}
