// Gen writes a capture of made-up CWMP traffic, for tests and benchmarks:
//
//	go run ./testdata/gen -o FILE -bytes 500MB -seed 1 -shape small|large|mixed
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"

	"informant/testdata/gen/traffic"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(2)
	}
}

func run() error {
	out := flag.String("o", "", "the file to write; its name ends in .pcapng for that format")
	size := flag.String("bytes", "500MB", "about how large it becomes: 200KB, 500MB, 2GB")
	seed := flag.Uint64("seed", 1, "the same seed gives the same file")
	name := flag.String("shape", "mixed", "small, large or mixed")
	open := flag.Int("open", 0, "how many devices talk at the same time")
	flag.Parse()
	o := traffic.Options{Seed: *seed, Open: *open}
	var err error
	if o.Shape, err = traffic.ParseShape(*name); err != nil {
		return err
	}
	if o.Bytes, err = parseSize(*size); err != nil {
		return err
	}
	if strings.HasSuffix(*out, ".pcapng") {
		o.Format = traffic.PcapNG
	}
	if *out == "" {
		return fmt.Errorf("say where to write: -o FILE")
	}
	f, err := os.Create(*out)
	if err != nil {
		return err
	}
	stats, err := traffic.Write(f, o)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stderr).Encode(stats)
}

// parseSize reads "200KB", "500MB", "2GB" or a number of bytes.
func parseSize(s string) (int64, error) {
	digits, unit := s, int64(1)
	for suffix, u := range map[string]int64{"KB": 1e3, "MB": 1e6, "GB": 1e9} {
		if strings.HasSuffix(s, suffix) {
			digits, unit = s[:len(s)-2], u
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("no size: %q", s)
	}
	return n * unit, nil
}
