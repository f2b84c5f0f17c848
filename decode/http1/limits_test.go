package http1

import (
	"crypto/sha256"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"informant/capture"
)

// flood feeds head and then n times block from one side, and returns the events
// and by how much the heap grew at most.
func flood(a *Assembler, c *capture.Conn, from capture.Direction, head string, block []byte, n int) (es []Event, grown uint64) {
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	feed := func(r capture.Record) {
		r.Conn, r.From, r.Packet = c, from, 1
		for _, e := range a.Feed(r) {
			if e.Kind == RemainderSeen {
				e.Bytes = fmt.Sprint(len(e.Bytes)) // not kept
			}
			es = append(es, e)
		}
	}
	feed(capture.Record{Kind: capture.Open})
	feed(capture.Record{Kind: capture.Data, Data: []byte(head)})
	for i := range n {
		feed(capture.Record{Kind: capture.Data, Data: block})
		if i%(n/4+1) == n/8 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			grown = max(grown, now.HeapAlloc-min(before.HeapAlloc, now.HeapAlloc))
		}
	}
	return append(es, a.Finish()...), grown
}

func TestBoundedMemory(t *testing.T) {
	const mb = 1 << 20
	block := make([]byte, 64<<10)
	letters := []byte(strings.Repeat("x", 64<<10))
	lines := []byte(strings.Repeat("X: y\r\n", 10<<10))
	chunks := []byte(strings.Repeat("1\r\nx\r\n", 10<<10))
	tags := []byte(strings.Repeat(">", 64<<10))
	for _, tt := range []struct {
		name, head string
		block      []byte
		n          int
		origin     capture.Origin
		limit      uint64
	}{
		{"256 MB of zeros", "\x00", block, 4 << 10, 0, mb},
		{"128 MB of zeros after HTTP", "GET / HTTP/1.1\r\n\r\n", block, 2 << 10, 0, 8 * mb},
		{"1 GB declared, 10 bytes sent", "POST / HTTP/1.1\r\nContent-Length: 1073741824\r\n\r\n", letters[:10], 1, 0, 2 * mb},
		{"64 MB of body", "POST / HTTP/1.1\r\nContent-Length: 1073741824\r\n\r\n", letters, 1 << 10, 0, 20 * mb},
		{"a header line without end", "POST / HTTP/1.1\r\nX: ", letters, 1 << 10, 0, 5 * mb},
		{"header lines without end", "POST / HTTP/1.1\r\n", lines, 1 << 7, 0, 5 * mb},
		{"a start line without end", "POST /", letters, 1 << 10, 0, 2 * mb},
		{"chunks without end", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", chunks, 1 << 8, 0, 30 * mb},
		{"a chunk of garbage", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", letters, 1 << 9, 0, 20 * mb},
		{"a chunk header without end", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;", letters, 1 << 10, 0, 2 * mb},
		{"a tail without end", "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n<a>x", tags, 1 << 7, 0, 5 * mb},
		{"an envelope without end", "<a>", tags, 1 << 5, capture.Synthesised, 20 * mb},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := &Assembler{Limits: Limits{Body: 8 << 20}}
			es, grown := flood(a, &capture.Conn{ID: 1, Origin: tt.origin}, capture.FromClient, tt.head, tt.block, tt.n)
			if grown > tt.limit {
				t.Errorf("the heap grew by %d bytes", grown)
			}
			s := es[len(es)-1].Summary
			if want := int64(len(tt.head) + tt.n*len(tt.block)); s.Bytes[0] != want {
				t.Errorf("%d bytes counted, %d sent", s.Bytes[0], want)
			}
			total := int64(0)
			for _, e := range es {
				if e.Kind == RemainderSeen {
					n := 0
					fmt.Sscan(e.Bytes, &n)
					if n == 0 {
						n = len(e.Bytes)
					}
					total += int64(n)
				}
			}
			for _, m := range messages(es) {
				total += int64(len(m.Raw)) + m.Omitted
			}
			if s.Protocol == HTTP && total != s.Bytes[0] {
				t.Errorf("%d bytes of %d are told", total, s.Bytes[0])
			}
		})
	}
}

// TestFiles: a large file is kept by its beginning and its hash.
func TestFiles(t *testing.T) {
	text := strings.Repeat("firmware", 400<<10)
	for _, framing := range []string{"Content-Length: %d\r\n\r\n%s", "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", "Date: %d\r\n\r\n%s"} {
		parts := []said{c2s("GET /fw HTTP/1.1\r\n\r\n"), s2c("HTTP/1.1 200 OK\r\n" + fmt.Sprintf(framing, len(text), text)), shutBoth(capture.FIN)}
		es := play(&capture.Conn{ID: 1}, false, parts, func(int) int { return 1448 })
		m := messages(es)[1]
		if m.SHA256 != sha256.Sum256([]byte(text)) || m.Size != int64(len(text)) || !m.Complete || m.Body != text[:fileKeep] {
			t.Errorf("%.20q: %d of %d bytes, %v, kept %d", framing, m.Size, len(text), m.Complete, len(m.Body))
		}
		if int64(len(m.Raw))+m.Omitted != int64(len(parts[1].data)) {
			t.Errorf("%.20q: %d + %d bytes of %d", framing, len(m.Raw), m.Omitted, len(parts[1].data))
		}
	}
}
