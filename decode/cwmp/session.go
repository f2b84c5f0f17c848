package cwmp

import (
	"strings"
	"time"

	"informant/capture"
	"informant/decode/http1"
)

// DeviceID is who a CPE says it is, as text.
type DeviceID struct{ Manufacturer, OUI, ProductClass, SerialNumber string }

// Key is the device key of the reference's section 8.0: OUI in upper case,
// ProductClass where there is one, SerialNumber, joined by '-'.
func (d DeviceID) Key() string {
	var room [64]byte
	return string(d.appendKey(room[:0]))
}

// appendKey appends d's key to b.
func (d *DeviceID) appendKey(b []byte) []byte {
	begin := len(b)
	for _, p := range [...]string{strings.ToUpper(d.OUI), d.ProductClass, d.SerialNumber} {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		if len(b) > begin {
			b = append(b, '-')
		}
		b = append(b, p...)
	}
	return b
}

// IsZero says whether nothing is known.
func (d DeviceID) IsZero() bool { return d == DeviceID{} }

// Outcome is how a session came out.
type Outcome uint8

// The outcomes.
const (
	Unfinished   Outcome = iota // the capture ended, or the session was idle past its timeout
	Complete                    // all end conditions of TR-069 3.7.1.4 held
	Failed                      // something broke it off; Reason says what
	FragmentOnly                // no beginning was seen
)

func (o Outcome) String() string {
	return [...]string{"unfinished", "complete", "failed", "fragment"}[o]
}

// Session is a CWMP session, or a fragment of one. It is immutable once
// SessionEnded has carried it.
type Session struct {
	ID      [16]byte // the same from every copy: of the first connection's identity and the ordinal on it
	Ordinal int      // by start, counted from 1 in what is being read; fragments are counted on their own

	Device DeviceID
	Inform *Message        // the first Inform; nil in a fragment without one
	Conns  []*capture.Conn // in order of first use
	URL    string          // of the first POST
	Root   string          // of the data model: "InternetGatewayDevice.", "Device.", or ""

	Start   time.Time
	Outcome Outcome
	Ended   Cause
	Reason  string      // in words: "the ACS had no more requests"
	Closes  []CloseSeen // of its connections, while it was open or right at its end

	TLS []*capture.TLS // the handshakes of its first connection, where they were told

	Asides []Aside // gaps, bytes that are no HTTP, and 1xx responses without more, in order

	// What was observed, for the gates of reference 8.0; Lost and Undated too.
	SawStart   bool     // the connection's beginning, or an earlier session's end on it, precedes the first message
	SawEnd     bool     // the end of it was seen, and not only the end of the capture
	Synthetic  bool     // some of its connections were synthesised
	ManyOnConn bool     // its connection carried other devices' Informs too
	Unheard    bool     // a connection that may have been part of it had told nothing, or not answered, when it ended
	Interrupts [16]byte // the session that was open on the connection when this one's Inform came (SEQ-002)
	TrimmedN   int      // how many messages were trimmed
	Pending    int      // how many of its exchanges were not over when it ended

	// What every message changes or asks for stands together.
	Messages     []*Message
	Transactions []*Transaction
	Namespace    string // of the first envelope that is in a CWMP one
	// EffectiveVersion is the CWMP version that was negotiated (reference
	// 1.4), as the minor number; -1 unknown.
	EffectiveVersion int
	End              time.Time
	RawBytes         int64
	Lost             int64 // bytes missing on its connections in its span; -1 unknown
	State            State // at the end
	Fragment         bool  // messages that belong together and have no beginning
	Undated          bool  // times are not known

	whole *tracked // that it is part of, where its memory may be lent again
}

// Keep says that somebody may go on to know the session when it is over, so that its own
// memory is not lent again.
func (s *Session) Keep() { s.whole = nil }

// Codes are the event codes of the session's first Inform: why it was opened.
func (s *Session) Codes() []string {
	if s.Inform == nil {
		return nil
	}
	in, _ := s.Inform.Args.(*Inform)
	return in.Codes()
}

// Codes are the event codes (TR-069 3.7.1.5) of an Inform; none of nil.
func (v *Inform) Codes() (codes []string) {
	if v == nil {
		return nil
	}
	for i := range v.Event.Items {
		codes = append(codes, strings.TrimSpace(v.Event.Items[i].EventCode.Value))
	}
	return codes
}

// Cause is what ended a session.
type Cause uint8

