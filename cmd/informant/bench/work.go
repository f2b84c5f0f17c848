package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"

	"informant/capture/pcap"
	"informant/decode"
	"informant/decode/transcript"
	"informant/testdata/gen/traffic"
)

// work is the first argument of a child: what takes memory is done in
// children, since a program's peak, as the system counts it, is never less than
// that of the program that started it.
const work = "-work"

func inChild(args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, append([]string{work}, args...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

func runWork(args []string) error {
	switch {
	case len(args) == 4 && args[0] == "make":
		return makeCapture(args[1], args[2], args[3])
	case len(args) == 3 && args[0] == "profile":
		return profile(args[1], args[2])
	}
	return fmt.Errorf("no work %q", args)
}

func makeCapture(path, size, shape string) error {
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		return err
	}
	s, err := strconv.Atoi(shape)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = traffic.Write(f, traffic.Options{Seed: 1, Bytes: n, Shape: traffic.Shape(s)})
	return errors.Join(err, f.Close())
}

// build makes the program as make build does.
func build(name string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-o", name, "informant/cmd/informant")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	return nil
}

// mergeShared makes one capture of the shared ones, and another of copies of it with later
// times behind each other, until that is worth measuring.
func mergeShared(o options) ([]file, error) {
	dir := o.shared
	if dir == "" {
		dir = filepath.Join("..", "shared")
	}
	parts, err := filepath.Glob(filepath.Join(dir, "captures", "*http.pcapng.gz"))
	if err != nil || len(parts) == 0 {
		return nil, fmt.Errorf("none in %s", dir)
	}
	one := filepath.Join(o.dir, "shared.pcapng")
	if err := tool("mergecap", append([]string{"-w", one}, parts...)...); err != nil {
		return nil, err
	}
	st, err := os.Stat(one)
	if err != nil {
		return nil, err
	}
	copies := []string{one}
	for i := 1; int64(i)*st.Size() < o.bytes/5; i++ {
		later := filepath.Join(o.dir, fmt.Sprintf("shared-%d.pcapng", i))
		if err := tool("editcap", "-t", strconv.Itoa(i*7200), one, later); err != nil {
			return nil, err
		}
		defer os.Remove(later)
		copies = append(copies, later)
	}
	all := filepath.Join(o.dir, "shared-copies.pcapng")
	err = tool("mergecap", append([]string{"-a", "-w", all}, copies...)...)
	return []file{{name: "shared", path: one}, {name: fmt.Sprintf("shared, %d times", len(copies)), path: all, beside: true}}, err
}

func tool(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

func sorted(files []file) []file {
	slices.SortFunc(files, func(a, b file) int { return -cmp.Compare(a.name, b.name) })
	return files
}

// profile decodes a file in this process, the stages behind each other, and
// writes a CPU profile.
func profile(path, to string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(out); err != nil {
		return err
	}
	err = decodeAll(in)
	pprof.StopCPUProfile()
	return errors.Join(err, out.Close())
}

func decodeAll(in io.Reader) error {
	src, err := pcap.NewSource([]pcap.Input{{Name: "bench", R: in}}, pcap.Options{})
	if err != nil {
		return err
	}
	defer src.Close()
	w := bufio.NewWriterSize(io.Discard, 1<<18)
	j := transcript.JSON{W: w}
	var d decode.Decoder
	put := func(items []decode.Item) error {
		for _, it := range items {
			if err := j.Put(it); err != nil {
				return err
			}
		}
		return nil
	}
	for {
		r, err := src.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		if err := put(d.Feed(r)); err != nil {
			return err
		}
	}
	return put(d.Finish())
}

// printProfile prints the share of each package in Informant's CPU time.
func printProfile(dir string, f file) error {
	prof := filepath.Join(dir, f.name+".cpu")
	if err := inChild("profile", f.path, prof); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	out, err := exec.Command("go", "tool", "pprof", "-top", "-nodecount=1000000", "-nodefraction=0", self, prof).Output()
	if err != nil {
		return fmt.Errorf("go tool pprof: %w", err)
	}
	shares := byPackage(out)
	fmt.Printf("\nwhere the time goes, %s (one goroutine, share of CPU samples):\n", f.name)
	for _, s := range shares {
		if s.percent >= 1 {
			fmt.Printf("  %5.1f %%  %s\n", s.percent, s.name)
		}
	}
	return nil
}

type shareOf struct {
	name    string
	percent float64
}

// byPackage adds up the flat column of pprof's -top.
func byPackage(top []byte) (shares []shareOf) {
	sums := map[string]float64{}
	for _, line := range strings.Split(string(bytes.TrimSpace(top)), "\n") {
		cols := strings.Fields(line)
		if len(cols) < 6 || !strings.HasSuffix(cols[1], "%") {
			continue
		}
		percent, err := strconv.ParseFloat(strings.TrimSuffix(cols[1], "%"), 64)
		if err != nil {
			continue
		}
		sums[packageOf(cols[5])] += percent
	}
	for name, p := range sums {
		shares = append(shares, shareOf{name, p})
	}
	slices.SortFunc(shares, func(a, b shareOf) int {
		return cmp.Or(-cmp.Compare(a.percent, b.percent), cmp.Compare(a.name, b.name))
	})
	return shares
}

// packageOf is the package of a function: "informant/decode/soap.(*x).y".
func packageOf(fn string) string {
	slash := strings.LastIndexByte(fn, '/')
	if p := strings.IndexAny(fn, "[("); p >= 0 && p < slash { // a type argument or receiver
		slash = strings.LastIndexByte(fn[:p], '/')
	}
	name := fn[slash+1:]
	name, _, _ = strings.Cut(name, ".")
	full := fn[:slash+1] + name
	switch {
	case !strings.Contains(fn, "."):
		return "runtime" // memclr, memmove and the like
	case strings.HasPrefix(full, "internal/runtime"), full == "runtime", strings.HasPrefix(full, "internal/abi"):
		return "runtime (memory, copying, scheduling)"
	case full == "internal/bytealg", full == "bytes", full == "strings":
		return "bytes, strings (searching)"
	}
	return full
}
