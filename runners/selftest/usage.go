package selftest

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The most that the harness may use while it measures.
const (
	harnessCPU    = 0.01 // of one core
	harnessMemory = 40e6 // bytes, resident
)

// Usage is what a process has used so far.
type Usage struct {
	CPU           time.Duration
	ResidentBytes int64 // now
}

// OwnUsage is this process's, of which the sampler is a thread.
func OwnUsage() (u Usage, err error) {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return u, fmt.Errorf("ask for this process's CPU time: %w", err)
	}
	u.CPU = time.Duration(r.Utime.Nano() + r.Stime.Nano())
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return u, fmt.Errorf("ask for this process's memory: %w", err)
	}
	words := strings.Fields(string(text))
	if len(words) < 2 {
		return u, errors.New("/proc/self/statm is cut short")
	}
	pages, err := strconv.ParseInt(words[1], 10, 64)
	u.ResidentBytes = pages * int64(os.Getpagesize())
	return u, err
}

// whileMeasuring is what the harness used in blocks that were watched.
type whileMeasuring struct {
	cpu, wall time.Duration
	resident  int64 // the most at the end of a block
}

func (w *whileMeasuring) add(before, after Usage, wall time.Duration) {
	w.cpu, w.wall = w.cpu+after.CPU-before.CPU, w.wall+wall
	w.resident = max(w.resident, before.ResidentBytes, after.ResidentBytes)
}

// promises are about only the harness: not the runner, nor the engine's client
// that carries its streams.
func (w whileMeasuring) promises(runner string) []Promise {
	share := w.cpu.Seconds() / w.wall.Seconds()
	return []Promise{
		{Part: runner + ", CPU of dlbench while it measures", Promise: fmt.Sprintf("at most %.0f %% of one core", 100*harnessCPU),
			Seen: fmt.Sprintf("%.2f %%", 100*share), Kept: share <= harnessCPU},
		{Part: runner + ", memory of dlbench while it measures", Promise: fmt.Sprintf("at most %.0f MB resident", harnessMemory/1e6),
			Seen: fmt.Sprintf("%.1f MB", float64(w.resident)/1e6), Kept: w.resident > 0 && w.resident <= harnessMemory},
	}
}
