package cwmp_test

import (
	"testing"

	"informant/capture"
	"informant/capture/scenario"
	"informant/decode/cwmp"
	"informant/decode/http1"
)

// TestUnheard: a session knows when one of its connections, or one that may have
// been, had not told everything when it ended.
func TestUnheard(t *testing.T) {
	all, err := scenario.Parse("test", `informant scenario 1
cpe Inform
acs InformResponse
close acs
cpe empty
acs GetParameterValues
close acs
cpe GetParameterValuesResponse
acs GetParameterNames
close acs
cpe GetParameterNamesResponse
acs 204
close acs
wait 1s
device B
cpe Inform
acs InformResponse
cpe empty
acs 204
`)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		held uint64            // the connection that is told last
		from capture.Direction // what it sends
		want bool
	}{
		{"nothing", 0, capture.FromClient, false},
		{"the request and answer in the middle", 3, capture.FromClient, true},
		{"the answer in the middle", 3, capture.FromServer, true},
		{"another device's", 5, capture.FromClient, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var now, later []capture.Record
			holding := false
			for _, r := range all {
				if r.Conn.ID == tt.held && (holding || r.Kind == capture.Data && r.From == tt.from) {
					holding = true
					later = append(later, r)
				} else {
					now = append(now, r)
				}
			}
			var a http1.Assembler
			var tr cwmp.Tracker
			first := true
			for _, r := range append(now, later...) {
				for _, e := range a.Feed(r) {
					for _, x := range tr.Feed(e, cwmp.Read(&e)) {
						if x.Kind != cwmp.SessionEnded || !first {
							continue
						}
						first = false
						if s := x.Session; s.Unheard != tt.want || s.Outcome != cwmp.Complete {
							t.Errorf("unheard %v, want %v; %s", s.Unheard, tt.want, s.Outcome)
						}
					}
				}
			}
			if first {
				t.Error("no session has ended")
			}
		})
	}
}
