package cwmp

import (
	"fmt"
	"strconv"
	"strings"

	"informant/capture"
)

// step moves a session by one message: its state, its transactions, and what
// the state table says against it.
func (t *Tracker) step(s *tracked, m *Message) {
	m.Before = s.State
	if s.probing {
		m.After = s.State
		return
	}
	if m.From == CPE {
		m.Breach = s.stepCPE(m)
		if s.second && m.RPC == "Inform" {
			m.Breach, s.second = SecondInform, false
		}
	} else {
		m.Breach = s.stepACS(m)
	}
	if s.Fragment {
		// Where a fragment stands is not known.
		m.Breach = NoBreach
		s.State, m.Before = Start, Start
		if s.headless && len(s.Messages) == 0 {
			m.Breach = NotInformFirst
		}
	}
	if m.Resend || s.unreadable {
		m.Breach = NoBreach
	}
	m.After = s.State
}

func (s *tracked) move(in input, hold bool) (b Breach) {
	s.State, b = next(s.State, in, hold)
	return b
}

func (s *tracked) stepCPE(m *Message) Breach {
	switch m.Kind {
	case Request:
		s.call = s.transaction(CPE, m)
		if m.RPC == "Inform" {
			return s.move(cpeInform, false)
		}
		return s.move(cpeRequest, false)
	case Response, Fault:
		b := s.move(cpeAnswer, false)
		if s.answerAsk(m) && b == NoBreach {
			return WrongResponse
		}
		return b
	case Empty:
		b := s.move(cpeEmpty, false)
		if b == AskUnanswered {
			s.ask = nil
		}
		return b
	}
	// Unreadable: what it was meant to be follows from who waits for what.
	if s.ask != nil {
		s.answerAsk(m)
		s.move(cpeAnswer, false)
	} else {
		s.move(cpeRequest, false)
	}
	return NoBreach
}

// answerAsk pairs a CPE's response with what the ACS asked; wrong says that
// its name is another method's.
func (s *tracked) answerAsk(m *Message) (wrong bool) {
	if s.ask == nil {
		return false
	}
	tx := s.ask
	if len(s.more) > 0 { // several requests in one body: by name, else by order
		list := append([]*Transaction{s.ask}, s.more...)
		at := 0
		for i, x := range list {
			if m.answers(x.Request) {
				at = i
				break
			}
		}
		tx = list[at]
		list = append(list[:at], list[at+1:]...)
		s.ask, s.more = list[0], list[1:]
	} else {
		s.ask = nil
	}
	tx.Response = m
	return m.Kind == Response && !m.answers(tx.Request)
}

// answers says whether m has the name that the answer to a request has.
func (m *Message) answers(request *Message) bool {
	name, ok := strings.CutSuffix(m.RPC, "Response")
	return ok && name == request.RPC
}

func (s *tracked) stepACS(m *Message) Breach {
	switch {
	case m.Kind == HTTP && asksAgain(m.Status):
		s.takeBack()
		return NoBreach
	case m.Kind == HTTP:
		s.fail(HTTPError)
		return NoBreach
	case m.Kind == Fault:
		return s.stepACSFault(m)
	}
	hold := m.holds()
	switch m.Kind {
	case Request:
		tx := s.transaction(ACS, m)
		if s.ask != nil && len(s.Messages) > 0 && s.Messages[len(s.Messages)-1].HTTP == m.HTTP {
			s.more = append(s.more, tx)
		} else {
			s.ask, s.more = tx, nil
		}
		return s.move(acsRequest, hold)
	case Response:
		in := acsAnswer
		if m.RPC == "InformResponse" {
			in = acsInformResponse
		}
		b := s.move(in, hold)
		if s.call == nil {
			return b
		}
		wrong := !m.answers(s.call.Request)
		s.call.Response = m
		s.call = nil
		if wrong && b == NoBreach {
			return WrongResponse
		}
		return b
	case Empty:
		b := s.move(acsEmpty, false)
		s.call = nil
		return b
	}
	// Unreadable.
	if s.call != nil {
		s.call.Response, s.call = m, nil
		s.move(acsAnswer, hold)
	} else {
		s.move(acsRequest, hold)
	}
	return NoBreach
}

func (s *tracked) stepACSFault(m *Message) Breach {
	if m.FaultCode() == "8005" {
		s.takeBack()
		return NoBreach
	}
	call := s.call
	if call != nil {
		call.Response, s.call = m, nil
		if call.Request.RPC == "Inform" {
			s.fail(InformFault)
			return NoBreach
		}
	}
	return s.move(acsAnswer, m.holds())
}

// fail breaks a session, unless it was over already.
func (s *tracked) fail(c Cause) {
	if s.State != Done && !s.Fragment {
		s.State, s.Ended = Broken, c
	}
}

// takeBack undoes the CPE's last message, which will come again.
func (s *tracked) takeBack() {
	s.retry = true
	if s.call != nil && len(s.Transactions) > 0 && s.Transactions[len(s.Transactions)-1] == s.call {
		s.Transactions = s.Transactions[:len(s.Transactions)-1]
		s.call = nil
	}
	s.State, s.ask, s.more = s.undo.state, s.undo.ask, s.undo.more
	if s.ask != nil {
		s.ask.Response = nil
	}
}

