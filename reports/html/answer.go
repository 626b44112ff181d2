package html

import (
	"fmt"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/ranking"
)

// headline says in words who is faster, by how much, and whether that can be
// believed.
func headline(rec *record.Record, cells []cellView) string {
	var ranked []cellView
	for _, c := range cells {
		if c.Ranked() {
			ranked = append(ranked, c)
		}
	}
	switch {
	case len(ranked) == 0:
		return "Nothing is ranked here."
	case len(ranked) == 1:
		return fmt.Sprintf("Only %s is ranked.", ranked[0].Row.Runner)
	}
	first, second := ranked[0].Row.Runner, ranked[1].Row.Runner
	c, ok := rec.Comparison(ranked[0].Workload, first, second)
	times, span := ranking.Times(c.Ratio), ranking.RatioSpan(c.CILow, c.CIHigh)
	switch {
	case !ok:
		return fmt.Sprintf("%s and %s were not measured in the same rounds.", first, second)
	case c.Verdict == record.TooFew && c.Ratio < 1: // in the rounds that both have
		return fmt.Sprintf("%s has the higher median, and was %s as fast as %s round by round: too few processes for a verdict.", first, times, second)
	case c.Verdict == record.TooFew:
		return fmt.Sprintf("%s was %s as fast as %s in a quick look: too few processes for a verdict.", first, times, second)
	case c.Verdict == record.Faster:
		return fmt.Sprintf("%s is fastest: %s as fast as %s (%.0f %% interval %s).", first, times, second, 100*c.Level, span)
	case c.Verdict == record.Slower: // in the rounds that both have
		return fmt.Sprintf("%s has the higher median, but in the rounds that both have it was %s as fast as %s (%.0f %% interval %s).", first, times, second, 100*c.Level, span)
	default:
		return fmt.Sprintf("%s and %s cannot be told apart: ratio %s, %.0f %% interval %s.", first, second, times, 100*c.Level, span)
	}
}

// trust answers "can it be believed?" in a few facts.
func trust(v *view) []string {
	standing := summary.StandingOf(v.Record)
	facts := []string{parityFact(standing), replicationFact(v, standing)}
	if len(v.Warnings) > 0 {
		var whole, some []string
		for _, w := range v.Warnings {
			if w.Whole {
				whole = append(whole, w.Code)
			} else {
				some = append(some, w.Code)
			}
		}
		if len(whole) > 0 {
			facts = append(facts, "Of the whole run: "+strings.Join(whole, ", ")+".")
		}
		if len(some) > 0 {
			facts = append(facts, "Beside single figures: "+strings.Join(some, ", ")+".")
		}
	} else {
		facts = append(facts, "No warnings.")
	}
	return facts
}

func parityFact(s summary.Standing) string {
	return fmt.Sprintf("Same computation: %d of %d cells agree with the float64 reference; %d are ranked.", s.Passed, s.Cells, s.Ranked)
}

func replicationFact(v *view, s summary.Standing) string {
	if s.Measured == 0 {
		return "Nothing was measured."
	}
	processes := fmt.Sprint(s.MostProcesses)
	if s.LeastProcesses != s.MostProcesses {
		processes = fmt.Sprintf("%d to %d", s.LeastProcesses, s.MostProcesses)
	}
	if v.Interval == "range" {
		return fmt.Sprintf("Replication: %s processes a cell: ranges, and no verdicts; --profile report gives them.", processes)
	}
	return fmt.Sprintf("Replication: %s fresh processes a cell; %d of %d intervals are as narrow as profile %s asks.", processes, s.Converged, s.Measured, v.Profile)
}
