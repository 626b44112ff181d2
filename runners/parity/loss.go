package parity

import (
	"math"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/plan"
)

// lossOf is the loss of logits with the labels of the first slot, and the size of
// what it is made of: a difference may come to nothing.
func lossOf(p *plan.Plan, logits []float64) (loss, size float64) {
	if p.Training.Loss == network.SigmoidCrossEntropy {
		loss = sigmoidCrossEntropy(logits, p.Findings(0))
		return loss, loss
	}
	pixels := product(p.Logits()[2:])
	shares, loss := softmax(logits, p.Labels(0), p.Classes, pixels)
	if p.Training.Dice == nil {
		return loss, loss
	}
	overlap := dice(p, shares, pixels)
	return loss - overlap, loss + overlap
}

// softmax turns logits [N, classes, pixels] into shares of the same layout, and
// returns the mean cross-entropy with the labels [N, pixels], too.
func softmax(logits []float64, labels []int64, classes, pixels int) (shares []float64, entropy float64) {
	shares = make([]float64, len(logits))
	for i, label := range labels {
		first := i/pixels*classes*pixels + i%pixels
		most := math.Inf(-1)
		for c := range classes {
			most = max(most, logits[first+c*pixels])
		}
		sum := 0.0
		for c := range classes {
			sum += math.Exp(logits[first+c*pixels] - most)
		}
		for c := range classes {
			shares[first+c*pixels] = math.Exp(logits[first+c*pixels]-most) / sum
		}
		entropy += math.Log(sum) - (logits[first+int(label)*pixels] - most)
	}
	return shares, entropy / float64(len(labels))
}

// dice is the mean overlap of the classes behind the first, as plan.Dice has it.
func dice(p *plan.Plan, shares []float64, pixels int) float64 {
	labels, classes := p.Labels(0), p.Classes
	groups := p.Batch
	if p.Training.Dice.Batch {
		groups = 1
	}
	both, all := make([]float64, groups*classes), make([]float64, groups*classes)
	for i, label := range labels {
		image := i / pixels
		first, of := image*classes*pixels+i%pixels, image%groups*classes
		for c := range classes {
			all[of+c] += shares[first+c*pixels]
		}
		both[of+int(label)] += shares[first+int(label)*pixels]
		all[of+int(label)]++
	}
	total := 0.0
	for k := range both {
		if k%classes != 0 { // the background
			total += (2*both[k] + p.Training.Dice.Smooth) / (all[k] + p.Training.Dice.Smooth)
		}
	}
	return total / float64(groups*(classes-1))
}

// sigmoidCrossEntropy is the mean over images and classes.
func sigmoidCrossEntropy(logits []float64, findings []float32) float64 {
	total := 0.0
	for i, z := range logits {
		total += max(z, 0) - z*float64(findings[i]) + math.Log1p(math.Exp(-math.Abs(z)))
	}
	return total / float64(len(logits))
}
