package check

// Profile says how strictly findings are weighed.
type Profile uint8

// The profiles.
const (
	Strict Profile = iota // as the catalogue has it
	Field                 // what is common in the field weighs a step less
	None                  // no checks at all
)

func (p Profile) String() string { return [...]string{"strict", "field", "none"}[p] }

// lower is the severity one step down.
func (s Severity) lower() Severity {
	if s == Info {
		return Info
	}
	return s - 1
}

// under is the severity of a finding of c in a profile.
func (s Severity) under(p Profile, c *Check) Severity {
	if p == Field && c.Field {
		return s.lower()
	}
	return s
}

// String lists the gates: "G1 G5".
func (g Gates) String() string {
	text := ""
	for i := range 8 {
		if g&(1<<i) == 0 {
			continue
		}
		if text != "" {
			text += " "
		}
		text += "G" + string(rune('1'+i))
	}
	return text
}

// Means says in words what must be observed for a single gate to be open.
func (g Gates) Means() string {
	switch g {
	case WholeSession:
		return "the whole session was captured, from its beginning to its end"
	case Counterpart:
		return "the message and its counterpart were captured completely"
	case History:
		return "what the device did before is known"
	case WholeBody:
		return "the body is complete"
	case PlainHTTP:
		return "HTTP headers were seen and no intermediary is suspected"
	case GoodClock:
		return "times are those of packets"
	case Transport:
		return "the TCP level was seen"
	case SecretOrPolicy:
		return "a secret or policy is known"
	}
	return g.String()
}

// ByID finds a check of All.
func ByID(id string) (c *Check, ok bool) {
	for _, c := range All {
		if c.ID == id {
			return c, true
		}
	}
	return nil, false
}

// Family is the first part of an id: "EVT".
func Family(id string) string {
	for i := range len(id) {
		if id[i] == '-' {
			return id[:i]
		}
	}
	return id
}
