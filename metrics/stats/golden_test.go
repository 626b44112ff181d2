package stats_test

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/stats"
)

// testdata/golden has samples, and what SciPy, NumPy, astropy and R make of
// them; golden.py and golden.R beside them made the files.

// golden is a line: what it is about, a statistic, and its numbers.
type golden struct {
	about, statistic string
	values           []float64
}

func readGolden(t *testing.T, name string) []golden {
	t.Helper()
	data, err := os.ReadFile("testdata/golden/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var all []golden
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		words := strings.Fields(line)
		if words[0] == "#" {
			continue
		}
		g := golden{about: words[0]}
		words = words[1:]
		if _, err := strconv.ParseFloat(words[0], 64); err != nil {
			g.statistic, words = words[0], words[1:]
		}
		for _, word := range words {
			v, err := strconv.ParseFloat(word, 64)
			if err != nil {
				t.Fatalf("%s: %q: %v", name, line, err)
			}
			g.values = append(g.values, v)
		}
		all = append(all, g)
	}
	return all
}

var alternatives = map[string]stats.Alternative{"two-sided": stats.TwoSided, "greater": stats.Greater, "less": stats.Less}

// ours is the same statistic by this package.
func ours(t *testing.T, samples map[string][]float64, g golden) []float64 {
	t.Helper()
	statistic, argument, _ := strings.Cut(g.statistic, ":")
	number := func(text string) float64 {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	x, y := samples[g.about], []float64(nil)
	if x == nil {
		x, y = samples["x"+g.about], samples["y"+g.about]
	}
	interval := func(iv stats.Interval) []float64 { return []float64{iv.Low, iv.High, iv.Level} }
	switch statistic {
	case "quantile":
		return []float64{stats.Quantile(x, number(argument))}
	case "mad":
		return []float64{stats.MAD(x)}
	case "hodges-lehmann":
		return []float64{stats.HodgesLehmann(x)}
	case "median-interval":
		return interval(stats.MedianInterval(x, stats.Level))
	case "signed-rank-interval":
		return interval(stats.SignedRankInterval(x, stats.Level))
	case "signed-rank-p":
		return []float64{stats.SignedRankP(x, alternatives[argument])}
	case "shift":
		return []float64{stats.HodgesLehmannShift(x, y)}
	case "rank-sum-interval":
		return interval(stats.RankSumInterval(x, y, stats.Level))
	case "rank-sum-p":
		return []float64{stats.RankSumP(x, y, alternatives[argument])}
	}
	return nil
}

func TestGoldenValues(t *testing.T) {
	samples := map[string][]float64{}
	for _, g := range readGolden(t, "samples.txt") {
		samples[g.about] = g.values
	}
	for _, file := range []string{"scipy.txt", "r.txt"} {
		held := map[string]int{}
		for _, g := range readGolden(t, file) {
			got := ours(t, samples, g)
			if got == nil {
				continue // of internals: internal_test.go
			}
			name, _, _ := strings.Cut(g.statistic, ":")
			held[name]++
			for i, want := range g.values {
				if tolerance := 1e-9 * max(1, math.Abs(want)); !(math.Abs(got[i]-want) <= tolerance) {
					t.Errorf("%s: %s of %s: %v, expected %v", file, g.statistic, g.about, got, g.values)
				}
			}
		}
		for _, name := range []string{"quantile", "mad", "hodges-lehmann", "signed-rank-p", "shift", "rank-sum-p"} {
			if held[name] < 6 {
				t.Errorf("%s has %d values of %s", file, held[name], name)
			}
		}
		t.Log(file, fmt.Sprint(held))
	}
}
