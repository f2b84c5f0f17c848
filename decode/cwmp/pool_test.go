package cwmp_test

import (
	"slices"
	"strings"
	"testing"

	"informant/capture/capturetest"
	"informant/decode/cwmp"
	"informant/decode/http1"
)

// inTurn is two devices' sessions, the second after the first is over. The first has more
// of everything.
const inTurn = `informant scenario 1
device A serial=000001 class=A address=192.0.2.1
cpe Inform events="1 BOOT"
acs InformResponse set-cookie="s=1"
cpe empty
acs GetParameterValues ParameterNames=[Device.]
cpe GetParameterValuesResponse
  param Device.DeviceInfo.UpTime 17 unsignedInt
acs Reboot CommandKey=k
cpe RebootResponse
acs 204
close cpe
device B serial=000002 class=B address=192.0.2.2
cpe Inform events="2 PERIODIC"
acs InformResponse
cpe empty
acs 204
close cpe
`

// TestLentAgain holds that a session's memory serves the next one once it was put back, that
// nothing of the first is in the second, and that it isn't lent where somebody may know it.
func TestLentAgain(t *testing.T) {
	want := tellInTurn(t, nil, nil)
	for _, c := range []struct {
		name  string
		put   func(*cwmp.Pool, *cwmp.Session)
		again bool
	}{
		{"put back", func(p *cwmp.Pool, s *cwmp.Session) { p.Put(s) }, true},
		{"kept", func(p *cwmp.Pool, s *cwmp.Session) { s.Keep(); p.Put(s) }, false},
		{"a copy put back", func(p *cwmp.Pool, s *cwmp.Session) { own := *s; p.Put(&own) }, false},
		{"an exchange not over", func(p *cwmp.Pool, s *cwmp.Session) { s.Pending = 1; p.Put(s) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var sessions []*cwmp.Session
			got := tellInTurn(t, new(cwmp.Pool), func(p *cwmp.Pool, s *cwmp.Session) {
				sessions = append(sessions, s)
				c.put(p, s)
			})
			if !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if len(sessions) != 2 || (sessions[0] == sessions[1]) != c.again {
				t.Errorf("%d sessions, the memory of the first lent again: %v, want %v", len(sessions), !c.again, c.again)
			}
		})
	}
}

// tellInTurn tells the sessions, and does something with each when it was told.
func tellInTurn(t *testing.T, pool *cwmp.Pool, over func(*cwmp.Pool, *cwmp.Session)) (lines []string) {
	t.Helper()
	var a http1.Assembler
	if pool != nil {
		a.Pool = &pool.HTTP
	}
	tr := cwmp.Tracker{Pool: pool}
	feed := func(list []http1.Event) {
		for _, e := range list {
			for _, x := range tr.Feed(e, cwmp.Read(&e)) {
				if x.Kind != cwmp.SessionEnded {
					continue
				}
				lines = append(lines, tellSession(x.Session)...)
				if over != nil {
					over(pool, x.Session)
				}
			}
		}
	}
	for r := range capturetest.Each(t, capturetest.Scenario(t, inTurn)) {
		feed(a.Feed(r))
	}
	feed(a.Finish())
	return lines
}

// TestLongList holds that a long list's memory serves the next message that wants as much,
// and that it is empty then.
func TestLongList(t *testing.T) {
	params := func(n int) string {
		return strings.Repeat("  param Device.A.1.B 1 string\n", n)
	}
	text := func(n int) string {
		return "informant scenario 1\ncpe Inform\nacs InformResponse\ncpe empty\nacs GetParameterValues ParameterNames=[Device.]\ncpe GetParameterValuesResponse\n" + params(n) + "acs 204\nclose cpe\n"
	}
	var pool cwmp.Pool
	list := func(n int) *cwmp.List[cwmp.ParameterValueStruct] {
		a, r := http1.Assembler{Pool: &pool.HTTP}, cwmp.Reader{Pool: &pool}
		tr := cwmp.Tracker{Pool: &pool}
		var found *cwmp.List[cwmp.ParameterValueStruct]
		feed := func(list []http1.Event) {
			for _, e := range list {
				for _, x := range tr.Feed(e, r.Read(&e)) {
					if x.Kind == cwmp.MessageSeen && x.Message.RPC == "GetParameterValuesResponse" {
						found = &x.Message.Args.(*cwmp.GetParameterValuesResponse).ParameterList
					}
					if x.Kind == cwmp.SessionEnded {
						own := *found // before it goes
						found = &own
						pool.Put(x.Session)
					}
				}
			}
		}
		for r := range capturetest.Each(t, capturetest.Scenario(t, text(n))) {
			feed(a.Feed(r))
		}
		feed(a.Finish())
		if found == nil {
			t.Fatal("no response")
		}
		return found
	}
	first := list(2000)
	if got := first.Items[:cap(first.Items)]; slices.ContainsFunc(got, func(x cwmp.ParameterValueStruct) bool { return x != cwmp.ParameterValueStruct{} }) {
		t.Error("the memory that was taken back isn't empty")
	}
	if few := list(1500); &few.Items[:1][0] != &first.Items[:1][0] || len(few.Items) != 1500 {
		t.Errorf("a list of 1500 isn't in the memory of the one of 2000 (it has %d)", len(few.Items))
	}
	if more := list(2100); &more.Items[:1][0] == &first.Items[:1][0] || len(more.Items) != 2100 {
		t.Errorf("a list of 2100 is in the memory of the one of 2000 (it has %d)", len(more.Items))
	}
}
