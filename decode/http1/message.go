package http1

import (
	"strings"
	"time"

	"informant/capture"
)

// Span is a half-open range of bytes.
type Span struct{ Start, End int32 }

// Field is one header or trailer field as it was written.
type Field struct {
	Name  string // in the case it was written, white space before the colon removed
	Value string // outer white space removed; folded lines joined by one blank
	Line  Span   // in Message.Raw, without the line end
}

// Framing is how the end of a body was told (RFC 9112 section 6.3).
type Framing uint8

// The framings.
const (
	NoBody     Framing = iota // none by rule (1xx, 204, 304, HEAD) or none declared in a request
	ByLength                  // Content-Length
	Chunked                   // Transfer-Encoding: chunked
	UntilClose                // a response whose body ends with the connection
)

// Piece says which packet brought the bytes of Raw from Off on.
type Piece struct {
	Off    int // in Raw
	Packet uint64
}

// Message is one HTTP/1 message exactly as it was on the wire, with what was
// understood of it. It is immutable once it was emitted; its strings share
// memory with Raw.
type Message struct {
	Conn    *capture.Conn
	From    capture.Direction
	Framing Framing
	// Complete is false when the connection ended, or bytes were lost, before
	// the body was whole by its framing.
	Complete bool

	Method, Target string // of a request
	Status         int    // of a response
	Reason         string // of a response; may be empty
	Version        string // "HTTP/1.1" as written
	Fields         []Field
	Trailers       []Field

	Raw  string // every byte from the start line (empty lines before it included) to the end of the body or trailers
	Head int    // length of the head in Raw, the empty line included
	Body string // chunks joined, content coding undone; where neither was needed, a part of Raw
	// Declared is the Content-Length, -1 when there was none that could be read.
	Declared int64
	// Coding is the content coding that was undone ("gzip", "deflate"), or that
	// could not be undone and so still stands in Body (then a quirk tells).
	Coding string
	// Lost counts bytes of this message that were sent and not seen; -1 unknown.
	Lost int64
	// Omitted counts bytes of the body that were read and not kept, because the
	// message was larger than the limit or is a file transfer. Size and SHA256
	// cover them.
	Omitted int64
	// Size is the number of body bytes after dechunking, before content decoding.
	Size int64
	// SHA256 is the hash of the Size body bytes of a GET's response and a
	// PUT's request; the zero value for other messages.
	SHA256 [32]byte

	Quirks []Quirk

	Offset      int64 // of Raw[0] in its direction's stream, lost bytes included
	First, Last time.Time
	Pieces      []Piece // in the order of Off; the first has Off 0

	chunks *chunkMap // Chunked
	room   []byte    // Raw's memory, where nothing else is in it
	joined []byte    // Body's, where it was put together of chunks
	pair   *pair     // of a response: that it is the answer in
	class  uint8     // of the block of memory that the Message is in; 0 for none
}

// chunkMap says where each part of a body in chunks lies in Raw.
type chunkMap struct {
	list []chunk
	one  [1]chunk // the usual list
}

// chunk maps body bytes from body on to raw bytes from raw on.
type chunk struct{ body, raw int }

// IsRequest says whether m is a request.
func (m *Message) IsRequest() bool { return m.Method != "" || m.Status == 0 }

// Field returns the value of the first field of that name, in any case.
func (m *Message) Field(name string) (value string, ok bool) {
	for i := range m.Fields {
		if isName(m.Fields[i].Name, name) {
			return m.Fields[i].Value, true
		}
	}
	return "", false
}

// Is says whether the field has that name, in any case (RFC 9110 5.1).
func (f *Field) Is(name string) bool { return isName(f.Name, name) }

// isName says whether a and b are equal in any case. Most names differ in
// length, or at their end.
func isName(a, b string) bool {
	n := len(a)
	return n == len(b) && (a == b || n > 0 && (a[n-1]^b[n-1])|0x20 == 0x20 && strings.EqualFold(a, b))
}

// Values returns the values of all fields of that name, in their order.
func (m *Message) Values(name string) []string {
	var vs []string
	for i := range m.Fields {
		if isName(m.Fields[i].Name, name) {
			vs = append(vs, m.Fields[i].Value)
		}
	}
	return vs
}

