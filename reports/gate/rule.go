package gate

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// Rule is when a cell is called slower.
type Rule struct {
	Pairs  int     `json:"pairs,omitempty"` // of each stage of a re-run
	P      float64 `json:"p"`               // one-sided, at most: of a re-run for each cell, else for all cells of a night together
	Change float64 `json:"change"`          // of the median, as a share, at least
	// Changes are the smallest changes of some workloads, by network or by ID.
	Changes map[string]float64 `json:"changes,omitempty"`
}

// change is the smallest change of a workload that counts.
func (r Rule) change(workload string) float64 {
	network, _, _ := strings.Cut(workload, "/")
	for _, name := range []string{workload, network} {
		if change, ok := r.Changes[name]; ok {
			return change
		}
	}
	return r.Change
}

// WithMinChange reads the smallest changes that count: a share or percentage for
// all workloads, or for some by their network or ID, like
// "1%,resnet50=0.5%,lenet/infer/b8/fp32=0.05".
func (r Rule) WithMinChange(text string) (Rule, error) {
	r.Changes = maps.Clone(r.Changes)
	for part := range strings.SplitSeq(text, ",") {
		name, value, named := strings.Cut(strings.TrimSpace(part), "=")
		if !named {
			name, value = "", name
		}
		digits, percent := strings.CutSuffix(strings.TrimSpace(value), "%")
		change, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if percent {
			change /= 100
		}
		if err != nil || !(change >= 0 && change < 1) || named && name == "" {
			return r, fmt.Errorf("%q: expected a share below 1 like 0.005 or 0.5%%, or several like 1%%,resnet50=0.5%%", part)
		}
		if !named {
			r.Change = change
			continue
		}
		if r.Changes == nil {
			r.Changes = map[string]float64{}
		}
		r.Changes[name] = change
	}
	return r, nil
}

// withRecorded takes over the smallest changes that a record's suite named.
func (r Rule) withRecorded(changes map[string]float64) Rule {
	r.Changes = maps.Clone(r.Changes)
	for name, change := range changes {
		if name == record.AllOthers {
			r.Change = change
			continue
		}
		if r.Changes == nil {
			r.Changes = map[string]float64{}
		}
		r.Changes[name] = change
	}
	return r
}

// The rules of the three ways. Two stages of 12 pairs at 0.01 give 2e-5 false
// alarms a cell if processes differ by 0.5 % (docs/method.md). Of figures of
// different nights P is the share of nights with a false alarm, whatever the
// number of cells.
var (
	RerunRule  = Rule{Pairs: 12, P: 0.01, Change: 0.005}
	StoredRule = Rule{P: 0.01, Change: 0.02}
	TrendRule  = Rule{P: 0.01, Change: 0.005}
)

// Test is one look at a cell.
type Test struct {
	Pairs int     `json:"pairs"` // or nights of the baseline
	P     float64 `json:"p"`     // one-sided, in the direction of the change
	Ratio float64 `json:"ratio"` // median, new over old
}

// testOf is what a statistic says of a change.
func testOf(t summary.Test) Test { return Test{Pairs: t.N, P: t.OneSided, Ratio: t.Change} }

// verdict is what the test by itself says under a rule, of a cell of a workload.
func (r Rule) verdict(t Test, workload string) string {
	change := r.change(workload)
	switch {
	case t.P > r.P:
		return Unchanged
	case t.Ratio <= 1-change:
		return Slower
	case t.Ratio >= 1/(1-change):
		return Faster
	}
	return Unchanged
}
