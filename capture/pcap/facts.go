package pcap

import (
	"encoding/hex"
	"net/netip"
	"strings"

	"informant/capture"
)

// Facts are what Writer has to say of a connection and packets cannot: a comment
// at its first packet,
//
//	informant: connection IDENTITY [made] [no-client] [no-server]
//
// in a section that was written by informant. The identity is that of
// capture.Conn; made stands for capture.Synthesised; the last two say that an
// address was made up by Writer.

const (
	factsWords = "informant: connection "
	factsMost  = len(factsWords) + 32 + 64
)

// facts of a connection.
type facts struct {
	identity           [16]byte
	made               bool
	noClient, noServer bool
}

// factsOf says what has to be said of a connection that begins with r, "" for
// nothing: its packets tell it all.
func factsOf(r *capture.Record) string {
	c := r.Conn
	var words []string
	if c.Origin == capture.Synthesised {
		words = append(words, "made")
	}
	if !c.Client.IsValid() {
		words = append(words, "no-client")
	}
	if !c.Server.IsValid() {
		words = append(words, "no-server")
	}
	if words == nil && !r.Time.IsZero() && c.Identity == capture.NewIdentity(capture.TCP, plain(c.Client), plain(c.Server), r.Time, "") {
		return ""
	}
	return strings.Join(append([]string{factsWords + hex.EncodeToString(c.Identity[:])}, words...), " ")
}

// parseFacts reads a comment.
func parseFacts(text []byte) (f facts, ok bool) {
	if len(text) > factsMost {
		return f, false
	}
	rest, ok := strings.CutPrefix(string(text), factsWords)
	words := strings.Fields(rest)
	if !ok || len(words) == 0 {
		return f, false
	}
	b, err := hex.DecodeString(words[0])
	if err != nil || len(b) != len(f.identity) {
		return f, false
	}
	f.identity = [16]byte(b)
	for _, w := range words[1:] {
		switch w {
		case "made":
			f.made = true
		case "no-client":
			f.noClient = true
		case "no-server":
			f.noServer = true
		}
	}
	return f, true
}

// apply sets what the facts say of a connection.
func (f *facts) apply(c *capture.Conn) {
	c.Identity = f.identity
	if f.made {
		c.Origin = capture.Synthesised
	}
	if f.noClient {
		c.Client = netip.AddrPort{}
	}
	if f.noServer {
		c.Server = netip.AddrPort{}
	}
}
