package proxy

import (
	"sync/atomic"
	"time"
)

// Stats counts what a Proxy did. Its fields may be read while it works.
type Stats struct {
	Accepted atomic.Int64    // client connections
	Ended    atomic.Int64    // of those that had an upstream connection, those that are over
	Refused  atomic.Int64    // client connections for which there was no upstream connection
	Bytes    [2]atomic.Int64 // relayed, by capture.Direction
	Blind    atomic.Int64    // client connections that were relayed encrypted (Passthrough)
	// Handshakes that failed: with the client, with the ACS.
	Handshakes [2]atomic.Int64

	added [len(Latencies) + 1]atomic.Int64
	total atomic.Int64 // nanoseconds
}

// Latencies are the upper bounds of the classes in which the time is counted that
// bytes spend in the proxy: from the read that brought them to the end of the
// write that passed them on, a receiver's slowness included.
var Latencies = [...]time.Duration{10 * time.Microsecond, 25 * time.Microsecond, 50 * time.Microsecond, 100 * time.Microsecond,
	250 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 5 * time.Millisecond, 25 * time.Millisecond, 100 * time.Millisecond, time.Second}

func (s *Stats) observe(d time.Duration) {
	i := 0
	for i < len(Latencies) && d > Latencies[i] {
		i++
	}
	s.added[i].Add(1)
	s.total.Add(int64(d))
}

// Added is how many reads fell into each class of Latencies, those beyond the last
// bound behind them, and the sum of the times.
func (s *Stats) Added() (counts [len(Latencies) + 1]int64, sum time.Duration) {
	for i := range s.added {
		counts[i] = s.added[i].Load()
	}
	return counts, time.Duration(s.total.Load())
}
