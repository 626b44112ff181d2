package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/workloads/onnx"
	"github.com/dlbench/dlbench/workloads/plan"
)

func (p *program) exportWorkload(c *cli.Context) error {
	if err := tryFiles(c, "onnx"); err != nil {
		return err
	}
	made, _, err := onePlan(c)
	if err != nil {
		return err
	}
	if path := c.String("onnx"); path != "" {
		if made.Quantization != nil {
			return usage(fmt.Errorf("export %s: a quantised graph is not exported as ONNX; ask for fp32, or for the plan's files without --onnx", made.Workload))
		}
		return p.exportONNX(path, made)
	}
	dir, err := claimDir(c.String("out"))
	if err != nil {
		return err
	}
	defer dir.release()
	files, err := plan.Materialize(c.Context, dir.path, made)
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
		e.Origin.LearningRate, e.Origin.Loss = made.Training.Optimizer.LearningRate, made.Training.Loss
		e.Origin.DiceBatch = made.Training.Dice != nil && made.Training.Dice.Batch
	}
	if err := onnx.Write(path, e); err != nil {
		return unwritten(err)
	}
	_, err := fmt.Fprintf(p.stdout, "%s: %s as ONNX, with its weights and an open batch\n", path, made.Workload)
	return err
}
