package summary

import (
	"math"

	"github.com/dlbench/dlbench/metrics/stats"
)

// Level is the coverage that every interval is asked for.
const Level = stats.Level

// ChangePoints are where the level of a figure over time changed; level is the
// rate of false alarms of a series without a change.
func ChangePoints(values []float64, level float64) []stats.ChangePoint {
	return stats.ChangePoints(values, level)
}

// FigureNoise is the variance of a figure's logarithm, a median over processes,
// that the processes alone explain; 0 if they are too few to tell.
func FigureNoise(processes []float64) float64 {
	if len(processes) < 2 {
		return 0
	}
	logs := make([]float64, len(processes))
	for i, v := range processes {
		logs[i] = math.Log(v)
	}
	return math.Pi / 2 * stats.Variance(logs) / float64(len(logs))
}
