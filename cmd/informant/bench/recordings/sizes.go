package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"informant/capture/recording"
)

type bench struct {
	dir, informant string
	python         string // one that has mitmproxy; "": there is none
}

// row is what the forms of one capture take, in bytes.
type row struct {
	name                                          string
	sessions                                      uint64
	pcapng, gzip, zstd, flows, flowsZstd          int64
	unsealed, sealed, trained                     int64
	imported, sealing, training, packing, traffic float64 // seconds; bytes
}

func (b *bench) sizes(file string) (r row, err error) {
	r = row{name: filepath.Base(file), pcapng: size(file)}
	path := func(suffix string) string { return filepath.Join(b.dir, "out"+suffix) }
	defer func() {
		for _, s := range []string{".gz", ".zst", ".flows", ".flows.zst", ".cwmp", ".sealed.cwmp", ".trained.cwmp"} {
			os.Remove(path(s))
		}
	}()
	if err := output(path(".gz"), "gzip", "-9c", file); err != nil {
		return r, err
	}
	began := time.Now()
	if err := output(path(".zst"), "zstd", "-q", "-19", "-c", file); err != nil {
		return r, err
	}
	r.packing = time.Since(began).Seconds()
	if b.python != "" {
		if err := b.flows(file, path(".flows")); err != nil {
			return r, err
		}
		if err := output(path(".flows.zst"), "zstd", "-q", "-19", "-c", path(".flows")); err != nil {
			return r, err
		}
	}
	for _, s := range []struct {
		took *float64
		args []string
	}{
		{&r.imported, []string{"import", "-q", file, "-w", path(".cwmp")}},
		{&r.sealing, []string{"seal", "-q", path(".cwmp"), "-w", path(".sealed.cwmp")}},
		{&r.training, []string{"seal", "-q", "--train", path(".cwmp"), "-w", path(".trained.cwmp")}},
	} {
		if *s.took, err = b.run(s.args...); err != nil {
			return r, err
		}
	}
	r.gzip, r.zstd, r.flows, r.flowsZstd = size(path(".gz")), size(path(".zst")), size(path(".flows")), size(path(".flows.zst"))
	r.unsealed, r.sealed, r.trained = size(path(".cwmp")), size(path(".sealed.cwmp")), size(path(".trained.cwmp"))
	return r, r.count(path(".sealed.cwmp"))
}

// count takes the number of sessions from the sealed recording.
func (r *row) count(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	s, err := recording.OpenSealed(f, r.sealed)
	if err != nil {
		return err
	}
	defer s.Close()
	r.sessions, r.traffic = s.Statement().Sessions, float64(s.Statement().Bytes)
	return nil
}

// run runs informant and tells the seconds it took.
func (b *bench) run(args ...string) (float64, error) {
	began := time.Now()
	out, err := exec.Command(b.informant, args...).CombinedOutput()
	if err != nil && err.(*exec.ExitError).ExitCode() != 3 { // 3: bytes missing in the capture, all told
		return 0, fmt.Errorf("informant %q: %w: %s", args, err, out)
	}
	return time.Since(began).Seconds(), nil
}

// size of a file; 0 where there is none.
func size(name string) int64 {
	st, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return st.Size()
}

func head() {
	fmt.Println("bytes per session, and MB/s of traffic")
	fmt.Println("| capture | MB | sessions | pcapng | gzip -9 | zstd -19 | flows | flows zstd -19 | unsealed | sealed | trained | sealed/zstd -19 | import | seal | seal --train | zstd -19 |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
}

func (r *row) print() {
	fmt.Printf("| %s | %.1f | %d |", r.name, float64(r.pcapng)/1e6, r.sessions)
	for _, n := range []int64{r.pcapng, r.gzip, r.zstd, r.flows, r.flowsZstd, r.unsealed, r.sealed, r.trained} {
		fmt.Printf(" %.0f |", float64(n)/float64(max(1, r.sessions)))
	}
	fmt.Printf(" %.2f |", float64(r.sealed)/float64(r.zstd))
	for _, s := range []float64{r.imported, r.sealing, r.training, r.packing} {
		fmt.Printf(" %.0f |", r.traffic/1e6/s)
	}
	fmt.Println()
}
