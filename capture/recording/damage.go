package recording

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"informant/capture"
)

// Damage is a part of a recording that could not be read.
type Damage struct {
	Offset int64 // in the input, of the first byte
	Size   int64 // in bytes
	// Frame is which frame or block the part begins in, over all of the input,
	// counted from 1 (HEAD is 1). Damaged parts count as one.
	Frame int
	// Groups are the numbers of the groups that are missing, as far as what
	// stands around the part says so. A part at the end of an unsealed recording
	// names none: nobody knows what was in it.
	Groups []uint64
	Err    error // what is wrong
}

// Error says what is damaged and where.
func (d Damage) Error() string {
	s := fmt.Sprintf("frame %d, %d bytes at offset %d", d.Frame, d.Size, d.Offset)
	if len(d.Groups) > 0 {
		s += ", " + groupNames(d.Groups)
	}
	return s + ": " + d.Err.Error()
}

// Unwrap yields capture.ErrDamaged and what is wrong.
func (d Damage) Unwrap() []error { return []error{capture.ErrDamaged, d.Err} }

// groupNames names groups, runs of numbers as ranges.
func groupNames(numbers []uint64) string {
	var s []string
	for i := 0; i < len(numbers); {
		j := i + 1
		for j < len(numbers) && numbers[j] == numbers[j-1]+1 {
			j++
		}
		name := strconv.FormatUint(numbers[i], 10)
		if j > i+1 {
			name += "-" + strconv.FormatUint(numbers[j-1], 10)
		}
		s, i = append(s, name), j
	}
	if len(numbers) == 1 {
		return "group " + s[0]
	}
	return "groups " + strings.Join(s, ", ")
}

// ErrTorn is wrapped by the damage of a file that ends within a frame or block,
// which is what remains of a write that was broken off, or of a sealed one that
// ends without its index. Everything before is whole.
var ErrTorn = errors.New("torn: the file ends too early")

var (
	errZero    = errors.New("nothing but zeros")
	errNoFrame = errors.New("no frame begins here")
	errContent = errors.New("the content of the frame is damaged")
)
