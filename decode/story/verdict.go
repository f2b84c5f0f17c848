// Package story says what a session comes to: of all that is odd in it, what it was
// that broke it. It is given a session that is over and its findings, and holds no
// state.
package story

import (
	"slices"
	"strconv"
	"strings"

	"informant/capture"
	"informant/decode/check"
	"informant/decode/cwmp"
)

// Verdict is the first deviation in a session from which the rest follows, and what
// followed.
type Verdict struct {
	Party   check.Party    // who deviated; Unknown where nothing tells
	Because *check.Finding // the deviation, one of those that were given; nil: no check knows it
	Then    string         // what came of it, in words that begin like a clause: "the ACS answered the Inform with status 500"; "" where the session went on
	Says    *check.Finding // that quotes what the ACS itself said of it; nil: nothing
}

// Of is the verdict on a session that is over. There is none on one that came out as
// it should, was not seen whole, or of which it isn't known how it came out.
func Of(s *cwmp.Session, findings []check.Finding) (Verdict, bool) {
	if s.Fragment || s.Lost != 0 || s.TrimmedN > 0 || len(s.Messages) == 0 {
		return Verdict{}, false
	}
	j := judge{s, findings}
	switch s.Outcome {
	case cwmp.Failed:
		return j.failed(), true
	case cwmp.Complete:
		return j.complete()
	case cwmp.Unfinished:
		if s.Ended == cwmp.Idle {
			return j.silent()
		}
	}
	return Verdict{}, false
}

type judge struct {
	s        *cwmp.Session
	findings []check.Finding
}

// failed is the verdict on a session that something broke off.
func (j judge) failed() Verdict {
	last := j.s.Messages[len(j.s.Messages)-1]
	at, then := last, j.s.Reason
	party := check.Unknown
	switch j.s.Ended {
	case cwmp.HTTPError, cwmp.InformFault, cwmp.Unauthorized:
		if i := j.lastOf(cwmp.ACS); i >= 0 { // what it refuses is what came before it
			refusal := j.s.Messages[i]
			switch {
			case refusal.Status == 502 || refusal.Status == 504: // of a gateway, RFC 9110 15.6
				party = check.Path
			case refusal.Status >= 500 || j.s.Ended == cwmp.InformFault:
				party = check.ACS
			}
			if j.s.Ended == cwmp.Unauthorized {
				var known bool
				if party, then, known = j.unauthorized(refusal); known {
					return Verdict{Party: party, Then: then}
				}
			}
			at = refusal
			if i > 0 {
				at = j.s.Messages[i-1]
			}
		}
	case cwmp.ConnReset, cwmp.ConnClosed:
		party = j.closer()
	case cwmp.NewInform:
		party = check.CPE
	case cwmp.BadEnvelope:
		party = partyOf(last.From)
	}
	v := Verdict{Party: party, Then: then, Says: j.quote()}
	if f := j.cause(at); f != nil {
		v.Party, v.Because = f.Party, f
	}
	return v
}

// quote is the finding that quotes the answer which ended the session.
func (j judge) quote() *check.Finding {
	if j.s.Ended != cwmp.HTTPError {
		return nil
	}
	for i := len(j.findings) - 1; i >= 0; i-- {
		if f := &j.findings[i]; f.Check.ID == quotes && f.At.N == j.s.Messages[j.lastOf(cwmp.ACS)].N {
			return f
		}
	}
	return nil
}

// unseen is the check whose findings tell of a refusal that nothing explains.
const unseen = "FLT-025"

// quotes is the check whose findings repeat what an HTTP error says of itself.
const quotes = "HTTP-040"

// unauthorized is what is to be said of a CPE that gave up after a refusal, where the
// refusal alone tells it.
func (j judge) unauthorized(refusal *cwmp.Message) (party check.Party, then string, known bool) {
	then = j.s.Reason
	if refusal.HTTP == nil {
		return check.Unknown, then, false
	}
	if _, ok := refusal.HTTP.Field("WWW-Authenticate"); !ok && refusal.Status == 401 {
		return check.ACS, "the ACS answered with 401 without a WWW-Authenticate, and the CPE gave up", true
	}
	for _, m := range j.s.Messages {
		if m.From == cwmp.CPE && m.HTTP != nil {
			if _, ok := m.HTTP.Field("Authorization"); ok {
				return check.Unknown, then, false // refused, and who has the wrong password isn't seen
			}
		}
	}
	return check.CPE, then, true
}

