package check

// Severity is how much a finding weighs.
type Severity uint8

// The severities (reference 8.0): Error when a MUST is broken; Warning for a
// SHOULD, a known interop hazard, or a MUST that could not be confirmed; Info
// for a note.
const (
	Info Severity = iota
	Warning
	Error
)

func (s Severity) String() string { return [...]string{"info", "warning", "error"}[s] }

// Gates is what must have been observed for a check to be decidable
// (reference 8.0). A closed gate makes a check silent, not passed.
type Gates uint8

// The gates.
const (
	WholeSession   Gates = 1 << iota // G1: the session was captured from its beginning to its end
	Counterpart                      // G2: the message and its counterpart were captured completely
	History                          // G3: what came before is known
	WholeBody                        // G4: the body is complete
	PlainHTTP                        // G5: headers were seen and no intermediary is suspected
	GoodClock                        // G6: times are those of packets
	Transport                        // G7: the TCP level was seen
	SecretOrPolicy                   // G8: a secret or policy is known
)

// Party is who a finding accuses.
type Party uint8

// The parties.
const (
	CPE Party = iota
	ACS
	Path // a box between
	Unknown
)

func (p Party) String() string { return [...]string{"cpe", "acs", "path", "unknown"}[p] }

// Subject is what a check looks at.
type Subject uint8

// The subjects.
const (
	OfMessage Subject = iota // one message, at its arrival
	OfSession                // a whole session, at its end
	OfConnectionRequest
	OfTransfer
	OfConnection
	OfDevice
)

// Check is one rule: a value in All.
type Check struct {
	ID       string // "EVT-010"; stable, never reused
	Title    string // what must hold
	Doc      string // why it matters and what to look at, in a few sentences
	Ref      string // where it is said: "TR-069a6 3.7.1.5"
	Severity Severity
	// Field: the field profile lowers it by one step, since it is so common
	// (the † of the catalogue).
	Field   bool
	Gates   Gates
	Subject Subject
	Run     func(*Pass)

	stanza   bool   // OfConnectionRequest: looks at stanzas of XMPP
	datagram bool   // OfConnectionRequest: looks at datagrams
	sessions bool   // OfConnectionRequest: looks at sessions too
	secure   bool   // OfConnection: looks at TLS, and not at exchanges that are no CWMP
	each     bool   // OfMessage: runs for each method of an HTTP message, and not once for all
	need     shape  // OfMessage: what a message must have to be judged
	only     shape  // OfMessage: what one must have besides for a finding
	body     bool   // OfMessage: looks at the body, and so not at resends, whose body was judged before
	odd      facts  // OfMessage, OfSession: at least one of them is needed for a finding; 0: none is. Of a session, any of its messages has it
	with     facts  // so are all of these
	course   course // OfSession: at least one of them is needed for a finding; 0: none is
	all      course // OfSession: so are all of these

	order     int         // its index in All
	cause     causes      // its bit, if its findings may explain others (see suppress)
	explained explanation // what explains its findings
	early     bool        // its findings are certain at once
}

// Ref points at what a finding is about.
type Ref struct {
	Session  [16]byte
	N        int    // the message's ordinal in its session, 0 for none
	Exchange int    // the HTTP exchange's, 0 for none
	Path     string // in the envelope: "/Envelope/Body/Inform/Event/EventStruct[2]/EventCode", or a header field's name
	// Offset is the byte of the HTTP message, as it was on the wire, counted
	// from 0 at its start line; -1 where no single byte stands for it.
	Offset int64
	Packet uint64 // that brought it; 0 unknown
}

// Finding is one breach of one rule.
type Finding struct {
	Check    *Check
	Severity Severity // after the profile
	Party    Party
	Subject  Subject
	At       Ref
	Related  []Ref  // the other messages that prove it
	Text     string // one sentence; values of secrets are never in it
}

// Undecided says that a check could not be decided on a session, and why.
type Undecided struct {
	Check *Check
	Gates Gates // the closed ones
}
