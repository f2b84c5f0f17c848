package check

import "strings"

// suppress leaves one finding per cause (reference 8.14, point 6).
//
//   - An ill-formed body (SOAP-001, FLT-023) or a wrong root (SOAP-002) is the
//     cause of whatever else is odd about it, and of what looks unanswered
//     around it.
//   - The variants of an event's text (EVT-002 to EVT-005) are told instead of
//     EVT-001.
//   - A missing InformResponse explains how the session ends; a second Inform
//     explains what it follows; pipelining explains everything out of turn.
//
// A finding that was explained itself explains others nevertheless. The slice
// keeps its room: those that are left are moved to its beginning.
func suppress(all []Finding) []Finding {
	var there causes
	for i := range all {
		there |= all[i].Check.cause
	}
	if there == 0 || len(all) < 2 || !anyExplained(all, there) {
		return all
	}
	why := proofs(all)
	kept := all[:0]
	for i := range all {
		if f := &all[i]; f.Check.explained.anywhere&there == 0 && !why.explain(f) {
			kept = append(kept, *f)
		}
	}
	return kept
}

// anyExplained says whether one of the findings may be explained by causes that
// are there.
func anyExplained(all []Finding, there causes) bool {
	for i := range all {
		if all[i].Check.explained.any()&there != 0 {
			return true
		}
	}
	return false
}

// causes is a set of checks whose findings can explain others.
type causes uint32

const (
	soap001 causes = 1 << iota
	soap002
	soap003
	soap008
	flt012
	flt023
	evt002to005
	inf001
	rpc030
	seq002
	seq003
	seq011
	seq016
	seq027
	http014
	http044
	sec001

	illFormed = soap001 | flt023
	notSOAP   = soap002 | soap003
)

// causeOf is the bit of a check, 0 for one whose findings explain nothing.
func causeOf(id string) causes {
	switch id {
	case "SOAP-001":
		return soap001
	case "SOAP-002":
		return soap002
	case "SOAP-003":
		return soap003
	case "SOAP-008":
		return soap008
	case "FLT-012":
		return flt012
	case "FLT-023":
		return flt023
	case "EVT-002", "EVT-003", "EVT-004", "EVT-005":
		return evt002to005
	case "INF-001":
		return inf001
	case "RPC-030":
		return rpc030
	case "SEQ-002":
		return seq002
	case "SEQ-003":
		return seq003
	case "SEQ-011":
		return seq011
	case "SEQ-016":
		return seq016
	case "SEQ-027":
		return seq027
	case "HTTP-014":
		return http014
	case "HTTP-044":
		return http044
	case "SEC-001":
		return sec001
	}
	return 0
}

// explanation is what explains the findings of a check, by where it has to be.
type explanation struct {
	message  causes // on the same message
	exchange causes // in the same exchange
	anywhere causes // anywhere in the session
	device   causes // on the same message, for findings about the DeviceId
	place    causes // at the same place of the same message
}

func (e *explanation) any() causes {
	return e.message | e.exchange | e.anywhere | e.device | e.place
}

// explanationOf is what explains the findings of a check.
func explanationOf(id string) (e explanation) {
	family := Family(id)
	if family != "HTTP" {
		e.message = illFormed | notSOAP
	}
	if family == "SEQ" {
		e.exchange = illFormed | notSOAP
		if id != "SEQ-025" && id != "SEQ-026" {
			e.anywhere = http014
		}
	}
	switch id {
	case "FLT-023":
		e.message = 0
	case "SOAP-001":
		e.message = flt023
	case "SOAP-002":
		e.message = illFormed
	case "SOAP-003":
		e.message = illFormed | soap002
	case "SOAP-005", "SOAP-015":
		e.message |= soap008
	case "SOAP-017":
		e.message |= rpc030
		e.device = inf001
	case "EVT-001":
		e.place = evt002to005
	case "SEQ-013", "SEQ-014":
		e.anywhere = seq003 | seq011
	case "SEQ-015":
		e.anywhere = seq016 | http014
	case "SEQ-028":
		e.anywhere = seq027
	case "HTTP-016":
		e.anywhere = seq002
	case "HTTP-040":
		e.message = flt012 | http044
	case "SEC-002":
		e.anywhere = sec001
	}
	return e
}

// reasons is the findings that explain others, by where they are.
type reasons struct {
	message  map[int]causes
	exchange map[int]causes
	place    map[spot]causes
}

// spot is a message, and a path in it.
type spot struct {
	n    int
	path string
}

// proofs gathers the findings that explain others.
func proofs(all []Finding) reasons {
	r := reasons{map[int]causes{}, map[int]causes{}, map[spot]causes{}}
	for i := range all {
		f := &all[i]
		if c := f.Check.cause; c != 0 {
			r.message[f.At.N] |= c
			r.exchange[f.At.Exchange] |= c
			r.place[spot{f.At.N, f.At.Path}] |= c
		}
	}
	return r
}

// explain says whether f has its cause in another finding on its message or in
// its exchange.
func (r *reasons) explain(f *Finding) bool {
	e := &f.Check.explained
	here := r.message[f.At.N]
	switch {
	case here&e.message != 0, e.exchange != 0 && r.exchange[f.At.Exchange]&e.exchange != 0:
		return true
	case here&e.device != 0 && strings.Contains(f.At.Path, "DeviceId"):
		return true
	}
	return e.place != 0 && r.place[spot{f.At.N, f.At.Path}]&e.place != 0
}

// certain says whether no finding to come can explain one of c.
func certain(c *Check) bool {
	switch c.ID {
	case "SEC-002", "HTTP-016":
		return false
	}
	return Family(c.ID) != "SEQ"
}
