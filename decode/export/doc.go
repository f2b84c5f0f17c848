// Package export makes of what was decoded what other programs' formats have
// room for. Comments say what is to stand at the packets of a pcapng.
package export
