package cwmp

// State is where a session stands, from the observer's view (TR-069 Tables 6
// and 9 with MaxEnvelopes 1; reference 5.3).
//
// The rules:
//
//   - The CPE opens with Inform and repeats it only after 401, a redirect, or
//     fault 8005 (Start).
//   - After InformResponse the CPE may call methods (Active), unless
//     HoldRequests holds it (OnHold); an empty ACS answer ends the hold.
//   - An empty POST in Active says "no more requests" (NoMore): from then on
//     the CPE only answers.
//   - A request is answered in the same round trip: by the ACS in the HTTP
//     response, by the CPE in the next POST. Until then nothing else may be
//     said (Waiting states).
//   - An empty ACS answer in NoMore with nothing outstanding ends the session
//     (Done).
type State uint8

// The states. In the first group the next word is the CPE's, in the second
// the ACS's.
const (
	Start  State = iota // nothing was said yet
	Active              // the CPE may call, answer nothing, or say "no more"
	OnHold              // as Active, but the CPE may not call
	NoMore              // the CPE said "no more": the ACS's last word was not the last
	AskedA              // the ACS asked in Active: the CPE must answer
	AskedH              // the ACS asked in OnHold
	AskedN              // the ACS asked in NoMore
	Done                // all end conditions hold
	Broken              // the session failed

	Informed // an Inform waits for its answer
	CalledA  // a CPE request waits for its answer
	IdleA    // the ACS may ask or pass, the CPE may still call
	IdleH    // the same on hold
	IdleN    // the ACS may ask or end
	stateCount
)

var stateNames = [...]string{"start", "active", "on hold", "no more", "asked", "asked on hold", "asked after no more", "done", "failed",
	"informed", "called", "idle", "idle on hold", "idle after no more"}

func (s State) String() string { return stateNames[s] }

// Breach is what the state table says against a message.
type Breach uint8

// The breaches, each with the checks it serves.
const (
	NoBreach         Breach = iota
	NotInformFirst          // SEQ-001
	SecondInform            // SEQ-002
	InformUnanswered        // SEQ-003: anything but InformResponse or Fault to Inform
	CallUnanswered          // SEQ-005: the ACS did not answer the CPE's request
	WrongResponse           // SEQ-006: the response has another name than the request
	AskUnanswered           // SEQ-007: the CPE did not answer the ACS's request
	NothingAsked            // SEQ-008: a CPE response or Fault without a request
	AskedTooEarly           // SEQ-009: the ACS asks while a CPE request is unanswered
	CalledOnHold            // SEQ-010
	CalledAfterEmpty        // SEQ-012
	AfterFault              // SEQ-018
	AfterEnd                // SEQ-015: anything after Done
	Unsolicited             // SEQ-032: an ACS response without a request
)

// input is a message as the state table sees it.
type input uint8

const (
	cpeInform input = iota
	cpeRequest
	cpeAnswer // response or fault
	cpeEmpty
	acsInformResponse
	acsRequest
	acsAnswer // response or fault to a CPE request
	acsEmpty
	acsRetry // fault 8005, 401, redirect: the same message comes again
	failure  // HTTP error, fault to Inform, reset
	inputCount
)

// step is one cell: where a message leads, and what is wrong with it.
type step struct {
	to     State
	breach Breach
}

