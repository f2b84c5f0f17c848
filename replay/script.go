package replay

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"informant/decode/cwmp"
)

// script is what a session's messages say about what is sent when.
type script struct {
	session *cwmp.Session
	calls   []*cwmp.Transaction // of the CPE, in order: Inform first
	asks    []*cwmp.Transaction // of the ACS, in order
	empty   *cwmp.Message       // the CPE's empty POST; nil where none was recorded
	none    *cwmp.Message       // the ACS's empty answer, or the status by which it ended the session; likewise
	refused bool                // the ACS ended it so, or by a fault to the Inform
}

// Playable says why a session can't be played, nil where it can.
func Playable(s *cwmp.Session) error {
	_, err := newScript(s)
	return err
}

// newScript reads a session. The error says why it can't be played.
func newScript(s *cwmp.Session) (*script, error) {
	x := &script{session: s, refused: refused(s)}
	switch {
	case s.Inform == nil:
		return nil, errors.New("replay: the session has no Inform")
	case s.Outcome != cwmp.Complete && !refused(s):
		return nil, fmt.Errorf("replay: the session is not complete: %s", s.Reason)
	case s.TrimmedN > 0:
		return nil, errors.New("replay: the session was too large to be kept whole")
	}
	for _, t := range s.Transactions {
		if t.Response == nil && !(x.refused && t.Caller == cwmp.CPE && x.status(t.Request) != nil) {
			return nil, fmt.Errorf("replay: the session's %s has no answer", t.Request.RPC)
		}
		if t.Request.HTTP == nil || t.Request.HTTP.Raw == "" || t.Response != nil && (t.Response.HTTP == nil || t.Response.HTTP.Raw == "") {
			return nil, errors.New("replay: the session's HTTP messages are not there: a dump of envelopes alone can't be played")
		}
		if t.Caller == cwmp.CPE {
			x.calls = append(x.calls, t)
		} else {
			x.asks = append(x.asks, t)
		}
	}
	if len(x.calls) == 0 || x.calls[0].Request.RPC != "Inform" {
		return nil, errors.New("replay: the session's Inform has no answer")
	}
	for _, m := range s.Messages {
		if x.refused && m.From == cwmp.ACS && m.Kind == cwmp.HTTP && m.HTTP != nil {
			x.none = m
		}
		if m.Kind != cwmp.Empty || m.HTTP == nil {
			continue
		}
		if m.From == cwmp.CPE && x.empty == nil {
			x.empty = m
		}
		if m.From == cwmp.ACS {
			x.none = m
		}
	}
	return x, nil
}

// refused says whether the ACS ended a session by what it answered: that can be
// played, and is what one wants to play when it should no longer happen.
func refused(s *cwmp.Session) bool {
	return s.Outcome == cwmp.Failed && (s.Ended == cwmp.HTTPError || s.Ended == cwmp.InformFault)
}

// status is the HTTP status without an envelope that a request got, nil for none.
func (x *script) status(request *cwmp.Message) *cwmp.Message {
	for _, m := range x.session.Messages {
		if m.From == cwmp.ACS && m.Kind == cwmp.HTTP && m.Exchange == request.Exchange && m.HTTP != nil {
			return m
		}
	}
	return nil
}

// key is what has to be equal for two requests of an ACS to be the same: the method
// and what it asks for, as a set. Keys and passwords that an ACS makes up for a
// command are no part of it.
func key(m *cwmp.Message) string {
	var parts []string
	if m.Args != nil {
		keyed(&parts, "", m.Args)
	}
	for i := range m.Extra {
		parts = append(parts, m.Extra[i].Path+" "+m.Extra[i].Node.Name.Local+" "+m.Extra[i].Node.Text)
	}
	slices.Sort(parts)
	return m.RPC + "\x00" + strings.Join(parts, "\x00")
}

func keyed(parts *[]string, path string, s cwmp.Struct) {
	for _, m := range s.Members() {
		switch v := m.Value.(type) {
		case *cwmp.Leaf:
			if v.Present && m.Name != "CommandKey" && m.Name != "ParameterKey" {
				*parts = append(*parts, path+m.Name+" "+v.Value)
			}
		case cwmp.Array:
			for i := range v.Len() {
				var inner []string
				switch item := v.Item(i).(type) {
				case *cwmp.Leaf:
					inner = []string{item.Value}
				case cwmp.Struct:
					keyed(&inner, "", item)
				}
				*parts = append(*parts, path+m.Name+"[] "+strings.Join(inner, "\x01"))
			}
		case cwmp.Struct:
			keyed(parts, path+m.Name+".", v)
		}
	}
}

// find is the recorded transaction of that key that was not used yet, in order; of
// those that were all used, the last one. nil where there is none.
func find(list []*cwmp.Transaction, used map[*cwmp.Transaction]bool, key func(*cwmp.Message) string, of *cwmp.Message) *cwmp.Transaction {
	want := key(of)
	var last *cwmp.Transaction
	for _, t := range list {
		if key(t.Request) != want {
			continue
		}
		if last = t; !used[t] {
			break
		}
	}
	if last != nil {
		used[last] = true
	}
	return last
}

func method(m *cwmp.Message) string { return m.RPC }
