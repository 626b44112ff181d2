package record

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The scenarios of blocks, as the runner protocol names them.
const (
	Offline       = "offline"
	SingleStream  = "single-stream"
	MultiStream   = "multi-stream"
	SlidingWindow = "sliding-window"
	Server        = "server"
	Train         = "train"
)

// Cell is the cell of a workload and a runner, nil when there is none.
func (r *Record) Cell(workload, runner string) *Cell {
	for i := range r.Cells {
		if c := &r.Cells[i]; c.Workload == workload && c.Runner == runner {
			return c
		}
	}
	return nil
}

// Workload is the workload of that identifier, nil when there is none.
func (r *Record) Workload(id string) *Workload {
	for i := range r.Workloads {
		if r.Workloads[i].ID == id {
			return &r.Workloads[i]
		}
	}
	return nil
}

// AllOthers stands in MinChange for every workload that is not named.
const AllOthers = "*"

// ThreadsOf is how many threads a workload's runners were asked to use.
func (r *Record) ThreadsOf(workload string) int {
	if w := r.Workload(workload); w != nil && w.Threads != 0 {
		return w.Threads
	}
	return r.Terms.Threads
}

// ThreadsText is how many threads were asked for, for people.
func (r *Record) ThreadsText() string {
	var counts []int
	for _, w := range r.Workloads {
		counts = append(counts, r.ThreadsOf(w.ID))
	}
	slices.Sort(counts)
	if counts = slices.Compact(counts); len(counts) < 2 {
		return fmt.Sprintf("%d threads", r.Terms.Threads)
	}
	var parts []string
	for _, n := range counts {
		parts = append(parts, strconv.Itoa(n))
	}
	return strings.Join(parts, ", ") + " threads, as the workloads say"
}

// Modes are those of the record's workloads, in their order.
func (r *Record) Modes() []string {
	var modes []string
	for _, w := range r.Workloads {
		if !slices.Contains(modes, w.Mode) {
			modes = append(modes, w.Mode)
		}
	}
	return modes
}

// Runner is the runner of that name, nil when there is none.
func (r *Record) Runner(name string) *Runner {
	for i := range r.Runners {
		if r.Runners[i].Name == name {
			return &r.Runners[i]
		}
	}
	return nil
}

// Comparison is A over B on a workload, turned round when the record holds B
// over A; false when it holds neither.
func (r *Record) Comparison(workload, a, b string) (Comparison, bool) {
	for _, c := range r.Comparisons {
		switch {
		case c.Workload != workload:
		case c.A == a && c.B == b:
			return c, true
		case c.A == b && c.B == a:
			return c.Inverse(), true
		}
	}
	return Comparison{}, false
}

// Inverse is the same comparison as B over A.
func (c Comparison) Inverse() Comparison {
	inverse := c
	inverse.A, inverse.B = c.B, c.A
	inverse.Ratio, inverse.CILow, inverse.CIHigh = 1/c.Ratio, 1/c.CIHigh, 1/c.CILow
	switch c.Verdict {
	case Faster:
		inverse.Verdict = Slower
	case Slower:
		inverse.Verdict = Faster
	}
	return inverse
}

// Ranked says whether the cell may be compared: it is measured, and parity
// passed.
func (c *Cell) Ranked() bool { return c.Status == Measured }

// Scope is the cell as warnings name it.
func (c *Cell) Scope() Scope { return AboutCell(c.Workload, c.Runner) }

// WarningsAbout are the warnings of a scope, like "run" or a cell's Scope.
func (r *Record) WarningsAbout(scope Scope) []Warning {
	var found []Warning
	for _, w := range r.Warnings {
		if w.Scope == scope {
			found = append(found, w)
		}
	}
	return found
}

// CodesAbout are the codes of the warnings about a cell, its runner or its
// workload, each once.
func (r *Record) CodesAbout(c *Cell) []string {
	var codes []string
	for _, scope := range []Scope{c.Scope(), AboutRunner(c.Runner), AboutWorkload(c.Workload)} {
		for _, w := range r.WarningsAbout(scope) {
			if !slices.Contains(codes, w.Code) {
				codes = append(codes, w.Code)
			}
		}
	}
	return codes
}

// MeasuredProcesses are the processes that ran to their end.
func (c *Cell) MeasuredProcesses() []*Process {
	var found []*Process
	for i := range c.Processes {
		if p := &c.Processes[i]; p.Status == Measured {
			found = append(found, p)
		}
	}
	return found
}

// ProcessAt is the measured process of a round, nil when there is none.
func (c *Cell) ProcessAt(round int) *Process {
	for _, p := range c.MeasuredProcesses() {
		if p.Round == round {
			return p
		}
	}
	return nil
}

// Throughput is batch × iterations over the block's time, in images per
// second.
func (b Block) Throughput(batch int) float64 {
	return float64(batch) * float64(b.Iterations) / b.Seconds()
}

// Voxels are those of the volume, or the pixels of the image, that the
// sliding-window scenario infers; 0 if that was not asked for.
func (t Terms) Voxels() int64 {
	n := int64(1)
	for extent := range strings.SplitSeq(t.Volume, "x") {
		v, err := strconv.ParseInt(extent, 10, 64)
		if err != nil || v < 1 || n > math.MaxInt64/v {
			return 0
		}
		n *= v
	}
	return n
}

// MegavoxelsPerSecond is the rate of a volume of so many voxels that took so long.
func MegavoxelsPerSecond(voxels int64, ns float64) float64 {
	return float64(voxels) / 1e6 / (max(1, ns) / 1e9)
}

// TimesThroughput says whether throughput is made from the block.
func (b Block) TimesThroughput() bool { return b.Scenario == Offline || b.Scenario == Train }

// Seconds is the block's length.
func (b Block) Seconds() float64 { return float64(b.EndNS-b.StartNS) / 1e9 }

// LatenciesMS are the latencies of every single-stream iteration of the
// measured processes, in milliseconds.
func (c *Cell) LatenciesMS() []float64 {
	var ms []float64
	for _, p := range c.MeasuredProcesses() {
		for _, b := range p.Blocks {
			if b.Scenario == SingleStream {
				ms = append(ms, Milliseconds(b.IterationNS)...)
			}
		}
	}
	return ms
}

// Milliseconds are durations of nanoseconds as every figure shows them.
func Milliseconds(ns []int64) []float64 {
	ms := make([]float64, len(ns))
	for i, v := range ns {
		ms[i] = float64(v) / 1e6
	}
	return ms
}
