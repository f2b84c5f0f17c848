package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"informant/decode"
	"informant/decode/transcript"
	"informant/testdata/gen/traffic"
)

// TestSpoiltPool decodes with a Pool that overwrites all it takes back, so that
// whatever is still known of an item that was told would be told wrong. The
// account is that of decoding without a Pool.
func TestSpoiltPool(t *testing.T) {
	for _, path := range poolInputs(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			for name, form := range map[string]sink{
				"json": plain{&transcript.JSON{}},
				"text": plain{&transcript.Text{Verbose: 2}},
			} {
				pool := new(decode.Pool)
				pool.Spoil()
				want := decodeWith(t, path, form, nil)
				if got := decodeWith(t, path, form, pool); !bytes.Equal(got, want) {
					t.Errorf("%s: told otherwise with memory used again: %s", name, firstDifference(got, want))
				}
				if len(want) == 0 {
					t.Error("nothing told")
				}
			}
		})
	}
}

// poolInputs are a capture with many sessions at once, one with few large ones, one with
// both, and, where they are at hand, the shared ones.
func poolInputs(t *testing.T) []string {
	t.Helper()
	var paths []string
	for name, o := range map[string]traffic.Options{
		"small.pcap": {Seed: 3, Bytes: 12e6, Shape: traffic.Small},
		"large.pcap": {Seed: 3, Bytes: 12e6, Shape: traffic.Large},
		"mixed.pcap": {Seed: 3, Bytes: 20e6, Shape: traffic.Mixed},
	} {
		path := filepath.Join(t.TempDir(), name)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := traffic.Write(f, o); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	for _, pattern := range []string{"captures/*.pcapng*", "corpus/*/*.pcap*"} {
		shared, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, shared...)
	}
	return paths
}

func decodeWith(t *testing.T, path string, form sink, pool *decode.Pool) []byte {
	t.Helper()
	var out bytes.Buffer
	_, err := tellFiles(context.Background(), []string{path}, nil, &out, io.Discard, true, &pipeline{sink: form, pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func firstDifference(got, want []byte) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	part := func(b []byte) string { return string(b[max(0, min(i, len(b))-80):min(len(b), i+80)]) }
	return "\n got … " + part(got) + "\nwant … " + part(want)
}
