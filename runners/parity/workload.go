package parity

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// workload judges the network in depth, and then at its own size.
func (v *Verifier) workload(ctx context.Context, c Candidate, actual, deep *plan.Plan, expected string, verdict *Verdict) (checks []record.Check, err error) {
	inside, err := v.consult(ctx, deep, inDepth)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, inside.Close()) }()
	whole, err := v.consultWhole(ctx, actual, inside, verdict)
	if err != nil {
		return nil, err
	}
	if whole != nil && whole != inside {
		defer func() { err = errors.Join(err, whole.Close()) }()
	}
	v.tell(c.Name, actual.Workload)
	runner, err := c.Open(ctx)
	if err != nil {
		return nil, &runnerFault{err}
	}
	defer func() { err = errors.Join(err, runner.Close(ctx)) }()
	if reason := lacking(runner.Hello().Capabilities, actual); reason != "" {
		return nil, cannot(reason)
	}
	if checks, err = v.inDepth(ctx, runner, deep, inside); err != nil {
		return nil, err
	}
	more, err := v.atSize(ctx, runner, actual, whole, spreadOf(checks), expected, verdict)
	return append(checks, more...), err
}

// consultWhole are the reference's answers at the workload's own size: of the
// whole batch if that is affordable, else of its first images, else none.
func (v *Verifier) consultWhole(ctx context.Context, actual *plan.Plan, inside *answers, verdict *Verdict) (*answers, error) {
	can, err := affordable(actual)
	if err != nil {
		return nil, err
	}
	switch {
	case can:
		return v.consult(ctx, actual, forward)
	case actual.Mode == plan.Infer:
		return inside, nil
	}
	verdict.Notes = append(verdict.Notes, fmt.Sprintf("%s is too large for the reference: the outputs were judged only at the smaller size", actual.Workload))
	return nil, nil
}

func (v *Verifier) inDepth(ctx context.Context, runner Runner, p *plan.Plan, ref *answers) ([]record.Check, error) {
	var structure, network, update []record.Check
	err := v.with(ctx, runner, p, inDepth.params, func(w written) (err error) {
		if structure, err = judgeStructure(p, w.loaded, w.verified); err != nil {
			return err
		}
		if network, err = judgeNetwork(p, w.file, ref, runner.Hello().Capabilities.RunningVariance); err != nil {
			return err
		}
		if p.Mode == plan.Train {
			update, err = judgeUpdate(p, w.file)
		}
		return err
	})
	return slices.Concat(structure, network, update), err
}

// spreadOf is what noise moved the outputs by, as the checks in depth tell it.
func spreadOf(checks []record.Check) float64 {
	for _, c := range checks {
		if c.Layer == Network && c.Name == outputs {
			return c.Spread
		}
	}
	return 0
}

// atSize judges the plan that will be timed, and keeps what its timed processes
// have to put out.
func (v *Verifier) atSize(ctx context.Context, runner Runner, p *plan.Plan, ref *answers, spread float64, expected string, verdict *Verdict) ([]record.Check, error) {
	params := protocol.VerifyParams{}
	if p.Mode == plan.Train {
		params.Steps = exactSteps
	}
	var checks []record.Check
	err := v.with(ctx, runner, p, params, func(w written) error {
		var err error
		if ref != nil {
			if checks, err = judgeExact(p, w.file, ref.file, spread); err != nil {
				return err
			}
		}
		if p.Mode == plan.Train {
			verdict.Losses, err = read(w.file, trajectory, []int{exactSteps})
			if errors.Is(err, errNotComparable) || finite(verdict.Losses) != nil {
				verdict.Losses = nil // judgeExact has said why, and no timed loss will match
				err = nil
			}
			return err
		}
		verdict.Expected = expected
		verdict.ExpectedSHA256, err = keepFile(w.path, expected)
		return err
	})
	return checks, err
}

// written is what a runner answered to a plan.
type written struct {
	file     *tensors.File
	path     string
	loaded   protocol.LoadResult
	verified protocol.VerifyResult
}

// with loads a plan, verifies, and hands over what the runner wrote.
func (v *Verifier) with(ctx context.Context, runner Runner, p *plan.Plan, params protocol.VerifyParams, use func(written) error) error {
	files, err := v.Materialize(ctx, p)
	if err != nil {
		return err
	}
	var w written
	if w.loaded, err = runner.Load(ctx, files); err != nil {
		return &runnerFault{err}
	}
	if w.path, w.verified, err = runner.Verify(ctx, params); err != nil {
		return &runnerFault{err}
	}
	if w.file, err = tensors.Open(w.path); err != nil {
		return &runnerFault{err}
	}
	// Files of large networks are gigabytes: each goes as soon as it is judged.
	if err := errors.Join(use(w), w.file.Close(), os.Remove(w.path)); err != nil {
		return err
	}
	if err := runner.Unload(ctx); err != nil {
		return &runnerFault{err}
	}
	return nil
}
