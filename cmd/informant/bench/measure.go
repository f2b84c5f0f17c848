package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// The bars (DESIGN section 16 and the first issue).
const (
	barSpeed  = 15  // times tshark's
	barMemory = 100 // MB
	barChecks = 30  // percent of CPU time on top of decoding (the fifth issue)
)

// program is a command to which the file's name is added.
type program struct {
	name string
	args []string
}

// sample is one run.
type sample struct {
	wall, cpu time.Duration
	rss       int64 // bytes, the peak
	turn      int   // in which it ran
}

// What takes less than a short run is run several times in each round.
const (
	shortRun  = time.Second
	shortRuns = 4
)

// measure runs the programs in turns, so that a slow moment of the machine hits all of
// them, and in another order each time: the one that runs after another that took a lot of
// memory is slower for it.
func measure(ps []program, f file, rounds int, until time.Time) (map[string][]sample, error) {
	results := map[string][]sample{}
	for turn := range rounds * shortRuns {
		again := turn%shortRuns > 0
		if turn > 0 && !again && time.Now().After(until) {
			break
		}
		for i := range ps {
			p := ps[(i+turn+turn/shortRuns)%len(ps)]
			if done := results[p.name]; again && done[len(done)-1].wall >= shortRun {
				continue
			}
			s, err := once(p, f.path)
			if err != nil {
				return nil, err
			}
			s.turn = turn
			results[p.name] = append(results[p.name], s)
		}
	}
	return results, nil
}

// once runs a program, its output thrown away by the system.
func once(p program, path string) (sample, error) {
	cmd := exec.Command(p.args[0], append(slices.Clone(p.args[1:]), path)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	began := time.Now()
	err := cmd.Run()
	wall := time.Since(began)
	if err != nil && cmd.ProcessState.ExitCode() != 3 { // 3: bytes missing in a session, all told
		return sample{}, fmt.Errorf("%s on %s: %w: %s", p.name, path, err, errs.String())
	}
	s := sample{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if ru, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.rss = ru.Maxrss << 10 // Linux counts in KB
	}
	return s, nil
}

// median is the middle time, the middle CPU time and the middle peak.
func median(ss []sample) sample {
	by := func(key func(sample) int64) sample {
		l := slices.Clone(ss)
		slices.SortFunc(l, func(a, b sample) int { return cmp.Compare(key(a), key(b)) })
		return l[len(l)/2]
	}
	return sample{
		wall: by(func(s sample) int64 { return int64(s.wall) }).wall,
		cpu:  by(func(s sample) int64 { return int64(s.cpu) }).cpu,
		rss:  by(func(s sample) int64 { return s.rss }).rss,
	}
}

// ratio is the median of a's to b's of those that ran in the same turn: how fast the machine
// is changes from minute to minute, for two runs next to each other not much.
func ratio(a, b []sample, of func(sample) time.Duration) float64 {
	var all []float64
	for _, x := range a {
		for _, y := range b {
			if x.turn == y.turn {
				all = append(all, of(x).Seconds()/of(y).Seconds())
			}
		}
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func printHead(o options) {
	fmt.Printf("medians of %d interleaved rounds; speed and checks: of the ratios of runs next to each other\n\n", o.rounds)
	fmt.Println("| capture | MB | informant s | MB/s | CPU s | RSS MB | checks | tshark s | MB/s | RSS MB | speed | memory |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|")
}

// printRow prints a line of the table, and returns the bars that were missed.
func printRow(f file, results map[string][]sample) (missed []string) {
	mb := float64(f.bytes) / 1e6
	us := median(results["informant"])
	fmt.Printf("| %s | %.0f | %.2f | %.0f | %.2f | %.0f |", f.name, mb, us.wall.Seconds(), mb/us.wall.Seconds(), us.cpu.Seconds(), float64(us.rss)/1e6)
	if us.rss >= barMemory*1e6 {
		missed = append(missed, f.name+": memory")
	}
	checks := 100 * (ratio(results["informant"], results["unchecked"], func(s sample) time.Duration { return s.cpu }) - 1)
	fmt.Printf(" +%.0f %% |", checks)
	if checks >= barChecks {
		missed = append(missed, f.name+": checks")
	}
	if len(results["tshark"]) == 0 {
		fmt.Println(" | | | | |")
		return missed
	}
	them := median(results["tshark"])
	times := ratio(results["tshark"], results["informant"], func(s sample) time.Duration { return s.wall })
	fmt.Printf(" %.2f | %.0f | %.0f | ×%.1f | ×%.2f |\n", them.wall.Seconds(), mb/them.wall.Seconds(), float64(them.rss)/1e6, times, float64(us.rss)/float64(them.rss))
	if times < barSpeed && !f.beside {
		missed = append(missed, f.name+": speed")
	}
	return missed
}

func printBars(missed []string) {
	word := "held"
	if len(missed) > 0 {
		word = "MISSED by " + strings.Join(missed, ", ")
	}
	fmt.Printf("\nbars (×%d of tshark's speed, less than %d MB, checks less than %d %%): %s\n", barSpeed, barMemory, barChecks, word)
}
