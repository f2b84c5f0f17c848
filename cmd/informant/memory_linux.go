package main

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// hugePages asks the kernel to back the first bytes of the heap with huge pages,
// where the system leaves that to programs: the program touches all of its memory
// over and over, and finding a page takes a good part of its time. Go's runtime
// does not ask. It is a wish: what it gives back is not looked at.
func hugePages(bytes int) {
	room := make([]byte, bytes)
	_ = unix.Madvise(room, unix.MADV_HUGEPAGE)
	runtime.KeepAlive(room)
	room = nil
	runtime.GC() // which hands the addresses to whoever allocates next
}
