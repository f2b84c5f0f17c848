package check

import (
	"hash/maphash"
	"math"
	"math/bits"
	"slices"
	"strings"

	"informant/decode/cwmp"
)

// ending is what the last node of a name tells, whatever it is in.
type ending struct {
	facts facts
	most  uint16 // a longer value may be too long for its data model
	hash  uint16
	marks marks
	n     uint8
	text  [longestEnding]byte
}

// marks are the kinds of parameters that checks look for, by the last node of their names.
type marks uint8

const (
	guarded    marks = 1 << iota // may be a secret
	paced                        // PeriodicInformInterval
	counted                      // a NumberOfEntries
	identifies                   // of those in DeviceInfo that DeviceId has too
	outside                      // ExternalIPAddress
)

// noLimit is the most of an ending whose values have no greatest length.
const noLimit = math.MaxUint16

// anyEnding is what one may be that isn't known.
var anyEnding = ending{most: shortest, marks: guarded | paced | counted | identifies | outside}

// marked is a parameter of a message with its marks.
type marked struct {
	at    int // in its list
	marks marks
}

// endings keeps the endings that were met, by their hash: devices have a few hundred of
// them, and tell them over and over.
type endings [1 << endingBits]ending

const (
	endingBits    = 11
	longestEnding = 50
)

// endingHash is a number below 1 << endingBits.
func endingHash(s string) uint16 {
	n := len(s)
	if n < 4 {
		return uint16(n)
	}
	first := uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
	e := s[n-4:]
	last := uint32(e[0]) | uint32(e[1])<<8 | uint32(e[2])<<16 | uint32(e[3])<<24
	return uint16((uint64(first)<<32 | uint64(last^uint32(n)<<24)) * 0x9e3779b97f4a7c15 >> (64 - endingBits))
}

// set makes l the ending of a text that obeys the grammar and has no dot.
func (l *ending) set(text string, hash uint16) {
	*l = ending{most: noLimit, hash: hash}
	l.facts = vendorFacts(text)
	if digits(text) || cwmp.IsSecret(text) { // of an instance the node before it tells
		l.marks |= guarded
	}
	switch {
	case text == "PeriodicInformInterval":
		l.marks |= paced
	case strings.HasSuffix(text, "NumberOfEntries"):
		l.marks |= counted
	case text == "Manufacturer", text == "ManufacturerOUI", text == "ProductClass", text == "SerialNumber":
		l.marks |= identifies
	case text == "ExternalIPAddress":
		l.marks |= outside
	}
	if most, ok := leastLengths[text]; ok {
		l.most = most
	}
}

// of is the ending of a text that obeys the grammar and has no dot; it is valid until the
// next call.
func (k *endings) of(text string) *ending {
	h := endingHash(text)
	l := &k[h]
	if string(l.text[:l.n]) == text {
		return l
	}
	l.set(text, h)
	if l.n = uint8(copy(l.text[:], text)); int(l.n) < len(text) { // not the whole text: it is not known again
		l.n = 0
	}
	return l
}

// nameReader reads the names of a list, most of which are in the same object as the one
// before them.
type nameReader struct {
	known  *endings
	object string // that the name before is in, with its dot; it obeys the grammar
	turn   int    // how often that changed
}

// read tells what is odd about a name, and what its last node tells. That is nil where
// the name may not obey the grammar, or not be a parameter's.
func (r *nameReader) read(name string) (facts, *ending) {
	if l := r.met(name); l != nil {
		return l.facts, l
	}
	f, last := r.plain(name)
	if last == "" {
		return f, nil
	}
	return f, r.known.of(last)
}

// facts is what is odd about a name.
func (r *nameReader) facts(name string) facts {
	if l := r.met(name); l != nil {
		return l.facts
	}
	f, _ := r.plain(name)
	return f
}

// met is the ending of a name in the object of the name before, if it is known.
func (r *nameReader) met(name string) *ending {
	if n := len(r.object); len(name) > n && len(name) <= longestName && name[:n] == r.object {
		if l := &r.known[endingHash(name[n:])]; string(l.text[:l.n]) == name[n:] {
			return l
		}
	}
	return nil
}

// plain is what is odd about a name, and its last node, "" where that is none of a
// parameter's. What it has in common with the object at hand is not looked at again.
func (r *nameReader) plain(name string) (f facts, last string) {
	in := r.object
	for in != "" && !strings.HasPrefix(name, in) {
		in = in[:strings.LastIndexByte(in[:len(in)-1], '.')+1]
	}
	rest := name[len(in):]
	chars, ok := plainName(rest)
	if !ok || len(name) > longestName {
		return oddName | partial | long | vendorNames, ""
	}
	if chars&underscore != 0 {
		f = vendorFacts(rest)
	}
	end := strings.LastIndexByte(rest, '.') + 1
	if end > 0 || len(in) < len(r.object) {
		r.object = name[:len(in)+end]
		r.turn++
	}
	if end == len(rest) {
		return f | partial, ""
	}
	return f, rest[end:]
}

