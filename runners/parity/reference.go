package parity

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// Runner is what parity needs of a started runner.
type Runner interface {
	Hello() protocol.HelloResult
	Load(ctx context.Context, files plan.Files) (protocol.LoadResult, error)
	Verify(ctx context.Context, p protocol.VerifyParams) (string, protocol.VerifyResult, error)
	Unload(ctx context.Context) error
	Close(ctx context.Context) error
}

// answers are the reference's files for a plan: the result in float64 and its
// repetitions with rounding-sized noise.
type answers struct {
	result *tensors.File
	noisy  []*tensors.File
}

func (a *answers) Close() error {
	faults := []error{a.result.Close()}
	for _, f := range a.noisy {
		faults = append(faults, f.Close())
	}
	return errors.Join(faults...)
}

// depth says how much of a plan the reference computes.
type depth struct {
	name   string
	params protocol.VerifyParams
	noise  bool
}

var (
	inDepth   = depth{"depth", protocol.VerifyParams{Steps: trajectorySteps, Gradients: true}, true}
	caseDepth = depth{"case", protocol.VerifyParams{Steps: 1, Gradients: true}, false}
	forward   = depth{"forward", protocol.VerifyParams{}, false}
)

// consult returns the reference's answers, from the cache where they are.
func (v *Verifier) consult(ctx context.Context, p *plan.Plan, d depth) (*answers, error) {
	files, err := v.Materialize(ctx, p)
	if err != nil {
		return nil, err
	}
	key := keyOf("reference", v.ReferenceKey, d.name, files.Plan.SHA256, files.Weights.SHA256, files.Batch.SHA256)
	path := func(run int) string {
		return filepath.Join(v.CacheDir, "reference", fmt.Sprintf("%s-%d.safetensors", key, run))
	}
	runs := 1
	if d.noise {
		runs += noiseSeeds
	}
	if err := v.fill(ctx, p, files, d, runs, path); err != nil {
		return nil, fmt.Errorf("reference for %s: %w", p.Workload, err)
	}
	return open(runs, path)
}

// fill computes the runs that are not in the cache yet.
func (v *Verifier) fill(ctx context.Context, p *plan.Plan, files plan.Files, d depth, runs int, path func(int) string) error {
	loaded := false
	for run := range runs {
		if whole(path(run)) {
			continue
		}
		if v.reference == nil {
			runner, err := v.OpenReference(ctx)
			if err != nil {
				return err
			}
			v.reference = runner
		}
		if !loaded {
			if _, err := v.reference.Load(ctx, files); err != nil {
				return err
			}
			loaded = true
		}
		params := d.params
		if run > 0 {
			params.Noise = &protocol.NoiseParams{Precision: p.Precision, Seed: uint64(run)}
		}
		if d.name != caseDepth.name {
			v.tell("reference", fmt.Sprintf("%s in float64, run %d of %d", p.Workload, run+1, runs))
		}
		file, _, err := v.reference.Verify(ctx, params)
		if err != nil {
			return err
		}
		if err := keepFile(file, path(run)); err != nil {
			return err
		}
	}
	if loaded {
		return v.reference.Unload(ctx)
	}
	return nil
}

func open(runs int, path func(int) string) (*answers, error) {
	a := &answers{}
	for run := range runs {
		f, err := tensors.Open(path(run))
		if err != nil {
			return nil, err
		}
		if run == 0 {
			a.result = f
		} else {
			a.noisy = append(a.noisy, f)
		}
	}
	return a, nil
}
