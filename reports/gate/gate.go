// Package gate decides whether a result is slower than what it is held against,
// and says how it knows.
//
// There are three ways, the strongest first. Rerun has both sides measured
// again, interleaved, in two stages. Stored holds a result against named records.
// Trend holds it against all nights of its history. The last two compare figures
// of different nights, in units of how much nights differ, and say that this is
// weaker.
package gate

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/compare"
)

// The ways of knowing.
const (
	ByRerun  = "rerun"
	ByRecord = "stored"
	ByTrend  = "history"
)

// Report is all that every view of a check shows.
type Report struct {
	Mode     string        `json:"mode"` // ByRerun, ByRecord, ByTrend
	Weaker   string        `json:"weaker,omitempty"`
	Result   compare.Side  `json:"result"`
	Baseline *compare.Side `json:"baseline"` // null if the history is the baseline
	Rule     Rule          `json:"rule"`
	// Regressed is the verdict: some finding fails.
	Regressed bool      `json:"regressed"`
	Counts    Judged    `json:"counts"`   // of how many cells the verdict speaks
	Findings  []Finding `json:"findings"` // those that fail first
	Cells     []Cell    `json:"cells"`    // all that were judged
	// Differences are the versions, images and conditions in which the two sides
	// differ: what may have done it.
	Differences record.Warnings `json:"differences"`
	// Incomplete is what could not be decided, and why.
	Incomplete []string `json:"incomplete"`
	// BaselineWeak is why the baseline is a poor one.
	BaselineWeak []string `json:"baseline_weak,omitempty"`
	// LeftOut are the records of the history that it was not held against, and why.
	LeftOut []string `json:"left_out,omitempty"`
	// Next is what to do to have more judged.
	Next string `json:"next,omitempty"`

	unjudged []string // why cells of both sides have no figures, one a cell
	reason   string   // why nothing can be judged, if that is known at once
}

// Finding is something that a person should know.
type Finding struct {
	Kind     string `json:"kind"`
	Fails    bool   `json:"fails"`
	Workload string `json:"workload"`
	Runner   string `json:"runner"`
	Text     string `json:"text"`
}

// The kinds of findings.
const (
	Slower        = "slower"
	SlowerAlready = "slower_already" // a change that an earlier record showed
	Faster        = "faster"
	Suspicious    = "suspiciously_faster" // by more than frameworks usually gain
	Missing       = "missing"             // the baseline has the cell
	New           = "new"                 // the baseline lacks the cell
	ParityBroke   = "parity_broke"        // it passed in the baseline
	NotMeasured   = "not_measured"        // it was measured in the baseline
	Recovered     = "recovered"           // it was not measured in the baseline
	Changed       = "status_changed"      // measured in neither, for another reason
	OtherWork     = "workload_changed"
	Undecided     = "undecided"
)

// Meaning explains a kind.
type Meaning struct {
	Kind  string
	Fails bool
	Text  string
}

// Meanings lists every kind that a finding may have.
var Meanings = []Meaning{
	{Slower, true, "the cell became slower: by how much, and how sure that is"},
	{Missing, true, "the baseline has the cell, the result does not"},
	{NotMeasured, true, "the baseline measured the cell, the result could not"},
	{ParityBroke, true, "the cell passed parity in the baseline and does not any more: it computes something else"},
	{OtherWork, true, "the workload of that name is of another size, or has other inputs, than in the baseline: its figures cannot be compared"},
	{Undecided, false, "there is too little to judge the cell by"},
	{SlowerAlready, false, "the cell is slower since an earlier record, which was told then"},
	{Faster, false, "the cell became faster"},
	{Suspicious, false, "the cell became faster by more than half: more likely it computes less, or was held back before, than that it gained so much"},
	{New, false, "the baseline lacks the cell: make a new baseline to have it watched"},
	{Recovered, false, "the cell is measured, and was not in the baseline"},
	{Changed, false, "the cell is not measured, as in the baseline, for another reason"},
}

// fails says whether findings of a kind fail the check.
func fails(kind string) bool {
	i := slices.IndexFunc(Meanings, func(m Meaning) bool { return m.Kind == kind })
	return i >= 0 && Meanings[i].Fails
}

// Cell is a cell that was judged.
type Cell struct {
	Workload string   `json:"workload"`
	Runner   string   `json:"runner"`
	Method   string   `json:"method"` // "paired", "nights", "same image"
	Old      float64  `json:"old"`    // images per second, medians
	New      float64  `json:"new"`
	Ratio    float64  `json:"ratio"` // new over old
	CILow    float64  `json:"ci_low"`
	CIHigh   float64  `json:"ci_high"`
	Level    float64  `json:"level"`  // of the interval; 0 when there is none
	Stages   []Test   `json:"stages"` // the tests that were made
	Verdict  string   `json:"verdict"`
	Warnings []string `json:"caveats"` // codes of those about the cell

	// Of a cell that was held against other nights:
	Nights         int     `json:"nights,omitempty"`          // that were looked at together, up to tonight
	BaselineNights int     `json:"baseline_nights,omitempty"` // that they were held against
	NightSpread    float64 `json:"night_spread,omitempty"`    // standard deviation between nights, as a share
}

