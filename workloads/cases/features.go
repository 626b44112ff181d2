package cases

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/zoo"
)

// A feature is an operator, or a way of using one that a framework may lack
// while it has the operator: "Conv", "Conv dilated".
type features map[string]bool

// For returns the cases that bear on a network: those of the operators that it
// uses, used in no other ways than it does. A runner that fails one of them
// cannot compute the network.
func For(all []Case, net *network.Network) []Case {
	used := featuresIn(net)
	var bearing []Case
	for _, c := range all {
		if within(c.features(), used) {
			bearing = append(bearing, c)
		}
	}
	return bearing
}

// ForZoo returns the cases that may bear on some network of the zoo: what a
// runner has to pass before any workload of it is timed.
func ForZoo() ([]Case, error) {
	all, err := All()
	if err != nil {
		return nil, err
	}
	used, err := zooFeatures()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(c Case) bool { return !within(c.features(), used) }), nil
}

// features leaves out the head, which every case has.
func (c Case) features() features {
	body := c.Plan.Network
	for i, n := range body.Nodes {
		if n.Name == "op" {
			body.Nodes = body.Nodes[:i+1]
			break
		}
	}
	return featuresIn(&body)
}

func zooFeatures() (features, error) {
	all := features{}
	for _, name := range zoo.Names() {
		entry, err := zoo.Get(name)
		if err != nil {
			return nil, err
		}
		net, err := entry.Build(1)
		if err != nil {
			return nil, err
		}
		for f := range featuresIn(net) {
			all[f] = true
		}
	}
	return all, nil
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
		note(pads[0] != pads[2] || pads[1] != pads[3], "padded unevenly")
		note(n.Op == "AveragePool" && pads[0]+pads[1]+pads[2]+pads[3] > 0, "padded")
		note(a.Int("count_include_pad") == 1, "counting pads")
	}
	if kernel := a.Ints("kernel_shape"); kernel != nil {
		note(kernel[0] != kernel[1], "with an oblong kernel")
	}
	if dilations := a.Ints("dilations"); dilations != nil {
		note(dilations[0] > 1 || dilations[1] > 1, "dilated")
	}
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
	note(n.Op == "Gemm" && len(n.Inputs) == 2, "without a bias")
	note(n.Op == "LayerNormalization", fmt.Sprintf("of %d axes", len(n.Shape)-a.Int("axis")))
	note(n.Op == "Transpose" || n.Op == "Reshape", fmt.Sprintf("of %d axes", len(n.Shape)))
	return list
}
