package decode

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"informant/capture"
	"informant/capture/capturetest"
	"informant/decode/check"
	"informant/decode/cwmp"
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
	for r := range capturetest.Each(t, capturetest.Scenario(t, text)) {
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
			d := &Decoder{front: Front{plant: plant}, envelopes: Envelopes{plant: plant}, back: Back{plant: plant}}
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

// TestPanicLendsNothing plants a panic at each place of a session's checks, with a Pool:
// what is still known of that session, since it wasn't forgotten, is told of no other one.
func TestPanicLendsNothing(t *testing.T) {
	var want []string
	for at := range 16 {
		n := 0
		d := &Decoder{Pool: new(Pool), back: Back{plant: func(stage string, _ *capture.Conn) {
			if stage == "check" {
				if n++; n == at {
					panic("planted")
				}
			}
		}}}
		d.Pool.Spoil()
		var got []string
		tell := func(items []Item) {
			for _, it := range items {
				if it.Kind == SessionItem && it.Session.Device.SerialNumber == "B1" {
					for i := range it.Findings {
						got = append(got, it.Findings[i].Check.ID+" "+it.Findings[i].Text)
					}
				}
				d.Pool.Put(it)
			}
		}
		for r := range capturetest.Each(t, capturetest.Scenario(t, strings.ReplaceAll(twoDevices, "acs 204", "acs 500"))) {
			tell(d.Feed(r))
		}
		tell(d.Finish())
		if want == nil { // without a panic
			if want = got; len(want) == 0 {
				t.Fatal("no findings")
			}
		}
		if lost := len(want) - len(got); !slices.Equal(got, want) && (lost <= 0 || d.Totals().Undecoded != 1) {
			t.Errorf("panic %d: told of the second session: %q, want %q", at, got, want)
		}
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

// threeOpen is three devices' sessions that the input ends in.
const threeOpen = `informant scenario 1
device A serial=000000 class=A address=192.0.2.1
cpe Inform
acs InformResponse
device B serial=000000 class=B address=192.0.2.2
cpe Inform
acs InformResponse
device C serial=000000 class=C address=192.0.2.3
cpe Inform
acs InformResponse
cut
`

// TestPanicsAtTheEnd plants panics where what is still open is ended: one
// connection's in the Front, one session's in the Back. All others are told.
func TestPanicsAtTheEnd(t *testing.T) {
	feed := func(t *testing.T, d *Decoder, cut int) {
		t.Helper()
		for r := range capturetest.Each(t, capturetest.Scenario(t, threeOpen)) {
			if r.Kind == capture.Data && r.Conn.ID == 1 && r.From == capture.FromServer {
				r.Data = r.Data[:len(r.Data)-cut] // is in no message yet when the end comes
			}
			if r.Kind != capture.Close { // as of a source that closes nothing
				d.Feed(r)
			}
		}
	}
	t.Run("a connection", func(t *testing.T) {
		d := &Decoder{front: Front{plant: func(at string, c *capture.Conn) {
			if at == "each" && c.ID == 1 {
				panic("planted")
			}
		}}}
		feed(t, d, 10)
		var sessions, bytes int
		for _, it := range d.Finish() {
			switch it.Kind {
			case SessionItem:
				sessions++
			case UndecodedItem:
				bytes = len(it.Bytes)
			}
		}
		if sessions != 3 || bytes < 200 || d.Totals().Undecoded != 1 {
			t.Errorf("%d sessions, %d bytes undecoded, %d undecoded; want 3, the answer's, 1", sessions, bytes, d.Totals().Undecoded)
		}
	})
	t.Run("a session", func(t *testing.T) {
		d := &Decoder{}
		feed(t, d, 0)
		for _, h := range d.front.Finish(nil) {
			d.back.Feed(&h)
		}
		broken := 0
		for s := range d.back.findings {
			if s.Device.ProductClass == "B" { // what ends it fails on that
				s.State, s.Messages = cwmp.Broken, []*cwmp.Message{nil}
				broken++
			}
		}
		told := map[string]int{}
		for _, it := range d.back.Finish() {
			if it.Kind == SessionItem {
				told[it.Session.Device.ProductClass]++
			} else {
				told[it.Reason]++
			}
		}
		if broken != 1 || told["A"] != 1 || told["C"] != 1 || d.Totals().Undecoded != 1 {
			t.Errorf("told %v, %d broken, %d undecoded", told, broken, d.Totals().Undecoded)
		}
	})
	t.Run("a check, of an open session", func(t *testing.T) {
		n := 0
		d := &Decoder{back: Back{plant: func(at string, c *capture.Conn) {
			if at != "check" {
				return
			}
			if n++; n == 2 {
				panic("planted")
			}
		}}}
		sessions := map[*cwmp.Session]ItemKind{}
		tell := func(items []Item) {
			for _, it := range items {
				if k, ok := sessions[it.Session]; ok && it.Session != nil {
					t.Errorf("item %v shares its session with item %v", it.Kind, k)
				}
				sessions[it.Session] = it.Kind
			}
		}
		for r := range capturetest.Each(t, capturetest.Scenario(t, twoDevices)) {
			tell(d.Feed(r))
		}
		tell(d.Finish())
		if d.Totals().Undecoded != 1 || d.Totals().Sessions != 2 {
			t.Errorf("%+v", d.Totals())
		}
	})
}

// TestOperationsWithoutChecks: what became of what a device was asked to do is told, and
// what nothing was heard of, whether checks run or not.
func TestOperationsWithoutChecks(t *testing.T) {
	operations := func(text string, profile check.Profile) (told []string) {
		d := &Decoder{Options: Options{Check: check.Checker{Profile: profile}}}
		tell := func(items []Item) {
			for _, it := range items {
				if len(it.Findings) > 0 && profile == check.None {
					t.Errorf("a finding where no checks run: %s", it.Findings[0].Text)
				}
				for _, x := range it.Done {
					told = append(told, fmt.Sprintf("%x: %+v", it.Session.ID, x))
				}
				if it.Operation != nil {
					told = append(told, fmt.Sprintf("%+v", *it.Operation))
				}
				if it.Finding != nil && profile == check.None {
					t.Errorf("a finding where no checks run: %s", it.Finding.Text)
				}
			}
		}
		for r := range capturetest.Each(t, capturetest.Scenario(t, text)) {
			tell(d.Feed(r))
		}
		tell(d.Finish())
		return told
	}
	some := 0
	for _, k := range check.All {
		fires, near, _ := check.Example(k.ID)
		for _, text := range []string{fires, near} {
			want, got := operations(text, check.Strict), operations(text, check.None)
			if !slices.Equal(got, want) {
				t.Errorf("%s: without checks %q, with them %q", k.ID, got, want)
			}
			some += len(want)
		}
	}
	if some < 50 {
		t.Errorf("only %d operations in all examples", some)
	}
}
