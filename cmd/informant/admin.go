package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"informant/decode"
	"informant/decode/check"
	"informant/decode/cwmp"
	"informant/proxy"
)

// instruments are a proxy's numbers as Prometheus reads them. No label takes a value
// that a device could make up.
type instruments struct {
	registry *prometheus.Registry
	sessions *prometheus.CounterVec
	open     prometheus.Gauge
	messages *prometheus.CounterVec
	faults   *prometheus.CounterVec
	findings *prometheus.CounterVec
}

func newInstruments(p *proxy.Proxy, taps map[string]*proxy.Tap) *instruments {
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "informant", Name: name, Help: help}, labels)
	}
	m := &instruments{
		registry: prometheus.NewRegistry(),
		sessions: vec("sessions_total", "CWMP sessions that are over.", "kind", "outcome", "cause"),
		open:     prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "informant", Name: "sessions_open", Help: "CWMP sessions that go on."}),
		messages: vec("messages_total", "CWMP messages, by method where it is one of TR-069.", "from", "kind", "rpc"),
		faults:   vec("faults_total", "CWMP faults.", "from", "code"),
		findings: vec("findings_total", "Findings of the checks.", "check", "severity", "party"),
	}
	m.registry.MustRegister(m.sessions, m.open, m.messages, m.faults, m.findings, relayed{p, taps})
	return m
}

// see counts an item.
func (m *instruments) see(it *decode.Item) {
	switch it.Kind {
	case decode.MessageItem:
		m.message(it.Message)
		m.found(it.Findings)
	case decode.SessionItem:
		s := it.Session
		kind := "session"
		if s.Fragment {
			kind = "fragment"
		}
		m.sessions.WithLabelValues(kind, s.Outcome.String(), s.Ended.String()).Inc()
		m.open.Dec()
		m.found(it.Late)
	case decode.FindingItem:
		m.found([]check.Finding{*it.Finding})
	}
}

func (m *instruments) message(x *cwmp.Message) {
	if x.N == 1 {
		m.open.Inc()
	}
	rpc := strings.Clone(x.RPC) // labels are kept, messages are not
	if rpc != "" && rpc != "Fault" && !cwmp.IsMethod(rpc) {
		rpc = "other"
	}
	m.messages.WithLabelValues(x.From.String(), x.Kind.String(), rpc).Inc()
	if x.Kind == cwmp.Fault {
		code := "other"
		n, err := strconv.Atoi(x.FaultCode())
		if _, _, known := cwmp.FaultName(n); err == nil && known {
			code = strconv.Itoa(n)
		}
		m.faults.WithLabelValues(x.From.String(), code).Inc()
	}
}

func (m *instruments) found(list []check.Finding) {
	for i := range list {
		f := &list[i]
		m.findings.WithLabelValues(f.Check.ID, f.Severity.String(), f.Party.String()).Inc()
	}
}

// relayed collects the proxy's own numbers when they are asked for.
type relayed struct {
	p    *proxy.Proxy
	taps map[string]*proxy.Tap
}

var (
	descAccepted  = prometheus.NewDesc("informant_connections_accepted_total", "Client connections.", nil, nil)
	descOpen      = prometheus.NewDesc("informant_connections_open", "Client connections that are open.", nil, nil)
	descBlind     = prometheus.NewDesc("informant_passed_through_total", "Client connections that were relayed encrypted, as their handshakes had failed.", nil, nil)
	descRefused   = prometheus.NewDesc("informant_upstream_failures_total", "Client connections for which there was no upstream connection.", nil, nil)
	descBytes     = prometheus.NewDesc("informant_relayed_bytes_total", "Bytes relayed.", []string{"from"}, nil)
	descHandshake = prometheus.NewDesc("informant_tls_failures_total", "TLS handshakes that failed.", []string{"leg"}, nil)
	descLost      = prometheus.NewDesc("informant_dropped_records_total", "Records that an observer had no room for.", []string{"observer"}, nil)
	descLostBytes = prometheus.NewDesc("informant_dropped_bytes_total", "Bytes in them.", []string{"observer"}, nil)
	descDepth     = prometheus.NewDesc("informant_queue_bytes", "What waits for an observer.", []string{"observer"}, nil)
	descAdded     = prometheus.NewDesc("informant_added_seconds", "From the read that brought bytes to the end of the write that passed them on.", nil, nil)
)

// Describe tells which numbers there are.
func (relayed) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descAccepted, descOpen, descRefused, descBlind, descBytes, descHandshake, descLost, descLostBytes, descDepth, descAdded} {
		to <- d
	}
}

// Collect tells them.
func (r relayed) Collect(to chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, n int64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	s := &r.p.Stats
	counter(descAccepted, s.Accepted.Load())
	to <- prometheus.MustNewConstMetric(descOpen, prometheus.GaugeValue, float64(r.p.Open()))
	counter(descRefused, s.Refused.Load())
	counter(descBlind, s.Blind.Load())
	for d, who := range []string{"cpe", "acs"} {
		counter(descBytes, s.Bytes[d].Load(), who)
	}
	for d, leg := range []string{"client", "upstream"} {
		counter(descHandshake, s.Handshakes[d].Load(), leg)
	}
	for name, t := range r.taps {
		lost := t.Lost()
		counter(descLost, lost.Records, name)
		counter(descLostBytes, lost.Bytes, name)
		to <- prometheus.MustNewConstMetric(descDepth, prometheus.GaugeValue, float64(t.Depth()), name)
	}
	counts, sum := s.Added()
	buckets, total := map[float64]uint64{}, uint64(0)
	for i, bound := range proxy.Latencies {
		total += uint64(counts[i])
		buckets[bound.Seconds()] = total
	}
	total += uint64(counts[len(counts)-1])
	to <- prometheus.MustNewConstHistogram(descAdded, total, sum.Seconds(), buckets)
}

// admin answers /metrics and /healthz.
type admin struct {
	server *http.Server
	addr   net.Addr
	failed atomic.Bool // the recording
}

// startAdmin listens on an address.
func startAdmin(address string, m *instruments) (*admin, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--admin %s: %w", address, bare(err))
	}
	a := &admin{addr: l.Addr()}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", a.health)
	a.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go a.server.Serve(l)
	return a, nil
}

// health says whether all is well: relaying, and recording where that is asked for.
func (a *admin) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	status := map[string]string{"status": "ok"}
	if a.failed.Load() {
		status["status"] = "the recording failed"
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(status)
}

func (a *admin) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = a.server.Shutdown(ctx)
}
