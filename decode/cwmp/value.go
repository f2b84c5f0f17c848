package cwmp

import (
	"strconv"
	"strings"
	"time"

	"informant/decode/soap"
)

// Type is the lexical type that a schema gives to a leaf (reference 7).
type Type uint8

// The types.
const (
	String Type = iota
	Int
	UnsignedInt
	Boolean
	DateTime
	Base64
	AnyURI
	UUID
	Any // anySimpleType: Leaf.XSIType tells
)

func (t Type) String() string {
	return [...]string{"string", "int", "unsignedInt", "boolean", "dateTime", "base64", "anyURI", "UUID", "anySimpleType"}[t]
}

// Leaf is a simple argument as it stood on the wire. Value is lexical: nothing
// was converted, entities are resolved, outer white space is kept.
type Leaf struct {
	Value   string
	XSIType string // the xsi:type attribute as written, "" when absent
	// Start and End are the span of the content in the Document's Text;
	// Start is the offset of the element itself when it is self-closed.
	Start, End int32
	Present    bool // the element was there, even if empty
	Untyped    bool // no xsi:type attribute at all (not even an empty one)
	Nested     bool // it had element children, which a leaf must not have
}

// At is the span of the leaf's content.
func (l *Leaf) At() soap.Span { return soap.Span{Start: int(l.Start), End: int(l.End)} }

// Int reads an xsd:int.
func (l *Leaf) Int() (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimPrefix(strings.TrimSpace(l.Value), "+"), 10, 64)
	return n, err == nil && l.Present
}

// Uint reads an xsd:unsignedInt or unsignedLong.
func (l *Leaf) Uint() (uint64, bool) {
	n, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimSpace(l.Value), "+"), 10, 64)
	return n, err == nil && l.Present
}

// Bool reads an xsd:boolean: "0", "1", "true", "false", and, as devices write
// it, those words in any case (reference 9.1 no. 15).
func (l *Leaf) Bool() (value, ok bool) {
	switch strings.ToLower(strings.TrimSpace(l.Value)) {
	case "1", "true":
		return true, l.Present
	case "0", "false":
		return false, l.Present
	}
	return false, false
}

// Time reads an xsd:dateTime. zone is false when it carried neither Z nor an
// offset; the time is then given in UTC.
func (l *Leaf) Time() (t time.Time, zone, ok bool) {
	v := strings.TrimSpace(l.Value)
	if zoned(v) {
		if t, err := time.Parse("2006-01-02T15:04:05Z07:00", v); err == nil {
			return t, true, l.Present
		}
	}
	if t, err := time.Parse("2006-01-02T15:04:05", v); err == nil {
		return t, false, l.Present
	}
	return time.Time{}, false, false
}

// zoned says whether a time ends as one with a zone does.
func zoned(v string) bool {
	if n := len(v) - len("+07:00"); n >= 0 && (v[n] == '+' || v[n] == '-') {
		return true
	}
	return strings.HasSuffix(v, "Z")
}

// UnknownTime is the dateTime that stands for "not known" (TR-106 section 3.2.1).
const UnknownTime = "0001-01-01T00:00:00Z"

// Value is an argument: *Leaf, a Struct, or an Array.
type Value any

// Struct is an argument or message with members of its own.
type Struct interface {
	// Members lists the members in the order of the schema, with pointers
	// into the struct.
	Members() []Member
}

// Member is one member of a Struct.
type Member struct {
	Name     string
	Value    Value
	Type     Type // of a leaf, or of a list's leaves
	Max      int  // longest permitted string in characters, 0 without limit
	Optional bool // may be absent
	// ItemType is the item type of an Array as its arrayType must have it:
	// "xsd:string" or "cwmp:ParameterValueStruct".
	ItemType string
	// Repeated: an Array whose element the schema repeats in its parent,
	// without a SOAP array around (DU operations and results).
	Repeated bool
}

// Array is a list of values.
type Array interface {
	Len() int
	Item(i int) Value // *Leaf or Struct, a pointer into the list
	// Info tells how the list was written.
	Info() *ArrayInfo
	add() Value    // appends a zero item
	grow(n int)    // makes room for n items
	probe() Struct // a zero item that is in no list; nil when items are leaves
}

// ArrayInfo is how a list was written.
type ArrayInfo struct {
	Present   bool
	ArrayType string    // the attribute's value as written, "" when absent
	TypeAt    soap.Span // of the attribute's value
	Declared  int       // the n of arrayType's [n], -1 when absent or no number
	At        soap.Span // of the element
}

// List is the Array of items of type T, where *T is a Struct or T is Leaf.
type List[T any] struct {
	Items []T
	ArrayInfo
}

// Len is the number of items.
func (l *List[T]) Len() int { return len(l.Items) }

// Item returns a pointer to item i.
func (l *List[T]) Item(i int) Value { return &l.Items[i] }

// Info tells how the list was written.
func (l *List[T]) Info() *ArrayInfo { return &l.ArrayInfo }

func (l *List[T]) add() Value {
	n := len(l.Items)
	if n == cap(l.Items) {
		l.grow(max(4, 2*n))
	}
	l.Items = l.Items[:n+1] // what grow made is zero
	return &l.Items[n]
}

func (l *List[T]) probe() Struct {
	s, _ := any(new(T)).(Struct)
	return s
}

func (l *List[T]) grow(n int) {
	if n > cap(l.Items) {
		l.Items = append(make([]T, 0, n), l.Items...)
	}
}

// Nested is a struct that is a member of another, or absent.
type Nested interface {
	Struct
	present() *Presence
}

// Presence is embedded in member structs and tells whether the element was
// there, and where.
type Presence struct {
	start, end int32 // in the Document's Text
	Present    bool
}

// At is the span of the element in the Document's Text.
func (p *Presence) At() soap.Span { return soap.Span{Start: int(p.start), End: int(p.end)} }

func (p *Presence) present() *Presence { return p }

// set says that the element was there.
func (p *Presence) set(at soap.Span) {
	*p = Presence{start: int32(at.Start), end: int32(at.End), Present: true}
}