// The causes.
const (
	NotEnded     Cause = iota
	NothingMore        // empty answer in state NoMore
	HTTPError          // a 4xx or 5xx to a CWMP POST
	InformFault        // a fault other than 8005 to the Inform
	ConnReset          // TCP reset with the session open
	ConnClosed         // a connection closed with the session open, and it was not continued
	Idle               // no message for longer than the timeout
	NewInform          // another Inform of the same device or connection came first
	Unauthorized       // the CPE gave up after a 401
	RedirectLost       // the target of a redirect was not seen
	BadEnvelope        // an unreadable message, followed by silence
	TooLarge           // a limit on messages or open sessions
	Displaced          // other devices\' messages followed on its connection, and none of its own
	CaptureEnded       // the input ended first
)

func (c Cause) String() string {
	return [...]string{"not ended", "nothing more", "HTTP error", "fault to the Inform", "connection reset", "connection closed", "idle", "new Inform",
		"unauthorized", "redirect lost", "unreadable message", "too large", "displaced", "capture ended"}[c]
}

// CloseSeen is the end of one direction of a session's connection.
type CloseSeen struct {
	Conn  *capture.Conn
	From  capture.Direction
	End   capture.End
	Time  time.Time
	After int   // number of messages seen when it came
	State State // of the session when it came
}

// Closer is the end of the connection of the session's last message that came first, of
// that kind, or of any where how is 0; where that connection has none, of any connection
// of the session.
func (s *Session) Closer(how capture.End) (c CloseSeen, ok bool) {
	var last *capture.Conn
	if n := len(s.Messages); n > 0 && s.Messages[n-1].HTTP != nil {
		last = s.Messages[n-1].HTTP.Conn
	}
	for _, x := range s.Closes {
		if how != 0 && x.End != how {
			continue
		}
		if x.Conn == last && last != nil {
			return x, true
		}
		if !ok {
			c, ok = x, true
		}
	}
	return c, ok
}

// Aside is something on a session's connection that is no message.
type Aside struct {
	After  int // number of messages seen when it came
	From   Role
	Time   time.Time
	Packet uint64
	Lost   int64  // bytes that were sent and not seen, -1 unknown; 0 for a remainder
	Bytes  string // a remainder: bytes that are no HTTP, the first 64 KB of them; empty when the session's limit had no room
	Size   int64  // of the remainder
	// Interim is a 1xx response to a request that had no other: From, Bytes and
	// Size are its own. Where a response followed, its Message has it.
	Interim *http1.Message
}

// ConnectionRequest is the ACS asking a CPE to call: an HTTP GET to the CPE
// (TR-069 3.2.2), with the challenge and its answer.
type ConnectionRequest struct {
	Device    DeviceID          // whose ConnectionRequestURL it is
	Exchanges []*http1.Exchange // the attempts: unauthenticated, then with Authorization
	Conn      *capture.Conn     // of the first attempt
	Path      string
	Status    []int // of the answers, 0 for none
	Time      time.Time
	Session   [16]byte // of the session that followed; zero for none
	Followed  bool
}

// Transfer is a file on its way: a GET or PUT whose URL a Download or Upload
// had named.
type Transfer struct {
	Device     DeviceID
	Exchange   *http1.Exchange
	Method     string
	URL        string // as the command gave it
	CommandKey string
	FileType   string
	Status     int
	Bytes      int64
	SHA256     [32]byte
	Session    [16]byte // of the session of the command
	Time       time.Time
	Asked      time.Time     // when the command came; zero where it was not seen whole
	Delay      time.Duration // that it asked for
	FileSize   int64         // that it named; 0 for none
	Windows    []Window      // of a ScheduleDownload
}

// Window is a time in which a file may be fetched, counted from the command
// (TR-069 A.4.1.8).
type Window struct{ Start, End time.Duration }

// Other is an HTTP exchange that is not CWMP.
type Other struct{ Exchange *http1.Exchange }

// EventKind tells events apart.
type EventKind uint8

// The events.
const (
	SessionOpened  EventKind = iota // Session, with what its first message tells
	MessageSeen                     // Message of Session, at once
	SessionEnded                    // Session, final; Session.Fragment tells fragments
	Requested                       // ConnectionRequest
	Transferred                     // Transfer
	OtherHTTP                       // Other
	ConnectionOver                  // HTTP: a Closed event with its Summary, valid until the Tracker's next call
	Remainder                       // HTTP: bytes that are no HTTP; Session when they are an Aside of one
	Gap                             // HTTP: lost bytes; Session when they are an Aside of one
	Handshake                       // HTTP: TLS facts
	DatagramSeen                    // Datagram
	StanzaSeen                      // HTTP: an iq of XMPP
)

// Event is what the Tracker completed.
type Event struct {
	Kind              EventKind
	Time              time.Time
	Session           *Session
	Message           *Message
	ConnectionRequest *ConnectionRequest
	Transfer          *Transfer
	Other             *Other
	HTTP              *http1.Event
	Datagram          *Datagram
}
