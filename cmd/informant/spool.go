package main

import (
	"bytes"
	"io"
	"os"
)

// spool keeps bytes that can be written only when all of them are there: in
// memory, and beyond its limit in a file without a name.
type spool struct {
	mem  bytes.Buffer
	file *os.File
	size int64
}

const spoolMemory = 8 << 20

func (s *spool) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	if s.file == nil && s.mem.Len()+len(p) <= spoolMemory {
		return s.mem.Write(p)
	}
	if s.file == nil {
		f, err := os.CreateTemp("", "informant-*")
		if err != nil {
			return 0, err
		}
		os.Remove(f.Name()) // where an open file cannot be removed, Close does it
		s.file = f
	}
	if s.mem.Len()+len(p) > spoolMemory {
		if _, err := s.mem.WriteTo(s.file); err != nil {
			return 0, err
		}
		s.mem.Reset()
	}
	return s.mem.Write(p)
}

// copy writes the first n bytes that were put in.
func (s *spool) copy(w io.Writer, n int64) error {
	var r io.Reader = &s.mem
	if s.file != nil {
		if _, err := s.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		r = io.MultiReader(s.file, &s.mem)
	}
	_, err := io.CopyN(w, r, n)
	return err
}

// Close lets the file go.
func (s *spool) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	os.Remove(s.file.Name())
	return err
}
