package stats

import "math"

// BatchMedians is the centre of series whose values depend on their neighbours,
// with an interval for it: each series is cut into batches of at least that many
// consecutive values, and Student's t is taken over the batches' medians, each
// against the mean of its own series. Batches that are long against the
// dependence are nearly independent (batch means: Law, Simulation Modeling and
// Analysis, §9.5.3; medians here, because a block that the hypervisor
// interrupted must not weigh by how long). Every series counts the same.
//
// The interval is for the mean of these very series: what tells one series from
// another is not in it. It has Level 0 if no series has two batches.
func BatchMedians(series [][]float64, size int, level float64) (float64, Interval) {
	centre, deviations, weight, freedom := 0.0, 0.0, 0.0, 0.0
	for _, values := range series {
		medians := batchMedians(values, size)
		mean := average(medians)
		centre += mean / float64(len(series))
		for _, m := range medians {
			deviations += (m - mean) * (m - mean)
		}
		weight += 1 / float64(len(medians))
		freedom += float64(len(medians) - 1)
	}
	if freedom < 1 {
		return centre, none()
	}
	half := studentQuantile((1+level)/2, freedom) * math.Sqrt(deviations/freedom*weight) / float64(len(series))
	return centre, Interval{Low: centre - half, High: centre + half, Level: level}
}

// batchMedians are those of consecutive stretches of nearly one length; a series
// shorter than two of the size is one batch.
func batchMedians(values []float64, size int) []float64 {
	count := max(1, len(values)/size)
	medians := make([]float64, count)
	for i := range medians {
		medians[i] = Median(values[i*len(values)/count : (i+1)*len(values)/count])
	}
	return medians
}
