package main

import (
	"io"
	"strings"
	"testing"

	"informant/capture"
	"informant/capture/scenario"
	"informant/decode"
	"informant/decode/transcript"
)

const oneSession = "informant scenario 1\ndevice A serial=%\ncpe Inform\nacs InformResponse\ncpe empty\nacs 204\nclose cpe\n"

func sourceOf(t *testing.T, serial string) capture.Source {
	t.Helper()
	src, err := scenario.NewSource(serial, strings.NewReader(strings.Replace(oneSession, "%", serial, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// failing is a source that panics after some records.
type failing struct {
	capture.Source
	after int
}

func (f *failing) Next() (capture.Record, error) {
	if f.after--; f.after < 0 {
		panic("planted")
	}
	return f.Source.Next()
}

// failingSink panics on the first device's session.
type failingSink struct{ plain }

func (f failingSink) Append(dst []byte, it decode.Item) []byte {
	if it.Kind == decode.SessionItem && it.Session.Device.SerialNumber == "A1" {
		panic("planted")
	}
	return f.plain.Append(dst, it)
}

// failingEnd panics when there are no more items.
type failingEnd struct{ plain }

func (failingEnd) Finish(io.Writer, decode.Totals) error { panic("planted") }

// TestPanicsAround plants a panic before the decoder, in a source, and behind
// it, in a sink: it is told, the exit code says that not all is there, and
// everything else is.
func TestPanicsAround(t *testing.T) {
	text := func() plain { return plain{&transcript.Text{Width: 100}} }
	for _, tt := range []struct {
		name           string
		first          func(capture.Source) capture.Source
		sink           sink
		stdout, stderr []string
	}{
		{"a source", func(s capture.Source) capture.Source { return &failing{s, 3} }, text(), []string{"A1", "B1", "unfinished", "2 sessions"}, []string{"reading failed: planted"}},
		{"a sink", func(s capture.Source) capture.Source { return s }, failingSink{text()}, []string{"undecoded", "showing it failed: planted", "session 1", "B1", "2 sessions"}, []string{"1 item could not be shown"}},
		{"a sink's end", func(s capture.Source) capture.Source { return s }, failingEnd{text()}, []string{"A1", "B1"}, []string{"writing the end failed: planted"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			in := &inputs{sources: []capture.Source{tt.first(sourceOf(t, "A1")), sourceOf(t, "B1")}}
			p := pipeline{in: in, sink: tt.sink, out: &stdout, meter: &meter{}}
			out, err := p.run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if code := out.report(&stderr); code != exitIncomplete {
				t.Errorf("exit code %d, want %d", code, exitIncomplete)
			}
			for _, want := range tt.stdout {
				if !strings.Contains(stdout.String(), want) {
					t.Errorf("no %q in\n%s", want, stdout.String())
				}
			}
			for _, want := range tt.stderr {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("no %q in\n%s", want, stderr.String())
				}
			}
		})
	}
}

// unclosing is a source that panics when it is closed.
type unclosing struct{ capture.Source }

func (unclosing) Close() error { panic("planted") }

// TestPanicInClose: the other sources and files are closed all the same, and it
// is told as damage.
func TestPanicInClose(t *testing.T) {
	closed := 0
	file := func() error { closed++; return nil }
	in := &inputs{
		sources: []capture.Source{unclosing{sourceOf(t, "A1")}, sourceOf(t, "B1")},
		closers: []func() error{file, func() error { panic("another") }, file},
	}
	err := in.Close()
	if err == nil || err.Error() != "closing an input failed: planted" {
		t.Errorf("error %v", err)
	}
	if closed != 2 {
		t.Errorf("%d of 2 files closed", closed)
	}
	if code := (&outcome{damage: []error{err}}).report(io.Discard); code != exitIncomplete {
		t.Errorf("exit code %d, want %d", code, exitIncomplete)
	}
}