// RawOffset says where in Raw the body's byte off lies. It is false when no
// single byte of the wire stands for it: a compressed body, or one not kept.
func (m *Message) RawOffset(off int) (raw int, ok bool) {
	if m.Coding != "" && !m.HasQuirk(BadCoding) || off < 0 || off > len(m.Body) {
		return 0, false
	}
	if m.Framing != Chunked {
		return m.Head + off, m.Head+off <= len(m.Raw)
	}
	if m.chunks == nil {
		return 0, false
	}
	chunks := m.chunks.list
	lo, hi := 0, len(chunks)
	for lo < hi {
		mid := (lo + hi) / 2
		if chunks[mid].body <= off {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == 0 {
		return 0, false
	}
	c := chunks[lo-1]
	return c.raw + off - c.body, true
}

// PacketAt says which packet brought the byte at raw, 0 where that is unknown.
func (m *Message) PacketAt(raw int) uint64 {
	var p uint64
	for i := range m.Pieces {
		if m.Pieces[i].Off > raw {
			break
		}
		p = m.Pieces[i].Packet
	}
	return p
}

// Stub is a copy of m that holds on to none of its bytes: Raw is counted in
// Omitted, and what was a part of it is gone but for the start line.
func (m *Message) Stub() *Message {
	s := *m
	s.Omitted += int64(len(m.Raw))
	s.Raw, s.Body, s.Fields, s.Trailers, s.Quirks, s.Pieces, s.Head = "", "", nil, nil, nil, nil, 0
	s.Method, s.Target, s.Version = strings.Clone(m.Method), strings.Clone(m.Target), strings.Clone(m.Version)
	s.Reason, s.Coding = strings.Clone(m.Reason), strings.Clone(m.Coding)
	s.room, s.joined, s.pair, s.class = nil, nil, nil, 0
	return &s
}

// HasQuirk says whether a quirk of that kind was noted.
func (m *Message) HasQuirk(k QuirkKind) bool {
	for i := range m.Quirks {
		if m.Quirks[i].Kind == k {
			return true
		}
	}
	return false
}

// Quirk is something about a message that is not as RFC 9112 has it.
type Quirk struct {
	Kind QuirkKind
	At   int    // in Raw
	Text string // what stood there, or a few words
}

// QuirkKind tells quirks apart.
type QuirkKind uint8

// The quirks.
const (
	LeadingEmptyLine  QuirkKind = iota + 1 // empty line before the start line
	BareLF                                 // lines end in LF alone
	FoldedField                            // a field continued on the next line
	SpaceBeforeColon                       // "Content-Length : 7"
	NoSpaceAfterColon                      // legal; noted because some parsers choke
	EmptyFieldName                         // ": x"
	InvalidFieldName                       // a name with a blank or other non-token in it
	NoColon                                // a header line without a colon
	NULInHead                              // a NUL or other control character
	NonASCIIInHead                         // a byte of 0x80 and more
	MissingReason                          // "HTTP/1.1 200"
	OddVersion                             // "http/1.1", "HTTP/1.10"
	OddMethod                              // lower case or not a token
	OddTarget                              // a blank in the target
	InvalidLength                          // a Content-Length that is no plain number
	RepeatedLength                         // several, all equal
	ConflictingLength                      // several that differ
	LengthAndChunked                       // both framings
	NoLength                               // neither, and a body followed (UntilClose of a request, or a response on a kept connection)
	ShortBody                              // the stream ended before the body was whole
	TailAfterBody                          // the length was too small: the text's rest followed and was taken into Body
	BadChunk                               // chunk header that is none
	ChunkExtension                         // legal, noted
	UnfinishedChunks                       // closed before the last chunk
	BodyWhereNone                          // bytes after a 204, 304 or 1xx
	BadCoding                              // Content-Encoding that could not be undone
	HeadTooLarge                           // over the limit; the rest is a remainder
	BodyTooLarge                           // over the limit; the rest was counted, not kept
)

// Exchange is a request and its response. Either may be nil: a response whose
// request was not seen, a request that was not answered.
type Exchange struct {
	N                 int // ordinal on its connection, counted from 1
	Request, Response *Message
	Interim           []*Message // 1xx responses before Response
}

// EventKind tells events apart.
type EventKind uint8

// The events.
const (
	Opened        EventKind = iota // the connection's first record
	RequestSeen                    // Exchange.Request is complete, or as complete as it gets
	ResponseSeen                   // Exchange.Response is complete and paired
	Unanswered                     // Exchange.Request will have no response: the connection ended or bytes were lost
	RemainderSeen                  // Bytes that are no HTTP, on a connection that speaks HTTP
	GapSeen                        // Lost bytes
	HandshakeSeen                  // facts of a TLS handshake
	Closed                         // the end of one direction (From) or of both
	StanzaSeen                     // Bytes are an iq of an XMPP stream in clear (RFC 6120)
	DatagramSeen                   // Bytes of a UDP datagram, which are no HTTP connection's
)

// Event is what the Assembler completed.
type Event struct {
	Kind     EventKind
	Conn     *capture.Conn
	Seq      uint64    // of the record that completed it
	Time     time.Time // of that record
	From     capture.Direction
	Exchange *Exchange
	Bytes    string // RemainderSeen
	Packet   uint64 // of the record that completed it
	Offset   int64  // RemainderSeen, GapSeen: where in the direction's stream
	Lost     int64  // GapSeen: how many bytes, -1 unknown
	// EarlyNext: RequestSeen: the request's first byte came before the last
	// byte of the response to the one before it (pipelining).
	EarlyNext bool
	Midstream bool         // Opened: the beginning was not seen
	End       capture.End  // Closed
	Both      bool         // Closed: nothing more will come on this connection
	Summary   *Summary     // Closed with Both: what the connection was
	TLS       *capture.TLS // HandshakeSeen
}

// Protocol is what a connection turned out to speak.
type Protocol uint8

// The protocols.
const (
	Silent  Protocol = iota // opened and closed without a byte
	HTTP                    // HTTP/1
	TLS                     // begins like a TLS record, and nobody decrypted it
	Foreign                 // anything else
)

func (p Protocol) String() string {
	return [...]string{"empty", "http", "tls", "foreign"}[p]
}

// Summary is the whole of a connection, told at its end.
type Summary struct {
	Protocol  Protocol
	Opened    time.Time
	Midstream bool
	Bytes     [2]int64 // by capture.Direction: application bytes seen
	Exchanges int
	Lost      int64          // bytes not seen in either direction; -1 unknown
	TLS       []*capture.TLS // its handshakes, where a proxy or a capture told of them
	Remarks   []string       // what its source remarked
}
