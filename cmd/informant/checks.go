package main

import (
	"fmt"
	"sort"
	"strings"

	"informant/decode"
	"informant/decode/check"
)

// checkOptions turns --checks and --only (ids or families) into what the Decoder
// and the pipeline need. All checks run, whatever --only says: one that is not
// told may explain, and so silence, one that is.
func checkOptions(profile string, only []string) (decode.Options, selection, error) {
	var o decode.Options
	var c selection
	switch profile {
	case "strict":
		o.Check.Profile = check.Strict
	case "field":
		o.Check.Profile = check.Field
	case "none":
		o.Check.Profile, c.none = check.None, true
	default:
		return o, c, oneOf("checks", profile, "strict", "field", "none")
	}
	for _, id := range only {
		found := false
		for _, k := range check.All {
			if strings.EqualFold(k.ID, id) || strings.EqualFold(check.Family(k.ID), id) {
				if c.only == nil {
					c.only = make(map[string]bool)
				}
				c.only[k.ID], found = true, true
			}
		}
		if !found {
			return o, c, unknownCheck(id)
		}
	}
	return o, c, nil
}

// findCheck returns the check of that id, in any case; nil when there is none.
func findCheck(id string) *check.Check {
	for _, k := range check.All {
		if strings.EqualFold(k.ID, id) {
			return k
		}
	}
	return nil
}

// unknownCheck says that there is no such check, and which there are beside it.
func unknownCheck(id string) error {
	group, _, _ := strings.Cut(strings.ToUpper(id), "-")
	var near []string
	groups := map[string]bool{}
	for _, k := range check.All {
		g, _, _ := strings.Cut(k.ID, "-")
		groups[g] = true
		if g == group {
			near = append(near, k.ID)
		}
	}
	if len(near) > 0 {
		return usageError{fmt.Errorf("no check %q; of this group there are %s", id, strings.Join(near, ", "))}
	}
	var gs []string
	for g := range groups {
		gs = append(gs, g)
	}
	sort.Strings(gs)
	return usageError{fmt.Errorf("no check %q; the groups are %s ('informant rules' lists all)", id, strings.Join(gs, ", "))}
}
