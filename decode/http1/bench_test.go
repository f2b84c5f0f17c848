package http1

import (
	"fmt"
	"strings"
	"testing"

	"informant/capture"
)

// segments cuts text as Ethernet does.
func segments(text string) (rs [][]byte) {
	for text != "" {
		n := min(len(text), 1448)
		rs = append(rs, []byte(text[:n]))
		text = text[n:]
	}
	return rs
}

func benchmarkExchange(b *testing.B, bodyLen int) {
	body := "<a>" + strings.Repeat("x", bodyLen-7) + "</a>"
	request := segments(fmt.Sprintf("POST /acs HTTP/1.1\r\nHost: acs.example:7547\r\nUser-Agent: CPE/1.0\r\nContent-Type: text/xml; charset=utf-8\r\nSOAPAction: \"\"\r\nCookie: session=0123456789abcdef\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	response := []byte("HTTP/1.1 204 No Content\r\nServer: x\r\nContent-Length: 0\r\n\r\n")
	size := len(response)
	for _, s := range request {
		size += len(s)
	}
	var a Assembler
	c := &capture.Conn{ID: 1}
	a.Feed(capture.Record{Conn: c, Kind: capture.Open})
	b.SetBytes(int64(size))
	b.ReportAllocs()
	packet := uint64(0)
	for b.Loop() {
		n := 0
		for _, s := range request {
			packet++
			n += len(a.Feed(capture.Record{Conn: c, Kind: capture.Data, Data: s, Packet: packet, Time: epoch}))
		}
		packet++
		n += len(a.Feed(capture.Record{Conn: c, From: capture.FromServer, Kind: capture.Data, Data: response, Packet: packet, Time: epoch}))
		if n != 2 {
			b.Fatal(n)
		}
	}
}

func BenchmarkExchange4KB(b *testing.B) { benchmarkExchange(b, 4<<10) }
func BenchmarkExchange2MB(b *testing.B) { benchmarkExchange(b, 2<<20) }
