package proof

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"informant/capture"
	"informant/testdata/gen/traffic"
)

// maxMemory is what the program may use at its peak, whatever it reads.
const maxMemory = 160 << 20

// hostile is what one connection sends beside ordinary traffic.
var hostile = []struct {
	name string
	send func(k *traffic.Conn)
}{
	{"1 GB declared, 10 bytes sent", func(k *traffic.Conn) {
		k.Send(capture.FromClient, []byte("POST /acs HTTP/1.1\r\nHost: acs\r\nContent-Type: text/xml\r\nContent-Length: 1073741824\r\n\r\n<?xml vers"))
	}},
	{"1 GB declared in a chunk", func(k *traffic.Conn) {
		k.Send(capture.FromClient, []byte("POST /acs HTTP/1.1\r\nHost: acs\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\n<?xml vers"))
	}},
	{"nesting 100,000 deep", func(k *traffic.Conn) {
		body := `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>` + strings.Repeat("<a>", 100_000)
		k.Send(capture.FromClient, []byte("POST /acs HTTP/1.1\r\nHost: acs\r\nContent-Type: text/xml\r\n"+length(body)+"\r\n"+body))
		k.Send(capture.FromServer, []byte(ok))
	}},
	{"nesting 100,000 deep in an argument", func(k *traffic.Conn) {
		body := `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:c="urn:dslforum-org:cwmp-1-0"><e:Body><c:X_Vendor_Deep>` +
			strings.Repeat("<a>", 100_000) + strings.Repeat("</a>", 100_000) + `</c:X_Vendor_Deep></e:Body></e:Envelope>`
		k.Send(capture.FromClient, []byte("POST /acs HTTP/1.1\r\nHost: acs\r\nContent-Type: text/xml\r\n"+length(body)+"\r\n"+body))
		k.Send(capture.FromServer, []byte(ok))
	}},
	{"a header line without end", func(k *traffic.Conn) {
		k.Send(capture.FromClient, []byte("POST /acs HTTP/1.1\r\nHost: "))
		line := bytes.Repeat([]byte("a"), 1<<20)
		for range 64 {
			k.Send(capture.FromClient, line)
		}
	}},
	{"a body of zeros without end", func(k *traffic.Conn) {
		k.Send(capture.FromClient, []byte("POST /acs HTTP/1.1\r\nHost: acs\r\nContent-Length: 1073741824\r\n\r\n"))
		zeros := make([]byte, 1<<20)
		for range scaled(100, 1024) {
			k.Send(capture.FromClient, zeros)
		}
	}},
	{"zeros and nothing else", func(k *traffic.Conn) {
		zeros := make([]byte, 1<<20)
		for range scaled(100, 1024) {
			k.Send(capture.FromClient, zeros)
		}
	}},
	{"a GB of zeros, compressed", func(k *traffic.Conn) {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		zeros := make([]byte, 1<<20)
		for range scaled(128, 1024) { // the limit is 64 MB
			w.Write(zeros)
		}
		w.Close()
		k.Send(capture.FromClient, fmt.Appendf(nil, "POST /acs HTTP/1.1\r\nHost: acs\r\nContent-Type: text/xml\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", b.Len(), b.Bytes()))
		k.Send(capture.FromServer, []byte(ok))
	}},
	{"a million tiny chunks", func(k *traffic.Conn) {
		k.Send(capture.FromClient, []byte("POST /acs HTTP/1.1\r\nHost: acs\r\nTransfer-Encoding: chunked\r\n\r\n"))
		k.Send(capture.FromClient, bytes.Repeat([]byte("1\r\na\r\n"), 1_000_000))
	}},
	{"a million requests and no answer", func(k *traffic.Conn) {
		k.Send(capture.FromClient, bytes.Repeat([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 1_000_000))
	}},
	{"a hundred thousand header fields", func(k *traffic.Conn) {
		k.Send(capture.FromClient, []byte("POST /acs HTTP/1.1\r\n"+strings.Repeat("X-A: 1\r\n", 100_000)+"\r\n"))
		k.Send(capture.FromServer, []byte(ok))
	}},
	{"entities that grow", func(k *traffic.Conn) {
		body := `<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>` +
			strings.Replace(envelope, `<?xml version="1.0"?>`, "", 1)
		body = strings.Replace(body, "<cwmp:GetRPCMethods/>", "<cwmp:Reboot><CommandKey>"+strings.Repeat("&c;", 1000)+"</CommandKey></cwmp:Reboot>", 1)
		k.Send(capture.FromClient, []byte("POST /acs HTTP/1.1\r\nHost: acs\r\nContent-Type: text/xml\r\n"+length(body)+"\r\n"+body))
		k.Send(capture.FromServer, []byte(ok))
	}},
}

// TestHostile: each is read in bounded memory, and the ordinary traffic beside
// it is told as it is without it.
func TestHostile(t *testing.T) {
	dir := t.TempDir()
	start := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	ordinary, stats := generated(t, traffic.Options{Seed: 31, Bytes: 500_000, Shape: traffic.Small, Start: start})
	beside := filepath.Join(dir, "ordinary.pcap")
	if err := os.WriteFile(beside, ordinary, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, h := range hostile {
		t.Run(h.name, func(t *testing.T) {
			name := filepath.Join(dir, "hostile.pcap")
			f, err := os.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			w := traffic.NewCapture(f, traffic.Pcap, start, 1)
			w.Step = 2 * time.Microsecond
			h.send(w.Open(netip.MustParseAddrPort("192.0.2.66:50000"), netip.MustParseAddrPort("192.0.2.1:7547")))
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			f.Close()
			out, errs, code, peak := measured(t, "decode", "-q", "-o", "json", name, beside)
			if code != 0 && code != 3 {
				t.Errorf("exit %d: %s", code, errs)
			}
			if peak > maxMemory {
				t.Errorf("peak memory %d MB", peak>>20)
			}
			items := parse(t, out)
			s := summary(t, items)
			sessions := 0
			for _, x := range items {
				if x.Type == "session" && x.Outcome == "complete" && !strings.HasPrefix(x.CPE, "192.0.2.66:") {
					sessions++
				}
			}
			if sessions != stats.Sessions {
				t.Errorf("%d sessions of the ordinary traffic, want %d", sessions, stats.Sessions)
			}
			if s.Undecoded != 0 {
				t.Errorf("%d undecoded", s.Undecoded)
			}
			t.Logf("peak %d MB", peak>>20)
		})
	}
}

// measured runs the program and measures its peak of memory (0 where the system
// doesn't tell).
func measured(t *testing.T, args ...string) (stdout, stderr string, code int, peak int64) {
	t.Helper()
	return measuredFrom(t, nil, args...)
}

// measuredFrom is measured with a standard input.
func measuredFrom(t *testing.T, in io.Reader, args ...string) (stdout, stderr string, code int, peak int64) {
	t.Helper()
	name, err := build()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case <-done:
			return out.String(), errs.String(), cmd.ProcessState.ExitCode(), peak
		case <-time.After(5 * time.Millisecond):
			peak = max(peak, highWater(cmd.Process.Pid))
		}
	}
}

