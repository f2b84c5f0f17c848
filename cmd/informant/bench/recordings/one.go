package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"informant/capture/recording"
	"informant/testdata/gen/traffic"
)

// barOne is how many times faster one session is read than all is decompressed.
const barOne = 100

// one reads one session out of a sealed recording: by the package, and by the
// program (which begins, decodes and prints), beside zstd -dc of the whole.
func (b *bench) one(bytes int64) (met bool, err error) {
	capture, rec := filepath.Join(b.dir, "one.pcapng"), filepath.Join(b.dir, "one.cwmp")
	if size(rec) == 0 {
		if err := generate(capture, traffic.Options{Seed: 310, Bytes: bytes, Shape: traffic.Small}); err != nil {
			return false, err
		}
		if _, err := b.run("import", "-q", capture, "-w", rec); err != nil {
			return false, err
		}
		os.Remove(capture)
		if _, err := b.run("seal", "-q", rec); err != nil {
			return false, err
		}
	}
	dict := filepath.Join(b.dir, "general.dict")
	if err := os.WriteFile(dict, recording.General().Bytes, 0o600); err != nil {
		return false, err
	}
	began := time.Now()
	if err := exec.Command("sh", "-c", `zstd -dc -D "$1" "$2" >/dev/null`, "sh", dict, rec).Run(); err != nil {
		return false, fmt.Errorf("zstd -dc: %w", err)
	}
	whole := time.Since(began)
	f, err := os.Open(rec)
	if err != nil {
		return false, err
	}
	defer f.Close()
	each, sessions, err := pick(f, size(rec))
	if err != nil {
		return false, err
	}
	program, err := b.run("decode", "-q", "-o", "json", "--session", fmt.Sprint(sessions/2), rec)
	if err != nil {
		return false, err
	}
	fmt.Printf("\none session of %d, %d MB of capture, %d MB sealed: %.2f ms (opened, found, read); the program %.0f ms; zstd -dc of the whole %.0f ms: ×%.0f and ×%.0f\n",
		sessions, bytes/1e6, size(rec)/1e6, each.Seconds()*1e3, program*1e3, whole.Seconds()*1e3, whole.Seconds()/each.Seconds(), whole.Seconds()/program)
	met = whole >= barOne*each
	fmt.Printf("bar (×%d): %s\n", barOne, word(met))
	return met, nil
}

// pick reads sessions at random, each by opening the recording anew, and tells
// how long one takes.
func pick(f *os.File, size int64) (each time.Duration, sessions uint64, err error) {
	const rounds = 50
	rnd := rand.New(rand.NewPCG(1, 1))
	began := time.Now()
	for range rounds {
		s, err := recording.OpenSealed(f, size)
		if err != nil {
			return 0, 0, err
		}
		sessions = s.Statement().Sessions
		for e, err := range s.Sessions(recording.Query{Ordinal: 1 + rnd.IntN(int(sessions))}) {
			if err != nil {
				return 0, 0, err
			}
			src := s.Source(e.Groups)
			for err == nil {
				_, err = src.Next()
			}
			if src.Close(); !errors.Is(err, io.EOF) {
				return 0, 0, err
			}
		}
		s.Close()
	}
	return time.Since(began) / rounds, sessions, nil
}