// closer is who closed the connection that broke the session.
func (j judge) closer() check.Party {
	how := capture.FIN
	if j.s.Ended == cwmp.ConnReset {
		how = capture.RST
	}
	if c, ok := j.s.Closer(how); ok {
		if c.From == capture.FromClient {
			return check.CPE
		}
		return check.ACS
	}
	return check.Unknown
}

// silent is the verdict on a session in which somebody said nothing more.
func (j judge) silent() (Verdict, bool) {
	if !j.s.SawEnd || j.s.Synthetic || j.s.Undated {
		return Verdict{}, false
	}
	last := j.s.Messages[len(j.s.Messages)-1]
	v := Verdict{Party: check.ACS, Then: "the ACS never answered " + cwmp.Describe(last)}
	if last.From == cwmp.ACS {
		v = Verdict{Party: check.CPE, Then: "the CPE said nothing after " + cwmp.Describe(last)}
	}
	if f := j.cause(last); f != nil {
		v.Party, v.Because = f.Party, f
	}
	return v, true
}

// complete is the verdict on a session that came to its end, and in which something
// went wrong nevertheless: a request was refused, or what must agree doesn't.
func (j judge) complete() (Verdict, bool) {
	for _, t := range j.s.Transactions {
		if t.Response == nil || t.Response.Fault == nil || t.Response.FaultCode() == "8005" {
			continue
		}
		v := Verdict{Party: check.Unknown, Then: refused(t)}
		if f := j.about(t.Request, t.Response); f != nil {
			v.Party, v.Because = f.Party, f
			if f.At.N == t.Response.N { // the refusal itself is what is wrong
				v.Then = ""
			}
		} else if i := slices.IndexFunc(j.findings, func(f check.Finding) bool { return f.Check.ID == unseen && f.At.N == t.Response.N }); i >= 0 {
			v.Because, v.Then = &j.findings[i], ""
		}
		return v, true
	}
	for i := range j.findings {
		if f := &j.findings[i]; f.Severity == check.Error && f.At.Session == j.s.ID && weight(f.Check.ID) == ofOperation {
			return Verdict{Party: f.Party, Because: f}, true
		}
	}
	return Verdict{}, false
}

// cause is the finding that explains why the session broke at a message: the first
// that would break any, else one about that message.
func (j judge) cause(at *cwmp.Message) *check.Finding {
	for i := range j.findings {
		if f := &j.findings[i]; weight(f.Check.ID) == breaks && f.Severity >= check.Warning && f.At.N > 0 && f.At.N <= at.N {
			return f
		}
	}
	return j.about(at, nil)
}

// about is the finding about a message that explains best why it was refused, or
// about the refusal: that it is none of its place. What the other side let pass
// earlier in the session explains nothing.
func (j judge) about(m, refusal *cwmp.Message) *check.Finding {
	var best *check.Finding
	for i := range j.findings {
		f := &j.findings[i]
		at := f.At.N == m.N && f.Party == partyOf(m.From)
		if refusal != nil && f.At.N == refusal.N && f.Party == partyOf(refusal.From) && f.Severity == check.Error && contradicts(f.Check.ID) {
			at = true
		}
		w := weight(f.Check.ID)
		switch family := check.Family(f.Check.ID); {
		case refusal != nil && family == "HTTP", // a fault is about the envelope
			refusal == nil && !slices.Contains([]string{"HTTP", "SOAP", "VER", "SEQ", "FLT"}, family): // and what is less is about what comes before the arguments
			continue
		}
		if !at || w == nothing || f.Severity < check.Error || j.passed(f) {
			continue
		}
		if best == nil || w > weight(best.Check.ID) {
			best = f
		}
	}
	return best
}

// passed says whether the same was found of an earlier message.
func (j judge) passed(f *check.Finding) bool {
	return slices.ContainsFunc(j.findings, func(x check.Finding) bool {
		return x.Check == f.Check && x.Party == f.Party && x.At.N > 0 && x.At.N < f.At.N
	})
}

func (j judge) lastOf(from cwmp.Role) int {
	for i := len(j.s.Messages) - 1; i >= 0; i-- {
		if j.s.Messages[i].From == from {
			return i
		}
	}
	return -1
}

func partyOf(r cwmp.Role) check.Party {
	if r == cwmp.ACS {
		return check.ACS
	}
	return check.CPE
}

