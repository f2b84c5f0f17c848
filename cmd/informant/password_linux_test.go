package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal opens a terminal: what a person types goes into keys, what is shown to
// them comes out of it.
func terminal(t *testing.T) (keys, tty *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keys.Close() })
	if err := unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return keys, tty
}

// TestPasswordTyped: a password is asked for at a terminal, where nobody sees it.
func TestPasswordTyped(t *testing.T) {
	for _, c := range []struct {
		name, typed string
		fresh       bool
		want, fails string
		prompts     int
	}{
		{"once", "s3cret\n", false, "s3cret", "", 1},
		{"twice", "s3cret\ns3cret\n", true, "s3cret", "", 2},
		{"corrected", "sx\x7f3cret\n", false, "s3cret", "", 1},
		{"differ", "s3cret\nsecret\n", true, "s3cret", "the passwords differ", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			keys, tty := terminal(t)
			var prompts, shown screen
			go io.Copy(&shown, keys)
			go func() {
				// Each line is typed when it is asked for: what comes before is echoed.
				for i, line := range strings.SplitAfter(c.typed, "\n") {
					for strings.Count(prompts.String(), "Password") <= i && i < c.prompts {
						time.Sleep(time.Millisecond)
					}
					time.Sleep(20 * time.Millisecond) // the prompt comes before echoing is off
					io.WriteString(keys, line)
				}
			}()
			got, err := password("", tty, &prompts, c.fresh)
			if got != c.want || (c.fails == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%q, %v; want %q, %q", got, err, c.want, c.fails)
			}
			if s := shown.String(); strings.Contains(s, "s3") {
				t.Errorf("shown: %q", s)
			}
		})
	}
	var out bytes.Buffer
	if _, err := password("", strings.NewReader("s3cret\n"), &out, false); err == nil || !strings.Contains(err.Error(), "--password-file") {
		t.Errorf("no terminal: %v", err)
	}
}
