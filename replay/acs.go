package replay

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"informant/capture"
	"informant/decode/cwmp"
)

// ACS plays the ACS of a recorded session to any number of CPEs, to each from its
// beginning.
type ACS struct {
	Session *cwmp.Session // a complete one
	Timeout time.Duration // for each message of a CPE: 30 s where it is 0
}

// Serve accepts connections until ctx ends, and returns when all have ended. Of
// each session that was played, done is told; it may be nil, and may be called by
// several goroutines at once.
func (a *ACS) Serve(ctx context.Context, l net.Listener, done func(Report, error)) error {
	s, err := newScript(a.Session)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		all.Add(1)
		go func() {
			defer all.Done()
			defer c.Close()
			defer context.AfterFunc(ctx, func() { c.Close() })()
			w := newWire(c, capture.FromServer, orDefault(a.Timeout))
			report, err := playACS(s, w)
			if done != nil && ctx.Err() == nil && report.Received > 0 {
				done(report, err)
			}
		}()
	}
}

// playACS answers what comes on a connection, session after session.
func playACS(s *script, w *wire) (report Report, err error) {
	calls, asks := append(s.calls[:0:0], s.calls...), append(s.asks[:0:0], s.asks...)
	for {
		m, err := w.receive()
		if errors.Is(err, errNoMore) {
			return report, nil
		}
		if err != nil {
			return report, err
		}
		report.Received++
		said := read(m)
		if said != nil && said.RPC == "Inform" {
			calls, asks = append(s.calls[:0:0], s.calls...), append(s.asks[:0:0], s.asks...)
		}
		var out []byte
		switch {
		case said != nil && said.Kind == cwmp.Request:
			out = s.respond(said, &calls, &report)
		case len(asks) > 0:
			out = write(asks[0].Request, "", body(asks[0].Request, nil))
			asks = asks[1:]
		default:
			out = s.nothing()
		}
		if err := w.send(out); err != nil {
			return report, err
		}
		report.Sent++
	}
}

// respond is the recorded answer to a request of the CPE.
func (s *script) respond(said *cwmp.Message, calls *[]*cwmp.Transaction, report *Report) []byte {
	if t := find(calls, said.RPC); t != nil {
		return write(t.Response, "", body(t.Response, identified(t.Response, said.ID)))
	}
	report.Unanswered = append(report.Unanswered, said.RPC)
	return write(s.calls[0].Response, "", fault(s.session.Namespace, said.ID, "Server", "8000", "Method not supported"))
}

// nothing is the answer that ends a session.
func (s *script) nothing() []byte {
	if s.none == nil {
		return []byte("HTTP/1.1 204 No Content\r\n\r\n")
	}
	return write(s.none, "", "")
}
