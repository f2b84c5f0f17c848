package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"informant/decode"
	"informant/decode/cwmp"
	"informant/proxy"
)

// watching counts what a proxy's observers see, for its status line and its
// metrics. It is safe for concurrent use.
type watching struct {
	mu       sync.Mutex
	open     int // sessions
	ended    int
	messages int
	findings [3]int // by severity
	devices  map[string]bool

	metrics *instruments // nil where nobody asks for them
}

// devicesMost is how many devices are told apart.
const devicesMost = 100_000

// see takes an item that is told.
func (w *watching) see(it *decode.Item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch it.Kind {
	case decode.MessageItem:
		w.messages++
		if it.Message.N == 1 {
			w.open++
			w.device(it.Session)
		}
		for i := range it.Findings {
			w.findings[it.Findings[i].Severity]++
		}
	case decode.SessionItem:
		w.open--
		w.ended++
		for i := range it.Late {
			w.findings[it.Late[i].Severity]++
		}
	case decode.FindingItem:
		w.findings[it.Finding.Severity]++
	}
	if w.metrics != nil {
		w.metrics.see(it)
	}
}

func (w *watching) device(s *cwmp.Session) {
	if w.devices == nil {
		w.devices = map[string]bool{}
	}
	if key := s.Device.Key(); key != "" && len(w.devices) < devicesMost {
		w.devices[key] = true
	}
}

// line is the status of a proxy in a line; before is when messages were counted
// last, and how many there were.
func (w *watching) line(p *proxy.Proxy, rate float64) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lost int64
	for _, t := range p.Taps {
		lost += t.Lost().Records
	}
	text := fmt.Sprintf("%s open, %d ended · %s · %s · %.0f messages/s · findings: %d errors, %d warnings", plural(w.open, "session", "sessions"), w.ended,
		plural(len(w.devices), "device", "devices"), plural(p.Open(), "connection", "connections"), rate, w.findings[2], w.findings[1])
	if lost > 0 {
		text += fmt.Sprintf(" · %s not seen", plural(int(lost), "record", "records"))
	}
	return text
}

// show shows the status on a terminal once a second, until stop is called.
func (w *watching) show(l *statusLine, p *proxy.Proxy) (stop func()) {
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		before := 0
		for {
			w.mu.Lock()
			n := w.messages
			w.mu.Unlock()
			l.set(w.line(p, float64(n-before)))
			before = n
			select {
			case <-tick.C:
			case <-done:
				l.set("")
				return
			}
		}
	}()
	return func() { close(done); <-gone }
}

// statusLine is the last line of a terminal, below all that is written there
// through it.
type statusLine struct {
	mu    sync.Mutex
	tty   io.Writer
	width int
	text  string
}

// set shows another text; "" for none.
func (l *statusLine) set(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := []rune(text); l.width > 0 && len(r) >= l.width {
		text = string(r[:l.width-1])
	}
	if text != l.text {
		l.clear()
		l.text = text
		l.draw()
	}
}

func (l *statusLine) clear() {
	if l.text != "" {
		io.WriteString(l.tty, "\r\x1b[K")
	}
}

func (l *statusLine) draw() { io.WriteString(l.tty, l.text) }

// above is a writer to the same terminal, whose lines stand above the status.
func (l *statusLine) above(w io.Writer) io.Writer { return lineAbove{l, w} }

type lineAbove struct {
	l *statusLine
	w io.Writer
}

func (a lineAbove) Write(p []byte) (int, error) {
	a.l.mu.Lock()
	defer a.l.mu.Unlock()
	a.l.clear()
	n, err := a.w.Write(p)
	a.l.draw()
	return n, err
}
