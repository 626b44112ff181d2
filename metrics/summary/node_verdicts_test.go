package summary_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dlbench/dlbench/metrics/summary"
)

// fleet is a simulated fleet: machines that differ, processes that differ, and
// what docs/nodes.md says of both.
type fleet struct {
	nodes, workloads, rounds int
	process                  float64 // deviation between fresh processes
	round                    float64 // and of all that a machine does in a round
	between                  float64 // and between machines
	cell                     float64 // and of a machine in one workload, beside what it is in all
	slow                     float64 // loss of the first machine, as a share
	noisy                    float64 // how many times as noisy the last machine is; 0 is as the others
	tails                    bool    // machines differ with the tails of Student's t of 5
}

func (f fleet) figures(rng *rand.Rand) []summary.NodeFigures {
	usual := make([]float64, f.workloads)
	for w := range usual {
		usual[w] = rng.Float64() * 8
	}
	nodes := make([]summary.NodeFigures, f.nodes)
	for i := range nodes {
		level, noise := f.between*rng.NormFloat64(), 1.0
		if f.tails {
			squares := 0.0
			for range 5 {
				squares += math.Pow(rng.NormFloat64(), 2)
			}
			level *= math.Sqrt(3 / squares) // of variance 1, before the factor
		}
		if i == 0 {
			level += math.Log(1 - f.slow)
		}
		if i == len(nodes)-1 && f.noisy > 0 {
			noise = f.noisy
		}
		rounds := make([]float64, f.rounds)
		for r := range rounds {
			rounds[r] = noise * f.round * rng.NormFloat64()
		}
		nodes[i].Kind = "EPYC"
		for w := range usual {
			at := usual[w] + level + f.cell*rng.NormFloat64()
			c := summary.NodeCell{Workload: fmt.Sprintf("net%02d", w), Runner: "pytorch", Digest: "d"}
			for r := range rounds {
				c.Rounds, c.Logs = append(c.Rounds, int32(r)), append(c.Logs, at+rounds[r]+noise*f.process*rng.NormFloat64())
			}
			nodes[i].Cells = append(nodes[i].Cells, c)
		}
	}
	return nodes
}

// shares simulates fleets and says in which share of them a machine that is not
// slow is called slow, one that is not fast is called fast, and the slow one is
// found.
func (f fleet) shares(trials int, seed uint64) (slow, fast, found float64) {
	rng := rand.New(rand.NewPCG(seed, 21))
	for range trials {
		verdicts, _ := summary.JudgeNodes(f.figures(rng), summary.UsualNodeRule)
		wrongSlow, wrongFast := false, false
		for i, v := range verdicts {
			wrongSlow = wrongSlow || v.Verdict == summary.SlowNode && (i > 0 || f.slow == 0)
			wrongFast = wrongFast || v.Verdict == summary.FastNode
		}
		for share, seen := range map[*float64]bool{&slow: wrongSlow, &fast: wrongFast, &found: f.slow > 0 && verdicts[0].Verdict == summary.SlowNode} {
			if seen {
				*share += 1 / float64(trials)
			}
		}
	}
	return slow, fast, found
}

// realistic is a fleet as docs/nodes.md assumes one.
func realistic(nodes int) fleet {
	return fleet{nodes: nodes, workloads: 15, rounds: 6, process: 0.025, round: 0.005, between: 0.004, cell: 0.005}
}

// trials is how many fleets are simulated: of a short test fewer.
func trials(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// promised is the most false alarms that the promise allows in so many fleets,
// with three standard errors.
func promised(trials int) float64 {
	p := summary.UsualNodeRule.P
	return p + 3*math.Sqrt(p*(1-p)/float64(trials))
}

func TestTheSlowOneOfTwoHundredNodesIsFound(t *testing.T) {
	f := realistic(200)
	f.slow = 0.03
	slow, fast, found := f.shares(trials(400), 2)
	t.Logf("found in %.3f of the fleets, another called slow in %.4f, fast in %.4f", found, slow, fast)
	if found < 0.85 || slow > promised(trials(400)) || fast > promised(trials(400)) {
		t.Errorf("found in %.3f of the fleets, another called slow in %.4f, fast in %.4f", found, slow, fast)
	}
}
