package capturetest

import (
	"errors"
	"io"
	"iter"
	"strings"
	"testing"

	"informant/capture"
	"informant/capture/scenario"
)

// Scenario is a source of a scenario's text, which must be a good one.
func Scenario(t testing.TB, text string) capture.Source {
	t.Helper()
	src, err := scenario.NewSource("test", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// Each yields a source's records to its end, which must be a good one. A record's Data is
// valid until the next.
func Each(t testing.TB, src capture.Source) iter.Seq[capture.Record] {
	return func(yield func(capture.Record) bool) {
		t.Helper()
		for {
			r, err := src.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !yield(r) {
				return
			}
		}
	}
}
