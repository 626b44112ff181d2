package nodes

import (
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// merged is one record of what several shards measured, as far as the geometric
// means over their workloads need it. A ratio of two runners is of one node, so
// that ratios of several nodes may be averaged; throughputs may not.
type merged struct{ record *record.Record }

// take adds the workloads of a shard's record, with their processes' blocks of
// throughput and nothing else that is raw.
func (m *merged) take(r *record.Record) {
	if m.record == nil {
		m.record = record.New(r.Created)
		m.record.Seed = r.Seed
	}
	for _, runner := range r.Runners {
		if m.record.Runner(runner.Name) == nil {
			m.record.AddRunner(record.Runner{Name: runner.Name})
		}
	}
	for _, w := range r.Workloads {
		if m.record.Workload(w.ID) != nil {
			continue // an earlier shard has it
		}
		m.record.AddWorkload(record.Workload{ID: w.ID, Mode: w.Mode, Batch: w.Batch})
		for _, c := range r.Cells {
			if c.Workload == w.ID {
				m.record.AddCell(record.Cell{Workload: c.Workload, Runner: c.Runner, Status: c.Status, Throughput: c.Throughput, Processes: lean(c.Processes)})
			}
		}
	}
}

// lean are processes with what their throughputs are made of.
func lean(processes []record.Process) []record.Process {
	var out []record.Process
	for _, p := range processes {
		one := record.Process{Round: p.Round, Status: p.Status}
		for _, b := range p.Blocks {
			if b.TimesThroughput() {
				one.Blocks = append(one.Blocks, record.Block{Scenario: b.Scenario, Iterations: b.Iterations, StartNS: b.StartNS, EndNS: b.EndNS})
			}
		}
		out = append(out, one)
	}
	return out
}

// overall is what each mode comes to over the workloads of all shards; never nil.
func (m *merged) overall() []record.Overall {
	if m.record == nil {
		return []record.Overall{}
	}
	summary.Complete(m.record)
	return append([]record.Overall{}, m.record.Overall...)
}
