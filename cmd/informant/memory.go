package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// memoryGoal is what the program's memory is kept below while what must be held
// is less: sessions that are open, and what is on its way between goroutines.
const memoryGoal = 80 << 20

// shortRun is how long the program runs before its memory is arranged for a long one,
// and longInput how many bytes it has to read for that to be done at once.
const (
	shortRun  = 25 * time.Millisecond
	longInput = 2 << 20
)

// settled is how long the program runs before it lets go of what only its beginning needed:
// a shorter run is over by then, and would fetch half of it again.
const settled = 250 * time.Millisecond

var arranged sync.Once

// longRun arranges memory for one.
func longRun() { arranged.Do(func() { hugePages(memoryGoal) }) }

// muchToRead arranges memory for a long run at once, and lets the heap grow before it is
// collected for the first times.
func muchToRead() {
	if ownPace() {
		longRun() // which may be under way, and leaves the pace as it found it
		debug.SetGCPercent(1600)
	}
}

// ownPace says whether the environment leaves the collector's pace to the program.
func ownPace() bool { return os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" }

// The heap may grow until it is collected by a part of what a collection looks through,
// since that is what it costs: the texts of messages, which are most of what is held where
// they are large, cost nothing.
const (
	least   = 2 << 20  // that it may grow by
	roomy   = 12 << 20 // and no more, while there is room below the most
	narrow  = 6 << 20  // and no more, where that would be more than the most
	most    = 84 << 20 // of all memory but the program's own file
	looking = 3        // looked through, to what the heap grows by
	cramped = 5        // the same where it is narrow
	beyond  = 4        // what is held beyond the most, to what the heap grows by
)

// room is how much the heap may grow, where so much is held of which so much is looked
// through, and so much memory is taken beside it. Where far more is held than the most, it
// is no use to be narrow: a collection looks through all of it, and finds little to free.
func room(held, beside, looked int64) int64 {
	r := max(least, min(roomy, looked/looking))
	if held+beside+r <= most {
		return r
	}
	over := held + beside - most
	return max(least, min(narrow, looked/cramped), over/beyond, -over)
}

// gauge reads how much memory there is.
type gauge []metrics.Sample

func newGauge() gauge {
	var g gauge
	for _, name := range []string{"/gc/heap/live:bytes", "/gc/scan/heap:bytes", "/memory/classes/total:bytes", "/memory/classes/heap/released:bytes", "/memory/classes/heap/free:bytes", "/memory/classes/heap/objects:bytes"} {
		g = append(g, metrics.Sample{Name: name})
	}
	return g
}

// read is what the heap held when it was collected last, what else is taken of what the
// limit is for, and how much a collection looks through.
func (g gauge) read() (held, beside, looked int64) {
	const slack = 1 << 20
	metrics.Read(g)
	n := func(i int) int64 { return int64(g[i].Value.Uint64()) }
	return n(0), n(2) - n(3) - n(4) - n(5) + slack, n(1)
}

// watchMemory sets the pace of the garbage collector: rarely while there is room below the
// goal, and at a steady pace where what is held leaves none: a limit below it would have
// the collector run all the time. GOGC and GOMEMLIMIT in the environment are left to have
// their way.
func watchMemory(ctx context.Context) {
	if !ownPace() {
		return
	}
	debug.SetGCPercent(200)
	debug.SetMemoryLimit(memoryGoal)
	go func() {
		select {
		case <-time.After(shortRun): // of a program that is done by then, the memory doesn't matter
		case <-ctx.Done():
			return
		}
		longRun()
		g := newGauge()
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		beginning := time.After(settled - shortRun)
		limit := int64(memoryGoal)
		for {
			select {
			case <-tick.C:
			case <-beginning:
				leaveBeginning()
			case <-ctx.Done():
				return
			}
			held, beside, looked := g.read()
			now := max(memoryGoal, held+beside+room(held, beside, looked))
			if diff := now - limit; diff > 1<<20 || diff < -(1<<20) {
				limit = now
				debug.SetMemoryLimit(limit)
			}
		}
	}()
}
