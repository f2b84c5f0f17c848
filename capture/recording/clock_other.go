//go:build !linux

package recording

func clockState() string { return "unknown" }
