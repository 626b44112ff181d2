// Package workloads is what dlbench measures: networks, their plans, tensors
// and suites. This root holds what its rooms share.
package workloads

import (
	"sort"
	"strings"
)

// Nearest returns the candidates that someone who wrote name may have meant,
// nearest first, at most three: by edit distance (Levenshtein 1966), or because
// one contains the other.
func Nearest(name string, candidates []string) []string {
	type scored struct {
		name     string
		distance int
	}
	var near []scored
	lower := strings.ToLower(name)
	for _, candidate := range candidates {
		d := editDistance(lower, strings.ToLower(candidate))
		contained := len(lower) >= 3 && strings.Contains(strings.ToLower(candidate), lower)
		if d <= max(2, len(candidate)/3) || contained {
			near = append(near, scored{candidate, d})
		}
	}
	sort.SliceStable(near, func(i, j int) bool { return near[i].distance < near[j].distance })
	var names []string
	for _, n := range near[:min(3, len(near))] {
		names = append(names, n.name)
	}
	return names
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j]+1, row[j+1]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
