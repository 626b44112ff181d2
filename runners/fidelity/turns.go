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

// turns are all processes.
type turns struct {
	logs, cpu  [][]float64
	iterations int
	own, bare  []float64 // seconds of an iteration, by process
	counted    map[string][]Counted
	noCounters string
}

func (t *turns) add(p process) {
	t.logs, t.cpu, t.iterations = append(t.logs, p.logs), append(t.cpu, p.cpu), p.iterations
	t.own = append(t.own, stats.Median(p.own.seconds)/float64(p.iterations))
	t.bare = append(t.bare, stats.Median(p.bare.seconds)/float64(p.iterations))
	if t.counted == nil {
		t.counted = map[string][]Counted{}
	}
	t.count("instructions", p, p.own.instructions, p.bare.instructions)
	t.count("cycles", p, p.own.cycles, p.bare.cycles)
	if t.noCounters == "" {
		t.noCounters = p.noCounters
	}
}

// count keeps what was counted in every block of a process.
func (t *turns) count(what string, p process, own, bare count) {
	if own.blocks < len(p.own.seconds) || bare.blocks < len(p.bare.seconds) {
		return
	}
	iterations := float64(p.iterations * len(p.own.seconds))
	t.counted[what] = append(t.counted[what], Counted{Own: own.total / iterations, Bare: bare.total / iterations, Ratio: own.total / bare.total})
}

// fill makes the figures of all processes.
func (t *turns) fill(in *InProcess, images float64) {
	in.Compared = compared(t.logs)
	if !slices.ContainsFunc(slices.Concat(t.cpu...), math.IsNaN) {
		cpu := compared(t.cpu)
		in.CPU = &cpu
	}
	in.Own, in.Bare = images/stats.Median(t.own), images/stats.Median(t.bare)
	in.Iterations, in.NoCounters = t.iterations, t.noCounters
	in.Instructions = t.median("instructions", in)
	in.Cycles = t.median("cycles", in)
}

// compared takes the groups of each process.
func compared(logs [][]float64) Compared {
	ratios := make([]float64, len(logs))
	for i := range logs {
		centre, _ := stats.BatchMedians(logs[i:i+1], chunk, stats.Level)
		ratios[i] = math.Exp(centre)
	}
	var c Compared
	c.Ratio, c.Interval = stats.Ratio(ratios, stats.Level)
	if _, within := stats.BatchMedians(logs, chunk, stats.Level); within.Exists() {
		c.Within = c.Ratio * (within.High - within.Low) / 2
	}
	return c
}

// median is over processes, if all of them counted.
func (t *turns) median(what string, in *InProcess) *Counted {
	all := t.counted[what]
	if len(all) < len(in.Processes) {
		if in.NoCounters == "" {
			in.NoCounters = "other programs held the processor's counters meanwhile"
		}
		return nil
	}
	of := func(field func(Counted) float64) float64 {
		values := make([]float64, len(all))
		for i, c := range all {
			values[i] = field(c)
		}
		return stats.Median(values)
	}
	return &Counted{
		Own:   of(func(c Counted) float64 { return c.Own }),
		Bare:  of(func(c Counted) float64 { return c.Bare }),
		Ratio: of(func(c Counted) float64 { return c.Ratio }),
	}
}
