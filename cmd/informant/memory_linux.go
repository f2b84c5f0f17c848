package main

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"

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

// leaveBeginning lets go of what of the program's own code only its beginning needed: the
// system counts it as the program's memory. It comes back from the file by itself where it
// is needed again. Code alone is left, which nothing has ever changed in memory.
func leaveBeginning() {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer maps.Close()
	here := reflect.ValueOf(leaveBeginning).Pointer()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to uintptr
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x", &from, &to); n == 2 && from <= here && here < to && strings.Contains(lines.Text(), " r-xp ") {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED)
			return
		}
	}
}
