package http1

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"

	"informant/capture"
)

// said is a part of a conversation: what one side sent, or another record.
type said struct {
	from capture.Direction
	data string
	rec  capture.Record // Gap, Close
}

func c2s(s string) said { return said{from: capture.FromClient, data: s} }
func s2c(s string) said { return said{from: capture.FromServer, data: s} }
func lost(d capture.Direction, n int64) said {
	return said{from: d, rec: capture.Record{Kind: capture.Gap, Lost: n}}
}
func shut(d capture.Direction, e capture.End) said {
	return said{from: d, rec: capture.Record{Kind: capture.Close, End: e}}
}
func shutBoth(e capture.End) said {
	return said{rec: capture.Record{Kind: capture.Close, End: e, Both: true}}
}

var epoch = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// play feeds a conversation, each part cut by cut (nil: whole), and returns all
// events.
func play(c *capture.Conn, midstream bool, parts []said, cut func(n int) int) []Event {
	return playOn(new(Assembler), c, midstream, parts, cut)
}

func playOn(a *Assembler, c *capture.Conn, midstream bool, parts []said, cut func(n int) int) []Event {
	var all []Event
	add := func(es []Event) { all = append(all, es...) }
	add(a.Feed(capture.Record{Conn: c, Kind: capture.Open, Midstream: midstream, Time: epoch, Packet: 1}))
	for i, p := range parts {
		r := p.rec
		r.Conn, r.From, r.Time, r.Packet = c, p.from, epoch.Add(time.Duration(i+1)*time.Millisecond), uint64(i+2)
		if p.data == "" {
			add(a.Feed(r))
			continue
		}
		r.Kind = capture.Data
		for rest := p.data; rest != ""; {
			n := len(rest)
			if cut != nil {
				n = min(n, max(1, cut(n)))
			}
			r.Data = []byte(rest[:n])
			add(a.Feed(r))
			for j := range r.Data {
				r.Data[j] = 0xEE // the assembler may not keep it
			}
			rest = rest[n:]
		}
	}
	add(a.Finish())
	return all
}

func randomCut(r *rand.Rand) func(int) int {
	small := 1 + r.Intn(40)
	return func(n int) int { return 1 + r.Intn(small) }
}

