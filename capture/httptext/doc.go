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
package httptext
