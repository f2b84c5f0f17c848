package recording

import "syscall"

// clockState asks the kernel whether something keeps its clock right.
func clockState() string {
	const (
		unsynchronised = 0x40 // STA_UNSYNC
		failed         = 5    // TIME_ERROR
	)
	var t syscall.Timex
	state, err := syscall.Adjtimex(&t)
	switch {
	case err != nil:
		return "unknown"
	case state == failed || t.Status&unsynchronised != 0:
		return "unsynchronised"
	}
	return "synchronised"
}
