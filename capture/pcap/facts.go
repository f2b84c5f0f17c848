package pcap

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"

	"informant/capture"
)

// Facts are what Writer has to say of a connection and packets cannot: a comment
// at its first packet,
//
//	informant: connection IDENTITY [made] [no-client] [no-server]
//
// at the acknowledgement of bytes that were not seen
//
//	informant: connection lacks N|unknown bytes of the client|server
//
// and where whoever watched stopped before the end
//
//	informant: connection ends evicted|end
//
// in a section that was written by informant. The identity is that of
// capture.Conn; made stands for capture.Synthesised; the last two say that an
// address was made up by Writer. Who sends that packet is the client. Where it is
// no SYN, it is an acknowledgement, and there will be no SYN.

const (
	factsWords = "informant: connection "
	factsMost  = len(factsWords) + 32 + 64
	endsWords  = factsWords + "ends "
	lacksWords = factsWords + "lacks "
)

// lacksOf is what has to be said of a gap.
func lacksOf(r *capture.Record) string {
	if r.Lost < 0 {
		return lacksWords + "unknown bytes of the " + r.From.String()
	}
	return lacksWords + strconv.FormatInt(r.Lost, 10) + " bytes of the " + r.From.String()
}

// parseLacks reads a comment; lost is -1 where it is unknown.
func parseLacks(text []byte) (lost int64, ok bool) {
	rest, ok := bytes.CutPrefix(text, []byte(lacksWords))
	word, _, _ := bytes.Cut(rest, []byte(" "))
	if !ok || string(word) == "unknown" {
		return -1, ok
	}
	lost, err := strconv.ParseInt(string(word), 10, 63)
	return lost, err == nil && lost >= 0
}

// endsOf is what has to be said at the end of a connection: that nobody watched
// any longer.
func endsOf(r *capture.Record) string {
	switch r.End {
	case capture.Evicted:
		return endsWords + "evicted"
	case capture.EndOfInput:
		return endsWords + "end"
	}
	return ""
}

// parseEnds reads a comment.
func parseEnds(text []byte) (capture.End, bool) {
	switch string(text) {
	case endsWords + "evicted":
		return capture.Evicted, true
	case endsWords + "end":
		return capture.EndOfInput, true
	}
	return 0, false
}

// facts of a connection.
type facts struct {
	client             end // who sent the packet
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
	if words == nil && r.Kind == capture.Open && !r.Midstream && !r.Time.IsZero() && c.Identity == capture.NewIdentity(capture.TCP, plain(c.Client), plain(c.Server), r.Time, "") {
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

// told takes what Writer says in a packet of a connection; over says that the
// connection has ended with it.
func (a *assembler) told(f *flow, from end, s *segment) (over bool) {
	if why, ok := parseEnds(s.facts); ok {
		a.end(f, why)
		return true
	}
	if f.facts != nil && f.phase == undecided && s.flags&(flagSYN|flagACK) == flagACK {
		x, y := &f.half[from], &f.half[1-from]
		x.known, x.next, y.known, y.next = true, s.seq, true, s.ack
		a.decide(f)
	}
	lost, ok := parseLacks(s.facts)
	h := &f.half[1-from]
	if !ok || s.flags&flagACK == 0 || h.held {
		return false
	}
	if f.phase == undecided {
		a.decide(f)
	}
	if f.phase != following || h.closed {
		return false
	}
	a.gap(f, 1-from, lost, s.at)
	h.known, h.next, h.acked, h.ghost = true, s.ack, s.ack, false
	return false
}