// refused is what is to be said of a request that was answered with a fault.
func refused(t *cwmp.Transaction) string {
	who := "the CPE"
	if t.Caller == cwmp.CPE {
		who = "the ACS"
	}
	text := who + " refused " + cwmp.Describe(t.Request) + " with fault " + t.Response.FaultCode()
	const most = 3
	for i := range t.Response.Fault.Parameters {
		p := &t.Response.Fault.Parameters[i]
		switch i {
		case 0:
			text += ": "
		case most:
			return text + " and " + strconv.Itoa(len(t.Response.Fault.Parameters)-most) + " more"
		default:
			text += ", "
		}
		text += strings.TrimSpace(p.ParameterName.Value) + " (" + strings.TrimSpace(p.FaultCode.Value) + ")"
	}
	return text
}

// What a breach of a check can do to a session.
const (
	nothing     = iota // it is a consequence itself, or disturbs nobody
	strict             // a strict peer refuses the message
	message            // a peer may well refuse the message
	ofOperation        // likewise; and in a session that went well something is wrong between it and others
	breaks             // it breaks any session
)

// weights are what breaches of single checks can do, where it isn't what those of
// their family can.
var weights = map[string]int{
	// how a session ends is what is to be explained
	"HTTP-015": nothing, "HTTP-016": nothing, "HTTP-017": nothing, "HTTP-018": nothing, "HTTP-019": nothing, "HTTP-020": nothing, "HTTP-024": nothing,
	"HTTP-027": nothing, "HTTP-028": nothing, "HTTP-040": nothing, "HTTP-044": nothing,
	"SEQ-013": nothing, "SEQ-014": nothing, "SEQ-016": nothing, "SEQ-024": nothing, "SEQ-025": nothing, "SEQ-026": nothing, "SEQ-029": nothing,
	"SEQ-030": nothing, "SEQ-031": nothing, "SEQ-033": nothing,
	"INF-017": strict, "INF-022": nothing, "INF-023": nothing, "INF-030": nothing,
	// headers that only some peers look at
	"HTTP-006": strict, "HTTP-007": strict, "HTTP-008": strict, "HTTP-009": strict, "HTTP-010": strict, "HTTP-005": strict,
	// what no peer can go on with
	"SOAP-001": breaks, "SOAP-002": breaks, "SOAP-003": breaks, "SOAP-004": breaks, "SOAP-008": breaks, "SOAP-009": breaks, "SOAP-010": breaks,
	"FLT-023": breaks, "FLT-003": breaks,
	"HTTP-014": breaks, "HTTP-021": breaks, "HTTP-025": breaks, "HTTP-026": breaks, "HTTP-029": breaks, "HTTP-030": breaks, "HTTP-035": breaks,
	"HTTP-036": breaks, "HTTP-043": breaks,
	"SEQ-001": breaks, "SEQ-002": breaks, "SEQ-003": breaks, "SEQ-005": breaks, "SEQ-006": breaks, "SEQ-007": breaks, "SEQ-008": breaks, "SEQ-009": breaks,
	"SEQ-010": breaks, "SEQ-012": breaks, "SEQ-018": breaks, "SEQ-032": breaks, "SEQ-011": breaks,
	"VER-001": breaks, "VER-005": breaks, "PRX-001": breaks,
	// between sessions
	"SEQ-027": ofOperation, "SEQ-028": ofOperation, "INF-024": ofOperation, "INF-025": ofOperation, "FLT-015": ofOperation,
	"RPC-019": ofOperation, "RPC-020": ofOperation, "RPC-026": ofOperation, "RPC-028": ofOperation, "RPC-029": ofOperation, "RPC-032": ofOperation,
	"RPC-033": ofOperation,
}

func weight(id string) int {
	if w, ok := weights[id]; ok {
		return w
	}
	switch check.Family(id) {
	case "XFER":
		return ofOperation
	case "EVT":
		if id >= "EVT-009" && id <= "EVT-032" {
			return ofOperation
		}
		return message
	case "SOAP", "VER", "SEQ", "INF", "FLT", "RPC", "TYPE":
		return message
	case "HTTP":
		return strict
	}
	return nothing
}

// contradicts says whether a check judges that a refusal was none to give.
func contradicts(id string) bool {
	return slices.Contains([]string{"FLT-019", "FLT-020", "FLT-024", "FLT-014", "RPC-005", "SOAP-038"}, id)
}
