package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"informant/decode"
	"informant/decode/check"
	"informant/decode/transcript"
)

// sarif writes a SARIF 2.1.0 log (OASIS): the catalogue as rules, each finding
// as a result with a logical location, since a message of a session has no line.
type sarif struct {
	spool
	index map[*check.Check]int
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifRule struct {
	ID               string            `json:"id"`
	Name             string            `json:"name"`
	ShortDescription sarifText         `json:"shortDescription"`
	FullDescription  sarifText         `json:"fullDescription"`
	Help             sarifText         `json:"help"`
	Default          map[string]string `json:"defaultConfiguration"`
	Properties       map[string]any    `json:"properties"`
}

type sarifResult struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      sarifText         `json:"message"`
	Locations    []sarifLocation   `json:"locations"`
	Fingerprints map[string]string `json:"partialFingerprints"`
	Properties   map[string]any    `json:"properties"`
}

type sarifLocation struct {
	Physical *sarifPhysical `json:"physicalLocation,omitempty"`
	Logical  []sarifLogical `json:"logicalLocations"`
}

type sarifPhysical struct {
	Artifact struct {
		URI string `json:"uri"`
	} `json:"artifactLocation"`
}

type sarifLogical struct {
	Name string `json:"name"`
	Full string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

// level is SARIF's word for a severity.
func level(s check.Severity) string { return [...]string{"note", "warning", "error"}[s] }

func newSarif() *sarif {
	s := &sarif{index: make(map[*check.Check]int, len(check.All))}
	for i, c := range check.All {
		s.index[c] = i
	}
	return s
}

// head is everything before the results.
func (s *sarif) head() []byte {
	rules := make([]sarifRule, len(check.All))
	for i, c := range check.All {
		rules[i] = sarifRule{
			ID: c.ID, Name: strings.ReplaceAll(c.ID, "-", ""),
			ShortDescription: sarifText{c.Title},
			FullDescription:  sarifText{c.Title + " (" + c.Ref + ")"},
			Help:             sarifText{strings.TrimSpace(c.Doc + "\n\nReference: " + c.Ref + "\n\n'informant rules " + c.ID + "' shows an example.")},
			Default:          map[string]string{"level": level(c.Severity)},
			Properties:       map[string]any{"reference": c.Ref, "tags": []string{"cwmp", "tr-069"}},
		}
	}
	list, _ := json.Marshal(rules)
	var b []byte
	b = append(b, `{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{"tool":{"driver":{"name":"informant","rules":`...)
	b = append(b, list...)
	return append(b, "}},\n\"results\":["...)
}

// Append appends the results of an item.
func (s *sarif) Append(dst []byte, it decode.Item) []byte {
	for _, f := range findingsOf(it) {
		dst = append(dst, s.result(it, f)...)
		dst = append(dst, resultEnd...)
	}
	return dst
}

// resultEnd follows each result; the last one loses it.
const resultEnd = ",\n"

// Finish writes the whole log.
func (s *sarif) Finish(w io.Writer, _ decode.Totals) error {
	if _, err := w.Write(s.head()); err != nil {
		return err
	}
	if err := s.copy(w, max(0, s.size-int64(len(resultEnd)))); err != nil {
		return err
	}
	_, err := io.WriteString(w, "]}]}\n")
	return err
}

func (s *sarif) result(it decode.Item, f *check.Finding) []byte {
	r := sarifResult{
		RuleID: f.Check.ID, RuleIndex: s.index[f.Check], Level: level(f.Severity),
		Message:      sarifText{transcript.Safe(said(it, f))},
		Fingerprints: map[string]string{"informant/v1": fingerprint(it, f)},
		Properties:   map[string]any{"party": f.Party.String()},
	}
	if f.At.Packet > 0 {
		r.Properties["packet"] = f.At.Packet
	}
	if f.At.Offset >= 0 {
		r.Properties["offset"] = f.At.Offset
	}
	l := sarifLocation{Logical: []sarifLogical{logical(it, f)}}
	if p := pointOf(it); p != "-" {
		l.Physical = &sarifPhysical{}
		l.Physical.Artifact.URI = artifactURI(p)
	}
	r.Locations = []sarifLocation{l}
	b, _ := json.Marshal(r)
	return b
}

// artifactURI is the name of a file as a URI reference (SARIF 2.1.0, 3.4.3): what
// has a meaning in URIs or isn't ASCII is escaped, and an absolute name is a
// file: URI.
func artifactURI(name string) string {
	u := url.URL{Path: filepath.ToSlash(name)}
	if filepath.IsAbs(name) {
		u.Scheme = "file"
		if !strings.HasPrefix(u.Path, "/") { // C:/dir/file
			u.Path = "/" + u.Path
		}
	}
	return u.String()
}

// logical is where a finding stands: session, message, path in the envelope.
func logical(it decode.Item, f *check.Finding) sarifLogical {
	l := sarifLogical{Name: transcript.Safe(subjectName(it)), Kind: "object"}
	if s := it.Session; s != nil {
		l.Full = fmt.Sprintf("session/%x", s.ID)
		l.Kind = "module"
	} else {
		l.Full = subjects[f.Subject]
	}
	if f.At.N > 0 {
		l.Name = fmt.Sprintf("message %d", f.At.N)
		l.Full += fmt.Sprintf("/message/%d", f.At.N)
		l.Kind = "member"
	}
	if f.At.Path != "" {
		l.Full += "/" + transcript.Safe(strings.TrimPrefix(f.At.Path, "/"))
		l.Kind = "element"
	}
	return l
}

// fingerprint is the same for the same finding in every copy of a capture.
func fingerprint(it decode.Item, f *check.Finding) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%x\n%d\n%s\n", f.Check.ID, f.At.Session, f.At.N, f.At.Path)
	if it.Session == nil {
		if c := connOf(it); c != nil {
			h.Write(c.Identity[:])
		}
		fmt.Fprintf(h, "%d", it.Time.UnixNano())
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:16])
}
