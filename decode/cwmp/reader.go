package cwmp

import (
	"informant/decode/http1"
	"informant/decode/soap"
)

// Reader reads the envelopes of HTTP messages, one after another. It keeps only
// what makes it fast: the tags that come again from message to message. What it
// returns is that of Read. The zero value is ready; it is not safe for
// concurrent use.
type Reader struct {
	Pool *Pool // of memory to use again; may be nil

	decoder decoder
}

// Read is the function Read.
func (r *Reader) Read(e *http1.Event) Reading {
	switch e.Kind {
	case http1.RequestSeen:
		return r.message(e.Exchange.Request)
	case http1.ResponseSeen:
		return r.message(e.Exchange.Response)
	}
	return Reading{}
}

// message reads an HTTP message's body where it begins like an envelope,
// whatever its type says.
func (r *Reader) message(m *http1.Message) Reading {
	if m == nil || !Sniff(m.Body) {
		return Reading{}
	}
	contentType, _ := m.Field("Content-Type")
	r.decoder.Keep()
	r.decoder.pool = r.Pool
	document, messages := r.decoder.parse(m.Body, contentType)
	for _, x := range messages {
		x.HTTP, x.Time, x.End = m, m.First, m.Last
	}
	return Reading{messages, document}
}

// documentOf is the document in an HTTP message, read anew: for the few messages
// that turn out to be CWMP only after their Reading is gone.
func documentOf(m *http1.Message) *soap.Document { return new(Reader).message(m).document }
