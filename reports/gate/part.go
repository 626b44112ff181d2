package gate

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/compare"
)

// Part says which part of a night a result is if several machines measured it, as
// the nodes of a cluster do. The zero value is all of a night.
type Part struct {
	Of    int  // so many results: they share the false alarms that a night may have
	Dealt bool // each has some of the night's workloads: what the others have is not missing from it
}

// shared is a rule by which one of several parts is judged, so that as many nights
// as before have a false alarm in any of them (Bonferroni).
func (p Part) shared(rule Rule) Rule {
	if p.Of > 1 {
		rule.P /= float64(p.Of)
	}
	return rule
}

// of are the nights of a baseline that a part is held against: those of its own
// machine, and with a workload of its own.
func (p Part) of(result *record.Record, nights []compare.Source) []compare.Source {
	return slices.DeleteFunc(slices.Clone(nights), func(n compare.Source) bool {
		return !record.SameMachine(n.Record.Environment, result.Environment) ||
			p.Dealt && !slices.ContainsFunc(result.Workloads, func(w record.Workload) bool { return n.Record.Workload(w.ID) != nil })
	})
}

// ofPart are those nights of the question's baseline; all of a whole night.
func (q Question) ofPart(result *record.Record, nights []compare.Source) ([]compare.Source, error) {
	if q.Part.Of == 0 {
		return nights, nil
	}
	own := q.Part.of(result, nights)
	if len(own) == 0 {
		return nil, &RefusedError{Err: fmt.Errorf("--baseline %s has no record of %s with these workloads", q.Baseline, result.Environment.MachineName()),
			Hint: "name the records of all machines: dlbench history baseline NAME ID ID …"}
	}
	return own, nil
}

// expected says which cells a result should have: those of the first record. Of a
// part of the workloads it is one record of all that have them.
func (p Part) expected(result *record.Record, all []compare.Source) compare.Source {
	if !p.Dealt {
		return all[0]
	}
	one := *all[0].Record
	one.Workloads, one.Cells, one.Runners = nil, nil, slices.Clone(one.Runners)
	for _, s := range all {
		for _, w := range s.Record.Workloads {
			if result.Workload(w.ID) == nil || one.Workload(w.ID) != nil {
				continue
			}
			one.Workloads = append(one.Workloads, w)
			for _, c := range s.Record.Cells {
				if c.Workload == w.ID {
					one.Cells = append(one.Cells, c)
				}
			}
		}
		for _, r := range s.Record.Runners {
			if one.Runner(r.Name) == nil {
				one.Runners = append(one.Runners, r)
			}
		}
	}
	return compare.Source{File: all[0].File, Record: &one}
}
