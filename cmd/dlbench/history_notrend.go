package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/reports/history"
	"github.com/dlbench/dlbench/reports/trend"
)

// noTrend says why there is nothing to draw: a mistyped name, or why each record
// that might have the figure has none. "No figure" is true of all of these, and
// helps with none.
func noTrend(ctx context.Context, h *history.History, t *trend.Trend, host string) error {
	workloads, runners, err := h.Names(ctx)
	if err != nil {
		return err
	}
	switch {
	case !slices.Contains(workloads, t.Workload):
		return unknown("workload", t.Workload, workloads)
	case !slices.Contains(runners, t.Runner):
		return unknown("runner", t.Runner, runners)
	}
	why := reasons(t.LeftOut)
	if host != "" {
		here, err := h.List(ctx, history.Filter{Workload: t.Workload, Runner: t.Runner, Host: host})
		all, allErr := h.List(ctx, history.Filter{Workload: t.Workload, Runner: t.Runner})
		if err := cmp.Or(err, allErr); err != nil {
			return err
		}
		if n := len(all) - len(here); n > 0 {
			why = append(why, fmt.Sprintf("%s of other machines than %q", countOf(n, "record is", "records are"), host))
		}
	}
	problems, err := h.Problems(ctx)
	if err != nil {
		return err
	}
	if n := len(problems); n > 0 {
		why = append(why, fmt.Sprintf("%s no record, the first: %s", countOf(n, "file is", "files are"), told(problems[0])))
	}
	if len(why) == 0 {
		why = []string{"no record has both"}
	}
	return usage(fmt.Errorf("history %s: no figure for %s of %s on %s: %s", h.Dir(), t.Metric, t.Runner, t.Workload, strings.Join(why, "; ")))
}

// reasons are why records were left out, the most frequent first.
func reasons(left []history.LeftOut) []string {
	count := map[string]int{}
	for _, l := range left {
		count[l.Reason]++
	}
	names := slices.Sorted(maps.Keys(count))
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(count[b], count[a]) })
	for i, name := range names {
		names[i] = fmt.Sprintf("%s left out: %s", countOf(count[name], "record is", "records are"), name)
	}
	return names
}

// countOf is a number with the word that goes with it.
func countOf(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}
