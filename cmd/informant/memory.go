package main

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// memoryGoal is what the program's memory is kept below while what must be held
// is less: sessions that are open, and what is on its way between goroutines.
const memoryGoal = 80 << 20

// heldOnTop is by how much of what is held the heap may grow until it is
// collected, in percent, where what is held is beyond the goal.
const heldOnTop = 12

// watchMemory sets the pace of the garbage collector: rarely while there is
// room below the goal, as often as needed close to it, and at a steady pace where
// the goal can't be met. GOGC and GOMEMLIMIT in the environment are left to have
// their way.
func watchMemory(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	hugePages(memoryGoal)
	debug.SetGCPercent(200)
	debug.SetMemoryLimit(memoryGoal)
	go func() {
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		beyond := false
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			metrics.Read(sample)
			// A limit below what is held would have the collector run all the time.
			if now := sample[0].Value.Uint64() > memoryGoal*3/4; now != beyond {
				beyond = now
				if beyond {
					debug.SetMemoryLimit(math.MaxInt64)
					debug.SetGCPercent(heldOnTop)
				} else {
					debug.SetGCPercent(200)
					debug.SetMemoryLimit(memoryGoal)
				}
			}
		}
	}()
}
