package pcap

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"informant/capture"
)

// tshark runs Wireshark's reader; where it is absent the test is skipped, but
// not in CI.
func tshark(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("tshark")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("tshark is not installed")
		}
		t.Skip("tshark is not installed")
	}
	cmd := exec.Command(path, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark %v: %v\n%s", args, err, stderr.String())
	}
	return string(out)
}

// theirs is tshark's reading of a capture's TCP payload: per packet that
// brought new bytes its number, stream and their count.
func theirs(t *testing.T, file string) string {
	out := tshark(t, "-r", file, "-o", "tcp.desegment_tcp_streams:FALSE", "-Y", "tcp.len > 0 && !tcp.analysis.retransmission", "-T", "fields", "-e", "frame.number", "-e", "tcp.stream", "-e", "tcp.len", "-e", "tcp.srcport")
	return strings.TrimSpace(out)
}

// ours is the same of the records.
func ours(s seen) string {
	var lines []string
	for _, r := range s.records {
		if r.Kind == capture.Data {
			port := r.Conn.Client.Port()
			if r.From == capture.FromServer {
				port = r.Conn.Server.Port()
			}
			lines = append(lines, fmt.Sprintf("%d\t%d\t%d\t%d", r.Packet, r.Conn.ID-1, len(r.Data), port))
		}
	}
	return strings.Join(lines, "\n")
}

// sameAsTshark writes a capture and compares.
func sameAsTshark(t *testing.T, name string, b []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := ours(read(t, Options{}, b)), theirs(t, file); got != want {
		t.Errorf("ours (packet, stream, bytes, port):\n%s\ntshark's:\n%s", got, want)
	}
}

func vlan(kind uint16, b []byte) []byte {
	return append([]byte{0, 42, byte(kind >> 8), byte(kind)}, b...)
}

func pppOf(ip []byte) []byte {
	if etherOf(ip) == etherIPv6 {
		return append([]byte{0, 0x57}, ip...)
	}
	return append([]byte{0, 0x21}, ip...)
}

func pppoeOf(ip []byte) []byte {
	p := pppOf(ip)
	return append([]byte{0x11, 0, 0, 1, byte(len(p) >> 8), byte(len(p))}, p...)
}

func familyOf(ip []byte) uint32 {
	if etherOf(ip) == etherIPv6 {
		return 30
	}
	return 2
}

func labels(b []byte) []byte {
	return append([]byte{0, 0x10, 0, 64, 0, 0x20, 1, 64}, b...)
}