// The methods of judging a cell.
const (
	Paired    = "paired"
	Nights    = "nights"
	SameImage = "same image"
)

// The verdicts on a cell, beside Slower and Faster.
const (
	Unchanged   = "unchanged"
	NotRepeated = "not repeated" // the first stage saw it, the second did not
)

// find adds a finding.
func (r *Report) find(kind, workload, runner, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{Kind: kind, Fails: fails(kind), Workload: workload, Runner: runner, Text: fmt.Sprintf(format, args...)})
}

// lacks keeps what could not be decided.
func (r *Report) lacks(format string, args ...any) {
	r.Incomplete = append(r.Incomplete, fmt.Sprintf(format, args...))
}

// finish sorts the findings and draws the conclusion.
func (r *Report) finish() *Report {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		switch {
		case a.Fails == b.Fails:
			return 0
		case a.Fails:
			return -1
		}
		return 1
	})
	r.Regressed = len(r.Findings) > 0 && r.Findings[0].Fails
	r.count()
	return r
}

// begin is a report before anything was judged.
func begin(mode string, rule Rule, result compare.Side) *Report {
	return &Report{Mode: mode, Rule: rule, Result: result, Findings: []Finding{}, Cells: []Cell{}, Differences: record.Warnings{}, Incomplete: []string{}}
}

// ofTwo is the report on two records, with what needs no figures.
func ofTwo(mode string, rule Rule, result, baseline compare.Source) (*Report, *compare.Comparison) {
	c := compare.Of(baseline, result)
	r := begin(mode, rule, c.New)
	r.Baseline = &c.Old
	r.BaselineWeak = Weaknesses(baseline.Record)
	r.states(c)
	r.withoutFigures(c)
	r.finished(result.Record)
	switch {
	case len(baseline.Record.Cells) == 0:
		r.reason = "the baseline has no cells"
	case len(result.Record.Cells) == 0:
		r.reason = "the result has no cells"
	}
	return r, c
}

// states finds cells that came, went, or are in another state, and what differs
// between the two sides.
func (r *Report) states(c *compare.Comparison) {
	for _, n := range c.Warnings {
		if n.Code != compare.Unpaired && n.Code != compare.ManyCells && n.Code != compare.TooFew {
			r.Differences = append(r.Differences, n)
		}
	}
	for _, cell := range c.OnlyOld {
		if cell.Status == record.Measured {
			r.find(Missing, cell.Workload, cell.Runner, "measured in the baseline, not in the result")
		}
	}
	for _, cell := range c.OnlyNew {
		r.find(New, cell.Workload, cell.Runner, "%s in the result, not in the baseline", cell.Status)
	}
	for _, d := range c.Differing {
		r.differing(d)
	}
}

// differing is a cell that is in another state than it was.
func (r *Report) differing(d compare.Changed) {
	reason := d.New.Reason
	if reason == "" {
		reason = "no reason was given"
	}
	switch {
	case d.Old.Status == record.Measured && (d.New.Parity == record.ParityFailed || d.New.Parity == record.ParityError):
		r.find(ParityBroke, d.Workload, d.Runner, "%s", reason)
	case d.Old.Status == record.Measured:
		r.find(NotMeasured, d.Workload, d.Runner, "%s: %s", d.New.Status, reason)
	case d.New.Status == record.Measured:
		r.find(Recovered, d.Workload, d.Runner, "it was %s", d.Old.Status)
	default:
		r.find(Changed, d.Workload, d.Runner, "%s, before: %s: %s", d.Old.Status, d.New.Status, reason)
	}
}

// otherWork says whether a workload is of another size in the two records, and
// then finds it.
func (r *Report) otherWork(result, baseline *record.Record, c compare.Cell) bool {
	a, b := baseline.Workload(c.Workload), result.Workload(c.Workload)
	if a.InputsDigest() != b.InputsDigest() {
		r.find(OtherWork, c.Workload, c.Runner, "inputs: %s, before: %s", b.InputsText(), a.InputsText())
		return true
	}
	if a.MACs == b.MACs && a.Parameters == b.Parameters && slices.Equal(a.InputShape, b.InputShape) {
		return false
	}
	r.find(OtherWork, c.Workload, c.Runner, "%d multiply-accumulates and %d parameters, before: %d and %d", b.MACs, b.Parameters, a.MACs, a.Parameters)
	return true
}
