package replay

import (
	"errors"
	"fmt"

	"informant/decode/cwmp"
)

// script is what a session's messages say about what is sent when.
type script struct {
	session *cwmp.Session
	calls   []*cwmp.Transaction // of the CPE, in order: Inform first
	asks    []*cwmp.Transaction // of the ACS, in order
	empty   *cwmp.Message       // the CPE's empty POST; nil where none was recorded
	none    *cwmp.Message       // the ACS's empty answer; likewise
}

// newScript reads a session. The error says why it can't be played.
func newScript(s *cwmp.Session) (*script, error) {
	x := &script{session: s}
	switch {
	case s.Inform == nil:
		return nil, errors.New("replay: the session has no Inform")
	case s.Outcome != cwmp.Complete:
		return nil, fmt.Errorf("replay: the session is not complete: %s", s.Reason)
	case s.TrimmedN > 0:
		return nil, errors.New("replay: the session was too large to be kept whole")
	}
	for _, t := range s.Transactions {
		if t.Response == nil {
			return nil, fmt.Errorf("replay: the session's %s has no answer", t.Request.RPC)
		}
		if t.Caller == cwmp.CPE {
			x.calls = append(x.calls, t)
		} else {
			x.asks = append(x.asks, t)
		}
	}
	for _, m := range s.Messages {
		if m.Kind != cwmp.Empty {
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

// find takes the first transaction of that method out of a list, nil where there
// is none.
func find(list *[]*cwmp.Transaction, rpc string) *cwmp.Transaction {
	for i, t := range *list {
		if t.Request.RPC == rpc {
			*list = append((*list)[:i:i], (*list)[i+1:]...)
			return t
		}
	}
	return nil
}
