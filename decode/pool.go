package decode

import (
	"informant/decode/cwmp"
	"informant/decode/http1"
)

// Pool takes back the memory of items that nobody knows any more, and lends it to
// what is read next. It is for a program that tells each item and then forgets
// it: nearly all that decoding allocates comes back, warm, and the garbage
// collector has next to nothing to do. Who keeps an item, or a string of one,
// does without. The zero value is ready, and safe for concurrent use; so is a nil
// *Pool, which keeps nothing.
type Pool struct{ messages cwmp.Pool }

// Put takes back an item. Nobody may know it any more, nor a string that was
// taken out of it. What of it the Front or the Back may still know is left alone.
func (p *Pool) Put(it Item) {
	if p == nil || it.Kind != SessionItem || it.Session == nil || it.Session.Pending > 0 {
		return
	}
	p.messages.Put(it.Session.Messages)
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