var vmHWM = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// highWater is the largest resident size of a process so far. The system's
// account at its end is of no use: it is never less than that of its parent.
func highWater(pid int) int64 {
	if runtime.GOOS != "linux" {
		return 0
	}
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	m := vmHWM.FindSubmatch(data)
	if m == nil {
		return 0
	}
	kb, _ := strconv.ParseInt(string(m[1]), 10, 64)
	return kb << 10
}

// TestBadFiles: inputs that are no captures, or broken ones: a line that says
// what is wrong, the right exit code, and everything readable told.
func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole, stats := generated(t, traffic.Options{Seed: 32, Bytes: 400_000, Shape: traffic.Small})
	ng, _ := generated(t, traffic.Options{Seed: 32, Bytes: 400_000, Shape: traffic.Small, Format: traffic.PcapNG})
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(whole)
	z.Close()
	zeros := filepath.Join(dir, "zeros")
	f, err := os.Create(zeros)
	if err != nil {
		t.Fatal(err)
	}
	f.Truncate(1 << 30)
	f.Close()

	for _, c := range []struct {
		name, file string
		code       int
		says       string
		sessions   bool
	}{
		{"no capture", write("elf", []byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")), 2, "informant reads", false},
		{"empty", write("empty", nil), 2, "no bytes", false},
		{"a directory", dir, 2, "directory", false},
		{"missing", filepath.Join(dir, "nothing"), 2, "no such file", false},
		{"1 GB of zeros", zeros, 2, "informant reads", false},
		{"pcap cut in a packet", write("cut.pcap", whole[:len(whole)-7]), 3, "cut", true},
		{"pcap cut in a packet's header", write("cut2.pcap", whole[:len(whole)*3/4]), 3, "", true},
		{"pcapng cut in a block", write("cut.pcapng", ng[:len(ng)-7]), 3, "", true},
		{"gzip that breaks off", write("cut.gz", packed.Bytes()[:packed.Len()-100]), 3, "", true},
		{"pcap header alone", write("head.pcap", whole[:24]), 0, "", false},
		{"garbage behind the packets", write("garbage.pcap", append(bytes.Clone(whole), bytes.Repeat([]byte{0xff}, 100)...)), 3, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, code, peak := measured(t, "decode", "-o", "json", c.file)
			if code != c.code {
				t.Errorf("exit %d, want %d: %s", code, c.code, errs)
			}
			if code != 0 && !strings.Contains(errs, filepath.Base(c.file)) {
				t.Errorf("the file is not named: %q", errs)
			}
			if !strings.Contains(errs, c.says) {
				t.Errorf("%q doesn't say %q", errs, c.says)
			}
			if strings.Contains(errs, "goroutine ") {
				t.Errorf("a panic: %s", errs)
			}
			if peak > maxMemory {
				t.Errorf("peak memory %d MB", peak>>20)
			}
			if c.sessions {
				if n := summary(t, parse(t, out)).Sessions; n < stats.Sessions*2/3 {
					t.Errorf("%d of %d sessions told", n, stats.Sessions)
				}
			}
			t.Log(strings.TrimSpace(errs))
		})
	}
	t.Run("zeros on stdin", func(t *testing.T) {
		name, err := build()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(name, "decode", "-")
		cmd.Stdin = io.LimitReader(zeroReader{}, 1<<30)
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != 2 {
			t.Errorf("exit %d: %s", cmd.ProcessState.ExitCode(), out)
		}
	})
}

type zeroReader struct{}

func (zeroReader) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
