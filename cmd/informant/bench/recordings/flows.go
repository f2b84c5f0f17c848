package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"informant/capture/pcap"
	"informant/decode/http1"
)

//go:embed flows.py
var flowsPy string

// message is one message for flows.py; bytes become base64.
type message struct {
	Head  []byte  `json:"head"`
	Body  []byte  `json:"body"`
	First float64 `json:"first"`
	Last  float64 `json:"last"`
	Host  string  `json:"host"`
	Port  uint16  `json:"port"`
}

type exchange struct {
	Client   [2]any   `json:"client"`
	Server   [2]any   `json:"server"`
	Request  message  `json:"request"`
	Response *message `json:"response,omitempty"`
}

// flows writes the exchanges of a capture as mitmproxy does.
func (b *bench) flows(file, to string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	src, err := pcap.NewSource([]pcap.Input{{Name: file, R: in}}, pcap.Options{})
	if err != nil {
		return err
	}
	defer src.Close()
	cmd := exec.Command(b.python, "-c", flowsPy, to)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	w := bufio.NewWriterSize(pipe, 1<<20)
	e := json.NewEncoder(w)
	var a http1.Assembler
	put := func(events []http1.Event) error {
		for _, ev := range events {
			if x := ev.Exchange; (ev.Kind == http1.ResponseSeen || ev.Kind == http1.Unanswered) && x.Request != nil {
				if err := e.Encode(flow(x)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for {
		r, err := src.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		if err := put(a.Feed(r)); err != nil {
			return err
		}
	}
	if err := errors.Join(put(a.Finish()), w.Flush(), pipe.Close()); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("flows.py: %w", err)
	}
	return nil
}

func flow(x *http1.Exchange) exchange {
	c := x.Request.Conn
	f := exchange{
		Client: [2]any{c.Client.Addr().String(), c.Client.Port()}, Server: [2]any{c.Server.Addr().String(), c.Server.Port()},
		Request: *wire(x.Request),
	}
	f.Request.Host, f.Request.Port = c.Server.Addr().String(), c.Server.Port()
	if x.Response != nil {
		f.Response = wire(x.Response)
	}
	return f
}

func wire(m *http1.Message) *message {
	seconds := func(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
	return &message{Head: []byte(m.Raw[:m.Head]), Body: []byte(m.Raw[m.Head:]), First: seconds(m.First), Last: seconds(m.Last)}
}
