package proxy

import (
	"net/netip"
	"sync"
	"time"

	"informant/capture"
)

// Passthrough is what to do with clients whose TLS can't be ended here, since they
// don't trust the proxy's certificate or their ACS wants one of theirs: after some
// handshakes that failed, the connections of that address which ask for that name
// are relayed as they are, encrypted, for a while.
type Passthrough struct {
	// After is how many handshakes in a row have to fail.
	After int
	// For is how long it lasts; 10 minutes where it is 0.
	For time.Duration

	mu   sync.Mutex
	book map[caller]*failing
}

// caller is who asks for what.
type caller struct {
	client netip.Addr
	name   string // asked for (SNI)
}

type failing struct {
	times int
	until time.Time // blind so long
	last  time.Time
}

// callersMost is how many callers are remembered.
const callersMost = 10_000

func (p *Passthrough) lasts() time.Duration {
	if p.For > 0 {
		return p.For
	}
	return 10 * time.Minute
}

// blind says until when a caller is relayed encrypted.
func (p *Passthrough) blind(c caller, now time.Time) (until time.Time, yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.book[c]
	if f == nil || !now.Before(f.until) {
		return time.Time{}, false
	}
	return f.until, true
}

// failed counts a handshake, and says until when the caller is relayed encrypted
// from now on.
func (p *Passthrough) failed(c caller, now time.Time) (until time.Time, yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.book[c]
	if f == nil {
		if p.book == nil {
			p.book = map[caller]*failing{}
		}
		if len(p.book) >= callersMost {
			p.forget()
		}
		f = &failing{}
		p.book[c] = f
	}
	f.times++
	f.last = now
	if f.times < p.After {
		return time.Time{}, false
	}
	f.times, f.until = 0, now.Add(p.lasts())
	return f.until, true
}

// forget drops the caller that was not heard of for the longest time; mu is held.
func (p *Passthrough) forget() {
	var oldest caller
	var at time.Time
	for c, f := range p.book {
		if at.IsZero() || f.last.Before(at) {
			oldest, at = c, f.last
		}
	}
	delete(p.book, oldest)
}

// fine forgets the failures of a caller.
func (p *Passthrough) fine(c caller) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.book, c)
}

// passes says whether a client is to be relayed encrypted, and tells that.
func (r *relay) passes() bool {
	p := r.route.Passthrough
	if p == nil {
		return false
	}
	r.caller = caller{client: r.conn.Client.Addr()}
	if h := r.early().hello(); h != nil {
		r.caller.name = h.ServerName
	}
	until, yes := p.blind(r.caller, time.Now())
	if yes {
		r.remark("relayed encrypted, as its handshakes failed before; until " + until.UTC().Format(time.RFC3339))
		r.p.log().Warn("relayed encrypted", "client", r.conn.Client.String(), "name", r.caller.name, "until", until.Format(time.RFC3339))
		r.p.Stats.Blind.Add(1)
	}
	return yes
}

// judged counts how a client's handshakes went.
func (r *relay) judged(fine bool) {
	p := r.route.Passthrough
	if p == nil {
		return
	}
	if fine {
		p.fine(r.caller)
		return
	}
	if until, yes := p.failed(r.caller, time.Now()); yes {
		r.p.log().Warn("its handshakes failed: from now on it is relayed encrypted", "client", r.caller.client.String(), "name", r.caller.name, "until", until.Format(time.RFC3339))
	}
}

// remark records a remark of the proxy's.
func (r *relay) remark(text string) {
	r.record(capture.Record{Time: time.Now(), From: capture.FromClient, Kind: capture.Remark, Text: text})
}
