// Package recording writes and reads recordings: files of what was seen on
// connections, compressed, and once sealed indexed and provable. FORMAT.md
// beside this file is the format's standard.
//
// Writer writes an unsealed recording to anything that takes bytes, Files to
// files that it creates, locks and rotates. Reader reads recordings of every kind
// from the start and steps over what is damaged; it tells what that was as
// Damage.
package recording
