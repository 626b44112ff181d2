package sample

import "github.com/dlbench/dlbench/metrics/record"

// AtOnce is how many of a runner's threads compute, or wait for a CPU to compute
// on, at one moment. Its mean over many moments is how many threads the runner
// really used: a framework that says "one thread" and computes on eight is 8, on
// however few CPUs, and one that hands its work from thread to thread is 1. A
// thread that waits for another one does not count. The kernel's exact figures
// (schedstat) are not everywhere, so that moments are sampled; that the threads'
// states are read one after the other leaves the mean as it is.
type AtOnce struct {
	root   string
	target Target
	passes int
	ticks  map[string]float64 // by the path of a thread's stat, when all were read
	active []string           // those that computed since the time before, or are about to
}

// NewAtOnce looks at the threads of a control group, or of a process when it has
// none of its own.
func NewAtOnce(root string, target Target) *AtOnce {
	return &AtOnce{root: root, target: target}
}

// allPasses is how many passes there are between two that read every thread:
// pools may hold hundreds that never compute.
const allPasses = 5

// Channels is the number of threads.
func (a *AtOnce) Channels() []Channel {
	return []Channel{{Name: record.SeriesAtOnce, Unit: "threads", Scale: 1}}
}

// Read counts at this moment.
func (a *AtOnce) Read(into []Reading) {
	if a.passes%allPasses == 0 {
		if into[0].Err = a.list(); into[0].Err != nil {
			return
		}
	}
	a.passes++
	for _, path := range a.active {
		if t, err := readTask(path); err == nil && t.runnable { // else the thread ended
			into[0].Value++
		}
	}
}

// list finds the threads that computed since it was called before, or are about to,
// and those that are new.
func (a *AtOnce) list() error {
	tasks, err := tasksOf(a.root, a.target)
	if err != nil {
		return err
	}
	before := a.ticks
	a.ticks, a.active = map[string]float64{}, nil
	for _, path := range tasks {
		t, err := readTask(path)
		if err != nil {
			continue
		}
		a.ticks[path] = t.ticks
		if was, known := before[path]; !known || t.runnable || t.ticks > was {
			a.active = append(a.active, path)
		}
	}
	return nil
}
