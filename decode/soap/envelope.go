package soap

import "sync/atomic"

// The namespaces of SOAP 1.1 and XML Schema (reference 1.2).
const (
	EnvelopeNS   = "http://schemas.xmlsoap.org/soap/envelope/"
	EncodingNS   = "http://schemas.xmlsoap.org/soap/encoding/"
	Envelope12NS = "http://www.w3.org/2003/05/soap-envelope"
	SchemaNS     = "http://www.w3.org/2001/XMLSchema"
	InstanceNS   = "http://www.w3.org/2001/XMLSchema-instance"
)

// Span is a half-open range of bytes in Document.Text.
type Span struct{ Start, End int }

// Name is a qualified name, resolved.
type Name struct {
	Prefix string // as written
	Local  string
	Space  string // the namespace it resolves to; "" when it has none or its prefix is not declared
}

// Document is what was read of one body: the envelope around the methods, and
// everything about it that is not as XML and SOAP 1.1 have it. Positions count
// in Text; Origin maps them back to the body.
type Document struct {
	Text    string // the body after the pre-pass; the body itself where the pre-pass had nothing to do
	Charset string // the effective one, lower case: "utf-8", "iso-8859-1", …

	Declaration bool // starts with an XML declaration
	HasEnvelope bool // a root element named Envelope was found, whatever its namespace
	HasHeader   bool
	reused      uint32 // how often it was made empty: it is another document each time
	Bodies      int32  // how many Body elements
	Envelopes   int32  // how many root elements named Envelope; more than one is one message each in Methods
	Envelope    Element
	EncodingNS  string // the namespace that arrayType attributes are in; "" when none was seen

	Header  []Block
	Methods []Method // the element children of all Bodies, in order
	Quirks  []Quirk  // in the order of At

	header [1]Block // room for what most have one of
	method [1]Method
	paths  atomic.Pointer[pathIndex] // made by the first PathAt, or where Text is not just the body
}

// Empty makes d as new, so that its memory can be used again. Nobody else may
// know it.
func (d *Document) Empty() { *d = Document{reused: d.reused + 1} }

// Element is the start of an element.
type Element struct {
	Name Name
	Attr []Attr
	At   Span // from '<' of its start tag to the end of its end tag; where that is missing, to where reading ended
}

// Attr is an attribute.
type Attr struct {
	Name  Name
	Value string
	At    Span // of the value, without the quotes
}

// Block is one header block (reference 1.3).
type Block struct {
	Element
	Envelope         int     // which Envelope it stands in, counted from 0
	Value            string  // its character data, outer white space kept
	Content          Span    // of its content
	Children         []*Node // child elements, which the blocks of CWMP have none of
	MustUnderstand   string  // the attribute's value, "" when absent
	MustUnderstandNS string  // the namespace the attribute is in
}

// Method is an element child of Body: a method or a Fault.
type Method struct {
	Element
	Envelope int // which Envelope it stands in, counted from 0
}

// Node is an element kept as a tree: vendor RPCs, unknown arguments, a
// Fault's odd parts.
type Node struct {
	Name     Name
	Attr     []Attr
	Text     string // character data of the element itself, entities resolved
	Children []*Node
	At       Span
}

// Quirk is something about a body that is not as XML 1.0 or SOAP 1.1 have it.
type Quirk struct {
	Kind QuirkKind
	At   Span   // in Document.Text
	Text string // what is wrong, in a few words; may quote the body
}

// QuirkKind tells quirks apart. Behind each stands the check it serves.
type QuirkKind uint8

// The quirks.
const (
	Malformed       QuirkKind = iota + 1 // SOAP-001: not well-formed; Text says what, e.g. "end tag </b> closes <a>"
	Truncated                            // the body ends inside an element (SOAP-001 when its framing was satisfied)
	NotXML                               // no markup at all: nothing could be read
	ForbiddenChar                        // SOAP-009: raw or as a reference; replaced by U+FFFD in Text
	BadCharset                           // SOAP-010: bytes not valid in the effective charset
	CharsetMismatch                      // SOAP-011: header and declaration differ
	CharsetOther                         // HTTP-005: effective charset is not UTF-8
	RawNonASCII                          // SOAP-012: a byte >= 0x7F raw in the text, or 0x0D in that of a leaf; noted once
	Undeclared                           // SOAP-008: prefix in element, attribute or QName value; once per prefix
	WrongRoot                            // SOAP-002: the root is no SOAP 1.1 Envelope
	BodyStructure                        // SOAP-003: no Body, several, several Headers, or Header after Body
	NoDeclaration                        // SOAP-036
	LeadingSpace                         // white space or BOM-less junk before the declaration
	ByteOrderMark                        // stripped
	Doctype                              // SOAP-039: DOCTYPE, entity, processing instruction; never expanded
	TrailingContent                      // SOAP-040: content after the root element, NUL padding
	TwoColons                            // a name with two colons, read by its last two parts (FLT-023 when it is Body:Fault)
	UnknownEntity                        // &foo; kept as written
	BareAmpersand                        // & that begins no reference
	UnquotedAttr                         // attribute value without quotes
	DuplicateAttr                        // the same attribute twice
	TooDeep                              // nesting over the limit; below it nothing was read
	TooManyElements                      // over the limit
	Version11                            // <?xml version="1.1"?>
	EmptyHeader                          // SOAP-042
)
