package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
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
		err = serve(args[1], args[2] == "true")
	case "client":
		err = load(args[1], args[2], args[3], args[4] == "true")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
}

// startUpstream starts the server as a child.
func startUpstream(dir string, secure bool) (addr string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command(self, "-work", "upstream", dir, strconv.FormatBool(secure))
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
func serve(dir string, secure bool) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if secure {
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, certificateFile), filepath.Join(dir, keyFile))
		if err != nil {
			return err
		}
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}})
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
func load(addr, connections, duration string, secure bool) error {
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
			times[i], errs[i] = post(addr, secure, end)
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
func post(addr string, secure bool, end time.Time) (took []time.Duration, err error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	if secure { // who it is doesn't matter here
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
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

// The certificate of all that end TLS, in the working folder.
const (
	certificateFile = "bench.pem"
	keyFile         = "bench.key"
)

// certify makes a certificate for the address that all listen on.
func certify(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	x := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, x, x, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for name, b := range map[string]*pem.Block{certificateFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(b), 0o600); err != nil {
			return err
		}
	}
	return nil
}
