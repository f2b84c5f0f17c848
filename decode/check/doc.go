// Package check holds CWMP sessions against TR-069: the catalogue of rules, one
// value each in All, and the Checker that runs them over what the cwmp package
// tells.
//
// A rule is a Check: what must hold, why it matters, where it is said, how much
// its breach weighs, and what must have been observed for it to be decidable at
// all (its gates). What breaks it is a Finding, which names the party that did
// it, the message, the path in the envelope and the byte on the wire. The ids
// and statements are those of the project's CWMP reference, section 8.
//
// Three things keep findings honest. A closed gate makes a check silent: from an
// incomplete capture, or a dump that tells nothing of connections, nobody is
// accused of what was not seen. What one cause brings about is one finding: see
// suppress. And a resend is not judged again for what stands in its body.
//
// To add a check: write its Run in the file of its family, put the value in that
// family's list, and add examples/ID.txt with a session that fires it and a near
// miss that doesn't. The tests ask for both.
package check
