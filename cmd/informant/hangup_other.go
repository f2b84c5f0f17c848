//go:build !unix

package main

// onHangup is for systems that have SIGHUP.
func onHangup(func()) (stop func()) { return func() {} }
