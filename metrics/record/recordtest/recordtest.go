// Package recordtest makes records for the tests of what reads them: raw
// processes of made-up runners, from which package summary makes the figures.
package recordtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
)

// Second is a second in the times of blocks.
const Second = 1_000_000_000

// Process is a measured process of a round with one throughput block of so many
// images per second.
func Process(round, batch int, imagesPerSecond float64) record.Process {
	const iterations = 1000
	length := int64(math.Round(iterations * float64(batch) / imagesPerSecond * Second))
	return record.Process{Round: round, Status: record.Measured, Series: []record.Series{},
		Blocks: []record.Block{{Scenario: record.Offline, Iterations: iterations, StartNS: Second, EndNS: Second + length}}}
}

// Cell is a cell that passed parity, with one process a round of these
// throughputs.
func Cell(workload, runner string, batch int, imagesPerSecond ...float64) record.Cell {
	c := record.Cell{Workload: workload, Runner: runner, Device: "cpu", Status: record.Pending,
		Parity: record.Parity{Status: record.ParityPassed, Checks: []record.Check{}}, Processes: []record.Process{}}
	for round, speed := range imagesPerSecond {
		c.Processes = append(c.Processes, Process(round, batch, speed))
	}
	return c
}

// Simulation is a campaign that never ran. The same simulation makes the same
// record.
type Simulation struct {
	Seed      uint64
	Modes     []string
	Workloads int     // of each mode
	Runners   int     // every runner is about 1 % slower than the one before it
	Rounds    int     // of which every cell has a process, unless it is missing
	Missing   float64 // share of the processes that are not there
	Ties      bool    // throughputs are rounded until many are equal
	Noise     float64 // deviation between processes, as a share
}

// Record is the simulation's record, without any figure.
func (s Simulation) Record() *record.Record {
	rng := rand.New(rand.NewPCG(s.Seed, 26))
	r := record.New(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(s.Seed) * time.Minute))
	r.Suite, r.Profile, r.Seed, r.Rounds, r.Status = "simulated", "report", s.Seed, s.Rounds, record.Complete
	r.Environment.Host, r.Environment.CPU, r.Environment.LogicalCPUs = "h", "EPYC", 2
	r.Terms = record.Terms{Device: "cpu", Threads: 2, CPUs: "0-1"}
	for _, mode := range s.Modes {
		for i := range s.Workloads {
			r.AddWorkload(record.Workload{ID: fmt.Sprintf("net%d/%s/b4/fp32", i, mode), Digest: "d", Network: fmt.Sprintf("net%d", i), Mode: mode, Batch: 4, Precision: "fp32",
				InputShape: []int{4, 3, 8, 8}, Parameters: 1000, MACs: 1e6, ActivationBytes: 1e5})
		}
	}
	for i := range s.Runners {
		r.AddRunner(record.Runner{Name: Runner(i), Framework: Runner(i), FrameworkVersion: "1", Maintained: true})
	}
	for _, w := range r.Workloads {
		drift := make([]float64, s.Rounds)
		for round := range drift {
			drift[round] = 1 + s.Noise*rng.NormFloat64()
		}
		for i := range s.Runners {
			c := r.AddCell(Cell(w.ID, Runner(i), w.Batch))
			for round := range s.Rounds {
				speed := 1000 * math.Pow(0.99, float64(i)) * drift[round] * (1 + s.Noise*rng.NormFloat64())
				if s.Ties {
					speed = math.Round(speed/10) * 10
				}
				if rng.Float64() >= s.Missing {
					c.Processes = append(c.Processes, Process(round, w.Batch, speed))
				}
			}
			if len(c.Processes) == 0 {
				c.Status, c.Reason = record.Failed, "no process is there"
			}
		}
	}
	return r
}

// Runner is the name of a simulation's runner.
func Runner(i int) string { return string(rune('a' + i)) }
