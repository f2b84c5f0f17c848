package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"informant/decode/check"
	"informant/decode/cwmp"
	"informant/decode/diff"
	"informant/decode/transcript"
)

// readRules reads a file of rules: a mapping of paths to what may differ there,
//
//	"**.SoftwareVersion": ignore
//	"Device.Time.CurrentLocalTime": type
//	"**.Temperature": {range: [-20, 80]}
//	"**.Description": {match: "^v[0-9]+"}
//	"**.LogURL": host
//	"**.UpTime": exact
//
// The first that matches counts, and all come before the defaults.
func readRules(name string) ([]diff.Rule, error) {
	if name == "" {
		return nil, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("--rules %s: %w", transcript.Safe(name), bare(err))
	}
	list, err := parseRules(b)
	if err != nil {
		return nil, usageError{fmt.Errorf("--rules %s: %w", transcript.Safe(name), err)}
	}
	return list, nil
}

func parseRules(b []byte) (list []diff.Rule, err error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: it takes a mapping of paths: \"**.UpTime\": ignore", top.Line)
	}
	for i := 0; i+1 < len(top.Content); i += 2 {
		path, how := top.Content[i], top.Content[i+1]
		rule, err := parseRule(path.Value, how)
		if err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", how.Line, transcript.Safe(path.Value), err)
		}
		list = append(list, rule)
	}
	return list, nil
}

var errRule = errors.New("it takes ignore, type, host, exact, {range: [MIN, MAX]} or {match: REGEXP}")

func parseRule(path string, how *yaml.Node) (diff.Rule, error) {
	r := diff.Rule{Path: path}
	if path == "" {
		return r, errors.New("the path is empty")
	}
	if how.Kind == yaml.ScalarNode {
		switch how.Value {
		case "ignore":
			r.How = diff.Ignore
		case "type":
			r.How = diff.OfType
		case "host":
			r.How = diff.Elsewhere
		case "exact":
			r.How = diff.Exact
		default:
			return r, errRule
		}
		return r, nil
	}
	if how.Kind != yaml.MappingNode || len(how.Content) != 2 {
		return r, errRule
	}
	switch how.Content[0].Value {
	case "range":
		var limits []float64
		if err := how.Content[1].Decode(&limits); err != nil || len(limits) != 2 || limits[0] > limits[1] {
			return r, errors.New("range takes [MIN, MAX]")
		}
		r.How, r.Min, r.Max = diff.Within, limits[0], limits[1]
	case "match":
		var err error
		if r.Pattern, err = regexp.Compile(how.Content[1].Value); err != nil {
			return r, err
		}
		r.How = diff.Matches
	default:
		return r, errRule
	}
	return r, nil
}

// steps are those to compare.
type steps struct {
	from, to []int    // of message numbers, both included
	methods  []string // with their responses
}

// parseSteps reads "1-5,9,GetParameterValues"; "" is nil: all.
func parseSteps(text string) (*steps, error) {
	if text == "" {
		return nil, nil
	}
	x := &steps{}
	for _, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		first, last, isRange := strings.Cut(part, "-")
		a, err := strconv.Atoi(first)
		if err != nil {
			if part == "" || isRange || strings.ContainsAny(part, " \t") {
				return nil, usageError{fmt.Errorf("--only %q: it takes message numbers and methods such as 1-5,9,GetParameterValues", text)}
			}
			x.methods = append(x.methods, strings.TrimSuffix(part, "Response"))
			continue
		}
		b := a
		if isRange {
			if b, err = strconv.Atoi(last); err != nil || b < a {
				return nil, usageError{fmt.Errorf("--only %q: %s is no range of messages", text, part)}
			}
		}
		x.from, x.to = append(x.from, a), append(x.to, b)
	}
	return x, nil
}

// number says whether the recorded message of that number counts.
func (x *steps) number(n int) bool {
	for i := range x.from {
		if x.from[i] <= n && n <= x.to[i] {
			return true
		}
	}
	return false
}

// method says whether a message counts by its method: of a fault, the one that it
// answers.
func (x *steps) method(s *cwmp.Session, m *cwmp.Message) bool {
	name := strings.TrimSuffix(m.RPC, "Response")
	if m.Kind == cwmp.Fault {
		for _, t := range s.Transactions {
			if t.Response == m {
				name = t.Request.RPC
			}
		}
	}
	return slices.Contains(x.methods, name)
}

// take takes the steps out of a result that don't count. What is extra counts with
// the recorded message before it.
func (x *steps) take(r *diff.Result, recorded, played *cwmp.Session) {
	at := 0
	counts := map[int]bool{} // messages that were played, by number
	r.Steps = slices.DeleteFunc(r.Steps, func(s diff.Step) bool {
		counted := false
		if s.Recorded != nil {
			at = s.Recorded.N
			counted = x.method(recorded, s.Recorded)
		} else {
			counted = x.method(played, s.Played)
		}
		counted = counted || x.number(at)
		if s.Played != nil {
			counts[s.Played.N] = counted
		}
		return !counted
	})
	r.Fresh = slices.DeleteFunc(r.Fresh, func(f check.Finding) bool { return f.At.N > 0 && !counts[f.At.N] })
}
