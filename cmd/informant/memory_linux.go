package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"
)

// hugePages asks the kernel to back the first bytes of the heap with huge pages,
// where the system leaves that to programs: the program touches all of its memory
// over and over, and finding a page takes a good part of its time. Go's runtime
// does not ask. It is a wish: what it gives back is not looked at.
func hugePages(bytes int) {
	limit, percent := debug.SetMemoryLimit(math.MaxInt64), debug.SetGCPercent(-1) // one collection is enough
	room := make([]byte, bytes)
	_ = unix.Madvise(room, unix.MADV_HUGEPAGE)
	runtime.KeepAlive(room)
	room = nil
	runtime.GC() // which hands the addresses to whoever allocates next
	debug.SetMemoryLimit(limit)
	debug.SetGCPercent(percent)
}

// leaveBeginning lets go of what of the program's own file only its beginning needed: the
// system counts it as the program's memory. It comes back from the file by itself where it
// is needed again. What was changed in memory, as a debugger changes code, is left alone.
func leaveBeginning() {
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer maps.Close()
	own, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	var from, to uintptr // of a part of the file that can't be written to
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		line := lines.Text()
		if line != "" && strings.IndexByte("0123456789abcdef", line[0]) >= 0 { // a part begins: all else is "Name: value"
			from, to = 0, 0
			if !strings.HasSuffix(line, " "+own) {
				continue
			}
			var begin, end uintptr
			var rights string
			if n, _ := fmt.Sscanf(line, "%x-%x %s", &begin, &end, &rights); n == 3 && !strings.Contains(rights, "w") {
				from, to = begin, end
			}
			continue
		}
		if to == 0 {
			continue
		}
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "Anonymous:" && fields[1] == "0" {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED)
		}
	}
}
