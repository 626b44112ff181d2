package sample

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
)

// Threads counts the threads of a runner that compute: those that were on a
// CPU for a fifth of the time since the reading before. It is how a framework
// that says "one thread" and uses eight is found out.
type Threads struct {
	root   string
	target Target
	clock  func() int64
	last   int64
	ticks  map[string]float64 // by "<pid>/<tid>"
}

const (
	threadsPace = time.Second
	// busyShare of a second counts as computing; pools that wait for work by
	// spinning do too.
	busyShare = 0.2
)

// NewThreads counts the threads of a control group, or of a process when it
// has none of its own.
func NewThreads(root string, target Target, clock func() int64) *Threads {
	if clock == nil {
		clock = Monotonic
	}
	return &Threads{root: root, target: target, clock: clock}
}

// Channels is the number of busy threads.
func (t *Threads) Channels() []Channel {
	return []Channel{{Name: record.SeriesThreads, Unit: "threads", Scale: 1}}
}

// Pace keeps the cost of large pools small.
func (t *Threads) Pace() time.Duration { return threadsPace }

// Read counts. The first reading only notes where every thread stands, and
// says 0.
func (t *Threads) Read(into []Reading) {
	pids, err := t.pids()
	if err != nil {
		into[0].Err = err
		return
	}
	now, ticks := t.clock(), map[string]float64{}
	for _, pid := range pids {
		stats, _ := filepath.Glob(filepath.Join(t.root, "proc", pid, "task", "*", "stat"))
		for _, path := range stats {
			if v, err := taskTicks(path); err == nil { // else the thread ended
				ticks[path] = v
			}
		}
	}
	needed := busyShare * float64(now-t.last) / tickNS
	for path, v := range ticks {
		if before, known := t.ticks[path]; known && v-before >= needed {
			into[0].Value++
		}
	}
	t.last, t.ticks = now, ticks
}

// pids are the processes of the control group, else the one that is known.
func (t *Threads) pids() ([]string, error) {
	if t.target.Cgroup != "" {
		for _, hierarchy := range []string{"", "cpuacct", "cpu,cpuacct", "cpuacct,cpu"} {
			text, err := os.ReadFile(filepath.Join(t.root, "sys/fs/cgroup", hierarchy, clean(t.target.Cgroup), "cgroup.procs"))
			if err != nil {
				continue
			}
			var pids []string
			for _, word := range bytes.Fields(text) {
				pids = append(pids, string(word))
			}
			return pids, nil
		}
	}
	if t.target.PID > 0 {
		return []string{strconv.Itoa(t.target.PID)}, nil
	}
	return nil, errors.New(nothingToRead)
}

// taskTicks is the CPU time of one thread.
func taskTicks(path string) (float64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	words := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(words) <= statCSTime {
		return 0, fmt.Errorf("%s is cut short", path)
	}
	user, err := strconv.ParseFloat(string(words[statUTime]), 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is no time", path, words[statUTime])
	}
	system, err := strconv.ParseFloat(string(words[statUTime+1]), 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is no time", path, words[statUTime+1])
	}
	return user + system, nil
}
