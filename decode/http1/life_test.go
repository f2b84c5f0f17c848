package http1

import (
	"testing"
	"time"

	"informant/capture"
)

// TestAdvance: a message that is held back because its text is not at its end is
// given out when nothing came for ten seconds.
func TestAdvance(t *testing.T) {
	var a Assembler
	c := &capture.Conn{ID: 1}
	a.Feed(capture.Record{Conn: c, Kind: capture.Open, Time: epoch})
	if es := a.Feed(capture.Record{Conn: c, Kind: capture.Data, Time: epoch, Data: []byte("POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\n<a><b>")}); len(es) != 0 {
		t.Errorf("given out at once: %s", brief(es))
	}
	if es := a.Advance(epoch.Add(9 * time.Second)); len(es) != 0 {
		t.Errorf("given out too early: %s", brief(es))
	}
	if got := brief(a.Advance(epoch.Add(11 * time.Second))); got != "POST1(<a><b>)" {
		t.Errorf("got %s", got)
	}
}

// TestWithoutOpen: a source may begin in the middle, and Drop forgets.
func TestWithoutOpen(t *testing.T) {
	var a Assembler
	c := &capture.Conn{ID: 1}
	es := append([]Event(nil), a.Feed(capture.Record{Conn: c, Kind: capture.Data, Data: []byte("GET / HTTP/1.1\r\n\r\n")})...)
	if len(es) != 2 || es[0].Kind != Opened || !es[0].Midstream || es[1].Kind != RequestSeen {
		t.Errorf("%s", tell(es))
	}
	a.Drop(c)
	if es := a.Finish(); len(es) != 0 {
		t.Errorf("%s", tell(es))
	}
}

// TestProtocols: what a connection turned out to speak.
func TestProtocols(t *testing.T) {
	for _, tt := range []struct {
		name  string
		mid   bool
		parts []said
		want  Protocol
	}{
		{"nothing", false, nil, Silent},
		{"TLS", false, []said{c2s("\x16\x03\x01\x02\x00\x01")}, TLS},
		{"TLS alert of the server", false, []said{s2c("\x15\x03\x01\x00\x02\x02")}, TLS},
		{"TLS from its middle", true, []said{s2c("\x17\x03\x03\x10\x00data")}, TLS},
		{"SSLv2 hello", false, []said{c2s("\x80\x2e\x01\x03\x01\x00\x15")}, TLS},
		{"ssh", false, []said{s2c("SSH-2.0-x\r\n"), c2s("SSH-2.0-y\r\n")}, Foreign},
		{"rtsp", false, []said{c2s("OPTIONS rtsp://a RTSP/1.0\r\n\r\n"), s2c("RTSP/1.0 200 OK\r\n\r\n")}, Foreign},
		{"half a start line", false, []said{c2s("POST /ac")}, HTTP},
		{"only a response", true, []said{s2c("http/1.0 200 OK\r\n\r\n")}, HTTP},
	} {
		es := play(&capture.Conn{ID: 1}, tt.mid, tt.parts, nil)
		if got := es[len(es)-1].Summary.Protocol; got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
