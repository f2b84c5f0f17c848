// Package capture is the leaf of Informant: what was seen on a connection, as
// values that every source yields and every other package accepts. It imports
// nothing of ours and does no I/O.
//
// A source (a capture file, an interface, the proxy, a recording, a pasted
// dump) yields Records in the order in which the bytes of each direction have
// to be read. Two rules hold for all of them: the bytes of one direction of one
// connection arrive in stream order, and what is missing is a Gap, never
// silence.
package capture

import (
	"io"
	"net/netip"
	"time"
)

// Network is the transport of a connection.
type Network uint8

// The networks.
const (
	TCP Network = iota
	UDP
)

func (n Network) String() string {
	if n == UDP {
		return "udp"
	}
	return "tcp"
}

// Origin tells how much of a connection was really seen.
type Origin uint8

const (
	// Wire: packets or reads of a socket; addresses and times are facts.
	Wire Origin = iota
	// Synthesised: made by an importer from a dump that knows only messages.
	// Addresses, connection boundaries and (unless Record.Time is set) times
	// were made up and accuse nobody.
	Synthesised
)

// Conn is one connection. All records of a connection share one *Conn, which
// is not changed after its first record was yielded.
type Conn struct {
	ID             uint64   // unique in its source, counted from 1
	Identity       [16]byte // the same in every copy of this connection: see NewIdentity
	Network        Network
	Client, Server netip.AddrPort // the zero value where unknown
	Point          string         // where it was seen: file, interface or listener
	Origin         Origin
}

// Direction says who sent.
type Direction uint8

// The directions.
const (
	FromClient Direction = iota
	FromServer
)

// Opposite is the other direction.
func (d Direction) Opposite() Direction { return 1 - d }

func (d Direction) String() string {
	if d == FromServer {
		return "server"
	}
	return "client"
}

// Kind is what a record tells.
type Kind uint8

// The kinds of record.
const (
	Open      Kind = iota // the connection's first record
	Data                  // application bytes, as their author sent them
	Cipher                // bytes still encrypted
	Gap                   // bytes that were sent and not seen
	Handshake             // facts of a TLS handshake
	Rewrite               // what the proxy made of the bytes before it
	Remark                // something the source wants told, in Text
	Close                 // the end of one direction or of both
)

// End is why a connection, or one direction of it, ended.
type End uint8

// The ends.
const (
	FIN        End = iota + 1 // closed in order
	RST                       // reset
	Evicted                   // the source stopped following it: idle too long, or a limit
	EndOfInput                // the capture ended first
)

func (e End) String() string {
	switch e {
	case FIN:
		return "closed"
	case RST:
		return "reset"
	case Evicted:
		return "evicted"
	case EndOfInput:
		return "end of input"
	}
	return ""
}

// Record is one thing seen on a connection.
type Record struct {
	Seq  uint64    // total order within the source, counted from 1
	Time time.Time // when the packet or read that first brought it was captured; zero where unknown. Delivery order is not time order
	Conn *Conn
	From Direction
	Kind Kind
	// Packet is the packet's number in its capture file, counted from 1 as
	// Wireshark does; 0 where there are none.
	Packet uint64
	// Data belongs to the source and is valid until its next Next.
	Data []byte

	Midstream bool   // Open: the beginning of the connection was not seen
	Lost      int64  // Gap: how many bytes are missing, -1 when that is unknown
	End       End    // Close: why
	Both      bool   // Close: both directions ended with it
	Text      string // Remark: what is to be told
	TLS       *TLS   // Handshake: its facts; not changed after the record was yielded
}

// Source yields records. Next returns io.EOF after the last one; any other
// error says what part of the input could not be read, and what was readable
// has been yielded before it. An error that wraps ErrDamaged leaves the source
// at its end.
type Source interface {
	Next() (Record, error)
	io.Closer
}

// Sink accepts records. It may not keep r.Data after Put has returned.
type Sink interface {
	Put(r Record) error
	io.Closer
}
