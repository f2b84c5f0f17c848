package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The request: an Inform of 4 KB, and the answer to it.
var (
	request = func() []byte {
		var b strings.Builder
		b.WriteString(`<?xml version="1.0" encoding="UTF-8"?><soap-env:Envelope xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="urn:dslforum-org:cwmp-1-0"><soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">1</cwmp:ID></soap-env:Header><soap-env:Body><cwmp:Inform><DeviceId><Manufacturer>Example</Manufacturer><OUI>00D09E</OUI><ProductClass>HG</ProductClass><SerialNumber>4711</SerialNumber></DeviceId><Event soap-enc:arrayType="cwmp:EventStruct[1]"><EventStruct><EventCode>2 PERIODIC</EventCode><CommandKey></CommandKey></EventStruct></Event><MaxEnvelopes>1</MaxEnvelopes><CurrentTime>2026-11-22T08:00:00Z</CurrentTime><RetryCount>0</RetryCount><ParameterList soap-enc:arrayType="cwmp:ParameterValueStruct[16]">`)
		for i := range 16 {
			fmt.Fprintf(&b, `<ParameterValueStruct><Name>InternetGatewayDevice.LANDevice.1.Hosts.Host.%d.HostName</Name><Value xsi:type="xsd:string">host-%d</Value></ParameterValueStruct>`, i, i)
		}
		b.WriteString(`</ParameterList></cwmp:Inform></soap-env:Body></soap-env:Envelope>`)
		body := b.String()
		return []byte(fmt.Sprintf("POST /acs HTTP/1.1\r\nHost: acs\r\nUser-Agent: bench\r\nContent-Type: text/xml; charset=utf-8\r\nSOAPAction: \r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	}()
	response = func() []byte {
		body := `<?xml version="1.0" encoding="UTF-8"?><soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:cwmp="urn:dslforum-org:cwmp-1-0"><soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">1</cwmp:ID></soap-env:Header><soap-env:Body><cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse></soap-env:Body></soap-env:Envelope>`
		return []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	}()
)

// work is what the children do.
func work(args []string) {
	var err error
	switch args[0] {
	case "upstream":
		err = serve()
	case "client":
		err = load(args[1], args[2], args[3])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
}

// startUpstream starts the server as a child.
func startUpstream() (addr string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command(self, "-work", "upstream")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if _, err := started(cmd); err != nil {
		return "", nil, err
	}
	if _, err := fmt.Fscanln(out, &addr); err != nil {
		return "", nil, err
	}
	return addr, func() { stopProcess(cmd) }, nil
}

// serve answers whatever has a Content-Length, at once.
func serve() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go answer(c)
	}
}

func answer(c net.Conn) {
	defer c.Close()
	buf := make([]byte, 0, 64<<10)
	for {
		n, err := c.Read(buf[len(buf):cap(buf)])
		if err != nil {
			return
		}
		buf = buf[:len(buf)+n]
		for {
			size := whole(buf)
			if size == 0 || size > len(buf) {
				break
			}
			buf = append(buf[:0], buf[size:]...)
			if _, err := c.Write(response); err != nil {
				return
			}
		}
	}
}

// whole is the size of the message that b begins with, 0 while that is not known.
func whole(b []byte) int {
	head := bytes.Index(b, []byte("\r\n\r\n"))
	if head < 0 {
		return 0
	}
	const name = "ontent-Length: "
	at := bytes.Index(b[:head], []byte(name))
	if at < 0 {
		return head + 4
	}
	value := b[at+len(name) : head]
	if i := bytes.IndexByte(value, '\r'); i >= 0 {
		value = value[:i]
	}
	n, _ := strconv.Atoi(string(value))
	return head + 4 + n
}

// load posts over so many connections for so long, and prints what came of it.
func load(addr, connections, duration string) error {
	n, err := strconv.Atoi(connections)
	if err != nil {
		return err
	}
	seconds, err := strconv.ParseFloat(duration, 64)
	if err != nil {
		return err
	}
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	times := make([][]time.Duration, n)
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Add(1)
		go func() {
			defer all.Done()
			times[i], errs[i] = post(addr, end)
		}()
	}
	all.Wait()
	var took []time.Duration
	for i := range n {
		if errs[i] != nil {
			return errs[i]
		}
		took = append(took, times[i]...)
	}
	slices.Sort(took)
	if len(took) == 0 {
		return fmt.Errorf("no request was answered")
	}
	return json.NewEncoder(os.Stdout).Encode(sample{Requests: len(took), P50: took[len(took)/2], P99: took[len(took)*99/100]})
}

// post posts over one connection until the end.
func post(addr string, end time.Time) (took []time.Duration, err error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	buf := make([]byte, 16<<10)
	for time.Now().Before(end) {
		began := time.Now()
		if _, err := c.Write(request); err != nil {
			return nil, err
		}
		n := 0
		for {
			k, err := c.Read(buf[n:])
			if err != nil {
				if err == io.EOF {
					err = io.ErrUnexpectedEOF
				}
				return nil, err
			}
			n += k
			if size := whole(buf[:n]); size > 0 && n >= size {
				break
			}
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}
