// Bench compares the whole program with tshark on the same captures, side by
// side: it makes captures of the size asked for: one of many small sessions and few large
// ones, and one of each kind alone, the small ones a thousand at a time. Where the shared
// captures are at hand there is one of them merged too, and beside it one of copies of it
// behind each other, in which starting a program counts for little. It runs
//
//	informant decode -q -o json FILE
//	tshark -r FILE -Y http -T fields -e tcp.stream -e http.request.method -e http.response.code
//
// in turns, the first also with --checks none, and prints the medians: speed, peak memory,
// their ratios, what the checks cost of CPU time, and where Informant's time goes by package.
//
//	go run ./cmd/informant/bench -mb 500 -rounds 3
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"informant/testdata/gen/traffic"
)

// options are what the flags say.
type options struct {
	bytes   int64
	rounds  int
	limit   time.Duration
	dir     string
	shared  string
	profile bool
	strict  bool
	tshark  bool
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == work {
		if err := runWork(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(2)
		}
		return
	}
	var o options
	size := flag.Int64("mb", 500, "size of the captures that are made, in MB")
	flag.IntVar(&o.rounds, "rounds", 3, "how often each program runs on each capture")
	flag.DurationVar(&o.limit, "limit", 15*time.Minute, "no further round begins after this")
	flag.StringVar(&o.dir, "dir", "", "where the captures are made and kept; a temporary folder when empty")
	flag.StringVar(&o.shared, "shared", os.Getenv("INFORMANT_SHARED"), "folder with captures/*.pcapng.gz; ../shared when empty")
	flag.BoolVar(&o.profile, "profile", true, "tell where the time goes, by package")
	flag.BoolVar(&o.tshark, "tshark", true, "compare with tshark")
	flag.BoolVar(&o.strict, "strict", false, "exit 1 when a bar is missed")
	flag.Parse()
	o.bytes = *size * 1e6
	met, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	if !met && o.strict {
		os.Exit(1)
	}
}

// run measures everything and prints it. It is false when a bar was missed.
func run(o options) (met bool, err error) {
	began := time.Now()
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "informant-bench-"); err != nil {
			return false, err
		}
		defer os.RemoveAll(o.dir)
	}
	informant := filepath.Join(o.dir, "informant")
	if err := build(informant); err != nil {
		return false, err
	}
	files, err := captures(o)
	if err != nil {
		return false, err
	}
	ps := []program{{"informant", []string{informant, "decode", "-q", "-o", "json"}}, {"unchecked", []string{informant, "decode", "-q", "-o", "json", "--checks", "none"}}}
	if o.tshark {
		ps = append(ps, program{"tshark", []string{"tshark", "-Y", "http", "-T", "fields", "-e", "tcp.stream", "-e", "http.request.method", "-e", "http.response.code", "-r"}})
	}
	var missed []string
	printHead(o)
	for _, f := range files {
		results, err := measure(ps, f, o.rounds, began.Add(o.limit))
		if err != nil {
			return false, err
		}
		missed = append(missed, printRow(f, results)...)
	}
	printBars(missed)
	if o.profile {
		for _, f := range files {
			if err := printProfile(o.dir, f); err != nil {
				return false, err
			}
		}
	}
	return len(missed) == 0, nil
}

// file is a capture to measure on.
type file struct {
	name, path string
	bytes      int64
	beside     bool // the bar of speed isn't for it
}

// captures makes the captures, or finds those of an earlier run.
func captures(o options) (files []file, err error) {
	for name, shape := range map[string]traffic.Shape{"small": traffic.Small, "large": traffic.Large, "mixed": traffic.Mixed} {
		path := filepath.Join(o.dir, fmt.Sprintf("%s-%dMB.pcap", name, o.bytes/1e6))
		if _, err := os.Stat(path); err != nil {
			if err := inChild("make", path, fmt.Sprint(o.bytes), fmt.Sprint(int(shape))); err != nil {
				return nil, err
			}
		}
		files = append(files, file{name: name, path: path})
	}
	if shared, err := mergeShared(o); err != nil {
		fmt.Println("without the shared captures:", err)
	} else {
		files = append(files, shared...)
	}
	for i := range files {
		st, err := os.Stat(files[i].path)
		if err != nil {
			return nil, err
		}
		files[i].bytes = st.Size()
	}
	return sorted(files), nil
}
