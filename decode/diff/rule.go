package diff

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// How says in what a value may differ.
type How uint8

// The ways.
const (
	Exact     How = iota // in nothing
	Ignore               // in all: it may also be missing
	OfType               // in its value, and not in its type
	Within               // it is a number from Min to Max
	Matches              // it matches Pattern
	Elsewhere            // it is a URL, and differs in scheme, host and port at most
)

// Rule says in what the values of some parameters or arguments may differ.
type Rule struct {
	// Path is what the rule is about: a parameter's full name, or an argument below
	// its method ("Inform.CurrentTime"). "*" stands for one part of it, or for some
	// of its letters, and "**" for any number of parts.
	Path     string
	How      How
	Min, Max float64
	Pattern  *regexp.Regexp
}

// Defaults is what is volatile in every device. Rules that are given come first.
func Defaults() []Rule {
	var list []Rule
	for _, path := range []string{
		"Inform.CurrentTime", "Inform.RetryCount", "*.StartTime", "*.CompleteTime",
		"**.UpTime", "**.Uptime", "**.SysUpTime", "**.CurrentLocalTime", "**.FirstUseDate", "**.LastChange", "**.LastConnectionTime",
		"**.ConnectionRequestURL", "**.UDPConnectionRequestAddress", "**.ParameterKey",
		"**.LeaseTimeRemaining", "**.ExpirationTime", "**.MemoryStatus.Free", "**.ProcessStatus.CPUUsage", "**.TemperatureStatus.**",
		"**.Stats.**", "**.Statistics.**", "**.*BytesSent", "**.*BytesReceived", "**.*PacketsSent", "**.*PacketsReceived", "**.*ErrorsSent", "**.*ErrorsReceived",
		"**.SignalStrength", "**.NoiseMargin", "**.UpstreamNoiseMargin", "**.DownstreamNoiseMargin", "**.UpstreamAttenuation", "**.DownstreamAttenuation",
		"**.ShowtimeStart",
	} {
		list = append(list, Rule{Path: path, How: OfType})
	}
	for _, path := range []string{"Download.URL", "Upload.URL", "ScheduleDownload.URL"} { // of a test's own server
		list = append(list, Rule{Path: path, How: Elsewhere})
	}
	return list
}

// rules are rules made ready, and what they were asked before.
type rules struct {
	list     []Rule
	patterns [][]string
	known    map[string]*Rule
}

func compiled(list []Rule) *rules {
	r := &rules{list: list, known: map[string]*Rule{}}
	for i := range list {
		r.patterns = append(r.patterns, strings.Split(list[i].Path, "."))
	}
	return r
}

// about is the first rule about a path.
func (r *rules) about(path string) *Rule {
	if x, ok := r.known[path]; ok {
		return x
	}
	parts, x := strings.Split(path, "."), &Rule{}
	for i, p := range r.patterns {
		if matches(p, parts) {
			x = &r.list[i]
			break
		}
	}
	r.known[path] = x
	return x
}

// matches holds the parts of a path against those of a pattern.
func matches(pattern, path []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			for i := range len(path) + 1 {
				if matches(pattern[1:], path[i:]) {
					return true
				}
			}
			return false
		}
		if len(path) == 0 || !part(pattern[0], path[0]) {
			return false
		}
		pattern, path = pattern[1:], path[1:]
	}
	return len(path) == 0
}

// part holds one part of a path against one of a pattern.
func part(pattern, s string) bool {
	before, after, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == s
	}
	if !strings.HasPrefix(s, before) {
		return false
	}
	for i := len(before); i <= len(s); i++ {
		if part(after, s[i:]) {
			return true
		}
	}
	return false
}

// allows says whether a rule lets a value stand for another one.
func (r *Rule) allows(recorded, played fact) bool {
	if recorded.kind == played.kind && plain(recorded) == plain(played) {
		return true
	}
	switch r.How {
	case Ignore:
		return true
	case OfType:
		return recorded.kind == played.kind
	case Within:
		n, err := strconv.ParseFloat(strings.TrimSpace(played.value), 64)
		return err == nil && n >= r.Min && n <= r.Max
	case Matches:
		return r.Pattern.MatchString(played.value)
	case Elsewhere:
		a, errA := url.Parse(strings.TrimSpace(recorded.value))
		b, errB := url.Parse(strings.TrimSpace(played.value))
		return errA == nil && errB == nil && recorded.kind == played.kind && a.RequestURI() == b.RequestURI()
	}
	return false
}
