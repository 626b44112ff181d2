package stats

import (
	"math"
)

// Spread is a standard deviation with what is known of it.
type Spread struct {
	SD      float64
	Freedom float64 // degrees of freedom
}

// NightSpreads estimates how much each cell's figure varies from one night to
// another. residuals has a row for each cell and a column for each night: the
// figure's logarithm less the mean of the nights at its level, NaN where the
// cell has none; freedom is the row's number of nights less that of its levels,
// and levels the number of levels that were fitted to every row. assumed is what
// is taken for each cell before any night was seen; it counts as so many nights
// as it has degrees of freedom.
//
// A cell's own variance is moderated by that of the others (Smyth, "Linear Models
// and Empirical Bayes Methods for Assessing Differential Expression in
// Microarray Experiments", Statistical Applications in Genetics and Molecular
// Biology 3(1), 2004): after five nights one cell knows little of itself, and
// fifty know a lot together. How much they know together is less than their
// number says if a night moves all of them at once, which a machine does: the
// variance is parted in what the cells of a night share and what they do not,
// as in a mixed model with random nights, and the degrees of freedom follow
// (Satterthwaite, Biometrics Bulletin 2(6), 1946).
func NightSpreads(residuals [][]float64, freedom []int, levels int, assumed []Spread) []Spread {
	pool := poolOf(residuals, freedom, levels)
	spreads := make([]Spread, len(residuals))
	for c, row := range residuals {
		own, a := float64(freedom[c]), assumed[c]
		shared := min(pool.prior, pool.freedom)
		total := a.Freedom + shared + own
		before := max(a.SD*a.SD, pool.variance) // nobody knows yet whether this is one of the noisy cells
		variance := (a.Freedom*before + shared*pool.variance + sumOfSquares(row)) / total
		spreads[c] = Spread{SD: math.Sqrt(variance), Freedom: min(total, a.Freedom+max(own, pool.freedom))}
	}
	return spreads
}

// pooled is what all cells know together.
type pooled struct {
	variance float64
	freedom  float64 // that the nights allow
	prior    float64 // degrees of freedom that the cells' likeness is worth
}

// fewestPooled is how many cells can say how alike cells are.
const fewestPooled = 4

func poolOf(residuals [][]float64, freedom []int, levels int) pooled {
	var variances, freedoms []float64
	squares, total := 0.0, 0
	for c, row := range residuals {
		if freedom[c] < 1 {
			continue
		}
		squares += sumOfSquares(row)
		total += freedom[c]
		variances, freedoms = append(variances, sumOfSquares(row)/float64(freedom[c])), append(freedoms, float64(freedom[c]))
	}
	if len(variances) < fewestPooled || squares == 0 {
		return pooled{}
	}
	mean := squares / float64(total)
	return pooled{variance: mean, freedom: sharedFreedom(residuals, mean, total, levels), prior: likeness(variances, freedoms, mean*1e-6)} // a cell that never moved still counts
}

// sharedFreedom are the degrees of freedom of a pooled variance, given how much
// of it the cells of one night share.
func sharedFreedom(residuals [][]float64, variance float64, total, levels int) float64 {
	nights, cells, moved := 0, 0, 0.0
	for t := range residuals[0] {
		sum, n := 0.0, 0
		for _, row := range residuals {
			if !math.IsNaN(row[t]) {
				sum += row[t]
				n++
			}
		}
		if n > 0 {
			nights, cells = nights+1, cells+n
			moved += sum / float64(n) * sum / float64(n)
		}
	}
	free := float64(max(1, nights-levels))
	each := float64(cells) / float64(nights) // cells of a night
	if each <= 1 {
		return float64(total)
	}
	common := min(variance, max(0, (moved/free*each-variance)/(each-1)))
	alone := variance - common
	return variance * variance / (common*common/free + alone*alone/max(1, float64(total)-free))
}

func average(x []float64) float64 {
	total := 0.0
	for _, v := range x {
		total += v
	}
	return total / float64(len(x))
}

func sumOfSquares(row []float64) float64 {
	total := 0.0
	for _, r := range row {
		if !math.IsNaN(r) {
			total += r * r
		}
	}
	return total
}

// DifferenceSpread estimates the spread of a night from how far many cells moved
// between two nights, by their median absolute deviation, so that cells which
// really changed count for little. What moves all cells at once is not seen by
// it; assumed stands for that. With fewer than eight cells it is assumed.
func DifferenceSpread(differences []float64, assumed Spread) Spread {
	const fewest = 8
	if len(differences) < fewest {
		return assumed
	}
	center := Median(differences)
	deviations := make([]float64, len(differences))
	for i, d := range differences {
		deviations[i] = math.Abs(d - center)
	}
	const toSD, efficiency = 1.4826, 0.37 // of the median absolute deviation, for normal values
	seen := math.Pow(toSD*Median(deviations), 2) / 2
	free := efficiency * float64(len(differences)-1)
	variance := assumed.SD*assumed.SD + seen
	return Spread{SD: math.Sqrt(variance), Freedom: variance * variance / (math.Pow(assumed.SD, 4)/assumed.Freedom + seen*seen/free)}
}

// mostFreedom is beyond which Student's t is the normal distribution for every
// purpose here.
const mostFreedom = 200

// StudentP is P(T ≥ |t|) of Student's t; degrees of freedom are rounded down.
func StudentP(t, freedom float64) float64 {
	return max(0, 1-studentCDF(math.Abs(t), wholeFreedom(freedom)))
}

// StudentQuantile is the t with P(T ≤ t) = p, for p above ½.
func StudentQuantile(p, freedom float64) float64 { return studentQuantile(p, wholeFreedom(freedom)) }

func wholeFreedom(freedom float64) float64 { return max(1, min(mostFreedom, math.Floor(freedom))) }

// digamma and trigamma are the derivatives of ln Γ, by recurrence up to 6 and the
// asymptotic series there (Abramowitz & Stegun 6.3.18 and 6.4.12).
func digamma(x float64) float64 {
	v := 0.0
	for ; x < 6; x++ {
		v -= 1 / x
	}
	i := 1 / (x * x)
	return v + math.Log(x) - 1/(2*x) - i*(1./12-i*(1./120-i*(1./252-i/240)))
}

func trigamma(x float64) float64 {
	v := 0.0
	for ; x < 6; x++ {
		v += 1 / (x * x)
	}
	i := 1 / (x * x)
	return v + 1/x + i/2 + i/x*(1./6-i*(1./30-i*(1./42-i/30)))
}

// inverseTrigamma is the x with trigamma(x) = y, by bisection: trigamma falls
// from +Inf to 0.
func inverseTrigamma(y float64) float64 {
	low, high := 1e-6, 1e6
	for range 200 {
		middle := math.Sqrt(low * high)
		if trigamma(middle) > y {
			low = middle
		} else {
			high = middle
		}
	}
	return math.Sqrt(low * high)
}