// links are the link layers, and how each wraps an IP packet.
var links = []struct {
	name string
	link uint32
	wrap func(ip []byte) []byte
}{
	{"ethernet", 1, func(ip []byte) []byte { return eth(etherOf(ip), ip) }},
	{"ethernet-padded", 1, func(ip []byte) []byte {
		b := eth(etherOf(ip), ip)
		return append(b, make([]byte, max(0, 80-len(b)))...)
	}},
	{"802.1Q", 1, func(ip []byte) []byte { return eth(etherVLAN, vlan(etherOf(ip), ip)) }},
	{"qinq-88a8", 1, func(ip []byte) []byte { return eth(etherQinQ, vlan(etherVLAN, vlan(etherOf(ip), ip))) }},
	{"qinq-9100", 1, func(ip []byte) []byte { return eth(etherQinQOld, vlan(etherVLAN, vlan(etherOf(ip), ip))) }},
	{"pppoe", 1, func(ip []byte) []byte { return eth(etherPPPoE, pppoeOf(ip)) }},
	{"vlan-pppoe", 1, func(ip []byte) []byte { return eth(etherVLAN, vlan(etherPPPoE, pppoeOf(ip))) }},
	{"mpls", 1, func(ip []byte) []byte { return eth(etherMPLS, labels(ip)) }},
	{"mpls-pseudowire", 1, func(ip []byte) []byte {
		return eth(etherMPLS, labels(append([]byte{0, 0, 0, 0}, eth(etherOf(ip), ip)...)))
	}},
	{"snap", 1, func(ip []byte) []byte {
		return eth(uint16(len(ip)+8), append([]byte{0xaa, 0xaa, 3, 0, 0, 0, byte(etherOf(ip) >> 8), byte(etherOf(ip))}, ip...))
	}},
	{"null-le", 0, func(ip []byte) []byte {
		return append(binary.LittleEndian.AppendUint32(nil, familyOf(ip)), ip...)
	}},
	{"null-be", 0, func(ip []byte) []byte {
		return append(binary.BigEndian.AppendUint32(nil, familyOf(ip)), ip...)
	}},
	{"loop", 108, func(ip []byte) []byte {
		return append(binary.BigEndian.AppendUint32(nil, familyOf(ip)), ip...)
	}},
	{"cooked-v1", 113, func(ip []byte) []byte {
		return append([]byte{0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, byte(etherOf(ip) >> 8), byte(etherOf(ip))}, ip...)
	}},
	{"cooked-v1-vlan", 113, func(ip []byte) []byte {
		return append([]byte{0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x81, 0}, vlan(etherOf(ip), ip)...)
	}},
	{"cooked-v2", 276, func(ip []byte) []byte {
		return append([]byte{byte(etherOf(ip) >> 8), byte(etherOf(ip)), 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0}, ip...)
	}},
	{"raw-12", 12, func(ip []byte) []byte { return ip }},
	{"raw-14", 14, func(ip []byte) []byte { return ip }},
	{"raw-101", 101, func(ip []byte) []byte { return ip }},
	{"ppp", 9, pppOf},
	{"ppp-framed", 9, func(ip []byte) []byte { return append([]byte{0xff, 3}, pppOf(ip)...) }},
	{"ppp-compressed", 9, func(ip []byte) []byte { return pppOf(ip)[1:] }},
	{"ppp-hdlc", 50, func(ip []byte) []byte { return append([]byte{0xff, 3}, pppOf(ip)...) }},
	{"ppp-hdlc-cisco", 50, func(ip []byte) []byte {
		return append([]byte{0x0f, 0, byte(etherOf(ip) >> 8), byte(etherOf(ip))}, ip...)
	}},
	{"ppp-direction", 204, func(ip []byte) []byte { return append([]byte{0}, pppOf(ip)...) }},
	{"pppoe-only", 51, pppoeOf},
	{"cisco-hdlc", 104, func(ip []byte) []byte {
		return append([]byte{0x0f, 0, byte(etherOf(ip) >> 8), byte(etherOf(ip))}, ip...)
	}},
}

func TestLinkLayers(t *testing.T) {
	four, six := conversation(cpe4, acs4, "question", "answer"), conversation(cpe6, acs6, "question six", "answer six")
	for _, l := range links {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			var packets [][]byte
			for _, ip := range append(four[:len(four):len(four)], six...) {
				packets = append(packets, l.wrap(ip))
			}
			b := writePcap(binary.LittleEndian, false, l.link, spaced(packets...))
			got := read(t, Options{}, b)
			if want := whole + "[open] C:question six S:answer six C/closed S/closed//"; got.talk() != want {
				t.Fatalf("got  %s\nwant %s\n%+v", got.talk(), want, got.stats)
			}
			if l.name == "mpls-pseudowire" {
				return // tshark must be told what a label carries
			}
			sameAsTshark(t, l.name+".pcap", b)
		})
	}
	for link, packets := range map[uint32][][]byte{228: four, 229: six} {
		b := writePcap(binary.BigEndian, true, link, spaced(packets...))
		if got := read(t, Options{}, b); got.stats.Conns != 1 || got.stats.TCP != 8 {
			t.Errorf("link type %d: %+v", link, got.stats)
		}
		sameAsTshark(t, fmt.Sprintf("%d.pcap", link), b)
	}
}

