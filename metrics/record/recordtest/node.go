package recordtest

import "github.com/dlbench/dlbench/metrics/record"

// Node is the record of a node with as many raw numbers as real ones have: 15
// workloads, one runner, six processes each, 1.3 MB in all. It is not summarized.
func Node(number int) *record.Record {
	r := Simulation{Seed: uint64(number), Modes: []string{"infer"}, Workloads: 15, Runners: 1, Rounds: 6, Noise: 0.01}.Record()
	for i := range r.Cells {
		for j := range r.Cells[i].Processes {
			fill(&r.Cells[i].Processes[j])
		}
	}
	return r
}

// fill gives a process what the runner and the samplers leave.
func fill(p *record.Process) {
	long := p.Blocks[0]
	p.Blocks = nil
	at := long.StartNS
	length := (long.EndNS - long.StartNS) / 10
	for range 10 {
		p.Blocks = append(p.Blocks, record.Block{Scenario: record.Offline, Iterations: 100, StartNS: at, EndNS: at + length})
		at += length
	}
	stream := record.Block{Scenario: record.SingleStream, Iterations: 200, StartNS: at, EndNS: at + 200*40_000_000}
	for i := range stream.Iterations {
		stream.IterationNS = append(stream.IterationNS, 38_000_000+int64(7919*i%1_000_003))
	}
	p.Blocks = append(p.Blocks, stream)
	for i := range 100 {
		p.WarmupNS = append(p.WarmupNS, 39_000_000+int64(104_729*i%1_000_003))
	}
	for _, name := range []string{record.SeriesCPU, record.SeriesHostCPU, record.SeriesMemory, record.SeriesThreads, record.SeriesAtOnce, record.SeriesSteal, record.SeriesClock, record.SeriesHeat} {
		s := record.Series{Name: name, Unit: "%"}
		for i := range 40 {
			s.TimeNS, s.Values = append(s.TimeNS, Second+int64(i)*200_000_000), append(s.Values, 95.5+float64(i%7)/3)
		}
		p.Series = append(p.Series, s)
	}
}
