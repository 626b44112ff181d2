package gate

import (
	"fmt"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/compare"
)

// WeakerStored has to be said of every verdict from two stored records.
const WeakerStored = "Two stored records were measured at different times: whatever else changed on the machine looks like a change of the framework. A re-run (--rerun) measures both sides tonight, interleaved, and sees four times less."

// DifferentMachineError says that two records cannot be held against each
// other.
type DifferentMachineError struct{ Text string }

func (e *DifferentMachineError) Error() string { return e.Text }

// Stored holds a result against a stored record.
func Stored(result, baseline compare.Source, rule Rule) (*Report, error) {
	r, c := ofTwo(ByRecord, rule, result, baseline)
	r.Weaker = WeakerStored
	if err := comparable(c); err != nil {
		return nil, err
	}
	for _, cell := range c.Cells {
		if cell.Verdict == compare.NotRanked || r.otherWork(result.Record, baseline.Record, cell) {
			continue
		}
		r.stored(result.Record, baseline.Record, cell)
	}
	return r.finish(), nil
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

// stored judges one cell by the processes of two records.
func (r *Report) stored(result, baseline *record.Record, c compare.Cell) {
	test := testOf(summary.UnpairedTest(throughputs(result, c), throughputs(baseline, c)))
	cell := Cell{Workload: c.Workload, Runner: c.Runner, Method: Unpaired, Old: c.Old.Median, New: c.New.Median,
		Ratio: c.Ratio, CILow: c.CILow, CIHigh: c.CIHigh, Level: c.Level, Stages: []Test{test}, Verdict: r.Rule.verdict(test), Warnings: c.Warnings}
	if !r.Rule.possible(test) {
		cell.Verdict = Undecided
		r.find(Undecided, c.Workload, c.Runner, "%d processes on a side cannot show p ≤ %g: give --profile report when measuring", test.Pairs, r.Rule.P)
	}
	r.judged(cell)
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