func TestUnsupportedLink(t *testing.T) {
	got := read(t, Options{}, writePcap(binary.LittleEndian, false, 147, sample()))
	if got.stats.Unsupported != 8 || got.stats.LinkType != 147 || len(got.records) != 0 {
		t.Errorf("%+v", got.stats)
	}
}

// extensionHeaders are put before the TCP of an IPv6 packet.
func extensionHeaders(ip []byte) []byte {
	b := bytes.Clone(ip[:40])
	b[6] = protoHopByHop
	ext := []byte{protoDest, 0, 1, 4, 0, 0, 0, 0}
	ext = append(ext, protoRouting, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	ext = append(ext, protoAH, 0, 4, 0, 0, 0, 0, 0)
	ext = append(ext, protoFragment, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	ext = append(ext, protoTCP, 0, 0, 0, 0, 0, 0, 9) // an atomic fragment
	b = append(append(b, ext...), ip[40:]...)
	binary.BigEndian.PutUint16(b[4:], uint16(len(b)-40))
	return b
}

// fragmented cuts an IP packet into pieces of n bytes.
func fragmented(ip []byte, n int, id uint32) (out [][]byte) {
	v6, head := ip[0]>>4 == 6, 20
	if v6 {
		head = 40
	}
	payload := ip[head:]
	for off := 0; off < len(payload); off += n {
		part := payload[off:min(off+n, len(payload))]
		more := uint16(0)
		if off+n < len(payload) {
			more = 1
		}
		var b []byte
		if v6 {
			b = append(bytes.Clone(ip[:40]), protoTCP, 0, 0, 0)
			binary.BigEndian.PutUint16(b[42:], uint16(off)|more)
			b = append(binary.BigEndian.AppendUint32(b, id), part...)
			b[6] = protoFragment
			binary.BigEndian.PutUint16(b[4:], uint16(len(b)-40))
		} else {
			src, dst := cpe4, acs4
			if !bytes.Equal(ip[12:16], cpe4.Addr().AsSlice()) {
				src, dst = acs4, cpe4
			}
			b = ip4(src.Addr(), dst.Addr(), protoTCP, uint16(id), uint16(off/8)|more<<13, part)
		}
		out = append(out, b)
	}
	return out
}

func TestExtensionHeadersAndFragments(t *testing.T) {
	question, answer := strings.Repeat("question ", 100), strings.Repeat("answer ", 100)
	want := "[open] C:" + question + " S:" + answer + " C/closed S/closed//"
	four, six := conversation(cpe4, acs4, question, answer), conversation(cpe6, acs6, question, answer)
	var ext, inOrder4, inOrder6, mixed4, mixed6 [][]byte
	for i, p := range six {
		ext = append(ext, extensionHeaders(p))
		inOrder6 = append(inOrder6, fragmented(p, 256, uint32(i))...)
		mixed6 = append(mixed6, reversed(fragmented(p, 64, uint32(i)))...)
	}
	for i, p := range four {
		inOrder4 = append(inOrder4, fragmented(p, 256, uint32(i))...)
		mixed4 = append(mixed4, reversed(fragmented(p, 64, uint32(i)))...)
	}
	for name, packets := range map[string][][]byte{"extensions": ext, "fragments4": inOrder4, "fragments6": inOrder6, "reversed4": mixed4, "reversed6": mixed6} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := writePcap(binary.LittleEndian, false, 101, spaced(packets...))
			if got := read(t, Options{}, b); got.talk() != want {
				t.Fatalf("got  %s\nwant %s\n%+v", got.talk(), want, got.stats)
			}
			if name == "extensions" {
				return // tshark has no AH without a good length of its own; what follows is read alike
			}
			sameAsTshark(t, name+".pcap", b)
		})
	}
}

func reversed(p [][]byte) [][]byte {
	for i, k := 0, len(p)-1; i < k; i, k = i+1, k-1 {
		p[i], p[k] = p[k], p[i]
	}
	return p
}

