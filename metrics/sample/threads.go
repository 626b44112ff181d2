package sample

import (
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
	ticks  map[string]float64 // by the path of a thread's stat
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
	tasks, err := tasksOf(t.root, t.target)
	if err != nil {
		into[0].Err = err
		return
	}
	ticks, total, squares := map[string]float64{}, 0.0, 0.0
	for _, path := range tasks {
		now, err := readTask(path)
		if err != nil {
			continue // the thread ended
		}
		ticks[path] = now.ticks
		if before, known := t.ticks[path]; known {
			total += now.ticks - before
			squares += (now.ticks - before) * (now.ticks - before)
		}
	}
	if squares > 0 {
		into[0].Value = total * total / squares
	}
	t.ticks = ticks
}
