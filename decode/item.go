package decode

import (
	"time"

	"informant/decode/check"
	"informant/decode/cwmp"
	"informant/decode/history"
	"informant/decode/http1"
	"informant/decode/story"
)

// ItemKind tells items apart.
type ItemKind uint8

// The kinds of item.
const (
	SessionItem           ItemKind = iota // a whole session or fragment, at its end, with its findings
	ConnectionRequestItem                 // a Connection Request and the session that followed
	TransferItem                          // a file transfer
	ConnectionItem                        // a connection of which something is to be told
	FindingItem                           // a finding about anything but a session
	UndecodedItem                         // a connection on which decoding itself failed
	OtherItem                             // an HTTP exchange that is no CWMP
	RemainderItem                         // bytes on an HTTP connection that are neither HTTP nor part of a session
	OperationItem                         // at the end: a command of which nothing was heard since
	DatagramItem                          // a connection request over UDP; with Options.All also other datagrams of Annex G
	MessageItem                           // with Options.Live: a message of a session that goes on
)

// Item is what the Decoder tells.
type Item struct {
	Kind              ItemKind
	Time              time.Time
	Session           *cwmp.Session     // UndecodedItem: what names it, nothing else. MessageItem: as it stands, not to be read after the next call
	Message           *cwmp.Message     // MessageItem; likewise
	Findings          []check.Finding   // SessionItem: all of them, in message order. MessageItem: those that became certain with it
	Late              []check.Finding   // SessionItem, with Options.Live: those that no MessageItem had
	Undecided         []check.Undecided // SessionItem: when asked for
	Done              []history.Done    // SessionItem: what became of commands of earlier sessions
	Operation         *Operation
	Verdict           *story.Verdict // SessionItem, ConnectionRequestItem: what broke it; nil where nothing did, or nothing is known of it
	ConnectionRequest *cwmp.ConnectionRequest
	Transfer          *cwmp.Transfer
	Datagram          *cwmp.Datagram
	Finding           *check.Finding
	Other             *http1.Exchange
	Connection        *http1.Event // ConnectionItem: its Closed event, with Summary; RemainderItem: the bytes
	Reason            string       // ConnectionItem, UndecodedItem
	Bytes             []byte       // UndecodedItem: what was being decoded
}

// Operation is a command that a device was given, and of which nothing was heard until
// the input's end.
type Operation struct {
	Device  string // its key
	Command history.Command
	Until   time.Time // of the last message that was read, whosever it was
}

// Totals is what was read, for the summary.
type Totals struct {
	Sessions, Fragments int
	Findings            [3]int // by check.Severity
	Packets             uint64
	Bytes               int64 // application bytes
	Gaps                int
	LostBytes           int64
	Undecoded           int
	Encrypted           int // connections of which nothing could be read
	Messages            int
	OtherHTTP           int // exchanges that are no CWMP
	Foreign             int // connections that speak no HTTP
	Handshakes          int // connections whose TLS handshake failed
}
