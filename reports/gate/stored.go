package gate

import (
	"context"
	"fmt"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/compare"
)

// WeakerStored has to be said of every verdict from stored records.
const WeakerStored = "Stored records were measured on different nights, and nights differ although nothing changed: only a change well beyond that is told. A re-run (--rerun) measures both sides tonight, interleaved, and sees far smaller ones."

// DifferentMachineError says that two records cannot be held against each
// other.
type DifferentMachineError struct{ Text string }

func (e *DifferentMachineError) Error() string { return e.Text }

// Stored holds a result against a stored record, without a history: how much
// nights differ is assumed, or seen from how far all the cells moved.
func Stored(result, baseline compare.Source, rule Rule) (*Report, error) {
	return StoredAmong(context.Background(), Past{}, result, []compare.Source{baseline}, rule)
}

// StoredAmong holds a result against the nights of a baseline. The first of them
// says which cells there should be; the past says how much nights differ.
func StoredAmong(ctx context.Context, past Past, result compare.Source, baselines []compare.Source, rule Rule) (*Report, error) {
	first := past.Part.expected(result.Record, baselines)
	r, c := ofTwo(ByRecord, rule, result, first)
	r.Weaker = WeakerStored
	s := &courses{Report: r, result: result.Record, left: leftOut{}}
	var nights []*record.Record
	for _, b := range baselines {
		if err := comparable(compare.Of(b, result)); err != nil {
			return nil, err
		}
		nights = append(nights, b.Record)
	}
	for _, cell := range c.Cells {
		if cell.Verdict == compare.NotRanked || r.otherWork(result.Record, first.Record, cell) || r.tooFew(cell) {
			continue
		}
		if err := s.collect(ctx, past, cell); err != nil {
			return nil, err
		}
	}
	if err := s.judge(nights); err != nil {
		return nil, err
	}
	r.LeftOut = s.left.words()
	return r.finish(), nil
}

// tooFew finds a cell that has too few processes on a side for a figure that
// can be believed.
func (r *Report) tooFew(c compare.Cell) bool {
	n := min(c.Old.N, c.New.N)
	if n >= fewestProcesses {
		return false
	}
	r.Cells = append(r.Cells, Cell{Workload: c.Workload, Runner: c.Runner, Method: Nights, Old: c.Old.Median, New: c.New.Median, Ratio: c.Ratio,
		Stages: []Test{}, Verdict: Undecided, Warnings: c.Warnings})
	r.find(Undecided, c.Workload, c.Runner, "%d processes on a side are too few to judge by, it takes %d: give --profile report when measuring", n, fewestProcesses)
	return true
}

// comparable refuses records of two machines or under two sets of terms.
func comparable(c *compare.Comparison) error {
	for _, n := range c.Warnings {
		if n.Code == compare.MachineDiffers || n.Code == compare.TermsDiffer {
			return &DifferentMachineError{fmt.Sprintf("%s and %s cannot be held against each other (%s): %s", c.New.File, c.Old.File, n.Code, n.Text)}
		}
	}
	return nil
}

// throughputs are those of the processes of a compared cell in one of the records.
func throughputs(r *record.Record, c compare.Cell) []float64 {
	return summary.Throughputs(r.Cell(c.Workload, c.Runner), r.Workload(c.Workload).Batch)
}

// judged keeps a cell, and adds a finding if it changed.
func (r *Report) judged(c Cell) {
	r.Cells = append(r.Cells, c)
	if c.Verdict == Slower || c.Verdict == Faster {
		r.find(c.kind(), c.Workload, c.Runner, "%s", c.size())
	}
}

// suspicious is the speed-up from which a mistake is more likely than a gain.
const suspicious = 1.5

// kind is the kind of finding that a verdict amounts to.
func (c Cell) kind() string {
	if c.Verdict == Faster && c.Ratio >= suspicious {
		return Suspicious
	}
	return c.Verdict
}

// size is by how much a cell changed and how sure that is.
func (c Cell) size() string {
	text := fmt.Sprintf("throughput %+.1f %%", 100*(c.Ratio-1))
	if c.Level > 0 {
		text += fmt.Sprintf(" (%.0f %% interval %+.1f to %+.1f %%)", 100*c.Level, 100*(c.CILow-1), 100*(c.CIHigh-1))
	}
	for i, t := range c.Stages {
		sep := ", "
		if i == 0 {
			sep = "; "
		}
		text += fmt.Sprintf("%sp = %.2g", sep, t.P)
	}
	if len(c.Stages) > 1 {
		text += " in two stages"
	}
	return text
}

// ratioOf takes an estimate over.
func (c *Cell) ratioOf(r summary.Ratio) {
	c.Ratio, c.CILow, c.CIHigh, c.Level = r.Value, r.Low, r.High, r.Level
}
