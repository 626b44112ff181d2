package fidelity

import (
	"cmp"
	"math"
	"slices"

	"github.com/dlbench/dlbench/metrics/stats"
	"github.com/dlbench/dlbench/runners/protocol"
)

// process is what the blocks of one process told.
type process struct {
	iterations int
	logs       []float64 // of each group: runner over bare in throughput
	cpu        []float64 // the same by CPU time; NaN if a block tells none
	own, bare  side
	noCounters string
}

// side are the blocks of the runner or of the bare loop.
type side struct {
	seconds      []float64 // of a block
	instructions count
	cycles       count
}

// count sums what blocks counted, as long as all of them did.
type count struct {
	total  float64
	blocks int
}

func (c *count) add(n *int64) {
	if n != nil {
		c.total += float64(*n)
		c.blocks++
	}
}

// add takes the blocks of whole groups.
func (p *process) add(order string, r protocol.AlternateResult) {
	p.noCounters = r.NoCounters
	for i, b := range r.Blocks {
		if i%4 == 0 {
			p.logs, p.cpu = append(p.logs, 0), append(p.cpu, 0)
		}
		of, sign := &p.bare, 0.5
		if order[i] == protocol.RunnerSide {
			of, sign = &p.own, -0.5
		}
		p.logs[len(p.logs)-1] += sign * math.Log(seconds(b))
		p.cpu[len(p.cpu)-1] += sign * math.Log(cmp.Or(float64(b.CPUNS), math.NaN()))
		of.seconds = append(of.seconds, seconds(b))
		of.instructions.add(b.Instructions)
		of.cycles.add(b.Cycles)
	}
}

// fill makes the figures of all processes.
func (in *InProcess) fill(all []process, images float64) {
	var logs, cpu [][]float64
	var own, bare []float64 // seconds of an iteration
	for _, p := range all {
		logs, cpu = append(logs, p.logs), append(cpu, p.cpu)
		own = append(own, stats.Median(p.own.seconds)/float64(p.iterations))
		bare = append(bare, stats.Median(p.bare.seconds)/float64(p.iterations))
		in.Iterations, in.NoCounters = p.iterations, cmp.Or(in.NoCounters, p.noCounters)
	}
	in.Compared = compared(logs)
	if !slices.ContainsFunc(slices.Concat(cpu...), math.IsNaN) {
		by := compared(cpu)
		in.CPU = &by
	}
	in.Own, in.Bare = images/stats.Median(own), images/stats.Median(bare)
	in.Instructions = counted(all, func(s side) count { return s.instructions })
	in.Cycles = counted(all, func(s side) count { return s.cycles })
	if in.Instructions == nil || in.Cycles == nil {
		in.NoCounters = cmp.Or(in.NoCounters, "other programs held the processor's counters meanwhile")
	}
}

// compared takes the groups of each process.
func compared(logs [][]float64) Compared {
	ratios := make([]float64, len(logs))
	for i := range logs {
		ratios[i] = ratio(logs[i])
	}
	var c Compared
	c.Ratio, c.Interval = stats.Ratio(ratios, stats.Level)
	if _, within := stats.BatchMedians(logs, chunk, stats.Level); within.Exists() {
		c.Within = c.Ratio * (within.High - within.Low) / 2
	}
	return c
}

// ratio is that of one process.
func ratio(logs []float64) float64 {
	centre, _ := stats.BatchMedians([][]float64{logs}, chunk, stats.Level)
	return math.Exp(centre)
}

// counted is the median over processes, if every block of all of them counted.
func counted(all []process, what func(side) count) *Counted {
	var own, bare, ratios []float64
	for _, p := range all {
		runner, loop := what(p.own), what(p.bare)
		if runner.blocks < len(p.own.seconds) || loop.blocks < len(p.bare.seconds) {
			return nil
		}
		iterations := float64(p.iterations * len(p.own.seconds))
		own, bare = append(own, runner.total/iterations), append(bare, loop.total/iterations)
		ratios = append(ratios, runner.total/loop.total)
	}
	return &Counted{Own: stats.Median(own), Bare: stats.Median(bare), Ratio: stats.Median(ratios)}
}