func TestFragmentsLost(t *testing.T) {
	question := strings.Repeat("question ", 100)
	packets := conversation(cpe4, acs4, question, "answer")
	parts := fragmented(packets[3], 256, 5)
	lost := append(append(append([][]byte{}, packets[:3]...), parts[1:]...), packets[4:]...)
	got := raw(t, Options{}, lost...)
	if want := "[open] C<900> S:answer C/closed S/closed//"; got.talk() != want {
		t.Errorf("got  %s\nwant %s", got.talk(), want)
	}
	// Many first fragments are dropped at the limit.
	var flood [][]byte
	for i := range 500 {
		flood = append(flood, fragmented(packets[3], 256, uint32(i))[0])
	}
	got = raw(t, Options{MaxFragments: 100}, flood...)
	if got.stats.Fragments != 500 || got.stats.FragmentsLost != 400 {
		t.Errorf("%+v", got.stats)
	}
	got = raw(t, Options{FragmentBytes: 32000}, flood...)
	if got.stats.FragmentsLost != 400 {
		t.Errorf("%+v", got.stats)
	}
	p := spaced(append(append([][]byte{}, packets[:3]...), parts...)...)
	for i := range p[4:] {
		p[4+i].ts += 31e9 // too late for the first
	}
	got = read(t, Options{}, writePcap(binary.LittleEndian, true, 101, p))
	if got.stats.FragmentsLost != 1 || got.stats.TCP != 3 {
		t.Errorf("%+v", got.stats)
	}
	// A fragment that the snap length cut: what comes before the cut is known.
	p = spaced(append(append([][]byte{}, packets[:3]...), parts...)...)
	p[4].orig, p[4].data = len(p[4].data), p[4].data[:100]
	got = read(t, Options{}, writePcap(binary.LittleEndian, true, 101, p))
	if known := 256 - 20 + 100 - 20; got.talk() != fmt.Sprintf("[open] C:%s C<%d> C/end of input//", question[:known], 900-known) {
		t.Error(got.talk())
	}
}

// TestPacketNumbers holds that packets are counted as Wireshark counts them.
func TestPacketNumbers(t *testing.T) {
	sameAsTshark(t, "all.pcapng", allBlocks(binary.LittleEndian))
	sameAsTshark(t, "all-be.pcapng", allBlocks(binary.BigEndian))
}

// TestSharedCaptures compares with tshark on captures of real peers.
func TestSharedCaptures(t *testing.T) {
	for _, name := range []string{
		"captures/mixed-http.pcapng.gz", "captures/auth-basic-http.pcapng.gz", "captures/mixed-tls12.pcapng",
		"corpus/magma__magma/dp_enb_tr069.stream0.pcap", "corpus/TueTran2008__tr069-acs/sample_cpe_acs_msg.cwmp-only.pcapng",
	} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			file := shared(t, name)
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := read(t, Options{}, b)
			if got.stats.Gaps != 0 || got.stats.Conflicting != 0 || got.stats.Stray != 0 {
				t.Errorf("%+v", got.stats)
			}
			bytesOf := map[string]int{}
			for _, l := range strings.Split(ours(got), "\n") {
				var n, stream, size, port int
				fmt.Sscan(l, &n, &stream, &size, &port)
				bytesOf[fmt.Sprint(port)] += size
			}
			want := map[string]int{}
			for _, l := range strings.Split(theirs(t, file), "\n") {
				var n, stream, size, port int
				fmt.Sscan(l, &n, &stream, &size, &port)
				want[fmt.Sprint(port)] += size
			}
			if fmt.Sprint(bytesOf) != fmt.Sprint(want) {
				t.Errorf("bytes by port:\n%v\ntshark's:\n%v", bytesOf, want)
			}
			streams := map[string]bool{}
			for _, l := range strings.Fields(tshark(t, "-r", file, "-Y", "tcp", "-T", "fields", "-e", "tcp.stream")) {
				streams[l] = true
			}
			if int(got.stats.Conns) != len(streams) {
				t.Errorf("%d connections, tshark has %d", got.stats.Conns, len(streams))
			}
		})
	}
}
