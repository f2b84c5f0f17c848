package cwmp

import (
	"strconv"
	"strings"

	"informant/decode/soap"
)

func itoa(n int) string { return strconv.Itoa(n) }

// leastItem is the fewest bytes that an item of a list takes: <a/>.
const leastItem = 4

// open keeps how a list is written, and makes room for what it declares.
func (d *decoder) open(a Array) {
	info := a.Info()
	*info = ArrayInfo{Present: true, Declared: -1, At: d.At()}
	if v, at, ok := d.ArrayType(); ok {
		info.ArrayType, info.TypeAt = v, at
		info.Declared = declared(v)
	}
	if n := min(info.Declared, d.Left()/leastItem, 1<<16); n > 0 {
		a.grow(n)
	}
}

// declared is the n of "type[n]", -1 when there is none.
func declared(arrayType string) int {
	i := strings.LastIndexByte(arrayType, '[')
	if i < 0 {
		return -1
	}
	n, _, ok := strings.Cut(arrayType[i+1:], "]")
	v, err := strconv.ParseUint(strings.TrimSpace(n), 10, 31)
	if !ok || err != nil {
		return -1
	}
	return int(v)
}

// list reads a SOAP array. The names of its items say nothing (reference 7).
func (d *decoder) list(a Array, name string) {
	d.open(a)
	d.path = append(d.path, pathStep{name: name})
	d.items(a, 0)
	d.path = d.path[:len(d.path)-1]
	a.Info().At.End = d.At().End
}

// items reads the children of the current element into a, from the item of
// that ordinal on.
func (d *decoder) items(a Array, n int) {
	for depth := d.Depth(); ; {
		switch d.Next() {
		case soap.Start:
			d.namespace()
			n++
			d.item(a, n)
			continue
		case soap.CharData:
			d.textInList(a)
			continue
		case soap.End:
			if d.Depth() >= depth {
				continue
			}
		}
		return
	}
}

// textInList keeps character data that stands in a list.
func (d *decoder) textInList(a Array) {
	at, text := d.At(), d.Text()
	d.note(NotArray, at, text)
	if v, ok := a.add().(*Leaf); ok {
		*v = Leaf{Value: text, Start: int32(at.Start), End: int32(at.End), Present: true, Untyped: true}
	}
}

// item reads item n, whose Start is the current token.
func (d *decoder) item(a Array, n int) {
	name := d.Local()
	switch v := a.add().(type) {
	case *Leaf:
		d.leaf(v, name)
	case Struct:
		d.path = append(d.path, pathStep{name, n})
		d.structure(v)
		d.path = d.path[:len(d.path)-1]
	}
}

// repeated reads an element that the schema repeats.
func (d *decoder) repeated(a Array, name string) {
	info := a.Info()
	if !info.Present {
		d.open(a)
	}
	d.item(a, a.Len()+1)
	info.At.End = d.At().End
}
