package html

import (
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
)

// about is what a figure tells, so that a warning stands beside only those
// figures that it concerns.
type about int

const (
	aboutThroughput about = iota // and what is made from it: ratios, rates, energy
	aboutLatency
	aboutStart
	aboutMemory
)

// narrow are the warnings that concern only some figures; every other one
// concerns all that was timed.
var narrow = map[string][]about{
	record.FewProcesses:   {aboutThroughput},
	record.NotConverged:   {aboutThroughput},
	record.NoSteadyState:  {aboutThroughput, aboutLatency},
	record.MemoryMismatch: {aboutMemory},
	record.ParityNotAsked: {aboutThroughput, aboutLatency, aboutStart, aboutMemory},
	record.LocalEngine:    {aboutThroughput, aboutLatency, aboutStart, aboutMemory},
	record.BudgetEnded:    {aboutThroughput, aboutLatency},
}

func concerns(code string, a about) bool {
	list, ok := narrow[code]
	if !ok {
		return a != aboutMemory
	}
	return slices.Contains(list, a)
}

// mention names a warning beside a figure.
type mention struct {
	Code string
	Who  string // the runners it is about; empty for all
	Href string
}

// warnedOf are the warnings that concern a figure: about cells of the workload,
// each with its runners, then about the whole run.
func (w *workloadView) warnedOf(a about) []mention {
	found := w.cellMentions(a)
	for _, warning := range w.rec.WarningsAbout("run") {
		n := mention{Code: warning.Code, Href: w.warningAnchor(warning.Code)}
		if concerns(warning.Code, a) && !slices.Contains(found, n) {
			found = append(found, n)
		}
	}
	return found
}

func (w *workloadView) cellMentions(a about) []mention {
	var found []mention
	for _, c := range w.Cells {
		for _, code := range w.rec.CodesAbout(c.Cell) {
			if !concerns(code, a) || c.Cell.Throughput == nil {
				continue
			}
			i := slices.IndexFunc(found, func(n mention) bool { return n.Code == code })
			if i < 0 {
				found = append(found, mention{Code: code, Who: c.Cell.Runner, Href: w.warningAnchor(code)})
			} else {
				found[i].Who += ", " + c.Cell.Runner
			}
		}
	}
	return found
}

func (w *workloadView) warningAnchor(code string) string {
	return "#" + w.prefix + "warning-" + slug(code)
}

// warningView is every warning of a code, with what it means and what to do.
type warningView struct {
	Anchor, Code, Meaning, Remedy string
	Whole                         bool // about the run as a whole
	Cases                         []warningCase
}

type warningCase struct{ Text, Scope string }

// warningViews groups the warnings by code, those about the whole run first.
func warningViews(rec *record.Record, prefix string) []warningView {
	var views []warningView
	for _, w := range rec.Warnings {
		i := slices.IndexFunc(views, func(v warningView) bool { return v.Code == w.Code })
		if i < 0 {
			explained, _ := record.Explain(w.Code)
			views = append(views, warningView{Anchor: prefix + "warning-" + slug(w.Code), Code: w.Code, Meaning: explained.Meaning, Remedy: explained.Remedy})
			i = len(views) - 1
		}
		views[i].Whole = views[i].Whole || w.Scope == "run"
		views[i].Cases = append(views[i].Cases, warningCase{Text: w.Text, Scope: w.Scope.Words()})
	}
	slices.SortStableFunc(views, func(a, b warningView) int {
		switch {
		case a.Whole == b.Whole:
			return 0
		case a.Whole:
			return -1
		}
		return 1
	})
	return views
}
