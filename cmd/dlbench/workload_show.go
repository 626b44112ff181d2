package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/workloads/onnx"
	"github.com/dlbench/dlbench/workloads/plan"
)

func (p *program) showWorkload(c *cli.Context) error {
	made, model, err := onePlan(c)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		data, err := made.Encode()
		if err != nil {
			return err
		}
		_, err = p.stdout.Write(data)
		return err
	}
	t := table.New("node", "operator", "output", "inputs")
	for _, n := range made.Network.Nodes {
		t.Add(n.Name, n.Op, table.Dimensions(n.Shape), strings.Join(n.Inputs, ", "))
	}
	if err := t.Write(p.stdout, p.width); err != nil {
		return err
	}
	if err := p.showFacts(made); err != nil {
		return err
	}
	if model != nil {
		p.showFile(model)
	}
	return p.showRunners(c.String("runner-dir"), made)
}

func (p *program) showFacts(made *plan.Plan) error {
	counts, err := made.Network.Counts()
	if err != nil {
		return err
	}
	digest, err := made.Digest()
	if err != nil {
		return err
	}
	weights := fmt.Sprintf("drawn from seed %d", made.Seed)
	if made.Weights != nil {
		weights = "of the file"
	}
	if q := made.Quantization; q != nil && len(q.Folded) > 0 {
		weights += fmt.Sprintf(", with %d batch normalisations folded into them", len(q.Folded))
	}
	_, err = fmt.Fprintf(p.stdout, "\nworkload     %s\ninput        %s\nparameters   %s\nMACs         %.4g G for each image's forward pass (convolutions and dense layers; one is two operations)\nactivations  %s for each image in float32\nmemory       %s at the least\nweights      %s\n%s%splan         SHA-256 %s\n",
		made.Workload, table.Dimensions(made.Network.Input.Shape), table.Thousands(counts.Parameters), float64(counts.MACs)/1e9,
		table.Bytes(counts.ActivationBytes), table.Bytes(made.Size().Total()), weights, trainedBy(made), wholeIn(made), digest)
	return err
}

// trainedBy is a line about the loss of a plan that trains.
func trainedBy(made *plan.Plan) string {
	t := made.Training
	if t == nil {
		return ""
	}
	loss := strings.ReplaceAll(t.Loss, "_", " ")
	if t.Dice != nil {
		over := "each image"
		if t.Dice.Batch {
			over = "the batch"
		}
		loss += fmt.Sprintf(", Dice of %s, smoothed by %g", over, t.Dice.Smooth)
	}
	return "loss         " + loss + "\n"
}

// wholeIn are lines about what a plan in int8 computes in whole numbers, and what not.
func wholeIn(made *plan.Plan) string {
	q := made.Quantization
	if q == nil {
		return ""
	}
	floating := strings.Join(made.Floating(), ", ")
	return fmt.Sprintf("int8         %d convolutions and dense layers with int8 weights, %d activations in uint8\nfloat32      %s\n",
		len(q.Products), len(q.Activations), cmp.Or(floating, "no node"))
}

// showFile prints what is in other words than the file's, and what to know of
// its weights.
func (p *program) showFile(m *onnx.Model) {
	if m.Origin != nil {
		fmt.Fprintf(p.stdout, "\nwritten by dlbench as %s with seed %d\n", m.Origin.Workload, m.Origin.Seed)
	}
	if len(m.Folded) > 0 {
		fmt.Fprintf(p.stdout, "\nIn other words than the file's:\n")
	}
	for _, line := range m.Folded {
		fmt.Fprintf(p.stdout, "  %s\n", line)
	}
	for _, w := range m.Warnings {
		fmt.Fprintf(p.stdout, "\nwarning: %s\n", w.Text)
	}
}

// showRunners says for each runner whether it has the network's operators.
func (p *program) showRunners(dir string, made *plan.Plan) error {
	all, err := bench.KnownRunners(dir)
	if err != nil {
		return err
	}
	fmt.Fprintln(p.stdout)
	t := table.New("runner", "this network")
	for _, m := range all {
		t.Add(m.Name, ability(m, made))
	}
	return t.Write(p.stdout, p.width)
}

func ability(m manifest.Manifest, made *plan.Plan) string {
	switch {
	case len(m.Operators) == 0:
		return "its manifest does not say"
	case len(m.Modes) > 0 && !slices.Contains(m.Modes, string(made.Mode)):
		return fmt.Sprintf("cannot, because it has only mode %s", strings.Join(m.Modes, ", "))
	}
	for _, need := range made.Needs() {
		if !slices.Contains(m.Operators, need.Operator) {
			if need.Node == "" {
				return "cannot, because its loss is " + need.Operator
			}
			return fmt.Sprintf("cannot, because node %q needs %s", need.Node, need.Operator)
		}
	}
	return "can"
}
