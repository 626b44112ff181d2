package gate

import (
	"context"
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/compare"
)

// BaselineName is the runner that stands for the baseline's side in the record
// of a stage.
func BaselineName(runner string) string { return runner + "@baseline" }

// Pair is a cell that is measured on both sides.
type Pair struct{ Workload, Runner string }

// Rerunner measures cells again.
type Rerunner interface {
	// Both says whether both sides of a runner can be started, or why not.
	// Where both are one image there is nothing to measure.
	Both(runner string) (same bool, why string)
	// Stage measures every pair so many times, each time by a fresh process on
	// each side, interleaved. Its record has the cells of a runner and of its
	// BaselineName.
	Stage(ctx context.Context, number, pairs int, cells []Pair) (*record.Record, error)
}

// Rerun holds a result against a baseline by measuring both again: in a first
// stage all, in a second, with fresh processes, those that looked slower. A cell
// of which a side cannot be started any more is judged by the stored records.
func Rerun(ctx context.Context, result, baseline compare.Source, rule Rule, again Rerunner) (*Report, error) {
	r, c := ofTwo(ByRerun, rule, result, baseline)
	j := &rerun{Report: r, result: result.Record, baseline: baseline.Record, cells: map[Pair]*Cell{}}
	notComparable := comparable(c)
	for _, cell := range c.Cells {
		if cell.Verdict == compare.NotRanked || r.otherWork(result.Record, baseline.Record, cell) {
			continue
		}
		same, why := again.Both(cell.Runner)
		switch {
		case same:
			r.judged(Cell{Workload: cell.Workload, Runner: cell.Runner, Method: SameImage, Old: cell.Old.Median, New: cell.New.Median,
				Ratio: cell.Ratio, CILow: cell.CILow, CIHigh: cell.CIHigh, Level: cell.Level, Stages: []Test{}, Verdict: Unchanged, Warnings: cell.Warnings})
		case why == "":
			j.first = append(j.first, Pair{cell.Workload, cell.Runner})
		case notComparable != nil:
			r.find(Undecided, cell.Workload, cell.Runner, "it cannot be measured again: %s; and the stored records are of other machines or terms", why)
			r.lacks("%s on %s: %s", cell.Workload, cell.Runner, why)
		default:
			j.stale = append(j.stale, staleCell{cell, why})
		}
	}
	if err := j.byRecord(ctx); err != nil {
		return nil, err
	}
	if err := j.stages(ctx, again); err != nil {
		return nil, err
	}
	return r.finish(), nil
}

// staleCell is a cell that cannot be measured again, and why.
type staleCell struct {
	compare.Cell
	why string
}

// rerun is a Rerun under way.
type rerun struct {
	*Report
	result, baseline *record.Record
	first            []Pair
	stale            []staleCell
	cells            map[Pair]*Cell
}

// byRecord judges the cells that cannot be measured again, by the two records.
func (j *rerun) byRecord(ctx context.Context) error {
	if len(j.stale) == 0 {
		return nil
	}
	rule := j.Rule
	j.Rule = StoredRule
	j.Rule.Changes = rule.Changes
	defer func() { j.Rule = rule }()
	s := &courses{Report: j.Report, result: j.result, left: leftOut{}}
	before := len(j.Cells)
	why := map[Pair]string{}
	for _, c := range j.stale {
		why[Pair{c.Workload, c.Runner}] = c.why
		if !j.tooFew(c.Cell) {
			if err := s.collect(ctx, Past{}, c.Cell); err != nil {
				return err
			}
		}
	}
	if err := s.judge([]*record.Record{j.baseline}); err != nil {
		return err
	}
	for i := range j.Cells[before:] {
		c := &j.Cells[before+i]
		c.Warnings = append(slices.Clone(c.Warnings), "stored records only: "+why[Pair{c.Workload, c.Runner}])
	}
	j.Weaker = WeakerStored + " It was not possible for every cell here; those are marked."
	return nil
}

func (j *rerun) stages(ctx context.Context, again Rerunner) error {
	looking := j.first
	for stage := 1; stage <= 2 && len(looking) > 0; stage++ {
		rec, err := again.Stage(ctx, stage, j.Rule.Pairs, looking)
		if err != nil {
			return fmt.Errorf("stage %d: %w", stage, err)
		}
		var suspects []Pair
		for _, p := range looking {
			if j.look(rec, stage, p) == Slower {
				suspects = append(suspects, p)
			}
		}
		looking = suspects
	}
	for _, p := range j.first {
		if c := j.cells[p]; c != nil {
			j.judged(*c)
		}
	}
	return nil
}

// look judges a pair by one stage.
func (j *rerun) look(rec *record.Record, stage int, p Pair) string {
	a, b := rec.Cell(p.Workload, p.Runner), rec.Cell(p.Workload, BaselineName(p.Runner))
	if text, kind := unusable(a, b); kind != "" {
		j.find(kind, p.Workload, p.Runner, "measured again in stage %d: %s", stage, text)
		if kind == Undecided {
			j.lacks("%s on %s: %s", p.Workload, p.Runner, text)
		}
		return kind
	}
	w := rec.Workload(p.Workload)
	ratios, _ := summary.PairedRatios(a, b, w.Batch)
	test := testOf(summary.PairedTest(ratios))
	c := j.cells[p]
	if c == nil {
		c = &Cell{Workload: p.Workload, Runner: p.Runner, Method: Paired}
		j.cells[p] = c
	}
	c.Stages = append(c.Stages, test)
	c.Old, c.New = b.Throughput.Median, a.Throughput.Median
	c.Warnings = rec.CodesAbout(a)
	c.ratioOf(summary.Paired(ratios)) // of the last stage only: the first one's size chose the cell, and flatters it
	verdict := j.Rule.verdict(test, p.Workload)
	switch {
	case test.Pairs < j.Rule.Pairs:
		text := fmt.Sprintf("stage %d came to %d of %d pairs", stage, test.Pairs, j.Rule.Pairs)
		j.find(Undecided, p.Workload, p.Runner, "%s", text)
		j.lacks("%s on %s: %s", p.Workload, p.Runner, text)
		c.Verdict = Undecided
	case stage == 2 && verdict != Slower:
		c.Verdict = NotRepeated
	default:
		c.Verdict = verdict
	}
	return c.Verdict
}

// unusable says what is wrong with the cells of a stage, and what that is to
// the candidate.
func unusable(candidate, baseline *record.Cell) (text, kind string) {
	switch {
	case candidate == nil || baseline == nil:
		return "it was not measured", Undecided
	case candidate.Parity.Status == record.ParityFailed || candidate.Parity.Status == record.ParityError:
		return candidate.Reason, ParityBroke
	case candidate.Status == record.Pending:
		return candidate.Reason, Undecided
	case candidate.Status != record.Measured:
		return candidate.Status + ": " + candidate.Reason, NotMeasured
	case baseline.Status != record.Measured:
		return "the baseline is " + baseline.Status + " tonight: " + baseline.Reason, Undecided
	case candidate.Throughput == nil || baseline.Throughput == nil:
		return "a side has no throughput", Undecided
	}
	return "", ""
}