// repeats says whether m is what the ACS asked for again.
func (s *tracked) repeats(m *Message) bool {
	for _, r := range s.retried {
		if r.Kind == m.Kind && r.RPC == m.RPC {
			return true
		}
	}
	return false
}

// asksAgain says whether a status asks for the same message again.
func asksAgain(status int) bool {
	switch status {
	case 301, 302, 303, 307, 308, 401, 407:
		return true
	}
	return false
}

// holds says whether the envelope carries HoldRequests true.
func (m *Message) holds() bool {
	if m.Header.HoldRequests == nil {
		return false
	}
	l := Leaf{Value: m.Header.HoldRequests.Value, Present: true}
	v, _ := l.Bool()
	return v
}

// FaultCode is the CWMP fault code as text, "" where there is none.
func (m *Message) FaultCode() string {
	if m.Fault == nil {
		return ""
	}
	return strings.TrimSpace(m.Fault.Code.Value)
}

// conclude says how a session came out.
func conclude(s *tracked, c Cause) {
	s.SawEnd = c != CaptureEnded && !s.capturedOut
	switch {
	case s.Fragment:
		s.Outcome, s.Reason = FragmentOnly, "its beginning was not seen"
	case s.State == Done:
		s.Outcome, s.Ended, s.SawEnd = Complete, NothingMore, true
		s.Reason = "the ACS had no more requests"
	case s.State == Broken:
		s.Outcome, s.SawEnd = Failed, true
		s.Reason = s.failure()
	case c == CaptureEnded && s.disconnected() && !s.capturedOut && (s.reset || s.cutExchange):
		s.conclude(ConnClosed)
	default:
		s.conclude(c)
	}
}

func (s *tracked) conclude(c Cause) {
	if c == ConnClosed && s.reset {
		c = ConnReset
	}
	s.Ended = c
	s.Outcome = Failed
	switch c {
	case CaptureEnded:
		s.Outcome, s.Reason = Unfinished, "the input ends before the session does"
	case Idle:
		s.Outcome, s.Reason = Unfinished, "nothing followed for longer than the session's timeout"
	case TooLarge:
		s.Outcome, s.Reason = Unfinished, "it has more messages than are followed, or too many sessions were open"
	case Displaced:
		s.Outcome, s.Reason = Unfinished, "another device's messages followed on its connection, and none of its own"
	case NewInform:
		s.Reason = "another Inform came before the session was over"
	case Unauthorized:
		s.Reason = "the CPE gave up after the " + fmt.Sprint(s.lastStatus()) + s.credentials()
	case RedirectLost:
		s.Outcome, s.Reason = Unfinished, "the ACS redirected the CPE, and what followed was not seen"
	case BadEnvelope:
		s.Reason = "a message could not be read, and nothing followed"
	case ConnReset:
		s.SawEnd = true
		s.Reason = s.closer(capture.RST) + " reset the connection " + s.phase()
	case ConnClosed:
		s.SawEnd = true
		s.Reason = s.closer(capture.FIN) + " closed the connection " + s.phase()
	}
}

// failure is the reason of a session in state Broken.
func (s *tracked) failure() string {
	for i := len(s.Messages) - 1; i >= 0; i-- {
		m := s.Messages[i]
		if m.From != ACS {
			continue
		}
		if s.Ended == InformFault && m.Kind == Fault {
			return "the ACS answered the Inform with fault " + m.FaultCode()
		}
		if s.Ended == HTTPError && m.Kind == HTTP && m.Status >= 400 {
			what := "a message"
			if i > 0 && s.Messages[i-1].From == CPE {
				what = Describe(s.Messages[i-1])
			}
			return fmt.Sprintf("the ACS answered %s with status %d", what, m.Status)
		}
	}
	return "the session failed"
}

// Describe names a message in a sentence: "the Inform", "the empty POST".
func Describe(m *Message) string {
	switch {
	case m.Kind == Empty && m.From == ACS:
		return "the empty answer"
	case m.Kind == Empty:
		return "the empty POST"
	case m.Kind == Unreadable:
		return "an unreadable message"
	case m.Kind == Fault:
		return "the Fault"
	case m.Kind == HTTP && m.Status > 0:
		return "status " + strconv.Itoa(m.Status)
	}
	return "the " + m.RPC
}

func (s *tracked) credentials() string {
	for _, m := range s.Messages {
		if m.From == CPE && m.HTTP != nil {
			if _, ok := m.HTTP.Field("Authorization"); ok {
				return ": its credentials were refused"
			}
		}
	}
	return ": no Authorization was ever sent"
}

// closer is who ended the connection first.
func (s *tracked) closer(how capture.End) string {
	c, ok := s.Closer(how)
	switch {
	case !ok:
		return "somebody"
	case c.From == capture.FromClient:
		return "the CPE"
	}
	return "the ACS"
}

// phase says where the session stood when its connection went.
func (s *tracked) phase() string {
	if n := len(s.Messages); n > 0 && s.Messages[n-1].From == CPE {
		return "before " + Describe(s.Messages[n-1]) + " was answered"
	}
	switch s.State {
	case AskedA, AskedH, AskedN:
		if s.ask != nil {
			return "with the " + s.ask.Request.RPC + " unanswered"
		}
	case Active, OnHold:
		return "before it had said that it had no more requests"
	}
	return "before the session was over"
}
