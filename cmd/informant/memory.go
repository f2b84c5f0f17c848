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
	longInput = 16 << 20
)

var arranged sync.Once

// longRun arranges memory for one.
func longRun() {
	if ownPace() {
		arranged.Do(func() { hugePages(memoryGoal) })
	}
}

// ownPace says whether the environment leaves the collector's pace to the program.
func ownPace() bool { return os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" }

// beside is about what the program takes beside its heap. The heap may grow until it is
// collected by a part of what a collection looks through, since that is what it costs: the
// texts of messages, which are most of what is held where they are large, cost nothing.
const (
	beside  = 16 << 20
	least   = 3 << 20
	roomy   = 12 << 20 // and no more, while little is held
	narrow  = 7 << 20  // and no less than that for the sake of the most
	most    = 86 << 20 // beside what the system counts for the program's own file
	onTop   = 12       // percent of what is held, where it is more than that
	looking = 3        // looked through, to what the heap grows by
)

// room is how much the heap may grow, where so much is held of which so much is looked
// through.
func room(held, looked int64) int64 {
	r := max(least, min(roomy, looked/looking))
	if held+beside+r <= most {
		return r
	}
	return max(min(r, narrow), min(held*onTop/100, looked/looking), most-held-beside)
}

// watchMemory sets the pace of the garbage collector: rarely while there is room below the
// goal, and at a steady pace where what is held leaves none: a limit below it would have
// the collector run all the time. GOGC and GOMEMLIMIT in the environment are left to have
// their way.
func watchMemory(ctx context.Context) {
	if !ownPace() {
		return
	}
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(memoryGoal)
	go func() {
		select {
		case <-time.After(shortRun): // of a program that is done by then, the memory doesn't matter
		case <-ctx.Done():
			return
		}
		longRun()
		leaveBeginning()
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/heap:bytes"}}
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		limit := int64(memoryGoal)
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			metrics.Read(sample)
			live := int64(sample[0].Value.Uint64())
			now := max(memoryGoal, live+beside+room(live, int64(sample[1].Value.Uint64())))
			if diff := now - limit; diff > 1<<20 || diff < -(1<<20) {
				limit = now
				debug.SetMemoryLimit(limit)
			}
		}
	}()
}