// vendorFacts tells whether a name has a node that is a vendor's, and may not be named as
// one.
func vendorFacts(name string) facts {
	for rest := name; ; {
		i := strings.Index(rest, "X_")
		if i < 0 {
			return 0
		}
		node, after, _ := strings.Cut(rest[i:], ".")
		if (i == 0 || rest[i-1] == '.') && !vendorNode(node) {
			return vendorNames
		}
		rest = after
	}
}

// longestName is how long a name may be (TR-106a7 3.1).
const longestName = 256

// nameReader is one for the names of a list.
func (p *Pass) nameReader() nameReader {
	if p.endings == nil {
		p.endings = new(endings)
	}
	return nameReader{known: p.endings}
}

// pathFacts is what is odd about the name of a parameter or an object.
func (p *Pass) pathFacts(name string) facts {
	r := p.nameReader()
	return r.facts(name) &^ partial
}

// What a byte may be in a name.
const (
	letter = 1 << iota
	digit
	dash
	underscore // a letter, too
)

var inName = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			t[c] = letter
		case c == '_':
			t[c] = letter | underscore
		case c >= '0' && c <= '9':
			t[c] = digit
		case c == '-':
			t[c] = dash
		}
	}
	return t
}()

// plainName says whether a name obeys the grammar beyond doubt, and what is in it then: it
// is what most names are, and those of which it is not sure go to nameProblem.
func plainName(s string) (chars uint8, ok bool) {
	if len(s) > longestName {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		c := inName[s[i]]
		switch {
		case c&letter != 0:
			for chars |= c; i+1 < len(s) && inName[s[i+1]] != 0; i++ {
				chars |= inName[s[i+1]]
			}
		case c == digit:
			for i+1 < len(s) && inName[s[i+1]] == digit {
				i++
			}
		default:
			return 0, false
		}
		if i++; i < len(s) && s[i] != '.' {
			return 0, false
		}
	}
	return chars, true
}

// repeats tells whether a name may be in a list twice. Names come object by object, and
// so mostly it need only know whether an ending comes again in its object, or an object when
// others came between.
type repeats struct {
	run    uint32                  // the object that is at hand, counted over all lists
	begin  int                     // its first name in the list
	turn   int                     // the nameReader's
	in     [1 << endingBits]uint32 // by the hash of an ending: the run in which it came last
	few    [16]uint64              // hashes of the objects, while there are few
	n      int
	table  []uint64 // of all of them, then
	length int      // of the list
}

// start makes it ready for another list.
func (r *repeats) start(length int) {
	const many = 1 << 16
	if len(r.table) > many {
		r.table = nil
	}
	r.n, r.turn, r.length = 0, -1, length
}

// seen takes the i-th name of the list, after the reader has read it.
func (r *repeats) seen(list []cwmp.ParameterValueStruct, i int, by *nameReader, l *ending) bool {
	if by.turn != r.turn {
		r.turn, r.begin = by.turn, i
		if r.run++; r.run == 0 {
			r.run = 1
			clear(r.in[:])
		}
		if r.object(by.object) {
			return true
		}
	}
	if was := &r.in[l.hash]; *was != r.run {
		*was = r.run
		return false
	}
	const far = 64
	if i-r.begin > far {
		return true
	}
	return indexOf(list[r.begin:i], list[i].Name.Value) >= 0
}

// object says whether an object may have been there before.
func (r *repeats) object(name string) bool {
	h := maphash.String(nameSeed, name) | 1 // 0 is an empty place
	if r.n < len(r.few) {
		if slices.Contains(r.few[:r.n], h) {
			return true
		}
		r.few[r.n] = h
		r.n++
		return false
	}
	if r.n == len(r.few) {
		size := 1 << bits.Len(uint(2*r.length))
		r.table = slices.Grow(r.table[:0], size)[:size]
		clear(r.table)
		for _, x := range r.few {
			r.put(x)
		}
	}
	r.n++
	return r.put(h)
}

// put adds a hash to the table, and says whether it was there.
func (r *repeats) put(h uint64) bool {
	at := int(h>>32) & (len(r.table) - 1)
	for r.table[at] != 0 && r.table[at] != h {
		at = (at + 1) & (len(r.table) - 1)
	}
	was := r.table[at] == h
	r.table[at] = h
	return was
}

// nameSeed is one of many: what is found doesn't depend on it.
var nameSeed = maphash.MakeSeed()
