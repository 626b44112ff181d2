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
		return max(40, n/20)
	}
	return n
}

// promised is the most false alarms that the promise allows in so many fleets: a
// larger share comes by chance in one of a thousand tests.
func promised(trials int) float64 {
	p := summary.UsualNodeRule.P
	term := math.Pow(1-p, float64(trials)) // of the binomial distribution
	most, tail := 0, 1-term
	for tail > 0.001 {
		most++
		term *= p / (1 - p) * float64(trials-most+1) / float64(most)
		tail -= term
	}
	return float64(most) / float64(trials)
}

// TestFleetsWithoutASlowNodeHaveNoneCalledSlow is the promise, for fleets of all
// sizes and of other habits than the method would like.
func TestFleetsWithoutASlowNodeHaveNoneCalledSlow(t *testing.T) {
	change := func(f fleet, by func(*fleet)) fleet { by(&f); return f }
	for name, tt := range map[string]struct {
		fleet  fleet
		trials int
	}{
		"2 nodes":                 {change(realistic(2), func(f *fleet) { f.between = 0.01 }), 20000},
		"3 nodes":                 {change(realistic(3), func(f *fleet) { f.between = 0.01 }), 4000},
		"6 nodes":                 {change(realistic(6), func(f *fleet) { f.between = 0.01 }), 2000},
		"12 nodes":                {change(realistic(12), func(f *fleet) { f.between = 0.01 }), 2000},
		"200 nodes":               {realistic(200), 1000},
		"nodes that differ a lot": {change(realistic(60), func(f *fleet) { f.between = 0.02 }), 600},
		"a noisy node":            {change(realistic(30), func(f *fleet) { f.noisy, f.between, f.process = 10, 0.002, 0.05 }), 1000},
		"restless rounds":         {change(realistic(30), func(f *fleet) { f.round, f.process, f.between = 0.03, 0.005, 0 }), 1000},
		"one cell, three rounds":  {fleet{nodes: 20, workloads: 1, rounds: 3, process: 0.03, round: 0.01}, 2000},
	} {
		t.Run(name, func(t *testing.T) {
			slow, fast, _ := tt.fleet.shares(trials(tt.trials), 3)
			t.Logf("called slow in %.4f of %d fleets, fast in %.4f", slow, trials(tt.trials), fast)
			if most := promised(trials(tt.trials)); slow > most || fast > most {
				t.Errorf("called slow in %.4f of the fleets, fast in %.4f, expected at most %.4f", slow, fast, most)
			}
		})
	}
}

// TestASmallDifferenceIsNotCalledSlow however sure it is.
func TestASmallDifferenceIsNotCalledSlow(t *testing.T) {
	f := fleet{nodes: 30, workloads: 15, rounds: 6, process: 1e-5, slow: 0.009}
	if found, _ := summary.JudgeNodes(f.figures(rand.New(rand.NewPCG(4, 4))), summary.UsualNodeRule); found[0].Verdict != summary.UsualNode || found[0].P > 0.01 {
		t.Errorf("a loss of 0.9 %% is %+v", found[0])
	} else if found[1].P != 1 {
		t.Errorf("p of a node in the middle of 30 is %v, expected 1: it is for all of them", found[1].P)
	}
	f.slow = 0.012
	if found, _ := summary.JudgeNodes(f.figures(rand.New(rand.NewPCG(4, 4))), summary.UsualNodeRule); found[0].Verdict != summary.SlowNode {
		t.Errorf("a loss of 1.2 %% is %+v", found[0])
	}
}

// TestOneOddWorkloadDoesNotDecide but is named.
func TestOneOddWorkloadDoesNotDecide(t *testing.T) {
	nodes := realistic(30).figures(rand.New(rand.NewPCG(9, 9)))
	odd := &nodes[7].Cells[4]
	for i := range odd.Logs {
		odd.Logs[i] += math.Log(0.4)
	}
	found, _ := summary.JudgeNodes(nodes, summary.UsualNodeRule)
	if f := found[7]; f.Verdict != summary.UsualNode || f.Worst.Workload != odd.Workload || math.Abs(f.Worst.Ratio-0.4) > 0.05 {
		t.Errorf("a node with one odd workload is %+v, furthest below in %+v", f, f.Worst)
	}
}

