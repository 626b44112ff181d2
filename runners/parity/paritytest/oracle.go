// Package paritytest makes up what runners could write when they are verified,
// for tests that have no framework.
package paritytest

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// Values are the tensors of a file that verify would write, by name.
type Values map[string]Value

// Value is one of them.
type Value struct {
	Shape []int
	Data  []float64
}

// Oracle makes up what a runner could write for a plan: numbers that depend on
// only the tensor's name, steps that follow the plan's optimizer from them, and
// a first loss that fits the logits. With noise they are off by a rounding.
func Oracle(p *plan.Plan, params protocol.VerifyParams) (Values, error) {
	all, err := exact(p, params)
	if noise := params.Noise; noise != nil {
		for _, v := range all {
			for i := range v.Data {
				v.Data[i] *= 1 + noise.Scale*0x1p-24*float64(4-noise.Seed) // the first is the largest
			}
		}
	}
	return all, err
}

func exact(p *plan.Plan, params protocol.VerifyParams) (Values, error) {
	all := Values{}
	shapes := map[string][]int{}
	for _, n := range p.Network.Nodes {
		shapes[n.Output] = n.Shape
	}
	for _, name := range p.Network.Outputs {
		all.Draw("output."+name, shapes[name], 0, 1)
		all.Draw("output."+name+".slot1", shapes[name], 0, 1)
	}
	if p.Mode == plan.Infer {
		return all, nil
	}
	loss := lossOf(p, all["output.logits"].Data)
	all["loss"] = Value{[]int{1}, []float64{loss}}
	if params.Steps > 0 {
		all.Draw("trajectory", []int{params.Steps}, 1, 2)
		all["trajectory"].Data[0] = loss
	}
	if !params.Gradients {
		return all, nil
	}
	if p.Training.InputGradient {
		all.Draw("grad.input", p.Network.Input.Shape, -0.1, 0.1)
	}
	return all, all.steps(p)
}

// Draw makes a tensor up from its name.
func (all Values) Draw(name string, shape []int, low, high float64) {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(name))
	source := rand.New(rand.NewPCG(hash.Sum64(), 1))
	data := make([]float64, elements(shape))
	for i := range data {
		data[i] = low + (high-low)*source.Float64()
	}
	all[name] = Value{shape, data}
}

func (all Values) steps(p *plan.Plan) error {
	for _, param := range p.Network.Parameters {
		old, err := p.Initial(param.Name)
		if err != nil {
			return err
		}
		if param.Role != network.Trainable {
			all.Draw("stat.1/"+param.Name, param.Shape, 1, 2)
			all.Draw("stat.2/"+param.Name, param.Shape, 1, 2)
			continue
		}
		velocity, o := make([]float64, len(old)), p.Training.Optimizer
		for step := 1; step <= 2; step++ {
			gradient := fmt.Sprintf("grad.%d/%s", step-1, param.Name)
			all.Draw(gradient, param.Shape, -0.1, 0.1)
			next := slices.Clone(old)
			for i, g := range all[gradient].Data {
				velocity[i] = o.Momentum*velocity[i] + g
				next[i] -= o.LearningRate * (g + o.Momentum*velocity[i])
			}
			all[fmt.Sprintf("param.%d/%s", step, param.Name)] = Value{param.Shape, next}
			old = next
		}
	}
	return nil
}

func elements(shape []int) int {
	n := 1
	for _, extent := range shape {
		n *= extent
	}
	return n
}

// lossOf is the plan's loss of logits with the labels of the first slot, written as
// plainly as its definition.
func lossOf(p *plan.Plan, logits []float64) float64 {
	if p.Training.Loss == network.SigmoidCrossEntropy {
		loss := 0.0
		for i, finding := range p.Findings(0) {
			share := 1 / (1 + math.Exp(-logits[i]))
			loss -= float64(finding)*math.Log(share) + float64(1-finding)*math.Log(1-share)
		}
		return loss / float64(len(logits))
	}
	labels, pixels := p.Labels(0), elements(p.Logits()[2:])
	share := func(image, class, pixel int) float64 {
		sum := 0.0
		for c := range p.Classes {
			sum += math.Exp(logits[(image*p.Classes+c)*pixels+pixel])
		}
		return math.Exp(logits[(image*p.Classes+class)*pixels+pixel]) / sum
	}
	loss := 0.0
	for i, label := range labels {
		loss -= math.Log(share(i/pixels, int(label), i%pixels)) / float64(len(labels))
	}
	if p.Training.Dice == nil {
		return loss
	}
	groups := p.Batch
	if p.Training.Dice.Batch {
		groups = 1
	}
	for group := range groups {
		for class := 1; class < p.Classes; class++ {
			both, all := 0.0, 0.0
			for i, label := range labels {
				if i/pixels%groups != group {
					continue
				}
				v := share(i/pixels, class, i%pixels)
				if all += v; int(label) == class {
					both, all = both+v, all+1
				}
			}
			smooth := p.Training.Dice.Smooth
			loss -= (2*both + smooth) / (all + smooth) / float64(groups*(p.Classes-1))
		}
	}
	return loss
}

// Write writes the file.
func (all Values) Write(path string) error {
	var list []tensors.Tensor
	for name, v := range all {
		list = append(list, tensors.Tensor{Name: name, Shape: v.Shape, Doubles: func() ([]float64, error) { return v.Data, nil }})
	}
	_, err := tensors.Write(path, list)
	return err
}
