package summary_test

import (
	"slices"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

func TestPairedRatiosPairByRound(t *testing.T) {
	cell := func(seconds map[int]int64) *record.Cell {
		c := &record.Cell{}
		for _, round := range []int{3, 0, 1, 2} {
			if s, ok := seconds[round]; ok {
				c.Processes = append(c.Processes, record.Process{Round: round, Status: record.Measured,
					Blocks: []record.Block{{Scenario: record.Offline, Iterations: 1, EndNS: s}}})
			}
		}
		return c
	}
	a, b := cell(map[int]int64{0: 10, 2: 20, 3: 40}), cell(map[int]int64{0: 20, 1: 10, 3: 20})
	ratios, rounds := summary.PairedRatios(a, b, 4)
	if !slices.Equal(rounds, []int{0, 3}) || !slices.Equal(ratios, []float64{2, 0.5}) {
		t.Errorf("got %v in rounds %v", ratios, rounds)
	}
	b.Processes[0].Status = record.Failed
	if _, rounds := summary.PairedRatios(a, b, 4); !slices.Equal(rounds, []int{0}) {
		t.Errorf("a failed process was paired: %v", rounds)
	}
}

func block(scenario string, iterations int, start, end int64) record.Block {
	return record.Block{Scenario: scenario, Iterations: iterations, StartNS: start, EndNS: end}
}

func TestProcessThroughput(t *testing.T) {
	const second = 1_000_000_000
	p := record.Process{Status: record.Measured, Blocks: []record.Block{
		block(record.Offline, 10, 0, second),                        // 80 images/s
		block(record.Offline, 10, second, 3*second),                 // 40
		block(record.Train, 20, 3*second, 4*second),                 // 160
		block(record.SingleStream, 1000, 4*second, 4*second+second), // not throughput
	}}
	if v, ok := summary.ProcessThroughput(p, 8); !ok || v != 80 {
		t.Errorf("got %v, %v, expected 80", v, ok)
	}
	only := p
	only.Blocks = p.Blocks[3:]
	if _, ok := summary.ProcessThroughput(only, 8); ok {
		t.Error("single-stream blocks gave a throughput")
	}
	failed := p
	failed.Status = record.Failed
	if _, ok := summary.ProcessThroughput(failed, 8); ok {
		t.Error("a failed process gave a throughput")
	}
}
