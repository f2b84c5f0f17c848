package proof

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	acsAnswer = `<?xml version="1.0" encoding="UTF-8"?><soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:cwmp="urn:dslforum-org:cwmp-1-0"><soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">1</cwmp:ID></soap-env:Header><soap-env:Body><cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse></soap-env:Body></soap-env:Envelope>`
	cpeInform = `<?xml version="1.0" encoding="UTF-8"?><soap-env:Envelope xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="urn:dslforum-org:cwmp-1-0"><soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">1</cwmp:ID></soap-env:Header><soap-env:Body><cwmp:Inform><DeviceId><Manufacturer>Example</Manufacturer><OUI>00D09E</OUI><ProductClass>HG</ProductClass><SerialNumber>%08d</SerialNumber></DeviceId><Event soap-enc:arrayType="cwmp:EventStruct[1]"><EventStruct><EventCode>2 PERIODIC</EventCode><CommandKey></CommandKey></EventStruct></Event><MaxEnvelopes>1</MaxEnvelopes><CurrentTime>2026-11-22T08:00:00Z</CurrentTime><RetryCount>0</RetryCount><ParameterList soap-enc:arrayType="cwmp:ParameterValueStruct[1]"><ParameterValueStruct><Name>InternetGatewayDevice.DeviceInfo.SoftwareVersion</Name><Value xsi:type="xsd:string">1.0.%[1]d</Value></ParameterValueStruct></ParameterList></cwmp:Inform></soap-env:Body></soap-env:Envelope>`
)

// serveACS answers Informs, and empty POSTs with 204, as an ACS in another
// goroutine.
func serveACS(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		if n == 0 {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		io.WriteString(w, acsAnswer)
	})}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return l.Addr().String()
}

// sessions plays CPEs, each session on a connection that the next one takes over
// ten times.
func sessions(addr string, first, n int) error {
	var c net.Conn
	var in *bufio.Reader
	for i := range n {
		if i%10 == 0 {
			if c != nil {
				c.Close()
			}
			var err error
			if c, err = net.Dial("tcp", addr); err != nil {
				return err
			}
			in = bufio.NewReader(c)
		}
		for _, body := range []string{fmt.Sprintf(cpeInform, first+i), ""} {
			c.SetDeadline(time.Now().Add(time.Minute))
			if _, err := fmt.Fprintf(c, "POST /acs HTTP/1.1\r\nHost: acs\r\nContent-Type: text/xml\r\nSOAPAction:\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
				return err
			}
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				return err
			}
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				return err
			}
		}
	}
	return c.Close()
}

// resident is how much memory a process has, and had at most.
func resident(t *testing.T, pid int) (now, most int64) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) == 3 {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			switch f[0] {
			case "VmRSS:":
				now = n << 10
			case "VmHWM:":
				most = n << 10
			}
		}
	}
	return now, most
}

// TestProxyOfAnyLength has the proxy relay, tell and record many messages: its
// memory doesn't grow with them, none is lost, and all can be read afterwards.
//
//	INFORMANT_SOAK=1 go test -count=1 -timeout 2h -v -run ProxyOfAnyLength ./cmd/informant/proof
func TestProxyOfAnyLength(t *testing.T) {
	const messages, clients = 4, 16 // of a session: Inform, its response, an empty POST, 204
	total := scaled(40_000, 10_000_000) / messages
	name, err := build()
	if err != nil {
		t.Fatal(err)
	}
	rec := filepath.Join(t.TempDir(), "rec.cwmp")
	cmd := exec.Command(name, "proxy", "--listen", "127.0.0.1:0", "--upstream", "http://"+serveACS(t), "-w", rec, "-o", "json", "--checks", "field")
	told, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var live atomic.Int64
	var readers sync.WaitGroup
	readers.Add(2)
	go func() { // each session as it is told
		defer readers.Done()
		in := bufio.NewReaderSize(told, 1<<20)
		for {
			line, err := in.ReadSlice('\n')
			if bytes.HasPrefix(line, []byte(`{"schema":1,"type":"session"`)) {
				live.Add(1)
			}
			if err != nil && err != bufio.ErrBufferFull {
				return
			}
		}
	}()
	addr := make(chan string, 1)
	var log bytes.Buffer
	go func() {
		defer readers.Done()
		in := bufio.NewScanner(said)
		for in.Scan() {
			log.WriteString(in.Text() + "\n")
			if m := regexp.MustCompile(`msg=listening address=(\S+)`).FindStringSubmatch(in.Text()); m != nil {
				addr <- m[1]
			}
		}
	}()
	to := <-addr
	began := time.Now()
	play := func(first, n int) {
		var all sync.WaitGroup
		for i := range clients {
			all.Add(1)
			go func() {
				defer all.Done()
				if err := sessions(to, first+i*(n/clients), n/clients); err != nil {
					t.Error(err)
				}
			}()
		}
		all.Wait()
	}
	quarter := total / 4
	play(0, quarter)
	_, early := resident(t, cmd.Process.Pid)
	play(quarter, quarter)
	play(2*quarter, quarter)
	play(3*quarter, quarter)
	now, most := resident(t, cmd.Process.Pid)
	took := time.Since(began)
	cmd.Process.Signal(syscall.SIGINT)
	readers.Wait()
	err = cmd.Wait()
	behind := strings.Contains(log.String(), "the transcript misses") // faster than it can be told
	if code := cmd.ProcessState.ExitCode(); code != 0 && !(code == 3 && behind) || strings.Contains(log.String(), "the recording misses") {
		t.Errorf("%v: %s", err, log.String())
	}
	played := quarter / clients * clients * 4
	t.Logf("%d messages in %.0f s: at most %d MB of memory, %d MB after a quarter, %d MB at the end; %d sessions told live", played*messages, took.Seconds(), most>>20, early>>20, now>>20, live.Load())
	if most > early*5/4+32<<20 {
		t.Errorf("memory grows: %d MB after a quarter, then %d MB", early>>20, most>>20)
	}
	var sum struct {
		Sessions, Fragments, Messages, Gaps, Undecoded int
		LostBytes                                      int64
	}
	if err := json.Unmarshal(lastLine(t, name, "check", "-q", "--checks", "field", "--fail-on", "never", "-o", "json", rec), &sum); err != nil {
		t.Fatal(err)
	}
	if sum.Sessions != played || sum.Fragments+sum.Gaps+sum.Undecoded != 0 || sum.LostBytes != 0 {
		t.Errorf("recorded: %+v of %d sessions", sum, played)
	}
	if lost := played - int(live.Load()); lost != 0 && !behind {
		t.Errorf("%d sessions were not told live, of %d: %s", lost, played, log.String())
	}
}

// lastLine is the last line of what a program prints, which may be long.
func lastLine(t *testing.T, name string, args ...string) (last []byte) {
	t.Helper()
	cmd := exec.Command(name, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(out)
	in.Buffer(make([]byte, 64<<10), 16<<20)
	for in.Scan() {
		last = append(last[:0], in.Bytes()...)
	}
	if err := cmd.Wait(); err != nil || in.Err() != nil {
		t.Fatal(err, in.Err(), errs.String())
	}
	return last
}
