package cwmp

import "informant/decode/http1"

// Reader reads the envelopes of HTTP messages, one after another. It keeps only
// what makes it fast: the tags that come again from message to message. What it
// returns is that of Read. The zero value is ready; it is not safe for
// concurrent use.
type Reader struct{ decoder decoder }

// Read is the function Read.
func (r *Reader) Read(e *http1.Event) Reading {
	switch e.Kind {
	case http1.RequestSeen:
		return Reading{r.messages(e.Exchange.Request)}
	case http1.ResponseSeen:
		return Reading{r.messages(e.Exchange.Response)}
	}
	return Reading{}
}

// messages reads an HTTP message's body where it looks like an envelope.
func (r *Reader) messages(m *http1.Message) []*Message {
	if m == nil || !Sniff(m.Body) {
		return nil
	}
	contentType, _ := m.Field("Content-Type")
	r.decoder.Keep()
	_, messages := r.decoder.parse(m.Body, contentType)
	for _, x := range messages {
		x.HTTP, x.Time, x.End = m, m.First, m.Last
	}
	return messages
}
