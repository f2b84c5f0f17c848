// Dictionary makes a general dictionary for recordings of fixtures of our own:
// made-up traffic of all vendors of the generator, and the scenarios. From the
// root of the repository:
//
//	go run ./testdata/gen/dictionary -o FILE
//
// It prints what has to be said of the dictionary beside it (capture/recording/general).
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"informant/capture"
	"informant/capture/pcap"
	"informant/capture/recording"
	"informant/capture/recording/dict"
	"informant/capture/scenario"
	"informant/testdata/gen/traffic"
)

// number is that of general-1, among those for private use that take two bytes.
const number = 32769

func main() {
	out := flag.String("o", "", "the file to write")
	root := flag.String("root", ".", "the root of the repository")
	flag.Parse()
	if err := run(*out, *root); err != nil {
		fmt.Fprintln(os.Stderr, "dictionary:", err)
		os.Exit(2)
	}
}

func run(out, root string) error {
	if out == "" {
		return errors.New("say where to write: -o FILE")
	}
	samples, err := collect(root)
	if err != nil {
		return err
	}
	d, err := dict.TrainNumbered(number, samples)
	if err != nil {
		return err
	}
	fmt.Printf("dictionary: %d sha256:%x\nsamples: %d sha256:%x\n", number, sha256.Sum256(d), len(samples), sum(samples))
	return os.WriteFile(out, d, 0o644)
}

// captures are what is generated. The seeds are none that tests or benchmarks use.
var captures = []traffic.Options{
	{Seed: 1001, Bytes: 4e6, Shape: traffic.Small},
	{Seed: 1002, Bytes: 4e6, Shape: traffic.Small},
	{Seed: 1003, Bytes: 4e6, Shape: traffic.Small, Open: 1},
	{Seed: 1004, Bytes: 4e6, Shape: traffic.Mixed, Open: 20},
	{Seed: 1005, Bytes: 6e6, Shape: traffic.Large, Open: 1},
	{Seed: 1006, Bytes: 6e6, Shape: traffic.Large, Open: 1},
}

// scenarios are the files with sessions written by hand.
var scenarios = []string{"decode/transcript/testdata/*.scenario", "cmd/informant/demo/*.scenario"}

// collect makes the samples: groups, as they stand in sealed recordings.
func collect(root string) (samples [][]byte, err error) {
	add := func(src capture.Source) error {
		defer src.Close()
		list, err := groups(src)
		samples = append(samples, list...)
		return err
	}
	for _, o := range captures {
		var file bytes.Buffer
		if _, err := traffic.Write(&file, o); err != nil {
			return nil, err
		}
		src, err := pcap.NewSource([]pcap.Input{{Name: "eth0", R: &file}}, pcap.Options{})
		if err != nil {
			return nil, err
		}
		if err := add(src); err != nil {
			return nil, err
		}
	}
	for _, pattern := range scenarios {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			src, err := scenario.NewSource("eth0", bytes.NewReader(b))
			if err != nil {
				return nil, err
			}
			if err := add(src); err != nil {
				return nil, err
			}
		}
	}
	return samples, nil
}

var errEnough = errors.New("the samples are all that was wanted")

// groups is the first 16 MB of a sealed recording's groups.
func groups(src capture.Source) (list [][]byte, err error) {
	take := func(samples [][]byte) ([]byte, error) {
		for _, s := range samples {
			list = append(list, bytes.Clone(s))
		}
		return nil, errEnough
	}
	_, err = recording.Seal(io.Discard, src, recording.SealOptions{Dictionary: &recording.Dict{}, Train: take})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return list, err
}

// sum is the SHA-256 of samples, each with its size before it.
func sum(samples [][]byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, s := range samples {
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(s))))
		h.Write(s)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
