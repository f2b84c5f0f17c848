//go:build !linux

package main

// hugePages and leaveBeginning are for Linux.
func hugePages(int)   {}
func leaveBeginning() {}
