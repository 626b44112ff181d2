// Package selftest asks the harness for its own error: how often it sees a
// difference between a runner and itself, how small a slowdown it finds, what
// sampling and the protocol cost, and whether its intervals cover.
package selftest

import (
	"math"
)

// Promise is something that the harness says of itself, and what was seen.
type Promise struct {
	Part    string `json:"part"`
	Promise string `json:"promise"`
	Seen    string `json:"seen"`
	Kept    bool   `json:"kept"`
}

// surprise is how unlikely what was seen has to be, when a promise about a
// probability holds, to call it broken.
const surprise = 0.01

// atLeast is the probability of k or more successes in n trials, each with
// probability p.
func atLeast(k, n int, p float64) float64 {
	total := 0.0
	for i := k; i <= n; i++ {
		total += math.Exp(logChoose(n, i) + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return math.Min(1, total)
}

func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}
