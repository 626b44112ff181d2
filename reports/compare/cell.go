package compare

import (
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// NotRanked is the verdict on cells that did not pass parity in either record:
// their ratio is shown, and says nothing about a framework.
const NotRanked = "not ranked"

// OtherInputs is the verdict on cells whose batches were made of other images in
// the two records, or of images in only one: their ratio is no framework's.
const OtherInputs = "other inputs"

// Cell is one cell of both records.
type Cell struct {
	Workload string  `json:"workload"`
	Runner   string  `json:"runner"`
	Old      Figure  `json:"old"`
	New      Figure  `json:"new"`
	Ratio    float64 `json:"ratio"` // of throughputs, new over old: above 1 is faster
	CILow    float64 `json:"ci_low"`
	CIHigh   float64 `json:"ci_high"`
	Level    float64 `json:"level"` // of the interval; 0 when the ends are the extremes of all ratios
	P        float64 `json:"p"`     // two-sided, of the rank-sum test
	Verdict  string  `json:"verdict"`
	// Warnings are the codes of those about the cell in either record, like "new
	// foreign_load".
	Warnings []string `json:"caveats"`
}

// Figure is a throughput in images per second, as its record has it.
type Figure struct {
	Median float64 `json:"median"`
	CILow  float64 `json:"ci_low"`
	CIHigh float64 `json:"ci_high"`
	Level  float64 `json:"level"` // 0 when it is a range
	N      int     `json:"n"`     // processes
}

// Listed is a cell that is named and not compared.
type Listed struct {
	Workload string `json:"workload"`
	Runner   string `json:"runner"`
	State
}

// Changed is a cell whose status or parity is not what it was.
type Changed struct {
	Workload string `json:"workload"`
	Runner   string `json:"runner"`
	Old      State  `json:"old"`
	New      State  `json:"new"`
}

// State is how far a cell came.
type State struct {
	Status string `json:"status"`
	Parity string `json:"parity"`
	Reason string `json:"reason,omitempty"`
}

func stateOf(c *record.Cell) State {
	s := State{Status: c.Status, Parity: c.Parity.Status, Reason: c.Reason}
	if s.Reason == "" {
		s.Reason = c.Parity.Reason
	}
	return s
}

func listed(c *record.Cell) Listed {
	return Listed{Workload: c.Workload, Runner: c.Runner, State: stateOf(c)}
}

// cellOf compares two cells; false when one has no throughput.
func cellOf(older, newer *record.Record, a, b *record.Cell) (Cell, bool) {
	if a.Throughput == nil || b.Throughput == nil {
		return Cell{}, false
	}
	x, y := summary.Throughputs(a, older.Workload(a.Workload).Batch), summary.Throughputs(b, newer.Workload(b.Workload).Batch)
	if len(x) == 0 || len(y) == 0 {
		return Cell{}, false
	}
	ratio, test := summary.Unpaired(y, x), summary.UnpairedTest(y, x)
	switch {
	case !b.Ranked():
		ratio.Verdict = NotRanked
	case older.Workload(a.Workload).InputsDigest() != newer.Workload(b.Workload).InputsDigest():
		ratio.Verdict = OtherInputs
	}
	return Cell{Workload: b.Workload, Runner: b.Runner, Old: figureOf(a.Throughput), New: figureOf(b.Throughput),
		Ratio: ratio.Value, CILow: ratio.Low, CIHigh: ratio.High, Level: ratio.Level, P: test.TwoSided, Verdict: ratio.Verdict,
		Warnings: append(codes("old ", older, a), codes("new ", newer, b)...)}, true
}

// codes are never nil, so that JSON has a list.
func codes(side string, r *record.Record, c *record.Cell) []string {
	all := []string{}
	for _, code := range r.CodesAbout(c) {
		all = append(all, side+code)
	}
	return all
}

func figureOf(t *record.Throughput) Figure {
	return Figure{Median: t.Median, CILow: t.CILow, CIHigh: t.CIHigh, Level: t.Level, N: t.N}
}
