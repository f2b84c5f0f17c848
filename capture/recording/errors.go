package recording

import "errors"

var (
	// ErrVersion is wrapped by errors that say that a recording, or a block of it
	// that is needed to understand the rest, is of a version that this reader
	// does not know. It is not damage: a newer reader can read it.
	ErrVersion = errors.New("a newer version is needed to read this recording")
	// ErrDictionary is wrapped by errors that say that a recording was compressed
	// with a dictionary that is neither in it nor known here.
	ErrDictionary = errors.New("the dictionary of this recording is missing")
	// ErrLocked is wrapped by errors that say that another process writes or
	// seals the file.
	ErrLocked = errors.New("the recording is in use by another process")
	// ErrNotSealed is wrapped by errors that say that a recording has no index,
	// since it was not sealed or its end is missing.
	ErrNotSealed = errors.New("the recording is not sealed")
)
