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

// Threads is over how many threads a runner spreads its computing: the
// effective number (Σt)²/Σt² of the CPU times t of its threads since the reading
// before (Laakso & Taagepera, "Effective number of parties", Comparative
// Political Studies 12(1), 1979). Eight that share the work are 8, on however
// few CPUs; a pool of two with a thread that only feeds it is 2 and a little.
// It is how a framework that says "one thread" and uses eight is found out.
type Threads struct {
	root   string
	target Target
	ticks  map[string]float64 // by "<pid>/<tid>"
}

// threadsPace gives a hundred ticks of the kernel's clock to one reading.
const threadsPace = time.Second

// NewThreads looks at the threads of a control group, or of a process when it
// has none of its own.
func NewThreads(root string, target Target) *Threads {
	return &Threads{root: root, target: target}
}

// Channels is the effective number of threads.
func (t *Threads) Channels() []Channel {
	return []Channel{{Name: record.SeriesThreads, Unit: "threads", Scale: 1}}
}

// Pace keeps the cost of large pools small.
func (t *Threads) Pace() time.Duration { return threadsPace }

// Read compares with the reading before. The first one only notes where every
// thread stands, and says 0; threads that are new by now count from the next one.
func (t *Threads) Read(into []Reading) {
	pids, err := t.pids()
	if err != nil {
		into[0].Err = err
		return
	}
	ticks, total, squares := map[string]float64{}, 0.0, 0.0
	for _, pid := range pids {
		stats, _ := filepath.Glob(filepath.Join(t.root, "proc", pid, "task", "*", "stat"))
		for _, path := range stats {
			v, err := taskTicks(path)
			if err != nil {
				continue // the thread ended
			}
			ticks[path] = v
			if before, known := t.ticks[path]; known {
				total += v - before
				squares += (v - before) * (v - before)
			}
		}
	}
	if squares > 0 {
		into[0].Value = total * total / squares
	}
	t.ticks = ticks
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
		return 0, fmt.Errorf("%s: %q is not a time", path, words[statUTime])
	}
	system, err := strconv.ParseFloat(string(words[statUTime+1]), 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is not a time", path, words[statUTime+1])
	}
	return user + system, nil
}
