package peak

import (
	"errors"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The triad is STREAM's: a = b + s·c over arrays that no cache holds, counted as
// two reads and a write of float64 an element. What the hardware fetches beside,
// such as the lines of a before they are written, is not counted.
const (
	elementBytes = 8
	triadMoves   = 3 * elementBytes // bytes an element
	triadPasses  = 10               // at least
	triadTime    = 500 * time.Millisecond
	scale        = 3.0
)

// Triad is the most bytes a second that so many threads on these CPUs moved, with
// arrays of so many bytes. Its memory is given back before it returns.
func Triad(cpus []int, threads int, arrayBytes int64) (rate float64, err error) {
	if len(cpus) == 0 || threads < 1 || arrayBytes < elementBytes*int64(threads) {
		return 0, fmt.Errorf("a triad of %d threads on CPUs %v with %d bytes an array", threads, cpus, arrayBytes)
	}
	arrays, unmap, err := mapArrays(int(arrayBytes / elementBytes))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, unmap()) }()
	team, err := newTeam(cpus, threads)
	if err != nil {
		return 0, err
	}
	defer team.end()
	n := len(arrays[0])
	part := func(worker int) (a, b, c []float64) {
		low, high := n*worker/threads, n*(worker+1)/threads
		return arrays[0][low:high], arrays[1][low:high], arrays[2][low:high]
	}
	team.all(func(worker int) { fill(part(worker)) }) // each page near the CPU that uses it
	shortest, began := time.Duration(0), time.Now()
	for pass := 0; pass < triadPasses || time.Since(began) < triadTime; pass++ {
		took := team.all(func(worker int) {
			a, b, c := part(worker)
			triad(a, b, c)
		})
		if shortest == 0 || took < shortest {
			shortest = took
		}
	}
	if last := arrays[0][n-1]; last != 1+scale*2 {
		return 0, fmt.Errorf("the triad computed %v, expected %v", last, 1+scale*2)
	}
	return float64(n) * triadMoves / shortest.Seconds(), nil
}

func fill(a, b, c []float64) {
	for i := range a {
		a[i], b[i], c[i] = 0, 1, 2
	}
}

// triad is unrolled so that the loop costs less than the memory.
func triad(a, b, c []float64) {
	b, c = b[:len(a)], c[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		x, y, z := (*[4]float64)(a[i:i+4]), (*[4]float64)(b[i:i+4]), (*[4]float64)(c[i:i+4])
		x[0], x[1], x[2], x[3] = y[0]+scale*z[0], y[1]+scale*z[1], y[2]+scale*z[2], y[3]+scale*z[3]
	}
	for ; i < len(a); i++ {
		a[i] = b[i] + scale*c[i]
	}
}

// mapArrays are three arrays outside of Go's heap, which would keep their memory.
func mapArrays(elements int) (arrays [3][]float64, unmap func() error, err error) {
	var maps [3][]byte
	unmap = func() error {
		var err error
		for _, m := range maps {
			if m != nil {
				err = errors.Join(err, unix.Munmap(m))
			}
		}
		return err
	}
	for i := range arrays {
		maps[i], err = unix.Mmap(-1, 0, elements*elementBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
		if err != nil {
			return arrays, nil, errors.Join(fmt.Errorf("take %d bytes of memory: %w", elements*elementBytes, err), unmap())
		}
		_ = unix.Madvise(maps[i], unix.MADV_HUGEPAGE) // not every kernel has them
		arrays[i] = unsafe.Slice((*float64)(unsafe.Pointer(&maps[i][0])), elements)
	}
	return arrays, unmap, nil
}

// team is threads of the operating system, each on one CPU.
type team struct {
	tasks []chan func(worker int)
	done  chan struct{}
}

func newTeam(cpus []int, threads int) (*team, error) {
	t := &team{done: make(chan struct{})}
	pinned := make(chan error)
	for worker := range threads {
		tasks := make(chan func(int))
		t.tasks = append(t.tasks, tasks)
		go func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with its CPU
			var set unix.CPUSet
			set.Set(cpus[worker%len(cpus)])
			pinned <- unix.SchedSetaffinity(0, &set)
			for task := range tasks {
				task(worker)
				t.done <- struct{}{}
			}
		}()
	}
	var faults error
	for range threads {
		faults = errors.Join(faults, <-pinned)
	}
	if faults != nil {
		t.end()
		return nil, fmt.Errorf("bind threads to CPUs %v: %w", cpus, faults)
	}
	return t, nil
}

// all has every thread do a task, and tells how long all took together.
func (t *team) all(task func(worker int)) time.Duration {
	began := time.Now()
	for _, tasks := range t.tasks {
		tasks <- task
	}
	for range t.tasks {
		<-t.done
	}
	return time.Since(began)
}

func (t *team) end() {
	for _, tasks := range t.tasks {
		close(tasks)
	}
}
