// Package httptext reads what people paste into tickets and keep in log files:
// raw HTTP messages as text, one or many, of one side or of both, and bare SOAP
// envelopes. It makes records of one synthesised connection of them.
//
// Nothing is made up that the text does not hold: no times, no addresses, and no
// HTTP around a bare envelope, whose bytes go out as they are. Who sent is told
// by the start line, or by the RPC of a bare envelope. Whoever made the text may
// have changed line ends, indentation or the chunks, so a body of markup ends
// where its root element ends, whatever its length says. Lines between messages
// that are none (log prefixes, rulers, remarks) become Remark records; so does
// a length that does not fit. Blank lines between messages are dropped.
//
// # The text form
//
// The package also writes and reads the text form of records: for fixtures,
// reviews and changes by hand. It keeps every record as it was, so that what is
// written, read and written again is the same to the byte. It is a txtar archive
// (golang.org/x/tools/txtar) that begins with "informant records 1":
//
//	-- connection 1 --
//	tcp 192.0.2.7:41022 192.0.2.1:7547
//	wire 3f9c0a51e09b2d4477a1c5de88f01234 "capture.pcap"
//	-- 1 open connection=1 time=2026-11-22T08:00:00.12Z packet=1 --
//	-- 2 client connection=1 time=2026-11-22T08:00:00.14Z packet=4 bytes=41 --
//	POST /acs HTTP/1.1
//	Content-Length: 3
//
//	abc
//	-- pieces --
//	2 2026-11-22T08:00:00.14Z 4 39
//	3 2026-11-22T08:00:00.141Z 5 2
//	-- 4 close client connection=1 time=2026-11-22T08:00:00.161Z packet=8 end=fin both --
//
// A connection is described before it is spoken of: network, client and server
// ("-" where unknown), wire or made (an importer made it up), identity, and where
// it was seen. A part is a record, with its Seq first (without: one more than the
// part before has):
//
//	open [midstream]                  the connection's first record
//	client|server bytes=N [cipher]    what that side sent without a break: of a conversation, a message
//	gap client|server lost=N          N bytes that were not seen, "-" where nobody knows how many
//	remark client|server bytes=N      something told, the text
//	close client|server end=WHY       fin, rst, evicted, end (of the input) or "-"; both: of both directions
//
// time and packet are left out where they are unknown. Behind a part that is of
// several records stands a table of them, in a part "pieces": Seq, time, packet
// and bytes of each. "more" goes on with the part before.
//
// bytes says how many bytes the part has: these are it, line ends included, and a
// line end more where they don't end with one. A part that holds a control
// character, no UTF-8, or a line that looks like the beginning of a part, is
// base64; where a head before it is text, the head stands as text, and more has
// the rest. Where bytes is missing, the part goes to the next one. Where it does
// not fit, since the part was changed by hand, too, and that is told: it counts as
// damage.
//
// A part that is to be changed by hand says bytes=auto: then it goes to the next part,
// the lines of its HTTP head may end as an editor ends them, its Content-Length is made
// to fit what follows, and the pieces behind it don't count. So a value can be changed,
// or a message be written, without counting.
//
// The order is that of Seq: parts stand in the order of their beginnings.
package httptext
