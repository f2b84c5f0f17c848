package export

import (
	"strings"
	"testing"

	"informant/capture"
	"informant/capture/scenario"
	"informant/decode"
)

// TestComments finds each finding of a session at the bytes that it is about.
func TestComments(t *testing.T) {
	rs, err := scenario.Parse("test", `informant scenario 1
cpe Inform events="1 BOOT"
acs InformResponse
cpe empty
acs GetParameterValues ParameterNames=[Device.X]
cpe GetParameterValuesResponse
  id wrong
  param Device.X 17 unsignedInt
acs 204
`)
	if err != nil {
		t.Fatal(err)
	}
	var d decode.Decoder
	var c Comments
	want := 0
	for i := 0; i <= len(rs); i++ {
		items := d.Finish
		if i < len(rs) {
			items = func() []decode.Item { return d.Feed(rs[i]) }
		}
		for _, it := range items() {
			want += len(it.Findings)
			c.Feed(it)
		}
	}
	if want == 0 {
		t.Fatal("no findings")
	}
	off := map[stream]int64{}
	got := 0
	for _, r := range rs {
		at := stream{r.Conn.ID, r.From}
		text := c.At(r.Conn.ID, r.From, off[at], off[at]+int64(len(r.Data)))
		off[at] += int64(len(r.Data))
		if text == "" {
			continue
		}
		got += strings.Count(text, "\n") + 1
		if r.From == capture.FromClient && !strings.Contains(string(r.Data), "wrong") {
			t.Errorf("at %.60q: %s", r.Data, text)
		}
	}
	if got != want || len(c.Loose()) != 0 || c.Dropped() != 0 {
		t.Errorf("%d comments of %d findings, %q", got, want, c.Loose())
	}
	if c.At(99, 0, 0, 1<<40) != "" {
		t.Error("comments for another connection")
	}
}
