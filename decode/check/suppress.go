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
func suppress(all []Finding) []Finding {
	if len(all) < 2 || !anyExplains(all) {
		return all
	}
	var why causes
	for i := range all {
		why.note(&all[i])
	}
	kept := all[:0:0]
	for i := range all {
		if !why.explain(&all[i]) {
			kept = append(kept, all[i])
		}
	}
	return kept
}

// anyExplains says whether one of the findings can be the cause of others.
func anyExplains(all []Finding) bool {
	for i := range all {
		if all[i].Check.causes {
			return true
		}
	}
	return false
}

// explains says whether findings of a check can be the cause of others.
func explains(id string) bool {
	switch id {
	case "SOAP-001", "SOAP-002", "SOAP-003", "SOAP-008", "FLT-012", "FLT-023", "EVT-002", "EVT-003", "EVT-004", "EVT-005", "INF-001", "RPC-030",
		"SEQ-002", "SEQ-003", "SEQ-011", "SEQ-016", "SEQ-027", "HTTP-014", "HTTP-044", "SEC-001":
		return true
	}
	return false
}

// spot is a message, and a path in it.
type spot struct {
	n    int
	path string
}

// causes is the findings that explain others.
type causes struct {
	broken    map[int]bool // messages whose body is ill-formed
	notSOAP   map[int]bool // messages that are no SOAP
	transport map[int]bool // exchanges in which that was
	event     map[spot]bool
	ids       map[string]bool
	onMessage map[spot]bool // id and message
}

func (c *causes) note(f *Finding) {
	n, id := f.At.N, f.Check.ID
	put := func(m *map[int]bool, k int) {
		if *m == nil {
			*m = map[int]bool{}
		}
		(*m)[k] = true
	}
	if c.ids == nil {
		c.ids, c.onMessage, c.event = map[string]bool{}, map[spot]bool{}, map[spot]bool{}
	}
	c.ids[id] = true
	c.onMessage[spot{n, id}] = true
	switch id {
	case "SOAP-001", "FLT-023":
		put(&c.broken, n)
		put(&c.transport, f.At.Exchange)
	case "SOAP-002", "SOAP-003":
		put(&c.notSOAP, n)
		put(&c.transport, f.At.Exchange)
	case "EVT-002", "EVT-003", "EVT-004", "EVT-005":
		c.event[spot{n, f.At.Path}] = true
	}
}

// at says whether there is a finding of that id on the same message.
func (c *causes) at(f *Finding, id string) bool { return c.onMessage[spot{f.At.N, id}] }

// explain says whether f has its cause in another finding.
func (c *causes) explain(f *Finding) bool {
	id, family := f.Check.ID, Family(f.Check.ID)
	if c.broken[f.At.N] && id != "SOAP-001" && family != "HTTP" && id != "FLT-023" {
		return true
	}
	if c.notSOAP[f.At.N] && id != "SOAP-002" && id != "SOAP-003" && id != "SOAP-001" && id != "FLT-023" && family != "HTTP" {
		return true
	}
	if family == "SEQ" && c.transport[f.At.Exchange] {
		return true
	}
	switch id {
	case "SOAP-001":
		return c.at(f, "FLT-023")
	case "SOAP-003":
		return c.at(f, "SOAP-002") || c.at(f, "FLT-023") || c.at(f, "SOAP-001")
	case "SOAP-005":
		return c.at(f, "SOAP-008")
	case "SOAP-015":
		return c.at(f, "SOAP-008")
	case "SOAP-017":
		return c.at(f, "INF-001") && strings.Contains(f.At.Path, "DeviceId") || c.at(f, "RPC-030")
	case "EVT-001":
		return c.event[spot{f.At.N, f.At.Path}]
	case "SEQ-013", "SEQ-014":
		return c.ids["SEQ-003"] || c.ids["SEQ-011"]
	case "SEQ-015":
		return c.ids["SEQ-016"] || c.ids["HTTP-014"]
	case "SEQ-028":
		return c.ids["SEQ-027"]
	case "HTTP-016":
		return c.ids["SEQ-002"]
	case "HTTP-040":
		return c.at(f, "FLT-012") || c.at(f, "HTTP-044")
	case "SEC-002":
		return c.ids["SEC-001"]
	}
	return family == "SEQ" && id != "SEQ-025" && id != "SEQ-026" && c.ids["HTTP-014"]
}

// certain says whether no finding to come can explain one of c.
func certain(c *Check) bool {
	switch c.ID {
	case "SEC-002", "HTTP-016":
		return false
	}
	return Family(c.ID) != "SEQ"
}
