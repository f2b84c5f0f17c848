package http1

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"informant/capture"
)

// TestXMPP: stanzas are found however the bytes were cut, and what is no stream has none.
func TestXMPP(t *testing.T) {
	head := "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	padding := "<message>" + strings.Repeat("x", 3000) + "</message>"
	for name, x := range map[string]struct {
		text string
		want []string
	}{
		"a stream":         {head + "<iq id='1'/><presence/><iq id='2'><a>b</a></iq>" + padding + "<iq id='3'/>", []string{"<iq id='1'/>", "<iq id='2'><a>b</a></iq>", "<iq id='3'/>"}},
		"no stream":        {"<?xml version='1.0'?><soap><iq id='1'/></soap>" + padding, nil},
		"not whole":        {head + "<iq id='1'><a>", nil},
		"HTTP":             {"POST / HTTP/1.1\r\nContent-Length: 12\r\n\r\n<iq id='1'/>", nil},
		"one that is long": {head + "<iq>" + strings.Repeat("y", 70_000) + "</iq>", nil},
	} {
		t.Run(name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(1, 1))
			for range 60 {
				var a Assembler
				conn := &capture.Conn{ID: 1}
				var got []string
				take := func(r capture.Record) {
					r.Conn = conn
					for _, e := range a.Feed(r) {
						if e.Kind == StanzaSeen {
							got = append(got, e.Bytes)
						}
					}
				}
				take(capture.Record{Kind: capture.Open})
				for rest := x.text; rest != ""; {
					n := min(len(rest), 1+rnd.IntN(1+rnd.IntN(1500)))
					take(capture.Record{Kind: capture.Data, Data: []byte(rest[:n])})
					rest = rest[n:]
				}
				if name == "one that is long" {
					continue // how it was cut decides where it is given up
				}
				if !slices.Equal(got, x.want) {
					t.Fatalf("%q, want %q", got, x.want)
				}
			}
		})
	}
}
