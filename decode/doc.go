// Package decode is the stages of Informant's core as one: capture.Records go
// in, Items come out. This comment is the architecture in short.
//
//	capture.Record    a timed fact about a connection, above all its bytes.
//	      │           Sources yield them: capture/pcap, capture/httptext, …
//	      ▼
//	http1.Assembler   HTTP/1 messages exactly as they were on the wire, paired.
//	      │           Every byte is in a message or in a remainder.
//	      ▼
//	cwmp.Read         reads each body: soap.Document, typed arguments.
//	      │
//	      ▼
//	cwmp.Tracker      joins messages to sessions, moves each session through the
//	      │           state table, recognises Connection Requests and file
//	      │           transfers.
//	      ▼
//	check.Checker     holds messages and sessions against the catalogue: one
//	      │           rule, one value, one citation. Findings point at a byte.
//	      │           A history.Store knows each device's sessions before.
//	      ▼
//	story.Of          says which of the findings broke the session.
//	      │
//	      ▼
//	decode.Item       a session with its findings, at its end; a Connection
//	                  Request, also over UDP; a transfer; a connection that could
//	                  not be read.
//
// A Decoder is all of it. It is made of parts that may run in goroutines of
// their own: a Front has the Assembler; Envelopes read bodies (cwmp.Read), which
// depends on nothing else, so that there may be several; a Back has the Tracker
// and the Checker. A Half is what goes from one to the other, in order. A Pool
// takes back the memory of items that were told (decode/shelf) and lends it again.
//
// Three rules hold (DESIGN section 2):
//
//  1. Everything that watches yields records: to the rest, a proxy, an
//     interface, a capture file and a recording are the same.
//  2. Everything that understands is pure: values in, values out. No I/O, no
//     clock, no goroutine, no logging in any package below this one. Time comes
//     in with the records.
//  3. Everything that shows or keeps is a sink of items (decode/transcript), and
//     is wired to the rest in cmd/informant alone.
//
// The stages share their verbs: a source has Next; a stage has Feed (one value
// of the stage before in, what it completed out), Advance (time has come to t)
// and Finish (there is no more); a sink has Put and Close.
//
// Malformed traffic is data. A stage never fails on it: what cannot be parsed is
// kept, told as unreadable, and found. What a stage has emitted is final. Memory
// is bounded by limits that each stage states; what exceeds them is counted,
// never silently dropped.
//
// A bug in a stage costs one connection, or at the input's end one session:
// Front and Back recover, drop that connection's state, tell its bytes as
// undecoded, and go on with the rest.
package decode
