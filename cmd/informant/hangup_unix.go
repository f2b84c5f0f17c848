//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// onHangup calls do at each SIGHUP, until stop is called.
func onHangup(do func()) (stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	go func() {
		for range c {
			do()
		}
	}()
	return func() {
		signal.Stop(c)
		close(c)
	}
}
