package cwmp

import (
	"time"

	"informant/decode/http1"
	"informant/decode/soap"
)

// Role is an end of a CWMP session.
type Role uint8

// The roles.
const (
	CPE Role = iota
	ACS
	Unknown
)

func (r Role) String() string { return [...]string{"cpe", "acs", "unknown"}[r] }

// Other is the other end.
func (r Role) Other() Role {
	switch r {
	case CPE:
		return ACS
	case ACS:
		return CPE
	}
	return Unknown
}

// Kind is what a message is in CWMP.
type Kind uint8

// The kinds.
const (
	Request    Kind = iota // calls a method
	Response               // answers one
	Fault                  // a SOAP Fault
	Empty                  // an HTTP message without content, where CWMP gives that a meaning
	HTTP                   // a status without CWMP content, such as 401
	Unreadable             // has content, and no method could be read of it
)

func (k Kind) String() string {
	return [...]string{"request", "response", "fault", "empty", "http", "unreadable"}[k]
}

// Message is the CWMP content of an HTTP message: one method, Fault, or the
// absence of one. An HTTP message with several methods is several Messages of
// one exchange. It is immutable once it was emitted.
type Message struct {
	N        int // ordinal in its session, counted from 1
	Exchange int // ordinal of its HTTP exchange in its session, counted from 1
	From     Role
	Kind     Kind
	HasID    bool   // there is an ID
	RPC      string // local name of the method element; "Fault" for a Fault; "" for Empty, HTTP and Unreadable
	Method   soap.Name
	At       soap.Span // the method element in Document.Text

	ID     string // of the cwmp:ID header
	Header Header

	Args  Struct  // the typed arguments (*Inform, …); nil for Fault, Empty, HTTP, Unreadable, vendor and unknown methods
	Extra []Extra // what stands beside the schema's members; all arguments of a vendor or unknown method
	Notes []Note  // how the arguments differ in form from their schema
	Fault *FaultDetail

	Document *soap.Document // the envelope as it was read; nil where there was no content. Shared by the Messages of one HTTP message
	HTTP     *http1.Message
	Status   int // the HTTP status of a message in a response, else 0
	// Interim are the 1xx responses before that response; of several Messages
	// the first has them.
	Interim []*http1.Message

	Time, End time.Time // of its first and last byte
	Resend    bool      // repeats an earlier message after 401, a redirect, or fault 8005
	// Early: a request of which the first byte came before the last one of the
	// answer to the request before it on the connection (pipelining). It goes by
	// the order of the bytes, which is that of cause and effect even where
	// packets were captured in another one; Time and End are the packets'.
	Early  bool
	Before State // of the session when it arrived
	After  State
	Breach Breach // what the state table says against it

	// Trimmed: the session outgrew its limit; HTTP.Raw, HTTP.Body, Document,
	// Interim and the arguments were let go after the checks had seen them.
	Trimmed bool

	single *single // the block of memory that the Message is in; nil where it is in none
}

// Version is the CWMP version that a namespace names: 0 for cwmp-1-0, 1 for
// cwmp-1-1, …; -1 when it is no CWMP namespace.
func Version(namespace string) int {
	const p = "urn:dslforum-org:cwmp-1-"
	if len(namespace) <= len(p) || len(namespace) > len(p)+3 || namespace[:len(p)] != p {
		return -1
	}
	n := 0
	for _, c := range namespace[len(p):] {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// Header is the SOAP header blocks of CWMP (reference 1.3), nil where absent.
type Header struct {
	ID                    *soap.Block
	HoldRequests          *soap.Block
	NoMoreRequests        *soap.Block
	SessionTimeout        *soap.Block
	SupportedCWMPVersions *soap.Block
	UseCWMPVersion        *soap.Block
	Other                 []*soap.Block // unknown ones, and second ones of the above
}

// Extra is an argument that the schema doesn't have.
type Extra struct {
	Path string // of its parent below the method element, "" for the method itself: "DeviceId"
	Node *soap.Node
}

// NoteKind tells notes apart.
type NoteKind uint8

// The notes. Behind each stands the check it serves.
const (
	MissingArg    NoteKind = iota + 1 // SOAP-017; Path names the argument
	OutOfOrder                        // SOAP-018
	RepeatedArg                       // the same member twice; the last one counts
	Qualified                         // SOAP-006: an argument element is in a namespace; once per message
	CaseVariant                       // an element matched only when case is ignored (FLT-021 in faults)
	NestedWrapper                     // <string><string>…: one level too many (reference 9.2 no. 56)
	NotArray                          // a list without the element structure of one
	ElementInLeaf                     // a simple argument with child elements
	TextInStruct                      // character data where elements belong
)

// Note is how the arguments differ in form from their schema.
type Note struct {
	Kind NoteKind
	Path string    // below the method element: "ParameterList/ParameterValueStruct[3]/Value"
	At   soap.Span // in Document.Text
	Text string    // what stood there, where that tells something
}

// FaultDetail is a SOAP Fault with its CWMP Fault (reference 3.1).
type FaultDetail struct {
	SOAPCode   Leaf // faultcode
	SOAPString Leaf // faultstring
	HasDetail  bool
	HasCWMP    bool      // a CWMP Fault element was found below the Fault, wherever
	CWMP       soap.Name // of that element
	Misplaced  bool      // it was not a direct child of detail (reference 9.2 no. 66)
	Code       Leaf      // FaultCode
	String     Leaf      // FaultString
	Parameters []SetParameterValuesFault
	Notes      []Note
}

// Transaction is one RPC and its answer. Response is nil when none came.
type Transaction struct {
	Caller            Role
	Request, Response *Message
}
