package summary

import (
	"math"

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
	k.between = stats.NodeSpread(shifts, variances, stats.Spread{SD: assumedNodes, Freedom: assumedNodesWorth})
	usual := stats.Median(variances)
	n := float64(len(k.levels))
	center := math.Pi / 2 * usual / n // variance of the middle that all are held against
	if len(k.levels) == 2 {
		center = usual
	}
	quantile := quantiles{}
	for i := range k.levels {
		l := &k.levels[i]
		own, between := variances[i], k.between.SD*k.between.SD
		total := own + between
		if n == 2 { // the shift is from the other one, which differs as much
			total += variances[1-i] + between
		}
		// Satterthwaite's degrees of freedom: the spread between machines was seen
		// through what their processes vary.
		seen := between + usual
		freedom := total * total / (seen*seen/k.between.Freedom + own*own/l.own.Freedom)
		l.spread = stats.Spread{SD: math.Sqrt(total), Freedom: freedom}
		f := &found[l.node]
		half := quantile.of(0.5+Level/2, l.own.Freedom) * math.Sqrt(own+center)
		f.Ratio, f.Low, f.High, f.Level, f.Rounds = math.Exp(l.shift), math.Exp(l.shift-half), math.Exp(l.shift+half), Level, l.rounds
		threshold := max(-math.Log(1-rule.Change), l.spread.SD*quantile.of(1-rule.P/float64(judged), freedom))
		f.Sees = 1 - math.Exp(-threshold-l.spread.SD*quantile.of(foundOften, freedom))
	}
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
	f := KindFinding{Name: k.name, Nodes: len(k.members), Judged: len(k.levels), Between: k.between.SD}
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
