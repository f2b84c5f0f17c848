package capture

import "errors"

var (
	// ErrDamaged is wrapped by errors that say that an input is truncated or
	// broken: everything readable was yielded before.
	ErrDamaged = errors.New("damaged input")
	// ErrFormat is wrapped by errors that say that an input is none of the
	// formats a source reads.
	ErrFormat = errors.New("unknown format")
	// ErrEmpty is wrapped by errors that say that an input holds nothing at all.
	ErrEmpty = errors.New("empty input")
)
