package parity

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// Runner is what parity needs of a started runner.
type Runner interface {
	Hello() protocol.HelloResult
	Load(ctx context.Context, files plan.Files) (protocol.LoadResult, error)
	// Verify returns the file, on this host, that the runner wrote.
	Verify(ctx context.Context, p protocol.VerifyParams) (string, protocol.VerifyResult, error)
	Unload(ctx context.Context) error
	Close(ctx context.Context) error
}

// depth says how much of a plan the reference computes.
type depth struct {
	name   string
	params protocol.VerifyParams
	noise  int // repetitions with noise
}

var (
	inDepth   = depth{"depth", protocol.VerifyParams{Steps: trajectorySteps, Gradients: true}, noiseSeeds}
	caseDepth = depth{"case", protocol.VerifyParams{Steps: 1, Gradients: true}, 0}
	caseNoisy = depth{"case", protocol.VerifyParams{Steps: 1, Gradients: true}, caseSeeds} // of fewer bits than float32's
	forward   = depth{"forward", protocol.VerifyParams{}, 0}
)

// consult returns the reference's answers, from the cache if they are there.
func (v *Verifier) consult(ctx context.Context, p *plan.Plan, d depth) (*answers, error) {
	if d.noise == 0 && p.Quantization == nil {
		p = p.In(plan.FP32) // in float64 all precisions are one, but whole numbers are others
	}
	files, err := v.Materialize(ctx, p)
	if err != nil {
		return nil, err
	}
	base := filepath.Join(v.CacheDir, "reference",
		keyOf(v.ReferenceKey, v.Processor, d.name, files.Plan.SHA256, files.Weights.SHA256, files.Batch.SHA256, noiseKey()))
	if a := recall(base); a != nil {
		return a, nil
	}
	v.consulting.Lock()
	defer v.consulting.Unlock()
	if a := recall(base); a != nil { // somebody else asked meanwhile
		return a, nil
	}
	if err := v.compute(ctx, p, files, d, base); err != nil {
		// A reference that failed is in a state that nobody knows.
		return nil, fmt.Errorf("reference for %s: %w", p.Workload, errors.Join(err, v.dismiss(context.WithoutCancel(ctx))))
	}
	if a := recall(base); a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("reference for %s: %s changed as soon as it was written", p.Workload, base)
}

// compute asks the reference and keeps what it answers.
func (v *Verifier) compute(ctx context.Context, p *plan.Plan, files plan.Files, d depth, base string) error {
	if v.reference == nil {
		runner, err := v.OpenReference(ctx)
		if err != nil {
			return err
		}
		v.reference = runner
	}
	if reason := lacking(v.reference.Hello().Capabilities, p); reason != "" {
		return cannot("the reference, which judges, cannot: " + reason)
	}
	if _, err := v.reference.Load(ctx, files); err != nil {
		return err
	}
	path, err := v.ask(ctx, p, d, 0)
	if err != nil {
		return err
	}
	f, err := tensors.Open(path)
	if err != nil {
		return err
	}
	err = v.keep(ctx, p, d, f, base)
	if err := errors.Join(err, f.Close(), os.Remove(path)); err != nil {
		return err
	}
	return v.reference.Unload(ctx)
}

// keep repeats the computation with noise and keeps the tensors with their
// spreads.
func (v *Verifier) keep(ctx context.Context, p *plan.Plan, d depth, f *tensors.File, base string) error {
	spread := map[string]float64{}
	for seed := 1; seed <= d.noise; seed++ {
		path, err := v.ask(ctx, p, d, seed)
		if err != nil {
			return err
		}
		if err := errors.Join(widen(spread, f, path), os.Remove(path)); err != nil {
			return fmt.Errorf("with noise: %w", err)
		}
	}
	return remember(base, f, spread)
}

// ask makes the reference verify the plan that is loaded; seed 0 is exact.
func (v *Verifier) ask(ctx context.Context, p *plan.Plan, d depth, seed int) (string, error) {
	if d.name != caseDepth.name {
		v.tell("reference", fmt.Sprintf("%s in float64, run %d of %d", p.Workload, seed+1, d.noise+1))
	}
	params := d.params
	if seed > 0 {
		params.Noise = &protocol.NoiseParams{Precision: p.Precision, Seed: uint64(seed), Scale: numbersOf(p.Precision).noise}
	}
	path, _, err := v.reference.Verify(ctx, params)
	return path, err
}
