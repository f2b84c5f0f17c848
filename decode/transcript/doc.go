// Package transcript tells what the Decoder found: as text for people (Text)
// and as one JSON object per line for programs (JSON). Both are sinks of
// decode.Item with the same two verbs: Put for each item, Close with the
// totals.
//
// Items are immutable and share nothing with a sink, so that Append may run in
// another goroutine than the one that decodes.
//
// Three things hold for whatever a device says:
//
//   - It never reaches a terminal as it is: control characters, bytes that are
//     no UTF-8 and the invisible characters of Unicode that turn the direction
//     of text are written as escapes, in both forms.
//   - Secrets are masked unless ShowSecrets is set: values of parameters for
//     which cwmp.IsSecret holds, credentials of transfers and in URLs, and in
//     raw HTTP and in bytes that are no HTTP the fields that carry credentials
//     or whose names end as those of a token, key, password or cookie do. The
//     values are masked as well where a FaultString repeats them, and, from 6
//     bytes on, where text does that is no envelope.
//   - Messages are never shortened in JSON, and in text only with a word about
//     how much is left and how to see it. Of bytes between the messages of a
//     session that are no HTTP JSON shows the first KB and says how many there
//     are; raw HTTP, 1xx responses included, is shown in text with Verbose 2.
//
// What came between a session's messages and is none (cwmp.Aside: bytes that
// are missing, bytes that are no HTTP) is told where it came: in text as a line
// of its own, in JSON as the session's asides.
//
// Arguments that differ in form from their schema (cwmp.Note) are told below
// their message: in JSON as its notes, in text in lines that begin with "form:",
// all of them with Verbose, else those that hold what stands nowhere else, such
// as the first of two values.
//
// The JSON form is a contract: fields are only ever added. Schema is its JSON
// Schema.
package transcript
