package record

import (
	"fmt"
	"math"
	"slices"
)

// problemError is what Validate found, and where.
type problemError struct {
	at      path
	problem string
}

func (e *problemError) Error() string { return located(e.at, e.problem) }

func problemf(at path, format string, args ...any) error {
	return &problemError{at: at, problem: fmt.Sprintf(format, args...)}
}

// Validate checks what a schema cannot say: that names refer to something,
// that nothing is there twice, that times run forward and that intervals hold
// their estimate. It returns the first problem, named like
// "cells[3].processes[0].blocks[1]: …".
func (r *Record) Validate() error {
	if r.SchemaVersion != SchemaVersion {
		return problemf(path{"schema_version"}, "is %d, expected %d", r.SchemaVersion, SchemaVersion)
	}
	if t := r.Terms; (t.Volume != "") != (t.Voxels() > 0) {
		return problemf(path{"terms", "volume"}, "%q is not a size like 48x64x64", t.Volume)
	}
	v := validator{record: r}
	for _, check := range []func() error{v.times, v.names, v.cells, v.comparisons, v.overall} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

type validator struct {
	record *Record
}

func (v validator) names() error {
	seen := map[string]bool{}
	for i, w := range v.record.Workloads {
		at := path{"workloads"}.item(i)
		if seen[w.ID] {
			return problemf(at.field("id"), "workload %q is there twice", w.ID)
		}
		seen[w.ID] = true
		if w.Batch < 1 {
			return problemf(at.field("batch"), "is %d, expected at least 1", w.Batch)
		}
	}
	clear(seen)
	for i, runner := range v.record.Runners {
		if seen[runner.Name] {
			return problemf(path{"runners"}.item(i).field("name"), "runner %q is there twice", runner.Name)
		}
		seen[runner.Name] = true
	}
	return nil
}

// refers checks that a workload and runners are in the record.
func (v validator) refers(at path, workload string, runners ...reference) error {
	if v.record.Workload(workload) == nil {
		return problemf(at.field("workload"), "workload %q is not among the record's workloads", workload)
	}
	for _, r := range runners {
		if v.record.Runner(r.name) == nil {
			return problemf(at.field(r.field), "runner %q is not among the record's runners", r.name)
		}
	}
	return nil
}

// reference is a field that holds a runner's name.
type reference struct{ field, name string }

func (v validator) cells() error {
	seen := map[[2]string]bool{}
	for i := range v.record.Cells {
		c, at := &v.record.Cells[i], path{"cells"}.item(i)
		if err := v.refers(at, c.Workload, reference{"runner", c.Runner}); err != nil {
			return err
		}
		if key := [2]string{c.Workload, c.Runner}; seen[key] {
			return problemf(at, "the cell of workload %q and runner %q is there twice", c.Workload, c.Runner)
		} else {
			seen[key] = true
		}
		if !slices.Contains([]string{Measured, NotRanked, Unsupported, Failed, Pending}, c.Status) {
			return problemf(at.field("status"), "%q is not a state of a cell", c.Status)
		}
		if err := possible(at, c); err != nil {
			return err
		}
		if err := v.processes(at.field("processes"), c.Processes); err != nil {
			return err
		}
		if err := counted(at, c, v.record.Workload(c.Workload).Batch, v.record.Terms.Voxels()); err != nil {
			return err
		}
		if err := v.memory(at, c); err != nil {
			return err
		}
	}
	return nil
}

func (v validator) comparisons() error {
	for i, c := range v.record.Comparisons {
		at := path{"comparisons"}.item(i)
		if err := v.refers(at, c.Workload, reference{"a", c.A}, reference{"b", c.B}); err != nil {
			return err
		}
		if !(c.CILow <= c.Ratio && c.Ratio <= c.CIHigh) {
			return problemf(at, "the ratio %v is outside its interval [%v, %v]", c.Ratio, c.CILow, c.CIHigh)
		}
		if !(c.CILow > 0) {
			return problemf(at.field("ci_low"), "is %v: a ratio of throughputs is more than 0", c.CILow)
		}
	}
	return nil
}

func (v validator) overall() error {
	seen := map[[2]string]bool{}
	for i, o := range v.record.Overall {
		at := path{"overall"}.item(i)
		for _, r := range []reference{{"a", o.A}, {"b", o.B}} {
			if v.record.Runner(r.name) == nil {
				return problemf(at.field(r.field), "runner %q is not among the record's runners", r.name)
			}
		}
		if key := [2]string{o.Mode, o.A}; seen[key] {
			return problemf(at, "the overall of runner %q in mode %q is there twice", o.A, o.Mode)
		} else {
			seen[key] = true
		}
		if !(o.CILow <= o.CIHigh) {
			return problemf(at, "the interval [%v, %v] ends before it begins", o.CILow, o.CIHigh)
		}
	}
	return nil
}

// processes checks one cell's: comparisons pair by round, so a round may have only
// one process.
func (v validator) processes(at path, processes []Process) error {
	rounds := map[int]bool{}
	for i, p := range processes {
		at := at.item(i)
		if rounds[p.Round] {
			return problemf(at.field("round"), "the cell has two processes in round %d", p.Round)
		}
		rounds[p.Round] = true
		if p.Status == Measured && len(p.Blocks) == 0 {
			return problemf(at.field("blocks"), "are none, of a process that is %s", Measured)
		}
		if err := validBlocks(at.field("blocks"), p.Blocks); err != nil {
			return err
		}
		if err := v.lasts(at.field("blocks"), p.Blocks); err != nil {
			return err
		}
		if err := durations(at.field("warmup_ns"), p.WarmupNS, math.MaxInt64); err != nil {
			return err
		}
		for j, s := range p.Series {
			if err := validSeries(at.field("series").item(j), s); err != nil {
				return err
			}
		}
	}
	return nil
}

func validBlocks(at path, blocks []Block) error {
	for i, b := range blocks {
		at := at.item(i)
		switch {
		case b.Iterations < 1:
			return problemf(at.field("iterations"), "is %d, expected at least 1", b.Iterations)
		case b.StartNS < 0:
			return problemf(at.field("start_ns"), "is %d, expected at least 0", b.StartNS)
		case b.EndNS <= b.StartNS:
			return problemf(at.field("end_ns"), "is %d, expected later than start_ns %d", b.EndNS, b.StartNS)
		case i > 0 && b.StartNS < blocks[i-1].EndNS:
			return problemf(at.field("start_ns"), "is %d, before the end %d of the block before it", b.StartNS, blocks[i-1].EndNS)
		case b.Scenario == SingleStream && len(b.IterationNS) != b.Iterations:
			return problemf(at.field("iteration_ns"), "has %d latencies for %d iterations", len(b.IterationNS), b.Iterations)
		case b.Scenario == Server && (len(b.QueryNS) != b.Iterations || len(b.LagNS) != b.Iterations):
			return problemf(at.field("query_ns"), "has %d latencies and %d lags for %d queries", len(b.QueryNS), len(b.LagNS), b.Iterations)
		case (b.Scenario == MultiStream || b.Scenario == SlidingWindow) && (len(b.QueryNS) == 0 || b.Iterations%len(b.QueryNS) != 0):
			return problemf(at.field("query_ns"), "has %d latencies, which do not share out %d iterations", len(b.QueryNS), b.Iterations)
		case b.Scenario == SlidingWindow && b.Patches*len(b.QueryNS) < b.Iterations:
			return problemf(at.field("patches"), "is %d, fewer than the batches that a volume takes", b.Patches)
		case b.Scenario == Server && !(b.QueryRate > 0):
			return problemf(at.field("query_rate"), "is %v, expected more than 0 queries per second", b.QueryRate)
		case b.DeviceNS < 0:
			return problemf(at.field("device_ns"), "is %d, expected at least 0", b.DeviceNS)
		}
		for _, times := range []struct {
			field string
			ns    []int64
		}{{"iteration_ns", b.IterationNS}, {"query_ns", b.QueryNS}, {"lag_ns", b.LagNS}} {
			if err := durations(at.field(times.field), times.ns, b.EndNS-b.StartNS); err != nil {
				return err
			}
		}
	}
	return nil
}

// durations checks that none is negative, or longer than what it was part of.
func durations(at path, ns []int64, most int64) error {
	for i, d := range ns {
		if d < 0 || d > most {
			return problemf(at.item(i), "is %d ns, expected from 0 to the %d of the whole", d, most)
		}
	}
	return nil
}

func validSeries(at path, s Series) error {
	if len(s.TimeNS) != len(s.Values) {
		return problemf(at, "series %q has %d times for %d values", s.Name, len(s.TimeNS), len(s.Values))
	}
	for i := 1; i < len(s.TimeNS); i++ {
		if s.TimeNS[i] <= s.TimeNS[i-1] {
			return problemf(at.field("time_ns").item(i), "is %d, expected later than the %d before it", s.TimeNS[i], s.TimeNS[i-1])
		}
	}
	return nil
}
