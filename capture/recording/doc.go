// Package recording writes and reads recordings: files of what was seen on
// connections, compressed, and once sealed indexed and provable. FORMAT.md
// beside this file is the format's standard.
package recording
