package decode

import (
	"sync"

	"informant/decode/check"
	"informant/decode/cwmp"
	"informant/decode/http1"
)

// Pool takes back the memory of items that nobody knows any more, and lends it to
// what is read next. It is for a program that tells each item and then forgets
// it: nearly all that decoding allocates comes back, warm, and the garbage
// collector has next to nothing to do. Who keeps an item, or a string of one,
// does without. The zero value is ready, and safe for concurrent use; so is a nil
// *Pool, which keeps nothing.
type Pool struct {
	messages cwmp.Pool

	mu       sync.Mutex
	findings [][]check.Finding
}

const (
	findingsMost = 256 // lists of findings that are kept
	findingsLong = 64  // of so many findings at most
)

// Put takes back an item. Nobody may know it any more, nor a string that was
// taken out of it. What of it the Front or the Back may still know is left alone.
func (p *Pool) Put(it Item) {
	if p == nil {
		return
	}
	switch {
	case it.Kind == SessionItem && it.Session != nil:
		p.session(it)
	case it.Kind == ConnectionRequestItem && it.ConnectionRequest != nil:
		for _, x := range it.ConnectionRequest.Exchanges {
			p.exchange(x)
		}
	case it.Kind == TransferItem && it.Transfer != nil:
		p.exchange(it.Transfer.Exchange)
	}
}

// exchange takes back the messages of an exchange that is over.
func (p *Pool) exchange(x *http1.Exchange) {
	if x == nil || x.Request == nil || x.Response == nil {
		return
	}
	p.http().Put(x.Request, x.Response) // at once: x goes with its response
}

// session takes back a session's messages, and the list of its findings.
func (p *Pool) session(it Item) {
	p.messages.Put(it.Session)
	if n := cap(it.Findings); n > 0 && n <= findingsLong {
		clear(it.Findings)
		if p.messages.HTTP.Spoil {
			for i := range it.Findings {
				it.Findings[i] = check.Finding{Check: check.All[0], Text: "spoilt"}
			}
		}
		p.mu.Lock()
		if len(p.findings) < findingsMost {
			p.findings = append(p.findings, it.Findings[:0])
		}
		p.mu.Unlock()
	}
}

// list is an empty list of findings, with room for some.
func (p *Pool) list(n int) (list []check.Finding) {
	if p != nil {
		p.mu.Lock()
		if last := len(p.findings) - 1; last >= 0 {
			list, p.findings[last], p.findings = p.findings[last], nil, p.findings[:last]
		}
		p.mu.Unlock()
	}
	if cap(list) < n {
		list = make([]check.Finding, 0, n)
	}
	return list
}

// Spoil, for tests, makes p overwrite what it takes back.
func (p *Pool) Spoil() { p.messages.HTTP.Spoil = true }

func (p *Pool) cwmp() *cwmp.Pool {
	if p == nil {
		return nil
	}
	return &p.messages
}

func (p *Pool) http() *http1.Pool {
	if p == nil {
		return nil
	}
	return &p.messages.HTTP
}
