package cases

import (
	"fmt"
	"maps"
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/zoo"
)

// A feature is an operator, or a way of using one that a framework may lack
// while it has the operator: "Conv", "Conv dilated".
type features map[string]bool

// For returns the cases that bear on a plan: those of the operators that it uses,
// used in no other ways than it does, and of its loss. A runner that fails one of
// them cannot compute it.
func For(all []Case, p *plan.Plan) []Case {
	used := featuresOfPlan(p)
	var bearing []Case
	for _, c := range all {
		if within(c.features(), used) {
			bearing = append(bearing, c)
		}
	}
	return bearing
}

// ForZoo returns the cases that may bear on some network of the zoo: what a
// runner has to pass before any workload of it is timed. Those of volumes, pixels
// and several findings, of which there are many, only with medical.
func ForZoo(medical bool) ([]Case, error) {
	all, err := All()
	if err != nil {
		return nil, err
	}
	used, err := zooFeatures(medical)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(c Case) bool { return !within(c.features(), used) }), nil
}

// features leaves out the head, which every case has.
func (c Case) features() features {
	if loss := featuresOfLoss(c.Plan); loss != nil {
		return loss // whatever makes its logits
	}
	body := c.Plan.Network
	for i, n := range body.Nodes {
		if n.Name == "op" {
			body.Nodes = body.Nodes[:i+1]
			break
		}
	}
	return featuresIn(&body)
}

// Medical says whether a plan is of volumes, pixels or several findings.
func Medical(p *plan.Plan) bool {
	return len(p.Network.Input.Shape) > 4 || p.OfPixels() || p.LossForm() != ""
}

func zooFeatures(medical bool) (features, error) {
	all := features{}
	for _, name := range zoo.Names() {
		p, err := plan.New(plan.ID{Network: name, Mode: plan.Train, Batch: 1, Precision: plan.FP32}, seed)
		if err != nil {
			return nil, err
		}
		if !medical && Medical(p) {
			continue
		}
		maps.Copy(all, featuresOfPlan(p))
	}
	return all, nil
}

func featuresOfPlan(p *plan.Plan) features {
	found := featuresIn(&p.Network)
	maps.Copy(found, featuresOfLoss(p))
	return found
}

// featuresOfLoss are those of a plan that trains, unless by the loss that all have.
func featuresOfLoss(p *plan.Plan) features {
	form := p.LossForm()
	if form == "" {
		return nil
	}
	found := features{"loss " + form: true}
	if len(p.Logits()) > 4 {
		found["loss "+form+" of volumes"] = true
	}
	if dice := p.Training.Dice; dice != nil && dice.Batch {
		found["loss "+form+" of the batch"] = true
	}
	return found
}

func within(some, all features) bool {
	for f := range some {
		if !all[f] {
			return false
		}
	}
	return true
}

// featuresIn collects the features of a checked network.
func featuresIn(net *network.Network) features {
	shapes := map[string][]int{net.Input.Name: net.Input.Shape}
	found := features{}
	for _, n := range net.Nodes {
		found[n.Op] = true
		for _, way := range ways(n, shapes) {
			found[n.Op+" "+way] = true
		}
		shapes[n.Output] = n.Shape
	}
	return found
}

// ways names what is special in how a node uses its operator.
func ways(n network.Node, shapes map[string][]int) []string {
	var list []string
	note := func(special bool, way string) {
		if special {
			list = append(list, way)
		}
	}
	a := n.Attributes
	if pads := a.Ints("pads"); pads != nil {
		half := len(pads) / 2
		note(!slices.Equal(pads[:half], pads[half:]), "padded unevenly")
		note(n.Op == "AveragePool" && slices.Max(pads) > 0, "padded")
		note(a.Int("count_include_pad") == 1, "counting pads")
	}
	if kernel := a.Ints("kernel_shape"); kernel != nil {
		note(slices.Min(kernel) != slices.Max(kernel), "with an oblong kernel")
	}
	if dilations := a.Ints("dilations"); dilations != nil {
		note(slices.Max(dilations) > 1, "dilated")
	}
	if extra := a.Ints("output_padding"); extra != nil {
		note(slices.Max(extra) > 0, "with output padding")
	}
	note(len(shapes[n.Inputs[0]]) == 5 && network.HasVolumes(n.Op), "of volumes")
	note(a.Int("group") > 1, "in groups")
	note(a.Int("ceil_mode") == 1, "rounding up")
	if n.Op == "Add" || n.Op == "Mul" {
		x, y := shapes[n.Inputs[0]], shapes[n.Inputs[1]]
		note(y == nil, "of a parameter")
		for i := range y {
			if x[i] != y[i] {
				note(true, "broadcasting")
				break
			}
		}
	}
	note(n.Op == "Resize", a.String("mode"))
	note(n.Op == "Gelu", a.String("approximate"))
	note((n.Op == "Gemm" || n.Op == "ConvTranspose") && len(n.Inputs) == 2, "without a bias")
	note(n.Op == "LayerNormalization", fmt.Sprintf("of %d axes", len(n.Shape)-a.Int("axis")))
	note(n.Op == "Transpose" || n.Op == "Reshape", fmt.Sprintf("of %d axes", len(n.Shape)))
	return list
}
