// Package http1 turns the records of a connection into the HTTP/1 messages that
// were exchanged on it, exactly as they were on the wire, and pairs them.
//
// It is a push parser: Assembler.Feed takes one capture.Record and returns what
// that record completed. It is pure (no I/O, no clock, no goroutines), and what
// it emits does not depend on how the bytes were cut into records.
//
// HTTP is found by its content, on any port. What begins like TLS, or like
// nothing known, is counted and dropped (Summary.Protocol tells). From the
// moment a connection is known to speak HTTP no byte of it is dropped: each one
// is in a Message.Raw, counted in a Message.Omitted, or in a RemainderSeen.
//
// What devices really send is accepted: bare LF, blanks in odd places, missing
// reasons, wrong, missing, repeated and contradictory lengths, chunk extensions,
// unasked 100 Continue, bodies ended by close, compressed bodies. What was odd is
// noted as a Quirk and judged elsewhere.
//
// Where the length says one thing and the text another:
//
//   - A length that is too small for a body of markup (Content-Length counted in
//     characters, reference 9.2 no. 65) holds the message until what follows is
//     known; the text's rest is taken into Body (TailAfterBody).
//   - A request that declares no length is held likewise (NoLength).
//   - A 204 that declares a length is held likewise (BodyWhereNone).
//   - On a synthesised connection (a dump pasted into a ticket, perhaps indented
//     anew) a body of markup ends where its root element ends, whatever its
//     length says.
//
// Lost bytes (capture.Gap) inside a body of known length leave the message whole
// but for them: Raw holds what was seen on both sides of the gap, Body what was
// seen before it, Lost counts. Anywhere else they end the message; the parser
// resumes at the direction's next start line, and requests and responses are
// paired again from the first request that begins while nothing is open on
// either side.
package http1
