package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/compare"
)

// Judged counts the cells that a verdict speaks of. A check that judged none is
// not one that found nothing.
type Judged struct {
	Judged    int `json:"judged"`
	Undecided int `json:"undecided"` // looked at, with too little to judge them by
	// Nothing is why no cell at all was judged; empty when one was.
	Nothing string `json:"nothing,omitempty"`
}

// count counts the cells, and says why none was judged if so.
func (r *Report) count() {
	undecided := map[Pair]bool{}
	for _, c := range r.Cells {
		if c.Verdict == Undecided {
			undecided[Pair{c.Workload, c.Runner}] = true
		} else {
			r.Counts.Judged++
		}
	}
	for _, f := range r.Findings {
		if f.Kind == Undecided {
			undecided[Pair{f.Workload, f.Runner}] = true
		}
	}
	r.Counts.Undecided = len(undecided)
	if r.Counts.Judged == 0 {
		r.Counts.Nothing = r.whyNothing()
	}
}

// whyNothing says what kept every cell from being judged.
func (r *Report) whyNothing() string {
	if r.reason != "" {
		return r.reason
	}
	tally := slices.Clone(r.unjudged)
	for _, f := range r.Findings {
		tally = append(tally, map[string]string{New: "not in the baseline", Missing: "not in the result", Recovered: "not measured in the baseline",
			NotMeasured: "not measured in the result", ParityBroke: "parity broke", OtherWork: "another workload of that name",
			Changed: "measured on neither side", Undecided: "undecided"}[f.Kind])
	}
	slices.Sort(tally)
	var parts []string
	for len(tally) > 0 {
		n := 1
		for n < len(tally) && tally[n] == tally[0] {
			n++
		}
		parts = append(parts, fmt.Sprintf("%s: %d", tally[0], n))
		tally = tally[n:]
	}
	if len(parts) == 0 {
		return "the result has no cells"
	}
	return "no cell has figures on both sides that can be compared (" + strings.Join(parts, "; ") + ")"
}

// withoutFigures lists the cells of both records that have nothing to compare,
// which is no finding as long as other cells have.
func (r *Report) withoutFigures(c *compare.Comparison) {
	for _, cell := range c.Neither {
		r.unjudged = append(r.unjudged, fmt.Sprintf("%s, parity %s, on both sides", cell.Status, cell.Parity))
	}
	for _, cell := range c.Cells {
		if cell.Verdict == compare.NotRanked {
			r.unjudged = append(r.unjudged, "not ranked on both sides")
		}
	}
}

// finished says of a result that is not whole: what is missing from it may be what
// got slower.
func (r *Report) finished(result *record.Record) {
	if result.Status != record.Complete {
		r.lacks("the result is %s after %d rounds: finish it first (dlbench run --resume DIR)", result.Status, result.Rounds)
	}
}

// Weaknesses says why a record makes a poor baseline; none when it is a good
// one.
func Weaknesses(rec *record.Record) []string {
	var weak []string
	add := func(format string, args ...any) { weak = append(weak, fmt.Sprintf(format, args...)) }
	if rec.Status != record.Complete {
		add("the record is %s after %d rounds: name one of a whole run", rec.Status, rec.Rounds)
	}
	for _, code := range []string{record.BusyMachine, record.ForeignLoad} {
		if slices.ContainsFunc(rec.Warnings, func(w record.Warning) bool { return w.Code == code }) {
			explained, _ := record.Explain(code)
			add("%s: %s", code, explained.Meaning)
		}
	}
	ranked, few, unverified := 0, 0, 0
	for i := range rec.Cells {
		c := &rec.Cells[i]
		switch {
		case c.Parity.Status == record.ParitySkipped:
			unverified++
		case !c.Ranked():
		default:
			ranked++
			if len(c.MeasuredProcesses()) < fewestProcesses {
				few++
			}
		}
	}
	if unverified > 0 {
		add("parity was not checked for %d of %d cells: they are never judged", unverified, len(rec.Cells))
	}
	if few > 0 {
		add("%d of %d measured cells have fewer than %d processes, too few to judge by: measure with --profile report", few, ranked, fewestProcesses)
	}
	if ranked == 0 {
		add("no cell of it is measured with parity passed: nothing can be judged by it")
	}
	return weak
}

// fewestProcesses is how many processes two stored records need on each side for
// a verdict.
const fewestProcesses = 6
