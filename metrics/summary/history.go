package summary

import "github.com/dlbench/dlbench/metrics/stats"

// Level is the coverage that every interval is asked for.
const Level = stats.Level

// ChangePoints are where the level of a figure over time changed; level is the
// rate of false alarms of a series without a change.
func ChangePoints(values []float64, level float64) []stats.ChangePoint {
	return stats.ChangePoints(values, level)
}

// LeastUnpairedP is the smallest one-sided p that two samples of these sizes can
// give: a rule that asks for less can never be met.
func LeastUnpairedP(n, m int) float64 { return stats.LeastRankSumP(n, m) }
