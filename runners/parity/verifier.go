// Package parity proves, before anything is timed, that a runner computes what
// the reference computes: operator by operator, network by network, and in the
// step of the optimizer. It judges files that runners wrote; no runner judges
// itself.
package parity

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/cases"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// Verifier judges runners against the reference and remembers its verdicts.
type Verifier struct {
	CacheDir      string
	Processor     string // model of the processor: rounding may differ with it
	ReferenceKey  string // identity of the reference
	OpenReference func(ctx context.Context) (Runner, error)
	Materialize   func(ctx context.Context, p *plan.Plan) (plan.Files, error)
	Progress      func(who, what string)

	reference Runner
	cases     []cases.Case
}

// Candidate is a runner to be judged. Key is its identity: image, or adapter
// and versions of a local one; an empty key is never cached.
type Candidate struct {
	Name string
	Key  string
	Open func(ctx context.Context) (Runner, error)
}

// Close ends the reference, if it was needed.
func (v *Verifier) Close(ctx context.Context) error {
	if v.reference == nil {
		return nil
	}
	err := v.reference.Close(ctx)
	v.reference = nil
	return err
}

func (v *Verifier) tell(who, what string) {
	if v.Progress != nil {
		v.Progress(who, what)
	}
}

// Verify judges one runner on one workload. A runner that fails or refuses is
// a verdict too; an error is the reference's or the machine's.
func (v *Verifier) Verify(ctx context.Context, c Candidate, id plan.ID, seed uint64) (*Verdict, error) {
	actual, err := plan.New(id, seed)
	if err != nil {
		return nil, err
	}
	digest, err := actual.Digest()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(v.CacheDir, "verdicts", keyOf(c.Name, c.Key, digest, v.ReferenceKey, v.Processor))
	if verdict := v.remembered(c, path); verdict != nil {
		return verdict, nil
	}
	verdict, err := v.judge(ctx, c, id, actual, path+".safetensors")
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	if c.Key != "" && verdict.Parity.Status != record.ParityError {
		if err := save(path+".json", verdict); err != nil {
			return nil, err
		}
	}
	return verdict, nil
}

func (v *Verifier) remembered(c Candidate, path string) *Verdict {
	var verdict Verdict
	if c.Key == "" || !load(path+".json", &verdict) || verdict.Expected != "" && !whole(verdict.Expected) {
		return nil
	}
	verdict.Parity.Cached = true
	return &verdict
}

func (v *Verifier) judge(ctx context.Context, c Candidate, id plan.ID, actual *plan.Plan, expected string) (*Verdict, error) {
	operators, err := v.operators(ctx, c)
	if err != nil {
		return nil, err
	}
	if operators.broken != nil {
		return &Verdict{Parity: *operators.broken}, nil
	}
	verdict := &Verdict{}
	checks, err := v.workload(ctx, c, id, actual, expected, verdict)
	var fault *runnerFault
	if errors.As(err, &fault) {
		return &Verdict{Parity: fault.parity()}, nil
	}
	if err != nil {
		return nil, err
	}
	verdict.Parity = decide(append(operators.of(actual, v.cases), checks...))
	return verdict, nil
}

// workload judges the network in depth, and then at its own size.
func (v *Verifier) workload(ctx context.Context, c Candidate, id plan.ID, actual *plan.Plan, expected string, verdict *Verdict) (checks []record.Check, err error) {
	parityPlan, err := plan.Parity(id, actual.Seed)
	if err != nil {
		return nil, err
	}
	deep, err := v.consult(ctx, parityPlan, inDepth)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, deep.Close()) }()
	exact := deep
	if actual.Mode == plan.Train {
		if exact, err = v.consult(ctx, actual, forward); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, exact.Close()) }()
	}
	v.tell(c.Name, actual.Workload)
	runner, err := c.Open(ctx)
	if err != nil {
		return nil, &runnerFault{err}
	}
	defer func() { err = errors.Join(err, runner.Close(ctx)) }()
	if checks, err = v.inDepth(ctx, runner, parityPlan, deep); err != nil {
		return nil, err
	}
	more, err := v.atSize(ctx, runner, actual, exact, expected, verdict)
	return append(checks, more...), err
}

func (v *Verifier) inDepth(ctx context.Context, runner Runner, p *plan.Plan, ref *answers) ([]record.Check, error) {
	var checks []record.Check
	err := v.with(ctx, runner, p, inDepth.params, func(f *tensors.File, _ string, loaded protocol.LoadResult, verified protocol.VerifyResult) error {
		structure, err := judgeStructure(p, loaded, verified)
		if err != nil {
			return err
		}
		network, err := judgeNetwork(p, f, ref.result, ref.noisy, runner.Hello().Capabilities.RunningVariance)
		if err != nil {
			return err
		}
		checks = slices.Concat(structure, network)
		if p.Mode != plan.Train {
			return nil
		}
		update, err := judgeUpdate(p, f)
		checks = append(checks, update...)
		return err
	})
	return checks, err
}

func (v *Verifier) atSize(ctx context.Context, runner Runner, p *plan.Plan, ref *answers, expected string, verdict *Verdict) ([]record.Check, error) {
	params := protocol.VerifyParams{}
	if p.Mode == plan.Train {
		params.Steps = exactSteps
	}
	var checks []record.Check
	err := v.with(ctx, runner, p, params, func(f *tensors.File, path string, _ protocol.LoadResult, _ protocol.VerifyResult) error {
		var err error
		if checks, err = judgeExact(p, f, ref.result); err != nil {
			return err
		}
		if p.Mode == plan.Train {
			verdict.Losses, err = f.Float64s("trajectory")
			return err
		}
		verdict.Expected = expected
		return keepFile(path, expected)
	})
	return checks, err
}

