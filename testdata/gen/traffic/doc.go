// Package traffic makes captures of CWMP traffic: seeded, so that the same
// options give the same bytes, and streaming, so that a capture of any size
// takes the memory of its open connections alone. Nothing in it is anybody's:
// the vendors, devices and servers are made up.
//
// Write makes a whole capture of many devices that talk to their ACS. It counts
// what it wrote (Stats), so that a test can compare what a decoder tells with
// what happened. Capture and Conn are the layer below it, for tests that have
// their own bytes to send: TCP connections over Ethernet and IP, with their
// handshakes, acknowledgements and correct checksums.
package traffic
