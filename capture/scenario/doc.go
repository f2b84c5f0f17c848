// Package scenario reads a small text language in which a person writes a CWMP
// session in a minute, and yields it as capture records: what a capture of that
// session would have held. Unless a line says otherwise everything about the
// session is as TR-069 has it, so that a scenario that is to break one rule says
// that one thing and nothing else.
//
//	informant scenario 1
//
//	# The device boots, and the ACS reads one parameter.
//	cpe Inform events="1 BOOT"
//	acs InformResponse
//	cpe empty
//	acs GetParameterValues ParameterNames=[Device.DeviceInfo.UpTime]
//	cpe GetParameterValuesResponse
//	  param Device.DeviceInfo.UpTime 17 unsignedInt
//	acs 204
//
// # Lines
//
// The first line is "informant scenario 1". Empty lines and lines that begin
// with '#' say nothing. A line that begins in the first column is a statement;
// an indented one changes the statement above it.
//
// A line is made of words, separated by blanks. A word, or a part of one, may be
// quoted as in Go: "M Download", "\x00". name=value is one word; name=[a,b] is a
// list.
//
// # Statements
//
//	cpe METHOD [name=value …]      a POST with an envelope: a request or a response
//	acs METHOD [name=value …]      a 200 with an envelope
//	cpe|acs Fault CODE [TEXT]      a SOAP Fault with its CWMP Fault
//	cpe empty                      an empty POST
//	acs NNN [TEXT]                 a status without an envelope: 204, 401, 302 …; TEXT is the
//	                               Location of a 3xx and the reason of any other
//	cpe resend                     the CPE's last POST again
//	cpe|acs|files xml              a POST or a 200 whose body is the text block below
//	cpe|acs|files raw ["BYTES"]    these bytes and nothing else, or the text block with CRLF
//	acs GET [PATH]                 a Connection Request; its answers are "cpe NNN"
//	cpe|acs datagram "BYTES"       a UDP datagram between the device's port 50123 and the ACS's
//	                               (TR-069 Annex G); a quoted text may have \r\n and \x00
//	cpe GET|PUT URL                a file transfer; its answers are "files NNN"
//
//	device [NAME] [name=value …]   the device that speaks from here on (below)
//	namespace NAME                 "cwmp-1-2", or a whole URI, from here on
//	connect [midstream]            a new connection for the next message; the old one stays open
//	close cpe|acs                  the connection is closed, that side first
//	reset cpe|acs                  that side resets it
//	wait DURATION                  "31s": nothing happens
//	lost cpe|acs N                 N bytes that this side sent are missing in the capture
//	tls [name=value …]             the facts of a TLS handshake, as a proxy tells them whose
//	                               traffic is in clear all the same (below)
//	refused                        a connection from the ACS to the device that is refused
//	cut                            the capture ends here: nothing is closed
//
// A connection is opened where one is needed, and what is open at the end is
// closed in order, the client first.
//
// Arguments are written as the schema names them; those that are missing have
// defaults, "-Name" takes one away, members of structs are "FaultStruct.FaultCode".
// An Inform also has events="2 PERIODIC|M Download=key"; key, fault and text are
// short for CommandKey, FaultStruct.FaultCode and FaultStruct.FaultString.
//
// device takes manufacturer, oui, class, serial, root ("Device." or
// "InternetGatewayDevice."), address, url (of the ACS), auth (digest, basic or
// none) and via=NAME: it talks on that device's connections.
//
// tls takes version (1.2), offered=[1.2,1.0], suite (in hexadecimal), name (SNI), cert and
// client (the names in the server's and in the client's certificate), from and until
// (their dates), leg (client or upstream, with a proxy), failed, and on=knock.
//
// # Changes
//
//	header NAME: VALUE       sets an HTTP field; quote the whole for odd bytes
//	add-header NAME: VALUE   adds one
//	no-header NAME           takes it away
//	line TEXT                the start line
//	id TEXT | no-id          the cwmp:ID header
//	block NAME VALUE [MU]    a SOAP header block; MU is the value of mustUnderstand, or none
//	param NAME VALUE [TYPE]  a ParameterValueStruct; without TYPE, string
//	no-param NAME            takes one away
//	item LIST name=value …   an item of a list of structs
//	sub NAME CODE [TEXT]     a SetParameterValuesFault
//	replace "A" "B"          the first A in the body becomes B; A must be there
//	replace-all "A" "B"      every one
//	wire "A" "B"             the same on the whole HTTP message, when its length is already told
//	chunked [N]              Transfer-Encoding: chunked, with chunks of N bytes
//	gzip                     Content-Encoding: gzip
//	truncate N               only the first N bytes of the message are sent
//	| TEXT                   a line of the text block: the arguments of a METHOD, by hand;
//	                         the body of xml, PUT and statuses; the bytes of raw
//
// Times are made up, and the same each time: a scenario begins at
// 2026-11-22T08:00:00Z, and each message takes 20 ms. Every record counts as one
// packet.
package scenario
