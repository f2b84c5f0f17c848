package pcap

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net/netip"
	"testing"

	"informant/capture"
)

// bigFlow is one connection of about n bytes, with 0.5 % of its segments
// moved and as many sent twice.
func bigFlow(n int) []pkt {
	r := rand.New(rand.NewPCG(1, 1))
	payload := make([]byte, 1448)
	for i := range payload {
		payload[i] = byte(r.Uint32())
	}
	packets := spaced(conversation(cpe4, acs4, "", "")[:3]...)
	seq := uint32(1001)
	for sent := 0; sent < n; sent += len(payload) {
		b := eth(etherIPv4, tcpPacket(cpe4, acs4, flagACK, seq, 5001, string(payload)))
		seq += uint32(len(payload))
		packets = append(packets, pkt{data: b})
		switch r.IntN(200) {
		case 0:
			packets = append(packets, pkt{data: b})
		case 1:
			k := len(packets) - 1
			packets[k], packets[k-1] = packets[k-1], packets[k]
		}
	}
	for i := range packets[:3] {
		packets[i].data = eth(etherIPv4, packets[i].data)
	}
	return timedPackets(packets)
}

// smallFlows are n connections, a thousand at a time, each with two requests
// and answers of a few packets.
func smallFlows(n int) []pkt {
	r := rand.New(rand.NewPCG(2, 2))
	body := string(make([]byte, 1448))
	next := func(i int) [][]byte {
		ip := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		all := conversation(netip.AddrPortFrom(ip, uint16(1024+i%60000)), acs4, "", "")
		c, q := netip.AddrPortFrom(ip, uint16(1024+i%60000)), uint32(1001)
		out := append([][]byte{}, all[:3]...)
		a := uint32(5001)
		for range 2 {
			for _, size := range []int{1448, 1448, 600} {
				out = append(out, tcpPacket(c, acs4, flagACK, q, a, body[:size]))
				q += uint32(size)
			}
			for range 3 {
				out = append(out, tcpPacket(acs4, c, flagACK, a, q, body[:400]))
				a += 400
			}
		}
		return append(out, tcpPacket(c, acs4, flagACK|flagFIN, q, a, ""), tcpPacket(acs4, c, flagACK|flagFIN, a, q+1, ""))
	}
	var running [][][]byte
	var packets []pkt
	for i := 0; i < n || len(running) > 0; {
		for i < n && len(running) < 1000 {
			running = append(running, next(i))
			i++
		}
		k := r.IntN(len(running))
		packets = append(packets, pkt{data: eth(etherIPv4, running[k][0])})
		if running[k] = running[k][1:]; len(running[k]) == 0 {
			running[k] = running[len(running)-1]
			running = running[:len(running)-1]
		}
	}
	return timedPackets(packets)
}

func timedPackets(p []pkt) []pkt {
	for i := range p {
		p[i].ts = int64(i) * 20_000
	}
	return p
}

func benchmark(b *testing.B, packets []pkt) {
	files := map[string][]byte{
		"pcap":   writePcap(binary.LittleEndian, false, 1, packets),
		"pcapng": writePcapng(binary.LittleEndian, 1, packets),
	}
	for _, name := range []string{"pcap", "pcapng"} {
		f := files[name]
		b.Run(name+"/read", func(b *testing.B) {
			b.SetBytes(int64(len(f)))
			for b.Loop() {
				i, err := openInput(Input{name, bytes.NewReader(f)}, nil)
				for err == nil {
					err = i.advance()
				}
				if err != io.EOF {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/records", func(b *testing.B) {
			b.SetBytes(int64(len(f)))
			b.ReportAllocs()
			for b.Loop() {
				s, err := NewSource([]Input{{name, bytes.NewReader(f)}}, Options{})
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				for {
					r, err := s.Next()
					if err == io.EOF {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
					if r.Kind == capture.Gap {
						b.Fatal("a gap")
					}
					n += len(r.Data)
				}
				if n == 0 {
					b.Fatal("nothing")
				}
			}
			b.ReportMetric(float64(len(packets))*float64(b.N)/b.Elapsed().Seconds()/1e3, "kpackets/s")
		})
	}
}

func BenchmarkBigFlow(b *testing.B)    { benchmark(b, bigFlow(64<<20)) }
func BenchmarkSmallFlows(b *testing.B) { benchmark(b, smallFlows(8000)) }
