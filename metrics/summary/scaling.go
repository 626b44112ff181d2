package summary

import (
	"cmp"
	"slices"
)

// Step is a throughput at one batch or one number of threads.
type Step struct {
	At         int
	Throughput Estimate
	Percent    float64 // of what the least step would give, were all in proportion
}

// Scaling is a runner's steps from the least to the greatest; those below 1 are
// left out.
func Scaling(steps []Step) []Step {
	out := slices.DeleteFunc(slices.Clone(steps), func(s Step) bool { return s.At < 1 })
	slices.SortStableFunc(out, func(a, b Step) int { return cmp.Compare(a.At, b.At) })
	for i := range out {
		faster := out[i].Throughput.Value / out[0].Throughput.Value
		out[i].Percent = 100 * faster / (float64(out[i].At) / float64(out[0].At))
	}
	return out
}