// with loads a plan, verifies, and hands the file that the runner wrote over.
func (v *Verifier) with(ctx context.Context, runner Runner, p *plan.Plan, params protocol.VerifyParams,
	use func(f *tensors.File, path string, loaded protocol.LoadResult, verified protocol.VerifyResult) error) error {
	files, err := v.Materialize(ctx, p)
	if err != nil {
		return err
	}
	loaded, err := runner.Load(ctx, files)
	if err != nil {
		return &runnerFault{err}
	}
	path, verified, err := runner.Verify(ctx, params)
	if err != nil {
		return &runnerFault{err}
	}
	f, err := tensors.Open(path)
	if err != nil {
		return &runnerFault{err}
	}
	if err := errors.Join(use(f, path, loaded, verified), f.Close()); err != nil {
		return err
	}
	if err := runner.Unload(ctx); err != nil {
		return &runnerFault{err}
	}
	return nil
}

// runnerFault is an error that is the judged runner's own.
type runnerFault struct{ err error }

func (f *runnerFault) Error() string { return f.err.Error() }
func (f *runnerFault) Unwrap() error { return f.err }

// parity turns a fault into a verdict: a refusal is unsupported, anything else
// an error.
func (f *runnerFault) parity() record.Parity {
	var refused *protocol.Error
	if errors.As(f.err, &refused) && (refused.Code == protocol.Unsupported || refused.Code == protocol.DeviceUnavailable) {
		return record.Parity{Status: record.ParityUnsupported, Reason: refused.Message, Checks: []record.Check{}}
	}
	return record.Parity{Status: record.ParityError, Reason: f.err.Error(), Checks: []record.Check{}}
}

// caseResults are a runner's results of the operator cases.
type caseResults struct {
	Checks      []record.Check    // by case
	Unsupported map[string]string // case → reason
	broken      *record.Parity    // the runner did not get through them
}

// operators runs every operator case in one process, once for each runner.
func (v *Verifier) operators(ctx context.Context, c Candidate) (*caseResults, error) {
	if v.cases == nil {
		all, err := cases.All()
		if err != nil {
			return nil, err
		}
		v.cases = all
	}
	path := filepath.Join(v.CacheDir, "operators", keyOf(c.Name, c.Key, v.ReferenceKey, v.Processor, v.casesKey())+".json")
	results := &caseResults{Unsupported: map[string]string{}}
	if c.Key != "" && load(path, results) {
		return results, nil
	}
	v.tell(c.Name, fmt.Sprintf("%d operator cases", len(v.cases)))
	runner, err := c.Open(ctx)
	if err != nil {
		broken := (&runnerFault{err}).parity()
		return &caseResults{broken: &broken}, nil
	}
	err = errors.Join(v.runCases(ctx, runner, results), runner.Close(ctx))
	var fault *runnerFault
	if errors.As(err, &fault) {
		broken := fault.parity()
		return &caseResults{broken: &broken}, nil
	}
	if err == nil && c.Key != "" {
		err = save(path, results)
	}
	return results, err
}

func (v *Verifier) casesKey() string {
	var digests []string
	for _, c := range v.cases {
		digest, err := c.Plan.Digest()
		if err != nil {
			return ""
		}
		digests = append(digests, digest)
	}
	return strings.Join(digests, " ")
}

func (v *Verifier) runCases(ctx context.Context, runner Runner, results *caseResults) error {
	for _, c := range v.cases {
		ref, err := v.consult(ctx, c.Plan, caseDepth)
		if err != nil {
			return err
		}
		err = v.with(ctx, runner, c.Plan, caseDepth.params, func(f *tensors.File, _ string, _ protocol.LoadResult, _ protocol.VerifyResult) error {
			check, err := judgeOperator(c.Name, c.Plan, f, ref.result, runner.Hello().Capabilities.RunningVariance)
			results.Checks = append(results.Checks, check)
			return err
		})
		err = results.forgive(ctx, runner, c.Name, err)
		if err := errors.Join(err, ref.Close()); err != nil {
			return err
		}
	}
	return nil
}

// forgive turns a runner's refusal of one case into a result and leaves the
// session ready for the next case.
func (r *caseResults) forgive(ctx context.Context, runner Runner, name string, err error) error {
	var refused *protocol.Error
	if !errors.As(err, &refused) {
		return err
	}
	if refused.Code == protocol.Unsupported {
		r.Unsupported[name] = refused.Message
	} else {
		w := worst{check: record.Check{Layer: Operators, Name: name}}
		w.refuse(firstWords(refused.Message), errNotComparable, operatorTolerance)
		r.Checks = append(r.Checks, w.check)
	}
	return runner.Unload(ctx)
}

// firstWords keeps an exception's text readable.
func firstWords(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	return text[:min(len(text), 160)]
}

// of are the checks of the cases that bear on a plan's network, the worst one
// of each operator.
func (r *caseResults) of(p *plan.Plan, all []cases.Case) []record.Check {
	bearing := map[string]bool{}
	for _, c := range cases.For(all, &p.Network) {
		bearing[c.Name] = true
	}
	var order []string
	worstOf := map[string]record.Check{}
	for _, check := range r.Checks {
		if !bearing[check.Name] {
			continue
		}
		name, _, _ := strings.Cut(check.Name, "/")
		old, seen := worstOf[name]
		if !seen {
			order = append(order, name)
		}
		if !seen || check.Value/check.Tolerance > old.Value/old.Tolerance {
			check.Tensor = check.Name + ": " + check.Tensor
			check.Name = name
			worstOf[name] = check
		}
	}
	checks := make([]record.Check, 0, len(order))
	for _, name := range order {
		checks = append(checks, worstOf[name])
	}
	return checks
}
