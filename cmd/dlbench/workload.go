package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/workloads/catalog"
	"github.com/dlbench/dlbench/workloads/onnx"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/suite"
)

func (p *program) workloadCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "seed of weights and batches"},
		&cli.StringFlag{Name: "input", Usage: "`CxHxW` of a file's images if it leaves them open, like 3x224x224, or CxDxHxW of volumes"},
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
