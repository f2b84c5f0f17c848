// Package pcap reads capture files and yields what was said on their TCP
// connections, as capture.Records.
//
// Its stages, each in files of its own, and each knowing only those before it:
//
//	input.go, decompress.go   a reader, undone of gzip or zstd, as a window of bytes
//	pcapfile.go, pcapng.go    the window → packets (bytes, time, link type, number)
//	merge.go                  several files → one stream of packets in time order
//	link.go, ip.go            a packet → an IP datagram → a TCP segment
//	fragment.go               fragments of IPv4 and IPv6 → whole datagrams
//	flow.go, half.go          one connection, and what each of its ends sends
//	closed.go                 what is remembered of connections that are closed
//	assembler.go, settle.go   segments → records: what is ready, what waits, what is lost
//	source.go                 all of it as a capture.Source
//
// And the other way: Writer makes a pcapng of records, packets that could have
// carried them.
//
//	write.go, write_conn.go   records → TCP segments with sequence numbers
//	write_packet.go           a segment → IP packet → block of a pcapng
//	facts.go                  what packets cannot tell of a connection
//
// The bytes of a packet are looked at where they lie in the window and copied
// only when they have to wait (a segment behind a hole, a fragment). Everything
// that is kept is bounded: see Options. Time is the packets' time and nothing
// else.
//
// Checksums are not verified: captures taken at the sender hold packets whose
// checksums the network card had yet to fill in.
package pcap
