package http1

import (
	"math/rand"
	"testing"

	"informant/capture"
)

const envelope = `<s:Envelope xmlns:s="x"><s:Body><Inform>é</Inform></s:Body></s:Envelope>`

var conversations = []struct {
	name  string
	mid   bool
	dump  bool
	parts []said
	want  string
}{
	{name: "seed", parts: []said{
		c2s("POST /acs HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
		s2c("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
		c2s("POST /acs HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
		s2c("HTTP/1.1 204 No Content\r\n\r\n"), shutBoth(capture.FIN)},
		want: "POST1(abc) 200/1(ok) POST2 204/2"},
}

func TestConversations(t *testing.T) {
	for _, tt := range conversations {
		t.Run(tt.name, func(t *testing.T) {
			c := &capture.Conn{ID: 1}
			if tt.dump {
				c.Origin = capture.Synthesised
			}
			whole := play(c, tt.mid, tt.parts, nil)
			if got := brief(whole); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if whole[len(whole)-1].Summary.Protocol == HTTP {
				noByteLost(t, tt.parts, whole)
			}
			want := tell(whole)
			for seed := range 50 {
				r := rand.New(rand.NewSource(int64(seed)))
				cut := randomCut(r)
				if seed == 0 {
					cut = func(int) int { return 1 }
				}
				if got := tell(play(c, tt.mid, tt.parts, cut)); got != want {
					t.Fatalf("cut with seed %d:\n%s\nwhole:\n%s", seed, got, want)
				}
			}
		})
	}
}
