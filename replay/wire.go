package replay

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"informant/capture"
	"informant/decode/cwmp"
	"informant/decode/http1"
)

// wire is one end of a connection: it reads whole messages of the other end.
type wire struct {
	c        net.Conn
	me       capture.Direction
	http     http1.Assembler
	conn     *capture.Conn
	seq      uint64
	received []*http1.Message
	closed   bool
	timeout  time.Duration
}

func newWire(c net.Conn, me capture.Direction, timeout time.Duration) *wire {
	w := &wire{c: c, me: me, conn: &capture.Conn{ID: 1}, timeout: timeout}
	w.feed(capture.Record{Kind: capture.Open})
	return w
}

// feed takes a fact about the connection.
func (w *wire) feed(r capture.Record) {
	w.seq++
	r.Seq, r.Time, r.Conn = w.seq, time.Now(), w.conn
	for _, e := range w.http.Feed(r) {
		switch {
		case e.Kind == http1.RequestSeen && w.me == capture.FromServer:
			w.received = append(w.received, e.Exchange.Request)
		case e.Kind == http1.ResponseSeen && w.me == capture.FromClient:
			w.received = append(w.received, e.Exchange.Response)
		}
	}
}

// send writes a message.
func (w *wire) send(b []byte) error {
	w.feed(capture.Record{Kind: capture.Data, From: w.me, Data: b})
	if err := w.c.SetWriteDeadline(time.Now().Add(w.timeout)); err != nil {
		return err
	}
	_, err := w.c.Write(b)
	return err
}

// errNoMore: the other end has closed the connection.
var errNoMore = errors.New("replay: the connection was closed")

// receive waits for the other end's next message.
func (w *wire) receive() (*http1.Message, error) {
	buf := make([]byte, 32<<10)
	for len(w.received) == 0 {
		if w.closed {
			return nil, errNoMore
		}
		if err := w.c.SetReadDeadline(time.Now().Add(w.timeout)); err != nil {
			return nil, err
		}
		n, err := w.c.Read(buf)
		if n > 0 {
			w.feed(capture.Record{Kind: capture.Data, From: w.me.Opposite(), Data: buf[:n]})
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			w.closed = true
			w.feed(capture.Record{Kind: capture.Close, From: w.me.Opposite(), End: capture.FIN})
		default:
			return nil, err
		}
	}
	m := w.received[0]
	w.received = w.received[1:]
	if !m.Complete {
		return nil, fmt.Errorf("replay: a message broke off after %d bytes", len(m.Raw))
	}
	return m, nil
}

// read decodes what a message holds: nil where it holds no method.
func read(m *http1.Message) *cwmp.Message {
	contentType, _ := m.Field("Content-Type")
	_, messages := cwmp.Parse(m.Body, contentType)
	if len(messages) == 0 {
		return nil
	}
	return messages[0]
}
