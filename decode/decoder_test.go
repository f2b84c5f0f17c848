package decode

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"informant/capture"
	"informant/capture/scenario"
)

const twoDevices = `informant scenario 1
device A serial=A1 address=192.0.2.1
cpe Inform
acs InformResponse
cpe empty
acs 204
close cpe
device B serial=B1 address=192.0.2.2
cpe Inform
acs InformResponse
cpe empty
acs 204
close cpe
`

func decodeAll(t *testing.T, d *Decoder, text string) (told []string) {
	t.Helper()
	src, err := scenario.NewSource("test", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	tell := func(items []Item) {
		for _, it := range items {
			switch it.Kind {
			case SessionItem:
				told = append(told, fmt.Sprintf("%s %s %d messages", it.Session.Device.SerialNumber, it.Session.Outcome, len(it.Session.Messages)))
			case UndecodedItem:
				told = append(told, "undecoded: "+it.Reason)
			}
		}
	}
	for {
		r, err := src.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		tell(d.Feed(r))
	}
	tell(d.Finish())
	return told
}

// TestPanics plants a panic in each stage, on the first device's connection:
// it is told with its place and bytes, and the second device's session is whole.
func TestPanics(t *testing.T) {
	for _, stage := range []string{"http1", "soap", "cwmp", "check"} {
		t.Run(stage, func(t *testing.T) {
			n := 0
			plant := func(at string, c *capture.Conn) {
				if at != stage || c != nil && c.ID != 1 {
					return
				}
				if n++; n == 3 {
					panic("planted")
				}
			}
			d := &Decoder{front: Front{plant: plant}, back: Back{plant: plant}}
			told := decodeAll(t, d, twoDevices)
			text := strings.Join(told, "\n")
			if !strings.Contains(text, stage+" failed: planted (decode decoder_test.go:") {
				t.Errorf("the panic is not told:\n%s", text)
			}
			if !strings.Contains(text, "B1 complete 4 messages") {
				t.Errorf("the other device's session is not whole:\n%s", text)
			}
			if d.Totals().Undecoded != 1 {
				t.Errorf("%d undecoded, want 1", d.Totals().Undecoded)
			}
		})
	}
}

// TestPanicsForEver has every record of a connection fail: it is told a few
// times, then only counted.
func TestPanicsForEver(t *testing.T) {
	d := &Decoder{front: Front{plant: func(at string, c *capture.Conn) {
		if at == "http1" && c != nil && c.ID == 1 {
			panic("planted")
		}
	}}}
	told := decodeAll(t, d, twoDevices)
	if len(told) != tooOften+1 || !strings.HasPrefix(told[tooOften], "B1 complete") {
		t.Errorf("told %q", told)
	}
}
