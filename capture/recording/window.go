package recording

import "io"

// window is the part of an input that is looked at.
type window struct {
	r   io.Reader
	buf []byte
	at  int   // of what is next, in buf
	off int64 // in the input, of buf[0]
	err error // that ended the input; io.EOF at its end
}

// offset is where in the input the next byte is.
func (w *window) offset() int64 { return w.off + int64(w.at) }

// peek returns what follows after the next skip bytes: n bytes, or less where the
// input ends before. It reads no more than it has to. The bytes are valid until
// the next call.
func (w *window) peek(skip, n int) []byte {
	for len(w.buf)-w.at < skip+n && w.err == nil {
		w.read(skip + n)
	}
	from := min(w.at+skip, len(w.buf))
	return w.buf[from:min(from+n, len(w.buf))]
}

// read reads once, into room for at least need bytes from the next on.
func (w *window) read(need int) {
	const chunk = 64 << 10
	if w.at > 0 && cap(w.buf)-w.at < max(need, chunk) || w.at > len(w.buf)/2 && w.at > 4*chunk {
		w.off += int64(w.at)
		w.buf = w.buf[:copy(w.buf, w.buf[w.at:])]
		w.at = 0
	}
	if cap(w.buf)-len(w.buf) < chunk/4 || cap(w.buf)-w.at < need {
		grown := make([]byte, len(w.buf), max(w.at+need, len(w.buf)+chunk, 2*chunk)*5/4)
		copy(grown, w.buf)
		w.buf = grown
	}
	for range 100 {
		n, err := w.r.Read(w.buf[len(w.buf):cap(w.buf)])
		w.buf = w.buf[:len(w.buf)+n]
		if err != nil {
			w.err = err
			return
		}
		if n > 0 {
			return
		}
	}
	w.err = io.ErrNoProgress
}

// skip goes on by n bytes, fewer where the input ends before, and says by how
// many.
func (w *window) skip(n int64) (skipped int64) {
	for skipped < n {
		if w.at == len(w.buf) && len(w.peek(0, 1)) == 0 {
			return skipped
		}
		step := min(n-skipped, int64(len(w.buf)-w.at))
		w.at += int(step)
		skipped += step
	}
	return skipped
}

// ended says whether nothing follows after the next n bytes.
func (w *window) ended(n int) bool { return len(w.peek(n, 1)) == 0 }
