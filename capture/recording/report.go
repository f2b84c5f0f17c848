package recording

import (
	"fmt"
	"strings"
)

// VerifyOptions say what a sealed recording is held against, beside itself.
type VerifyOptions struct {
	// Keys are the keys that may have signed it. Where there are any, a recording
	// that none of them signed is a problem.
	Keys []PublicKey
	// Receipt, where set, is what was kept of the recording elsewhere.
	Receipt *Receipt
	Dicts   []*Dict // more dictionaries that it may name
	// Progress, where set, is told now and then how far it is.
	Progress func(done, size int64)
}

// Signed is what is known of a recording's signature.
type Signed int

// What may be known of a signature.
const (
	Unsigned       Signed = iota // there is none
	SignedUnknown                // by a key that was not given: it proves nothing
	SignedRight                  // by one of the keys
	SignatureWrong               // it names one of the keys, and is not of it
)

func (s Signed) String() string {
	return [...]string{"unsigned", "signed by an unknown key", "signed", "signature wrong"}[s]
}

// Change is in what way something differs from what was sealed.
type Change int

// The ways in which something may differ.
const (
	Altered Change = iota
	Missing
	Added
	Moved // it is there, elsewhere
)

func (c Change) String() string { return [...]string{"altered", "missing", "added", "moved"}[c] }

// Problem is something that is not as it was sealed.
type Problem struct {
	Change Change
	// Part is what differs: "HEAD", "DICT", "frame", "index", "TAIL", "root",
	// "signature" or "receipt".
	Part         string
	Offset, Size int64    // in the file; what is missing: where it was
	Groups       []uint64 // that are concerned, as far as is known
	Sessions     []Entry  // whose groups these are, as far as the index knows, without Groups
	Text         string   // what was found, in a few words
}

// String is the problem in one line.
func (p Problem) String() string {
	s := p.Part + " " + p.Change.String()
	if p.Size > 0 {
		s += fmt.Sprintf(", %d bytes at offset %d", p.Size, p.Offset)
	}
	if len(p.Groups) > 0 {
		s += ", " + groupNames(p.Groups)
	}
	if p.Text != "" {
		s += ": " + p.Text
	}
	var names []string
	for i, e := range p.Sessions {
		if i == 3 {
			names = append(names, fmt.Sprintf("%d more", len(p.Sessions)-i))
			break
		}
		names = append(names, strings.TrimSpace(fmt.Sprintf("%x %s", e.ID, e.Device)))
	}
	if len(names) > 0 {
		s += " (session " + strings.Join(names, ", ") + ")"
	}
	return s
}

// Report is what Verify found.
type Report struct {
	Header    Header // zero where it could not be read
	Statement Statement
	Signature Signed
	Key       string    // of the signature, as minisign prints it
	Groups    uint64    // that are as they were sealed
	Problems  []Problem // in the order of the file
	More      int       // problems beyond the ten thousand that are listed
}

// OK says that the recording is what was sealed, and what it was held against.
func (r Report) OK() bool { return len(r.Problems) == 0 }

const maxProblems = 10_000

func (r *Report) add(p Problem) {
	if len(r.Problems) == maxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, p)
}
