package summary

import (
	"math"
	"slices"

	"github.com/dlbench/dlbench/metrics/stats"
)

// compare finds how much a machine of the kind may differ that is as the others,
// and says how sure each one's ratio is. judged is the number of machines of all
// kinds that a verdict is made on.
func (k *kind) compare(found []NodeFinding, rule NodeRule, judged int) {
	if len(k.levels) == 0 {
		return
	}
	k.moderate()
	shifts, variances := make([]float64, len(k.levels)), make([]float64, len(k.levels))
	for i, l := range k.levels {
		shifts[i], variances[i] = l.shift, l.own.SD*l.own.SD
	}
	k.between = nodeSpread(shifts, variances)
	k.usual = stats.Median(variances)
	quantile := quantiles{}
	for i := range k.levels {
		l := &k.levels[i]
		l.spread = k.spreadOf(variances, i, k.between)
		if len(shifts) <= fewNodes || math.Abs(l.shift) > suspect*l.spread.SD {
			l.spread = k.spreadOf(variances, i, nodeSpread(without(shifts, i), without(variances, i)))
		}
		found[l.node].known(l, k.centerVariance(variances, i), quantile)
		found[l.node].Sees = k.seen(l.spread, rule, judged, quantile)
	}
}

// A machine is left out of what is said of how much the others differ, for it may
// be the one that is slow. Of more machines than fewNodes only those are, which
// takes time, that are further from the middle than suspect standard deviations:
// of the others the verdict is clear, and one of so many hardly counts.
const (
	fewNodes = 40
	suspect  = 2
)

func nodeSpread(shifts, variances []float64) stats.Spread {
	return stats.NodeSpread(shifts, variances, stats.Spread{SD: assumedNodes, Freedom: assumedNodesWorth})
}

func without(values []float64, i int) []float64 {
	return slices.Concat(values[:i], values[i+1:])
}

// spreadOf is how far a machine may be from the middle that is as the others.
func (k *kind) spreadOf(variances []float64, i int, between stats.Spread) stats.Spread {
	own, part := variances[i], between.SD*between.SD
	total, seen := own+part, part+k.usual
	if len(variances) == 2 { // the shift is from the other one, which differs as much
		total, seen = total+variances[1-i]+part, 2*seen
	}
	// Satterthwaite's degrees of freedom: the spread between machines was seen
	// through what their processes vary.
	return stats.Spread{SD: math.Sqrt(total), Freedom: total * total / (seen*seen/between.Freedom + own*own/k.levels[i].own.Freedom)}
}

// centerVariance is that of what a machine is held against, by its processes.
func (k *kind) centerVariance(variances []float64, i int) float64 {
	if len(variances) == 2 {
		return variances[1-i]
	}
	return math.Pi / 2 * k.usual / float64(len(variances))
}

// known says how well the machine's ratio is known.
func (f *NodeFinding) known(l *level, center float64, quantile quantiles) {
	half := quantile.of(0.5+Level/2, l.own.Freedom) * math.Sqrt(l.own.SD*l.own.SD+center)
	f.Ratio, f.Low, f.High, f.Level, f.Rounds = math.Exp(l.shift), math.Exp(l.shift-half), math.Exp(l.shift+half), Level, l.rounds
}

// seen is the loss that is called slow nine times of ten, of a machine that would
// be as the others otherwise. The middle of a few is not known well, and a slow
// one moves it: the median of n by half the distance of two neighbours.
func (k *kind) seen(spread stats.Spread, rule NodeRule, judged int, quantile quantiles) float64 {
	threshold := max(-math.Log(1-rule.Change), spread.SD*quantile.of(1-rule.P/float64(judged), spread.Freedom))
	chance := spread.SD * quantile.of(foundOften, spread.Freedom)
	if n := float64(len(k.levels)); n > 2 {
		chance = chance*math.Sqrt(1+math.Pi/2/n) + spread.SD*math.Sqrt(math.Pi/2)/n
	}
	return 1 - math.Exp(-threshold-chance)
}

// quantiles are those of Student's t that were asked for, of whole degrees of
// freedom: a thousand machines ask for few different ones.
type quantiles map[[2]float64]float64

func (q quantiles) of(p, freedom float64) float64 {
	key := [2]float64{p, math.Floor(freedom)}
	value, there := q[key]
	if !there {
		value = stats.StudentQuantile(p, freedom)
		q[key] = value
	}
	return value
}

// moderate makes each machine's own variance of what its rounds say and of what
// those of the others do.
func (k *kind) moderate() {
	ratios, freedom := make([]float64, len(k.levels)), make([]float64, len(k.levels))
	for i, l := range k.levels {
		ratios[i], freedom[i] = 1, float64(l.rounds-1)
		if l.expected > 0 {
			ratios[i] = l.measured / l.expected
		}
	}
	for i, s := range stats.ModeratedVariances(ratios, freedom) {
		k.levels[i].own = stats.Spread{SD: s.SD * math.Sqrt(k.levels[i].expected), Freedom: s.Freedom}
	}
}

// finding is what the machines of the kind are like.
func (k *kind) finding(found []NodeFinding) KindFinding {
	f := KindFinding{Name: k.name, Nodes: len(k.members), Between: k.between.SD}
	if len(k.levels) == 0 {
		return f
	}
	var within, sees []float64
	for _, l := range k.levels {
		within, sees = append(within, l.own.SD), append(sees, found[l.node].Sees)
	}
	f.Within, f.Sees = stats.Median(within), stats.Median(sees)
	return f
}
