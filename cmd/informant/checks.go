package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"informant/decode"
	"informant/decode/check"
	"informant/decode/transcript"
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
		if err := ownProfile(profile, &o, &c); err != nil {
			return o, c, err
		}
	}
	silent := c.only
	if len(only) > 0 {
		c.only = nil
	}
	for _, id := range only {
		found := false
		for _, k := range check.All {
			if strings.EqualFold(k.ID, id) || strings.EqualFold(check.Family(k.ID), id) {
				if c.only == nil {
					c.only = make(map[string]bool)
				}
				c.only[k.ID], found = silent == nil || silent[k.ID], true
			}
		}
		if !found {
			return o, c, unknownCheck(id)
		}
	}
	return o, c, nil
}

// ownProfile reads a profile from a YAML file.
func ownProfile(name string, o *decode.Options, c *selection) error {
	b, err := os.ReadFile(name)
	if err != nil {
		if !strings.ContainsAny(name, "./\\") { // meant as one of ours
			return oneOf("checks", name, "strict", "field", "none")
		}
		return fmt.Errorf("--checks %s: %w", transcript.Safe(name), bare(err))
	}
	var p struct {
		Profile  string            `yaml:"profile"`
		Severity map[string]string `yaml:"severity"`
		Secrets  map[string]string `yaml:"secrets"`
		New      bool              `yaml:"new-devices"`
		JIDs     []string          `yaml:"allowed-jids"`
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&p); err != nil && !errors.Is(err, io.EOF) {
		return usageError{fmt.Errorf("--checks %s: %w", transcript.Safe(name), err)}
	}
	switch p.Profile {
	case "", "strict":
	case "field":
		o.Check.Profile = check.Field
	default:
		return usageError{fmt.Errorf("--checks %s: profile %q is neither strict nor field", transcript.Safe(name), p.Profile)}
	}
	o.Check.Secrets, o.Check.NewDevices, o.Check.AllowedJIDs = p.Secrets, p.New, p.JIDs
	o.Check.Own = map[string]check.Severity{}
	silent := map[string]bool{}
	// Families first: what is said of one check counts more.
	for _, whole := range []bool{true, false} {
		for id, text := range p.Severity {
			if strings.Contains(id, "-") == whole {
				continue
			}
			if err := ownSeverity(o, silent, id, text); err != nil {
				return usageError{fmt.Errorf("--checks %s: %w", transcript.Safe(name), err)}
			}
		}
	}
	if len(silent) > 0 {
		c.only = map[string]bool{}
		for _, k := range check.All {
			c.only[k.ID] = !silent[k.ID]
		}
	}
	return nil
}

// ownSeverity sets the severity of a check, or of a family.
func ownSeverity(o *decode.Options, silent map[string]bool, id, text string) error {
	found := false
	for _, k := range check.All {
		if !strings.EqualFold(k.ID, id) && !strings.EqualFold(check.Family(k.ID), id) {
			continue
		}
		found = true
		delete(silent, k.ID)
		delete(o.Check.Own, k.ID)
		switch text {
		case "off", "false": // YAML reads a plain off as false in some versions
			silent[k.ID] = true
		case "error":
			o.Check.Own[k.ID] = check.Error
		case "warning":
			o.Check.Own[k.ID] = check.Warning
		case "info":
			o.Check.Own[k.ID] = check.Info
		default:
			return fmt.Errorf("%s: %q is none of error, warning, info and off", id, text)
		}
	}
	if !found {
		return unknownCheck(id)
	}
	return nil
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
