package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"informant/capture/recording"
	"informant/capture/recording/dict"
)

// TestGeneral holds that general-1 is what the program makes. It is published and
// the same for ever; when the generator, a scenario or the text of groups has
// changed since, it can't be made again but from the sources of that time.
func TestGeneral(t *testing.T) {
	const root = "../../.."
	general := filepath.Join(root, "capture/recording/general")
	want, err := os.ReadFile(filepath.Join(general, "general-1.dict"))
	if err != nil {
		t.Fatal(err)
	}
	said, err := os.ReadFile(filepath.Join(general, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(said), fmt.Sprintf("%x", sha256.Sum256(want))) {
		t.Error("README.md has another SHA-256")
	}
	samples, err := collect(root)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(said), fmt.Sprintf("%x", sum(samples))) {
		t.Skip("the fixtures are not those that general-1 was made of")
	}
	got, err := dict.TrainNumbered(number, samples)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("made again it is another")
	}
	if d := recording.General(); d.ID == 0 {
		t.Error("recordings use no general dictionary")
	}
}