// TestTheIntervalCoversWhatTheNodeIs: the node's own level on these cells, of
// which only the processes are a sample.
func TestTheIntervalCoversWhatTheNodeIs(t *testing.T) {
	for _, f := range []fleet{{nodes: 40, workloads: 15, rounds: 6, process: 0.03, round: 0.01}, {nodes: 2, workloads: 4, rounds: 6, process: 0.03}, {nodes: 10, workloads: 1, rounds: 3, process: 0.03}} {
		rng := rand.New(rand.NewPCG(5, 5))
		covered, n := 0, 0
		for range trials(4000) / f.nodes {
			found, _ := summary.JudgeNodes(f.figures(rng), summary.UsualNodeRule)
			for _, one := range found {
				if n++; one.Low <= 1 && 1 <= one.High {
					covered++
				}
			}
		}
		share := float64(covered) / float64(n)
		t.Logf("%+v: %.3f of %d", f, share, n)
		if slack := 3 * math.Sqrt(0.05*0.95/float64(n)); share < 0.95-slack || share > 0.99 {
			t.Errorf("%+v: 95 %% intervals cover %.3f", f, share)
		}
	}
}

// TestSeesIsTheLossThatIsFound nine times of ten, if the machine loses that much.
func TestSeesIsTheLossThatIsFound(t *testing.T) {
	for _, n := range []int{3, 6, 40} {
		rng := rand.New(rand.NewPCG(6, 6))
		seen, all := 0, trials(1000)
		for range all {
			nodes := realistic(n).figures(rng)
			found, _ := summary.JudgeNodes(nodes, summary.UsualNodeRule)
			for _, c := range nodes[0].Cells {
				for i := range c.Logs {
					c.Logs[i] += math.Log(1 - found[0].Sees)
				}
			}
			if found, _ = summary.JudgeNodes(nodes, summary.UsualNodeRule); found[0].Verdict == summary.SlowNode {
				seen++
			}
		}
		share := float64(seen) / float64(all)
		t.Logf("of %d nodes one that loses what the report says is found in %.3f", n, share)
		if slack := 0.05 + 3*math.Sqrt(0.9*0.1/float64(all)); share < 0.9-slack || share > 0.9+slack {
			t.Errorf("of %d nodes one that loses what the report says is found in %.3f, expected 0.9", n, share)
		}
	}
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

// BenchmarkFleetsOfTheDocs simulates the table of docs/nodes.md, in a quarter of an
// hour: -benchtime 1x.
func BenchmarkFleetsOfTheDocs(b *testing.B) {
	rows := []struct {
		nodes          int
		between        float64
		without, power int // fleets
	}{{2, 0.004, 4000, 1000}, {3, 0.004, 4000, 1000}, {5, 0.004, 4000, 1000}, {12, 0.004, 3000, 1000}, {50, 0.004, 1500, 600}, {200, 0.004, 2000, 500},
		{2, 0.01, 4000, 400}, {5, 0.01, 4000, 400}, {12, 0.01, 2000, 400}, {50, 0.01, 1000, 200}, {2, 0.02, 2000, 10}, {5, 0.02, 2000, 10}, {12, 0.02, 2000, 10}, {50, 0.02, 1000, 10}}
	for _, row := range rows {
		b.Run(fmt.Sprintf("%d nodes, %g %%", row.nodes, 100*row.between), func(b *testing.B) {
			for b.Loop() {
				f := realistic(row.nodes)
				f.between = row.between
				slow, fast, _ := f.shares(row.without, 31)
				b.ReportMetric(100*slow, "%slow")
				b.ReportMetric(100*fast, "%fast")
				for seed, loss := range map[uint64]float64{32: 0.03, 33: 0.05} {
					f.slow = loss
					_, _, found := f.shares(row.power, seed)
					b.ReportMetric(100*found, fmt.Sprintf("%%found-of-%g", 100*loss))
				}
			}
		})
	}
	b.Run("long tails", func(b *testing.B) {
		f := realistic(200)
		f.tails = true
		for b.Loop() {
			slow, fast, _ := f.shares(300, 34)
			b.ReportMetric(100*slow, "%slow")
			b.ReportMetric(100*fast, "%fast")
		}
	})
}