// table is the whole of the protocol: state × message → state. The ACS's
// holdRequests is applied by next: it turns Active into OnHold and back. Cells
// that a well-behaved peer never reaches lead where the session can best be
// followed on.
var table = [stateCount][inputCount]step{
	//          cpeInform               cpeRequest                  cpeAnswer               cpeEmpty                 acsInformResponse       acsRequest               acsAnswer               acsEmpty                    acsRetry      failure
	Start:    {{Informed, 0}, {CalledA, NotInformFirst}, {IdleA, NotInformFirst}, {IdleN, NotInformFirst}, {Active, Unsolicited}, {AskedA, NotInformFirst}, {Active, Unsolicited}, {Start, 0}, {Start, 0}, {Broken, 0}},
	Active:   {{Informed, SecondInform}, {CalledA, 0}, {IdleA, NothingAsked}, {IdleN, 0}, {Active, Unsolicited}, {AskedA, 0}, {Active, Unsolicited}, {Active, 0}, {Active, 0}, {Broken, 0}},
	OnHold:   {{Informed, SecondInform}, {CalledA, CalledOnHold}, {IdleH, NothingAsked}, {IdleH, 0}, {OnHold, Unsolicited}, {AskedH, 0}, {OnHold, Unsolicited}, {Active, 0}, {OnHold, 0}, {Broken, 0}},
	NoMore:   {{Informed, SecondInform}, {CalledA, CalledAfterEmpty}, {IdleN, NothingAsked}, {IdleN, 0}, {NoMore, Unsolicited}, {AskedN, 0}, {NoMore, Unsolicited}, {Done, 0}, {NoMore, 0}, {Broken, 0}},
	AskedA:   {{Informed, SecondInform}, {CalledA, AskUnanswered}, {IdleA, 0}, {IdleN, AskUnanswered}, {AskedA, Unsolicited}, {AskedA, 0}, {AskedA, Unsolicited}, {Active, 0}, {AskedA, 0}, {Broken, 0}},
	AskedH:   {{Informed, SecondInform}, {CalledA, AskUnanswered}, {IdleH, 0}, {IdleH, AskUnanswered}, {AskedH, Unsolicited}, {AskedH, 0}, {AskedH, Unsolicited}, {Active, 0}, {AskedH, 0}, {Broken, 0}},
	AskedN:   {{Informed, SecondInform}, {CalledA, AskUnanswered}, {IdleN, 0}, {IdleN, AskUnanswered}, {AskedN, Unsolicited}, {AskedN, 0}, {AskedN, Unsolicited}, {NoMore, 0}, {AskedN, 0}, {Broken, 0}},
	Done:     {{Informed, SecondInform}, {CalledA, AfterEnd}, {IdleN, AfterEnd}, {IdleN, AfterEnd}, {Done, Unsolicited}, {AskedN, Unsolicited}, {Done, Unsolicited}, {Done, 0}, {Done, 0}, {Done, 0}},
	Broken:   {{Informed, SecondInform}, {CalledA, AfterFault}, {IdleA, AfterFault}, {IdleN, AfterFault}, {Active, 0}, {AskedA, 0}, {Active, 0}, {Broken, 0}, {Broken, 0}, {Broken, 0}},
	Informed: {{Informed, SecondInform}, {CalledA, 0}, {IdleA, 0}, {IdleN, 0}, {Active, 0}, {AskedA, InformUnanswered}, {Active, InformUnanswered}, {Active, InformUnanswered}, {Start, 0}, {Broken, 0}},
	CalledA:  {{Informed, SecondInform}, {CalledA, 0}, {IdleA, NothingAsked}, {IdleN, 0}, {Active, WrongResponse}, {AskedA, AskedTooEarly}, {Active, 0}, {Active, CallUnanswered}, {Active, 0}, {Broken, 0}},
	IdleA:    {{Informed, SecondInform}, {CalledA, 0}, {IdleA, NothingAsked}, {IdleN, 0}, {Active, Unsolicited}, {AskedA, 0}, {Active, Unsolicited}, {Active, 0}, {Active, 0}, {Broken, 0}},
	IdleH:    {{Informed, SecondInform}, {CalledA, CalledOnHold}, {IdleH, NothingAsked}, {IdleH, 0}, {Active, Unsolicited}, {AskedA, 0}, {Active, Unsolicited}, {Active, 0}, {OnHold, 0}, {Broken, 0}},
	IdleN:    {{Informed, SecondInform}, {CalledA, CalledAfterEmpty}, {IdleN, NothingAsked}, {IdleN, 0}, {NoMore, Unsolicited}, {AskedN, 0}, {NoMore, Unsolicited}, {Done, 0}, {NoMore, 0}, {Broken, 0}},
}

// next looks one message up. hold is the HoldRequests of an ACS envelope.
func next(s State, in input, hold bool) (State, Breach) {
	c := table[s][in]
	if hold {
		switch c.to {
		case Active:
			c.to = OnHold
		case AskedA:
			c.to = AskedH
		}
	}
	return c.to, c.breach
}
