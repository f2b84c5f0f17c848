// Recordings compares what recordings take with other forms of the same sessions:
// the capture as pcapng, that by gzip -9 and zstd -19, mitmproxy's flow file (where
// its Python package is installed), and recordings as they are imported, sealed,
// and sealed with a dictionary of their own. Then it reads one session out of a
// sealed recording, beside zstd -dc of the whole.
//
//	go run ./cmd/informant/bench/recordings -mb 50 -one 1000
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"informant/testdata/gen/traffic"
)

type options struct {
	bytes, one int64
	dir        string
	shared     string
	strict     bool
}

func main() {
	var o options
	mb := flag.Int64("mb", 50, "size of each capture that is made, in MB; zstd -19 takes a second for three")
	one := flag.Int64("one", 1000, "size of the capture that one session is read of, in MB; 0: none is")
	flag.StringVar(&o.dir, "dir", "", "where files are made and kept; a temporary folder when empty")
	flag.StringVar(&o.shared, "shared", os.Getenv("INFORMANT_SHARED"), "folder with captures/*.pcapng.gz; ../shared when empty")
	flag.BoolVar(&o.strict, "strict", false, "exit 1 when a bar is missed")
	flag.Parse()
	o.bytes, o.one = *mb*1e6, *one*1e6
	met, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "recordings:", err)
		os.Exit(2)
	}
	if !met && o.strict {
		os.Exit(1)
	}
}

func run(o options) (met bool, err error) {
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "informant-recordings-"); err != nil {
			return false, err
		}
		defer os.RemoveAll(o.dir)
	}
	b := bench{dir: o.dir, informant: filepath.Join(o.dir, "informant")}
	if out, err := exec.Command("go", "build", "-o", b.informant, "informant/cmd/informant").CombinedOutput(); err != nil {
		return false, fmt.Errorf("go build: %w: %s", err, out)
	}
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import mitmproxy.test.tflow").Run() == nil {
			b.python = python
		}
	}
	if b.python == "" {
		fmt.Println("without mitmproxy's flow file: its Python package is not installed")
	}
	files, err := captures(o)
	if err != nil {
		return false, err
	}
	met = true
	head()
	for _, f := range files {
		r, err := b.sizes(f)
		if err != nil {
			return false, fmt.Errorf("%s: %w", f, err)
		}
		r.print()
		met = met && r.sealed <= r.zstd
	}
	fmt.Printf("\nbar (sealed no larger than pcapng by zstd -19): %s\n", word(met))
	if o.one == 0 {
		return met, nil
	}
	fast, err := b.one(o.one)
	return met && fast, err
}

func word(met bool) string {
	if met {
		return "held"
	}
	return "MISSED"
}

// captures makes the captures, with seeds that nothing else has, and unpacks the
// shared ones.
func captures(o options) (files []string, err error) {
	for i, shape := range []string{"small", "mixed", "large"} {
		name := filepath.Join(o.dir, fmt.Sprintf("%s-%dMB.pcapng", shape, o.bytes/1e6))
		if err := generate(name, traffic.Options{Seed: uint64(300 + i), Bytes: o.bytes, Shape: traffic.Shape([]int{0, 2, 1}[i])}); err != nil {
			return nil, err
		}
		files = append(files, name)
	}
	if o.shared == "" {
		o.shared = filepath.Join("..", "shared")
	}
	packed, err := filepath.Glob(filepath.Join(o.shared, "captures", "*http.pcapng.gz"))
	if err != nil || len(packed) == 0 {
		fmt.Println("without the shared captures: none in", o.shared)
	}
	for _, p := range packed {
		name := filepath.Join(o.dir, filepath.Base(p[:len(p)-len(".gz")]))
		if err := output(name, "gzip", "-dc", p); err != nil {
			return nil, err
		}
		files = append(files, name)
	}
	return files, nil
}

func generate(name string, o traffic.Options) error {
	if _, err := os.Stat(name); err == nil {
		return nil // of an earlier run
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	o.Format = traffic.PcapNG
	_, err = traffic.Write(f, o)
	return errors.Join(err, f.Close())
}

// output runs a command with its output in a file.
func output(name, program string, args ...string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = f, os.Stderr
	if err := cmd.Run(); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", program, err), f.Close())
	}
	return f.Close()
}
