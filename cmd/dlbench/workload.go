package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/workloads/catalog"
	"github.com/dlbench/dlbench/workloads/onnx"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/suite"
)

func (p *program) workloadCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "seed of weights and batches"},
		&cli.StringFlag{Name: "input", Usage: "`CxHxW` of a file's images if it leaves them open, like 3x224x224"},
		&cli.StringFlag{Name: "weights", Usage: "of a file: file or generated (default: the file's in inference, drawn ones to train)"},
		&cli.StringFlag{Name: "mode", Value: string(plan.Infer), Usage: "of a file: infer or train"},
		&cli.IntFlag{Name: "batch", Usage: "images at a time, of a file (default: what it fixes, or 1)"},
	}
	return &cli.Command{
		Name:   "workload",
		Usage:  "look at a workload, or write its files",
		Action: subcommandNeeded,
		Subcommands: []*cli.Command{
			{Name: "show", Usage: "print the network node by node, and which runners have its operators", ArgsUsage: "ID|FILE.onnx",
				Flags: append(slices.Clone(flags), runnerDirFlag(), jsonFlag()), Action: p.showWorkload},
			{Name: "export", Usage: "write plan.json, weights.safetensors and batch.safetensors", ArgsUsage: "ID|FILE.onnx",
				Flags: append(slices.Clone(flags), &cli.StringFlag{Name: "out", Value: "workload", Usage: "`DIR` to write under"},
					&cli.StringFlag{Name: "onnx", Usage: "write the network and its weights as an ONNX `FILE` instead"}), Action: p.exportWorkload},
		},
	}
}

// onePlan is that of a workload of the zoo, or of a file with what is known of
// it.
func onePlan(c *cli.Context) (*plan.Plan, *onnx.Model, error) {
	if c.NArg() != 1 {
		return nil, nil, usage(fmt.Errorf("%s: name one workload, like resnet50/infer/b8/fp32, or an ONNX file", c.Command.Name))
	}
	text := c.Args().First()
	if !strings.HasSuffix(text, ".onnx") {
		id, err := plan.ParseID(text)
		if err != nil {
			return nil, nil, usage(err)
		}
		made, err := plan.New(id, c.Uint64("seed"))
		return made, nil, err
	}
	made, model, err := planOfFile(c, text)
	if err != nil {
		return nil, nil, usage(err)
	}
	return made, model, nil
}

func planOfFile(c *cli.Context, path string) (*plan.Plan, *onnx.Model, error) {
	weights, err := catalog.ParseWeights(c.String("weights"))
	if err != nil {
		return nil, nil, err
	}
	var input []int
	if text := c.String("input"); text != "" {
		if input, err = suite.ParseInput(text); err != nil {
			return nil, nil, err
		}
	}
	var all catalog.Catalog
	f, err := all.Add(path, input, weights)
	if err != nil {
		return nil, nil, err
	}
	batch := max(f.Batch, 1)
	if c.IsSet("batch") {
		batch = c.Int("batch")
	}
	id, err := all.ParseID(fmt.Sprintf("%s/%s/b%d/%s", f.Name, c.String("mode"), batch, plan.FP32))
	if err != nil {
		return nil, nil, err
	}
	model, made, err := f.Plan(id, c.Uint64("seed"))
	return made, model, err
}

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
	return p.showRunners(c, made)
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
	_, err = fmt.Fprintf(p.stdout, "\nworkload     %s\ninput        %s\nparameters   %s\nMACs         %.4g G for each image's forward pass (convolutions and dense layers; one is two operations)\nactivations  %s for each image in float32\nmemory       %s at the least\nweights      %s\nplan         SHA-256 %s\n",
		made.Workload, table.Dimensions(made.Network.Input.Shape), table.Thousands(counts.Parameters), float64(counts.MACs)/1e9,
		table.Bytes(counts.ActivationBytes), table.Bytes(made.Size().Total()), weights, digest)
	return err
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
func (p *program) showRunners(c *cli.Context, made *plan.Plan) error {
	all, err := bench.KnownRunners(c.String("runner-dir"))
	if err != nil {
		return err
	}
	fmt.Fprintln(p.stdout)
	t := table.New("runner", "this network")
	for _, m := range all {
		t.Add(m.Name, ability(m.Operators, made))
	}
	return t.Write(p.stdout, p.width)
}

func ability(operators []string, made *plan.Plan) string {
	if len(operators) == 0 {
		return "its manifest does not say"
	}
	for _, need := range made.Network.Needs() {
		if !slices.Contains(operators, need.Operator) {
			return fmt.Sprintf("cannot, because node %q needs %s", need.Node, need.Operator)
		}
	}
	return "can"
}

func (p *program) exportWorkload(c *cli.Context) error {
	made, _, err := onePlan(c)
	if err != nil {
		return err
	}
	if path := c.String("onnx"); path != "" {
		return p.exportONNX(path, made)
	}
	files, err := plan.Materialize(c.Context, c.String("out"), made)
	if err != nil {
		return err
	}
	t := table.New("file", "bytes", "SHA-256")
	for _, f := range []plan.File{files.Plan, files.Weights, files.Batch} {
		t.Add(f.Path, table.Thousands(f.Bytes), f.SHA256)
	}
	return t.Write(p.stdout, p.width)
}

func (p *program) exportONNX(path string, made *plan.Plan) error {
	e := onnx.Export{Network: &made.Network, Values: made.Values, Origin: onnx.Origin{Workload: made.Workload, Network: made.Network.Name, Seed: made.Seed}}
	if made.Training != nil {
		e.Origin.LearningRate = made.Training.Optimizer.LearningRate
	}
	if err := onnx.Write(path, e); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.stdout, "%s: %s as ONNX, with its weights and an open batch\n", path, made.Workload)
	return err
}
