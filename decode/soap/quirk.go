package soap

import (
	"slices"
	"strconv"
	"unicode/utf8"
)

// maxQuirks is how many quirks of one kind are kept of one body. Where there
// are more, the last one's text says how many.
const maxQuirks = 64

const quirkKinds = int(EmptyHeader) + 1

// quirks collects the quirks of a body, bounded.
type quirks struct {
	list  []Quirk
	count [quirkKinds]int32
	noted int // how many there were, also of those that were only counted
}

// note adds a quirk.
func (q *quirks) note(kind QuirkKind, start, end int, text string) {
	q.count[kind]++
	q.noted++
	if q.count[kind] <= maxQuirks {
		q.list = append(q.list, Quirk{Kind: kind, At: Span{start, end}, Text: text})
	}
}

// full tells whether another quirk of the kind would only be counted, so that
// its text need not be made.
func (q *quirks) full(kind QuirkKind) bool { return q.count[kind] >= maxQuirks }

// sorted returns the quirks in the order of their positions.
func (q *quirks) sorted() []Quirk {
	for kind := range q.count {
		if over := q.count[kind] - maxQuirks; over > 0 {
			q.last(QuirkKind(kind)).Text += " (and " + strconv.Itoa(int(over)) + " more)"
		}
	}
	slices.SortStableFunc(q.list, func(a, b Quirk) int { return a.At.Start - b.At.Start })
	return q.list
}

func (q *quirks) last(kind QuirkKind) *Quirk {
	for i := len(q.list) - 1; ; i-- {
		if q.list[i].Kind == kind {
			return &q.list[i]
		}
	}
}

var quirkNames = [quirkKinds]string{
	Malformed: "malformed", Truncated: "truncated", NotXML: "no XML", ForbiddenChar: "forbidden character", BadCharset: "bad charset",
	CharsetMismatch: "charset mismatch", CharsetOther: "charset other than UTF-8", RawNonASCII: "raw non-ASCII", Undeclared: "undeclared prefix",
	WrongRoot: "wrong root", BodyStructure: "body structure", NoDeclaration: "no XML declaration", LeadingSpace: "leading space",
	ByteOrderMark: "byte order mark", Doctype: "doctype", TrailingContent: "trailing content", TwoColons: "two colons",
	UnknownEntity: "unknown entity", BareAmpersand: "bare ampersand", UnquotedAttr: "unquoted attribute", DuplicateAttr: "duplicate attribute",
	TooDeep: "too deep", TooManyElements: "too many elements", Version11: "XML 1.1", EmptyHeader: "empty header",
}

func (k QuirkKind) String() string { return quirkNames[k] }

// quote is s for a quirk's text, shortened, and as a Go string literal, so that
// whatever the body holds the text can be shown.
func quote(s string) string {
	const most = 40
	if len(s) > most {
		return strconv.Quote(s[:whole(s, most)]) + "…"
	}
	return strconv.Quote(s)
}

// short is a name for a quirk's text, shortened, and escaped as in quote.
func short(name string) string {
	const most = 60
	end := ""
	if len(name) > most {
		name, end = name[:whole(name, most)], "…"
	}
	if q := strconv.Quote(name); len(q) != len(name)+2 {
		name = q[1 : len(q)-1]
	}
	return name + end
}

// whole is the length of at most n bytes of s that cuts no character in two.
func whole(s string, n int) int {
	for i := n; i > n-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return i
		}
	}
	return n
}
