package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/workloads/onnx"
	"github.com/dlbench/dlbench/workloads/plan"
)

func (p *program) workloadCommand() *cli.Command {
	seed := &cli.Uint64Flag{Name: "seed", Value: 1, Usage: "seed of weights and batches"}
	return &cli.Command{
		Name:   "workload",
		Usage:  "look at a workload, or write its files",
		Action: subcommandNeeded,
		Subcommands: []*cli.Command{
			{Name: "show", Usage: "print the network node by node", ArgsUsage: "ID", Flags: []cli.Flag{seed, jsonFlag()}, Action: p.showWorkload},
			{Name: "export", Usage: "write plan.json, weights.safetensors and batch.safetensors", ArgsUsage: "ID",
				Flags: []cli.Flag{seed, &cli.StringFlag{Name: "out", Value: "workload", Usage: "`DIR` to write under"},
					&cli.StringFlag{Name: "onnx", Usage: "write the network and its weights as an ONNX `FILE` instead"}}, Action: p.exportWorkload},
		},
	}
}

func onePlan(c *cli.Context) (*plan.Plan, error) {
	if c.NArg() != 1 {
		return nil, usage(fmt.Errorf("%s: name one workload, like resnet50/infer/b8/fp32", c.Command.Name))
	}
	id, err := plan.ParseID(c.Args().First())
	if err != nil {
		return nil, usage(err)
	}
	return plan.New(id, c.Uint64("seed"))
}

func (p *program) showWorkload(c *cli.Context) error {
	made, err := onePlan(c)
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
	counts, err := made.Network.Counts()
	if err != nil {
		return err
	}
	t := table.New("node", "operator", "output", "inputs")
	for _, n := range made.Network.Nodes {
		t.Add(n.Name, n.Op, table.Dimensions(n.Shape), strings.Join(n.Inputs, ", "))
	}
	if err := t.Write(p.stdout, p.width); err != nil {
		return err
	}
	digest, err := made.Digest()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "\n%s\ninput        %s\nparameters   %s\nMACs         %.4g G for each image's forward pass (convolutions and dense layers; one is two operations)\nactivations  %s for each image in float32\nplan         SHA-256 %s\n",
		made.Workload, table.Dimensions(made.Network.Input.Shape), table.Thousands(counts.Parameters), float64(counts.MACs)/1e9, table.Bytes(counts.ActivationBytes), digest)
	return err
}

func (p *program) exportWorkload(c *cli.Context) error {
	made, err := onePlan(c)
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
