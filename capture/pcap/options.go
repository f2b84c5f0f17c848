package pcap

import "time"

// Options are the limits of reassembly. The zero value of each means its
// default.
type Options struct {
	// Idle is how long a connection may be silent, in the packets' time, before
	// it is closed as capture.Evicted. Default 5 minutes.
	Idle time.Duration
	// Linger is how long a closed connection is remembered, so that late
	// retransmissions don't look like a new one. Default 10 seconds.
	Linger time.Duration
	// Reorder is how long data waits for bytes before it that the other side
	// has acknowledged: they were sent and received, so only the capture can
	// be late. Once both sides have acknowledged the end of the other's bytes
	// a tenth of it is enough. It also bounds the wait for the SYN of a connection that seems
	// to begin in its middle. Default 1 second, and in any case
	// ReorderPackets packets of the connection.
	Reorder        time.Duration
	ReorderPackets int // default 256
	// LossWait is how long data waits for bytes that nobody acknowledged: they
	// may be sent again. Default 30 seconds.
	LossWait time.Duration

	MaxFlows   int // connections followed at once, default 65,536; beyond, the longest silent is closed as Evicted
	FlowBytes  int // bytes that may wait in one connection, default 8 MB; beyond, what is missing is a Gap
	TotalBytes int // bytes that may wait in all of them, default 48 MB

	MaxFragments  int           // incomplete datagrams, default 4,096
	FragmentBytes int           // bytes in them, default 8 MB
	FragmentWait  time.Duration // default 30 seconds
}

func (o Options) withDefaults() Options {
	orTime(&o.Idle, 5*time.Minute)
	orTime(&o.Linger, 10*time.Second)
	orTime(&o.Reorder, time.Second)
	orTime(&o.LossWait, 30*time.Second)
	orTime(&o.FragmentWait, defaultFragmentWait)
	orInt(&o.ReorderPackets, 256)
	orInt(&o.MaxFlows, 65536)
	orInt(&o.FlowBytes, 8<<20)
	orInt(&o.TotalBytes, 48<<20)
	orInt(&o.MaxFragments, defaultMaxFragments)
	orInt(&o.FragmentBytes, defaultFragmentBytes)
	return o
}

func orTime(d *time.Duration, def time.Duration) {
	if *d <= 0 {
		*d = def
	}
}

func orInt(n *int, def int) {
	if *n <= 0 {
		*n = def
	}
}

// Stats counts what was read so far.
type Stats struct {
	Packets uint64 // in all files
	Bytes   int64  // captured bytes of packets

	TCP       uint64 // segments
	UDP       uint64 // datagrams; those of TR-069 Annex G are read
	Other     uint64 // packets that are neither
	Broken    uint64 // packets cut or malformed before their TCP payload
	Fragments uint64 // IP fragments
	// FragmentsLost are fragments of datagrams that never became whole.
	FragmentsLost uint64
	// Unsupported are packets of a link type that isn't understood; LinkType is
	// the first such (a LINKTYPE_ value).
	Unsupported uint64
	LinkType    uint32

	Conns         uint64 // connections
	Midstream     uint64 // of them, those that began before the capture
	Evicted       uint64 // of them, those closed by a limit or by silence
	Gaps          uint64
	Lost          int64 // bytes in the gaps, where known
	Retransmitted int64 // bytes that came again
	Conflicting   int64 // of them, those that differed from what came first
	// Stray are segments whose sequence numbers fit nothing, or that came after
	// the end of their connection; StrayBytes is their payload.
	Stray      uint64
	StrayBytes int64
}
