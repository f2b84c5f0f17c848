package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestLeaveBeginning holds that pages of the program's file are let go, and that the
// program goes on.
func TestLeaveBeginning(t *testing.T) {
	before := ownPages(t)
	leaveBeginning()
	if after := ownPages(t); after >= before {
		t.Errorf("%d KB of the program's file before, %d KB after", before, after)
	}
}

// ownPages is how many KB of the program's file count as its memory.
func ownPages(t *testing.T) (kb int) {
	t.Helper()
	own, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	counts := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var n int
		if line := lines.Text(); strings.Contains(line, "-") && !strings.Contains(line, "kB") {
			counts = strings.HasSuffix(line, " "+own)
		} else if _, err := fmt.Sscanf(line, "Rss: %d kB", &n); err == nil && counts {
			kb += n
		}
	}
	if kb == 0 {
		t.Fatal("nothing of the program's file is in memory")
	}
	return kb
}
