package recording

import (
	"net/netip"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"informant/capture"
)

func BenchmarkGroup(b *testing.B) {
	var g group
	c := &capture.Conn{ID: 1, Client: netip.MustParseAddrPort("10.0.0.1:5000"), Server: netip.MustParseAddrPort("10.0.0.2:7547")}
	data := make([]byte, 400)
	r := capture.Record{Seq: 1, Conn: c, Kind: capture.Data, Data: data, Time: time.Now(), Packet: 3}
	enc, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	_ = enc
	b.SetBytes(400)
	g.begin(1, "t", &r)
	for b.Loop() {
		g.add(&r, r.Time)
		r.Seq++
		r.Time = r.Time.Add(123456)
		if len(g.text) > 64<<10 {
			cur, _ := openGroup(g.text, 0, &conns{})
			for {
				_, ok, _, err := cur.next()
				if err != nil {
					b.Fatal(err)
				}
				if !ok {
					break
				}
			}
			g.begin(1, "t", &r)
		}
	}
}