// tell writes events so that they can be compared: all but Seq.
func tell(es []Event) string {
	var b strings.Builder
	ids := map[*Exchange]int{}
	for _, e := range es {
		fmt.Fprintf(&b, "%s %s +%v p%d @%d lost %d", kindName[e.Kind], e.From, e.Time.Sub(epoch), e.Packet, e.Offset, e.Lost)
		if e.EarlyNext {
			b.WriteString(" early")
		}
		if e.Bytes != "" {
			fmt.Fprintf(&b, " %q", e.Bytes)
		}
		if e.Kind == Closed {
			fmt.Fprintf(&b, " %v both %v", e.End, e.Both)
			if e.Summary != nil {
				fmt.Fprintf(&b, " %+v", *e.Summary)
			}
		}
		if x := e.Exchange; x != nil {
			if ids[x] == 0 {
				ids[x] = len(ids) + 1
			}
			fmt.Fprintf(&b, " x%d n%d", ids[x], x.N)
			switch e.Kind {
			case RequestSeen:
				tellMessage(&b, x.Request)
			case ResponseSeen:
				for _, m := range x.Interim {
					tellMessage(&b, m)
				}
				tellMessage(&b, x.Response)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func tellMessage(b *strings.Builder, m *Message) {
	n := *m
	n.Conn = nil
	pieces := make([]string, len(n.Pieces))
	for i, p := range n.Pieces {
		pieces[i] = fmt.Sprintf("%d:%d", p.Off, p.Packet)
	}
	n.Pieces = nil
	if n.chunks != nil {
		fmt.Fprintf(b, " %v", n.chunks.list)
		n.chunks = nil
	}
	fmt.Fprintf(b, "\n    %s %q %q %+v", n.From, n.Raw, n.Body, n.Fields)
	n.Raw, n.Body, n.Fields = "", "", nil
	f, l := n.First, n.Last
	n.First, n.Last = time.Time{}, time.Time{}
	fmt.Fprintf(b, " %+v %v %v %v", n, f.Sub(epoch), l.Sub(epoch), pieces)
}

var kindName = map[EventKind]string{Opened: "opened", RequestSeen: "request", ResponseSeen: "response", Unanswered: "unanswered",
	RemainderSeen: "remainder", GapSeen: "gap", HandshakeSeen: "handshake", Closed: "closed"}

// messages returns the messages of the events, in order of their events.
func messages(es []Event) (ms []*Message) {
	for _, e := range es {
		switch e.Kind {
		case RequestSeen:
			ms = append(ms, e.Exchange.Request)
		case ResponseSeen:
			ms = append(ms, e.Exchange.Interim...)
			ms = append(ms, e.Exchange.Response)
		case Unanswered:
			ms = append(ms, e.Exchange.Interim...)
		}
	}
	return ms
}

// brief tells the course of events in a few words each, for tables.
func brief(es []Event) string {
	var out []string
	for _, e := range es {
		switch e.Kind {
		case RequestSeen:
			out = append(out, fmt.Sprintf("%s%d%s", e.Exchange.Request.Method, e.Exchange.N, body(e.Exchange.Request)))
		case ResponseSeen:
			s := ""
			for _, m := range e.Exchange.Interim {
				s += fmt.Sprintf("%d+", m.Status)
			}
			who := "-"
			if e.Exchange.Request != nil {
				who = fmt.Sprint(e.Exchange.N)
			}
			out = append(out, fmt.Sprintf("%s%d/%s%s", s, e.Exchange.Response.Status, who, body(e.Exchange.Response)))
		case Unanswered:
			out = append(out, fmt.Sprintf("none/%d", e.Exchange.N))
		case RemainderSeen:
			out = append(out, fmt.Sprintf("rem(%s)", e.Bytes))
		case GapSeen:
			out = append(out, fmt.Sprintf("gap(%d)", e.Lost))
		}
	}
	return strings.Join(out, " ")
}

func body(m *Message) string {
	s := ""
	if m.Body != "" {
		s = "(" + m.Body + ")"
	}
	if !m.Complete {
		s += "!"
	}
	return s
}

// noByteLost checks that what was fed is what messages and remainders hold, in
// each direction and in order.
func noByteLost(t *testing.T, parts []said, es []Event) {
	t.Helper()
	for d := capture.FromClient; d <= capture.FromServer; d++ {
		type held struct {
			at      int64
			text    string
			omitted int64
			lost    int64
		}
		var hs []held
		for _, m := range messages(es) {
			if m.From == d {
				hs = append(hs, held{m.Offset, m.Raw, m.Omitted, m.Lost})
			}
		}
		for _, e := range es {
			if e.Kind == RemainderSeen && e.From == d {
				hs = append(hs, held{e.Offset, e.Bytes, 0, 0})
			}
		}
		for i := range hs { // few: sort by insertion
			for j := i; j > 0 && hs[j].at < hs[j-1].at; j-- {
				hs[j], hs[j-1] = hs[j-1], hs[j]
			}
		}
		var want, got strings.Builder
		for _, p := range parts {
			if p.from == d {
				want.WriteString(p.data)
			}
		}
		for _, h := range hs {
			got.WriteString(h.text)
			if h.omitted > 0 {
				got.WriteString(want.String()[got.Len() : got.Len()+int(h.omitted)])
			}
		}
		if got.String() != want.String() {
			t.Errorf("%s sent %d bytes, messages and remainders hold %d:\n%.600q\n%.600q", d, want.Len(), got.Len(), want.String(), got.String())
		}
	}
}
