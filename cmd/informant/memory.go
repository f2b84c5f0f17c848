package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// memoryGoal is what the program's memory is kept below while what must be held
// is less: sessions that are open, and what is on its way between goroutines.
const memoryGoal = 76 << 20

// watchMemory sets the pace of the garbage collector: rarely while there is
// room below the goal, as often as needed close to it, and with a tenth on top
// of what is held where the goal can't be met. GOGC and GOMEMLIMIT in the
// environment are left to have their way.
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
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			metrics.Read(sample)
			live := int64(sample[0].Value.Uint64())
			debug.SetMemoryLimit(max(memoryGoal, live*11/10+2<<20))
		}
	}()
}
