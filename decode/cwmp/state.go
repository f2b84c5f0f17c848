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
	CalledN  // the same, though the CPE had said "no more"
	IdleA    // the ACS may ask or pass, the CPE may still call
	IdleH    // the same on hold
	IdleN    // the ACS may ask or end
	stateCount
)

var stateNames = [...]string{"start", "active", "on hold", "no more", "asked", "asked on hold", "asked after no more", "done", "failed",
	"informed", "called", "called after no more", "idle", "idle on hold", "idle after no more"}

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

// input is a message as the state table sees it. A 401, a redirect and fault
// 8005 are none: they take the session back to where it was before the message
// that will come again. An HTTP error or a fault to Inform leads to Broken from
// everywhere but Done.
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
	inputCount
)

// step is one cell: where a message leads, and what is wrong with it.
type step struct {
	to     State
	breach Breach
}

// table is the whole of the protocol: state × message → state. The ACS's
// HoldRequests is applied by next: it turns Active into OnHold and back. Cells
// that a well-behaved peer never reaches lead where the session can best be
// followed on.
var table = [stateCount][inputCount]step{
	Start: {
		cpeInform:         {Informed, 0},
		cpeRequest:        {CalledA, NotInformFirst},
		cpeAnswer:         {IdleA, NotInformFirst},
		cpeEmpty:          {IdleN, NotInformFirst},
		acsInformResponse: {Active, Unsolicited},
		acsRequest:        {AskedA, AskedTooEarly},
		acsAnswer:         {Active, Unsolicited},
		acsEmpty:          {Start, 0},
	},
	Active: {
		cpeInform:         {Informed, SecondInform},
		cpeRequest:        {CalledA, 0},
		cpeAnswer:         {IdleA, NothingAsked},
		cpeEmpty:          {IdleN, 0},
		acsInformResponse: {Active, Unsolicited},
		acsRequest:        {AskedA, 0},
		acsAnswer:         {Active, Unsolicited},
		acsEmpty:          {Active, 0},
	},
	OnHold: {
		cpeInform:         {Informed, SecondInform},
		cpeRequest:        {CalledA, CalledOnHold},
		cpeAnswer:         {IdleH, NothingAsked},
		cpeEmpty:          {IdleH, 0},
		acsInformResponse: {Active, Unsolicited},
		acsRequest:        {AskedA, 0},
		acsAnswer:         {Active, Unsolicited},
		acsEmpty:          {Active, 0},
	},
	NoMore: {
		cpeInform:         {Informed, SecondInform},
		cpeRequest:        {CalledN, CalledAfterEmpty},
		cpeAnswer:         {IdleN, NothingAsked},
		cpeEmpty:          {IdleN, 0},
		acsInformResponse: {NoMore, Unsolicited},
		acsRequest:        {AskedN, 0},
		acsAnswer:         {NoMore, Unsolicited},
		acsEmpty:          {Done, 0},
	},
	AskedA: {
		cpeInform:         {Informed, SecondInform},
		cpeRequest:        {CalledA, AskUnanswered},
		cpeAnswer:         {IdleA, 0},
		cpeEmpty:          {IdleN, AskUnanswered},
		acsInformResponse: {AskedA, Unsolicited},
		acsRequest:        {AskedA, 0},
		acsAnswer:         {AskedA, Unsolicited},
		acsEmpty:          {Active, 0},
	},
	AskedH: {
		cpeInform:         {Informed, SecondInform},
		cpeRequest:        {CalledA, AskUnanswered},
		cpeAnswer:         {IdleH, 0},
		cpeEmpty:          {IdleH, AskUnanswered},
		acsInformResponse: {AskedH, Unsolicited},
		acsRequest:        {AskedA, 0},
		acsAnswer:         {AskedH, Unsolicited},
		acsEmpty:          {Active, 0},
	},
	AskedN: {
		cpeInform:         {Informed, SecondInform},
		cpeRequest:        {CalledN, AskUnanswered},
		cpeAnswer:         {IdleN, 0},
		cpeEmpty:          {IdleN, AskUnanswered},
		acsInformResponse: {AskedN, Unsolicited},
		acsRequest:        {AskedN, 0},
		acsAnswer:         {AskedN, Unsolicited},
		acsEmpty:          {NoMore, 0},
	},
	Done: {
		cpeInform:         {Informed, SecondInform},
		cpeRequest:        {CalledN, AfterEnd},
		cpeAnswer:         {IdleN, AfterEnd},
		cpeEmpty:          {IdleN, AfterEnd},
		acsInformResponse: {Done, Unsolicited},
		acsRequest:        {AskedN, AfterEnd},
		acsAnswer:         {Done, Unsolicited},
		acsEmpty:          {Done, 0},
	},
	Broken: {
		cpeInform:         {Informed, AfterFault},
		cpeRequest:        {CalledA, AfterFault},
		cpeAnswer:         {IdleA, AfterFault},
		cpeEmpty:          {IdleN, AfterFault},
		acsInformResponse: {Active, 0},
		acsRequest:        {AskedA, 0},
		acsAnswer:         {Active, 0},
		acsEmpty:          {Broken, 0},
	},
	Informed: {
		cpeInform:         {Informed, SecondInform},
		cpeRequest:        {CalledA, 0},
		cpeAnswer:         {IdleA, NothingAsked},
		cpeEmpty:          {IdleN, 0},
		acsInformResponse: {Active, 0},
		acsRequest:        {AskedA, InformUnanswered},
		acsAnswer:         {Active, InformUnanswered},
		acsEmpty:          {Active, InformUnanswered},
	},
	CalledA: {
		cpeInform:         {Informed, SecondInform},
		cpeRequest:        {CalledA, 0},
		cpeAnswer:         {IdleA, NothingAsked},
		cpeEmpty:          {IdleN, 0},
		acsInformResponse: {Active, WrongResponse},
		acsRequest:        {AskedA, AskedTooEarly},
		acsAnswer:         {Active, 0},
		acsEmpty:          {Active, CallUnanswered},
	},
	CalledN: {
		cpeInform:         {Informed, SecondInform},
		cpeRequest:        {CalledN, 0},
		cpeAnswer:         {IdleN, NothingAsked},
		cpeEmpty:          {IdleN, 0},
		acsInformResponse: {NoMore, WrongResponse},
		acsRequest:        {AskedN, AskedTooEarly},
		acsAnswer:         {NoMore, 0},
		acsEmpty:          {NoMore, CallUnanswered},
	},
	IdleA: {
		cpeInform:         {Informed, SecondInform},
		cpeRequest:        {CalledA, 0},
		cpeAnswer:         {IdleA, NothingAsked},
		cpeEmpty:          {IdleN, 0},
		acsInformResponse: {Active, Unsolicited},
		acsRequest:        {AskedA, 0},
		acsAnswer:         {Active, Unsolicited},
		acsEmpty:          {Active, 0},
	},
	IdleH: {
		cpeInform:         {Informed, SecondInform},
		cpeRequest:        {CalledA, CalledOnHold},
		cpeAnswer:         {IdleH, NothingAsked},
		cpeEmpty:          {IdleH, 0},
		acsInformResponse: {Active, Unsolicited},
		acsRequest:        {AskedA, 0},
		acsAnswer:         {Active, Unsolicited},
		acsEmpty:          {Active, 0},
	},
	IdleN: {
		cpeInform:         {Informed, SecondInform},
		cpeRequest:        {CalledN, CalledAfterEmpty},
		cpeAnswer:         {IdleN, NothingAsked},
		cpeEmpty:          {IdleN, 0},
		acsInformResponse: {NoMore, Unsolicited},
		acsRequest:        {AskedN, 0},
		acsAnswer:         {NoMore, Unsolicited},
		acsEmpty:          {Done, 0},
	},
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
