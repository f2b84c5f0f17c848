package proof

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"informant/testdata/gen/traffic"
)

// recordingMemory is what writing, sealing, searching and verifying a recording
// may take of any size.
const recordingMemory = 320 << 20

// TestRecordingOfAnySize writes, seals, searches and verifies a recording with
// 5 GB of traffic, and holds that none of it takes more memory than is stated.
// Alone:
//
//	INFORMANT_SOAK=1 go test -count=1 -timeout 1h -v -run RecordingOfAnySize ./cmd/informant/proof
func TestRecordingOfAnySize(t *testing.T) {
	size := int64(scaled(20e6, 5e9))
	t.Logf("%d MB of traffic", size/1e6)
	dir := t.TempDir()
	rec := filepath.Join(dir, "large.cwmp")
	stats := imported(t, rec, traffic.Options{Seed: 21, Bytes: size, Shape: traffic.Mixed, Open: 40, Format: traffic.PcapNG})
	timed(t, nil, "seal", "seal", "-q", rec)
	timed(t, nil, "verify", "verify", "-q", rec)
	found := timed(t, nil, "by ordinal", "decode", "-q", "-o", "json", "--session", itoa(stats.Sessions/2), rec)
	var x told
	if err := json.Unmarshal([]byte(firstLine(found)), &x); err != nil || x.Type != "session" {
		t.Fatalf("%v: %.300s", err, found)
	}
	byID := timed(t, nil, "by id", "decode", "-q", "-o", "json", "--session", x.ID, rec)
	if firstLine(byID) != firstLine(found) {
		t.Errorf("by its id it is\n%.300s\nby its number\n%.300s", byID, found)
	}
	byDevice := timed(t, nil, "by device", "decode", "-q", "-o", "json", "--device", x.Device.key(), rec)
	if !strings.Contains(byDevice, x.ID) {
		t.Errorf("the device's sessions are\n%.300s", byDevice)
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// imported makes a recording of traffic that is made while it is read.
func imported(t *testing.T, rec string, o traffic.Options) traffic.Stats {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	type made struct {
		traffic.Stats
		err error
	}
	done := make(chan made, 1)
	go func() {
		stats, err := traffic.Write(w, o)
		w.Close()
		done <- made{stats, err}
	}()
	timed(t, r, "import", "import", "-q", "-", "-w", rec)
	r.Close()
	m := <-done
	if m.err != nil {
		t.Fatal(m.err)
	}
	return m.Stats
}

// timed runs the program and holds its memory.
func timed(t *testing.T, in io.Reader, what string, args ...string) (stdout string) {
	t.Helper()
	began := time.Now()
	out, errs, code, peak := measuredFrom(t, in, args...)
	t.Logf("%s: %.2f s, %d MB", what, time.Since(began).Seconds(), peak>>20)
	if code != 0 {
		t.Fatalf("%s: exit %d: %s", what, code, errs)
	}
	if peak > recordingMemory {
		t.Errorf("%s takes more memory than %d MB", what, recordingMemory>>20)
	}
	return out
}
