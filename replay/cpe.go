package replay

import (
	"context"
	"fmt"
	"net"
	"time"

	"informant/capture"
	"informant/decode/cwmp"
)

// CPE plays the CPE of a recorded session.
type CPE struct {
	Session *cwmp.Session // a complete one
	Timeout time.Duration // for each answer of the ACS: 30 s where it is 0
}

// Report is what came of a session that was played.
type Report struct {
	Sent, Received int      // HTTP messages
	Unanswered     []string // the methods that the other side called and the recording has no answer to
}

// Play calls an ACS at "host:port" and plays the session. The error says what
// keeps it from its end: the recording, the connection, or an ACS that doesn't
// answer as one does.
func (c *CPE) Play(ctx context.Context, address string) (report Report, err error) {
	s, err := newScript(c.Session)
	if err != nil {
		return report, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return report, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	p := &playedCPE{script: s, w: newWire(conn, capture.FromClient, orDefault(c.Timeout)), host: address, report: &report}
	return report, p.play()
}

func orDefault(d time.Duration) time.Duration {
	if d <= 0 {
		return 30 * time.Second
	}
	return d
}

type playedCPE struct {
	*script
	w      *wire
	host   string
	report *Report
}

// most is how many requests of an ACS are answered in a session.
const most = 100_000

func (p *playedCPE) play() error {
	for _, t := range p.calls {
		answer, err := p.exchange(t.Request, body(t.Request, dated(t.Request, time.Now())))
		if err != nil {
			return err
		}
		if answer == nil || answer.RPC != t.Request.RPC+"Response" {
			return fmt.Errorf("replay: the ACS answers %s with %s", t.Request.RPC, nameOf(answer))
		}
	}
	if p.empty == nil {
		return fmt.Errorf("replay: no empty POST was recorded")
	}
	ask, err := p.exchange(p.empty, "")
	for n := 0; err == nil && ask != nil; n++ {
		if ask.Kind != cwmp.Request || n >= most {
			return fmt.Errorf("replay: the ACS sends %s where a request or nothing belongs", nameOf(ask))
		}
		ask, err = p.answer(ask)
	}
	return err
}

// answer answers a request of the ACS, and returns what it asks next.
func (p *playedCPE) answer(ask *cwmp.Message) (*cwmp.Message, error) {
	if t := find(&p.asks, ask.RPC); t != nil {
		return p.exchange(t.Response, body(t.Response, identified(t.Response, ask.ID)))
	}
	p.report.Unanswered = append(p.report.Unanswered, ask.RPC)
	return p.exchange(p.session.Inform, fault(p.session.Namespace, ask.ID, "Client", "9000", "Method not supported"))
}

// exchange sends a message with a body and returns what the ACS answers, nil for
// an empty answer.
func (p *playedCPE) exchange(like *cwmp.Message, body string) (*cwmp.Message, error) {
	if err := p.w.send(write(like, p.host, body)); err != nil {
		return nil, err
	}
	p.report.Sent++
	m, err := p.w.receive()
	if err != nil {
		return nil, err
	}
	p.report.Received++
	if m.Status/100 != 2 && m.Status != 500 {
		return nil, fmt.Errorf("replay: the ACS answers with status %d %s", m.Status, m.Reason)
	}
	return read(m), nil
}

// nameOf is what a message is called.
func nameOf(m *cwmp.Message) string {
	switch {
	case m == nil:
		return "nothing"
	case m.Kind == cwmp.Fault:
		return "a Fault (" + m.FaultCode() + ")"
	}
	return m.RPC
}
