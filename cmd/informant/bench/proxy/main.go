// Bench compares Informant's proxy with nginx (and mitmdump, where it is
// installed) as what stands between a CPE and its ACS: a client that posts a 4 KB
// Inform over connections that are kept open, a server that answers at once, and
// each proxy between them in turn.
//
//	go run ./cmd/informant/bench/proxy -seconds 5 -rounds 3
//
// Client, server and proxies are processes of their own on loopback. CPU is the
// proxy's alone, as the system counts it.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == "-work" {
		work(os.Args[2:])
		return
	}
	seconds := flag.Float64("seconds", 3, "how long each run takes")
	rounds := flag.Int("rounds", 3, "how often each is measured, in turns")
	strict := flag.Bool("strict", false, "exit 1 when a bar is missed")
	flag.Parse()
	met, err := run(*seconds, *rounds)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	if *strict && !met {
		os.Exit(1)
	}
}

// contender is what stands between, and how it is started.
type contender struct {
	name  string
	start func(dir, listen, upstream string) (*exec.Cmd, error)
}

// sample is one run.
type sample struct {
	Requests int
	P50, P99 time.Duration
	rate     float64       // requests per second
	cpu      time.Duration // of the proxy, per request
}

func run(seconds float64, rounds int) (met bool, err error) {
	dir, err := os.MkdirTemp("", "informant-bench-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	informant := filepath.Join(dir, "informant")
	if out, err := exec.Command("go", "build", "-o", informant, "informant/cmd/informant").CombinedOutput(); err != nil {
		return false, fmt.Errorf("go build: %w: %s", err, out)
	}
	if err := certify(dir); err != nil {
		return false, err
	}
	fmt.Printf("medians of %d rounds of %.0f s in turns\n\n", rounds, seconds)
	met = true
	for _, x := range []struct {
		conns int
		tls   bool
	}{{1, false}, {64, false}, {64, true}} {
		good, err := compare(contenders(informant, x.tls), dir, x.conns, x.tls, seconds, rounds)
		if err != nil {
			return false, err
		}
		met = met && good
	}
	return met, nil
}

// compare measures contenders in turns.
func compare(list []contender, dir string, conns int, tls bool, seconds float64, rounds int) (met bool, err error) {
	upstream, stop, err := startUpstream(dir, tls)
	if err != nil {
		return false, err
	}
	defer stop()
	results := map[string][]sample{}
	for range rounds {
		for i, c := range list {
			s, err := measure(c, dir, fmt.Sprintf("127.0.0.1:%d", 21000+i), upstream, conns, tls, seconds)
			if err != nil {
				return false, fmt.Errorf("%s: %w", c.name, err)
			}
			results[c.name] = append(results[c.name], s)
		}
	}
	return table(list, results, conns, tls), nil
}

// measure runs the client through a contender.
func measure(c contender, dir, listen, upstream string, conns int, tls bool, seconds float64) (s sample, err error) {
	to := upstream
	var cmd *exec.Cmd
	if c.start != nil {
		if cmd, err = c.start(dir, listen, upstream); err != nil {
			return s, err
		}
		defer stopProcess(cmd)
		if err := awaitPort(listen); err != nil {
			return s, err
		}
		to = listen
	}
	self, err := os.Executable()
	if err != nil {
		return s, err
	}
	before := cpuOf(cmd)
	out, err := exec.Command(self, "-work", "client", to, strconv.Itoa(conns), fmt.Sprint(seconds), strconv.FormatBool(tls)).Output()
	if err != nil {
		return s, fmt.Errorf("the client: %w", err)
	}
	used := cpuOf(cmd) - before
	if err := json.Unmarshal(out, &s); err != nil {
		return s, err
	}
	s.rate = float64(s.Requests) / seconds
	s.cpu = used / time.Duration(max(1, s.Requests))
	return s, nil
}

// The bars (DESIGN section 16).
const (
	barRate    = 0.8  // of nginx's requests, while recording
	barCPU     = 1.25 // of nginx's CPU for a request, while recording
	barLatency = 2    // times nginx's added median, at one connection
	barTLS     = 0.5  // of nginx's requests, with TLS on both sides, while recording
)

func table(list []contender, results map[string][]sample, conns int, tls bool) (met bool) {
	fmt.Printf("%d connections%s\n\n| | requests/s | p50 µs | p99 µs | CPU µs/request |\n|---|---|---|---|---|\n", conns, map[bool]string{true: ", TLS on both sides"}[tls])
	m := map[string]sample{}
	for _, c := range list {
		x := median(results[c.name])
		m[c.name] = x
		fmt.Printf("| %s | %.0f | %.0f | %.0f | %.1f |\n", c.name, x.rate, micros(x.P50), micros(x.P99), micros(x.cpu))
	}
	nginx, ok := m["nginx"]
	if !ok {
		fmt.Println("\nwithout nginx there is nothing to compare with")
		return true
	}
	ours, direct := m["informant -w"], m["direct"]
	met = true
	say := func(what string, got, bar float64, good bool) {
		word := "held"
		if !good {
			word, met = "MISSED", false
		}
		fmt.Printf("%s: %.2f (bar %.2f): %s\n", what, got, bar, word)
	}
	fmt.Println()
	if tls {
		say("requests while recording, of nginx's", ours.rate/nginx.rate, barTLS, ours.rate/nginx.rate >= barTLS)
	} else if conns > 1 {
		rate, cpu := ours.rate/nginx.rate, float64(ours.cpu)/float64(nginx.cpu)
		say("requests while recording, of nginx's", rate, barRate, rate >= barRate)
		say("CPU for a request while recording, of nginx's", cpu, barCPU, cpu <= barCPU)
		if x, ok := m["mitmdump -w"]; ok {
			say("requests while recording, of mitmdump's", ours.rate/x.rate, 20, ours.rate/x.rate >= 20)
		}
	} else {
		added := float64(ours.P50-direct.P50) / float64(max(1, nginx.P50-direct.P50))
		say("added median latency while recording, of nginx's", added, barLatency, added <= barLatency)
	}
	fmt.Println()
	return met
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

func median(list []sample) sample {
	by := func(less func(a, b sample) int) sample {
		l := slices.Clone(list)
		slices.SortFunc(l, less)
		return l[len(l)/2]
	}
	m := by(func(a, b sample) int { return int(a.rate - b.rate) })
	m.cpu = by(func(a, b sample) int { return int(a.cpu - b.cpu) }).cpu
	m.P50 = by(func(a, b sample) int { return int(a.P50 - b.P50) }).P50
	m.P99 = by(func(a, b sample) int { return int(a.P99 - b.P99) }).P99
	return m
}
