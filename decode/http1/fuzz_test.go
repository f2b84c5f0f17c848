package http1

import (
	"encoding/binary"
	"math/rand"
	"testing"

	"informant/capture"
)

// FuzzCuts holds three properties on any bytes: no panic, the same events
// however they are cut, and no byte lost once the connection speaks HTTP.
func FuzzCuts(f *testing.F) {
	for _, c := range conversations {
		var data []byte
		for _, p := range c.parts {
			switch {
			case p.data != "":
				data = append(data, byte(p.from))
				data = binary.BigEndian.AppendUint16(data, uint16(len(p.data)))
				data = append(data, p.data...)
			case p.rec.Kind == capture.Gap:
				data = append(data, 2|byte(p.from), 0, byte(p.rec.Lost))
			}
		}
		f.Add(data, int64(1), c.mid, c.dump)
	}
	f.Fuzz(func(t *testing.T, data []byte, seed int64, mid, dump bool) {
		parts := script(data)
		c := &capture.Conn{ID: 1}
		if dump {
			c.Origin = capture.Synthesised
		}
		whole := play(c, mid, parts, nil)
		s := whole[len(whole)-1].Summary
		if s.Protocol == HTTP && !blind(parts) {
			noByteLost(t, parts, whole)
		}
		for _, e := range whole {
			if e.Exchange != nil {
				checkOffsets(t, e.Exchange.Request)
				checkOffsets(t, e.Exchange.Response)
			}
		}
		cut := randomCut(rand.New(rand.NewSource(seed)))
		if got, want := tell(play(c, mid, parts, cut)), tell(whole); got != want {
			t.Fatalf("cut:\n%s\nwhole:\n%s", got, want)
		}
	})
}

// blind says whether more may have come before HTTP was found than is kept
// until then.
func blind(parts []said) bool {
	n := 0
	for _, p := range parts {
		n += len(p.data)
	}
	return n >= sniffMax
}

// script reads parts from fuzzed bytes: a byte for what, two for the length.
func script(b []byte) (parts []said) {
	for len(b) >= 3 && len(parts) < 50 {
		n := int(binary.BigEndian.Uint16(b[1:]))
		what, from := b[0]>>1&3, capture.Direction(b[0]&1)
		b = b[3:]
		switch what {
		case 1:
			parts = append(parts, lost(from, int64(n)-1))
		default:
			n = min(n, len(b))
			if n > 0 {
				parts = append(parts, said{from: from, data: string(b[:n])})
				b = b[n:]
			}
		}
	}
	return parts
}

// checkOffsets holds that RawOffset finds a body's bytes on the wire.
func checkOffsets(t *testing.T, m *Message) {
	if m == nil || m.Coding != "" && !m.HasQuirk(BadCoding) {
		return
	}
	for i := 0; i < len(m.Body); i++ {
		raw, ok := m.RawOffset(i)
		if !ok || m.Raw[raw] != m.Body[i] {
			t.Fatalf("body byte %d is at %d, %v of %q", i, raw, ok, m.Raw)
		}
	}
}

// TestRandomTalk plays random talk made of true and broken messages.
func TestRandomTalk(t *testing.T) {
	words := []string{
		"POST /acs HTTP/1.1\r\n", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 204 No\r\n\r\n",
		"Content-Length: 5\r\n", "Content-Length: 30\r\n", "Transfer-Encoding: chunked\r\n", "\r\n", "\n", "\r", "hello", "5\r\nhello\r\n", "0\r\n\r\n",
		"<a>", "</a>", "<a>text</a>", "HTTP/1.1 101 Up\r\n\r\n", "Content-Encoding: gzip\r\n", "PUT /f HTTP/1.1\r\n", " ", "\x00", "head /x http/1.0\r\n", "X: y\r\n",
	}
	for seed := range int64(3000) {
		r := rand.New(rand.NewSource(seed))
		var parts []said
		for range 1 + r.Intn(6) {
			s := ""
			for range 1 + r.Intn(8) {
				s += words[r.Intn(len(words))]
			}
			parts = append(parts, said{from: capture.Direction(r.Intn(2)), data: s})
			if r.Intn(12) == 0 {
				parts = append(parts, lost(capture.Direction(r.Intn(2)), int64(r.Intn(20)-1)))
			}
		}
		c := &capture.Conn{ID: 1, Origin: capture.Origin(r.Intn(4) / 3)}
		mid := r.Intn(2) == 0
		whole := play(c, mid, parts, nil)
		want := tell(whole)
		if whole[len(whole)-1].Summary.Protocol == HTTP {
			noByteLost(t, parts, whole)
		}
		for range 3 {
			if got := tell(play(c, mid, parts, randomCut(r))); got != want {
				t.Fatalf("seed %d cut:\n%s\nwhole:\n%s", seed, got, want)
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d: %+v\n%s", seed, parts, want)
		}
	}
}
